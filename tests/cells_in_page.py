"""Runs the code cells of a chapter one after another, as a page does; needs nothing but whichever `torch` is there."""

import ast
import contextlib
import io
import itertools
import json
import linecache
import sys
import time
import types
from pathlib import Path

import torch

import linewalk
from linewalk import images

PHOTOGRAPH = 224  # pixels a side


def outcomes(chapter, photograph):
    """For each cell (first line of its code, what it printed, None or the error's name and text).

    Args:
        chapter: path of a notebook. photograph: path of the book's own, as bytes, three a pixel: Pillow, which reads
            pictures elsewhere, is not in the page.
    """
    linewalk.load_image = images.load_image = lambda file=None, size=PHOTOGRAPH: _given(photograph, file, size)
    cells = [cell for cell in json.loads(Path(chapter).read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    main, here = types.ModuleType("__main__"), sys.modules["__main__"]
    sys.modules["__main__"] = main  # a class that a cell defines is looked for there
    torch.manual_seed(0)  # PyTorch begins with another seed each time
    clocks, ticks = {name: getattr(time, name) for name in ("process_time", "perf_counter")}, itertools.count()
    for name in clocks:  # what cells measure is one second each, wherever they run
        setattr(time, name, lambda: next(ticks))
    try:
        return [
            _outcome("".join(cell["source"]), f"<cell {place}>", vars(main))
            for place, cell in enumerate(cells)
            if "bootstrap" not in cell["metadata"].get("tags", [])
        ]
    finally:
        sys.modules["__main__"] = here
        for name, clock in clocks.items():
            setattr(time, name, clock)


def _given(photograph, file, size):
    if file is not None or size != PHOTOGRAPH:
        raise images.ImageError("这里只有书里的那张照片。", "There is only the book's own photograph here.")
    pixels = torch.tensor(list(Path(photograph).read_bytes()), dtype=torch.uint8).view(size, size, 3)
    return images.normalize(pixels.permute(2, 0, 1)[None].contiguous().float() / 255)


def _outcome(source, name, space):
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    heard, error = io.StringIO(), None
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(heard):
        try:
            exec(compile(tree, name, "exec"), space)
            if last is not None:
                shown = eval(compile(ast.Expression(last.value), name, "eval"), space)
                if shown is not None:
                    print(repr(shown))
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
    return source.partition("\n")[0], heard.getvalue(), error
