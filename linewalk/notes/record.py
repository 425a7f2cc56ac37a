"""What the watched expressions of one run were: shapes, plain values, shared memory, what was computed."""

import itertools
import sys
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from ..recording.macs import counter
from .names import is_torchs, public_name

_PLAIN = (int, float, bool, str, type(None), torch.dtype, torch.device, slice, type(Ellipsis))
_MOST_ITEMS = 64
_KEPT = 2  # runs of an expression kept whole; the last one is kept besides

@dataclass
class Seen:
    """A value, described without being kept.

    kind: "tensor", "module", "callable", "plain", "many" (list or tuple), "dict" or "other".
    text: as in `Described`: "1×64×56×56", "64", "Conv2d"; for what a program cannot be told by, its type's name.
    shape, dtype, device, identity: a tensor's; two with one identity were the same object.
    value: a plain value, a module, or a callable without its tensor; items: what a list or tuple held, or the tensor
        whose method it is.
    name: what a callable or a module is called in public, "nn.Conv2d".
    """

    kind: str
    text: str
    shape: tuple | None = None
    dtype: Any = None
    device: Any = None
    identity: int | None = None
    value: Any = None
    name: str | None = None
    items: tuple = ()
    contiguous: bool = True
    requires_grad: bool = False
    of_torch: bool = False


@dataclass
class Event:
    """One time that an expression was computed.

    result: what it gave; inputs: what the expressions right below it gave, by their site's number.
    same_as, shares, wrote: numbers of the inputs that the result is, shares memory with, or that were written to.
    macs: multiply–accumulates, None where some are not counted; ops: the operators that ran; bytes: the result's.
    order: its place among all events of the run.
    """

    result: Seen
    inputs: dict = field(default_factory=dict)
    same_as: tuple = ()
    shares: tuple = ()
    wrote: tuple = ()
    macs: int | None = 0
    ops: tuple = ()
    bytes: int = 0
    order: int = 0


@dataclass
class Expression:
    """All the times that one expression was computed: how often, the first ones and the last."""

    times: int = 0
    kept: list = field(default_factory=list)
    last: Event | None = None
    texts: dict = field(default_factory=dict)  # what it gave, in order, each once

    @property
    def first(self):
        return self.kept[0]


