// How convolutions.js lays out what a convolution reads and gives, which depends on sizes alone: with the samples
// innermost, (C, H, W, N), padded, and what is a stride apart side by side, so that what a tap of the kernel reads for
// neighbouring outputs is one row.
import { outputsAlong } from "../compute/windows.js";
import { LANES, upTo } from "./vectors.js";

const KEPT = 100; // of which the layouts are remembered: a training comes back to the same ones a thousand times
const remembered = new Map();

// For `count` samples: `input`, `output` and `gradient` (of the output, padded as what its own convolution reads) are
// layouts; `taps`, how far behind an output's place each tap of the kernel reads; `parts`, of the input, what is a stride
// apart, each with the kernel's taps on it, how far they reach in `gradient`, and a layout. A layout has the numbers of a
// map, `size` of them, come `from` there to `places`, rows and channels so far apart.
export function layoutsOf(sides, window, count) {
  const key = [sides, window.kernel, window.stride, window.padding, window.dilation, count].join();
  if (!remembered.has(key)) {
    if (remembered.size >= KEPT) remembered.clear();
    remembered.set(key, layouts(...sides.map((side, way) => along(side, window, way)), count));
  }
  return remembered.get(key);
}

// Along one side: tap t reads, for the output at p, the place p + steps[t] of those that, with the padding before them,
// leave phases[t] behind when divided by the stride.
function along(side, window, way) {
  const [kernel, stride, padding, dilation] = ["kernel", "stride", "padding", "dilation"].map((name) => window[name][way]);
  const taps = Array.from({ length: kernel }, (_, tap) => tap), steps = taps.map((tap) => Math.floor((tap * dilation) / stride));
  const phases = taps.map((tap) => (tap * dilation) % stride), places = outputsAlong(side, { kernel, stride, padding, dilation });
  const parts = Array.from({ length: stride }, (_, phase) => {
    const first = Math.ceil((padding - phase) / stride), last = Math.floor((side - 1 + padding - phase) / stride);
    return { phase, first, length: Math.max(0, last - first + 1), taps: taps.filter((tap) => phases[tap] === phase) };
  });
  return { side, kernel, stride, padding, steps, phases, places, parts, most: steps.at(-1) };
}

function layouts(down, across, count) {
  const gradient = gradientLayout(down, across, count);
  const parts = down.parts.flatMap((top) => across.parts.map((left) => [top, left]))
    .filter((both) => both.every(({ length, taps }) => length && taps.length));
  return {
    kernel: down.kernel * across.kernel, tall: down.places, wide: across.places * count, gradient,
    ...inputLayout(down, across, count),
    output: layout(numbered(down.places), numbered(across.places), upTo(across.places * count, LANES), count),
    parts: parts.map(([top, left]) => {
      const taps = top.taps.flatMap((i) => left.taps.map((j) => [i, j])), wide = left.length * count;
      return {
        tall: top.length, wide, from: top.first * gradient.row + left.first * count,
        taps: taps.map(([i, j]) => i * across.kernel + j),
        behind: taps.map(([i, j]) => (down.most - down.steps[i]) * gradient.row + (across.most - across.steps[j]) * count),
        layout: layout(placesOf(down, top), placesOf(across, left), upTo(wide, LANES), count, top.length),
      };
    }),
  };
}

function inputLayout(down, across, count) {
  const [tops, lefts] = [down, across].map(({ phases }) => [...new Set(phases)]);
  const [tall, wide] = [down, across].map(({ places, most }) => places + most);
  const row = wide * count + LANES, map = tall * row;
  const placed = ({ side, stride, padding }, used, end) => Array.from({ length: side }, (_, at) => {
    const phase = used.indexOf((at + padding) % stride), place = Math.floor((at + padding) / stride);
    return phase < 0 || place >= end ? null : [phase, place];
  });
  const numberOf = ([top, y], [left, x]) => (top * lefts.length + left) * map + y * row + x * count;
  const tap = (i, j) => numberOf([tops.indexOf(down.phases[i]), down.steps[i]], [lefts.indexOf(across.phases[j]), across.steps[j]]);
  return {
    input: { row, channel: tops.length * lefts.length * map, ...pairs(placed(down, tops, tall), placed(across, lefts, wide), numberOf) },
    taps: numbered(down.kernel).flatMap((i) => numbered(across.kernel).map((j) => tap(i, j))),
  };
}

function gradientLayout(down, across, count) {
  const [tall, wide] = [down, across].map(({ most, parts }) => most + Math.max(...parts.map(({ first, length }) => first + length)));
  const placed = ({ places, most }, end) => numbered(places).map((at) => (at + most < end ? at + most : null));
  return layout(placed(down, tall), placed(across, wide), wide * count + LANES, count, tall);
}

// Of one part of the input, the place of each number of a side.
function placesOf({ side, stride, padding }, { phase, first }) {
  return numbered(side).map((at) => ((at + padding) % stride === phase ? Math.floor((at + padding) / stride) - first : null));
}

const numbered = (count) => Array.from({ length: count }, (_, at) => at);

function layout(ys, xs, row, count, tall = ys.length) {
  return { row, channel: tall * row, ...pairs(ys, xs, (y, x) => y * row + x * count) };
}

function pairs(ys, xs, numberOf) {
  const places = [], from = [];
  ys.forEach((y, top) => xs.forEach((x, left) => {
    if (y === null || x === null) return;
    places.push(numberOf(y, x));
    from.push(top * xs.length + left);
  }));
  return { places: Int32Array.from(places), from: Int32Array.from(from), size: ys.length * xs.length };
}
