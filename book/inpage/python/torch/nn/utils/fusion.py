"""`torch.nn.utils.fusion`: two layers as one."""

import copy

from ..._grad import no_grad


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A convolution that does what a convolution and the batch norm behind it do, in evaluation."""
    from ..parameter import Parameter

    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(conv)
    with no_grad():
        scale = (bn.running_var + bn.eps).rsqrt()
        scale = scale if bn.weight is None else bn.weight * scale
        shape = [1, -1] if transpose else [-1, 1]
        bias = -bn.running_mean if conv.bias is None else conv.bias - bn.running_mean
        bias = bias * scale if bn.bias is None else bias * scale + bn.bias
        fused.weight = Parameter(conv.weight * scale.reshape(shape + [1] * (conv.weight.dim() - 2)))
        fused.bias = Parameter(bias)
    return fused
