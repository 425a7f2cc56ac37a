// The gradients of what numbers.js computes, where they are computed in one go: arrays as there, one sample after another.
import { batchColumns, batches, batchSums, room, samplesFirst, samplesLast } from "./batches.js";
import * as fast from "./convolutions.js";
import { passedByBits } from "./loops.js";
import { KINDS } from "./numbers.js";
import { addByRows, addFew, multiply, turned } from "./products.js";

// Where the result is above the threshold, the gradient; elsewhere nothing.
export function passedAbove(kind, gradient, result, threshold) {
  const out = new KINDS[kind](result.length), step = gradient.length === 1 ? 0 : 1;
  if (passedByBits(out, gradient, result, threshold)) return out;
  for (let at = 0; at < out.length; at += 1) out[at] = result[at] > threshold ? gradient[at * step] : 0;
  return out;
}

// Of what a convolution read. gradient: (N, O, places); as in `convolved`.
export function convolvedInput(gradient, sizes, weight, weights, window, groups) {
  if (fast.convolves(gradient, weight, sizes, weights, window)) return fast.convolvedInput(gradient, sizes, weight, weights, window, groups);
  const [samples, channels, height, width] = sizes, [outputs, inputs] = weights;
  const part = channels * height * width, places = gradient.length / samples / outputs, out = new gradient.constructor(samples * part);
  const rows = outputs / groups, inner = inputs * window.kernel[0] * window.kernel[1];
  const turnedWeights = Array.from({ length: groups }, (_, group) => turned(weight, group * rows * inner, rows, inner));
  for (const { first, count } of batches(samples, part, window)) {
    const wide = count * places, given = samplesLast(gradient.subarray(first * outputs * places, (first + count) * outputs * places), count);
    const columns = room(gradient.constructor, groups * inner * wide);
    for (let group = 0; group < groups; group += 1) multiply(columns, group * inner * wide, turnedWeights[group], 0, given, group * rows * wide, inner, rows, wide);
    out.set(samplesFirst(batchSums(columns, count, [channels, height, width], window), count), first * part);
  }
  return out;
}

// Of its weight.
export function convolvedWeight(gradient, x, sizes, weights, window, groups) {
  if (fast.convolves(gradient, x, sizes, weights, window)) return fast.convolvedWeight(gradient, x, sizes, weights, window, groups);
  const [samples, channels, height, width] = sizes, [outputs, inputs] = weights;
  const inner = inputs * window.kernel[0] * window.kernel[1], rows = outputs / groups, part = channels * height * width;
  const sums = new Float64Array(outputs * inner), places = gradient.length / samples / outputs;
  for (const { first, count } of batches(samples, part, window)) {
    const { columns, wide } = batchColumns(x.subarray(first * part, (first + count) * part), count, [channels, height, width], window);
    const given = samplesLast(gradient.subarray(first * outputs * places, (first + count) * outputs * places), count);
    for (let group = 0; group < groups; group += 1) {
      const to = group * rows * inner, from = group * rows * wide, second = group * inner * wide;
      if (wide > 12) addByRows(sums, to, given, from, columns, second, rows, wide, inner);
      else addFew(sums, to, given, from, turned(columns, second, inner, wide), 0, rows, wide, inner);
    }
  }
  return x.constructor.from(sums);
}

// Sums over samples and places, one for each channel.
export function channelSums(kind, x, channels, inner) {
  const sums = new Float64Array(channels);
  for (let n = 0, from = 0; from < x.length; n += 1, from += inner) {
    let sum = 0;
    for (let at = from; at < from + inner; at += 1) sum += x[at];
    sums[n % channels] += sum;
  }
  return KINDS[kind].from(sums);
}

// Of a batch norm: [of its input, of its weight, of its bias]. spread: 1 / √(variance + eps) of each channel; in training,
// mean and variance come from the input themselves.
export function normedBack(gradient, x, channels, inner, mean, spread, weight, training) {
  const sums = new Float64Array(channels), products = new Float64Array(channels), count = x.length / channels;
  for (let n = 0, from = 0; from < x.length; n += 1, from += inner) {
    const channel = n % channels, middle = mean[channel];
    let sum = 0, product = 0;
    for (let at = from; at < from + inner; at += 1) {
      sum += gradient[at];
      product += gradient[at] * (x[at] - middle);
    }
    sums[channel] += sum;
    products[channel] += product * spread[channel];
  }
  const out = new x.constructor(x.length);
  for (let n = 0, from = 0; from < x.length; n += 1, from += inner) {
    const channel = n % channels, middle = mean[channel], scale = spread[channel] * (weight ? weight[channel] : 1);
    const flat = training ? sums[channel] / count : 0, slope = training ? (spread[channel] * products[channel]) / count : 0;
    for (let at = from; at < from + inner; at += 1) out[at] = (gradient[at] - flat - (x[at] - middle) * slope) * scale;
  }
  return [out, x.constructor.from(products), x.constructor.from(sums)];
}

