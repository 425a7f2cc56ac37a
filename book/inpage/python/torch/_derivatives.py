"""The gradients: for each operator, how its result's gradient becomes those of its arguments; see `_tape.derivative`.

What each keeps is what PyTorch keeps (tools/autograd/derivatives.yaml): an input or a result, so that a write in place
fails where it fails there, and nowhere else.
"""

import math

from . import _metadata as meta
from ._operators import backwards
from ._operators.indexing import index_op
from ._operators.joining import constant_pad_op
from ._operators.reductions import dims_of
from ._operators.views import slice_op
from ._operators.windows import convolution
from ._public import FUNCTIONS
from ._tape import derivative, strided_gradient, summed_to, together
from ._tensor import Tensor

# value by value


def _by_input(name, slope):
    """grad · slope(input), which is kept."""

    @derivative(name)
    def formulas(keep, self, *args):
        its = keep(self)
        return (lambda grad: grad * slope(its(), *args),)


def _by_result(name, slope):
    """grad · slope(result), which is kept."""

    @derivative(name)
    def formulas(keep, self, *args):
        result = keep.result()
        return (lambda grad: grad * slope(result(), *args),)


for _name, _slope in {
    "abs": lambda x: x.sign(),
    "log": lambda x: 1 / x,
    "log2": lambda x: 1 / (x * math.log(2)),
    "log10": lambda x: 1 / (x * math.log(10)),
    "log1p": lambda x: 1 / (x + 1),
    "sin": lambda x: x.cos(),
    "cos": lambda x: -x.sin(),
    "erf": lambda x: (-(x * x)).exp() * (2 / math.sqrt(math.pi)),
    "silu": lambda x: x.sigmoid() * (1 + x * (1 - x.sigmoid())),
    "gelu": lambda x, approximate="none": _gelu_slope(x, approximate),
    "clamp_min": lambda x, low: x >= low,
    "hardswish": lambda x: FUNCTIONS["where"](x > 3, 1.0, (x / 3 + 0.5) * (x > -3)),
    "hardsigmoid": lambda x: ((x > -3) & (x < 3)) / 6,
    "softplus": lambda x, beta=1, threshold=20: (
        FUNCTIONS["where"](x * beta > threshold, 1.0, (x * beta).sigmoid())
    ),
    "log_sigmoid_forward": lambda x: (-x).sigmoid(),
    "mish": lambda x: _mish_slope(x),
}.items():
    _by_input(_name, _slope)

for _name, _slope in {
    "exp": lambda y: y,
    "exp2": lambda y: y * math.log(2),
    "expm1": lambda y: y + 1,
    "sqrt": lambda y: 0.5 / y,
    "rsqrt": lambda y: -0.5 * y**3,
    "reciprocal": lambda y: -y * y,
    "tan": lambda y: 1 + y * y,
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: (1 - y) * y,
}.items():
    _by_result(_name, _slope)


def _gelu_slope(x, approximate):
    if approximate == "tanh":
        root = math.sqrt(2 / math.pi)
        inner = (root * (x + 0.044715 * x**3)).tanh()
        return 0.5 * (1 + inner) + 0.5 * x * (1 - inner * inner) * root * (1 + 3 * 0.044715 * x * x)
    return 0.5 * (1 + (x / math.sqrt(2)).erf()) + x * (-0.5 * x * x).exp() / math.sqrt(2 * math.pi)


def _mish_slope(x):
    inner = x.exp().log1p().tanh()
    return inner + x * x.sigmoid() * (1 - inner * inner)


def _between(x, low, high):
    if low is None or high is None:
        return x >= low if high is None else x <= high
    return (x >= low) & (x <= high)


@derivative("clamp")
def _clamp(keep, self, low=None, high=None):
    its, lows, highs = keep(self), keep(low), keep(high)

    def by_low(grad):
        below = its() < lows() if highs() is None else (its() < lows()) & (lows() < highs())
        return grad * below

    def by_high(grad):
        above = its() > highs() if lows() is None else (its() > highs()) | (lows() > highs())
        return grad * above

    return lambda grad: grad * _between(its(), lows(), highs()), by_low, by_high


@derivative("fill_diagonal")
def _fill_diagonal(keep, self, value, wrap=False):
    return (lambda grad: grad.clone().fill_diagonal_(0, wrap),)


