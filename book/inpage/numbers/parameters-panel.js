// What a line has learned, drawn: a convolution's kernels; batch norm's γ, β, μ and σ for every channel.
import { NORMS } from "../compute/arithmetic.js";
import { valueAt } from "../compute/tensors.js";
import { drawOn } from "../page/draw-on.js";
import { element } from "../page/element.js";
import { number, paint, scaleOf } from "../page/maps.js";
import { pointing } from "../page/pointing.js";
import { wordsIn } from "../page/words.js";
import { norm } from "./made.js";

const MANY = 2048; // kernels that are drawn
const TALL = 48; // px of a row of bars
const READS = { ...Object.fromEntries(Object.entries(NORMS).map(([conv, norm]) => [norm, conv])), bn_conv_1x1_3: "conv_1x1_3" };
const views = new WeakMap(); // by place
let panels = 0;

// Shows in `place` what `step` has learned. `tensors`: {weights, steps} of client.js; `channel`: the output channel that is
// looked at; `onPick(channel)` hears which other one the reader chooses. `training`: whether batch norm takes the batch's
// statistics, as it also does where the weights hold none. When only `channel` differs from the last call, only the marks
// and numbers change, so that a slider can be dragged.
export function showParameters(place, { step, tensors, channel, onPick = () => {}, training = false }, language) {
  const names = (step === "identity" ? ["downsample.0", "downsample.1"] : [step]).filter((name) => `${name}.weight` in tensors.weights);
  const batches = names.map((name) => (training || !(`${name}.running_mean` in tensors.weights) ? tensors.steps[READS[name]] : null));
  const made = [...names.map((name) => tensors.weights[`${name}.weight`].data), ...batches, step, language];
  let view = views.get(place);
  if (!view || made.some((one, at) => one !== view.made[at]) || !place.contains(view.box)) {
    view = { made, ...viewOf(names, batches, tensors.weights, wordsIn(language), (picked) => views.get(place).pick(picked)) };
    views.set(place, view);
    place.replaceChildren(view.box);
  }
  view.pick = onPick;
  view.show(channel);
}

// {box, show(channel)}
function viewOf(names, batches, weights, words, pick) {
  const box = element("section", { className: "parameters", "aria-label": words("这一行学来的数", "What this line has learned") });
  if (!names.length) {
    box.append(element("p", { className: "parameters-said", textContent: words("这一行没有学来的数。", "This line has learned no numbers.") }));
    return { box, show: () => {} };
  }
  const [outputs] = weights[`${names[0]}.weight`].shape;
  const parts = [picker(outputs, pick, words), ...names.flatMap((name, at) => (weights[`${name}.weight`].shape.length === 4
    ? [kernels(name, weights[`${name}.weight`], pick, words), ...biases(name, weights[`${name}.bias`], pick, words)]
    : [statistics(name, weights, batches[at], pick, words)]))];
  box.append(...parts.flatMap(({ elements }) => elements));
  return { box, show: (channel) => parts.forEach(({ show }) => show(channel)) };
}

function picker(outputs, pick, words) {
  const id = `parameters-${(panels += 1)}`, label = element("label", { for: id });
  const slider = element("input", { type: "range", id, min: 0, max: outputs - 1, oninput: () => pick(Number(slider.value)) });
  return {
    elements: [element("p", { className: "parameters-picker" }, label, slider)],
    show(channel) {
      label.textContent = words(`输出通道 ${channel}，共 ${outputs} 个`, `output channel ${channel} of ${outputs}`);
      slider.value = channel;
    },
  };
}

