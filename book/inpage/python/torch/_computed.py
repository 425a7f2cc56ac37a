"""What each operator's numbers are, in terms of the few functions that compute: see `_numbers`."""

import math

from . import _metadata as meta
from . import _numbers
from ._numbers import Unknown, computes, kind_of, numbers
from ._operators.reductions import dims_of
from ._tensor import Tensor

_ONE = (
    "abs ceil floor trunc sign neg relu exp expm1 log log1p log2 log10 sqrt rsqrt reciprocal sin cos tan tanh sigmoid "
    "silu positive round isnan isfinite isinf logical_not"
)
_TWO = (
    "add sub rsub mul div pow floor_divide remainder fmod maximum minimum atan2 eq ne lt le gt ge logical_and "
    "logical_or logical_xor bitwise_and bitwise_or bitwise_xor"
)
_MANY = "sum prod mean var std amax amin all any count_nonzero argmax argmin"


def _engine():
    return _numbers.engine


def _kind(dtype):
    kind = kind_of(dtype)
    if not _engine().holds(kind):
        raise Unknown
    return kind


def _operand(value, target, common):
    """A tensor's numbers up to the result's shape; of a single number, that alone, as the common type holds it."""
    if not isinstance(value, Tensor):
        return _engine().of(_kind(common), [value])
    return numbers(value) if value.numel() == 1 else numbers(value, target._shape)


# value by value


def _one_operand(name):
    @computes(name)
    def compute(target, self, **options):
        return _engine().unary(name, _kind(target.dtype), numbers(self))


for _name in _ONE.split():
    _one_operand(_name)


def _two_operands(name):
    @computes(name)
    def compute(target, self, other, alpha=1):
        common = meta.result_type(
            [
                (value.dim(), value.dtype) if isinstance(value, Tensor) else (None, meta.type_of_scalar(value))
                for value in (self, other)
            ]
        )
        if name in ("div", "atan2") and not common.is_floating_point:
            common = meta.default_type()
        one, another = _operand(self, target, common), _operand(other, target, common)
        if alpha != 1:
            another = _engine().binary("mul", _kind(common), another, _operand(alpha, target, common), another.length)
        return _engine().binary(name, _kind(target.dtype), one, another, target.numel())


for _name in _TWO.split():
    _two_operands(_name)


@computes("bitwise_not")
def _bitwise_not(target, self):
    if self.dtype is meta.bool_:
        return _engine().unary("logical_not", "bool", numbers(self))
    return _engine().binary("rsub", _kind(target.dtype), numbers(self), _engine().of("float64", [-1]), self.numel())


@computes("clamp")
def _clamp(target, self, min=None, max=None):
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        raise Unknown
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    return _engine().clamped(_kind(target.dtype), numbers(self), low, high)


@computes("clamp_min")
def _clamp_min(target, self, min):
    return _clamp(target, self, min)


@computes("hardtanh")
def _hardtanh(target, self, min=-1.0, max=1.0):
    return _clamp(target, self, min, max)


@computes("leaky_relu")
def _leaky_relu(target, self, slope=0.01):
    return _engine().leaky(_kind(target.dtype), numbers(self), slope)


@computes("where")
def _where(target, condition, self, other):
    given = [_operand(value, target, target.dtype) for value in (condition, self, other)]
    return _engine().chosen(_kind(target.dtype), *given, target.numel())


@computes("masked_fill")
def _masked_fill(target, self, mask, value):
    return _where(target, mask, value, self)


# made of nothing, or copied


@computes("zeros", "zeros_like", "new_zeros", "zero", "empty", "empty_like", "new_empty")
def _zeros(target, *given, **options):
    return _engine().filled(_kind(target.dtype), target.numel(), 0)


@computes("ones", "ones_like", "new_ones")
def _ones(target, *given, **options):
    return _engine().filled(_kind(target.dtype), target.numel(), 1)


