"""Whether gradients are asked for."""

import functools
import inspect

_enabled, _inference = [True], [False]


def is_grad_enabled():
    return _enabled[0]


class set_grad_enabled:
    """Context manager, decorator and plain call."""

    def __init__(self, mode=True):
        self._before, self._mode = _enabled[0], mode
        _enabled[0] = mode

    def __enter__(self):
        _enabled[0] = self._mode
        return self

    def __exit__(self, *exception):
        _enabled[0] = self._before


class no_grad:
    _mode = False

    def __new__(cls, function=None):
        return super().__new__(cls)(function) if callable(function) else super().__new__(cls)

    def __enter__(self):
        self._before, _enabled[0] = _enabled[0], self._mode
        return self

    def __exit__(self, *exception):
        _enabled[0] = self._before

    def __call__(self, function):
        if inspect.isclass(function):
            return function

        @functools.wraps(function)
        def guarded(*args, **kwargs):
            with type(self)():
                return function(*args, **kwargs)

        return guarded


class enable_grad(no_grad):
    _mode = True


class inference_mode(no_grad):
    def __new__(cls, mode=True):
        return no_grad.__new__(cls, mode if callable(mode) else None)

    def __init__(self, mode=True):
        self._inference = mode if isinstance(mode, bool) else True
        self._mode = not self._inference

    def __enter__(self):
        super().__enter__()
        self._was_inference, _inference[0] = _inference[0], self._inference
        return self

    def __exit__(self, *exception):
        super().__exit__(*exception)
        _inference[0] = self._was_inference


def is_inference_mode_enabled():
    return _inference[0]


class grad_mode:
    """Context manager: gradients are asked for, or not."""

    def __init__(self, mode):
        self._mode = mode

    def __enter__(self):
        self._before, _enabled[0] = _enabled[0], self._mode

    def __exit__(self, *exception):
        _enabled[0] = self._before
