"""Cards that answer: every number they tell is the walk's, and everything that is drawn around it is where it says."""

import pytest
import torch
import torch.nn.functional as F
from conftest import EDITIONS, until
from PIL import Image
from test_inpage import WRONG_ON_WEBGPU

from linewalk import load_image, stem_and_block, walk
from linewalk.blocks import ASPPTail
from linewalk.draw.maps import number

WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
FORWARD, LINE, FAMILY = "notebooks/03_forward", "notebooks/01_the_line", "notebooks/05_family"
ANSWERED = "() => document.querySelector('.living-value')?.checkVisibility()"
# What the panel says and draws now; boxes in shares of their pictures.
SHOWN = """() => {
    const box = (frame) => frame.hidden ? null
        : ['left', 'top', 'width', 'height'].map((side) => parseFloat(frame.style[side]) / 100);
    const [before, now, photograph] = [...document.querySelectorAll('.living-figure')].map((figure) =>
        figure.hidden ? null : {text: figure.querySelector('code').textContent, box: box(figure.querySelector('i'))});
    const text = (selector, within = document) => within.querySelector(selector).textContent;
    return {value: text('.living-value'), sees: text('.living-sees'), announced: text('.living-announced'),
            line: text('.lw-head > code', document.querySelector('.living-panel').closest('.lw-card')),
            before, now, photograph};
}"""
IN_LINE = """line => document.querySelector('.living-panel').closest('.lw-card')
    .querySelector('.lw-head > code').textContent === line"""


@pytest.fixture
def chapter(browser, served):
    contexts = []

    def open_chapter(name=FORWARD, anchor="", edition="en", viewport=WIDE, **options):
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append((request.method, request.url)))
        page.goto(f"{served}/{edition}/{name}.html{anchor}")
        return page

    yield open_chapter
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def forward():
    return walked(load_image())


def walked(image):
    """(the stem's trail, the block's trail) of a photograph."""
    stem, block = stem_and_block()
    with torch.no_grad():
        entrance = walk(stem, image)
        trail = walk(block, entrance.output)
    trail.preceded_by = entrance
    return entrance, trail


def touch_by_key(page, card, place=-1):
    """Enter on a picture of maps: the value in its middle."""
    page.locator(f"{card} .lw-maps img[data-grid]").nth(place).focus()
    page.keyboard.press("Enter")
    until(page, ANSWERED)


def told(name, tensor, *index):
    return f"{name}[0, {', '.join(map(str, index))}] = {number(tensor[0][index].item())}"


# Numbers and places


def test_one_number_is_followed_from_the_photograph_to_return_out(chapter, forward):
    entrance, trail = forward
    page = chapter()
    stem = ".lw-card[data-again=stem][data-step='1']"
    touch_by_key(page, stem)
    for key in ["PageDown"] * 5 + ["ArrowDown"] * 7 + ["ArrowLeft"] * 9 + ["Enter"]:
        page.keyboard.press(key)
    shown = page.evaluate(SHOWN)
    assert shown["value"] == told("x", entrance[1].value("x"), 5, 63, 47)
    # How it was made, too: this one from 49 pixels of the photograph.
    assert page.locator(".made-title code").inner_text() == shown["value"]
    assert page.locator(".made-grid").first.locator("td").count() == 7 * 7
    assert "7×7 pixels of the photograph: rows 123–129, columns 91–97" in shown["sees"]
    followed = []
    for step in trail:
        page.keyboard.press("j")
        until(page, IN_LINE, step.source)
        shown = page.evaluate(SHOWN)
        name = step.result or "x"
        if step.source.startswith("if "):
            name = "x"
        if step.source == "identity = x":
            name = "x"  # the same object
        expected = told(name, step.value(name), 5, 31, 23)
        assert shown["value"] == expected and step.source in shown["announced"] and expected in shown["announced"]
        assert page.locator(".made-title code").inner_text() == expected
        followed.append(step.source)
    assert followed[-1] == "return out" and len(followed) == 15
    page.keyboard.press("k")
    assert page.evaluate(SHOWN)["value"] == told("out", trail[-2].value("out"), 5, 31, 23)
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    assert page.evaluate(SHOWN)["line"] == "out = self.relu(out)"  # let go, it stays where it is


