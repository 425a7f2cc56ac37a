// Python itself, in a worker of the frame without an origin (python-frame.js). It asks nobody for anything: what it is
// made of is handed in, and the policy lets nothing else through.
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { loadPyodide } from "pyodide";

import lock from "python-lock";

const ANSWER = `
import json, sys
sys.path.insert(0, "/library")
from annotate_pasted import explain

def answer(code, language, settings):
    return json.dumps(explain(code, language, json.loads(settings)), ensure_ascii=False)
`;

// Where all that Pyodide asks for seems to lie; a blob, which this script is, has no place of its own.
const NOWHERE = "https://python.invalid/";

let answer = null;

self.onmessage = async ({ data: { id, kind, parts, code, language, settings } }) => {
  try {
    if (kind === "start") answer = await start(parts);
    const result = kind === "explain" ? JSON.parse(answer(code, language, JSON.stringify(settings))) : null;
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};

async function start({ interpreter, stdlib, library }) {
  const types = { "pyodide.asm.wasm": "application/wasm", "python_stdlib.zip": "application/zip" };
  const handedIn = { "pyodide.asm.wasm": interpreter, "python_stdlib.zip": stdlib };
  self.fetch = async (address) => {
    const name = String(address).split("/").pop();
    return new Response(handedIn[name], { status: handedIn[name] ? 200 : 404, headers: { "Content-Type": types[name] ?? "" } });
  };
  const python = await loadPyodide({ createPyodideModule, indexURL: NOWHERE, lockFileContents: JSON.stringify(lock) });
  python.unpackArchive(library, "zip", { extractDir: "/library" });
  python.runPython(ANSWER);
  return python.globals.get("answer");
}
