"""What linewalk knows of layers, functions and Python: every claim runs, every sentence has its twin."""

import re
import string

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml
from conftest import ROOT, read_notebook
from editions.anchors import numbered
from editions.cells import pick

from linewalk.notes.library import entries
from linewalk.notes.sections import TITLE, section

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

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


def headings(page, language):
    """Anchor → heading of a chapter's sections, as the site's own extension works them out."""
    cells, anchors = pick(read_notebook(ROOT / "notebooks" / f"{page}.ipynb").cells, language)
    titles = [cell.source.lstrip("# ") for cell in cells if cell.cell_type == "markdown" and cell.source[0] == "#"]
    return dict(zip(numbered(anchors), titles, strict=True))


def test_sections_are_in_the_book():
    named = {place for entry in ENTRIES for place in (entry.section, entry.called)}
    named |= {sentence.get("section") for entry in ENTRIES for sentence in sentences(entry)}
    listed = tomllib.loads((ROOT / "linewalk/notes/knowledge/sections.toml").read_text(encoding="utf-8"))
    assert named - {None} == {f"{page}#{anchor}" for page, anchors in listed.items() for anchor in anchors}
    for name in named - {None}:
        found = section(name)
        for language in ("zh", "en"):
            assert getattr(found.heading, language) == headings(found.page, language)[found.anchor], name
        code = [re.findall(r"`[^`]+`", found.words(language)) for language in ("zh", "en")]
        numbers = [re.findall(r"\d+", found.words(language)) for language in ("zh", "en")]
        assert code[0] == code[1] and numbers[0] == numbers[1] and int(numbers[0][0]) == int(found.page[:2])


def test_the_book_is_called_what_it_is_called():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["title"] == f"{TITLE.zh} | {TITLE.en}"
