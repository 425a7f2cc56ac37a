"""Links from the chapters to the playground: each opens the block that its section is about."""

import re

import pytest
import torch.nn as nn
from conftest import ROOT, read_notebook

from linewalk.blocks import explicit, resnet, shortcut

LINK = re.compile(r"\]\(\.\./book/playground\.md(?:#([^)]*))?\)")
PLAIN = shortcut(64, 256)


def v1(block):
    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return block


# The block that a section speaks of, as its chapter would build it, the lines left out, and whether it trains.
STRIDED = {"stride": 2, "downsample": shortcut(256, 512, stride=2)}
ABOUT = {
    ("02_init", "### Why the stride is on `conv2`"): [
        (explicit.Bottleneck(256, 128, **STRIDED), []), (v1(explicit.Bottleneck(256, 128, **STRIDED)), []),
    ],
    ("02_init", "### What happens without it"): [(explicit.Bottleneck(64, 64), [])],
    ("03_forward", "## `out = self.bn1(out)`"): [(explicit.Bottleneck(64, 64, downsample=PLAIN).train(), [])],
    ("03_forward", "## `out += identity`"): [(explicit.Bottleneck(64, 64, downsample=PLAIN), ["out += identity"])],
    ("04_torchvision", "### Groups: each sees only its own channels"): [
        (resnet.Bottleneck(64, 64, groups=32, base_width=4, downsample=PLAIN), []),
    ],
    ("04_torchvision", "### Dilation: looking farther with gaps"): [
        (resnet.Bottleneck(64, 64, dilation=2, downsample=PLAIN), []),
    ],
    ("05_family", "## The downsample, early or late"): [(explicit.Bottleneck(64, 64, downsample=PLAIN), [])],
    ("05_family", "### ResNet-50: the yardstick"): [(resnet.Bottleneck(64, 64, downsample=PLAIN), [])],
    ("05_family", "### ResNeXt-50 32×4d: 32 groups of 4 channels"): [
        (resnet.Bottleneck(64, 64, groups=32, base_width=4, downsample=PLAIN), []),
    ],
    ("05_family", "### Wide ResNet-50-2: the middle twice as wide"): [
        (resnet.Bottleneck(64, 64, base_width=128, downsample=PLAIN), []),
    ],
    ("05_family", "### A dilated block: the receptive field from 3 to 5"): [
        (resnet.Bottleneck(64, 64, dilation=2, downsample=PLAIN), []),
    ],
}


def links(language):
    """(chapter, English heading of the section) → the states that it leads to, in order."""
    found, heading = {}, None
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in read_notebook(path).cells:
            if cell.cell_type == "markdown" and cell.source.startswith("#") and cell.metadata.get("lang") != "zh":
                heading = cell.source.splitlines()[0]
            if cell.metadata.get("lang") == language:
                for state in LINK.findall(cell.source):
                    found.setdefault((path.stem, heading), []).append(state)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_link_opens_the_block_that_its_section_is_about(open_playground, language):
    page, states = open_playground("wasm"), links(language)
    assert list(states) == list(ABOUT)
    for section, blocks in ABOUT.items():
        for state, (block, left_out) in zip(states[section], blocks, strict=True):
            page.evaluate("state => { location.hash = state; }", state or "#")
            page.locator(".pg-listing").wait_for()
            names = {"nn": nn, "Bottleneck": resnet.Bottleneck}
            exec(page.locator(".pg-call code").inner_text(), names)
            opened = names["block"]
            assert {name: repr(part) for name, part in opened.named_modules() if name} == {
                name: repr(part) for name, part in block.named_modules() if name
            }, section
            training = section == ("03_forward", "## `out = self.bn1(out)`")
            assert opened.training == training, section
            crossed = page.locator(".pg-listing .pg-left-out code").all_inner_texts()
            assert [line.strip() for line in crossed] == left_out, section
            lines = [line.strip() for line in page.locator(".pg-listing td:first-child code").all_inner_texts()]
            is_early = lines.index("identity = self.downsample(x)") < lines.index("out = self.conv1(x)")
            assert is_early == isinstance(block, explicit.Bottleneck), section


def test_a_link_keeps_its_state_on_the_page(site):
    from bs4 import BeautifulSoup

    for edition in ("zh", "en"):
        found = []
        for path in sorted((site / edition / "notebooks").glob("*.html")):
            article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")
            found += [link["href"] for link in article.select("a[href*='playground.html']")]
        written = [state for states in links(edition).values() for state in states]
        assert found == [f"../book/playground.html#{state}".rstrip("#") for state in written]
