/* The predicted schedule: nodes from top to bottom, time from left to right, on a canvas.

   <div class="schedule" data-schedule="URL">   the rest of it: templates/planner/_schedule.html
   <p data-best-start="ISO">                    of the answer: when the job asked about starts

   Fetched when it comes into view. */
(() => {
  "use strict";
  const LEFT = 74; // names of nodes
  const TOP = 52; // axis, and the words at lines
  const ROW_MAX = 30;
  const ROWS_HIGH = 520; // all rows together, where they are many
  const STEPS_S = [300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  const KINDS = { running: "runs now", waiting: "waits now", expected: "not submitted yet" };
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  function nodesOf(bar, nodes) {
    return bar.rows.map(([first, count]) =>
      (count === 1 ? nodes[first] : `${nodes[first]} to ${nodes[first + count - 1]}`)).join(", ");
  }

  function nameOf(bar) {
    if (bar.kind === "expected") return "a job to come";
    return bar.name === null ? "somebody's job" : `job ${bar.name}${bar.is_own ? " (yours)" : ""}`;
  }

  class Schedule {
    constructor(box) {
      this.box = box;
      this.canvas = box.querySelector("canvas");
      this.tip = box.querySelector(".schedule-tip");
      this.note = box.querySelector("[data-schedule-note]");
      const seen = new IntersectionObserver(([entry]) => {
        if (!entry.isIntersecting) return;
        seen.disconnect();
        this.load();
      }, { rootMargin: "200px" });
      seen.observe(box);
    }

    async load() {
      this.note.textContent = "Being fetched…";
      try {
        const answer = await fetch(this.box.dataset.schedule, { headers: { Accept: "application/json" } });
        if (answer.status === 204) {
          this.note.textContent = "No simulated future is kept yet: the next forecast brings one.";
          return;
        }
        if (!answer.ok) throw new Error(answer.statusText);
        this.show(await answer.json());
      } catch {
        this.note.textContent = "It could not be fetched. Reload the page to try again.";
      }
    }

    show(told) {
      Object.assign(this, { told, origin: new Date(told.snapshot_at).getTime(), waits: false });
      this.all = [0, told.until_s];
      this.range = [0, Math.min(told.until_s, 86400)];
      this.row = Math.max(1, Math.min(ROW_MAX, ROWS_HIGH / told.nodes.length));
      this.note.textContent = this.words();
      for (const hidden of this.box.querySelectorAll("[hidden]:not(.schedule-tip)")) hidden.hidden = false;
      new ResizeObserver(() => this.redraw()).observe(this.canvas.parentElement);
      window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
      this.box.querySelectorAll("[data-move]").forEach((button) =>
        button.addEventListener("click", () => this.move(button.dataset.move)));
      this.canvas.addEventListener("pointerdown", (event) => this.grab(event));
      this.canvas.addEventListener("pointermove", (event) => this.point(event));
      this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
      document.addEventListener("htmx:afterSwap", () => this.redraw());
      const fold = this.box.querySelector("details");
      fold.addEventListener("toggle", () => this.fillTable(fold), { once: true });
    }

    words() {
      const { bars, replica, replicas, left_out: leftOut } = this.told;
      const rest = leftOut ? ` ${leftOut} more are left out.` : "";
      return `Future ${replica + 1}, the one of ${replicas} whose starts are nearest the middle: ${bars.length} jobs.${rest} No job is promised its place in it.`;
    }

    /* --- where things are */
    x(seconds) {
      const [from, to] = this.range;
      return LEFT + ((seconds - from) / (to - from)) * (this.width - LEFT);
    }

    seconds(x) {
      const [from, to] = this.range;
      return from + ((x - LEFT) / (this.width - LEFT)) * (to - from);
    }

    y(row) { return TOP + row * this.row; }

    // Top and height of planner.charts.lanes.Piece.
    place([first, count, top, high], gap = 0) {
      if (high === 1) return [this.y(first) + gap, Math.max(1, count * this.row - gap)];
      return [this.y(first + top) + gap, Math.max(1, high * this.row - gap)];
    }

    move(how) {
      const [from, to] = this.range;
      const length = to - from;
      const middle = (from + to) / 2;
      const shift = { back: -length / 2, on: length / 2 }[how] || 0;
      const half = { in: length / 4, out: length, all: Infinity }[how] || length / 2;
      this.look(middle + shift - half, middle + shift + half);
    }

    // Keeps the length where it can, and within what is known.
    look(from, to) {
      const [first, last] = this.all;
      const length = Math.max(600, Math.min(to - from, last - first)) || last - first;
      const start = Math.max(first, Math.min(Number.isFinite(from) ? from : first, last - length));
      this.range = [start, start + length];
      this.redraw();
    }

    grab(event) {
      const [from, to] = this.range;
      const atX = event.clientX;
      const perPixel = (to - from) / (this.width - LEFT);
      this.canvas.setPointerCapture(event.pointerId);
      const drag = (moved) => this.look(from - (moved.clientX - atX) * perPixel, to - (moved.clientX - atX) * perPixel);
      this.canvas.addEventListener("pointermove", drag);
      this.canvas.addEventListener("pointerup", () => this.canvas.removeEventListener("pointermove", drag), { once: true });
    }

    /* --- drawing */
    redraw() {
      if (this.waits) return;
      this.waits = true;
      requestAnimationFrame(() => {
        this.waits = false;
        this.draw();
      });
    }

    draw() {
      const scale = window.devicePixelRatio || 1;
      this.width = this.canvas.parentElement.clientWidth;
      const height = TOP + this.row * this.told.nodes.length + 4;
      this.canvas.style.height = `${height}px`;
      this.canvas.width = this.width * scale;
      this.canvas.height = height * scale;
      const style = getComputedStyle(this.box);
      const known = new Map(); // asking the style thousands of times is what would take long
      this.colour = (name) => {
        if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
        return known.get(name);
      };
      const pen = this.canvas.getContext("2d");
      pen.scale(scale, scale);
      pen.font = `12px ${this.colour("font")}`;
      this.drawAxis(pen, height);
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, TOP, this.width - LEFT, height);
      pen.clip();
      this.told.blocks.forEach((block) => this.drawBlock(pen, block));
      this.told.bars.forEach((bar) => this.drawBar(pen, bar));
      pen.restore();
      this.drawLine(pen, Date.now(), "now", "ink", height);
      const answer = document.querySelector("[data-best-start]");
      if (answer) this.drawLine(pen, new Date(answer.dataset.bestStart), "the job you asked about", "bar-own", height);
      this.drawNames(pen);
    }

    drawAxis(pen, height) {
      const [from, to] = this.range;
      const step = STEPS_S.find((size) => ((this.width - LEFT) * size) / (to - from) > 70) || STEPS_S.at(-1);
      // Ticks at round times of the reader's clock.
      const zone = new Date(this.origin).getTimezoneOffset() * 60;
      const atZero = (this.origin / 1000 - zone) % step;
      for (let at = Math.ceil((from + atZero) / step) * step - atZero; at < to; at += step) {
        const moment = new Date(this.origin + at * 1000);
        pen.fillStyle = this.colour("line");
        pen.fillRect(this.x(at), TOP, 1, height);
        pen.fillStyle = this.colour("ink-soft");
        const isMidnight = moment.getHours() === 0 && moment.getMinutes() === 0;
        pen.fillText(isMidnight ? day.format(moment) : clock.format(moment), this.x(at) + 3, 14);
      }
    }

    drawNames(pen) {
      pen.fillStyle = this.colour("ink-soft");
      const every = Math.ceil(13 / this.row);
      for (let row = 0; row < this.told.nodes.length; row += every) {
        pen.fillText(this.told.nodes[row].slice(-11), 4, this.y(row) + Math.min(13, this.row + 3), LEFT - 8);
      }
    }

    drawBar(pen, bar) {
      const left = this.x(bar.start_s);
      const right = this.x(bar.end_s);
      if (right < LEFT || left > this.width) return;
      const gap = this.row > 6 ? 1 : 0;
      const wide = Math.max(1, right - left - gap);
      for (const piece of bar.rows) {
        const [top, high] = this.place(piece, gap);
        pen.globalAlpha = bar.kind === "expected" ? 0.25 : 0.6;
        pen.fillStyle = this.colour(`bar-${bar.kind}`);
        pen.fillRect(left, top, wide, high);
        pen.globalAlpha = 1;
        if (bar.kind === "expected" && high > 4 && wide > 4) this.outline(pen, left, top, wide, high, "bar-expected", [3, 3]);
        if (bar.is_own) this.outline(pen, left, top, wide, high, "bar-own", []);
        if (high > 11 && wide > 34 && bar.name !== null && bar.kind !== "expected") {
          pen.fillStyle = this.colour("ink");
          pen.fillText(bar.name, Math.max(left, LEFT) + 4, top + Math.min(high, 13), wide - 6);
        }
      }
    }

    outline(pen, left, top, wide, high, colour, dash) {
      pen.setLineDash(dash);
      pen.strokeStyle = this.colour(colour);
      pen.lineWidth = dash.length ? 1 : 2;
      pen.strokeRect(left + 0.5, top + 0.5, Math.max(1, wide - 1), Math.max(1, high - 1));
      pen.setLineDash([]);
    }

    drawBlock(pen, block) {
      const left = this.x(block.start_s);
      const right = Math.min(this.x(block.end_s), this.width);
      pen.save();
      pen.beginPath();
      for (const piece of block.rows) pen.rect(left, this.place(piece)[0], right - left, this.place(piece)[1]);
      pen.clip();
      pen.strokeStyle = this.colour("bar-block");
      pen.beginPath();
      const bottom = this.y(this.told.nodes.length);
      for (let x = Math.max(left, LEFT) - bottom; x < right; x += 6) {
        pen.moveTo(x, bottom);
        pen.lineTo(x + bottom, 0);
      }
      pen.stroke();
      pen.restore();
    }

    drawLine(pen, moment, text, colour, height) {
      const x = this.x((moment - this.origin) / 1000);
      if (x < LEFT || x > this.width) return;
      const top = text === "now" ? 22 : 36; // one above the other, where they are close
      pen.fillStyle = this.colour(colour);
      pen.fillRect(x - 1, top, 2, height);
      const isNearEnd = x > this.width - 150;
      pen.textAlign = isNearEnd ? "right" : "left";
      pen.fillText(text, isNearEnd ? x - 4 : x + 4, top + 11);
      pen.textAlign = "left";
    }

    /* --- words */
    times({ start_s: start, end_s: end }) {
      return [start, end].map((at) => full.format(new Date(this.origin + at * 1000)));
    }

    point(event) {
      const frame = this.canvas.getBoundingClientRect();
      const at = this.seconds(event.clientX - frame.left);
      const y = event.clientY - frame.top;
      const isOn = ({ start_s: start, end_s: end, rows }) => at >= start && at < end &&
        rows.map((piece) => this.place(piece)).some(([top, high]) => y >= top && y < top + high);
      const bar = this.told.bars.find(isOn);
      const block = bar ? null : this.told.blocks.find(isOn);
      this.tip.hidden = !bar && !block;
      if (this.tip.hidden) return;
      const [start, end] = this.times(bar || block);
      const name = bar ? `${nameOf(bar)}, ${bar.partition || KINDS[bar.kind]}` : `reserved: ${block.name}`;
      const from = bar && bar.kind === "running" ? "runs" : start;
      this.tip.textContent = `${name}: ${from} to ${end}, on ${nodesOf(bar || block, this.told.nodes)}`;
      const x = event.clientX - frame.left;
      this.tip.style.left = `${Math.max(0, Math.min(x + 12, this.width - this.tip.offsetWidth - 4))}px`;
      this.tip.style.top = `${y + 14}px`;
    }

    // Thousands of rows weigh the page down: written when first looked at.
    fillTable(fold) {
      const made = (tag, text, fields) => Object.assign(document.createElement(tag), { textContent: text }, fields);
      const table = made("table", "", { className: "table" });
      const head = table.createTHead().insertRow();
      for (const text of ["Job", "State", "Partition", "Start", "End", "Nodes"]) {
        head.append(made("th", text, { scope: "col" }));
      }
      const body = table.createTBody();
      for (const bar of [...this.told.bars].sort((one, other) => other.is_own - one.is_own)) {
        const [start, end] = this.times(bar);
        const row = body.insertRow();
        row.append(made("th", nameOf(bar), { scope: "row" }));
        const cells = [KINDS[bar.kind], bar.partition || "–", bar.kind === "running" ? "runs" : start, end, nodesOf(bar, this.told.nodes)];
        for (const text of cells) row.append(made("td", text));
      }
      fold.querySelector(".table-region").replaceChildren(table);
    }
  }

  document.querySelectorAll("[data-schedule]").forEach((box) => new Schedule(box));
})();
