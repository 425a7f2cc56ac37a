// Feature maps on a canvas, as linewalk draws them: negative blue, positive orange, zero nothing at all.
import { drawOn } from "./draw-on.js";

const NEGATIVE = [38, 112, 233], POSITIVE = [238, 119, 20], NOT_FINITE = [219, 39, 160];
const TILE = 56, GAP = 2, COLUMNS = 8;
const SAMPLE = 4096; // values from which the scale is read off

// |value| at which the colours are full: the 99.5th percentile.
export function scaleOf({ data }) {
  const step = Math.max(1, Math.floor(data.length / SAMPLE));
  const sizes = new Float32Array(Math.ceil(data.length / step));
  let finite = 0;
  for (let at = 0; at < data.length; at += step) if (Number.isFinite(data[at])) sizes[finite++] = Math.abs(data[at]);
  const sorted = sizes.subarray(0, finite).sort();
  return sorted[Math.floor(0.995 * (finite - 1))] || sorted[finite - 1] || 1;
}

// Where each channel lies: `times` pixels a value, in tiles of `height` × `width`.
export function layoutOf([, channels, height, width], most) {
  const times = Math.max(1, Math.floor(TILE / Math.max(height, width)));
  const shown = Math.min(channels, most), columns = Math.min(COLUMNS, shown);
  return { times, shown, columns, rows: Math.ceil(shown / columns), height: height * times, width: width * times };
}

// Gives a canvas the size of a layout; what was on it is gone.
export function fit(canvas, { columns, rows, width, height }) {
  canvas.width = columns * (width + GAP) - GAP;
  canvas.height = rows * (height + GAP) - GAP;
}

// Paints the first channels, `most` of them at most. Returns where they lie.
export function paint(canvas, { shape, data }, most, scale) {
  const layout = layoutOf(shape, most), [, , tall, wide] = shape, { times } = layout;
  fit(canvas, layout);
  const image = new ImageData(canvas.width, canvas.height), pixels = new Uint32Array(image.data.buffer);
  let at = 0;
  for (let channel = 0; channel < layout.shown; channel += 1) {
    const top = Math.floor(channel / layout.columns) * (layout.height + GAP), left = (channel % layout.columns) * (layout.width + GAP);
    for (let y = 0; y < tall; y += 1) {
      const start = (top + y * times) * canvas.width + left;
      for (let x = 0; x < layout.width; at += 1) {
        const pixel = colour(data[at], scale);
        for (let right = 0; right < times; right += 1, x += 1) pixels[start + x] = pixel;
      }
      for (let down = 1; down < times; down += 1) pixels.copyWithin(start + down * canvas.width, start, start + layout.width);
    }
  }
  drawOn(canvas, (context) => context.putImageData(image, 0, 0));
  return layout;
}

// One channel, a pixel a value.
export function channelImage({ shape: [, , height, width], data }, channel, scale) {
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer), from = channel * height * width;
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = colour(data[from + at], scale);
  return image;
}

const LEVELS = 255;
const pixel = ([red, green, blue], opacity) => ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0;
// The power lifts small values.
const shades = (hue) => Uint32Array.from({ length: LEVELS + 1 }, (_, level) => pixel(hue, Math.round(255 * (level / LEVELS) ** 0.75)));
const NEGATIVES = shades(NEGATIVE), POSITIVES = shades(POSITIVE), BROKEN = pixel(NOT_FINITE, 255);

// As a pixel's four bytes in one number.
function colour(value, scale) {
  if (!Number.isFinite(value)) return BROKEN;
  const level = Math.round((value / scale) * LEVELS);
  return level < 0 ? NEGATIVES[Math.min(LEVELS, -level)] : POSITIVES[Math.min(LEVELS, level)];
}

// Where a value's corner is on the canvas, [x, y].
export function cornerOf({ times, columns, width, height }, [channel, y, x]) {
  const across = (channel % columns) * (width + GAP), down = Math.floor(channel / columns) * (height + GAP);
  return [across + x * times, down + y * times];
}

// The index [channel, y, x] of the value under a point of the canvas, or null between the tiles.
export function indexAt(canvas, { shape, layout }, clientX, clientY) {
  const box = canvas.getBoundingClientRect();
  const across = ((clientX - box.left) / box.width) * canvas.width, down = ((clientY - box.top) / box.height) * canvas.height;
  const [column, row] = [Math.floor(across / (layout.width + GAP)), Math.floor(down / (layout.height + GAP))];
  const x = Math.floor((across - column * (layout.width + GAP)) / layout.times);
  const y = Math.floor((down - row * (layout.height + GAP)) / layout.times);
  const channel = row * layout.columns + column;
  if (channel < 0 || channel >= layout.shown || column >= layout.columns || x < 0 || y < 0 || x >= shape[3] || y >= shape[2]) return null;
  return [channel, y, x];
}

// Three significant digits with a real minus sign, as on the cards.
export function number(value) {
  if (!Number.isFinite(value)) return "nan";
  const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : `${Number(value.toPrecision(3))}`;
  return text.replace("-", "−");
}
