// Convolutions of float32 and their gradients, as products of matrices (vectors.js) that read where the numbers lie
// (layouts.js). Arguments as in numbers.js.
import { layoutsOf } from "./layouts.js";
import { addRows, fit, LANES, multiplyRows, parts, ROWS, upTo } from "./vectors.js";

const TOGETHER = 1 << 18; // numbers of several samples that a processor has at hand
const SOME = 16; // inputs, likewise

export function convolved(x, sizes, weight, [outputs, inputs], bias, shape, groups) {
  const { samples, channels, sides, window } = flat(sizes, shape), rows = outputs / groups;
  const { places, all } = batches(samples, channels, outputs, sides, window), out = new x.constructor(samples * outputs * places);
  for (const { first, count } of all) {
    const { input, output, taps, kernel, tall, wide } = layoutsOf(sides, window, count), inner = inputs * kernel;
    const [laid, weights, offsets, made] = parts(
      [Float32Array, channels * input.channel], [Float32Array, weight.length + ROWS * inner], [Int32Array, inner],
      [Float32Array, (outputs + ROWS) * output.channel],
    );
    lay(laid, x, first, count, channels, input);
    weights.fill(0, weight.length).set(weight);
    fill(offsets, inputs, taps, input.channel);
    for (let group = 0; group < groups; group += 1) { // rows too many are written over by the next group
      for (let y = 0; y < tall; y += 1) {
        const from = group * inputs * input.channel + y * input.row, to = group * rows * output.channel + y * output.row;
        multiplyRows([weights, group * rows * inner], inner, offsets, [laid, from], [made, to], rows, wide, output.channel);
      }
    }
    collect(out, made, first, count, outputs, output, bias);
  }
  return out;
}

// Of what a convolution read: each part is a convolution of the gradient, by the kernel's taps on that part.
export function convolvedInput(gradient, sizes, weight, [outputs, inputs], shape, groups) {
  const { samples, channels, sides, window } = flat(sizes, shape), rows = outputs / groups;
  const out = new gradient.constructor(samples * channels * sides[0] * sides[1]);
  for (const { first, count } of batches(samples, channels, outputs, sides, window).all) {
    const { gradient: read, parts: all, kernel } = layoutsOf(sides, window, count);
    for (const { tall, wide, from, taps, behind, layout } of all) {
      const inner = rows * taps.length;
      const [laid, weights, offsets, made] = parts(
        [Float32Array, outputs * read.channel], [Float32Array, (channels + ROWS) * inner], [Int32Array, inner],
        [Float32Array, (channels + ROWS) * layout.channel],
      );
      lay(laid, gradient, first, count, outputs, read);
      exchange(weights.fill(0, channels * inner), weight, groups, rows, inputs, taps, kernel);
      fill(offsets, rows, behind, read.channel);
      for (let group = 0; group < groups; group += 1) {
        for (let y = 0; y < tall; y += 1) {
          const begin = group * rows * read.channel + y * read.row + from, to = group * inputs * layout.channel + y * layout.row;
          multiplyRows([weights, group * inputs * inner], inner, offsets, [laid, begin], [made, to], inputs, wide, layout.channel);
        }
      }
      collect(out, made, first, count, channels, layout);
    }
  }
  return out;
}

// Of its weight.
export function convolvedWeight(gradient, x, sizes, [outputs, inputs], shape, groups) {
  const { samples, channels, sides, window } = flat(sizes, shape), rows = outputs / groups;
  const all = new Float64Array(outputs * inputs * window.kernel[0] * window.kernel[1]);
  for (const { first, count } of batches(samples, channels, outputs, sides, window).all) {
    const { input, output, taps, kernel, tall, wide } = layoutsOf(sides, window, count), inner = inputs * kernel, even = upTo(inner, 2);
    const [laid, gradients, offsets, sums] = parts(
      [Float32Array, channels * input.channel], [Float32Array, (outputs + ROWS) * output.channel], [Int32Array, even],
      [Float64Array, upTo(rows, ROWS) * even],
    );
    lay(laid, x, first, count, channels, input);
    lay(gradients, gradient, first, count, outputs, output);
    fill(offsets.fill(0), inputs, taps, input.channel);
    for (let group = 0; group < groups; group += 1) {
      const its = group * rows * output.channel, from = group * inputs * input.channel;
      addRows([gradients, its], output.channel, offsets, [laid, from], sums.fill(0), rows, wide, tall, output.row, input.row);
      for (let row = 0; row < rows; row += 1) {
        for (let at = 0, to = (group * rows + row) * inner; at < inner; at += 1) all[to + at] += sums[row * even + at];
      }
    }
  }
  return new x.constructor(all);
}

