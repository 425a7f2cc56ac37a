"""The numbers of the page's own `torch`, computed by its JavaScript, are PyTorch's."""

import functools
import re

import in_node
import pytest
import torch_values
from conftest import ROOT

NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]\d+)?")
LAST_DIGIT = 1.01e-4  # of four that are printed


@functools.cache
def ours():
    return in_node.run("import json, torch_values\njson.dumps(torch_values.printed())", ROOT / "tests")


@functools.cache
def pytorchs():
    return torch_values.printed()


@pytest.mark.parametrize("name", torch_values.PROGRAMS)
def test_it_prints_what_pytorch_prints(name):
    assert_the_same(pytorchs()[name], ours()[name])


def assert_the_same(expected, found):
    """The same words, and numbers that differ by no more than the last digit that is printed."""
    assert "Traceback" not in expected
    words = [NUMBER.sub("#", re.sub(r"\s+", " ", text)) for text in (expected, found)]
    assert words[0] == words[1], f"{found}\n{expected}"
    for one, other in zip(NUMBER.findall(expected), NUMBER.findall(found), strict=True):
        assert abs(float(one) - float(other)) <= LAST_DIGIT * max(1, abs(float(one))), (found, expected)


def test_a_program_that_prints_another_number_is_noticed():
    expected = pytorchs()["a block in training"]
    assert NUMBER.findall(expected) != NUMBER.findall(ours()["a block in eval"])


def test_what_is_not_computed_says_so():
    program = """
import json, torch
found = []
x = torch.randn(3, 3)
pooled = torch.nn.functional.fractional_max_pool2d(x[None], 2, 2)
for ask in (x.nextafter(x).sum().item, x.view(torch.int32).tolist, pooled.tolist, lambda: x.to_sparse()):
    try:
        found.append(str(ask()))
    except Exception as error:
        found.append(type(error).__name__)
json.dumps(found)
"""
    assert in_node.run(program) == ["NoValues", "NoValues", "NoValues", "NotInThisPage"]


def test_a_slow_training_says_so_once():
    program = """
import itertools, json, time, warnings
import torch
warnings.simplefilter("always")
said, ticks = [], itertools.count(0, 0.3)
time.monotonic = lambda: next(ticks)
warnings.showwarning = lambda message, *rest: said.append(str(message))
for _ in range(2):
    steps = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1)
    for _ in range(30):
        steps.step()
torch.compile(torch.relu)
json.dumps(said)
"""
    slow, compiling = in_node.run(program)
    assert "a step like these takes 0.3 s" in slow and "这样的一步要 0.3 秒" in slow
    assert "compiles nothing" in compiling and "什么也不编译" in compiling
