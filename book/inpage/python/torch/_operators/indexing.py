"""`x[:, 0]`, `x[mask] = 0`, embeddings, and what gathers and scatters."""

import itertools

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._lacking import no_values
from .._public import both, function, method, named
from .._tensor import Tensor, made, need_tensor
from . import views

_NO_NUMBERS = slice, Tensor, type(None), type(Ellipsis), list, tuple, range


def _as_tuple(key):
    if isinstance(key, tuple):
        return key
    if isinstance(key, list) and any(isinstance(one, _NO_NUMBERS) for one in key):
        return tuple(key)
    return (key,)


def _takes(one):
    """How many dimensions an index stands for."""
    if isinstance(one, Tensor) and _is_mask(one):
        return one.dim()
    return 0 if one is None or one is Ellipsis or isinstance(one, bool) else 1


def _listed(one):
    return _tensor_of(one) if isinstance(one, (list, range)) else one


def _tensor_of(data):
    from .creating import tensor

    return tensor(list(data)) if data else tensor([], dtype=meta.int64)


def _simple(tensor, key):
    """Apply what only looks; gives back the view and what is left to index with, by dimension."""
    key = [_listed(one) for one in _as_tuple(key)]
    needed = sum(_takes(one) for one in key)
    if needed and not tensor.dim() and all(hasattr(one, "__index__") for one in key):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    if needed > tensor.dim():
        raise IndexError(f"too many indices for tensor of dimension {tensor.dim()}")
    view, dim, left = tensor, 0, []
    for one in key:
        if one is Ellipsis:
            rest = tensor.dim() - needed
            dim += rest
            left += [None] * rest
        elif one is None:
            view = views.unsqueeze_op(view, dim)
            dim += 1
            left.append(None)
        elif isinstance(one, slice):
            if (one.step or 1) <= 0:
                raise ValueError("step must be greater than zero")
            if one.indices(view._shape[dim]) != (0, view._shape[dim], 1):
                view = views.slice_op(view, dim, _index(one.start), _index(one.stop), _index(one.step) or 1)
            dim += 1
            left.append(None)
        elif isinstance(one, bool):
            view = views.unsqueeze_op(view, dim)
            left.append(_tensor_of([one]))
            dim += 1
        elif isinstance(one, Tensor):
            if not one.dim() and one.dtype is not meta.bool_ and one._storage.values is not None:
                view = _selected(view, dim, int(one.item()), len(left))
                continue
            left.append(one)
            dim += max(_takes(one), 1) if _is_mask(one) else 1
        elif hasattr(one, "__index__"):
            view = _selected(view, dim, one.__index__(), len(left))
        elif isinstance(one, str):
            raise TypeError("new(): invalid data type 'str'")
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                f"{type(one).__name__})"
            )
    return view, left


def refuse_index(index, dim, size):
    raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")


def _index(value):
    return None if value is None else value.__index__()


def _selected(view, dim, index, place):
    size = view._shape[dim]
    if not -size <= index < size:
        refuse_index(index, place, size)
    return views.select_op(view, dim, index)


def _getitem(self, key):
    if isinstance(key, slice) and self.dim() and (key.step or 1) > 0:
        return views.slice_op(self, 0, _index(key.start), _index(key.stop), _index(key.step) or 1)
    view, left = _simple(self, key)
    if any(one is not None for one in left):
        return index_op(view, left)
    if view is self:
        return views.alias(self)
    return view


def _indexed_shape(tensor, indices):
    """The shape of `tensor[indices]`, where None keeps a dimension."""
    spread, dim = [], 0
    for one in indices:
        if one is not None and _is_mask(one):
            for offset, size in enumerate(one._shape):
                if size != tensor._shape[dim + offset]:
                    raise IndexError(
                        f"The shape of the mask {list(one._shape)} at index {offset} does not match the shape of the "
                        f"indexed tensor {list(tensor._shape)} at index {dim + offset}"
                    )
            if one._storage.values is None:
                raise no_values("x[mask]")
            count = _count_true(one)
            spread += [made((count,), meta.int64)] * max(one.dim(), 1)
            dim += max(one.dim(), 1)
        else:
            if one is not None and one.dtype not in (meta.int64, meta.int32, meta.int16, meta.int8):
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
            spread.append(one)
            dim += 1
    spread += [None] * (tensor.dim() - len(spread))
    given = [place for place, one in enumerate(spread) if one is not None]
    try:
        shape = meta.broadcast([spread[place]._shape for place in given])
    except RuntimeError as error:
        shown = ", ".join(str(list(spread[place]._shape)) for place in given)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shown}"
        ) from error
    rest = [size for place, size in enumerate(tensor._shape) if place not in given]
    together = given == list(range(given[0], given[0] + len(given)))
    at = given[0] if together else 0
    return (*rest[:at], *shape, *rest[at:])


