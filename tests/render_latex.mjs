// Draws every LaTeX string of a JSON list on standard input with KaTeX and with MathJax, and
// prints a JSON list of the faults. The argument is the folder that holds node_modules.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const require = createRequire(join(resolve(process.argv[2]), "index.js"));
const strings = JSON.parse(readFileSync(0, "utf8"));
const faults = [];

const katex = require("katex");
for (const tex of strings) {
  const strict = (code, message) => {
    faults.push({ by: "KaTeX", tex, message: `${code}: ${message}` });
    return "ignore";
  };
  try {
    katex.renderToString(tex, { displayMode: true, throwOnError: true, strict });
  } catch (error) {
    faults.push({ by: "KaTeX", tex, message: error.message });
  }
}

const { mathjax } = require("mathjax-full/js/mathjax.js");
const { TeX } = require("mathjax-full/js/input/tex.js");
const { SVG } = require("mathjax-full/js/output/svg.js");
const { liteAdaptor } = require("mathjax-full/js/adaptors/liteAdaptor.js");
const { RegisterHTMLHandler } = require("mathjax-full/js/handlers/html.js");
const { AllPackages } = require("mathjax-full/js/input/tex/AllPackages.js");
// as in JupyterLab, less the two that draw a fault as if it were none
const packages = AllPackages.filter((name) => !["noerrors", "noundefined"].includes(name));
const adaptor = liteAdaptor();
RegisterHTMLHandler(adaptor);
const page = mathjax.document("", {
  InputJax: new TeX({
    packages,
    formatError: (_, error) => { throw error; },
  }),
  OutputJax: new SVG({ fontCache: "none" }),
});

// how often each letter, digit and square bracket stands in a text
const counted = (text) => {
  const count = new Map();
  for (const c of text.match(/[A-Za-z0-9[\]]/g) ?? []) count.set(c, (count.get(c) ?? 0) + 1);
  return count;
};
const written = (tex) =>
  counted(
    tex
      .replace(/\\\\\[[\d.]+pt\]/g, "")
      .replace(/\\(begin|end)\{\w+\}(\{\w+\})?/g, "")
      .replace(/\\[A-Za-z]+/g, ""),
  );
const glyphs = (svg) => {
  const codes = [...svg.matchAll(/data-c="([0-9A-F]+)"/g)].map((m) => parseInt(m[1], 16));
  return String.fromCodePoint(...codes).normalize("NFKC");
};
const lost = (tex, svg) => {
  const there = counted(glyphs(svg));
  return [...written(tex)].filter(([c, times]) => (there.get(c) ?? 0) < times).map(([c]) => c);
};

for (const tex of strings) {
  try {
    const drawn = adaptor.outerHTML(page.convert(tex, { display: true }));
    if (drawn.includes("merror")) faults.push({ by: "MathJax", tex, message: "an error is drawn" });
    const missing = lost(tex, drawn);
    if (missing.length) {
      faults.push({ by: "MathJax", tex, message: `not drawn as often as written: ${missing}` });
    }
  } catch (error) {
    faults.push({ by: "MathJax", tex, message: error.message });
  }
}
console.log(JSON.stringify(faults));
