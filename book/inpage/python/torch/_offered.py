"""What functions and methods take under their public names besides their own: NumPy's names for arguments and Python's
types for those of tensors; and how they tell, in PyTorch's words, of an argument that is no tensor.
"""

import functools
import inspect

from . import _metadata as meta
from ._tensor import Tensor, need_tensor

_NUMPY_S_NAMES = {
    "dim": ("axis",),
    "keepdim": ("keepdims",),
    "input": ("x", "a", "x1"),
    "other": ("x2",),
}


_WITHOUT = {"norm", "split"}  # which PyTorch has written in Python


def offered(make, is_method=False):
    """A function as people call it."""
    code = getattr(inspect.unwrap(make), "__code__", None)
    if code is None:
        return make
    names = code.co_varnames[: code.co_argcount]
    known = {*names, *code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]}
    others = {
        other: name for name, its in _NUMPY_S_NAMES.items() if name in known for other in its if other not in known
    }
    if make.__name__ in _WITHOUT:
        others = {}

    @functools.wraps(make)
    def call(*args, **kwargs):
        if kwargs:
            kwargs = {others.get(name, name): value for name, value in kwargs.items()}
            if kwargs.get("dtype") is not None:
                kwargs["dtype"] = meta.type_meant(kwargs["dtype"], make.__name__)
        try:
            return make(*args, **kwargs)
        except AttributeError as error:
            for place, (name, value) in enumerate([*zip(names, args, strict=False), *kwargs.items()], not is_method):
                if value is error.obj and not isinstance(value, Tensor):
                    need_tensor(value, make.__name__, name, place)
            raise

    return call
