// The class with its notes: code and words side by side, on a phone one below the other.
import { element } from "../page/element.js";
import { withCode } from "../page/with-code.js";
import { inWords, words } from "../page/words.js";
import { inert } from "./inert.js";
import { inOrder } from "./turned.js";

export function listing() {
  const list = element("ol", { className: "an-lines" });
  const findings = element("div", { className: "an-findings" });
  const box = element("div", {}, element("h2", { textContent: words("一行一行", "Line by line") }), findings, list);

  function show({ lines, findings: found }) {
    findings.replaceChildren(...(found.length
      ? [element("p", { textContent: words("运行时发现的：", "What the run found:") }), element("ul", {}, ...found.map((one) => element("li", {}, ...withCode(inWords(one)))))]
      : []));
    list.replaceChildren(...lines.map(line));
    box.hidden = !lines.length;
  }

  return { box, show, items: () => [...list.children] };
}

function line({ number, source, depth, html, shape, ran }) {
  const code = element("code", { textContent: inOrder(source) });
  code.style.setProperty("--depth", depth);
  const facts = [shape, ran > 1 ? words(`运行了 ${ran} 次`, `ran ${ran} times`) : ""].filter(Boolean);
  const note = element("div", { className: "an-note" }, inert(html));
  return element("li", { value: number, className: ran === 0 ? "an-not-run" : "" },
    element("div", { className: "an-code" }, element("span", { className: "an-number", "aria-hidden": "true", textContent: number }),
      element("pre", { tabIndex: 0 }, code), ...facts.map((fact) => element("span", { className: "an-shape", textContent: fact }))),
    note);
}
