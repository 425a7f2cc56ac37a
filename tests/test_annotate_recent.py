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
