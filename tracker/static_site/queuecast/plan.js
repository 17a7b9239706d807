/* The time line is as high as it has bars. Load before the page is drawn, with charts.js. */
(() => {
  "use strict";
  const BAR_REM = 1.4;
  const REST_REM = 6; // axis and legend

  function fitHeights(root) {
    root.querySelectorAll(".chart-box[data-bars]").forEach((box) => {
      box.style.height = `${Math.max(10, BAR_REM * Number(box.dataset.bars) + REST_REM)}rem`;
    });
  }

  // Deferred: the document is parsed, and charts.js draws only after this ran.
  fitHeights(document);
  document.addEventListener("htmx:afterSwap", (event) => fitHeights(event.target.parentElement || document));
})();
