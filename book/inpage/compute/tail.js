// Chapter 1's line and the lines around it: `ASPPTail` as `torch.manual_seed(0)` makes it, in training, on averages over
// windows of what the block makes of a picture. linewalk/draw/again.py says the same in PyTorch.
import * as engine from "./engine.js";
import { generator } from "./random.js";

const BRANCHES = ["out_1x1", "out_3x3_1", "out_3x3_2", "out_3x3_3", "out_img"], SIDES = [1, 3, 7, 13]; // the last is the mean
const LAYERS = { conv_1x1_3: [1280, 256], conv_1x1_4: [256, 20] }; // inputs, outputs
const SEED = 0;

// By PyTorch's names. A convolution draws its kernel, then its bias.
export function tailWeights() {
  const { uniform } = generator(SEED), weights = {};
  for (const [name, [inputs, outputs]] of Object.entries(LAYERS)) {
    const bound = 1 / Math.sqrt(inputs);
    weights[`${name}.weight`] = { shape: [outputs, inputs, 1, 1], data: uniform(outputs * inputs, -bound, bound) };
    weights[`${name}.bias`] = { shape: [outputs], data: uniform(outputs, -bound, bound) };
  }
  const [, outputs] = LAYERS.conv_1x1_3;
  weights["bn_conv_1x1_3.weight"] = { shape: [outputs], data: new Float32Array(outputs).fill(1) };
  weights["bn_conv_1x1_3.bias"] = { shape: [outputs], data: new Float32Array(outputs) };
  return weights;
}

// {name: {shape, data}} of every line, the five branches first. `features`: what the block has made, (1, 256, H, W);
// `without`: which of the founding line's calls are left out, batch norm and ReLU; each then is what it would have read.
export async function runTail(features, weights, without) {
  const branches = [...SIDES.map((side) => averaged(features, side)), mean(features)];
  const steps = Object.fromEntries(BRANCHES.map((name, at) => [name, branches[at]]));
  steps.cat = joined(branches);
  const owned = [], own = (x) => (owned.push(x), x);
  const given = ({ data, shape }) => own(engine.array(data, shape)), weight = (name) => given(weights[name]);
  const convolve = (name, x) => own(engine.conv2d(x, weight(`${name}.weight`), weight(`${name}.bias`)));
  const normalized = (x) => {
    const { mean: means, variance } = engine.moments(x);
    return engine.batchNorm(x, {
      weight: weight("bn_conv_1x1_3.weight"), bias: weight("bn_conv_1x1_3.bias"), mean: own(means), variance: own(variance),
    });
  };
  const made = { conv_1x1_3: convolve("conv_1x1_3", given(steps.cat)) };
  const unless = (name, compute, read) => (without.includes(name) ? read : own(compute(read)));
  made.bn_conv_1x1_3 = unless("bn_conv_1x1_3", normalized, made.conv_1x1_3);
  made.relu = unless("relu", engine.relu, made.bn_conv_1x1_3);
  made.conv_1x1_4 = convolve("conv_1x1_4", made.relu);
  for (const [name, tensor] of Object.entries(made)) steps[name] = { shape: engine.shape(tensor), data: await engine.read(tensor) };
  owned.forEach(engine.dispose);
  return steps;
}

// The average over side × side values around each; beyond the edge there are zeros, which count.
function averaged({ shape, data }, side) {
  const [, channels, height, width] = shape, reach = (side - 1) / 2;
  const made = new Float32Array(data.length), sums = new Float64Array((height + 1) * (width + 1));
  for (let from = 0; from < channels * height * width; from += height * width) {
    // Of all values above and left of each place.
    for (let y = 0; y < height; y += 1) {
      for (let x = 0, row = 0; x < width; x += 1) {
        row += data[from + y * width + x];
        sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
      }
    }
    for (let y = 0; y < height; y += 1) {
      const top = Math.max(0, y - reach) * (width + 1), bottom = Math.min(height, y + reach + 1) * (width + 1);
      for (let x = 0; x < width; x += 1) {
        const left = Math.max(0, x - reach), right = Math.min(width, x + reach + 1);
        made[from + y * width + x] = (sums[bottom + right] - sums[top + right] - sums[bottom + left] + sums[top + left]) / side ** 2;
      }
    }
  }
  return { shape, data: made };
}

function mean({ shape, data }) {
  const each = shape[2] * shape[3], made = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += each) {
    const values = data.subarray(from, from + each);
    made.fill(values.reduce((sum, value) => sum + value, 0) / each, from, from + each);
  }
  return { shape, data: made };
}

function joined(branches) {
  const [{ shape: [, channels, ...sides], data: { length } }] = branches, data = new Float32Array(branches.length * length);
  branches.forEach((branch, at) => data.set(branch.data, at * length));
  return { shape: [1, branches.length * channels, ...sides], data };
}
