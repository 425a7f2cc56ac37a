"""What `annotate` once said wrongly, or could not be asked: the truth is the plain call, or what the code does."""

import asyncio
import random
from typing import ClassVar

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from linewalk import annotate, walk

# ---- the run is the plain call


class Counting(TorchFunctionMode):
    n = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.n += 1
        return function(*args, **(kwargs or {}))


class HasItsOwnMode(nn.Module):
    def forward(self, x):
        with Counting() as counting:
            y = x + 1
            y *= 2
        return y, counting.n


def test_a_mode_of_the_modules_own_sees_its_own_calls_only():
    assert annotate(HasItsOwnMode(), torch.ones(2)).forward.output[1] == HasItsOwnMode()(torch.ones(2))[1]


class Chooses(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda t: self.fc(t), lambda t: t.cos(), (x,))


def test_what_higher_order_operators_give_has_its_gradients():
    torch._dynamo.reset()
    net, x = Chooses(), torch.ones(2, 3)
    notes = annotate(net, x)
    assert notes.error is None and notes.forward.output.requires_grad and torch.equal(notes.forward.output, net(x))


class Inner(nn.Module):
    def forward(self, x):
        return x.sin() + 1


class HoldsCompiled(nn.Module):
    def __init__(self, backend):
        super().__init__()
        self.inner, self.other = Inner(), nn.Sequential(nn.Linear(4, 4))
        self.inner.compile(backend=backend)
        self.other.compile(backend=backend)

    def forward(self, x):
        y = self.inner(x)
        y = self.other(y)
        return y


@pytest.mark.parametrize("run", [walk, annotate])
def test_what_is_compiled_in_place_runs_compiled(run):
    torch._dynamo.reset()
    ran = []

    def backend(graph, example):
        def compiled(*args):
            ran.append([node.name for node in graph.graph.nodes])
            return [2 * output for output in graph.forward(*args)]

        return compiled

    net, x = HoldsCompiled(backend), torch.ones(1, 4)
    result = run(net, x)
    found = (result if run is walk else result.forward).output
    assert len(ran) == 1 and "sin" in ran[0]
    assert torch.equal(found, net(x)) and len(ran) == 2 and ran[0] == ran[1]


class Noticed(nn.Module):
    made: ClassVar = []

    def forward(self, x):
        x = x * random.random()
        self.made.append(1)
        print("running")
        x = x + 1
        return x


def test_trying_without_a_line_is_not_noticed(capfd):
    random.seed(0)
    Noticed()(torch.ones(2))
    state = random.getstate()
    capfd.readouterr()
    Noticed.made.clear()
    random.seed(0)
    notes = annotate(Noticed(), torch.ones(2), language="en")
    assert random.getstate() == state and Noticed.made == [1] and capfd.readouterr().out == "running\n"
    assert "the values differ" in "".join(s.en for line in notes.lines for s in line.sentences)


class GivesAHook(nn.Module):
    def forward(self, x):
        y = x * 2
        y.register_hook(lambda grad: grad * 3)
        return y, (part * 2 for part in y), lambda: y + 1


def test_what_forward_hands_out_goes_on_working():
    x = torch.ones(2, requires_grad=True)
    y, parts, later = annotate(GivesAHook(), x).forward.output
    y.sum().backward()
    assert x.grad.tolist() == [6, 6] and [part.item() for part in parts] == [4, 4] and later().tolist() == [3, 3]


class TwoNames(nn.Module):
    def run(self, x):
        y = x + 1
        return y

    forward = run


def test_one_function_under_two_names():
    code = TwoNames.run.__code__
    notes = annotate(TwoNames(), torch.ones(2))
    assert notes.error is None and TwoNames.run.__code__ is code is TwoNames.forward.__code__


class Leaves(nn.Module):
    def forward(self, x):
        print(x + 1)
        raise SystemExit(3)


class SaysMuch(nn.Module):
    def forward(self, x):
        raise ValueError("one\n  two\r\nthree\0\x0c")


@pytest.mark.parametrize("net", [Leaves(), SaysMuch()])
def test_whatever_is_raised_leaves_code_that_compiles(net):
    notes = annotate(net, torch.ones(2), language="both")
    assert notes.error is not None and "failed" in str(notes)
    compile(notes.code(), "annotated.py", "exec")


class Odd(nn.Module):
    def forward(self, x):
        huge = 10**5000  # noqa: F841
        nested = torch.nested.nested_tensor([x, x[:1]])
        chain = [x]
        chain.append(chain)
        return nested


def test_values_of_every_kind():
    notes = annotate(Odd(), torch.ones(2, 2))
    assert notes.error is None and all(one.sentences for one in notes.lines) and "lw-card" in notes.html()


# ---- every line has its words, and they are true