class Recorder:
    """Called with each watched value; give it to `Watched`, and run.

    Args:
        sites: number → `Site`.
        root: the module (or the class under construction) whose own run is wanted; another of its class is passed over.
    """

    def __init__(self, sites, root):
        self.expressions = {}
        self.failed_at = None
        self.codes = {}
        self._sites = sites
        self._root = root
        self._pending = {}
        self._identities = WeakIdKeyDictionary()
        self._fresh, self._order = itertools.count(), itertools.count()
        self._counter = _Counter(self.line)
        self._counted = 0
        self._frame = (None, False)

    def __call__(self, number, value, frame):
        if self._concerns_us(frame):
            with torch._C.DisableTorchFunction():  # nobody's mode or subclass sees that it is looked at
                try:
                    self._record(number, value)
                except Exception:  # a value that cannot even be looked at is no reason to end the run
                    self._pending.pop(number, None)

    def counting(self):
        return self._counter

    @property
    def squashed(self):
        return list(dict.fromkeys(self._counter.squashed))

    def line(self):
        """The line that is running, of a function that is watched, and the loss that is being computed there."""
        frame, losses = sys._getframe(1), []
        while frame is not None and frame.f_code not in self.codes:
            if frame.f_code in _LOSSES:
                losses.append(_LOSSES[frame.f_code])
            frame = frame.f_back
        return (frame.f_lineno if frame is not None else None), losses

    def end(self):
        """Note where a run that raised was: the expression whose parts are known and whose value is not."""
        open_sites = [self._sites[number].parent for number in self._pending if self._sites[number].parent]
        self.failed_at = open_sites[-1] if open_sites else None
        self._pending.clear()
        self._frame = (None, False)

    def _concerns_us(self, frame):
        if frame is self._frame[0]:
            return self._frame[1]
        owner = frame
        while owner is not None and owner.f_code not in self.codes:
            owner = owner.f_back
        concerns = owner is not None and self._is_root(owner)
        self._frame = (frame, concerns)
        return concerns

    def _is_root(self, frame):
        code = frame.f_code
        if not code.co_argcount or code.co_varnames[0] != "self":
            return True
        owner = frame.f_locals.get("self")
        if self._root is None:
            self._root = owner
        return owner is self._root

    def _record(self, number, value):
        site = self._sites[number]
        seen = self.look_at(value)
        event = Event(seen, bytes=_bytes(value), order=next(self._order))
        inputs = {
            child.index: self._pending.pop(child.index) for child in site.children if child.index in self._pending
        }
        event.inputs = {child: known for child, (_, known, _) in inputs.items()}
        if seen.kind in ("tensor", "many"):
            self._relate(event, value, inputs)
        event.ops, event.macs = self._counter.take()
        if site.parent is not None:
            self._pending[number] = (value, seen, _version(value))
        expression = self.expressions.setdefault(number, Expression())
        expression.times += 1
        if len(expression.kept) < _KEPT:
            expression.kept.append(event)
        expression.last = event
        if len(expression.texts) < _MOST_ITEMS:
            expression.texts.setdefault(seen.text)

    def _relate(self, event, value, inputs):
        tensors = [(child, tensor, version) for child, (given, _, version) in inputs.items() for tensor in _flat(given)]
        event.same_as = tuple(child for child, tensor, _ in tensors if tensor is value)
        memory = {_memory(tensor) for tensor in _flat(value)} - {None}
        event.shares = tuple(dict.fromkeys(child for child, tensor, _ in tensors if _memory(tensor) in memory))
        event.wrote = tuple(
            child
            for child, tensor, version in tensors
            if version is not None and tensor is _held(inputs[child][0]) and _version(tensor) != version
        )

    def look_at(self, value):
        if isinstance(value, torch.Tensor):
            if value.is_nested or value.layout is not torch.strided:
                return Seen("tensor", "nested" if value.is_nested else "sparse", dtype=value.dtype, device=value.device)
            shape = tuple(value.shape)
            return Seen(
                "tensor",
                shape_text(shape),
                shape,
                value.dtype,
                value.device,
                self._identity(value),
                contiguous=value.is_contiguous(),
                requires_grad=value.requires_grad,
            )
        if isinstance(value, nn.Module):
            return Seen(
                "module", type(value).__name__, value=value, name=public_name(value), of_torch=is_torchs(type(value))
            )
        if isinstance(value, _PLAIN):
            text = _text(value)
            return Seen("plain", text if len(text) <= 60 else text[:57] + "…", value=value)
        if isinstance(value, (list, tuple)):
            items = tuple(self.look_at(item) for item in value[:_MOST_ITEMS])
            plain = isinstance(value, torch.Size) or all(item.kind == "plain" for item in items)
            return Seen(
                "many",
                _joined(value, items),
                items=items,
                value=tuple(value) if plain and len(value) <= _MOST_ITEMS else None,
            )
        if isinstance(value, dict):
            return Seen("dict", self._text_of(value))
        if callable(value):
            bound = getattr(value, "__self__", None)
            kept = None if isinstance(bound, torch.Tensor) else value
            receiver = (self.look_at(bound),) if isinstance(bound, torch.Tensor) else ()
            return Seen(
                "callable",
                getattr(value, "__name__", type(value).__name__),
                value=kept,
                name=public_name(value),
                items=receiver,
                of_torch=is_torchs(value),
            )
        return Seen("other", type(value).__name__)

    def _text_of(self, dictionary):
        shown = [f"{_text(key)}: {self.look_at(item).text}" for key, item in itertools.islice(dictionary.items(), 6)]
        return "{" + ", ".join(shown + ["…"] * (len(dictionary) > 6)) + "}"

    def _identity(self, tensor):
        if tensor not in self._identities:
            self._identities[tensor] = next(self._fresh)
        return self._identities[tensor]


