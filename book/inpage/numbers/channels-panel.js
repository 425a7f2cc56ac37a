// All channels of a line, each with its number, and one of them enlarged so that a value is a whole number of pixels.
import { valueAt } from "../compute/tensors.js";
import { element } from "../page/element.js";
import { cornerOf, number, paint, scaleOf } from "../page/maps.js";
import { pointing, take } from "../page/pointing.js";
import { wordsIn } from "../page/words.js";

const MANY = 2048; // channels that are shown
const LARGE = 336; // px that the enlarged channel has at most, a side
const views = new WeakMap(); // by place

// Shows in `place` the tensor of a line, shape (1, C, H, W), with the value at `index`, [channel, row, column], marked.
// `onPick(index)` hears which value the reader chooses. When only `index` differs from the last call, only the marks move.
export function showChannels(place, { data, shape, index, onPick = () => {} }, language) {
  let view = views.get(place);
  if (!view || view.data !== data || view.language !== language || !place.contains(view.box)) {
    view = viewOf({ data, shape }, language);
    place.replaceChildren(view.box);
    views.set(place, view);
  }
  view.pick = onPick;
  view.mark(index);
}

function viewOf({ data, shape }, language) {
  const words = wordsIn(language), [, channels, height, width] = shape, each = height * width;
  const scale = scaleOf({ data }), times = Math.max(1, Math.floor(LARGE / Math.max(height, width)));
  const view = { data, language };
  const said = element("output", { className: "channels-said" });
  const title = element("p", { className: "channels-title" }, element("strong"), " ", said);

  const one = pictureOf(words("放大的通道；方向键看数值", "the channel enlarged; arrow keys read its values"));
  one.canvas.style.width = `${width * times}px`;
  const all = pictureOf(words(
    `全部 ${channels} 个通道；方向键换通道`, `all ${channels} channels; arrow keys go from channel to channel`));
  const layout = paint(all.canvas, { shape, data }, MANY, scale);
  const place = (mark, left, top, wide, tall, canvas) => Object.assign(mark.style, {
    left: `${(100 * left) / canvas.width}%`, top: `${(100 * top) / canvas.height}%`,
    width: `${(100 * wide) / canvas.width}%`, height: `${(100 * tall) / canvas.height}%`,
  });
  for (let channel = 0; channel < layout.shown; channel += 1) {
    const label = element("span", { className: "channels-number", textContent: channel, "aria-hidden": "true" });
    place(label, ...cornerOf(layout, [channel, 0, 0]), 0, 0, all.canvas);
    all.frame.append(label);
  }

  view.mark = (index) => {
    const [channel, row, column] = index;
    if (view.painted !== channel) {
      const shown = { shape: [1, 1, height, width], data: data.subarray(channel * each, (channel + 1) * each) };
      view.one = paint(one.canvas, shown, 1, scale);
      view.painted = channel;
    }
    view.index = index;
    place(one.mark, column * view.one.times, row * view.one.times, view.one.times, view.one.times, one.canvas);
    place(all.mark, ...cornerOf(layout, [channel, 0, 0]), layout.width, layout.height, all.canvas);
    title.firstChild.textContent = words(`通道 ${channel}，共 ${channels} 个`, `channel ${channel} of ${channels}`);
    const value = number(valueAt({ shape, data }, index));
    said.value = words(`第 ${row} 行、第 ${column} 列：${value}`, `row ${row}, column ${column}: ${value}`);
  };
  const pick = (index, chosen) => chosen && view.pick(index);
  pointing(one.canvas, () => ({ shape: [1, 1, height, width], layout: view.one, index: [0, ...view.index.slice(1)] }),
    ([, row, column], chosen) => pick([view.index[0], row, column], chosen));
  pointing(all.canvas, () => ({ shape, layout, index: view.index }), pick);
  // From tile to tile, not from value to value: there they are too small.
  all.canvas.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layout.columns, ArrowDown: layout.columns }[event.key];
    if (!by) return;
    take(event);
    const channel = view.index[0] + by;
    if (channel >= 0 && channel < layout.shown) pick([channel, ...view.index.slice(1)], true);
  };
  view.box = element("section", { className: "channels", "aria-label": words("所有通道", "All channels") },
    title, element("div", { className: "channels-sides" }, one.frame, element("div", { className: "channels-all" }, all.frame)));
  return view;
}

function pictureOf(label) {
  const canvas = element("canvas", { tabIndex: 0, role: "application", "aria-label": label });
  const mark = element("span", { className: "channels-mark" });
  return { canvas, mark, frame: element("div", { className: "channels-frame" }, canvas, mark) };
}
