"""Makes the site's scripts of what lies in book/live, book/find and book/inpage, with the npm packages they import.

The packages come from the npm registry by the lock file beside the sources; nothing of them is kept in the repository.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from npm import install
from programs import ProgramError, run

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "_build" / "npm"
# live.js is imported when somebody runs a cell; the others have to come by a script tag, since file:// has no modules.
FORMS = {"live": "esm", "find": "iife", "inpage": "iife"}
# Of a folder's scripts, those that pages ask for; each holds what it imports.
ENTRIES = {
    "live": ["live.js"],
    "find": ["find.js"],
    "inpage": [
        "playground/playground.js", "playground/playground.css", "cards/living.js", "cards/living-cards.js",
        "cards/living-cards.css", "compute/worker.js",
    ],
}
WEIGHTS = Path("linewalk", "weights", "stem_block_cifar10.safetensors")
KNOWN = Path(__file__).with_name("known.py")
KNOWN_FROM = (WEIGHTS, *(Path("linewalk", name) for name in ("images.py", "features.py", "blocks/explicit.py")))

NO_PROGRAM = (
    "npm 给 {name} 装的 esbuild 在这台机器上不能运行：{reason}。",
    "The esbuild that npm installed for {name} does not run on this machine: {reason}.",
)
NOT_KNOWN = (
    "页面要用的照片和核对用的数没能准备好：{reason}。",
    "The photograph and the numbers that the page checks itself by could not be made ready: {reason}.",
)
NO_BUNDLE = ("esbuild 没能打包 {name}，请改好：{reason}。", "esbuild could not bundle {name}; mend this: {reason}.")


def bundle(source):
    """Returns the folder with a folder's scripts and what they load; makes it anew where one of its sources changed."""
    work = WORK / source.name
    made, stamp = work / "made", work / "inputs"
    root, needs_files = source.parents[1], source.name == "inpage"
    own = [path for path in sorted(source.rglob("*")) if path.suffix in (".css", ".js", ".json")]
    inputs = digest(*own, *([KNOWN, *(root / path for path in KNOWN_FROM)] if needs_files else []))
    if made.exists() and stamp.exists() and stamp.read_text() == inputs:
        return made
    work.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    shutil.rmtree(made, ignore_errors=True)
    modules = packages(source, work)
    esbuild = modules / ".bin" / "esbuild"
    options = ["--bundle", f"--format={FORMS[source.name]}", "--target=es2022", "--minify", "--log-level=warning"]
    options += [f"--outdir={made}", "--entry-names=[name]"]
    if needs_files:
        run([sys.executable, KNOWN, work], root, NOT_KNOWN, PYTHONPATH=str(root))
        # One copy for all pages, named by its content.
        options += ["--loader:.safetensors=file", "--loader:.png=file", "--asset-names=[name]-[hash]"]
        options += [f"--alias:{name.split('.')[0]}={work / name}" for name in ("photograph.png", "known-numbers.json")]
    entries = [source / name for name in ENTRIES[source.name]]
    run([esbuild, *entries, *options], root, NO_BUNDLE, name=f"book/{source.name}", NODE_PATH=str(modules))
    stamp.write_text(inputs)
    return made


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
