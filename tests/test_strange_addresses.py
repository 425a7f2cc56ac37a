"""Addresses that somebody typed wrong, cut off or thought up: a page, and no script that stops."""

import pytest
from conftest import EDITIONS

CHAPTER = "notebooks/03_forward"
PROPERTIES = ["constructor", "__proto__", "toString", "hasOwnProperty", "残差constructor", "%E0%A4%A", "\\", "<b>x"]
FRAGMENTS = ["#%E0%A4%A", "#__proto__", '#a"]', "?highlight=%E0%A4%A#%"]


@pytest.fixture
def page(browser):
    """A page, and what went wrong on it."""
    page = browser.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    page.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_search_for_what_every_object_has(page, served, edition):
    for word in PROPERTIES:
        page.goto(f"{served}/{edition}/search.html?q={word}")
        page.locator("#search-results ul").wait_for(state="attached")
        if word == "残差constructor":
            assert page.locator("#search-results li").count()
        assert not page.problems, word


@pytest.mark.parametrize("name", [CHAPTER, "book/live", "search"])
def test_a_fragment_that_is_none(page, served, name):
    for fragment in FRAGMENTS:
        page.goto("about:blank")
        page.goto(f"{served}/zh/{name}.html{fragment}")
        page.keyboard.press("j")
        page.goto("about:blank")
        page.goto(f"{served}/zh/{name}.html{fragment}")
        page.locator('.language-switch a[data-edition="en"]').click()
        page.wait_for_url(f"{served}/en/{name}.html**")
        assert not page.problems, fragment
