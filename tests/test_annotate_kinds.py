"""What `annotate` once said wrongly, or could not be asked: the truth is the plain call, or what the code does."""

import contextlib
import random
from typing import ClassVar

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from linewalk import WalkError, annotate, walk

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


async def nothing():
    """What can be waited for."""


def finished(coroutine):
    """What it gives back, without `asyncio`, which a browser's tests may be using in this thread."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value


class Every(nn.Module):
    def __init__(self):
        super().__init__()
        self.n, self.hist = 0, {}
        self.register_buffer("seen", torch.zeros(1))

    def parts(self, x):
        yield x + 1
        yield from [x, x]

    async def waits(self, x):
        async with contextlib.AsyncExitStack():
            await nothing()
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
        w = finished(self.waits(x))
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


class LetsGo(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.place = nn.Linear(4, 2), 0

    def forward(self, x):
        if x.dim() > 9:
            del self.fc
            for self.place in range(2):
                x = x + 1
        return self.fc(x)


def test_lines_that_let_go_of_a_layer_and_did_not_run_have_words():
    notes = annotate(LetsGo(), torch.ones(2, 4), language="en")
    assert "did not run. Drops this name" in line(notes, "del self.fc")
    assert line(notes, "for self.place in range(2):")


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
    assert "out of `parts`" in line(notes, "first = parts[0]")
    assert "`size` is (3,)" in line(notes, "size = x.size()[1:]")
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


# ---- findings: what they speak of, and the near misses at which they are quiet


class Holds(nn.Module):
    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


def holds(cls, *inputs, **parts):
    """A module of a class below, and what to call it with."""
    return cls(**parts), inputs


def said_of(net, inputs, gradients=True):
    with torch.set_grad_enabled(gradients):
        return " ".join(words.en for words in annotate(net, *inputs).findings)


class TwoHeads(Holds):
    def forward(self, x):
        return self.a(x), Result(self.b(x))


class Kept(Holds):
    def forward(self, x):
        self.loss = self.b(x).pow(2).mean()
        return self.a(x)


class Result:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("cls", [TwoHeads, Kept])
def test_gradients_reach_what_is_held_by_any_object(cls):
    assert said_of(*holds(cls, torch.rand(2, 4), a=nn.Linear(4, 4), b=nn.Linear(4, 4))) == ""


class First(Holds):
    def forward(self, x):
        return self.a(x)


def hidden(value):
    return holds(First, torch.rand(2, 4), a=nn.Linear(4, 4), **value)


def test_whatever_holds_parameters_unregistered():
    for value in (
        {"_parts": [nn.Linear(4, 4)]}, {"parts": {"a": [nn.Linear(4, 4)]}}, {"parts": ((nn.Linear(4, 4),),)},
        {"parts": [nn.Parameter(torch.ones(20))]}, {"w": torch.ones(20, requires_grad=True)},
    ):
        assert "20 " in said_of(*hidden(value)) and "no optimizer sees" in said_of(*hidden(value))
    inside, inputs = holds(First, torch.rand(2, 4), a=hidden({"parts": [nn.Linear(4, 4)]})[0])
    assert "`self.a.parts`" in said_of(inside, inputs)
    shared = nn.Linear(4, 4)
    for value in (
        {"parts": [nn.ReLU(), nn.Dropout()]}, {"parts": [nn.Linear(4, 4).requires_grad_(False)]},
        {"w": torch.ones(20)}, {"b": shared, "parts": [shared.requires_grad_(False)]}, {"parts": [1, "a", None]},
    ):
        assert "no optimizer sees" not in said_of(*hidden(value))


class Squashed(Holds):
    def forward(self, x, target):
        probabilities = self.net(x)
        return self.loss(probabilities.view(2, 3), target)


LABELS, SOFT = torch.tensor([0, 1]), torch.full((2, 3), 1 / 3)
BOTH = {"net": nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))}


@pytest.mark.parametrize(("parts", "target", "words"), [
    (BOTH | {"loss": nn.CrossEntropyLoss()}, LABELS, "has a softmax inside"),
    (BOTH | {"loss": nn.NLLLoss()}, LABELS, "wants logarithms"),
    ({"net": nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), "loss": nn.BCEWithLogitsLoss()}, SOFT, "a sigmoid inside"),
    ({"net": nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), "loss": nn.BCELoss()}, SOFT, ""),
    ({"net": nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1)), "loss": nn.NLLLoss()}, LABELS, ""),
    ({"net": nn.Linear(4, 3), "loss": nn.CrossEntropyLoss()}, LABELS, ""),
    (BOTH | {"loss": lambda p, t: F.nll_loss(p.log(), t)}, LABELS, ""),
    (BOTH | {"loss": lambda p, t: F.cross_entropy(p @ torch.rand(3, 3), t)}, LABELS, ""),
    (BOTH | {"loss": lambda p, t: F.cross_entropy(torch.rand(2, 3), p)}, LABELS, ""),
])
def test_probabilities_before_a_loss_that_wants_none(parts, target, words):
    found = said_of(*holds(Squashed, torch.rand(2, 4), target, **parts))
    assert words in found if words else found == ""


class Normed(Holds):
    def forward(self, x):
        return self.norm(self.layer(x))


def test_biases_of_every_layer_before_a_batch_norm():
    for layer, norm, x in (
        (nn.ConvTranspose2d(2, 3, 3), nn.BatchNorm2d(3), torch.rand(2, 2, 4, 4)),
        (nn.ConvTranspose1d(2, 3, 3), nn.BatchNorm1d(3), torch.rand(2, 2, 4)),
    ):
        assert "has 3 biases" in said_of(*holds(Normed, x, layer=layer, norm=norm))
    x = torch.rand(2, 2, 4, 4)
    assert said_of(*holds(Normed, x, layer=nn.ConvTranspose2d(2, 4, 3), norm=nn.GroupNorm(2, 4))) == ""
    one = holds(Normed, x, layer=nn.Conv2d(2, 3, 4, bias=False), norm=nn.InstanceNorm2d(3))
    assert "only 1 value" in said_of(*one)


class Steps(Holds):
    def forward(self, x):
        return self.layer(x)[0]


def test_training_mode_at_evaluation():
    rows = torch.rand(3, 2, 4)
    for cls, parts, x in (
        (Normed, {"layer": nn.Identity(), "norm": nn.Dropout1d(0.3)}, rows),
        (Normed, {"layer": nn.Identity(), "norm": nn.AlphaDropout(0.3)}, rows),
        (Steps, {"layer": nn.LSTM(4, 5, 2, dropout=0.5)}, rows),
    ):
        net, inputs = holds(cls, x, **parts)
        assert "Call `eval()`" in said_of(net, inputs, gradients=False)
        assert said_of(net.eval(), inputs, gradients=False) == ""
    for norm in (nn.Dropout(0.0), nn.BatchNorm1d(2, track_running_stats=False), nn.LayerNorm(4)):
        assert said_of(*holds(Normed, rows, layer=nn.Identity(), norm=norm), gradients=False) == ""


class Drops(Holds):
    def forward(self, x):
        return F.dropout(x, 0.5)


class DropsInTraining(Holds):
    def forward(self, x):
        return F.dropout(x, 0.5, self.training)


class DropsAlways(Holds):
    def forward(self, x):
        return F.dropout(x, p=0.5, training=True)


def test_a_dropout_that_does_not_know_of_evaluation():
    for cls, training, words in (
        (Drops, False, "drops in evaluation mode"), (Drops, True, ""), (DropsInTraining, False, ""),
        (DropsAlways, False, ""),
    ):
        net, inputs = holds(cls, torch.rand(4))
        assert words in said_of(net.train(training), inputs) and (words or said_of(net, inputs) == "")


class ByName(Holds):
    def forward(self, x):
        count = 2
        return self.a(x.view(count, 12))


class ByAttribute(Holds):
    def forward(self, x):
        return self.a(x.reshape((self.count, -1)))


class ByFunction(Holds):
    def forward(self, x):
        return self.a(torch.reshape(x, (2, 12)))


class ByZeros(Holds):
    def forward(self, x):
        state = torch.zeros(2, 3)
        return self.a(x.flatten(1)) + state


class ByRange(Holds):
    def forward(self, x):
        return torch.stack([self.a(x[i].flatten()) for i in range(2)])


class ByShape(Holds):
    def forward(self, x):
        count = x.shape[0]
        return self.a(x.view(count, 12)) + self.w.expand(count, 3)


class ByItself(Holds):
    def forward(self, x):
        return self.a(x.view(-1, 12)) + self.w.view(1, 3)


@pytest.mark.parametrize("cls", [ByName, ByAttribute, ByFunction, ByZeros, ByRange])
def test_a_batch_size_that_is_written_in(cls):
    found = said_of(*holds(cls, torch.rand(2, 3, 4), a=nn.Linear(12, 3), count=2))
    assert f"Line {cls.forward.__code__.co_firstlineno + 1 + (cls is ByName)} has a size written" in found


@pytest.mark.parametrize("cls", [ByShape, ByItself])
def test_a_batch_size_that_is_asked_for(cls):
    assert said_of(*holds(cls, torch.rand(2, 3, 4), a=nn.Linear(12, 3), w=nn.Parameter(torch.ones(3)))) == ""


class Flattened(Holds):
    def forward(self, x):
        x = self.pool(x)
        return self.a(x.flatten(1))


def test_a_layer_that_takes_pictures_of_one_size():
    x = torch.rand(2, 3, 4, 4)
    found = said_of(*holds(Flattened, x, a=nn.Linear(12, 3), pool=nn.AvgPool2d(2)))
    line = Flattened.forward.__code__.co_firstlineno + 2
    assert f"line {line} takes pictures of 4×4 only: with 8×8 it fails" in found
    assert said_of(*holds(Flattened, x, a=nn.Linear(12, 3), pool=nn.AdaptiveAvgPool2d(2))) == ""


class Nothing(Holds):
    def forward(self, x):
        self.a(x)


class NothingAtTimes(Holds):
    def forward(self, x):
        if x.sum() < 0:
            return x


class OnPurpose(Holds):
    def forward(self, x):
        self.kept = self.a(x)
        return None


class AtOnce(Holds):
    def forward(self, x):
        if x.sum() > 0: return  # noqa: E701
        return x


@pytest.mark.parametrize(("cls", "speaks"), [
    (Nothing, True), (NothingAtTimes, True), (OnPurpose, False), (AtOnce, False),
])
def test_a_return_that_is_missing(cls, speaks):
    assert ("`return` is missing" in said_of(*holds(cls, torch.ones(2, 4), a=nn.Linear(4, 4)))) == speaks


class Overwrites(Holds):
    def forward(self, x):
        self.w.add_(1)
        return x * self.w


class Numbers(nn.Module):
    def __init__(self):
        self.k = 3

    def forward(self, x):
        return x * self.k


def test_what_pytorch_refuses():
    assert "overwritten in place" in said_of(*holds(Overwrites, torch.ones(2), w=nn.Parameter(torch.ones(2))))
    notes = annotate(Numbers, inputs=torch.ones(2), language="en")
    assert "does not begin with `super().__init__()`" in notes.findings[0].en
    with pytest.raises(WalkError, match="has not run"):
        walk(Numbers(), torch.ones(2))
