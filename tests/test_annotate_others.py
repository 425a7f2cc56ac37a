"""Code as others write it: what `annotate` says is held against the plain call, Python's tracing, and hooks."""

import functools
import random
import re
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from test_annotate import all_lines, said
from torch.utils.flop_counter import FlopCounterMode

from linewalk import annotate, walk
from linewalk.__main__ import main


def found(notes):
    return " ".join(words.en for words in notes.findings)


# ---- which lines ran


class Tries(nn.Module):
    def forward(self, x, key="a"):
        table = {"b": 2.0}
        try:
            scale = table[key]
            scale = scale + 1
        except KeyError:
            scale = 1.0
        else:
            scale *= 2
        finally:
            done = True
        return x * scale if done else x


class Matches(nn.Module):
    def forward(self, x, key="a"):
        match (x, key):
            case (torch.Tensor(), "b"):
                y = x * 3
            case (one, other) if isinstance(other, str):
                y = one + 1
            case _:
                y = x
        match y.dim():
            case 2:
                return y.sum(-1)
        return y


class Searches(nn.Module):
    def forward(self, x, key="a"):
        for row in x:
            if row.sum() > 0:
                break
        else:
            x = x + 1
        if key == "a":
            return x * 2
        x = x * 3
        return x


class Closes(nn.Module):
    def forward(self, x, key="a"):
        def outer(scale):
            def inner(value):
                y = value * scale
                return y

            return inner

        def never(value):
            y = value + 1
            return y

        twice = outer(2)
        return twice(x) if key == "a" else never(x)


def ran(module, *inputs):
    """The lines of the file that run in a plain call, as Python reports them."""
    seen, file = set(), sys.modules[type(module).__module__].__file__

    def trace(frame, event, arg):
        if frame.f_code.co_filename != file:
            return None
        seen.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        module(*inputs)
    finally:
        sys.settrace(before)
    return seen


_NOT = ("did not run", "not reached", "nor did this line")


@pytest.mark.parametrize("cls", [Tries, Matches, Searches, Closes])
def test_a_line_is_said_not_to_have_run_where_it_did_not(cls):
    x = torch.ones(2, 3)
    lines, seen = annotate(cls(), x, language="en").lines, ran(cls(), x)
    told = {line.first: any(word in s.en for s in line.sentences for word in _NOT) for line in lines}
    computing = [line for line in lines if not line.text.endswith(":")]
    assert computing and {line.first: told[line.first] for line in computing} == {
        line.first: line.first not in seen for line in computing
    }


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.kept = nn.Linear(3, 3), []
        for p in self.fc.parameters(): p.requires_grad = False  # noqa: E701

        def hook(module, given, got):
            self.kept.append(got)

        self.fc.register_forward_hook(hook)

    def forward(self, x):
        return self.fc(x)


def test_a_hook_made_in_init_is_not_said_to_be_unused():
    module = Hooked()
    module(torch.ones(1, 3))
    assert len(module.kept) == 1  # it runs
    notes = annotate(Hooked, inputs=torch.ones(1, 3))
    assert "was not called" not in said(notes, "self.kept.append(got)")
    loop = next(line for line in notes.lines if line.text.startswith("for p in"))
    assert f"ran {len(list(module.fc.parameters()))} times" in " ".join(s.en for s in loop.sentences)
    assert "no optimizer changes it" in said(notes, "p.requires_grad = False")


class Reads(nn.Module):
    @functools.cached_property
    def table(self):
        return torch.arange(3.0)

    @property
    def scale(self):
        return 2.0

    @scale.setter
    def scale(self, value):
        self.kept = value

    def forward(self, x):
        self.scale = 3
        return x * self.table * self.scale


def test_properties_of_every_kind():
    notes = annotate(Reads(), torch.ones(2, 3))
    assert "table" in vars(notes.forward.module)  # it was read
    heads = [line for line in notes.lines if line.text.startswith("def ")]
    assert [any("Nothing called" in s.en for s in line.sentences) for line in heads] == [False] * 4
    assert "at the first reading" in " ".join(s.en for s in heads[0].sentences)


# ---- what a line does


