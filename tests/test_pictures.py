"""Graphs, maps and the photograph, in a real browser: small in their cards, whole and large when asked for."""

from urllib.parse import urljoin

import pytest
from conftest import at_rest, until

LINE = "#out-conv2"
OPEN = "dialog.picture-dialog[open]"
WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
# What a graph shows: each node's words and whether the walk has been there.
NODES = """svg => [...svg.querySelectorAll('.lw-node')].map(node =>
    [node.textContent, ['lw-now', 'lw-done', 'lw-todo'].find(state => node.classList.contains(state))])"""
LAYERS = ["conv1 Conv2d", "bn1 BatchNorm2d", "conv2 Conv2d", "bn2 BatchNorm2d", "conv3 Conv2d", "bn3 BatchNorm2d"]
INSIDE = """([frame, parts]) => parts.every(part => {
    const [outer, inner] = [frame, part].map(element => element.getBoundingClientRect());
    return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1
        && inner.left >= outer.left - 1 && inner.right <= outer.right + 1; })"""


@pytest.fixture
def chapter(browser, served):
    contexts = []

    def open_chapter(edition="en", viewport=WIDE, anchor=LINE, **options):
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{served}/{edition}/notebooks/03_forward.html{anchor}")
        return page

    yield open_chapter
    for context in contexts:
        context.close()


def whole(page, selector, parts):
    """Whether all parts lie within the element, as they are seen."""
    return page.evaluate_handle(
        "([frame, parts]) => [document.querySelector(frame), [...document.querySelectorAll(parts)]]", [selector, parts]
    ).evaluate(INSIDE)


def close(page):
    page.keyboard.press("Escape")
    page.wait_for_selector(OPEN, state="detached")


@pytest.mark.parametrize(("edition", "scheme", "viewport"), [("zh", "light", WIDE), ("en", "dark", PHONE)])
def test_a_key_opens_the_whole_graph_with_the_same_lights(chapter, edition, scheme, viewport):
    page = chapter(edition, viewport, color_scheme=scheme)
    in_card = page.eval_on_selector(f"{LINE} .lw-graph svg", NODES)
    button = page.locator(f"{LINE} .lw-graph > button")
    assert button.get_attribute("aria-label") == {
        "zh": "放大计算图：out = self.conv2(out)", "en": "Enlarge the graph: out = self.conv2(out)"
    }[edition]
    button.focus()
    page.keyboard.press("Enter")
    shown = page.eval_on_selector(f"{OPEN} svg", NODES)
    assert shown == in_card and {"lw-now", "lw-done", "lw-todo"} == {state for _, state in shown}
    assert all(any(name.startswith(layer) for name, _ in shown) for layer in LAYERS)
    assert whole(page, f"{OPEN} .picture-stage", f"{OPEN} .lw-node")
    small, large = [page.locator(f"{place} .lw-now text").first.bounding_box() for place in (LINE, OPEN)]
    assert large["height"] > small["height"]
    ids = page.eval_on_selector_all("[id]", "all => all.map(element => element.id)")
    assert not {id for id in ids if ids.count(id) > 1 and id.startswith("lw-")}
    close(page)
    assert button.evaluate("button => button === document.activeElement")


def test_a_touch_opens_the_graph_and_a_node_there_leads_to_its_line(chapter):
    page = chapter(viewport=PHONE, has_touch=True, anchor="#out-conv1")
    page.locator("#out-conv1 .lw-graph > button").tap()
    page.locator(f"{OPEN} .lw-node", has_text="bn2").tap()
    until(page, "location.hash === '#out-bn2'")
    assert page.locator(OPEN).count() == 0
    assert "out = self.bn2(out)" in page.evaluate("document.activeElement.textContent")
    at_rest(page)
    assert 0 <= page.locator("#out-bn2").bounding_box()["y"] < 300


def test_in_the_card_a_click_beside_the_nodes_opens_and_one_on_a_node_goes_to_its_line(chapter):
    page = chapter()
    graph = page.locator(f"{LINE} .lw-graph")
    graph.click(position={"x": 20, "y": graph.bounding_box()["height"] - 40})
    assert page.locator(OPEN).count() == 1
    close(page)
    page.locator(f"{LINE} .lw-node.lw-now").click()
    assert page.locator(OPEN).count() == 0 and page.evaluate("location.hash") == LINE


