// Byte-compiles Python for the page, by the interpreter that the page has: its byte code is no other version's.
//
//     node byte_code.mjs PYODIDE SOURCES COMPILED [lean]
//
// SOURCES is a zip of modules, each under the name that it has in the page's file system; COMPILED, what to import in their
// place. Both lie in the folder where it is run. Lean byte code, which is half as large, has no columns: no error message
// points with carets, and a walk would take such a function for one that was edited. It needs no source beside it.
import { pathToFileURL } from "node:url";

const [, , pyodide, sources, compiled, lean] = process.argv;
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: pyodide, env: lean ? { PYTHONNODEBUGRANGES: "1" } : {} });
python.FS.mkdirTree("/given");
python.mountNodeFS("/given", process.cwd());
python.globals.set("given", python.toPy([...[sources, compiled].map((name) => `/given/${name}`), Boolean(lean)]));
python.runPython(`
import zipfile
from importlib import util
from importlib._bootstrap_external import _code_to_hash_pyc

def compiled(name, source):
    """(name, content) of what to import: unchecked, since it was made from these sources and from no others."""
    own = ".zip/" not in name  # the docstrings of Python's own library are heavy, and few ask for them here
    code = compile(source, f"/{name}", "exec", dont_inherit=True, optimize=0 if own else 2)
    return f"{name}c" if is_lean else util.cache_from_source(name), _code_to_hash_pyc(code, util.source_hash(source), False)

sources, target, is_lean = given
with zipfile.ZipFile(sources) as modules, zipfile.ZipFile(target, "w") as made:
    for name in modules.namelist():
        made.writestr(*compiled(name, modules.read(name)))
`);
