/* One chart of /api/v1/compare as a figure of charts.js: queuecast.curveFigure(chart, look)

   look: {axis, isLog, from, to, lineOf(runId), isShown(runId)}; a line is {label, colour, dash}.
   Values that are not finite come as strings and are marked at the lower edge. */
queuecast.curveFigure = (() => {
  "use strict";
  // As many as compare_rows.DASHES; compare.css draws the same in the legend.
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "12px 3px 2px 3px 2px 3px"];
  const COLOURS = 8; // --series-1 and on of theme.css
  const UNIFIED_MAX = 6; // a read-out of more lines than that hides the chart

  const isNumber = (value) => typeof value === "number";
  const finite = (values) => values.map((value) => (isNumber(value) ? value : null));
  // Plotly reads a few tags in text, and a name is anybody's.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  // In a template %{…} would be filled in.
  const inTemplate = (text) => plain(text).replace(/%/g, "&#37;");

  function stroke({ colour, dash }, width = 2) {
    return { color: `var(--series-${colour})`, dash: DASHES[dash], width };
  }

  function lineOf(x, values, line, more) {
    const y = finite(values);
    const isShort = y.filter((value) => value !== null).length < 3;
    return {
      x, y, name: plain(line.label), mode: isShort ? "lines+markers" : "lines", line: stroke(line),
      marker: { color: `var(--series-${line.colour})` },
      hovertemplate: `%{y:.5g}<extra>${inTemplate(line.label)}</extra>`, ...more,
    };
  }

  function tracesOfRun(curve, line, scale, isOneOfMany) {
    const x = curve.x.map(scale.put);
    const strange = curve.value.flatMap((value, index) => (isNumber(value) ? [] : [index]));
    const marked = strange.length ? [markers(curve, x, strange, line)] : [];
    if (!curve.smoothed) return [lineOf(x, curve.value, line), ...marked];
    // The raw line is the ground that the smoothed one stands on: thin, faint, without a read-out.
    const raw = { line: stroke({ ...line, dash: 0 }, 1), opacity: isOneOfMany ? 0.15 : 0.3, hoverinfo: "skip", hovertemplate: null };
    return [lineOf(x, curve.value, line, raw), lineOf(x, curve.smoothed, line), ...marked];
  }

  function markers(curve, x, indexes, line) {
    return {
      x: indexes.map((index) => x[index]),
      y: indexes.map(() => 0.03),
      yaxis: "y2",
      mode: "markers",
      marker: { symbol: "x", size: 9, color: "var(--bad)" },
      text: indexes.map((index) => plain(`${line.label}: ${curve.value[index]}`)),
      hovertemplate: "%{text}<extra></extra>",
    };
  }

  function tracesOfGroup(group, line, scale) {
    const x = group.x.map(scale.put);
    const edge = { line: { width: 0 }, hoverinfo: "skip", hovertemplate: null, mode: "lines" };
    const fill = { fill: "tonexty", fillcolor: `var(--series-${line.colour}) / 20%` };
    const text = group.count.map((count, at) => `n = ${count}, ${shown(group.low[at])} to ${shown(group.high[at])}`);
    return [
      lineOf(x, group.low, line, edge),
      lineOf(x, group.high, line, { ...edge, ...fill }),
      lineOf(x, group.mean, line, { text, hovertemplate: `%{y:.5g} (%{text})<extra>${inTemplate(line.label)}</extra>` }),
    ];
  }

  function shown(value) {
    return isNumber(value) ? String(Number(value.toPrecision(5))) : value;
  }

  function lengthOf(lines) {
    return Math.max(0, ...lines.map(({ x }) => (x.length ? x[x.length - 1] - x[0] : 0)));
  }

  function figure(chart, look) {
    const curves = chart.curves.filter((curve) => look.isShown(curve.run_id));
    const groups = chart.groups;
    const scale = queuecast.scale(look.axis, lengthOf([...curves, ...groups]));
    const isMany = curves.length + groups.length > UNIFIED_MAX;
    const tracesOf = (curve) => tracesOfRun(curve, look.lineOf(curve.run_id), scale, isMany)
      .map((trace) => ({ opacity: 1, ...trace, meta: curve.run_id }));
    const data = [
      ...curves.flatMap(tracesOf),
      ...groups.flatMap((group, index) => tracesOfGroup(group, look.lineOfGroup(group, index), scale)),
    ];
    const isZoomed = look.from !== null || look.to !== null;
    const range = [look.from, look.to].map((x) => (x === null ? null : scale.put(x)));
    return {
      data,
      scale,
      layout: {
        showlegend: false,
        dragmode: "zoom",
        hovermode: isMany ? "closest" : "x unified",
        xaxis: {
          title: { text: scale.title }, type: scale.type, exponentformat: "SI",
          ...(isZoomed ? { range } : { autorange: true }),
        },
        yaxis: { fixedrange: true, ...(look.isLog ? { type: "log", nticks: 4 } : {}) },
        // Not finite, so without a height: these stand along the lower edge.
        yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
      },
    };
  }

  return Object.assign(figure, { shown, COLOURS, DASHES });
})();
