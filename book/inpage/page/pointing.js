// Values under the pointer, the finger and the arrow keys, on a canvas that maps.js has painted.
import { indexAt } from "./maps.js";

// `shown()`: {shape, layout, index} of what the canvas shows now; `tell(index, chosen)` hears [0, channel, row, column], and
// whether the reader has chosen it rather than passed over it.
export function pointing(canvas, shown, tell) {
  const at = (event, chosen) => {
    const index = indexAt(canvas, shown(), event.clientX, event.clientY);
    if (index) tell(index, chosen);
  };
  canvas.onpointermove = (event) => at(event, false);
  canvas.onclick = (event) => at(event, true);
  canvas.onkeydown = (event) => {
    const index = moved(shown(), event.key);
    if (!index) return;
    event.preventDefault();
    event.stopPropagation();
    tell(index, true);
  };
}

// Arrows go from value to value, Page Up and Page Down from channel to channel.
function moved({ index, shape, layout }, key) {
  const [, channel, y, x] = index;
  const to = {
    ArrowLeft: [channel, y, x - 1], ArrowRight: [channel, y, x + 1], ArrowUp: [channel, y - 1, x],
    ArrowDown: [channel, y + 1, x], PageUp: [channel - 1, y, x], PageDown: [channel + 1, y, x],
  }[key];
  if (!to) return null;
  const within = (value, length) => Math.max(0, Math.min(length - 1, value));
  return [0, within(to[0], layout.shown), within(to[1], shape[2]), within(to[2], shape[3])];
}
