"""`torch.ao`."""

from . import nn, quantization

__all__ = ["nn", "quantization"]
