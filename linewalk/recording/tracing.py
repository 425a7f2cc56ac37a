"""Follow functions line by line with `sys.settrace`, beside whatever debugger or coverage tool is tracing."""

import functools
import inspect
import sys

import torch
import torch.nn as nn

from ..source import as_written, function_statements

# Every `module(...)` goes through this frame; its return value is what the caller gets, hooks included.
MODULE_CALL = nn.Module._call_impl.__code__

_function_modes = torch._C._len_torch_function_stack


def forward_function(module):
    """The Python function that `module.forward` runs in the end, or None, and what it gets as its first argument.

    Partial functions, decorators and objects that can be called are looked through; of a plain function put on the
    instance, the first argument is None.
    """
    function, owner = module.forward, None
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function, owner = function.__func__, function.__self__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif not inspect.isfunction(function) and inspect.isfunction(type(function).__call__):
            function, owner = type(function).__call__, function
        else:
            if not inspect.isfunction(function):
                return None, None
            return (as_written(function, type(owner)) if isinstance(owner, nn.Module) else function), owner


def forward_code(module):
    """The code object of `module.forward`, or None where it is not written in Python."""
    return getattr(forward_function(module)[0], "__code__", None)


def forward_owner(module):
    """What `module.forward` gets as its first argument: None for a plain function put on the instance."""
    return forward_function(module)[1]


class Tracer:
    """Context manager that offers each Python call to `called`.

    A subclass's `called(frame)` returns a local trace function for a frame that it wants to follow, else None.
    """

    def __init__(self):
        self._others = None

    def __enter__(self):
        self._others = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(self, *exception):
        sys.settrace(self._others)

    def _on_call(self, frame, event, arg):
        if self._others is None:
            return self.called(frame)
        theirs = self._pass_on(self._others, frame, event, arg)
        ours = self.called(frame)
        if theirs is None:
            return ours
        return self._both(ours, theirs)

    def _both(self, ours, theirs):
        """A local trace function that feeds both us and the tracer that was here before."""

        def trace(frame, event, arg):
            nonlocal theirs
            theirs = self._pass_on(theirs, frame, event, arg)
            if ours is not None:
                ours(frame, event, arg)
            return trace

        return trace

    def _pass_on(self, function, frame, event, arg):
        if function is None:
            return None
        active = sys.gettrace() == self._on_call
        local = function(frame, event, arg)
        installed = sys.gettrace()
        # Coverage puts itself back; a debugger told to "continue" takes itself out.
        if active and installed != self._on_call:
            self._others = installed
            sys.settrace(self._on_call)
        return local


class Lines:
    """One call of one function, statement by statement: `trace` is its frame's local trace function.

    Subclasses take in the events: `begin(statement, frame)` before each statement, `finish(frame, returned)` when the
    function is left, `raised(error)` when an exception passes.
    """

    def __init__(self, code):
        self._statements = function_statements(code)
        self._current = None
        self._entries = {}
        self._is_unseen = False

    def enter(self, frame):
        """The call itself, which is the `def` line's statement."""
        statement = self._current = self._statements[frame.f_lineno]
        self._entries[statement.lineno] = frame.f_lasti
        self.begin(statement, frame)
        return self.trace

    def trace(self, frame, event, arg):
        if _function_modes() and not self._is_unseen:
            return self._unseen(frame, event, arg)
        if event == "line":
            statement = self._statements.get(frame.f_lineno)
            if statement is not None:
                entry = self._entries.setdefault(statement.lineno, frame.f_lasti)
                if entry == frame.f_lasti or (
                    statement is not self._current and not statement.text.startswith("with ")
                ) or not self._goes_on(statement):
                    self._current = statement
                    self.begin(statement, frame)
        elif event == "return":
            self.finish(frame, arg)
        elif event == "exception":
            self.raised(arg[1])
        return self.trace

    def _unseen(self, frame, event, arg):
        """What is done here with tensors is none of the business of a `TorchFunctionMode` that the module uses."""
        self._is_unseen = True
        with torch._C.DisableTorchFunction():
            self.trace(frame, event, arg)
        self._is_unseen = False
        return self.trace

    def _goes_on(self, statement):
        """Whether a line event belongs to a run of `statement` that has begun before, not to a new run of it."""
        if statement is self._current:
            # It reports each of its lines, and its first one again when the call is made; a loop on one line loops.
            return statement.end_lineno > statement.lineno or not statement.text.startswith(("for ", "while "))
        return statement.text.startswith("with ")  # reported once more when its body is left


class OneFunction(Tracer):
    """Follows the first call of one function.

    Args:
        code: the code object of the function.
        lines: a `Lines` to report to.
        owner: the object that must be its first argument, where it has one; None for any.
    """

    def __init__(self, code, lines, owner=None):
        super().__init__()
        self._code, self._lines, self._owner = code, lines, owner
        self.entered = False

    def called(self, frame):
        if frame.f_code is not self._code or self.entered or not is_call_of(frame, self._owner):
            return None
        self.entered = True
        return self._lines.enter(frame)


def is_call_of(frame, owner):
    """Whether a function that has just been called got `owner` as its first argument; None stands for any."""
    code = frame.f_code
    if owner is None or not code.co_argcount:
        return True
    return frame.f_locals[code.co_varnames[0]] is owner
