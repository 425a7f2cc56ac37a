"""Convolutions and pooling: windows that move over places."""

import math

from .. import _autocast, _numbers
from .. import _metadata as meta
from .._dispatch import operator
from .._lacking import lacking
from .._tensor import Tensor, made, need_tensor
from . import views


def each(value, count, name="", function=""):
    """A size for each place axis."""
    if isinstance(value, (tuple, list)):
        value = tuple(int(one) for one in value)
        return value * count if len(value) == 1 else value
    if isinstance(value, float) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{function or 'conv'}(): argument '{name or 'size'}' must be tuple of ints, not {type(value).__name__}"
        )
    return (value.__index__(),) * count


def _keeps_channels_last(tensor):
    return meta.suggests_channels_last(tensor._shape, tensor._strides)


@operator("convolution")
def convolution(self, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    count = len(stride)
    batch, places = self._shape[0], self._shape[2:]
    kernel = weight._shape[2:]
    if transposed:
        channels = weight._shape[1] * groups
        sizes = [
            (size - 1) * s - 2 * p + d * (k - 1) + o + 1
            for size, s, p, d, k, o in zip(places, stride, padding, dilation, kernel, output_padding, strict=True)
        ]
    else:
        channels = weight._shape[0]
        sizes = [
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, s, p, d, k in zip(places, stride, padding, dilation, kernel, strict=True)
        ]
    shape = (batch, channels, *sizes)
    last = count == 2 and (_keeps_channels_last(self) or _keeps_channels_last(weight))
    return made(shape, self.dtype, meta.channels_last_strides(shape) if last else None)


def convolved(input, weight, bias, stride, padding, dilation, groups, count, transposed=False, output_padding=0):
    """A convolution over `count` place axes, checked as PyTorch checks it."""
    name = f"conv{'_transpose' if transposed else ''}{count}d"
    if transposed or isinstance(input, Tensor):
        need_tensor(input, name)
        need_tensor(weight, name, "weight", 2)
    else:
        _refuse_combination(name, input, weight, bias, stride, padding, dilation, groups)
    _check_ranks(name, input, count)
    if _autocast.active:
        input, weight, bias = _autocast.lowered("convolution", (input, weight, bias))
    stride, dilation = each(stride, count, "stride", name), each(dilation, count, "dilation", name)
    if len(stride) != count:
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {count} values to match the convolution "
            f"dimensions, but got stride={list(stride)}"
        )
    if min(stride) < 1:
        raise RuntimeError("non-positive stride is not supported")
    if min(weight._shape[2:], default=1) < 1:
        sizes = dict(zip(("depth", "height", "width")[-count:], weight._shape[2:], strict=True))
        shown = " ".join(f"kernel_{axis}: {size}" for axis, size in sizes.items())
        raise RuntimeError(f"kernel size should be greater than zero, but got {shown}")
    unbatched = input.dim() == count + 1
    given = views.unsqueeze_op(input, 0) if unbatched else input
    if isinstance(padding, str):
        given, padding = _named_padding(given, padding, weight._shape[2:], stride, dilation)
    padding, output_padding = each(padding, count, "padding", name), each(output_padding, count)
    _check(given, weight, bias, stride, padding, dilation, groups, transposed, output_padding)
    if _numbers.engine is not None and any(extra >= s for extra, s in zip(output_padding, stride, strict=True)):
        raise lacking(f"F.{name} with an output_padding that is not smaller than the stride")
    output = convolution(
        given, weight, bias, list(stride), list(padding), list(dilation), transposed, list(output_padding), groups
    )
    return views.squeeze_op(output, 0) if unbatched else output


def _refuse_combination(name, *given):
    """In PyTorch's words, where its two forms of a convolution leave open which argument was meant otherwise."""
    forms = (
        f" * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, {padding}, "
        "tuple of ints dilation = 1, int groups = 1)\n"
        for padding in ("tuple of ints padding = 0", 'str padding = "valid"')
    )
    kinds = ", ".join(type(one).__name__ for one in given)
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({kinds}), but expected one of:\n{''.join(forms)}"
    )


def _check_ranks(name, input, count):
    if input.dim() not in (count + 1, count + 2):
        raise RuntimeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input._shape)}"
        )


