"""Activations of more than one step."""

from .. import _metadata as meta
from .._public import FUNCTIONS
from .steps import composed

_where = FUNCTIONS["where"]


@composed("_prelu_kernel")
def _prelu(self, weight):
    return _where(self > 0, self, self * weight)


@composed("celu")
def _celu(self, alpha=1.0):
    return _where(self > 0, self, alpha * (self / alpha).expm1())


@composed("hardshrink")
def _hardshrink(self, bound=0.5):
    return _where(self.abs() > bound, self, 0.0)


@composed("softshrink")
def _softshrink(self, bound=0.5):
    return _where(self.abs() > bound, self - self.sign() * bound, self * 0)


@composed("threshold")
def _threshold(self, bound, value):
    return _where(self > bound, self, float(value))


@composed("rrelu_with_noise", is_random=True)
def _rrelu(self, lower=1.0 / 8, upper=1.0 / 3, training=False):
    if not training:
        return _where(self > 0, self, self * ((lower + upper) / 2))
    falls, slope = self <= 0, FUNCTIONS["ones_like"](self)
    drawn = FUNCTIONS["empty"](int(falls.sum()), dtype=meta.float64).uniform_(lower, upper)
    slope[falls] = drawn.to(self.dtype)
    return self * slope


@composed("glu")
def _glu(self, dim=-1):
    given, gate = self.chunk(2, dim)
    return given * gate.sigmoid()
