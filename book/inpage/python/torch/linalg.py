"""`torch.linalg`, as far as networks use it."""

from ._lacking import lacking_names as _lacking_names
from ._operators import products as _products
from ._operators import reductions as _reductions


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    return _reductions.vector_norm_op(x, ord, dim, keepdim, dtype)


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    return _reductions.vector_norm_op(A, 2 if ord is None else ord, dim, keepdim, dtype)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    return _reductions.vector_norm_op(A, 2, dim, keepdim, dtype)


def matmul(input, other, *, out=None):
    return _products.matmul(input, other)


def inv(A, *, out=None):
    return _products.inverse(A)


def cross(input, other, *, dim=-1, out=None):
    return _products.cross(input, other, dim)


__getattr__ = _lacking_names("torch.linalg")
