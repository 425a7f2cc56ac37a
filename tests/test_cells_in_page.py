"""Every cell of every chapter runs in the page, as its reader runs it, and puts out what the build's own run put out.

What does not, is on the list of cells_not_in_page.yml, with its reason.
"""

import re

import pytest
import yaml
from conftest import EDITIONS, ROOT, chapters
from test_cells_run_in_page import Visitor

LISTED = yaml.safe_load((ROOT / "tests/cells_not_in_page.yml").read_text(encoding="utf-8"))
MEASURES = "measures"  # how a reason begins where two runs of the same PyTorch differ, too
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
LATE = 900  # s for one cell; a busy machine takes its time

# Presses Run below every cell, one after the other. [{first, state, printed, live}]: the first line of a cell's code,
# what became of it, and as text what the build's run put out and what the page did. Graphs, whose operators torchview
# calls by other names, are compared in test_cells_run_in_page.py; what a page warns of, PyTorch does not.
RUN_ALL = """async (late) => {
    const written = (outputs) => [...outputs].map((output) => {
        const copy = output.cloneNode(true);
        for (const other of copy.querySelectorAll("style, .stderr, .lw-graph")) other.remove();
        for (const picture of copy.querySelectorAll("img")) picture.replaceWith(` ${picture.alt} `);
        return copy.textContent;
    }).join(" ").trim().replace(/\\s+/g, " ");
    const told = [];
    for (const cell of document.querySelectorAll("div.cell:has(.live-buttons)")) {
        const [first] = cell.querySelector(".cell_input pre").textContent.split("\\n");
        const ended = new Promise((resolve, reject) => {
            setTimeout(reject, 1000 * late, Error(`It goes on and on: ${first}`));
            new MutationObserver((_, observer) => {
                if (["waiting", "running"].includes(cell.dataset.live)) return;
                observer.disconnect();
                resolve();
            }).observe(cell, { attributeFilter: ["data-live"] });
        });
        cell.querySelector(".live-buttons button").click();
        await ended;
        const printed = written(cell.querySelectorAll(".cell_output:not(.live-output)"));
        told.push({ first, state: cell.dataset.live, printed, live: written(cell.querySelectorAll(".live-output")) });
    }
    return told;
}"""


def test_every_chapter_is_run():
    assert [f"notebooks/{chapter}" for chapter in LISTED] == chapters()


@pytest.fixture(scope="module")
def context(browser):
    """One for all chapters, whose readers find Python in the browser's own store."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.mark.parametrize("chapter, edition", [
    (chapter, EDITIONS[place % len(EDITIONS)]) for place, chapter in enumerate(LISTED)
])
def test_all_but_the_listed_cells_put_out_the_same(context, served, chapter, edition):
    reader = Visitor(context.new_page(), f"{served}/{edition}/notebooks/{chapter}.html")
    told = reader.page.evaluate(RUN_ALL, LATE)
    assert len(told) == reader.cells.count() > 10
    assert reader.page.locator(".live-device").inner_text().endswith("WASM")
    reader.page.close()
    wrong, listed = differing(told), LISTED[chapter]
    assert {first: why for first, why in wrong.items() if first not in listed} == {}
    assert [cell for cell in told if is_measured(listed, cell["first"]) and cell["state"] != "done"] == []
    kept = {first for first in listed if not is_measured(listed, first)}
    assert kept <= set(wrong), "these run by now: take them off the list"
    assert len(kept) <= len(told) / 10


def is_measured(listed, first):
    return listed.get(first, "").startswith(MEASURES)


def differing(told):
    """Of a chapter's cells those that do not do in the page what they did in the build's run: first line → why."""
    return {
        cell["first"]: (cell["state"], cell["printed"], cell["live"])
        for cell in told if cell["state"] != "done" or not alike(cell["printed"], cell["live"])
    }


def alike(expected, found):
    """The same words, and numbers that differ by the last bits that they are computed with."""
    if NUMBER.sub("#", expected) != NUMBER.sub("#", found):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(found), strict=True)
    return all(abs(float(one) - float(other)) <= 1e-4 * max(1, abs(float(one))) for one, other in pairs)


def test_another_number_is_noticed():
    assert alike("mean 0.12345", "mean 0.12346") and not alike("mean 0.123", "mean 0.124")
