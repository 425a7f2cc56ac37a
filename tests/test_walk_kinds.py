"""More of the kinds that once broke a walk: the truth is the plain call, gradients' support, or worked out by hand."""

import random
import time

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from test_walk import cell

from linewalk import walk
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
    assert trail[4].ops == ["aten.mul_"]


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
