"""`walk` and `walk_init`: run somebody's code once, for real, and hand back a trail of what each line did."""

import contextlib
import difflib
import inspect

import torch
import torch.nn as nn

from . import recording
from .errors import WalkError, add_note
from .recording.construction import ConstructionRecorder
from .recording.explain import explain
from .recording.forward import ForwardRecorder
from .recording.modules import all_modules
from .recording.operators import leave_out_of_compiling
from .recording.tracing import OneFunction, forward_code, forward_owner
from .source import as_written


def walk(module, *inputs, into=(), **kwargs):
    """Call `module(*inputs, **kwargs)` and record each line of its `forward` as it runs.

    The call is the plain one: same output bit for bit, same gradients, same random numbers, buffers and hooks.
    Branches, loops (a step for each time a line runs), early returns and nested calls are recorded as they happen.
    Lines of the module's own helper methods are steps as well, after the step that called them (`Step.caller`).

    Args:
        module: any `nn.Module` with a `forward` written in Python.
        inputs, kwargs: what to call it with.
        into: name of a submodule, "layer1.0", or a list of names: their own forward becomes a trail as well, within
            the same run. `Trail.into` hands it out.

    Returns:
        Trail: its steps, and in `.output` what the call returned.

    Raises:
        WalkError: `module`, or a submodule named by `into`, cannot be walked; the message says what to hand over
            instead.
        BaseException: whatever `forward` raised, with a note that names the line and the operands, and with the steps
            so far in the exception's `trail`.
    """
    return walk_following((), module, inputs, kwargs, into)


def walk_following(functions, module, inputs, kwargs, into=()):
    """`walk`, by which lines of these plain functions are steps as well, where one of the module's lines calls them.

    Args:
        functions: Python functions outside of the module's class. inputs, kwargs: what to call the module with.
    """
    code = python_forward(module)
    leave_out_of_compiling(recording.__name__)
    recorder = ForwardRecorder(module, code, forward_owner(module), inputs, kwargs, submodules(module, into), functions)
    trail = recorder.trail
    try:
        with recorder:
            trail.output = module(*inputs, **kwargs)
    except BaseException as error:
        _explain_failure(error, recorder)
        raise
    finally:
        recorder.settle()
    if not recorder.entered:
        raise WalkError(
            f"调用这个 {type(module).__name__} 时没有运行它自己的 forward：请把里面真正做计算的模块交给 walk。",
            f"Calling this {type(module).__name__} did not run its own forward: hand walk the module inside it that "
            "does the work.",
        )
    return trail


def walk_init(cls, *args, **kwargs):
    """Build `cls(*args, **kwargs)` and record each line of its `__init__` as it runs.

    The trail begins with the class line and the class attributes, which ran when the class was defined.

    Args:
        cls: an `nn.Module` class with an `__init__` written in Python.
        args, kwargs: what to build it with.

    Returns:
        Trail: its steps; `.module` is the new module, and a step's `.registered` what that line put into it.

    Raises:
        WalkError: `cls` cannot be walked; the message says what to hand over instead.
        BaseException: whatever `__init__` raised, with a note that names the line and with the steps in its `trail`.
    """
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise WalkError(
            "walk_init 要的是 nn.Module 的子类本身，例如 walk_init(Bottleneck, 64, 64)；"
            f"拿到的是 {type(cls).__name__}。",
            "walk_init wants a subclass of nn.Module itself, as in walk_init(Bottleneck, 64, 64), not "
            f"{type(cls).__name__}.",
        )
    code = as_written(cls.__init__, cls).__code__
    recorder = ConstructionRecorder(cls, code)
    try:
        with OneFunction(code, recorder):
            recorder.trail.module = cls(*args, **kwargs)
    except BaseException as error:
        if recorder.entered:
            known = recorder.failure is not None and recorder.failure[0] is error
            _fail(recorder.trail, recorder.failure[1] if known else recorder.trail[-1], error, None, {})
            _note(error, recorder.trail)
        raise
    return recorder.trail


