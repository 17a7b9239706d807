/* Curves of one run or of many: reads #curve-controls, asks /api/v1/compare for what is in view,
   draws a chart a metric into #curve-charts, and keeps all of it in the address.

   <form id="curve-controls" data-source="ADDRESS?runs=…" data-live>   asks again every 15 s if live
   <script id="run-curves">                       names of metrics, where the form does not choose
   <fieldset id="curve-runs"> input[data-run data-label data-colour data-dash]     what is shown */
(() => {
  "use strict";
  const LIVE_MS = 15_000;
  const SETTLE_MS = 250; // a slider that is dragged asks once
  const form = document.getElementById("curve-controls");
  const place = document.getElementById("curve-charts");
  if (!form || !place) return;
  const runInputs = [...document.querySelectorAll("#curve-runs input[data-run]")];
  const groupLegend = document.getElementById("curve-groups");
  const lines = new Map(runInputs.map((input) => [input.dataset.run, {
    label: input.dataset.label, colour: Number(input.dataset.colour), dash: Number(input.dataset.dash),
  }]));
  const charts = new Map();
  const { COLOURS, DASHES } = queuecast.curveFigure;

  function metrics() {
    const told = document.getElementById("run-curves");
    return told ? JSON.parse(told.textContent) : new FormData(form).getAll("metric");
  }

  function edge(name) {
    const value = form.elements[name].value;
    return value === "" ? null : Number(value);
  }

  const hidden = () => runInputs.filter((input) => !input.checked).map((input) => input.dataset.run);
  const TAIL = -12; // of an id, in the address: enough to tell 50 runs apart, as in compare_rows

  function look() {
    const notShown = new Set(hidden());
    return {
      axis: form.elements.x.value,
      isLog: form.elements.log.checked,
      from: edge("from_x"),
      to: edge("to_x"),
      lineOf: (run) => lines.get(run) || { label: "this run", colour: 1, dash: 0 },
      lineOfGroup: (group, index) => ({
        label: `${group.label} (n = ${group.run_ids.length})`, colour: (index % COLOURS) + 1,
        dash: (index + Math.floor(index / COLOURS)) % DASHES.length,
      }),
      isShown: (run) => !notShown.has(run),
    };
  }

  function sourceOf(metric) {
    const said = new FormData(form);
    const query = new URLSearchParams({ metric, x: said.get("x") });
    if (Number(said.get("smoothing"))) query.set("smoothing", said.get("smoothing"));
    for (const by of said.getAll("group_by")) query.append("group_by", by);
    if (query.has("group_by")) query.set("band", said.get("band"));
    for (const name of ["from_x", "to_x"]) if (said.get(name)) query.set(name, said.get(name));
    return `${form.dataset.source}&${query}`;
  }

  // --- one chart: what it was last told, and whether that still is what the controls say
  async function refresh(chart) {
    const source = sourceOf(chart.metric);
    const known = chart.answer && chart.source === source ? { "If-None-Match": chart.etag } : {};
    chart.asking?.abort();
    chart.asking = new AbortController();
    try {
      const answer = await fetch(source, { headers: known, cache: "no-store", signal: chart.asking.signal });
      if (answer.status === 304) return;
      if (!answer.ok) throw new Error((await answer.json()).detail);
      Object.assign(chart, { source, etag: answer.headers.get("ETag"), answer: await answer.json() });
      draw(chart);
    } catch (error) {
      if (error.name !== "AbortError") chart.view.say(`Not up to date: ${error.message || "no answer"}`);
    }
  }

  function draw(chart) {
    if (!chart.answer || !chart.isInView) return;
    const [told] = chart.answer.charts;
    tellGroups(told.groups);
    chart.view.show(told, look());
  }

  function update(chart) {
    if (!chart.isInView) return;
    if (chart.source === sourceOf(chart.metric)) draw(chart);
    else refresh(chart);
  }

  const inView = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const chart = charts.get(target.dataset.name);
      if (!chart) continue;
      chart.isInView = isIntersecting;
      if (isIntersecting) update(chart);
    }
  }, { rootMargin: "200px" });

  function chartOf(metric) {
    const known = charts.get(metric);
    if (known) return known;
    const chart = { metric, view: queuecast.curveChart(metric, { onZoom: zoom }), isInView: false };
    charts.set(metric, chart);
    return chart;
  }

  // --- all charts
  function arrange() {
    const names = metrics();
    for (const [name, chart] of charts) {
      if (names.includes(name)) continue;
      inView.unobserve(chart.view.element);
      chart.view.element.remove();
      charts.delete(name);
    }
    names.forEach((name, at) => {
      const { element } = chartOf(name).view;
      if (place.children[at] !== element) place.insertBefore(element, place.children[at] || null);
      inView.observe(element);
    });
    const part = document.getElementById("curve-part");
    if (part) part.hidden = names.length === 0;
    const none = document.getElementById("no-metric");
    if (none) none.hidden = names.length > 0;
    const counted = document.getElementById("metrics-chosen");
    if (counted) counted.textContent = names.length;
  }

  function showAll() {
    arrange();
    const smoothing = Number(form.elements.smoothing.value);
    document.getElementById("curve-smooth-value").textContent = smoothing ? smoothing : "off";
    const isGrouped = new FormData(form).has("group_by");
    document.getElementById("curve-runs")?.toggleAttribute("hidden", isGrouped);
    groupLegend?.toggleAttribute("hidden", !isGrouped);
    showEdges();
    for (const chart of charts.values()) update(chart);
  }

  function updateAll() {
    queuecast.address.keep(form, runInputs.length ? { hidden: hidden().map((run) => run.slice(TAIL)).join(",") } : {});
    showAll();
  }

  function tellGroups(groups) {
    if (!groupLegend || !groups.length) return;
    const items = groups.map((group, index) => {
      const line = look().lineOfGroup(group, index);
      const item = document.createElement("li");
      const swatch = document.querySelector(".line-swatch").cloneNode(true);
      swatch.setAttribute("class", `line-swatch series-${line.colour} dash-${line.dash}`);
      item.append(swatch, line.label);
      return item;
    });
    groupLegend.replaceChildren(...items);
  }

  // --- the stretch that is looked at
  function zoom(...ends) {
    ["from_x", "to_x"].forEach((name, at) => {
      // Whole steps, or milliseconds: a drag has no more of them to tell.
      const digits = form.elements.x.value === "step" ? 0 : 3;
      form.elements[name].value = ends[at] === null ? "" : Number(ends[at].toFixed(digits));
    });
    updateAll();
  }

  const edges = [...form.querySelectorAll("[data-edge]")];

  function showEdges() {
    const scale = queuecast.scale(form.elements.x.value);
    for (const input of edges) {
      input.type = scale.input;
      if (scale.input === "datetime-local") input.step = 1;
      const value = form.elements[input.dataset.edge].value;
      if (input !== document.activeElement) input.value = value === "" ? "" : scale.text(Number(value));
    }
    document.getElementById("curve-unit").textContent = scale.unit;
  }

  function readEdge(input) {
    const scale = queuecast.scale(form.elements.x.value);
    const value = scale.read(input.value);
    input.setAttribute("aria-invalid", value === null && input.value.trim() !== "");
    form.elements[input.dataset.edge].value = value ?? "";
    updateAll();
  }

  let settling = null;
  form.addEventListener("input", (event) => {
    if (event.target.dataset.edge) return;
    if (event.target.name === "x") form.elements.from_x.value = form.elements.to_x.value = "";
    clearTimeout(settling);
    settling = setTimeout(updateAll, event.target.type === "range" ? SETTLE_MS : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const input of edges) input.addEventListener("change", () => readEdge(input));
  for (const input of runInputs) input.addEventListener("input", updateAll);

  // Whoever points at a run in the legend, or comes to it by keyboard, sees its line alone.
  let markedOut = null;
  function markOut(run) {
    if (run === markedOut) return;
    markedOut = run;
    for (const chart of charts.values()) if (chart.isInView) chart.view.markOut(run);
  }
  for (const input of runInputs) {
    const label = input.closest("label");
    for (const name of ["mouseenter", "focusin"]) label.addEventListener(name, () => markOut(input.dataset.run));
    for (const name of ["mouseleave", "focusout"]) label.addEventListener(name, () => markOut(null));
  }
  document.getElementById("curve-whole").addEventListener("click", () => zoom(null, null));

  // --- what is logged meanwhile
  const isOver = ({ answer }) => answer && !answer.runs.some((run) => run.is_open);

  function lookAgain() {
    if (document.hidden || [...charts.values()].some(isOver)) return;
    for (const chart of charts.values()) if (chart.isInView) refresh(chart);
  }
  if ("live" in form.dataset) setInterval(lookAgain, LIVE_MS);
  // The page of a run says itself when something is new, at its end as well.
  document.addEventListener("htmx:afterSwap", () => {
    arrange();
    for (const chart of charts.values()) if (chart.isInView) refresh(chart);
  });
  showAll();
})();
