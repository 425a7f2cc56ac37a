// A map or a photograph, large, with a box in it; and the ways from a value to its neighbours.
import { clipped, frame } from "./frames.js";
import { element, words } from "./words.js";

// What a button shows, the key that does the same, and what it is called.
export const ARROWS = [
  ["←", "ArrowLeft", words("左边的数", "the value to the left")], ["→", "ArrowRight", words("右边的数", "the value to the right")],
  ["↑", "ArrowUp", words("上边的数", "the value above")], ["↓", "ArrowDown", words("下边的数", "the value below")],
  ["−", "PageUp", words("上一个通道", "the channel before")], ["+", "PageDown", words("下一个通道", "the next channel")],
];

// One map or photograph, large, with a box in it. `show({image, box, text})`: ImageData, a box in its pixels, the caption;
// nothing hides it. `onPick(y, x)` hears of a press.
export function sheet(name, onPick) {
  const canvas = element("canvas", { role: "img" }), holder = element("div", { className: "living-sheet" }, canvas);
  const mark = frame(holder, onPick ? "pixel" : "window"), caption = element("figcaption");
  if (onPick) {
    holder.classList.add("living-pick");
    canvas.onclick = ({ clientX, clientY }) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      onPick(Math.floor(((clientY - top) / height) * canvas.height), Math.floor(((clientX - left) / width) * canvas.width));
    };
  }
  const figure = element("figure", { className: "living-figure" }, holder, caption);
  return {
    figure,
    show(shown) {
      figure.hidden = !shown;
      if (!shown) return;
      const { image, box, text } = shown;
      Object.assign(canvas, { width: image.width, height: image.height });
      canvas.getContext("2d").putImageData(image, 0, 0);
      mark.show(clipped(box, canvas), canvas);
      canvas.setAttribute("aria-label", `${name} ${text}`);
      caption.replaceChildren(element("b", { textContent: name }), " ", element("code", { textContent: text }));
    },
  };
}
