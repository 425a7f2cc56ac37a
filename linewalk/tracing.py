"""Follow one function line by line with `sys.settrace`, beside whatever debugger or coverage tool is tracing."""

import inspect
import sys

import torch.nn as nn

from .source import function_statements

# Every `module(...)` goes through this frame; its return value is what the caller gets, hooks included.
_MODULE_CALL = nn.Module._call_impl.__code__


def forward_code(module):
    """The code object of `module.forward`, or None where it is not written in Python."""
    return getattr(inspect.unwrap(getattr(module.forward, "__func__", module.forward)), "__code__", None)


def forward_owner(module):
    """What `module.forward` gets as its first argument: None for a plain function put on the instance."""
    return module if inspect.ismethod(module.forward) else None


class LineTracer:
    """Context manager that reports what one call of one function does.

    Subclasses take in the events: `begin(statement, frame)` when the function is entered and before each statement,
    `finish(frame, returned)` when it is left, `module_called(module, args)` and `module_returned(output)` around
    each module call, `raised(error)` when an exception passes.

    Args:
        code: the code object of the function to follow; the first frame that runs it is the one.
        owner: the object that must be its first argument, where it has one; None for any.
    """

    def __init__(self, code, owner=None):
        self._code = code
        self._owner = owner
        self._statements = function_statements(code)
        self._frame = None
        self._done = False
        self._current = None
        self._entries = {}
        self._others = None

    def __enter__(self):
        self._others = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(self, *exception):
        sys.settrace(self._others)

    def _on_call(self, frame, event, arg):
        ours = frame.f_code is self._code or frame.f_code is _MODULE_CALL
        if not ours and self._others is None:
            return None  # most frames by far
        theirs = self._pass_on(self._others, frame, event, arg)
        if not ours or self._done:
            return theirs and self._local(None, theirs)
        if self._frame is None:
            if self._is_wanted(frame):
                self._frame = frame
                self._begin(self._statements[frame.f_lineno], frame)
                return self._local(self._on_line, theirs)
        elif frame.f_code is _MODULE_CALL:
            frame.f_trace_lines = theirs is not None
            self.module_called(frame.f_locals["self"], frame.f_locals["args"])
            return self._local(self._on_module, theirs)
        return theirs and self._local(None, theirs)

    def _is_wanted(self, frame):
        if frame.f_code is not self._code:
            return False
        if self._owner is None or not self._code.co_argcount:
            return True
        return frame.f_locals[self._code.co_varnames[0]] is self._owner

    def _on_line(self, frame, event, arg):
        if event == "line":
            statement = self._statements.get(frame.f_lineno)
            if statement is not None and not self._goes_on(statement, frame):
                self._begin(statement, frame)
        elif event == "return":
            self.finish(frame, arg)
            self._frame = None
            self._done = True
        elif event == "exception":
            self.raised(arg[1])
        return self._on_line

    def _begin(self, statement, frame):
        self._current = statement
        self._entries.setdefault(statement, frame.f_lasti)
        self.begin(statement, frame)

    def _goes_on(self, statement, frame):
        """Whether a line event belongs to a run of `statement` that has begun before, not to a new run of it."""
        if frame.f_lasti == self._entries.get(statement, frame.f_lasti):
            return False
        if statement is self._current:
            # It reports each of its lines, and its first one again when the call is made; a loop on one line loops.
            return statement.end_lineno > statement.lineno or not statement.text.startswith(("for ", "while "))
        return statement.text.startswith("with ")  # reported once more when its body is left

    def _on_module(self, frame, event, arg):
        if event == "return":
            self.module_returned(arg)
        elif event == "exception":
            self.raised(arg[1])
        return self._on_module

    def _local(self, ours, theirs):
        """A local trace function that feeds both us and the tracer that was here before."""
        if theirs is None:
            return ours

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
