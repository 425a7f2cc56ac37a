"""Tensors laid side by side, and tensors with a border around them."""

import itertools

from .. import _metadata as meta
from .._dispatch import operator
from .._public import FUNCTIONS, function, named
from .._tensor import Tensor, made
from . import views


@operator("cat")
def _cat(tensors, dim=0):
    whole = [tensor for tensor in tensors if tuple(tensor._shape) != (0,)] or list(tensors)
    first = whole[0]
    if not all(tensor.dim() for tensor in tensors):
        place = next(place for place, tensor in enumerate(tensors) if not tensor.dim())
        raise RuntimeError(f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    at = meta.whole_dim(dim, first.dim())
    total = 0
    for place, tensor in enumerate(tensors):
        if tuple(tensor._shape) == (0,) and tensor is not first:
            continue
        if tensor.dim() != first.dim():
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.dim()} and {tensor.dim()}")
        for other, (expected, size) in enumerate(zip(first._shape, tensor._shape, strict=True)):
            if other != at and expected != size:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {at}. Expected size {expected} but got size "
                    f"{size} for tensor number {place} in the list."
                )
        total += tensor._shape[at]
    dtype = meta.result_type([(tensor.dim(), tensor.dtype) for tensor in tensors])
    shape = [total if place == at else size for place, size in enumerate(first._shape)]
    if all(meta.suggests_channels_last(tensor._shape, tensor._strides) for tensor in whole):
        return made(shape, dtype, meta.channels_last_strides(shape))
    return made(shape, dtype)


def _tensors(tensors, name):
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    tensors = list(tensors)
    for place, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(tensor).__name__}")
    return tensors


@function
def cat(tensors, dim=0, *, axis=None, out=None):
    tensors = _tensors(tensors, "cat")
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    return _cat(tensors, dim if axis is None else axis)


FUNCTIONS["concat"] = named(lambda tensors, dim=0, *, axis=None, out=None: cat(tensors, dim, axis=axis), "concat")
FUNCTIONS["concatenate"] = named(
    lambda tensors, dim=0, *, axis=None, out=None: cat(tensors, dim, axis=axis), "concatenate"
)


@operator("stack")
def _stack(tensors, dim=0):
    at = meta.whole_dim(dim, tensors[0].dim() + 1)
    for place, tensor in enumerate(tensors):
        if tensor._shape != tensors[0]._shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0]._shape)} at entry 0 and "
                f"{list(tensor._shape)} at entry {place}"
            )
    dtype = meta.result_type([(tensor.dim(), tensor.dtype) for tensor in tensors])
    shape = tensors[0]._shape
    return made((*shape[:at], len(tensors), *shape[at:]), dtype)


@function
def stack(tensors, dim=0, *, out=None):
    tensors = _tensors(tensors, "stack")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    return _stack(tensors, dim)


def _stacked(name, dim, at_least):
    def joined(tensors, *, out=None):
        return cat([at_least(tensor) for tensor in tensors], dim)

    FUNCTIONS[name] = named(joined, name)


def _at_least(tensor, count):
    while tensor.dim() < count:
        tensor = views.unsqueeze_op(tensor, 0 if count == 2 or tensor.dim() < 2 else -1)
    return tensor


_stacked("vstack", 0, lambda tensor: _at_least(tensor, 2))
_stacked("row_stack", 0, lambda tensor: _at_least(tensor, 2))
_stacked("dstack", 2, lambda tensor: _at_least(tensor, 3))


@function
def hstack(tensors, *, out=None):
    tensors = [_at_least(tensor, 1) for tensor in tensors]
    return cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def _at_least_function(name, count):
    FUNCTIONS[name] = named(
        lambda *tensors: (
            _at_least(tensors[0], count) if len(tensors) == 1 else tuple(_at_least(tensor, count) for tensor in tensors)
        ),
        name,
    )


