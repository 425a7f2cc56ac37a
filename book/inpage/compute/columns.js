// What a convolution reads, laid out so that one product of matrices is left to compute.
import { outputsAlong } from "./windows.js";

// (C, H, W) → (C·K·K, H'·W'): in each column all that one output reads, zero where that is padding. `places` is [H', W'].
// What the window has is a number, or a pair of them: along the height and along the width.
export function columnsOf(values, [channels, height, width], window, zeros = (size) => new values.constructor(size)) {
  const [down, across] = bothWays(window), places = [outputsAlong(height, down), outputsAlong(width, across)];
  const columns = zeros(channels * down.kernel * across.kernel * places[0] * places[1]);
  rows([channels, height, width], places, down, across, (at, first, end, from) => {
    if (across.stride === 1) columns.set(values.subarray(from + first, from + end), at + first);
    else for (let x = first; x < end; x += 1) columns[at + x] = values[from + x * across.stride];
  });
  return { columns, places };
}

// The other way round: what stands in the columns is summed where it was read, into `sums` from `start` on.
export function sumColumns(columns, sums, start, [channels, height, width], window) {
  const [down, across] = bothWays(window), places = [outputsAlong(height, down), outputsAlong(width, across)];
  rows([channels, height, width], places, down, across, (at, first, end, from) => {
    for (let x = first; x < end; x += 1) sums[start + from + x * across.stride] += columns[at + x];
  });
}

function bothWays(window) {
  return [0, 1].map((way) => Object.fromEntries(Object.entries(window).map(([name, value]) => [name, value[way] ?? value])));
}

// Visits each row of the columns that reads something: where it begins there, from which place on to which, and where its
// first number lies.
function rows([channels, height, width], [tall, wide], down, across, visit) {
  let at = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    for (let tap = 0; tap < down.kernel * across.kernel; tap += 1) {
      const top = Math.floor(tap / across.kernel) * down.dilation - down.padding;
      const left = (tap % across.kernel) * across.dilation - across.padding;
      const first = Math.max(0, Math.ceil(-left / across.stride)), end = Math.min(wide, Math.floor((width - 1 - left) / across.stride) + 1);
      for (let row = top; row < top + tall * down.stride; row += down.stride, at += wide) {
        if (row >= 0 && row < height && end > first) visit(at, first, end, (channel * height + row) * width + left);
      }
    }
  }
}
