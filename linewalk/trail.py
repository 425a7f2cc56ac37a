"""What a walk leaves behind: a trail of steps, one for each time a line ran."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .errors import Bilingual
from .recording.values import KeptItems, KeptObject, contents, outline, resolved
from .source import Statement

_FIRST = 6  # items of a container that describe it
_DEEPEST = 4  # containers within containers that do so


class Described:
    """A value in a few words.

    shape, dtype, device: a tensor's own; None for anything else, and no shape for a nested tensor, which has many.
    text: "1×64×56×56" for a tensor, "64" or "None" for a plain value, the class name for a module, the first items of
        a container.
    """

    def __init__(self, value):
        """`value` may also be as a recorder keeps it."""
        tensor = None if isinstance(value, KeptItems) else outline(value)
        is_tensor = isinstance(tensor, torch.Tensor)
        self.shape = tuple(tensor.shape) if is_tensor and not tensor.is_nested else None
        self.dtype = tensor.dtype if is_tensor else None
        self.device = tensor.device if is_tensor else None
        self.text = _text(value)

    def __repr__(self):
        return self.text


def _text(value, around=()):
    if isinstance(value, KeptObject):
        return _short(value.text)
    if isinstance(value, KeptItems) and value.like is not None:
        if len(around) == _DEEPEST:
            return "…"
        return _container_text(value.like, value.first(_FIRST), value.count, (*around, value))
    value = outline(value)
    if isinstance(value, torch.Tensor):
        if value.is_nested:
            return "nested"
        return "×".join(map(str, value.shape)) or "scalar"
    if isinstance(value, torch.nn.Module):
        return type(value).__name__
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (list, tuple, dict)):
        if len(around) == _DEEPEST or any(value is outer for outer in around):
            return "…"
        like = dict if isinstance(value, dict) else list if isinstance(value, list) else tuple
        items = contents(value)
        return _container_text(like, items[:_FIRST], len(items), (*around, value))
    if callable(value) and getattr(value, "__name__", None):
        return value.__name__
    try:
        return _short(repr(value))
    except Exception:  # a reader's own __repr__, perhaps of a half-built object
        return type(value).__name__


def _container_text(like, items, count, around):
    more = [f"… ({count:,})"] if count > len(items) else []
    if like is dict:
        pairs = [f"{_text(key, around)}: {_text(item, around)}" for key, item in items]
        return "{" + ", ".join(pairs + more) + "}"
    inside = ", ".join([_text(item, around) for item in items] + more)
    return f"[{inside}]" if like is list else f"({inside})"


def _short(text):
    text = re.sub(r" at 0x[0-9a-f]+", "", text)  # an address, another one in each run
    return text if len(text) <= 60 else text[:57] + "…"


class Change:
    """What a line did to one name: a local one, `self.count` of the module's own, or `return`.

    before, after: the value described; `before` is None for a new name.
    in_place: the line wrote into memory that was there before it.
    same_as: other names for the very same object (`identity = x` copies nothing).
    places: which of a tensor's axes are places of a picture or a signal, (2, 3) of (N, C, H, W); None where that is
        not known.
    """

    def __init__(self, name, earlier, kept, in_place, same_as, field=None, places=None):
        """As a recorder writes it down: `earlier` is the name's last change, `kept` its value now."""
        self.name = name
        self.in_place = in_place
        self.same_as = same_as
        self.places = places
        self._earlier, self._kept, self._field = earlier, kept, field

    @property
    def before(self):
        return self._earlier and self._earlier.after

    @property
    def after(self):
        return Described(self._kept)

    @property
    def value(self):
        """The value itself, as `Step.value` gives it."""
        return resolved(self._kept)

    def __repr__(self):
        return f"Change({self.name}: {self.before} → {self.after})"


class _Doing:
    """What a line or a call does, in order: names of operators, and calls."""

    _params, _macs, _uncounted = 0, 0, ()

    @property
    def ops(self):
        """The operators that ran, by name, in order."""
        return [op for done in self._done for op in ([done] if isinstance(done, str) else done.ops)]

    @property
    def params(self):
        """Parameters that were used here for the first time in the walk."""
        return self._params + sum(call.params for call in self._calls())

    @property
    def macs(self):
        """Multiply–accumulates; None where there are some whose number is not known."""
        counts = [call.macs for call in self._calls()]
        return None if self._uncounted or None in counts else self._macs + sum(counts)

    @property
    def uncounted(self):
        """The operators whose multiply–accumulates are not known, by name."""
        return (*self._uncounted, *(name for call in self._calls() for name in call.uncounted))

    def _calls(self):
        return [done for done in self._done if not isinstance(done, str)]


