"""What a learner types prints, in the page, what PyTorch prints, or ends in one sentence that says what is missing."""

import functools

import in_node
import pytest
import torch_numbers
import torch_snippets
from conftest import ROOT
from test_torch_values import assert_the_same

# Which differ on purpose: their beginning → why.
TOLD_OTHERWISE = {
    "import numpy": "the cell says what this Python lacks, see kernel/cells.py",
    'x = torch.randn(3, device="cuda")': "a class that was written for a card is shown, too",
}
MOST_MISSING = 22


@functools.cache
def ours():
    return in_node.run("import json, torch_snippets\njson.dumps(torch_snippets.printed())", ROOT / "tests")


@functools.cache
def pytorchs():
    return torch_snippets.printed()


def ends_in_a_sentence(text):
    last = text.rstrip("\n").rpartition("\n")[2]
    return last.startswith(torch_numbers.LACKING) and last.endswith("in your own Jupyter")


@pytest.mark.parametrize("snippet", torch_snippets.SNIPPETS)
def test_it_prints_what_pytorch_prints_or_says_what_is_missing(snippet):
    if not snippet.startswith(tuple(TOLD_OTHERWISE)) and not ends_in_a_sentence(ours()[snippet]):
        assert_the_same(pytorchs()[snippet], ours()[snippet])


def test_most_are_there():
    assert len(torch_snippets.SNIPPETS) > 140
    assert sum(map(ends_in_a_sentence, ours().values())) <= MOST_MISSING
