"""What prepares a network for whole numbers: fusing layers, in evaluation."""

import copy

from ..nn.modules.activation import ReLU
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.container import Sequential
from ..nn.modules.linear import Identity
from ..nn.utils import fuse_conv_bn_eval


class ConvReLU2d(Sequential):
    """A convolution and its ReLU, as one."""


def fuse_modules(model, modules_to_fuse, inplace=False):
    """A copy in which layers that follow each other are one: the first does it all, the others nothing.

    Args:
        modules_to_fuse: names of a convolution, a batch norm and, where there is one, a ReLU; or several such lists.
    """
    model = model if inplace else copy.deepcopy(model)
    groups = modules_to_fuse if isinstance(modules_to_fuse[0], (list, tuple)) else [modules_to_fuse]
    for names in groups:
        for name, fused in zip(names, _fused([model.get_submodule(name) for name in names]), strict=True):
            place, _, own = name.rpartition(".")
            setattr(model.get_submodule(place), own, fused)
    return model


def _fused(layers):
    conv, *rest = layers
    if rest and isinstance(rest[0], _BatchNorm):
        conv = fuse_conv_bn_eval(conv, rest[0])
    if not rest or not all(isinstance(layer, (_BatchNorm, ReLU)) for layer in rest):
        raise NotImplementedError(f"Cannot fuse modules: {tuple(type(layer) for layer in layers)}")
    first = ConvReLU2d(conv, rest[-1]) if isinstance(rest[-1], ReLU) else conv
    return [first.eval(), *(Identity().eval() for _ in rest)]