@derivative("hardtanh")
def _hardtanh(keep, self, low=-1.0, high=1.0):
    its = keep(self)
    return (lambda grad: grad * ((its() > low) & (its() < high)),)


@derivative("relu")
def _relu(keep, self):
    result = keep.result()
    return (lambda grad: backwards.threshold(grad, result(), 0),)


@derivative("leaky_relu")
def _leaky_relu(keep, self, slope=0.01):
    its = keep(self)
    return (lambda grad: FUNCTIONS["where"](its() > 0, grad, grad * slope),)


@derivative("elu")
def _elu(keep, self, alpha=1.0, scale=1.0):
    its = keep(self)
    return (lambda grad: FUNCTIONS["where"](its() > 0, grad * scale, grad * its().exp() * (alpha * scale)),)


@derivative("ceil", "floor", "round", "trunc", "sign", "fill", "zero", "normal", "uniform", "bernoulli", "exponential")
def _flat(keep, self, *args):
    return (lambda grad: grad * 0,)


@derivative("neg")
def _neg(keep, self):
    return (lambda grad: -grad,)


@derivative("positive", "alias", "clone", "expand", "_to_copy", "broadcast_to")
def _same(keep, self, *args):  # shape and type are put right where the gradient arrives
    return (lambda grad: grad,)


@derivative("add")
def _add(keep, self, other, alpha=1):
    return lambda grad: grad, lambda grad: grad if alpha == 1 else grad * alpha


@derivative("sub")
def _sub(keep, self, other, alpha=1):
    return lambda grad: grad, lambda grad: grad * -alpha


@derivative("rsub")
def _rsub(keep, self, other):
    return lambda grad: -grad, lambda grad: grad


@derivative("mul")
def _mul(keep, self, other, alpha=1):
    its, others = keep(self, other), keep(other, self) if isinstance(other, Tensor) else keep.number(other)
    return lambda grad: grad * others(), lambda grad: grad * its()


@derivative("div")
def _div(keep, self, other, alpha=1):
    its, others = keep(self, other), keep(other) if isinstance(other, Tensor) else keep.number(other)
    return lambda grad: grad / others(), lambda grad: -grad * (its() / others()) / others()


@derivative("remainder", "fmod")
def _remainder(keep, self, other, alpha=1):
    its, others = keep(self, other), keep(other, other)
    return lambda grad: grad, lambda grad: -grad * (its() / others()).floor()


@derivative("pow")
def _pow(keep, self, exponent):
    if not isinstance(exponent, Tensor):
        its = keep(self)
        if exponent == 0:
            return (lambda grad: grad * 0,)
        return (lambda grad: grad * (exponent * its() ** (exponent - 1)),)
    its, power, result = keep(self), keep(exponent), keep.result()
    where = FUNCTIONS["where"]
    return (
        lambda grad: where(power() == 0, 0.0, grad * (power() * its() ** (power() - 1))),
        lambda grad: grad * where((its() == 0) & (power() >= 0), 0.0, result() * its().log()),
    )


def _larger(name, beats):
    @derivative(name)
    def formulas(keep, self, other, alpha=1):
        its, others = keep(self), keep(other)

        def share(one, another):  # of two that are equal, each has half
            return beats(one, another) + (one == another) * 0.5

        return lambda grad: grad * share(its(), others()), lambda grad: grad * share(others(), its())


_larger("maximum", lambda one, other: one > other)
_larger("minimum", lambda one, other: one < other)


@derivative("atan2")
def _atan2(keep, self, other, alpha=1):
    its, others = keep(self), keep(other)

    def over(grad):
        return grad / (its() ** 2 + others() ** 2)

    return lambda grad: over(grad) * others(), lambda grad: -over(grad) * its()


@derivative("where")
def _where(keep, condition, self, other):
    chosen, where = keep(condition), FUNCTIONS["where"]
    return None, lambda grad: where(chosen(), grad, 0.0), lambda grad: where(chosen(), 0.0, grad)


@derivative("masked_fill")
def _masked_fill(keep, self, mask, value):
    covered = keep(mask)
    return lambda grad: grad.masked_fill(covered(), 0), None, lambda grad: (grad * covered()).sum()