class Every(nn.Module):
    def __init__(self):
        super().__init__()
        self.n, self.hist = 0, {}
        self.register_buffer("seen", torch.zeros(1))

    def parts(self, x):
        yield x + 1
        yield from [x, x]

    async def waits(self, x):
        async with asyncio.Lock():
            await asyncio.sleep(0)
        return x

    def forward(self, x):
        self.n += 1
        self.seen += 1
        x = x.clone()
        x[0] *= 2
        a, b = x
        self.hist["a"] = a; c = 3  # noqa: E702
        for part in self.parts(x):
            c -= len(part)
        w = asyncio.run(self.waits(x))
        try:
            z = x.view(3, 3)
        except RuntimeError:
            z = x
        with torch.no_grad(): self.hist["b"] = b  # noqa: E701
        return z, w, part


def line(notes, text):
    return " ".join(s.en for one in notes.lines if one.text == text for s in one.sentences if not s.behind)


def test_every_line_has_words():
    notes = annotate(Every(), torch.ones(2, 4), language="both")
    assert [one.text for one in notes.lines if not one.sentences] == []
    assert line(notes, "self.n += 1").startswith("Adds `1` to `self.n`. 0 becomes 1.")
    assert "In place" in line(notes, "self.seen += 1") and "Multiplies `x[0]` by `2`" in line(notes, "x[0] *= 2")
    assert "dimension 0 into 2" in line(notes, "a, b = x") and "`c` is 3" in line(notes, "c = 3")
    assert "Hands out `x + 1`" in line(notes, "yield x + 1") and "not finished" in line(notes, "z = x.view(3, 3)")


class Branches(nn.Module):
    def __init__(self, wide=True):
        super().__init__()
        self.kept = None
        self.layers = nn.ModuleList()
        for _ in range(2):
            self.layers.append(nn.Linear(4, 4))
        if wide:
            self.fc = nn.Linear(4, 8)
        else:
            self.fc = nn.Linear(4, 2)

    def forward(self, x):
        self.kept = x
        return self.fc(x)


def test_of_a_construction_that_did_not_run_only_what_is_certain_is_said():
    notes = annotate(Branches(), torch.ones(2, 4), language="en")
    assert "40" not in line(notes, "self.fc = nn.Linear(4, 2)") + line(notes, "self.fc = nn.Linear(4, 8)")
    assert "this time" not in line(notes, "else:") and line(notes, "self.kept = None") == "Sets `self.kept` to `None`."
    assert "it is empty for now" in line(notes, "self.layers = nn.ModuleList()")
    built = annotate(Branches, language="en")
    assert "40 parameters" in line(built, "self.fc = nn.Linear(4, 8)")
    assert "it is empty for now" in line(built, "self.layers = nn.ModuleList()")


class Changing(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)])

    def forward(self, x):
        total = 1
        for i, layer in enumerate(self.layers):
            x = layer(x)
            total *= 2
            y = x * i
            z = x + 1
        return x, total, y, z


def test_a_line_that_runs_several_times_is_told_at_both_ends():
    notes = annotate(Changing(), torch.ones(3, 4), language="en")
    said = line(notes, "x = layer(x)")
    assert "The first time: a fully" in said and "3×4 → 3×8, 96 MACs. The last time (of 3):" in said
    assert said.endswith("3×8 → 3×2, 48 MACs.") and "becomes 2" in line(notes, "total *= 2")
    assert "becomes 8" in line(notes, "total *= 2") and "number by 2" in line(notes, "y = x * i")


class Truly(nn.Module):
    def forward(self, x, parts):
        y = skipping(parts)
        z = 0.5 * x[:, : x.size(1)]
        first = parts[0]
        size = x.size()[1:]
        w = torch.cos(x).requires_grad_(False)
        m = x.masked_fill(x > 0, -7.0)
        return y, z, first, size, w, m


def skipping(parts):
    kept = []
    for part in parts:
        if part is None:
            continue
        kept.append(part)
    return kept


def test_small_things_are_true():
    notes = annotate(Truly(), torch.ones(2, 3), [torch.ones(1), None], language="en")
    (_, helper), = notes.helpers
    skipped = " ".join(s.en for one in helper if one.text == "continue" for s in one.sentences)
    assert skipped == "Skips the rest of this round and goes on with the next."
    z = line(notes, "z = 0.5 * x[:, : x.size(1)]")
    assert "every number by 0.5" in z and "`[:, :x.size(1)]`" in z
    assert "out of `parts`" in line(notes, "first = parts[0]") and "`size` is 3" in line(notes, "size = x.size()[1:]")
    assert "the cosine" in line(notes, "w = torch.cos(x).requires_grad_(False)")
    assert "keep no record" in line(notes, "w = torch.cos(x).requires_grad_(False)")
    assert "fills in -7.0" in line(notes, "m = x.masked_fill(x > 0, -7.0)")


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6)

    def forward(self, x):
        a, _ = self.lstm(x)
        b = F.scaled_dot_product_attention(x, x, x)
        c = torch.fft.fft(x)
        return a, b, c


def test_macs_are_those_of_the_walk():
    notes = annotate(Recurrent(), torch.ones(3, 1, 4), language="en")
    assert f"{3 * 4 * 6 * (4 + 6)} MACs" in line(notes, "a, _ = self.lstm(x)")
    assert f"{2 * 3 * 4} MACs" in line(notes, "b = F.scaled_dot_product_attention(x, x, x)")
    assert "not counted" in line(notes, "c = torch.fft.fft(x)")
