"""The operators: for each, what shape, type and memory come out, and what it refuses."""

from . import (
    attention,
    backwards,
    creating,
    indexing,
    joining,
    losses,
    norms,
    pointwise,
    products,
    reductions,
    views,
    windows,
    written,
)

__all__ = [
    "attention",
    "backwards",
    "creating",
    "indexing",
    "joining",
    "losses",
    "norms",
    "pointwise",
    "products",
    "reductions",
    "views",
    "windows",
    "written",
]
