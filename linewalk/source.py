"""Which statement a line number belongs to."""

import ast
import contextlib
import dis
import functools
import inspect
import io
import linecache
import re
import textwrap
import tokenize
from typing import NamedTuple

from .errors import WalkError

COMPOUND = (
    ast.If, ast.For, ast.While, ast.With, ast.Try, ast.ExceptHandler, ast.Match, ast.match_case,
    ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith,
    getattr(ast, "TryStar", ast.Try),  # not in Python 3.10
)


class Statement(NamedTuple):
    """A statement, or the header of a compound one (`if …:`, `for …:`, `def …:`).

    text: the source on one line, without comments.
    lineno, end_lineno: its lines in the file, both inclusive.
    targets: the names it assigns, in order.
    reads: the names it reads, in order, each once.
    body: first and last line in the file of what stands indented below an `if`; None for any other statement.
    touches: what may hold something else afterwards and still be the same object, local names or "self.cache": name →
        True where it only grows at its end, "item" where one item is set, else False.
    attributes: what may be changed of an object, "self.count", in order.
    """

    text: str
    lineno: int
    end_lineno: int
    targets: tuple
    reads: tuple
    body: tuple | None = None
    touches: dict | None = None
    attributes: tuple = ()


# Code that stands in for a function's own while it is watched → the code that the source makes.
stand_ins = {}


@functools.lru_cache(maxsize=256)  # parsing costs more than a forward pass
def function_statements(code):
    """The statements of a function by line number, the `def` line included and its docstring left out.

    Args:
        code: the function's code object.

    Raises:
        WalkError: the source cannot be found (a function made with `exec`, or typed into a bare `python` prompt), is
            part of an expression (a lambda in the middle of a call), or is no longer what runs: the file was edited.
    """
    try:
        everything, _ = inspect.findsource(code)
        lines, first = inspect.getsourcelines(code)
        function = parse(lines)
    except (OSError, SyntaxError, IndexError) as error:
        raise _edited(code) if _is_edited(code) else _no_source(code.co_name) from error
    if _is_edited(stand_ins.get(code, code), everything):
        raise _edited(code)
    return _by_line(function, lines, first)


@functools.lru_cache(maxsize=256)
def names_stored(code):
    """The local names that each statement of a function may give another value, by the statement's first line.

    From the bytecode; what an inner function may set besides is among them.

    Args:
        code: the function's code object.

    Raises:
        WalkError: as `function_statements`.
    """
    statements, line_of = function_statements(code), dict(dis.findlinestarts(code))
    found = {statement.lineno: {} for statement in statements.values()}
    line = None
    for instruction in dis.get_instructions(code):
        line = line_of.get(instruction.offset, line)
        if "STORE_FAST" in instruction.opname or "STORE_DEREF" in instruction.opname:
            names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
            for own in [found[statements[line].lineno]] if line in statements else found.values():
                own.update(dict.fromkeys(names))
    return {line: tuple(names | dict.fromkeys(code.co_cellvars)) for line, names in found.items()}


