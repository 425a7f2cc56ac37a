// What Python's `torch` in the page computes with: typed arrays, and loops over them. Each takes and gives numbers in the
// order of their places, one sample after another; how a tensor lies in memory is told to `laid` and `put` alone.
import { generator } from "../compute/random.js";
import { batchColumns, batches, samplesFirst } from "./batches.js";
import * as fast from "./convolutions.js";
import { rounded } from "./halves.js";
import { filledByOne, filledByTwo, largest, smallest } from "./loops.js";
import { multiply } from "./products.js";
import { multiplied } from "./vectors.js";

export * from "./gradients.js";
export * from "./halves.js";
export * from "./picking.js";

// Whole numbers of 64 bits are kept as float64, which holds each up to 2^53.
export const KINDS = {
  float32: Float32Array, float64: Float64Array, int64: Float64Array, int32: Int32Array, int16: Int16Array,
  int8: Int8Array, uint8: Uint8Array, bool: Uint8Array, float16: Float32Array, bfloat16: Float32Array,
};

const UNARY = {
  abs: Math.abs, ceil: Math.ceil, floor: Math.floor, trunc: Math.trunc, sign, neg: (x) => -x, relu: (x) => (x <= 0 ? 0 : x),
  exp: Math.exp, expm1: Math.expm1, log: Math.log, log1p: Math.log1p, log2: Math.log2, log10: Math.log10, sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x), reciprocal: (x) => 1 / x, sin: Math.sin, cos: Math.cos, tan: Math.tan, tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)), silu: (x) => x / (1 + Math.exp(-x)), positive: (x) => x,
  round: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)), // a half goes to the even number
  isnan: Number.isNaN, isfinite: Number.isFinite, isinf: (x) => Math.abs(x) === Infinity, logical_not: (x) => x === 0,
  _to_copy: (x) => x, erf, atan: Math.atan, asin: Math.asin, acos: Math.acos, sinh: Math.sinh, cosh: Math.cosh,
  nan_to_num: (x, nan, most, least) => (Number.isNaN(x) ? nan : x === Infinity ? most : x === -Infinity ? least : x),
  exp2: (x) => 2 ** x, frac: (x) => x - Math.trunc(x),
  gelu: (x, how) => (how === "tanh" ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) : 0.5 * x * (1 + erf(x / Math.SQRT2))),
  elu: (x, alpha = 1, scale = 1) => scale * (x > 0 ? x : alpha * Math.expm1(x)),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6, hardsigmoid: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
  softplus: (x, beta = 1, threshold = 20) => (x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))), log_sigmoid_forward: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
};

// Of what is no number, and of −0, as PyTorch's.
function sign(x) {
  return Number(x > 0) - Number(x < 0);
}

function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 3) { // its series
    let term = size, sum = size;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n += 1) sum += (term *= -(size * size) / n) / (2 * n + 1);
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let rest = 0; // a continued fraction, from its inside out
  for (let n = 60; n > 0; n -= 1) rest = n / 2 / (size + rest);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + rest));
}

const BINARY = {
  add: (x, y) => x + y, sub: (x, y) => x - y, rsub: (x, y) => y - x, mul: (x, y) => x * y, div: (x, y) => x / y, pow: (x, y) => x ** y,
  floor_divide: (x, y) => Math.floor(x / y), remainder: (x, y) => x - y * Math.floor(x / y), fmod: (x, y) => x % y,
  maximum: (x, y) => Math.max(x, y), minimum: (x, y) => Math.min(x, y), atan2: Math.atan2,
  eq: (x, y) => x === y, ne: (x, y) => x !== y, lt: (x, y) => x < y, le: (x, y) => x <= y, gt: (x, y) => x > y, ge: (x, y) => x >= y,
  logical_and: (x, y) => x !== 0 && y !== 0, logical_or: (x, y) => x !== 0 || y !== 0, logical_xor: (x, y) => (x === 0) !== (y === 0),
  mse_loss: (x, y) => (x - y) ** 2,
  bitwise_and: (x, y) => x & y, bitwise_or: (x, y) => x | y, bitwise_xor: (x, y) => x ^ y,
};

