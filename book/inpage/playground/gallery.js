// The maps of every line, computed. Their values answer to the pointer, the finger and the keys; one that is pinned tells
// how it was made and can be followed from line to line.
import { LEAVABLE, leavableAt, plan, SOURCE } from "../compute/arithmetic.js";
import { valueAt } from "../compute/tensors.js";
import { fieldOf, onPicture } from "../numbers/field.js";
import { describe } from "../numbers/made.js";
import { middleOf, pixel } from "../numbers/pixel.js";
import { changeInWords, flipFor, switchFor } from "../numbers/switches.js";
import { blockWiring } from "../numbers/wiring.js";
import { drawOn } from "../page/draw-on.js";
import { element } from "../page/element.js";
import { channelImage, number, scaleOf } from "../page/maps.js";
import { isCommand, neighbour, take } from "../page/pointing.js";
import { edition, words } from "../page/words.js";
import { figure } from "./figure.js";
import { pinnedPanel } from "./pinned.js";

const FEW = 16; // channels on a canvas
const NEAR = "300px"; // from the window's edge: what is painted
const KINDS = {
  book: ["本书在 CIFAR-10 上训练的权重", "this book's weights, trained on CIFAR-10"],
  random: ["随机初始化的权重，torch.manual_seed(0)", "randomly initialized weights, torch.manual_seed(0)"],
  ones: ["卷积核全是 1、批归一化不起作用的权重，可以用手算", "kernels of ones and batch norms that change nothing, to work by hand"],
};