@derivative("addcmul")
def _addcmul(keep, self, one, other, value=1):
    ones, others = keep(one, other), keep(other, one)
    return lambda grad: grad, lambda grad: grad * others() * value, lambda grad: grad * ones() * value


@derivative("addcdiv")
def _addcdiv(keep, self, one, other, value=1):
    ones, others = keep(one, other), keep(other)
    return (
        lambda grad: grad,
        lambda grad: grad * value / others(),
        lambda grad: -grad * value * ones() / (others() * others()),
    )


@derivative("lerp")
def _lerp(keep, self, end, weight, value=1):
    its, ends, weights = keep(self, weight), keep(end, weight), keep(weight)
    return (
        lambda grad: grad * (1 - weights()),
        lambda grad: grad * weights(),
        lambda grad: grad * (ends() - its()),
    )


@derivative("copy")
def _copy(keep, self, src):
    return lambda grad: FUNCTIONS["zeros_like"](grad), lambda grad: grad


# many numbers become one


def _spread(grad, shape, dim, keepdim):
    """A reduced gradient with its dimensions back, of size one."""
    if keepdim or not shape:
        return grad
    dims = dims_of(dim, len(shape))
    return grad.reshape([1 if place in dims else size for place, size in enumerate(shape)])


def _count(shape, dim):
    return math.prod(shape[place] for place in dims_of(dim, len(shape)))


@derivative("sum")
def _sum(keep, self, dim=None, keepdim=False, dtype=None):
    shape = self._shape
    return (lambda grad: _spread(grad, shape, dim, keepdim).expand(shape),)


@derivative("mean")
def _mean(keep, self, dim=None, keepdim=False, dtype=None):
    shape = self._shape
    return (lambda grad: _spread(grad, shape, dim, keepdim).expand(shape) / _count(shape, dim),)


@derivative("prod")
def _prod(keep, self, dim=None, keepdim=False, dtype=None):
    its = keep(self)

    def formula(grad):
        x = its()
        others = _others(x.reshape(-1), 0).view(x._shape) if dim is None else _others(x, dim)
        return _spread(grad, x._shape, dim, keepdim) * others

    return (formula,)


def _others(x, dim):
    """For each number the product of all others along a dimension, zeros among them or not."""
    if not x.dim() or not x.numel():
        return FUNCTIONS["ones_like"](x)

    def before(row):
        return FUNCTIONS["cat"]([FUNCTIONS["ones_like"](row.narrow(dim, 0, 1)), row.narrow(dim, 0, last)], dim)

    last = x._shape[dim] - 1
    return before(x).cumprod(dim) * before(x.flip(dim)).cumprod(dim).flip(dim)


@derivative("var")
def _var(keep, self, dim=None, keepdim=False, dtype=None, correction=1):
    its = keep(self)
    return (lambda grad: _var_slope(its(), dim, correction) * _spread(grad, its()._shape, dim, keepdim),)


@derivative("std")
def _std(keep, self, dim=None, keepdim=False, dtype=None, correction=1):
    its, result = keep(self), keep.result()

    def formula(grad):
        spread = (grad / (result() * 2)).masked_fill(result() == 0, 0)
        return _var_slope(its(), dim, correction) * _spread(spread, its()._shape, dim, keepdim)

    return (formula,)


def _var_slope(x, dim, correction):
    apart, freedom = x - x.mean(dim, True), _count(x._shape, dim) - correction
    if freedom <= 0:
        return FUNCTIONS["where"](apart == 0, math.nan, math.inf)
    return apart * (2 / freedom)


@derivative("logsumexp")
def _logsumexp(keep, self, dim=None, keepdim=False, dtype=None):
    its, result = keep(self), keep.result()

    def formula(grad):
        shape = its()._shape
        return _spread(grad, shape, dim, keepdim) * (its() - _spread(result(), shape, dim, keepdim)).exp()

    return (formula,)


@derivative("linalg_vector_norm")
def _vector_norm(keep, self, ord=2, dim=None, keepdim=False, dtype=None):
    its, result = keep(self), keep.result()

    def formula(grad):
        x, length = its(), _spread(result(), its()._shape, dim, keepdim)
        grad = _spread(grad, x._shape, dim, keepdim)
        if ord == 1:
            return grad * x.sign()
        if math.isinf(ord):
            at = x.abs() == length
            return grad * x.sign() * at / at.sum(dim, True)
        scaled = x if ord == 2 else x * x.abs() ** (ord - 2)
        return (grad * scaled / length ** (ord - 1)).masked_fill(length == 0, 0)

    return (formula,)