def _named_padding(input, padding, kernel, stride, dilation):
    if padding == "valid":
        return input, 0
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(step != 1 for step in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if all(total % 2 == 0 for total in totals):
        return input, [total // 2 for total in totals]
    from .joining import pad

    extra = [side for total in reversed(totals) for side in (0, total % 2)]
    return pad(input, extra), [total // 2 for total in totals]


def _check(input, weight, bias, stride, padding, dilation, groups, transposed, output_padding):
    if any(size < 0 for size in padding):
        raise RuntimeError("negative padding is not supported")
    if min(dilation, default=1) < 1:
        raise RuntimeError("dilation should be greater than zero")
    if groups < 1:
        raise RuntimeError("non-positive groups is not supported")
    shape = list(input._shape)
    if weight.dim() != input.dim():
        raise RuntimeError(
            f"Expected {weight.dim()}-dimensional input for {weight.dim()}-dimensional weight {list(weight._shape)}, "
            f"but got {input.dim()}-dimensional input of size {shape} instead"
        )
    if not transposed and weight._shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(weight._shape)} instead"
        )
    expected = weight._shape[0] if transposed else weight._shape[1] * groups
    if input._shape[1] != expected:
        if transposed:
            raise RuntimeError(
                f"Given transposed=1, weight of size {list(weight._shape)}, expected input{shape} to have {expected} "
                f"channels, but got {input._shape[1]} channels instead"
            )
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight._shape)}, expected input{shape} to have {expected} "
            f"channels, but got {input._shape[1]} channels instead"
        )
    if not transposed and weight._shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {list(weight._shape)} instead"
        )
    channels = weight._shape[1] * groups if transposed else weight._shape[0]
    if bias is not None and tuple(bias._shape) != (channels,):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {list(weight._shape)}, expected bias to be "
            f"1-dimensional with {channels} elements, but got bias of size {list(bias._shape)} instead"
        )
    if bias is not None and bias.dtype is not input.dtype:
        names = [meta.type_name(tensor.dtype) for tensor in (input, bias)]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")
    if input.dtype is not weight.dtype:
        names = [meta.SCALAR_NAMES[tensor.dtype] for tensor in (input, weight)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")
    if transposed:
        _check_transposed_size(input, weight, stride, padding, dilation, output_padding)
    else:
        padded = [size + 2 * p for size, p in zip(input._shape[2:], padding, strict=True)]
        reach = [d * (k - 1) + 1 for k, d in zip(weight._shape[2:], dilation, strict=True)]
        if any(has < needs for has, needs in zip(padded, reach, strict=True)):
            raise RuntimeError(
                f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
                f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
            )


def _check_transposed_size(input, weight, stride, padding, dilation, output_padding):
    sizes = [
        (size - 1) * s - 2 * p + d * (k - 1) + o + 1
        for size, s, p, d, k, o in zip(
            input._shape[2:], stride, padding, dilation, weight._shape[2:], output_padding, strict=True
        )
    ]
    if any(o >= s and o >= d for o, s, d in zip(output_padding, stride, dilation, strict=True)):
        named = {"output_padding": output_padding, "stride": stride, "dilation": dilation}
        shown = " ".join(f"{name}_height: {its[0]} {name}_width: {its[-1]}" for name, its in named.items())
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {shown}")
    if min(sizes) < 1:
        shown = [" x ".join(map(str, each_size)) for each_size in (input._shape[2:], sizes)]
        raise RuntimeError(
            f"Given input size per channel: ({shown[0]}). Calculated output size per channel: ({shown[1]}). Output "
            "size is too small"
        )


# pooling


def _pooled_size(size, kernel, stride, padding, dilation, ceil):
    reach = dilation * (kernel - 1)
    top = size + 2 * padding - reach - 1 + (stride - 1 if ceil else 0)
    found = top // stride + 1
    if ceil and (found - 1) * stride >= size + padding:
        found -= 1
    return found


def _check_pool(name, input, count, kernel, stride, padding, output):
    if min(kernel) < 1:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {kernel[0]} kW: {kernel[-1]}")
    if min(stride) < 1:
        raise RuntimeError(f"stride should be greater than zero, but got dH: {stride[0]} dW: {stride[-1]}")
    for k, p in zip(kernel, padding, strict=True):
        if p < 0 or p > k // 2:
            shown = (
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation=1"
            )
            if name == "avg_pool2d":
                shown = (
                    "pad should be at most half of effective kernel size, but got padW = "
                    f"{padding[-1]}, padH = {padding[0]}, kW = {kernel[-1]}, kH = {kernel[0]}"
                )
            raise RuntimeError(shown)
    if min(output) < 1:
        sizes = "x".join(map(str, input._shape[-count - 1 :]))
        result = "x".join(map(str, (input._shape[-count - 1], *output)))
        raise RuntimeError(f"Given input size: ({sizes}). Calculated output size: ({result}). Output size is too small")


def pooled(op, input, kernel_size, stride, padding, dilation, ceil_mode, count, name):
    """A pooling over `count` place axes; one over a single axis runs as PyTorch's does, over two."""
    need_tensor(input, name)
    if input.dim() not in (count + 1, count + 2):
        raise RuntimeError(
            f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input._shape)}"
            if name == "max_pool1d"
            else f"Expected {count + 1}D or {count + 2}D input to {name}, but got input of size: {list(input._shape)}"
            if count == 1
            else f"non-empty {count + 1}D or {count + 2}D (batch mode) tensor expected for input"
        )
    kernel = each(kernel_size, count, "kernel_size", name)
    stride = kernel if stride is None or stride == [] else each(stride, count, "stride", name)
    return op(
        input,
        list(kernel),
        list(stride),
        list(each(padding, count, "padding", name)),
        list(each(dilation, count, "dilation", name)),
        ceil_mode,
    )