for _name, _count in (("atleast_1d", 1), ("atleast_2d", 2), ("atleast_3d", 3)):
    _at_least_function(_name, _count)


@function
def column_stack(tensors, *, out=None):
    columns = [tensor if tensor.dim() > 1 else views.reshaped(tensor, (tensor.numel(), 1)) for tensor in tensors]
    return cat(columns, 1)


@function
def cartesian_prod(*tensors):
    for tensor in tensors:
        if tensor.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor._shape)}")
    if len(tensors) == 1:
        return tensors[0]
    grids = views.meshgrid(*tensors, indexing="ij")
    return stack([views.reshaped(grid, (-1,)) for grid in grids], 1)


@function
def combinations(input, r=2, with_replacement=False):
    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input._shape[0]), r))
    at = made((len(rows), r), meta.int64, values=[place for row in rows for place in row])
    return input[at]


@function
def block_diag(*tensors):
    for place, tensor in enumerate(tensors):
        if tensor.dim() > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {tensor.dim()} "
                "dimensions"
            )
    blocks = [_at_least(tensor, 2) for tensor in tensors]
    wide, rows, before = sum(block._shape[1] for block in blocks), [], 0
    for block in blocks:
        after = wide - before - block._shape[1]
        rows.append(constant_pad_op(block, [before, after]))
        before += block._shape[1]
    return cat(rows)


@operator("constant_pad_nd")
def constant_pad_op(self, pad, value=0):
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * self.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {self.dim()}"
        )
    shape = list(self._shape)
    for place in range(len(pad) // 2):
        dim = self.dim() - 1 - place
        shape[dim] += pad[2 * place] + pad[2 * place + 1]
        if shape[dim] < 0:
            raise RuntimeError(
                f"The input size {self._shape[dim]}, plus negative padding {pad[2 * place]} and {pad[2 * place + 1]}, "
                f"resulted in a negative output size, which is invalid. Check dimension {dim} of your input."
            )
    return made(shape, self.dtype, _padded_strides(self, shape))


def _padded_strides(tensor, shape):
    if meta.suggests_channels_last(tensor._shape, tensor._strides):
        return meta.channels_last_strides(shape)
    return None


def _border(mode, count):
    @operator(f"{mode}_pad{count}d")
    def run(self, padding):
        if self.dim() not in (count + 1, count + 2):
            raise RuntimeError(
                f"Expected {count + 1}D or {count + 2}D (batch mode) tensor with possibly 0 batch size and other "
                f"non-zero dimensions for input, but got: {list(self._shape)}"
            )
        shape = list(self._shape)
        for place in range(count):
            dim = self.dim() - 1 - place
            before, after = padding[2 * place], padding[2 * place + 1]
            if mode == "reflection" and max(before, after) >= shape[dim]:
                raise RuntimeError(
                    "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
                    f"({before}, {after}) at dimension {dim} of input {list(self._shape)}"
                )
            shape[dim] += before + after
        return made(shape, self.dtype)

    return run


_BORDERS = {(mode, count): _border(mode, count) for mode in ("reflection", "replication") for count in (1, 2, 3)}


@operator("_pad_circular")
def _circular(self, pad):
    shape = list(self._shape)
    for place in range(len(pad) // 2):
        dim = self.dim() - 1 - place
        if max(pad[2 * place], pad[2 * place + 1]) > shape[dim]:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        shape[dim] += pad[2 * place] + pad[2 * place + 1]
    return made(shape, self.dtype)


def pad(input, pad, mode="constant", value=None):
    """A border: pairs of sizes, the last dimension's first."""
    pad = [int(size) for size in pad]
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if mode == "constant":
        return constant_pad_op(input, pad, value or 0)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    count = len(pad) // 2
    if input.dim() not in (count + 1, count + 2) or count not in (1, 2, 3):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.dim()}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if mode == "circular":
        return _circular(input, pad)
    return _BORDERS["reflection" if mode == "reflect" else "replication", count](input, pad)
