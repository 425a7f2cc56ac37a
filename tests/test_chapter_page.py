"""A chapter as somebody reads it who runs nothing: old addresses, sections, quiet cells, code on a phone."""

import re

import pytest
import yaml
from conftest import EDITIONS, ROOT, chapters, read_notebook, until
from quiet_cells import checked, fetches_a_card

OLD_PAGE, FAMILY = "notebooks/04_torchvision", "notebooks/05_family"
OLD_ADDRESSES = yaml.safe_load((ROOT / "tests" / "old_addresses.yml").read_text(encoding="utf-8"))
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SECTIONS = "all => all.map(section => `#${section.id}`)"
LINKS = "all => all.map(link => link.getAttribute('href'))"
READ_IS_MARKED = """() => {
    const read = [...document.querySelectorAll("article section[id]")]
        .filter(section => section.getBoundingClientRect().top < innerHeight / 3).at(-1).id;
    const marked = [...document.querySelectorAll(".bd-sidebar-primary .page-sections [aria-current]")];
    return marked.length === 1 && marked[0].getAttribute("href") === `#${read}`;
}"""


@pytest.fixture
def visit(browser, site):
    """Opens a page from the disk in a fresh profile."""
    contexts = []

    def visit(address, **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.goto(f"{site.as_uri()}/{address}")
        return page

    yield visit
    for context in contexts:
        context.close()


# ---- old addresses


def heading(page, anchor):
    return page.locator(f"[id='{anchor}'] > :is(h1, h2, h3)").first.inner_text().removesuffix("¶").strip()


def test_every_old_address_leads_to_its_section(visit, site):
    page = visit(f"en/{OLD_PAGE}.html")
    for anchor, title in OLD_ADDRESSES.items():
        page.goto("about:blank")
        page.goto(f"{site.as_uri()}/en/{OLD_PAGE}.html#{anchor}")
        page.locator(f"article section[id='{page_anchor(anchor)}']").wait_for(state="attached")
        assert page.url.endswith(f"#{page_anchor(anchor)}")
        if anchor != page_anchor(anchor):
            continue  # the title, which says now what is left of the chapter
        assert heading(page, anchor) == title
        assert page.locator(f"[id='{anchor}']").evaluate("element => element.getBoundingClientRect().top") < 450
    forward = list(OLD_ADDRESSES)[list(OLD_ADDRESSES).index("the-forward-pass-forward") :]
    page.goto("about:blank")
    page.goto(f"{site.as_uri()}/en/{OLD_PAGE}.html#{forward[0]}")
    page.wait_for_url(f"**/{FAMILY}.html#{forward[0]}")
    page.go_back()
    assert page.url == "about:blank", "the way back leads past the old address"


def page_anchor(anchor):
    return "one-class-many-networks-torchvisions-init" if anchor == next(iter(OLD_ADDRESSES)) else anchor


@pytest.mark.parametrize("edition", EDITIONS)
def test_without_scripts_an_old_address_shows_its_link(visit, edition):
    page = visit(f"{edition}/{OLD_PAGE}.html#out-identity", java_script_enabled=False)
    shown = page.locator(".moved-sections a:visible")
    assert shown.all_inner_texts() == ["out += identity"]
    assert shown.bounding_box()["y"] < 900
    shown.click()
    page.wait_for_url(f"**/{edition}/{FAMILY}.html#out-identity")
    assert heading(page, "out-identity") == "out += identity"


# ---- sections


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_lists_its_sections_and_marks_the_one_that_is_read(visit, name):
    page = visit(f"en/{name}.html")
    sections = page.locator("article section section").evaluate_all(SECTIONS)
    listed = page.locator(".bd-sidebar-primary .page-sections a")
    assert listed.evaluate_all(LINKS) == sections and listed.first.is_visible()
    for section in (sections[len(sections) // 3], sections[-1]):
        page.locator(section).evaluate("section => section.scrollIntoView({ behavior: 'instant' })")
        until(page, READ_IS_MARKED)
        box = page.locator(".bd-sidebar-primary .page-sections [aria-current]").bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900, "the sidebar shows where one is"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400


@pytest.mark.parametrize("edition", EDITIONS)
def test_notes_that_a_chapter_shows_lead_to_the_sections_that_explain_them(visit, site, edition):
    links = visit(f"{edition}/notebooks/16_your_own.html").locator(".lw-notes a[data-section]").evaluate_all(LINKS)
    assert len(links) >= 4 * (2 if edition == "both" else 1)
    for link in links:
        chapter, _, anchor = link.partition("#")
        assert f'id="{anchor}"' in (site / edition / "notebooks" / chapter).read_text(encoding="utf-8"), link


@pytest.mark.parametrize("script", [True, False])
def test_on_a_phone_the_sections_stand_folded_at_the_beginning(visit, script):
    page = visit(f"zh/{FAMILY}.html", **PHONE, java_script_enabled=script)
    listed = page.locator("article details.page-sections")
    assert listed.bounding_box()["y"] < 500 and not listed.locator("a").first.is_visible()
    listed.locator("summary").tap()
    assert listed.locator("a").evaluate_all(LINKS) == page.locator("article section section").evaluate_all(SECTIONS)
    listed.locator('a[href="#out-identity"]').tap()
    assert page.url.endswith("#out-identity")
    if script:
        listed.locator('[aria-current][href="#out-identity"]').wait_for(state="attached")
        assert listed.locator("[aria-current]").count() == 1


# ---- quiet cells


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("assert x.shape == (1, 64, 56, 56)", "4 个数字已核对", "4 numbers checked"),
        ("assert a.params == b.params == 75_008", "1 个数字已核对", "1 number checked"),
        ("assert 64 * 64 == 4_096 and read == {(1, 1): 0.25, (3, 3): 1.0}", "3 个数字已核对", "3 numbers checked"),
        ("assert trail[0].x == rows[3:5]\nassert -1 < y < 2", "2 个数字已核对", "2 numbers checked"),
        ("assert torch.equal(a, b)\nassert flag is True", "2 处已核对", "2 statements checked"),
        ("if x:\n    assert y\nz = 5", "1 处已核对", "1 statement checked"),
    ],
)
def test_numbers_are_counted(source, zh, en):
    assert checked(source) == (zh, en)


@pytest.mark.parametrize(
    ("source", "fetches"),
    [
        ('trail["return out"]', True),
        ('trail["out = self.relu(out)", 2]', True),
        ('build[\n    "def __init__(self, "\n    "x):"\n]', True),
        ('trails["dilated"]["out = self.conv2(out)"]', True),
        ('step = trail["return out"]\nstep', True),
        ('step = trail["return out"]\nstep.shape', False),
        ('step = trail["return out"]\nother', False),
        ('trail[name]', False),
        ('print(1)\ntrail["return out"]', False),
        ('walk(block, x)["return out"]', False),
        ("%matplotlib inline", False),
        ("conv1x1(256, 512, 2)", False),
    ],
)
def test_what_only_fetches_a_card_is_known(source, fetches):
    assert fetches_a_card(source) == fetches


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_reader_meets_the_explanation_and_the_card(visit, edition):
    page = visit(f"{edition}/{FAMILY}.html")
    section = page.locator("#out-conv1")
    assert section.locator(".lw-card").is_visible() and section.locator("pre:visible").count() == 0
    assert len(re.findall(r"out = self\.conv1\(x\)", section.inner_text())) == 2  # its heading, and its card
    code, mark = section.locator("summary").all()
    words = {"zh": "5 个数字已核对", "en": "5 numbers checked", "both": "5 个数字已核对 / 5 numbers checked"}
    assert mark.inner_text() == words[edition]
    assert code.bounding_box()["y"] == mark.bounding_box()["y"], "one line for both"
    article = page.locator(".bd-article").bounding_box()
    right = mark.bounding_box()["x"] + mark.bounding_box()["width"]
    assert article["x"] + article["width"] - right < 40, "at the margin"


def test_a_mark_opens_by_key_and_by_touch_and_without_scripts(visit):
    for options in ({}, PHONE, {"java_script_enabled": False}):
        page = visit(f"en/{FAMILY}.html", **options)
        for summary, shown in zip(page.locator("#out-conv1 summary").all(), ("trail[", "step = "), strict=True):
            box = summary.bounding_box()
            assert box["height"] >= 24
            if options is PHONE:
                summary.tap()
            else:
                summary.focus()
                page.keyboard.press("Enter")
            code = summary.locator("xpath=..").locator("pre")
            assert code.is_visible() and code.inner_text().startswith(shown)


def test_on_paper_cards_stand_without_the_code_that_fetched_them(visit):
    page = visit(f"en/{FAMILY}.html")
    page.emulate_media(media="print")
    assert page.locator("#out-conv1 .lw-card").is_visible()
    assert page.locator("#out-conv1 :is(summary, pre):visible").count() == 0
    assert page.locator("#the-downsample-early-or-late .cell_input pre:visible").count() == 2
    assert page.locator(".page-sections:visible, .tag_bootstrap pre:visible").count() == 0


# ---- code on a phone

# Of each line: which names are broken, and how far right of its beginning each name stands that is on a row below.
LINES = """all => all.flatMap(pre => [...pre.querySelectorAll(".code-line")]).map(line => {
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT), range = document.createRange();
    const broken = [], below = [];
    let beginning;
    while (walker.nextNode()) {
        for (const { index, 0: name } of walker.currentNode.data.matchAll(/[A-Za-z_][A-Za-z0-9_]*|[^\\s]/g)) {
            range.setStart(walker.currentNode, index);
            range.setEnd(walker.currentNode, index + name.length);
            const boxes = [...range.getClientRects()];
            beginning ??= boxes[0];
            if (boxes.length !== 1) broken.push(name);
            if (boxes[0].top > beginning.top + 4) below.push(boxes[0].left - beginning.left);
        }
    }
    return [broken, below];
})"""


@pytest.mark.parametrize("name", chapters())
def test_code_wraps_by_indentation_and_stays_what_it_was(visit, name):
    page = visit(f"zh/{name}.html", **PHONE)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    blocks = page.locator("article .cell_input pre")
    cells = [cell.source for cell in read_notebook(ROOT / f"{name}.ipynb").cells if cell.cell_type == "code"]
    written = [f"{source}\n" for source in cells]
    assert blocks.evaluate_all("all => all.map(pre => pre.textContent)") == written
    copied = blocks.evaluate_all(
        "all => all.map(pre => { const all = getSelection(); all.selectAllChildren(pre); return all.toString(); })"
    )
    assert copied == cells
    assert not blocks.evaluate_all(
        "all => all.filter(pre => pre.scrollWidth > pre.clientWidth).map(pre => pre.textContent)"
    )
    lines = blocks.evaluate_all(LINES)
    assert not [broken for broken, _ in lines if broken]
    hanging = [min(below) for _, below in lines if below]
    assert len(hanging) > 10 and min(hanging) > 8
