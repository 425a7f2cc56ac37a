"""Runs the cells of a page, one after the other, in one space of names, and says what each gives back.

What it says are messages as a Jupyter kernel has them, (type, content); see
https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-iopub-pub-sub-channel.
"""

import ast
import base64
import builtins
import importlib.abc
import importlib.machinery
import json
import linecache
import re
import sys
import time
import traceback
import types
from itertools import count

from IPython import display, shell
from torch._lacking import NotInThisPage, NoValues

_MOST_TEXT = 200_000  # characters that a cell prints; more would keep the page busy, and nobody reads them
_DEEPEST = 400  # calls within calls: a browser's stack ends long before Python's own limit, and ends everything
_NOT_PYPI = ("graphviz", "pygraphviz", "torchview")  # what the first cell of a chapter would install, and needs not
_SHOWN_AS = {"_repr_html_": "text/html", "_repr_svg_": "image/svg+xml", "_repr_png_": "image/png"}
_PLACE = re.compile(r'File "<cell (\d+)>"')

_numbers = count(1)
_has_graphviz, _graphs = False, count(1)
_waiting = []  # what was shown with a graph before there was Graphviz: (how the message is named, value)
_main = types.ModuleType("__main__")
_space = vars(_main)
_space.update(__builtins__=builtins, get_ipython=shell.get_ipython)


def run(code, tell):
    """Runs a cell.

    Args:
        code: its source. tell: gets each message in JSON as soon as it is there, [type, content].

    Returns:
        whether it ran without an error.
    """
    name = f"<cell {next(_numbers)}>"
    linecache.cache[name] = len(code), None, code.splitlines(True), name

    def say(kind, content):
        tell(json.dumps([kind, content], ensure_ascii=False))

    printed = _Printed(say)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr, display.shown = _Stream("stdout", printed), _Stream("stderr", printed), say
    try:
        error = _error_of(code, name, say)
        _tell_others(error)
        return error is None
    finally:
        sys.stdout, sys.stderr = before


def content_of(value):
    """What a message says of a value; one with a graph is named until there is Graphviz, so that it can be replaced."""
    content = {"data": pictured(value)}
    if not _has_graphviz and 'class="lw-graph"' in content["data"].get("text/html", ""):
        content["transient"] = {"display_id": f"graph-{next(_graphs)}"}
        _waiting.append((content["transient"], value))
    return content


def use_graphviz(graphviz, tell):
    """From now on Graphviz lays out graphs, and those shown before are shown anew; `tell` as in `run`.

    Args:
        graphviz: as `linewalk.draw.graph.lay_out_with` takes it; None where it could not be had this time.
    """
    global _has_graphviz
    if graphviz is not None:
        from linewalk.draw.graph import lay_out_with

        _has_graphviz = True
        lay_out_with(graphviz)
        for transient, value in _waiting:
            content = {"data": pictured(value), "transient": transient}
            tell(json.dumps(["update_display_data", content], ensure_ascii=False))
    _waiting.clear()


def waits_for_graphviz():
    """Whether something was shown that would look otherwise with Graphviz."""
    return bool(_waiting)


def pictured(value):
    """A value as it may be shown: type of content → text."""
    data = {"text/plain": repr(value)}
    for method, kind in _SHOWN_AS.items():
        draw = None if isinstance(value, type) else getattr(value, method, None)
        try:
            drawn = draw and draw()
        except Exception as error:  # as notebooks do: what cannot be drawn is written
            sys.stderr.write(_failure(error)["traceback"][0] + "\n")
            continue
        if drawn is not None:
            data[kind] = base64.b64encode(drawn).decode() if isinstance(drawn, bytes) else drawn
    return data


def _error_of(code, name, say):
    try:
        return _executed(code, name, say)
    except BaseException as error:  # SystemExit and KeyboardInterrupt end a cell, and nothing else
        say("error", _failure(error))
        return error


def _tell_others(error):
    try:
        shell.ran(error)
    except Exception as their_own:
        sys.stderr.write(_failure(their_own)["traceback"][0] + "\n")


def _executed(code, name, say):
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), _space)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), name, "eval"), _space)
    if value is not None and not code.rstrip().endswith(";"):
        say("execute_result", content_of(value))
    return None


class _Printed:
    """How much a cell has printed."""

    def __init__(self, say):
        self.say, self.left = say, _MOST_TEXT

    def write(self, name, text):
        if self.left <= 0 or not text:
            return
        self.say("stream", {"name": name, "text": text[:self.left]})
        self.left -= len(text)
        if self.left <= 0:
            more = f"\n… 只显示前 {_MOST_TEXT:,} 个字符 · only the first {_MOST_TEXT:,} characters are shown\n"
            self.say("stream", {"name": "stderr", "text": more})


class _Stream:
    """What `print` writes to."""

    encoding, errors, closed = "utf-8", "strict", False

    def __init__(self, name, printed):
        self.name, self._printed = f"<{name}>", printed
        self._stream = name

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._printed.write(self._stream, text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True


# errors


def _failure(error):
    """The content of an error's message; `lacking`: {"zh", "en"} where it is this page that lacks something."""
    told = traceback.TracebackException.from_exception(error)
    _without_what_stands_for_others(told, set())
    text = "".join(told.format()).rstrip("\n").replace("/library/", "")
    content = {"ename": type(error).__name__, "evalue": str(error), "traceback": [_PLACE.sub(r"Cell \1", text)]}
    missing = _missing(error)
    return content | ({"lacking": dict(zip(("zh", "en"), missing, strict=True))} if missing else {})


def _without_what_stands_for_others(told, seen):
    """Drops this file's calls, and those inside the page's `torch`, where PyTorch has no Python to show."""
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    own = [frame for frame in told.stack if not frame.filename.startswith(("/library/torch/", __file__))]
    told.stack[:] = own
    for other in (told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())):
        _without_what_stands_for_others(other, seen)


def _missing(error):
    """Both sentences, where it failed for what only this page lacks."""
    if isinstance(error, (NotInThisPage, NoValues)):
        return error.words
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"这一页的 Python 里没有 `{error.name}`；请在 Colab、Kaggle 或自己的 Jupyter 里运行这一格。",
            f"The Python of this page has no {error.name}; run this cell on Colab, on Kaggle or in your own Jupyter.",
        )
    if isinstance(error, OSError) and "emscripten" in str(error):
        return (
            "网页里不能启动别的程序；请在 Colab、Kaggle 或自己的 Jupyter 里运行这一格。",
            "A page cannot start other programs; run this cell on Colab, on Kaggle or in your own Jupyter.",
        )
    return None


class _NotHere(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets the first cell of a chapter find what it would install; whoever imports it hears that it is not here."""

    def find_spec(self, fullname, path, target=None):
        return importlib.machinery.ModuleSpec(fullname, self) if fullname in _NOT_PYPI else None

    def create_module(self, spec):
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    def exec_module(self, module):
        """Never comes so far."""


def _sleep(seconds, wait=time.sleep):
    """`time.sleep` in pieces: between them Python hears of an interrupt."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        wait(min(left, 0.05))


sys.modules["__main__"] = _main  # what a cell defines is looked for there, as by pickle
time.sleep = _sleep
sys.meta_path.append(_NotHere())
sys.setrecursionlimit(_DEEPEST)
