"""`walk_init`: build a module and record what each line of its `__init__` registers."""

import inspect

import torch.nn as nn

from .errors import WalkError, add_note
from .explain import explain
from .source import class_statements
from .tracing import LineTracer
from .trail import Change, Described, Registered, Step, Trail


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
        Exception: whatever `__init__` raised, with a note that names the line and with the steps in its `trail`.
    """
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise WalkError(
            "walk_init 要的是 nn.Module 的子类本身，例如 walk_init(Bottleneck, 64, 64)；"
            f"拿到的是 {type(cls).__name__}。",
            "walk_init wants a subclass of nn.Module itself, as in walk_init(Bottleneck, 64, 64), not "
            f"{type(cls).__name__}.",
        )
    recorder = _Recorder(cls, inspect.unwrap(cls.__init__).__code__)
    try:
        with recorder:
            recorder.trail.module = cls(*args, **kwargs)
    except Exception as error:
        if recorder.entered:
            recorder.trail.failed = recorder.trail[-1]
            recorder.trail.failed.error = explain(recorder.trail[-1], error, None, {})
            add_note(error, str(recorder.trail.failed.error))
            error.trail = recorder.trail
        raise
    return recorder.trail


class _Recorder(LineTracer):
    """Compares the local names and the module's own before and after each line."""

    def __init__(self, cls, code):
        super().__init__(code)
        self.trail = Trail("init", None)
        self.entered = False
        self._seen = {}
        self._registered = {}
        self._counted = {}
        self._self_name = code.co_varnames[0]
        self._record_class(cls)

    def _record_class(self, cls):
        for statement in class_statements(cls):
            step = Step(self.trail, statement)
            for name in statement.targets if not statement.text.startswith("class ") else ():
                if name not in vars(cls):  # `weight: Tensor` says a type and assigns nothing
                    continue
                value = vars(cls)[name]
                step.changed[name] = Change(name, None, Described(value), False, (), None, value)
            self.trail._steps.append(step)

    def begin(self, statement, frame):
        if self.entered:
            self._close(frame)
        self.entered = True
        self.trail._steps.append(Step(self.trail, statement))

    def finish(self, frame, returned):
        self._close(frame)

    def module_called(self, module, args):
        """A call inside `__init__` is one of its lines' doings: nothing to record."""

    module_returned = raised = lambda self, *_: None

    def _close(self, frame):
        step = self.trail[-1]
        module = frame.f_locals[self._self_name]
        registered = _registered_in(module)
        new = {name for name, value in registered.items() if self._registered.get(name) is not value}
        for name in registered:
            if name in new and name.rpartition(".")[0] not in new:
                step.registered[name] = Registered.of(name, registered[name])
        step.params = self._count_parameters(registered)

        plain = {f"{self._self_name}.{name}": value for name, value in vars(module).items() if name[0] != "_"}
        local_names = {
            name: value for name, value in frame.f_locals.items() if name not in (self._self_name, "__class__")
        }
        now = local_names | plain
        for name, value in now.items():
            if name not in self._seen or self._seen[name] is not value:
                before = self._seen.get(name)
                step.changed[name] = Change(
                    name, Described(before) if name in self._seen else None, Described(value), False, (), before, value
                )
        self._seen, self._registered = now, registered

    def _count_parameters(self, registered):
        """How many numbers the parameters hold that were not counted before, under whatever name."""
        found = {id(value): value for value in registered.values() if isinstance(value, nn.Parameter)}
        fresh = [value.numel() for key, value in found.items() if key not in self._counted]
        self._counted |= found
        return sum(fresh)


def _registered_in(module):
    """Submodules, parameters and buffers by their whole names, `layers.0.weight`; a shared one under each name."""
    found = {}
    for kind in ("_modules", "_parameters", "_buffers"):
        for name, value in vars(module).get(kind, {}).items():
            found[name] = value
            if isinstance(value, nn.Module):
                found |= {f"{name}.{inner}": thing for inner, thing in _registered_in(value).items()}
    return found