def _count_true(mask):
    if _numbers.engine is not None and _numbers.are_known(mask):
        return _numbers.engine.truePlaces(_numbers.numbers(mask)).length
    return sum(map(bool, mask._values("x[mask]")))


@operator("index")
def index_op(self, indices):
    return made(_indexed_shape(self, indices), self.dtype)


@operator("index_put_", writes=(0,))
def _index_put(self, indices, values, accumulate=False):
    return self


def _setitem(self, key, value):
    view, left = _simple(self, key)
    if not isinstance(value, Tensor):
        from .creating import scalar_tensor

        if not isinstance(value, (int, float, complex)):
            raise TypeError(f"can't assign a {type(value).__name__} to a torch.{meta.SCALAR_NAMES[self.dtype]}Tensor")
        value = scalar_tensor(value, dtype=self.dtype)
    if all(one is None for one in left):
        value = _without_ones_before(value, view.dim())
        view.copy_(views.expand_op(value, view._shape) if value._shape != view._shape else value)
        return
    if all(one is None or not _is_mask(one) or one._storage.values is not None for one in left):
        shape = _indexed_shape(view, left)
        value = _without_ones_before(value, len(shape))
        if not _reaches(value._shape, shape):
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(value._shape)} cannot be broadcast to indexing result of "
                f"shape {list(shape)}"
            )
    _index_put(view, left, value)


def _without_ones_before(value, dims):
    while value.dim() > dims and value._shape[0] == 1:
        value = views.squeeze_op(value, 0)
    return value


def _is_mask(index):
    return index.dtype in (meta.bool_, meta.uint8)


def _reaches(small, large):
    """Whether a shape grows to another."""
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(one in (1, other) for one, other in pairs)


Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem
_getitem.__name__, _setitem.__name__ = "__getitem__", "__setitem__"


@method
def index_put_(self, indices, values, accumulate=False):
    return _index_put(self, list(indices), values, accumulate)


@operator("embedding")
def _embedding(weight, indices, padding_idx=-1):
    return made((*indices._shape, *weight._shape[1:]), weight.dtype)


def embedded(input, weight, padding_idx):
    need_tensor(input, "embedding", "indices", 2)
    if input.dtype not in (meta.int64, meta.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead (while checking arguments for embedding)".replace(
                str(input.dtype), f"torch.{meta.SCALAR_NAMES[input.dtype]}Tensor"
            )
        )
    if input._storage.values is not None:
        for value in input._values("embedding"):
            if not 0 <= value < weight._shape[0]:
                raise IndexError("index out of range in self")
    return _embedding(weight, input, -1 if padding_idx is None else padding_idx)


@operator("_embedding_bag")
def embedding_bag_op(
    weight, indices, offsets, mode="mean", per_sample_weights=None, include_last_offset=False, padding_idx=None
):
    return made((offsets._shape[0] - include_last_offset, weight._shape[1]), weight.dtype)


@operator("gather")
def _gather(self, dim, index):
    at = meta.whole_dim(dim, self.dim())
    if index.dim() != self.dim():
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for place in range(self.dim()):
        if place != at and index._shape[place] > self._shape[place]:
            raise RuntimeError(
                f"Size does not match at dimension {place} expected index {list(index._shape)} to be no larger than "
                f"self {list(self._shape)} apart from dimension {at}"
            )
    return made(index._shape, self.dtype)


def _check_index(index, name):
    need_tensor(index, name, "index", 3)
    if index.dtype not in (meta.int64, meta.int32):
        wanted = {"gather": "int32/int64", "scatter": "int32/int64", "index_select": "int32 or int64"}
        wanted = wanted.get(name, "int64")
        raise RuntimeError(f"{name}(): Expected dtype {wanted} for index")


@both
def gather(input, dim, index, *, sparse_grad=False, out=None):
    _check_index(index, "gather")
    _check_within(input, dim, index)
    return _gather(input, dim, index)


def _check_within(tensor, dim, index):
    """The numbers of an index, where they are known, are places along a dimension."""
    at = meta.whole_dim(dim, tensor.dim())
    size = tensor._shape[at] if tensor.dim() else 1
    wrong = _numbers.outside(index, 0, size)
    if wrong is not None:
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {at} with size {size}")


