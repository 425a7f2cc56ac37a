"""Parameters: tensors that a module registers."""

from .. import _metadata as meta
from .._tensor import Tensor, made, with_gradients


class Parameter(Tensor):
    def __new__(cls, data=None, requires_grad=True):
        data = made((0,), meta.default_type()) if data is None else data
        if not isinstance(data, Tensor):
            raise TypeError(f"'{type(data).__name__}' object has no attribute 'detach'")
        parameter = made(data._shape, data.dtype, data._strides, data._storage, data._offset, cls=cls)
        return with_gradients(parameter) if requires_grad else parameter

    def __repr__(self):
        return f"Parameter containing:\n{Tensor.__repr__(self)}"


class Buffer(Tensor):
    def __new__(cls, data=None, *, persistent=True):
        data = made((0,), meta.default_type()) if data is None else data
        buffer = made(data._shape, data.dtype, data._strides, data._storage, data._offset)
        buffer.persistent, buffer._is_buffer = persistent, True
        return buffer


def is_lazy(parameter):
    """Whether it waits for its first input to have a shape: none does here."""
    return False
