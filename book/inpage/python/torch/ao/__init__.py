"""`torch.ao`."""

from . import quantization

__all__ = ["quantization"]