def test_the_large_picture_is_zoomed_and_moved_by_key_mouse_and_wheel(chapter):
    page = chapter()
    page.locator(f"{LINE} .lw-graph > button").click()
    stage = page.locator(f"{OPEN} .picture-stage")

    def width():
        return page.locator(f"{OPEN} svg").bounding_box()["width"]

    def at():
        return stage.evaluate("stage => [stage.scrollLeft, stage.scrollTop]")

    fitting = width()
    page.keyboard.press("+")
    assert width() > fitting
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert width() < fitting
    for _ in range(6):
        page.get_by_role("button", name="Larger").click()
    before = at()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    at_rest(page, f"{OPEN} svg")
    left, top = at()
    assert left < before[0] or before[0] == 0
    assert top > before[1]
    page.mouse.move(300, 600)
    page.mouse.wheel(0, -100)
    at_rest(page, f"{OPEN} svg")
    assert at()[1] < top
    top = at()[1]
    page.mouse.down()
    page.mouse.move(300, 480, steps=4)
    page.mouse.up()
    assert abs(at()[1] - top - 120) < 2 and page.locator(OPEN).count() == 1
    page.get_by_role("button", name="Fit").click()
    assert width() == pytest.approx(fitting, abs=1)


def test_every_node_of_the_large_graph_is_reached_by_tab_and_enter(chapter):
    page = chapter(anchor="#out-conv1")
    page.locator("#out-conv1 .lw-graph > button").focus()
    page.keyboard.press(" ")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("conv3"):
            break
    page.keyboard.press("Enter")
    until(page, "location.hash === '#out-conv3'")
    assert page.locator(OPEN).count() == 0


@pytest.mark.parametrize(("ratio", "viewport"), [(1, WIDE), (1.5, WIDE), (3, PHONE)])
def test_maps_enlarge_to_whole_pixels_all_channels_with_their_numbers(chapter, site, ratio, viewport):
    page = chapter(viewport=viewport, anchor="#out-conv3", device_scale_factor=ratio)
    small = page.locator("#out-conv3 .lw-maps > img").last
    complete = small.get_attribute("data-all")
    assert (site / "en" / "notebooks" / complete).is_file()
    assert urljoin(page.url, complete) not in page.asked, "it waits until it is asked for"
    page.locator("#out-conv3 .lw-maps .picture-open").last.click()
    image = page.locator(f"{OPEN} .picture-maps img")
    until(page, "document.querySelector('.picture-maps img').naturalWidth > 0")
    for press in ("", "+", "0"):
        if press:
            page.keyboard.press(press)
        width, natural, rendering = image.evaluate(
            "image => [image.getBoundingClientRect().width, image.naturalWidth, getComputedStyle(image).imageRendering]"
        )
        times = width * ratio / natural
        assert times == pytest.approx(round(times), abs=0.01) and times >= 1 and rendering == "pixelated"
    numbers = page.locator(f"{OPEN} .picture-maps span").all_inner_texts()
    assert [int(number) for number in numbers] == list(range(256))
    assert "channels 0–255 of 256" in page.locator(OPEN).inner_text()


def test_each_number_stands_on_its_map(chapter):
    page = chapter(anchor="#out-conv3")
    page.locator("#out-conv3 .lw-maps .picture-open").last.click()
    until(page, "document.querySelector('.picture-maps img').naturalWidth > 0")
    image = page.locator(f"{OPEN} .picture-maps img")
    x0, y0 = [image.bounding_box()[side] for side in "xy"]
    times = image.evaluate("image => image.getBoundingClientRect().width / image.naturalWidth")
    for channel in (0, 7, 8, 255):  # eight in a row, 56 values, their frame and a gap of 2
        box = page.locator(f"{OPEN} .picture-maps span").nth(channel).bounding_box()
        assert box["x"] - x0 == pytest.approx(channel % 8 * 60 * times, abs=1)
        assert box["y"] - y0 == pytest.approx(channel // 8 * 60 * times, abs=1)


def test_on_paper_graphs_are_whole_and_nothing_waits_to_be_pressed(chapter):
    page = chapter()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 665, "height": 980})  # A4 less its margins
    cut = page.eval_on_selector_all(
        ".lw-graph",
        f"""graphs => graphs.filter(graph => graph.querySelector(".lw-node") && !({INSIDE})(
            [graph, [...graph.querySelectorAll(".lw-node")]])).length""",
    )
    assert cut == 0
    masks = page.eval_on_selector_all(".lw-graph > div", "all => all.map(part => getComputedStyle(part).maskImage)")
    assert set(masks) == {"none"} and not page.locator(".picture-open:visible").count()


@pytest.mark.parametrize("edition", ["zh", "en"])
def test_the_photograph_is_shown_and_where_in_it_a_value_looks(chapter, edition):
    page = chapter(edition, anchor="")
    word = {"zh": "照片", "en": "the photograph"}[edition]
    images = page.locator(f'.lw-card img[alt^="{word}"]')
    first = images.first
    first.scroll_into_view_if_needed()
    until(page, "image => image.complete && image.naturalWidth === 224", first.element_handle())
    framed = page.locator(f"{LINE} .lw-photo")
    assert "19×19" in framed.inner_text()
    photo, frame = framed.locator("img").bounding_box(), framed.locator("i").bounding_box()
    assert frame["width"] == pytest.approx(photo["width"] * 19 / 224, abs=1)
    assert photo["x"] < frame["x"] < photo["x"] + photo["width"]
