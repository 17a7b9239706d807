/* The time line of planned starts:
   {{ figure|json_script:"ID" }} <div class="chart-box" data-time-line="ID" …></div>
   Its times come in UTC and are drawn in the reader's zone; it is as high as it has bars. */
(() => {
  "use strict";
  const BAR_REM = 1.4;
  const REST_REM = 5; // axis and legend

  // Plotly draws a date as it is written, so write it as the reader's clock shows it.
  function local(iso) {
    const moment = new Date(iso);
    return new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  }

  function drawTimeLine(box) {
    const figure = JSON.parse(document.getElementById(box.dataset.timeLine).textContent);
    for (const trace of figure.data) {
      if (trace.base) trace.base = trace.base.map(local);
      else trace.x = trace.x.map((at) => at && local(at));
    }
    const { xaxis, yaxis } = figure.layout;
    xaxis.range = xaxis.range.map(local);
    box.style.height = `${Math.max(10, BAR_REM * yaxis.categoryarray.length + REST_REM)}rem`;
    window.queuecast.draw(box, figure);
  }

  document.addEventListener("htmx:load", (event) => {
    event.target.querySelectorAll("[data-time-line]").forEach(drawTimeLine);
  });
})();
