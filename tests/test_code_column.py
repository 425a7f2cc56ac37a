"""The code column in a real browser: every line there and linked, one lit, stepping, playing, ties to the graphs."""

import ast
import importlib
import inspect
import re

import pytest
from conftest import EDITIONS, read_notebook

CHAPTERS = ["01_the_line", "02_init", "03_forward", "04_torchvision"]
LIT = '.code-column a[aria-current="true"]'


def open_chapter(browser, served, edition, chapter, anchor="", **context):
    page = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **context}).new_page()
    page.goto(f"{served}/{edition}/notebooks/{chapter}.html{anchor}")
    page.wait_for_selector(".code-column", state="attached")
    return page


def subject(source):
    module, name = source.split(":")
    return getattr(importlib.import_module(module), name)


def code_lines(source):
    """Line number → text of the subject's lines, its docstrings left out: the truth the column is compared with."""
    lines, first = inspect.getsourcelines(subject(source))
    for node in ast.walk(ast.parse("".join(lines))):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            for number in range(body[0].lineno, body[0].end_lineno + 1):
                lines[number - 1] = ""
    return {first + i: line.strip() for i, line in enumerate(lines) if line.strip()}


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("edition", EDITIONS)
def test_every_line_stands_there_and_leads_to_its_section(browser, served, edition, chapter):
    page = open_chapter(browser, served, edition, chapter)
    listings = page.eval_on_selector_all(
        ".code-listing",
        """all => all.map(listing => [listing.dataset.source, [...listing.querySelectorAll(".row")].map(row => [
            Number(row.dataset.line), row.textContent.trim(), row.closest("a")?.getAttribute("href") ?? null])])""",
    )
    subjects = {entry["source"] for entry in read_notebook(f"notebooks/{chapter}.ipynb").metadata["subject"]}
    assert {source for source, _ in listings} == subjects
    for source, rows in listings:
        assert {number: text for number, text, _ in rows if text} == code_lines(source)
        for _, text, href in rows:
            assert href or not text or text.startswith("#"), f"{text} leads nowhere"
    headings = page.evaluate(
        """() => [...document.querySelectorAll('.code-column a[href^="#"]')].map(link => [
            link.textContent, document.getElementById(link.hash.slice(1)).firstElementChild.textContent])"""
    )
    assert headings
    for line, heading in headings:
        assert squeezed(line.split("#")[0]) == squeezed(heading.split("#")[0])


def squeezed(code):
    return re.sub(r"[\s¶]|,(?=\))", "", code)


@pytest.mark.parametrize("edition", EDITIONS)
def test_one_line_is_lit_wherever_the_reader_is(browser, served, edition):
    page = open_chapter(browser, served, edition, "03_forward")
    lit = []
    for _ in range(12):
        page.mouse.move(600, 500)
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(150)
        assert page.locator(LIT).count() == 1
        lit.append(page.locator(LIT).get_attribute("href"))
    assert len(set(lit)) > 3
    begun = page.evaluate(
        """() => [...document.querySelectorAll('.code-column a[href^="#"]')].map(a => a.hash.slice(1))
            .filter(id => document.getElementById(id).getBoundingClientRect().top < innerHeight / 3).length"""
    )
    expected = page.locator('.code-column a[href^="#"]').nth(begun - 1)
    assert page.locator(LIT).get_attribute("href") == expected.get_attribute("href")


def test_a_deep_link_opens_with_its_line_lit(browser, served):
    lines = {"#out-conv1": "out = self.conv1(x)", "#return-out": "return out", "#out-relu-2": "out = self.relu(out)"}
    for anchor, line in lines.items():
        page = open_chapter(browser, served, "en", "03_forward", anchor)
        page.wait_for_timeout(200)
        assert page.locator(LIT).count() == 1
        assert page.locator(LIT).get_attribute("href") == anchor
        assert page.locator(LIT).inner_text().strip() == line
        lit, frame = page.locator(LIT).bounding_box(), page.locator(".bd-sidebar-secondary").bounding_box()
        assert frame["y"] <= lit["y"] and lit["y"] + lit["height"] <= 900


