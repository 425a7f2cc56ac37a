"""Floating-point operations of the operators that multiply: two for each multiply–accumulate."""

import math

from .._dispatch import packet
from ..nn.modules.rnn import recurrent_flops


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
