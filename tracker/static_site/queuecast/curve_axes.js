/* What a curve is drawn over, between the numbers of /api/v1/compare and those of a plot:
   queuecast.scale(axis, length) with axis step, time (epoch seconds) or relative (seconds).

   put(x)    as plotly takes it          take(shown)  back again
   text(x)   as an input holds it        read(text)   back again; null where it is no such number */
queuecast.scale = (() => {
  "use strict";
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  // Plotly draws a date as it is written, so it is written as the reader's clock shows it.
  function local(seconds) {
    const moment = new Date(seconds * 1000);
    return new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, -1);
  }

  // A date without an offset is one of the reader's clock.
  const moment = (text) => new Date(String(text).replace(" ", "T")).getTime() / 1000;

  function number(text) {
    const value = Number(text);
    return text.trim() === "" || !Number.isFinite(value) ? null : value;
  }

  const step = {
    title: "step", unit: "steps", type: "linear", input: "text",
    put: (x) => x, take: Number, text: String, read: number,
  };

  const time = {
    title: "", unit: "by your clock", type: "date", input: "datetime-local",
    put: local, take: moment,
    text: (x) => local(x).slice(0, 19),
    read: (text) => (Number.isNaN(moment(text)) ? null : moment(text)),
  };

  function relative(length) {
    const [unit, size] = UNITS.find(([, one]) => length >= 2 * one) || UNITS[UNITS.length - 1];
    return {
      title: `${unit} since the first point`, unit: "seconds", type: "linear", input: "text",
      put: (x) => x / size, take: (x) => Number(x) * size, text: String, read: number,
    };
  }

  return (axis, length = 0) => ({ step, time }[axis] || relative(length));
})();
