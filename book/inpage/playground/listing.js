// forward's source with what every line makes, at once and without an engine.
import { constructorCall, family, innerWidth, LEAVABLE, leavableAt, SOURCE } from "../compute/arithmetic.js";
import { switchFor } from "../numbers/switches.js";
import { element } from "../page/element.js";
import { edition, inWords, words } from "../page/words.js";

const count = (value) => value.toLocaleString("en-US");
const FAMILY_WORDS = {
  "dilated ResNet-50": words("带空洞的 ResNet-50（语义分割里用）", "dilated ResNet-50, as segmentation uses it"),
  "ResNet-50 V1": words("ResNet-50 V1（论文里的写法）", "ResNet-50 V1, the paper's"),
};

// `change(settings)` hears which lines the reader leaves out.
export function listing({ change }) {
  let shownOrder = null;
  const head = element("tr", {}, ...[
    words("forward 的一行", "a line of forward"), words("形状", "shape"), words("参数", "parameters"),
    words("乘加", "MACs"), words("感受野", "receptive field"),
  ].map((text) => element("th", { textContent: text, scope: "col" })));
  const body = element("tbody");
  const table = element("table", { className: "pg-listing" }, element("thead", {}, head), body);
  const summary = element("p", { className: "pg-summary", role: "status" });
  const width = element("code"); // as torchvision's class works it out
  const middle = element("p", { className: "pg-width" }, words("中间的通道数", "channels in the middle"), ": ", width);
  const code = element("code");
  const copy = element("button", { type: "button", textContent: words("复制", "Copy"), className: "pg-copy" });
  copy.onclick = async () => {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = words("已复制", "Copied");
    setTimeout(() => { copy.textContent = words("复制", "Copy"); }, 1500);
  };
  const call = element("div", { className: "pg-call" }, element("pre", { tabIndex: 0 }, code), copy);

  // Rows stay, so that the switch in one keeps the focus.
  const rows = Object.fromEntries(Object.entries(SOURCE).map(([order, lines]) => [order, lines.map(rowFor)]));

  function rowFor([source, step]) {
    const first = element("td", {}, element("code", {}, source.match(/^ */)[0], element("span", { textContent: source.trim() || " " })));
    const row = element("tr", { "data-step": step ?? "" }, first);
    const leaves = source.trim() === "identity = x" ? null : leavableAt(step);
    const showSwitch = leaves ? switchFor(first, {
      step: leaves, leavable: LEAVABLE, source, state: { without: [] }, onChange: (without) => change({ without }),
    }, edition) : () => {};
    const show = (planned) => {
      while (first.nextSibling) first.nextSibling.remove();
      row.className = source ? stateOf(step, planned) : "pg-blank";
      row.append(...cells(planned, step, row.className));
      showSwitch(planned.config);
    };
    return { row, show };
  }

  function stateOf(step, { config, steps, refused }) {
    if (!step) return "";
    if (config.without.includes(step)) return "pg-left-out";
    if (step === (refused?.line === "downsample.0" ? "identity" : refused?.line)) return "pg-failed";
    if (!steps[step] || (step === "identity" && !config.downsample)) return "pg-skipped";
    return "";
  }

  function cells({ steps, refused }, step, state) {
    const made = steps[step], wide = (...children) => [element("td", { colSpan: 4 }, ...children)];
    if (state === "pg-failed") return wide(element("strong", { textContent: refused.pytorch }), " ", inWords(refused));
    if (!made || ["pg-skipped", "pg-left-out"].includes(state)) return wide();
    return [
      element("td", { "data-name": words("形状", "shape") }, element("code", { textContent: `(${made.shape.join(", ")})` })),
      element("td", { "data-name": words("参数", "parameters"), textContent: made.params ? count(made.params) : "" }),
      element("td", { "data-name": words("乘加", "MACs"), textContent: made.macs ? count(made.macs) : "" }),
      element("td", { "data-name": words("感受野", "receptive field"), textContent: `${made.receptiveField}×${made.receptiveField}` }),
    ];
  }

  return {
    parts: [summary, middle, table, call],
    show(planned) {
      const { config, steps, params, macs } = planned;
      rows[config.order].forEach((line) => line.show(planned));
      if (shownOrder !== config.order) body.replaceChildren(...rows[config.order].map(({ row }) => row));
      shownOrder = config.order;
      const name = family(config);
      const [from, to] = [steps.input, steps.output].map((step) => step && `(${step.shape.join(", ")})`);
      const kind = name ? `${FAMILY_WORDS[name] ?? name}` : words("不属于常见的哪一家", "none of the known families");
      summary.replaceChildren(
        element("b", { textContent: kind }), " · ",
        to ? `${from} → ${to}` : words("这样的块跑不完", "this block does not run to its end"),
        ` · ${count(params)} ${words("个参数", "parameters")} · ${count(macs)} ${words("次乘加", "MACs")}`,
      );
      const { planes, base_width, groups } = config;
      width.textContent = `width = int(${planes} * (${base_width} / 64.)) * ${groups} = ${innerWidth(config)}`;
      code.textContent = constructorCall(config);
    },
  };
}
