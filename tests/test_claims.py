"""A number in the prose of a chapter stands in the code of its section too, or in a source that its paragraph cites."""

import re

import pytest
from conftest import NOTEBOOKS, read_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell

NUMBER = re.compile(r"\d+(?:\.\d+)?")
# A network's name, a paper's, a language's version are no claims.
NAMES = re.compile(r"\w*ResNe[tX]\w*-\d+(?:-\d+)?(?: \d+×\d+d)?|(?:CIFAR|ImageNet)-\d+|(?:V|Python )\d(?:\.\d+)?\b")
COUNTED_BY_EYE = 4  # three steps, two names: what a reader sees


def joined(text):
    """1,280 and 1_280 are 1280."""
    return re.sub(r"(?<=\d)[_,](?=\d{3})", "", text)


def numbers_in(*texts):
    return {number for text in texts for number in NUMBER.findall(joined(text))}


def sections(cells):
    """Yields the cells of each section, its headings first."""
    own, begun = [], False
    for cell in cells:
        heading = cell.cell_type == "markdown" and cell.source.startswith("#")
        if heading and begun:
            yield own
            own, begun = [], False
        own.append(cell)
        begun = begun or not heading
    yield own


def unproved(cells):
    """Describes each number in prose that its section does not prove; an introduction has the whole chapter."""
    cells = [cell for cell in cells if "bootstrap" not in cell.metadata.get("tags", [])]
    for place, own in enumerate(sections(cells)):
        code = [cell.source for cell in (own if place else cells) if cell.cell_type == "code"]
        headings = [cell.source for cell in own if cell.cell_type == "markdown" and not cell.metadata.get("lang")]
        for cell in own:
            if cell.cell_type != "markdown" or not cell.metadata.get("lang"):
                continue
            proved = numbers_in(*code, *headings, *re.findall(r"`+[^`]+`+", cell.source))
            for paragraph in re.split(r"\n\s*\n", cell.source):
                claims = re.sub(r"`+[^`]*`+|\]\([^)]*\)", " ", paragraph)
                for number in numbers_in(NAMES.sub(" ", claims)) - proved:
                    if "](http" not in paragraph and ("." in number or int(number) > COUNTED_BY_EYE):
                        yield f"{number}: {paragraph[:60]}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_numbers_in_prose_are_proved_or_cited(path):
    assert not list(unproved(read_notebook(path).cells))


@pytest.mark.parametrize(
    "prose", ["1,281 parameters", "The shape is 1×64×57×57.", "It takes 3.5 MB.", "[A paper](http://x).\n\nIt is 99."]
)
def test_an_invented_number_is_noticed(prose):
    section = [
        new_markdown_cell("## Introduction"),
        new_markdown_cell("A few words", metadata={"lang": "en"}),
        new_markdown_cell("## `out = self.conv1(x)`"),
        new_markdown_cell(prose, metadata={"lang": "en"}),
        new_code_cell("assert count == 1_280 and x.shape == (1, 64, 56, 56) and size == 3.25"),
    ]
    assert list(unproved(section))
    section[3].source = "ResNet-50 has 1,280, of 1×64×56×56 and 3.25 MB.\n\nA [source](http://x) says 99."
    assert not list(unproved(section))
