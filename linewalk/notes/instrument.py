"""Rewrite functions, while they are watched, so that each expression hands over its value as it is computed.

`F.relu(self.bn(x))` becomes `watch(3, watch(0, F.relu)(watch(2, watch(1, self.bn)(watch(…, x)))))`: same calls, same
order, same frames. Lines and file names stay, so tracers and tracebacks see the original source. Only the function's
`__code__` is exchanged, and put back afterwards: whoever holds the function, a decorator or a subclass, runs the same.

`watch` is found by a name among Python's own, for a function that torch.compile takes apart may refer to nothing else;
and it goes on handing values through when the run is over, for what forward has handed out (a hook, a generator).
"""

import ast
import builtins
import copy
import inspect
import itertools
import sys
import warnings
import weakref
from dataclasses import dataclass, field

from ..source import parse, stand_ins

try:
    from torch.compiler import is_compiling
except ImportError:  # the page's own torch compiles nothing

    def is_compiling():
        return False


_WATCH = "__linewalk_watch__"
_watchers, _numbers = weakref.WeakValueDictionary(), itertools.count()
_FUTURE_FLAGS = 0x1FF0000  # `from __future__ import annotations` and its like, as `compile` takes them


@dataclass
class Site:
    """An expression of the source that is watched.

    index: its number; node: as it stands in the tree of the original source; text: its source.
    parent: the site around it, None where it is the outermost of its statement.
    statement: the `ast.stmt` it belongs to.
    """

    index: int
    node: ast.expr
    text: str
    statement: ast.stmt
    parent: "Site | None" = None
    children: list = field(default_factory=list)


@dataclass
class Function:
    """A function with its tree, numbered as in its file.

    name; tree; first, lines: its source and where it begins; sites: the watched expressions.
    """

    function: object
    name: str
    tree: ast.FunctionDef
    first: int
    lines: list
    sites: list


def read_function(function, numbers):
    """Find a function's source and number its expressions.

    Args:
        function: a plain Python function.
        numbers: an iterator of fresh numbers.

    Returns:
        Function, or None where its source cannot be had.
    """
    try:
        lines, first = inspect.getsourcelines(function.__code__)
        tree = parse(lines)
    except (OSError, SyntaxError, TypeError, IndexError):
        return None
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    numbering = _Numbering(lines, numbers, function.__code__)
    for statement in tree.body:
        numbering.visit_statement(statement)
    ast.increment_lineno(tree, first - 1)
    return Function(function, function.__name__, tree, first, lines, numbering.sites)


class Watched:
    """Context manager: within it, the given functions report to `watch(number, value)`, which returns the value."""

    def __init__(self, functions, watch):
        """`watch` is called with the number, the value, and the frame that computed it."""
        self._functions = functions
        self._watcher = next(_numbers)
        _watchers[self._watcher] = watch
        self._originals = []
        self.codes = {}

    def __enter__(self):
        for entry in self._functions:
            code = _rewritten(entry, self._watcher)
            if code is not None:
                self._originals.append((entry.function, entry.function.__code__))
                stand_ins[code] = entry.function.__code__
                self.codes[code] = entry
                entry.function.__code__ = code
        return self

    def __exit__(self, *exception):
        for function, code in self._originals:
            stand_ins.pop(function.__code__, None)
            function.__code__ = code


def _local_names(code):
    """Of a function, and of the functions and comprehensions in it."""
    names = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names |= _local_names(constant)
    return names - {"__class__", ".0"}


