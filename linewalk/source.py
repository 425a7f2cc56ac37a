"""Which statement a line number belongs to."""

import ast
import functools
import inspect
import io
import re
import textwrap
import tokenize
from typing import NamedTuple

from .errors import WalkError

_COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef)


class Statement(NamedTuple):
    """A statement, or the header of a compound one (`if …:`, `for …:`, `def …:`).

    text: the source on one line, without comments.
    lineno, end_lineno: its lines in the file, both inclusive.
    targets: the names it assigns, in order.
    reads: the names it reads, in order, each once.
    """

    text: str
    lineno: int
    end_lineno: int
    targets: tuple
    reads: tuple


@functools.lru_cache(maxsize=256)  # parsing costs more than a forward pass
def function_statements(code):
    """The statements of a function by line number, the `def` line included and its docstring left out.

    Args:
        code: the function's code object.

    Raises:
        WalkError: the source cannot be found (a function made with `exec`, or typed into a bare `python` prompt).
    """
    return _by_line(_parse(code).body[0], _source(code)[0], code.co_firstlineno)


def class_statements(cls):
    """The class line and the assignments in the class body, in order (methods and docstring left out)."""
    lines, first = _source(cls)
    node = _parse(cls).body[0]
    wanted = [node, *(child for child in node.body if isinstance(child, (ast.Assign, ast.AnnAssign)))]
    return [_statement(child, lines, first) for child in wanted]


def _source(thing):
    try:
        lines, first = inspect.getsourcelines(thing)
    except (OSError, TypeError) as error:
        name = getattr(thing, "co_qualname", None) or getattr(thing, "co_name", None) or thing.__name__
        raise WalkError(
            f"找不到 {name} 的源代码:请把它写进一个 .py 文件或笔记本单元格,再来走一遍。",
            f"The source of {name} cannot be found: put it into a .py file or a notebook cell and walk it again.",
        ) from error
    return textwrap.dedent("".join(lines)).splitlines(), first


def _parse(thing):
    return ast.parse("\n".join(_source(thing)[0]))


def _by_line(function, lines, first):
    statements = {}
    for node in ast.walk(function):
        if isinstance(node, ast.stmt) and not _is_docstring(node):
            statement = _statement(node, lines, first)
            for number in range(statement.lineno, statement.end_lineno + 1):
                # Where two share a line (`if a: b = c`), the outer one, met first, speaks for both.
                statements.setdefault(number, statement)
    return statements


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _statement(node, lines, first):
    end = node.end_lineno
    if isinstance(node, _COMPOUND) and node.body[0].lineno > node.lineno:
        end = _header_end(node, lines)
    names = [child for part in _own_parts(node) for child in ast.walk(part) if isinstance(child, ast.Name)]
    targets = [name.id for name in names if isinstance(name.ctx, ast.Store)]
    reads = [name.id for name in names if isinstance(name.ctx, ast.Load)]
    if isinstance(node, ast.AugAssign):
        reads = [*targets, *reads]
    return Statement(
        text=_one_line(lines[node.lineno - 1 : end]),
        lineno=first + node.lineno - 1,
        end_lineno=first + end - 1,
        targets=tuple(dict.fromkeys(targets)),
        reads=tuple(dict.fromkeys(reads)),
    )


def _header_end(node, lines):
    """The line of the header's colon: the last line before the body that holds code."""
    end = node.body[0].lineno - 1
    while end > node.lineno and not _without_comments(lines[end - 1]).strip():
        end -= 1
    return end


def _own_parts(node):
    """The parts of a statement that run as that statement: a header without its body."""
    if not isinstance(node, _COMPOUND):
        return [node]
    return [
        child
        for field, value in ast.iter_fields(node)
        if field not in ("body", "orelse", "finalbody", "handlers", "decorator_list")
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.AST)
    ]


def _one_line(lines):
    text = _without_comments(textwrap.dedent("\n".join(lines)))
    text = re.sub(r"([(\[{])\s*\n\s*", r"\1", text)
    text = re.sub(r",?\s*\n\s*([)\]}])", r"\1", text)
    return re.sub(r"\s*\n\s*", " ", text).strip()


def _without_comments(text):
    lines = text.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column].rstrip()
    except (tokenize.TokenError, IndentationError):
        pass  # a header without its body ends "too early": its comments have been seen by then
    return "\n".join(lines)
