"""The few of PyTorch's inner switches that linewalk uses, as they are where there is only this much PyTorch."""

import sys
from contextlib import nullcontext
from types import SimpleNamespace

from .. import _numbers
from .._dispatch import WithoutModes as _DisableTorchDispatch
from .._metadata import Storage

DisableTorchFunction = _DisableFuncTorch = nullcontext
_functorch = SimpleNamespace(
    peek_interpreter_stack=lambda: None,
    is_functorch_wrapped_tensor=lambda tensor: False,
)


def _len_torch_function_stack():
    return 0


def _storage_Use_Count(key):
    """Holders of a memory: nobody's, where there is nothing in it that could change."""
    return 0 if _numbers.engine is None else sys.getrefcount(Storage.living[key]) - 1


def _dispatch_has_kernel(name):
    return False


__all__ = ["DisableTorchFunction", "_DisableFuncTorch", "_DisableTorchDispatch", "_functorch"]
