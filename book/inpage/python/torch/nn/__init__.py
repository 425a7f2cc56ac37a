"""`torch.nn`."""

from .._lacking import lacking_names as _lacking_names
from .parameter import Buffer, Parameter

from . import functional, init  # isort: skip  (layers are made with them)
from . import modules, parameter, utils  # isort: skip
from .modules import *  # noqa: F403  isort: skip
from .parallel import DataParallel  # isort: skip

__getattr__ = _lacking_names("torch.nn")
__all__ = ["Buffer", "DataParallel", "Parameter", "functional", "init", "modules", "parameter", "utils"]
__all__ += modules.__all__
