"""What each operator's numbers are, in terms of the few functions that compute: see `_numbers`."""

import math

from . import _metadata as meta
from . import _numbers
from ._numbers import Unknown, computes, kind_of, numbers
from ._operators.reductions import dims_of
from ._operators.views import like_strides
from ._tensor import Tensor

_ONE = (
    "abs ceil floor trunc sign neg relu exp expm1 log log1p log2 log10 sqrt rsqrt reciprocal sin cos tan tanh sigmoid "
    "silu positive round erf atan asin acos sinh cosh exp2 frac isnan isfinite isinf logical_not"
)
_TWO = (
    "add sub rsub mul div pow floor_divide remainder fmod maximum minimum atan2 eq ne lt le gt ge logical_and "
    "logical_or logical_xor bitwise_and bitwise_or bitwise_xor"
)
_DIVIDING = {"floor_divide", "remainder", "fmod"}
_MANY = "sum prod mean var std amax amin all any count_nonzero argmax argmin"
_WITH_SETTINGS = "gelu elu hardswish hardsigmoid softplus mish log_sigmoid_forward nan_to_num"


def _engine():
    return _numbers.engine


def kind(dtype):
    """A type's name, where its numbers can be computed."""
    name = kind_of(dtype)
    if not _engine().holds(name):
        raise Unknown
    return name


def _operand(value, target, common):
    """A tensor's numbers up to the result's shape; of a single number, that alone, as the common type holds it."""
    if not isinstance(value, Tensor):
        return _engine().of(kind(common), [value])
    return numbers(value) if value.numel() == 1 else numbers(value, target._shape)


# value by value


def _one_operand(name):
    @computes(name)
    def compute(target, self, **options):
        return _engine().unary(name, kind(target.dtype), numbers(self))


for _name in _ONE.split():
    _one_operand(_name)


def _with_settings(name):
    @computes(name)
    def compute(target, self, *settings):
        return _engine().unary(name, kind(target.dtype), numbers(self), *settings)


for _name in _WITH_SETTINGS.split():
    _with_settings(_name)


def _has_zero(values):
    return not _engine().reduced("all", "bool", values, 1, values.length, 0).to_py()[0]


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
        if name in _DIVIDING and not common.is_floating_point and _has_zero(another):
            raise RuntimeError("ZeroDivisionError")
        if alpha != 1:
            another = _engine().binary("mul", kind(common), another, _operand(alpha, target, common), another.length)
        return _engine().binary(name, kind(target.dtype), one, another, target.numel())


for _name in _TWO.split():
    _two_operands(_name)


@computes("bitwise_not")
def _bitwise_not(target, self):
    if self.dtype is meta.bool_:
        return _engine().unary("logical_not", "bool", numbers(self))
    return _engine().binary("rsub", kind(target.dtype), numbers(self), _engine().of("float64", [-1]), self.numel())


@computes("clamp")
def _clamp(target, self, min=None, max=None):
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        values, held, size = numbers(self, target._shape), kind(target.dtype), target.numel()
        for name, bound in (("maximum", min), ("minimum", max)):
            if bound is not None:
                values = _engine().binary(name, held, values, _operand(bound, target, target.dtype), size)
        return values
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    return _engine().clamped(kind(target.dtype), numbers(self), low, high)


@computes("clamp_min")
def _clamp_min(target, self, min):
    return _clamp(target, self, min)


@computes("hardtanh")
def _hardtanh(target, self, min=-1.0, max=1.0):
    return _clamp(target, self, min, max)


@computes("leaky_relu")
def _leaky_relu(target, self, slope=0.01):
    return _engine().leaky(kind(target.dtype), numbers(self), slope)


@computes("where")
def _where(target, condition, self, other):
    given = [_operand(value, target, target.dtype) for value in (condition, self, other)]
    return _engine().chosen(kind(target.dtype), *given, target.numel())


