"""Blocks as they are written today: what `annotate` says is held against plain PyTorch, and Python's own tracing."""

import copy
import functools
import math
import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from test_annotate import said

from linewalk import annotate, walk, walk_init

# ---- which line it is


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Decorated(nn.Module):
    def __init__(self):
        super().__init__()
        self.longest = 4
        self.fc = nn.Linear(3, 3)

    @torch.no_grad()
    @logged
    def grown(self, length):
        if length > self.longest:
            self.longest = length
        return self.longest

    @torch.no_grad()
    def forward(self, x):
        longest = self.grown(x.shape[0])
        y = self.fc(x)
        return y * longest


def plain_lines(module, *inputs):
    """The lines of this file that Python runs in a plain call, but for those of `logged`."""
    seen = set()

    def trace(frame, event, arg):
        if frame.f_code.co_filename != __file__ or frame.f_code.co_name == "wrapper":
            return None
        if event == "line":
            seen.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        module(*inputs)
    finally:
        sys.settrace(before)
    return seen


def test_a_decorated_functions_lines_are_its_own():
    x = torch.ones(2, 3)
    notes, seen = annotate(Decorated(), x, language="en"), plain_lines(Decorated(), x)
    inner = [line for line in notes.lines if line.function in ("grown", "forward") and "def " not in line.text]
    assert {line.first for line in inner if line.ran} == seen
    words = said(notes, "self.longest = length")
    assert "did not run" in words and "failed" not in words
    steps = {step.lineno for line in inner for step in line.steps}
    assert steps == seen


def test_a_decorated_function_fails_on_its_own_line():
    notes = annotate(Decorated(), torch.ones(2, 4), language="both")
    with pytest.raises(RuntimeError):
        Decorated()(torch.ones(2, 4))
    assert notes.error.trail.failed.error.en in said(notes, "y = self.fc(x)")


# ---- what is said of one call is true of that call


