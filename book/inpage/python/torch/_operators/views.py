"""Other ways to look at the same memory, and copies of it in another order."""

import builtins
import itertools
import math

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._public import FUNCTIONS, METHODS, both, function, method, named
from .._tape import detached
from .._tensor import Tensor, Versions, check_writable, made, need_tensor


def viewed(tensor, shape, strides, offset=None):
    """A view: the same memory, seen in another shape."""
    view = made(shape, tensor.dtype, strides, tensor._storage, tensor._offset if offset is None else offset)
    return part_of(tensor, view)


def part_of(tensor, view):
    view._base = tensor._base if tensor._base is not None else tensor
    view._own_versions, view._is_inference = tensor._own_versions, tensor._is_inference
    if not view._is_inference:
        view._seen_version = view._version
    return view


def sizes_of(sizes):
    """`view(2, 3)` and `view((2, 3))`."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    return tuple(_whole(size) for size in sizes)


def _whole(size):
    if isinstance(size, float) or not hasattr(size, "__index__"):
        raise TypeError(f"'{size.__class__.__name__}' object cannot be interpreted as an integer")
    return size.__index__()


def inferred(sizes, numel):
    """A shape with its −1 worked out.

    Raises:
        RuntimeError: it cannot hold so many numbers, in PyTorch's words.
    """
    wrong = RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {numel}")
    if sizes.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for size in sizes:
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size}")
    known = math.prod(size for size in sizes if size != -1)
    if -1 not in sizes:
        if known != numel:
            raise wrong
        return tuple(sizes)
    if known == 0:
        if numel == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the unspecified dimension size "
                "-1 can be any value and is ambiguous"
            )
        raise wrong
    if numel % known:
        raise wrong
    return tuple(numel // known if size == -1 else size for size in sizes)


def strides_for_view(shape, strides, wanted):
    """The strides that show `shape` as `wanted` without a copy; None where none do."""
    if math.prod(shape) == 0:
        return strides if tuple(shape) == tuple(wanted) else meta.contiguous_strides(wanted)
    found, place = [0] * len(wanted), len(wanted) - 1
    if not shape:
        return (1,) * len(wanted)
    base, seen, made_up = strides[-1], 1, 1
    for dim in range(len(shape) - 1, -1, -1):
        seen *= shape[dim]
        if dim == 0 or (shape[dim - 1] != 1 and strides[dim - 1] != seen * base):
            while place >= 0 and (made_up < seen or wanted[place] == 1):
                found[place] = made_up * base
                made_up *= wanted[place]
                place -= 1
            if made_up != seen:
                return None
            if dim > 0:
                base, seen, made_up = strides[dim - 1], 1, 1
    return tuple(found) if place == -1 else None


@operator("view")
def view_op(self, size):
    size = inferred(list(size), self.numel())
    strides = strides_for_view(self._shape, self._strides, size)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return viewed(self, size, strides)


@operator("_unsafe_view")
def unsafe_view(self, size):
    view = viewed(self, inferred(list(size), self.numel()), None)
    view._strides, view._base = meta.contiguous_strides(view._shape), None  # of a copy that nobody else has
    return view


@operator("view_dtype")
def _view_as_type(self, dtype):
    ratio = self.dtype.itemsize / dtype.itemsize
    shape = self._shape if ratio == 1 else (*self._shape[:-1], int(self._shape[-1] * ratio))
    view = made(shape, dtype, None if ratio != 1 else self._strides, self._storage, int(self._offset * ratio))
    return part_of(self, view)


@method
def view(self, *shape, dtype=None):
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], meta.dtype)):
        return _view_as_type(self, dtype or shape[0])
    if not shape:
        raise TypeError(
            "view() received an invalid combination of arguments - got (), but expected one of:\n * (torch.dtype "
            "dtype)\n * (tuple of ints size)\n"
        )
    return view_op(self, sizes_of(shape))


@method
def view_as(self, other):
    return view_op(self, other._shape)


def reshaped(tensor, size):
    size = inferred(list(size), tensor.numel())
    if strides_for_view(tensor._shape, tensor._strides, size) is not None:
        return view_op(tensor, size)
    return unsafe_view(clone_op(tensor, meta.contiguous_format), size)


@both
def reshape(input, *shape):
    need_tensor(input, "reshape")
    return reshaped(input, sizes_of(shape))


@method
def reshape_as(self, other):
    return reshaped(self, other._shape)


@both
def flatten(input, start_dim=0, end_dim=-1):
    need_tensor(input, "flatten")
    start, end = meta.whole_dim(start_dim, input.dim()), meta.whole_dim(end_dim, input.dim())
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not input.dim():
        return reshaped(input, (1,))
    if start == end:
        return input
    shape = input._shape
    return reshaped(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@both
def ravel(input):
    return reshaped(input, (-1,))


@both
def unflatten(input, dim, sizes):
    at = meta.whole_dim(dim, input.dim())
    sizes = list(sizes)
    known = math.prod(size for size in sizes if size != -1)
    if (-1 in sizes and (not known or input._shape[at] % known)) or (-1 not in sizes and known != input._shape[at]):
        raise RuntimeError(
            f"unflatten: Provided sizes {sizes} don't multiply up to the size of dim {at} ({input._shape[at]}) in the "
            "input tensor"
        )
    sizes = inferred(sizes, input._shape[at])
    return reshaped(input, (*input._shape[:at], *sizes, *input._shape[at + 1 :]))


@operator("permute")
def permute_op(self, dims):
    if len(dims) != self.dim():
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {self.dim()} is not equal to len(dims) = {len(dims)}"
        )
    order = [meta.whole_dim(dim, self.dim()) for dim in dims]
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return viewed(self, [self._shape[dim] for dim in order], [self._strides[dim] for dim in order])


@both
def permute(input, *dims):
    need_tensor(input, "permute")
    return permute_op(input, sizes_of(dims))


@operator("transpose")
def transpose_op(self, dim0, dim1):
    one, other = meta.whole_dim(dim0, self.dim()), meta.whole_dim(dim1, self.dim())
    order = list(range(self.dim()))
    if order:
        order[one], order[other] = order[other], order[one]
    return viewed(self, [self._shape[dim] for dim in order], [self._strides[dim] for dim in order])


@both
def transpose(input, dim0, dim1):
    need_tensor(input, "transpose")
    return transpose_op(input, dim0, dim1)


@both
def swapaxes(input, axis0, axis1):
    return transpose_op(input, axis0, axis1)


@both
def swapdims(input, dim0, dim1):
    return transpose_op(input, dim0, dim1)


@operator("t")
def t_op(self):
    if self.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.dim()}D")
    return viewed(self, self._shape[::-1], self._strides[::-1])


@both
def t(input):
    return t_op(input)


@both
def movedim(input, source, destination):
    sources = [source] if isinstance(source, int) else list(source)
    places = [destination] if isinstance(destination, int) else list(destination)
    sources = [meta.whole_dim(dim, input.dim()) for dim in sources]
    places = [meta.whole_dim(dim, input.dim()) for dim in places]
    if len(sources) != len(places):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({sources} dims) should contain the same number of dims as destination ({places} dims)"
        )
    order = [dim for dim in range(input.dim()) if dim not in sources]
    for place, dim in sorted(zip(places, sources, strict=True)):
        order.insert(place, dim)
    return permute_op(input, order)


@both
def moveaxis(input, source, destination):
    return movedim(input, source, destination)


@operator("unsqueeze")
def unsqueeze_op(self, dim):
    at = meta.whole_dim(dim, self.dim() + 1)
    step = self._shape[at] * self._strides[at] if at < self.dim() else 1
    return viewed(self, (*self._shape[:at], 1, *self._shape[at:]), (*self._strides[:at], step, *self._strides[at:]))


@both
def unsqueeze(input, dim):
    need_tensor(input, "unsqueeze")
    return unsqueeze_op(input, dim)


def _become(tensor, view):
    tensor._shape, tensor._strides = view._shape, view._strides
    if view._grad_fn is not None:
        tensor._grad_fn, tensor._output_nr, tensor._requires_grad = view._grad_fn, view._output_nr, True
    return tensor


@method
def unsqueeze_(self, dim):
    check_writable(self)
    return _become(self, unsqueeze_op(self, dim))


@operator("squeeze")
def squeeze_op(self, dim=None):
    dims = range(self.dim()) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    gone = {meta.whole_dim(one, self.dim()) for one in dims}
    kept = [place for place in range(self.dim()) if place not in gone or self._shape[place] != 1]
    return viewed(self, [self._shape[place] for place in kept], [self._strides[place] for place in kept])


@both
def squeeze(input, dim=None):
    need_tensor(input, "squeeze")
    return squeeze_op(input, dim) if dim is not None else squeeze_op(input)


@method
def squeeze_(self, dim=None):
    check_writable(self)
    return _become(self, squeeze_op(self, dim))


@operator("expand")
def expand_op(self, size):
    if len(size) < self.dim():
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{list(self._shape)}}}, size={list(size)}): the number of sizes provided "
            f"({len(size)}) must be greater or equal to the number of dimensions in the tensor ({self.dim()})"
        )
    missing = len(size) - self.dim()
    shape, strides = [], []
    for place, wanted in reversed([*enumerate(size)]):
        its = self._shape[place - missing] if place >= missing else 1
        if wanted == -1:
            if place < missing:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {place}"
                )
            wanted = its
        if its not in (1, wanted):
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted}) must match the existing size ({its}) at non-singleton "
                f"dimension {place}.  Target sizes: {list(size)}.  Tensor sizes: {list(self._shape)}"
            )
        shape.append(wanted)
        if place >= missing and its == wanted:
            strides.append(self._strides[place - missing])
        elif place < missing and wanted == 1:
            strides.append(_step_before(self))
        else:
            strides.append(0)
    return viewed(self, shape[::-1], strides[::-1])


def _step_before(tensor):
    """The step of a new dimension of one: PyTorch makes it as if it were the outermost of what follows."""
    if not tensor.dim():
        return 1
    return tensor._shape[0] * tensor._strides[0]


@method
def expand(self, *sizes, implicit=False):
    return expand_op(self, sizes_of(sizes))


@method
def expand_as(self, other):
    return expand_op(self, other._shape)


@function
def broadcast_to(input, size):
    return expand_op(input, tuple(size))


METHODS["broadcast_to"] = broadcast_to


def _swapped(name, view):
    """A view that a tensor itself becomes."""

    def in_place(self, *args):
        check_writable(self)
        return _become(self, view(self, *args))

    METHODS[name] = named(in_place, name)


_swapped("t_", t_op)
_swapped("transpose_", transpose_op)


@function
def broadcast_tensors(*tensors):
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shape = meta.broadcast([tensor._shape for tensor in tensors])
    return tuple(expand_op(tensor, shape) for tensor in tensors)


@function
def broadcast_shapes(*shapes):
    shapes = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    try:
        return meta.broadcast(shapes)
    except RuntimeError as error:
        raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape") from error


@operator("select")
def select_op(self, dim, index):
    if not self.dim():
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    at = meta.whole_dim(dim, self.dim())
    size = self._shape[at]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(self._shape)} at dimension {at}"
        )
    return viewed(
        self,
        self._shape[:at] + self._shape[at + 1 :],
        self._strides[:at] + self._strides[at + 1 :],
        self._offset + index % size * self._strides[at],
    )


@both
def select(input, dim, index):
    return select_op(input, dim, index)


@operator("slice")
def slice_op(self, dim=0, start=None, end=None, step=1):
    at = meta.whole_dim(dim, self.dim())
    start, end, step = slice(start, end, step).indices(self._shape[at])
    length = max(0, -(-(end - start) // step))
    shape, strides = list(self._shape), list(self._strides)
    shape[at], strides[at] = length, strides[at] * step
    return viewed(self, shape, strides, self._offset + start * self._strides[at])


@both
def narrow(input, dim, start, length):
    at = meta.whole_dim(dim, input.dim())
    size = input._shape[at]
    if start < -size or start > size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return slice_op(input, at, start, start + length)


@operator("diagonal")
def _diagonal(self, offset=0, dim1=0, dim2=1):
    one, other = meta.whole_dim(dim1, self.dim()), meta.whole_dim(dim2, self.dim())
    if one == other:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = self._shape[one], self._shape[other]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = self._offset + (offset * self._strides[other] if offset >= 0 else -offset * self._strides[one])
    kept = [place for place in range(self.dim()) if place not in (one, other)]
    return viewed(
        self,
        [*(self._shape[place] for place in kept), length],
        [*(self._strides[place] for place in kept), self._strides[one] + self._strides[other]],
        start,
    )


@both
def diagonal(input, offset=0, dim1=0, dim2=1):
    return _diagonal(input, offset, dim1, dim2)


@operator("as_strided")
def _as_strided(self, size, stride, storage_offset=None):
    return viewed(self, size, stride, storage_offset)


@both
def as_strided(input, size, stride, storage_offset=None):
    return _as_strided(input, size, stride, storage_offset)


@operator("unfold")
def _unfold(self, dimension, size, step):
    at = meta.whole_dim(dimension, self.dim())
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if size > self._shape[at]:
        raise RuntimeError(f"maximum size for tensor at dimension {at} is {self._shape[at]} but size is {size}")
    shape, strides = list(self._shape), list(self._strides)
    shape[at], strides[at] = (self._shape[at] - size) // step + 1, self._strides[at] * step
    return viewed(self, [*shape, size], [*strides, self._strides[at]])


@method
def unfold(self, dimension, size, step):
    return _unfold(self, dimension, size, step)


@operator("detach")
def _detach(self):
    return detached(self)


@both
def detach(input):
    return _detach(input)


@method
def detach_(self):
    self._requires_grad, self._grad_fn, self._output_nr = False, None, 0
    return self


@operator("alias")
def alias(self):
    return viewed(self, self._shape, self._strides)


# pieces


def _pieces(tensor, lengths, dim):
    pieces, start = [], 0
    for length in lengths:
        piece = viewed(
            tensor,
            (*tensor._shape[:dim], length, *tensor._shape[dim + 1 :]),
            tensor._strides,
            tensor._offset + start * tensor._strides[dim],
        )
        piece._multiple = "views"
        pieces.append(piece)
        start += length
    return tuple(pieces)


@operator("split")
def _split(self, split_size, dim=0):
    at = meta.whole_dim(dim, self.dim())
    size = self._shape[at]
    lengths = [min(split_size, size - start) for start in range(0, size, split_size)] or [0]
    return _pieces(self, lengths, at)


@operator("split_with_sizes")
def _split_with_sizes(self, split_sizes, dim=0):
    at = meta.whole_dim(dim, self.dim())
    if sum(split_sizes) != self._shape[at]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {self._shape[at]} (input tensor's size at "
            f"dimension {dim}), but got split_sizes={list(split_sizes)}"
        )
    return _pieces(self, split_sizes, at)


@function
def split(tensor, split_size_or_sections, dim=0):
    need_tensor(tensor, "split", "tensor")
    if isinstance(split_size_or_sections, (tuple, list)):
        return _split_with_sizes(tensor, list(split_size_or_sections), dim)
    if split_size_or_sections <= 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size_or_sections}")
    return _split(tensor, split_size_or_sections, dim)


def _split_of_a_tensor(self, split_size, dim=0):
    return split(self, split_size, dim)


method(named(_split_of_a_tensor, "split"))


@both
def split_with_sizes(input, split_sizes, dim=0):
    return _split_with_sizes(input, list(split_sizes), dim)


@both
def tensor_split(input, indices_or_sections, dim=0):
    at = meta.whole_dim(dim, input.dim())
    size = input._shape[at]
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        if count <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {count}")
        lengths = [size // count + (place < size % count) for place in range(count)]
    else:
        marks = [0, *(min(mark, size) for mark in indices_or_sections), size]
        lengths = [max(0, end - start) for start, end in itertools.pairwise(marks)]
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    return tuple(slice_op(input, at, start, start + length) for start, length in zip(starts, lengths, strict=True))


@both
def chunk(input, chunks, dim=0):
    need_tensor(input, "chunk")
    if not input.dim():
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input._shape[meta.whole_dim(dim, input.dim())]
    if not size:
        return _split_with_sizes(input, [0] * chunks, dim)
    return _split(input, -(-size // chunks), dim)


@both
def unsafe_chunk(input, chunks, dim=0):
    """Pieces that may be written to, since nobody uses the whole any more."""
    pieces = chunk(input, chunks, dim)
    for piece in pieces:
        piece._base, piece._multiple, piece._own_versions = None, None, Versions()
    return pieces


@operator("unbind")
def _unbind(self, dim=0):
    at = meta.whole_dim(dim, self.dim())
    shape, strides = self._shape[:at] + self._shape[at + 1 :], self._strides[:at] + self._strides[at + 1 :]
    starts = [self._offset + place * self._strides[at] for place in range(self._shape[at])]
    pieces = [viewed(self, shape, strides, start) for start in starts]
    for piece in pieces:
        piece._multiple = "views"
    return tuple(pieces)


@both
def unbind(input, dim=0):
    if not input.dim():
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return _unbind(input, dim)


# copies


@operator("clone")
def clone_op(self, memory_format=meta.preserve_format):
    return made(self._shape, self.dtype, _strides_in(self, memory_format), values=_same_values(self))


def _same_values(tensor):
    return tensor._values("clone") if isinstance(tensor._storage.values, list) and tensor.is_contiguous() else None


def _strides_in(tensor, memory_format):
    if memory_format in (meta.channels_last, meta.channels_last_3d):
        if tensor.dim() != (4 if memory_format is meta.channels_last else 5):
            raise RuntimeError("required rank 4 tensor to use channels_last format")
        return meta.channels_last_strides(tensor._shape)
    if memory_format is meta.contiguous_format:
        return None
    return like_strides(tensor)


def like_strides(tensor):
    """The strides of what is made like a tensor: its own, without the gaps."""
    return meta.strides_like([(tensor._shape, tensor._strides)], tensor._shape)


@both
def clone(input, *, memory_format=meta.preserve_format):
    return clone_op(input, memory_format)


@method
def contiguous(self, memory_format=meta.contiguous_format):
    if self.is_contiguous(memory_format):
        return self
    return clone_op(self, memory_format)


@operator("_to_copy")
def to_copy(self, dtype=None, memory_format=meta.preserve_format):
    dtype = dtype or self.dtype
    values = _same_values(self)
    if values is not None and dtype is not self.dtype:
        values = [dtype_value(dtype, value) for value in values]
    return made(self._shape, dtype, _strides_in(self, memory_format), values=values)


def dtype_value(dtype, value):
    """A Python number as this type holds it."""
    if dtype is meta.bool_:
        return bool(value)
    return float(value) if dtype.is_floating_point else value if dtype.is_complex else int(value)


@method
def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    for value in args:
        if isinstance(value, meta.dtype):
            dtype = value
        elif isinstance(value, Tensor):
            dtype, device = value.dtype, value.device
        elif isinstance(value, (str, meta.device)):
            device = value
        elif isinstance(value, builtins.type):
            dtype = meta.type_meant(value, "to")
    if device is not None and _numbers.engine is not None:
        wants_meta = meta.device(device).type == "meta"
        if self.is_meta and not wants_meta:
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        if wants_meta and not self.is_meta:
            return _on_meta(self, dtype or self.dtype)
    if memory_format not in (None, meta.preserve_format) and not self.is_contiguous(memory_format):
        return to_copy(self, dtype, memory_format)
    if copy or dtype not in (None, self.dtype):
        return to_copy(self, dtype)
    return self


def _on_meta(tensor, dtype):
    """The same with a shape alone."""
    with meta.HERE:
        alone = made(tensor._shape, dtype, _strides_in(tensor, meta.preserve_format))
    return alone.requires_grad_() if tensor.requires_grad and tensor.is_leaf else alone


def _cast(name, dtype):
    def cast(self, memory_format=meta.preserve_format):
        return self.to(dtype)

    METHODS[name] = named(cast, name)


for _name in ("bool", "int", "long", "short", "half", "bfloat16", "float", "double", "cfloat", "cdouble"):
    _cast(_name, meta.PUBLIC_TYPES[_name])
METHODS["byte"] = named(lambda self: self.to(meta.uint8), "byte")
METHODS["char"] = named(lambda self: self.to(meta.int8), "char")


@method
def type_as(self, other):
    return self.to(other.dtype)


@method
def type(self, dtype=None, non_blocking=False):
    if dtype is None:
        return f"torch.{meta.SCALAR_NAMES[self.dtype]}Tensor"
    given = dtype
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2].removesuffix("Tensor")
        dtype = next((kind for kind, its in meta.SCALAR_NAMES.items() if its == name), None)
        if dtype is None:
            raise ValueError(f"invalid type: '{given}'")
    elif not isinstance(dtype, meta.dtype) and not hasattr(dtype, "_dtype"):
        raise TypeError("dtype must be a type, str, or dtype object")
    return self.to(getattr(dtype, "_dtype", dtype))


@method
def cuda(self, device=None, non_blocking=False, memory_format=None):
    return self


@method
def cpu(self, memory_format=None):
    return self.to("cpu")


@operator("repeat")
def _repeat(self, repeats):
    if len(repeats) < self.dim():
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    shape = (1,) * (len(repeats) - self.dim()) + tuple(self._shape)
    return made([size * times for size, times in zip(shape, repeats, strict=True)], self.dtype)


@method
def repeat(self, *repeats):
    return _repeat(self, sizes_of(repeats))


@both
def tile(input, *dims):
    dims = sizes_of(dims)
    return _repeat(input, (1,) * (input.dim() - len(dims)) + tuple(dims))


@both
def repeat_interleave(input, repeats, dim=None, *, output_size=None):
    if not isinstance(repeats, Tensor) and repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    if isinstance(repeats, Tensor):
        total = output_size if output_size is not None else sum(repeats._values("repeat_interleave"))
    else:
        total = None
    if dim is None:
        input, dim = flatten(input), 0
    at = meta.whole_dim(dim, input.dim())
    if isinstance(repeats, Tensor) and repeats._storage.values is not None:
        counts = repeats._values("repeat_interleave")
        if min(counts, default=0) < 0:
            raise RuntimeError("repeats can not be negative")
        counts = counts * input._shape[at] if len(counts) == 1 else counts
        if len(counts) != input._shape[at]:
            raise RuntimeError(
                f"repeats must have the same size as input along dim, but got repeats.size(0) = {len(counts)} and "
                f"input.size({at}) = {input._shape[at]}"
            )
        from .indexing import index_select

        places = [place for place, count in enumerate(counts) for _ in range(count)]
        return index_select(input, at, made((len(places),), meta.int64, values=places))
    if total is None:
        copies = clone_op(
            expand_op(unsqueeze_op(input, at + 1), (*input._shape[: at + 1], repeats, *input._shape[at + 1 :])),
            meta.contiguous_format,
        )
        return flatten(copies, at, at + 1)
    return made((*input._shape[:at], int(total), *input._shape[at + 1 :]), input.dtype)


def _keeping(name):
    @operator(name)
    def run(self, *args):
        return made(self._shape, self.dtype, like_strides(self))

    return run


_flip, _tril, _triu = _keeping("flip"), _keeping("tril"), _keeping("triu")


@operator("roll")
def _roll(self, shifts, dims=None):
    return made(self._shape, self.dtype)


@both
def roll(input, shifts, dims=None):
    for dim in [] if dims is None else [dims] if isinstance(dims, int) else dims:
        meta.whole_dim(dim, input.dim())
    count = len(shifts) if isinstance(shifts, (tuple, list)) else 1
    if dims is not None and count != (len(dims) if isinstance(dims, (tuple, list)) else 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {count}, dims:{len(dims)}")
    return _roll(input, shifts, dims)


@both
def flip(input, *dims):
    if not dims:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    dims = sizes_of(dims)
    places = [meta.whole_dim(dim, input.dim()) for dim in dims]
    for place in places:
        if places.count(place) > 1:
            raise RuntimeError(f"dim {place} appears multiple times in the list of dims")
    return _flip(input, dims)


@both
def fliplr(input):
    return flip(input, 1)


@both
def flipud(input):
    return flip(input, 0)


@both
def rot90(input, k=1, dims=(0, 1)):
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    one, other = (meta.whole_dim(dim, input.dim()) for dim in dims)
    if one == other:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    turns = k % 4
    if turns == 1:
        return transpose_op(flip(input, other), one, other)
    if turns == 2:
        return flip(input, one, other)
    if turns == 3:
        return flip(transpose_op(input, one, other), other)
    return clone_op(input, meta.contiguous_format)


def _check_whole(value, function, argument):
    if isinstance(value, float) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}(): argument '{argument}' (position 1) must be int, not {type(value).__name__}")


@both
def tril(input, diagonal=0, *, out=None):
    if input.dim() < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    _check_whole(diagonal, "tril", "diagonal")
    return _tril(input, diagonal)


@both
def triu(input, diagonal=0, *, out=None):
    if input.dim() < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    _check_whole(diagonal, "triu", "diagonal")
    return _triu(input, diagonal)


@both
def diag(input, diagonal=0):
    if input.dim() == 1:
        size = input._shape[0] + abs(diagonal)
        square = input.new_zeros((size, size))
        square.diagonal(diagonal).copy_(input)
        return square
    if input.dim() != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.dim()}D")
    return clone_op(_diagonal(input, diagonal))


@function
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    size = input._shape[-1] + abs(offset)
    whole = input.new_zeros((*input._shape[:-1], size, size))
    whole.diagonal(offset, -2, -1).copy_(input)
    return movedim(whole, (-2, -1), (dim1, dim2))


METHODS["diag_embed"] = FUNCTIONS["diag_embed"]


@function
def meshgrid(*tensors, indexing=None):
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    for tensor in tensors:
        if tensor.dim() > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got one of shape "
                f"{list(tensor._shape)}"
            )
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    shape = [tensor.numel() for tensor in tensors]
    order = [1, 0, *range(2, len(shape))] if indexing == "xy" and len(shape) > 1 else list(range(len(shape)))
    shape = [shape[place] for place in order]
    grids = []
    for place, tensor in enumerate(tensors):
        at = order.index(place)
        grids.append(expand_op(view_op(tensor, [-1 if dim == at else 1 for dim in range(len(shape))]), shape))
    return tuple(grids)


@both
def adjoint(input):
    return transpose_op(input, -2, -1)


Tensor.mH = property(adjoint)


def _pieces_along(name, dim, least):
    def pieces(input, indices_or_sections):
        if input.dim() < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension{'s' if least > 1 else ''}, but got a "
                f"tensor with {input.dim()} dimensions!"
            )
        at = 0 if name == "hsplit" and input.dim() == 1 else dim
        if isinstance(indices_or_sections, int) and input._shape[at] % indices_or_sections:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {at}, but the size of the dimension "
                f"{input._shape[at]} is not divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, at)

    both(named(pieces, name))


for _name, _dim, _least in (("hsplit", 1, 1), ("vsplit", 0, 2), ("dsplit", 2, 3)):
    _pieces_along(_name, _dim, _least)


def _replaced(name, view_of):
    """A copy in which one part is another tensor."""

    def call(input, src, *args, **kwargs):
        copy = clone_op(input, meta.contiguous_format)
        part = view_of(copy, *args, **kwargs)
        if part._shape != src._shape:
            raise RuntimeError(
                f"expected src to have a size equal to the slice of self. src size = {list(src._shape)}, slice size = "
                f"{list(part._shape)}"
            )
        part.copy_(src)
        return copy

    both(named(call, name))


_replaced("select_scatter", lambda copy, dim, index: select_op(copy, dim, index))
_replaced("slice_scatter", lambda copy, dim=0, start=None, end=None, step=1: slice_op(copy, dim, start, end, step))
_replaced("diagonal_scatter", lambda copy, offset=0, dim1=0, dim2=1: _diagonal(copy, offset, dim1, dim2))


@both
def diagflat(input, offset=0):
    return diag(reshaped(input, (-1,)), offset)


@method
def sum_to_size(self, *size):
    from .._tape import summed_to

    size = sizes_of(size)
    expand_op.kernel(made(size, self.dtype), self._shape)
    return summed_to(self, size)


@both
def unsafe_split(input, split_size, dim=0):
    return split(input, split_size, dim)


_swapped("swapaxes_", transpose_op)
_swapped("swapdims_", transpose_op)
