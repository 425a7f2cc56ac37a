"""The glossary says the same in both languages and leads to sections that are there, and chapters lead to it."""

import re
from collections import Counter
from itertools import chain

import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import EDITIONS, NOTEBOOKS, ROOT, read_notebook
from editions.anchors import numbered
from editions.cells import pick
from glossary.links import pattern
from glossary.words import linked
from test_editions import HAN, code_spans, misnamed, numbers

GLOSSARY = yaml.safe_load((ROOT / "book" / "glossary.yml").read_text(encoding="utf-8"))
TERMS = [*chain.from_iterable(GLOSSARY.values())]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["id"])
def test_a_term_says_the_same_in_both_languages(term):
    zh, en = term["said"]["zh"], term["said"]["en"]
    assert code_spans(zh) == code_spans(en)
    assert numbers(zh) == numbers(en)
    assert HAN.search(zh) and not HAN.search(en) and not misnamed(zh)
    assert zh.endswith(("。", "）"))
    assert en.endswith((".", ".)"))


def test_each_term_stands_once_and_no_word_leads_to_two():
    assert max(Counter(term["id"] for term in TERMS).values()) == 1
    for language in ("zh", "en"):
        words = [word.lower() for term in TERMS for word in term.get("linked", {}).get(language, [term[language]])]
        assert max(Counter(words).values()) == 1


def test_every_group_is_on_the_page():
    page = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{terms\} (\w+)$", page, re.MULTILINE) == list(GLOSSARY)


def test_each_term_is_shown_by_a_section_that_is_there():
    anchors = {
        f"notebooks/{path.stem}#{anchor}"
        for path in NOTEBOOKS
        for anchor in numbered(pick(read_notebook(path).cells, "en")[1])
    }
    assert not [term["id"] for term in TERMS if term["shown"] not in anchors]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("zh", "批归一化不是一批图", ["批归一化", "一批"]),
        ("zh", "1×1 卷积的卷积核", ["1×1 卷积", "卷积核"]),
        ("en", "Feature maps, in-place writes and sub-channels", ["Feature maps", "in-place"]),
        ("en", "strides, a stridency and one stride", ["stride"]),
    ],
)
def test_the_longest_word_is_found_and_only_whole_ones(language, text, found):
    assert pattern(tuple(linked(ROOT, language)), language).findall(text) == found


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("zh", "两路读的是同一批像素，不是同一批图", ["一批像素", "一批"]),
        ("zh", "这样做没有损失", ["没有损失"]),
        ("en", "a sum in place of a product, written in place", ["in place of", "in place"]),
    ],
)
def test_a_phrase_in_which_the_word_means_something_else_leads_nowhere(language, text, words):
    leads = linked(ROOT, language)
    assert pattern(tuple(leads), language).findall(text) == words
    assert leads[words[0]] is None and all(leads[word] for word in words[1:])


def opened(site, edition, name):
    return BeautifulSoup((site / edition / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_page_has_every_term_with_one_anchor_in_all_editions(site, edition):
    page = opened(site, edition, "book/glossary")
    names = {term["id"]: term for term in TERMS}
    shown = page.select("dl.glossary > dt")
    assert [name["id"] for name in shown] == list(names)
    for name in shown:
        text, term = name.get_text(), names[name["id"]]
        assert term["zh"] in text and term["en"] in text
        said = name.find_next_sibling("dd")
        assert len(said.select("p")) == (3 if edition == "both" else 2)
        link = said.select_one("p.glossary-shown a[href]")
        assert link.get_text().strip() and link["href"].endswith(term["shown"].replace("#", ".html#"))


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_leads_to_each_term_once_a_language(site, edition, path):
    page = opened(site, edition, f"notebooks/{path.stem}")
    ids = {term["id"] for term in TERMS}
    uses = Counter()
    for link in page.select("a:has(> .glossary-link)"):
        address, _, anchor = link["href"].partition("#")
        assert address == "../book/glossary.html" and anchor in ids
        inside = {parent.name for parent in link.parents}
        assert "p" in inside and not inside & {"h1", "h2", "h3", "h4", "a", "code", "pre"}
        uses[link.find_parent(lang=True)["lang"], anchor] += 1
    assert len(uses) >= 15 and set(uses.values()) == {1}
