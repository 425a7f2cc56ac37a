"""Many numbers become one: sums, means, maxima, and what runs along a dimension."""

import functools
import math

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._public import FUNCTIONS, METHODS, both, function, method, named, returned
from .._tensor import Tensor, made, need_tensor
from .pointwise import floating
from .views import like_strides


ValuesAndIndices = {
    name: returned(name, "values", "indices")
    for name in ("max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax", "cummin")
}


def dims_of(dim, count):
    """Which dimensions are reduced; none named means all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(count))
    dims = [meta.whole_dim(one, count) for one in (dim if isinstance(dim, (tuple, list)) else [dim])]
    for one in dims:
        if dims.count(one) > 1:
            raise RuntimeError(f"dim {one} appears multiple times in the list of dims")
    return tuple(dims)


def reduced(tensor, dim, keepdim, dtype):
    """What is left of a tensor without the dimensions that are reduced."""
    dims = dims_of(dim, tensor.dim())
    if keepdim:
        return made([1 if place in dims else size for place, size in enumerate(tensor._shape)], dtype)
    return made([size for place, size in enumerate(tensor._shape) if place not in dims], dtype)


def _summed(dtype):
    return dtype if dtype.is_floating_point or dtype.is_complex else meta.int64


def _reduction(name, type_of):
    @operator(name)
    def run(self, dim=None, keepdim=False, dtype=None, *spread):
        return reduced(self, dim, keepdim, dtype or type_of(self.dtype))

    def plain(input, dim=None, keepdim=False, *, dtype=None, out=None, axis=None, correction=None, unbiased=None):
        need_tensor(input, name)
        if isinstance(dim, bool) and name in ("var", "std"):
            dim = None
        dim = axis if dim is None else dim
        if name == "mean" and not (dtype or input.dtype).is_floating_point and not input.dtype.is_complex:
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {meta.SCALAR_NAMES[input.dtype]}"
            )
        return run(input, dim, keepdim, dtype, *([] if correction is None else [correction]))

    FUNCTIONS[name] = METHODS[name] = named(plain, name)
    return run


for _name, _rule in {
    "sum": _summed,
    "nansum": _summed,
    "prod": _summed,
    "mean": floating,
    "nanmean": floating,
    "logsumexp": floating,
    "var": floating,
    "std": floating,
    "amax": lambda dtype: dtype,
    "amin": lambda dtype: dtype,
    "all": lambda dtype: meta.bool_,
    "any": lambda dtype: meta.bool_,
    "count_nonzero": lambda dtype: meta.int64,
}.items():
    _reduction(_name, _rule)


def _unbiased(name):
    plain = FUNCTIONS[name]

    @functools.wraps(plain)
    def call(input, dim=None, unbiased=True, keepdim=False, *, correction=None, out=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        return plain(input, dim, keepdim, correction=int(unbiased) if correction is None else correction)

    FUNCTIONS[name] = METHODS[name] = call


_unbiased("var")
_unbiased("std")


@function
def var_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    spread = FUNCTIONS["var"](input, dim, unbiased, keepdim, correction=correction)
    return spread, FUNCTIONS["mean"](input, dim, keepdim)


@function
def std_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    spread = FUNCTIONS["std"](input, dim, unbiased, keepdim, correction=correction)
    return spread, FUNCTIONS["mean"](input, dim, keepdim)


def _index_of(name):
    @operator(name)
    def run(self, dim=None, keepdim=False):
        return reduced(self, dim, keepdim, meta.int64)

    def plain(input, dim=None, keepdim=False):
        need_tensor(input, name)
        return run(input, dim, keepdim)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)


_index_of("argmax")
_index_of("argmin")


def _with_places(name):
    """`max(x)` is one number, `max(x, 1)` values and where they were, `max(x, y)` the larger of both."""

    @operator(name)
    def run(self, dim=None, keepdim=False):
        if dim is None:
            return made((), self.dtype)
        return ValuesAndIndices[name](reduced(self, dim, keepdim, self.dtype), reduced(self, dim, keepdim, meta.int64))

    def plain(input, dim=None, keepdim=False, *, other=None, out=None):
        need_tensor(input, name)
        if isinstance(dim, Tensor) or other is not None:
            return FUNCTIONS[{"max": "maximum", "min": "minimum"}[name]](input, dim if other is None else other)
        return run(input) if dim is None else run(input, dim, keepdim)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)


for _name in ("max", "min", "median", "mode"):
    _with_places(_name)


@function
def aminmax(input, *, dim=None, keepdim=False):
    return FUNCTIONS["amin"](input, dim, keepdim), FUNCTIONS["amax"](input, dim, keepdim)


@operator("sort")
def _sort(self, dim=-1, descending=False):
    meta.whole_dim(dim, self.dim())
    strides = like_strides(self)
    return ValuesAndIndices["sort"](made(self._shape, self.dtype, strides), made(self._shape, meta.int64, strides))


@both
def sort(input, dim=-1, descending=False, stable=False, *, out=None):
    return _sort(input, dim, descending)


@both
def argsort(input, dim=-1, descending=False, stable=False):
    return _sort(input, dim, descending).indices


@operator("topk")
def _topk(self, k, dim=-1, largest=True, sorted=True):
    at = meta.whole_dim(dim, self.dim())
    if k < 0 or k > (self._shape[at] if self.dim() else 1):
        raise RuntimeError("selected index k out of range")
    shape = [k if place == at else size for place, size in enumerate(self._shape)]
    return ValuesAndIndices["topk"](made(shape, self.dtype), made(shape, meta.int64))


@both
def topk(input, k, dim=-1, largest=True, sorted=True, *, out=None):
    return _topk(input, k, dim, largest, sorted)


@operator("kthvalue")
def _kthvalue(self, k, dim=-1, keepdim=False):
    return ValuesAndIndices["kthvalue"](
        reduced(self, dim, keepdim, self.dtype), reduced(self, dim, keepdim, meta.int64)
    )


@both
def kthvalue(input, k, dim=-1, keepdim=False, *, out=None):
    return _kthvalue(input, k, dim, keepdim)


def _along(name, type_of):
    @operator(name)
    def run(self, dim, dtype=None):
        meta.whole_dim(dim, self.dim())
        return made(self._shape, dtype or type_of(self.dtype))

    def plain(input, dim, *, dtype=None, out=None):
        need_tensor(input, name)
        return run(input, dim, dtype)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)


for _name in ("cumsum", "cumprod"):
    _along(_name, _summed)
_along("logcumsumexp", floating)


@operator("cummax")
def _cummax(self, dim):
    meta.whole_dim(dim, self.dim())
    return ValuesAndIndices["cummax"](made(self._shape, self.dtype), made(self._shape, meta.int64))


@both
def cummax(input, dim):
    return _cummax(input, dim)


@both
def diff(input, n=1, dim=-1):
    at = meta.whole_dim(dim, input.dim())
    for _ in range(n):
        size = input._shape[at]
        later, earlier = input.narrow(at, min(1, size), max(size - 1, 0)), input.narrow(at, 0, max(size - 1, 0))
        input = later ^ earlier if input.dtype is meta.bool_ else later - earlier
    return input


@operator("linalg_vector_norm")
def vector_norm_op(self, ord=2, dim=None, keepdim=False, dtype=None):
    if not self.dtype.is_floating_point and not self.dtype.is_complex:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{meta.SCALAR_NAMES[self.dtype]}"
        )
    return reduced(self, dim, keepdim, dtype or self.dtype)


@both
def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    need_tensor(input, "norm")
    return vector_norm_op(input, 2 if p == "fro" else p, dim, keepdim, dtype)


@operator("dist")
def _dist(self, other, p=2):
    meta.broadcast([self._shape, other._shape])
    return made((), self.dtype)


@both
def dist(input, other, p=2):
    return _dist(input, other, p)


@both
def equal(input, other):
    if input._shape != other._shape:
        return False
    if _numbers.engine is not None and _numbers.are_known(input, other):
        return bool(_numbers.engine.same(_numbers.numbers(input), _numbers.numbers(other)))
    return input._values("torch.equal") == other._values("torch.equal")


@both
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    return bool(FUNCTIONS["isclose"](input, other, rtol, atol, equal_nan).all())


@both
def quantile(input, q, dim=None, keepdim=False):
    front = tuple(q._shape) if isinstance(q, Tensor) else ()
    kept = reduced(input, dim, keepdim, input.dtype)
    return made((*front, *kept._shape), input.dtype)


@both
def bincount(input, weights=None, minlength=0):
    places = input._values("torch.bincount")
    if input.dim() != 1 or min(places, default=0) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    shares = [1] * len(places) if weights is None else weights._values("torch.bincount")
    counts = [0] * max(minlength, max(places, default=-1) + 1)
    for place, share in zip(places, shares, strict=True):
        counts[place] += share
    return made((len(counts),), meta.int64 if weights is None else weights.dtype, values=counts)


@both
def histc(input, bins=100, min=0, max=0):
    return made((bins,), input.dtype)


@both
def trace(input):
    if input.dim() != 2:
        raise RuntimeError("trace: expected a matrix, but got tensor with dim " + str(input.dim()))
    return input.diagonal().sum()


@operator("_softmax")
def _softmax(self, dim, half_to_float=False):
    meta.whole_dim(dim, self.dim())
    return made(self._shape, floating(self.dtype))


@operator("_log_softmax")
def _log_softmax(self, dim, half_to_float=False):
    meta.whole_dim(dim, self.dim())
    return made(self._shape, floating(self.dtype))


@operator("_safe_softmax")
def safe_softmax(self, dim, dtype=None):
    return made(self._shape, self.dtype, like_strides(self))


@both
def softmax(input, dim=None, dtype=None, *, out=None):
    need_tensor(input, "softmax")
    input = input.to(dtype) if dtype is not None else input
    return _softmax(_floating_input(input, "softmax_kernel_impl"), dim)


@both
def log_softmax(input, dim=None, dtype=None, *, out=None):
    need_tensor(input, "log_softmax")
    input = input.to(dtype) if dtype is not None else input
    return _log_softmax(_floating_input(input, "log_softmax_kernel_impl"), dim)


def _floating_input(input, name):
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{meta.SCALAR_NAMES[input.dtype]}'")
    return input


@both
def numel(input):
    return math.prod(input._shape)


METHODS.pop("numel")
METHODS["nanmedian"] = METHODS["median"]


@method
def unique(self, sorted=True, return_inverse=False, return_counts=False, dim=None):
    from .._lacking import no_values

    raise no_values("Tensor.unique")


FUNCTIONS["unique"] = METHODS["unique"]
