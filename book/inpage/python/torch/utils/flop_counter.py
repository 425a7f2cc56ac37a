"""Floating-point operations of the operators that multiply: two for each multiply–accumulate."""

import math

from .._dispatch import packet
from ..nn.modules.rnn import recurrent_flops
from ._python_dispatch import TorchDispatchMode


def _mm(one, other, out_val=None):
    return 2 * one.numel() * other.shape[1]


def _addmm(added, one, other, beta=1, alpha=1, out_val=None):
    return _mm(one, other)


def _bmm(one, other, out_val=None):
    return 2 * one.numel() * other.shape[2]


def _baddbmm(added, one, other, beta=1, alpha=1, out_val=None):
    return _bmm(one, other)


def _convolution(given, weight, bias, stride, padding, dilation, transposed, *rest, out_val=None):
    places = given if transposed else out_val
    return 2 * places.numel() * math.prod(weight.shape[1:])


def sdpa_flop_count(query_shape, key_shape, value_shape):
    *batch, length, width = query_shape
    return 2 * math.prod(batch) * length * key_shape[-2] * (width + value_shape[-1])


flop_registry = {
    packet("mm"): _mm,
    packet("addmm"): _addmm,
    packet("bmm"): _bmm,
    packet("baddbmm"): _baddbmm,
    packet("convolution"): _convolution,
    **{packet(name): recurrent_flops for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")},
}


class FlopCounterMode(TorchDispatchMode):
    """Context manager: counts what runs within it."""

    def __init__(self, mods=None, depth=2, display=True, custom_mapping=None):
        super().__init__()
        self._total = 0

    def get_total_flops(self):
        return self._total

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        output = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self._total += count(*args, **(kwargs or {}), out_val=output)
        return output
