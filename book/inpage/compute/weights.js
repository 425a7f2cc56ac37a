// The three sets of weights that a block in the page can have.
import { convolutions, EPS, Refused, weightShapes } from "./arithmetic.js";
import { generator } from "./random.js";
import { size } from "./tensors.js";

const KINDS = ["auto", "book", "random", "ones"];
const SEED = 0;

// {kind, tensors: {name: {shape, data}}}: `kind` is whose they are.
export function weightsFor(wish, config, book) {
  const kind = kindFor(wish, config);
  return { kind, tensors: { book: published, random, ones }[kind](config, book) };
}

// "auto" is the book's weights where they fit, else random ones. Throws Refused where there are none as wished.
export function kindFor(wish, config) {
  if (!KINDS.includes(wish)) {
    throw new Refused({
      keys: ["weights"], zh: `weights 只能是 ${KINDS.join("、")}，不能是 ${wish}。`,
      en: `weights is one of ${KINDS.join(", ")}, not ${wish}.`,
    });
  }
  if (wish === "book" && !fits(config)) {
    throw new Refused({
      keys: ["weights"],
      zh: "本书的权重属于 inplanes=64、planes=64、base_width=64、groups=1 的块：请改回这些数，或换成随机权重。",
      en: "The book's weights belong to a block with inplanes=64, planes=64, base_width=64, groups=1: go back to these, or take random weights.",
    });
  }
  if (wish === "auto") return fits(config) ? "book" : "random";
  return wish;
}

// Whether the book's weights are a block's of these settings: 64 → 64 → 256, one group.
function fits(config) {
  const { inplanes, planes, base_width, groups } = config;
  return inplanes === 64 && planes === 64 && base_width === 64 && groups === 1;
}

function published(config, book) {
  return Object.fromEntries(Object.keys(weightShapes(config)).map((name) => [name, book[`block.${name}`]]));
}

// What `torch.manual_seed(0)` gives a block whose downsample, which is handed to it, was built first.
function random(config) {
  const { uniform } = generator(SEED), drawn = {};
  for (const [name, { inputs, outputs, kernel, groups }] of Object.entries(convolutions(config))) {
    const each = (inputs / groups) * kernel * kernel, bound = 1 / Math.sqrt(each);
    drawn[`${name}.weight`] = uniform(outputs * each, -bound, bound);
  }
  return filled(config, (name, count) => drawn[name] ?? constant(count, /running_var|\d\.weight/.test(name) ? 1 : 0));
}

// Every kernel one everywhere, every norm in eval mode the identity: running_var + eps is one.
function ones(config) {
  const value = (name) => (name.endsWith("running_var") ? 1 - EPS : /bias|running_mean/.test(name) ? 0 : 1);
  return filled(config, (name, count) => constant(count, value(name)));
}

const constant = (count, value) => new Float32Array(count).fill(value);

function filled(config, values) {
  const shapes = Object.entries(weightShapes(config));
  return Object.fromEntries(shapes.map(([name, shape]) => [name, { shape, data: values(name, size(shape)) }]));
}

// The tensors of a safetensors file, {name: {shape, data}}, of its float32 ones.
export function parse(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  return Object.fromEntries(Object.entries(header).filter(([, { dtype }]) => dtype === "F32").map(
    ([name, { shape, data_offsets: [from, to] }]) => [
      name, { shape, data: new Float32Array(buffer.slice(8 + length + from, 8 + length + to)) },
    ],
  ));
}