@computes("masked_fill")
def _masked_fill(target, self, mask, value):
    return _where(target, mask, value, self)


# made of nothing, or copied


@computes("zeros", "zeros_like", "new_zeros", "zero", "empty", "empty_like", "new_empty")
def _zeros(target, *given, **options):
    return _engine().filled(kind(target.dtype), target.numel(), 0)


@computes("ones", "ones_like", "new_ones")
def _ones(target, *given, **options):
    return _engine().filled(kind(target.dtype), target.numel(), 1)


@computes("full", "full_like", "fill")
def _full(target, like, value, dtype=None):
    value = value.item() if isinstance(value, Tensor) else value
    return _engine().filled(kind(target.dtype), target.numel(), value)


@computes("eye")
def _eye(target, n, m, dtype=None):
    values = [float(row == column) for row in range(n) for column in range(m)]
    return _engine().of(kind(target.dtype), values)


def _drawn(target):
    """The type of the numbers that are drawn, where that is known, and how many."""
    if target.dtype not in (meta.float32, meta.float64):
        raise Unknown
    return kind(target.dtype), target.numel()


def _placed(target, values):
    """Numbers that are drawn one after another as they lie in memory, in the order of the places."""
    shape, strides = target._shape, like_strides(target)
    if meta.is_contiguous(shape, strides):
        return values
    return _engine().laid(values, 0, list(shape), list(strides))


@computes("rand", "rand_like", "new_rand")
def _rand(target, *given, **options):
    return _placed(target, _engine().uniform(*_drawn(target), 0, 1))


@computes("uniform")
def _uniform(target, self, low=0.0, high=1.0):
    return _placed(target, _engine().uniform(*_drawn(target), low, high))


def _from_even(name, function):
    """Drawn by a function of a number between 0 and 1."""

    @computes(name)
    def compute(target, self, *settings):
        drawn = _engine().listed(_engine().uniform("float64", target.numel(), 0, 1))
        return _placed(target, _engine().of(kind(target.dtype), [function(one, *settings) for one in drawn]))


_from_even("exponential", lambda u, rate=1.0: -math.log1p(-u) / rate)
_from_even("geometric", lambda u, p: math.ceil(math.log(u) / math.log1p(-p)))
_from_even("cauchy", lambda u, median=0.0, sigma=1.0: median + sigma * math.tan(math.pi * (u - 0.5)))


@computes("log_normal")
def _log_normal(target, self, mean=1.0, std=2.0):
    drawn = _engine().listed(_engine().few(target.numel()))
    return _placed(target, _engine().of(kind(target.dtype), [math.exp(mean + std * one) for one in drawn]))


@computes("random")
def _random(target, self, low=0, high=None):
    if high is None:
        mantissa = {meta.float32: 24, meta.float16: 11, meta.bfloat16: 8}.get(target.dtype)
        if mantissa is None and not low:
            raise Unknown
        low, high = (0, low) if low else (0, 2**mantissa + 1)
    return _placed(target, _engine().below(target.numel(), low, high))


@computes("normal")
def _normal_of(target, size, dtype=None):
    return _engine().normal(*_drawn(target), 0, 1)


@computes("randn", "randn_like", "new_randn")
def _randn(target, *given, **options):
    return _engine().normal(*_drawn(target), 0, 1)


@computes("bernoulli_")
def _tossed(target, self, p=0.5):
    if isinstance(p, Tensor):
        raise Unknown
    return _placed(target, _engine().unary("positive", kind(target.dtype), _engine().tossed(target.numel(), p)))


@computes("bernoulli")
def _tossed_each(target, self):
    drawn = _engine().uniform(*_drawn(target), 0, 1)
    return _engine().binary("lt", kind(target.dtype), drawn, numbers(self), target.numel())


@computes("normal_")
def _normal(target, self, mean=0.0, std=1.0):
    return _engine().normal(*_drawn(target), mean, std)