// The kernels of one output channel, a tile for each input channel that it reads; those of 1×1 as one matrix.
function kernels(name, weight, pick, words) {
  const [outputs, inputs, kernel] = weight.shape, single = kernel === 1, each = inputs * kernel * kernel;
  const said = element("output", { className: "parameters-value" }), canvas = element("canvas", { tabIndex: 0, role: "application" });
  const mark = element("span", { className: "parameters-row", hidden: !single });
  const scroller = element("div", { className: "parameters-kernels" }, element("div", { className: "parameters-frame" }, canvas, mark));
  const scale = scaleOf(weight), shown = { shape: single ? [1, 1, outputs, inputs] : [1, inputs, kernel, kernel], index: [0, 0, 0] };
  const indexIn = ([first, row, column]) => (single ? [row, column, 0, 0] : [shown.channel, first, row, column]);
  const tell = (index) => {
    shown.index = index;
    said.value = `[${indexIn(index).join(", ")}] = ${number(valueAt(shown, index))}`;
  };
  canvas.setAttribute("aria-label", single
    ? words(`${outputs} 行、${inputs} 列的权重；方向键看数值`, `weights in ${outputs} rows, ${inputs} columns; arrow keys read them`)
    : words(`${inputs} 个 ${kernel}×${kernel} 的卷积核；方向键看数值`, `${inputs} kernels of ${kernel}×${kernel}; arrow keys read them`));
  pointing(canvas, () => shown, (index, chosen) => {
    tell(index);
    if (single && chosen && index[1] !== shown.channel) pick(index[1]);
  });
  if (single) {
    Object.assign(shown, { data: weight.data, layout: paint(canvas, { shape: shown.shape, data: weight.data }, 1, scale) });
    canvas.classList.add("parameters-matrix");
    canvas.style.setProperty("--columns", inputs);
    mark.style.height = `${100 / outputs}%`;
  }
  return {
    elements: [
      element("p", { className: "parameters-said" }, element("code", { textContent: `${name}.weight` }), ` (${weight.shape.join(", ")}) `, said),
      element("p", { className: "parameters-said", textContent: single
        ? words("一行是一个输出通道，一列是一个输入通道。", "A row is an output channel, a column an input channel.")
        : words("一格是一个输入通道的卷积核。", "A tile is the kernel for one input channel.") }),
      scroller,
    ],
    show(channel) {
      shown.channel = channel;
      if (single) {
        mark.style.top = `${(100 * channel) / outputs}%`;
        scroller.scrollTop = (scroller.scrollHeight * channel) / outputs - scroller.clientHeight / 2;
        tell([0, channel, shown.index[2]]);
      } else {
        shown.data = weight.data.subarray(channel * each, (channel + 1) * each);
        shown.layout = paint(canvas, shown, MANY, scale);
        tell(shown.index);
      }
    },
  };
}

function biases(name, bias, pick, words) {
  if (!bias) return [];
  return [bars(`${name}.bias`, words("每个输出通道加上一个数", "one number that is added, for each output channel"), [["b", words("偏置", "bias"), [...bias.data]]], pick, words)];
}

function statistics(name, weights, batch, pick, words) {
  const [outputs] = weights[`${name}.weight`].shape;
  const all = Array.from({ length: outputs }, (_, channel) => norm(name, weights, channel, batch));
  return bars(name, words("每个通道四个数，一条竖线是一个通道", "four numbers for each channel; a bar is a channel"), [
    ["γ", words("学来的乘数", "learned factor"), all.map(({ weight }) => weight)],
    ["β", words("学来的加数", "learned summand"), all.map(({ bias }) => bias)],
    ["μ", batch ? words("这一批的均值", "the batch's mean") : words("积累的均值", "running mean"), all.map(({ mean }) => mean)],
    ["σ", batch ? words("这一批的标准差", "the batch's std") : words("积累的标准差", "running std"), all.map(({ variance }) => Math.sqrt(variance))],
  ], pick, words);
}

// A bar for every channel; `rows`: [[sign, meaning, values]].
function bars(name, caption, rows, pick, words) {
  const marks = [];
  const list = element("ul", { className: "parameters-bars" }, ...rows.map(([sign, meaning, values]) => {
    const canvas = element("canvas", { role: "img" }), value = element("output", { className: "parameters-value" });
    const mark = element("span", { className: "parameters-mark" });
    canvas.setAttribute("aria-label", words(
      `${sign} 从 ${number(Math.min(...values))} 到 ${number(Math.max(...values))}`, `${sign} from ${number(Math.min(...values))} to ${number(Math.max(...values))}`));
    drawBars(canvas, values);
    canvas.onclick = ({ clientX }) => {
      const { left, width } = canvas.getBoundingClientRect();
      pick(Math.max(0, Math.min(values.length - 1, Math.floor(((clientX - left) / width) * values.length))));
    };
    mark.style.width = `${100 / values.length}%`;
    marks.push((channel) => {
      mark.style.left = `${(100 * channel) / values.length}%`;
      value.value = number(values[channel]);
    });
    return element("li", {},
      element("span", { className: "parameters-name" }, element("strong", { textContent: sign }), ` ${meaning}`),
      element("span", { className: "parameters-frame" }, canvas, mark), value);
  }));
  return {
    elements: [element("p", { className: "parameters-said" }, element("code", { textContent: name }), ` ${caption}`), list],
    show: (channel) => marks.forEach((show) => show(channel)),
  };
}

function drawBars(canvas, values) {
  const wide = Math.max(2, Math.min(8, Math.floor(512 / values.length)));
  Object.assign(canvas, { width: values.length * wide, height: TALL });
  const most = Math.max(0, ...values), span = most - Math.min(0, ...values) || 1, zero = Math.round((TALL - 1) * (most / span));
  drawOn(canvas, (context) => {
    values.forEach((value, at) => {
      const height = Math.round(Math.abs(value / span) * (TALL - 1));
      context.fillStyle = value < 0 ? "#2670e9" : "#ee7714";
      context.fillRect(at * wide, value < 0 ? zero : zero - height, wide - (wide > 2 ? 1 : 0), height);
    });
    context.fillStyle = "#888";
    context.fillRect(0, zero, canvas.width, 1);
  });
}