@computes("full", "full_like", "fill")
def _full(target, like, value, dtype=None):
    value = value.item() if isinstance(value, Tensor) else value
    return _engine().filled(_kind(target.dtype), target.numel(), value)


@computes("eye")
def _eye(target, n, m, dtype=None):
    values = [float(row == column) for row in range(n) for column in range(m)]
    return _engine().of(_kind(target.dtype), values)


def _single(target):
    if target.dtype is not meta.float32:
        raise Unknown
    return target.numel()


@computes("rand", "rand_like", "new_rand")
def _rand(target, *given, **options):
    return _engine().uniform(_single(target), 0, 1)


@computes("uniform")
def _uniform(target, self, low=0.0, high=1.0):
    return _engine().uniform(_single(target), low, high)


@computes("randn", "randn_like", "new_randn")
def _randn(target, *given, **options):
    return _engine().normal(_single(target), 0, 1)


@computes("normal_")
def _normal(target, self, mean=0.0, std=1.0):
    return _engine().normal(_single(target), mean, std)


@computes("randint")
def _randint(target, low, high, size, dtype=None):
    return _engine().below(target.numel(), low, high)


@computes("randperm")
def _randperm(target, n, dtype=None):
    return _engine().shuffled(n)


@computes("clone", "_to_copy")
def _copied(target, self, *given, **options):
    source = self.dtype
    if source is target.dtype and _numbers.is_whole(self) and _numbers.is_whole(target):
        target._storage.values = _numbers.copied(self._storage.values)  # as it lies there, were it seen as bytes
        return ()
    if source is target.dtype:
        return numbers(self).slice()
    if target.dtype is meta.bool_:
        return _engine().binary("ne", "bool", numbers(self), _engine().of("float64", [0]), self.numel())
    whole = source.is_floating_point and not target.dtype.is_floating_point
    return _engine().unary("trunc" if whole else "positive", _kind(target.dtype), numbers(self))


@computes("copy_")
def _copy(target, self, src):
    kind = "trunc" if src.dtype.is_floating_point and not target.dtype.is_floating_point else "positive"
    return _engine().unary(kind, _kind(target.dtype), numbers(src, target._shape))


# joined and picked out


@computes("cat")
def _cat(target, tensors, dim=0):
    whole = [tensor for tensor in tensors if tuple(tensor._shape) != (0,)] or list(tensors)
    at = meta.whole_dim(dim, target.dim())
    sizes = [math.prod(tensor._shape[at:]) for tensor in whole]
    return _engine().joined(
        _kind(target.dtype), [numbers(tensor) for tensor in whole], math.prod(target._shape[:at]), sizes
    )


# many numbers become one


def _rows(self, dim):
    """The numbers with the dimensions that are reduced last: (numbers, rows, numbers in each)."""
    dims = dims_of(dim, self.dim())
    rest = [place for place in range(self.dim()) if place not in dims]
    order = [*rest, *dims]
    memory = self._storage.values
    if memory is None or isinstance(memory, list):
        raise Unknown
    shape, strides = [self._shape[place] for place in order], [self._strides[place] for place in order]
    count = math.prod(self._shape[place] for place in dims)
    return _engine().laid(memory, self._offset, shape, strides), math.prod(self._shape[place] for place in rest), count


def _reduction(name):
    @computes(name)
    def compute(target, self, dim=None, keepdim=False, dtype=None, correction=1):
        return _engine().reduced(name, _kind(target.dtype), *_rows(self, dim), correction)


for _name in _MANY.split():
    _reduction(_name)


def _with_places(name):
    @computes(name)
    def compute(target, self, dim=None, keepdim=False):
        rows = _rows(self, dim)
        if not rows[2]:
            raise Unknown
        return tuple(
            _engine().reduced(f"{part}{name}", kind, *rows, 0)
            for part, kind in (("a", _kind(target.dtype)), ("arg", "int64"))
        )


_with_places("max")
_with_places("min")


