"""The search index in Chinese: as Sphinx makes it, in a time that does not grow with the square of the book."""

import time

import pytest
from chinese_search import ChineseSearch
from conftest import ROOT, read_notebook
from sphinx.search.zh import SearchChinese

WORDS = {"dict": str(ROOT / "book" / "search-words.txt")}


@pytest.fixture(scope="module")
def chapter():
    return "\n".join(cell.source for cell in read_notebook(ROOT / "notebooks" / "03_forward.ipynb").cells)


def test_finds_the_words_that_sphinx_finds(chapter):
    ours, sphinxs = ChineseSearch(WORDS), SearchChinese(WORDS)
    words = ours.split(chapter)
    assert words == sphinxs.split(chapter)
    assert len(set(words)) > 1000
    assert [ours.stem(word) for word in words] == [sphinxs.stem(word) for word in words]


def test_a_longer_book_does_not_slow_a_word_down(chapter):
    search = ChineseSearch({})
    words = search.split(chapter)[:2000]

    def seconds():
        started = time.perf_counter()
        for word in words:
            search.stem(word)
        return time.perf_counter() - started

    short = min(seconds() for _ in range(3))
    search.split(" ".join(f"term{number}" for number in range(200_000)))
    assert min(seconds() for _ in range(3)) < 5 * short
