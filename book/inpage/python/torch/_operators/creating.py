"""Tensors made of nothing: `zeros`, `rand`, `arange`, and what is written over a tensor at once."""

import functools
import math
from contextlib import nullcontext

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._grad import no_grad
from .._lacking import lacking, no_numpy
from .._public import FUNCTIONS, METHODS, both, function, method, named
from .._tensor import Tensor, flattened, made, need_tensor, with_gradients
from .views import dtype_value, like_strides, sizes_of


def _new(name, values=None):
    """`torch.zeros(2, 3)`, `torch.zeros_like(x)`, `x.new_zeros(2, 3)`."""

    @operator(name)
    def run(size, dtype=None):
        return made(size, dtype or meta.default_type())

    @operator(f"{name}_like")
    def run_like(self, dtype=None):
        return made(self._shape, dtype or self.dtype, like_strides(self))

    @operator(f"new_{name}")
    def run_new(self, size, dtype=None):
        return made(size, dtype or self.dtype)

    def plain(
        *sizes,
        size=None,
        dtype=None,
        device=None,
        requires_grad=False,
        out=None,
        generator=None,
        layout=None,
        pin_memory=False,
        memory_format=None,
        names=None,
    ):
        with _from(generator):
            return _wanting(run(sizes_of(sizes if size is None else (size,)), dtype), requires_grad)

    def like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None, layout=None, generator=None):
        need_tensor(input, f"{name}_like")
        return _wanting(run_like(input, dtype), requires_grad)

    def new(self, *sizes, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
        return _wanting(run_new(self, sizes_of(sizes if size is None else (size,)), dtype), requires_grad)

    FUNCTIONS[name] = named(plain, name)
    FUNCTIONS[f"{name}_like"] = named(like, f"{name}_like")
    if name in ("zeros", "ones", "empty"):
        METHODS[f"new_{name}"] = named(new, f"new_{name}")


def _from(generator):
    return nullcontext() if generator is None else generator.drawing()


def _wanting(tensor, requires_grad):
    return with_gradients(tensor) if requires_grad else tensor


for _name in ("zeros", "ones", "empty", "rand", "randn"):
    _new(_name)


@operator("full")
def _full(size, fill_value, dtype=None):
    return made(
        size, dtype or (fill_value.dtype if isinstance(fill_value, Tensor) else meta.type_of_scalar(fill_value))
    )


def _need_number(value, name, position):
    if not isinstance(value, (Tensor, int, float, complex)):
        raise TypeError(
            f"{name}(): argument 'fill_value' (position {position}) must be Number, not {type(value).__name__}"
        )


@function
def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    _need_number(fill_value, "full", 2)
    return _wanting(_full(sizes_of((size,)), fill_value, dtype), requires_grad)


@operator("full_like")
def _full_like(self, fill_value, dtype=None):
    return made(self._shape, dtype or self.dtype, like_strides(self))


@function
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    return _wanting(_full_like(input, fill_value, dtype), requires_grad)


@method
def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False):
    return _wanting(_full(sizes_of((size,)), fill_value, dtype or self.dtype), requires_grad)


@method
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    return tensor(data, dtype=dtype or self.dtype, requires_grad=requires_grad)


@method
def new(self, *size):
    return made(sizes_of(size) if size else (0,), self.dtype)


@function
def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    values, shape = _data(data)
    if dtype is None:
        dtype = (
            meta.default_type()
            if not values
            else meta.result_type([(None, meta.type_of_scalar(value)) for value in values])
        )
        if isinstance(data, Tensor):
            dtype = data.dtype
    if dtype.is_complex and _numbers.engine is not None:
        raise lacking("torch.tensor of complex numbers")
    if values is not None and not dtype.is_floating_point and dtype is not meta.bool_:
        for value in values:
            _refuse_beyond(dtype, value)
    known = None if values is None else [dtype_value(dtype, value) for value in values]
    return _wanting(made(shape, dtype, values=known), requires_grad)


