"""`torch.autocast`: what is mostly products computes with numbers of 16 bits, everything else as it is given."""

import functools

from . import _metadata as meta

_LOWERED = {"convolution", "mm", "bmm", "addmm", "baddbmm", "mv", "dot"}
active = []  # the types in which they compute, the innermost last; None: as they are given


class autocast:
    """Context manager and decorator; where the device is none of this page's, it changes nothing."""

    def __init__(self, device_type="cuda", dtype=None, enabled=True, cache_enabled=None):
        self._dtype = (dtype or meta.bfloat16) if enabled and str(device_type) == "cpu" else None

    def __enter__(self):
        active.append(self._dtype)
        return self

    def __exit__(self, *exception):
        active.pop()
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def cast(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return cast


def lowered(name, args):
    """An operator's arguments in the type that is asked for, where it is one of those that compute in it."""
    dtype = active[-1]
    if dtype is None or name not in _LOWERED:
        return args
    return tuple(arg.to(dtype) if getattr(arg, "dtype", None) is meta.float32 else arg for arg in args)
