"""Many numbers become one: sums, means, maxima, and what runs along a dimension."""

import functools
import math

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._public import FUNCTIONS, METHODS, both, function, named, returned
from .._tensor import Tensor, made, need_tensor
from .pointwise import floating
from .views import like_strides

ValuesAndIndices = {
    name: returned(name, "values", "indices")
    for name in ("max", "min", "sort", "topk", "median", "nanmedian", "mode", "kthvalue", "cummax", "cummin")
}


def dims_of(dim, count):
    """Which dimensions are reduced; none named means all. A single number has none, but may be asked along 0 or −1."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(count))
    dims = [meta.whole_dim(one, count) for one in (dim if isinstance(dim, (tuple, list)) else [dim])]
    for one in dims:
        if dims.count(one) > 1:
            raise RuntimeError(f"dim {one} appears multiple times in the list of dims")
    return tuple(dims) if count else ()


def _refuse_nothing(name, tensor, dim, error=RuntimeError):
    """Of no numbers none is the largest."""
    if dim is None or dim in ((), []):
        if not tensor.numel():
            more = "" if error is IndexError else " Specify the reduction dim with the 'dim' argument."
            raise error(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{more}")
        return
    for one in dims_of(dim, tensor.dim()):
        if not tensor._shape[one]:
            raise IndexError(f"{name}(): Expected reduction dim {one} to have non-zero size.")


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

    def plain(input, dim=None, keepdim=False, *, dtype=None, out=None, correction=None, unbiased=None):
        need_tensor(input, name)
        if isinstance(dim, bool) and name in ("var", "std"):
            dim = None
        if name == "mean" and not (dtype or input.dtype).is_floating_point and not input.dtype.is_complex:
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {meta.SCALAR_NAMES[input.dtype]}"
            )
        if name in ("amax", "amin"):
            _refuse_nothing(name, input, dim)
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
        _refuse_nothing(name, input, dim, IndexError)
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
        if dim is not None or name in ("max", "min"):
            _refuse_nothing(name, input, dim)
        return run(input) if dim is None else run(input, dim, keepdim)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)


for _name in ("max", "min", "median", "nanmedian"):
    _with_places(_name)


@operator("mode")
def _mode(self, dim=-1, keepdim=False):
    return ValuesAndIndices["mode"](
        reduced(self, dim, keepdim, self.dtype), reduced(self, dim, keepdim, meta.int64)
    )


@both
def mode(input, dim=-1, keepdim=False, *, out=None):
    _refuse_nothing("mode", input, dim)
    return _mode(input, dim, keepdim)


Extremes = returned("aminmax", "min", "max")


@both
def aminmax(input, *, dim=None, keepdim=False, out=None):
    return Extremes(FUNCTIONS["amin"](input, dim, keepdim), FUNCTIONS["amax"](input, dim, keepdim))


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
    at = meta.whole_dim(dim, self.dim())
    if not 0 < k <= (self._shape[at] if self.dim() else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {at}")
    return ValuesAndIndices["kthvalue"](
        reduced(self, dim, keepdim, self.dtype), reduced(self, dim, keepdim, meta.int64)
    )


@both
def kthvalue(input, k, dim=-1, keepdim=False, *, out=None):
    _refuse_nothing("kthvalue", input, dim)
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


def _running_extreme(name):
    @operator(name)
    def run(self, dim):
        meta.whole_dim(dim, self.dim())
        return ValuesAndIndices[name](made(self._shape, self.dtype), made(self._shape, meta.int64))

    def plain(input, dim, *, out=None):
        need_tensor(input, name)
        return run(input, dim)

    both(named(plain, name))


_running_extreme("cummax")
_running_extreme("cummin")


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
    if p == "nuc":
        from ..linalg import matrix_norm

        return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)
    return vector_norm_op(input, 2 if p == "fro" else p, dim, keepdim, dtype)


@operator("dist")
def _dist(self, other, p=2):
    meta.broadcast([self._shape, other._shape])
    return made((), meta.promoted(self.dtype, other.dtype))


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


@operator("quantile")
def _quantile(self, q, dim, keepdim, interpolation):
    return made((*q._shape, *reduced(self, dim, keepdim, self.dtype)._shape), self.dtype)


_BETWEEN = "linear", "lower", "higher", "midpoint", "nearest"


@both
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    need_tensor(input, "quantile")
    if not input.dtype.is_floating_point:
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if interpolation not in _BETWEEN:
        raise RuntimeError(
            f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
            f"{interpolation}"
        )
    if isinstance(q, Tensor):
        if q.dim() > 1:
            raise RuntimeError("quantile() q must be a scalar or 1D tensor")
        if q.dtype is not input.dtype:
            raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    elif not 0 <= q <= 1:
        raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q}")
    given = q if isinstance(q, Tensor) and q.dim() else made((1,), input.dtype, values=[float(q)])
    found = _quantile(input, given, dim, keepdim, interpolation)
    return found if isinstance(q, Tensor) and q.dim() else found.squeeze(0)


@both
def bincount(input, weights=None, minlength=0):
    if input.dtype.is_floating_point:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{meta.SCALAR_NAMES[input.dtype]}'")
    places = input._values("torch.bincount")
    if input.dim() != 1 or min(places, default=0) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    shares = [1] * len(places) if weights is None else weights._values("torch.bincount")
    counts = [0] * max(minlength, max(places, default=-1) + 1)
    for place, share in zip(places, shares, strict=True):
        counts[place] += share
    return made((len(counts),), meta.int64 if weights is None else weights.dtype, values=counts)


@operator("histc")
def _histc(self, bins, low, high):
    return made((bins,), self.dtype)


@both
def histc(input, bins=100, min=0, max=0, *, out=None):
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if min > max:
        raise RuntimeError("torch.histc: max must be larger than min")
    return _histc(input, bins, min, max)


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
    return _softmax(_floating_input(input, "softmax", dim), dim)


@both
def log_softmax(input, dim=None, dtype=None, *, out=None):
    need_tensor(input, "log_softmax")
    input = input.to(dtype) if dtype is not None else input
    return _log_softmax(_floating_input(input, "log_softmax", dim), dim)


def _floating_input(input, name, dim):
    at = meta.whole_dim(dim, input.dim())
    if not input.dtype.is_floating_point:
        kernel = f"{name}_lastdim_kernel_impl" if at == input.dim() - 1 else f"{name}_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{meta.SCALAR_NAMES[input.dtype]}'")
    return input


@both
def numel(input):
    return math.prod(input._shape)


METHODS.pop("numel")


def _each_once(input, name, dim, is_sorted):
    """The rows of a tensor, each once; for each row which it is; how many there are of each. As lists."""
    rows = input._values(name) if dim is None else [tuple(row._values(name)) for row in input.unbind(dim)]
    if is_sorted:
        order = sorted(set(rows))
        places = {row: place for place, row in enumerate(order)}
        which = [places[row] for row in rows]
    else:
        which = []
        for place, row in enumerate(rows):
            which.append(which[-1] + (row != rows[place - 1]) if which else 0)
    firsts = {}
    for place, one in enumerate(which):
        firsts.setdefault(one, place)
    counts = [0] * len(firsts)
    for one in which:
        counts[one] += 1
    return [firsts[one] for one in range(len(firsts))], which, counts


def _unique(name, is_sorted):
    def call(input, dim, return_inverse, return_counts):
        firsts, which, counts = _each_once(input, f"torch.{name}", dim, is_sorted)
        at = made((len(firsts),), meta.int64, values=firsts)
        flat = input.reshape(-1) if dim is None else input
        found = [flat.index_select(0 if dim is None else dim, at).detach()]
        if return_inverse:
            shape = input._shape if dim is None else (len(which),)
            found.append(made(shape, meta.int64, values=which))
        if return_counts:
            found.append(made((len(counts),), meta.int64, values=counts))
        return tuple(found) if len(found) > 1 else found[0]

    return call


_all_unique, _runs = _unique("unique", True), _unique("unique_consecutive", False)


@both
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    return _all_unique(input, dim, return_inverse, return_counts)


@both
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    return _runs(input, dim, return_inverse, return_counts)


@both
def msort(input, *, out=None):
    return _sort(input, 0).values


@both
def cov(input, *, correction=1, fweights=None, aweights=None):
    if input.dim() > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions"
        )
    if fweights is not None or aweights is not None:
        from .._lacking import lacking

        raise lacking("torch.cov with weights")
    rows = input.reshape(1, -1) if input.dim() < 2 else input
    apart = rows - rows.mean(1, True)
    found = apart @ apart.t() / max(rows._shape[1] - correction, 0)
    return found.squeeze() if input.dim() < 2 else found


@both
def corrcoef(input):
    found = cov(input)
    if not found.dim():
        return found / found
    spreads = found.diagonal().sqrt()
    return (found / spreads[:, None] / spreads[None, :]).clamp(-1, 1)


@function
def trapezoid(y, x=None, *, dx=None, dim=-1):
    size = y._shape[dim]
    means = (y.narrow(dim, 1, size - 1) + y.narrow(dim, 0, size - 1)) / 2
    if x is None:
        return (means if dx in (None, 1) else means * dx).sum(dim)
    steps = x.diff(dim=dim if x.dim() > 1 else 0)
    if x.dim() == 1:
        steps = steps.reshape([-1 if at == dim % y.dim() else 1 for at in range(y.dim())])
    return (means * steps).sum(dim)


FUNCTIONS["trapz"] = trapezoid


@function
def gradient(input, *, spacing=1, dim=None, edge_order=1):
    if edge_order != 1 or isinstance(spacing, (list, tuple, Tensor)):
        from .._lacking import lacking

        raise lacking("torch.gradient with edge_order=2 or with coordinates")
    dims = range(input.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    return tuple(_slopes(input, at, spacing) for at in dims)


def _slopes(tensor, dim, step):
    size = tensor._shape[dim]
    if size < 2:
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    steps = tensor.diff(dim=dim) / step
    first, last = steps.narrow(dim, 0, 1), steps.narrow(dim, size - 2, 1)
    middle = (steps.narrow(dim, 1, size - 2) + steps.narrow(dim, 0, size - 2)) / 2
    return FUNCTIONS["cat"]([first, middle, last], dim)


@both
def renorm(input, p, dim, maxnorm):
    rows = [place for place in range(input.dim()) if place != dim % input.dim()]
    lengths = vector_norm_op(input, p, rows, True)
    return input * FUNCTIONS["where"](lengths > maxnorm, maxnorm / (lengths + 1e-7), 1.0)