def _pool_shape(self, kernel, stride, padding, dilation, ceil, name):
    count = len(kernel)
    output = [
        _pooled_size(*sizes, ceil)
        for sizes in zip(self._shape[-count:], kernel, stride, padding, dilation, strict=True)
    ]
    _check_pool(name, self, count, kernel, stride, padding, output)
    shape = (*self._shape[:-count], *output)
    return shape, meta.channels_last_strides(shape) if _keeps_channels_last(self) else None


def _max_pool(count, with_places):
    @operator(f"max_pool{count}d{'_with_indices' if with_places else ''}")
    def run(self, kernel_size, stride, padding=0, dilation=1, ceil_mode=False):
        shape, strides = _pool_shape(self, kernel_size, stride, padding, dilation, ceil_mode, f"max_pool{count}d")
        return made(shape, self.dtype, strides), made(shape, meta.int64, strides)

    return run


def _average_pool(count):
    @operator(f"avg_pool{count}d")
    def run(self, kernel_size, stride, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        shape, strides = _pool_shape(
            self, kernel_size, stride, padding, [1] * len(kernel_size), ceil_mode, f"avg_pool{count}d"
        )
        return made(shape, self.dtype, strides)

    return run


max_pool2d_op, max_pool3d_op = _max_pool(2, True), _max_pool(3, True)
avg_pool2d_op, avg_pool3d_op = _average_pool(2), _average_pool(3)


def max_pooled(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, count):
    name = f"max_pool{count}d"
    if count == 1:
        flat = pooled(lambda self, *args: self, input, kernel_size, stride, padding, dilation, ceil_mode, 1, name)
        kernel = each(kernel_size, 1)
        steps = kernel if stride is None or stride == [] else each(stride, 1)
        pair = max_pool2d_op(
            views.unsqueeze_op(flat, -2),
            [1, *kernel],
            [1, *steps],
            [0, *each(padding, 1)],
            [1, *each(dilation, 1)],
            ceil_mode,
        )
        pair = tuple(views.squeeze_op(part, -2) for part in pair)
    else:
        op = max_pool2d_op if count == 2 else max_pool3d_op
        pair = pooled(op, input, kernel_size, stride, padding, dilation, ceil_mode, count, name)
    return pair if return_indices else pair[0]


def averaged(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, count):
    name = f"avg_pool{count}d"
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")

    def run(self, kernel, steps, padding, dilation, ceil):
        if count == 1:
            flat = views.unsqueeze_op(self, -2)
            window = [1, *kernel], [1, *steps], [0, *padding], ceil, count_include_pad
            return views.squeeze_op(avg_pool2d_op(flat, *window), -2)
        op = avg_pool2d_op if count == 2 else avg_pool3d_op
        return op(self, kernel, steps, padding, ceil, count_include_pad, divisor_override)

    return pooled(run, input, kernel_size, stride, padding, 1, ceil_mode, count, name)


def _adaptive(name, count, with_places):
    @operator(name)
    def run(self, output_size):
        shape = (*self._shape[:-count], *output_size)
        strides = meta.channels_last_strides(shape) if _keeps_channels_last(self) and not with_places else None
        if with_places:
            return made(shape, self.dtype, strides), made(shape, meta.int64, strides)
        return made(shape, self.dtype, strides)

    return run


_adaptive_ops = {
    ("avg", 2): _adaptive("_adaptive_avg_pool2d", 2, False),
    ("avg", 3): _adaptive("_adaptive_avg_pool3d", 3, False),
    ("max", 2): _adaptive("adaptive_max_pool2d", 2, True),
    ("max", 3): _adaptive("adaptive_max_pool3d", 3, True),
}


def adapted(kind, input, output_size, count):
    """Adaptive pooling; gives back (values, places) for "max"."""
    name = f"adaptive_{kind}_pool{count}d"
    need_tensor(input, name)
    if output_size is None and count == 1:
        raise TypeError(f"{name}(): argument 'output_size' (position 2) must be tuple of ints, not NoneType")
    if isinstance(output_size, (tuple, list)) and count > 1 and len(output_size) >= input.dim():
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    means = (kind, count) == ("avg", 2) and output_size in (1, (1, 1), [1, 1])
    if input.dim() not in (count + 1, count + 2) and not means:
        if count == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.dim()}-dimensional tensor for argument #1 'self' (while "
                f"checking arguments for {name})"
            )
        got = f"but got{':' if (kind, count) == ('max', 2) else ''} {list(input._shape)}"
        raise RuntimeError(f"{name}(): Expected {count + 1}D or {count + 2}D tensor, {got}")
    for dim in () if means else range(input.dim() - count, input.dim()):
        if not input._shape[dim]:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(input._shape)} with dimension {dim} being empty"
            )
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * count
    if len(sizes) != count:
        called = f"{name}()" if kind == "max" else name
        raise RuntimeError(f"{called}: internal error: output_size.size() must be {count}")
    sizes = [its if wanted is None else int(wanted) for wanted, its in zip(sizes, input._shape[-count:], strict=True)]
    if count == 1:
        result = _adaptive_ops[kind, 2](views.unsqueeze_op(input, -2), [1, *sizes])
        if kind == "max":
            return tuple(views.squeeze_op(part, -2) for part in result)
        return views.squeeze_op(result, -2)
    if kind == "avg" and all(size == 1 for size in sizes):
        from .._public import FUNCTIONS

        return FUNCTIONS["mean"](input, tuple(range(-count, 0)), True)
    return _adaptive_ops[kind, count](input, sizes)