class Writes(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("kept", torch.zeros(2, 3))

    def forward(self, x):
        torch.sin(x, out=self.kept)
        table = self.kept
        table[0] = 7
        rows = [x, x]
        rows[0] = x + 1
        first, *others = x.unbind(1)
        where, = torch.where(x[0] > 0)
        return table, rows, first, others, where


def test_where_a_line_writes_to():
    module, x = Writes(), torch.full((2, 3), 0.5)
    before = x.clone()
    kept = module.kept
    module(x)
    assert torch.equal(x, before) and module.kept is kept and (kept[0] == 7).all()
    notes = annotate(Writes(), x)
    assert "lands in `self.kept`'s own memory" in said(notes, "torch.sin(x, out=self.kept)")
    assert "one tensor" in said(notes, "table = self.kept")
    assert "in place" in said(notes, "table[0] = 7") and "`rows` at `[0]`" in said(notes, "rows[0] = x + 1")
    _, *others = x.unbind(1)
    assert f"`*others` takes the {len(others)} that are left" in said(notes, "first, *others = x.unbind(1)")
    assert "the second where it is false" not in said(notes, "where, = torch.where(x[0] > 0)")


class SharesMemory(nn.Module):
    def forward(self, x):
        h = x * 2
        first, rest = h[:, 0], h[:, 1:]
        first.mul_(2)
        rest += 1
        h[:, 1] = 0
        return h, first


def test_what_lies_in_the_same_memory_is_said_to_be_overwritten_too():
    notes, trail = annotate(SharesMemory(), torch.rand(2, 3)), walk(SharesMemory(), torch.rand(2, 3))
    for source, others in {"first.mul_(2)": ["h"], "rest += 1": ["h"], "h[:, 1] = 0": ["rest"]}.items():
        step = trail[source]
        assert [name for name in step.changed if not torch.equal(step.before(name), step.value(name))
                and name not in source] == others
        assert f"{' '.join(f'`{name}`' for name in others)} lies in the same memory" in said(notes, source)


class Injects(nn.Module):
    """A sum that is no shortcut: nothing of `x` is in what it is added to."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        state = torch.zeros_like(x)
        state = torch.tanh(self.lin(state) + x)
        with torch.autocast("cpu", enabled=False):
            state = self.lin(state)
        return state


def test_a_sum_is_residual_only_where_the_main_path_begins_at_the_shortcut():
    module, x = Injects(), torch.rand(2, 4, requires_grad=True)
    main = module.lin(torch.zeros_like(x))
    assert torch.autograd.grad(main.sum(), x, allow_unused=True) == (None,)  # it does not come from x
    notes = annotate(module, x)
    assert "esidual" not in said(notes, "state = torch.tanh(self.lin(state) + x)")
    header = next(line for line in notes.lines if line.text.startswith("with "))
    assert "shorter numbers" not in " ".join(s.en for s in header.sentences)


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.new = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 6, 3, dilation=2))
        self.old = nn.utils.spectral_norm(nn.Linear(6, 5))
        self.lazy = nn.LazyLinear(2)

    def forward(self, x):
        return self.lazy(self.old(self.new(x).mean(2)))


@pytest.mark.parametrize("inputs", [None, (torch.ones(2, 4, 9),)])
def test_a_layer_whose_weight_is_worked_out_is_told_as_it_was_built(inputs):
    notes = annotate(Normed, inputs=inputs)
    assert notes.error is None
    for line, plain in zip(notes.lines[3:5], (nn.Conv1d(4, 6, 3), nn.Linear(6, 5)), strict=True):
        text = " ".join(s.en for s in line.sentences)
        assert f"{sum(p.numel() for p in plain.parameters())} parameters" in text
        assert "×".join(map(str, plain.weight.shape)) in text
    assert "first call" in " ".join(s.en for s in notes.lines[5].sentences)


class Shapeless(nn.Module):
    def forward(self, x):
        a, b = x.mean(), x.sum(1)
        ones = torch.ones(3)
        size = len(ones)
        return a + b.mean(), size


def test_a_shape_is_told_from_a_number_and_in_each_language():
    notes = annotate(Shapeless(), torch.ones(2, 3), language="both")
    for line in notes.lines:
        for sentence in line.sentences:
            assert "scalar" not in sentence.zh and "标量" not in sentence.en
    assert "`a` = scalar, `b` = (2,)" in said(notes, "a, b = x.mean(), x.sum(1)")
    assert "of shape (3,)" in said(notes, "ones = torch.ones(3)") and "is 3" in said(notes, "size = len(ones)")


# ---- what happens without a line


@dataclass
class Result:
    logits: torch.Tensor
    loss: torch.Tensor | None = None


class GivesObjects(nn.Module):
    def forward(self, x):
        out = Result(x * 2)
        out.loss = x.mean()
        return out


class GivesNumbers(nn.Module):
    def forward(self, x):
        n = x.shape[0]
        n = n + 1
        return x * 1, n


class Draws(nn.Module):
    def forward(self, x):
        noise = np.random.rand() + random.random()
        unused = x + 1  # noqa: F841
        return x * noise


class Copies(nn.Module):
    def forward(self, x):
        x = x.clone()
        x[0] = 5
        return x


def test_what_is_tried_is_held_against_all_that_comes_back():
    x = torch.ones(2, 3)
    assert "did not change" not in said(annotate(GivesObjects(), x), "out.loss = x.mean()")
    assert "values differ" in said(annotate(GivesNumbers(), x), "n = n + 1")
    assert "did not change" in said(annotate(Draws(), x), "unused = x + 1")
    assert "input is overwritten" in said(annotate(Copies(), torch.ones(2, 3)), "x = x.clone()")


# ---- findings


class HasAuxiliary(nn.Module):
    def __init__(self, kept=None):
        super().__init__()
        self.main, self.aux, self.idle = nn.Linear(3, 3), nn.Linear(3, 2), nn.Linear(3, 1)
        self.kept = kept

    def forward(self, x):
        y = self.main(x)
        self.given = [x]
        if self.training:
            return y, self.aux(y)
        return y


def test_what_only_training_uses_is_not_called_unused():
    notes = annotate(HasAuxiliary().eval(), torch.ones(2, 3))
    assert "`idle`" in found(notes) and "aux" not in found(notes)
    module = HasAuxiliary().train()
    sum(one.sum() for one in module(torch.ones(2, 3))).backward()
    assert module.aux.weight.grad is not None and module.idle.weight.grad is None


def test_tensors_that_want_gradients_in_containers():
    lost = {"scale": torch.ones(5, requires_grad=True)}
    module = HasAuxiliary(lost).eval()
    assert not any(p is lost["scale"] for p in module.parameters())
    assert "`self.kept`" in found(annotate(module, torch.ones(2, 3))) and "5 parameters" in found(
        annotate(module, torch.ones(2, 3))
    )
    # An input that is only kept is no parameter.
    assert "self.given" not in found(annotate(HasAuxiliary().eval(), torch.ones(2, 3, requires_grad=True)))


# ---- a submodule's own trail


class HasHooks(nn.Module):
    """Its layers work out their weights in a hook before each forward, the old way."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(torch.nn.utils.weight_norm(nn.Conv1d(4, 4, 3, padding=1)) for _ in range(2))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_into_a_layer_with_a_hook_that_computes():
    net, x, seen = HasHooks(), torch.rand(1, 4, 8), []
    net.layers[1].register_forward_hook(lambda module, given, got: seen.append(got))
    trail = walk(net, x, into="layers.1").into("layers.1")
    assert torch.equal(trail.output, seen[0]) and len(trail) and trail[0].source.startswith("def forward")
    with FlopCounterMode(display=False) as counter:
        F.conv1d(x, net.layers[1].weight, padding=1)
    assert trail.macs == counter.get_total_flops() // 2
    assert annotate(net, x, into="layers.1").error is None


# ---- modules that fail


def fails(build, *inputs):
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = build()

        def forward(self, *args):
            return self.layer(*args)

    return annotate(Fails, inputs=inputs, language="both")


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


FAILURES = {
    "a number beyond the table": (lambda: nn.Embedding(5, 3), (torch.tensor([5]),), "num_embeddings"),
    "numbers that are not whole": (lambda: nn.Embedding(5, 3), (torch.rand(2),), "x.long()"),
    "a label that is no class": (nn.CrossEntropyLoss, (torch.rand(2, 3), torch.tensor([0, 4])), "4"),
    "view": (lambda: Calls(lambda x: x.t().view(-1)), (torch.rand(2, 3),), "reshape"),
    "cat": (lambda: Calls(lambda a, b: torch.cat([a, b], 1)), (torch.rand(1, 2, 8), torch.rand(1, 2, 9)), "F.pad"),
    "a tuple": (lambda: nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 2)), (torch.rand(2, 3),), "out, _ ="),
    "groups": (lambda: nn.GroupNorm(4, 6), (torch.rand(1, 6, 2),), "divides the channels"),
    "heads": (lambda: nn.MultiheadAttention(10, 3), (), "num_heads"),
    "a small input": (lambda: nn.Conv2d(3, 3, 7), (torch.rand(1, 3, 4, 4),), "padding"),
    "an if": (lambda: Calls(lambda x: x if x > 0 else -x), (torch.rand(2),), ".any()"),
    "numpy": (lambda: Calls(lambda x: (x * 1).numpy()), (torch.rand(2, requires_grad=True),), ".detach().numpy()"),
    "a function in a container": (lambda: nn.Sequential(F.relu), (torch.rand(2),), "nn.ReLU()"),
    "too few": (lambda: Calls(lambda x: [1 for a, b, c in [x.shape]]), (torch.rand(2, 3),), "3 names on the left"),
    "einsum": (lambda: Calls(functools.partial(torch.einsum, "ij,jk")), (torch.rand(2, 3), torch.rand(4, 2)), "ter j "),
    "None": (lambda: Calls(lambda x: None.relu()), (torch.rand(2),), "`return`"),
    "a key": (lambda: Calls(lambda x: x["mask"]), ({"image": 1},), "`mask`"),
    "a list of layers": (lambda: nn.ModuleList([nn.ReLU()]), (torch.rand(2),), "nn.Sequential"),
    "complex": (lambda: nn.Linear(2, 2), (torch.randn(2, dtype=torch.cfloat),), "torch.view_as_real"),
    "a number in a list": (lambda: Calls(lambda x: [x][1]), (torch.rand(2),), "len(…)"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_failing_line_says_what_to_do(name):
    build, inputs, way_out = FAILURES[name]
    with pytest.raises(Exception):  # noqa: B017 (each raises another)
        build()(*inputs)
    notes = fails(build, *inputs)
    failed = notes.error.trail.failed.error
    assert way_out in failed.en.split("It says")[0]
    advice = re.sub(r"^.*? 出错。(用到的张量：.*?。)?", "", failed.zh)
    assert advice and not advice.startswith("报错是"), failed.zh
    assert any(failed.en == s.en for line in all_lines(notes) for s in line.sentences)


class WritesOverAPart(nn.Module):
    def forward(self, x):
        first, rest = (x * 1).chunk(2)
        first += rest
        return first


def test_a_line_that_failed_as_a_whole_is_named_once():
    notes = annotate(WritesOverAPart(), torch.ones(2, requires_grad=True), language="both")
    for language in ("en", "zh"):
        assert said(notes, "first += rest", language).count("`first += rest`") == 1
    assert ".clone()" in said(notes, "first += rest")


class Wraps(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        try:
            return self.fc(x)
        except RuntimeError as error:
            raise ValueError("a bad input") from error


def test_an_error_stands_on_the_line_that_raised_it():
    notes = annotate(Wraps(), torch.ones(2, 4))
    assert "a bad input" not in said(notes, "return self.fc(x)")
    assert "a bad input" in said(notes, 'raise ValueError("a bad input") from error')


# ---- the command

MODEL = """
import torch, torch.nn as nn
class Net(nn.Module):
    def __init__(self, width, act="relu"):
        super().__init__()
        self.fc, self.act = nn.Linear(width, 2), getattr(torch, act)
    def forward(self, x):
        return self.act(self.fc(x))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["model.py"],
        [":Net"],
        ["model.py::Net"],
        ["model.py:Other"],
        ["empty.py:Net"],
        ["leaves.py:Net"],
        ["model.py:Net", "--language", "fr"],
        ["model.py:Net", "--bogus"],
        ["model.py:Net", "--init", "3,**{'act':1}"],
        ["model.py:Net", "--init", "3", "--input", "1;3"],
        ["model.py:Net", "--init", "3", "--input", "1,99999999,99999999"],
        ["model.py:Net", "--init", "3", "--input", "2,3", "--integers", "0"],
        ["model.py:Net", "--init", "3", "--input", "2,3", "--integers", "-3"],
        ["model.py:Net", "--init", "3", "--input", "2,3", "--output", "nowhere/notes.py"],
        ["model.py:Net", "--init", "3", "--input", "2,3", "--output", "folder.py"],
    ],
    ids=" ".join,
)
def test_bad_arguments_get_a_sentence_in_each_language(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(4)\n")
    (tmp_path / "folder.py").mkdir()
    assert main(arguments) == 1
    said_of_it = capsys.readouterr().err.strip().splitlines()
    assert len(said_of_it) == 2
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said_of_it[0]) and said_of_it[1].isprintable()
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in said_of_it[1])


def test_full_width_punctuation_is_understood(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "model.py").write_text(MODEL)
    assert main(["model.py：Net", "--init", "3", "--input", "2，3", "--language", "en"]) == 0
    assert "2×3 → 2×2" in capsys.readouterr().out
