"""The numbers of what picks others out by place, puts them in order, or lays them out anew."""

import math

from . import _metadata as meta
from . import _numbers
from ._computed import dim_last, kind, memory
from ._numbers import Unknown, computes, numbers
from ._operators.indexing import refuse_index


def _flat_indices(indices, shape):
    """The indices as whole numbers, broadcast, and which dimensions they stand for: a mask's are where it is true."""
    found, dim = [], 0
    for one in indices:
        if one is None:
            dim += 1
        elif one.dtype in (meta.bool_, meta.uint8):
            places = _numbers.engine.truePlaces(numbers(one))
            step = 1
            parts = []
            for size in reversed(one._shape):
                parts.insert(0, (_remainders(places, step, size), (places.length,)))
                step *= size
            for part in parts:
                found.append((dim, *part))
                dim += 1
            if not one.dim():
                raise Unknown
        else:
            found.append((dim, numbers(one), tuple(one._shape)))
            dim += 1
    common = meta.broadcast([its for _, _, its in found])
    spread = []
    for at, values, its in found:
        if its != tuple(common) and math.prod(its) != 1:
            missing = len(common) - len(its)
            steps = meta.contiguous_strides(its)
            steps = [0 if size == 1 else step for size, step in zip(its, steps, strict=True)]
            values = _numbers.engine.laid(values, 0, list(common), [0] * missing + steps)
        spread.append((at, values))
    return spread, common


def _remainders(places, step, size):
    engine = _numbers.engine
    whole = engine.binary("floor_divide", "int64", places, engine.of("float64", [step]), places.length)
    return engine.binary("remainder", "int64", whole, engine.of("float64", [size]), places.length)


def _places(shape, indices):
    """For each number of `x[indices]`, where it stands in x, and the shape of the result."""
    spread, common = _flat_indices(indices, shape)
    given = [at for at, _ in spread]
    rest = [at for at in range(len(shape)) if at not in given]
    together = given == list(range(given[0], given[0] + len(given)))
    before = [at for at in rest if together and at < given[0]]
    after = [at for at in rest if at not in before]
    steps = meta.contiguous_strides(shape)
    outer = math.prod(shape[at] for at in before)
    found = _numbers.engine.placesOf(
        [values for _, values in spread],
        [shape[at] for at in given],
        [steps[at] for at in given],
        math.prod(common),
        outer,
        math.prod(shape[len(before) :]),
        [shape[at] for at in after],
        [steps[at] for at in after],
    )
    if hasattr(found, "wrong"):
        refuse_index(int(found.wrong), given[int(found.which)], int(found.size))
    return found, (*(shape[at] for at in before), *common, *(shape[at] for at in after))


@computes("index")
def _index(target, self, indices):
    places, _ = _places(tuple(self._shape), indices)
    return _numbers.engine.picked(numbers(self), places)


@computes("index_put_")
def _index_put(target, self, indices, values, accumulate=False):
    places, shape = _places(tuple(self._shape), indices)
    given = numbers(values) if values.numel() == 1 else numbers(values, shape)
    return _numbers.engine.replaced(numbers(self), places, given, accumulate)


def _along(index, shape, dim):
    at = meta.whole_dim(dim, len(shape))
    steps = meta.contiguous_strides(shape)
    if not shape:
        return _numbers.engine.of("float64", [0])
    return _numbers.engine.along(numbers(index), list(index._shape), list(steps), at, shape[at])


@computes("gather")
def _gather(target, self, dim, index):
    return _numbers.engine.picked(numbers(self), _along(index, self._shape, dim))


def _scattering(name, adds):
    @computes(name)
    def compute(target, self, dim, index, src):
        if not hasattr(src, "_shape"):
            given = _numbers.engine.of(kind(target.dtype), [src])
        else:
            given = _numbers.engine.laid(memory(src), src._offset, list(index._shape), list(src._strides))
        return _numbers.engine.replaced(numbers(self), _along(index, self._shape, dim), given, adds)


_scattering("scatter", False)
_scattering("scatter_add", True)


def _lines(shape, dim, index):
    """Where the lines along a dimension lie that a vector of indices names."""
    at = meta.whole_dim(dim, len(shape))
    return _places(tuple(shape), [None] * at + [index])[0]