def test_j_and_k_step_with_the_focus_and_escape_leaves(browser, served):
    page = open_chapter(browser, served, "zh", "03_forward", "#identity-x")
    down = [("j", "if-downsample-is-not-none"), ("j", "identity-downsample"), ("j", "out-conv1")]
    for key, anchor in [*down, ("k", "identity-downsample")]:
        page.keyboard.press(key)
        assert page.locator(LIT).get_attribute("href") == f"#{anchor}"
        assert page.evaluate("document.activeElement.closest('section').id") == anchor
        assert page.evaluate("location.hash") == f"#{anchor}"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="下一行").first.click()
    assert page.locator(LIT).get_attribute("href") == "#out-conv1"


def test_escape_closes_the_notebook_menu_and_leaves_the_focus_there(browser, served):
    page = open_chapter(browser, served, "en", "03_forward", "#identity-x")
    page.locator(".elsewhere summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not page.locator(".elsewhere-menu").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY", "only what j and k focused is left"


def test_typing_in_a_field_is_not_stepping(browser, served):
    page = open_chapter(browser, served, "en", "03_forward", "#identity-x")
    page.evaluate("document.querySelector('article').prepend(document.createElement('input'))")
    page.focus("article input")
    page.keyboard.press("j")
    assert page.locator(LIT).get_attribute("href") == "#identity-x"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_play_walks_through_forward(browser, served, motion):
    page = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion=motion).new_page()
    page.clock.install()
    page.goto(f"{served}/en/notebooks/03_forward.html")
    page.evaluate(
        """() => {
            window.scrolls = [];
            Element.prototype.scrollIntoView = function (how) { scrolls.push(how.behavior); };
        }"""
    )
    page.get_by_role("button", name="Play forward").click()
    anchors = [page.locator(LIT).get_attribute("href")]
    for _ in range(3):
        page.clock.run_for(4100)
        anchors.append(page.locator(LIT).get_attribute("href"))
    assert anchors == ["#def-forward", "#identity-x", "#if-downsample-is-not-none", "#identity-downsample"]
    assert set(page.evaluate("scrolls")) == {"auto" if motion == "reduce" else "smooth"}
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(9000)
    assert page.locator(LIT).get_attribute("href") == "#identity-downsample"


def test_a_graph_node_and_its_line_point_at_each_other(browser, served):
    page = open_chapter(browser, served, "en", "03_forward", "#out-conv2")
    page.wait_for_timeout(700)
    node = page.locator("#out-conv2 .lw-node.lw-now")
    node.hover()
    touched = page.locator(".code-column a.touched")
    assert [line.strip() for line in touched.all_inner_texts()] == ["out = self.conv2(out)"]
    page.mouse.move(500, 5)
    assert touched.count() == 0
    page.locator('.code-column a[href="#out-conv2"]').hover()
    assert "touched" in node.get_attribute("class")
    assert page.locator("#first-the-entrance-224-becomes-56 .lw-node.touched").count() == 0  # another class's lines


@pytest.mark.parametrize("edition", EDITIONS)
def test_on_a_phone_a_bar_carries_line_shape_and_steps(browser, served, edition):
    page = open_chapter(browser, served, edition, "03_forward", "#out-conv1", viewport={"width": 390, "height": 844})
    bar = page.locator(".code-bar")
    assert bar.is_visible() and not page.locator(".code-column").is_visible()
    assert "out = self.conv1(x)" in bar.inner_text() and "1×64×56×56" in bar.inner_text()
    bar.get_by_role("button").last.click()
    page.wait_for_timeout(900)
    assert "out = self.bn1(out)" in bar.inner_text()
    box = bar.bounding_box()
    assert box["y"] + box["height"] == pytest.approx(844, abs=1) and box["width"] == pytest.approx(390, abs=1)
