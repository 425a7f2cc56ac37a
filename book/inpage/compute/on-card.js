// What kernel/numbers.js and kernel/gradients.js compute, on the arrays of the library: the same names, and the same
// arguments but for the kinds of numbers, which are float32 here. Each gives one new array, or a list of them.
import { lax, nn, numpy as np } from "@jax-js/jax";

const FEW = 18; // values that make one, up to which the library's own convolution is the faster one, as in engine.js
const MOST = 2 ** 25; // float32 of the columns of a convolution; a graphics card may refuse more in one piece

export const OPERATORS = {
  convolved(x, sizes, weight, weights, bias, window, groups) {
    const [outputs] = weights;
    const out = convolution(shaped(x, sizes), shaped(weight, [...weights, ...window.kernel]), around(window), groups);
    return bias ? out.add(shaped(bias, [1, outputs, 1, 1])) : out;
  },

  // Over the gradient, spread by the stride, goes the same window mirrored, with inputs and outputs exchanged.
  convolvedInput(gradient, [samples, channels, ...sides], weight, [outputs, inputs], window, groups) {
    const { kernel, stride, padding, dilation } = window, rows = outputs / groups;
    const mirrored = np.flip(shaped(weight, [groups, rows, inputs, ...kernel]).transpose([0, 2, 1, 3, 4]), [3, 4]);
    const places = sides.map((side, way) => outputsAlong(side, window, way));
    const before = padding.map((one, way) => dilation[way] * (kernel[way] - 1) - one);
    const after = sides.map((side, way) => side + padding[way] - places[way] * stride[way]);
    const all = [0, 1].map((way) => [before[way], Math.max(0, after[way])]);
    const read = spread(shaped(gradient, [samples, outputs, ...places]), stride, after);
    return convolution(read, mirrored.reshape([channels, rows, ...kernel]), { kernel, dilation, stride: [1, 1], padding: all }, groups);
  },

  convolvedWeight(gradient, x, sizes, [outputs, inputs], window, groups) {
    const [samples, , ...sides] = sizes, taps = window.kernel[0] * window.kernel[1];
    const places = sides.map((side, way) => outputsAlong(side, window, way)).reduce((one, other) => one * other);
    const read = isPlain(window) ? shaped(x, sizes) : patches(shaped(x, sizes), window.kernel, around(window));
    const columns = read.reshape([samples, groups, inputs * taps, places]).transpose([1, 2, 0, 3]);
    const rows = shaped(gradient, [samples, groups, outputs / groups, places]).transpose([1, 2, 0, 3]);
    return np.matmul(
      rows.reshape([groups, outputs / groups, samples * places]),
      columns.reshape([groups, inputs * taps, samples * places]).transpose([0, 2, 1]),
    );
  },

  products: (one, other, count, rows, inner, columns) =>
    np.matmul(shaped(one, [count, rows, inner]), shaped(other, [count, inner, columns])),

  turned: (x, shape, order) => shaped(x, shape).transpose(order),

  relu: (x) => nn.relu(x.ref),
  add: (one, other) => shaped(one, [-1]).add(shaped(other, [-1])),
  sub: (one, other) => shaped(one, [-1]).sub(shaped(other, [-1])),
  mul: (one, other) => shaped(one, [-1]).mul(shaped(other, [-1])),
  sum: (x, rows, count) => np.sum(shaped(x, [rows, count]), 1),
  mean: (x, rows, count) => np.mean(shaped(x, [rows, count]), 1),

  normed(x, channels, inner, mean, variance, weight, bias, eps) {
    const root = np.sqrt(variance.ref.add(eps)), scale = weight ? weight.ref.div(root) : np.reciprocal(root);
    const moved = mean.ref.mul(scale.ref), shift = bias ? bias.ref.sub(moved) : moved.neg();
    return shaped(x, [-1, channels, inner]).mul(each(scale, channels)).add(each(shift, channels));
  },

  // Mean and (biased) variance, one behind the other. A second look at what is left of the values mends what the first
  // sum has rounded away.
  moments(x, samples, channels, inner) {
    const values = shaped(x, [samples, channels, inner]);
    const rough = np.mean(values.ref, [0, 2]);
    const rest = values.sub(each(rough.ref, channels));
    const missing = np.mean(rest.ref, [0, 2]);
    const deviations = rest.sub(each(missing.ref, channels));
    return np.concatenate([rough.add(missing), np.mean(np.square(deviations), [0, 2])]);
  },

  passedAbove(gradient, result, threshold) {
    const flat = shaped(result, [-1]);
    return np.where(flat.greater(threshold), shaped(gradient, [-1]), 0);
  },
};

// The library's arrays are used up by what takes them: `ref` keeps them for the next.
const shaped = (x, shape) => x.ref.reshape([...shape]);
const each = (channel, channels) => channel.reshape([1, channels, 1]);
const around = ({ padding, ...window }) => ({ ...window, padding: padding.map((one) => [one, one]) });

function outputsAlong(side, { kernel, stride, padding, dilation }, way) {
  return Math.floor((side + 2 * padding[way] - dilation[way] * (kernel[way] - 1) - 1) / stride[way]) + 1;
}

function isPlain({ kernel, stride, padding }) {
  return [...kernel, ...stride].every((one) => one === 1) && padding.flat().every((one) => one === 0);
}

// With zeros between the numbers, and behind them, of which `after` takes some away where it is below zero. They are
// written out: within the convolution that reads them, the library's program for the card becomes too long to compile.
function spread(x, [down, across], after) {
  if (down === 1 && across === 1) return x;
  const [samples, channels, height, width] = x.shape;
  const wide = np.pad(x.reshape([samples, channels, height, 1, width, 1]), [[0, 0], [0, 0], [0, 0], [0, down - 1], [0, 0], [0, across - 1]]);
  const [tall, long] = [height * down + Math.min(0, after[0]), width * across + Math.min(0, after[1])];
  return wide.reshape([samples, channels, height * down, width * across]).slice([], [], [0, tall], [0, long]).add(0);
}

// As a product of matrices where that is the faster way. padding: [before, after] along both sides.
function convolution(x, weight, window, groups) {
  const [samples, channels] = x.shape, [outputs, inputs] = weight.shape, [tall, wide] = window.kernel, taps = tall * wide;
  const plain = isPlain(window), area = x.shape[2] * x.shape[3];
  if (!plain && (inputs * taps <= FEW || samples * channels * taps * area > MOST)) return library(x, weight, window, groups);
  const columns = plain ? x : patches(x, window.kernel, window), [height, width] = columns.shape.slice(2);
  const read = columns.reshape([samples, groups, inputs * taps, height * width]);
  return np.matmul(weight.reshape([1, groups, outputs / groups, inputs * taps]), read).reshape([samples, outputs, height, width]);
}

function library(x, weight, { stride, padding, dilation }, groups) {
  return lax.convGeneralDilated(x, weight, [...stride], padding, {
    rhsDilation: [...dilation], featureGroupCount: groups,
  });
}

// (N, C, H, W) → (N, C·K·K, H', W'), all that an output cell reads in its column: a kernel with a single one copies the
// value under it.
function patches(x, kernel, window) {
  const channels = x.shape[1], taps = kernel[0] * kernel[1], ones = new Float32Array(channels * taps * taps);
  for (let row = 0; row < channels * taps; row += 1) ones[row * taps + (row % taps)] = 1;
  return library(x, np.array(ones).reshape([channels * taps, 1, ...kernel]), window, channels);
}