def unpooled(input, indices, kernel_size, stride, padding, output_size, count):
    kernel = each(kernel_size, count)
    steps = kernel if stride is None or stride == [] else each(stride, count)
    if input._shape != indices._shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input._shape)}) but got indices "
            f"tensor with shape: {list(indices._shape)}"
        )
    if output_size is None:
        output_size = [
            (size - 1) * s - 2 * p + k
            for size, s, p, k in zip(input._shape[-count:], steps, each(padding, count), kernel, strict=True)
        ]
    output_size = list(output_size)[-count:]
    if count == 1:
        flat, places = (views.unsqueeze_op(one, -1) for one in (input, indices))
        return views.squeeze_op(_unpool2d(flat, places, [*output_size, 1]), -1)
    return (_unpool2d if count == 2 else _unpool3d)(input, indices, output_size)


def _unpool(count):
    @operator(f"max_unpool{count}d")
    def run(self, indices, output_size):
        if indices.dtype is not meta.int64:
            raise RuntimeError(f"elements in indices should be type int64 but got: {meta.SCALAR_NAMES[indices.dtype]}")
        wrong = _numbers.outside(indices, 0, math.prod(output_size))
        if wrong is not None:
            raise RuntimeError(
                f"Found an invalid max index: {wrong} (output volumes are of size {'x'.join(map(str, output_size))})"
            )
        return made((*self._shape[: -len(output_size)], *output_size), self.dtype)

    return run


_unpool2d, _unpool3d = _unpool(2), _unpool(3)


# patches


@operator("im2col")
def im2col(self, kernel_size, dilation, padding, stride):
    batch, channels = self._shape[-4:-2] if self.dim() == 4 else (None, self._shape[0])
    blocks = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, p, d, k, s in zip(self._shape[-2:], padding, dilation, kernel_size, stride, strict=True)
    ]
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(self._shape[-2:])}, kernel_size={tuple(kernel_size)}, dilation="
            f"{tuple(dilation)}, padding={tuple(padding)}, calculated shape of the array of sliding blocks as "
            f"{tuple(blocks)}, but its components must be at least one."
        )
    shape = (channels * math.prod(kernel_size), math.prod(blocks))
    return made(shape if batch is None else (batch, *shape), self.dtype)


