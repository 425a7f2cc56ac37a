"""`torch.utils`."""

from . import _python_dispatch, _pytree, checkpoint, data, flop_counter, weak

__all__ = ["_python_dispatch", "_pytree", "checkpoint", "data", "flop_counter", "weak"]
