"""The numbers of the gradients that are computed in one go: see `_operators/backwards`."""

import math

from . import _numbers
from ._computed import kind, windowed
from ._numbers import computes, numbers


def _known(tensor):
    return None if tensor is None else numbers(tensor)


@computes("threshold_backward")
def _threshold(target, grad, self, threshold):
    given = numbers(grad) if grad.numel() == 1 else numbers(grad, self._shape)
    return _numbers.engine.passedAbove(kind(target.dtype), given, numbers(self), threshold)


@computes("convolution_backward")
def _convolution(
    target, grad, x, weight, stride, padding, dilation, transposed, output_padding, groups, output_mask
):
    engine, given = _numbers.engine, numbers(grad)
    by_input, by_weight, by_bias = output_mask
    places = math.prod(grad._shape[2:])
    by_bias = engine.channelSums(kind(grad.dtype), given, grad._shape[1], places) if by_bias else None
    window = stride, padding, dilation
    if len(stride) == 3:
        window = [*window, transposed, output_padding, groups]
        return *_in_space(grad, x, weight, window, output_mask), by_bias
    if transposed:
        sizes, weights, window = windowed(grad, weight, *window)
        return (
            engine.convolved(given, sizes, numbers(weight), weights, None, window, groups) if by_input else None,
            engine.convolvedWeight(numbers(x), given, sizes, weights, window, groups) if by_weight else None,
            by_bias,
        )
    sizes, weights, window = windowed(x, weight, *window)
    return (
        engine.convolvedInput(given, sizes, numbers(weight), weights, window, groups) if by_input else None,
        engine.convolvedWeight(given, numbers(x), sizes, weights, window, groups) if by_weight else None,
        by_bias,
    )


def _in_space(grad, x, weight, window, output_mask):
    from ._composed.steps import gradients
    from ._composed.windows import convolution_in_space
    from ._tape import detached

    given = [
        detached(one).requires_grad_() if wanted else detached(one)
        for one, wanted in zip((x, weight), output_mask, strict=False)
    ]
    found = gradients(convolution_in_space, [*given, None, *window], {}, [grad])
    return [None if one is None else numbers(one) for one in found[:2]]


@computes("native_batch_norm_backward")
def _batch_norm(target, grad, x, weight, mean, spread, train, eps):
    engine, channels = _numbers.engine, x._shape[1]
    spreads = numbers(spread)
    if not train:
        spreads = engine.unary("rsqrt", "float64", engine.binary("add", "float64", spreads, _one(eps), channels))
    given = numbers(grad), numbers(x), channels, math.prod(x._shape[2:])
    found = engine.normedBack(*given, numbers(mean), spreads, _known(weight), train)
    return found[0], found[1], found[2]


def _one(value):
    return _numbers.engine.of("float64", [value])


@computes("max_pool2d_with_indices_backward")
def _max_pool(target, grad, self, indices):
    maps, size, pooled = math.prod(self._shape[:-2]), math.prod(self._shape[-2:]), math.prod(grad._shape[-2:])
    return _numbers.engine.maxPooledBack(numbers(grad), numbers(indices), maps, size, pooled)


@computes("avg_pool2d_backward")
def _average_pool(
    target,
    grad,
    self,
    kernel_size,
    stride,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    if divisor_override is not None:
        from ._composed.steps import gradients
        from ._composed.windows import average_pool
        from ._tape import detached

        window = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        return numbers(gradients(average_pool, [detached(self).requires_grad_(), *window], {}, [grad])[0])
    window = {"kernel": list(kernel_size), "stride": list(stride), "padding": list(padding)}
    maps, sides = math.prod(self._shape[:-2]), (list(self._shape[-2:]), list(grad._shape[-2:]))
    return _numbers.engine.averagedBack(numbers(grad), maps, *sides, window, count_include_pad)


@computes("_adaptive_avg_pool2d_backward")
def _adaptive_pool(target, grad, self):
    maps = math.prod(self._shape[:-2])
    return _numbers.engine.adaptedBack(numbers(grad), maps, list(self._shape[-2:]), list(grad._shape[-2:]))


@computes("nll_loss_backward")
def _nll(target, grad, self, aim, weight, reduction, ignore_index, total):
    classes = self._shape[1] if self.dim() > 1 else self._shape[0]
    return _numbers.engine.likelihoodBack(
        kind(target.dtype),
        numbers(grad),
        self.numel(),
        numbers(aim),
        _known(weight),
        classes,
        math.prod(self._shape[2:]),
        reduction,
        ignore_index,
    )


@computes("upsample_backward")
def _upsample(target, grad, self, nearest, corners):
    maps = math.prod(self._shape[:-2])
    sides = list(self._shape[-2:]), list(grad._shape[-2:])
    return _numbers.engine.resizedBack(numbers(grad), maps, *sides, nearest, corners)