def _soft(name, logarithmic):
    @computes(name)
    def compute(target, self, dim, half_to_float=False):
        if self.dim() and meta.whole_dim(dim, self.dim()) != self.dim() - 1:
            raise Unknown
        count = self._shape[-1] if self.dim() else 1
        return _engine().softmax(_kind(target.dtype), numbers(self), self.numel() // count, count, logarithmic)


_soft("_softmax", False)
_soft("_log_softmax", True)


# products and windows


@computes("mm")
def _mm(target, self, mat2):
    return _engine().products(
        _kind(target.dtype), numbers(self), numbers(mat2), 1, self._shape[0], self._shape[1], mat2._shape[1]
    )


@computes("bmm")
def _bmm(target, self, mat2):
    count, rows, inner = self._shape
    return _engine().products(
        _kind(target.dtype), numbers(self), numbers(mat2), count, rows, inner, mat2._shape[2]
    )


@computes("addmm")
def _addmm(target, self, mat1, mat2, beta=1, alpha=1):
    if (beta, alpha) != (1, 1):
        raise Unknown
    kind = _kind(target.dtype)
    return _engine().binary("add", kind, numbers(self, target._shape), _mm(target, mat1, mat2), target.numel())


@computes("dot")
def _dot(target, self, tensor):
    return _engine().products(_kind(target.dtype), numbers(self), numbers(tensor), 1, 1, self.numel(), 1)


@computes("mv")
def _mv(target, self, vec):
    return _engine().products(_kind(target.dtype), numbers(self), numbers(vec), 1, *self._shape, 1)


@computes("convolution")
def _convolution(target, self, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    same = all(len(set(pair)) == 1 for pair in (stride, padding, dilation, weight._shape[2:]))
    if transposed or len(stride) != 2 or not same or self.dtype is not meta.float32:
        raise Unknown
    window = {"stride": stride[0], "padding": padding[0], "dilation": dilation[0]}
    given = None if bias is None else numbers(bias)
    return _engine().convolved(
        numbers(self), list(self._shape), numbers(weight), list(weight._shape[:3]), given, window, groups
    )


@computes("native_batch_norm")
def _batch_norm(target, self, weight, bias, running_mean, running_var, training, momentum, eps):
    samples, channels, inner = self._shape[0], self._shape[1], math.prod(self._shape[2:])
    x = numbers(self)
    weight, bias = (None if given is None else numbers(given) for given in (weight, bias))
    if not training:
        mean, variance = numbers(running_mean), numbers(running_var)
        return (_engine().normed(x, channels, inner, mean, variance, weight, bias, eps),)
    mean, variance = _engine().moments(x, samples, channels, inner)
    count = samples * inner
    for running, fresh, factor in ((running_mean, mean, 1), (running_var, variance, count / max(count - 1, 1))):
        if running is not None:
            _numbers.store(running, _engine().mixed(numbers(running), momentum, fresh, factor))
    kept = _engine().unary("rsqrt", "float64", _engine().binary("add", "float64", variance, _of(eps), channels))
    return _engine().normed(x, channels, inner, mean, variance, weight, bias, eps), mean, kept


def _of(value):
    return _engine().of("float64", [value])


@computes("max_pool2d_with_indices")
def _max_pool(target, self, kernel_size, stride, padding=0, dilation=1, ceil_mode=False):
    maps = math.prod(self._shape[:-2])
    window = {"kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    window = {name: list(pair) for name, pair in window.items()}
    values, places = _engine().maxPooled(
        numbers(self), maps, list(self._shape[-2:]), list(target._shape[-2:]), window
    )
    return values, places


@computes("avg_pool2d")
def _average_pool(
    target, self, kernel_size, stride, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    if divisor_override is not None:
        raise Unknown
    window = {name: list(pair) for name, pair in zip(_WINDOW, (kernel_size, stride, padding), strict=True)}
    maps = math.prod(self._shape[:-2])
    sides = list(self._shape[-2:]), list(target._shape[-2:])
    return _engine().averaged(numbers(self), maps, *sides, window, count_include_pad)


_WINDOW = "kernel", "stride", "padding"
