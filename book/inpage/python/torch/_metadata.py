"""What a tensor is besides its numbers: type, shape, steps through memory, and the memory itself."""

import functools
import math
import weakref
from typing import ClassVar


class dtype:
    """A type of numbers, `torch.float32`; compared by identity, since there is one object of each."""

    __module__ = "torch"

    def __init__(self, name, itemsize, kind):
        self._name, self.itemsize, self._kind = name, itemsize, kind
        self.is_floating_point, self.is_complex = kind == _FLOATING, kind == _COMPLEX
        self.is_signed = name not in ("uint8", "uint16", "uint32", "uint64", "bool")

    def __repr__(self):
        return f"torch.{self._name}"

    def __reduce__(self):
        return self._name

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def to_complex(self):
        return complex128 if self is float64 else complex64


_BOOL, _WHOLE, _FLOATING, _COMPLEX = range(4)
bool_ = dtype("bool", 1, _BOOL)
uint8, int8, int16 = dtype("uint8", 1, _WHOLE), dtype("int8", 1, _WHOLE), dtype("int16", 2, _WHOLE)
int32, int64 = dtype("int32", 4, _WHOLE), dtype("int64", 8, _WHOLE)
float16, bfloat16 = dtype("float16", 2, _FLOATING), dtype("bfloat16", 2, _FLOATING)
float32, float64 = dtype("float32", 4, _FLOATING), dtype("float64", 8, _FLOATING)
complex64, complex128 = dtype("complex64", 8, _COMPLEX), dtype("complex128", 16, _COMPLEX)

PUBLIC_TYPES = {
    "bool": bool_,
    "uint8": uint8,
    "int8": int8,
    "int16": int16,
    "short": int16,
    "int32": int32,
    "int": int32,
    "int64": int64,
    "long": int64,
    "float16": float16,
    "half": float16,
    "bfloat16": bfloat16,
    "float32": float32,
    "float": float32,
    "float64": float64,
    "double": float64,
    "complex64": complex64,
    "cfloat": complex64,
    "complex128": complex128,
    "cdouble": complex128,
}
SCALAR_NAMES = {  # what PyTorch's messages call them
    bool_: "Bool",
    uint8: "Byte",
    int8: "Char",
    int16: "Short",
    int32: "Int",
    int64: "Long",
    float16: "Half",
    bfloat16: "BFloat16",
    float32: "Float",
    float64: "Double",
    complex64: "ComplexFloat",
    complex128: "ComplexDouble",
}

def type_name(kind):
    """What C++ calls it, in some of PyTorch's messages."""
    return _CXX_NAMES.get(kind) or SCALAR_NAMES[kind].lower()


_CXX_NAMES = {
    uint8: "unsigned char",
    int8: "signed char",
    int16: "short int",
    int64: "long int",
    float16: "c10::Half",
    bfloat16: "c10::BFloat16",
}

def type_meant(given, function):
    """`torch.float64` itself, or what is meant by Python's `float`."""
    if isinstance(given, dtype):
        return given
    if given not in _PYTHON_S:
        raise TypeError(f"{function}(): argument 'dtype' must be torch.dtype, not {given.__class__.__name__}")
    return _PYTHON_S[given]


_PYTHON_S = {bool: bool_, int: int64, float: float64, complex: complex128}

_default = [float32]


def default_type():
    return _default[0]


def set_default_type(kind):
    _default[0] = kind


def type_of_scalar(value):
    """The type that a Python number takes: `bool`, `int64`, the default type, `complex64`."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return default_type().to_complex() if isinstance(value, complex) else default_type()


def promoted(one, other):
    """The type that two tensors' numbers share, as `torch.promote_types`."""
    if one is other:
        return one
    if one._kind != other._kind:
        low, high = sorted((one, other), key=lambda kind: kind._kind)
        if high._kind == _COMPLEX and low is float64:
            return complex128
        return high
    if one._kind == _FLOATING and {one, other} == {float16, bfloat16}:
        return float32
    if one._kind == _WHOLE and uint8 in (one, other):
        return int16 if int8 in (one, other) else other if one is uint8 else one
    return max(one, other, key=lambda kind: kind.itemsize)