def _check_scatter(self, dim, index, src):
    _check_index(index, "scatter")
    meta.whole_dim(dim, self.dim())
    if index.dim() != self.dim():
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if not isinstance(src, (Tensor, int, float)):
        raise TypeError(
            f"scatter() received an invalid combination of arguments - got (int, Tensor, {type(src).__name__}), but "
            "expected one of:\n * (int dim, Tensor index, Tensor src)\n * (int dim, Tensor index, Number value)\n"
        )
    if not isinstance(src, Tensor):
        return _check_within(self, dim, index)
    if src.dim() != index.dim():
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    at = dim % max(self.dim(), 1)
    for place, size in enumerate(index._shape):
        if size > src._shape[place] or (place != at and size > self._shape[place]):
            raise RuntimeError(
                f"Expected index {list(index._shape)} to be no larger than self {list(self._shape)} apart from "
                f"dimension {at} and to be no larger size than src {list(src._shape)}"
            )
    return _check_within(self, dim, index)


@operator("scatter")
def _scatter(self, dim, index, src):
    return made(self._shape, self.dtype)


@operator("scatter_", writes=(0,))
def _scatter_in_place(self, dim, index, src):
    return self


@both
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    src = value if src is None else src
    if reduce is not None:
        return input.clone().scatter_(dim, index, src, reduce=reduce)
    _check_scatter(input, dim, index, src)
    return _scatter(input, dim, index, src)


@method
def scatter_(self, dim, index, src=None, *, value=None, reduce=None):
    src = value if src is None else src
    _check_scatter(self, dim, index, src)
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        src = src if isinstance(src, Tensor) else made(index._shape, self.dtype).fill_(src)
        return _scatter_reduce_in_place(self, dim, index, src, "sum" if reduce == "add" else "prod")
    return _scatter_in_place(self, dim, index, src)


@both
def scatter_add(input, dim, index, src):
    _check_scatter(input, dim, index, src)
    return _scatter_add(input, dim, index, src)


@operator("scatter_add")
def _scatter_add(self, dim, index, src):
    return made(self._shape, self.dtype)


@operator("scatter_add_", writes=(0,))
def _scatter_add_in_place(self, dim, index, src):
    return self


@method
def scatter_add_(self, dim, index, src):
    _check_scatter(self, dim, index, src)
    return _scatter_add_in_place(self, dim, index, src)


_REDUCTIONS = "sum", "prod", "mean", "amax", "amin"


@operator("scatter_reduce")
def _scatter_reduce(self, dim, index, src, reduce, include_self=True):
    return made(self._shape, self.dtype)


@operator("scatter_reduce_", writes=(0,))
def _scatter_reduce_in_place(self, dim, index, src, reduce, include_self=True):
    return self


def _check_reduction(self, dim, index, src, reduce):
    if reduce not in (*_REDUCTIONS, "max", "min"):
        raise RuntimeError("reduce argument must be either sum, prod, mean, amax or amin, got " + str(reduce))
    _check_scatter(self, dim, index, src)


@both
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    _check_reduction(input, dim, index, src, reduce)
    return _scatter_reduce(input, dim, index, src, reduce, include_self)


@method
def scatter_reduce_(self, dim, index, src, reduce, *, include_self=True):
    _check_reduction(self, dim, index, src, reduce)
    return _scatter_reduce_in_place(self, dim, index, src, reduce, include_self)


@operator("index_select")
def _index_select(self, dim, index):
    at = meta.whole_dim(dim, self.dim())
    return made([index.numel() if place == at else size for place, size in enumerate(self._shape)], self.dtype)


@both
def index_select(input, dim, index, *, out=None):
    if index.dim() > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    _check_index(index, "index_select")
    return _index_select(input, dim, index)


@operator("index_add")
def _index_add(self, dim, index, source):
    return made(self._shape, self.dtype)


@both
def index_add(input, dim, index, source, *, alpha=1, out=None):
    _check_lines(input, dim, index, source, "index_add")
    return _index_add(input, dim, index, source if alpha == 1 else source * alpha)


def _check_lines(tensor, dim, index, source, name):
    """A vector of indices, and for each a line along a dimension."""
    _check_index(index, name)
    at = meta.whole_dim(dim, tensor.dim())
    if index.dim() > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.dim()} with type: Long")
    wanted = [index.numel() if place == at else size for place, size in enumerate(tensor._shape)]
    if isinstance(source, Tensor) and tensor.dim() and list(source._shape) != wanted:
        raise IndexError(
            f"{name}(): Number of indices ({index.numel()}) should be equal to source.size(dim): "
            f"({source._shape[at] if source.dim() > at else 1}), for dim: {at}, and the other sizes to self's "
            f"{list(tensor._shape)}, but source has {list(source._shape)}"
        )