def _is_edited(code, lines=None):
    """Whether the file holds another program by now than the one that runs."""
    if any(name.startswith("@py_") for name in code.co_names + code.co_varnames):
        return False  # pytest has rewritten the assertions in it
    try:
        text = "".join(lines if lines is not None else linecache.getlines(code.co_filename))
        whole = compile(text, code.co_filename, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return False  # a cell of a notebook with commands that are not Python
    waiting = [whole]
    while waiting:
        found = waiting.pop()
        if found.co_name == code.co_name and found == code:
            return False
        waiting += [constant for constant in found.co_consts if inspect.iscode(constant)]
    return bool(text)


def _edited(code):
    return WalkError(
        f"{code.co_filename} 在导入之后改过，{code.co_name} 运行的不是文件里现在的样子："
        "请重新导入（笔记本里重启内核），再走一遍。",
        f"{code.co_filename} was edited after its import, so {code.co_name} does not run what the file holds now: "
        "import it again (in a notebook, restart the kernel) and walk it again.",
    )


def class_statements(cls):
    """The class line and the assignments in the class body, in order (methods and docstring left out)."""
    lines, node = class_source(cls)
    wanted = [node, *(child for child in node.body if isinstance(child, (ast.Assign, ast.AnnAssign)))]
    return [statement_of(child, lines, 1) for child in wanted]


def class_source(cls):
    """The file's lines and the class's node, found by one of its methods: a notebook's classes name no file."""
    functions = [as_written(value, cls) for value in vars(cls).values() if inspect.isfunction(value)]
    own = [function for function in functions if function.__qualname__.startswith(f"{cls.__qualname__}.")]
    methods = [function.__code__ for function in own or functions]
    try:
        lines, _ = inspect.findsource(methods[0] if methods else cls)
    except (OSError, TypeError) as error:
        raise _no_source(cls.__name__) from error
    found = [node for node in ast.walk(ast.parse("".join(lines))) if _is_class(node, cls, methods)]
    if not found:
        raise _no_source(cls.__name__)
    return lines, found[-1]


def as_written(function, cls):
    """The method that stands in the class's source, behind decorators that keep it, with `functools.wraps` or without.

    `cls` may have inherited it.
    """
    function = inspect.unwrap(function)
    waiting, seen = [function], set()
    while waiting:
        one = inspect.unwrap(waiting.pop(0))
        if _is_of(one, cls):
            return one
        if id(one) not in seen:  # a function may hold itself
            seen.add(id(one))
            waiting += filter(inspect.isfunction, _held_by(one))
    return function


def _held_by(function):
    """What a function has taken along from the one around it."""
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # nothing was put into it yet
            yield cell.cell_contents


def _is_of(function, cls):
    return any(getattr(function, "__qualname__", "").startswith(f"{one.__qualname__}.") for one in cls.__mro__[:-1])


def _is_class(node, cls, methods):
    if not (isinstance(node, ast.ClassDef) and node.name == cls.__name__):
        return False
    return all(node.lineno <= code.co_firstlineno <= node.end_lineno for code in methods[:1])


def _no_source(name):
    return WalkError(
        f"找不到 {name} 的源代码：请用 def 或 class 把它写进一个 .py 文件或笔记本单元格，再来走一遍。",
        f"The source of {name} cannot be found: write it with def or class into a .py file or a notebook cell and walk "
        "it again.",
    )


def parse(lines):
    """The one statement that `lines` hold, numbered from 1; they may be indented, comments and strings less so."""
    if not lines[0][:1].isspace():
        return ast.parse("".join(lines)).body[0]
    return ast.increment_lineno(ast.parse("if True:\n" + "".join(lines)).body[0].body[0], -1)


def _by_line(function, lines, first):
    statements = {}
    for node in ast.walk(function):
        if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not _is_docstring(node):
            statement = statement_of(node, lines, first)
            for number in range(first + _first_line(node) - 1, statement.end_lineno + 1):
                # Where two share a line (`if a: b = c`), the outer one, met first, speaks for both.
                statements.setdefault(number, statement)
    return statements


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def statement_of(node, lines, first):
    """The `Statement` of a node of the syntax tree; `lines` begin with the file's line `first`."""
    start = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
    end = _header_end(node, start, lines) if isinstance(node, COMPOUND) else node.end_lineno
    names = [child for part in own_parts(node) for child in ast.walk(part) if isinstance(child, ast.Name)]
    targets = [name.id for name in names if isinstance(name.ctx, ast.Store)]
    reads = [name.id for name in names if isinstance(name.ctx, ast.Load)]
    if isinstance(node, ast.AugAssign):
        reads = [*targets, *reads]
    touches, assigned = _touched(own_parts(node))
    return Statement(
        text=_one_line(lines[start - 1 : end]),
        lineno=first + start - 1,
        end_lineno=first + end - 1,
        targets=tuple(dict.fromkeys(targets)),
        reads=tuple(dict.fromkeys(reads)),
        body=_body(node, first),
        touches=touches,
        attributes=tuple(dict.fromkeys([*assigned, *(name for name in touches if "." in name)])),
    )


_READING = frozenset({  # neither functions nor methods of these names change what they are given
    "len", "range", "sum", "enumerate", "zip", "list", "tuple", "dict", "set", "sorted", "reversed", "max", "min",
    "any", "all", "map", "filter", "iter", "print", "isinstance", "type", "id", "str", "repr", "int", "float", "bool",
    "cat", "stack", "concat", "concatenate", "hstack", "vstack", "get", "keys", "values", "items", "copy", "index",
    "count", "pad_sequence", "tensor", "as_tensor", "append", "extend", "register_buffer", "format", "join",
})
_GROWING = ("append", "extend")


def _touched(parts):
    """What a statement may change without giving a name another object, and the attributes that it assigns."""
    touches, assigned = {}, []

    def touch(node, grows):
        name = _dotted(node)
        whole = name is not None
        while name is None and isinstance(node, (ast.Subscript, ast.Attribute)):
            node = node.value
            name = _dotted(node)
        if name is not None:
            touches[name] = whole and grows if touches.get(name, grows) == grows else False

    for node in (child for part in parts for child in ast.walk(part)):
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            touch(node.value, isinstance(node.ctx, ast.Store) and "item")
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            if (name := _dotted(node)) is not None:
                assigned.append(name)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            touch(node.target, isinstance(node.op, ast.Add))
        elif isinstance(node, ast.Call):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if isinstance(node.func, ast.Attribute) and (method not in _READING or method in _GROWING):
                touch(node.func.value, method in _GROWING)
            if method not in _READING:
                for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    touch(argument.value if isinstance(argument, ast.Starred) else argument, False)
    return touches, assigned


def _dotted(node):
    """`name` or `name.attribute`; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def _body(node, first):
    if not isinstance(node, ast.If) or node.body[0].lineno == node.lineno:
        return None
    return first + _first_line(node.body[0]) - 1, first + node.body[-1].end_lineno - 1


def _first_line(node):
    """The line that Python reports first: a decorator's, where there is one."""
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])


def _header_end(node, start, lines):
    """The line of the header's colon, the last line before the body that holds code; for `if a: b = c`, all of it."""
    body = node.cases if isinstance(node, ast.Match) else node.body
    if _first_line(body[0]) == start:
        return body[-1].end_lineno
    end = _first_line(body[0]) - 1
    while end > start and not _without_comments(lines[end - 1]).strip():
        end -= 1
    return end


def own_parts(node):
    """The parts of a statement that run as that statement: a header without its body."""
    if not isinstance(node, COMPOUND):
        return [node]
    return [
        child
        for field, value in ast.iter_fields(node)
        if field not in ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list")
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.AST)
    ]


def _one_line(lines):
    text = _without_comments(textwrap.dedent("".join(lines)))
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