def test_the_box_on_the_photograph_is_linewalks_and_the_window_the_kernels(chapter, forward):
    _, trail = forward
    page = chapter()
    for section, source in [("#out-conv1", "out = self.conv1(x)"), ("#out-conv2", "out = self.conv2(out)"),
                            ("#out-identity", "out += identity")]:
        if page.locator(f"{section} .living-maps").count():
            page.locator(f"{section} .living-maps").last.focus()
            page.keyboard.press("Escape")
            page.keyboard.press("Enter")
        else:
            touch_by_key(page, section)
        for key in ["ArrowUp", "ArrowDown"]:  # to the middle, whatever was looked at before
            page.keyboard.press(key)
        shown = page.evaluate(SHOWN)
        assert "28, 28] = " in shown["value"], source
        printed = page.locator(f"{section} .lw-photo i").evaluate(
            "box => ['left', 'top', 'width', 'height'].map((side) => parseFloat(box.style[side]) / 100)")
        assert shown["photograph"]["box"] == pytest.approx(printed, abs=1e-4)
    page.locator("#out-conv2 .living-maps").focus()
    page.keyboard.press("ArrowRight")
    shown = page.evaluate(SHOWN)
    assert shown["before"]["box"] == pytest.approx([28 / 56, 27 / 56, 3 / 56, 3 / 56], abs=1e-4)
    before, (_, block) = trail["out = self.conv2(out)"].before("out"), stem_and_block()
    patch = before[0, :, 27:30, 28:31]
    heaviest = (patch * block.conv2.weight[0]).sum((1, 2)).abs().argmax().item()
    assert shown["before"]["text"] == f"out[0, {heaviest}]"
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    shown = page.evaluate(SHOWN)  # at the edge, a third of the window is padding
    assert "28, 55] = " in shown["value"]
    assert shown["before"]["box"] == pytest.approx([54 / 56, 27 / 56, 2 / 56, 3 / 56], abs=1e-4)


