"""The site's own search in a real browser: what readers type leads to the section that answers."""

import re
import statistics
from pathlib import Path

import pytest
import yaml
from conftest import EDITIONS, ROOT, chapters

SETS = ROOT / "tests" / "searches"
PAGES = {int(Path(name).name[:2]): name for name in chapters()}  # by a chapter's number
ASSIGNMENTS = ("shapes", "init", "forward", "groups", "bugs")
FIRST, IN_THREE = 0.8, 0.95


def address(short):
    page, _, anchor = str(short).partition("#")
    page = PAGES.get(int(page)) if page.isdigit() else f"assignments/{page}" if page in ASSIGNMENTS else f"book/{page}"
    return f"{page}.html#{anchor}"


def queries(name, language):
    asked = yaml.safe_load((SETS / f"{name}.yml").read_text(encoding="utf-8"))[language]
    return [(str(query), [address(short) for short in right]) for query, *right in asked]


@pytest.fixture(scope="module")
def opened(browser, served):
    """Edition → a page with its search loaded."""
    pages = {}
    for edition in EDITIONS:
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{served}/{edition}/search.html?q=conv")
        page.locator("#search-results a").first.wait_for()
        page.evaluate("() => { globalThis.findSections = bookFind(bookSections); }")
        pages[edition] = page
    return pages


def results(page, query):
    """Addresses, best first; a page's own is that of its first section."""
    return page.evaluate(
        """query => {
            const tops = Object.fromEntries(bookSections.pages.map(page => [page.address, page.sections[0].anchor]));
            return findSections(query).map(({ address }) => address in tops ? `${address}#${tops[address]}` : address);
        }""",
        query,
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_right_section_leads(opened, language):
    """Of queries of which half could not be tuned for: the two sets weigh the same, whatever their sizes."""
    shares, missed = [], []
    for name in ("tuned", "unseen"):
        ranks = []
        asked = queries(name, language)
        assert len(asked) >= 40
        for query, right in asked:
            found = results(opened[language], query)
            ranks.append(next((rank for rank, one in enumerate(found) if one in right), 99))
            if ranks[-1] > 0:
                missed.append(f"{ranks[-1]} {query!r}: {found[:3]}, not {right}")
        shares.append([sum(rank < most for rank in ranks) / len(ranks) for most in (1, 3)])
        print(f"{name} {language}: {shares[-1][0]:.0%} first, {shares[-1][1]:.0%} in the first three")
    first, three = map(statistics.mean, zip(*shares, strict=True))
    assert first >= FIRST and three >= IN_THREE, "\n".join(missed)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_that_the_book_names_is_not_found(opened, language):
    for name in ("tuned", "unseen"):
        assert not [query for query, _ in queries(name, language) if not results(opened[language], query)]
    titles = opened[language].evaluate("bookSections.pages.flatMap(page => page.sections.map(({ title }) => title))")
    assert not [title for title in titles if not results(opened[language], title)]


SAME = [
    ("残差连接", "跳跃连接", "捷径", "shortcut", "skip connection"),
    ("批归一化", "批量归一化", "BN", "batchnorm"),
]


def test_words_of_one_meaning_find_the_same(opened):
    groups = yaml.safe_load((ROOT / "book" / "synonyms.yml").read_text(encoding="utf-8"))
    for words in SAME:
        for language in ("zh", "en"):
            assert len({results(opened[language], word)[0] for word in words}) == 1, words
    assert all(group["words"] for group in groups)
    pages = opened["en"].evaluate("bookSections.pages.flatMap(p => p.sections.map(s => p.address + '#' + s.anchor))")
    explained = [group["explained"].replace("#", ".html#") for group in groups if "explained" in group]
    assert set(explained) <= set(pages)


def test_a_line_is_known_again_however_it_is_spelled(opened):
    spellings = [
        "out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))什么意思",
        "y = nn.functional.relu(self.bn3(self.conv3(y)))",
        "x=torch.nn.functional.relu( self.norm( self.conv( x ) ) )",
        "what does `feature = F.relu(self.bn(self.conv(feature)))` do?",
    ]
    for spelling in spellings:
        for edition in EDITIONS:
            assert results(opened[edition], spelling)[0] == "notebooks/01_the_line.html#out-f-relu", spelling


@pytest.mark.parametrize("source, chapter", [
    ("linewalk/blocks/aspp.py", "notebooks/01_the_line.html"),
    ("linewalk/blocks/explicit.py", "notebooks/02_init.html"),
    ("linewalk/blocks/resnet.py", "notebooks/04_torchvision.html"),
])
@pytest.mark.parametrize("on_one_line", [False, True])
def test_a_class_leads_to_its_chapter(opened, source, chapter, on_one_line):
    code = (ROOT / source).read_text(encoding="utf-8")
    code = re.sub(r'""".*?"""\n', "", code[code.index("class ") :], flags=re.DOTALL)
    if on_one_line:
        code = "解释这段代码" + " ".join(code.split())
    for edition in EDITIONS:
        found = opened[edition].evaluate("code => findSections(code)[0].address", code)
        assert found == chapter


@pytest.mark.parametrize("numbers", [(64, 256, 56), (128, 512, 28)])
def test_an_error_message_leads_to_its_explanation_whatever_its_numbers(opened, numbers):
    few, many, size = numbers
    message = (
        f"RuntimeError: Given groups=1, weight of size [{few}, {many}, 1, 1], expected input[1, {few}, {size}, {size}] "
        f"to have {many} channels, but got {few} channels instead"
    )
    for edition in ("zh", "en"):
        assert results(opened[edition], message)[0] == "notebooks/03_forward.html#what-a-wrong-shape-looks-like"


def test_exercises_come_behind_explanations(opened):
    for language, words in (("zh", "步幅 捷径 分组 参数量"), ("en", "stride shortcut groups parameters")):
        for word in words.split():
            found = results(opened[language], word)
            explained = [rank for rank, one in enumerate(found) if one.startswith("notebooks/")]
            exercises = [rank for rank, one in enumerate(found) if one.startswith("assignments/")]
            assert explained and explained[0] == 0 and (not exercises or exercises[0] > explained[0])


# ---- the field


def open_page(browser, served, path, **context):
    page = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **context}).new_page()
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(f"{served}/{path}")
    return page


