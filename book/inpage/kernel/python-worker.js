// Python itself, in a worker of the frame without an origin (python-frame.js). It asks nobody for anything: what it is
// made of is handed in, and the policy lets nothing else through.
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { loadPyodide } from "pyodide";

import lock from "python-lock";
import { agrees, cardAt } from "./card.js";
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
if graphics_card:
    from on_card import OnCard
    _numbers.compute_with(OnCard(_numbers.engine, graphics_card))
import linewalk
from cells import run as answer
`,
};

// Where all that Pyodide asks for seems to lie; a blob, which this script is, has no place of its own.
const NOWHERE = "https://python.invalid/";

const LIBRARY = "/library";

const KINDS = {
  start: async ({ parts, purpose, interrupts, port }) => {
    const card = port && cardAt(port, () => self.postMessage({ left: "lost" }));
    const left = card && !(await agrees(card)) ? "differs" : undefined;
    answer = await start(parts, purpose, interrupts, left ? null : card);
    if (left) self.postMessage({ left });
  },
  explain: ({ code, language, settings }) => JSON.parse(answer(code, language, JSON.stringify(settings))),
  values: ({ id, pictures }) => JSON.parse(python.pyimport("pasted_values").values(puttingOut(id), pictures ?? [])),
  card: async ({ id, line }) => python.pyimport("pasted_values").card(line, puttingOut(id), await graphviz()),
  run: async ({ id, code }) => {
    // Where it may have to wait for the graphics card, Python is called in the way that lets it.
    const good = await (waits ? answer.callPromising(code, puttingOut(id)) : answer(code, puttingOut(id)));
    const cells = python.pyimport("cells");
    if (cells.waits_for_graphviz()) await drawn(cells, puttingOut(id));
    return good;
  },
  graphviz: ({ script }) => come(script),
};

const puttingOut = (id) => (message) => self.postMessage({ id, output: JSON.parse(message) });

let python = null, answer = null, waits = false;

// Graphs that were shown before there was Graphviz are shown anew, their cards with them, whose numbers may lie on the card.
async function drawn(cells, tell) {
  const draw = cells.use_graphviz, layOut = await graphviz();
  return waits ? draw.callPromising(layOut, tell) : draw(layOut, tell);
}

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
  python = await loadPyodide({
    createPyodideModule, indexURL: NOWHERE, lockFileContents: JSON.stringify(lock), fsInit: (files) => lay(files, library),
  });
  python.registerJsModule("numbers_js", numbers);
  python.globals.set("graphics_card", card ?? undefined);
  waits = Boolean(card);
  python.runPython(`import json, sys\nsys.path.insert(0, "${LIBRARY}")\n${PROGRAMS[purpose]}`);
  if (interrupts) python.setInterruptBuffer(interrupts);
  // Where Pyodide finds an interrupt while Python waits for a promise, Python never goes on.
  if (card) card.listen = (on) => interrupts && python.setInterruptBuffer(on ? interrupts : undefined);
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
