"""Follow one function line by line with `sys.settrace`, beside whatever debugger or coverage tool is tracing."""

import sys

import torch.nn as nn

from .source import function_statements

# Every `module(...)` goes through this frame; its return value is what the caller gets, hooks included.
_MODULE_CALL = nn.Module._call_impl.__code__


class LineTracer:
    """Context manager that reports what one call of one function does.

    Subclasses take in the events: `begin(statement, frame)` when the function is entered and before each statement,
    `finish(frame, returned)` when it is left, `module_called(module, args)` and `module_returned(output)` around
    each module call, `raised(error)` when an exception passes.

    Args:
        code: the code object of the function to follow; the first frame that runs it is the one.
        owner: the object that must be its first argument, or None for any.
    """

    def __init__(self, code, owner=None):
        self._code = code
        self._owner = owner
        self._statements = function_statements(code)
        self._frame = None
        self._current = None
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
        if not ours:
            return theirs and self._local(None, theirs)
        if self._frame is None:
            if frame.f_code is self._code and self._owner in (None, frame.f_locals.get(frame.f_code.co_varnames[0])):
                self._frame = frame
                self._current = self._statements[frame.f_lineno]
                self.begin(self._current, frame)
                return self._local(self._on_line, theirs)
        elif frame.f_code is _MODULE_CALL:
            frame.f_trace_lines = theirs is not None
            self.module_called(frame.f_locals["self"], frame.f_locals["args"])
            return self._local(self._on_module, theirs)
        return theirs and self._local(None, theirs)

    def _on_line(self, frame, event, arg):
        if event == "line":
            statement = self._statements.get(frame.f_lineno)
            # A statement over several lines reports each of them, and its first line again when the call is made.
            if statement is not None and not (statement is self._current and statement.end_lineno > statement.lineno):
                self._current = statement
                self.begin(statement, frame)
        elif event == "return":
            self.finish(frame, arg)
            self._frame = None
            self._owner = self  # one call only: nothing is equal to this
        elif event == "exception":
            self.raised(arg[1])
        return self._on_line

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
        local = function(frame, event, arg)
        installed = sys.gettrace()
        if installed != self._on_call:  # coverage puts itself back; a debugger told to "continue" takes itself out
            self._others = installed
            sys.settrace(self._on_call)
        return local
