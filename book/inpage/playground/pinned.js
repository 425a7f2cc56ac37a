// Below a value that is pinned: where it reads and what it sees, drawn; ways to its neighbours; how it was made.
import { explanation } from "../numbers/explanation.js";
import { arrowButtons } from "../page/arrow-buttons.js";
import { element } from "../page/element.js";
import { sheets } from "../page/sheets.js";
import { words } from "../page/words.js";

// `onGoTo(place)` hears to which {step, index} the reader wants to go, `onFollow(by)` that it is the next line or the one
// before, `onMove(key)` that it is a value or a channel beside this one.
export function pinnedPanel({ onGoTo, onFollow, onMove }) {
  let now = null; // what show() was given last
  const pictures = sheets((y, x) => onGoTo({ step: now.step, index: [now.index[0], y, x] }));
  const button = (text, title, onclick) => element("button", { type: "button", textContent: text, title, onclick });
  const keys = element("div", { className: "pg-keys" },
    button(words("上一行 k", "line before k"), words("跟到上一行（k）", "follow it to the line before (k)"), () => onFollow(-1)),
    button(words("下一行 j", "next line j"), words("跟到下一行（j）", "follow it to the next line (j)"), () => onFollow(1)),
    ...arrowButtons(onMove));
  const making = explanation({ onGoTo });
  return {
    element: element("div", { className: "pg-detail" }, pictures.element, keys, making.element),
    // What explanation.js shows, and `pictures`, what sheets.js shows.
    show(given) {
      now = given;
      pictures.show(now.pictures);
      making.show(now);
    },
  };
}
