"""`torch.special`, as far as it goes by other names, too."""

from ._lacking import lacking_names as _lacking_names
from ._public import FUNCTIONS as _FUNCTIONS

expit, logit, erf, erfc, softmax, log_softmax = (
    _FUNCTIONS[name] for name in ("sigmoid", "logit", "erf", "erfc", "softmax", "log_softmax")
)

__getattr__ = _lacking_names("torch.special")
