"""Borders as modules."""

from .. import functional as F
from .module import Module
from .utils import _ntuple

__all__ = [
    f"{kind}Pad{count}d"
    for kind in ("Constant", "Reflection", "Replication", "Zero", "Circular")
    for count in (1, 2, 3)
]


class _Pad(Module):
    _mode, _count = "constant", 2

    def __init__(self, padding):
        super().__init__()
        self.padding = _ntuple(2 * self._count)(padding)

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


_KINDS = {
    "Constant": (_ConstantPad, "constant"),
    "Zero": (_ZeroPad, "constant"),
    "Reflection": (_Pad, "reflect"),
    "Replication": (_Pad, "replicate"),
    "Circular": (_Pad, "circular"),
}
for _kind, (_base, _mode) in _KINDS.items():
    for _count in (1, 2, 3):
        _name = f"{_kind}Pad{_count}d"
        globals()[_name] = type(_name, (_base,), {"_mode": _mode, "_count": _count, "__module__": __name__})
