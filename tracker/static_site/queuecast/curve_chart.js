/* The chart of one metric with its numbers: queuecast.curveChart(metric, {onZoom(from, to)})

   element           the figure to put on the page
   show(chart, look) draws what /api/v1/compare told of the metric
   markOut(run)      lets the line of one run stand out; null: all as before
   say(words)        what went wrong; "" takes it away */
queuecast.curveChart = (() => {
  "use strict";
  const { shown } = queuecast.curveFigure;
  const FAINT = 0.12; // of a line, while another stands out

  function element(tag, fields = {}, ...children) {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...children);
    return made;
  }

  function table(heads, rows) {
    const cell = (text, isFirst) => (isFirst
      ? element("th", { scope: "row", className: "nowrap", textContent: text })
      : element("td", { className: "num", textContent: text }));
    const head = heads.map((text, at) => element("th", { scope: "col", className: at ? "num" : "", textContent: text }));
    return element("table", { className: "table" },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((text, at) => cell(text, at === 0))))));
  }

  function region(label) {
    const box = element("div", { className: "table-region table-region-tall", tabIndex: 0 });
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", label);
    return box;
  }

  const orDash = (value) => (value === null || value === undefined ? "–" : shown(value));

  function summary(chart, look) {
    const heads = ["Run", "Last", "At step", "Least", "Most", "Points", "Not finite"];
    return table(heads, chart.rows.map((row) => [
      look.lineOf(row.run_id).label, orDash(row.last), orDash(row.last_step), orDash(row.min),
      orDash(row.max), row.count, row.non_finite_count || "–",
    ]));
  }

  function axisText(look) {
    const scale = queuecast.scale(look.axis);
    return (x) => (look.axis === "time" ? scale.text(x).replace("T", " ") : String(Number(x.toPrecision(10))));
  }

  // As columns of one line: what is drawn of it, not more.
  function points(line, look) {
    const x = axisText(look);
    const first = { step: "Step", time: "Time", relative: "Seconds" }[look.axis];
    if (line.mean) {
      return table([first, "Mean", "Low", "High", "Runs"], line.x.map((at, row) =>
        [x(at), shown(line.mean[row]), shown(line.low[row]), shown(line.high[row]), line.count[row]]));
    }
    const smoothed = line.smoothed ? ["Smoothed"] : [];
    return table([first, "Value", ...smoothed], line.x.map((at, row) =>
      [x(at), String(line.value[row]), ...(line.smoothed ? [orDash(line.smoothed[row])] : [])]));
  }

  // Thousands of rows would weigh the page down: written when first looked at.
  function fold(title, ...content) {
    return element("details", { className: "fold" }, element("summary", { textContent: title }), ...content);
  }

  return (metric, { onZoom }) => {
    const box = element("div", { className: "chart-box chart-box-low" });
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `Curves of ${metric}; their numbers are in the tables below`);
    const words = element("p", { className: "note", hidden: true });
    words.setAttribute("role", "status");
    const quiet = element("p", { className: "soft chart-said", textContent: "Fetching its points …" });
    const rows = region(`Last, least and greatest ${metric}`);
    const drawn = region(`Points drawn of ${metric}`);
    const which = element("select", { className: "select-small" });
    which.setAttribute("aria-label", `Line of ${metric}`);
    const rowsFold = fold("Numbers", rows);
    const pointsFold = fold("Points drawn", which, drawn);
    const whole = element("figure", { className: "chart" },
      element("figcaption", { textContent: metric }), box, quiet, words,
      element("div", { className: "chart-folds" }, rowsFold, pointsFold));
    whole.dataset.name = metric;
    let last = null;

    const lines = () => (last.chart.groups.length ? last.chart.groups : last.chart.curves);
    const nameOf = (line) => line.label || last.look.lineOf(line.run_id).label;

    function fill() {
      if (!last) return;
      if (rowsFold.open) rows.replaceChildren(summary(last.chart, last.look));
      if (!pointsFold.open) return;
      const chosen = Math.min(Math.max(which.selectedIndex, 0), lines().length - 1);
      which.replaceChildren(...lines().map((line, at) => element("option", { textContent: nameOf(line), selected: at === chosen })));
      which.hidden = lines().length < 2;
      drawn.replaceChildren(...(lines().length ? [points(lines()[chosen], last.look)] : []));
    }

    function say(text) {
      if (text) quiet.hidden = true;
      words.textContent = text;
      words.hidden = text === "";
    }

    // What a log axis has no place for must not vanish without a word.
    function tellUndrawn({ chart, look }) {
      const values = chart.curves.filter((one) => look.isShown(one.run_id)).flatMap((one) => one.value);
      const below = look.isLog ? values.filter((value) => value <= 0).length : 0;
      const text = chart.rows.length ? "" : "No run that is compared has this metric.";
      quiet.textContent = below ? `${below} points of 0 or less have no place on a log axis.` : text;
      quiet.hidden = quiet.textContent === "";
    }

    function show(chart, look) {
      last = { chart, look };
      say("");
      tellUndrawn(last);
      const figure = queuecast.curveFigure(chart, look);
      last.data = figure.data;
      last.scale = figure.scale;
      const isFirst = !box.dataset.drawn;
      const drawing = queuecast.draw(box, figure);
      if (isFirst) drawing.then(listen);
      fill();
      return drawing;
    }

    function markOut(run) {
      if (!box.dataset.drawn || last.chart.groups.length) return;
      const opacity = last.data.map((trace) => (run === null || trace.meta === run ? trace.opacity : trace.opacity * FAINT));
      Plotly.restyle(box, { opacity });
    }

    function listen() {
      box.dataset.drawn = "yes";
      box.on("plotly_relayout", (change) => {
        const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
        if (change["xaxis.autorange"]) onZoom(null, null);
        else if (range[0] !== undefined) onZoom(...range.map(last.scale.take));
      });
    }

    for (const one of [rowsFold, pointsFold]) one.addEventListener("toggle", fill);
    which.addEventListener("change", fill);
    return { element: whole, show, say, markOut };
  };
})();