class _Numbering:
    """Gives each expression worth watching a number, `node.site`, and its place among the others."""

    def __init__(self, lines, numbers, code):
        self._lines = lines
        self._numbers = numbers
        self._locals = _local_names(code)
        self._self = code.co_varnames[0] if code.co_argcount and code.co_varnames[0] in ("self", "cls") else None
        self._statement = None
        self.sites = []

    def visit_statement(self, statement):
        outer, self._statement = self._statement, statement
        for name, value in ast.iter_fields(statement):
            if name in ("decorator_list", "args", "returns", "annotation", "type_params", "type_comment", "msg"):
                continue
            for child in value if isinstance(value, list) else [value]:
                self._visit(child, self._changed_in_place(statement) if name == "value" else None)
        self._statement = outer

    def _changed_in_place(self, statement):
        """For `out += x`, a site for the whole of it, with `out` as it was before for its first child."""
        if not (isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name)):
            return None
        if statement.target.id not in self._locals:
            return None
        before = ast.copy_location(ast.Name(statement.target.id, ast.Load()), statement.target)
        whole = Site(next(self._numbers), statement, one_line(statement), statement)
        part = Site(next(self._numbers), before, statement.target.id, statement, whole)
        whole.children.append(part)
        statement.site, before.site, statement.before = whole.index, part.index, before
        self.sites += [whole, part]
        return whole

    def _visit(self, node, parent):
        if isinstance(node, ast.stmt):
            self.visit_statement(node)
        elif isinstance(node, (ast.ExceptHandler, ast.match_case)):
            self._visit_case(node)
        elif isinstance(node, ast.expr):
            self._visit_expression(node, parent)
        elif isinstance(node, ast.comprehension):
            self._visit_all([node.iter, *node.ifs], None)
        elif isinstance(node, (ast.keyword, ast.withitem)):
            self._visit(node.value if isinstance(node, ast.keyword) else node.context_expr, parent)

    def _visit_case(self, node):
        if isinstance(node, ast.match_case):
            self._visit(node.guard, None)
        self._visit_all(node.body, None)

    def _visit_all(self, nodes, parent):
        for node in nodes:
            self._visit(node, parent)

    def _visit_expression(self, node, parent):
        if isinstance(node, (ast.JoinedStr, ast.Constant)):
            return
        if self._is_worth_watching(node, parent):
            site = Site(next(self._numbers), node, self._text(node), self._statement, parent)
            node.site = site.index
            self.sites.append(site)
            if parent is not None:
                parent.children.append(site)
            parent = site
        if isinstance(node, ast.Lambda):
            self._visit(node.body, None)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            inside = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self._visit_all([*inside, *node.generators], None)
        else:
            self._visit_all(ast.iter_child_nodes(node), parent)

    def _text(self, node):
        if node.lineno == node.end_lineno:
            return self._lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()
        return one_line(node)

    def _is_worth_watching(self, node, parent):
        if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
            return False
        if isinstance(node, ast.Name):
            is_part = parent is not None and not isinstance(parent.node, ast.Attribute)
            return node.id not in (self._self, "super", "__class__") and (node.id in self._locals or is_part)
        return not isinstance(node, (ast.Starred, ast.Slice, ast.Lambda, ast.Await, ast.Yield, ast.YieldFrom))


def _watch(watcher, number, value):
    if is_compiling():
        return value
    watch = _watchers.get(watcher)
    if watch is not None:
        watch(number, value, sys._getframe(1))
    return value


setattr(builtins, _WATCH, _watch)


class _Rewriting(ast.NodeTransformer):
    def __init__(self, watcher):
        self._watcher = watcher

    def _watched(self, number, value):
        arguments = [ast.Constant(self._watcher), ast.Constant(number), value]
        return ast.Call(func=ast.Name(_WATCH, ast.Load()), args=arguments, keywords=[])

    def generic_visit(self, node):
        super().generic_visit(node)
        if not hasattr(node, "site"):
            return node
        return _all_at(self._watched(node.site, node), node)

    def visit_AugAssign(self, node):
        """Look at the target before the other side is computed, and once more when it has changed."""
        if not hasattr(node, "site"):
            return super().generic_visit(node)
        before = self.visit(ast.copy_location(node.before, node.target))  # as no child it kept its first line number
        pair = ast.Tuple(elts=[before, self.visit(node.value)], ctx=ast.Load())
        node.value = _all_at(ast.Subscript(value=pair, slice=ast.Constant(1), ctx=ast.Load()), node.value)
        after = self._watched(node.site, ast.Name(node.target.id, ast.Load()))
        return [node, _all_at(ast.Expr(value=after), node)]