// `change(settings)` hears which lines the reader leaves out.
export function gallery({ change }) {
  const said = element("output", { className: "pg-value" }), summary = element("p", { className: "pg-change", role: "status" });
  const caption = element("p", { className: "pg-weights" });
  const picture = element("canvas", { className: "pg-picture", role: "img", "aria-label": words("进入主干的图片", "the picture that goes into the stem") });
  const help = element("p", { className: "pg-help", textContent: words(
    "点一个像素把它钉住，就看得到这个数是怎么算出来的。j、k 跟着它走到下一行、上一行，Esc 放开。",
    "Press a pixel to pin it and see how its number was made. j and k follow it to the next line and the one before, Esc lets it go.") });
  const list = element("div", { className: "pg-maps" });
  const reading = element("div", { className: "pg-reading" }, said, summary);
  const bar = element("div", { className: "pg-bar" }, picture, reading);
  const box = element("div", { className: "pg-gallery", hidden: true, role: "group", "aria-label": words("各行的特征图", "The maps of every line") },
    caption, help, bar, list);
  const panel = pinnedPanel({ onGoTo: goTo, onFollow: follow, onMove: (key) => here.set(here.step, here.moved(key)) });
  const figures = new Map(), switches = new Map(); // by step
  const near = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    const one = figures.get(target.dataset.step);
    one.isNear = isIntersecting;
    one.paint();
  }), { rootMargin: NEAR });
  const flip = flipFor(reading, { onFlip: (isBack) => { back = isBack; showFigures(); tell(); } }, edition);
  let result = null, planned = null, here = null;
  let lines = []; // steps in the order of the lines
  let back = false; // whether the block with all of its lines is to be seen

  const on = {
    point: (one, index) => { if (index && !here.pinned) here.set(one.step, index); },
    press: (one, index) => {
      if (!index) return;
      const again = here.pinned && here.step === one.step && `${here.index}` === `${index}`;
      again ? here.pin(false) : here.set(one.step, index, true);
    },
    focus: (one) => { if (here.step !== one.step && !here.pinned) here.set(one.step, here.in(one.step) ?? middleOf(one.tensor.shape)); },
    key: (one, event) => {
      if (isCommand(event)) return;
      const from = here.step === one.step ? here.index : here.in(one.step) ?? middleOf(one.tensor.shape);
      const to = neighbour(event.key, from);
      if (to) here.set(one.step, to);
      else if (event.key === "Enter" || event.key === " ") here.set(one.step, from, !(here.pinned && here.step === one.step));
      else return;
      take(event);
    },
  };
  box.onkeydown = (event) => {
    if (isCommand(event) || !here?.step) return;
    if (event.key === "j") follow(1);
    else if (event.key === "k") follow(-1);
    else if (event.key === "Escape" && here.pinned) here.pin(false);
    else return;
    take(event);
  };

  function follow(by) {
    const next = lines[lines.indexOf(here.step) + by];
    if (next) goTo({ step: next, index: here.in(next) });
  }

  function goTo({ step, index }) {
    const one = figures.get(step === "downsample.0" ? "identity" : step);
    here.set(one.step, index);
    one.canvas.focus({ preventScroll: true });
    one.element.scrollIntoView({ block: "nearest" });
  }

  // ---- what is shown

  const tensors = () => {
    const steps = (back && result.whole) || result.steps;
    return { input: result.input, ...steps, output: steps.relu3 };
  };

  function show(computed) {
    result = computed;
    planned = plan(result.config);
    box.hidden = false;
    if (!result.whole) flip.reset();
    flip.button.hidden = !result.whole;
    const [zh, en] = KINDS[result.kind], isRepeated = result.input.shape[1] !== 64;
    caption.textContent = !result.picture ? words(`${zh}。`, `${en}.`) : words(
      `${zh}；图片先走过本书的主干（stem）${isRepeated ? "，主干给出 64 个通道，这里循环着用" : ""}。`,
      `${en}; the picture goes through the book's stem first${isRepeated ? ", which makes 64 channels, here taken over and over" : ""}.`);
    picture.hidden = !result.picture;
    if (result.picture) Object.assign(picture, { width: result.picture.width, height: result.picture.height });
    showFigures();
    const before = here;
    here = pixel({ steps: planned.steps, shapeOf: (step) => tensors()[step].shape, changed: tell });
    if (lines.includes(before?.step)) here.set(before.step, before.index, before.pinned);
    else tell();
  }

  function showFigures() {
    const values = tensors(), { whole, config } = result;
    const shown = SOURCE[config.order].filter(([, step]) => values[step] && (step !== "identity" || config.downsample));
    if (`${shown.map(([, step]) => step)}` !== `${lines}`) {
      lines = shown.map(([, step]) => step);
      list.replaceChildren(...shown.map(([source, step]) => figureFor(step, source).element));
    }
    for (const step of lines) {
      const one = figures.get(step), other = whole && { ...whole, output: whole.relu3, input: result.input }[step];
      const now = step === "output" ? result.steps.relu3 : result.steps[step] ?? result.input;
      one.show(values[step], FEW, other ? [now, other] : []);
      one.element.classList.toggle("pg-left-out", config.without.includes(step) && !back);
      one.says(other && other !== now ? changeInWords(other, now, edition) : "");
      switches.get(step)?.(config);
    }
    const last = whole?.relu3 && result.steps.relu3;
    summary.textContent = last ? `return out: ${changeInWords(whole.relu3, last, edition)}` : "";
  }

  function figureFor(step, source) {
    if (figures.has(step)) return figures.get(step);
    const one = figure(step, source, on, near);
    figures.set(step, one);
    const leaves = leavableAt(step);
    if (leaves) {
      switches.set(step, switchFor(one.head, {
        step: leaves, leavable: LEAVABLE, source, state: result.config, onChange: (without) => change({ without }),
      }, edition));
    }
    return one;
  }

  // ---- the value that is looked at

  function tell() {
    figures.forEach((one) => one.clear());
    const { index, pinned } = here, step = lines.includes(here.step) ? here.step : null;
    frame(step, index);
    if (!step) {
      said.value = "";
      panel.element.remove();
      return;
    }
    const one = figures.get(step), values = tensors();
    said.value = `${nameOf(step)}[${[0, ...index].join(", ")}] = ${number(valueAt(values[step], index))}${before(step, index)}`;
    one.mark({ channels: [index[0]], rows: [index[1]], columns: [index[2]] }, pinned ? "pg-here pg-pinned" : "pg-here");
    const { steps, weights, input } = { ...result, steps: (back && result.whole) || result.steps };
    const wiring = blockWiring(back ? { config: { ...planned.config, without: [] } } : planned);
    const description = describe({ tensors: { input, weights, steps }, step, index, wiring });
    const read = reads(description, wiring);
    read.forEach(({ from, ...cells }) => figures.get(from)?.mark(cells, "pg-window"));
    if (!pinned) return panel.element.remove();
    if (one.element.nextSibling !== panel.element) one.element.after(panel.element);
    panel.show({
      step, index, tensor: values[step], tensors: { input, weights, steps }, description, training: planned.config.training,
      pictures: { now: sheetOf(step, index[0], [index[1]], [index[2]]), before: sheetBefore(read[0]), photograph: sheetSeen(step, index) },
    });
  }

  function before(step, index) {
    const whole = { ...result.whole, output: result.whole?.relu3 }[step];
    if (back || !whole || whole === tensors()[step]) return "";
    return words(`（原来是 ${number(valueAt(whole, index))}）`, ` (before: ${number(valueAt(whole, index))})`);
  }

  // One channel with a box around the values in `rows` × `columns`.
  function sheetOf(step, channel, rows, columns) {
    const tensor = tensors()[step], [top, left] = [rows[0], columns[0]];
    return {
      image: channelImage(tensor, channel, scaleOf(tensor)), text: `${nameOf(step)}[0, ${channel}]`,
      box: { top, left, height: rows.at(-1) - top + 1, width: columns.at(-1) - left + 1 },
    };
  }

  // Of a convolution's channels, the one that weighs most.
  const sheetBefore = (read) => (read && tensors()[read.from] ? sheetOf(read.from, read.channels[0], read.rows, read.columns) : null);

  function sheetSeen(step, index) {
    if (!result.picture) return null;
    const box = seenBy(step, index);
    return { image: result.picture, box, text: `${box.height}×${box.width}` };
  }

  function frame(step, index) {
    if (!result.picture) return;
    const image = result.picture, seen = step && seenBy(step, index);
    drawOn(picture, (context) => {
      context.putImageData(image, 0, 0);
      if (!seen) return;
      Object.assign(context, { lineWidth: Math.max(2, picture.width / 80), strokeStyle: "#ee7714" });
      context.strokeRect(seen.left, seen.top, seen.width, seen.height);
    });
  }

  function seenBy(step, index) {
    return fieldOf(onPicture(planned.steps[step]), index, result.picture);
  }

  return { box, show, hide: () => { box.hidden = true; } };
}

const nameOf = (step) => ({ input: "x", identity: "identity" }[step] ?? "out");

// The values of other lines that one was made from: [{from, channels, rows, columns}].
function reads({ kind, step, source, sources, parts, channels, rows, columns }, wiring) {
  if (kind === "convolution") return [{ from: wiring[step].from[0], channels: channels.map(({ channel }) => channel), rows, columns }];
  if (kind === "projection") return reads(parts[0], wiring);
  return (sources ?? (source ? [source] : [])).map(({ step, index: [channel, y, x] }) => (
    { from: step, channels: [channel], rows: [y], columns: [x] }));
}
