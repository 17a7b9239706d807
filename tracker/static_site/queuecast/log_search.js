/* Searching the whole log, a slice a request: queuecastLog.setUpSearch({ ask, size, jumpTo })

   ask(query, signal) asks for a slice, size() is the file's, jumpTo(offset) shows a place.
   Returns a function that ends a search and takes its results away. */
window.queuecastLog.setUpSearch = (page) => {
  "use strict";
  const MAX_HITS = 500;
  const { ask, size, jumpTo } = page;
  const { bytes, plain } = window.queuecastLog;
  const [form, words, matchCase, cancel, progress, found, hits] = [
    "search", "words", "case", "cancel", "progress", "found", "hits",
  ].map((name) => document.getElementById(`log-${name}`));
  let underWay = null; // the AbortController of the search under way

  const counted = () => {
    const count = hits.children.length;
    return count ? `${count} line${count === 1 ? "" : "s"} found.` : "Nothing found.";
  };

  function hitItem({ offset, line }) {
    const button = document.createElement("button");
    const code = document.createElement("code");
    const place = document.createElement("small");
    code.textContent = plain(line);
    place.textContent = `at ${bytes(offset)}`;
    button.type = "button";
    button.append(code, place);
    button.addEventListener("click", () => jumpTo(offset));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  // The sentence that sums it up.
  async function findAll(signal) {
    const query = { q: words.value, ...(matchCase.checked ? {} : { ignore_case: 1 }) };
    for (let start = 0; start !== null;) {
      progress.textContent = `Searched ${bytes(start)} of ${bytes(size())}. ${counted()}`;
      const answer = await ask({ ...query, start }, signal);
      signal.throwIfAborted();
      hits.append(...answer.hits.map(hitItem));
      hits.hidden = hits.children.length === 0;
      if (hits.children.length >= MAX_HITS) return `${counted()} There may be more: look for longer words.`;
      start = answer.next_start;
    }
    return counted();
  }

  function reset() {
    underWay?.abort();
    underWay = null;
    hits.replaceChildren();
    found.textContent = "";
    hits.hidden = cancel.hidden = progress.hidden = true;
  }

  async function find() {
    reset();
    const mine = new AbortController();
    underWay = mine;
    cancel.hidden = progress.hidden = false;
    let summary;
    try {
      summary = await findAll(mine.signal);
    } catch (error) {
      summary = error.name === "AbortError" ? `Cancelled. ${counted()}` : `${error.title}. ${error.message}`;
    }
    if (underWay !== mine) return;
    found.textContent = summary;
    cancel.hidden = progress.hidden = true;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  cancel.addEventListener("click", () => {
    underWay.abort();
    words.focus();
  });
  return reset;
};
