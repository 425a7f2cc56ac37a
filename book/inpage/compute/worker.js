// Where the engine runs, so that the page never waits for it. One request at a time, in the order of asking; client.js
// is the page's side.
import { complete, plan } from "./arithmetic.js";
import { runBlock } from "./block.js";
import { EngineError, read, shape, start } from "./engine.js";
import { memory } from "./memory.js";
import { pattern, PATTERNS } from "./patterns.js";
import { linesOfStem, pixels, PICTURES, throughStem } from "./stem.js";
import { runTail, tailWeights } from "./tail.js";
import { size } from "./tensors.js";
import { parse, weightsFor } from "./weights.js";

const REMEMBERED = 2 ** 24; // float32 of all lines together, from which on they are too many to keep
const blobs = {}; // the pictures' files by name
let book; // the book's weights by name
const lately = { weights: {}, input: {} }; // what was made last, {key, made}: the same settings take the same arrays
const computed = memory();
let held = new Set(); // ids of the tensors that the page has from the last answer

const ANSWERS = {
  async start({ backend, weights, photograph }) {
    book = parse(weights);
    blobs.photograph = photograph;
    return start(backend, () => postMessage({ lost: true }));
  },

  // The reader's own picture.
  async picture({ blob }) {
    await pixels(blob, { height: 1, width: 1 }).catch(() => {
      throw new EngineError("bad-picture");
    });
    blobs.own = blob;
    lately.input = {};
  },

  // `weights`: a kind of weights.js, or tensors by name; `input`: a picture's or a pattern's name, or {shape, data}.
  // Where lines are left out, `whole` has the steps of the block with all of its lines.
  async block({ config, weights = "auto", input = "noise" }, transfer) {
    const settings = complete(config);
    const { kind, tensors } = typeof weights === "string" ? await weightsAs(weights, settings) : { kind: "given", tensors: weights };
    const { picture, ...given } = typeof input === "string" ? await inputFor(input, settings) : input;
    const pack = packer(transfer);
    try {
      const result = { kind, picture, input: pack.array(given), weights: await each(tensors, pack.array) };
      result.steps = await each(runBlock(settings, tensors, given, computed), pack.entry);
      if (settings.without.length) {
        result.whole = await each(runBlock({ ...settings, without: [] }, tensors, given, computed), pack.entry);
      }
      held = pack.packed;
      return result;
    } finally {
      computed.sweep({ everything: valuesOf(settings) > REMEMBERED });
    }
  },

  // What a picture is on its way into the block.
  async stem({ input }) {
    const { photograph, ...lines } = await linesOfStem(
      await pixels(blobs[input], complete({})), book, ["photograph", "conv1", "bn1", "relu", "maxpool"]);
    const steps = Object.fromEntries(Object.entries(lines).map(([name, tensor]) => [`stem.${name}`, tensor]));
    return { steps: { photograph, ...steps }, weights: Object.fromEntries(Object.entries(book).filter(([name]) => name.startsWith("stem."))) };
  },

  // Chapter 1's lines, on what the block makes of a picture.
  async tail({ input, config: { without } }) {
    const config = complete({}), { picture, ...given } = await inputFor(input, config);
    const { relu3: { tensor } } = runBlock(config, (await weightsAs("book", config)).tensors, given, computed);
    const features = { shape: shape(tensor), data: await read(tensor) }, weights = tailWeights();
    computed.sweep();
    const result = { input: features, picture, weights, steps: await runTail(features, weights, without) };
    return without.length ? { ...result, whole: await runTail(features, weights, []) } : result;
  },
};

const valuesOf = (config) => Object.values(plan(config).steps).reduce((sum, { shape: sides }) => sum + size(sides), 0);

// Tensors as the page gets them, {id, shape, data}: without the data of those that it holds.
function packer(transfer) {
  const packed = new Set();
  const isNew = (id) => !held.has(id) && !packed.has(id);
  return {
    packed,
    array(tensor) {
      const id = computed.id(tensor.data), data = isNew(id) ? tensor.data : undefined;
      packed.add(id);
      return { id, shape: tensor.shape, data };
    },
    async entry({ id, tensor }) {
      const data = isNew(id) ? await read(tensor) : undefined;
      packed.add(id);
      if (data) transfer.push(data.buffer);
      return { id, shape: shape(tensor), data };
    },
  };
}

async function each(tensors, pack) {
  const made = {};
  for (const [name, tensor] of Object.entries(tensors)) made[name] = await pack(tensor);
  return made;
}

function weightsAs(wish, config) {
  const { inplanes, planes, groups, base_width, downsample } = config;
  return latest("weights", [wish, inplanes, planes, groups, base_width, downsample].join(), () => weightsFor(wish, config, book));
}

function inputFor(name, config) {
  const { height, width, inplanes } = config;
  if (!(name in PATTERNS) && !(PICTURES.includes(name) && blobs[name])) throw new EngineError("no-input");
  return latest("input", [name, height, width, inplanes].join(), async () => {
    if (name in PATTERNS) return pattern(name, config);
    const picture = await pixels(blobs[name], config);
    return { ...(await throughStem(picture, book, config)), picture };
  });
}

async function latest(what, key, make) {
  if (lately[what].key !== key) lately[what] = { key, made: await make() };
  return lately[what].made;
}

let queue = Promise.resolve();
onmessage = ({ data: { id, kind, ...request } }) => {
  queue = queue.then(async () => {
    try {
      const transfer = [], result = await ANSWERS[kind](request, transfer);
      postMessage({ id, result }, transfer);
    } catch (error) {
      const { name, message, zh, en, pytorch, keys, line } = error;
      postMessage({ id, error: { name, message, zh, en, pytorch, keys, line, code: error instanceof EngineError ? message : null } });
    }
  });
};
