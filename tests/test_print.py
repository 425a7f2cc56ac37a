"""Chapters on paper: little of it stays empty, cards are in one piece, and nothing leads anywhere."""

from io import BytesIO

import pypdfium2
import pytest
from conftest import EDITIONS, chapters
from PIL import ImageOps

# Of A4, in millimetres: the sheet's height, and the margins that the style sheet leaves above and below.
HEIGHT, TOP, BOTTOM = 297, 18, 20
USUAL = [("zh", "notebooks/03_forward")]
CHAPTERS = [
    pytest.param(*one, marks=() if one in USUAL else pytest.mark.exhaustive)
    for one in ((edition, chapter) for edition in EDITIONS for chapter in chapters())
]


@pytest.fixture
def chapter(browser, served):
    context = browser.new_context(viewport={"width": 665, "height": 980})  # A4 less its margins
    page = context.new_page()

    def chapter(edition, name):
        page.goto(f"{served}/{edition}/{name}.html")
        return page

    yield chapter
    context.close()


def empty(sheet):
    """How much of the sheet's text area lies empty below its last ink."""
    picture = sheet.render(scale=0.5).to_pil().convert("L")
    top, bottom = [picture.height * at / HEIGHT for at in (TOP, HEIGHT - BOTTOM)]
    ink = ImageOps.invert(picture).point(lambda value: 255 * (value > 12)).getbbox()
    return max(0, bottom - (ink[3] if ink else top)) / (bottom - top)


@pytest.mark.parametrize(("edition", "name"), CHAPTERS)
def test_little_paper_stays_empty(chapter, edition, name):
    sheets = pypdfium2.PdfDocument(BytesIO(chapter(edition, name).pdf(prefer_css_page_size=True)))
    shares = [empty(sheet) for sheet in sheets]
    assert len(shares) > 3 and shares[0] < 0.4
    assert round(sum(shares[:-1]) / len(shares[:-1]), 2) <= 0.15, [round(share, 2) for share in shares]


def test_cards_and_graphs_are_whole_and_alone(chapter):
    page = chapter("en", "notebooks/03_forward")
    page.emulate_media(media="print")
    body, head = [
        page.locator(f".lw-card .lw-{part}").first.evaluate("part => getComputedStyle(part).breakInside")
        for part in ("body", "head")
    ]
    assert body == head == "avoid"
    tall = page.locator(".lw-card .lw-body").evaluate_all(
        "all => Math.max(...all.map((card) => card.getBoundingClientRect().height))"
    )
    assert tall < 980, "none is taller than a sheet, which would cut it"
    for words in ("nav", ".bd-header-article", ".prev-next-footer", ".code-bar", ".picture-open", "a.headerlink"):
        assert page.locator(f"{words}:visible").count() == 0, words
