"""`torch.nn.functional`."""

import math as _math
import warnings as _warnings

from .. import _metadata as _meta
from .. import _numbers
from .._dispatch import modes as _modes
from .._dispatch import operator as _operator
from .._grad import is_grad_enabled as _is_grad_enabled
from .._grad import no_grad as _no_grad
from .._lacking import lacking as _lacking
from .._operators import indexing as _indexing
from .._operators import joining as _joining
from .._operators import losses as _losses
from .._operators import norms as _norms
from .._operators import pointwise as _pointwise
from .._operators import products as _products
from .._operators import views as _views
from .._operators import windows as _windows
from .._operators.attention import scaled_dot_product_attention
from .._public import FUNCTIONS as _FUNCTIONS
from .._tensor import made as _made
from .._tensor import need_tensor as _need_tensor

linear, bilinear, pad = _products.linear, _products.bilinear, _joining.pad
for _shared in (linear, bilinear, pad, scaled_dot_product_attention):
    _shared.__module__ = "torch.nn.functional"

# convolutions


def _convolution(count):
    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return _windows.convolved(input, weight, bias, stride, padding, dilation, groups, count)

    def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return _windows.convolved(input, weight, bias, stride, padding, dilation, groups, count, True, output_padding)

    conv.__name__, conv_transpose.__name__ = f"conv{count}d", f"conv_transpose{count}d"
    return conv, conv_transpose


conv1d, conv_transpose1d = _convolution(1)
conv2d, conv_transpose2d = _convolution(2)
conv3d, conv_transpose3d = _convolution(3)
for _offered in (conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d):
    _FUNCTIONS[_offered.__name__] = _offered


# pooling


def _max_pooling(count):
    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        return _windows.max_pooled(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, count)

    max_pool.__name__ = f"max_pool{count}d"
    return max_pool


def _average_pooling(count):
    def avg_pool(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        return _windows.averaged(
            input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, count
        )

    avg_pool.__name__ = f"avg_pool{count}d"
    return avg_pool


def _adaptive_pooling(count):
    def adaptive_avg(input, output_size):
        return _windows.adapted("avg", input, output_size, count)

    def adaptive_max(input, output_size, return_indices=False):
        pair = _windows.adapted("max", input, output_size, count)
        return pair if return_indices else pair[0]

    adaptive_avg.__name__, adaptive_max.__name__ = f"adaptive_avg_pool{count}d", f"adaptive_max_pool{count}d"
    return adaptive_avg, adaptive_max


def _unpooling(count):
    def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        return _windows.unpooled(input, indices, kernel_size, stride, padding, output_size, count)

    max_unpool.__name__ = f"max_unpool{count}d"
    return max_unpool


max_pool1d, max_pool2d, max_pool3d = map(_max_pooling, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_average_pooling, (1, 2, 3))
adaptive_avg_pool1d, adaptive_max_pool1d = _adaptive_pooling(1)
adaptive_avg_pool2d, adaptive_max_pool2d = _adaptive_pooling(2)
adaptive_avg_pool3d, adaptive_max_pool3d = _adaptive_pooling(3)
max_unpool1d, max_unpool2d, max_unpool3d = map(_unpooling, (1, 2, 3))


def _power_pooling(count):
    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        means = (avg_pool1d, avg_pool2d, avg_pool3d)[count - 1](
            input.pow(norm_type), kernel_size, stride, 0, ceil_mode
        )
        taps = _math.prod(_windows.each(kernel_size, count))
        return (means.sign() * relu(means.abs())).mul(taps).pow(1.0 / norm_type)

    lp_pool.__name__ = f"lp_pool{count}d"
    return lp_pool


lp_pool1d, lp_pool2d, lp_pool3d = map(_power_pooling, (1, 2, 3))


def fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False):
    kernel = _windows.each(kernel_size, 2)
    if output_size is None:
        ratio = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * 2
        output_size = [int(size * part) for size, part in zip(input.shape[-2:], ratio, strict=True)]
    output_size = _windows.each(output_size, 2)
    for size, wanted, reach in zip(input.shape[-2:], output_size, kernel, strict=True):
        if wanted + reach - 1 > size:
            raise RuntimeError("fractional_max_pool2d(): pool height too large relative to input height")
    result = _made((*input.shape[:-2], *output_size), input.dtype)
    return (result, _made(result.shape, _meta.int64)) if return_indices else result


# activations


