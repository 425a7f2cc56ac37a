"""`torch.jit`: what it compiles runs as the Python that it is."""

import typing

from ._lacking import lacking_names
from .nn.modules.module import Module


class ScriptModule(Module):
    """A module with the parts of another, which does what that one does."""

    def __init__(self, module):
        super().__init__()
        for name in ("_parameters", "_buffers", "_modules", "training"):
            setattr(self, name, getattr(module, name))
        self.forward, self.original_name = module.forward, type(module).__name__


def trace(func, example_inputs=None, **options):
    """Runs it once on the example, so that what does not fit is told; its lines then run each time, branches too."""
    given = example_inputs if isinstance(example_inputs, (tuple, list)) else (example_inputs,)
    func(*given)
    return ScriptModule(func) if isinstance(func, Module) else func


Final = typing.Final


def _unchanged(function=None, *args, **kwargs):
    return function if function is not None else _unchanged


script = script_method = ignore = unused = export = interface = script_if_tracing = _unchanged
_overload_method = _overload = _unchanged


def is_scripting():
    return False


is_tracing = is_scripting


def annotate(the_type, the_value):
    return the_value


__getattr__ = lacking_names("torch.jit")
