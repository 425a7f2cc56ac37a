"""The code column in a real browser: every line there and linked, one lit, stepping, playing, ties to the graphs."""

import ast
import importlib
import inspect
import re

import pytest
from conftest import EDITIONS, at_rest, read_notebook, until

CHAPTERS = ["01_the_line", "02_init", "03_forward", "04_torchvision", "05_family", "06_network", "07_shortcuts",
            "08_batch_norm", "10_in_place", "12_weights", "15_residual", "17_differences"]
# A section there may explain several lines.
GROUPED = ["06_network", "07_shortcuts", "08_batch_norm", "10_in_place", "12_weights", "15_residual", "17_differences"]
# The three sections of the other chapter together are no longer than two turns of the wheel.
SCROLLED = [name for name in GROUPED if name != "15_residual"]
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
        # A section whose heading is the first of several lines has them all in its link.
        whole = chapter not in GROUPED
        shown, own = squeezed(line.split("#")[0]), squeezed(heading.split("#")[0])
        assert shown == own if whole else shown.startswith(own)


def squeezed(code):
    return re.sub(r"[\s¶]|,(?=\))", "", code)


@pytest.mark.parametrize(
    ("edition", "chapter"), [*((edition, "03_forward") for edition in EDITIONS), *(("en", name) for name in SCROLLED)]
)
def test_the_line_that_is_read_is_lit_and_none_where_none_is(browser, served, edition, chapter):
    """Of a line's section within another line's, as a method's in its class's, the inner one."""
    page = open_chapter(browser, served, edition, chapter)
    lit = []
    for _ in range(14):
        page.mouse.move(600, 500)
        page.mouse.wheel(0, 1500)
        at_rest(page)
        expected = page.evaluate(
            """() => {
                const begun = [...document.querySelectorAll("article section[id]")]
                    .filter(section => section.getBoundingClientRect().top < innerHeight / 3);
                let section = begun.at(-1);
                const line = id => document.querySelector(`.code-column a[href="#${id}"]`);
                while (section && !line(section.id)) section = section.parentElement.closest("section[id]");
                return section ? [`#${section.id}`] : [];
            }"""
        )
        found = page.eval_on_selector_all(LIT, "all => all.map(link => link.getAttribute('href'))")
        assert found == expected
        lit += found
    assert len(set(lit)) > 2
    page.evaluate("document.querySelector('#try-it-yourself').scrollIntoView()")
    at_rest(page)
    assert page.locator(LIT).count() == 0


def test_from_where_no_line_is_k_leads_to_the_line_before(browser, served):
    page = open_chapter(browser, served, "en", "03_forward")
    page.evaluate("document.querySelector('#try-it-yourself').scrollIntoView()")
    at_rest(page)
    page.keyboard.press("k")
    assert page.locator(LIT).get_attribute("href") == "#return-out", "the line before, as the text goes"


def test_a_deep_link_opens_with_its_line_lit(browser, served):
    lines = {"#out-conv1": "out = self.conv1(x)", "#return-out": "return out", "#out-relu-2": "out = self.relu(out)"}
    for anchor, line in lines.items():
        page = open_chapter(browser, served, "en", "03_forward", anchor)
        page.locator(f'{LIT}[href="{anchor}"]').wait_for()
        at_rest(page)
        assert page.locator(LIT).count() == 1
        assert page.locator(LIT).get_attribute("href") == anchor, "it stays so when the page has loaded"
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


def test_play_follows_the_code_where_the_text_does_not(browser, served):
    """Chapter 1 explains its own line before those around it. The page jumps: a glide goes by another clock."""
    page = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce").new_page()
    page.clock.install()
    page.goto(f"{served}/en/notebooks/01_the_line.html")
    page.get_by_role("button", name="Play forward").click()
    for anchor in ["#def-forward", "#out-torch-cat", "#out-f-relu", "#out-conv-1x1-4", "#return-out"]:
        # The clock is the test's, but the browser scrolls when it comes to it.
        until(page, "([lit, anchor]) => document.querySelector(lit)?.getAttribute('href') === anchor", [LIT, anchor])
        page.clock.run_for(4100)


INTERRUPTIONS = {
    "wheel": lambda page: page.mouse.wheel(0, 300),
    "click": lambda page: page.mouse.click(600, 500),
    "key": lambda page: page.keyboard.press("PageDown"),
    "escape": lambda page: page.keyboard.press("Escape"),
    "tab": lambda page: page.keyboard.press("Tab"),
    "scroll bar": lambda page: page.evaluate("scrollBy(0, 400)"),
}


