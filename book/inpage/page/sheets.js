// Maps and photographs, large, with a box in each.
import { drawOn } from "./draw-on.js";
import { element } from "./element.js";
import { clipped, frame } from "./frames.js";
import { words } from "./words.js";

// Where a value reads in the line before, where it stands in its own, and what it sees of the picture, side by side.
// `show({before, now, photograph})`, each as a sheet takes it; `onPick(y, x)` hears of a press on this line's.
export function sheets(onPick) {
  const all = {
    before: sheet(words("上一行", "the line before")), now: sheet(words("这一行", "this line"), onPick),
    photograph: sheet(words("图片", "the picture")),
  };
  return {
    element: element("div", { className: "living-pictures" }, ...Object.values(all).map(({ figure }) => figure)),
    show(shown) {
      for (const [name, one] of Object.entries(all)) one.show(shown[name]);
    },
  };
}

// One of them. `show({image, box, text})`: ImageData, a box in its pixels, the caption;
// nothing hides it. `onPick(y, x)` hears of a press.
function sheet(name, onPick) {
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
      drawOn(canvas, (context) => context.putImageData(image, 0, 0));
      mark.show(clipped(box, canvas), canvas);
      canvas.setAttribute("aria-label", `${name} ${text}`);
      caption.replaceChildren(element("b", { textContent: name }), " ", element("code", { textContent: text }));
    },
  };
}
