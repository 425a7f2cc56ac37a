"""What the calls of torch_calls.py give besides shapes, with whatever `torch` is imported.

Numbers, and the gradients of all that is random in them and of the weights of their layers.
"""

import contextlib
import functools
import warnings

import torch
import torch_calls
from torch import nn

LACKING = ("NoValues", "NotInThisPage")


def numbers(call):
    """The numbers of a call's result, nested as it is; ["error", its type and words] where there are none."""
    return _tried(lambda: _listed(_given(call, torch_calls.r)))


def gradients(call):
    """How a sum over the results' numbers, each with a weight of its own, changes with what it was computed from."""

    def ask():
        leaves, layers = [], []

        def random(*shape):
            leaves.append(torch.rand(*shape).requires_grad_())
            return leaves[-1].clone()

        with _called(layers):
            found = [one for one in _tensors(_given(call, random)) if one.requires_grad]
        if not found:
            return "needs none"
        weighted = [(one * torch.linspace(-1, 2, max(one.numel(), 1)).view(one.shape)).sum() for one in found]
        sum(weighted).backward()
        leaves += [weight for layer in layers for weight in layer.parameters(recurse=False)]
        return [None if leaf.grad is None else leaf.grad.tolist() for leaf in leaves]

    return _tried(ask)


UNSET = {"torch.empty(size=(2, 3))"}  # what was in the memory before
CALLS = [call for call in (*torch_calls.RIGHT, *torch_calls.WITH_NUMBERS) if call not in UNSET]


def inventory(calls=CALLS):
    return {call: [numbers(call), gradients(call)] for call in calls}


def _given(call, random):
    torch.manual_seed(0)
    return eval(call, vars(torch_calls) | {"r": random, "last": functools.partial(_last, random)})


def _last(random, *shape):
    return random(*shape).to(memory_format=torch.channels_last)


def _tried(ask):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ask()
    except Exception as error:
        return ["error", type(error).__name__, str(error)]


def _listed(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return [_listed(one) for one in value] if isinstance(value, (list, tuple)) else str(value)


def _tensors(value):
    if isinstance(value, (list, tuple)):
        return [one for part in value for one in _tensors(part)]
    return [value] if isinstance(value, torch.Tensor) else []


@contextlib.contextmanager
def _called(layers):
    """Within it, each layer that is called joins `layers`, in order."""
    call = nn.Module.__call__

    def recorded(self, *args, **kwargs):
        if not any(self is layer for layer in layers):
            layers.append(self)
        return call(self, *args, **kwargs)

    nn.Module.__call__ = recorded
    try:
        yield
    finally:
        nn.Module.__call__ = call