@derivative("amax", "amin")
def _extreme(keep, self, dim=None, keepdim=False, dtype=None):
    its, result = keep(self), keep.result()
    return (lambda grad: _shared(grad, its(), result(), dim, keepdim),)


def _shared(grad, x, extreme, dim, keepdim):
    """Where several are the largest, each has its share."""
    at = x == _spread(extreme, x._shape, dim, keepdim)
    return _spread(grad, x._shape, dim, keepdim) * at / at.sum(dim, True)


@derivative("max", "min", "mode", "median")
def _with_places(keep, self, dim=None, keepdim=False):
    if dim is None:
        its, result = keep(self), keep.result()
        return (lambda grad: _shared(grad, its(), result(), None, False),)
    shape, places = self._shape, keep.result(1, "indices")

    def formula(grad, *_):
        at = _spread(places(), shape, dim, keepdim)
        return _scattered(_spread(grad, shape, dim, keepdim), shape, dim, at)

    return (formula,)


def _scattered(grad, shape, dim, at):
    return grad.new_zeros(shape).scatter_add(dim, at, grad) if shape else grad


@derivative("sort", "topk")
def _ordered(keep, self, *args):
    shape, places = self._shape, keep.result(1, "indices")
    given = [arg for arg in args if not isinstance(arg, bool)]  # topk's are (k, dim, …), sort's (dim, …)
    return (lambda grad, *_: _scattered(grad, shape, given[-1] if given else -1, places()),)


@derivative("cumsum")
def _cumsum(keep, self, dim, dtype=None):
    return (lambda grad: grad.flip(dim).cumsum(dim).flip(dim),)


@derivative("_softmax")
def _softmax(keep, self, dim, half_to_float=False):
    result = keep.result()
    return (lambda grad: _softmax_slope(grad, result(), dim),)


derivative("_safe_softmax")(_softmax)


def _softmax_slope(grad, y, dim):
    scaled = grad * y
    return scaled - y * scaled.sum(dim, True)


@derivative("_log_softmax")
def _log_softmax(keep, self, dim, half_to_float=False):
    result = keep.result()
    return (lambda grad: grad - result().exp() * grad.sum(dim, True),)


# other ways to look at the same memory, and copies of it in another order


@derivative("view", "_unsafe_view", "squeeze", "unsqueeze")
def _reshaped(keep, self, *args):
    shape = self._shape
    return (lambda grad: grad.reshape(shape),)


@derivative("permute")
def _permute(keep, self, dims):
    count = self.dim()
    order = [dim % max(count, 1) for dim in dims]
    return (lambda grad: grad.permute([order.index(dim) for dim in range(count)]),)


@derivative("transpose")
def _transpose(keep, self, dim0, dim1):
    return (lambda grad: grad.transpose(dim0, dim1),)


@derivative("t")
def _t(keep, self):
    return (lambda grad: grad.t(),)


def _in_zeros(grad, shape, part):
    """The gradient of a part: zero everywhere else."""
    whole = grad.new_zeros(shape)
    part(whole).copy_(grad)
    return whole


@derivative("select")
def _select(keep, self, dim, index):
    shape = self._shape
    return (lambda grad: _in_zeros(grad, shape, lambda whole: whole.select(dim, index)),)


@derivative("slice")
def _slice(keep, self, dim=0, start=None, end=None, step=1):
    shape = self._shape
    return (lambda grad: _in_zeros(grad, shape, lambda whole: slice_op(whole, dim, start, end, step)),)


@derivative("diagonal")
def _diagonal(keep, self, *args):
    shape = self._shape
    return (lambda grad: _in_zeros(grad, shape, lambda whole: whole.diagonal(*args)),)


@derivative("as_strided")
def _as_strided(keep, self, size, stride, storage_offset=None):
    base = self._shape, self._strides
    offset = 0 if storage_offset is None else storage_offset - self._offset
    return (lambda grad: strided_gradient(grad, *base, size, stride, offset),)