def _refuse_beyond(dtype, value):
    """A whole number beyond those of a type; of those without signs, a negative one counts from their end."""
    bits = 8 * dtype.itemsize
    most = 2 ** (bits - dtype.is_signed) - 1
    if not (-most - 1 <= value <= most):
        if dtype is meta.int64:
            raise ValueError("Overflow when unpacking long long")
        raise RuntimeError(f"value cannot be converted to type {str(dtype).removeprefix('torch.')} without overflow")


def _data(data):
    if isinstance(data, Tensor) and data._storage.values is None:
        return None, tuple(data.shape)
    return flattened(data)


@function
def as_tensor(data, dtype=None, device=None):
    if isinstance(data, Tensor):
        return data.to(dtype) if dtype is not None else data
    return tensor(data, dtype=dtype)


@function
def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A copy: what is written to the tensor is not seen in the buffer."""
    data = bytes(buffer)
    size, left = dtype.itemsize, len(data) - offset
    if not data or not count:
        raise ValueError(f"both buffer length ({len(data)}) and count ({count}) must not be 0")
    if not 0 <= offset < len(data):
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({len(data)} bytes) "
            "minus 1"
        )
    if count < 0 and left % size:
        raise ValueError(
            f"buffer length ({left} bytes) after offset ({offset} bytes) must be a multiple of element size ({size})"
        )
    if count * size > left:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({len(data)} bytes)"
        )
    length = left // size if count < 0 else count
    made_of = made((length,), dtype)
    if _numbers.engine is not None:
        values = _numbers.engine.unpacked(_numbers.kind_of(dtype), data[offset:offset + length * size])
        _numbers.store(made_of, values)
    return _wanting(made_of, requires_grad)


@function
def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    made_of = obj.to(dtype or obj.dtype, copy=bool(copy)) if isinstance(obj, Tensor) else tensor(obj, dtype=dtype)
    return _wanting(made_of, requires_grad)


def _windowed(name, shares):
    """A window of raised cosines: shares of 1 and of its waves."""

    def window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False):
        parts = window_length if periodic else max(window_length - 1, 1)
        values = [
            sum(share * math.cos(2 * math.pi * wave * at / parts) for wave, share in enumerate(shares))
            for at in range(window_length)
        ]
        values = [1.0] if window_length == 1 else values
        return _wanting(made((window_length,), dtype or meta.default_type(), values=values), requires_grad)

    FUNCTIONS[name] = named(window, name)


_windowed("hann_window", (0.5, -0.5))
_windowed("hamming_window", (0.54, -0.46))
_windowed("blackman_window", (0.42, -0.5, 0.08))


@function
def vander(x, N=None, increasing=False):
    count = x.numel() if N is None else N
    powers = range(count) if increasing else range(count - 1, -1, -1)
    return FUNCTIONS["stack"]([x**power for power in powers], -1)


def _triangle_indices(name, holds):
    def indices(row, col, offset=0, *, dtype=meta.int64, device=None, layout=None):
        if row < 0 or col < 0:
            raise RuntimeError(f"row and col must be non-negative, got row={row}, col={col}")
        pairs = [(at, to) for at in range(row) for to in range(col) if holds(to - at, offset)]
        values = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
        return made((2, len(pairs)), dtype, values=values)

    FUNCTIONS[name] = named(indices, name)


_triangle_indices("tril_indices", lambda away, offset: away <= offset)
_triangle_indices("triu_indices", lambda away, offset: away >= offset)


@function
def scalar_tensor(value, *, dtype=None, device=None):
    return tensor(value, dtype=dtype or meta.default_type())


@operator("arange")
def _arange(start, end, step=1, dtype=None):
    length = max(0, math.ceil((end - start) / step))
    if dtype is None:
        dtype = meta.int64 if all(isinstance(value, int) for value in (start, end, step)) else meta.default_type()
    values = [dtype_value(dtype, start + place * step) for place in range(length)]
    return made((length,), dtype, values=values)


@function
def arange(start=None, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    if start is None and end is None:
        raise TypeError("arange() received an invalid combination of arguments - got ()")
    start, end = (0, start) if end is None else (start or 0, end)
    start, end, step = (value.item() if isinstance(value, Tensor) else value for value in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    return _wanting(_arange(start, end, step, dtype), requires_grad)


@function
def range_(start, end, step=1, *, dtype=None, device=None):
    return _arange(start, end + step / 2, step, dtype or meta.default_type())


FUNCTIONS["range"] = named(FUNCTIONS.pop("range_"), "range")


@operator("linspace")
def _linspace(start, end, steps, dtype=None):
    dtype = dtype or meta.default_type()
    parts = max(steps - 1, 1)
    values = [dtype_value(dtype, start + (end - start) * place / parts) for place in range(steps)]
    return made((steps,), dtype, values=values)


@function
def linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return _wanting(_linspace(start, end, steps, dtype), requires_grad)


@function
def logspace(start, end, steps, base=10.0, *, dtype=None, device=None, requires_grad=False):
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    parts = max(steps - 1, 1)
    values = [float(base) ** (start + (end - start) * place / parts) for place in range(steps)]
    return _wanting(made((steps,), dtype or meta.default_type(), values=values), requires_grad)


@operator("eye")
def _eye(n, m, dtype=None):
    return made((n, m), dtype or meta.default_type())


@function
def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    return _wanting(_eye(n, n if m is None else m, dtype), requires_grad)


@operator("randint")
def _randint(low, high, size, dtype=None):
    return made(size, dtype or meta.int64)


@function
def randint(
    low, high=None, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False
):
    if size is None:
        low, high, size = 0, low, high
        if not isinstance(size, (tuple, list)):
            raise TypeError(
                f"randint(): argument 'size' (position 2) must be tuple of ints, not {type(size).__name__}"
            )
    elif high is None:
        low, high = 0, low
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    with _from(generator):
        return _wanting(_randint(low, high, sizes_of((size,)), dtype), requires_grad)


@function
def randint_like(input, low, high=None, *, dtype=None, device=None):
    low, high = (0, low) if high is None else (low, high)
    return _randint(low, high, input._shape, dtype or input.dtype)


@operator("randperm")
def _randperm(n, dtype=None):
    return made((n,), dtype or meta.int64)


@function
def randperm(n, *, generator=None, out=None, dtype=None, device=None):
    with _from(generator):
        return _randperm(n, dtype)


@operator("normal")
def _normal(size, dtype=None):
    return made(size, dtype or meta.default_type())


@function
def normal(mean=0.0, std=1.0, size=None, *, generator=None, out=None, dtype=None, device=None, requires_grad=False):
    if size is None:
        size = meta.broadcast([value._shape for value in (mean, std) if isinstance(value, Tensor)])
    elif isinstance(mean, Tensor) or isinstance(std, Tensor):
        raise TypeError("normal() received an invalid combination of arguments: a size goes with numbers alone")
    if not isinstance(std, Tensor) and std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    with _from(generator):
        drawn = _normal(sizes_of((size,)), dtype)
    if isinstance(std, Tensor):
        drawn = drawn * std.detach()
    elif std != 1:
        drawn = drawn * std
    needs = [one for one in (mean, std) if isinstance(one, Tensor) and one.requires_grad]
    drawn = drawn + (mean.detach() if isinstance(mean, Tensor) else mean)
    return _wanting(drawn + sum(one * 0 for one in needs) if needs else drawn, requires_grad)


@operator("bernoulli")
def _bernoulli(self):
    if _numbers.outside(self, 0, 1 + 1e-9) is not None:
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If "
            "so, please report an enhancement request to PyTorch.)"
        )
    return made(self._shape, self.dtype, like_strides(self))


@both
def bernoulli(input, p=None, *, generator=None, out=None):
    with _from(generator):
        return _bernoulli(input) if p is None else FUNCTIONS["empty_like"](input).bernoulli_(p)


@operator("multinomial")
def _multinomial(self, num_samples, replacement=False):
    if self.dim() not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if num_samples < 1:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > self._shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if _numbers.outside(self, 0, math.inf) is not None:
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if _numbers.are_computed(self) and any(not sum(row) for row in self.reshape(-1, self._shape[-1]).tolist()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    return made((*self._shape[:-1], num_samples), meta.int64)


@both
def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    with _from(generator):
        return _multinomial(input, num_samples, replacement)


@operator("complex")
def _complex(real, imag):
    if real.dtype is not imag.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {meta.SCALAR_NAMES[real.dtype]} but got scalar type "
            f"{meta.SCALAR_NAMES[imag.dtype]} for second argument"
        )
    return made(meta.broadcast([real._shape, imag._shape]), real.dtype.to_complex())


def _made_complex(name):
    def pair(one, other, *, out=None):
        result = _complex(one, other)
        if not result.is_meta:
            raise lacking(f"torch.{name}")
        return result

    FUNCTIONS[name] = named(pair, name)


_made_complex("complex")
_made_complex("polar")


@function
def from_numpy(ndarray):
    raise no_numpy("torch.from_numpy()")


@operator("empty_strided")
def _empty_strided(size, stride, dtype=None):
    return made(size, dtype or meta.default_type(), stride)


@function
def empty_strided(size, stride, *, dtype=None, device=None, requires_grad=False):
    return _wanting(_empty_strided(tuple(size), tuple(stride), dtype), requires_grad)


_WRITTEN_WITH = {
    "normal": {"mean": 0.0, "std": 1.0},
    "uniform": {"from": 0.0, "to": 1.0},
    "bernoulli": {"p": 0.5},
    "exponential": {"lambd": 1.0},
    "log_normal": {"mean": 1.0, "std": 2.0},
    "cauchy": {"median": 0.0, "sigma": 1.0},
    "random": {"from": 0, "to": None},
}


def _check_settings(name, *given):
    if name == "uniform" and len(given) > 1 and given[0] > given[1]:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={given[0]:g} > to={given[1]:g}"
        )
    if name == "normal" and len(given) > 1 and given[1] < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {given[1]:g}")
    if name == "exponential" and given and given[0] <= 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={given[0]:g}")
    if name == "bernoulli" and given and not 0 <= given[0] <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={given[0]:g}")
    if name == "geometric" and given and not 0 < given[0] < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={given[0]:g}")
    if name == "random" and len(given) > 1 and given[0] >= given[1]:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={given[0]} >= to={given[1]}")


_OF_FRACTIONS = "uniform", "normal", "exponential", "log_normal", "cauchy"


def _written(name):
    """`x.zero_()`, `x.normal_(0, 1)`: new numbers in the same memory."""
    arguments = _WRITTEN_WITH.get(name, {})

    @operator(f"{name}_", pointwise=True, writes=(0,))
    def run(self, *args):
        return self

    def write(self, *args, **kwargs):
        if name in _OF_FRACTIONS and not self.dtype.is_floating_point:
            raise NotImplementedError(f"\"{name}_\" not implemented for '{meta.SCALAR_NAMES[self.dtype]}'")
        named_ones = {argument: kwargs.get(argument, default) for argument, default in arguments.items()}
        settings = [*args, *list(named_ones.values())[len(args) :]] if kwargs else args
        _check_settings(name, *(one for one in settings if isinstance(one, (int, float))))
        with _from(kwargs.get("generator")):
            return run(self, *settings)

    METHODS[f"{name}_"] = named(write, f"{name}_")


for _name in (
    "zero",
    "fill",
    "normal",
    "uniform",
    "bernoulli",
    "exponential",
    "random",
    "log_normal",
    "cauchy",
    "geometric",
    "tril",
    "triu",
    "floor_divide",
    "sigmoid",
    "nan_to_num",
):
    if f"{_name}_" not in METHODS:
        _written(_name)


@operator("fill_diagonal_", pointwise=True, writes=(0,))
def _fill_diagonal(self, value, wrap=False):
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.dim() > 2 and len(set(self._shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    return self


@method
def fill_diagonal_(self, fill_value, wrap=False):
    return _fill_diagonal(self, fill_value, wrap)


FUNCTIONS["zero_"], FUNCTIONS["fill_"] = METHODS["zero_"], METHODS["fill_"]


@operator("copy_", pointwise=True, writes=(0,))
def _copy(self, src):
    shape = meta.broadcast([self._shape, src._shape])
    if shape != self._shape:
        from .views import expand_op

        expand_op(src, self._shape)
    if _numbers.engine is not None:
        return self
    self._storage.values = (
        src._storage.values
        if self.is_contiguous()
        and src.is_contiguous()
        and (self._shape == src._shape)
        and not src._offset
        and not self._offset
        and src._base is None
        else None
    )
    return self


@method
def copy_(self, src, non_blocking=False):
    if isinstance(src, (int, float)):
        src = scalar_tensor(src, dtype=self.dtype)
    need_tensor(src, "copy_", "other", 1)
    return _copy(self, src)


@method
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    if isinstance(source, Tensor):
        self.data = source
        return self
    self._storage = source
    count = source.nbytes() // self.dtype.itemsize
    self._shape = meta.Size((count,) if size is None else size)
    self._strides = meta.contiguous_strides(self._shape) if stride is None else tuple(stride)
    self._offset = storage_offset
    return self


@method
def resize_(self, *sizes, memory_format=None):
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    self._shape = meta.Size(sizes_of(sizes))
    self._strides = meta.contiguous_strides(self._shape)
    return self


@method
def apply_(self, function):
    values = [dtype_value(self.dtype, function(value)) for value in self._values("Tensor.apply_")]
    with no_grad():
        return self.copy_(made(self._shape, self.dtype, values=values))


def on_their_device(functions):
    """Functions that take a `device` make there what they make."""
    for name, make in list(functions.items()):
        if _takes_a_device(make):
            functions[name] = named(_on_device(make), make.__name__)


def into_what_is_given(functions):
    """Functions that take `out` write there what they make, and give it back."""
    for name, make in list(functions.items()):
        code = getattr(make, "__code__", None)
        if code is not None and "out" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            functions[name] = _into(make)


def _into(make):
    @functools.wraps(make)
    def call(*args, out=None, **kwargs):
        made_of = make(*args, **kwargs)
        if out is None:
            return made_of
        if not isinstance(made_of, tuple):
            return _put(out, made_of)
        for target, source in zip(out, made_of, strict=True):
            _put(target, source)
        return out

    return call


def _put(out, result):
    need_tensor(out, "copy_", "out", 1)
    if result.requires_grad or out.requires_grad:
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    if meta.promoted(result.dtype, out.dtype) is not out.dtype and result.dtype.is_floating_point:
        raise RuntimeError(
            f"result type {meta.SCALAR_NAMES[result.dtype]} can't be cast to the desired output type "
            f"{meta.SCALAR_NAMES[out.dtype]}"
        )
    if out._shape != result._shape:
        out.data = made(result._shape, out.dtype)
    return out.copy_(result)


def layers_on_their_device(layers):
    for layer in layers:
        if _takes_a_device(vars(layer).get("__init__")):
            layer.__init__ = _on_device(layer.__init__)


def _takes_a_device(function):
    code = getattr(function, "__code__", None)
    return code is not None and "device" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _on_device(make):
    @functools.wraps(make)
    def call(*args, **kwargs):
        if _numbers.engine is None or kwargs.get("device") is None:
            return make(*args, **kwargs)
        with meta.device(kwargs["device"]):
            return make(*args, **kwargs)

    return call
