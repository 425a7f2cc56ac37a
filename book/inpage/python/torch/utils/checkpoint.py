"""Checkpointing saves memory in training; what it computes is the same."""


def checkpoint(function, *args, use_reentrant=None, preserve_rng_state=True, **kwargs):
    return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None):
    for function in functions:
        input = function(input)
    return input
