"""`torch.optim`: plain steps, with momentum, and Adam's."""

from .._lacking import lacking_names as _lacking_names
from . import lr_scheduler
from .optimizer import SGD, Adam, AdamW, Optimizer

__getattr__ = _lacking_names("torch.optim")
__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