@computes("index_select")
def _index_select(target, self, dim, index):
    return _numbers.engine.picked(numbers(self), _lines(self._shape, dim, index))


@computes("embedding")
def _embedding(target, weight, indices, padding_idx=-1):
    return _numbers.engine.picked(numbers(weight), _places(tuple(weight._shape), [indices])[0])


@computes("index_add")
def _index_add(target, self, dim, index, source):
    return _numbers.engine.replaced(numbers(self), _lines(self._shape, dim, index), numbers(source), True)


@computes("isclose")
def _isclose(target, self, other, rtol, atol, equal_nan):
    one, wanted = (numbers(given, target._shape) for given in (self, other))
    return _numbers.engine.near(one, wanted, rtol, atol, equal_nan)


# in order


@computes("topk")
def _topk(target, self, k, dim=-1, largest=True, sorted=True):
    return _in_rows(self, dim, k, largest)


@computes("sort")
def _sort(target, self, dim=-1, descending=False):
    return _in_rows(self, dim, self._shape[meta.whole_dim(dim, self.dim())] if self.dim() else 1, descending)


def _in_rows(self, dim, kept, descending):
    count = self._shape[meta.whole_dim(dim, self.dim())] if self.dim() else 1
    laid, back = dim_last(self, dim)
    rows = self.numel() // max(count, 1)
    parts = _numbers.engine.ordered(kind(self.dtype), laid, rows, count, kept, descending)
    return tuple(back(part, kept) for part in parts)


def _running(name, multiplies):
    @computes(name)
    def compute(target, self, dim, dtype=None):
        laid, back = dim_last(self, dim)
        count = self._shape[meta.whole_dim(dim, self.dim())] if self.dim() else 1
        rows = self.numel() // max(count, 1)
        return back(_numbers.engine.running(kind(target.dtype), laid, rows, count, multiplies), count)


_running("cumsum", False)
_running("cumprod", True)


# laid out anew


@computes("flip")
def _flip(target, self, dims):
    gone = [meta.whole_dim(dim, self.dim()) for dim in dims] if self.dim() else []
    strides = [-step if place in gone else step for place, step in enumerate(self._strides)]
    first = self._offset + sum((self._shape[place] - 1) * self._strides[place] for place in gone)
    if not self.numel():
        return numbers(self).slice()
    return _numbers.engine.laid(memory(self), first, list(self._shape), strides)


@computes("roll")
def _roll(target, self, shifts, dims=None):
    shifts = list(shifts) if isinstance(shifts, (tuple, list)) else [shifts]
    values, shape = numbers(self), tuple(self._shape)
    if dims is None:
        shape, dims = (self.numel(),), [0]
    for shift, dim in zip(shifts, [dims] if isinstance(dims, int) else dims, strict=True):
        at = meta.whole_dim(dim, len(shape))
        order = _numbers.engine.of("float64", [(place - shift) % shape[at] for place in range(shape[at])])
        values = _numbers.engine.picked(values, _vector(shape, at, order))
    return values


def _vector(shape, at, order):
    steps = meta.contiguous_strides(shape)
    return _numbers.engine.placesOf(
        [order],
        [shape[at]],
        [steps[at]],
        shape[at],
        math.prod(shape[:at]),
        math.prod(shape[at:]),
        list(shape[at + 1 :]),
        list(steps[at + 1 :]),
    )


@computes("repeat")
def _repeat(target, self, repeats):
    missing = len(repeats) - self.dim()
    shape, strides = (1,) * missing + tuple(self._shape), (0,) * missing + tuple(self._strides)
    sizes = [size for pair in zip(repeats, shape, strict=True) for size in pair]
    steps = [step for stride in strides for step in (0, stride)]
    return _numbers.engine.laid(memory(self), self._offset, sizes, steps)


@computes("stack")
def _stack(target, tensors, dim=0):
    at = meta.whole_dim(dim, target.dim())
    sizes = [math.prod(tensor._shape[at:]) for tensor in tensors]
    return _numbers.engine.joined(
        kind(target.dtype), [numbers(tensor) for tensor in tensors], math.prod(target._shape[:at]), sizes
    )


