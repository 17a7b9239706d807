/* Columns of the runs that are compared: queuecast.column(name, values)

   A column is of numbers, or of words where one value is none (truths are words). isLog: its
   numbers span more than two decades. at(value) is its place on an axis from 0 to 1, null where a
   run has no value; from(place) is the way back, of words the nearest one. */
queuecast.column = (() => {
  "use strict";
  const DECADES = 2;

  const isNumber = (value) => typeof value === "number";
  const say = (value) => (isNumber(value) ? String(Number(value.toPrecision(6))) : String(value));

  function between(low, high, value) {
    return high > low ? (value - low) / (high - low) : 0.5;
  }

  // Powers of ten strictly inside, and not so near an end that their words lie on its.
  function decades(low, high) {
    const least = 0.07 * Math.log10(high / low);
    const inside = [];
    for (let power = Math.ceil(Math.log10(low) + least); power < Math.log10(high) - least; power += 1) inside.push(10 ** power);
    return inside;
  }

  function ofNumbers(name, values, known) {
    const low = Math.min(...known);
    const high = Math.max(...known);
    const isLog = low > 0 && Math.log10(high / low) > DECADES;
    const [put, take] = isLog ? [Math.log10, (place) => 10 ** place] : [Number, Number];
    const from = (place) => take(put(low) + place * (put(high) - put(low)));
    const at = (value) => (isNumber(value) ? between(put(low), put(high), put(value)) : null);
    const marked = isLog ? decades(low, high) : [0.25, 0.5, 0.75].map(from);
    const ticks = [...new Set([low, ...marked, high])];
    return {
      name, values, isLog, words: null, low, high, from, at,
      ticks: ticks.map((value) => [at(value), String(Number(value.toPrecision(3)))]),
    };
  }

  function ofWords(name, values, known) {
    const byNumber = new Intl.Collator(undefined, { numeric: true }).compare;
    const words = [...new Set(known.map(say))].sort(byNumber);
    const place = (at) => between(0, words.length - 1, at);
    return {
      name, values, isLog: false, words,
      at: (value) => (value === null ? null : place(words.indexOf(say(value)))),
      from: (at) => words[Math.round(at * (words.length - 1))],
      ticks: words.map((word, at) => [place(at), word]),
    };
  }

  function column(name, values) {
    const known = values.filter((value) => value !== null);
    return known.length && known.every(isNumber) ? ofNumbers(name, values, known) : ofWords(name, values, known);
  }

  // Of {keys, metrics, runs} as the page has them.
  function ofSetting(numbers, key) {
    return column(key, numbers.runs.map((run) => run.settings[key] ?? null));
  }

  function ofMetric(numbers, metric, stat) {
    const at = ["last", "min", "max"].indexOf(stat);
    const words = ["last", "least", "greatest"][at];
    const finite = (value) => (isNumber(value) ? value : null);
    return column(`${words} ${metric}`, numbers.runs.map((run) => finite(run.metrics[metric]?.[at] ?? null)));
  }

  return Object.assign(column, { say, ofSetting, ofMetric });
})();
