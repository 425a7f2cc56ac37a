// The ways from a value to its neighbours, for readers without a keyboard.
import { element } from "./element.js";
import { words } from "./words.js";

// What a button shows, the key that does the same, and what it is called.
const ARROWS = [
  ["←", "ArrowLeft", words("左边的数", "the value to the left")], ["→", "ArrowRight", words("右边的数", "the value to the right")],
  ["↑", "ArrowUp", words("上边的数", "the value above")], ["↓", "ArrowDown", words("下边的数", "the value below")],
  ["−", "PageUp", words("上一个通道", "the channel before")], ["+", "PageDown", words("下一个通道", "the next channel")],
];

export const arrowButtons = (onKey) => ARROWS.map(([sign, key, name]) => element("button", {
  type: "button", textContent: sign, title: name, "aria-label": name, onclick: () => onKey(key),
}));
