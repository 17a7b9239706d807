/* <figure class="snippet"><pre><code>…</code></pre><button data-copy>Copy</button></figure> */
(() => {
  "use strict";
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const code = button.closest(".snippet").querySelector("code");
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // Clipboards need https or localhost: select the text, so that Ctrl+C takes it.
      window.getSelection().selectAllChildren(code);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = before; }, 2000);
  });
})();
