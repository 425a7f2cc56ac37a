"""What changes the rate of learning: not here."""

from .._lacking import lacking_names as _lacking_names

__getattr__ = _lacking_names("torch.optim.lr_scheduler")