// Whether these arrays are for them: of float32, and not more of them than there is room for.
export function convolves(x, weight, sizes, [outputs], shape) {
  if (!x.length || !weight.length) return false;
  const { channels, sides, window } = flat(sizes, shape), { input, output, gradient, parts: all } = layoutsOf(sides, window, 1);
  const read = channels * input.channel + outputs * gradient.channel;
  const made = outputs * output.channel + channels * Math.max(0, ...all.map(({ layout }) => layout.channel));
  return fit(2 * (read + made + weight.length), x, weight);
}

// Where an output reads its own place alone, height and width are one row.
function flat([samples, channels, height, width], window) {
  const isPlain = [...window.kernel, ...window.stride].every((one) => one === 1) && window.padding.every((one) => one === 0);
  return { samples, channels, sides: isPlain ? [1, height * width] : [height, width], window };
}

// How many places an output has, and which samples are computed together.
function batches(samples, channels, outputs, sides, window) {
  const { output } = layoutsOf(sides, window, 1), places = output.size;
  const most = Math.max(1, Math.floor(TOGETHER / (channels * sides[0] * sides[1] + outputs * places)));
  const together = most < LANES ? most : most - (most % LANES);
  const all = Array.from({ length: Math.ceil(samples / together) }, (_, at) => ({
    first: at * together, count: Math.min(together, samples - at * together),
  }));
  return { places, all };
}

// Where the numbers lie that one row of weights goes with, in bytes behind an output's place.
function fill(offsets, channels, taps, apart) {
  for (let channel = 0, at = 0; channel < channels; channel += 1) {
    for (let tap = 0; tap < taps.length; tap += 1, at += 1) offsets[at] = 4 * (channel * apart + taps[tap]);
  }
}

// (groups, outputs, inputs, all taps) → (groups, inputs, outputs, some taps), a few inputs at a time, for the cache's sake.
function exchange(out, weight, groups, outputs, inputs, taps, all) {
  for (let group = 0; group < groups; group += 1) for (let begin = 0; begin < inputs; begin += SOME) {
    const end = Math.min(begin + SOME, inputs);
    for (let output = 0; output < outputs; output += 1) for (let input = begin; input < end; input += 1) {
      const to = ((group * inputs + input) * outputs + output) * taps.length, from = ((group * outputs + output) * inputs + input) * all;
      for (let at = 0; at < taps.length; at += 1) out[to + at] = weight[from + taps[at]];
    }
  }
}

// (N, C, …) → a layout, and back.
function lay(laid, values, first, count, channels, { channel, places, from, size }) {
  laid.fill(0);
  for (let n = 0; n < count; n += 1) {
    for (let its = 0; its < channels; its += 1) {
      const begin = ((first + n) * channels + its) * size, to = its * channel + n;
      for (let at = 0; at < places.length; at += 1) laid[to + places[at]] = values[begin + from[at]];
    }
  }
}

function collect(out, made, first, count, channels, { channel, places, from, size }, bias = null) {
  for (let n = 0; n < count; n += 1) {
    for (let its = 0; its < channels; its += 1) {
      const begin = ((first + n) * channels + its) * size, to = its * channel + n, more = bias ? bias[its] : 0;
      for (let at = 0; at < places.length; at += 1) out[begin + from[at]] = made[to + places[at]] + more;
    }
  }
}
