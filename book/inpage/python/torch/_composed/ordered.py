"""Medians and their like, and what runs along a dimension."""

import bisect
import itertools
import math

from .. import _metadata as meta
from .. import _numbers
from .._numbers import computes
from .._public import FUNCTIONS
from .steps import composed, followed


def _kth(self, k, dim, keepdim):
    """The k-th smallest, counted from 0, and where it stands."""
    ordered = self.sort(dim)
    values, places = (part.select(dim, k) for part in ordered) if self.dim() else ordered
    return (values.unsqueeze(dim), places.unsqueeze(dim)) if keepdim and self.dim() else (values, places)


@computes("multinomial")
def _drawn(target, self, count, replacement=False):
    """Without putting back: of races of exponentials, the first; else by where a number falls among the sums."""
    engine, size = _numbers.engine, self._shape[-1]
    rows = self.reshape(-1, size).tolist()
    if not replacement or count == 1:
        races = iter(engine.listed(engine.uniform("float64", len(rows) * size, 0, 1)))
        scores = [[share / max(-math.log1p(-next(races)), 1e-300) for share in row] for row in rows]
        orders = [sorted(range(size), key=lambda at, row=row: -row[at])[:count] for row in scores]
        return engine.of("int64", [at for order in orders for at in order])
    found = []
    for row in rows:
        sums = list(itertools.accumulate(row))
        falls = engine.listed(engine.uniform("float64", count, 0, 1))
        found += [min(bisect.bisect_left(sums, fall * sums[-1]), size - 1) for fall in falls]
    return engine.of("int64", found)


@composed("kthvalue")
def _kthvalue(self, k, dim=-1, keepdim=False):
    return _kth(self, k - 1, dim, keepdim)


@composed("median")
def _median(self, dim=None, keepdim=False):
    """Of an even number, the lower of the two in the middle; a NaN, where there is one."""
    if dim is None:
        return _median(self.reshape(-1), 0)[0] if self.numel() else self.new_full((), math.nan)
    size = self._shape[dim] if self.dim() else 1
    values, places = _kth(self, (size - 1) // 2, dim, keepdim)
    if not self.dtype.is_floating_point:
        return values, places
    missing = self.isnan()
    at, has_none = missing.int().argmax(dim, keepdim), ~missing.any(dim, keepdim)
    where = FUNCTIONS["where"]
    return where(has_none, values, float("nan")), where(has_none, places, at)


@composed("scatter_reduce")
def _scatter_reduce(self, dim, index, src, reduce, include_self=True):
    """For each place, what is there and what is sent to it, one after the other."""
    at, reduce = meta.whole_dim(dim, self.dim()), {"max": "amax", "min": "amin"}.get(reduce, reduce)
    order, count = self.movedim(at, 0), self._shape[at]
    part = [slice(size) for place, size in enumerate(index._shape) if place != at]
    index, src = (one.movedim(at, 0) for one in (index, src[tuple(slice(size) for size in index._shape)]))
    rows = []
    for place in range(count):
        sent = index == place
        own = order[(place, *part)]
        row = _gathered(own, src, sent, reduce, include_self)
        whole = order[place].clone()
        whole[tuple(part)] = row
        rows.append(whole)
    return FUNCTIONS["stack"](rows).movedim(0, at)


def _gathered(own, src, sent, reduce, include_self):
    where, some = FUNCTIONS["where"], sent.any(0)
    if reduce in ("sum", "mean"):
        all_sent = where(sent, src, 0.0).sum(0)
        found = where(some & (not include_self), all_sent, own + all_sent)
        if reduce == "mean":
            found = found / where(some, sent.sum(0) + int(include_self), 1)
        return found
    if reduce == "prod":
        all_sent = where(sent, src, 1.0).prod(0)
        return where(some & (not include_self), all_sent, own * all_sent)
    largest = reduce == "amax"
    bound = float("-inf") if largest else float("inf")
    kept = own if include_self else where(some, bound, own)
    all_of_them = FUNCTIONS["cat"]([kept.unsqueeze(0), where(sent, src, bound)])
    return all_of_them.amax(0) if largest else all_of_them.amin(0)


@composed("nanmedian")
def _median_of_numbers(self, dim=None, keepdim=False):
    if dim is None:
        return _median_of_numbers(self.reshape(-1), 0)[0]
    ordered = self.sort(dim)
    at = ((~self.isnan()).sum(dim, True) - 1).clamp_min(0) // 2
    values, places = (part.gather(dim, at) for part in ordered)
    return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))


