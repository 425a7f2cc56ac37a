"""More of the kinds that once broke a walk: the truth is the plain call, gradients' support, or worked out by hand."""

import contextlib
import copy
import random
import resource
import sys
import time

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from test_walk import cell

from linewalk import walk
from linewalk.draw import card
from linewalk.draw.maps import spread
from linewalk.recording import memory


def module(forward, **parts):
    """A module with one forward, `self.name` for each part."""
    made = type("Made", (nn.Module,), {"forward": forward})()
    for name, part in parts.items():
        setattr(made, name, part)
    return made


# ---- what a value sees of the input, where its parts do not lie on each other


def seen_by(net, x):
    """By gradients: how many pixels one value of the result sees along each axis, the most of some values."""
    x = x.clone().requires_grad_()
    y, most = net(x), (0,) * (x.dim() - 2)
    places = [tuple(size // 2 for size in y.shape), tuple(size // 2 - 1 for size in y.shape), (0,) * y.dim()]
    for place in places:
        seen = torch.autograd.grad(y[place], x, retain_graph=True)[0].ne(0).nonzero()
        most = tuple(map(max, most, (seen.amax(0) - seen.amin(0) + 1)[2:].tolist()))
    return most


SIGNAL, PICTURE = torch.rand(1, 2, 40), torch.rand(1, 2, 24, 21)
CONV = nn.Conv2d(2, 2, (1, 5))


@pytest.mark.parametrize(("look", "x", "seen"), [
    (lambda x: x[..., 1:] - x[..., :-1], SIGNAL, (2,)),
    (lambda x: x[..., 10:] + x[..., :-10], SIGNAL, (11,)),
    (lambda x: torch.diff(x), SIGNAL, (2,)),
    (lambda x: x + F.pad(x[..., :-4], (4, 0)), SIGNAL, (5,)),
    (lambda x: sum(x[..., i:i + 30] for i in range(4)), SIGNAL, (4,)),
    (lambda x: F.avg_pool1d(F.pad(x, (3, 0)), 4, 1) * x, SIGNAL, (4,)),
    (lambda x: F.avg_pool1d(x, 3, 1, 1)[..., 5:] + x[..., :-5], SIGNAL, (7,)),
    (lambda x: torch.cat([x[..., ::2, :20], x[..., 1::2, :20]], 1).sum(1, keepdim=True), PICTURE, (2, 1)),
    (lambda x: sum(x.split(7, 3)), PICTURE, (1, 15)),
    (lambda x: sum(x.split([8, 8, 8], 2)), PICTURE, (17, 1)),
    (lambda x: CONV(x.transpose(2, 3)), PICTURE, (5, 1)),
])
def test_what_two_parts_see_together(look, x, seen):
    def forward(self, x):
        y = look(x)
        return y

    assert seen_by(module(forward), x) == walk(module(forward), x)[1].receptive_sides == seen


def overwritten(self, x):
    y = torch.zeros_like(x)
    y[..., 1:] = x[..., :-1]
    return y + x


def grown(self, x):
    y = x.clone()
    y[..., :20] = F.avg_pool1d(x, 5, 1, 2)[..., :20]
    return y * 1


def flattened(self, x):
    y = x.clone()
    y.view(-1).copy_(F.avg_pool1d(x, 3, 1, 1).reshape(-1))
    return y * 1


def added_to_each(self, x):
    y = x.clone()
    torch._foreach_add_([y], [F.avg_pool1d(x, 3, 1, 1)])
    return y * 1


@pytest.mark.parametrize("forward", [overwritten, grown, flattened, added_to_each])
def test_no_field_where_a_part_was_overwritten(forward):
    assert max(seen_by(module(forward), SIGNAL)) > 1
    assert walk(module(forward), SIGNAL)[-1].receptive_sides is None


def test_no_field_where_axes_are_swapped_and_added():
    def forward(self, x):
        return x[..., :21, :] + x[..., :21, :].transpose(2, 3)

    assert walk(module(forward), PICTURE)[-1].receptive_sides is None


def test_what_is_written_over_wholly_has_the_field_of_what_was_written():
    def forward(self, x):
        y = torch.empty_like(x)
        y.copy_(F.avg_pool1d(x, 3, 1, 1))
        y.relu_()
        z = y[..., 4:]
        return z

    assert walk(module(forward), SIGNAL)[4].receptive_sides == (3,)


def test_no_field_where_a_convolution_takes_an_axis_of_places_for_channels():
    def forward(self, x):
        return self.conv(x.permute(0, 2, 3, 1))

    net = module(forward, conv=nn.Conv2d(24, 1, (3, 1)))
    assert seen_by(net, PICTURE)[0] == 24 and walk(net, PICTURE)[1].receptive_sides is None


# ---- a walk costs what its lines cost, whatever they keep it in


@pytest.mark.parametrize(("keep", "what"), [
    ("self.kept.append(h)", "self.kept"), ("self.table[i] = h", "self.table"), ("table[i] = {'k': h}", "table"),
    ("outs.append((h, h))", "outs"), ("outs.append([h])", "outs"), ("pair[0].append(h)", "pair"),
    ("outs.insert(0, h)", "outs"), ("other.append(h)", "outs"), ("self.into(outs, h)", "outs"),
])
def test_a_walk_costs_no_more_the_more_is_kept(keep, what):
    names = cell(f"""
        class Keeping(nn.Module):
            def into(self, outs, h):
                outs.append(h)

            def forward(self, x, turns):
                outs, table, pair, h = [], {{}}, ([], []), x
                self.kept, self.table, other = [], {{}}, outs
                for i in range(turns):
                    h = h + 1
                    {keep}
                return h
    """)
    keeping = names["Keeping"]()

    def seconds(turns):
        start = time.process_time()
        trail = walk(keeping, torch.zeros(1), turns)
        taken = time.process_time() - start
        steps = [step for step in trail if step.source == keep]
        for count in (1, turns // 2, turns):
            value = steps[count - 1].value(what)
            value = value[0] if what == "pair" else value
            assert len(value) == count
            last = value[0] if "insert" in keep else list(value.values() if isinstance(value, dict) else value)[-1]
            last = last["k"] if isinstance(last, dict) else last[0] if isinstance(last, (list, tuple)) else last
            assert last.item() == count
        return taken

    # Eight times the lines; their squares would be 64. Other programs on the machine only ever slow it down.
    assert min(seconds(1600) for _ in range(3)) < 30 * min(seconds(200) for _ in range(3))


def test_what_changes_by_another_name_changes():
    def forward(self, x):
        inner = [x]
        outer = {"inner": inner, "n": 1}
        inner.append(x + 1)
        other = outer
        other["n"] = 2
        inner[0] = x + 2
        inner.pop()
        outer["inner"] = ()
        x += 1
        return x

    trail = walk(module(forward), torch.zeros(1))
    told = {step.source: {name: change.after.text for name, change in step.changed.items()} for step in trail}
    assert told["inner.append(x + 1)"]["inner"] == "[1, 1]"
    assert told['other["n"] = 2']["other"] == told['other["n"] = 2']["outer"] == "{'inner': [1, 1], 'n': 2}"
    assert trail['other["n"] = 2'].value("outer")["n"] == 2 and trail["other = outer"].value("outer")["n"] == 1
    assert trail["inner[0] = x + 2"].value("inner")[0].item() == 2 and trail["inner.pop()"].value("inner")[0] == 2
    assert [part.item() for part in trail["inner.append(x + 1)"].value("inner")] == [0, 1]
    assert told['outer["inner"] = ()']["outer"].replace("'", "") == "{inner: (), n: 2}"


# ---- writing beside others in the same memory


def test_a_write_changes_the_names_that_lie_where_it_wrote():
    def forward(self, x):
        h = x * 2
        first, rest, head = h[:, 0], h[:, 1:], [h[0], h.flatten()[1]]
        empty, wide = h[:0], first.unsqueeze(0).expand(3, -1)
        first.mul_(2)
        rest[:, 1:] = 0
        h.view(torch.int32)[0, 1] = 0
        h[1].zero_()
        return h, empty, wide, head

    trail = walk(module(forward), torch.rand(2, 4))
    written = {step.source: {name for name, change in step.changed.items() if change.in_place} for step in trail[4:8]}
    assert list(written.values()) == [
        {"h", "first", "head", "wide"}, {"h", "rest", "head"}, {"h", "rest", "head"}, {"h", "first", "rest", "wide"},
    ]
    assert trail[4].ops == ["aten.mul_"] and trail[4].result == "first"


def test_a_tensor_that_gets_another_memory_has_changed():
    def forward(self, x):
        h, y = x * 2, x + 1
        h.set_(y)
        h.resize_(4).zero_()
        return h

    trail = walk(module(forward), torch.rand(1, 2))
    assert "h" in trail["h.set_(y)"].changed and torch.equal(trail["h.set_(y)"].value("h"), trail.inputs[0] + 1)
    assert trail["h.resize_(4).zero_()"].value("h").shape == (4,)


def test_two_views_overlap_where_an_element_of_one_is_one_of_the_other():
    draw = random.Random(0).randrange

    def view(some):
        for axis, size in enumerate(some.shape):
            start = draw(size)
            some = some[(slice(None),) * axis + (slice(start, start + 1 + draw(size), 1 + draw(3)),)]
        some = some.select(draw(3), 0) if draw(2) else some
        return some.transpose(0, -1) if draw(2) else some

    which = torch.arange(120, dtype=torch.int16).view(4, 5, 6)
    for _ in range(1000):
        one, other = view(which), view(which)
        if draw(3) == 0 and other.stride(-1) == 1:
            other = other.view(torch.int8)
        in_common = _bytes_of(one) & _bytes_of(other)
        assert memory.overlap(memory.place(one), memory.place(other)) == bool(in_common)


def _bytes_of(tensor):
    """The numbers of its bytes in the memory under it."""
    size = tensor.element_size()
    start = torch.arange(tensor.untyped_storage().nbytes() // size)
    starts = start.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
    return {at * size + byte for at in starts.flatten().tolist() for byte in range(size)}


# ---- what each line says of containers: compared with copies made between the lines


def recorded(net, *inputs):
    """The truth: (line, copies of all local names) before each line of forward, and at its end."""
    code, seen = type(net).forward.__code__, []

    def local(frame, event, arg):
        if event in ("line", "return"):
            names = {name: value for name, value in frame.f_locals.items() if name != "self"}
            seen.append((frame.f_lineno if event == "line" else None, copy.deepcopy(names)))
        return local

    def trace(frame, event, arg):
        return local if frame.f_code is code else None

    before = sys.gettrace()
    sys.settrace(trace)
    net(*inputs)
    sys.settrace(before)
    return seen


def alike(one, other):
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    return callable(one) or one == other


def each_line_says_what_changed(net, *inputs):
    record = recorded(net, *inputs)
    steps = [step for step in walk(net, *inputs) if step.caller is None][1:]
    assert [step.lineno for step in steps] == [line for line, _ in record[:-1]]
    for step, (_, before), (_, after) in zip(steps, record, record[1:], strict=False):
        for name, value in after.items():
            assert alike(step.value(name), value), (step.source, name, step.value(name), value)
            said = name in step.changed
            if name not in step.statement.targets:
                assert said == (name not in before or not alike(before[name], value)), (step.source, name, said)


def parts_of_containers(self, x):
    inner = [1]
    outer = [x, inner]
    both = (outer, inner)
    table = {"inner": inner, "deep": {"both": both}}
    inner.append(2)
    outer[1].append(3)
    for part in both:
        part.append(4)
    table["inner"].append(5)
    other = inner
    other[0] = 7
    add = inner.append
    add(8)
    table["deep"]["new"] = {}
    deep = table["deep"]
    deep["new"]["k"] = x
    del deep["new"]
    outer.pop()
    return x


class ByHelper(nn.Module):
    def add(self, items, item):
        items.append(item)

    def forward(self, x):
        items = [x]
        table = {"items": items}
        self.add(items, 2)
        y = x + 1
        self.kept = table
        self.kept["items"].append(3)
        self.kept["n"] = 4
        self.kept["n"] = 5
        z = y + 1
        return z


@pytest.mark.parametrize("net", [module(parts_of_containers), ByHelper()])
def test_what_a_container_holds_changes_under_whatever_name(net):
    each_line_says_what_changed(net, torch.ones(2))


# ---- failures have their sentence


def waits_for_another(self, x):
    try:
        y = self.conv(x)
    finally:
        try:
            self.log[0] = x
        except TypeError:
            self.done = True
    return y


def waits_in_a_loop(self, x):
    try:
        return self.conv(x)
    finally:
        for key in ("a", "b"):
            with contextlib.suppress(KeyError):
                self.table[key]


def failure_of(net, *inputs):
    with pytest.raises(BaseException) as caught:
        walk(net, *inputs)
    return caught.value


@pytest.mark.parametrize("forward", [waits_for_another, waits_in_a_loop])
def test_an_exception_that_waits_while_another_is_handled_keeps_its_line(forward):
    error = failure_of(module(forward, conv=nn.Conv2d(3, 4, 3), log=1, table={}), torch.ones(1, 5, 8, 8))
    assert "self.conv(x)" in error.trail.failed.source and "wants 3 channels and got 5" in error.__notes__[0]


def test_it_does_so_in_a_helper_method_too():
    class Helped(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def features(self, x):
            try:
                return self.conv(x + 1)
            finally:
                with contextlib.suppress(ZeroDivisionError):
                    self.n = 1 / 0

        def forward(self, x):
            return self.features(x)

    error = failure_of(Helped(), torch.ones(1, 5, 8, 8))
    assert error.trail.failed.source == "return self.conv(x + 1)" and "got 5" in error.__notes__[0]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="syntax of Python 3.11")
def test_what_is_left_of_a_group_of_exceptions_has_its_line():
    names = cell("""
        class Groups(nn.Module):
            def forward(self, x):
                try:
                    raise ExceptionGroup("two", [ValueError("a"), TypeError("b")])
                except* ValueError:
                    self.seen = True
                return x
    """)
    error = failure_of(names["Groups"](), torch.ones(1))
    assert error.trail.failed.source.startswith("raise ExceptionGroup") and error.__notes__


def test_exceptions_that_cannot_be_asked_stay_themselves():
    class Closed(Exception):
        def __getattribute__(self, name):
            if name in ("words", "args"):
                raise RuntimeError(f"no {name}")
            return super().__getattribute__(name)

    class Noted(Exception):
        def add_note(self, text):
            raise RuntimeError("no notes")

    for kind in (Closed, Noted):
        def forward(self, x, kind=kind):
            raise kind

        error = failure_of(module(forward), torch.ones(1))
        assert type(error) is kind and kind.__name__ in error.__notes__[0]


def test_a_property_that_fails_is_not_said_to_be_missing():
    class Half(nn.Module):
        @property
        def size(self):
            return self.missing

        def forward(self, x):
            return x * self.size

    (note,) = failure_of(Half(), torch.ones(1)).__notes__
    assert "`size`, a property" in note and "property" in note.split("\n")[0]


# ---- cards


def test_cards_of_what_was_expanded_write_nothing_out():
    def forward(self, x, column):
        mask = x.expand(20000, 20000)
        positive = (x > 0).expand(1, 2, 20000, 20000)
        broken = (x / 0).half().expand(1, 1, 20000, 20000)
        column = column.expand(1, 3, 1500, 10000)
        return mask, positive, broken, column

    column = torch.linspace(-9, 9, 1500)[:, None]
    trail = walk(module(forward), torch.ones(1), column)
    card(trail[2])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cards = [card(step) for step in trail]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes; a copy takes 1,600,000
    assert "nan/inf 400,000,000" in cards[3] and "min −9</span><span>max 9</span><span>50% &lt; 0" in cards[4]
    small = spread(column.expand(1, 3, 1500, 10))
    assert spread(trail[4].value("column"))[:4] == pytest.approx(small[:4], rel=1e-2)


def test_containers_and_modules_of_a_class_of_ones_own_have_cards():
    class Items(list):
        def __iter__(self):
            raise RuntimeError("not to be asked")

        __len__ = items = __iter__

    class Table(dict):
        def __iter__(self):
            raise RuntimeError("not to be asked")

        __len__ = items = values = keys = __iter__

    class Net(nn.Module):
        def __getattr__(self, name):
            raise RuntimeError("not to be asked")

        def forward(self, x):
            items = Items([x, 1])
            table = Table(a=x)
            return items, table

    trail = walk(Net(), torch.ones(2, 2))
    assert all("lw-card" in card(step) for step in trail)


def test_a_container_within_many_is_described_in_few_words():
    def forward(self, x):
        pair = (x,)
        for _ in range(18):
            pair = (pair, pair)
        return x

    trail = walk(module(forward), torch.ones(2))
    assert max(len(change.after.text) for step in trail for change in step.changed.values()) < 200


def test_telling_what_a_line_changed_restores_no_values():
    def forward(self, x):
        y = torch.zeros(100)
        for i in range(100):
            y[i] = i
        return y

    trail = walk(module(forward), torch.ones(2))
    asked = []
    restored = memory._History.restored
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory._History, "restored", lambda *args: asked.append(1) or restored(*args))
        assert "y: 100" in repr(trail) and not asked
        assert trail["y[i] = i", 50].value("y").sum() == sum(range(51)) and asked


def other_data(self, x):
    y = x.clone()
    same = y
    part = y[:1]
    held = {"y": [y], "part": part}
    parts = [part]
    y.data = y.data * 3
    y.add_(1)
    z = y * 2
    y.data[0] = 5
    y.data.mul_(2)
    y.grad = None
    return part + z + same, held, parts


def test_a_tensor_that_is_given_another_memory_has_changed():
    each_line_says_what_changed(module(other_data), torch.ones(2))
    trail = walk(module(other_data), torch.ones(2))
    assert not trail["y.data = y.data * 3"].in_place and trail["y.data[0] = 5"].in_place


def test_a_tensor_class_of_ones_own_sees_its_own_calls_only():
    log = []

    class Logged(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            log.append(getattr(func, "__name__", ""))
            return super().__torch_function__(func, types, args, kwargs or {})

    class Closed(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func in (torch.Tensor.clone, torch.Tensor.detach):
                raise RuntimeError("not to be copied")
            return super().__torch_function__(func, types, args, kwargs or {})

    def forward(self, x):
        log.clear()
        y = x.as_subclass(Logged) + 1
        y += 1
        held = [y]
        z = self.fc(held[0])
        closed = x.as_subclass(Closed) * 3
        closed.add_(1)
        calls = list(log)
        return calls, z, closed

    for shape in [(2, 2), (1, 3, 4, 2)]:
        net, x = module(forward, fc=nn.Linear(2, 2)), torch.ones(shape)
        trail = walk(net, x)
        assert trail.output[0] == net(x)[0] and torch.equal(trail[7].value("closed"), trail.output[2])
        assert type(trail[2].value("y")) is Logged and trail[2].value("y").sum() == 2 * x.sum()
