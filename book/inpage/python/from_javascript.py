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
            return function(*[_converted(arg) if isinstance(arg, _CONVERTED) else arg for arg in args])

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


_CONVERTED, _WHOLE = (bytes, list, tuple, dict), {int}


def _converted(value):
    """The same in JavaScript, where nobody writes to it: of sizes, that of the last time."""
    if isinstance(value, dict):
        return _window(*[(name, tuple(sizes)) for name, sizes in value.items()])
    if isinstance(value, bytes) or not {*map(type, value)} <= _WHOLE:
        return as_js(value)
    return _sizes(tuple(value))


@functools.lru_cache(1000)
def _sizes(sizes):
    return as_js(sizes)


@functools.lru_cache(1000)
def _window(*sizes):
    return as_js(dict(sizes))
