// The graphics card, in a worker of the frame without an origin: it has no cookies, no storage and no network. It
// computes the operators of compute/on-card.js, and nothing else, on numbers that come by message (card.js), one after
// the other in the order of asking. Whatever is wrong with one, whoever reads its numbers hears.
import { array, dispose, read, start } from "../compute/engine.js";
import { OPERATORS } from "../compute/on-card.js";

const lying = new Map(); // by id: an array, or the error in its place
let queue = Promise.resolve();

self.onmessage = async ({ data: { wish, port } }) => {
  try {
    const device = await start(wish, () => port.postMessage({ lost: true }));
    port.onmessage = ({ data }) => { queue = queue.then(() => answer(data, port)); };
    self.postMessage({ device });
  } catch (error) {
    self.postMessage({ device: "wasm", why: String(error?.message ?? error) });
  }
};

async function answer({ put, values, compute, name, args, wanted, free }, port) {
  if (put) lying.set(put, array(values, [values.length]));
  else if (compute) made(compute, name, args);
  else if (free) forget(free);
  else {
    try {
      const data = await read(at(wanted));
      port.postMessage({ wanted, data }, [data.buffer]);
    } catch (error) {
      port.postMessage({ wanted, error: String(error?.message ?? error) });
    }
  }
}

function made(ids, name, args) {
  const own = []; // small arrays that came with the question
  try {
    const given = args.map((arg) => {
      if (arg?.lies) return at(arg.lies);
      if (!ArrayBuffer.isView(arg)) return arg;
      own.push(array(Float32Array.from(arg), [arg.length]));
      return own.at(-1);
    });
    if (!Object.hasOwn(OPERATORS, name)) throw new Error(`There is no operator ${name}.`);
    const results = [OPERATORS[name](...given)].flat();
    ids.forEach((id, place) => lying.set(id, results[place]));
  } catch (error) {
    for (const id of ids) lying.set(id, error instanceof Error ? error : new Error(String(error)));
  } finally {
    own.forEach(dispose);
  }
}

function at(id) {
  const found = lying.get(id);
  if (found instanceof Error) throw found;
  if (!found) throw new Error("Nothing lies there.");
  return found;
}

function forget(id) {
  const found = lying.get(id);
  if (found && !(found instanceof Error)) dispose(found);
  lying.delete(id);
}
