"""`torch.utils`."""

from . import _python_dispatch, _pytree, checkpoint, flop_counter, weak

__all__ = ["_python_dispatch", "_pytree", "checkpoint", "flop_counter", "weak"]