def result_type(operands):
    """The type of a sum: tensors with dimensions count first, then those without, then Python's numbers.

    Args:
        operands: (number of dimensions, dtype) of tensors, or (None, dtype) of Python's numbers.
    """
    groups = [None, None, None]
    for dims, kind in operands:
        place = 2 if dims is None else 1 if dims == 0 else 0
        groups[place] = kind if groups[place] is None else promoted(groups[place], kind)
    return _combined(groups[0], _combined(groups[1], groups[2]))


def _combined(higher, lower):
    if higher is None or lower is None:
        return higher or lower
    if higher.is_complex:
        return higher
    if higher.is_floating_point:
        return higher.to_complex() if lower.is_complex else higher
    if higher is bool_ or lower.is_floating_point or lower.is_complex:
        return promoted(higher, lower)
    return higher


class device:
    """Where a tensor lies. In this page that is nowhere but here: every name is taken, and means the same.

    Where tensors hold numbers, `meta` is the one that means something else: what is made there has shapes alone.
    """

    __module__ = "torch"

    def __init__(self, type="meta", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        name, _, number = str(type).partition(":")
        if name not in ("cpu", "cuda", "mps", "xpu", "meta", "npu"):
            raise RuntimeError(
                "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, "
                f"vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {name}"
            )
        self.type, self.index = name, int(number) if number else index

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self):
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __enter__(self):
        _entered.append(self.type == "meta")
        return self

    def __exit__(self, *exception):
        _entered.pop()
        return False


_entered = [False]  # whether new tensors are to have shapes alone, the innermost last
HERE = device("meta")


class layout:
    __module__ = "torch"

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return f"torch.{self._name}"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


class memory_format(layout):
    __module__ = "torch"


strided, sparse_coo = layout("strided"), layout("sparse_coo")
contiguous_format, channels_last = memory_format("contiguous_format"), memory_format("channels_last")
channels_last_3d, preserve_format = memory_format("channels_last_3d"), memory_format("preserve_format")


class Size(tuple):
    """A shape."""

    __module__ = "torch"

    def numel(self):
        return math.prod(self)

    def __repr__(self):
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def __getitem__(self, key):
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other):
        return Size(tuple(self) + tuple(other))

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    def __reduce__(self):
        return Size, (tuple(self),)


class Storage:
    """The memory under one tensor and its views.

    version: how often it was written to. is_meta: it never has numbers, on purpose. dtype: the type that its numbers
    are of, whatever its views say. values: its numbers, where they are known, else None. Without `_numbers.engine`
    those of `torch.tensor([…])`, `arange` and `linspace` are, in a list, until something is written.
    """

    _next = 1
    living: ClassVar = weakref.WeakValueDictionary()  # those that somebody has asked for their _cdata, by it

    def __init__(self, nbytes, values=None, dtype=None):
        self._size, self.version, self.values, self.dtype = nbytes, 0, values, dtype
        self.is_meta = _entered[-1]

    @functools.cached_property
    def _cdata(self):
        key, Storage._next = Storage._next, Storage._next + 1
        Storage.living[key] = self
        return key

    def nbytes(self):
        return self._size

    def size(self):
        return self._size

    def data_ptr(self):
        return self._cdata << 12

    def __len__(self):
        return self._size


_SHAPES = 4096  # of which it is remembered how they lie: each is asked for again and again


def contiguous_strides(shape):
    return _contiguous_strides(tuple(shape))


@functools.lru_cache(_SHAPES)
def _contiguous_strides(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def channels_last_strides(shape):
    """Channels next to each other, then width, height and, in five dimensions, depth."""
    return strides_in_order(shape, [0, *range(2, len(shape)), 1])


def strides_in_order(shape, order):
    """Strides where the dimensions lie in memory in this order, the outermost first."""
    strides, step = [0] * len(shape), 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)


def is_contiguous(shape, strides):
    return _is_contiguous(tuple(shape), tuple(strides))