@computes("randint")
def _randint(target, low, high, size, dtype=None):
    return _engine().below(target.numel(), low, high)


@computes("randperm")
def _randperm(target, n, dtype=None):
    return _engine().shuffled(n)


def _three_operands(name, first, second):
    """self + value · (one first other), and the like."""

    @computes(name)
    def compute(target, self, one, other, value=1):
        held, size = kind(target.dtype), target.numel()
        own, ones, others = (_operand(given, target, target.dtype) for given in (self, one, other))
        inner = _engine().binary(first, held, ones, others, size)
        if value != 1:
            inner = _engine().binary("mul", held, inner, _of(value), size)
        return _engine().binary(second, held, own, inner, size)


_three_operands("addcmul", "mul", "add")
_three_operands("addcdiv", "div", "add")


@computes("lerp")
def _lerp(target, self, end, weight, value=1):
    held, size = kind(target.dtype), target.numel()
    own, ends, weights = (_operand(given, target, target.dtype) for given in (self, end, weight))
    apart = _engine().binary("mul", held, _engine().binary("sub", held, ends, own, size), weights, size)
    return _engine().binary("add", held, own, apart, size)


def _loss(name):
    @computes(name)
    def compute(target, self, aim, reduction=1):
        size, shape = self.numel(), self._shape
        values = _engine().binary(name, kind(target.dtype), numbers(self), numbers(aim, shape), size)
        if reduction == 0:
            return values
        return _engine().reduced("mean" if reduction == 1 else "sum", kind(target.dtype), values, 1, size, 0)


_loss("mse_loss")


@computes("clone", "_to_copy")
def _copied(target, self, *given, **options):
    source = self.dtype
    if source is target.dtype and _numbers.is_whole(self) and _numbers.is_whole(target):
        target._storage.values = _numbers.copied(self._storage.values)  # as it lies there, were it seen as bytes
        target._storage.dtype = self._storage.dtype
        return ()
    if source is target.dtype:
        return numbers(self).slice()
    if target.dtype is meta.bool_:
        return _engine().binary("ne", "bool", numbers(self), _engine().of("float64", [0]), self.numel())
    whole = source.is_floating_point and not target.dtype.is_floating_point
    return _engine().unary("trunc" if whole else "positive", kind(target.dtype), numbers(self))


