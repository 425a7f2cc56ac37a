// Values under the pointer, the finger and the arrow keys.
import { indexAt } from "./maps.js";

// On a canvas that maps.js has painted. `shown()`: {shape, layout, index} of what it shows now; `tell(index, chosen)` hears
// [channel, row, column], and whether the reader has chosen it rather than passed over it.
export function pointing(canvas, shown, tell) {
  const at = (event, chosen) => {
    const index = indexAt(canvas, shown(), event.clientX, event.clientY);
    if (index) tell(index, chosen);
  };
  canvas.onpointermove = (event) => at(event, false);
  canvas.onclick = (event) => at(event, true);
  canvas.onkeydown = (event) => {
    const { index, shape, layout } = shown(), next = neighbour(event.key, index);
    if (!next) return;
    take(event);
    tell(within(next, [1, layout.shown, ...shape.slice(2)]), true);
  };
}

// By keys: arrows go from value to value, Page Up and Page Down from channel to channel. null for another key.
export function neighbour(key, [channel, y, x]) {
  return {
    ArrowLeft: [channel, y, x - 1], ArrowRight: [channel, y, x + 1], ArrowUp: [channel, y - 1, x],
    ArrowDown: [channel, y + 1, x], PageUp: [channel - 1, y, x], PageDown: [channel + 1, y, x],
  }[key] ?? null;
}

// The nearest index that a tensor of this shape has.
export const within = (index, shape) => index.map((at, side) => Math.max(0, Math.min(shape[side + 1] - 1, at)));

// Whether a key is pressed together with one that makes a command of it.
export const isCommand = ({ ctrlKey, metaKey, altKey }) => ctrlKey || metaKey || altKey;

// Nothing else on the page hears of a key that has been answered.
export function take(event) {
  event.preventDefault();
  event.stopPropagation();
}
