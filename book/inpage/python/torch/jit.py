"""`torch.jit`: what it compiles runs as the Python that it is."""

import typing

from ._lacking import lacking_names


class ScriptModule:
    """None is ever made here."""


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