@derivative("split", "split_with_sizes")
def _split(keep, self, sizes, dim=0):
    shape, dim = self._shape, meta.whole_dim(dim, self.dim())
    if isinstance(sizes, int):
        sizes = [min(sizes, shape[dim] - start) for start in range(0, shape[dim], sizes)]

    def formula(*grads):
        known = next(grad for grad in grads if grad is not None)
        parts = [
            known.new_zeros((*shape[:dim], size, *shape[dim + 1 :])) if grad is None else grad
            for grad, size in zip(grads, sizes, strict=True)
        ]
        return FUNCTIONS["cat"](parts, dim)

    return (formula,)


@derivative("unbind")
def _unbind(keep, self, dim=0):
    def formula(*grads):
        known = next(grad for grad in grads if grad is not None)
        return FUNCTIONS["stack"]([known.new_zeros(known._shape) if grad is None else grad for grad in grads], dim)

    return (formula,)


@derivative("repeat")
def _repeat(keep, self, repeats):
    shape = (1,) * (len(repeats) - self.dim()) + tuple(self._shape)
    its = self._shape

    def formula(grad):
        pairs = [size for pair in zip(repeats, shape, strict=True) for size in pair]
        return grad.reshape(pairs).sum(list(range(0, len(pairs), 2))).reshape(its)

    return (formula,)


@derivative("flip")
def _flip(keep, self, dims):
    return (lambda grad: grad.flip(*dims),)


@derivative("roll")
def _roll(keep, self, shifts, dims=None):
    back = [-shift for shift in shifts] if isinstance(shifts, (tuple, list)) else -shifts
    return (lambda grad: grad.roll(back, dims),)


@derivative("tril")
def _tril(keep, self, diagonal=0):
    return (lambda grad: grad.tril(diagonal),)


@derivative("triu")
def _triu(keep, self, diagonal=0):
    return (lambda grad: grad.triu(diagonal),)


@derivative("cat")
def _cat(keep, tensors, dim=0):
    dim = meta.whole_dim(dim, max(tensor.dim() for tensor in tensors))
    sizes = [0 if tuple(tensor._shape) == (0,) else tensor._shape[dim] for tensor in tensors]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    whole = [tuple(tensor._shape) != (0,) for tensor in tensors]  # what has nothing joins whatever shape

    def formula(grad):
        return [
            grad.narrow(dim, start, size) if joins else grad.new_zeros(0)
            for start, size, joins in zip(starts, sizes, whole, strict=True)
        ]

    return (formula,)


@derivative("stack")
def _stack(keep, tensors, dim=0):
    return (lambda grad: list(grad.unbind(dim)),)


@derivative("constant_pad_nd")
def _constant_pad(keep, self, pad, value=0):
    return (lambda grad: constant_pad_op(grad, [-size for size in pad]),)


# picked out by numbers


@derivative("index")
def _index(keep, self, indices):
    shape, places = self._shape, [None if one is None else keep(one) for one in indices]

    def formula(grad):
        at = [None if one is None else one() for one in places]
        return grad.new_zeros(shape).index_put_(at, grad, accumulate=True)

    return (formula,)


@derivative("index_put")
def _index_put(keep, self, indices, values, accumulate=False):
    places = [None if one is None else keep(one) for one in indices]
    shape = values._shape

    def at():
        return [None if one is None else one() for one in places]

    def kept(grad):
        return grad if accumulate else grad.clone().index_put_(at(), grad.new_zeros(()))

    return kept, None, lambda grad: summed_to(index_op(grad, at()), shape)


@derivative("index_select")
def _index_select(keep, self, dim, index):
    shape, places = self._shape, keep(index)
    return (lambda grad: grad.new_zeros(shape).index_add_(dim, places(), grad),)


@derivative("gather")
def _gather(keep, self, dim, index):
    shape, places = self._shape, keep(index)
    return (lambda grad: _scattered(grad, shape, dim, places()),)


@derivative("scatter")
def _scatter(keep, self, dim, index, src):
    places = keep(index)
    return (
        lambda grad: grad.scatter(dim, places(), 0),
        None,
        None,
        lambda grad: grad.gather(dim, places()),
    )


