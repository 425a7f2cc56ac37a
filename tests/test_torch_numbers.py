"""Every call of torch_calls.py gives, in the page, the numbers and the gradients that PyTorch gives.

Those that do not say so; a wrong one fails there as well.
"""

import functools
import math

import in_node
import pytest
import torch_calls
import torch_numbers
from conftest import ROOT

CLOSE = 1e-4
# Whose numbers, or gradients, are not computed in the page. All others are.
NO_NUMBERS = set()
NO_GRADIENTS = {
    "torch.digamma(r(4))",
    "torch.special.i0(r(4))",
    "torch.linalg.qr(r(4, 3))",
    "torch.linalg.qr(r(3, 4))",
    "torch.linalg.pinv(r(4, 3))",
    "torch.linalg.lstsq(r(5, 3), r(5, 2)).solution",
}


@functools.cache
def ours():
    return in_node.run(
        "import json, torch_calls, torch_numbers\n"
        "json.dumps({'given': torch_numbers.inventory(), 'refused': torch_calls.refusals()})",
        ROOT / "tests",
        timeout=900,
    )


@functools.cache
def pytorchs():
    return torch_numbers.inventory()


def is_error(found):
    return isinstance(found, list) and found[:1] == ["error"]


def are_close(one, other):
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_close, one, other))
    if isinstance(one, (bool, str, type(None))) or isinstance(other, (bool, str, list, type(None))):
        return one == other
    if math.isnan(one) or math.isinf(one):
        return one == other or (math.isnan(one) and math.isnan(other))
    return abs(one - other) <= CLOSE * max(1, abs(one))


@pytest.mark.parametrize(("place", "without"), [(0, NO_NUMBERS), (1, NO_GRADIENTS)], ids=["numbers", "gradients"])
def test_what_is_computed_is_pytorch_s(place, without):
    wrong = {}
    for call in torch_numbers.CALLS:
        expected, found = pytorchs()[call][place], ours()["given"][call][place]
        assert place or not is_error(expected), call
        if call in without:
            assert found[0] == "error" and found[1] in torch_numbers.LACKING, call
        elif not is_error(expected) and not are_close(expected, found):
            wrong[call] = found, expected
    assert not wrong


def test_most_have_gradients():
    """So that a table of errors would not go unnoticed."""
    known = [call for call, (numbers, slopes) in pytorchs().items() if not is_error(numbers) and not is_error(slopes)]
    assert len(known) > 0.97 * len(torch_numbers.CALLS) > 850


def test_another_number_is_noticed():
    one, other = (pytorchs()[call][0] for call in ("nn.RNN(4, 6)(r(5, 2, 4))", "nn.GRU(4, 6)(r(5, 2, 4), r(1, 2, 6))"))
    assert not are_close(one, other) and not are_close(1.0, 1.001) and are_close(math.nan, math.nan)


def test_wrong_calls_fail_where_there_are_numbers_too():
    right = {}
    for call, found in ours()["refused"].items():
        expected = torch_calls.outcome(call)
        assert expected[0] == "error", (call, expected)
        if found[0] != "error":
            right[call] = found
    assert not right


def test_wrong_calls_are_told_in_pytorch_s_words_where_there_are_numbers_too():
    wrong = {}
    for call in torch_calls.WRONG_IN_WORDS:
        expected, found = torch_calls.outcome(call), ours()["refused"][call]
        if found != expected:
            wrong[call] = found, expected
    assert not wrong
