"""What linewalk knows of layers, functions and Python: every claim runs, every sentence has its twin."""

import re
import string

import nbformat
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from conftest import ROOT

from linewalk.notes.library import entries

ENTRIES = entries()


def sentences(entry):
    return [*entry.build, *entry.call]


def slots(template):
    return sorted(name.split("!")[0] for _, name, _, _ in string.Formatter().parse(template) if name)


def test_there_are_many_and_each_name_once():
    names = [name for entry in ENTRIES for name in entry.names]
    assert len(ENTRIES) >= 150 and len(names) == len(set(names))


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.claim], ids=lambda entry: entry.names[0])
def test_claims_hold_in_pytorch(entry):
    torch.manual_seed(0)
    exec(entry.claim, {"torch": torch, "nn": nn, "F": F})


def test_what_is_said_of_pytorch_is_claimed():
    unclaimed = [e.names[0] for e in ENTRIES if not e.claim and not e.names[0].startswith(("python.", "numbers"))]
    assert unclaimed == []


def test_both_languages_say_the_same():
    """Slots, numbers and code are equal in the Chinese and the English of each sentence."""
    for entry in ENTRIES:
        for sentence in sentences(entry):
            zh, en = sentence["zh"], sentence["en"]
            assert set(slots(zh)) == set(slots(en)), zh
            bare = [re.sub(r"\{.*?\}", "", text) for text in (zh, en)]
            numbers = [sorted(re.findall(r"(?<![\w`])\d+(?![\w`])", text)) for text in bare]
            assert numbers[0] == numbers[1], zh
            code = [sorted(set(re.findall(r"`[^`]+`", text))) for text in (zh, en)]
            assert code[0] == code[1], zh
            assert re.fullmatch(r"[→，。 ]*", bare[0]) or re.search(r"[\u4e00-\u9fff]", zh)
            assert not re.search(r"[\u4e00-\u9fff]", en)


def test_conditions_are_python():
    for entry in ENTRIES:
        for sentence in sentences(entry):
            compile(sentence.get("when", "True"), entry.names[0], "eval")


def test_names_are_pytorchs():
    """An entry for what PyTorch does not have would never be said."""
    spaces = {
        "nn": nn,
        "F": F,
        "torch": torch,
        "Tensor": torch.Tensor,
        "Module": nn.Module,
        "init": nn.init,
        "linalg": torch.linalg,
        "fft": torch.fft,
        "special": torch.special,
    }
    for entry in ENTRIES:
        for name in entry.names:
            space, _, rest = name.partition(".")
            if space in spaces and rest and "[" not in name:
                assert hasattr(spaces[space], rest) or name in ("Tensor.grad", "torch.fft.fft2"), name


def test_sections_are_in_the_book():
    for entry in ENTRIES:
        if entry.section:
            page, _, heading = entry.section.partition(": ")
            notebook = nbformat.read(ROOT / "notebooks" / f"{page}.ipynb", as_version=4)
            headings = {
                line.lstrip("#").strip().strip("`")
                for cell in notebook.cells
                if cell.cell_type == "markdown"
                for line in cell.source.splitlines()
                if line.startswith("#")
            }
            assert heading in headings, entry.section
