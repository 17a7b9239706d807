/* Parallel coordinates in SVG: queuecast.parallel(host, {columns, runs, isWithin, onRange, onWord})

   columns  of compare_numbers.js, one axis each      runs  [{colour}], a line each
   isWithin(row)              whether a run is drawn as chosen
   onRange(column, low, high) an axis of numbers was dragged along; null: to its end, or clicked
   onWord(column, word)       a word of an axis of words was clicked */
queuecast.parallel = (() => {
  "use strict";
  const TOP = 28;
  const HEIGHT = 250;
  const SIDE = 58; // right of the last axis: its ticks; left of the first there is nothing
  const AXIS_MIN = 92; // px between two axes: room for the ticks of one
  const LETTER = 7.6; // px of a letter of an axis' name, and a little room
  const DRAGGED = 0.02; // of an axis: less is a click
  const NEAR_END = 0.03;
  const WORDS_MAX = 14; // ticks; more would lie on each other

  function svg(tag, fields, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(fields)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const y = (place) => TOP + (1 - place) * HEIGHT;
  const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

  // A gap where a run has no value: its line ends before and begins after it.
  function path(columns, row, x) {
    let isOn = false;
    return columns.map((column, at) => {
      const place = column.at(column.values[row]);
      const step = place === null ? "" : `${isOn ? "L" : "M"}${x(at)} ${y(place).toFixed(1)}`;
      isOn = place !== null;
      return step;
    }).join("");
  }

  function axis(column, { x, room, isLast }, told) {
    const labels = column.ticks.length > WORDS_MAX ? [column.ticks[0], column.ticks[column.ticks.length - 1]] : column.ticks;
    const name = svg("text", { x, y: 14, class: "parallel-name", "text-anchor": isLast ? "middle" : "start" }, short(column.name, Math.floor(room / LETTER)));
    name.append(svg("title", {}, column.name + (column.isLog ? ", log scale" : "")));
    const hit = svg("rect", { x: x - 16, y: TOP - 8, width: 32, height: HEIGHT + 16, class: "parallel-hit" });
    listen(hit, column, told);
    return svg("g", {},
      name,
      svg("path", { d: `M${x} ${y(1)}V${y(0)}`, class: "parallel-axis" }),
      ...labels.map(([place, text]) => svg("text", { x: x + 5, y: y(place) + 4, class: "parallel-tick" }, short(text, 11))),
      hit);
  }

  function listen(hit, column, { onRange, onWord }) {
    let start = null;
    const placeOf = (event) => {
      const box = hit.ownerSVGElement.getBoundingClientRect();
      return Math.min(1, Math.max(0, 1 - (event.clientY - box.top - TOP) / HEIGHT));
    };
    hit.addEventListener("pointerdown", (event) => {
      start = placeOf(event);
      hit.setPointerCapture(event.pointerId);
    });
    hit.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const [low, high] = [start, placeOf(event)].sort((one, other) => one - other);
      start = null;
      if (column.words) onWord(column, column.from(high));
      else if (high - low < DRAGGED) onRange(column, null, null);
      else onRange(column, low < NEAR_END ? null : column.from(low), high > 1 - NEAR_END ? null : column.from(high));
    });
  }

  return (host, { columns, runs, isWithin, ...told }) => {
    const width = Math.max(host.clientWidth, SIDE + AXIS_MIN * (columns.length - 1));
    const gap = columns.length > 1 ? (width - SIDE) / (columns.length - 1) : 0;
    const x = (at) => Math.round(gap ? 8 + at * gap : width / 2);
    const height = TOP + HEIGHT + 12;
    const rows = runs.map((_, row) => row).sort((one, other) => isWithin(one) - isWithin(other));
    const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
      ...rows.map((row) => svg("path", {
        d: path(columns, row, x), class: `parallel-line series-${runs[row].colour}${isWithin(row) ? "" : " parallel-out"}`,
      })),
      ...columns.map((column, at) => axis(column, { x: x(at), room: gap || width, isLast: at > 0 && at === columns.length - 1 }, told)));
    picture.setAttribute("aria-label", `A line for each of ${runs.length} runs over ${columns.map((one) => one.name).join(", ")}; the table below has the numbers`);
    host.replaceChildren(picture);
  };
})();
