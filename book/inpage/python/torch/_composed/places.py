"""Rearrangements: pixels into channels and back, borders, patches, and tables of windows."""

import math

from .. import _metadata as meta
from .._public import FUNCTIONS
from .steps import composed, followed


@composed("pixel_shuffle", is_linear=True)
def _pixel_shuffle(self, factor):
    *front, channels, height, width = self._shape
    n = len(front)
    parts = self.reshape(*front, channels // factor**2, factor, factor, height, width)
    order = [*range(n + 1), n + 3, n + 1, n + 4, n + 2]
    return parts.permute(order).reshape(*front, channels // factor**2, height * factor, width * factor)


@composed("pixel_unshuffle", is_linear=True)
def _pixel_unshuffle(self, factor):
    *front, channels, height, width = self._shape
    n = len(front)
    parts = self.reshape(*front, channels, height // factor, factor, width // factor, factor)
    order = [*range(n + 1), n + 2, n + 4, n + 1, n + 3]
    return parts.permute(order).reshape(*front, channels * factor**2, height // factor, width // factor)


@composed("channel_shuffle", is_linear=True)
def _channel_shuffle(self, groups):
    batch, channels, *places = self._shape
    return self.reshape(batch, groups, channels // groups, *places).transpose(1, 2).reshape(self._shape)


def _border(name, source):
    """source: (place, counted from the first number; how many numbers there are) → whose number stands there."""

    @composed(name)
    def steps(self, padding):
        padded = self
        for place in range(len(padding) // 2):
            at = self.dim() - 1 - place
            before, after, size = padding[2 * place], padding[2 * place + 1], self._shape[at]
            padded = padded.index_select(at, whole([source(step, size) for step in range(-before, size + after)]))
        return padded


for _count in (1, 2, 3):
    _border(f"reflection_pad{_count}d", lambda step, size: size - 1 - abs(size - 1 - abs(step)))
    _border(f"replication_pad{_count}d", lambda step, size: min(max(step, 0), size - 1))
_border("_pad_circular", lambda step, size: step % size)


def whole(values):
    return FUNCTIONS["tensor"](values, dtype=meta.int64)


def _one_by_one(channels, kernel, like):
    """The weight of a convolution that lays each patch's numbers out as channels."""
    taps = math.prod(kernel)
    return FUNCTIONS["eye"](taps, dtype=like.dtype).repeat(channels, 1).reshape(channels * taps, 1, *kernel)


@composed("im2col", is_linear=True)
def _patches(self, kernel_size, dilation, padding, stride):
    from ..nn.functional import conv2d

    channels = self._shape[-3]
    weight = _one_by_one(channels, kernel_size, self)
    return conv2d(self, weight, None, stride, padding, dilation, channels).flatten(-2)


@composed("col2im", is_linear=True)
def _from_patches(self, output_size, kernel_size, dilation, padding, stride):
    from ..nn.functional import conv_transpose2d

    channels = self._shape[-2] // math.prod(kernel_size)
    spans = [
        size + 2 * p - d * (k - 1) - 1
        for size, p, d, k in zip(output_size, padding, dilation, kernel_size, strict=True)
    ]
    blocks = [span // s + 1 for span, s in zip(spans, stride, strict=True)]
    left = [span % s for span, s in zip(spans, stride, strict=True)]
    maps, weight = self.reshape(*self._shape[:-1], *blocks), _one_by_one(channels, kernel_size, self)
    return conv_transpose2d(maps, weight, None, stride, padding, left, channels, dilation)


@followed("unfold", is_linear=True)
def _unfolded(self, dimension, size, step):
    at = meta.whole_dim(dimension, self.dim())
    starts = range(0, self._shape[at] - size + 1, step)
    picked = self.index_select(at, whole([start + n for start in starts for n in range(size)]))
    return picked.unflatten(at, (len(starts), size)).movedim(at + 1, -1)


# windows, as tables: for each window along a dimension, the places that it holds, all of one length


def sliding_table(size, windows, kernel, stride=1, padding=0, dilation=1):
    """Places within the edges alone; where some are beyond, one of the others stands again."""
    table = []
    for window in range(windows):
        start = window * stride - padding
        held = [at for at in range(start, start + dilation * kernel, dilation) if 0 <= at < size]
        table.append(held + held[-1:] * (kernel - len(held)))
    return table


def adaptive_table(size, windows):
    held = [
        list(range(window * size // windows, -(-(window + 1) * size // windows))) for window in range(windows)
    ]
    longest = max(map(len, held))
    return [row + row[-1:] * (longest - len(row)) for row in held]


def mixed(self, shares):
    """Each of the last dimensions becomes sums of its numbers; shares: for each, a table (results × numbers)."""
    for number, table in enumerate(shares):
        at = self.dim() - len(shares) + number
        weights = FUNCTIONS["tensor"](table, dtype=self.dtype)
        self = (self.transpose(at, -1) @ weights.t()).transpose(at, -1)
    return self


def in_windows(self, tables):
    """(…, windows along each of the last dimensions, numbers of a window), and where those numbers lie."""
    count, places = len(tables), None
    front = self.dim() - count
    picked = self
    for number, table in enumerate(tables):
        at = front + 2 * number
        flat = whole([place for row in table for place in row])
        picked = picked.index_select(at, flat).unflatten(at, (len(table), len(table[0])))
        shape = [1] * (2 * count)
        shape[2 * number], shape[2 * number + 1] = len(table), len(table[0])
        its = flat.reshape(shape) * math.prod(self._shape[front + number + 1 :])
        places = its if places is None else places + its
    order = [*range(0, 2 * count, 2), *range(1, 2 * count, 2)]
    picked = picked.permute([*range(front), *(front + place for place in order)]).flatten(-count)
    return picked, places.permute(order).flatten(-count)
