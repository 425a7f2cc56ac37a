"""Makes the site's scripts of what lies in book/live, book/find and book/inpage, with the npm packages they import.

The packages come from the npm registry by the lock file beside the sources; nothing of them is kept in the repository.
"""

import gzip
import hashlib
import json
import shutil
import sys
from pathlib import Path

from npm import install
from programs import ProgramError, run

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "_build" / "npm"
# live.js is imported when somebody runs a cell; the others have to come by a script tag, since file:// has no modules.
FORMS = {"live": "esm", "find": "iife", "inpage": "iife"}
MODULES = {"inpage": ["kernel/python.js"]}  # imported as live.js is
# Of a folder's scripts, those that pages ask for; each holds what it imports.
ENTRIES = {
    "live": ["live.js", "output.js"],
    "find": ["find.js"],
    "inpage": [
        "playground/playground.js", "playground/playground.css", "cards/living.js", "cards/living-cards.js",
        "cards/living-cards.css", "compute/worker.js", "annotate/annotate.js", "annotate/annotate.css",
        "kernel/python-frame.js", "kernel/outputs.css",
    ],
}
WEIGHTS = Path("linewalk", "weights", "stem_block_cifar10.safetensors")
KNOWN = Path(__file__).with_name("known.py")
PARTS, BYTE_CODE = (Path(__file__).with_name(name) for name in ("python_parts.py", "byte_code.mjs"))

NO_PROGRAM = (
    "npm 给 {name} 装的 esbuild 在这台机器上不能运行：{reason}。",
    "The esbuild that npm installed for {name} does not run on this machine: {reason}.",
)
NOT_KNOWN = (
    "页面要用的照片和核对用的数没能准备好：{reason}。",
    "The photograph and the numbers that the page checks itself by could not be made ready: {reason}.",
)
NO_PARTS = (
    "网页里的 Python 没能打包：{reason}。",
    "What Python in the page is made of could not be packed: {reason}.",
)
NO_BUNDLE = ("esbuild 没能打包 {name}，请改好：{reason}。", "esbuild could not bundle {name}; mend this: {reason}.")


def bundle(source):
    """Returns the folder with a folder's scripts and what they load; makes it anew where one of its sources changed."""
    work = WORK / source.name
    made, stamp = work / "made", work / "inputs"
    root, needs_files = source.parents[1], source.name == "inpage"
    own = [path for path in sorted(source.rglob("*")) if path.suffix in (".css", ".js", ".json")]
    inputs = digest(*own, *(made_from(root) if needs_files else []))
    if made.exists() and stamp.exists() and stamp.read_text() == inputs:
        return made
    work.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    shutil.rmtree(made, ignore_errors=True)
    modules = packages(source, work)
    esbuild = modules / ".bin" / "esbuild"
    options = ["--bundle", "--target=es2022", "--minify", "--log-level=warning"]
    options += [f"--outdir={made}", "--entry-names=[name]"]
    if needs_files:
        run([sys.executable, KNOWN, work], root, NOT_KNOWN, PYTHONPATH=str(root))
        options += python_parts(source, work, modules)
        # One copy for all pages, named by its content.
        options += ["--loader:.py=text", "--loader:.safetensors=file", "--loader:.png=file"]
        options += ["--asset-names=[name]-[hash]"]
        options += [f"--alias:{name.split('.')[0]}={work / name}" for name in ("photograph.png", "known-numbers.json")]
    for form, names in ((FORMS[source.name], ENTRIES[source.name]), ("esm", MODULES.get(source.name, []))):
        entries = [source / name for name in names]
        if entries:
            command = [esbuild, *entries, f"--format={form}", *options]
            run(command, root, NO_BUNDLE, name=f"book/{source.name}", NODE_PATH=str(modules))
    stamp.write_text(inputs)
    return made


def made_from(root):
    """What the files beside the scripts of book/inpage are made from."""
    python = [path for folder in ("linewalk", "book/inpage/python") for path in sorted((root / folder).rglob("*"))]
    python = [path for path in python if path.suffix in (".py", ".toml", ".css")]
    return [KNOWN, PARTS, BYTE_CODE, root / WEIGHTS, *python]


def python_parts(source, work, modules):
    """Makes what Python in the page consists of; returns the options by which kernel/kernel.js finds it."""
    run([sys.executable, PARTS, work, modules], source.parents[1], NO_PARTS)
    options = ["--bundle", "--minify", "--format=iife", "--target=es2022"]
    # Pyodide asks for Node's modules in Node only, and where it lies is handed to it.
    nowhere = ["--external:node:*", "--external:ws", "--define:import.meta.url='https://python.invalid/'"]
    nowhere += [f"--alias:python-lock={work / 'lock.json'}"]
    scripts = {
        "python-worker.js": ("python.worker", nowhere),
        "graphviz.js": ("graphviz.worker", nowhere),
        "card-worker.js": ("card.worker", []),
    }
    for script, (made, more) in scripts.items():
        command = [modules / ".bin" / "esbuild", source / "kernel" / script, f"--outfile={work / made}", *options]
        command += [*more, "--log-level=error"]
        run(command, source.parents[1], NO_BUNDLE, name="book/inpage", NODE_PATH=str(modules))
    files = {"python-interpreter": "python.wasm", "python-library": "library.zip", "python-stdlib": "stdlib.zip"}
    files |= {"python-worker": "python.worker"}
    later = {"python-graphviz": "graphviz.worker", "python-card": "card.worker"}
    at_once, files = [*files], files | later
    # Compressed here, since few hosts compress such files; the page takes them apart.
    packed = {name: gzip.compress((work / file).read_bytes(), 9, mtime=0) for name, file in files.items()}
    for name, content in packed.items():
        (work / f"{files[name]}.packed").write_bytes(content)
    size = sum(len(packed[name]) for name in at_once)
    (work / "sizes.json").write_text(json.dumps({"bytes": size}))
    aliases = {**{name: f"{file}.packed" for name, file in files.items()}, "python-sizes": "sizes.json"}
    return ["--loader:.packed=file", *(f"--alias:{name}={work / file}" for name, file in aliases.items())]


def packages(source, work):
    """The folder with what the lock file names. Only when that changes does npm need the network."""
    lock = [source / "package.json", source / "package-lock.json"]
    folder = work / digest(*lock)[:16]
    if not folder.exists():
        new = work / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for path in lock:
            shutil.copy(path, new)
        install(new, f"book/{source.name}")
        # npm takes what is for one kind of machine only, as esbuild's program is, for a thing that it may do without.
        run([new / "node_modules" / ".bin" / "esbuild", "--version"], new, NO_PROGRAM, name=f"book/{source.name}")
        for old in work.iterdir():
            if old.is_dir() and old != new:
                shutil.rmtree(old)
        new.rename(folder)
    return folder / "node_modules"


def digest(*paths):
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


if __name__ == "__main__":
    try:
        for name in FORMS:
            print(bundle(ROOT / "book" / name))
    except ProgramError as error:
        sys.exit(f"{error}")