@pytest.fixture(scope="module")
def founding_line():
    """Chapter 1's line as its notebook walks it."""
    stem, block = stem_and_block()
    with torch.no_grad():
        features = block(stem(load_image()))
    branches = [F.avg_pool2d(features, side, stride=1, padding=side // 2) for side in (1, 3, 7, 13)]
    branches.append(features.mean((2, 3), keepdim=True).expand_as(features))
    torch.manual_seed(0)
    return walk(ASPPTail().train(), *branches)[2]


def test_chapter_ones_line_tells_its_three_calls(chapter, founding_line):
    page = chapter(LINE, edition="both")
    touch_by_key(page, "#out-f-relu")
    page.keyboard.press("PageDown")
    for place, (name, value) in enumerate(zip(
        ["conv_1x1_3", "bn_conv_1x1_3", "out"], [call.value for call in founding_line.calls], strict=True
    )):
        page.locator("#out-f-relu .living-maps").nth(place).focus()
        for key in ["ArrowUp", "ArrowDown"]:
            page.keyboard.press(key)
        shown = page.evaluate(SHOWN)
        assert shown["value"] == told(name, value, 1, 28, 28)
        assert "看得到整张照片" in shown["sees"] and "the whole photograph" in shown["sees"]
        assert shown["photograph"]["box"] == [0, 0, 1, 1]


# Leaving a line out


def test_without_one_of_the_three_calls_chapter_ones_line_gives_something_else(chapter, founding_line):
    convolved, normalized, _ = (call.value for call in founding_line.calls)
    page = chapter(LINE)
    touch_by_key(page, "#out-f-relu")
    page.locator("#out-f-relu .living-maps").last.focus()
    for left, value in [("batch norm", F.relu(convolved)), ("ReLU", normalized)]:
        switch = page.get_by_role("switch", name=f"without the {left}")
        switch.click()
        until(page, "() => document.querySelector('.living-value').textContent.includes('before')")
        assert page.evaluate(SHOWN)["value"].startswith(told("out", value, 0, 28, 28) + "; before")
        switch.click()
        until(page, "() => !document.querySelector('.living-value').textContent.includes('before')")


def test_without_the_residual_line_the_maps_after_it_change_in_their_place(chapter, forward):
    _, trail = forward
    page = chapter(anchor="#out-identity")
    touch_by_key(page, "#out-identity")
    page.get_by_role("switch", name="without this line").click()
    until(page, "() => document.querySelector('.living-value').textContent.includes('before')")
    correction, total = (trail["out += identity"].before("out"), trail["out += identity"].value("out"))
    there = (0, 28, 28)
    before = number(total[0][there].item())
    assert page.evaluate(SHOWN)["value"] == f"{told('out', correction, *there)}; before {before}"
    changed = page.locator("#out-relu-3 .living-changed").last.inner_text()
    apart = F.relu(correction) - F.relu(total)
    assert f"at most {number(apart.abs().max().item())}" in changed
    assert page.locator("#out-bn3 .living-changed").inner_text() == ""
    assert page.locator("#out-bn3 .living-maps canvas").is_hidden()
    assert page.locator("#out-relu-3 .living-maps canvas").last.is_visible()
    page.get_by_role("button", name="Put all lines back").click()
    until(page, "() => !document.querySelector('.living-value').textContent.includes('before')")
    assert page.locator("#out-relu-3 .living-maps canvas").last.is_hidden()


# The reader's own picture


def drawn(path):
    """Noise, as large as the stem wants it: nothing is left to how it is scaled. Returns the walk's trail."""
    generator = torch.Generator().manual_seed(0)
    Image.fromarray(torch.randint(256, (224, 224, 3), generator=generator, dtype=torch.uint8).numpy()).save(path)
    return walked(load_image(path))[1]


def test_the_readers_picture_is_on_every_card_and_leaves_for_nowhere(chapter, tmp_path):
    picture, broken = tmp_path / "picture.png", tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    trail = drawn(picture)
    page = chapter()
    touch_by_key(page, "#out-conv3")
    printed = page.locator(".lw-photo img").first.get_attribute("src")
    page.asked.clear()
    page.set_input_files("#living-file", picture)
    page.get_by_role("button", name="Back to the photograph").wait_for()
    for section, line in [("#out-conv3", "out = self.conv3(out)"), ("#out-relu-3", ("out = self.relu(out)", 2))]:
        page.locator(f"{section} .living-maps").last.focus()
        for key in ["ArrowUp", "ArrowDown"]:
            page.keyboard.press(key)
        value = trail[line].value("out")
        assert page.evaluate(SHOWN)["value"] == told("out", value, 0, 28, 28)
        assert f"max {number(value.max().item())}" in page.locator(f"{section} .lw-legend").last.inner_text()
    shown = page.locator(".lw-card[data-again] .living-maps canvas")
    assert shown.count() > 20 and all(canvas.is_visible() for canvas in shown.all())
    photographs = page.locator(".lw-card[data-again] :is(.lw-photo img, .lw-maps > img)")
    sources = photographs.evaluate_all("all => all.map(image => image.src)")
    assert len(sources) > 10 and len(set(sources)) == 1 and sources[0].startswith("data:image/png")
    assert all(method == "GET" and ("/_images/" in url or url.startswith("data:")) for method, url in page.asked)
    page.set_input_files("#living-file", broken)
    page.get_by_text("This file cannot be read as a picture").wait_for()
    page.get_by_role("button", name="Back to the photograph").click()
    until(page, "name => document.querySelector('.lw-photo img').src.endsWith(name)", printed.rpartition("/")[2])
    assert all(canvas.is_hidden() for canvas in shown.all())


# What is loaded, and when


@pytest.mark.parametrize("name", [FORWARD, LINE, FAMILY])
def test_a_page_that_nobody_touches_loads_a_small_script_only(chapter, site, name):
    page = chapter(name)
    page.wait_for_load_state("networkidle")
    asked = [url.rpartition("/")[2] for _, url in page.asked if "/inpage/" in url]
    assert asked == ["living.js"] and (site / "inpage" / "living.js").stat().st_size < 4096
    if name == FAMILY:
        touch_by_key(page, ".lw-card[data-again='block after'][data-step='5']")
        assert page.locator(".living-status").inner_text() == ""  # its numbers are those that are printed


def test_pages_without_such_cards_have_no_script(site):
    for edition in EDITIONS:
        assert "inpage/" not in (site / edition / "notebooks" / "02_init.html").read_text(encoding="utf-8")


def test_cards_of_other_weights_stay_as_they_are(site):
    page = (site / "en" / f"{FAMILY}.html").read_text(encoding="utf-8")
    assert 'data-again="block after"' in page
    assert page.count('class="lw-card"') > page.count("data-again=")


# What may go wrong


def test_a_gpu_with_other_numbers_is_left_for_the_processor(open_playground, served, site):
    page = open_playground("webgpu")
    script = WRONG_ON_WEBGPU + (site / "inpage" / "worker.js").read_text(encoding="utf-8")
    page.route("**/worker.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.goto(f"{served}/en/{FORWARD}.html?backend=webgpu")
    touch_by_key(page, "#out-conv1")
    assert "This GPU's numbers are not PyTorch's" in page.locator(".living-status").inner_text()


def test_a_lost_gpu_leaves_the_processor_and_the_readers_picture(open_playground, served, tmp_path):
    trail = drawn(tmp_path / "picture.png")
    page = open_playground("webgpu")
    page.goto(f"{served}/en/{FORWARD}.html?backend=webgpu")
    touch_by_key(page, "#out-conv1")
    page.set_input_files("#living-file", tmp_path / "picture.png")
    page.get_by_role("button", name="Back to the photograph").wait_for()
    page.context.browser.new_browser_cdp_session().send("Browser.crashGpuProcess")
    page.get_by_text("The browser took the GPU away; it goes on with the CPU").wait_for()
    page.locator("#out-bn1 .living-maps").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("switch", name="without this line").click()  # computed on the processor
    until(page, "() => document.querySelector('.living-value').textContent.includes('before')")
    before, after = (trail[line].value("out") for line in ("out = self.bn1(out)", "out = self.conv1(x)"))
    value = page.evaluate(SHOWN)["value"]
    assert value == f"{told('out', after, 0, 29, 28)}; before {number(before[0, 0, 29, 28].item())}"


def test_numbers_that_differ_on_the_processor_are_owned_up_to(chapter):
    page = chapter()
    printed = page.locator("#out-bn3 .lw-maps img")
    printed.evaluate("image => { image.dataset.sample = image.dataset.sample.replace(/^[^,]+/, '9') }")
    touch_by_key(page, "#out-conv1")
    assert "This browser's numbers are not quite those printed" in page.locator(".living-status").inner_text()


def test_what_is_missing_is_said_and_the_page_stays_whole(chapter, site):
    page = chapter(edition="zh")
    page.add_init_script("delete globalThis.WebAssembly")
    page.reload()
    page.locator("#out-conv1 .lw-maps img").click()
    page.get_by_text("这个浏览器没有 WebAssembly").wait_for()
    page.goto((site / "en" / f"{FORWARD}.html").as_uri())
    page.locator("#out-conv1 .lw-maps img").click()
    page.get_by_text("A browser does not let a page opened from the disk").wait_for()
    assert page.locator("#out-conv1 .lw-photo").is_visible() and page.locator("#out-conv1 .lw-maps img").is_visible()


# A finger


def test_a_finger_pins_and_the_buttons_move(chapter, forward):
    _, trail = forward
    page = chapter(anchor="#out-bn1", viewport=PHONE, has_touch=True, edition="zh")
    maps = page.locator("#out-bn1 .lw-maps img")
    box = maps.bounding_box()
    maps.tap(position={"x": box["width"] * (60 * 2 + 1 + 10.5) / 478, "y": box["height"] * (1 + 20.5) / 118})
    until(page, ANSWERED)
    value = trail["out = self.bn1(out)"].value("out")
    assert page.evaluate(SHOWN)["value"] == told("out", value, 2, 20, 10)
    page.get_by_role("button", name="右边的数").tap()
    page.get_by_role("button", name="下一个通道").tap()
    assert page.evaluate(SHOWN)["value"] == told("out", value, 3, 20, 11)
    page.locator(".code-bar [data-code=next]").tap()
    assert page.evaluate(SHOWN)["value"] == told("out", trail["out = self.relu(out)"].value("out"), 3, 20, 11)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for button in page.locator(".living-keys button").all():
        assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 44
