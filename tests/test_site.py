"""The built site in a real browser."""

import re
from urllib.parse import quote, urlsplit

import pytest
from conftest import EDITIONS, chapters, in_every_edition, pages, until

LANGUAGES = {"zh": "zh-CN", "en": "en", "both": "zh-CN"}
EVERY_PAGE = in_every_edition([*pages(), "search"])
CHAPTER = chapters()[-1]


@pytest.fixture
def visit(browser, served):
    """Opens an address in a fresh browser profile; `visit.problems` gathers what went wrong on the way."""
    contexts, problems = [], []

    def visit(path, **options):
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: foreign(request.url) and problems.append(f"asks {request.url}"))
        page.on(
            "response", lambda response: response.status >= 400 and problems.append(f"{response.status} {response.url}")
        )
        page.goto(f"{served}/{path}", wait_until="load")
        return page

    def foreign(address):
        parts = urlsplit(address)
        return parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != served

    visit.problems = problems
    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("edition", "name"), EVERY_PAGE)
def test_a_page_opens(visit, edition, name):
    page = visit(f"{edition}/{name}.html")
    page.wait_for_load_state("networkidle")
    assert not visit.problems
    assert page.locator("html").get_attribute("lang") == LANGUAGES[edition]
    assert page.title()
    assert page.locator("h1:visible").count() == 1
    alternates = page.locator("link[rel=alternate][hreflang]")
    assert alternates.evaluate_all("links => links.map(link => link.hreflang)") == ["zh-CN", "en", "x-default"]
    for address in alternates.evaluate_all("links => links.map(link => link.href)"):
        assert page.request.get(address).ok


@pytest.mark.parametrize(("edition", "name"), EVERY_PAGE)
def test_a_page_fits_a_telephone(visit, edition, name):
    page = visit(f"{edition}/{name}.html", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("edition", "name"), in_every_edition(chapters()))
def test_figures_are_there_and_described(visit, edition, name):
    page = visit(f"{edition}/{name}.html")
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    assert page.locator(".cell_output :is(img, svg)").count()
    for image in page.locator(".cell_output img").all():
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
        assert image.get_attribute("alt").strip()
        assert not image.get_attribute("src").startswith("data:")
        assert image.get_attribute("width") and image.get_attribute("height")
    # A graph whose nodes are links is a group of them.
    for drawing in page.locator(".cell_output svg:is([role=img], [role=group])").all():
        assert drawing.get_attribute("aria-label") or drawing.locator("> title").count() == 1
    undescribed = page.locator(".cell_output svg:not([role=img], [role=group], [aria-hidden=true]):not(svg svg)")
    assert undescribed.count() == 0


@pytest.mark.parametrize("name", chapters())
def test_an_edition_speaks_one_language(visit, name):
    assert visit(f"zh/{name}.html").locator("article [lang=en]").count() == 0
    english = visit(f"en/{name}.html")
    assert english.locator("article [lang=zh]").count() == 0
    for part in ("article h1", ".bd-sidebar-primary", ".bd-sidebar-secondary"):
        text = "".join(english.locator(part).all_text_contents())
        assert not re.search("[㐀-鿿]", text), text


@pytest.mark.parametrize("name", pages())
def test_anchors_are_the_same_and_unique(visit, name):
    found = []
    for edition in EDITIONS:
        page = visit(f"{edition}/{name}.html")
        found.append(page.locator("article section").evaluate_all("sections => sections.map(section => section.id)"))
        links = page.locator("article section > :is(h1, h2, h3, h4) > a.headerlink")
        assert links.evaluate_all("links => links.map(a => a.getAttribute('href').slice(1))") == found[-1]
        ids = page.locator("[id]").evaluate_all("elements => elements.map(element => element.id)")
        assert len(ids) == len(set(ids))
    assert found[0] == found[1] == found[2]
    assert found[0]


def test_twins_stand_side_by_side_or_below_each_other(visit):
    def boxes(width):
        page = visit(f"both/{CHAPTER}.html", viewport={"width": width, "height": 900})
        twins = page.locator(".twins").first
        return twins.locator("> [lang=zh]").bounding_box(), twins.locator("> [lang=en]").bounding_box()

    zh, en = boxes(1400)
    assert en["x"] >= zh["x"] + zh["width"] and abs(en["y"] - zh["y"]) < 2
    zh, en = boxes(390)
    assert en["y"] >= zh["y"] + zh["height"]


def in_view(page, anchor):
    """Whether the section begins in the upper half of the window."""
    until(
        page,
        """id => {
            const { top } = document.getElementById(id).getBoundingClientRect();
            return top > -5 && top < innerHeight / 2;
        }""",
        anchor,
        timeout=5,
    )
    return True


