"""Two modules side by side: `compare` says which of their lines differ, and from which step on the results do."""

import copy

import torch
import torch.nn as nn
from torch.utils._pytree import tree_map_only

from ..errors import WalkError
from ..walking import walk
from .comparison import Comparison
from .lines import differing_lines
from .steps import paired_steps

_WEIGHTS = ("own", "a")


def compare(a, b, x, weights="own"):
    """Run two modules on one input and say where they differ: in which lines, and in the results of which steps.

    Both are copied first and stay as they are, running statistics included; random numbers, a dropout's say, are the
    same for both.

    Args:
        a, b: two `nn.Module`s, each with a `forward` written in Python.
        x: what to call both with: an input, or a tuple of all inputs.
        weights: "own" leaves each its own weights; "a" gives b's copy those of a whose names and shapes fit.

    Returns:
        Comparison: draws itself in a notebook, prints itself in a terminal, and holds what it says as attributes. A
            forward that fails is compared up to its failure.

    Raises:
        WalkError: one of them is no module, or cannot be copied or walked; or there is no such choice of weights.
    """
    for name, module in (("a", a), ("b", b)):
        _demand_module(name, module)
    if weights not in _WEIGHTS:
        raise WalkError(
            f'weights 要写 "own"（各用各的）或 "a"（b 用 a 的），拿到的是 {weights!r}。',
            f'weights must be "own" (each its own) or "a" (b takes those of a), not {weights!r}.',
        )
    a, b = _copied("a", a), _copied("b", b)
    taken = _give(a, b) if weights == "a" else None
    same_weights = _same_state(a, b)
    inputs = x if isinstance(x, tuple) else (x,)
    trails = [_walked(module, inputs) for module in (a, b)]
    pairs = paired_steps(*trails)
    return Comparison(*trails, differing_lines(a, b, pairs), pairs, taken, same_weights)


def _demand_module(name, module):
    if isinstance(module, type) and issubclass(module, nn.Module):
        raise WalkError(
            f"compare 要的是两个建好的模块，而 {name} 是类 {module.__name__}：先写 {name} = {module.__name__}(…)。",
            f"compare wants two modules, but {name} is the class {module.__name__}: first {name} = "
            f"{module.__name__}(…).",
        )
    if not isinstance(module, nn.Module):
        raise WalkError(
            f"compare 要的是两个 nn.Module 和一个输入，而 {name} 是 {type(module).__name__}："
            "写成 compare(模块一, 模块二, 输入)。",
            f"compare wants two nn.Modules and an input, but {name} is of type {type(module).__name__}: write "
            "compare(one_module, another_module, input).",
        )


def _copied(name, module):
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise WalkError(
            f"{name}（{type(module).__name__}）不能用 copy.deepcopy 复制，而 compare 只在副本上运行：{error}",
            f"{name} ({type(module).__name__}) cannot be copied by copy.deepcopy, and compare runs only copies: "
            f"{error}",
        ) from error


def _give(a, b):
    """Loads into b what fits of a's state dict; the names that did."""
    given, own = a.state_dict(), b.state_dict()
    fits = {name: given[name] for name in own if name in given and _fits(given[name], own[name])}
    b.load_state_dict(fits, strict=False)
    return tuple(fits)


def _fits(one, other):
    both = (one, other)
    known = all(isinstance(value, torch.Tensor) and not nn.parameter.is_lazy(value) for value in both)
    return known and one.shape == other.shape


def _same_state(a, b):
    one, other = a.state_dict(), b.state_dict()
    return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)


def _equal(one, other):
    if not _fits(one, other):
        return False
    return one.is_meta or other.is_meta or torch.equal(one.cpu(), other.cpu())  # on meta there are no values


def _walked(module, inputs):
    """The trail of a walk on copies of the inputs, up to its failure if it fails; random numbers are put back."""
    copies = tree_map_only(torch.Tensor, torch.clone, inputs)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            return walk(module, *copies)
    except Exception as error:
        trail = getattr(error, "trail", None)
        if trail is None or trail.failed is None:
            raise
        return trail


__all__ = ["Comparison", "compare"]