@functools.lru_cache(_SHAPES)
def _is_contiguous(shape, strides):
    if 0 in shape:
        return True
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def is_channels_last(shape, strides):
    if len(shape) not in (4, 5) or 0 in shape:
        return False
    expected = 1
    for dim in (1, *range(len(shape) - 1, 1, -1), 0):
        if shape[dim] != 1:
            if strides[dim] != expected:
                return False
            expected *= shape[dim]
    return True


def suggests_channels_last(shape, strides):
    """Whether what is computed from such a tensor lies with its channels next to each other, by PyTorch's own rule."""
    return _suggests_channels_last(tuple(shape), tuple(strides))


@functools.lru_cache(_SHAPES)
def _suggests_channels_last(shape, strides):
    if len(shape) not in (4, 5) or 0 in shape or strides[1] == 0:
        return False
    least = 0
    for dim in (1, *range(len(shape) - 1, 1, -1), 0):
        if strides[dim] < least or (dim == 0 and least == strides[1]):
            return False
        least = strides[dim] * max(shape[dim], 1)
    return True


def is_dense(shape, strides):
    """Whether the numbers lie without gaps and without overlap, in whatever order of the dimensions."""
    expected = 1
    for stride, size in sorted((stride, size) for size, stride in zip(shape, strides, strict=True) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def strides_like(shapes_and_strides, shape):
    """The strides of what is computed value by value: in the order in which the operands lie in memory.

    Args:
        shapes_and_strides: of the tensors that are computed with; shape: of the result, broadcast.
    """
    return _strides_like(tuple((tuple(its), tuple(strides)) for its, strides in shapes_and_strides), tuple(shape))


@functools.lru_cache(_SHAPES)
def _strides_like(shapes_and_strides, shape):
    same = [strides for its, strides in shapes_and_strides if tuple(its) == tuple(shape)]
    if (
        len(same) == len(shapes_and_strides)
        and all(strides == same[0] for strides in same)
        and is_dense(shape, same[0])
    ):
        return same[0]
    if same and all(is_contiguous(its, strides) for its, strides in shapes_and_strides):
        return contiguous_strides(shape)
    count = len(shape)
    spread = []
    for its, strides in shapes_and_strides:
        missing = count - len(its)
        spread.append(
            [0] * missing
            + [
                0 if size == 1 and shape[missing + place] != 1 else stride
                for place, (size, stride) in enumerate(zip(its, strides, strict=True))
            ]
        )
    order = list(range(count - 1, -1, -1))  # the innermost first
    for place in range(1, count):
        here = place
        for other in range(place - 1, -1, -1):
            swap = _should_swap(order[other], order[here], spread, shape)
            if swap > 0:
                order[other], order[here] = order[here], order[other]
                here = other
            elif swap < 0:
                break
    return strides_in_order(shape, order[::-1])


def _should_swap(inner, outer, spread, shape):
    for strides in spread:
        one, other = strides[inner], strides[outer]
        if one == 0 or other == 0:
            continue
        if one != other:
            return -1 if one < other else 1
        if shape[inner] > shape[outer]:
            return 1
    return 0


def broadcast(shapes):
    """The shape that all these grow to.

    Raises:
        RuntimeError: two of them do not fit, in PyTorch's words.
    """
    result = shapes[0] if shapes else ()
    for shape in shapes[1:]:
        if shape == result:
            continue
        one, other = list(result), list(shape)
        longest = max(len(one), len(other))
        padded = [[1] * (longest - len(its)) + its for its in (one, other)]
        for place, (first, second) in reversed([*enumerate(zip(*padded, strict=True))]):
            if first != second and 1 not in (first, second):
                raise RuntimeError(
                    f"The size of tensor a ({first}) must match the size of tensor b ({second}) at non-singleton "
                    f"dimension {place}"
                )
        result = tuple(second if first == 1 else first for first, second in zip(*padded, strict=True))
    return Size(result)


def whole_dim(dim, count):
    """A dimension counted from the front.

    Raises:
        IndexError: there is none, in PyTorch's words.
    """
    shown = max(count, 1)
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
    dim = dim.__index__()
    if not -shown <= dim < shown:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-shown}, {shown - 1}], but got {dim})")
    return dim % shown