// Of a max pooling: each number goes where the largest was found. `size` numbers a map read, `pooled` it gave.
export function maxPooledBack(gradient, places, maps, size, pooled) {
  const out = new gradient.constructor(maps * size);
  for (let at = 0; at < places.length; at += 1) out[Math.floor(at / pooled) * size + places[at]] += gradient[at];
  return out;
}

// Of an average pooling: each number is shared by its window.
export function averagedBack(gradient, maps, [height, width], [tall, wide], { kernel, stride, padding }, countsEdge) {
  const out = new gradient.constructor(maps * height * width);
  for (let at = 0; at < maps * tall * wide; at += 1) {
    const map = Math.floor(at / (tall * wide)), top = (Math.floor(at / wide) % tall) * stride[0] - padding[0];
    const left = (at % wide) * stride[1] - padding[1];
    const bottom = Math.min(top + kernel[0], height + padding[0]), right = Math.min(left + kernel[1], width + padding[1]);
    const [y0, y1, x0, x1] = [Math.max(top, 0), Math.min(bottom, height), Math.max(left, 0), Math.min(right, width)];
    const share = gradient[at] / (countsEdge ? (bottom - top) * (right - left) : (y1 - y0) * (x1 - x0));
    for (let y = y0; y < y1; y += 1) for (let x = x0; x < x1; x += 1) out[(map * height + y) * width + x] += share;
  }
  return out;
}

// The mean of each of `tall` by `wide` parts that cover a map, which may overlap.
export function adapted(x, maps, [height, width], [tall, wide]) {
  const out = new x.constructor(maps * tall * wide);
  parts(maps, [height, width], [tall, wide], (at, count, place) => { out[at] += x[place] / count; });
  return out;
}

export function adaptedBack(gradient, maps, [height, width], [tall, wide]) {
  const out = new gradient.constructor(maps * height * width);
  parts(maps, [height, width], [tall, wide], (at, count, place) => { out[place] += gradient[at] / count; });
  return out;
}

function parts(maps, [height, width], [tall, wide], visit) {
  const from = (at, parts, size) => Math.floor((at * size) / parts), to = (at, parts, size) => Math.ceil(((at + 1) * size) / parts);
  for (let at = 0; at < maps * tall * wide; at += 1) {
    const map = Math.floor(at / (tall * wide)), row = Math.floor(at / wide) % tall, column = at % wide;
    const [y0, y1, x0, x1] = [from(row, tall, height), to(row, tall, height), from(column, wide, width), to(column, wide, width)];
    for (let y = y0; y < y1; y += 1) for (let x = x0; x < x1; x += 1) visit(at, (y1 - y0) * (x1 - x0), (map * height + y) * width + x);
  }
}

// logs: (N, C, …) of `inner` places each, targets: (N, …). Gives back [the loss, the weights' sum]; `reduction` 0: one for
// each target, 1: their mean, 2: their sum.
export function likelihood(kind, logs, targets, weight, classes, inner, reduction, ignored) {
  const losses = new KINDS[kind](targets.length), total = sumOfWeights(targets, weight, ignored);
  for (let at = 0; at < targets.length; at += 1) {
    if (targets[at] !== ignored) losses[at] = -logs[place(at, targets[at], classes, inner)] * (weight ? weight[targets[at]] : 1);
  }
  if (reduction === 0) return [losses, KINDS[kind].of(0)];
  const sum = losses.reduce((all, one) => all + one, 0);
  return [KINDS[kind].of(reduction === 1 ? sum / total : sum), KINDS[kind].of(total)];
}

export function likelihoodBack(kind, gradient, count, targets, weight, classes, inner, reduction, ignored) {
  const out = new KINDS[kind](count), total = reduction === 1 ? sumOfWeights(targets, weight, ignored) : 1;
  const step = gradient.length === 1 ? 0 : 1;
  for (let at = 0; at < targets.length; at += 1) {
    if (targets[at] !== ignored) out[place(at, targets[at], classes, inner)] = (-gradient[at * step] * (weight ? weight[targets[at]] : 1)) / total;
  }
  return out;
}

const place = (at, target, classes, inner) => (Math.floor(at / inner) * classes + target) * inner + (at % inner);

function sumOfWeights(targets, weight, ignored) {
  return targets.reduce((all, target) => all + (target === ignored ? 0 : weight ? weight[target] : 1), 0);
}