class Call(_Doing):
    """A submodule or an operator that a line called.

    name: "conv1", "downsample.0", or the operator's name ("relu") where no submodule was called.
    type_name: "Conv2d", or "aten.relu".
    calls: what it called in turn, innermost first: submodules, and a module's own operators beside them.
    places: which axes of the value are places, as in `Change`.
    """

    _kept = None
    places = None

    def __init__(self, name, type_name, is_module):
        self.name, self.type_name, self.is_module = name, type_name, is_module
        self._done = []

    @property
    def calls(self):
        return self._calls()

    @property
    def value(self):
        """A snapshot of the tensor that came out; None where it was none, or the call lies too deep to be kept."""
        value = self.output
        return value if isinstance(value, torch.Tensor) else None

    @property
    def output(self):
        """A snapshot of whatever came out: a tensor, a tuple, a dict; None where the call lies too deep to be kept."""
        return resolved(self._kept)

    def __repr__(self):
        return f"Call({self.name}, {self.type_name})"


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
        shapes = {key: _shape(parameter) for key, parameter in parameters.items()}
        return cls(name, type(value).__name__, shapes, sum(map(count_of, parameters.values())))


def _shape(parameter):
    return None if torch.nn.parameter.is_lazy(parameter) else tuple(parameter.shape)


def count_of(parameter):
    """How many numbers a parameter holds; 0 for a lazy layer's, which has no shape before its first input."""
    return 0 if torch.nn.parameter.is_lazy(parameter) else parameter.numel()


class Step(_Doing):
    """One execution of one source line.

    source: the statement on one line, without comments; lineno: its line in the file.
    index: its place in the trail; occurrence: how many steps with the same source came before it.
    caller: the step whose line called the helper method that this line belongs to; None in forward itself.
    changed: name → `Change`; of the module's own values too, as "self.count".
    modules: submodules the line called, by name; ops: operators it ran; calls: both, innermost first.
    params: parameters the line used first (in a construction: registered).
    macs: its multiply–accumulates, None where some are not known; uncounted: the operators that those are of.
    in_place: whether the line wrote into memory that was there before it.
    receptive_field: input pixels that one value of the result sees: a side, or a tuple with one for each axis where
        they differ; None where that is not defined. receptive_sides: the same, always a tuple.
    registered: name → `Registered`, in a construction.
    error: what went wrong, on the step that raised.
    """

    error: Bilingual | None = None

    def __init__(self, trail, statement: Statement, index, scope=0):
        self.trail, self.statement, self.index = trail, statement, index
        self._scope = scope  # which call of which function it belongs to: names are that function's own
        self._changes = {}
        self._done = []

    @property
    def source(self):
        return self.statement.text

    @property
    def lineno(self):
        return self.statement.lineno

    @property
    def occurrence(self):
        return self.trail._occurrence(self)

    @property
    def caller(self):
        return self.trail._journal.scopes[self._scope] if self.trail._journal else None

    @property
    def changed(self):
        return self._changes

    @property
    def registered(self):
        return vars(self).setdefault("_registered", {})

    @property
    def calls(self):
        return self._calls()

    @property
    def modules(self):
        return tuple(call.name for call in self.calls if call.is_module)

    @property
    def in_place(self):
        return any(change.in_place for change in self.changed.values())

    @property
    def receptive_sides(self):
        name = self.result
        change = name and self._last_change(name, self.index + 1)
        return change._field if change else None

    @property
    def receptive_field(self):
        sides = self.receptive_sides
        return sides[0] if sides and len(set(sides)) == 1 else sides

    @property
    def result(self):
        """The name of the tensor that this line made, changed or returned; None where there is none."""
        if self.source.startswith("def "):
            return None
        read = [name for name in self.statement.reads if name in self.changed]  # `part.mul_(2)` may change others, too
        names = [*self.statement.targets, *read, *self.changed]
        if self.source.startswith("return") and "return" not in self.changed:
            names += self.statement.reads[:1]
        for name in names:
            change = self._last_change(name, self.index + 1)
            if change is not None and isinstance(outline(change._kept), torch.Tensor):
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
        change = self._changes.get(name)
        if change is not None and change._earlier is not None:
            return change._earlier.value
        return self._look_up(name, self.index)

    def _look_up(self, name, end):
        change = self._last_change(name, end)
        if change is not None:
            return change.value
        steps = [step for step in self.trail[:end] if step._scope == self._scope]
        known = ", ".join(dict.fromkeys(key for step in steps for key in step.changed)) or "—"
        raise KeyError(
            str(Bilingual(
                f"到 `{self.source}` 为止没有 {name!r} 这个名字：有的是 {known}。",
                f"Up to `{self.source}` there is no name {name!r}: there are {known}.",
            ))
        )

    def _last_change(self, name, end):
        for step in reversed(self.trail._steps[:end]):
            if step._scope == self._scope and name in step._changes:
                return step._changes[name]
        return None

    def __repr__(self):
        """One line for a terminal; a step that raised adds its sentences below."""
        cells = [f"{self.index:>3}  {self.source:<44}"]
        if self.source.startswith("return") and self.result:
            cells.append(f"{self.result}: {self._last_change(self.result, self.index + 1).after.text}")
        for change in self.changed.values():
            after = change.after
            cells.append(f"{change.name}: {after.text}")
            if after.dtype:
                cells.append(f"{str(after.dtype).removeprefix('torch.')} {after.device}")
            if change.in_place:
                cells.append("in place")
            if change.same_as:
                cells.append(f"is {change.same_as[0]}")
        cells += [f"{entry.name}: {entry.type_name}" for entry in self.registered.values()]
        cells += [f"params {self.params:,}"] if self.params else []
        cells += [f"MACs {self.macs:,}"] if self.macs else []
        cells += [f"MACs not counted ({', '.join(dict.fromkeys(self.uncounted))})"] if self.macs is None else []
        cells += [f"rf {field_text(self)}"] if self.receptive_field and self.ops else []
        return "  ".join(cells).rstrip() + (f"\n{self.error}" if self.error else "")


