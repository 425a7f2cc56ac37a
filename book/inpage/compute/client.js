// The page's side of the worker. Nothing is loaded before `connect`.
import weights from "../../../linewalk/weights/stem_block_cifar10.safetensors";
import photograph from "photograph";

import { Refused } from "./arithmetic.js";
import { trouble } from "./troubles.js";

// Resolves to {backend, block(request), stem(request), tail(request), picture(blob), end()}; worker.js says what requests hold.
// `base`: the address of this script; `onProgress` hears the share that has come, 0…1; `onLost`, that the GPU has gone.
export async function connect({ base, backend, onProgress = () => {}, onLost = () => {} }) {
  if (location.protocol === "file:") throw trouble("file");
  if (typeof WebAssembly !== "object") throw trouble("no-wasm");
  const address = (name) => new URL(name, base);
  const [, tensors, picture] = await loadAll(["worker.js", weights, photograph].map(address), onProgress);
  const worker = new Worker(address("worker.js"));
  const waiting = new Map();
  let last = 0, held = new Map(); // tensors of the last answer by id

  const fail = (error) => {
    waiting.forEach(({ reject }) => reject(error));
    waiting.clear();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(trouble("not-loaded"));
  };
  worker.onmessage = ({ data: { id, result, error, lost } }) => {
    if (lost) {
      worker.terminate();
      fail(trouble("lost"));
      return onLost();
    }
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    error ? reject?.(asError(error)) : resolve?.(result);
  };
  const ask = (kind, request, transfer = []) => new Promise((resolve, reject) => {
    waiting.set((last += 1), { resolve, reject });
    worker.postMessage({ id: last, kind, ...request }, transfer);
  });

  try {
    // What the worker has sent before comes without its data.
    const whole = ({ input, weights: own, steps, whole: before, ...rest }) => {
      const tensors = new Map();
      const known = ({ id, shape, data }) => {
        if (!tensors.has(id)) tensors.set(id, held.get(id) ?? { shape, data });
        return tensors.get(id);
      };
      const all = (named) => named && Object.fromEntries(Object.entries(named).map(([name, tensor]) => [name, known(tensor)]));
      const made = { ...rest, input: known(input), weights: all(own), steps: all(steps), whole: all(before) };
      held = tensors;
      return made;
    };
    const buffer = await tensors.arrayBuffer();
    return {
      backend: await ask("start", { backend, weights: buffer, photograph: picture }, [buffer]),
      block: async (request) => whole(await ask("block", request)),
      stem: (request) => ask("stem", request),
      tail: (request) => ask("tail", request),
      picture: (blob) => ask("picture", { blob }),
      end() {
        worker.terminate();
        fail(trouble("ended"));
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

// The files as blobs. The browser keeps them; the worker's script it then takes from there.
async function loadAll(addresses, onProgress) {
  const shares = addresses.map(() => 0);
  const loadOne = async (address, at) => {
    const answer = await fetch(address);
    if (!answer.ok) throw trouble("not-loaded");
    const whole = !answer.headers.has("Content-Encoding") && Number(answer.headers.get("Content-Length"));
    const parts = [], reader = answer.body.getReader();
    let length = 0;
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      parts.push(value);
      length += value.length;
      if (whole) report(at, length / whole);
    }
    report(at, 1);
    return new Blob(parts, { type: answer.headers.get("Content-Type") ?? "" });
  };
  const report = (at, share) => {
    shares[at] = share;
    onProgress(shares.reduce((sum, one) => sum + one, 0) / shares.length);
  };
  return Promise.all(addresses.map(loadOne)).catch(() => {
    throw trouble("not-loaded");
  });
}

function asError(error) {
  if (error.name === "Refused") return new Refused(error);
  return trouble(error.code ?? "failed", error.message);
}
