// Below a value that is pinned: where it reads and what it sees, drawn; ways to its neighbours; how it was made.
import { numbers } from "../numbers/explanation.js";
import { ARROWS, sheet } from "../page/sheet.js";
import { element, words } from "../page/words.js";

// `onGoTo(place)` hears to which {step, index} the reader wants to go, `onFollow(by)` that it is the next line or the one
// before, `onMove(key)` that it is a value or a channel beside this one.
export function detail({ onGoTo, onFollow, onMove }) {
  let now = null; // what show() was given last
  const sheets = {
    from: sheet(words("上一行", "the line before")),
    now: sheet(words("这一行", "this line"), (y, x) => onGoTo({ step: now.step, index: [now.index[0], y, x] })),
    seen: sheet(words("图片", "the picture")),
  };
  const button = (text, title, onclick) => element("button", { type: "button", textContent: text, title, onclick });
  const keys = element("div", { className: "pg-keys" },
    button(words("上一行 k", "line before k"), words("跟到上一行（k）", "follow it to the line before (k)"), () => onFollow(-1)),
    button(words("下一行 j", "next line j"), words("跟到下一行（j）", "follow it to the next line (j)"), () => onFollow(1)),
    ...ARROWS.map(([sign, key, name]) => {
      const one = button(sign, name, () => onMove(key));
      one.setAttribute("aria-label", name);
      return one;
    }));
  const making = numbers({ onGoTo });
  const pictures = element("div", { className: "living-pictures" }, ...Object.values(sheets).map(({ figure }) => figure));
  return {
    element: element("div", { className: "pg-detail" }, pictures, keys, making.element),
    // What explanation.js shows, and `sheets`, what the three pictures show, {from, now, seen}; null hides one.
    show(given) {
      now = given;
      Object.entries(sheets).forEach(([name, one]) => one.show(now.sheets[name]));
      making.show(now);
    },
  };
}
