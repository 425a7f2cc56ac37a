"""Runs Jupyter Book once for each edition, at the same time, and prints `edition exit-code` as each is done.

Importing Jupyter Book takes as long as an edition. It is done once, while the build is still at other things, and the
editions are forked from there when it names them: a line `edition folder` each, on the standard input. A folder holds
its `_config.yml`, and gets the pages and a `log.txt`. One whose pages nothing has changed for is done at once.
"""

import gc
import hashlib
import json
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import yaml
from every_element import show_every_element

SOURCE = Path(__file__).resolve().parents[1]

# What each edition would import for itself, besides Sphinx's own extensions.
NEEDED = (
    "jupyter_book.cli.main", "jupyter_book.sphinx", "myst_nb.sphinx_ext", "sphinx_book_theme",
    "sphinx_design.extension", "sphinx_copybutton", "sphinx_comments", "sphinx_external_toc.events",
    "sphinx_multitoc_numbering", "sphinx.ext.mathjax", "pygments.lexers.python",
    "pygments.formatters.html", "a11y_pygments.a11y_light", "ipython_pygments_lexers", "bs4",
    "jinja2.sandbox", "nbformat",
)

# A cell of each kind, for what is worked out when the first of its kind is met.
FIRST = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ""},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": "", "outputs": [], "execution_count": None},
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}


def main():
    gc.disable()  # it takes a seventh of the time, to free what the end of the process frees
    for name in (*NEEDED, *import_module("sphinx.application").builtin_extensions):
        import_module(name)
    prepare()
    gc.freeze()  # so that an extension which looks through all objects does not meet these
    editions = dict(line.split(maxsplit=1) for line in sys.stdin.read().splitlines())
    running = {}
    for edition, folder in editions.items():
        if not (child := os.fork()):
            run(Path(folder))
        running[child] = edition
    while running:
        child, status = os.wait()
        print(running.pop(child), os.waitstatus_to_exitcode(status), flush=True)


def prepare():
    """What each edition would work out for itself: how to read YAML fast, notebooks, HTML, and Python in colour."""
    import nbformat
    from bs4 import BeautifulSoup
    from ipython_pygments_lexers import IPythonLexer
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    nbformat.reads(json.dumps(FIRST), as_version=4)
    BeautifulSoup("<p></p>", "html.parser").select("p[lang], a > img, .cell #one")
    highlight("import torch", IPythonLexer(), HtmlFormatter())


def run(folder):
    """In a process of its own: the edition of a folder, with all that is said kept in its log. Does not return."""
    code, done = 1, folder / "seen"
    try:
        seen = what_is_seen(folder)
        if done.exists() and done.read_text(encoding="utf-8") == seen:
            os._exit(0)
        done.unlink(missing_ok=True)
        with open(folder / "log.txt", "w", encoding="utf-8") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
        code = build(folder)
        if not code:
            show_every_element(folder / "_build" / "html")
            done.write_text(seen, encoding="utf-8")
    except BaseException as error:
        code = code or 1
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = code or 1
        os._exit(code)


def build(folder):
    """Jupyter Book's exit code."""
    from jupyter_book.cli.main import main as jupyter_book

    places = ["--path-output", folder, "--config", folder / "_config.yml", "--toc", SOURCE / "_toc.yml"]
    try:
        jupyter_book(["build", str(SOURCE), *map(str, places), "-W", "-n", "--keep-going"])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def what_is_seen(folder):
    """Stands for all that the edition of a folder is made from: of documents, the cells that it picks."""
    sys.path.append(str(SOURCE / "book" / "_ext"))
    from editions.cells import what_is_picked

    edition = yaml.safe_load((folder / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]["edition"]
    total = hashlib.sha256()
    for place, folders, names in os.walk(SOURCE):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for path in (Path(place, name) for name in sorted(names)):
            content = path.read_bytes()
            if path.suffix in (".ipynb", ".md"):
                content = what_is_picked(content.decode(), path.suffix, edition).encode()
            total.update(f"{path.relative_to(SOURCE)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the build has ended, and says why
        main()
