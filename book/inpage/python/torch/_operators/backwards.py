"""The gradients that are computed in one go, as PyTorch's own operators for them."""

from .. import _metadata as meta
from .._dispatch import operator
from .._tensor import made
from .views import like_strides


def _like(tensor):
    return made(tensor._shape, tensor.dtype, like_strides(tensor))


@operator("threshold_backward")
def threshold(grad_output, self, threshold):
    return _like(self)


@operator("convolution_backward")
def convolution(
    grad_output, input, weight, stride, padding, dilation, transposed, output_padding, groups, output_mask
):
    """The gradients of input, weight and bias, each where the mask asks for it."""
    results = input, weight, None
    channels = grad_output._shape[1]
    return tuple(
        None if not wanted else made((channels,), grad_output.dtype) if its is None else _like(its)
        for its, wanted in zip(results, output_mask, strict=True)
    )


@operator("native_batch_norm_backward")
def batch_norm(grad_out, input, weight, mean, spread, train, eps):
    """Of input, weight and bias; `spread` is 1/√(variance + eps) in training, else the running variance."""
    channels = (input._shape[1],)
    return _like(input), made(channels, input.dtype), made(channels, input.dtype)


@operator("max_pool2d_with_indices_backward")
def max_pool2d(grad_output, self, indices):
    return _like(self)


@operator("avg_pool2d_backward")
def avg_pool2d(
    grad_output,
    self,
    kernel_size,
    stride,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    return _like(self)


@operator("_adaptive_avg_pool2d_backward")
def adaptive_avg_pool2d(grad_output, self):
    return _like(self)


@operator("upsample_backward")
def upsample(grad_output, self, nearest, align_corners):
    return _like(self)


@operator("nll_loss_backward")
def nll_loss(grad_output, self, target, weight, reduction, ignore_index, total_weight):
    return made(self._shape, meta.promoted(self.dtype, grad_output.dtype))
