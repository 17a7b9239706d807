/* The planning page's figures of plotly, and answers that grow while they are read.

   {{ figure|json_script:"ID" }}
   <div class="chart-box" data-plan-figure="ID" …></div>
   <div class="chart-box" data-time-line="ID" …></div>   as high as it has bars

   Times come in UTC and are drawn in the reader's zone. */
(() => {
  "use strict";
  const BAR_REM = 1.4;
  const REST_REM = 5; // axis and legend
  const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";
  const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

  // Plotly draws a date as it is written, so write it as the reader's clock shows it.
  function local(iso) {
    const moment = new Date(iso);
    return new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  }

  // An hour of the heat strip: where it stands by the reader's clock.
  function splitHours(trace) {
    const hours = trace.x.map((iso) => new Date(iso));
    trace.x = hours.map((hour) => hour.getHours());
    trace.y = hours.map((hour) => dayName.format(hour));
  }

  function localise({ data, layout }) {
    for (const trace of data) {
      if (trace.type === "heatmap") splitHours(trace);
      else if (trace.base) trace.base = trace.base.map(local);
      else {
        for (const axis of ["x", "y"]) {
          if (layout[`${axis}axis`].type === "date") trace[axis] = trace[axis].map((at) => at && local(at));
        }
      }
    }
    for (const axis of [layout.xaxis, layout.yaxis]) {
      if (axis.type === "date" && axis.range) axis.range = axis.range.map(local);
    }
  }

  function draw(box, id) {
    const figure = JSON.parse(document.getElementById(id).textContent);
    localise(figure);
    if (box.dataset.timeLine) {
      const bars = figure.layout.yaxis.categoryarray.length;
      box.style.height = `${Math.max(10, BAR_REM * bars + REST_REM)}rem`;
    }
    window.queuecast.draw(box, figure);
  }

  document.addEventListener("htmx:load", (event) => {
    event.target.querySelectorAll("[data-time-line]").forEach((box) => draw(box, box.dataset.timeLine));
    event.target.querySelectorAll("[data-plan-figure]").forEach((box) => draw(box, box.dataset.planFigure));
  });

  /* A newer answer replaces the one that is being read: what was opened stays open, and the
     keyboard stays where it was. */
  let place = null;

  // What a control is to whoever uses it: its place may be another's in the newer answer.
  function nameOf(control) {
    const own = control.id || (control.matches("summary") && control.parentElement.id);
    const choice = control.type === "radio" ? control.value : "";
    return own || [control.tagName, control.name, choice, control.textContent.trim()].join(" ");
  }

  function named(name, root) {
    return [...root.querySelectorAll(FOCUSABLE)].filter((control) => nameOf(control) === name);
  }

  function placeIn(answer) {
    const focused = document.activeElement;
    const name = answer.contains(focused) && focused !== answer ? nameOf(focused) : null;
    return {
      open: [...answer.querySelectorAll("details[open][id]")].map((fold) => fold.id),
      name,
      nth: name && named(name, answer).indexOf(focused),
      scrolled: [...answer.querySelectorAll(".table-region")].map((region) => [region.scrollLeft, region.scrollTop]),
    };
  }

  function returnTo({ open, name, nth, scrolled }, answer) {
    for (const id of open) {
      const fold = document.getElementById(id);
      if (fold) fold.open = true;
    }
    answer.querySelectorAll(".table-region").forEach((region, index) => {
      if (scrolled[index]) [region.scrollLeft, region.scrollTop] = scrolled[index];
    });
    if (name) (named(name, answer)[nth] || answer).focus({ preventScroll: true });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "answer" && event.detail.shouldSwap) place = placeIn(event.target);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "answer" && place) returnTo(place, event.target);
    place = null;
  });

  // The link of an option leads into a fold in a fold: open both first.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#use-"]');
    const target = link && document.getElementById(link.hash.slice(1));
    for (let fold = target; fold; fold = fold.parentElement) {
      if (fold.matches("details")) fold.open = true;
    }
  });
})();