@computes("fill_diagonal_")
def _fill_diagonal(target, self, value, wrap=False):
    rows, columns = self._shape[0], self._shape[-1]
    step, count = sum(meta.contiguous_strides(self._shape)), min(self._shape)
    if wrap and rows > columns:
        count = -(-self.numel() // step)
    places = _engine().of("float64", [at * step for at in range(count)])
    return _engine().replaced(numbers(self), places, _engine().of(kind(self.dtype), [value]), False)


@computes("copy_")
def _copy(target, self, src):
    how = "trunc" if src.dtype.is_floating_point and not target.dtype.is_floating_point else "positive"
    return _engine().unary(how, kind(target.dtype), numbers(src, target._shape))


# joined and picked out


@computes("cat")
def _cat(target, tensors, dim=0):
    whole = [tensor for tensor in tensors if tuple(tensor._shape) != (0,)] or list(tensors)
    at = meta.whole_dim(dim, target.dim())
    sizes = [math.prod(tensor._shape[at:]) for tensor in whole]
    return _engine().joined(
        kind(target.dtype), [numbers(tensor) for tensor in whole], math.prod(target._shape[:at]), sizes
    )


# many numbers become one


def rows(self, dim):
    """The numbers with the dimensions that are reduced last: (numbers, rows, numbers in each)."""
    dims = dims_of(dim, self.dim())
    rest = [place for place in range(self.dim()) if place not in dims]
    order = [*rest, *dims]
    shape, strides = [self._shape[place] for place in order], [self._strides[place] for place in order]
    apart, count = (math.prod(self._shape[place] for place in places) for places in (rest, dims))
    return _engine().laid(memory(self), self._offset, shape, strides), apart, count


def _reduction(name):
    @computes(name)
    def compute(target, self, dim=None, keepdim=False, dtype=None, correction=1):
        return _engine().reduced(name, kind(target.dtype), *rows(self, dim), correction)


for _name in _MANY.split():
    _reduction(_name)


def _with_places(name):
    @computes(name)
    def compute(target, self, dim=None, keepdim=False):
        laid = rows(self, dim)
        if not laid[2]:
            raise Unknown
        return tuple(
            _engine().reduced(f"{part}{name}", held, *laid, 0)
            for part, held in (("a", kind(target.dtype)), ("arg", "int64"))
        )


_with_places("max")
_with_places("min")


def _soft(name, logarithmic):
    @computes(name)
    def compute(target, self, dim, half_to_float=False):
        laid, back = dim_last(self, dim)
        count = self._shape[dim] if self.dim() else 1
        rows = self.numel() // max(count, 1)
        return back(_engine().softmax(kind(target.dtype), laid, rows, count, logarithmic), count)


def dim_last(self, dim):
    """The numbers with one dimension last, and what lays such numbers out as they were, that dimension of `kept`."""
    at, count = meta.whole_dim(dim, self.dim()), self.dim()
    order = [*(place for place in range(count) if place != at), at] if count else []
    shape, strides = [self._shape[one] for one in order], [self._strides[one] for one in order]

    def back(values, kept):
        if at == count - 1 or not count:
            return values
        steps = meta.contiguous_strides([*shape[:-1], kept])
        sizes = [kept if one == at else self._shape[one] for one in range(count)]
        return _engine().laid(values, 0, sizes, [steps[order.index(one)] for one in range(count)])

    return _engine().laid(memory(self), self._offset, shape, strides), back


def memory(tensor):
    """What lies in a tensor's memory, whatever part of it is the tensor's."""
    held = tensor._storage.values
    if held is None or isinstance(held, list):
        raise Unknown
    return held


_soft("_softmax", False)
_soft("_log_softmax", True)


@computes("_safe_softmax")
def _safe_softmax(target, self, dim, dtype=None):
    """Where all are −∞, none is chosen."""
    laid, back = dim_last(self, dim)
    held, count = kind(target.dtype), self._shape[dim] if self.dim() else 1
    rows = self.numel() // max(count, 1)
    chosen = _engine().softmax(held, laid, rows, count, False)
    most = _engine().reduced("amax", held, laid, rows, count, 0)
    ever = _engine().laid(_engine().binary("ne", "bool", most, _of(-math.inf), rows), 0, [rows, count], [1, 0])
    return back(_engine().chosen(held, ever, chosen, _of(0), self.numel()), count)


# products and windows


@computes("mm")
def _mm(target, self, mat2):
    return _engine().products(
        kind(target.dtype), numbers(self), numbers(mat2), 1, self._shape[0], self._shape[1], mat2._shape[1]
    )


@computes("bmm")
def _bmm(target, self, mat2):
    count, rows, inner = self._shape
    return _engine().products(
        kind(target.dtype), numbers(self), numbers(mat2), count, rows, inner, mat2._shape[2]
    )


@computes("addmm")
def _addmm(target, self, mat1, mat2, beta=1, alpha=1):
    return _added(target, self, _mm(target, mat1, mat2), beta, alpha)


@computes("baddbmm")
def _baddbmm(target, self, batch1, batch2, beta=1, alpha=1):
    return _added(target, self, _bmm(target, batch1, batch2), beta, alpha)


def _added(target, self, products, beta, alpha):
    held, given = kind(target.dtype), numbers(self, target._shape)
    given, products = (
        values if factor == 1 else _engine().binary("mul", held, values, _of(factor), target.numel())
        for values, factor in ((given, beta), (products, alpha))
    )
    return _engine().binary("add", held, given, products, target.numel())


@computes("dot")
def _dot(target, self, tensor):
    return _engine().products(kind(target.dtype), numbers(self), numbers(tensor), 1, 1, self.numel(), 1)


@computes("mv")
def _mv(target, self, vec):
    return _engine().products(kind(target.dtype), numbers(self), numbers(vec), 1, *self._shape, 1)


@computes("linalg_vector_norm")
def _vector_norm(target, self, ord=2, dim=None, keepdim=False, dtype=None):
    return _engine().reduced("norm", kind(target.dtype), *rows(self, dim), ord)


@computes("logsumexp")
def _logsumexp(target, self, dim=None, keepdim=False, dtype=None):
    return _engine().reduced("logsumexp", kind(target.dtype), *rows(self, dim), 0)


@computes("convolution")
def _convolution(target, self, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    window = stride, padding, dilation
    if len(stride) == 3:
        return _in_space(target, self, weight, bias, *window, transposed, output_padding, groups)
    given = None if bias is None else numbers(bias)
    if not transposed:
        x, weights, window = windowed(self, weight, *window)
        return _engine().convolved(numbers(self), x, numbers(weight), weights, given, window, groups)
    x, weights, window = windowed(target, weight, *window)  # as a convolution's gradient is carried back to its input
    values = _engine().convolvedInput(numbers(self), x, numbers(weight), weights, window, groups)
    if bias is None:
        return values
    spread = _engine().laid(given, 0, list(target._shape), [0, 1, *[0] * len(stride)])
    return _engine().binary("add", kind(target.dtype), values, spread, target.numel())


def _in_space(target, *args):
    from ._composed.steps import computing
    from ._composed.windows import convolution_in_space

    return computing(convolution_in_space)(target, *args)


def windowed(x, weight, stride, padding, dilation):
    """The sizes of what a convolution reads and of its weight, and its window, over two place axes."""
    if len(stride) not in (1, 2) or not x.dtype.is_floating_point:
        raise Unknown
    sizes = {"kernel": weight._shape[2:], "stride": stride, "padding": padding, "dilation": dilation}
    single = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
    window = {name: [*([single[name]] if len(stride) == 1 else []), *pair] for name, pair in sizes.items()}
    row = [1] if len(stride) == 1 else []
    return [*x._shape[:2], *row, *x._shape[2:]], list(weight._shape[:2]), window


@computes("native_batch_norm")
def _batch_norm(target, self, weight, bias, running_mean, running_var, training, momentum, eps):
    samples, channels, inner = self._shape[0], self._shape[1], math.prod(self._shape[2:])
    x = numbers(self)
    weight, bias = (None if given is None else numbers(given) for given in (weight, bias))
    if not training:
        mean, variance = numbers(running_mean), numbers(running_var)
        return (_engine().normed(x, channels, inner, mean, variance, weight, bias, eps),)
    found = _engine().moments(x, samples, channels, inner)
    mean, variance = found[0], found[1]
    normed = _engine().normed(x, channels, inner, mean, variance, weight, bias, eps)
    count = samples * inner
    for running, fresh, factor in ((running_mean, mean, 1), (running_var, variance, count / max(count - 1, 1))):
        if running is not None:
            _numbers.store(running, _engine().mixed(numbers(running), momentum, fresh, factor))
    kept = _engine().spreads(kind(target.dtype), mean, variance, eps)
    return normed, kept[0], kept[1]


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
        window = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        return _by_divisor(target, self, *window)
    window = {name: list(pair) for name, pair in zip(_WINDOW, (kernel_size, stride, padding), strict=True)}
    maps = math.prod(self._shape[:-2])
    sides = list(self._shape[-2:]), list(target._shape[-2:])
    return _engine().averaged(numbers(self), maps, *sides, window, count_include_pad)


_WINDOW = "kernel", "stride", "padding"


def _by_divisor(target, *args):
    from ._composed.steps import computing
    from ._composed.windows import average_pool

    return computing(average_pool)(target, *args)
