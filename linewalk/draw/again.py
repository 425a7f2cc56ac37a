"""Which walks anybody can do again from what the library ships: its photograph and its weights.

A page computes the maps of such a walk by itself, without Python. A walk is known by its numbers, not by its name: with
other weights, another picture or a line changed, it is none of these.
"""

from functools import cache
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F

from ..blocks import ASPPTail, Stem, explicit, resnet
from ..features import stem_and_block
from ..images import load_image
from .maps import drawable

_SEED = 0  # of the tail's weights, which are PyTorch's initial ones
_known = WeakKeyDictionary()  # trail → what it repeats


def again(trail):
    """What a forward trail repeats, a string, or "".

    "stem": the photograph goes through the stem; "block before" and "block after": what comes out of it, through the
    block whose forward asks for the shortcut before or after its convolutions; "tail": what comes out of that, averaged
    over windows of four sizes and over everything, through `ASPPTail` as `torch.manual_seed(0)` makes it, in training.
    """
    if trail not in _known:
        _known[trail] = _recognized(trail)
    return _known[trail]


def _recognized(trail):
    kinds = {Stem: "stem", explicit.Bottleneck: "block before", resnet.Bottleneck: "block after", ASPPTail: "tail"}
    kind = kinds.get(type(trail.module))
    if kind is None or trail.failed or trail.kwargs:
        return ""
    subject = kind.split()[0]
    inputs = _inputs(subject)
    same = len(trail.inputs) == len(inputs) and all(map(_close, trail.inputs, inputs))
    return kind if same and _close(trail.output, _output(subject)) else ""


def _close(one, other):
    is_alike = isinstance(one, torch.Tensor) and one.shape == other.shape and one.dtype == other.dtype
    return is_alike and drawable(one) and torch.allclose(one.detach().cpu(), other, atol=1e-4)


@cache
def _inputs(subject):
    """What goes into the walk."""
    with torch.no_grad():
        if subject == "stem":
            return [load_image()]
        if subject == "block":
            return [_output("stem")]
        features = _output("block")
        branches = [F.avg_pool2d(features, side, stride=1, padding=side // 2) for side in (1, 3, 7, 13)]
        return [*branches, features.mean((2, 3), keepdim=True).expand_as(features)]


@cache
def _output(subject):
    """What comes out of it."""
    with torch.no_grad():
        if subject == "tail":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(_SEED)
                return ASPPTail().train()(*_inputs("tail"))
        return dict(zip(("stem", "block"), stem_and_block(), strict=True))[subject](*_inputs(subject))
