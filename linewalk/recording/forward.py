"""Watches one call of a module: what happens is noted in the journals of its trail and of those walked into."""

import inspect
import sys
import threading

import torch

from ..trail import Trail
from .kinds import DULL, MODULE, NOT_FOLLOWED, SHARES_MEMORY, kind_of
from .level import Level
from .memory import Memory, place
from .modules import ModuleNames
from .operators import Operators, tensors_among
from .tracing import Tracer, forward_function, is_call_of
from .values import Keeper

_no_function = torch._C.DisableTorchFunction


class ForwardRecorder(Tracer):
    """Watches one call of a module, and of those in it that are to be walked into.

    Args:
        module: what is walked. code, owner: its forward's code object and first argument.
        inputs, kwargs: what it will be called with.
        into: name → module of the submodules whose own forward becomes a trail as well.
        functions: plain functions that are followed as the module's own methods are.
    """

    def __init__(self, module, code, owner, inputs, kwargs, into=(), functions=()):
        super().__init__()
        self.memory = Memory()
        self.keeper = Keeper(self.memory)
        self.levels = []
        self.pending = []
        self.entered = False
        self.failures = {}
        self.module_names = ModuleNames(module)
        self.trail = Trail("forward", module)
        self._level = Level(self, self.trail, code, owner, self.module_names)
        self._level.given(inputs, kwargs)
        self._into = {id(inner): (name, inner) for name, inner in dict(into).items()}
        self._waiting = []
        self._levels_of = {}
        codes = [inspect.unwrap(one).__code__ for one in functions]
        self.functions = {id(one) for one in codes if not one.co_flags & NOT_FOLLOWED}
        self._forwards = {id(code), *self.functions}
        self._dull = set()  # what was called, and is neither ours nor of interest to whoever traces beside us
        self._operators = Operators(self)
        self._thread_trace = None

    def __enter__(self):
        self._thread_trace = threading.gettrace()
        threading.settrace(self._in_thread)
        self._operators.__enter__()
        return super().__enter__()

    def __exit__(self, *exception):
        super().__exit__()
        self._operators.__exit__(*exception)
        threading.settrace(self._thread_trace)
        self.levels = []
        self.keeper.end()

    def settle(self):
        """To be called when the walk has ended and nothing of it is held here any more."""
        self._level = self._operators = None
        self._waiting, self._levels_of = [], {}
        self.memory.settle()

    # what the tracer reports

    def _on_call(self, frame, event, arg):
        if id(frame.f_code) in self._dull:  # most functions by far are none of ours
            return None
        return super()._on_call(frame, event, arg)

    def called(self, frame):
        code = frame.f_code
        kind = kind_of(code)
        if kind is MODULE:
            return self._module_called(frame) if self.levels else None
        if kind is DULL and id(code) not in self._forwards:
            if self._others is None:
                self._dull.add(id(code))
            return None
        if kind is SHARES_MEMORY and not self.memory.eager:
            self.memory.copy_at_once()
        return self._function_called(frame)

    def _function_called(self, frame):
        for level in self._waiting:
            if level.code is frame.f_code and is_call_of(frame, level.owner):
                self._waiting.remove(level)
                self.flush()  # what hooks have computed before it is nothing of its own
                return level.open(frame)
        if frame.f_code is self._level.code and not self._level.is_open and is_call_of(frame, self._level.owner):
            self.entered = True
            return self._level.open(frame)
        if self.levels and self.levels[-1].is_helper(frame):
            return self.levels[-1].open_helper(frame)
        return None

    def _module_called(self, frame):
        frame.f_trace_lines = self._others is not None
        if self.pending:
            self.flush()
        frame_locals = frame.f_locals
        module = frame_locals["self"]
        for level in self.levels:
            level.module_called(module, frame_locals)
        if id(module) in self._into:
            self._wait_for(*self._into[id(module)], frame)
        return self._on_module

    def _wait_for(self, name, module, frame):
        function, owner = forward_function(module)
        trail = Trail("forward", module)
        level = Level(self, trail, function.__code__, owner, ModuleNames(module))
        level.given(frame.f_locals["args"], frame.f_locals["kwargs"])
        self.trail._inner.setdefault(name, []).append(trail)
        self._waiting.append(level)
        self._forwards.add(id(function.__code__))
        self._dull.discard(id(function.__code__))
        self._levels_of[id(frame)] = level

    def _on_module(self, frame, event, arg):
        if event == "return":
            if self.pending:
                self.flush()
            with _no_function():
                for level in self.levels:
                    level.module_returned(arg)
            if self._levels_of and id(frame) in self._levels_of:
                self._levels_of.pop(id(frame)).trail.output = arg
        elif event == "exception":
            self.flush()
            for level in self.levels:
                level.raised(arg[1])
        return self._on_module

    def _in_thread(self, frame, event, arg):
        """The first call in a thread that starts meanwhile: its operators count too."""
        if self.levels:
            self._operators.follow_thread()
        sys.settrace(self._thread_trace)
        return self._thread_trace and self._thread_trace(frame, event, arg)

    def unfinished(self, error):
        """The trails that an exception has ended: those that it has passed, and those whose forward still runs."""
        known, *seen = self.failures.get(self.trail, (None, None))
        found = None if self._level.functions else self._level.found_in(error.__traceback__)
        if found and (known is not error or _is_within(found[0].caller, seen[0])):
            self.failures[self.trail] = error, *found
        passed = [trail for trail, (known, *_) in self.failures.items() if known is error]
        return passed or ([self.trail] if self._level.functions else [])

    # what the operators report

    def writes(self, tensors):
        with _no_function():
            for tensor in tensors:
                key, where = self.memory.about_to_write(tensor), place(tensor)
                self.keeper.written(key)
                for level in self.levels:
                    level.written(key, tensor, where)

    def flush(self):
        """Look at the operators that have run since: they belong to the line and to the calls that are open now."""
        if self.pending:
            done, self.pending = self.pending, []
            with _no_function():
                for operator, args, kwargs, output in done:
                    macs = operator.macs(args, kwargs or {}, output) if operator.macs else 0
                    taken = tensors_among((*args, *kwargs.values()) if kwargs else args)
                    given = [output] if type(output) is torch.Tensor else tensors_among((output,))
                    for level in self.levels:
                        level.operator(operator, macs, args, taken, given)

    def fail(self, error, trail, *where):
        """The first place of a trail that an exception passes is where it went wrong."""
        if trail not in self.failures or self.failures[trail][0] is not error:
            self.failures[trail] = error, trail._journal.read(trail), *where


def _is_within(step, other):
    """Whether a step belongs to a helper method that another one called."""
    while step is not None and step is not other:
        step = step.caller
    return step is other
