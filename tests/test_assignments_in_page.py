"""The assignments on the hosted page: written, run and checked there, told as in the notebook, and nothing is lost."""

import json
import re

import in_node
import pytest
from conftest import EDITIONS, ROOT, until
from raw_mistakes import RAW
from submissions import ASSIGNMENTS, MISTAKES, OFFICIAL, OTHER_WAYS
from test_before_handing_in import by_test, released, told  # noqa: F401 (one is a fixture)
from test_cells_run_in_page import READY, Visitor

FIRST = 3  # mistakes of each assignment in the usual run


def whole(assignment, cases):
    """name of a case → all answers of it."""
    return {name: OFFICIAL[assignment] | sources for name, sources in cases.items()}


def raw(assignment):
    return {name: sources for name, (sources, *_) in RAW[assignment].items()}


def cells_of(notebook):
    """As the page's last cell brings them: what is given, what is answered, and itself, without the tests."""
    return [
        (cell.id, role.get("grade_id"), cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code" and not (role := cell.metadata.get("nbgrader", {})).get("grade")
    ]


def in_page(notebook, cases, tmp_path):
    """name of a case → id of a cell → what it prints, in Node, by the page's own Python."""
    (tmp_path / "cases.json").write_text(json.dumps([cells_of(notebook), cases]), encoding="utf-8")
    program = """
import json, answers_in_page
from pathlib import Path
cells, cases = json.loads(Path("/given3/cases.json").read_text("utf-8"))
json.dumps({name: answers_in_page.told(cells, case) for name, case in cases.items()})
"""
    return in_node.run(program, ROOT, ROOT / "tests", tmp_path, timeout=1800)


def sentences(text):
    """grade_id → what is said last of each test that failed; which passed; how many of how many."""
    failed = {name: lines.strip().splitlines()[-1] for name, lines in by_test(text).items()}
    return failed, re.findall(r"✓ (\w+)", text), text.strip().splitlines()[-1]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_page_says_what_the_notebook_says(released, assignment, tmp_path):  # noqa: F811
    mistakes = dict(list(raw(assignment).items())[:FIRST])
    cases = {"right": OFFICIAL[assignment], "blank": {}} | whole(assignment, mistakes)
    assert_alike(released[assignment], cases, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_page_says_what_the_notebook_says_of_every_mistake(released, assignment, tmp_path):  # noqa: F811
    mistakes = {name: sources for name, (sources, _) in MISTAKES[assignment].items()}
    all_cases = whole(assignment, raw(assignment) | mistakes | OTHER_WAYS[assignment])
    assert_alike(released[assignment], all_cases, tmp_path)


def assert_alike(notebook, cases, tmp_path):
    found = in_page(notebook, cases, tmp_path)
    for name, answers in cases.items():
        ours = sentences(found[name]["before_handing_in"])
        assert ours == sentences(told(notebook, answers)), name
        if name == "right":
            assert not ours[0] and ours[1]
        elif name == "blank":
            assert ours[0]


def test_an_error_in_a_cell_is_explained_below_it_once(released, tmp_path):  # noqa: F811
    """Though the cell that explains has run twice, as the page's reader may run it; a syntax error, too."""
    cells = {name: source for name, _, source in cells_of(released["init"])}
    wrong = {
        "comma": "print(1，2)", "class": "import torch.nn as nn\nnn.Sequential(nn.ReLU)", "right": "1 + 1",
        "told": "assert False, '看 · see'", "lacking": "import torch\ntorch.fft.fft2(1)",
    }
    codes = [(name, None, cells["explanations"]) for name in ("once", "twice")]
    codes += [(name, None, source) for name, source in wrong.items()]
    (tmp_path / "cells.json").write_text(json.dumps(codes), encoding="utf-8")
    program = """
import json, answers_in_page
from pathlib import Path
json.dumps(answers_in_page.told(json.loads(Path("/given3/cells.json").read_text("utf-8")), {}))
"""
    printed = in_node.run(program, ROOT, ROOT / "tests", tmp_path)
    assert printed["once"] == printed["twice"] == printed["right"] == ""
    assert printed["comma"].count("💡") == 1 and "`，`" in printed["comma"]
    assert printed["class"].endswith("only `ReLU(…)` makes a layer.\n") and printed["class"].count("💡") == 1
    assert "💡" not in printed["told"]
    assert re.search("💡 这一页的 PyTorch 里没有 .* · torch.fft.fft2 is not part of", printed["lacking"])


# ---- a reader


class Student(Visitor):
    """Somebody who does an assignment on its page, in Chinese or in English."""

    def __init__(self, page, served, edition, assignment):
        super().__init__(page, f"{served}/{edition}/assignments/{assignment}.html")
        self.run_button = {"zh": "运行", "en": "Run"}[edition]

    def run(self, cell):
        return super().run(cell, self.run_button)

    def cell(self, name):
        return self.page.locator(f"div.cell.tag_answer-{name}")

    @property
    def last(self):
        return self.page.locator("div.cell.tag_check-all")

    def text(self, name):
        return self.cell(name).locator(".cell_input pre").text_content()

    def check(self):
        """What the last cell prints."""
        return self.becomes(self.run(self.last), "done", "failed", timeout=READY).inner_text()


def test_an_assignment_is_done_on_its_page(browser, served, released, tmp_path):  # noqa: F811
    """Blank, with a mistake, right; kept over a reload, taken along as a notebook, and put back."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    student = Student(context.new_page(), served, "zh", "forward")
    page, right = student.page, OFFICIAL["forward"]
    assert not page.locator(".answer-kept:visible").count()
    assert "`raise NotImplementedError()` 还在" in student.check()

    hints = page.locator("details:not(.fold)", has_text="提示 3").first
    hints.locator("summary").click()
    assert "___" in hints.inner_text()

    sources, first, zh, _ = RAW["forward"]["layer without self"]
    answers = right | sources
    for name, source in answers.items():
        student.write(student.cell(name), source)
    wrong = student.check()
    assert sentences(wrong) == sentences(told(released["forward"], answers))
    assert first in sentences(wrong)[0] and zh in wrong and "→ out = conv1(x)" in wrong

    student.write(student.cell("main_path"), right["main_path"])
    assert student.cell("main_path").get_attribute("data-live") == "none"  # what ran is not what stands there
    assert "4 个里通过了 4 个" in student.check()
    test = page.locator("div.cell.tag_test").first
    student.becomes(student.run(test), "done")

    student.write(student.cell("order"), student.text("order").replace('order = ""', 'order = "CGDEABF"'))
    assert "That is the order" in student.becomes(student.run(student.cell("order")), "done").inner_text()

    again = Student(context.new_page(), served, "en", "forward")
    assert again.text("block").rstrip() == right["block"].rstrip() and "CGDEABF" in again.text("order")
    assert "stays in this browser" in again.cell("block").locator(".answer-kept").inner_text()
    with again.page.expect_download() as download:
        again.page.get_by_role("button", name="Download the notebook").click()
    notebook = json.loads(download.value.path().read_text(encoding="utf-8"))
    taken = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    assert notebook["metadata"]["edition"] == "en" and download.value.suggested_filename == "forward.ipynb"
    assert [taken[name].rstrip() for name in right] == [source.rstrip() for source in right.values()]
    assert "4 of 4 visible tests passed" in again.check()  # on the answers that were kept

    again.page.once("dialog", lambda dialog: dialog.dismiss())
    again.page.get_by_role("button", name="Reset", exact=True).click()
    assert again.text("block").rstrip() == right["block"].rstrip()
    again.page.once("dialog", lambda dialog: dialog.accept())
    again.page.get_by_role("button", name="Reset", exact=True).click()
    until(again.page, "() => !document.querySelector('.answer-kept:not([hidden])')")
    assert "raise NotImplementedError()" in again.text("block")
    assert not again.page.evaluate("localStorage.getItem('bottleneck-answers-forward')")
    context.close()


def test_where_nothing_may_be_kept_the_page_says_so(browser, served):
    context = browser.new_context()
    context.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    student = Student(context.new_page(), served, "en", "groups")
    student.becomes(student.run(student.cell("width")), "done")
    student.write(student.cell("width"), "1")
    assert "copy your code" in student.cell("width").locator(".answer-kept").inner_text()
    context.close()


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_scripts_know_the_cells_of_every_page(site, released, edition, assignment):  # noqa: F811
    page = (site / edition / "assignments" / f"{assignment}.html").read_text(encoding="utf-8")
    assert page.count("tag_check-all") == 1 and "kept-answers.js" in page
    roles = [cell.metadata.get("nbgrader", {}) for cell in released[assignment].cells if cell.cell_type == "code"]
    assert page.count("tag_test ") + page.count('tag_test"') == sum(bool(role.get("grade")) for role in roles)
    for name in OFFICIAL[assignment]:
        assert page.count(f"tag_answer-{name}") == 1
    assert "kept-answers.js" not in (site / edition / "notebooks" / "03_forward.html").read_text(encoding="utf-8")
