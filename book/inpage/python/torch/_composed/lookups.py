"""What is looked up in tables, and how far things are from each other."""

import math

from .. import _metadata as meta
from .._public import FUNCTIONS
from .steps import composed


@composed("_embedding_bag")
def _embedding_bag(weight, indices, offsets, mode="mean", shares=None, has_last=False, padding_idx=None):
    at, starts = indices.tolist(), offsets.tolist()
    ends = starts[1:] if has_last else [*starts[1:], len(at)]
    bags = []
    for start, end in zip(starts, ends, strict=False):
        held = [place for place in range(start, end) if at[place] != padding_idx]
        if not held:
            bags.append(weight.new_zeros(weight._shape[1]))
            continue
        rows = weight.index_select(0, FUNCTIONS["tensor"]([at[place] for place in held], dtype=meta.int64))
        if mode == "max":
            bags.append(rows.max(0).values)
            continue
        if shares is not None:
            picked = FUNCTIONS["tensor"](held, dtype=meta.int64)
            rows = rows * shares.reshape(-1).index_select(0, picked).unsqueeze(1)
        bags.append(rows.mean(0) if mode == "mean" else rows.sum(0))
    return FUNCTIONS["stack"](bags)


@composed("_trilinear")
def _trilinear(one, weight, other):
    pairs = (one.unsqueeze(2) * other.unsqueeze(1)).flatten(1)
    return pairs @ weight.flatten(1).t()


def distances(one, other, p):
    """From each row of one to each of the other."""
    apart = one.unsqueeze(-2) - other.unsqueeze(-3)
    if p == 2:  # whose slope is none where two are at the same place
        squares = apart.square().sum(-1)
        return FUNCTIONS["where"](squares > 0, squares.clamp_min(1e-300).sqrt(), squares * 0)
    return apart.norm(p, -1)


@composed("_cdist_forward")
def _cdist(x1, x2, p=2.0):
    return distances(x1, x2, p)


@composed("_pdist_forward")
def _pdist(self, p=2.0):
    rows, columns = zip(*((a, b) for a in range(self._shape[0]) for b in range(a + 1, self._shape[0])), strict=True)
    pairs = (
        self.index_select(0, FUNCTIONS["tensor"](list(side), dtype=meta.int64)) for side in (rows, columns)
    )
    one, other = pairs
    return (one - other).norm(p, -1)


@composed("dist")
def _dist(self, other, p=2):
    return (self - other).norm(p)


@composed("linalg_cross")
def _cross(self, other, dim=-1):
    shape = meta.broadcast([self._shape, other._shape])
    self, other = self.expand(shape), other.expand(shape)
    return self.roll(-1, dim) * other.roll(-2, dim) - self.roll(-2, dim) * other.roll(-1, dim)


def _lines(self, dim, index):
    at = meta.whole_dim(dim, self.dim())
    shape = [index.numel() if place == at else size for place, size in enumerate(self._shape)]
    return index.reshape([-1 if place == at else 1 for place in range(self.dim())]).expand(shape)


@composed("index_copy")
def _index_copy(self, dim, index, source):
    return self.scatter(dim, _lines(self, dim, index), source)


@composed("index_fill")
def _index_fill(self, dim, index, value):
    places = _lines(self, dim, index)
    filled = self.new_zeros(places._shape) + value
    return self.scatter(dim, places, filled)


@composed("bucketize")
def _between(values, boundaries, right=False):
    """How many of the boundaries stand before each number."""
    bounds = boundaries.unsqueeze(-2) if boundaries.dim() > 1 else boundaries
    values = values.unsqueeze(-1)
    return (bounds <= values).sum(-1) if right else (bounds < values).sum(-1)


@composed("isin")
def _isin(elements, others, invert=False):
    found = (elements.reshape(-1, 1) == others.reshape(1, -1)).any(1).reshape(elements._shape)
    return ~found if invert else found


@composed("histc")
def _histogram(self, bins, low, high):
    values = self.reshape(-1).tolist()
    if low == high:
        low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    counts = [0.0] * bins
    for value in values:
        if low <= value <= high:
            counts[min(math.floor((value - low) / (high - low) * bins), bins - 1)] += 1
    return FUNCTIONS["tensor"](counts, dtype=self.dtype)
