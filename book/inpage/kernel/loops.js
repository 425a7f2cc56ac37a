// The commonest computations, each a loop of its own over float32 alone: a browser makes a few instructions a number of such
// a loop, and ten times as many of one that is given what to compute. `first`, `second`: 0 where a single number goes with all.
const ONE = {
  abs(out, x) { for (let at = 0; at < out.length; at += 1) out[at] = Math.abs(x[at]); },
  ceil(out, x) { for (let at = 0; at < out.length; at += 1) out[at] = Math.ceil(x[at]); },
  neg(out, x) { for (let at = 0; at < out.length; at += 1) out[at] = -x[at]; },
  relu(out, x) { // by bits: which numbers are below zero no processor guesses right
    const bits = bitsOf(out), given = bitsOf(x);
    for (let at = 0; at < bits.length; at += 1) bits[at] = given[at] & -Number(!(x[at] <= 0));
  },
  sign(out, x) { for (let at = 0; at < out.length; at += 1) out[at] = Number(x[at] > 0) - Number(x[at] < 0); },
};

const TWO = {
  add(out, x, y, first, second) { for (let at = 0; at < out.length; at += 1) out[at] = x[at * first] + y[at * second]; },
  sub(out, x, y, first, second) { for (let at = 0; at < out.length; at += 1) out[at] = x[at * first] - y[at * second]; },
  mul(out, x, y, first, second) { for (let at = 0; at < out.length; at += 1) out[at] = x[at * first] * y[at * second]; },
  div(out, x, y, first, second) { for (let at = 0; at < out.length; at += 1) out[at] = x[at * first] / y[at * second]; },
};

const TRUTHS = {
  lt(out, x, y, first, second) { for (let at = 0; at < out.length; at += 1) out[at] = Number(x[at * first] < y[at * second]); },
  gt(out, x, y, first, second) { for (let at = 0; at < out.length; at += 1) out[at] = Number(x[at * first] > y[at * second]); },
};

const bitsOf = (x) => new Int32Array(x.buffer, x.byteOffset, x.length);
const areFloats = (...arrays) => arrays.every((one) => one instanceof Float32Array);

// Whether there is such a loop for these arrays, and it has filled `out`.
export function filledByOne(name, out, x) {
  if (!(name in ONE) || !areFloats(out, x)) return false;
  ONE[name](out, x);
  return true;
}

export function filledByTwo(name, out, x, y, first, second) {
  const loop = areFloats(out) ? TWO[name] : TRUTHS[name];
  if (!loop || !areFloats(x, y)) return false;
  loop(out, x, y, first, second);
  return true;
}

// What `passedAbove` of gradients.js gives, where all are float32 and each number has its gradient.
export function passedByBits(out, gradient, result, threshold) {
  if (!areFloats(out, gradient, result) || gradient.length !== result.length) return false;
  const bits = bitsOf(out), given = bitsOf(gradient);
  for (let at = 0; at < bits.length; at += 1) bits[at] = given[at] & -Number(result[at] > threshold);
  return true;
}

// Of numbers `step` apart; a NaN is before all others, as PyTorch has it.
export function largest(x, at, step, count) {
  let best = x[at];
  for (let n = 1; n < count && best === best; n += 1) if (!(x[at + n * step] <= best)) best = x[at + n * step];
  return best;
}

export function smallest(x, at, step, count) {
  let best = x[at];
  for (let n = 1; n < count && best === best; n += 1) if (!(x[at + n * step] >= best)) best = x[at + n * step];
  return best;
}
