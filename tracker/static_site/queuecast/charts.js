/* Charts by plotly, in the colours of the page: queuecast.draw(element, {data: […], layout: {…}})

   A figure is plotly's {data, layout}; a colour may be written "var(--series-1)" anywhere in it, and
   a faint one "var(--series-1) / 20%".
   Drawn again when its box changes size and when the colour scheme changes. Load with defer,
   after plotly/plotly.min.js. */
window.queuecast = (() => {
  "use strict";
  const figures = new Map();

  // Colours of theme.css are written as #rrggbb.
  function faint(colour, percent) {
    if (percent === undefined) return colour;
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return `rgba(${parts.join(", ")}, ${percent / 100})`;
  }

  function resolve(value, style) {
    if (typeof value === "string") {
      const name = /^var\((--[\w-]+)\)(?: \/ (\d+)%)?$/.exec(value);
      return name ? faint(style.getPropertyValue(name[1]).trim(), name[2]) : value;
    }
    if (Array.isArray(value)) return value.map((item) => resolve(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, style)]));
    }
    return value;
  }

  const AXIS = {
    gridcolor: "var(--chart-grid)",
    zerolinecolor: "var(--line)",
    linecolor: "var(--line)",
    automargin: true,
    exponentformat: "e",
  };

  const BASE = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 8, r: 12, t: 8, b: 8 },
    colorway: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `var(--series-${number})`),
    hoverlabel: {
      bgcolor: "var(--surface)", bordercolor: "var(--line-strong)", font: { color: "var(--ink)" },
    },
    legend: { orientation: "h", y: -0.2 },
  };

  function themed(layout, style) {
    const full = { ...BASE, ...layout };
    full.font = { family: style.getPropertyValue("--font"), size: 12, color: "var(--ink-soft)", ...layout.font };
    const axes = Object.keys(full).filter((key) => /^[xy]axis\d*$/.test(key));
    for (const axis of new Set(["xaxis", "yaxis", ...axes])) full[axis] = { ...AXIS, ...full[axis] };
    return resolve(full, style);
  }

  function redraw(element) {
    const figure = figures.get(element);
    const style = getComputedStyle(document.documentElement);
    return Plotly.react(element, resolve(figure.data, style), themed(figure.layout || {}, style), {
      displayModeBar: false,
      showTips: false,
      responsive: false,
    });
  }

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.offsetWidth) Plotly.Plots.resize(target);
  });

  function forget(element) {
    resized.unobserve(element);
    figures.delete(element);
    Plotly.purge(element);
  }

  function draw(element, figure) {
    const isNew = !figures.has(element);
    figures.set(element, figure);
    const drawn = redraw(element);
    if (isNew) drawn.then(() => resized.observe(element));
    return drawn;
  }

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const element of figures.keys()) redraw(element);
  });
  // A swap takes away the charts of the old content: let plotly let go of them too.
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    if (figures.has(event.target)) forget(event.target);
  });

  return { draw };
})();
