"""Which source lines of two modules differ: of `__init__`, with the class's attributes, and of `forward`."""

import ast
import contextlib
import inspect
import re
from typing import NamedTuple

import torch.nn as nn

from ..errors import WalkError
from ..recording.tracing import forward_code
from ..source import Statement, class_statements, function_statements
from .aligning import aligned, moved, text_likeness

_ALIKE = 0.6  # of two lines' characters: below, they are not one line that was changed


class Line(NamedTuple):
    """A row of two listings side by side.

    kind: "same"; "changed"; "moved", the same line at another place of the other; "only", in one of them.
    a, b: the `Statement`s; None where that side has none.
    depths: how deep each is indented, in blocks; one line at two depths is "changed".
    """

    kind: str
    a: Statement | None
    b: Statement | None
    depths: tuple = (0, 0)

    def __repr__(self):
        return f"{self.kind}: {' | '.join(side.text if side else '—' for side in (self.a, self.b))}"


class _Written(NamedTuple):
    """A statement as it is compared: how deep it is indented, and in one spelling."""

    statement: Statement
    depth: int
    spelling: str

    @property
    def key(self):
        return self.depth, self.spelling


def differing_lines(a, b, pairs):
    """{"__init__": [Line, …], "forward": [Line, …]} of two modules, equal lines included.

    pairs: the `Pair`s of steps: two lines of forward that differ stand side by side if their steps belong together.
    """
    together = {(pair.a.lineno, pair.b.lineno) for pair in pairs}
    ran = [{each for each, _ in together}, {each for _, each in together}]

    def in_forward(one, other):
        numbers = one.statement.lineno, other.statement.lineno
        if any(number in lines for number, lines in zip(numbers, ran, strict=True)):
            return float(numbers in together)
        return _likeness(one, other)

    return {"__init__": _rows(_init(a), _init(b)), "forward": _rows(_forward(a), _forward(b), in_forward)}


def spelling(text, cls_name=""):
    """A statement however it is spaced and quoted; in the class `cls_name`, `super(cls_name, self)` is `super()`."""
    try:
        tree = ast.parse(text + (" pass" if text.endswith(":") else ""))
    except SyntaxError:  # the head of an `elif`, an `except`
        return " ".join(text.split())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node) == f"super({cls_name}, self)":
            node.args = []
    return ast.unparse(tree)


def _likeness(a, b):
    alike = text_likeness(a.spelling, b.spelling)
    if _names(a.spelling) == _names(b.spelling) != "":
        return 1 + alike
    return alike if alike >= _ALIKE else 0


def _rows(a, b, likeness=_likeness):
    pairs = aligned(a, b, _key, likeness)
    elsewhere = {id(one) for pair in moved(pairs, _key) for one in pair}
    return [
        Line(
            _kind(*pair, elsewhere),
            *(side and side.statement for side in pair),
            tuple(side.depth if side else 0 for side in pair),
        )
        for pair in pairs
    ]


def _key(written):
    return written.key


def _kind(a, b, elsewhere):
    if a and b:
        return "same" if a.key == b.key else "changed"
    return "moved" if id(a or b) in elsewhere else "only"


def _names(spelling):
    """The layer that a line builds, however it does, or the method that it begins, whatever it takes; else ""."""
    named = re.match(r"self\.\w+(?= = )|def \w+", spelling)
    return named[0] if named else ""


def _forward(module):
    return _function(forward_code(module), _owner(type(module), "forward").__name__)


def _init(module):
    """Of the class that has the `__init__`, and of those between, the attributes, and then its lines."""
    cls = type(module)
    owner = _owner(cls, "__init__")
    classes = [one for one in cls.__mro__[:cls.__mro__.index(owner) + 1] if one is not nn.Module]
    written = []
    for one in reversed(classes):
        with contextlib.suppress(WalkError):  # a class without methods may hide its source
            written += [_Written(each, 0, spelling(each.text)) for each in class_statements(one)[1:]]
    if owner is not nn.Module:
        with contextlib.suppress(WalkError, AttributeError):  # no source, or not written in Python
            written += _function(inspect.unwrap(owner.__init__).__code__, owner.__name__)
    return written


def _owner(cls, method):
    return next(one for one in cls.__mro__ if method in vars(one))


def _function(code, cls_name):
    by_number = {statement.lineno: statement for statement in function_statements(code).values()}
    lines, _ = inspect.findsource(code)
    written, around = [], []
    for number, statement in sorted(by_number.items()):
        line = lines[number - 1].expandtabs()
        indent = len(line) - len(line.lstrip())
        around = [outer for outer in around if outer < indent]
        written.append(_Written(statement, len(around), spelling(statement.text, cls_name)))
        around.append(indent)
    return written
