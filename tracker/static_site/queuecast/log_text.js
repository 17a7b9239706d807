/* A log as people read it, in a <pre>: window.queuecastLog = { plain, bytes, LogText }

   Colour codes are left out, a line that was overwritten (\r) shows its last state, and no more
   than a limit of text is kept. Text is only ever set as text. Load with defer, first of the three
   (log_search.js, log.js). */
window.queuecastLog = (() => {
  "use strict";
  const CHUNK_CHARS = 65536;
  // Colours and cursor movements; titles and links; other two-letter codes; one that has only begun.
  const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]|\x1b[[\]]?[0-?]*[ -/]*$/g;
  const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

  const plain = (text) => text.replace(ESCAPES, "").replace(CONTROLS, "");

  function bytes(count) {
    if (count < 1000) return `${count} bytes`;
    const units = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]];
    const [unit, size] = units.find(([, least]) => count >= least);
    return `${(count / size).toFixed(count < 10 * size ? 1 : 0)} ${unit}`;
  }

  // What an unfinished line still needs: its last state, and whether that will be overwritten.
  function lastState(line) {
    if (!line.includes("\r")) return line;
    const states = line.split("\r");
    const last = states.findLast((state) => plain(state) !== "") || "";
    return states.at(-1) === "" ? `${last}\r` : last;
  }

  const shown = (line) => plain(lastState(line)).replaceAll("\r", "");

  /* Chunks that meet: the end byte of one is the start byte of the next. A line that lies across
     two is shown by the later one, which takes it over as `carried`. What is being read stays
     where it is while something above it comes or goes. */
  class LogText {
    #chunks = [];
    #length = 0;

    constructor(box, maxChars) {
      this.box = box;
      this.maxChars = maxChars;
    }

    get isEmpty() { return this.#chunks.length === 0; }
    get start() { return this.isEmpty ? 0 : this.#chunks[0].start; }
    get end() { return this.isEmpty ? 0 : this.#chunks.at(-1).end; }

    clear() {
      this.#chunks = [];
      this.#length = 0;
      this.box.replaceChildren();
    }

    /* The piece that begins where the text ends; another is not taken. True if the beginning of
       the text had to go. */
    append(piece, { isMarked = false } = {}) {
      if (!piece.text || (!this.isEmpty && piece.start !== this.end)) return false;
      const last = this.#chunks.at(-1);
      this.#length += piece.text.length;
      if (last && !isMarked && last.raw.length + piece.text.length <= CHUNK_CHARS) {
        last.raw += piece.text;
        last.end = piece.end;
        this.#fill(last);
      } else {
        const chunk = this.#chunk(piece, isMarked);
        chunk.carried = last ? last.left : "";
        this.#chunks.push(chunk);
        this.box.append(chunk.element);
        if (last) this.#fill(last);
        this.#fill(chunk);
      }
      if (this.#length <= this.maxChars) return false;
      return this.#keepingPlace(() => this.#drop(() => this.#chunks.shift()));
    }

    /* The piece that ends where the text begins; another is not taken. True if the end of the text
       had to go. */
    prepend(piece) {
      if (!piece.text || piece.end !== this.start) return false;
      this.#length += piece.text.length;
      const chunk = this.#chunk(piece, false);
      this.#chunks.unshift(chunk);
      this.#keepingPlace(() => {
        this.box.prepend(chunk.element);
        this.#fill(chunk);
        this.#carryOn();
      });
      const hasDropped = this.#drop(() => this.#chunks.pop());
      if (hasDropped) this.#fill(this.#chunks.at(-1));
      return hasDropped;
    }

    // From the first chunk to as far as it makes a difference.
    #carryOn() {
      for (let index = 1; index < this.#chunks.length; index += 1) {
        const { left } = this.#chunks[index - 1];
        if (this.#chunks[index].carried === left) return;
        this.#chunks[index].carried = left;
        this.#fill(this.#chunks[index]);
      }
    }

    #keepingPlace(change) {
      const fromBottom = this.box.scrollHeight - this.box.scrollTop;
      const result = change();
      this.box.scrollTop = this.box.scrollHeight - fromBottom;
      return result;
    }

    #chunk({ text, start, end }, isMarked) {
      const element = document.createElement("span");
      return { raw: text, start, end, element, isMarked, carried: "", left: "" };
    }

    #fill(chunk) {
      const text = (chunk.carried + chunk.raw).replace(/\r+\n/g, "\n");
      // A line without end is broken where chunks meet.
      const cut = text.length - text.lastIndexOf("\n") > CHUNK_CHARS && !text.endsWith("\r")
        ? text.length : text.lastIndexOf("\n") + 1;
      chunk.left = lastState(text.slice(cut));
      const lines = text.slice(0, cut).split("\n").map(shown);
      if (chunk === this.#chunks.at(-1)) lines.push(lines.pop() + shown(chunk.left));
      if (!chunk.isMarked) {
        chunk.element.textContent = lines.join("\n");
        return;
      }
      const mark = document.createElement("mark");
      mark.textContent = lines[0];
      chunk.element.replaceChildren(mark, ["", ...lines.slice(1)].join("\n"));
    }

    #drop(take) {
      const before = this.#chunks.length;
      while (this.#length > this.maxChars && this.#chunks.length > 1) {
        const chunk = take();
        chunk.element.remove();
        this.#length -= chunk.raw.length;
      }
      return this.#chunks.length < before;
    }
  }

  return { plain, bytes, LogText };
})();