const REDUCED = { // of a row of numbers, given as its array, where it begins and how far apart its numbers are
  sum: (x, at, step, count) => { let all = 0; for (let n = 0; n < count; n += 1) all += x[at + n * step]; return all; },
  prod: (x, at, step, count) => { let all = 1; for (let n = 0; n < count; n += 1) all *= x[at + n * step]; return all; },
  mean: (x, at, step, count) => REDUCED.sum(x, at, step, count) / count,
  var: (x, at, step, count, correction) => squares(x, at, step, count) / Math.max(0, count - correction),
  std: (x, at, step, count, correction) => Math.sqrt(REDUCED.var(x, at, step, count, correction)),
  argmax: (x, at, step, count) => extreme(x, at, step, count, (one, other) => one > other),
  argmin: (x, at, step, count) => extreme(x, at, step, count, (one, other) => one < other),
  amax: largest,
  amin: smallest,
  norm: (x, at, step, count, order) => { // of whatever order
    if (Math.abs(order) === Infinity) return REDUCED[order > 0 ? "amax" : "amin"](x.subarray(at, at + count).map(Math.abs), 0, step, count);
    let all = 0;
    for (let n = 0; n < count; n += 1) all += order === 2 ? x[at + n * step] ** 2 : Math.abs(x[at + n * step]) ** order;
    return order === 0 ? all : all ** (1 / order);
  },
  logsumexp: (x, at, step, count) => {
    const most = count ? REDUCED.amax(x, at, step, count) : -Infinity;
    if (!Number.isFinite(most)) return most;
    let all = 0;
    for (let n = 0; n < count; n += 1) all += Math.exp(x[at + n * step] - most);
    return most + Math.log(all);
  },
  all: (x, at, step, count) => { for (let n = 0; n < count; n += 1) if (x[at + n * step] === 0) return 0; return 1; },
  any: (x, at, step, count) => { for (let n = 0; n < count; n += 1) if (x[at + n * step] !== 0) return 1; return 0; },
  count_nonzero: (x, at, step, count) => { let all = 0; for (let n = 0; n < count; n += 1) all += x[at + n * step] !== 0; return all; },
};

function squares(x, at, step, count) {
  const mean = REDUCED.mean(x, at, step, count);
  let all = 0;
  for (let n = 0; n < count; n += 1) all += (x[at + n * step] - mean) ** 2;
  return all;
}

// As PyTorch's: the first of the largest, and whatever is no number before all others.
function extreme(x, at, step, count, beats) {
  let best = 0;
  for (let n = 0; n < count; n += 1) {
    const value = x[at + n * step];
    if (Number.isNaN(value)) return n;
    if (beats(value, x[at + best * step])) best = n;
  }
  return best;
}

let random = generator(0);

export const seeded = (seed) => { random = generator(Number(seed) >>> 0); };
export const state = () => random.state();
export const restored = (kept) => random.restore(kept);
export const uniform = (kind, count, low, high) => random.uniform(count, low, high, KINDS[kind]);
export function below(count, low, high) {
  const range = high - low, wide = BigInt(range);
  const pick = () => (range < 2 ** 32 ? random.word() % range : Number(((BigInt(random.word()) << 32n) | BigInt(random.word())) % wide));
  return Float64Array.from({ length: count }, () => low + pick());
}

export const few = (count) => random.few(count);
export const tossed = (count, chance) => Float32Array.from({ length: count }, () => random.precise() < chance);

export function normal(kind, count, mean, deviation) {
  const values = count < 16 ? random.few(count) : random.normal(count, KINDS[kind]);
  if (mean === 0 && deviation === 1) return KINDS[kind].from(values);
  const out = new KINDS[kind](count);
  for (let at = 0; at < count; at += 1) out[at] = values[at] * deviation + mean;
  return out;
}

