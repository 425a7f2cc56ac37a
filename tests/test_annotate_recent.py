"""Blocks as they are written today: what `annotate` says is held against plain PyTorch, and Python's own tracing."""

import functools
import math
import sys

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk import annotate


def all_lines(notes):
    return [*notes.lines, *(line for _, lines in notes.helpers for line in lines)]


def said(notes, text, language="en"):
    one = next(line for line in all_lines(notes) if line.text == text)
    return " ".join(getattr(sentence, language) for sentence in one.sentences)


def of_lines(function, *inputs):
    """What is said of each line of a module that does nothing but call `function`."""

    class Calls(nn.Module):
        def forward(self, *args):
            return function(*args)

    return annotate(Calls(), *inputs, language="en")


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
    inner = [line for line in notes.lines if line.function in ("grown", "forward") and not line.text.startswith("def ")]
    assert {line.first for line in inner if line.ran} == seen
    assert "did not run" in said(notes, "self.longest = length") and "failed" not in said(notes, "self.longest = length")
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