@derivative("scatter_add")
def _scatter_add(keep, self, dim, index, src):
    places = keep(index)
    return lambda grad: grad, None, None, lambda grad: grad.gather(dim, places())


@derivative("index_add")
def _index_add(keep, self, dim, index, source):
    places = keep(index)
    return lambda grad: grad, None, None, lambda grad: grad.index_select(dim, places())


@derivative("embedding")
def _embedding(keep, weight, indices, padding_idx=-1):
    shape, places = weight._shape, keep(indices)

    def formula(grad):
        at, rows = places().reshape(-1), grad.reshape(-1, *shape[1:])
        if padding_idx >= 0:
            rows = rows.masked_fill((at == padding_idx).reshape(-1, *[1] * (len(shape) - 1)), 0)
        return grad.new_zeros(shape).index_add_(0, at, rows)

    return (formula,)


# products


@derivative("mm")
def _mm(keep, self, mat2):
    its, others = keep(self, mat2), keep(mat2, self)
    return lambda grad: grad.mm(others().t()), lambda grad: its().t().mm(grad)


@derivative("addmm")
def _addmm(keep, self, mat1, mat2, beta=1, alpha=1):
    one, two = keep(mat1, mat2), keep(mat2, mat1)
    return (
        lambda grad: grad if beta == 1 else grad * beta,
        lambda grad: _times(grad.mm(two().t()), alpha),
        lambda grad: _times(one().t().mm(grad), alpha),
    )


def _times(tensor, factor):
    return tensor if factor == 1 else tensor * factor


@derivative("bmm")
def _bmm(keep, self, mat2):
    its, others = keep(self, mat2), keep(mat2, self)
    return lambda grad: grad.bmm(others().transpose(1, 2)), lambda grad: its().transpose(1, 2).bmm(grad)


@derivative("baddbmm")
def _baddbmm(keep, self, batch1, batch2, beta=1, alpha=1):
    one, two = keep(batch1, batch2), keep(batch2, batch1)
    return (
        lambda grad: _times(grad, beta),
        lambda grad: _times(grad.bmm(two().transpose(1, 2)), alpha),
        lambda grad: _times(one().transpose(1, 2).bmm(grad), alpha),
    )


@derivative("mv")
def _mv(keep, self, vec):
    its, others = keep(self, vec), keep(vec, self)
    return lambda grad: grad[:, None] * others(), lambda grad: its().t().mv(grad)


@derivative("dot")
def _dot(keep, self, tensor):
    its, others = keep(self, tensor), keep(tensor, self)
    return lambda grad: grad * others(), lambda grad: grad * its()


# windows