@pytest.mark.parametrize("name", ["float", "double", "half", "long", "int", "bool"])
@pytest.mark.parametrize("given", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_a_type_that_is_there_already_is_not_changed(name, given):
    x = torch.ones(2, 3).to(given)

    class Casts(nn.Module):
        def forward(self, x):
            return getattr(x, name)()

    words = said(annotate(Casts(), x, language="en"), "return getattr(x, name)()")
    assert ("nothing is done" in words) == (getattr(x, name)() is x)
    assert ("hanges the type" in words) == (getattr(x, name)() is not x)


class Starts(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.empty(30, 20), torch.empty(30, 20)
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        nn.init.kaiming_normal_(self.a, a=0.2)
        nn.init.kaiming_normal_(self.a, mode="fan_out", nonlinearity="relu")
        nn.init.kaiming_uniform_(self.a, a=1)
        nn.init.kaiming_normal_(self.a, nonlinearity="tanh")
        nn.init.zeros_(self.a)
        nn.init.ones_(self.b)


def test_why_a_start_is_as_it_is():
    notes = annotate(Starts, language="en")
    words = said(notes, "nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))")
    bound = nn.init.kaiming_uniform_(torch.empty(30, 20), a=math.sqrt(5)).abs().max()
    assert bound <= 1 / math.sqrt(20) < bound * 1.05 and "±1/√`fan_in`" in words and "ReLU" not in words
    assert "slope 0.2" in said(notes, "nn.init.kaiming_normal_(self.a, a=0.2)")
    words = said(notes, 'nn.init.kaiming_normal_(self.a, mode="fan_out", nonlinearity="relu")')
    assert "passes ReLUs" in words and "`fan_out`" in words
    assert "ReLU" not in said(notes, "nn.init.kaiming_uniform_(self.a, a=1)")
    assert "`tanh`" in said(notes, 'nn.init.kaiming_normal_(self.a, nonlinearity="tanh")')
    assert "as 0 everywhere" in said(notes, "nn.init.zeros_(self.a)")
    assert "as 1 everywhere" in said(notes, "nn.init.ones_(self.b)")


class Built(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.LayerNorm(6, bias=False)
        self.b = nn.LayerNorm((4, 6), bias=False)
        self.c = nn.AdaptiveAvgPool2d((None, 1))
        self.d = nn.Conv1d(8, 8, 3, groups=8)
        self.e = nn.ParameterList([torch.ones(2, 3), torch.ones(4)])
        self.f = torch.Tensor(2, 3)
        self.g = torch.Tensor([2.0, 3.0])
        self.h = torch.FloatTensor(5)
        self.register_buffer("i", None)
        self.part = nn.ReLU()
        self.part.eval()
        self.part.train(False)
        self.part.train()

    def forward(self, x):
        return self.c(self.d(x).unsqueeze(0))


def test_what_was_built_is_told_as_it_is():
    notes = annotate(Built, inputs=torch.ones(2, 8, 9), language="en")
    assert "(γ, and no β)" in said(notes, "self.a = nn.LayerNorm(6, bias=False)")
    assert "24 parameters" in said(notes, "self.b = nn.LayerNorm((4, 6), bias=False)")
    assert "None leaves" in said(notes, "self.c = nn.AdaptiveAvgPool2d((None, 1))")
    assert "kernel of length 3" in said(notes, "return self.c(self.d(x).unsqueeze(0))")
    assert "2 parameters, 10 numbers" in said(notes, "self.e = nn.ParameterList([torch.ones(2, 3), torch.ones(4)])")
    assert "means nothing until it is filled" in said(notes, "self.f = torch.Tensor(2, 3)")
    assert "shape (5,)" in said(notes, "self.h = torch.FloatTensor(5)")
    assert "Python's numbers, of shape (2,)" in said(notes, "self.g = torch.Tensor([2.0, 3.0])")
    assert "None" in said(notes, 'self.register_buffer("i", None)')
    assert "saved" not in said(notes, 'self.register_buffer("i", None)')
    assert "evaluation mode" in said(notes, "self.part.eval()") and "training" not in said(notes, "self.part.eval()")
    assert "evaluation mode" in said(notes, "self.part.train(False)")
    assert "training mode" in said(notes, "self.part.train()") and "evaluation" not in said(notes, "self.part.train()")


class Lays(nn.Module):
    def forward(self, x, hidden, row):
        a = row.expand(4, -1)
        b = row[None].expand(4, -1)
        c = x.expand(2, 3)
        d = x.masked_fill(hidden, -9.0)
        e = x.masked_fill(x > 1, 0.5)
        f = torch.zeros(2, dtype=torch.bool)
        g = torch.full((2, 2), float("-inf"))
        h = torch.full_like(x, 7)
        i = x.new_full((3,), 5.0)
        j = torch.sort(x, dim=0, descending=True)
        k = x.argsort()
        m = x.sum((0, 1)) + x.mean(dim=[0, 1])
        n = x[hidden]
        o = x[torch.tensor([1, 0, 1])]
        p = x[:, [-1]]
        q = row.zero_()
        return a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q


def test_what_is_laid_out_filled_sorted_and_picked():
    notes = annotate(Lays(), torch.randn(2, 3), torch.rand(2, 3) > 0.5, torch.rand(3), language="en")
    assert "new dimensions in front" in said(notes, "a = row.expand(4, -1)")
    assert "length 1" not in said(notes, "a = row.expand(4, -1)")
    assert "length 1" in said(notes, "b = row[None].expand(4, -1)")
    assert "nothing to spread" in said(notes, "c = x.expand(2, 3)")
    assert "Where `hidden` is true" in said(notes, "d = x.masked_fill(hidden, -9.0)")
    assert "here `x > 1` is true" in said(notes, "e = x.masked_fill(x > 1, 0.5)")
    assert "False everywhere" in said(notes, "f = torch.zeros(2, dtype=torch.bool)")
    assert "-inf everywhere" in said(notes, 'g = torch.full((2, 2), float("-inf"))')
    assert "7 everywhere" in said(notes, "h = torch.full_like(x, 7)")
    assert "5.0 everywhere" in said(notes, "i = x.new_full((3,), 5.0)")
    assert "dimension 0, the largest first" in said(notes, "j = torch.sort(x, dim=0, descending=True)")
    assert "dimension -1, the smallest first" in said(notes, "k = x.argsort()")
    words = said(notes, "m = x.sum((0, 1)) + x.mean(dim=[0, 1])")
    assert "sum along dimensions 0, 1" in words and "mean along dimensions 0, 1" in words
    assert "where `hidden` is true" in said(notes, "n = x[hidden]")
    assert "by number" in said(notes, "o = x[torch.tensor([1, 0, 1])]") and "by number" in said(notes, "p = x[:, [-1]]")
    assert "with 0" in said(notes, "q = row.zero_()")


LAST, KEPT = 1, 0.25


class ByGlobals(nn.Module):
    def forward(self, x, **options):
        a = torch.cat([x, x], LAST)
        b = F.dropout(x, KEPT, self.training)
        c = F.softmax(x, dim=LAST)
        d = x.transpose(LAST - 1, LAST)
        e = x.argmax(**options)
        f = torch.full((2, 2), KEPT)
        return a, b, c, d, e, f


def test_what_a_name_of_the_file_stands_for_is_known():
    x = torch.randn(2, 3)
    notes = annotate(ByGlobals(), x, dim=0, language="en")
    words = said(notes, "a = torch.cat([x, x], LAST)")
    assert torch.cat([x, x], LAST).shape == (2, 6) and "dimension 1" in words and "3 + 3 make 6" in words
    assert "0.25" in said(notes, "b = F.dropout(x, KEPT, self.training)")
    assert "dimension 1" in said(notes, "c = F.softmax(x, dim=LAST)")
    assert "dimensions 0 and 1" in said(notes, "d = x.transpose(LAST - 1, LAST)")
    assert x.argmax(dim=0).shape == (3,) and "largest number" not in said(notes, "e = x.argmax(**options)")
    assert "0.25 everywhere" in said(notes, "f = torch.full((2, 2), KEPT)")


# ---- how often


class Loops(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.zeros(3, 2)
        for row in range(3):
            for column in (0, 1):
                self.table[row, column] = row
        for row in range(3):
            with torch.no_grad():
                self.table[row] += 1

    def forward(self, x):
        for _ in range(3):
            x = sum([x + i for i in range(4)])
        for _ in range(3):
            for _ in range(2):
                x = x + 1
        for _ in range(2):
            with torch.no_grad():
                x = x + 1
        for _ in range(2):
            try:
                x = x + 1
            finally:
                x = x + 1
        for _ in range(2):
            while x.sum() < 0:
                x = x + 1
        for _ in range(2):
            if x.sum() < 0:
                x = x + 1
        return x


def test_how_often_loops_ran():
    notes = annotate(Loops, inputs=torch.ones(2), language="en")
    told = [
        (line.text, next(s.en for s in line.sentences if s.en.startswith("A loop")).split(" ran ")[1])
        for line in notes.lines if line.text.startswith("for ")
    ]
    wanted = [("for row in range(3):", 3), ("for column in (0, 1):", 6), ("for row in range(3):", 3)]
    wanted += [("for _ in range(3):", 3), ("for _ in range(3):", 3), ("for _ in range(2):", 6)]
    wanted += [("for _ in range(2):", 2)] * 4
    assert told == [(text, f"{times} times.") for text, times in wanted]


class CallsOften(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = self.made(3, 4), self.made(4, 5)

    def made(self, width, out):
        return nn.Linear(width, out)

    def once(self, x):
        return self.a(x)

    def twice(self, x, scale=1.0):
        y = x * scale
        return y + 1

    def forward(self, x):
        return self.twice(self.twice(self.b(self.once(x))), 2.0)


def test_how_often_a_function_was_called():
    notes = annotate(CallsOften, inputs=torch.ones(2, 3), language="both")
    assert "The first time (of 2): `width` = 3, `out` = 4." in said(notes, "def made(self, width, out):")
    assert "The first time (of 2): `x` = 2×5, `scale` = 1.0." in said(notes, "def twice(self, x, scale=1.0):")
    assert "第一次（共 2 次）" in said(notes, "def twice(self, x, scale=1.0):", "zh")
    assert "This time: `x` = 2×3." in said(notes, "def once(self, x):")


# ---- sums that are residual, and sums that are not


class Losses(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.mean, self.spread = nn.Linear(6, 4), nn.Linear(4, 3), nn.Linear(4, 3)
        self.back = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 6))

    def forward(self, x):
        h = self.body(x)
        mean, spread = self.mean(h), self.spread(h)
        recon = F.mse_loss(self.back(mean + spread), x, reduction="none")
        prior = mean**2 + spread
        each = recon.sum(1) + prior.sum(1)
        return recon.mean() + prior.mean(), each


class Gates(nn.Module):
    def __init__(self):
        super().__init__()
        self.z, self.r, self.n, self.skip = (nn.Linear(4, 4) for _ in range(4))

    def forward(self, h):
        z = torch.sigmoid(self.z(h))
        n = torch.tanh(self.n(torch.sigmoid(self.r(h)) * h))
        gated = (1 - z) * n + z * h
        projected = self.skip(gated) + self.n(self.r(gated))
        return projected + h


class Straight(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        x = self.fc(x)
        q = torch.round(x)
        q = x + (q - x).detach()
        p = (q.sign() - q).detach() + q
        return p


def test_only_a_shortcut_makes_a_residual_sum():
    notes = annotate(Losses(), torch.randn(2, 6), language="en")
    assert "residual" not in " ".join(s.en for line in notes.lines for s in line.sentences)
    notes = annotate(Gates(), torch.randn(2, 4), language="en")
    assert "residual" not in said(notes, "gated = (1 - z) * n + z * h")
    assert "residual" in said(notes, "projected = self.skip(gated) + self.n(self.r(gated))")
    assert "residual" in said(notes, "return projected + h").lower()


def test_a_sum_through_which_the_gradient_goes_straight():
    notes, x = annotate(Straight(), torch.randn(2, 3), language="en"), torch.randn(2, 3, requires_grad=True)
    assert "the values of `q`" in said(notes, "q = x + (q - x).detach()")
    assert "goes to `x`" in said(notes, "q = x + (q - x).detach()")
    assert "the values of `q.sign()`" in said(notes, "p = (q.sign() - q).detach() + q")
    (x + (torch.round(x) - x).detach()).sum().backward()
    assert torch.equal(x.grad, torch.ones(2, 3))


# ---- what is written where


class Cached(nn.Module):
    def __init__(self):
        super().__init__()
        self.cache = torch.zeros(2, 8, 3)
        self.heads, self.seen = nn.ModuleDict(), {}
        self.heads["first"] = nn.Linear(3, 2)
        self.embedding, self.out = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.out.weight = self.embedding.weight

    @torch.inference_mode()
    def forward(self, x):
        self.cache[:, :4] = x
        self.seen["x"] = x
        x = x.clone()
        x[torch.tensor([0])][0] = 5.0
        x[0][1] = 7.0
        return x, self.cache.clone()


def test_what_an_index_on_the_left_writes_into():
    x = torch.ones(2, 4, 3)
    notes, (y, cache) = annotate(Cached, inputs=x, language="en"), Cached()(x)
    assert torch.equal(cache[:, :4], x) and "in place: `self.cache`" in said(notes, "self.cache[:, :4] = x")
    assert "registers it; its name is `'first'`" in said(notes, 'self.heads["first"] = nn.Linear(3, 2)')
    assert "in the place of what was there" in said(notes, 'self.seen["x"] = x')
    assert y[0, 0, 0] == 1 and "`x` does not change" in said(notes, "x[torch.tensor([0])][0] = 5.0")
    assert y[0, 1, 0] == 7 and "in place" in said(notes, "x[0][1] = 7.0")
    words = said(notes, "self.out.weight = self.embedding.weight")
    net = Cached()
    assert net.out.weight is net.embedding.weight and "one weight, 5×3 (weight tying)" in words
    assert "`@torch.inference_mode()`: no record is kept" in said(notes, "def forward(self, x):")


# ---- functions, classes and objects of the reader's own


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


@dataclass
class Out:
    logits: torch.Tensor


class Makes(nn.Module):
    acts: ClassVar = {"relu": F.relu, "twice": lambda x: 2 * x}

    def __init__(self):
        super().__init__()
        setattr(self, "fc_" + "a", nn.Linear(3, 3))
        self.blocks = nn.ModuleList()
        self.blocks.append(nn.Linear(3, 3))
        self.teacher = copy.deepcopy(self.blocks)

    @classmethod
    def size(cls):
        return 3

    def forward(self, x):
        x = Sign.apply(self.fc_a(x))
        parts = {"x": x, "n": self.size()}
        kept = [1]
        kept.insert(0, x)
        y = parts.get("y", 2)
        return Out(logits=x * y), parts | {"z": x}


def test_what_readers_write_themselves():
    notes = annotate(Makes, inputs=torch.randn(2, 3), language="en")
    assert " at 0x" not in str(notes) and "function relu" not in said(notes, notes.lines[1].text)
    assert "just as `self.fc_a = …`" in said(notes, 'setattr(self, "fc_" + "a", nn.Linear(3, 3))')
    assert "registers it" in said(notes, "self.blocks.append(nn.Linear(3, 3))")
    assert "what changes in one does not in the other" in said(notes, "self.teacher = copy.deepcopy(self.blocks)")
    assert "its own `backward`" in said(notes, 'x = Sign.apply(self.fc_a(x))')
    assert "{'x': 2×3, 'n': 3}" in said(notes, 'parts = {"x": x, "n": self.size()}')
    assert "at the front" in said(notes, "kept.insert(0, x)")
    assert "and 2 is given" in said(notes, 'y = parts.get("y", 2)')
    assert "an object of the class `Out`" in said(notes, 'return Out(logits=x * y), parts | {"z": x}')
    assert "the class itself" in said(notes, "def size(cls):")


# ---- failures whose usual way out would be false advice


class AddsMask(nn.Module):
    def forward(self, scores, mask):
        scores = scores + mask
        return scores


class TimesMask(nn.Module):
    def forward(self, x, mask):
        return x * mask


class AddsPlaces(nn.Module):
    def forward(self, x, place):
        return x + place[:, : x.size(1) + 1]


@pytest.mark.parametrize(
    ("cls", "one", "other"),
    [(AddsMask, (2, 4, 5), (3, 5)), (TimesMask, (2, 8, 4, 4), (2, 6, 4, 4)), (AddsPlaces, (2, 6, 8), (1, 4, 8))],
)
def test_what_is_no_shortcut_is_not_told_to_be_one(cls, one, other):
    one, other = torch.rand(one), torch.rand(other)
    with pytest.raises(RuntimeError):
        cls()(one, other)
    words = annotate(cls(), one, other, language="en").error.trail.failed.error.en
    assert "do not fit" in words and "residual" not in words and "downsample" not in words


class Misspelt(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def foward(self, x):
        return self.fc(x)


def test_a_forward_that_is_misspelt_is_found():
    notes = annotate(Misspelt, inputs=torch.ones(2), language="en")
    assert "has no `forward`, but a `foward`" in " ".join(finding.en for finding in notes.findings)
    assert annotate(Misspelt, language="en").findings == []


# ---- each round as it was


class Rounds(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(2, 8), nn.Linear(8, 8), nn.Linear(8, 3)])
        self.same = nn.ModuleList([nn.Linear(3, 3) for _ in range(4)])

    def forward(self, x):
        for i, part in enumerate(self.parts):
            x = part(x) if i == 2 else torch.tanh(part(x))
        for part in self.same:
            x = x + part(x)
        total = 0
        for part in self.same:
            total = total + part(x)
            x = part(x)
        return x + total


def test_each_round_is_told_as_it_was():
    notes, x = annotate(Rounds(), torch.randn(5, 2), language="en"), torch.randn(5, 2)
    words = said(notes, "x = part(x) if i == 2 else torch.tanh(part(x))")
    first, last = words.split("The last time (of 3):")
    assert Rounds().parts[0](x).shape == (5, 8) and "5×2 → 5×8" in first and "tanh" in first and "5×3" not in first
    assert "5×8 → 5×3" in last and "tanh" not in last and "5×8; " not in last
    assert "residual" in said(notes, "x = x + part(x)") and "element by element" not in said(notes, "x = x + part(x)")
    assert "residual" not in said(notes, "total = total + part(x)")


class Own(nn.Conv1d):
    def __init__(self, width, *args):
        self.padded = int(np.sqrt(4))
        self.scale = np.sqrt(width) / 2
        super().__init__(width, *args)

    def kernel(self, length):
        return torch.arange(length)

    def forward(self, x):
        y = super().forward(F.pad(x, (self.padded, 0)))
        places = self.kernel(3)
        zeros = x.new_zeros(2, 5)
        slope = torch.autograd.grad(y.sum(), self.weight)[0]
        return y, places, zeros, slope, math.sin(0.5)


def test_what_a_parents_forward_and_ones_own_methods_give():
    net, x = Own(9, 4, 3), torch.randn(1, 9, 8)
    notes = annotate(Own, 9, 4, 3, inputs=x, language="en")
    words = said(notes, "y = super().forward(F.pad(x, (self.padded, 0)))")
    assert net(x)[0].shape == (1, 4, 8) and "one-dimensional convolution with a kernel of 3" in words
    assert "1×9×10 → 1×4×8" in words
    assert "`kernel`, which gives (3,)" in said(notes, "places = self.kernel(3)")
    assert "1×9×8" not in said(notes, "zeros = x.new_zeros(2, 5)")
    assert "gradient of `y.sum()`" in said(notes, "slope = torch.autograd.grad(y.sum(), self.weight)[0]")
    assert "np.float64" not in str(notes) and "is 1.5 here" in said(notes, "self.scale = np.sqrt(width) / 2")


class Reckons(nn.Module):
    def forward(self, x, eps=0.5):
        a = x + eps
        b = x - 3
        c = 1 - x
        d = x / 8
        e = 2.0 / x
        x -= 4
        return a, b, c, d, e, x


def test_which_number_stands_on_which_side():
    notes = annotate(Reckons(), torch.ones(2, 3), language="en")
    for text, words in {
        "a = x + eps": "Adds 0.5 to every number.",
        "b = x - 3": "Subtracts 3 from every number.",
        "c = 1 - x": "1 minus each number.",
        "d = x / 8": "Divides every number by 8.",
        "e = 2.0 / x": "2.0 divided by each number.",
        "x -= 4": "Subtracts 4 from every number.",
    }.items():
        assert words in said(notes, text) and "lement by element" not in said(notes, text), text


def timed(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Timed(nn.Module):
    @timed
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    @timed
    def helper(self, x):
        y = self.fc(x)
        return y

    @timed
    def forward(self, x):
        x = self.helper(x)
        return x + 1


class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1, 2)

    def forward(self, x):
        return self.fc(x)


def test_a_decorator_that_does_not_say_what_it_wraps():
    notes = annotate(Timed, inputs=torch.ones(2, 3), language="en")
    assert notes.error is None and "fully connected layer" in said(notes, "y = self.fc(x)")
    assert "12 parameters" in said(notes, "self.fc = nn.Linear(3, 3)")
    assert "numbers of the last dimension are mixed" in said(notes, "y = self.fc(x)")
    one = annotate(Narrow(), torch.ones(2, 1), language="en")
    assert "the 1 number of the last dimension is mixed" in said(one, "return self.fc(x)")
    assert "adds 1 to every number" in said(notes, "return x + 1").lower()
    assert "2×3" in said(notes, "def helper(self, x):")
    steps = [step.source for step in walk(Timed(), torch.ones(2, 3))]
    assert steps[:2] == ["def forward(self, x):", "x = self.helper(x)"] and "y = self.fc(x)" in steps
    assert walk_init(Timed)["self.fc = nn.Linear(3, 3)"].registered.keys() >= {"fc"}


class Compiles(nn.Module):
    @torch.compile(backend="eager")
    def faster(self, x):
        z = x * 3
        return z

    def never(self, x):
        z = x * 4
        return z

    def forward(self, x):
        return self.faster(x)


def test_a_method_that_runs_compiled_is_not_said_to_be_idle():
    notes = annotate(Compiles(), torch.ones(2), language="en")
    assert "Nothing called it" not in said(notes, "def faster(self, x):")
    assert "Nothing called it" in said(notes, "def never(self, x):")


def test_functions_that_hold_each_other_are_walked():
    def plus(x, deeper=False):
        return minus(x) if deeper else x + 1

    def minus(x):
        return plus(x) - 2

    def forward(self, x, deeper=True):
        x = plus(x, deeper) if deeper else later
        return x

    if forward is None:
        later = 0  # it never gets here, and what forward holds stays empty
    trail = walk(type("Holds", (nn.Module,), {"forward": forward})(), torch.ones(2))
    assert torch.equal(trail.output, torch.zeros(2)) and len(trail) == 3
