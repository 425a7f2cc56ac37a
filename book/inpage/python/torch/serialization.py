"""`torch.save` and `torch.load`, in a format of this page's own: what it writes, it reads."""

import pickle
import sys

from . import _metadata as meta
from . import _numbers
from ._tensor import Tensor, made

_ALLOWED = {("collections", "OrderedDict"), (__name__, "_rebuilt")}  # where only weights are to be read


def location_tag(storage):
    """Where a memory lies, as a file says it."""
    return "meta" if storage.is_meta else "cpu"


class _Pickler(pickle.Pickler):
    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        known = _numbers.engine is not None and _numbers.are_known(value)
        numbers = bytes(_numbers.numbers(value).to_py().tobytes()) if known else None
        tag = location_tag(value.untyped_storage())
        cls = None if type(value) is Tensor else type(value).__name__
        return _rebuilt, (cls, numbers, tuple(value.shape), _numbers.kind_of(value.dtype), value.requires_grad, tag)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, weights_only):
        super().__init__(file)
        self._weights_only = weights_only

    def find_class(self, module, name):
        if self._weights_only and (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                "Weights only load failed. This file can still be loaded with `weights_only=False`, which runs code "
                f"that the file names: do so only if you trust its source. It asks for {module}.{name}."
            )
        try:
            return super().find_class(module, name)
        except AttributeError:  # in the words of Python before 3.14
            raise AttributeError(f"Can't get attribute {name!r} on {sys.modules[module]!r}") from None


_asked = [None]  # map_location, while a file is read


def _rebuilt(cls, numbers, shape, kind, requires_grad, tag):
    from .nn.parameter import Parameter

    place = str(_asked[-1] or tag)
    if place.startswith("cuda"):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    with meta.device(place):
        tensor = made(shape, meta.PUBLIC_TYPES[kind])
    if numbers is not None and not tensor.is_meta:
        tensor._storage.values = _numbers.engine.fromBytes(kind, numbers)
    if cls == "Parameter":
        return Parameter(tensor, requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor


def save(obj, f, pickle_module=None, pickle_protocol=2, _use_new_zipfile_serialization=True):
    if hasattr(f, "write"):
        _Pickler(f, 4).dump(obj)
        return
    with open(f, "wb") as file:
        _Pickler(file, 4).dump(obj)


def load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=None):
    if not hasattr(f, "read"):
        with open(f, "rb") as file:
            return load(file, map_location, weights_only=weights_only)
    _asked.append(map_location)
    try:
        return _Unpickler(f, weights_only).load()
    finally:
        _asked.pop()
