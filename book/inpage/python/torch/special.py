"""`torch.special`, as far as it goes by other names, too."""

from ._lacking import lacking_names as _lacking_names
from ._public import FUNCTIONS as _FUNCTIONS

_BY_THEIR_NAMES = "logit erf erfc erfinv softmax log_softmax digamma exp2 expm1 i0 log1p logsumexp round sinc xlogy"
for _name in _BY_THEIR_NAMES.split():
    globals()[_name] = _FUNCTIONS[_name]
expit, gammaln, psi = (_FUNCTIONS[name] for name in ("sigmoid", "lgamma", "digamma"))


def entr(input, *, out=None):
    return -_FUNCTIONS["xlogy"](input, input)


def xlog1py(input, other, *, out=None):
    return _FUNCTIONS["xlogy"](input, other + 1)

__getattr__ = _lacking_names("torch.special")
