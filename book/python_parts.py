"""Packs what Python in the page is made of, for bundle.py.

    python book/python_parts.py FOLDER MODULES

Into FOLDER, where known.py has put `photograph.png`, go `python.wasm` (the interpreter), `library.zip` (linewalk with
its weights and that photograph, and the torch of the page), `stdlib.zip` (what is used of Python's own library) and
`lock.json` (the interpreter's version). Both archives are stored: bundle.py compresses them better as a whole, and
Python reads them faster. What is imported is byte-compiled, which takes two thirds off the time that Python needs to
start; of linewalk and of what torch shows the source is there, too, since walks show it. MODULES is where npm has put
pyodide.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

from npm import node
from PIL import Image
from programs import ProgramError, run

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "book" / "inpage" / "python"
BYTE_CODE = Path(__file__).with_name("byte_code.mjs")
NOT_COMPILED = (
    "网页里的 Python 没能编译成字节码：{reason}。",
    "Python in the page could not be byte-compiled: {reason}.",
)
NEVER_WALKED = re.compile(r"lib/|library/torch/_")
SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the archive's name is by its content, which must not hold when it was made

# Of Python's library: whole packages, and modules, that nothing in the page imports.
UNUSED = (
    "__phello__", "_pyrepl", "concurrent/interpreters", "ctypes", "curses", "dbm", "email", "ensurepip", "http",
    "idlelib", "multiprocessing", "pydoc_data", "sqlite3", "tkinter", "tomllib/mypy", "turtledemo", "venv",
    "wsgiref", "xml", "xmlrpc",
    "__hello__.py", "_pydatetime.py", "_pyio.py", "_pydecimal.py", "antigravity.py", "asyncio/proactor_events.py",
    "asyncio/__main__.py", "asyncio/tools.py", "asyncio/windows_events.py", "asyncio/windows_utils.py", "bdb.py",
    "cProfile.py", "cmd.py", "code.py", "compileall.py", "concurrent/futures/interpreter.py",
    "concurrent/futures/process.py", "configparser.py", "doctest.py", "filecmp.py", "fileinput.py", "ftplib.py",
    "getpass.py", "imaplib.py", "ipaddress.py", "logging/config.py", "logging/handlers.py",
    "mailbox.py", "mimetypes.py", "modulefinder.py", "netrc.py", "nntplib.py", "optparse.py", "pdb.py",
    "pickletools.py", "plistlib.py", "poplib.py", "profile.py", "pstats.py", "pty.py", "pyclbr.py", "pydoc.py",
    "pyodide/console.py", "quopri.py", "rlcompleter.py", "smtplib.py", "socketserver.py", "symtable.py",
    "sysconfig/__main__.py", "tabnanny.py",
    "tarfile.py", "timeit.py", "trace.py", "tracemalloc.py", "turtle.py", "urllib/request.py",
    "urllib/robotparser.py", "wave.py", "webbrowser.py", "xdrlib.py", "zipapp.py",
)
# What nobody writes any more; zip archives name their files in cp437.
OLD_ENCODINGS = re.compile(
    r"encodings/(cp(?!437|125|9)\w+|iso8859_(?!1\b|15)\w+|mac_\w+|koi8_\w+|hp_roman8|kz1048|palmos|ptcp154)\.py"
)


def main(folder, modules):
    pyodide = modules / "pyodide"
    folder.mkdir(parents=True, exist_ok=True)
    info = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]
    with Image.open(folder / "photograph.png") as photograph:
        portrait = {"linewalk/photograph.rgb": photograph.convert("RGB").tobytes()}
    library = {**files(ROOT / "linewalk", "linewalk/"), **portrait, **files(PYTHON, "")}
    standard = standard_library(pyodide / "python_stdlib.zip")
    major, minor, _ = info["python"].split(".")
    # Where python-worker.js and Pyodide put them.
    places = {"library": library, f"lib/python{major}{minor}.zip": standard}
    own, others = byte_code(places, folder, pyodide)
    read = {name: content for name, content in library.items() if not NEVER_WALKED.match(f"library/{name}")}
    pack(folder / "library.zip", read | own)
    pack(folder / "stdlib.zip", {name: content for name, content in standard.items() if not is_python(name)} | others)
    (folder / "python.wasm").write_bytes((pyodide / "pyodide.asm.wasm").read_bytes())
    (folder / "lock.json").write_text(json.dumps({"info": info, "packages": {}}))


def byte_code(places, folder, pyodide):
    """For each place, {name in its archive: what is imported instead of its modules}."""
    modules = {
        f"{place}/{name}": content
        for place, contents in places.items()
        for name, content in contents.items()
        if is_python(name)
    }
    shown = {name: content for name, content in modules.items() if not NEVER_WALKED.match(name)}
    compiled = {}
    for some, how in ((shown, []), ({name: modules[name] for name in modules.keys() - shown.keys()}, ["lean"])):
        pack(folder / "modules.zip", dict(sorted(some.items())))
        command = [node(), "--no-warnings", BYTE_CODE, pyodide, "modules.zip", "compiled.zip", *how]
        run(command, folder, NOT_COMPILED)
        with zipfile.ZipFile(folder / "compiled.zip") as made:
            compiled |= {name: made.read(name) for name in made.namelist()}
    return [
        {name.removeprefix(f"{place}/"): code for name, code in compiled.items() if name.startswith(f"{place}/")}
        for place in places
    ]


def is_python(name):
    return name.endswith(".py")


def files(folder, prefix):
    """name in the archive → content: Python, knowledge, style sheets, weights and what was measured."""
    return {
        f"{prefix}{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".py", ".toml", ".css", ".json", ".safetensors")
    }


def standard_library(archive):
    with zipfile.ZipFile(archive) as whole:
        return {name: whole.read(name) for name in sorted(whole.namelist()) if not is_unused(name)}


def is_unused(name):
    unused = any(name == one or name.startswith(f"{one}/") for one in UNUSED)
    return unused or name.endswith("/") or OLD_ENCODINGS.match(name)


def pack(archive, contents):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as made:
        for name, content in contents.items():
            made.writestr(zipfile.ZipInfo(name, SAME_TIME), content)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except ProgramError as error:
        sys.exit(f"{error}")