class Trail(Sequence):
    """The steps of a walk, in the order they ran.

    `trail["out = self.conv1(x)"]` finds a step by its source, `trail["out = self.relu(out)", 2]` the third one of
    them, `trail[3]` the fourth step of all; a slice is a list.

    kind: "forward" or "init".
    module: what was walked; inputs, kwargs: snapshots of what it was given; output: what it returned, not a copy.
    weights: whose weights these are, for captions. device: where the output lies, or else the first input.
    failed: the step that raised, or None.
    preceded_by: the trail whose output went into this one. Set it, and cards can say where in its photograph they look.
    """

    def __init__(self, kind, module):
        self.kind = kind
        self.module = module
        self.output: Any = None
        self.failed: Step | None = None
        self.preceded_by: Trail | None = None
        self._inputs, self._kwargs = (), {}
        self._random = torch.get_rng_state() if kind == "forward" else None  # for the graph, which runs it once more
        self._grad = torch.is_grad_enabled()
        self._written: list[Step] = []
        self._journal: Any = None  # what a walk noted, to be read when somebody looks
        self._inner: dict[str, list[Trail]] = {}
        self._occurrences = {}

    @property
    def _steps(self):
        if self._journal is not None and self._journal.notes:
            self._journal.read(self)
        return self._written

    @property
    def inputs(self):
        return resolved(self._inputs)

    @property
    def kwargs(self):
        return resolved(self._kwargs)

    def into(self, name, occurrence=0):
        """The trail of a submodule's own forward, within the same run: `walk(net, x, into="layer1.0")` keeps it.

        Args:
            name: the submodule's whole name.
            occurrence: which of its calls, 0 for the first.

        Raises:
            KeyError: it was not named beforehand, or was not called so often.
        """
        trails = self._inner.get(name, [])
        if occurrence < len(trails):
            return trails[occurrence]
        known = ", ".join(self._inner) or "—"
        raise KeyError(
            str(Bilingual(
                f"没有走进 {name!r}（第 {occurrence + 1} 次）：走的时候写 walk(…, into={name!r})，"
                f"而且 forward 要调用它。走进了的有：{known}。",
                f"The walk did not go into {name!r} (time {occurrence + 1}): write walk(…, into={name!r}), and forward "
                f"must call it. It went into: {known}.",
            ))
        )

    @property
    def weights(self):
        name = type(self.module).__name__
        own = Bilingual(f"{name} 现有的权重", f"{name}'s weights as they stand")
        return getattr(self.module, "__dict__", {}).get("weights_label", own)  # `__getattr__` may do anything

    @property
    def device(self):
        found = first_tensor((self.output, self.inputs))
        return torch.device("cpu") if found is None else found.device

    @property
    def params(self):
        """Parameters that the walk used (in a construction: registered), each counted once."""
        return sum(step.params for step in self)

    @property
    def macs(self):
        """Multiply–accumulates of all steps; None where there are some whose number is not known."""
        counts = [step.macs for step in self]
        return None if None in counts else sum(counts)

    @property
    def uncounted(self):
        """The operators whose multiply–accumulates are not known, by name."""
        return tuple(name for step in self for name in step.uncounted)

    def _occurrence(self, step):
        if len(self._occurrences) != len(self._steps):
            counts: dict[str, int] = {}
            for each in self._steps:
                self._occurrences[each.index] = counts.get(each.source, 0)
                counts[each.source] = self._occurrences[each.index] + 1
        return self._occurrences[step.index]

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


def first_tensor(value, around=()):
    """The first tensor in nested tuples, lists and dicts; None where there is none."""
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, (tuple, list, dict)) and not any(value is outer for outer in around):
        for item in contents(value):
            if (found := first_tensor(item, (*around, value))) is not None:
                return found
    return None


def field_text(step):
    """A receptive field in words: "3×3", "1×7", of one axis "3"."""
    sides = step.receptive_sides
    return "×".join(map(str, sides)) if sides else ""
