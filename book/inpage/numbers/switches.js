// Lines that forward can do without: a switch for each, and what leaving them out changes after it.
import { element } from "../page/element.js";
import { number } from "../page/maps.js";
import { isCommand } from "../page/pointing.js";
import { wordsIn } from "../page/words.js";

const BEFORE = "b"; // the key that shows the block with all of its lines while it is held down

// A part of a line, where that is what is left out.
const PARTS = {
  "downsample.1": ["去掉其中的批归一化", "without its batch norm"],
  bn_conv_1x1_3: ["去掉批归一化", "without the batch norm"],
  relu: ["去掉 ReLU", "without the ReLU"],
};

// A switch in `place` for what makes `step`, one of `leavable`, in the code line `source`; `state.without` lists what is
// left out now, and `onChange` hears the new list. Returns a function that takes the state when it has changed elsewhere.
export function switchFor(place, { step, leavable, source, state, onChange }, language) {
  const words = wordsIn(language), text = words(...(PARTS[step] ?? ["去掉这一行", "without this line"]));
  const button = element("button", {
    type: "button", className: "leave-out", role: "switch", textContent: text, "aria-label": `${text}: ${source.trim()} (${step})`,
  });
  let left = [];
  button.onclick = () => onChange(leavable.filter((one) => (one === step) !== left.includes(one)));
  const show = ({ without }) => {
    left = without;
    button.setAttribute("aria-checked", String(left.includes(step)));
  };
  place.append(button);
  show(state);
  return show;
}

// A button in `place` that flips between the lines as they are now and the whole block, as the key does while it is held;
// `onFlip` hears whether the whole block is to be seen.
export function flipFor(place, { onFlip }, language) {
  const words = wordsIn(language);
  const button = element("button", {
    type: "button", className: "flip", "aria-pressed": "false", "aria-keyshortcuts": BEFORE,
  }, words("看原来的", "show before"), element("kbd", { textContent: BEFORE, title: words("或者按住这个键", "or hold this key") }));
  const flip = (back) => {
    if ((button.getAttribute("aria-pressed") === "true") === back) return;
    button.setAttribute("aria-pressed", String(back));
    onFlip(back);
  };
  button.onclick = () => flip(button.getAttribute("aria-pressed") !== "true");
  const heard = (event, back) => {
    const writing = event.target.closest?.("input:not([type='checkbox'], [type='range']), textarea, select, [contenteditable]");
    if (event.key !== BEFORE || writing || event.repeat || isCommand(event) || !button.offsetParent) return;
    flip(back);
  };
  addEventListener("keydown", (event) => heard(event, true));
  addEventListener("keyup", (event) => heard(event, false));
  addEventListener("blur", () => flip(false)); // a key that is let go elsewhere is not heard here
  place.append(button);
  return { button, reset: () => flip(false) };
}

// How far two tensors of one shape are apart: the largest and the mean change, and the share of zeros in each.
function change(before, after) {
  const one = before.data, other = after.data;
  let largest = 0, sum = 0, zerosBefore = 0, zerosAfter = 0;
  for (let at = 0; at < one.length; at += 1) {
    const apart = Math.abs(other[at] - one[at]);
    if (apart > largest || Number.isNaN(apart)) largest = apart;
    sum += apart;
    zerosBefore += one[at] === 0;
    zerosAfter += other[at] === 0;
  }
  const share = (count) => count / one.length;
  return { largest, mean: share(sum), zerosBefore: share(zerosBefore), zerosAfter: share(zerosAfter) };
}

// The change in words: one sentence, or that there is none.
export function changeInWords(before, after, language) {
  const words = wordsIn(language), { largest, mean, zerosBefore, zerosAfter } = change(before, after);
  if (largest === 0) return words("一个数也没变", "not a number changes");
  const percent = (part) => `${(100 * part).toFixed(part > 0 && part < 0.01 ? 1 : 0)}%`;
  return words(
    `最多变了 ${number(largest)}，平均 ${number(mean)}；0 占的比例 ${percent(zerosBefore)} → ${percent(zerosAfter)}`,
    `changes by at most ${number(largest)}, ${number(mean)} on average; zeros ${percent(zerosBefore)} → ${percent(zerosAfter)}`);
}
