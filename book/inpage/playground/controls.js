// The form: a field for every setting, and under each what is refused there.
import { FAMILIES } from "../compute/arithmetic.js";
import { element } from "../page/element.js";
import { pictureInput } from "../page/own-picture.js";
import { inWords, words } from "../page/words.js";

// What a slider stops at; the field beside it takes any number.
const NUMBERS = {
  inplanes: [words("输入通道", "input channels"), [1, 3, 16, 32, 64, 128, 256, 512]],
  planes: [words("基本通道", "base channels"), [1, 4, 8, 16, 32, 64, 128, 256]],
  stride: [words("步幅", "stride"), [1, 2, 3, 4]],
  dilation: [words("空洞率", "dilation"), [1, 2, 3, 4, 8]],
  groups: [words("分组", "groups"), [1, 2, 3, 4, 8, 16, 32]],
  base_width: [words("每组宽度", "width of a group"), [4, 8, 16, 32, 64, 128]],
  height: [words("输入高", "input height"), [1, 2, 4, 7, 8, 14, 15, 28, 56, 64]],
  width: [words("输入宽", "input width"), [1, 2, 4, 7, 8, 14, 15, 28, 56, 64]],
};
const CHOICES = {
  downsample: [words("捷径", "shortcut"), [
    [undefined, words("需要时加 downsample", "a downsample where needed")], [true, words("有 downsample", "with a downsample")],
    [false, words("没有 downsample", "without a downsample")],
  ]],
  version: [words("步幅在", "the stride is on"), [["v1.5", "conv2 (V1.5)"], ["v1", "conv1 (V1)"]]],
  training: [words("批归一化", "batch norm"), [
    [false, words("eval：积累的统计", "eval: running statistics")], [true, words("train：这一批的统计", "train: this batch's")],
  ]],
  order: [words("捷径先后", "the shortcut runs"), [
    ["after", words("在 bn3 之后", "after bn3")], ["before", words("在 conv1 之前", "before conv1")],
  ]],
  weights: [words("权重", "weights"), [
    ["auto", words("本书的；不合适时随机", "the book's; random where they do not fit")], ["book", words("本书的", "the book's")],
    ["random", words("随机，manual_seed(0)", "random, manual_seed(0)")], ["ones", words("全是 1", "all ones")],
  ]],
  input: [words("输入", "input"), [
    ["photograph", words("照片", "the photograph")], ["edge", words("一条边", "an edge")],
    ["checkerboard", words("棋盘", "a checkerboard")], ["noise", words("噪声", "noise")],
    ["pixel", words("一个亮点", "one hot pixel")], ["own", words("自己的图片", "a picture of your own")],
  ]],
};

// `change(settings)` hears what the reader sets, `picture(file)` which picture they bring.
export function controls({ change, picture }) {
  const fields = new Map();
  const form = element("form", { className: "pg-form", onsubmit: (event) => event.preventDefault() });
  form.setAttribute("aria-label", words("块的设置", "The block's settings"));

  const families = element("div", { className: "pg-families", role: "group", "aria-label": words("网络家族", "Family") });
  const buttons = Object.entries(FAMILIES).map(([name, settings]) => {
    const button = element("button", { type: "button", textContent: name, onclick: () => change(settings) });
    families.append(button);
    return [name, button];
  });
  const mistake = element("button", {
    type: "button", textContent: words("出一个错：stride=2，拿掉 downsample", "play an error: stride=2, no downsample"),
    onclick: () => change({ stride: 2, downsample: false }),
  });
  families.append(mistake);

  const grid = element("div", { className: "pg-fields" });
  for (const [key, [label, stops]] of Object.entries(NUMBERS)) grid.append(numberField(key, label, stops));
  for (const [key, [label, options]] of Object.entries(CHOICES)) grid.append(choiceField(key, label, options));
  const file = pictureInput("pg-file", picture);
  const own = element("p", { className: "pg-own" },
    element("label", { for: "pg-file", textContent: words("自己的图片：选一张、粘贴，或拖到这一页上", "A picture of your own: choose, paste, or drop it on this page") }),
    file);
  form.append(families, grid, own);

  function wrapped(key, label, ...inputs) {
    const refusal = element("span", { className: "pg-refused", id: `pg-refused-${key}`, role: "alert" });
    const box = element("div", { className: "pg-field" },
      element("label", { for: `pg-${key}` }, label, " ", element("code", { textContent: key })), ...inputs, refusal);
    box.inputs = inputs;
    return box;
  }

  function numberField(key, label, stops) {
    const exact = element("input", { type: "number", id: `pg-${key}`, step: "any", inputMode: "decimal" });
    const slider = element("input", { type: "range", min: 0, max: stops.length - 1, "aria-label": `${label} ${key}` });
    exact.oninput = () => change({ [key]: exact.value === "" ? exact.value : Number(exact.value) }, exact);
    slider.oninput = () => change({ [key]: stops[slider.value] });
    const show = (value, from) => {
      if (from !== exact) exact.value = value;
      const nearest = stops.reduce((best, stop, at) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? at : best), 0);
      slider.value = nearest;
      slider.setAttribute("aria-valuetext", `${value}`);
    };
    const box = wrapped(key, label, exact, slider);
    fields.set(key, { show, box });
    return box;
  }

  function choiceField(key, label, options) {
    const select = element("select", { id: `pg-${key}` },
      ...options.map(([value, text]) => element("option", { value: `${value}`, textContent: text })));
    select.onchange = () => {
      const chosen = options.find(([value]) => `${value}` === select.value)[0];
      if (key === "input" && chosen === "own") return file.click();
      change({ [key]: chosen });
    };
    const box = wrapped(key, label, select);
    fields.set(key, { box, show: (value) => { select.value = `${value}`; } });
    return box;
  }

  return {
    form,
    // The state in the fields, the family's button pressed, and a refusal under the setting that is to blame.
    show(state, family, refused, from) {
      fields.forEach(({ show }, key) => show(state[key], from));
      buttons.forEach(([name, button]) => button.setAttribute("aria-pressed", String(name === family)));
      const blamed = refused?.keys.find((key) => fields.has(key));
      fields.forEach(({ box }, key) => {
        const text = key === blamed ? [inWords(refused), refused.pytorch].filter(Boolean).join(" — ") : "";
        const refusal = box.querySelector(".pg-refused");
        if (refusal.textContent !== text) refusal.textContent = text;
        box.inputs.forEach((input) => {
          input.toggleAttribute("aria-invalid", Boolean(text));
          text ? input.setAttribute("aria-describedby", refusal.id) : input.removeAttribute("aria-describedby");
        });
      });
      return blamed;
    },
  };
}
