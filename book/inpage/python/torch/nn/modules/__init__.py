"""The layers."""

from .activation import *  # noqa: F403
from .attending import MultiheadAttention
from .batchnorm import *  # noqa: F403
from .container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .conv import *  # noqa: F403
from .dropout import *  # noqa: F403
from .linear import Bilinear, Identity, Linear
from .loss import *  # noqa: F403
from .module import Module
from .normalization import *  # noqa: F403
from .padding import *  # noqa: F403
from .pooling import *  # noqa: F403
from .rnn import *  # noqa: F403
from .shaping import *  # noqa: F403
from .transformer import *  # noqa: F403

__all__ = [name for name, value in list(globals().items()) if isinstance(value, type)]
assert {"Bilinear", "Identity", "Linear", "Module", "MultiheadAttention", "ModuleDict"} <= set(__all__)
assert {"ModuleList", "ParameterDict", "ParameterList", "Sequential"} <= set(__all__)
