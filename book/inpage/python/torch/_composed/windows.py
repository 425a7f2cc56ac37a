"""Poolings, and convolutions over three axes, in terms of those over two."""

import math

from .places import adaptive_table, in_windows, mixed, sliding_table, whole
from .steps import composed


def _largest(self, tables):
    """The largest of each window and where it lies in its map."""
    picked, places = in_windows(self, tables)
    values, at = picked.max(-1)
    return values, places.expand(picked._shape).gather(-1, at.unsqueeze(-1)).squeeze(-1)


@composed("max_pool3d_with_indices")
def _max_pool(self, kernel_size, stride, padding=0, dilation=1, ceil_mode=False):
    from .._operators.windows import max_pool3d_op

    windows = max_pool3d_op.kernel(self, kernel_size, stride, padding, dilation, ceil_mode)[0]._shape[-3:]
    rows = zip(self._shape[-3:], windows, kernel_size, stride, padding, dilation, strict=True)
    return _largest(self, [sliding_table(*row) for row in rows])


@composed("adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(self, output_size):
    sizes = self._shape[-len(output_size) :]
    return _largest(self, [adaptive_table(*pair) for pair in zip(sizes, output_size, strict=True)])


@composed("max_unpool2d", "max_unpool3d")
def _unpool(self, indices, output_size):
    front = self._shape[: -len(output_size)]
    flat = self.new_zeros((*front, math.prod(output_size)))
    filled = flat.scatter(-1, indices.flatten(len(front)), self.flatten(len(front)))
    return filled.reshape(*front, *output_size)


def _row(size, places, share):
    row = [0.0] * size
    for place in places:
        row[place] += share
    return row


def average_pool(
    self, kernel_size, stride, padding, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """Of as many last dimensions as there are sizes: sums along one after the other."""
    from .._operators.windows import _pool_shape

    count = len(kernel_size)
    windows = _pool_shape(self, kernel_size, stride, padding, [1] * count, ceil_mode, f"avg_pool{count}d")[0][-count:]
    shares = []
    for size, number, kernel, step, pad in zip(
        self._shape[-count:], windows, kernel_size, stride, padding, strict=True
    ):
        table = []
        for window in range(number):
            start = window * step - pad
            end = min(start + kernel, size + pad)
            held = range(max(start, 0), min(end, size))
            parts = 1 if divisor_override is not None else end - start if count_include_pad else len(held)
            table.append(_row(size, held, 1 / max(parts, 1)))
        shares.append(table)
    averaged = mixed(self, shares)
    return averaged if divisor_override is None else averaged / divisor_override


composed("avg_pool3d")(average_pool)


@composed("_adaptive_avg_pool3d")
def _adaptive_average_pool(self, output_size):
    sizes = self._shape[-len(output_size) :]
    shares = []
    for size, windows in zip(sizes, output_size, strict=True):
        spans = [(at * size // windows, -(-(at + 1) * size // windows)) for at in range(windows)]
        shares.append([_row(size, range(start, end), 1 / (end - start)) for start, end in spans])
    return mixed(self, shares)


# convolutions over three axes: over two of them, for each step of the kernel along the first


def convolution_in_space(
    self, weight, bias, stride, padding, dilation, transposed, output_padding, groups
):
    from .._operators.windows import convolution

    shape = convolution.kernel(self, weight, None, stride, padding, dilation, transposed, output_padding, groups)._shape
    flat = [list(value[1:]) for value in (stride, padding, dilation)]
    summed = None
    for step in range(weight._shape[2]):
        offset = step * dilation[0] - padding[0]
        meet = _meetings(self._shape[2], shape[2], stride[0], offset, transposed)
        if not meet:
            continue
        givers, takers = ([pair[place] for pair in meet] for place in (0, 1))
        layers = self.index_select(2, whole(givers)).transpose(1, 2)
        rows = layers.reshape(-1, *layers._shape[2:])
        made = convolution(
            rows, weight.select(2, step), None, *flat, transposed, list(output_padding[1:]), groups
        )
        made = made.reshape(self._shape[0], len(meet), *made._shape[1:]).transpose(1, 2)
        placed = self.new_zeros(shape).index_add(2, whole(takers), made)
        summed = placed if summed is None else summed + placed
    summed = self.new_zeros(shape) if summed is None else summed
    return summed if bias is None else summed + bias.reshape(1, -1, 1, 1, 1)


def _meetings(size, results, stride, offset, transposed):
    """Which layer that is given goes into which result: pairs."""
    if transposed:
        pairs = ((at, at * stride + offset) for at in range(size))
        return [(giver, taker) for giver, taker in pairs if 0 <= taker < results]
    pairs = ((at * stride + offset, at) for at in range(results))
    return [(giver, taker) for giver, taker in pairs if 0 <= giver < size]
