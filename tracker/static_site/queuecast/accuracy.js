/* Figures that need nothing but drawing:
   {{ figure|json_script:"ID" }} <div class="chart-box" data-figure="ID" …></div> */
(() => {
  "use strict";
  document.addEventListener("htmx:load", (event) => {
    for (const box of event.target.querySelectorAll("[data-figure]")) {
      window.queuecast.draw(box, JSON.parse(document.getElementById(box.dataset.figure).textContent));
    }
  });
})();
