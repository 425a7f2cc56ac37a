"""What pasted code changes of Python's and PyTorch's own names is put back: the next paste finds them as they were."""

import builtins
import contextlib
import importlib
import json
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

_MODULES = (torch, nn, F, nn.init, builtins, math, json, importlib)


@contextlib.contextmanager
def unchanged():
    """Within it, names of these modules, methods of PyTorch's classes and the modules that there are can be changed."""
    classes = {one for one in (*vars(nn).values(), torch.Tensor) if isinstance(one, type)}
    before = [(owner, {**vars(owner)}) for owner in (*_MODULES, *classes)]
    modules = {**sys.modules}
    try:
        yield
    finally:
        sys.modules |= {name: module for name, module in modules.items() if sys.modules.get(name) is not module}
        for owner, names in before:
            _put_back(owner, names)


def _put_back(owner, names):
    now = {**vars(owner)}
    for name in now.keys() | names.keys():
        if name.startswith("_") and isinstance(owner, type(sys)) and owner is not builtins:
            continue  # how a module keeps its state
        if now.get(name, names) is names.get(name, now) or (name not in names and isinstance(now[name], type(sys))):
            continue  # the same, or a part of PyTorch that was imported in the meantime
        with contextlib.suppress(AttributeError, TypeError):
            if name in names:
                setattr(owner, name, names[name])
            else:
                delattr(owner, name)