def a_section(page):
    ids = page.locator("article section section").evaluate_all("sections => sections.map(section => section.id)")
    return ids[len(ids) // 2]


@pytest.mark.parametrize(("start", "to"), [("zh", "en"), ("en", "both"), ("both", "zh")])
def test_the_switch_keeps_page_and_anchor(visit, start, to):
    page = visit(f"{start}/{CHAPTER}.html")
    anchor = a_section(page)
    page.goto(page.url + "#" + anchor)
    page.click(f".language-switch [data-edition={to}]")
    page.wait_for_url(f"**/{to}/{CHAPTER}.html#{anchor}")
    assert in_view(page, anchor)
    assert page.locator(".language-switch [aria-current]").get_attribute("data-edition") == to
    assert not visit.problems


def test_the_switch_keeps_the_section_scrolled_to(visit):
    page = visit(f"zh/{CHAPTER}.html")
    anchor = a_section(page)
    page.evaluate("id => document.getElementById(id).scrollIntoView({ behavior: 'instant' })", anchor)
    # Playwright's own click would scroll before it clicks in the sticky header.
    box = page.locator(".language-switch [data-edition=en]").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(f"**/en/{CHAPTER}.html#{anchor}")
    assert in_view(page, anchor)


@pytest.mark.parametrize(("start", "to"), [("zh", "en"), ("en", "both"), ("both", "zh")])
def test_the_switch_works_without_javascript(visit, start, to):
    page = visit(f"{start}/{CHAPTER}.html", java_script_enabled=False)
    page.click(f".language-switch [data-edition={to}]")
    page.wait_for_url(f"**/{to}/{CHAPTER}.html")


@pytest.mark.parametrize(
    ("locale", "edition"), [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-US", "en"), ("en-GB", "en")], ids=lambda text: text
)
def test_the_chooser_goes_by_the_browsers_language(visit, locale, edition):
    page = visit("", locale=locale)
    page.wait_for_url(f"**/{edition}/book/index.html")
    assert not visit.problems


@pytest.mark.parametrize(("start", "to"), [("zh", "en"), ("en", "zh"), ("zh", "both")])
def test_the_choice_is_remembered(visit, start, to):
    page = visit(f"{start}/{CHAPTER}.html", locale="zh-CN" if start == "zh" else "en-US")
    chooser = urlsplit(page.url)._replace(path="/", fragment="").geturl()
    page.click(f".language-switch [data-edition={to}]")
    page.wait_for_url(f"**/{to}/{CHAPTER}.html*")
    page.goto(chooser)
    page.wait_for_url(f"**/{to}/book/index.html")
    # A choice at the chooser counts as well, and `#choose` lets the reader make another.
    page.goto(f"{chooser}#choose")
    page.click(f"a[data-edition={start}]")
    page.wait_for_url(f"**/{start}/book/index.html")
    page.goto(chooser)
    page.wait_for_url(f"**/{start}/book/index.html")


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_editions_address_leads_to_its_first_page(visit, edition):
    visit(f"{edition}/").wait_for_url(f"**/{edition}/book/index.html")
    assert not visit.problems


@pytest.mark.parametrize("options", [{"java_script_enabled": False}, {"locale": "fr-FR"}], ids=["no script", "French"])
def test_the_chooser_offers_all_editions(visit, options):
    page = visit("index.html", **options)
    links = page.locator("a[data-edition]")
    assert [link.get_attribute("data-edition") for link in links.all()] == list(EDITIONS)
    links.nth(1).click()
    page.wait_for_url("**/en/**")
    assert not visit.problems


@pytest.mark.parametrize(
    ("edition", "query", "word"),
    [
        ("zh", "残差", "残差"),
        ("zh", "下采样", "下采样"),
        ("zh", "批归一化", "批归一化"),
        ("zh", "下采样的作用", "下采样"),
        ("zh", "downsample 是什么", "downsample"),
        ("en", "in-place", "in place|in-place"),
        ("en", "residual", "residual"),
        ("both", "下采样", "下采样"),
        ("both", "residual", "residual"),
    ],
)
def test_search_finds(visit, edition, query, word):
    page = visit(f"{edition}/book/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type(query)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/{edition}/(notebooks|assignments)/"))
    assert re.search(word, page.locator("article").inner_text(), re.IGNORECASE)
    opened = page.url
    page.goto(f"{opened.partition(f'/{edition}/')[0]}/{edition}/search.html?q={quote(query)}")
    first = page.locator("#search-results ul.search li a").first
    first.wait_for(timeout=10000)
    assert first.evaluate("link => link.href") == opened
    assert not visit.problems


@pytest.mark.parametrize("tag", ["check", "setup"])
def test_quiet_cells_open(visit, tag):
    page = visit(f"zh/{CHAPTER}.html")
    cell = page.locator(f".cell.tag_{tag}").first
    assert not cell.locator("pre").first.is_visible()
    cell.locator("summary").click()
    assert cell.locator("pre").first.is_visible()
