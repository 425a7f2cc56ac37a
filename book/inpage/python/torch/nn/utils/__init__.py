"""`torch.nn.utils`: what changes how a module keeps its weights."""

from ..._grad import no_grad as _no_grad
from ..._lacking import lacking_names as _lacking_names
from ..._public import FUNCTIONS as _FUNCTIONS
from ..._tensor import Tensor as _Tensor
from . import fusion, parametrizations, rnn
from .fusion import fuse_conv_bn_eval


def weight_norm(module, name="weight", dim=0):
    """The module as it is: which numbers its weight is made of changes no shape."""
    return module


spectral_norm = parametrizations.spectral_norm


def remove_weight_norm(module, name="weight"):
    return module


def remove_spectral_norm(module, name="weight"):
    return module


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    gradients = _gradients(parameters)
    with _no_grad():
        norms = [gradient.norm(norm_type) for gradient in gradients]
        total = _FUNCTIONS["stack"](norms).norm(norm_type) if norms else _FUNCTIONS["tensor"](0.0)
        share = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(share)
    return total


def clip_grad_value_(parameters, clip_value, foreach=None):
    with _no_grad():
        for gradient in _gradients(parameters):
            gradient.clamp_(-clip_value, clip_value)


def _gradients(parameters):
    parameters = [parameters] if isinstance(parameters, _Tensor) else parameters
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def parameters_to_vector(parameters):
    return _FUNCTIONS["cat"]([parameter.reshape(-1) for parameter in parameters])


__getattr__ = _lacking_names("torch.nn.utils")
__all__ = ["fuse_conv_bn_eval", "fusion", "parametrizations", "rnn"]