def test_results_come_while_one_types_and_keys_lead_on(browser, served):
    page = open_page(browser, served, "en/book/teachers.html")
    assert not [one for one in page.requests if one.endswith(("sections.js", "find.js"))]
    page.keyboard.press("Control+k")
    page.keyboard.type("skip connection")
    page.wait_for_selector(".find-result")
    assert [one for one in page.requests if one.endswith("sections.js")]
    field = page.locator("input[role=combobox]:visible")
    assert field.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    chosen = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
    assert chosen.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowDown")
    assert page.locator('[aria-selected="true"]').count() == 1
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/notebooks/03_forward.html#out-identity")


def test_escape_closes_the_results_and_then_the_field(browser, served):
    page = open_page(browser, served, "zh/notebooks/03_forward.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("残差")
    page.wait_for_selector(".find-result")
    page.keyboard.press("Escape")
    assert page.locator(".find-result:visible").count() == 0 and page.locator("dialog[open] input").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_a_result_says_line_chapter_and_sentence(browser, served):
    page = open_page(browser, served, "en/notebooks/01_the_line.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("a tensor that lets gradients flow around the shortcut")
    result = page.locator(".find-result").first
    result.locator("mark").first.wait_for()  # the first letters find something else, in which they mark nothing
    assert result.locator("b, code").inner_text() and result.locator("small").inner_text()


def test_nothing_found_is_said_with_what_to_do(browser, served):
    page = open_page(browser, served, "both/search.html?q=qqqzzzqqq")
    assert "没有找到" in page.locator(".find-status", has_text="Nothing found").inner_text()


def test_from_a_file_results_are_links(browser, site):
    page = browser.new_page()
    page.goto((site / "zh/search.html").as_uri() + "?q=%E6%AE%8B%E5%B7%AE")
    link = page.locator("#search-results a").first
    link.wait_for()
    link.click()
    page.wait_for_url("**/notebooks/*.html#*")
    assert page.url.startswith("file:")