_ACTIVATIONS = {
    name: _pointwise.activation(name)
    for name in (
        "gelu",
        "silu",
        "mish",
        "elu",
        "celu",
        "leaky_relu",
        "hardtanh",
        "hardswish",
        "hardsigmoid",
        "softplus",
        "hardshrink",
        "softshrink",
        "threshold",
        "rrelu_with_noise",
        "log_sigmoid_forward",
    )
}


def _act(name, input, inplace, *args):
    _need_tensor(input, name)
    op, in_place_op = _ACTIVATIONS[name]
    return in_place_op(input, *args) if inplace else op(input, *args)


def relu(input, inplace=False):
    _need_tensor(input, "relu")
    return _FUNCTIONS["relu_"](input) if inplace else _FUNCTIONS["relu"](input)


relu_ = _FUNCTIONS["relu_"]


def relu6(input, inplace=False):
    return _act("hardtanh", input, inplace, 0, 6)


def gelu(input, approximate="none"):
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _act("gelu", input, False, approximate)


def silu(input, inplace=False):
    return _act("silu", input, inplace)


def mish(input, inplace=False):
    return _act("mish", input, inplace)


def elu(input, alpha=1.0, inplace=False):
    return _act("elu", input, inplace, alpha)


def elu_(input, alpha=1.0):
    return _act("elu", input, True, alpha)


def selu_(input):
    return selu(input, True)


def celu_(input, alpha=1.0):
    return _act("celu", input, True, alpha)


def threshold_(input, threshold, value):
    return _act("threshold", input, True, threshold, value)


def hardtanh_(input, min_val=-1.0, max_val=1.0):
    return hardtanh(input, min_val, max_val, True)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    return rrelu(input, lower, upper, training, True)


def selu(input, inplace=False):
    return _act("elu", input, inplace, 1.6732632423543772, 1.0507009873554805)


def celu(input, alpha=1.0, inplace=False):
    return _act("celu", input, inplace, alpha)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    return _act("leaky_relu", input, inplace, negative_slope)


def leaky_relu_(input, negative_slope=0.01):
    return _act("leaky_relu", input, True, negative_slope)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _act("hardtanh", input, inplace, min_val, max_val)


def hardswish(input, inplace=False):
    return _act("hardswish", input, inplace)


def hardsigmoid(input, inplace=False):
    return _act("hardsigmoid", input, inplace)


def softplus(input, beta=1, threshold=20):
    return _act("softplus", input, False, beta, threshold)


def hardshrink(input, lambd=0.5):
    return _act("hardshrink", input, False, lambd)


def softshrink(input, lambd=0.5):
    return _act("softshrink", input, False, lambd)


def threshold(input, threshold, value, inplace=False):
    return _act("threshold", input, inplace, threshold, value)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    return _act("rrelu_with_noise", input, inplace, lower, upper, training)


def logsigmoid(input):
    return _act("log_sigmoid_forward", input, False)


def softsign(input):
    return input / (input.abs() + 1)


def tanhshrink(input):
    return input - input.tanh()


def sigmoid(input):
    return input.sigmoid()


def tanh(input):
    return input.tanh()


@_operator("_prelu_kernel", pointwise=True)
def _prelu_kernel(self, weight):
    return _pointwise.elementwise((self,), self.dtype)


def prelu(input, weight):
    if weight.numel() != 1:
        channels = input.shape[1] if input.dim() > 1 else 1
        if weight.numel() != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
        weight = _views.view_op(weight, [1, channels] + [1] * (input.dim() - 2)) if input.dim() > 1 else weight
    else:
        weight = _views.view_op(weight, [1] * input.dim())
    return _prelu_kernel(input, weight)


