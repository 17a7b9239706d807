/* Settings against a metric: scatter, parallel coordinates, and the table of the same numbers,
   whose second row of heads chooses among the runs. From <script id="compare-numbers">. */
(() => {
  "use strict";
  const AXES_AT_FIRST = 5;
  const source = document.getElementById("compare-numbers");
  if (!source) return;
  const numbers = JSON.parse(source.textContent);
  const form = document.getElementById("numbers-controls");
  const table = document.getElementById("numbers-table");
  const scatter = document.getElementById("scatter");
  const parallel = document.getElementById("parallel");
  const within = document.getElementById("numbers-within");
  const { say, ofSetting, ofMetric } = queuecast.column;
  const runs = numbers.runs;
  const settings = numbers.keys.map((key) => ofSetting(numbers, key));
  const isSeed = (key) => key.split(".").pop() === "seed";

  function element(tag, fields = {}, ...children) {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...children);
    return made;
  }

  const value = (name) => form.elements[name].value;
  const metricColumn = (name) => ofMetric(numbers, name, value("stat"));
  const yColumn = () => metricColumn(value("y"));

  function xColumn() {
    const [kind, at] = value("against").split(":");
    return kind === "metric" ? metricColumn(numbers.metrics[at]) : settings[at];
  }

  function axes() {
    const chosen = new Set(new FormData(form).getAll("axis"));
    return [...settings.filter((column) => chosen.has(column.name)), yColumn()];
  }

  // --- choosing runs: a range of numbers or one word for each column of the table
  const filterNames = (column) => ({ least: `least ${column.name}`, most: `most ${column.name}`, only: `only ${column.name}` });
  const filterOf = (name) => form.elements[name]?.value ?? queuecast.address.told(name)[0] ?? "";

  function holds(column, row) {
    const own = column.values[row];
    const { least, most, only } = filterNames(column);
    if (column.words) return filterOf(only) === "" || (own !== null && say(own) === filterOf(only));
    const [low, high] = [filterOf(least), filterOf(most)];
    if (low === "" && high === "") return true;
    return own !== null && !(low !== "" && own < Number(low)) && !(high !== "" && own > Number(high));
  }

  function filterCell(column) {
    const { least, most, only } = filterNames(column);
    if (column.words) {
      const select = element("select", { name: only, className: "select-small" }, element("option", { value: "", textContent: "any" }),
        ...column.words.map((word) => element("option", { value: word, textContent: word.slice(0, 30) })));
      select.value = filterOf(only);
      select.setAttribute("form", form.id);
      select.setAttribute("aria-label", `Only ${column.name}`);
      return element("td", {}, select);
    }
    const input = (name, words) => {
      const made = element("input", { name, type: "number", step: "any", className: "input-edge", placeholder: words, value: filterOf(name) });
      made.setAttribute("form", form.id);
      made.setAttribute("aria-label", `${words} ${column.name}`);
      return made;
    };
    return element("td", { className: "num" }, input(least, "least"), " ", input(most, "most"));
  }

  let shownColumns = "";

  // Rebuilt only when other columns are shown: whoever types in it must not lose the field.
  function buildTable(columns) {
    const names = columns.map((column) => column.name).join("\n");
    if (names === shownColumns) return;
    shownColumns = names;
    const heads = columns.map((column) => element("th", { scope: "col", className: column.words ? "" : "num", textContent: column.name }));
    const rows = runs.map((run, row) => element("tr", {},
      element("th", { scope: "row", className: "nowrap" }, element("a", { href: run.url, textContent: run.label })),
      ...columns.map((column) => element("td", {
        className: column.words ? "" : "num",
        textContent: column.values[row] === null ? "–" : say(column.values[row]).slice(0, 60),
      }))));
    table.replaceChildren(
      element("thead", {},
        element("tr", {}, element("th", { scope: "col", textContent: "Run" }), ...heads),
        element("tr", {}, element("td", { className: "soft", textContent: "only runs with" }), ...columns.map(filterCell))),
      element("tbody", {}, ...rows));
  }

  // --- pictures
  function axisOf(column) {
    return { title: { text: column.name }, type: column.words ? "category" : column.isLog ? "log" : "linear" };
  }

  function drawScatter(isWithin) {
    const [x, y] = [xColumn(), yColumn()];
    const text = runs.map((run) => run.label.replace(/&/g, "&amp;").replace(/</g, "&lt;"));
    document.getElementById("scatter-caption").textContent = `${y.name} against ${x.name}`;
    const shown = (column) => column.values.map((one) => (column.words && one !== null ? say(one) : one));
    queuecast.draw(scatter, {
      data: [{
        x: shown(x), y: y.values, text, mode: "markers", type: "scatter",
        marker: {
          size: 11, color: runs.map((run) => `var(--series-${run.colour})`),
          opacity: runs.map((_, row) => (isWithin(row) ? 0.9 : 0.15)), line: { width: 1, color: "var(--surface)" },
        },
        hovertemplate: "%{text}<br>%{x}: %{y:.5g}<extra></extra>",
      }],
      layout: { showlegend: false, hovermode: "closest", xaxis: axisOf(x), yaxis: axisOf(y) },
    });
  }

  function set(name, text) {
    const control = form.elements[name];
    if (!control) return;
    control.value = text;
    changed();
  }

  function setRange(column, low, high) {
    const { least, most } = filterNames(column);
    const rounded = (one) => (one === null ? "" : Number(one.toPrecision(4)));
    form.elements[least].value = rounded(low);
    set(most, rounded(high));
  }

  function setWord(column, word) {
    const { only } = filterNames(column);
    set(only, filterOf(only) === word ? "" : word);
  }

  function update() {
    const shown = axes();
    buildTable([...new Set([...shown.slice(0, -1), xColumn(), shown[shown.length - 1]])]
      .filter((column, at, all) => all.findIndex((one) => one.name === column.name) === at));
    const filtered = [...settings, yColumn()];
    const isWithin = (row) => filtered.every((column) => holds(column, row));
    const rows = [...table.tBodies[0].rows];
    rows.forEach((row, at) => { row.hidden = !isWithin(at); });
    const count = rows.filter((row) => !row.hidden).length;
    within.textContent = count === runs.length ? "" : `${count} of ${runs.length} runs are within.`;
    drawScatter(isWithin);
    queuecast.parallel(parallel, { columns: shown, runs, isWithin, onRange: setRange, onWord: setWord });
  }

  function changed() {
    update();
    queuecast.address.keep(form);
  }

  // --- controls that only the numbers know
  function fillControls() {
    const option = (text, of) => element("option", { value: of, textContent: text });
    const group = (label, options) => Object.assign(element("optgroup", {}, ...options), { label });
    form.elements.against.append(
      group("setting", numbers.keys.map((key, at) => option(key, `setting:${at}`))),
      group("metric", numbers.metrics.map((name, at) => option(name, `metric:${at}`))));
    const told = queuecast.address.told("axis");
    const first = numbers.keys.filter((key) => !isSeed(key)).slice(0, AXES_AT_FIRST);
    const chosen = new Set(told.length ? told : first);
    document.getElementById("numbers-axes").append(...numbers.keys.map((key) => element("label", {},
      element("input", { type: "checkbox", name: "axis", value: key, checked: chosen.has(key) }), ` ${key}`)));
    for (const name of ["y", "stat", "against"]) {
      const [asked] = queuecast.address.told(name);
      const control = form.elements[name];
      if ([...control.options].some((one) => one.value === asked)) control.value = asked;
    }
    if (!queuecast.address.told("against").length && first.length) {
      form.elements.against.value = `setting:${numbers.keys.indexOf(first[0])}`;
    }
  }

  fillControls();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", changed);
  table.addEventListener("input", changed);
  update();
  let width = parallel.clientWidth;
  new ResizeObserver(() => {
    if (parallel.clientWidth === width) return;
    width = parallel.clientWidth;
    update();
  }).observe(parallel);
})();