@pytest.mark.parametrize("act", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def test_play_ends_at_the_readers_first_move(browser, served, act):
    page = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce").new_page()
    page.clock.install()
    page.goto(f"{served}/en/notebooks/03_forward.html")
    page.get_by_role("button", name="Play forward").click()
    page.clock.run_for(4100)
    page.mouse.move(600, 500)
    page.clock.run_for(2000)
    act(page)
    page.clock.run_for(500)
    at_rest(page)  # a key scrolls by gliding
    place = page.evaluate("scrollY")
    page.clock.run_for(20_000)
    assert page.evaluate("scrollY") == place
    assert page.get_by_role("button", name="Play forward").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_the_focus_stays_on_play_which_the_same_key_ends(browser, served, key):
    page = open_chapter(browser, served, "en", "03_forward")
    button = page.locator('[data-code="play"]')
    button.focus()
    page.keyboard.press(key)
    assert button.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(100)
    assert page.evaluate("document.activeElement.dataset.code") == "play"
    page.keyboard.press(key)
    assert button.get_attribute("aria-pressed") == "false"


def test_the_keys_are_said(browser, served):
    page = open_chapter(browser, served, "en", "03_forward")
    page.keyboard.press("?")
    shown = page.locator("dialog.code-keys")
    assert shown.is_visible() and "Esc" in shown.inner_text() and "next line" in shown.inner_text()
    page.keyboard.press("Escape")
    assert not shown.is_visible()
    page.get_by_role("button", name="Keys").click()
    assert shown.is_visible()


def test_the_column_follows_the_screen_and_then_the_hand(browser, served):
    widths, sizes = [], []
    for width in (1280, 1920):
        page = open_chapter(browser, served, "en", "01_the_line", viewport={"width": width, "height": 900})
        widths.append(page.locator(".bd-sidebar-secondary").bounding_box()["width"])
        size = page.evaluate("getComputedStyle(document.querySelector('.code-listing code')).fontSize")
        sizes.append(float(size.removesuffix("px")))
    assert widths[1] > 1.25 * widths[0] and sizes[0] >= 12 and sizes[1] >= 13.5
    handle = page.get_by_role("separator", name="Width of the code")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 3, 400)
    page.mouse.down()
    page.mouse.move(box["x"] - 97, 400, steps=4)
    page.mouse.up()
    dragged = page.locator(".bd-sidebar-secondary").bounding_box()["width"]
    assert dragged == pytest.approx(widths[1] + 100, abs=8)
    page.reload()
    assert page.locator(".bd-sidebar-secondary").bounding_box()["width"] == pytest.approx(dragged, abs=1)
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".bd-sidebar-secondary").bounding_box()["width"] == pytest.approx(dragged - 24, abs=2)


@pytest.mark.parametrize("width", [1200, 1400, 390])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_name_is_broken(browser, served, chapter, width):
    page = open_chapter(browser, served, "en", chapter, viewport={"width": width, "height": 900})
    if width == 390:
        page.locator(".secondary-toggle").first.click()
    broken = page.eval_on_selector_all(
        ".code-listing code span:is(.n, .nn, .nf, .nc, .fm, .bp, .k, .kc, .mi)",
        "all => all.filter(name => name.getClientRects().length > 1).map(name => name.textContent)",
    )
    assert [name for name in broken if len(name) < 24] == []  # longer ones may be broken after an underscore


def test_lines_that_another_chapter_explains_are_marked(browser, served):
    page = open_chapter(browser, served, "en", "02_init")
    marked = page.eval_on_selector_all(
        ".code-listing > a",
        """all => all.map(link => [link.getAttribute("href").startsWith("#"), link.title,
            getComputedStyle(link.querySelector(".row"), "::after").content.includes("↗")])""",
    )
    assert {here for here, _, _ in marked} == {True, False}
    for here, title, arrow in marked:
        assert arrow == (not here) and (title == "") == here
    assert "→ A photograph walks through forward" in {title for _, title, _ in marked}


def test_on_a_phone_a_tapped_line_closes_the_panel(browser, served):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_chapter(browser, served, "en", "03_forward", **phone)
    page.locator(".secondary-toggle").first.tap()
    page.locator('.code-column a[href="#out-conv2"]').tap()
    page.locator(".code-column").wait_for(state="hidden")
    at_rest(page)
    assert 0 <= page.locator("#out-conv2").bounding_box()["y"] < 300


def test_pointing_at_a_line_shows_its_node_in_the_card_that_is_seen(browser, served):
    page = open_chapter(browser, served, "en", "03_forward", "#out-conv1")
    at_rest(page)
    graph, touched = page.locator("#out-conv1 .lw-graph"), "#out-conv1 .lw-node.touched"
    page.locator('.code-column a[href="#out-relu-3"]').hover()
    page.locator(touched).last.wait_for()
    at_rest(page, touched)
    node, frame = page.locator(touched).last.bounding_box(), graph.bounding_box()
    assert frame["y"] <= node["y"] and node["y"] + node["height"] <= frame["y"] + frame["height"]


def test_nodes_are_reached_by_keyboard(browser, served):
    page = open_chapter(browser, served, "en", "03_forward", "#out-conv2")
    graph = page.locator("#out-conv2 .lw-graph")
    graph.locator('[tabindex="0"]').first.wait_for()
    assert graph.locator('[tabindex="0"]').count() == 1
    graph.locator('[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    touched = page.locator(".code-column a.touched")
    assert [line.strip() for line in touched.all_inner_texts()] == ["out = self.bn2(out)"]
    page.keyboard.press("Enter")
    until(page, "location.hash === '#out-bn2'")


def test_a_graph_node_and_its_line_point_at_each_other(browser, served):
    page = open_chapter(browser, served, "en", "03_forward", "#out-conv2")
    at_rest(page)
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
    at_rest(page)
    assert "out = self.bn1(out)" in bar.inner_text()
    box = bar.bounding_box()
    across = page.evaluate("document.documentElement.clientWidth")  # less a scroll bar, where the browser shows one
    assert box["y"] + box["height"] == pytest.approx(844, abs=1) and box["width"] == pytest.approx(across, abs=1)
