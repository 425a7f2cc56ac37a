// The page's side of Python: loads what it is made of, hands it to the frame without an origin, and asks it. Nothing is
// loaded before `start`.
import card from "python-card";
import graphviz from "python-graphviz";
import interpreter from "python-interpreter";
import library from "python-library";
import stdlib from "python-stdlib";
import worker from "python-worker";
import { bytes } from "python-sizes";

import { isFallback } from "../compute/adapters.js";
import { trouble } from "../compute/troubles.js";

const KEPT = "bottleneck-python"; // the browser's cache of it, in which a file's name says what is in it
const FILES = { interpreter, stdlib, library, script: worker };
const LATER = { graphviz };

const LATE = 30_000; // ms

export const MEGABYTES = (bytes / 1e6).toFixed(1);

// {start(), explain(request), values(take), card(line, take), run(code, take), interrupt(), stop(), device}: `base` is the
// address of the page's script; `purpose`, what Python is for, is "explain" or "run"; `onProgress` hears the share that has
// come, 0…1; `onLeft`, what is to be told of a graphics card that computes no longer.
export function pythonKernel({ base, purpose = "explain", onProgress, onLeft = () => {} }) {
  let parts = null, frame = null, started = null, last = 0, interruptible = false, device = "wasm";
  let wish = new URLSearchParams(location.search).get("backend");
  let stopped = refusal();
  const waiting = new Map();

  addEventListener("message", ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data.ready) {
      interruptible = data.interruptible;
      return frame.onready();
    }
    if (data.device) return (device = data.device);
    if (data.left) return leaveCard(data.left);
    if ("ended" in data) return fail(trouble("python-ended"));
    if (Object.hasOwn(LATER, data.wants)) return hand(data.wants); // anybody's code may ask for anything
    if (data.output) return waiting.get(data.id)?.take(data.output);
    const { resolve, reject } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.error === undefined) resolve?.(data.result);
    else reject?.(trouble(/memory/i.test(data.error) ? "python-ended" : "python-failed", data.error));
  });

  function fail(error) {
    started = null;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function leaveCard(code) {
    wish = device = "wasm";
    onLeft(trouble(code));
  }

  function end(error) {
    frame?.contentWindow.postMessage({ kind: "stop" }, "*");
    fail(error);
  }

  function ask(message, take) {
    return new Promise((resolve, reject) => {
      waiting.set((last += 1), { resolve, reject, take });
      frame.contentWindow.postMessage({ id: last, ...message }, "*");
    });
  }

  // What is not loaded before it is wanted; null where it cannot be had.
  async function hand(kind) {
    const script = await fetched(await store(), new URL(LATER[kind], base).href).then(whole).catch(() => null);
    frame.contentWindow.postMessage({ kind, script }, "*");
  }

  // Asks Python for more of what it has; what it had is gone when it was ended.
  async function askAgain(message, take) {
    if (!started) throw trouble("python-stopped");
    return ask(message, take);
  }

  function start() {
    started ??= begin().catch((error) => {
      started = null;
      throw error;
    });
    return Promise.race([started, stopped.promise]);
  }

  async function begin() {
    if (location.protocol === "file:") throw trouble("python-file");
    if (typeof WebAssembly !== "object") throw trouble("python-no-wasm");
    const isWanted = purpose === "run" && (await hasCard(wish));
    parts ??= await load(base, isWanted ? { ...FILES, card } : FILES, onProgress);
    if (!frame) await openFrame(base);
    const { script, card: program, ...rest } = parts;
    device = "wasm";
    await ask({ kind: "start", script, purpose, parts: rest, card: isWanted ? new TextDecoder().decode(program) : undefined, wish });
  }

  async function openFrame(address) {
    frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.allow = "cross-origin-isolated";
    frame.hidden = true;
    frame.title = "Python";
    frame.src = new URL("python-frame.html", address);
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => { // a frame that does not come says nothing
        frame.remove();
        frame = null;
        reject(trouble("not-loaded"));
      }, LATE);
      frame.onready = () => { clearTimeout(late); resolve(); };
      document.body.append(frame);
    });
  }

  return {
    start,
    // Where it computes: "webgpu" or "wasm".
    get device() { return device; },
    async explain(request) {
      await start();
      return ask({ kind: "explain", ...request }).catch((error) => {
        if (error.code === "python-failed") end(error); // pasted code has broken Python itself: the next gets a new one
        throw error;
      });
    },
    // What was explained last runs with numbers: `take` gets, as a cell's, what each line made that can be seen, and in
    // `content.line` which one that is. `pictures`: ImageData of the sizes that are fed, or null for the book's photograph.
    // Says with what it ran, {zh, en}, or null.
    values: (take, pictures) => askAgain({ kind: "values", pictures }, take),
    // `take` gets the whole card of such a line.
    card: (line, take) => askAgain({ kind: "card", line }, take),
    // Whether a cell ran without an error; `take` gets what it puts out, {type, content}, while it runs.
    async run(code, take) {
      await start();
      return ask({ kind: "run", code }, take);
    },
    // Whether what runs hears of it, and Python keeps its variables.
    interrupt() {
      if (interruptible) frame.contentWindow.postMessage({ kind: "interrupt" }, "*");
      return interruptible;
    },
    // Ends Python, whether or not something runs.
    end() {
      end(trouble("python-stopped"));
    },
    // Ends what runs: what Python held is gone, and the next question starts it anew. What is still loading goes on, for
    // the next time.
    stop() {
      const error = trouble("python-stopped");
      if (waiting.size) end(error);
      stopped.reject(error);
      stopped = refusal();
    },
  };
}

// A promise that only ever fails, where somebody waits for it.
function refusal() {
  const made = {};
  made.promise = new Promise((_, reject) => { made.reject = reject; });
  made.promise.catch(() => {});
  return made;
}

// Whether to compute on the graphics card: a real one, unless another is asked for, in a browser in which Python can wait
// for what comes from there (JSPI).
async function hasCard(wish) {
  if (wish === "wasm" || !("Suspending" in WebAssembly)) return false;
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (wish === "webgpu" || !isFallback(adapter));
}

async function load(base, files, onProgress) {
  const come = {};
  const report = (name, length) => {
    come[name] = length;
    onProgress(Object.values(come).reduce((sum, one) => sum + one, 0) / bytes);
  };
  const kept = await store();
  const addressOf = (file) => new URL(file, base).href;
  const loaded = await Promise.all(Object.entries(files).map(async ([name, file]) =>
    [name, await whole(await fetched(kept, addressOf(file)), (length) => report(name, length))]));
  const ours = [...Object.values(FILES), ...Object.values(LATER), card].map(addressOf);
  for (const { url } of (await kept?.keys()) ?? []) if (!ours.includes(url)) await kept.delete(url);
  return Object.fromEntries(loaded);
}

const store = () => globalThis.caches?.open(KEPT).catch(() => null);

// A file as the browser has kept it, or else from the site.
async function fetched(kept, address) {
  const before = await kept?.match(address);
  const answer = before ?? (await fetch(address).catch(() => null));
  if (!answer?.ok) throw trouble("not-loaded");
  if (!before) await kept?.put(address, answer.clone()).catch(() => {}); // a full disk keeps nothing
  return answer;
}

async function whole(answer, report = () => {}) {
  let length = 0;
  const counted = new TransformStream({
    transform(chunk, onwards) {
      report((length += chunk.length));
      onwards.enqueue(chunk);
    },
  });
  return new Response(answer.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
