"""What `compare` gives back: the facts as attributes, and in sentences for people."""

from functools import cached_property
from typing import NamedTuple

from ..errors import Bilingual
from .steps import apart, tensors_in

_NAMES_SHOWN = 4


class Comparison:
    """Two modules and one input: where they differ.

    `comparison` in a notebook shows the two listings side by side, `print(comparison)` prints them.

    a, b: the `Trail`s of both walks; `.failed` is the step at which one failed, or None.
    lines: {"__init__": …, "forward": …}, each a list of `Line`s, equal ones included; `differing(part)` has the others.
    pairs: the `Pair`s of steps that belong together, in the order in which a's ran.
    first_shape, first_value: the first pair whose shapes, whose values differ; None where there is none. Values that
        rounding alone sets apart do not differ, and those of different shapes cannot.
    apart: the largest difference of the outputs; None where there is none to compare. same_output: whether they are
        equal bit for bit.
    taken: the names of the tensors that b's copy got from a, None where it kept its own weights.
    left: the names in b's state dict that it did not get; all where it kept its own.
    same_weights: whether both state dicts had equal tensors of the same names when the walks began.
    """

    def __init__(self, a, b, lines, pairs, taken, same_weights):
        self.a, self.b = a, b
        self.lines = lines
        self.pairs = pairs
        self.taken = taken
        self.same_weights = same_weights

    def differing(self, part):
        """The lines of "__init__" or "forward" that are not the same on both sides."""
        return [line for line in self.lines[part] if line.kind != "same"]

    @property
    def first_shape(self):
        return next((pair for pair in self.pairs if pair.shapes_differ), None)

    @property
    def first_value(self):
        return next((pair for pair in self.pairs if pair.values_differ), None)

    @property
    def left(self):
        return tuple(name for name in self.b.module.state_dict() if name not in (self.taken or ()))

    @cached_property
    def _outputs(self):
        """(largest difference, whether equal bit for bit) of what both returned."""
        outputs = [tensors_in(trail.output) for trail in (self.a, self.b)]
        shapes = [[tensor.shape for tensor in tensors] for tensors in outputs]
        if self.a.failed or self.b.failed or shapes[0] != shapes[1]:
            return None, False
        difference, _, _ = apart(*outputs)
        return difference, difference == 0 and all(map(_same_kind, *outputs))

    @property
    def apart(self):
        return self._outputs[0]

    @property
    def same_output(self):
        return self._outputs[1]

    @property
    def names(self):
        """What to call the two: their classes; with the module that each is from where the classes have one name."""
        classes = [type(trail.module) for trail in (self.a, self.b)]
        names = [cls.__name__ for cls in classes]
        if names[0] == names[1] and classes[0].__module__ != classes[1].__module__:
            names = [f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}" for cls in classes]
        return tuple(names)

    @property
    def sentences(self):
        """`Bilingual`s: what differs, the lines first, then weights, shapes and values."""
        failures = [_failure(side, trail) for side, trail in (("a", self.a), ("b", self.b)) if trail.failed]
        return [_of_lines(self), _of_weights(self), *failures, _of_shapes(self), *_of_values(self)]

    def _repr_html_(self):
        from .page import page

        return page(self)

    def __repr__(self):
        rows = [f"a: {self.names[0]}", f"b: {self.names[1]}", *map(str, self.sentences)]
        for part, lines in self.lines.items():
            rows += ["", part]
            for line in lines:
                rows += _printed(line, self)
        return "\n".join(rows)

    def of_line(self, line):
        """The pairs of the steps in which a `Line` of forward ran."""
        return [
            pair for pair in self.pairs
            if (line.a and pair.a.statement == line.a) or (line.b and pair.b.statement == line.b)
        ]


def shape_text(shapes):
    """"1×64×56×56"; of several tensors, with commas; of none, "—"."""
    return ", ".join(map(_one_shape, shapes)) or "—"


def _one_shape(shape):
    return "nested" if shape is None else "×".join(map(str, shape)) or "scalar"


def number_text(number):
    return f"{number:.3g}"


def _same_kind(one, other):
    return one.dtype == other.dtype


def _of_lines(comparison):
    zh, en = [], []
    for part in comparison.lines:
        differing = comparison.differing(part)
        count = len([line for line in differing if line.kind != "moved"])
        moved = len([line for line in differing if line.kind == "moved" and line.a])
        zh_moved = f"，{moved} 行换了地方" if moved else ""
        en_moved = f", {moved} stand{'s' * (moved == 1)} elsewhere" if moved else ""
        zh.append(f"`{part}` " + (f"有 {count} 行不同{zh_moved}" if count or not moved else zh_moved[1:]))
        en.append(f"{count} line{'s' * (count != 1)} of `{part}` differ{'s' * (count == 1)}{en_moved}")
    return Bilingual("；".join(zh) + "。", "; ".join(en) + ".")


