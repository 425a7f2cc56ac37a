"""`torch.fft`: not here."""

from ._lacking import lacking_names as _lacking_names

__getattr__ = _lacking_names("torch.fft")
