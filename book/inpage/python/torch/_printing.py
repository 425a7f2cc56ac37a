"""Tensors as PyTorch prints them (torch/_tensor_str.py): four digits, three at each edge of more than a thousand."""

import math

from . import _metadata as meta

_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_BEFORE = "tensor("
_set = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """How tensors are printed from now on."""
    if profile is not None:
        if profile not in _PROFILES:
            raise KeyError(profile)
        _set.update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _set.update({name: value for name, value in given.items() if value is not None})
    _set["sci_mode"] = sci_mode


def shown(tensor):
    is_short = tensor.numel() <= _set["threshold"]
    data = tensor.detach()
    layout = _Numbers(data if is_short else _edges(data))
    text = _BEFORE + (_nested(data, len(_BEFORE), not is_short, layout) if data.numel() else "[]")
    last = len(text) - text.rfind("\n") + 1
    for word in _said_behind(tensor):
        if last + len(word) + 2 > _set["linewidth"]:
            text += ",\n" + " " * len(_BEFORE) + word
            last = len(_BEFORE) + len(word)
        else:
            text += ", " + word
            last += len(word) + 2
    return text + ")"


def _said_behind(tensor):
    if not tensor.numel() and tensor.dim() != 1:
        yield f"size={tuple(tensor._shape)}"
    if tensor.dtype not in (meta.default_type(), meta.int64, meta.bool_) or (
        not tensor.numel() and tensor.dtype is not meta.default_type()
    ):
        yield f"dtype={tensor.dtype}"
    if tensor.grad_fn is not None:
        yield f"grad_fn=<{tensor.grad_fn.shown()}>"
    elif tensor.requires_grad:
        yield "requires_grad=True"


class _Numbers:
    """How wide the numbers are, and whether each needs its digits, or an exponent."""

    def __init__(self, tensor):
        values = tensor.reshape(-1)._values("repr") if tensor.numel() else []
        self.is_floating, self.is_whole, self.has_exponent, self.width = tensor.dtype.is_floating_point, True, False, 1
        if not self.is_floating:
            self.width = max([1, *(len(str(value)) for value in values)])
            return
        sizes = [abs(value) for value in values if math.isfinite(value) and value]
        if not sizes:
            return
        self.is_whole = all(value == math.ceil(value) for value in sizes)
        least, most = min(sizes), max(sizes)
        self.has_exponent = most / least > 1000 or most > 1e8 or (not self.is_whole and least < 1e-4)
        if _set["sci_mode"] is not None:
            self.has_exponent = _set["sci_mode"]
        self.width = max(len(self._digits(value)) for value in values if math.isfinite(value) and value)

    def _digits(self, value):
        if not self.is_floating:
            return str(value)
        if self.has_exponent:
            return f"{value:.{_set['precision']}e}"
        if self.is_whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{_set['precision']}f}"

    def __call__(self, value):
        return self._digits(value).rjust(self.width)


def _edges(tensor):
    """What is printed of a large tensor, as one without a gap."""
    from ._public import FUNCTIONS

    if not tensor.dim():
        return tensor
    for dim in range(tensor.dim()):
        size, edge = tensor._shape[dim], _set["edgeitems"]
        if size > 2 * edge:
            tensor = FUNCTIONS["cat"]([tensor.narrow(dim, 0, edge), tensor.narrow(dim, size - edge, edge)], dim)
    return tensor


def _nested(tensor, indent, is_cut, layout):
    if not tensor.dim():
        return layout(tensor.item())
    size, edge = tensor._shape[0], _set["edgeitems"]
    cut = is_cut and size > 2 * edge
    places = [*range(edge), None, *range(size - edge, size)] if cut else range(size)
    if tensor.dim() == 1:
        words = [" ..." if place is None else layout(tensor[place].item()) for place in places]
        a_line = max(1, (_set["linewidth"] - indent) // (layout.width + 2))
        lines = [", ".join(words[at : at + a_line]) for at in range(0, len(words), a_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = ["..." if place is None else _nested(tensor[place], indent + 1, is_cut, layout) for place in places]
    return "[" + ("," + "\n" * (tensor.dim() - 1) + " " * (indent + 1)).join(parts) + "]"
