"""Tensors made of nothing: `zeros`, `rand`, `arange`, and what is written over a tensor at once."""

import functools
import math
from contextlib import nullcontext

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._public import FUNCTIONS, METHODS, both, function, method, named
from .._tensor import Tensor, flattened, made, need_tensor
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
    return tensor.requires_grad_() if requires_grad else tensor


for _name in ("zeros", "ones", "empty", "rand", "randn"):
    _new(_name)


@operator("full")
def _full(size, fill_value, dtype=None):
    return made(
        size, dtype or (fill_value.dtype if isinstance(fill_value, Tensor) else meta.type_of_scalar(fill_value))
    )


@function
def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
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
    known = None if values is None else [dtype_value(dtype, value) for value in values]
    return _wanting(made(shape, dtype, values=known), requires_grad)


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
def arange(start, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    start, end = (0, start) if end is None else (start, end)
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
    return _wanting(made((steps,), dtype or meta.default_type()), requires_grad)


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
    elif high is None:
        low, high = 0, low
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    with _from(generator):
        return _randint(low, high, sizes_of((size,)), dtype)


@function
def randint_like(input, low, high=None, *, dtype=None, device=None):
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
def normal(mean=0.0, std=1.0, size=None, *, generator=None, out=None):
    if size is not None:
        return _normal(sizes_of((size,)))
    return _normal(meta.broadcast([value._shape for value in (mean, std) if isinstance(value, Tensor)]))


@operator("bernoulli")
def _bernoulli(self):
    return made(self._shape, self.dtype, like_strides(self))


@both
def bernoulli(input, p=None, *, generator=None, out=None):
    with _from(generator):
        return _bernoulli(input) if p is None else FUNCTIONS["empty_like"](input).bernoulli_(p)


@operator("multinomial")
def _multinomial(self, num_samples, replacement=False):
    return made((*self._shape[:-1], num_samples), meta.int64)


@both
def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    return _multinomial(input, num_samples, replacement)


@operator("complex")
def _complex(real, imag):
    return made(real._shape, real.dtype.to_complex())


FUNCTIONS["complex"] = named(lambda real, imag: _complex(real, imag), "complex")


@operator("empty_strided")
def _empty_strided(size, stride, dtype=None):
    return made(size, dtype or meta.default_type(), stride)


@function
def empty_strided(size, stride, *, dtype=None, device=None, requires_grad=False):
    return _empty_strided(tuple(size), tuple(stride), dtype)


_WRITTEN_WITH = {
    "normal": {"mean": 0.0, "std": 1.0},
    "uniform": {"from": 0.0, "to": 1.0},
    "bernoulli": {"p": 0.5},
}


def _written(name):
    """`x.zero_()`, `x.normal_(0, 1)`: new numbers in the same memory."""
    arguments = _WRITTEN_WITH.get(name, {})

    @operator(f"{name}_", pointwise=True, writes=(0,))
    def run(self, *args):
        return self

    def write(self, *args, **kwargs):
        named_ones = {argument: kwargs.get(argument, default) for argument, default in arguments.items()}
        with _from(kwargs.get("generator")):
            return run(self, *args, *list(named_ones.values())[len(args) :] if kwargs else ())

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
    "fill_diagonal",
    "floor_divide",
    "sigmoid",
    "nan_to_num",
):
    if f"{_name}_" not in METHODS:
        _written(_name)
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
    self._shape = meta.Size(sizes_of(sizes))
    self._strides = meta.contiguous_strides(self._shape)
    return self


@method
def apply_(self, function):
    return self.fill_(0)


def on_their_device(functions):
    """Functions that take a `device` make there what they make."""
    for name, make in list(functions.items()):
        if _takes_a_device(make):
            functions[name] = named(_on_device(make), make.__name__)


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
