// Python itself, in a worker of the frame without an origin (python-frame.js). It asks nobody for anything: what it is
// made of is handed in, and the policy lets nothing else through.
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { loadPyodide } from "pyodide";

import lock from "python-lock";
import { agrees, cardAt } from "./card.js";
import * as numbers from "./numbers.js";

// For whom Python is started: somebody's own class, of which shapes are enough, or the cells of a chapter.
const PROGRAMS = {
  explain: `
from annotate_pasted import explain

def answer(code, language, settings):
    return json.dumps(explain(code, language, json.loads(settings)), ensure_ascii=False)
`,
  run: `
import numbers_js, torch
from from_javascript import FromJavaScript
from torch import _numbers
_numbers.compute_with(FromJavaScript(numbers_js))
if graphics_card:
    from on_card import OnCard
    _numbers.compute_with(OnCard(_numbers.engine, graphics_card))
import linewalk
from cells import run as answer
`,
};

// Where all that Pyodide asks for seems to lie; a blob, which this script is, has no place of its own.
const NOWHERE = "https://python.invalid/";

const KINDS = {
  start: async ({ parts, purpose, interrupts, port }) => {
    const card = port && cardAt(port, () => self.postMessage({ left: "lost" }));
    const left = card && !(await agrees(card)) ? "differs" : undefined;
    answer = await start(parts, purpose, interrupts, left ? null : card);
    if (left) self.postMessage({ left });
  },
  explain: ({ code, language, settings }) => JSON.parse(answer(code, language, JSON.stringify(settings))),
  // Where it may have to wait for the graphics card, Python is called in the way that lets it.
  run({ id, code }) {
    const tell = (message) => self.postMessage({ id, output: JSON.parse(message) });
    return waits ? answer.callPromising(code, tell) : answer(code, tell);
  },
};

let answer = null, waits = false;

self.onmessage = async ({ data }) => {
  const { id, kind } = data;
  try {
    self.postMessage({ id, result: await KINDS[kind](data) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};

async function start({ interpreter, stdlib, library }, purpose, interrupts, card) {
  const types = { "pyodide.asm.wasm": "application/wasm", "python_stdlib.zip": "application/zip" };
  const handedIn = { "pyodide.asm.wasm": interpreter, "python_stdlib.zip": stdlib };
  self.fetch = async (address) => {
    const name = String(address).split("/").pop();
    return new Response(handedIn[name], { status: handedIn[name] ? 200 : 404, headers: { "Content-Type": types[name] ?? "" } });
  };
  const python = await loadPyodide({ createPyodideModule, indexURL: NOWHERE, lockFileContents: JSON.stringify(lock) });
  python.unpackArchive(library, "zip", { extractDir: "/library" });
  python.registerJsModule("numbers_js", numbers);
  python.globals.set("graphics_card", card ?? undefined);
  waits = Boolean(card);
  python.runPython(`import json, sys\nsys.path.insert(0, "/library")\n${PROGRAMS[purpose]}`);
  if (interrupts) python.setInterruptBuffer(interrupts);
  // Where Pyodide finds an interrupt while Python waits for a promise, Python never goes on.
  if (card) card.listen = (on) => interrupts && python.setInterruptBuffer(on ? interrupts : undefined);
  return python.globals.get("answer");
}
