"""Turns the construction of a module into the steps of a trail."""

import torch.nn as nn

from ..source import class_statements
from ..trail import Change, Registered, Step, Trail, count_of
from .tracing import Lines


class ConstructionRecorder(Lines):
    """Compares the local names and the module's own before and after each line."""

    def __init__(self, cls, code):
        super().__init__(code)
        self.trail = Trail("init", None)
        self.entered = False
        self.failure = None
        self._seen = {}
        self._latest = {}
        self._registered = {}
        self._counted = {}
        self._self_name = code.co_varnames[0]
        self._record_class(cls)

    def _record_class(self, cls):
        for statement in class_statements(cls):
            self._new_step(statement)
            for name in statement.targets if not statement.text.startswith("class ") else ():
                if name in vars(cls):  # `weight: Tensor` says a type and assigns nothing
                    self._change(name, vars(cls)[name])

    def begin(self, statement, frame):
        if self.entered:
            self._close(frame)
        self.entered = True
        self._new_step(statement)

    def finish(self, frame, returned):
        self._close(frame)

    def raised(self, error):
        if self.failure is None or self.failure[0] is not error:
            self.failure = error, self.trail[-1]

    def _new_step(self, statement):
        self.trail._written.append(Step(self.trail, statement, len(self.trail)))

    def _change(self, name, value):
        change = Change(name, self._latest.get(name), value, False, ())
        self._latest[name] = self.trail[-1]._changes[name] = change

    def _close(self, frame):
        step = self.trail[-1]
        module = frame.f_locals[self._self_name]
        registered = _registered_in(module)
        new = {name for name, value in registered.items() if self._registered.get(name) is not value}
        for name in registered:
            if name in new and name.rpartition(".")[0] not in new:
                step.registered[name] = Registered.of(name, registered[name])
        step._params = self._count_parameters(registered)

        plain = {f"{self._self_name}.{name}": value for name, value in vars(module).items() if name[0] != "_"}
        local_names = {
            name: value for name, value in frame.f_locals.items() if name not in (self._self_name, "__class__")
        }
        now = local_names | plain
        for name, value in now.items():
            if name not in self._seen or self._seen[name] is not value:
                self._change(name, value)
        self._seen, self._registered = now, registered

    def _count_parameters(self, registered):
        """How many numbers the parameters hold that were not counted before, under whatever name."""
        found = {id(value): value for value in registered.values() if isinstance(value, nn.Parameter)}
        fresh = [count_of(value) for key, value in found.items() if key not in self._counted]
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
