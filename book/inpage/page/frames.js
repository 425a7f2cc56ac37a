// Boxes over a picture, which keep their place whatever size the picture has on the screen.
import { element } from "./element.js";

// Lays a box over `holder`, a positioned element as large as the picture. `box` is in units of `whole`, {width, height}.
export function frame(holder, name) {
  const made = element("i", { className: `living-frame living-${name}`, hidden: true, "aria-hidden": "true" });
  holder.append(made);
  return {
    show(box, whole) {
      made.hidden = !box;
      if (!box) return;
      const percent = (length, of) => `${((100 * length) / of).toFixed(3)}%`;
      Object.assign(made.style, {
        left: percent(box.left, whole.width), top: percent(box.top, whole.height),
        width: percent(box.width, whole.width), height: percent(box.height, whole.height),
      });
    },
  };
}

// The part of a box that lies within a picture, or null.
export function clipped({ top, left, height, width }, whole) {
  const [bottom, right] = [Math.min(whole.height, top + height), Math.min(whole.width, left + width)];
  const [first, start] = [Math.max(0, top), Math.max(0, left)];
  return bottom > first && right > start ? { top: first, left: start, height: bottom - first, width: right - start } : null;
}
