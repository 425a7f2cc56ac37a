"""`torch.nn.utils`: what changes how a module keeps its weights."""

from ..._lacking import lacking_names as _lacking_names
from . import parametrizations, rnn


def weight_norm(module, name="weight", dim=0):
    """The module as it is: which numbers its weight is made of changes no shape."""
    return module


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    return module


def remove_weight_norm(module, name="weight"):
    return module


def remove_spectral_norm(module, name="weight"):
    return module


def fuse_conv_bn_eval(conv, bn, transpose=False):
    return conv


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    return None


def clip_grad_value_(parameters, clip_value, foreach=None):
    return None


def parameters_to_vector(parameters):
    from ..._public import FUNCTIONS

    return FUNCTIONS["cat"]([parameter.reshape(-1) for parameter in parameters])


__getattr__ = _lacking_names("torch.nn.utils")
__all__ = ["parametrizations", "rnn"]
