// The cards of a chapter answer: fetched at the first touch of a card's maps (living.js), it computes the walk that the
// page shows, and from then on tells of every value where it comes from.
import { plan } from "../compute/arithmetic.js";
import { valueAt } from "../compute/tensors.js";
import { explained } from "../compute/troubles.js";
import { fieldOf } from "../numbers/field.js";
import { describe } from "../numbers/made.js";
import { middleOf, pixel } from "../numbers/pixel.js";
import { changeInWords } from "../numbers/switches.js";
import { blockWiring, stemWiring, tailWiring } from "../numbers/wiring.js";
import { element } from "../page/element.js";
import { channelImage, number, scaleOf } from "../page/maps.js";
import { onPaste } from "../page/own-picture.js";
import { isCommand, neighbour, take } from "../page/pointing.js";
import { edition, inWords, words } from "../page/words.js";
import { panel } from "./panel.js";
import { livePicture } from "./pictures.js";
import { walkAgain } from "./walk-again.js";
import { cellsOf, familyOf, leavesOf, shownBy, STEPS } from "./walks.js";

const CARDS = ".lw-card[data-again]";
const family = familyOf(document.querySelector(CARDS)); // all cards of a page are of one
const hasStem = document.querySelector("[data-again=stem]") !== null;
const steps = STEPS[family];
const announced = element("p", { className: "living-announced", role: "status" });
document.body.append(announced);

const pictures = new Map(); // image → what makes it answer
let wish = { input: "photograph", without: [] }; // what is to be computed
let back = false; // whether the walk with all of its lines is to be seen
let walk = null; // what walk-again.js has made
let begun = null;
let scales = new Map(); // by tensor

const walks = walkAgain({
  base: document.currentScript.src, family, printed, say: (...nodes) => answers.say(...nodes), onLost: () => walk && change({}),
});
const place = pixel({ steps, shapeOf: (step) => walk.values[step].shape, changed: show });
const answers = panel({
  onPick: (index) => place.set(place.step, index),
  onKey: (key) => place.set(place.step, place.moved(key)),
  onPin: (on) => place.pin(on),
  onGoTo: ({ step, index }) => goTo(step, index),
  onWithout: (without) => change({ without }),
  onFlip: (isBack) => { back = isBack; refresh(); },
  onPicture: bring,
});

// A reader has touched an image for the first time: at a point of the screen, or by a key.
globalThis.livingCards = {
  async touch(image, { clientX, clientY, key }) {
    answers.moveTo(image.closest(CARDS));
    if (!(await begin())) return;
    if (!pictures.has(image)) refresh(); // of a cell that has been run since
    const picture = pictures.get(image), middle = middleOf(walk.values[picture.step].shape);
    if (key) picture.holder.focus({ preventScroll: true });
    place.set(picture.step, key ? middle : picture.at(clientX, clientY) ?? middle, !key);
  },
};

// ---- computing

// Whether the cards answer now. Where they cannot, the panel says why, and another touch tries again.
function begin() {
  begun ??= walks.begin().then((made) => {
    walk = made;
    refresh();
    return true;
  }).catch((error) => {
    begun = null;
    return error.code === "lost" ? begin() : tell(error);
  });
  return begun;
}

function printed() {
  return [...document.querySelectorAll(CARDS)].flatMap((card) => shownBy(card).pictures);
}

function tell(error) {
  answers.say(inWords(explained(error)));
  if (!error.zh) reportError(error);
  return false;
}

// Computes anew with other settings; the last wish wins.
async function change(settings) {
  wish = { ...wish, ...settings };
  const wished = wish;
  try {
    const computed = await walks.compute(wished);
    if (wished !== wish) return;
    walk = computed;
    refresh();
  } catch (error) {
    if (error.code !== "lost") tell(error);
  }
}

async function bring(blob) {
  try {
    if (blob) await walks.bring(blob);
    await change({ input: blob ? "own" : "photograph" });
  } catch (error) {
    tell(error);
  }
}

onPaste((file) => walk && bring(file));

// ---- the cards

function pictureFor(image, step) {
  if (pictures.has(image)) return pictures.get(image);
  const keys = words("方向键看数值，回车钉住，Page Up、Page Down 换通道", "arrow keys read values, Enter pins one, Page Up and Page Down change the channel");
  const picture = livePicture(image, step, `${image.alt}${words("；", "; ")}${keys}`);
  pictures.set(image, picture);
  listen(picture);
  return picture;
}

function listen(picture) {
  const { holder, step } = picture, card = holder.closest(CARDS);
  holder.addEventListener("pointermove", ({ clientX, clientY, pointerType }) => {
    const index = picture.at(clientX, clientY);
    holder.title = index ? said(step, index) : "";
    if (index && !place.pinned && pointerType === "mouse" && answers.isIn(card)) place.set(step, index);
  });
  holder.addEventListener("click", (event) => {
    event.preventDefault(); // what enlarges pictures leaves it alone
    const index = picture.at(event.clientX, event.clientY);
    if (!index) return;
    comeTo(holder);
    place.set(step, index, true);
  });
  holder.addEventListener("keydown", (event) => {
    if (isCommand(event)) return;
    const own = place.in(step) ?? middleOf(walk.values[step].shape), to = neighbour(event.key, own);
    if (!to && event.key !== "Enter" && event.key !== " ") return;
    take(event);
    comeTo(holder);
    to ? place.set(step, to) : place.set(step, own, !place.pinned || place.step !== step);
  });
}

