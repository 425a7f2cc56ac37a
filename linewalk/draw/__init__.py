"""Drawings of a walk: cards for a notebook, and the figures they are made of."""

from .card import card, glimpse, trail_table
from .cuboids import cuboids
from .graph import graph
from .maps import feature_maps

__all__ = ["card", "cuboids", "feature_maps", "glimpse", "graph", "trail_table"]
