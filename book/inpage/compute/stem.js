// A picture on its way into the block, by the book's stem.
import { columnsOf } from "./columns.js";
import * as engine from "./engine.js";
import { middleOf } from "./middle.js";
import { AFTER_STEM, CONV1, MAXPOOL } from "./stem-windows.js";
import { size } from "./tensors.js";

export const PICTURES = ["photograph", "own"];
const MEAN = [0.485, 0.456, 0.406], STD = [0.229, 0.224, 0.225]; // ImageNet's, as in linewalk/images.py

// The picture's middle, as large as the stem wants it for maps of this size: ImageData, transparency laid on white.
export const pixels = (blob, { height, width }) =>
  middleOf(blob, { height: height * AFTER_STEM.jump, width: width * AFTER_STEM.jump });

// What the book's stem makes of a picture. A block of another number of channels gets the stem's 64 over and over.
export async function throughStem(picture, stem, { inplanes }) {
  const { maxpool: { shape: [, channels, tall, wide], data } } = await linesOfStem(picture, stem, ["maxpool"]);
  if (inplanes === channels) return { shape: [1, channels, tall, wide], data };
  const repeated = new Float32Array(inplanes * tall * wide);
  for (let from = 0; from < repeated.length; from += data.length) {
    repeated.set(data.subarray(0, Math.min(data.length, repeated.length - from)), from);
  }
  return { shape: [1, inplanes, tall, wide], data: repeated };
}

// {name: {shape, data}} of the stem's lines that are wanted, of "photograph", "conv1", "bn1", "relu" and "maxpool".
export async function linesOfStem(picture, stem, wanted) {
  const owned = [], own = (x) => (owned.push(x), x);
  const weight = (name, shape = stem[`stem.${name}`].shape) => own(engine.array(stem[`stem.${name}`].data, shape));
  const photograph = { shape: [1, 3, picture.height, picture.width], data: normalized(picture) };
  const { columns, places } = columnsOf(photograph.data, photograph.shape.slice(1), CONV1);
  const [outputs, ...rest] = stem["stem.conv1.weight"].shape, rows = size(rest), made = {}, lines = {};
  const kernels = weight("conv1.weight", [outputs, rows]);
  const product = own(engine.matmul(kernels, own(engine.array(columns, [rows, size(places)]))));
  lines.conv1 = own(engine.reshape(product, [1, outputs, ...places]));
  lines.bn1 = own(engine.batchNorm(lines.conv1, {
    weight: weight("bn1.weight"), bias: weight("bn1.bias"), mean: weight("bn1.running_mean"), variance: weight("bn1.running_var"),
  }));
  lines.relu = own(engine.relu(lines.bn1));
  lines.maxpool = own(engine.maxPool(lines.relu, MAXPOOL));
  for (const name of wanted) {
    made[name] = name === "photograph" ? photograph : { shape: engine.shape(lines[name]), data: await engine.read(lines[name]) };
  }
  owned.forEach(engine.dispose);
  return made;
}

// A picture's pixels as the stem wants them: (3, H, W).
function normalized({ data, height, width }) {
  const values = new Float32Array(3 * height * width);
  for (let channel = 0, at = 0; channel < 3; channel += 1) {
    for (let from = channel; from < data.length; from += 4, at += 1) values[at] = (data[from] / 255 - MEAN[channel]) / STD[channel];
  }
  return values;
}
