// Arrays computed in the browser: with on-card.js the only file that knows the array library. It runs in a worker
// (worker.js).
//
// The library is @jax-js/jax. It is a tenth of the others' download (0.1 MB, where onnxruntime-web needs 2 to 4 MB), it
// runs operators one at a time as PyTorch does, on WebGPU and on WASM, with groups, dilation and gradients, which Python
// in the page needs as well. TensorFlow.js refuses a stride together with a dilation and has no groups; onnxruntime-web
// wants a finished graph for each combination of settings.
//
// Every function returns a new array and leaves its arguments to their owner, who frees each with `dispose`.
import { defaultDevice, getWebGPUDevice, init, jit, lax, nn, numpy as np } from "@jax-js/jax";

import { isFallback } from "./adapters.js";
import { columnsOf } from "./columns.js";

const LOWEST = 3e38; // below every value: what max pooling finds beyond the edge
const FEW = 18; // values that make one, up to which the library's own convolution is the faster one

// Resolves to what it computes on, "webgpu" or "wasm". Without a wish, WebGPU where it is a real graphics card's, of which
// `onLost` hears when the browser takes it away.
export async function start(wish, onLost) {
  const adapter = wish === "wasm" ? null : await navigator.gpu?.requestAdapter().catch(() => null);
  const onCard = adapter && (wish === "webgpu" || !isFallback(adapter));
  const device = onCard && (await init("webgpu")).includes("webgpu") ? "webgpu" : "wasm";
  if (wish === "webgpu" && device !== wish) throw new EngineError("no-webgpu");
  if (device === "wasm" && !hasSimd()) throw new EngineError("no-wasm");
  defaultDevice(device);
  if (device === "webgpu") getWebGPUDevice().lost.then(onLost);
  return device;
}

export class EngineError extends Error {}

// A function that returns an i32x4: a browser without WebAssembly, or without its vectors, does not take it.
function hasSimd() {
  const probe = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(probe));
}

export const array = (values, shape) => np.array(values).reshape([...shape]);
export const shape = (x) => [...x.shape];
export const reshape = (x, sides) => x.ref.reshape([...sides]);
export const dispose = (x) => x.dispose();

// Asynchronously, always: read at once, WebGPU's memory does not hold the result yet.
export const read = (x) => x.ref.data();

export const relu = (x) => nn.relu(x.ref);
export const add = (one, other) => one.ref.add(other.ref);
export const matmul = (one, other) => np.matmul(one.ref, other.ref);

// x: (N, C, H, W); weight: (O, C / groups, K, K); bias: (O) or null.
export function conv2d(x, weight, bias, { stride = 1, padding = 0, dilation = 1, groups = 1 } = {}) {
  const [outputs, inputs, kernel] = weight.shape;
  const plain = kernel === 1 && stride === 1 && padding === 0;
  const out = plain || inputs * kernel * kernel > FEW
    ? byMatrix(plain ? x.ref : patches(x, kernel, { stride, padding, dilation }), x.shape[0], weight, groups)
    : convolution(x.ref, weight.ref, { stride, padding, dilation, groups });
  return bias ? out.add(bias.ref.reshape([1, outputs, 1, 1])) : out;
}

function convolution(x, weight, { stride, padding, dilation, groups }) {
  return lax.convGeneralDilated(x, weight, [stride, stride], [[padding, padding], [padding, padding]], {
    rhsDilation: [dilation, dilation], featureGroupCount: groups,
  });
}

// (N, C, H, W) → (N, C·K·K, H', W'), all that an output cell reads in its column. With it, a convolution is a product of
// matrices, four times as fast as the library's own. Where the values are at hand, on the processor and not traced for a
// gradient, copying them costs next to nothing; else a kernel with a single one copies the value under it.
function patches(x, kernel, options) {
  const [samples, channels, height, width] = x.shape, taps = kernel * kernel;
  if (defaultDevice() === "wasm" && x instanceof np.Array) {
    const { columns, places } = columnsOf(x.ref.dataSync(), [samples * channels, height, width], { kernel, ...options });
    return array(columns, [samples, channels * taps, ...places]);
  }
  const ones = new Float32Array(channels * taps * taps);
  for (let row = 0; row < channels * taps; row += 1) ones[row * taps + (row % taps)] = 1;
  return convolution(x.ref, array(ones, [channels * taps, 1, kernel, kernel]), { ...options, groups: channels });
}

function byMatrix(columns, samples, weight, groups) {
  const [outputs, inputs, kernel] = weight.shape, [height, width] = columns.shape.slice(2);
  const rows = weight.ref.reshape([1, groups, outputs / groups, inputs * kernel * kernel]);
  const read = columns.reshape([samples, groups, inputs * kernel * kernel, height * width]);
  return np.matmul(rows, read).reshape([samples, outputs, height, width]);
}

// As PyTorch's CPU does it: one factor and one summand a channel.
const scaled = jit((x, scale, shift) => x.mul(scale).add(shift));

export function batchNorm(x, { weight, bias, mean, variance, eps = 1e-5 }) {
  const each = [1, x.shape[1], 1, 1];
  const scale = weight.ref.div(np.sqrt(variance.ref.add(eps)));
  const shift = bias.ref.sub(mean.ref.mul(scale.ref));
  return scaled(x.ref, scale.reshape(each), shift.reshape(each));
}

// Mean and (biased) variance of each channel, as batch norm in training takes them. A second look at what is left of
// the values mends what the first sum has rounded away; PyTorch sums in float64.
export function moments(x) {
  const channels = x.shape[1], each = [1, channels, 1, 1], places = [0, 2, 3];
  const rough = np.mean(x.ref, places);
  const rest = x.ref.sub(rough.ref.reshape(each));
  const missing = np.mean(rest.ref, places);
  const deviations = rest.sub(missing.ref.reshape(each));
  return { mean: rough.add(missing), variance: np.mean(np.square(deviations), places) };
}

export function maxPool(x, { kernel, stride, padding }) {
  const around = [[0, 0], [0, 0], [padding, padding], [padding, padding]];
  const beyond = np.pad(np.ones(x.shape), around).sub(1).mul(LOWEST);
  return lax.reduceWindow(np.pad(x.ref, around).add(beyond), (window) => window.max(), [1, 1, kernel, kernel], [1, 1, stride, stride]);
}