@derivative("convolution")
def _convolution(keep, self, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    x, w = keep(self, name="input"), keep(weight, name="weight")

    @together
    def formula(wanted, grad):
        asked = [place in wanted for place in range(3)]
        window = stride, padding, dilation, transposed, output_padding, groups
        return backwards.convolution(grad, x(), w(), *window, asked)

    return formula


@derivative("convolution_backward")
def _convolution_twice(
    keep, grad, input, weight, stride, padding, dilation, transposed, output_padding, groups, output_mask
):
    """What a convolution's gradients are made of is convolved, too: each is linear in both that it is made of."""
    given, x, w = keep(grad), keep(input), keep(weight)
    window = stride, padding, dilation, transposed, output_padding, groups

    @together
    def formula(wanted, by_input, by_weight, by_bias):
        found, its, weights = [None, None, None], x(), w()
        parts = []
        if by_input is not None:
            parts.append(convolution(by_input, weights, None, *window))
            found[2] = backwards.convolution(given(), by_input, weights, *window, [False, True, False])[1]
        if by_weight is not None:
            parts.append(convolution(its, by_weight, None, *window))
            found[1] = backwards.convolution(given(), its, by_weight, *window, [True, False, False])[0]
        if by_bias is not None:
            parts.append(by_bias.reshape(1, -1, *[1] * len(stride)).expand(given()._shape))
        found[0] = sum(parts[1:], parts[0]) if parts else None
        return found

    return formula


@derivative("max_pool2d_with_indices")
def _max_pool(keep, self, kernel_size, stride, padding=0, dilation=1, ceil_mode=False):
    its, places = keep(self), keep.result(1, "indices")
    return (lambda grad, *_: backwards.max_pool2d(grad, its(), places()),)


@derivative("avg_pool2d")
def _average_pool(keep, self, *window):
    its = keep(self)
    return (lambda grad: backwards.avg_pool2d(grad, its(), *window),)


@derivative("_adaptive_avg_pool2d")
def _adaptive_pool(keep, self, output_size):
    its = keep(self)
    return (lambda grad: backwards.adaptive_avg_pool2d(grad, its()),)


def _upsampling(name, nearest):
    @derivative(name)
    def formulas(keep, self, output_size, align_corners=False, scales=None):
        its = keep(self)
        pairs = zip(self._shape[2:], scales, output_size, strict=True) if scales else ()
        if any(size * scale != now for size, scale, now in pairs):
            return (lambda grad: _by_factors(grad, its(), nearest, output_size, align_corners, scales),)
        return (lambda grad: backwards.upsample(grad, its(), nearest, align_corners),)


def _by_factors(grad, x, nearest, *args):
    from ._composed import resizing
    from ._composed.steps import gradients

    return gradients(resizing.nearest if nearest else resizing.smooth, [x, *args], {}, [grad])[0]


_upsampling("upsample_nearest2d", True)
_upsampling("upsample_bilinear2d", False)


# normalizations


@derivative("native_batch_norm")
def _batch_norm(keep, self, weight, bias, running_mean, running_var, training, momentum, eps):
    x, w = keep(self, name="input"), keep(weight, name="weight")
    fresh = keep.result(1, "save_mean"), keep.result(2, "save_invstd")
    running = [keep(value) for value in (running_mean, running_var)]

    @together
    def formula(wanted, grad, *_):
        mean, spread = (one() for one in (fresh if training else running))
        return backwards.batch_norm(grad, x(), w(), mean, spread, training, eps)

    return formula


@derivative("native_layer_norm")
def _layer_norm(keep, self, normalized_shape, weight, bias, eps):
    x, w = keep(self, name="input"), keep(weight, name="weight")
    mean, spread = keep.result(1), keep.result(2)
    inner = list(range(self.dim() - len(normalized_shape), self.dim()))
    outer = list(range(inner[0]))

    @together
    def formula(wanted, grad, *_):
        normed = (x() - mean()) * spread()
        scaled = grad if w() is None else grad * w()
        own = (scaled - scaled.mean(inner, True) - normed * (scaled * normed).mean(inner, True)) * spread()
        by_weight = (grad * normed).sum(outer) if outer else grad * normed
        return own, None, by_weight, grad.sum(outer) if outer else grad

    return formula


@derivative("native_group_norm")
def _group_norm(keep, self, weight, bias, N, C, HxW, group, eps):
    x, w = keep(self, name="input"), keep(weight, name="weight")
    mean, spread = keep.result(1), keep.result(2)
    shape = self._shape

    @together
    def formula(wanted, grad, *_):
        grouped = (N, group, C // group * HxW)
        by_channel = [1, C, *[1] * (len(shape) - 2)]
        normed = (x().reshape(grouped) - mean()[..., None]) * spread()[..., None]
        scaled = (grad if w() is None else grad * w().reshape(by_channel)).reshape(grouped)
        own = (scaled - scaled.mean(2, True) - normed * (scaled * normed).mean(2, True)) * spread()[..., None]
        others = [0, *range(2, len(shape))]
        return own.reshape(shape), (grad * normed.reshape(shape)).sum(others), grad.sum(others)

    return formula


# losses


@derivative("nll_loss_forward")
def _nll(keep, self, target, weight, reduction, ignore_index):
    its, right, w, total = keep(self), keep(target), keep(weight), keep.result(1, "total_weight")
    return (lambda grad, *_: backwards.nll_loss(grad, its(), right(), w(), reduction, ignore_index, total()),)


def _reduced(grad, reduction, count):
    """What arrives at each number of a loss that was averaged (1), summed (2) or left as it was (0)."""
    return grad / count if reduction == 1 else grad


@derivative("mse_loss")
def _mse(keep, self, target, reduction=1):
    its, right = keep(self), keep(target)

    def formula(grad):
        apart = its() - right()
        return 2 * apart * _reduced(grad, reduction, apart.numel())

    return formula, lambda grad: -formula(grad)
