"""The page for whoever changes a style has each element of the site, in the words of the browser."""

import pytest
from bs4 import BeautifulSoup
from conftest import EDITIONS, pages

PAGE = "book/every-element"


def elements(path):
    article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")
    return {
        (part.name, *sorted(part.get("class", ()))) for part in article.find_all(True) if part.name != "section"
    }


SLOW = [pytest.param(edition, marks=pytest.mark.exhaustive) for edition in ("zh", "en")]


@pytest.mark.parametrize("edition", ["both", *SLOW])
def test_every_element_of_every_page_is_on_it(site, edition):
    shown = elements(site / edition / f"{PAGE}.html")
    for name in pages():
        assert not elements(site / edition / f"{name}.html") - shown, name


def test_nobody_is_led_there(site):
    for edition in EDITIONS:
        page = (site / edition / f"{PAGE}.html").read_text(encoding="utf-8")
        assert '<meta content="noindex" name="robots"' in page or 'name="robots" content="noindex"' in page
        assert "every-element" not in (site / edition / "sections.js").read_text(encoding="utf-8")
        for name in [*pages(), "search"]:
            assert "every-element" not in (site / edition / f"{name}.html").read_text(encoding="utf-8")


def test_it_opens_with_all_that_it_names(browser, served):
    page = browser.new_page()
    problems = []
    page.on("response", lambda response: response.status >= 400 and problems.append(response.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{served}/en/{PAGE}.html")
    broken = page.locator("article img").evaluate_all(
        """images => Promise.all(images.map((image) => {
            image.loading = "eager";
            return image.decode().then(() => null, () => image.src);
        }))"""
    )
    page.close()
    assert not problems and not [one for one in broken if one]