@operator("col2im")
def col2im(self, output_size, kernel_size, dilation, padding, stride):
    columns, patches = self._shape[-2], math.prod(kernel_size)
    if columns % patches:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={columns} and kernel_size={tuple(kernel_size)}."
        )
    blocks = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, p, d, k, s in zip(output_size, padding, dilation, kernel_size, stride, strict=True)
    ]
    if self._shape[-1] != math.prod(blocks):
        raise RuntimeError(
            f"Given output_size={tuple(output_size)}, kernel_size={tuple(kernel_size)}, dilation={tuple(dilation)}, "
            f"padding={tuple(padding)}, stride={tuple(stride)}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {blocks[0]} * {blocks[1]} = {math.prod(blocks)}, but got "
            f"input.size(2)={self._shape[-1]}."
        )
    return made((*self._shape[:-2], columns // patches, *output_size), self.dtype)


# larger and smaller


def _upsampling(name):
    @operator(name)
    def run(self, output_size, align_corners=False, scales=None):
        shape = (*self._shape[:2], *output_size)
        if min(output_size) < 1 or 0 in self._shape[1:]:
            raise RuntimeError(
                f"Input and output sizes should be greater than 0, but got input (H: {self._shape[-2]}, W: "
                f"{self._shape[-1]}) output (H: {output_size[0]}, W: {output_size[-1]})"
            )
        last = self.dim() == 4 and _keeps_channels_last(self)
        return made(shape, self.dtype, meta.channels_last_strides(shape) if last else None)

    return run


UPSAMPLING = {
    (mode, dims): _upsampling(name)
    for (mode, dims), name in {
        ("nearest", 3): "upsample_nearest1d",
        ("nearest", 4): "upsample_nearest2d",
        ("nearest", 5): "upsample_nearest3d",
        ("nearest-exact", 3): "_upsample_nearest_exact1d",
        ("nearest-exact", 4): "_upsample_nearest_exact2d",
        ("nearest-exact", 5): "_upsample_nearest_exact3d",
        ("linear", 3): "upsample_linear1d",
        ("bilinear", 4): "upsample_bilinear2d",
        ("bicubic", 4): "upsample_bicubic2d",
        ("trilinear", 5): "upsample_trilinear3d",
        ("bilinear antialias", 4): "_upsample_bilinear2d_aa",
        ("bicubic antialias", 4): "_upsample_bicubic2d_aa",
    }.items()
}


@operator("pixel_shuffle")
def pixel_shuffle_op(self, factor):
    if self.dim() < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {self.dim()} dimension(s)"
        )
    *front, channels, height, width = self._shape
    if channels % factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {factor**2}"
        )
    return made((*front, channels // factor**2, height * factor, width * factor), self.dtype)


@operator("pixel_unshuffle")
def pixel_unshuffle_op(self, factor):
    if self.dim() < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {self.dim()} dimension(s)"
        )
    *front, channels, height, width = self._shape
    for size, word, at in ((height, "height", -2), (width, "width", -1)):
        if size % factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {word} to be divisible by downscale_factor, but input.size({at})={size} is "
                f"not divisible by {factor}"
            )
    return made((*front, channels * factor**2, height // factor, width // factor), self.dtype)


@operator("channel_shuffle")
def channel_shuffle_op(self, groups):
    if self._shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {self._shape[1]} channels and {groups} groups."
        )
    return made(self._shape, self.dtype)


@operator("grid_sampler_2d")
def grid_sample_op(self, grid, interpolation_mode=0, padding_mode=0, align_corners=False):
    return _seen(self, grid)


@operator("grid_sampler_3d")
def grid_sample_3d_op(self, grid, interpolation_mode=0, padding_mode=0, align_corners=False):
    if interpolation_mode == 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    return _seen(self, grid)


def _seen(self, grid):
    if self.dim() != grid.dim() or self.dim() not in (4, 5):
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            f"sizes {list(self._shape)} and grid with sizes {list(grid._shape)}"
        )
    if self._shape[0] != grid._shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(self._shape)} and grid with sizes {list(grid._shape)}"
        )
    if grid._shape[-1] != self.dim() - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {self.dim() - 2} in last dimension, but got grid with sizes "
            f"{list(grid._shape)}"
        )
    return made((*self._shape[:2], *grid._shape[1:-1]), self.dtype)


@operator("affine_grid_generator")
def affine_grid_op(theta, size, align_corners=False):
    return made((size[0], *size[2:], len(size) - 2), theta.dtype)