export function shuffled(count) {
  const order = Float64Array.from({ length: count }, (_, at) => at);
  for (let at = 0; at < count - 1; at += 1) {
    const other = at + (random.word() % (count - at));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

export const holds = (kind) => kind in KINDS;
export const of = (kind, values) => rounded(kind, KINDS[kind].from(values, Number));
export const filled = (kind, count, value) => new KINDS[kind](count).fill(Number(value));

// Numbers from their bytes, as they are kept here.
export const fromBytes = (kind, bytes) => new KINDS[kind](bytes.slice().buffer);

// Numbers as they lie in a file.
export function unpacked(kind, bytes) {
  const { buffer } = bytes.slice();
  return kind === "int64" ? Float64Array.from(new BigInt64Array(buffer), Number) : new KINDS[kind](buffer);
}

export function packed(kind, values) {
  const whole = kind === "int64" ? BigInt64Array.from(values, BigInt) : values;
  return new Uint8Array(whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength));
}

// The numbers of a tensor, or of a part of one, in the order of their places.
export function laid(memory, offset, shape, strides) {
  const count = shape.reduce((all, size) => all * size, 1);
  if (dense(shape, strides)) return offset === 0 && count === memory.length ? memory : memory.subarray(offset, offset + count);
  const out = new memory.constructor(count);
  walk(offset, shape, strides, (from, step, size, at) => { for (let n = 0; n < size; n += 1) out[at + n] = memory[from + n * step]; });
  return out;
}

// Writes such numbers where the tensor lies; one number goes everywhere.
export function put(memory, offset, shape, strides, values) {
  const step = values.length === 1 ? 0 : 1;
  walk(offset, shape, strides, (to, apart, size, at) => { for (let n = 0; n < size; n += 1) memory[to + n * apart] = values[(at + n) * step]; });
}

function walk(offset, shape, strides, row) {
  const outer = shape.slice(0, -1), size = shape.at(-1) ?? 1, step = strides.at(-1) ?? 1, place = outer.map(() => 0);
  const rows = outer.reduce((all, one) => all * one, 1);
  for (let n = 0, from = offset; n < rows && size; n += 1) {
    row(from, step, size, n * size);
    for (let dim = outer.length - 1; dim >= 0; dim -= 1) {
      from += strides[dim];
      if ((place[dim] += 1) < outer[dim]) break;
      from -= outer[dim] * strides[dim];
      place[dim] = 0;
    }
  }
}

function dense(shape, strides) {
  let expected = 1;
  for (let dim = shape.length - 1; dim >= 0; dim -= 1) {
    if (shape[dim] !== 1 && strides[dim] !== expected) return false;
    expected *= shape[dim];
  }
  return true;
}

export const has = (family, name) => name in { unary: UNARY, binary: BINARY, reduced: REDUCED }[family];

export function unary(name, kind, x, setting, other, third) {
  const out = new KINDS[kind](x.length), compute = UNARY[name];
  if (name === "positive") {
    out.set(x);
    return out;
  }
  if (filledByOne(name, out, x)) return out;
  for (let at = 0; at < out.length; at += 1) out[at] = compute(x[at], setting, other, third);
  return out;
}

export function binary(name, kind, x, y, count) {
  const out = new KINDS[kind](count), compute = BINARY[name], first = x.length === 1 ? 0 : 1, second = y.length === 1 ? 0 : 1;
  if (filledByTwo(name, out, x, y, first, second)) return out;
  for (let at = 0; at < count; at += 1) out[at] = compute(x[at * first], y[at * second]);
  return out;
}

export function chosen(kind, truths, x, y, count) {
  const [where, first, second] = [truths, x, y].map((one) => (one.length === 1 ? 0 : 1)), out = new KINDS[kind](count);
  for (let at = 0; at < count; at += 1) out[at] = truths[at * where] ? x[at * first] : y[at * second];
  return out;
}

export function leaky(kind, x, slope) {
  return new KINDS[kind](x.length).map((_, at) => (x[at] > 0 ? x[at] : x[at] * slope));
}

export function clamped(kind, x, low, high) {
  const out = new KINDS[kind](x.length);
  for (let at = 0; at < out.length; at += 1) out[at] = Math.min(Math.max(x[at], low), high);
  return out;
}

// x: (rows, count), in rows that lie one after another.
export function reduced(name, kind, x, rows, count, correction) {
  const out = new KINDS[kind](rows), compute = REDUCED[name];
  for (let row = 0; row < rows; row += 1) out[row] = compute(x, row * count, 1, count, correction);
  return out;
}

export function softmax(kind, x, rows, count, logarithmic) {
  const out = new KINDS[kind](x.length);
  for (let from = 0; from < rows * count; from += count) {
    const row = x.subarray(from, from + count), most = row.reduce((one, other) => Math.max(one, other), -Infinity);
    const all = row.reduce((sum, value) => sum + Math.exp(value - most), 0);
    for (let at = 0; at < count; at += 1) out[from + at] = logarithmic ? row[at] - most - Math.log(all) : Math.exp(row[at] - most) / all;
  }
  return out;
}

// (count, rows, inner) by (count, inner, columns).
export function products(kind, one, other, count, rows, inner, columns) {
  const out = new KINDS[kind](count * rows * columns);
  if (multiplied(out, one, other, count, rows, inner, columns)) return out;
  for (let n = 0; n < count; n += 1) multiply(out, n * rows * columns, one, n * rows * inner, other, n * inner * columns, rows, inner, columns);
  return out;
}

// x: (N, C, H, W), weight: (O, C / groups, K, K), bias: (O) or null.
// window: kernel, stride, padding and dilation, along both sides.
export function convolved(x, sizes, weight, weights, bias, window, groups) {
  if (fast.convolves(x, weight, sizes, weights, window)) return fast.convolved(x, sizes, weight, weights, bias, window, groups);
  const [samples, channels, height, width] = sizes, [outputs, inputs] = weights;
  const part = channels * height * width, rows = outputs / groups, inner = inputs * window.kernel[0] * window.kernel[1];
  let out = samples ? null : new x.constructor(0), places = 0;
  for (const { first, count } of batches(samples, part, window)) {
    const { columns, wide } = batchColumns(x.subarray(first * part, (first + count) * part), count, [channels, height, width], window);
    places = wide / count;
    out ??= new x.constructor(samples * outputs * places);
    const made = new x.constructor(outputs * wide);
    for (let group = 0; group < groups; group += 1) multiply(made, group * rows * wide, weight, group * rows * inner, columns, group * inner * wide, rows, inner, wide);
    out.set(samplesFirst(made, count), first * outputs * places);
  }
  if (bias) for (let at = 0; at < out.length; at += 1) out[at] += bias[Math.floor(at / places) % outputs];
  return out;
}

// x: (N, C, …), `inner` numbers for each sample and channel. Gives back [mean, variance (biased)] of each channel.
export function moments(x, samples, channels, inner) {
  const mean = new Float64Array(channels), variance = new Float64Array(channels), count = samples * inner;
  for (let n = 0, from = 0; n < samples * channels; n += 1, from += inner) {
    let sum = 0;
    for (let at = from; at < from + inner; at += 1) sum += x[at];
    mean[n % channels] += sum / count;
  }
  for (let n = 0, from = 0; n < samples * channels; n += 1, from += inner) {
    const middle = mean[n % channels];
    let sum = 0;
    for (let at = from; at < from + inner; at += 1) sum += (x[at] - middle) * (x[at] - middle);
    variance[n % channels] += sum / count;
  }
  return [mean, variance];
}

// Of such means and variances, as kept for a backward: [mean, 1 / √(variance + eps)].
export function spreads(kind, mean, variance, eps) {
  return [new KINDS[kind](mean), new KINDS[kind](variance.map((one) => 1 / Math.sqrt(one + eps)))];
}

export function normed(x, channels, inner, mean, variance, weight, bias, eps) {
  const out = new x.constructor(x.length);
  for (let from = 0, n = 0; from < x.length; from += inner, n += 1) {
    const channel = n % channels, scale = (weight ? weight[channel] : 1) / Math.sqrt(variance[channel] + eps);
    const shift = (bias ? bias[channel] : 0) - mean[channel] * scale;
    for (let at = from; at < from + inner; at += 1) out[at] = x[at] * scale + shift;
  }
  return out;
}

// share · x + factor · y, rounded as step by step.
export function blended(x, share, y, factor) {
  return blendInto(new x.constructor(x.length), x, share, y, factor);
}

function blendInto(out, x, share, y, factor) {
  const [kept, step] = x.constructor.of(share, factor), part = x.constructor.of(0);
  for (let at = 0; at < out.length; at += 1) {
    part[0] = step * y[at];
    out[at] = kept * x[at];
    out[at] += part[0];
  }
  return out;
}

// One step of gradient descent, written into each parameter's `values` and, where there is momentum, into what is `kept`
// of the steps before. Rounded as step by step.
export function step(values, gradients, kept, rate, momentum, share) {
  values.forEach((its, n) => {
    if (kept.length) blendInto(kept[n], kept[n], momentum, gradients[n], share);
    blendInto(its, its, 1, kept[n] ?? gradients[n], -rate);
  });
}

export function mixed(old, share, fresh, factor) {
  return old.map((value, at) => (1 - share) * value + share * factor * fresh[at]);
}

// The largest of each window, and where it lies in its map. x: `maps` maps of height by width; pairs: along both.
export function maxPooled(x, maps, [height, width], [tall, wide], { kernel, stride, padding, dilation }) {
  const out = new x.constructor(maps * tall * wide), places = new Float64Array(out.length);
  for (let at = 0; at < out.length; at += 1) {
    const map = Math.floor(at / (tall * wide)), row = Math.floor(at / wide) % tall, column = at % wide;
    let best = -Infinity, place = -1;
    for (let i = 0; i < kernel[0]; i += 1) {
      const y = row * stride[0] - padding[0] + i * dilation[0];
      if (y < 0 || y >= height) continue;
      for (let j = 0; j < kernel[1]; j += 1) {
        const left = column * stride[1] - padding[1] + j * dilation[1];
        if (left < 0 || left >= width) continue;
        const value = x[(map * height + y) * width + left];
        if (place < 0 || value > best || Number.isNaN(value)) [best, place] = [value, y * width + left];
      }
    }
    [out[at], places[at]] = [best, place];
  }
  return [out, places];
}

// The mean of each window, of which what lies beyond the edge counts as zero, or not at all.
export function averaged(x, maps, [height, width], [tall, wide], { kernel, stride, padding }, countsEdge) {
  const out = new x.constructor(maps * tall * wide);
  for (let at = 0; at < out.length; at += 1) {
    const map = Math.floor(at / (tall * wide)), top = (Math.floor(at / wide) % tall) * stride[0] - padding[0];
    const left = (at % wide) * stride[1] - padding[1];
    const bottom = Math.min(top + kernel[0], height + padding[0]), right = Math.min(left + kernel[1], width + padding[1]);
    const [y0, y1, x0, x1] = [Math.max(top, 0), Math.min(bottom, height), Math.max(left, 0), Math.min(right, width)];
    let sum = 0;
    for (let y = y0; y < y1; y += 1) for (let place = x0; place < x1; place += 1) sum += x[(map * height + y) * width + place];
    out[at] = sum / (countsEdge ? (bottom - top) * (right - left) : (y1 - y0) * (x1 - x0));
  }
  return out;
}

// Side by side along a middle dimension: each part is `outer` pieces of `sizes[n]` numbers.
export function joined(kind, parts, outer, sizes) {
  const all = sizes.reduce((sum, size) => sum + size, 0), out = new KINDS[kind](outer * all);
  let before = 0;
  parts.forEach((part, n) => {
    for (let row = 0; row < outer; row += 1) out.set(part.subarray(row * sizes[n], (row + 1) * sizes[n]), row * all + before);
    before += sizes[n];
  });
  return out;
}
