// Python itself, in a worker of the frame without an origin (python-frame.js). It asks nobody for anything: what it is
// made of is handed in, and the policy lets nothing else through.
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { loadPyodide } from "pyodide";

import lock from "python-lock";
import * as numbers from "./numbers.js";
import { stored } from "./stored.js";

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
import linewalk
from cells import run as answer
`,
};

// Where all that Pyodide asks for seems to lie; a blob, which this script is, has no place of its own.
const NOWHERE = "https://python.invalid/";

const LIBRARY = "/library";

const KINDS = {
  start: async ({ parts, purpose, interrupts }) => { answer = await start(parts, purpose, interrupts); },
  explain: ({ code, language, settings }) => JSON.parse(answer(code, language, JSON.stringify(settings))),
  values: ({ id }) => JSON.parse(python.pyimport("pasted_values").values(puttingOut(id))),
  card: async ({ id, line }) => python.pyimport("pasted_values").card(line, puttingOut(id), await graphviz()),
  run: async ({ id, code }) => {
    const cells = python.pyimport("cells"), good = answer(code, puttingOut(id));
    if (cells.waits_for_graphviz()) cells.use_graphviz(await graphviz(), puttingOut(id));
    return good;
  },
  graphviz: ({ script }) => come(script),
};

const puttingOut = (id) => (message) => self.postMessage({ id, output: JSON.parse(message) });

let python = null, answer = null;

self.onmessage = async ({ data }) => {
  const { id, kind } = data;
  try {
    self.postMessage({ id, result: await KINDS[kind](data) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};

async function start({ interpreter, stdlib, library }, purpose, interrupts) {
  const types = { "pyodide.asm.wasm": "application/wasm", "python_stdlib.zip": "application/zip" };
  const handedIn = { "pyodide.asm.wasm": interpreter, "python_stdlib.zip": stdlib };
  self.fetch = async (address) => {
    const name = String(address).split("/").pop();
    return new Response(handedIn[name], { status: handedIn[name] ? 200 : 404, headers: { "Content-Type": types[name] ?? "" } });
  };
  python = await loadPyodide({
    createPyodideModule, indexURL: NOWHERE, lockFileContents: JSON.stringify(lock), fsInit: (files) => lay(files, library),
  });
  python.registerJsModule("numbers_js", numbers);
  python.runPython(`import json, sys\nsys.path.insert(0, "${LIBRARY}")\n${PROGRAMS[purpose]}`);
  if (interrupts) python.setInterruptBuffer(interrupts);
  return python.globals.get("answer");
}

// What the archive holds, where Python imports it from.
function lay(files, archive) {
  const made = new Set();
  for (const [name, content] of stored(archive)) {
    const folder = `${LIBRARY}/${name.slice(0, name.lastIndexOf("/") + 1)}`;
    if (!made.has(folder)) files.mkdirTree(folder);
    made.add(folder);
    files.writeFile(`${LIBRARY}/${name}`, content, { canOwn: true });
  }
}

// Graphviz, which the page has or loads when the first graph is drawn; undefined where it cannot be had this time.
let running = null, come = null;

const graphviz = () => (running ??= begun().catch(() => { running = null; }));

async function begun() {
  const script = await new Promise((resolve) => {
    come = resolve;
    self.postMessage({ wants: "graphviz" });
  });
  if (!script) throw Error("It could not be loaded");
  importScripts(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  return self.graphviz();
}