@_operator("glu")
def _glu(self, dim=-1):
    at = _meta.whole_dim(dim, self.dim())
    if self.shape[at] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {at} is size {self.shape[at]}")
    return _made([size // 2 if place == at else size for place, size in enumerate(self.shape)], self.dtype)


def glu(input, dim=-1):
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return _glu(input, dim)


def _softmax_dim(dims):
    _warnings.warn(
        "Implicit dimension choice for softmax has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=3,
    )
    return 0 if dims in (0, 1, 3) else 1


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    dim = _softmax_dim(input.dim()) if dim is None else dim
    return _FUNCTIONS["softmax"](input, dim, dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    return softmax(-input, dim, dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    dim = _softmax_dim(input.dim()) if dim is None else dim
    return _FUNCTIONS["log_softmax"](input, dim, dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    noise = -_FUNCTIONS["empty_like"](logits).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    chosen = _FUNCTIONS["zeros_like"](soft).scatter_(dim, soft.max(dim, keepdim=True)[1], 1.0)
    return chosen - soft.detach() + soft


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    length = _FUNCTIONS["norm"](input, p, dim, True)
    return input / _views.expand_op(length.clamp_min(eps), input.shape)


# dropout


def _dropped(input, p, training, inplace, noise_shape):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    noise = _FUNCTIONS["empty_like"](input) if noise_shape is None else input.new_empty(noise_shape)
    noise = noise.bernoulli_(1 - p).div_(max(1 - p, 1e-9))
    return input.mul_(noise) if inplace else input * noise


def dropout(input, p=0.5, training=True, inplace=False):
    _need_tensor(input, "dropout")
    return _dropped(input, p, training, inplace, None)


def _channels_shape(input, batched=None):
    """The shape of what is one for each channel; with one dimension less than `batched`, channels come first."""
    before = 1 if batched == input.dim() + 1 else 2
    return (*input.shape[:before], *[1] * (input.dim() - before))


def dropout1d(input, p=0.5, training=True, inplace=False):
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return _dropped(input, p, training, inplace, _channels_shape(input, 3))


def dropout2d(input, p=0.5, training=True, inplace=False):
    return _dropped(input, p, training, inplace, _channels_shape(input))


def dropout3d(input, p=0.5, training=True, inplace=False):
    return _dropped(input, p, training, inplace, _channels_shape(input, 5))


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    return _dropped_evenly(input, p, training, inplace, None)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    return _dropped_evenly(input, p, training, inplace, _channels_shape(input))


def _dropped_evenly(input, p, training, inplace, noise_shape):
    """Mean and spread stay: what is dropped becomes SELU's lowest value, and all is moved and scaled."""
    if p < 0.0 or p > 1.0 or not training or p in (0, 1):
        return _dropped(input, p, training, inplace, noise_shape)
    alpha = 1.7580993408473766
    scale = 1 / _math.sqrt((alpha * alpha * p + 1) * (1 - p))
    noise = _FUNCTIONS["empty_like"](input) if noise_shape is None else input.new_empty(noise_shape)
    noise.bernoulli_(1 - p)
    moved = noise.add(-1).mul_(alpha * scale).add_(alpha * scale * p)
    noise.mul_(scale)
    return input.mul_(noise).add_(moved) if inplace else input.mul(noise).add_(moved)


# normalizations


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    if training:
        _norms.refuse_single_values(input.shape)
    if _modes:
        _FUNCTIONS["empty"](0, dtype=_meta.uint8)  # what PyTorch keeps for a backward on other devices
    return _norms.native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05
):
    if use_input_stats and _math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    batch, channels = input.shape[:2]
    for value, name in ((running_mean, "running_mean"), (weight, "weight")):
        _norms._check_channels(value, name, channels)
    flat = _views.reshaped(input, (1, batch * channels, *input.shape[2:]))
    repeated = [None if value is None else value.repeat(batch) for value in (weight, bias)]
    running = [None if value is None else value.repeat(batch) for value in (running_mean, running_var)]
    normed = _norms.native_batch_norm(flat, *repeated, *running, use_input_stats, momentum, eps)[0]
    for value, its in zip((running_mean, running_var), running, strict=True):
        if value is not None and use_input_stats:
            with _no_grad():
                value.copy_(its.view(batch, channels).mean(0))
    return _views.view_op(normed, input.shape)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    _need_tensor(input, "layer_norm")
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    return _norms.native_layer_norm(input, shape, weight, bias, eps)[0]


_LEAST = {
    _meta.float32: 1.1920928955078125e-07,
    _meta.float64: 2.220446049250313e-16,
    _meta.float16: 0.0009765625,
    _meta.bfloat16: 0.0078125,
}


def rms_norm(input, normalized_shape, weight=None, eps=None):
    inner = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if tuple(input.shape[-len(inner) :]) != inner:
        shown = "*" + ", ".join(map(str, inner))
        raise RuntimeError(
            f"Given normalized_shape={list(inner)}, expected input with shape [{shown}], but got input of size"
            f"{list(input.shape)}"
        )
    eps = _LEAST[input.dtype] if eps is None else eps
    spread = (input.pow(2).mean(tuple(range(-len(inner), 0)), True) + eps).rsqrt()
    normed = input * spread
    return normed if weight is None else normed * weight


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    _norms.refuse_single_values([input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:]])
    return _norms.group_normed(input, num_groups, weight, bias, eps)


def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    if input.dim() < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.dim()} dimensions)"
        )
    squares = input.mul(input)
    if input.dim() == 3:
        padded = pad(squares.unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
        means = avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
    else:
        batch, channels, *places = input.shape
        flat = squares.view(batch, 1, channels, places[0], -1)
        padded = pad(flat, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        means = avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).view(input.shape)
    return input / means.mul(alpha).add(k).pow(beta)


# padding, sizes, places


def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    _need_tensor(input, "interpolate")
    places, scales = input.dim() - 2, None
    if align_corners is not None and mode in ("nearest", "area", "nearest-exact"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        sizes = list(size) if isinstance(size, (tuple, list)) else [size] * places
        if len(sizes) != places:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {size}. Please provide input tensor in (N, "
                "C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        sizes = [int(one) for one in sizes]
    else:
        factors = list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [scale_factor] * places
        if len(factors) != places:
            raise ValueError(
                "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and scale_factor of shape {scale_factor}. Please provide input "
                "tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
            )
        sizes = [_math.floor(float(its) * factor) for its, factor in zip(input.shape[2:], factors, strict=True)]
        scales = None if recompute_scale_factor else [float(factor) for factor in factors]
    if mode == "area":
        return {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}[places](input, sizes)
    if antialias and not (mode in ("bilinear", "bicubic") and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if not input.dtype.is_floating_point:
        _refuse_whole_numbers(input, mode)
    op = _windows.UPSAMPLING.get((f"{mode} antialias" if antialias else mode, input.dim()))
    if op is None:
        _refuse_mode(input, mode)
    return op(input, sizes, bool(align_corners), scales)


def _refuse_whole_numbers(input, mode):
    """Of all types of whole numbers, only that of pictures is made larger."""
    if input.dtype is _meta.uint8 and (input.dim() == 4 or mode.startswith("nearest")):
        return
    kind = {"bicubic": "cubic", "nearest-exact": "nearest"}.get(mode, mode.removeprefix("bi").removeprefix("tri"))
    kernel = f"compute_indices_weights_{kind}"
    if input.dim() == 4 and kind != "cubic":
        kernel = f"upsample_{'bilinear' if kind == 'linear' else kind}2d_channels_last"
    raise NotImplementedError(f"\"{kernel}\" not implemented for '{_meta.SCALAR_NAMES[input.dtype]}'")


def _refuse_mode(input, mode):
    if mode == "lanczos":
        raise _lacking("F.interpolate with mode='lanczos'")
    needs = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
    if mode in needs and input.dim() in (3, 4, 5):
        raise NotImplementedError(f"Got {input.dim()}D input, but {mode} mode needs {needs[mode]}D input")
    raise NotImplementedError(
        "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
        f"{input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got "
        f"{mode})"
    )


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input, size=None, scale_factor=None):
    return interpolate(input, size, scale_factor, "bilinear", True)


def pixel_shuffle(input, upscale_factor):
    return _windows.pixel_shuffle_op(input, upscale_factor)


def pixel_unshuffle(input, downscale_factor):
    return _windows.pixel_unshuffle_op(input, downscale_factor)


def channel_shuffle(input, groups):
    return _windows.channel_shuffle_op(input, groups)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    if input.dim() not in (3, 4):
        raise RuntimeError(
            f"Input Error: Only unbatched (3D) or batched (4D) input Tensors supported (got {input.dim()}D)"
        )
    return _windows.im2col(input, *(_windows.each(value, 2) for value in (kernel_size, dilation, padding, stride)))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    return _windows.col2im(
        input, *(_windows.each(value, 2) for value in (output_size, kernel_size, dilation, padding, stride))
    )


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    modes, paddings = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
    if mode not in modes:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in paddings:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    op = _windows.grid_sample_op if input.dim() != 5 else _windows.grid_sample_3d_op
    return op(input, grid, modes.index(mode), paddings.index(padding_mode), bool(align_corners))


def affine_grid(theta, size, align_corners=None):
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    wanted = {4: "Nx2x3", 5: "Nx3x4"}.get(len(size))
    if wanted is None:
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{tuple(size)}."
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (len(size) - 2, len(size) - 1):
        dims = len(size) - 2
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape {wanted} for size {tuple(size)}. Got "
            f"{theta.shape}."
        )
    return _windows.affine_grid_op(theta, list(size), bool(align_corners))


# lookups and distances


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    if padding_idx is not None:
        if not -weight.size(0) <= padding_idx < weight.size(0):
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.size(0)
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    if scale_grad_by_freq and weight.requires_grad and _is_grad_enabled():
        raise _lacking("F.embedding with scale_grad_by_freq=True")
    return _indexing.embedded(input, weight, padding_idx)


def _shorten(weight, input, longest, norm_type):
    """Rows that are looked up and too long are made shorter, in the table itself."""
    with _no_grad():
        rows = weight.detach()
        lengths = rows.norm(norm_type, 1)
        factors = (longest / (lengths + 1e-7)).masked_fill(lengths <= longest, 1.0)
        seen = _FUNCTIONS["zeros_like"](lengths).index_fill(0, input.reshape(-1), 1.0)
        rows.mul_(_FUNCTIONS["where"](seen > 0, factors, 1.0).unsqueeze(1))


def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                "length sequences. However, found offsets of type "
                "<class 'torch.Tensor'>"
            )
        offsets = _FUNCTIONS["arange"](0, input.numel(), max(input.shape[1], 1))
    elif offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None:
        if input.size() != per_sample_weights.size():
            raise ValueError(
                f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
                f"same shape as the input ({input.shape})"
            )
        if mode != "sum":
            raise NotImplementedError(
                "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
                f"(got mode='{mode}'). Please open a feature request on GitHub."
            )
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    flat = input.reshape(-1)
    return _indexing.embedding_bag_op(
        weight, flat, offsets, mode, per_sample_weights, include_last_offset, padding_idx
    )


def one_hot(tensor, num_classes=-1):
    if tensor.dtype is not _meta.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if num_classes == -1:
        if not tensor.numel():
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(max(tensor._values("one_hot without num_classes"))) + 1
    wrong = _numbers.outside(tensor, 0, num_classes)
    if wrong is not None:
        raise RuntimeError(
            "Class values must be non-negative." if wrong < 0 else "Class values must be smaller than num_classes."
        )
    zeros = _FUNCTIONS["zeros"]((*tensor.shape, num_classes), dtype=_meta.int64)
    return zeros.scatter(-1, tensor.unsqueeze(-1), 1)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    x1, x2 = _FUNCTIONS["broadcast_tensors"](x1, x2)
    lengths = [_FUNCTIONS["norm"](one, 2, dim, True).clamp_min(eps) for one in (x1, x2)]
    return ((x1 / lengths[0]) * (x2 / lengths[1])).sum(dim)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return _FUNCTIONS["norm"](x1 - x2 + eps, p, -1, keepdim)


def pdist(input, p=2.0):
    return _pdist(input, p)


@_operator("_pdist_forward")
def _pdist(self, p=2.0):
    if self.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {self.dim()}D")
    count = self.shape[0]
    return _made((count * (count - 1) // 2,), self.dtype)


# losses


def _reduced(loss, reduction):
    _losses.check_reduction(reduction)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def _number(reduction):
    _losses.check_reduction(reduction)
    return _losses.REDUCTIONS.index(reduction)


def _same_sizes(input, target, name):
    if input.shape != target.shape:
        _warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )
    _meta.broadcast([input.shape, target.shape])


def _weighted(loss, weight, reduction):
    """Where each number of a loss has a weight."""
    if weight.size() != loss.size():
        raise ValueError("Weights and input must have the same size.")
    weighted = loss * weight
    if reduction == "mean":
        return weighted.sum() / weight.sum()
    return _reduced(weighted, reduction)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    _same_sizes(input, target, "mse_loss")
    if weight is not None:
        return _weighted(_losses.mse_op(input, target, 0), weight, reduction)
    return _losses.mse_op(input, target, _number(reduction))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    _same_sizes(input, target, "l1_loss")
    if weight is not None:
        return _weighted((input - target).abs(), weight, reduction)
    return _reduced((input - target).abs(), reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    _same_sizes(input, target, "smooth_l1_loss")
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return _losses.smooth_l1_op(input, target, _number(reduction), beta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    _same_sizes(input, target, "huber_loss")
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is not None:
        return _weighted(_losses.huber_op(input, target, 0, delta), weight, reduction)
    return _losses.huber_op(input, target, _number(reduction), delta)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    number = _number(reduction)
    if _numbers.outside(input, 0, 1 + 1e-9) is not None:
        raise RuntimeError("all elements of input should be between 0 and 1")
    return _losses.bce_op(input, target, number, *([] if weight is None else [weight]))


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    number, shares = _number(reduction), [weight, pos_weight]
    return _losses.bce_logits_op(input, target, number, *([] if shares == [None, None] else shares))


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    return _losses.nll(input, target, weight, ignore_index, reduction)


def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    _need_tensor(target, "cross_entropy_loss", "target", 2)
    if target.dtype.is_floating_point and input.shape == target.shape:
        return _by_shares(input, target, weight, reduction, label_smoothing)
    if input.shape == target.shape:
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{_meta.SCALAR_NAMES[target.dtype]}"
        )
    logs = log_softmax(input, 1 if input.dim() > 1 else 0)
    loss = nll_loss(logs, target, weight, None, ignore_index, None, reduction)
    return _smoothed(loss, logs, target, weight, ignore_index, reduction, label_smoothing) if label_smoothing else loss


def _by_shares(input, target, weight, reduction, smoothing):
    """Where the target says of each class how likely it is."""
    at = 1 if input.dim() > 1 else 0
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.shape[at]
    logs = log_softmax(input, at)
    if weight is not None:
        logs = logs * weight.reshape([-1 if dim == at else 1 for dim in range(logs.dim())])
    loss = (logs * target).sum(at).neg()
    if reduction == "mean":
        return loss.sum() / (input.numel() // input.shape[at])
    return _reduced(loss, reduction)


def _smoothed(loss, logs, target, weight, ignored, reduction, smoothing):
    """A part of the right class's share goes to all classes alike."""
    at, classes = 1 if logs.dim() > 1 else 0, logs.shape[1 if logs.dim() > 1 else 0]
    weights = None if weight is None else weight.reshape([-1 if dim == at else 1 for dim in range(logs.dim())])
    even = -(logs if weights is None else logs * weights).sum(at)
    counts = (target != ignored).to(logs.dtype)
    even = even * counts
    if reduction == "mean":
        even = even.sum() / (counts if weight is None else counts * weight[target.clamp_min(0)]).sum()
    elif reduction == "sum":
        even = even.sum()
    return loss * (1 - smoothing) + even * (smoothing / classes)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    if not (input.dtype.is_floating_point and target.dtype.is_floating_point):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    loss = target.exp() * (target - input) if log_target else _FUNCTIONS["xlogy"](target, target) - target * input
    return loss.sum() / input.shape[0] if reduction == "batchmean" else _reduced(loss, reduction)


def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction="mean"
):
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        more = target * target.log() - target + 0.5 * (2 * _math.pi * target).log()
        loss = loss + more.masked_fill(target <= 1, 0)
    return _reduced(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    var = _FUNCTIONS["full_like"](input, var) if isinstance(var, float) else var.clone()
    if _numbers.are_computed(var) and (var < 0).any():
        raise ValueError("var has negative entry/entries")
    with _no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target).square() / var)
    return _reduced(loss + 0.5 * _math.log(2 * _math.pi) if full else loss, reduction)


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    product, eps = (input1 * input2).sum(-1), 1e-12
    lengths = ((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)
    cosine = product / lengths.sqrt()
    where = _FUNCTIONS["where"]
    near, far = where(target == 1, 1 - cosine, 0.0), where(target == -1, (cosine - margin).clamp_min(0), 0.0)
    return _reduced(near + far, reduction)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    where = _FUNCTIONS["where"]
    near, far = where(target != -1, input, 0.0), where(target != 1, (margin - input).clamp_min(0), 0.0)
    return _reduced(near + far, reduction)


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"
):
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = _FUNCTIONS["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return _reduced((near - far + margin).clamp_min(0), reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _losses.soft_margin_op(input, target, _number(reduction))


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = (target * logsigmoid(input) + (1 - target) * logsigmoid(-input)).neg()
    loss = loss if weight is None else loss * weight
    return _reduced(loss.sum(-1) / input.shape[-1], reduction)


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    return _losses.multi_margin_op(input, target, p, margin, weight, _number(reduction))


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    if input.shape != target.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    return _losses.multilabel_margin_op(input, target, _number(reduction))


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    number = _number(reduction)
    return _losses.ctc_op(log_probs, targets, number, input_lengths, target_lengths, blank, zero_infinity)


from .._lacking import lacking_names as _lacking_names  # noqa: E402
from .modules.attending import multi_head_attention_forward  # noqa: E402, F401  (it computes with what stands above)

__getattr__ = _lacking_names("torch.nn.functional")
