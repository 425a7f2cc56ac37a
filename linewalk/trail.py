"""What a walk leaves behind: a trail of steps, one for each time a line ran."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from .errors import Bilingual
from .source import Statement


class Described:
    """A value in a few words.

    shape, dtype, device: a tensor's own; None for anything else, and no shape for a nested tensor, which has many.
    text: "1×64×56×56" for a tensor, "64" or "None" for a plain value, the class name for a module.
    """

    def __init__(self, value):
        is_tensor = isinstance(value, torch.Tensor)
        self.shape = tuple(value.shape) if is_tensor and not value.is_nested else None
        self.dtype = value.dtype if is_tensor else None
        self.device = value.device if is_tensor else None
        self.text = _text(value)

    def __repr__(self):
        return self.text


def _text(value):
    if isinstance(value, torch.Tensor):
        if value.is_nested:
            return "nested"
        return "×".join(map(str, value.shape)) or "scalar"
    if isinstance(value, torch.nn.Module):
        return type(value).__name__
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_text, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {_text(item)}" for key, item in value.items()) + "}"
    try:
        text = repr(value)
    except Exception:  # a reader's own __repr__, perhaps of a half-built object
        return type(value).__name__
    return text if len(text) <= 60 else text[:57] + "…"


@dataclass(frozen=True)
class Change:
    """What a line did to one name.

    before, after: the value described; `before` is None for a new name.
    in_place: the line wrote into memory that was there before it.
    same_as: other names for the very same object (`identity = x` copies nothing).
    """

    name: str
    before: Described | None
    after: Described
    in_place: bool
    same_as: tuple
    _before_value: Any = field(repr=False)
    _after_value: Any = field(repr=False)


@dataclass
class Call:
    """A submodule or an operator that a line called.

    name: "conv1", "downsample.0", or the operator's name ("relu") where no submodule was called.
    type_name: "Conv2d", or "aten.relu".
    ops: the operators that ran inside, in order.
    value: a snapshot of the tensor that came out, None where it was none.
    calls: what it called in turn, innermost first.
    params: parameters used here for the first time in the walk; macs: multiply–accumulates.
    """

    name: str
    type_name: str
    is_module: bool
    ops: list = field(default_factory=list)
    value: torch.Tensor | None = field(default=None, repr=False)
    calls: list = field(default_factory=list)
    params: int = 0
    macs: int = 0


@dataclass(frozen=True)
class Registered:
    """A submodule, parameter or buffer that a line of `__init__` registered.

    name: its whole name, "layers.0" for one put into a submodule.
    shapes: parameter name to shape, {"weight": (64, 64, 1, 1)}; params: how many numbers they hold.
    """

    name: str
    type_name: str
    shapes: dict
    params: int

    @classmethod
    def of(cls, name, value):
        if isinstance(value, torch.nn.Module):
            parameters = dict(value.named_parameters())
        else:
            parameters = {name: value} if isinstance(value, torch.nn.Parameter) else {}
        shapes = {key: tuple(parameter.shape) for key, parameter in parameters.items()}
        return cls(name, type(value).__name__, shapes, sum(parameter.numel() for parameter in parameters.values()))


class Step:
    """One execution of one source line.

    source: the statement on one line, without comments; lineno: its line in the file.
    index: its place in the trail; occurrence: how many steps with the same source came before it.
    changed: name → `Change`.
    modules: submodules the line called, by name; ops: operators it ran; calls: both, innermost first.
    params: parameters the line used first (in a construction: registered); macs: its multiply–accumulates.
    in_place: whether the line wrote into memory that was there before it.
    receptive_field: input pixels (a side) that one value of the result sees, None where that is not defined.
    registered: name → `Registered`, in a construction.
    error: what went wrong, on the step that raised.
    """

    def __init__(self, trail, statement: Statement):
        self.trail = trail
        self.statement = statement
        self.source = statement.text
        self.lineno = statement.lineno
        self.index = len(trail)
        self.occurrence = next((s.occurrence + 1 for s in reversed(trail) if s.source == self.source), 0)
        self.changed: dict[str, Change] = {}
        self.calls: list[Call] = []
        self.ops: list[str] = []
        self.params = 0
        self.macs = 0
        self.receptive_field: int | None = None
        self.registered: dict[str, Registered] = {}
        self.error: Bilingual | None = None

    @property
    def modules(self):
        return tuple(call.name for call in self.calls if call.is_module)

    @property
    def in_place(self):
        return any(change.in_place for change in self.changed.values())

    @property
    def result(self):
        """The name of the tensor that this line made, changed or returned; None where there is none."""
        if self.source.startswith("def "):
            return None
        names = [*self.statement.targets, *self.changed]
        if self.source.startswith("return"):
            names += self.statement.reads[:1]
        for name in names:
            try:
                value = self.value(name)
            except KeyError:
                continue
            if isinstance(value, torch.Tensor):
                return name
        return None

    def value(self, name):
        """`name` as it was right after this line: a snapshot that later in-place writes have not touched.

        Raises:
            KeyError: no line up to this one gave `name` a value.
        """
        return self._look_up(name, self.index + 1)

    def before(self, name):
        """`name` as it was right before this line; raises like `value`."""
        return self._look_up(name, self.index)

    def _look_up(self, name, end):
        for step in reversed(self.trail[:end]):
            if name in step.changed:
                return step.changed[name]._after_value
        known = ", ".join(dict.fromkeys(key for step in self.trail[:end] for key in step.changed)) or "—"
        raise KeyError(
            str(Bilingual(
                f"到 `{self.source}` 为止没有 {name!r} 这个名字：有的是 {known}。",
                f"Up to `{self.source}` there is no name {name!r}: there are {known}.",
            ))
        )

    def __repr__(self):
        from .draw import text_card

        return text_card(self)

    def _repr_html_(self):
        from .draw import card

        return card(self)


class Trail(Sequence):
    """The steps of a walk, in the order they ran.

    `trail["out = self.conv1(x)"]` finds a step by its source, `trail["out = self.relu(out)", 2]` the third one of
    them, `trail[3]` the fourth step of all; a slice is a list.

    kind: "forward" or "init".
    module: what was walked; inputs, kwargs: snapshots of what it was given; output: what it returned, not a copy.
    weights: whose weights these are, for captions. device: where the output lies, or else the first input.
    failed: the step that raised, or None.
    """

    def __init__(self, kind, module):
        self.kind = kind
        self.module = module
        self.inputs: tuple = ()
        self.kwargs: dict = {}
        self.output: Any = None
        self.failed: Step | None = None
        self._random = torch.get_rng_state()  # for the graph, which is drawn from a run of its own
        self._steps: list[Step] = []

    @property
    def weights(self):
        name = type(self.module).__name__
        return getattr(self.module, "weights_label", Bilingual(f"{name} 现有的权重", f"{name}'s weights as they stand"))

    @property
    def device(self):
        tensors = [leaf for leaf in tree_leaves((self.output, self.inputs)) if isinstance(leaf, torch.Tensor)]
        return tensors[0].device if tensors else torch.device("cpu")

    @property
    def params(self):
        """Parameters that the walk used (in a construction: registered), each counted once."""
        return sum(step.params for step in self)

    @property
    def macs(self):
        """Multiply–accumulates of all steps."""
        return sum(step.macs for step in self)

    def __len__(self):
        return len(self._steps)

    def __getitem__(self, key):
        if isinstance(key, (int, slice)):
            return self._steps[key]
        source, occurrence = key if isinstance(key, tuple) else (key, 0)
        for step in self:
            if step.source == source and step.occurrence == occurrence:
                return step
        raise KeyError(
            str(Bilingual(
                f"没有走到 `{source}`（第 {occurrence + 1} 次）。走过的行：\n{self._listing()}",
                f"The walk did not run `{source}` (time {occurrence + 1}). The lines it ran:\n{self._listing()}",
            ))
        )

    def _listing(self):
        return "\n".join(f"  {step.source}" for step in self)

    def __repr__(self):
        return "\n".join(map(repr, self))

    def _repr_html_(self):
        from .draw import trail_table

        return trail_table(self)
