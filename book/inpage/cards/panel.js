// Below the maps that a reader has touched: the value, where it reads and what it sees, how it was made, and the switches.
import { explanation } from "../numbers/explanation.js";
import { flipFor, switchFor } from "../numbers/switches.js";
import { arrowButtons } from "../page/arrow-buttons.js";
import { element } from "../page/element.js";
import { pictureInput } from "../page/own-picture.js";
import { sheets } from "../page/sheets.js";
import { edition, words } from "../page/words.js";

// One panel for the whole page, which goes from card to card. What the reader does: `onPick(index)`, `onKey(key)`,
// `onPin(pinned)`, `onGoTo({step, index})`, `onWithout(steps)`, `onFlip(back)`, `onPicture(blob or null)`.
export function panel({ onPick, onKey, onPin, onGoTo, onWithout, onFlip, onPicture }) {
  const value = element("p", { className: "living-value" }), sees = element("p", { className: "living-sees" });
  const pictures = sheets((y, x) => onPick([channel, y, x]));
  let channel = 0, without = [];
  let left = "", switches = []; // for what the line can do without

  const pin = element("button", {
    type: "button", className: "living-pin", "aria-pressed": "false",
    onclick: () => onPin(pin.getAttribute("aria-pressed") === "false"),
  });
  const place = element("span"), lines = element("div", { className: "living-without" }, place);
  const flip = flipFor(lines, { onFlip }, edition);
  const whole = element("button", { type: "button", textContent: words("恢复所有的行", "Put all lines back"), onclick: () => onWithout([]) });
  lines.append(whole);
  const making = explanation({ onGoTo });
  const own = ownPicture(onPicture);
  const answers = element("div", { className: "living-answers", hidden: true }, value,
    pictures.element, sees, pin, element("div", { className: "living-keys" }, ...arrowButtons(onKey)), lines, making.element, own.part);
  const status = element("p", { className: "living-status", role: "status" });
  const box = element("div", { className: "living-panel", role: "group", "aria-label": words("这个数从哪里来", "Where this number comes from") }, status, answers);

  return {
    moveTo(card) {
      const main = card.querySelector(".lw-main"), last = [...main.querySelectorAll(":scope > .lw-maps, :scope > .lw-photo")].at(-1);
      if (box.parentElement !== main) last ? last.after(box) : main.append(box);
    },
    isIn: (card) => card.contains(box),
    // The line whose card it is in, or "" where that is hidden.
    line: () => (box.checkVisibility() ? box.closest(".lw-card").querySelector(".lw-head > code").textContent : ""),
    say(...nodes) { status.replaceChildren(...nodes); },
    // `pictures` is what sheets.js shows; the rest is explanation.js's.
    show({ text, pinned, step, index, ...shown }) {
      answers.hidden = false;
      [channel] = index;
      value.replaceChildren(element("code", { textContent: text }));
      sees.textContent = shown.sees;
      pictures.show(shown.pictures);
      pin.setAttribute("aria-pressed", String(pinned));
      pin.textContent = pinned ? words("已钉住：跟你到别的行（j、k），Esc 放开", "Pinned: it follows you to other lines (j, k), Esc lets go") : words("钉住它，看怎么算来的", "Pin it and see how it was made");
      const leaves = String(shown.leaves.map((one) => one.step));
      if (left !== leaves) { // else they stay, and keep the focus
        left = leaves;
        place.replaceChildren();
        switches = shown.leaves.map((one) => switchFor(place, { ...one, state: { without }, onChange: onWithout }, edition));
      }
      making.element.hidden = !pinned || !shown.description;
      if (!making.element.hidden) making.show({ step, index, ...shown });
    },
    // What is computed: of whose picture, and which lines are left out.
    settings({ isOwn, without: now }) {
      own.show(isOwn);
      without = now;
      for (const show of switches) show({ without });
      if (!without.length) flip.reset();
      flip.button.hidden = whole.hidden = !without.length;
    },
  };
}

function ownPicture(onPicture) {
  const file = pictureInput("living-file", onPicture);
  const reset = element("button", {
    type: "button", hidden: true, textContent: words("换回原来的照片", "Back to the photograph"), onclick: () => {
      file.value = "";
      onPicture(null);
    },
  });
  const label = element("label", { for: "living-file", textContent: words("换成你的图片（可以粘贴；不会离开这一页）", "Your own picture (paste works; it never leaves this page)") });
  return { part: element("div", { className: "living-own" }, label, file, reset), show(isOwn) { reset.hidden = !isOwn; } };
}
