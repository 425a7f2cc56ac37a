"""Operators in terms of others: see `steps`."""

from . import activations, linear_algebra, lookups, losses, ordered, places, recurrent, resizing, special, windows

__all__ = [
    "activations",
    "linear_algebra",
    "lookups",
    "losses",
    "ordered",
    "places",
    "recurrent",
    "resizing",
    "special",
    "windows",
]
