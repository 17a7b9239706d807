/* Times in the reader's zone, and ages that keep counting.

   <time datetime="ISO" data-time>          local date and time; title keeps UTC
   <time datetime="ISO" data-clock>         the same without "today"
   <time datetime="ISO" data-age>           "40 s ago" or "in 3 h"; title keeps both
   <time datetime="ISO" data-since>         "40 s": how long it lasts by now
   The server writes readable text for all four, so pages work without this script. */
(() => {
  "use strict";
  const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  function spell(seconds) {
    const whole = Math.round(Math.abs(seconds));
    const first = units.findIndex(([, size]) => whole >= size);
    if (first < 0) return "0 s";
    const [name, size] = units[first];
    const count = Math.floor(whole / size);
    const next = units[first + 1];
    const rest = next && count < 10 ? Math.floor((whole % size) / next[1]) : 0;
    return rest ? `${count} ${name} ${rest} ${next[0]}` : `${count} ${name}`;
  }

  function onClock(moment, now, isShort) {
    const days = ["today", "tomorrow"];
    const day = days.find((_, ahead) => {
      const then = new Date(now);
      then.setDate(then.getDate() + ahead);
      return then.toDateString() === moment.toDateString();
    });
    if (!day) return dateTime.format(moment);
    return isShort && day === "today" ? clock.format(moment) : `${day} ${clock.format(moment)}`;
  }

  function show(element, now) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    const utc = moment.toISOString().replace("T", " ").slice(0, 19) + " UTC";
    const seconds = (now - moment.getTime()) / 1000;
    if ("since" in element.dataset) {
      element.textContent = spell(seconds);
      element.title = utc;
    } else if ("age" in element.dataset) {
      element.textContent = seconds >= 0 ? `${spell(seconds)} ago` : `in ${spell(seconds)}`;
      element.title = `${dateTime.format(moment)}, ${utc}`;
    } else {
      element.textContent = onClock(moment, now, "clock" in element.dataset);
      element.title = utc;
    }
  }

  function showAll(root) {
    const now = Date.now();
    root.querySelectorAll("time[data-time], time[data-clock], time[data-age], time[data-since]").forEach((element) => show(element, now));
  }

  showAll(document);
  document.addEventListener("htmx:load", (event) => showAll(event.target));
  setInterval(() => showAll(document), 10_000);
})();
