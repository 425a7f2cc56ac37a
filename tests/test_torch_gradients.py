"""The gradients of the page's own `torch`, its optimizers and what it refuses are PyTorch's."""

import functools
import json

import in_node
import pytest
import torch_gradients
import torch_values
from conftest import ROOT
from test_torch_values import assert_the_same


@functools.cache
def ours():
    programs = json.dumps(torch_gradients.PROGRAMS)
    return in_node.run(
        f"import json, torch_values\njson.dumps(torch_values.printed(json.loads({programs!r})))", ROOT / "tests"
    )


@functools.cache
def pytorchs():
    return torch_values.printed(torch_gradients.PROGRAMS)


@pytest.mark.parametrize("name", torch_gradients.PROGRAMS)
def test_it_prints_what_pytorch_prints(name):
    assert_the_same(pytorchs()[name], ours()[name])


def test_another_gradient_is_noticed():
    one, other = (pytorchs()[f"a convolution with {options}"] for options in ("stride=2", "padding=1"))
    with pytest.raises(AssertionError):
        assert_the_same(one, other)