@composed("mode")
def _mode(self, dim=-1, keepdim=False):
    """The commonest number, of several the smallest, and where it stands last."""
    rows = self.movedim(dim, -1)
    counts = (rows.unsqueeze(-1) == rows.unsqueeze(-2)).sum(-1)
    most = counts == counts.amax(-1, True)
    largest = FUNCTIONS["where"](most, rows, rows.amax(-1, True))
    values = largest.amin(-1, True)
    steps = FUNCTIONS["arange"](rows._shape[-1])
    places = FUNCTIONS["where"](rows == values, steps, -1).amax(-1, True)
    values, places = rows.gather(-1, places).movedim(-1, dim), places.movedim(-1, dim)
    return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))


def _running_extreme(name, is_no_worse):
    @composed(name)
    def steps(self, dim):
        rows, at = self.movedim(dim, 0).unbind(0), []
        values = [rows[0]]
        at.append(FUNCTIONS["zeros_like"](rows[0], dtype=meta.int64))
        for step, row in enumerate(rows[1:], 1):
            takes = is_no_worse(row, values[-1]) | row.isnan()
            takes = takes & ~(values[-1].isnan() & ~row.isnan())
            values.append(FUNCTIONS["where"](takes, row, values[-1]))
            at.append(FUNCTIONS["where"](takes, step, at[-1]))
        return FUNCTIONS["stack"](values, dim), FUNCTIONS["stack"](at, dim).long()


_running_extreme("cummax", lambda row, best: row >= best)
_running_extreme("cummin", lambda row, best: row <= best)


@composed("logcumsumexp")
def _running_logarithm(self, dim, dtype=None):
    rows = self.movedim(dim, 0).unbind(0)
    found = [rows[0]]
    for row in rows[1:]:
        found.append(FUNCTIONS["logaddexp"](found[-1], row))
    return FUNCTIONS["stack"](found, dim)


@followed("cumprod")
def _running_product(self, dim, dtype=None):
    rows = self.movedim(dim, 0).unbind(0)
    found = [rows[0]]
    for row in rows[1:]:
        found.append(found[-1] * row)
    return FUNCTIONS["stack"](found, dim)


@composed("quantile")
def _quantile(self, q, dim, keepdim, interpolation):
    """q: a tensor of one dimension; of the result, the first."""
    rows = (self.reshape(-1) if dim is None else self.movedim(dim, -1)).sort(-1).values
    found = []
    for share in q.tolist():
        at = share * (rows._shape[-1] - 1)
        low, high = int(at), min(int(at) + 1, rows._shape[-1] - 1)
        if interpolation in ("lower", "higher", "nearest"):
            place = {"lower": low, "higher": high if at > low else low, "nearest": round(at)}[interpolation]
            found.append(rows.select(-1, place))
            continue
        part = 0.5 if interpolation == "midpoint" and at > low else at - low
        below, above = rows.select(-1, low), rows.select(-1, high)
        found.append(below + (above - below) * part)
    stacked = FUNCTIONS["stack"](found)
    if rows.isnan().any():
        missing = rows.isnan().any(-1)
        stacked = stacked.masked_fill(missing, float("nan"))
    if not keepdim:
        return stacked
    if dim is None:
        return stacked.reshape(-1, *[1] * self.dim())
    return stacked.unsqueeze(dim + 1 if dim >= 0 else dim)
