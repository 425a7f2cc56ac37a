"""Which steps of two walks belong together, and how far apart what they made is."""

from dataclasses import dataclass

import torch

from ..trail import Described, Step
from .aligning import aligned, moved, text_likeness
from .lines import spelling

_ALIKE, _ALIKE_BUT_FOR_WHAT_IT_DOES = 0.6, 0.8
# Of the largest value: what the order of additions alone may change. Other types are exact.
_ROUNDING = {torch.float64: 1e-11, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 3e-2}


@dataclass(frozen=True)
class Pair:
    """Two steps that belong together, one of each walk.

    shapes: those of the tensors that each made, ((1, 64, 56, 56),) of a and of b.
    shapes_differ: whether these are others.
    apart: the largest difference of two values at the same place; None where there are none to compare: no tensor,
        other shapes, or a tensor without values.
    largest: the largest of a's values, without its sign.
    values_differ: whether they are apart by more than rounding.
    moved: whether the step ran at another place.
    """

    a: Step
    b: Step
    shapes: tuple
    apart: float | None
    largest: float
    values_differ: bool
    moved: bool = False

    @property
    def shapes_differ(self):
        return self.shapes[0] != self.shapes[1]

    def __repr__(self):
        apart = "" if self.apart is None else f"apart {self.apart:.3g}"
        said = f"shapes {self.shapes[0]} and {self.shapes[1]}" if self.shapes_differ else apart
        return f"Pair({self.a.index} `{self.a.source}`, {self.b.index} `{self.b.source}`: {said})"


def paired_steps(a, b):
    """The `Pair`s of two trails, in the order in which a's steps ran."""
    lined_up = aligned(list(a), list(b), _key, _likeness)
    pairs = [_pair(*both) for both in lined_up if None not in both and not any(step.error for step in both)]
    pairs += [_pair(*both, moved=True) for both in moved(lined_up, _key)]
    return sorted(pairs, key=lambda pair: pair.a.index)


def apart(a, b):
    """(largest difference, largest value of a, whether that is more than rounding) of two lists of tensors.

    No difference, None, where there is nothing to compare.
    """
    measured = [found for one, other in zip(a, b, strict=False) if (found := _measured(one, other)) is not None]
    if not measured:
        return None, 0.0, False
    differences, sizes, differ = zip(*measured, strict=True)
    return max(differences), max(sizes), any(differ)


def tensors_in(value):
    """The tensors in nested tuples, lists and dicts, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for item in value for found in tensors_in(item)] if isinstance(value, (list, tuple)) else []


def _key(step):
    return spelling(step.source), step.caller is None


def _likeness(a, b):
    alike = text_likeness(a.source, b.source)
    if a.ops or b.ops:
        if _does(a) == _does(b):
            return 0.5 + alike
        return alike if alike >= _ALIKE_BUT_FOR_WHAT_IT_DOES else 0
    return alike if alike >= _ALIKE else 0


def _does(step):
    """The operator that made a line's result, in place or not: of `F.relu(self.bn1(self.conv1(x)))` the relu."""
    return step.ops[-1].rstrip("_") if step.ops else ""


def _pair(a, b, moved=False):
    made = _made(a), _made(b)
    shapes = tuple(tuple(Described(tensor).shape for tensor in tensors) for tensors in made)
    measured = apart(*made) if shapes[0] == shapes[1] else (None, 0.0, False)
    return Pair(a, b, shapes, *measured, moved)


def _made(step):
    """The tensors that a line gave to names, changed, or returned."""
    if step.source.startswith("def "):
        return []
    if step.source.startswith("return") and "return" in step.changed:
        return tensors_in(step.changed["return"].value)
    names = [name for name in step.statement.targets if name in step.changed]
    if not names and step.result:
        names = [step.result]
    return [tensor for name in names for tensor in tensors_in(step.value(name))]


def _measured(a, b):
    if any(one.is_meta or one.is_nested or one.layout is not torch.strided or one.is_quantized for one in (a, b)):
        return None
    if not a.numel():
        return 0.0, 0.0, False
    a, b = a.detach().cpu(), b.detach().cpu()
    largest = _sizes(a).max().item()
    if a.dtype == b.dtype and torch.equal(a, b):
        return 0.0, largest, False
    one, other = _wide(a), _wide(b)
    same = (one == other) | (one.isnan() & other.isnan())
    difference = torch.where(same, 0, (one - other).abs()).nan_to_num(nan=torch.inf, posinf=torch.inf).max().item()
    rounding = max(_ROUNDING.get(tensor.dtype, 0.0) for tensor in (a, b))
    return difference, largest, difference > rounding * largest


def _sizes(tensor):
    """The values without their signs, and without those that are no numbers."""
    return (tensor if tensor.is_floating_point() else _wide(tensor)).abs().nan_to_num(nan=0.0, posinf=0.0)


def _wide(tensor):
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
