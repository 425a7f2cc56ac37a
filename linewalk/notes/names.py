"""What a callable is called where people look it up: `nn.Conv2d`, `F.relu`, `torch.cat`, `Tensor.view`."""

import builtins
import copy
import functools
import inspect
import itertools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

_NAMESPACES = (
    ("python", builtins),
    ("nn", nn),
    ("F", F),
    ("torch", torch),
    ("init", nn.init),
    ("linalg", torch.linalg),
    ("fft", torch.fft),
    ("special", torch.special),
    ("math", math),
    ("itertools", itertools),
    ("functools", functools),
    ("copy", copy),
    # the page's own torch has not all of these
    ("autograd", getattr(torch, "autograd", None)),
    ("func", getattr(torch, "func", None)),
    ("utils", getattr(nn, "utils", None)),
    ("parametrizations", getattr(getattr(nn, "utils", None), "parametrizations", None)),
    ("parametrize", getattr(getattr(nn, "utils", None), "parametrize", None)),
)
_CONTAINERS = ("ModuleList", "ModuleDict", "Sequential", "ParameterList", "ParameterDict")
_OWNERS = (
    (torch.Tensor, "Tensor"),
    *((getattr(nn, name), name) for name in _CONTAINERS if hasattr(nn, name)),
    (nn.Module, "Module"),
    (list, "list"),
    (tuple, "tuple"),
    (dict, "dict"),
    (str, "str"),
    (set, "set"),
)


def public_name(value):
    """The name of a function, method or class; a module is called what its class is called.

    Returns:
        "nn.Conv2d", or for what is nobody's but the reader's own, its plain `__name__`; None where it has none.
    """
    if isinstance(value, nn.Module):
        return public_name(type(value))
    try:
        known = _names().get(id(value))
    except Exception:
        known = None
    if known:
        return known
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return None
    if method := _method_of_modules(value):
        return f"Module.{method}"
    if name == "apply" and _is_function_of_gradients(getattr(value, "__self__", None)):
        return "autograd.Function.apply"
    owner = _owner(value)
    if owner is not None and not _is_readers_method(value, owner):
        for kind, prefix in _OWNERS:
            if isinstance(owner, kind):
                return f"{prefix}.{name}"
    return name


def is_torchs(value):
    """Whether a class or function comes with PyTorch or Python, so that its name says what it is."""
    return id(value) in _names()


def _method_of_modules(value):
    """What `nn.Module` itself has it as: torch.compile, for one, puts a `patched_init` where `__init__` stood."""
    function = getattr(value, "__func__", None)
    if function is None or not isinstance(value.__self__, nn.Module):
        return None
    return next((name for name, own in vars(nn.Module).items() if own is function), None)


def _is_function_of_gradients(owner):
    base = getattr(getattr(torch, "autograd", None), "Function", None)
    return base is not None and isinstance(owner, type) and issubclass(owner, base)


def _owner(value):
    owner = getattr(value, "__self__", None)
    return None if inspect.ismodule(owner) or isinstance(owner, type) else owner


def _is_readers_method(value, owner):
    """Whether a bound method was written by the reader, and not inherited from `nn.Module` or torch's containers."""
    function = getattr(value, "__func__", None)
    return isinstance(owner, nn.Module) and not getattr(function, "__module__", "torch").startswith("torch.")


@functools.cache
def _names():
    names = {}
    for prefix, namespace in _NAMESPACES:
        for name, value in vars(namespace).items() if namespace is not None else ():
            is_borrowed = prefix == "F" and isinstance(value, type)  # `F.Tensor` is nobody's name for it
            if not name.startswith("_") and callable(value) and not inspect.ismodule(value) and not is_borrowed:
                names.setdefault(id(value), f"{prefix}.{name}")
    return names
