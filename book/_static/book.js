// What scrolls sideways can be reached with the Tab key, and then scrolled with the arrow keys.
const OUTPUT = ".cell_output .output";
const BOXES = `pre, div.math, .table-wrapper, ${OUTPUT}, ${OUTPUT} :is(div, figure, article)`;

const scrolls = (overflow) => overflow === "auto" || overflow === "scroll";

function reachable() {
  for (const box of document.querySelectorAll(BOXES)) {
    const wide = box.scrollWidth > box.clientWidth && scrolls(getComputedStyle(box).overflowX);
    const high = box.scrollHeight > box.clientHeight && scrolls(getComputedStyle(box).overflowY);
    if (wide || high) {
      box.tabIndex = 0;
    }
  }
}

addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reachable));
addEventListener("resize", reachable);