// The panel comes from another card, and what the reader touches stays where it is: not every browser sees to that itself.
function comeTo(holder) {
  const { top } = holder.getBoundingClientRect();
  answers.moveTo(holder.closest(CARDS));
  requestAnimationFrame(() => scrollBy({ top: holder.getBoundingClientRect().top - top, behavior: "instant" }));
}

// Draws what has been computed where the build has drawn something else.
function refresh() {
  const { whole, result } = walk, values = shown(), isOwn = wish.input !== "photograph";
  for (const card of document.querySelectorAll(CARDS)) {
    const { step, pictures: images } = shownBy(card);
    const largest = Math.max(...images.flatMap(([, name]) => [scale(walk.values[name]), scale(whole[name])]));
    for (const [image, name] of images) {
      const picture = pictureFor(image, name), own = Math.max(scale(walk.values[name]), scale(whole[name]));
      const isOther = values[name] !== whole[name];
      picture.show(values[name], own * 4 > largest ? largest : own, isOwn || isOther); // of like size: one scale, to compare
      picture.says(walk.values[name] === whole[name] ? "" : changeInWords(whole[name], walk.values[name], edition));
    }
    card.classList.toggle("living-left-out", !back && leaves(step).some((one) => wish.without.includes(one.step)));
  }
  for (const image of document.querySelectorAll(`${CARDS} :is(.lw-photo img, .lw-maps > img:not([data-grid]))`)) {
    image.dataset.printed ??= image.src;
    image.src = isOwn ? addressOf(result.picture) : image.dataset.printed;
  }
  answers.settings({ isOwn, without: wish.without });
  show();
}

const shown = () => (back ? walk.whole : walk.values);
const leaves = (step) => leavesOf(family, step, wiring([])[step]?.line ?? "");

function wiring(without) {
  if (family === "tail") return tailWiring(without);
  const block = blockWiring(plan({ without }));
  return hasStem ? { ...block, ...stemWiring() } : block;
}

function scale(tensor) {
  if (!scales.has(tensor)) scales.set(tensor, scaleOf(tensor));
  return scales.get(tensor);
}

function addressOf(pixels) {
  const canvas = element("canvas", { width: pixels.width, height: pixels.height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

// ---- the place

const named = (step, index) => `${steps[step].variable}[${[0, ...index].join(", ")}]`;
const numberAt = (tensor, index) => number(valueAt(tensor, index));

function said(step, index) {
  const text = `${named(step, index)} = ${numberAt(shown()[step], index)}`;
  if (walk.values[step] === walk.whole[step]) return text;
  return back
    ? `${text}${words("；去掉以后", "; without it")} ${numberAt(walk.values[step], index)}`
    : `${text}${words("；原来", "; before")} ${numberAt(walk.whole[step], index)}`;
}

function show() {
  const { step, index, pinned } = place;
  if (step === null) return;
  for (const picture of pictures.values()) picture.mark(pinned || picture.step === step ? place.in(picture.step) : null);
  const values = shown(), { picture, weights } = walk.result, field = fieldOf(steps[step], index, picture);
  const rows = `${field.top}–${field.top + field.height - 1}`, columns = `${field.left}–${field.left + field.width - 1}`;
  const sees = field.height === picture.height && field.width === picture.width
    ? words("看得到整张照片。", "It sees the whole photograph.")
    : words(
      `看得到照片上 ${field.height}×${field.width} 个像素：行 ${rows}，列 ${columns}。`,
      `It sees ${field.height}×${field.width} pixels of the photograph: rows ${rows}, columns ${columns}.`);
  const tensors = { input: walk.result.input, weights, steps: values };
  const description = describe({ tensors, step, index, wiring: wiring(back ? [] : wish.without) });
  const { from, channel, box } = cellsOf(steps[step], index, description) ?? {};
  answers.show({
    text: said(step, index), sees, pinned, step, index, description, tensors, tensor: values[step],
    leaves: leaves(step), pictures: {
      now: map(step, index[0], { top: index[1], left: index[2], height: 1, width: 1 }),
      before: from && map(from, channel, box), photograph: { image: picture, box: field, text: "" },
    },
  });
  const line = answers.line(), isHeard = pinned || document.activeElement?.closest(".living-maps, .living-panel");
  if (line && isHeard) announced.textContent = `${line}: ${said(step, index)}${words("；", "; ")}${sees}`;
}

function map(step, channel, box) {
  const tensor = shown()[step];
  return { image: channelImage(tensor, channel, scale(tensor)), box, text: `${steps[step].variable}[0, ${channel}]` };
}

// ---- following: to the line that the reader goes to

document.addEventListener("line-chosen", ({ detail: section }) => {
  const card = section.querySelector(CARDS), step = card && shownBy(card).step;
  if (!place.pinned || !steps[step]) return;
  answers.moveTo(card);
  place.set(step, place.in(step));
});

// To another number, in the card that shows it.
function goTo(step, index) {
  const picture = [...pictures.values()].find(({ step: own, holder }) => own === step && holder.checkVisibility());
  if (!picture) return; // a question hides it
  answers.moveTo(picture.holder.closest(CARDS));
  picture.holder.focus({ preventScroll: true });
  picture.holder.scrollIntoView({ block: "center" });
  place.set(step, index, true);
}

addEventListener("keydown", ({ key, target }) => {
  if (key === "Escape" && place.pinned && !target.closest?.("dialog, input, textarea, [contenteditable]")) place.pin(false);
});
