"""Parametrizations leave shapes as they are; those that change numbers are not computed."""

from ... import _numbers
from ..._lacking import lacking


def weight_norm(module, name="weight", dim=0):
    """The module as it is: which numbers its weight is made of changes neither them nor a shape."""
    return module


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    return _unless_it_computes(module, "spectral_norm")


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    return _unless_it_computes(module, "orthogonal")


def _unless_it_computes(module, name):
    if _numbers.engine is not None and not all(weight.is_meta for weight in module.parameters()):
        raise lacking(f"torch.nn.utils.parametrizations.{name}, where there are numbers,")
    return module
