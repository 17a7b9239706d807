// The runs table: ticks, rows of a group shown in place, and the filter's mark when it is wrong.
(() => {
  "use strict";
  const ticks = () => [...document.querySelectorAll('input[name="runs"]')];

  function count() {
    const said = document.getElementById("runs-ticked");
    if (!said) return;
    const all = ticks();
    const number = all.filter((tick) => tick.checked).length;
    said.textContent = number === 0 ? "With the ticked runs:"
      : `With ${number} ticked run${number === 1 ? "" : "s"}:`;
    const every = document.getElementById("runs-all");
    every.checked = number > 0 && number === all.length;
    every.indeterminate = number > 0 && number < all.length;
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "runs-all") {
      for (const tick of ticks()) tick.checked = event.target.checked;
    } else if (event.target.name !== "runs") return;
    count();
  });

  // Shift with a click ticks all rows from the last one that was clicked.
  let last = null;
  document.addEventListener("click", (event) => {
    if (event.target.name === "runs") {
      const all = ticks();
      const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) {
        for (const tick of all.slice(from, to + 1)) tick.checked = event.target.checked;
        count();
      }
      last = event.target;
    }
    const button = event.target.closest(".runs-open");
    if (button) toggle(button);
  });

  function toggle(button) {
    const rows = document.getElementById(button.getAttribute("aria-controls"));
    const opens = button.getAttribute("aria-expanded") === "false";
    button.setAttribute("aria-expanded", String(opens));
    rows.hidden = !opens;
    if (opens && !rows.firstElementChild) {
      window.htmx.ajax("GET", location.pathname + button.dataset.rows, { target: rows, swap: "innerHTML" });
    }
  }

  document.addEventListener("htmx:afterSwap", () => {
    const where = document.getElementById("runs-where");
    const errors = document.getElementById("runs-errors");
    if (!where || !errors) return;
    where.toggleAttribute("aria-invalid", false);
    if (errors.querySelector("li")) where.setAttribute("aria-invalid", "true");
    count();
  });
})();
