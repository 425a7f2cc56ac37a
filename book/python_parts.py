"""Packs what Python in the page is made of, for bundle.py.

    python book/python_parts.py FOLDER MODULES

Into FOLDER, where known.py has put `photograph.png`, go `python.wasm` (the interpreter), `library.zip` (linewalk with
its weights and that photograph, and the torch of the page), `stdlib.zip` (what is used of Python's own library) and
`lock.json` (the interpreter's version). Both archives are stored: bundle.py compresses them better as a whole, and
Python reads them faster. MODULES is where npm has put pyodide.
"""

import json
import sys
import zipfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "book" / "inpage" / "python"
SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the archive's name is by its content, which must not hold when it was made

# Of Python's library: whole packages, and modules, that nothing in the page imports.
UNUSED = (
    "_pyrepl", "ctypes", "curses", "dbm", "email", "ensurepip", "http", "idlelib", "multiprocessing",
    "pydoc_data", "sqlite3", "tkinter", "tomllib/mypy", "turtledemo", "venv", "wsgiref", "xml", "xmlrpc",
    "_pydatetime.py", "_pyio.py", "_pydecimal.py", "bdb.py", "cProfile.py", "cmd.py", "code.py", "doctest.py",
    "ftplib.py", "imaplib.py", "ipaddress.py", "mailbox.py", "mimetypes.py", "netrc.py", "nntplib.py", "optparse.py",
    "pdb.py", "pickletools.py", "plistlib.py", "poplib.py", "profile.py", "pstats.py", "pyclbr.py", "pydoc.py",
    "smtplib.py", "socketserver.py", "tarfile.py", "timeit.py", "trace.py", "tracemalloc.py", "turtle.py", "wave.py",
    "webbrowser.py", "xdrlib.py", "zipapp.py",
)


def main(folder, modules):
    pyodide = modules / "pyodide"
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(folder / "photograph.png") as photograph:
        portrait = {"linewalk/photograph.rgb": photograph.convert("RGB").tobytes()}
    pack(folder / "library.zip", {**files(ROOT / "linewalk", "linewalk/"), **portrait, **files(PYTHON, "")})
    pack(folder / "stdlib.zip", standard_library(pyodide / "python_stdlib.zip"))
    (folder / "python.wasm").write_bytes((pyodide / "pyodide.asm.wasm").read_bytes())
    info = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]
    (folder / "lock.json").write_text(json.dumps({"info": info, "packages": {}}))


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
    return name.endswith("/") or any(name == one or name.startswith(f"{one}/") for one in UNUSED)


def pack(archive, contents):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as made:
        for name, content in contents.items():
            made.writestr(zipfile.ZipInfo(name, SAME_TIME), content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