def submodules(module, into):
    """Name → module, for each that is to be walked into."""
    names = [into] if isinstance(into, str) else list(into)
    if not names:
        return {}
    known = {name: child for child, name in all_modules(module)}
    for name in names:
        if name not in known or name == "":
            near = difflib.get_close_matches(str(name), list(known), n=3) or [name for name in known if name][:3]
            raise WalkError(
                f"{type(module).__name__} 里没有叫 {name!r} 的子模块：into 要写 named_modules() 里的名字，例如 "
                f"{', '.join(near) or '—'}。",
                f"{type(module).__name__} has no submodule {name!r}: into takes a name from named_modules(), such as "
                f"{', '.join(near) or '—'}.",
            )
        python_forward(known[name])
    return {name: known[name] for name in names}


def python_forward(module):
    """The code object of `module.forward`, or a sentence that says why there is none to walk."""
    name = type(module).__name__
    if isinstance(module, type) and issubclass(module, nn.Module):
        raise WalkError(
            f"walk 要的是一个建好的模块，拿到的是类 {module.__name__}："
            f"先写 block = {module.__name__}(…)，再 walk(block, x)。",
            f"walk wants a module, not the class {module.__name__}: first block = {module.__name__}(…), then "
            "walk(block, x).",
        )
    if not isinstance(module, nn.Module):
        raise WalkError(
            f"walk 要的是 nn.Module，拿到的是 {name}：请把函数写成一个 nn.Module 的 forward。",
            f"walk wants an nn.Module, not {name}: put the code into the forward of an nn.Module.",
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise WalkError(
            "这个模块已被 torch.jit 编译，没有 Python 的行可走：请传入 torch.jit.script 或 trace 之前的那个模块。",
            "torch.jit has compiled this module, so it has no Python lines to walk: pass the module from before "
            "torch.jit.script or trace.",
        )
    if "_modules" not in vars(module):
        raise WalkError(
            f"这个 {name} 的 `__init__` 没有运行 `super().__init__()`，还不能调用：把它放到 `__init__` 的第一行。",
            f"This {name}'s `__init__` has not run `super().__init__()`, so it cannot be called: put it on the first "
            "line of `__init__`.",
        )
    if "_orig_mod" in vars(module).get("_modules", ()) or getattr(module, "_compiled_call_impl", None) is not None:
        raise WalkError(
            "这个模块已被 torch.compile 编译：请传入编译之前的模块（torch.compile 的结果里是 ._orig_mod）。",
            "torch.compile has compiled this module: pass the one from before (in torch.compile's result it is "
            "._orig_mod).",
        )
    code = forward_code(module)
    if code is not None and code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise WalkError(
            f"{name} 的 forward 里有 yield 或 async：调用它时一行也不运行，要等到有人来取。请另写一个 forward，"
            "在里面把它取完，再走那一个。",
            f"{name}'s forward has a yield or is async: calling it runs no line of it before somebody asks for its "
            "results. Walk a module whose forward asks for all of them.",
        )
    if code is None:
        raise WalkError(
            f"{name} 的 forward 不是用 Python 写的，没有行可走：请把它放进一个 nn.Module，在那里的 forward 里调用它。",
            f"{name}'s forward is not written in Python, so it has no lines: call it from the forward of an nn.Module "
            "of your own and walk that.",
        )
    return code


def _explain_failure(error, recorder):
    """Say where it went wrong: at the line that the exception passed first, or that was running."""
    for trail in recorder.unfinished(error):
        last = trail[-1]
        known, *where = recorder.failures.get(trail, (None,))
        step, module, operands = where if known is error else (last, None, {})
        _fail(trail, step, error, module, operands)
    if recorder.trail.failed is not None:
        _note(error, recorder.trail)


def _fail(trail, step, error, module, operands):
    trail.failed = step
    step.error = explain(step, error, module, operands)


def _note(error, trail):
    with contextlib.suppress(Exception):  # some exception classes take no attributes
        add_note(error, str(trail.failed.error))
    with contextlib.suppress(Exception):
        error.trail = trail
