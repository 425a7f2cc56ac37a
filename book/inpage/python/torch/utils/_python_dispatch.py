"""Modes: each sees every operator that runs while it is entered, the innermost first."""

from .._dispatch import modes


class TorchDispatchMode:
    supports_higher_order_operators = False

    def __init__(self, _dispatch_key=None):
        pass

    def __enter__(self):
        modes.append(self)
        return self

    def __exit__(self, *exception):
        modes.pop()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError


def _push_mode(mode):
    modes.append(mode)


def _pop_mode():
    return modes.pop()
