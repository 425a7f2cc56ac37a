"""Functions of JavaScript, called with Python's bytes, lists and dictionaries."""

import functools

import js
from pyodide.ffi import to_js


class FromJavaScript:
    """Args: functions: a JavaScript object that holds them."""

    def __init__(self, functions):
        self._functions = functions

    def __getattr__(self, name):
        function = getattr(self._functions, name)

        def call(*args):
            return function(*(as_js(arg) if isinstance(arg, (bytes, list, tuple, dict)) else arg for arg in args))

        setattr(self, name, call)
        return call

    @functools.cache  # noqa: B019  (asked before each operator; there is one of these)
    def holds(self, kind):
        return self._functions.holds(kind)

    def held(self, array):
        """An array as tensors keep it: here, as it is."""
        return array

    def is_held(self, array):
        """Whether nobody changes it, so that tensors may have it in common."""
        return False

    def writable(self, array):
        """In its place, one that may be written to."""
        return array

    def listed(self, numbers):
        """An array's numbers, as a list."""
        return numbers.to_py().tolist()


def as_js(value):
    return to_js(value, dict_converter=js.Object.fromEntries)
