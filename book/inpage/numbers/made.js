// How one number was made: from which numbers of the line before, by which arithmetic. No page and no engine, only the
// tensors that are there already; sums are taken in float64.
import { EPS } from "../compute/arithmetic.js";
import { valueAt } from "../compute/tensors.js";
import { placesUnder } from "../compute/windows.js";
import { blockWiring } from "./wiring.js";

// plan: what arithmetic.js's `plan` returns; tensors: {input, weights, steps} of client.js; step: a step's name, "input"
// and "output" among them; index: [channel, row, column]; training: whether batch norm takes the batch's statistics;
// wiring: another code's lines than the block's. A description, or null where nothing was computed there:
//   {kind, step, index, variable, line, shown, total, …}: `shown` is the number in the tensor, `total` what the
//   description's own numbers give, and what lies between the two is float32's rounding.
// What else it holds, by kind (a source is {step, index, variable, line, unseen, value}: a number it was made from; unseen where no line shows it):
//   input        nothing: these lines are given it
//   copy         source; leftOut where the line is left out, and copies for that reason
//   joined       source
//   relu         source
//   sum          sources: two
//   norm         source, channel, mean, variance, eps, deviation, weight, bias, batch: how many values the mean is over,
//                or null where it is the running one
//   convolution  kernel, stride, padding, dilation, groups, inputs, rows, columns (those read, some of them in the
//                padding), first (input channel of the group), bias (null where there is none),
//                channels: [{channel, sum, cells}], what weighs most first;
//                cells: [{source, weight, product}] in reading order, a source of padding has no index
//   largest      source, kernel, rows, columns, cells: [{source}]
//   projection   parts: the convolution and the norm of a downsample, or the convolution alone where the norm is left out
export function describe({ plan, tensors, step, index, training, wiring = blockWiring(plan, training) }) {
  const values = { input: tensors.input, output: tensors.steps.relu3, ...tensors.steps };
  if (!values[step] || !wiring[step]) return null;
  const place = (name, at) => ({ step: name, index: at, variable: wiring[name].variable, line: wiring[name].line, unseen: wiring[name].unseen });
  const source = (name, at = index) => ({ ...place(name, at), value: valueAt(values[name], at) });
  const own = wiring[step], shown = valueAt(values[step], index);
  const inner = (name) => describe({ tensors, step: name, index, wiring });
  const more = MAKERS[own.kind]({ own, index, shown, values, weights: tensors.weights, source, inner });
  return { kind: own.kind, ...place(step, index), shown, ...more, total: more.total ?? shown };
}

// The channels that are told one by one, and what the others come to together: {first, count, sum}.
export function heaviest({ channels }, most) {
  const rest = channels.slice(most);
  return { first: channels.slice(0, most), count: rest.length, sum: sumOf(rest, ({ sum }) => sum) };
}

// Each returns what its kind adds to a description.
const MAKERS = {
  input: () => ({}),
  copy({ own, source }) {
    const before = source(own.from[0]);
    return { source: before, total: before.value, leftOut: Boolean(own.leftOut) };
  },
  joined({ own, index: [channel, ...place], values, source }) {
    let at = 0, left = channel;
    while (left >= values[own.from[at]].shape[1]) left -= values[own.from[at++]].shape[1];
    const before = source(own.from[at], [left, ...place]);
    return { source: before, total: before.value };
  },
  relu({ own, source }) {
    const before = source(own.from[0]);
    return { source: before, total: before.value > 0 || Number.isNaN(before.value) ? before.value : 0 };
  },
  sum({ own, index, values, source }) {
    const sources = own.from.map((name) => source(name, within(values[name], index)));
    return { sources, total: sumOf(sources, ({ value }) => value) };
  },
  norm({ own, index, values, weights, source }) {
    const before = source(own.from[0]);
    const found = norm(own.weights, weights, index[0], own.training ? values[own.from[0]] : null);
    return { source: before, ...found, total: ((before.value - found.mean) / found.deviation) * found.weight + found.bias };
  },
  projection(all) {
    const parts = [all.inner(all.own.from[0])];
    if (!all.own.withoutNorm) parts.push({ kind: "norm", shown: all.shown, ...MAKERS.norm(all) });
    return { parts, total: parts.at(-1).total };
  },
  largest({ own, index: [channel, row, column], values, source }) {
    const { rows, columns, sources } = windowOf(own, row, column, values, source), found = sources(channel);
    const largest = found.filter(({ index }) => index).reduce((one, other) => (other.value > one.value ? other : one));
    return { source: largest, kernel: own.kernel, rows, columns, cells: found.map((one) => ({ source: one })), total: largest.value };
  },
  convolution({ own, index: [channel, row, column], values, weights, source }) {
    const { kernel, stride, padding, dilation, groups, inputs, outputs } = own, { data } = weights[own.weight];
    const { rows, columns, sources } = windowOf(own, row, column, values, source);
    const each = inputs / groups, first = Math.floor(channel / (outputs / groups)) * each, taps = kernel * kernel;
    const channels = Array.from({ length: each }, (_, input) => {
      const cells = sources(first + input).map((read, tap) => {
        const weight = data[(channel * each + input) * taps + tap];
        return { source: read, weight, product: read.value * weight };
      });
      return { channel: first + input, cells, sum: sumOf(cells, ({ product }) => product) };
    });
    channels.sort((one, other) => Math.abs(other.sum) - Math.abs(one.sum) || one.channel - other.channel);
    const bias = own.bias ? weights[own.bias].data[channel] : null;
    return {
      kernel, stride, padding, dilation, groups, inputs, rows, columns, first, bias, channels,
      total: sumOf(channels, ({ sum }) => sum) + bias,
    };
  },
};

// What a kernel lies over: rows, columns, and a function from a channel to the sources there, in reading order; one in the
// padding has the value 0 and no index.
function windowOf({ from: [from], ...window }, row, column, values, source) {
  const rows = placesUnder(row, window), columns = placesUnder(column, window), [, , height, width] = values[from].shape;
  const sourceAt = (channel, y, x) => (y >= 0 && x >= 0 && y < height && x < width
    ? source(from, [channel, y, x]) : { value: 0, index: null });
  return { rows, columns, sources: (channel) => rows.flatMap((y) => columns.map((x) => sourceAt(channel, y, x))) };
}

// What batch norm does to a channel. `batch`: the tensor whose statistics it takes, in training, else null.
export function norm(name, weights, channel, batch) {
  const of = (part) => weights[`${name}.${part}`].data[channel];
  const { mean, variance, count } = batch
    ? moments(batch, channel) : { mean: of("running_mean"), variance: of("running_var"), count: null };
  return {
    channel, mean, variance, eps: EPS, deviation: Math.sqrt(variance + EPS), weight: of("weight"), bias: of("bias"), batch: count,
  };
}

// Mean and (biased) variance of a channel, as batch norm takes them in training.
function moments({ shape: [, , height, width], data }, channel) {
  const count = height * width, values = data.subarray(channel * count, (channel + 1) * count);
  const mean = sumOf(values, (value) => value) / count;
  return { mean, variance: sumOf(values, (value) => (value - mean) ** 2) / count, count };
}

// A side of length 1 is stretched where tensors are added.
const within = ({ shape }, index) => index.map((at, side) => Math.min(at, shape[side + 1] - 1));

function sumOf(list, value) {
  let sum = 0;
  for (const one of list) sum += value(one);
  return sum;
}
