"""Multiply–accumulates of one operator; None where they are not known, which is never told as 0."""

import math
import re

import torch
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

aten = torch.ops.aten
_DENSE = (torch.strided, torch._mkldnn)


def counter(packet, namespace):
    """What counts an operator's multiply–accumulates, a function of (args, kwargs, output) that may return None.

    Returns:
        None for an operator that does none: element by element, a copy, a view, a sum.
    """
    name = str(packet).rpartition(".")[2].rstrip("_")
    formula = _OURS.get(name)
    if formula is not None and namespace == "aten":
        return _guarded(lambda args, kwargs, output: formula(output, *args))
    base = getattr(aten, name, packet) if namespace == "aten" else packet
    registered = flop_registry.get(packet) or flop_registry.get(base)
    if registered is not None:
        return _guarded(lambda args, kwargs, output: registered(*args, **kwargs, out_val=output) // 2)
    if namespace not in ("aten", "prims", "prim", "profiler", "c10d", "_c10d_functional") or _UNKNOWN.match(name):
        return lambda *_: None
    return None


def _guarded(count):
    def guarded(args, kwargs, output):
        for arg in args:
            if isinstance(arg, torch.Tensor) and (arg.layout not in _DENSE or arg.is_nested):
                return None  # the formulas are those of full matrices
        try:
            return int(count(args, kwargs, output))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None

    return guarded


def _attention(query, key, value):
    return sdpa_flop_count(query.shape, key.shape, value.shape) // 2


def _recurrent(output, given, *weights):
    """One layer, one direction: each step multiplies by the input's and by the state's weights."""
    return given.numel() // given.shape[-1] * sum(weight.numel() for weight in weights[:2])


def _recurrent_layers(output, given, weights, *_):
    return given.numel() // given.shape[-1] * sum(weight.numel() for weight in weights if weight.dim() > 1)


def _multi_head(output, query, key, value, width, heads, qkv_weight, qkv_bias, out_weight, *_):
    rows, (batch, length), others = query.numel() // query.shape[-1], query.shape[:2], key.shape[1]
    return rows * (qkv_weight.numel() + out_weight.numel()) + 2 * batch * length * others * width


def _encoder_layer(output, given, width, heads, qkv_weight, qkv_bias, out_weight, *rest):
    first, second = rest[8], rest[10]
    inner = _multi_head(output, given, given, given, width, heads, qkv_weight, qkv_bias, out_weight)
    return inner + given.numel() // given.shape[-1] * (first.numel() + second.numel())


def _trilinear(output, first, second, third, expand1, expand2, expand3, *_):
    sides = []
    for tensor, expand in ((first, expand1), (second, expand2), (third, expand3)):
        shape = list(tensor.shape)
        for dim in expand:
            shape.insert(dim, 1)
        sides.append(shape)
    return math.prod(map(max, *sides))


def _convolution(output, given, weight, bias, stride, padding, dilation, transposed, *_):
    places = given if transposed else output
    return places.numel() * math.prod(weight.shape[1:])


_OURS = {  # those of PyTorch's own counter that run most often stand here too: it goes about them at great length
    "convolution": _convolution,
    "mm": lambda output, one, other: one.numel() * other.shape[1],
    "addmm": lambda output, added, one, other: one.numel() * other.shape[1],
    "bmm": lambda output, one, other: one.numel() * other.shape[2],
    "baddbmm": lambda output, added, one, other: one.numel() * other.shape[2],
    "mv": lambda output, matrix, vector: matrix.numel(),
    "addmv": lambda output, added, matrix, vector: matrix.numel(),
    "dot": lambda output, one, other: one.numel(),
    "vdot": lambda output, one, other: one.numel(),
    "addbmm": lambda output, added, one, other: one.numel() * other.shape[2],
    "_int_mm": lambda output, one, other: one.numel() * other.shape[1],
    "_addmm_activation": lambda output, added, one, other: one.numel() * other.shape[1],
    "linear": lambda output, given, weight, *_: output.numel() * weight.shape[-1],
    "mkldnn_linear": lambda output, given, weight, *_: output.numel() * weight.shape[-1],
    "conv_tbc": lambda output, given, weight, *_: output.numel() * weight.shape[0] * weight.shape[1],
    "_trilinear": _trilinear,
    "mkldnn_rnn_layer": _recurrent,
    "_cudnn_rnn": _recurrent_layers,
    "miopen_rnn": _recurrent_layers,
    "_scaled_dot_product_flash_attention_for_cpu": lambda output, query, key, value, *_: _attention(query, key, value),
    "_scaled_dot_product_fused_attention_overrideable":
        lambda output, query, key, value, *_: _attention(query, key, value),
    "_native_multi_head_attention": _multi_head,
    "_transformer_encoder_layer_fwd": _encoder_layer,
}
for _name in (
    "mkldnn_convolution", "miopen_convolution", "miopen_depthwise_convolution", "cudnn_convolution_relu",
    "cudnn_convolution_add_relu", "miopen_convolution_relu", "_conv_depthwise2d", "conv_depthwise3d",
    "slow_conv3d_forward", "slow_conv_dilated2d", "slow_conv_dilated3d",
):
    _OURS[_name] = lambda output, given, weight, *_: output.numel() * math.prod(weight.shape[1:])

_UNKNOWN = re.compile(
    r"(_?linalg_(?!check_errors|diagonal|vector_norm|norm|_powsum|cross)|_?fft_(?!fftfreq|rfftfreq|fftshift|ifftshift)"
    r"|_?cholesky|_?lu_(?!unpack)|ormqr|orgqr|geqrf|inverse|pinverse|svd|qr$|triangular_solve|_cdist|cdist|_?pdist"
    r"|_euclidean_dist|.*mm($|_)|.*matmul|_sparse_|_spsolve|_cslt|_mixed_dtypes_linear|fbgemm_linear|quantized_(gru|lstm|rnn)"
    r"|.*convolution(?!_mode)|slow_conv|conv_tbc|.*attention(?!.*mask)|.*rnn_layer|_?lstm_mps|.*_rnn($|_backward)"
    r"|mkldnn_linear|linear_backward|.*quantized_linear|histogramdd$|_compute_linear_combination)"
)
