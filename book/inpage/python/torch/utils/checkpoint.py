"""Checkpointing saves memory in training: what gradients need is computed again, when they need it."""

from .._grad import enable_grad, is_grad_enabled
from .._tensor import Tensor
from ..autograd import graph
from ..random import fork_rng, get_rng_state, set_rng_state


def checkpoint(function, *args, use_reentrant=None, preserve_rng_state=True, **kwargs):
    if not is_grad_enabled():
        return function(*args, **kwargs)
    state, places, again = get_rng_state(), [], []

    def forget(tensor):
        places.append(None)
        return len(places) - 1

    def keep(tensor):
        again.append(tensor)
        return tensor

    def compute_again(place):
        if not again:
            with fork_rng(), enable_grad(), graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                set_rng_state(state)
                function(*map(_apart, args), **kwargs)
        return again[place]

    with graph.saved_tensors_hooks(forget, compute_again):
        return function(*args, **kwargs)


def _apart(arg):
    return arg.detach().requires_grad_(arg.requires_grad) if isinstance(arg, Tensor) else arg


def checkpoint_sequential(functions, segments, input, use_reentrant=None):
    for function in functions:
        input = function(input)
    return input
