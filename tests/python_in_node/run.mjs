// Runs a Python program on the page's `torch` with numbers, in Node: node run.mjs <pyodide's folder> <numbers.js> <folders of Python, colon-separated> <program>
import { pathToFileURL } from "node:url";
const [modules, numbers, folders, program] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${modules}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: modules, stderr: (text) => process.stderr.write(`${text}\n`) });
python.registerJsModule("numbers_js", await import(pathToFileURL(numbers)));
for (const [place, folder] of folders.split(":").entries()) python.FS.mkdirTree(`/given${place}`), python.mountNodeFS(`/given${place}`, folder);
python.runPython(`
import sys
sys.dont_write_bytecode = True
sys.path[:0] = ${JSON.stringify(folders.split(":").map((_, place) => `/given${place}`))}
import numbers_js, torch
from from_javascript import FromJavaScript
from torch import _numbers
_numbers.compute_with(FromJavaScript(numbers_js))
`);
try {
  process.stdout.write(python.runPython(program));
} catch (error) {
  process.stderr.write(error.message);
  process.exitCode = 1;
}