class _Counter(TorchDispatchMode):
    """Multiply–accumulates and operators since they were last asked for."""

    supports_higher_order_operators = True

    @classmethod
    def ignore_compile_internals(cls):
        return True  # what torch.compile has compiled runs compiled

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # as in a plain call, so that its result has its gradients

    def __init__(self, line):
        super().__init__()
        self._line = line
        self._ops = []
        self._macs = 0
        self._counters = {}
        self._probabilities = {}
        self.squashed = []

    def take(self):
        """The operators' names and their multiply–accumulates; None in place of a number that is not known."""
        ops, macs = tuple(self._ops), self._macs
        self._ops, self._macs = [], 0
        return ops, macs

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        output = func(*args, **(kwargs or {}))
        packet = getattr(func, "overloadpacket", None)
        name = str(packet or func)
        self._ops.append(name)
        if name in _SQUASHING or name in _SQUASHED:
            self._follow(name, args[0], output)
        count = self._count(func, packet)
        found = count(args, kwargs or {}, output) if count else 0
        self._macs = None if found is None or self._macs is None else self._macs + found
        return output

    def _follow(self, name, given, output):
        """Probabilities that go straight into what wants none: (the loss, the lines of the one and of the other)."""
        line, losses = self._line()
        made = self._probabilities.get(_memory(given))
        if made is not None and made[1:3] == (_version(given), _SQUASHED.get(name)) and None not in (line, made[3]):
            self.squashed += [(loss, made[3], line) for loss in losses[-1:]]
        if name in _SQUASHING:
            self._probabilities[_memory(output)] = output, _version(output), name, line
            for key in list(self._probabilities)[:-_FOLLOWED]:
                del self._probabilities[key]

    def _count(self, func, packet):
        """What counts an operator's multiply–accumulates: None where it does none."""
        if func not in self._counters:
            self._counters[func] = counter(packet, func.namespace) if packet is not None else lambda *_: None
        return self._counters[func]


# Operators that make probabilities; those of losses that want others, and which; the losses.
_SQUASHING = ("aten._softmax", "aten.sigmoid")
_SQUASHED = {
    "aten._log_softmax": "aten._softmax", "aten.nll_loss_forward": "aten._softmax",
    "aten.nll_loss2d_forward": "aten._softmax", "aten.binary_cross_entropy_with_logits": "aten.sigmoid",
}
_LOSSES = {
    getattr(F, name).__code__: name
    for name in ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits")
    if hasattr(getattr(F, name, None), "__code__")
}
_FOLLOWED = 4  # probabilities at a time


def _text(value):
    if isinstance(value, float):
        value = float(value)  # NumPy's own say their type besides
    try:
        return repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return type(value).__name__


def shape_text(shape):
    """`2×3`, `(3,)` for one axis, lest it look like a number, `scalar` for none."""
    return "×".join(map(str, shape)) if len(shape) > 1 else f"({shape[0]},)" if shape else "scalar"


def _joined(value, items):
    if isinstance(value, torch.Size):
        return shape_text(value)
    inside = ", ".join(item.text for item in items[:8]) + (", …" if len(items) > 8 else "")
    return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(items) == 1 else ''})"


def _flat(value):
    value = _held(value)
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [item for item in value[:_MOST_ITEMS] if isinstance(item, torch.Tensor)]
    return []


def _held(value):
    """The tensor that a method is bound to; anything else is itself."""
    bound = getattr(value, "__self__", None) if callable(value) else None
    return bound if isinstance(bound, torch.Tensor) else value


def _version(value):
    value = _held(value)
    if not isinstance(value, torch.Tensor) or value.is_inference():
        return None
    return value._version


def _memory(tensor):
    try:
        return tensor.untyped_storage()._cdata
    except (RuntimeError, NotImplementedError):
        return None


def _bytes(value):
    return sum(t.numel() * t.element_size() for t in _flat(value) if t.layout is torch.strided and not t.is_nested)