def _all_at(new, old):
    """`new`, as far as it has no place in the file yet, put where `old` stands."""
    for child in ast.walk(new):
        if isinstance(child, (ast.expr, ast.stmt)) and not hasattr(child, "lineno"):
            ast.copy_location(child, old)
    return new


def _rewritten(entry, watcher):
    """The code object that reports, or None where it could not take the original's place."""
    return _compiled(entry, _Rewriting(watcher).visit(copy.deepcopy(entry.tree)))


def code_without(entry, statement):
    """The function's code object with one of its statements left out, or None where it cannot be compiled."""

    class LeaveOut(ast.NodeTransformer):
        def generic_visit(self, node):
            place = (statement.lineno, statement.col_offset)
            if isinstance(node, ast.stmt) and (node.lineno, node.col_offset) == place:
                return ast.copy_location(ast.Pass(), node)
            return super().generic_visit(node)

    tree = copy.deepcopy(entry.tree)
    tree.body = [LeaveOut().visit(child) for child in tree.body]
    return _compiled(entry, tree)


def _compiled(entry, tree):
    """`tree` as a code object that can take the function's own one's place, or None."""
    original = entry.function.__code__
    # Python counts a function's lines from its first decorator on: their places stay, they themselves do not.
    tree.decorator_list = [ast.copy_location(ast.Constant(None), one) for one in tree.decorator_list]
    tree.returns = None
    _strip_signature(tree.args)
    class_name = entry.function.__qualname__.split(".")[-2] if "." in entry.function.__qualname__ else None
    free = [name for name in original.co_freevars if name != "__class__"]
    program = ast.fix_missing_locations(_surrounded(tree, class_name, free))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = compile(
                program, original.co_filename, "exec", flags=original.co_flags & _FUTURE_FLAGS, dont_inherit=True
            )
    except (SyntaxError, ValueError):
        return None
    found = _find(compiled, tree.name, original.co_firstlineno)
    if found is None or found.co_freevars != original.co_freevars:
        return None
    return found.replace(co_qualname=original.co_qualname) if hasattr(original, "co_qualname") else found


def _strip_signature(arguments):
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [default and ast.Constant(None) for default in arguments.kw_defaults]


def _surrounded(function, class_name, free):
    """The function where its private names, `__class__` and the names of functions around it mean the same."""
    body = [function]
    if class_name and class_name.isidentifier():
        body = [ast.ClassDef(name=class_name, bases=[], keywords=[], body=body, decorator_list=[], type_params=[])]
        if class_name not in free:  # else the class statement would make it a name of the function around
            body.insert(0, ast.Global(names=[class_name]))
    elif function.name not in free:  # it may call itself, by its global name
        body.insert(0, ast.Global(names=[function.name]))
    bindings = [ast.Assign(targets=[ast.Name(name, ast.Store())], value=ast.Constant(None)) for name in free]
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    outer = ast.FunctionDef(
        name="around", args=nothing, body=[*bindings, *body], decorator_list=[], type_params=[], lineno=1, col_offset=0
    )
    return ast.Module(body=[outer], type_ignores=[])


def _find(code, name, first):
    for constant in code.co_consts:
        if inspect.iscode(constant):
            if constant.co_name == name and constant.co_firstlineno == first:
                return constant
            found = _find(constant, name, first)
            if found is not None:
                return found
    return None


def one_line(node):
    """A tree as source on one line that can stand in backticks; a long one is cut."""
    text = " ".join(ast.unparse(node).split()).replace("`", "'")
    return text if len(text) <= 100 else text[:97] + "…"
