"""The printed book, made as `make pdf` makes it."""

import contextlib
import fcntl
import re
import subprocess
import sys
from types import SimpleNamespace

import pdf
import pypdf
import pypdfium2
import pytest
from conftest import ROOT, chapters

LANGUAGES = ("zh", "en")
HEADINGS = ["out = self.conv1(x)", "out += identity"]


@pytest.fixture(scope="module")
def books(site, browser):
    """Both PDFs; asking for the browser has one installed where there is none."""
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    run = subprocess.run([sys.executable, "book/pdf.py"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    assert before == {path: path.stat().st_mtime_ns for path in site.rglob("*")}, "nothing is written into the site"
    return {language: pypdf.PdfReader(path_of(language)) for language in LANGUAGES}


def path_of(language):
    return ROOT / "_build" / "pdf" / f"bottleneck-{language}.pdf"


@pytest.fixture(scope="module")
def texts(books):
    """PDFium reads them in a second, pypdf in half a minute."""
    documents = {language: pypdfium2.PdfDocument(path_of(language)) for language in books}
    return {
        language: "\n".join(page.get_textpage().get_text_range() for page in document)
        for language, document in documents.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_a_book(books, texts, language):
    assert path_of(language).read_bytes().startswith(b"%PDF")
    assert 30 < len(books[language].pages) < 300
    assert books[language].outline
    for heading in HEADINGS:
        assert heading in texts[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_lead_into_the_book(books, language):
    book = books[language]
    links = [link.get_object() for page in book.pages for link in page.get("/Annots", [])]
    inside = [link["/Dest"] for link in links if "/Dest" in link]
    assert len(inside) > 40
    assert {str(target) for target in inside} <= set(book.named_destinations)
    for name in chapters():
        assert f"/{name.rpartition('/')[2]}" in inside
    outside = [link["/A"]["/URI"] for link in links if "/URI" in link.get("/A", {})]
    assert outside and not [address for address in outside if "127.0.0.1" in address]


def test_chinese_can_be_selected_and_found(books, texts):
    for words in ("逐行读懂", "目录", "这一行", "特征图", "通道", "里面"):
        assert words in texts["zh"]
    some = "".join(page.extract_text() for page in books["zh"].pages[:12])  # PDFium takes a radical for its character
    assert "通道" in some and not re.search("[\u2e80-\u2fdf]", some)


def test_the_english_book_is_in_english(texts):
    assert "Contents" in texts["en"] and "first" in texts["en"]
    # Code cells, and what a command printed, are the same in both, and some of it is in both languages.
    assert len(re.findall("[\u4e00-\u9fff]", texts["en"])) < len(texts["en"]) / 200


def test_pictures_are_printed(books):
    for book in books.values():
        assert sum(map(has_a_picture, book.pages)) > 20


def has_a_picture(page):
    return any(thing.get_object()["/Subtype"] == "/Image" for thing in page["/Resources"].get("/XObject", {}).values())


@pytest.mark.parametrize("page", ["zh/notebooks/03_forward.html", "both/book/index.html"])
def test_a_printed_page_is_the_article_alone_in_light_colours(browser, served, page):
    context = browser.new_context(color_scheme="dark", viewport={"width": 1000, "height": 1000})
    paper = context.new_page()
    paper.goto(f"{served}/{page}")
    paper.emulate_media(media="print")
    assert paper.locator("h1:visible").count() == 1
    assert paper.locator(":is(nav, header, footer, aside, button, .fold > summary):visible").count() == 0
    colours = paper.locator("article :is(p, h1, h2, pre, pre span):visible").evaluate_all(
        "elements => elements.map(element => getComputedStyle(element).color.match(/[\\d.]+/g).slice(0, 3).map(Number))"
    )
    assert colours and max(sum(colour) for colour in colours) < 450
    context.close()


def test_a_build_waits_until_the_book_is_printed(site, monkeypatch):
    def launch(_):
        with open(ROOT / "_build" / ".lock") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        raise SystemExit

    monkeypatch.setattr(pdf, "sync_playwright", contextlib.nullcontext)
    monkeypatch.setattr(pdf, "launch", launch)
    with pytest.raises(SystemExit):
        pdf.main()


def test_without_chromium(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"没有找到.* -m playwright"):
        pdf.launch(SimpleNamespace(chromium=SimpleNamespace(executable_path="/nowhere")))


def test_a_chromium_that_does_not_start_is_told_in_one_sentence(playwright, monkeypatch, tmp_path):
    """Playwright says it in a dozen lines and more."""
    monkeypatch.setattr(pdf.shutil, "which", lambda name: "/bin/false")
    monkeypatch.setattr(pdf, "SAID", tmp_path / "said.txt")
    monkeypatch.setattr(pdf, "ROOT", tmp_path)
    with pytest.raises(pdf.Error) as error:
        pdf.launch(playwright)
    said = pdf.not_printed(error.value)
    assert re.fullmatch("Chromium 没能启动.*said.txt.* · Chromium did not start, or .*said.txt.*", said)
    assert len((tmp_path / "said.txt").read_text().splitlines()) > 5
