/* The curves of a run: one chart a metric, in <div id="curve-charts">, from <script id="run-curves">
   as [{name, step, time, value}]. Values that are not finite come as strings and are marked.
   Controls: #curve-log, #curve-smooth (0 to 0.99), #curve-x (step or time). */
(() => {
  "use strict";
  const charts = document.getElementById("curve-charts");
  const logAxis = document.getElementById("curve-log");
  const smoothing = document.getElementById("curve-smooth");
  const smoothingShown = document.getElementById("curve-smooth-value");
  const xChoice = document.getElementById("curve-x");
  let curves = [];

  const isNumber = (value) => typeof value === "number";

  // Exponential moving average, corrected for its start; what is not finite leaves it as it was.
  function smooth(values, weight) {
    let sum = 0;
    let mass = 0;
    return values.map((value) => {
      if (!isNumber(value)) return null;
      sum = weight * sum + (1 - weight) * value;
      mass = weight * mass + (1 - weight);
      return sum / mass;
    });
  }

  function timeUnit(curve) {
    const seconds = curve.time.length ? curve.time[curve.time.length - 1] - curve.time[0] : 0;
    if (seconds < 120) return ["s", 1];
    return seconds < 7200 ? ["min", 60] : ["h", 3600];
  }

  function axis(curve) {
    if (xChoice.value === "step") return { x: curve.step, title: "step" };
    const [unit, size] = timeUnit(curve);
    return { x: curve.time.map((at) => (at - curve.time[0]) / size), title: `${unit} since the first point` };
  }

  function figure(curve) {
    const { x, title } = axis(curve);
    const weight = Number(smoothing.value);
    const finite = curve.value.map((value) => (isNumber(value) ? value : null));
    const lone = finite.filter((value) => value !== null).length < 3;
    const line = {
      x, y: finite, name: curve.name, mode: lone ? "lines+markers" : "lines",
      line: { color: "var(--series-1)", width: 2 }, opacity: weight ? 0.3 : 1,
      hovertemplate: `${xChoice.value} %{x}: %{y}<extra></extra>`,
    };
    const data = [line];
    if (weight) {
      data.push({
        ...line, y: smooth(curve.value, weight), opacity: 1,
        hovertemplate: `${xChoice.value} %{x}: %{y} smoothed<extra></extra>`,
      });
    }
    const strange = curve.value.flatMap((value, index) => (isNumber(value) ? [] : [index]));
    if (strange.length) data.push(markers(curve, x, strange));
    return {
      data,
      layout: {
        showlegend: false,
        xaxis: { title: { text: title } },
        yaxis: { type: logAxis.checked ? "log" : "linear" },
        // Not finite, so without a height: these stand along the lower edge.
        yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
      },
    };
  }

  function markers(curve, x, indexes) {
    return {
      x: indexes.map((index) => x[index]),
      y: indexes.map(() => 0.03),
      yaxis: "y2",
      mode: "markers",
      marker: { symbol: "x", size: 9, color: "var(--bad)" },
      text: indexes.map((index) => `${curve.value[index]} at step ${curve.step[index]}`),
      hovertemplate: "%{text}<extra></extra>",
    };
  }

  function element(tag, fields, ...children) {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...children);
    return made;
  }

  // A thousand rows for each curve would weigh the page down: written when first looked at.
  function fillTable(box, curve) {
    const head = element("tr", {}, ...["Step", "Time", "Value"].map((text) =>
      element("th", { scope: "col", textContent: text })));
    const rows = curve.step.map((step, index) => element("tr", {},
      element("td", { textContent: step }),
      element("td", { textContent: new Date(curve.time[index] * 1000).toLocaleString() }),
      element("td", { textContent: String(curve.value[index]) })));
    box.replaceChildren(element("table", { className: "table" },
      element("thead", {}, head), element("tbody", {}, ...rows)));
  }

  function addChart(curve) {
    const box = element("div", { className: "chart-box chart-box-low" });
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `Curve of ${curve.name}; its numbers are in the table below it`);
    const table = element("div", { className: "table-region table-region-tall", tabIndex: 0 });
    table.setAttribute("role", "region");
    table.setAttribute("aria-label", `Points of ${curve.name}`);
    const fold = element("details", { className: "fold" },
      element("summary", { textContent: "Numbers" }), table);
    fold.addEventListener("toggle", () => {
      if (fold.open) fillTable(table, curves.find((one) => one.name === curve.name));
    });
    const chart = element("figure", { className: "chart" },
      element("figcaption", { textContent: curve.name }), box, fold);
    chart.dataset.name = curve.name;
    charts.append(chart);
    return chart;
  }

  function drawAll() {
    smoothingShown.textContent = smoothing.value === "0" ? "off" : smoothing.value;
    for (const curve of curves) {
      const known = [...charts.children].find((chart) => chart.dataset.name === curve.name);
      const chart = known || addChart(curve);
      queuecast.draw(chart.querySelector(".chart-box"), figure(curve));
      const fold = chart.querySelector("details");
      if (fold.open) fillTable(fold.querySelector(".table-region"), curve);
    }
  }

  function read() {
    const source = document.getElementById("run-curves");
    curves = source ? JSON.parse(source.textContent) : [];
    document.getElementById("curve-part").hidden = curves.length === 0;
    drawAll();
  }

  for (const control of [logAxis, smoothing, xChoice]) control.addEventListener("input", drawAll);
  document.addEventListener("htmx:afterSwap", read);
  read();
})();