@operator("index_add_", writes=(0,))
def _index_add_in_place(self, dim, index, source):
    return self


@method
def index_add_(self, dim, index, source, *, alpha=1):
    _check_lines(self, dim, index, source, "index_add_")
    return _index_add_in_place(self, dim, index, source if alpha == 1 else source * alpha)


def _on_lines(name):
    """`index_copy`, `index_fill`: lines along a dimension are replaced."""

    @operator(name)
    def run(self, dim, index, value):
        return made(self._shape, self.dtype)

    @operator(f"{name}_", writes=(0,))
    def run_in_place(self, dim, index, value):
        return self

    def plain(input, dim, index, value):
        _check_lines(input, dim, index, value if name == "index_copy" else None, name)
        return run(input, dim, index, value)

    def in_place(self, dim, index, value):
        _check_lines(self, dim, index, value if name == "index_copy" else None, f"{name}_")
        return run_in_place(self, dim, index, value)

    both(named(plain, name))
    method(named(in_place, f"{name}_"))


_on_lines("index_copy")
_on_lines("index_fill")


@both
def index_put(input, indices, values, accumulate=False):
    return _index_put(input.clone(), list(indices), values, accumulate)


@method
def masked_scatter_(self, mask, source):
    spread = views.expand_op(mask, self._shape)
    count = _count_true(spread)
    if source.numel() < count:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes and source to have at least {count} numbers,"
            f" but it has {source.numel()}"
        )
    return _index_put(self, [spread], views.reshaped(source, (-1,))[:count])


@both
def masked_scatter(input, mask, source):
    return input.clone().masked_scatter_(mask, source)


@both
def take(input, index):
    if index.dtype is not meta.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {meta.SCALAR_NAMES[index.dtype]}")
    flat = views.reshaped(input, (-1,))
    return views.reshaped(_index_select(flat, 0, views.reshaped(index, (-1,))), index._shape)


@both
def take_along_dim(input, indices, dim=None):
    if dim is None:
        return _gather(views.reshaped(input, (-1,)), 0, views.reshaped(indices, (-1,)))
    at = meta.whole_dim(dim, input.dim())
    others = [[1 if place == at else size for place, size in enumerate(its._shape)] for its in (input, indices)]
    shape = list(meta.broadcast(others))
    spread = [
        views.expand_op(its, (*shape[:at], its._shape[at], *shape[at + 1 :])) if its.dim() else its
        for its in (input, indices)
    ]
    return _gather(spread[0], at, spread[1])


@both
def masked_select(input, mask):
    if mask.dtype is not meta.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = meta.broadcast([input._shape, mask._shape])
    return index_op(views.expand_op(input, shape), [views.expand_op(mask, shape)])


@both
def nonzero(input, *, as_tuple=False):
    from .creating import tensor

    if _numbers.engine is not None and _numbers.are_known(input):
        flat = _numbers.engine.truePlaces(_numbers.numbers(input)).to_py().tolist()
        found = [_unraveled(int(place), input._shape) for place in flat]
    else:
        places = itertools.product(*map(range, input._shape))
        found = [place for place, value in zip(places, input._values("torch.nonzero"), strict=True) if value]
    table = tensor(found, dtype=meta.int64) if found else made((0, input.dim()), meta.int64, values=[])
    return tuple(table.unbind(1)) if as_tuple else table


def _unraveled(place, shape):
    found = []
    for size in reversed(shape):
        place, rest = divmod(place, size)
        found.insert(0, rest)
    return found


@both
def argwhere(input):
    return nonzero(input)


@function
def bucketize(input, boundaries, *, out_int32=False, right=False):
    found = _bucketize(_as_tensor(input), boundaries, right)
    return found.to(meta.int32) if out_int32 else found


def _as_tensor(value):
    from .creating import tensor

    return value if isinstance(value, Tensor) else tensor(value)


@operator("bucketize")
def _bucketize(self, boundaries, right=False):
    if boundaries.dim() == 0 or (boundaries.dim() > 1 and boundaries._shape[:-1] != self._shape[:-1]):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            "tensor and input value tensor must match, but we got boundaries tensor "
            f"{list(boundaries._shape)} and input value tensor {list(self._shape)}"
        )
    return made(self._shape, meta.int64)


@function
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    found = _bucketize(_as_tensor(input), sorted_sequence, right or side == "right")
    return found.to(meta.int32) if out_int32 else found


@operator("isin")
def _isin(self, others, invert=False):
    return made(self._shape, meta.bool_)


@function
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    return _isin(_as_tensor(elements), _as_tensor(test_elements), invert)