def _triangle(name, is_lower):
    @computes(name)
    def compute(target, self, diagonal=0):
        return _numbers.engine.triangle(numbers(self), *self._shape[-2:], diagonal, is_lower)


_triangle("tril", True)
_triangle("triu", False)


@computes("constant_pad_nd")
def _constant_pad(target, self, pad, value=0):
    engine = _numbers.engine
    if not any(pad):
        return numbers(self).slice()
    befores = [pad[2 * place] if 2 * place < len(pad) else 0 for place in range(self.dim() - 1, -1, -1)]
    out = engine.filled(kind(target.dtype), target.numel(), value)
    steps = meta.contiguous_strides(target._shape)
    sizes = [
        min(had, its - max(before, 0)) if before >= 0 else min(had + before, its)
        for had, its, before in zip(self._shape, target._shape, befores, strict=True)
    ]
    first = self._offset + sum(max(-before, 0) * step for before, step in zip(befores, self._strides, strict=True))
    part = engine.laid(memory(self), first, sizes, list(self._strides))
    start = sum(max(before, 0) * step for before, step in zip(befores, steps, strict=True))
    engine.put(out, start, sizes, list(steps), part)
    return out


# windows and rows


@computes("_adaptive_avg_pool2d")
def _adaptive_pool(target, self, output_size):
    maps = math.prod(self._shape[:-2])
    return _numbers.engine.adapted(numbers(self), maps, list(self._shape[-2:]), list(target._shape[-2:]))


def _upsampling(name, nearest):
    @computes(name)
    def compute(target, self, output_size, align_corners=False, scales=None):
        if scales and any(
            size * scale != wanted for size, scale, wanted in zip(self._shape[-2:], scales, output_size, strict=True)
        ):
            return _by_factors(target, nearest, self, output_size, align_corners, scales)
        maps, sides = math.prod(self._shape[:-2]), (list(self._shape[-2:]), list(target._shape[-2:]))
        return _numbers.engine.resized(numbers(self), maps, *sides, nearest, align_corners)


def _by_factors(target, nearest, *args):
    from ._composed import resizing
    from ._composed.steps import computing

    return computing(resizing.nearest if nearest else resizing.smooth)(target, *args)


_upsampling("upsample_nearest2d", True)
_upsampling("upsample_bilinear2d", False)


@computes("native_layer_norm")
def _layer_norm(target, self, normalized_shape, weight, bias, eps):
    count = math.prod(normalized_shape)
    rows = self.numel() // count
    return _normed_rows(target, self, rows, count, eps, weight, bias, meta.contiguous_strides(self._shape), True)


@computes("native_group_norm")
def _group_norm(target, self, weight, bias, samples, channels, places, group, eps):
    rows, count = samples * group, channels // group * places
    return _normed_rows(target, self, rows, count, eps, weight, bias, None, False)


def _normed_rows(target, self, rows, count, eps, weight, bias, steps, is_by_place):
    engine, held, x = _numbers.engine, kind(target.dtype), numbers(self)
    mean, spread = engine.rowMoments(held, x, rows, count, eps)

    def along(values):  # one for each row
        return engine.laid(values, 0, [rows, count], [1, 0])

    def by(values):  # one for each place of a row, or for each channel
        if is_by_place:
            return engine.laid(values, 0, [rows, count], [0, 1])
        samples, channels = self._shape[:2]
        return engine.laid(values, 0, [samples, channels, math.prod(self._shape[2:])], [0, 1, 0])

    size = self.numel()
    values = engine.binary("mul", held, engine.binary("sub", held, x, along(mean), size), along(spread), size)
    if weight is not None:
        values = engine.binary("mul", held, values, by(numbers(weight)), size)
    if bias is not None:
        values = engine.binary("add", held, values, by(numbers(bias)), size)
    return values, mean, spread


@computes("nll_loss_forward", "nll_loss2d_forward")
def _nll(target, self, aim, weight, reduction, ignore_index):
    classes = self._shape[1] if self.dim() > 1 else self._shape[0]
    given = None if weight is None else numbers(weight)
    places = math.prod(self._shape[2:])
    return tuple(
        _numbers.engine.likelihood(
            kind(target.dtype), numbers(self), numbers(aim), given, classes, places, reduction, ignore_index
        )
    )
