"""Drawings of a walk: cards for a notebook, text for a terminal, and the figures they are made of."""

from .card import card, text_card, trail_table
from .cuboids import cuboids
from .graph import graph
from .maps import feature_maps

__all__ = ["card", "cuboids", "feature_maps", "graph", "text_card", "trail_table"]
