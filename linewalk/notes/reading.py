"""Read a class and run it: its functions with their trees, and what each expression was when it ran."""

import ast
import contextlib
import functools
import inspect
import itertools
from dataclasses import dataclass, field, replace

import torch
import torch.nn as nn
from torch.utils._pytree import tree_leaves

from ..errors import WalkError
from ..recording.operators import leave_out_of_compiling
from ..source import as_written, class_source
from ..walking import python_forward, walk, walk_init
from . import record
from .instrument import Function, Watched, read_function
from .record import Recorder


@dataclass
class Run:
    """One watched run: of a construction ("init") or of a call ("forward").

    trail: the walk's own record, None where the walk could not begin; error: what it raised, or None.
    expressions: site number → `Expression`; failed_at: the `Site` that raised.
    given: the ids of the tensors that it was called with.
    squashed: probabilities that went straight into a loss that wants none: (loss, line of these, line of the loss).
    """

    kind: str
    trail: object = None
    error: BaseException | None = None
    expressions: dict = field(default_factory=dict)
    failed_at: object = None
    squashed: list = field(default_factory=list)
    training: bool = True
    grad: bool = True
    whole: "Run | None" = None
    given: frozenset = frozenset()

    def at_the_end(self):
        """The same with each expression as it was the last time; `whole` is then the run itself."""
        last = {number: replace(one, kept=[one.last]) for number, one in self.expressions.items()}
        return replace(self, expressions=last, whole=self)


@dataclass
class Reading:
    """A class as source and as it ran.

    cls; module: the one that was built or handed over, None where it could not be built.
    lines, node: the source file's lines and the class's tree, both numbered as in the file; functions: its methods.
    helpers: functions of the same file and methods of the classes it inherits from, as far as it uses them.
    init, forward: the runs, None where there was none.
    inside: what the module is part of: (the name it has there, that module), None where it was run by itself.
    elsewhere: what that module raised when this one had done its part, or None.
    """

    cls: type
    module: nn.Module | None
    lines: list
    node: ast.ClassDef
    functions: dict
    helpers: list
    sites: dict
    init: Run | None = None
    forward: Run | None = None
    inside: tuple | None = None
    elsewhere: BaseException | None = None

    @property
    def filename(self):
        try:
            return inspect.getsourcefile(self.cls)
        except TypeError:  # a notebook's class
            return None


def read_class(cls):
    """The `Reading` of a class that has not run yet.

    Raises:
        WalkError: its source cannot be found.
    """
    lines, node = class_source(cls)
    numbers = itertools.count()
    functions, known = {}, {}
    for name, function in _own_functions(cls).items():
        read = known.get(id(function)) or read_function(function, numbers)
        if read is not None and node.lineno <= read.first <= node.end_lineno:
            functions[name] = known[id(function)] = read
    helpers = _helpers(cls, functions, numbers)
    everything = [*known.values(), *helpers]
    sites = {site.index: site for entry in everything for site in entry.sites}
    return Reading(cls, None, lines, node, functions, helpers, sites)


def run_init(reading, args, kwargs):
    """Build the class, watched; the module lands in `reading.module`."""
    run = Run("init")
    _watch(reading, run, Recorder(reading.sites, None), lambda: walk_init(reading.cls, *args, **kwargs))
    reading.init = run
    module = getattr(run.trail, "module", None)
    if module is not None and "_modules" not in vars(module):
        run.error, module = AttributeError("nothing can be done before Module.__init__() call"), None
    reading.module = module


def run_forward(reading, args, kwargs):
    """Call `reading.module`, watched.

    Raises:
        WalkError: it cannot be walked.
    """
    python_forward(reading.module)
    run = Run("forward", training=reading.module.training, grad=torch.is_grad_enabled(), given=_ids(args, kwargs))
    _watch(reading, run, Recorder(reading.sites, reading.module), lambda: walk(reading.module, *args, **kwargs))
    reading.forward = run


def run_inside(reading, net, name, args, kwargs):
    """Call `net`, and watch the first call of its submodule `name`, which is `reading.module`.

    Raises:
        WalkError: `net` does not call it.
        Exception: whatever `net` raised before it did.
    """
    module = reading.module
    run = Run("forward", training=module.training, grad=torch.is_grad_enabled())
    recorder = Recorder(reading.sites, module)

    def begin(_, inputs):
        run.given = _ids(inputs)
        recorder.counting().take()  # what other modules have computed before is no work of its first line

    handle = module.register_forward_pre_hook(begin)
    try:
        _watch(reading, run, recorder, lambda: walk(net, *args, into=name, **kwargs))
    finally:
        handle.remove()
    try:
        run.trail = run.trail.into(name)
    except (AttributeError, KeyError):
        if run.error is not None:
            raise run.error from None
        raise WalkError(
            f"这一次 {type(net).__name__} 的 forward 没有调用 {name!r}：请换一个它调用的子模块。",
            f"This time {type(net).__name__}'s forward did not call {name!r}: name a submodule that it calls.",
        ) from None
    if run.error is not None and run.trail.failed is None:
        run.error, reading.elsewhere = None, run.error
    reading.forward, reading.inside = run, (name, net)


def _ids(*values):
    return frozenset(id(leaf) for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))


def _watch(reading, run, recorder, go):
    leave_out_of_compiling(record.__name__)
    try:
        own = {id(entry): entry for entry in reading.functions.values()}  # one function may have two names
        with Watched([*own.values(), *reading.helpers], recorder) as watched:
            recorder.codes = watched.codes
            with contextlib.nullcontext() if run.kind == "init" else recorder.counting():
                run.trail = go()
    except KeyboardInterrupt:  # the reader's own
        raise
    except BaseException as error:
        run.error = error
        run.trail = getattr(error, "trail", None)
        recorder.end()
    run.expressions, run.failed_at, run.squashed = recorder.expressions, recorder.failed_at, recorder.squashed


def _own_functions(cls):
    found = {}
    for name, value in vars(cls).items():
        function = _function_in(value)
        if function is not None:
            found[name] = as_written(function, cls)
    return found


def _function_in(value):
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, functools.cached_property):
        value = value.func
    value = inspect.unwrap(value) if callable(value) else value
    return value if inspect.isfunction(value) else None


def _helpers(cls, functions, numbers):
    """Inherited methods that this class uses and plain functions of its file, with those that these use in turn."""
    wanted, found, known = list(functions.values()), [], {id(entry.function) for entry in functions.values()}
    inherited = [getattr(cls, name, None) for name in ("__init__", "forward") if name not in functions]
    for function in filter(None, map(_function_in, inherited)):
        _take(function, numbers, known, found, wanted)
    while wanted:
        entry = wanted.pop()
        for name in _names_used(entry.function.__code__):
            value = entry.function.__globals__.get(name)
            if not (inspect.isfunction(value) and value.__module__ == cls.__module__):
                value = getattr(cls, name, None) if name not in functions else None
            function = _function_in(value)
            if function is not None and function.__code__.co_filename != torch.nn.Module.__call__.__code__.co_filename:
                _take(function, numbers, known, found, wanted)
    return found


def _take(function, numbers, known, found, wanted):
    if id(function) in known or function.__module__ is None or function.__module__.partition(".")[0] == "torch":
        return
    known.add(id(function))
    entry = read_function(function, numbers)
    if entry is not None:
        found.append(entry)
        wanted.append(entry)


def _names_used(code):
    """In the order in which the code names them, so that helpers are told in one order in every run."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names |= _names_used(constant)
    return names


__all__ = ["Function", "Reading", "Run", "read_class", "run_forward", "run_init", "run_inside"]
