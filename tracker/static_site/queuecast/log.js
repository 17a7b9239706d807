/* The log of a run (_log.html): shown from its end, followed while it grows, searched as a whole.

   GET data-url?stream=KEY            the end              {text, start, end, size, truncated, …}
                &start=BYTE | &before=BYTE                 what follows, what came before
   GET data-search-url?stream=KEY&q=WORDS&start=BYTE[&ignore_case=1]
                                      {hits: [{offset, line}], next_start, …}
   A piece may add modified_at (s), is_open and path. Refusals are problem+json. */
(() => {
  "use strict";
  const part = document.getElementById("log");
  if (!part) return;
  const MAX_CHARS = 2_000_000;
  const MAX_BEHIND_BYTES = 1_000_000; // more than that is skipped, not caught up with
  const WAIT_MS = 3000;
  const MAX_WAIT_MS = 15000;
  const GIVE_UP = [400, 401, 403]; // asked again, they would be answered alike
  const TITLES = {
    403: "This log cannot be shown",
    404: "There is no log to show",
    429: "Too many questions at once",
  };
  const [follow, earlier, later, plainLink, problem, note, text, status] = [
    "follow", "earlier", "later", "plain", "problem", "note", "text", "status",
  ].map((name) => document.getElementById(`log-${name}`));
  const streams = [...part.querySelectorAll("[data-stream]")];
  const { bytes, LogText, setUpSearch } = window.queuecastLog;
  const log = new LogText(text, MAX_CHARS);

  let stream = streams[0];
  let isOpen = "open" in part.dataset;
  let isFollowing = false;
  let isPolling = false;
  let size = null; // bytes
  let writtenAt = null; // s since 1970
  let wait = WAIT_MS;
  let timer = 0;
  let turn = Promise.resolve();

  // --- asking
  class Problem extends Error {
    constructor(status, title, detail) {
      super(detail);
      Object.assign(this, { status, title });
    }
  }

  async function answerOf(response) {
    const type = response.headers.get("Content-Type") || "";
    if (response.ok && !response.redirected && type.startsWith("application/json")) return response.json();
    if (type.startsWith("application/problem+json")) {
      const told = await response.json();
      throw new Problem(response.status, TITLES[response.status] || told.title, told.detail);
    }
    if (response.status >= 500) {
      throw new Problem(response.status, "The service failed", "While the log is followed, it is asked again.");
    }
    throw new Problem(401, "No log was answered", "You may have been signed out: load the page again.");
  }

  async function request(url, query, signal) {
    let response;
    try {
      const asked = new URLSearchParams({ stream: stream.dataset.stream, ...query });
      response = await fetch(`${url}?${asked}`, { headers: { Accept: "application/json" }, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, "The service cannot be reached", "While the log is followed, it is asked again.");
    }
    return answerOf(response);
  }

  // One request at a time, whoever asks. Null where the stream was changed in the meantime.
  function ask(query, url = part.dataset.url, signal = null) {
    const asked = stream;
    const answer = turn.then(() => (asked === stream ? request(url, query, signal) : null));
    turn = answer.catch(() => {});
    return answer.then((piece) => (asked === stream ? piece : null));
  }

  // A piece and what it tells, or its problem shown and null.
  async function attempt(query) {
    const asked = stream;
    try {
      const piece = await ask(query);
      if (piece) learn(piece);
      return piece;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (asked !== stream) return null;
      showProblem(error);
      if (GIVE_UP.includes(error.status)) setFollowing(false);
      return null;
    }
  }

  function learn(piece) {
    showProblem(null);
    if (piece.text && isFollowing && !log.isEmpty) writtenAt = Date.now() / 1000;
    writtenAt = piece.modified_at ?? writtenAt;
    size = piece.size;
    isOpen = piece.is_open ?? isOpen;
    text.toggleAttribute("data-empty", size === 0);
    if (piece.path) document.getElementById("log-path").textContent = piece.path;
  }

  // --- saying
  function say(sentence) {
    note.textContent = sentence;
    note.hidden = !sentence;
  }

  function age() {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - writtenAt));
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const [unit, least] = units.find(([, one]) => seconds >= one) || units.at(-1);
    return `last written ${Math.floor(seconds / least)} ${unit} ago`;
  }

  function state() {
    if (!isFollowing) return isOpen ? "Not followed." : "The run has ended.";
    if (document.hidden) return "Following pauses while this page is hidden.";
    return "Following: what is written appears here.";
  }

  function showStatus() {
    const told = [`${stream.textContent}: ${size === null ? "nothing read yet" : bytes(size)}`];
    if (!log.isEmpty && log.end - log.start < size) told.push(`${bytes(log.end - log.start)} of it shown`);
    if (writtenAt !== null) told.push(age());
    status.textContent = `${told.join(", ")}. ${state()}`;
    follow.setAttribute("aria-pressed", String(isFollowing));
    const isNeedless = isFollowing || log.end >= size;
    if (isNeedless && document.activeElement === later) text.focus({ preventScroll: true });
    later.hidden = isNeedless;
  }

  function showProblem(error) {
    problem.hidden = !error;
    const [title, detail] = problem.querySelectorAll("strong, span");
    const told = error ? [`${error.title}.`, error.message] : ["", ""];
    if (title.textContent === told[0] && detail.textContent === told[1]) return; // read out once
    [title.textContent, detail.textContent] = told;
  }

  // --- showing
  const isAtBottom = () => text.scrollHeight - text.scrollTop - text.clientHeight < 40;
  const toBottom = () => { text.scrollTop = text.scrollHeight; };

  async function showEnd() {
    const piece = await attempt({});
    if (piece) {
      log.clear();
      log.append(piece);
      toBottom();
    }
    return piece;
  }

  async function showMore() {
    if (log.isEmpty) return showEnd();
    const piece = await attempt({ start: log.end });
    if (!piece) return null;
    if (isFollowing && !piece.truncated && piece.size - piece.end > MAX_BEHIND_BYTES) {
      say(`The log grows faster than it can be shown: ${bytes(piece.size - log.end)} were skipped.`);
      return showEnd();
    }
    if (piece.truncated) {
      log.clear();
      say("The file was begun anew, as by a requeue; what it held before is gone.");
    }
    if (log.append(piece)) say("Earlier text was let go of to keep this page light; Load earlier brings it back.");
    if (isFollowing) toBottom();
    return piece;
  }

  async function showEarlier() {
    if (log.start === 0) {
      say("This is the beginning of the file.");
      return;
    }
    setFollowing(false);
    const piece = await attempt({ before: log.start });
    if (!piece) return;
    say("");
    if (piece.truncated) await showEnd();
    else if (log.prepend(piece)) say("Later text was let go of to keep this page light; Load later brings it back.");
    showStatus();
  }

  async function jumpTo(offset) {
    setFollowing(false);
    const before = await attempt({ before: offset });
    const after = before && await attempt({ start: offset });
    if (!after) return;
    log.clear();
    log.append(before);
    log.append(after, { isMarked: true });
    say("");
    showStatus();
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    const top = (text.querySelector("mark")?.offsetTop ?? 0) - text.clientHeight / 3;
    text.scrollTo({ top, behavior });
    text.focus({ preventScroll: true });
    text.scrollIntoView({ block: "nearest", behavior });
  }

  // --- following
  async function poll() {
    if (isPolling) return;
    isPolling = true;
    const asked = stream;
    const piece = await showMore();
    isPolling = false;
    wait = piece?.text ? WAIT_MS : Math.min(wait * 1.5, MAX_WAIT_MS);
    if (isFollowing && piece && !piece.text && !isOpen) {
      setFollowing(false);
      say("The run has ended; this is the end of its log.");
    }
    showStatus();
    const isMoreThere = asked !== stream || (piece?.text && piece.end < piece.size);
    pollIn(isMoreThere ? 0 : wait);
  }

  function pollIn(ms) {
    clearTimeout(timer);
    timer = isFollowing && !document.hidden ? setTimeout(poll, ms) : 0;
  }

  function setFollowing(wanted) {
    isFollowing = wanted;
    wait = WAIT_MS;
    pollIn(0);
    showStatus();
  }

  async function showStream(button) {
    stream = button;
    for (const one of streams) one.setAttribute("aria-pressed", String(one === stream));
    size = writtenAt = null;
    log.clear();
    resetSearch();
    showProblem(null);
    say("");
    plainLink.href = `${part.dataset.url}?stream=${encodeURIComponent(stream.dataset.stream)}&as=text`;
    text.setAttribute("aria-label", `Log: ${stream.textContent}`);
    setFollowing(isOpen);
    if (!isOpen) await showEnd();
    showStatus();
  }

  // --- controls
  const resetSearch = setUpSearch({
    ask: (query, signal) => ask(query, part.dataset.searchUrl, signal),
    size: () => size ?? 0,
    jumpTo,
  });
  let scrolledTo = 0;
  text.addEventListener("scroll", () => {
    if (isFollowing && text.scrollTop < scrolledTo && !isAtBottom()) {
      setFollowing(false);
      say("Following has stopped because you scrolled up; Follow goes back to the end.");
    }
    scrolledTo = text.scrollTop;
  });
  follow.addEventListener("click", async () => {
    say("");
    if (isFollowing) setFollowing(false);
    else if (await showEnd()) setFollowing(true);
  });
  earlier.addEventListener("click", showEarlier);
  later.addEventListener("click", () => showMore().then(showStatus));
  problem.querySelector("button").addEventListener("click", () => showStream(stream));
  for (const button of streams) button.addEventListener("click", () => showStream(button));
  document.addEventListener("visibilitychange", () => {
    pollIn(0);
    showStatus();
  });
  setInterval(showStatus, 10_000); // the age counts on

  document.getElementById("log-body").hidden = false;
  showStream(stream);
})();