def _of_weights(comparison):
    taken, left = comparison.taken, comparison.left
    if taken is None:
        if comparison.same_weights:
            return Bilingual("两边的权重相同。", "Both have the same weights.")
        return Bilingual(
            '两边各用各的权重，并不相同；要让 b 用 a 的，写 `weights="a"`。',
            'Each has weights of its own, which differ; for b to take those of a, write `weights="a"`.',
        )
    if not left:
        return Bilingual("b 的副本装上了 a 的全部权重。", "b's copy was given all weights of a.")
    names = ", ".join(f"`{name}`" for name in left[:_NAMES_SHOWN]) + (" …" if len(left) > _NAMES_SHOWN else "")
    return Bilingual(
        f"b 的副本装上了 a 的 {len(taken)} 个张量；名字或形状对不上、还是 b 自己的，有 {len(left)} 个：{names}。",
        f"b's copy was given {len(taken)} tensors of a; {len(left)} whose names or shapes do not fit are still b's "
        f"own: {names}.",
    )


def _failure(side, trail):
    step = trail.failed
    return Bilingual(
        f"{side} 在第 {step.index} 步出错：{step.error.zh}", f"{side} fails at step {step.index}: {step.error.en}"
    )


def _of_shapes(comparison):
    pair = comparison.first_shape
    if pair is None:
        return Bilingual("成对的每一步，形状都相同。", "All steps that belong together make the same shapes.")
    zh, en = _where(pair)
    one, other = map(shape_text, pair.shapes)
    return Bilingual(
        f"形状第一次不同，在{zh}：a 是 {one}，b 是 {other}。",
        f"Shapes first differ at {en}: {one} in a, {other} in b.",
    )


def _of_values(comparison):
    said = []
    pair = comparison.first_value
    if pair is not None:
        zh, en = _where(pair)
        most, largest = number_text(pair.apart), number_text(pair.largest)
        said.append(Bilingual(
            f"数值第一次不同，在{zh}：最多差 {most}，a 的数最大 {largest}。",
            f"Values first differ at {en}: by up to {most}, where a's largest is {largest}.",
        ))
    measured = [pair for pair in comparison.pairs if pair.apart is not None]
    rounded = max((pair.apart for pair in measured if not pair.values_differ), default=0)
    if measured and pair is None and not rounded:
        said.append(Bilingual("能比的每一步，数值一位不差。", "All values that can be compared are equal bit for bit."))
    if rounded:
        said.append(Bilingual(
            f"别处只差舍入，至多 {number_text(rounded)}。" if pair else f"数值只差舍入，至多 {number_text(rounded)}。",
            f"{'Elsewhere they' if pair else 'Values'} differ by rounding only, at most {number_text(rounded)}.",
        ))
    if comparison.same_output and pair is not None:
        said.append(Bilingual("输出还是一位不差。", "The outputs are equal bit for bit all the same."))
    return said


def _where(pair):
    if pair.a.source == pair.b.source:
        return f"第 {pair.a.index} 步 `{pair.a.source}`", f"step {pair.a.index}, `{pair.a.source}`"
    return (
        f"第 {pair.a.index} 步 `{pair.a.source}`（b 里是 `{pair.b.source}`）",
        f"step {pair.a.index}, `{pair.a.source}` (in b `{pair.b.source}`)",
    )


# for a terminal


def _printed(line, comparison):
    marks = {"same": "  ", "changed": "≠ ", "moved": "↕ ", "only": "≠ "}
    verdicts = [
        made if alike is None else f"{made} {alike.en}" for made, alike in verdicts_on(comparison.of_line(line))
    ]
    after = f"    # {'; '.join(verdicts)}" if verdicts else ""
    sides = [
        (side, f"{'    ' * depth}{statement.text}")
        for side, statement, depth in zip("ab", (line.a, line.b), line.depths, strict=True) if statement
    ]
    if line.kind == "same":
        return [f"    {sides[0][1]}{after}"]
    rows = [f"{marks[line.kind]}{side} {text}" for side, text in sides]
    return [*rows[:-1], rows[-1] + after]


class Verdict(NamedTuple):
    """What a line made on both sides, "1×64×56×56", and how alike that is; None where the shapes say it all."""

    made: str
    alike: Bilingual | None


def verdicts_on(pairs):
    """The `Verdict`s on what a line's steps made, each once."""
    return list(dict.fromkeys(_verdict(pair) for pair in pairs if pair.shapes != ((), ())))


def _verdict(pair):
    if pair.shapes_differ:
        one, other = map(shape_text, pair.shapes)
        return Verdict(f"a {one} b {other}", None)
    made = shape_text(pair.shapes[0])
    if pair.apart is None:
        return Verdict(made, None)
    if pair.values_differ:
        most = number_text(pair.apart)
        return Verdict(made, Bilingual(f"最多差 {most}", f"up to {most} apart"))
    if pair.apart:
        return Verdict(made, Bilingual("只差舍入", "apart by rounding"))
    if pair.a.in_place != pair.b.in_place:
        side = "a" if pair.a.in_place else "b"
        return Verdict(made, Bilingual(f"相同，只有 {side} 原地写", f"equal, only {side} writes in place"))
    return Verdict(made, Bilingual("相同", "equal"))
