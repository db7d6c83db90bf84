// stdin: {"macros": TeX of \def lines, "spans": [TeX, …]}; stdout: [null or an error message, …], one per span.
// Each span sees the macros alone: what one span defines, the next does not know.
import katex from "katex";
import { readFileSync } from "node:fs";

// KaTeX knows these and JupyterLab's MathJax does not: to KaTeX they must be as undefined as they are there.
const KATEX_ONLY = `Alpha Beta Epsilon Zeta Eta Iota Kappa Mu Nu Omicron Rho Tau Chi N R Z alef alefsym bull clubs
  cnums Complex darr dArr Darr diamonds empty exist harr hArr Harr hearts image infin isin lang larr lArr Larr lrarr
  lrArr Lrarr natnums plusmn rang rarr rArr Rarr real reals Reals sdot sect spades sub sube supe thetasym uarr uArr
  Uarr weierp argmin argmax plim blue orange pink red green gray purple`;
const builtin = KATEX_ONLY.split(/\s+/).map((name) => [`\\${name}`, `\\${name}IsNotInMathJax`]);

const options = (macros) => ({ macros, displayMode: true, throwOnError: true, strict: "error", trust: false });
const { macros, spans } = JSON.parse(readFileSync(0, "utf8"));
const defined = Object.fromEntries(builtin);
katex.renderToString(macros, { ...options(defined), globalGroup: true });

const check = (span) => {
  try {
    katex.renderToString(span, options({ ...defined }));
    return null;
  } catch (error) {
    return error.message;
  }
};
process.stdout.write(JSON.stringify(spans.map(check)));
