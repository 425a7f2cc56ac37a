"""The chapters' cells run on the page's own `torch`, unchanged, and print what they print on PyTorch.

What does not run is on the list of cells_not_in_page.yml, with its reason.
"""

import functools
import re

import cells_in_page
import in_node
import pytest
import torch
import yaml
from conftest import ROOT

from linewalk import images

LISTED = yaml.safe_load((ROOT / "tests/cells_not_in_page.yml").read_text(encoding="utf-8"))
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


LONG = ("06_network", "08_batch_norm", "14_cost", "15_residual")  # they train, or run whole networks


@pytest.mark.parametrize(
    "chapter",
    [pytest.param(name, marks=pytest.mark.exhaustive if name in LONG else ()) for name in LISTED],
)
def test_all_but_the_listed_cells_run_and_print_the_same(chapter, photograph, monkeypatch, tmp_path):
    program = f"""
import json, cells_in_page
json.dumps(cells_in_page.outcomes("/given3/{chapter}.ipynb", "/given4/{photograph.name}"))
"""
    ours = in_node.run(program, ROOT, ROOT / "tests", ROOT / "notebooks", photograph.parent, timeout=3000)
    monkeypatch.chdir(tmp_path)
    wrong = differing(chapter, photograph, ours, monkeypatch)
    assert {first: why for first, why in wrong.items() if first not in LISTED[chapter]} == {}
    assert set(LISTED[chapter]) <= set(wrong), "these run by now: take them off the list"
    assert len(wrong) <= len(ours) / 10


def differing(chapter, photograph, ours, monkeypatch):
    """Of a chapter's cells those that do not do in the page, `ours`, what they do on PyTorch: first line → why."""
    for module in ("linewalk", "linewalk.images"):
        monkeypatch.setattr(f"{module}.load_image", images.load_image)
    eager = functools.partial(torch.compile, backend="eager")  # not every machine has what else compiles
    monkeypatch.setattr(torch, "compile", eager)
    pytorchs = cells_in_page.outcomes(ROOT / "notebooks" / f"{chapter}.ipynb", photograph)
    wrong = {}
    for (first, expected, error), (_, found, failure) in zip(pytorchs, ours, strict=True):
        assert error is None, (first, error)
        if failure is not None or not alike(expected, found):
            wrong[first] = failure or (expected, found)
    return wrong


def alike(expected, found):
    """The same words, and numbers that differ by the last bits that they are computed with."""
    if NUMBER.sub("#", expected) != NUMBER.sub("#", found):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(found), strict=True)
    return all(abs(float(one) - float(other)) <= 1e-4 * max(1, abs(float(one))) for one, other in pairs)


def test_another_number_is_noticed():
    assert alike("mean 0.12345", "mean 0.12346") and not alike("mean 0.123", "mean 0.124")
