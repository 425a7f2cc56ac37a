"""Initializations: where tensors hold numbers, as PyTorch draws them; what they refuse is refused."""

import math

from .._grad import no_grad as _no_grad
from .._public import FUNCTIONS as _FUNCTIONS
from .._tensor import Tensor as _Tensor


def calculate_gain(nonlinearity, param=None):
    """The factor that keeps the spread of the numbers through an activation."""
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _calculate_fan_in_and_fan_out(tensor):
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _calculate_correct_fan(tensor, mode):
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _write(tensor, name, *args):
    if not isinstance(tensor, _Tensor):
        raise AttributeError(f"'{type(tensor).__name__}' object has no attribute '{name}'")
    with _no_grad():
        return getattr(tensor, name)(*args)


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    return _write(tensor, "uniform_", a, b)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    return _write(tensor, "normal_", mean, std)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    low, high = (0.5 + math.erf((bound - mean) / std / math.sqrt(2)) / 2 for bound in (a, b))
    if tensor.is_meta:
        return _write(tensor, "normal_", mean, std)
    with _no_grad():
        return _drawn_again(tensor, mean, std, a, b) if high - low > 0.3 else _accepted(tensor, mean, std, a, b)


def _drawn_again(tensor, mean, std, a, b):
    """What is too far away is drawn anew until nothing is."""
    result = tensor.normal_(mean, std).clone()
    while (far := (result < a) | (result > b)).any():
        result = _FUNCTIONS["where"](far, _FUNCTIONS["empty_like"](result).normal_(mean, std), result)
    return tensor.copy_(result)


def _accepted(tensor, mean, std, a, b):
    """Drawn evenly, and accepted as often as it is likely."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    result, pending = tensor, None
    while pending is None or pending.any():
        drawn = _FUNCTIONS["empty_like"](tensor).uniform_(a, b)
        result = drawn if pending is None else _FUNCTIONS["where"](pending, drawn, result)
        likely = ((drawn - mean) / std) ** 2 * -0.5 - peak
        refused = _FUNCTIONS["empty_like"](tensor).uniform_().log() > likely
        pending = refused if pending is None else pending & refused
    return tensor.copy_(result)


def constant_(tensor, val):
    return _write(tensor, "fill_", val)


def ones_(tensor):
    return _write(tensor, "fill_", 1.0)


def zeros_(tensor):
    return _write(tensor, "zero_")


def eye_(tensor):
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    _write(tensor, "zero_")
    with _no_grad():
        tensor.diagonal().fill_(1)
    return tensor


def dirac_(tensor, groups=1):
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups:
        raise ValueError("dim 0 must be divisible by groups")
    _write(tensor, "zero_")
    centre = tuple(size // 2 for size in tensor.shape[2:])
    with _no_grad():
        for out in range(tensor.size(0)):
            within = out % (tensor.size(0) // groups)
            if within < tensor.size(1):
                tensor[(out, within, *centre)] = 1
    return tensor


def xavier_uniform_(tensor, gain=1.0, generator=None):
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return _write(tensor, "uniform_", -bound, bound)


def xavier_normal_(tensor, gain=1.0, generator=None):
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return _write(tensor, "normal_", 0.0, std)


def _kaiming_std(tensor, a, mode, nonlinearity):
    fan, gain = _calculate_correct_fan(tensor, mode), calculate_gain(nonlinearity, a)
    return gain / math.sqrt(fan) if fan else 0.0


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return _write(tensor, "uniform_", -bound, bound)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    return _write(tensor, "normal_", 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


def orthogonal_(tensor, gain=1, generator=None):
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows, columns = tensor.size(0), tensor.numel() // tensor.size(0)
    with _no_grad():
        drawn = tensor.new_empty((rows, columns)).normal_(0, 1)
        q, r = _FUNCTIONS["qr"](drawn.t() if rows < columns else drawn)
        q = q * r.diagonal().sign()
        tensor.view_as(q.t() if rows < columns else q).copy_(q.t() if rows < columns else q)
        return tensor.mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    _write(tensor, "normal_", 0, std)
    with _no_grad():
        for column in range(columns):
            gone = _FUNCTIONS["randperm"](rows)[: math.ceil(sparsity * rows)]
            if not tensor.is_meta:
                tensor[gone, column] = 0
    return tensor


uniform, normal, constant, xavier_uniform = uniform_, normal_, constant_, xavier_uniform_
xavier_normal, kaiming_uniform, kaiming_normal, orthogonal = (
    xavier_normal_,
    kaiming_uniform_,
    kaiming_normal_,
    orthogonal_,
)
