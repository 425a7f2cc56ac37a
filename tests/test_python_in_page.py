"""Python in the page: a reader's own class is explained there, and what it runs reaches nothing else."""

import base64
import gzip
import io
import json
import linecache
import re
import textwrap
from io import BytesIO
from urllib.parse import quote
from zipfile import ZipFile

import in_node
import pytest
import python_parts
import torch
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, comes_to, until
from nbformat import reads
from PIL import Image
from readers import REACH

from linewalk import walk
from linewalk.draw import glimpse
from linewalk.images import IMAGENET_MEAN, IMAGENET_STD

READY = 120_000  # ms; a busy machine takes its time to start Python
WITH_SHORTCUT = """
class Block(nn.Module):
    def __init__(self, inplanes=64, planes=64):
        super().__init__()
        self.conv = nn.Conv2d(inplanes, planes * 4, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        projection = nn.Conv2d(inplanes, planes * 4, 1, stride=2, bias=False)
        self.downsample = nn.Sequential(projection, nn.BatchNorm2d(planes * 4))

    def forward(self, x):
        identity = self.downsample(x)
        out = self.bn(self.conv(x))
        out += identity
        return self.relu(out)
"""
LOOP = """
class Endless(nn.Module):
    def forward(self, x):
        while True:
            x = x + 1
        return x
"""


@pytest.fixture(scope="module")
def annotate(browser, served):
    """Opens the page in an edition, once for all that are asked there: starting Python takes its time."""
    pages = {}

    def opened(edition):
        if edition not in pages:
            pages[edition] = browser.new_page()
            pages[edition].goto(f"{served}/{edition}/book/annotate.html")
        return pages[edition]

    yield opened
    for page in pages.values():
        page.close()


def explain(page, code):
    page.locator("#annotate-code").fill(code)
    page.locator(".an-run").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)
    return page.locator(".an-status").inner_text()


def lines(page):
    return {line.locator("code").first.inner_text(): line for line in page.locator(".an-lines > li").all()}


@pytest.mark.parametrize("edition", ["zh", "en"])
def test_every_line_of_a_pasted_class_is_explained(annotate, edition):
    page = annotate(edition)
    explain(page, WITH_SHORTCUT)
    found = lines(page)
    assert [line for line in found if line.startswith(("self.", "out", "identity", "return"))] == [
        line.strip() for line in WITH_SHORTCUT.splitlines() if re.match(r" +(self\.|out|identity|return)", line)
    ]
    assert all(line.locator(".an-note").inner_text().strip() for line in found.values())
    han = re.compile(r"[㐀-鿿]")
    assert all(bool(han.search(line.locator(".an-note").inner_text())) == (edition == "zh") for line in found.values())


def test_its_shapes_and_parameters_are_pytorchs(annotate):
    page = annotate("en")
    explain(page, WITH_SHORTCUT)
    space = {"nn": torch.nn}
    exec(WITH_SHORTCUT, space)
    with torch.device("meta"):
        block = space["Block"]()
        shape = [int(side) for side in page.get_by_label("Shape of input 1").input_value().split(",")]
        made = {"identity": block.downsample(torch.empty(shape)), "out": block.conv(torch.empty(shape))}
    found = lines(page)
    for start, tensor in made.items():
        line = next(one for text, one in found.items() if text.startswith(f"{start} = "))
        assert line.locator(".an-shape").first.inner_text() == "×".join(map(str, tensor.shape))
    conv = next(one for text, one in found.items() if text.startswith("self.conv = "))
    assert f"{sum(parameter.numel() for parameter in block.conv.parameters()):,}" in conv.inner_text()


def test_guesses_can_be_changed_and_a_shape_that_does_not_fit_is_named(annotate):
    page = annotate("en")
    explain(page, WITH_SHORTCUT)
    page.get_by_label("Shape of input 1").fill("2, 64, 32, 32")
    page.get_by_label("planes", exact=True).fill("16")
    page.get_by_role("button", name="Run again with these").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)
    assert "2×64×16×16" in page.locator(".an-lines").inner_text()
    page.get_by_label("Shape of input 1").fill("2, 32, 32, 32")
    page.get_by_role("button", name="Run again with these").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)
    assert "an-failed" in page.locator(".an-status").get_attribute("class")
    assert "identity = self.downsample(x)" in page.locator(".an-status").inner_text()
    assert len(lines(page)) > 5, "the lines before it are explained"


def test_what_is_taken_along_is_whole(annotate):
    page = annotate("en")
    explain(page, WITH_SHORTCUT)
    taken = {}
    for name in ("Download .py", "Download notebook .ipynb"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        taken[name] = download.value.path().read_text(encoding="utf-8")
    space = {"nn": torch.nn}
    exec(taken["Download .py"], space)
    assert space["Block"]()(torch.ones(1, 64, 8, 8)).shape == (1, 256, 4, 4)
    assert taken["Download .py"].count("#") >= 12
    assert len(reads(taken["Download notebook .ipynb"], 4).cells) > 10


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_seeds_bottleneck_is_an_example(annotate, edition):
    page = annotate(edition)
    page.get_by_role("button", name="Bottleneck", exact=True).click()
    page.locator(".an-run").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)
    assert page.locator(".an-lines > li").count() == 27  # of the class line, 10 of __init__, 16 of forward
    assert not page.locator(".an-status.an-failed").count()


def test_the_example_that_does_not_fit_fails_where_it_says(annotate):
    page = annotate("en")
    page.get_by_role("button", name="one whose shapes do not fit").click()
    page.locator(".an-run").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)
    assert "out += identity, failed" in page.locator(".an-status.an-failed").inner_text()
    assert "downsample" in page.locator(".an-lines li", has_text="out += identity").last.inner_text()


def test_by_keyboard_the_focus_stays_on_the_button(annotate):
    page = annotate("en")
    page.locator("#annotate-code").fill(WITH_SHORTCUT)
    page.locator("#annotate-code").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)
    assert len(lines(page)) > 10
    assert page.evaluate("document.activeElement.classList.contains('an-run')")


@pytest.mark.parametrize(
    "code, said",
    [
        ("", "paste a class"),
        ("hello there", "class"),
        ("import tensorflow as tf\nclass A(tf.Module):\n    pass", "TensorFlow"),
        ("class A(nn.Module):\n    def __init__(self):\n        super().__init__()", "forward"),
        ("class A(nn.Module):\n    def forward(self, x):\n        return open('weights.pt')", "weights.pt"),
        ("class A(nn.Module):\n    def forward(self, x):\n        return self.forward(x)", ""),
    ],
)
def test_bad_input_gets_a_sentence_and_the_page_goes_on(annotate, code, said):
    page = annotate("en")
    assert said in explain(page, code)
    assert len(page.locator(".an-status").inner_text()) > 20
    explain(page, WITH_SHORTCUT)
    assert len(lines(page)) > 10


BREAKS_PYTHON = """
class Breaks(nn.Module):
    def __init__(self):
        super().__init__()
        __import__("sys").modules["json"].dumps = __import__("json").loads = None
        __import__("annotate_pasted").both = None

    def forward(self, x):
        return self.missing(x)
"""


def test_code_that_breaks_python_gets_a_sentence_and_the_page_goes_on(annotate):
    page = annotate("en")
    assert len(explain(page, BREAKS_PYTHON)) > 20
    assert "every one explained" in explain(page, WITH_SHORTCUT)


def test_a_loop_without_an_end_is_stopped_and_the_page_goes_on(annotate):
    page = annotate("en")
    page.locator("#annotate-code").fill(LOOP)
    page.locator(".an-run").click()
    until(page, "() => document.querySelector('.an-status').textContent === 'Running…'", timeout=READY / 1000)
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Stop").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=5000)
    assert page.locator(".an-status").inner_text().startswith("It was stopped.")
    explain(page, WITH_SHORTCUT)
    assert len(lines(page)) > 10


def test_a_stop_while_python_is_loading_is_a_stop(browser, served):
    page = browser.new_page()
    page.route("**/inpage/python.wasm-*", lambda route: None)  # never comes
    page.goto(f"{served}/en/book/annotate.html")
    page.locator("#annotate-code").fill(WITH_SHORTCUT)
    page.locator(".an-run").click()
    page.get_by_role("button", name="Stop").click()
    until(page, "() => document.querySelector('.an-status').textContent.startsWith('It was stopped.')")
    assert page.locator(".an-run[aria-disabled=false]").count() and not page.locator("iframe").count()
    page.close()


# ---- whose code runs


REACHES = f"""
class Reach(nn.Module):
    def __init__(self):
        super().__init__()
        js = __import__("importlib").import_module("js")  # an import of it would be answered by a stand-in
{textwrap.indent(REACH, " " * 8)}
        self.reached = " ".join(found)
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        raise ValueError("reached: " + self.reached)
"""


def test_what_runs_there_reaches_nothing(browser, served):
    """Neither the site, nor its storage, nor another host: every request of the page is known beforehand."""
    page, asked, stopped = browser.new_page(), [], {}
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: stopped.update({request.url: request.failure}))
    page.goto(f"{served}/en/book/annotate.html")
    before = set(asked)
    secret = f"{served}/zh/index.html?reached"
    said = explain(page, REACHES.replace("ADDRESS", secret))
    assert re.search(r"reached: DedicatedWorkerGlobalScope[.\n]", said)
    later = {url for url in asked if url not in before and not url.startswith("blob:")}
    assert not [url for url in later if "reached" in url]
    assert {failure for url, failure in stopped.items() if "reached" in url} <= {"csp"}, "it is the policy that stops"
    names = {url.rpartition("/")[2].partition("-")[0].partition(".")[0] for url in later}
    assert names <= {"python", "library", "stdlib", "favicon", "output"}  # the last shows what came out
    page.close()


FETCHES = """
class Fetches(nn.Module):
    def __init__(self):
        super().__init__()
        module = __import__("importlib").import_module
        js, proxy = module("js"), module("pyodide.ffi").create_proxy
        tried = module("sys").tried = []
        yes = lambda name: proxy(lambda _: tried.append(name))
        no = lambda name: proxy(lambda _: tried.append("no " + name))
        # The worker's own function; what stands in its place hands out what was handed in.
        fetch = js.WorkerGlobalScope.prototype.fetch.call(js.self, "ADDRESS")
        getattr(fetch, "then")(yes("fetch"), no("fetch"))
        try:
            js.caches.open("x").then(yes("caches"), no("caches"))
        except Exception:
            tried.append("no caches")
        try:
            request = js.indexedDB.open("x")
            request.onsuccess, request.onerror = yes("indexedDB"), no("indexedDB")
        except Exception:
            tried.append("no indexedDB")
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)
"""
TOLD = """
class Told(nn.Module):
    def forward(self, x):
        raise ValueError("tried: " + ", ".join(__import__("sys").tried))
"""


def test_neither_fetch_nor_storage_answers(annotate, served):
    page = annotate("en")
    explain(page, FETCHES.replace("ADDRESS", f"{served}/zh/index.html"))

    def tried():
        said = explain(page, TOLD).partition("ValueError: tried: ")[2]
        return sorted(said.partition("\n")[0].rstrip(".").split(", "))

    refused = ["no caches", "no fetch", "no indexedDB"]
    assert comes_to(refused, tried) == refused


def test_what_comes_out_is_inert(annotate):
    page = annotate("en")
    page.evaluate("window.acted = 0")
    markup = "<img src=x onerror=window.acted=1><script>window.acted=1</script>"
    code = WITH_SHORTCUT.replace("    def __init__", f'    """{markup}"""\n\n    def __init__')
    code = code.replace("self.conv = ", f'self.note = "{markup}"\n        self.conv = ')
    explain(page, code)
    with_values(page)
    line = lines(page)["out += identity"]
    line.locator(".an-card > summary").click()
    line.locator(".an-card .lw-card").wait_for(timeout=30_000)
    assert page.evaluate("window.acted") == 0 and "onerror" in page.locator(".an-lines").inner_text()
    active = "script, style, iframe, object, [onerror], [onclick], a:not(.an-section), img:not([src^='data:image/'])"
    assert not page.locator(f".an-result :is({active})").count()


TURNED = 'class Turned(nn.Module):\n    def forward(self, x):\n        return x  # \u202eabc\u2066\n'


def test_characters_that_turn_the_order_are_written_out(annotate, browser, served):
    page = annotate("en")
    code = TURNED.replace("return x", 'x.note = "\u202eabc\u2066"; return x')
    assert "change the order" in explain(page, code)
    shown = page.locator(".an-lines").inner_text()
    assert "⟨U+202E⟩abc⟨U+2066⟩" in shown and not re.search("[\u202a-\u202e\u2066-\u2069]", shown)
    brought = browser.new_page()
    brought.goto(f"{served}/en/book/annotate.html#paste={quote(TURNED)}")
    until(brought, "() => document.querySelector('.an-status').textContent.includes('only if you trust')")
    brought.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_the_book_explains_is_a_link_to_its_section(annotate, site, edition):
    page = annotate(edition)
    explain(page, WITH_SHORTCUT)
    links = page.locator(".an-section").evaluate_all("all => all.map(a => [a.textContent, a.getAttribute('href')])")
    assert len(links) > 4 and len(dict(links)) == len(links), "each section once"
    for words, href in links:
        chapter, _, anchor = href.removeprefix("../notebooks/").partition("#")
        assert f'id="{anchor}"' in (site / edition / "notebooks" / chapter).read_text(encoding="utf-8"), href
        assert re.match(f"第 {int(chapter[:2])} 章：|Chapter {int(chapter[:2])}: ", words)


def test_code_of_an_address_waits_for_the_button(browser, served):
    page = browser.new_page()
    page.goto(f"{served}/en/book/annotate.html#paste={quote(WITH_SHORTCUT)}")
    until(page, "() => document.querySelector('#annotate-code').value.includes('class Block')")
    assert "has not been run" in page.locator(".an-status").inner_text() and not page.locator("iframe").count()
    page.close()


def test_a_link_carries_the_code_in_its_fragment(browser, served):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{served}/en/book/annotate.html")
    explain(page, WITH_SHORTCUT)
    page.get_by_role("button", name="Copy a link that carries the code").click()
    until(page, "() => document.querySelector('.an-said').textContent === 'Copied.'")
    address = page.evaluate("navigator.clipboard.readText()")
    assert address.startswith(f"{served}/en/book/annotate.html#code=")
    other = context.new_page()
    other.goto(address)
    until(other, "() => document.querySelector('#annotate-code').value.includes('class Block')")
    assert other.locator("#annotate-code").input_value().strip() == WITH_SHORTCUT.strip()
    context.close()


def test_a_class_pasted_into_the_search_field_comes_here(browser, served):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{served}/en/book/index.html")
    page.evaluate("code => navigator.clipboard.writeText(code)", WITH_SHORTCUT)
    field = page.locator("main form.bd-search input").first
    field.focus()
    page.keyboard.press("Control+V")
    page.locator(".find-result", has_text="Explain every line of this class").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/annotate.html#paste=*")
    assert page.locator("#annotate-code").input_value() == WITH_SHORTCUT.lstrip()
    context.close()


# ---- values and maps


IN_PLACE = """
class Block(nn.Module):
    def __init__(self, inplanes=16, planes=8):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, inplanes, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        identity = x
        out = self.conv1(x)
        out = self.relu(self.bn1(out))
        out = self.conv2(out)
        out += identity
        return self.relu(out)
"""


def with_values(page):
    """The lines with what was computed for them: {source: [(text of a figure, its picture's pixels)]}."""
    said = "() => document.querySelector('.an-values-said').textContent.includes('computed in this page')"
    until(page, said, timeout=120)
    read = """all => Promise.all(all.map(async (figure) => {
        const image = figure.querySelector("img");
        await image.decode();
        const { naturalWidth: width, naturalHeight: height } = image;
        const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
        context.drawImage(image, 0, 0);
        return [figure.textContent, [...context.getImageData(0, 0, width, height).data]];
    }))"""
    return {text: one.locator(".an-glimpse figure").evaluate_all(read) for text, one in lines(page).items()}


@pytest.fixture(scope="module")
def truth():
    """{line: figures} as `linewalk` draws them from PyTorch's own numbers."""
    space = {"nn": torch.nn}
    linecache.cache["pasted_truth.py"] = len(IN_PLACE), None, IN_PLACE.splitlines(True), "pasted_truth.py"
    exec(compile(IN_PLACE, "pasted_truth.py", "exec"), space)
    torch.manual_seed(0)
    block = space["Block"]().eval()
    x = torch.randn(1, 16, 56, 56)
    with torch.no_grad():
        trail = walk(block, x)
        assert torch.equal(trail.output, block(x))
    return {step.source: BeautifulSoup(glimpse(step), "html.parser").select("figure") for step in trail}


def seen(figure):
    """(numbers, pixels) of a figure that was drawn here."""
    for other in figure.select("[lang=zh]"):
        other.decompose()
    stored = base64.b64decode(figure.img["src"].partition(",")[2])
    return figure.get_text(), list(Image.open(io.BytesIO(stored)).convert("RGBA").tobytes())


def numbers_in(text):
    return [float(one.replace("−", "-")) for one in re.findall(r"−?\d+(?:\.\d+)?", text)]


def test_each_line_has_pytorchs_values_and_maps(annotate, truth):
    page = annotate("en")
    explain(page, IN_PLACE)
    assert page.get_by_label("Shape of input 1").input_value() == "1, 16, 56, 56"
    found = with_values(page)
    counts = {text: len(figures) for text, figures in found.items() if figures}
    assert counts == {text: len(figures) for text, figures in truth.items() if figures}
    assert counts["out += identity"] == counts["return self.relu(out)"] == 2, "before, and after in the same memory"
    for text, figures in truth.items():
        for own, figure in zip(found[text], figures, strict=True):
            told, pixels = seen(figure)
            for one, other in zip(numbers_in(own[0]), numbers_in(told), strict=True):
                assert abs(one - other) <= 0.011 * max(abs(other), 0.01), (text, own[0], told)  # three digits are said
            shown = [a == b for a, b in zip(own[1][3::4], pixels[3::4], strict=True)]
            assert sum(shown) / len(shown) > 0.995, f"{text}: another shade only where a value lies at its edge"


LOOKS = """
class Looks(nn.Module):
    def forward(self, x):
        x = x * 2
        return x
"""
COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


def fed(page, words, differs_from=None):
    """[min, max] of a line's values, once they are of an input of this name and others than before."""
    for _ in range(200):
        figure = lines(page)["x = x * 2"].locator(".an-glimpse figure").last
        if words in page.locator(".an-values-said").inner_text() and figure.count():
            text = figure.inner_text().replace("−", "-")
            found = [float(re.search(rf"{end} (-?[\d.]+)", text)[1]) for end in ("min", "max")]
            if found != differs_from:
                return found
        page.wait_for_timeout(200)
    raise AssertionError(page.locator(".an-values-said").inner_text())


def normalized(color):
    channels = zip(color, IMAGENET_MEAN, IMAGENET_STD, strict=True)
    values = [2 * (value / 255 - mean) / std for value, mean, std in channels]
    return pytest.approx([min(values), max(values)], rel=0.01)


def again(page, shape):
    page.get_by_label("Shape of input 1").fill(shape)
    page.get_by_role("button", name="Run again with these").click()
    page.locator(".an-run[aria-disabled=false]").wait_for(timeout=READY)


def test_the_readers_own_picture_is_the_input(annotate, tmp_path):
    page = annotate("en")
    explain(page, LOOKS)
    assert page.get_by_label("Shape of input 1").input_value() == "1, 3, 224, 224"
    photograph = now = fed(page, "photograph")
    control = page.get_by_label("Your own photo as the input")
    for name, color in COLORS.items():
        Image.new("RGB", (300, 100), color).save(tmp_path / f"{name}.png")
        control.set_input_files(tmp_path / f"{name}.png")
        now = fed(page, "your own picture", differs_from=now)
        assert now == normalized(color)
    (tmp_path / "broken.png").write_bytes(b"this is no picture")
    control.set_input_files(tmp_path / "broken.png")
    page.locator(".an-own", has_text="cannot be read as a picture").wait_for()
    assert fed(page, "your own picture") == now, "what was there stays"
    again(page, "2, 3, 40, 24")
    assert fed(page, "your own picture") == normalized(COLORS["blue"])
    again(page, "1, 3, 224, 224")
    page.get_by_role("button", name="Back to the book's photograph").click()
    assert fed(page, "photograph") == photograph
    explain(page, IN_PLACE)
    assert control.is_hidden(), "sixteen channels are no picture"


def test_an_in_place_line_shows_what_was_there_before(annotate):
    page = annotate("en")
    explain(page, IN_PLACE)
    with_values(page)
    before, after = lines(page)["return self.relu(out)"].locator(".an-glimpse figure").all_inner_texts()
    assert "before this line" in before and "after, in the same memory" in after
    assert min(numbers_in(before)) < 0 and "min 0" in after and "0% < 0" in after


def test_a_line_opens_its_whole_card_with_the_graph(annotate):
    page = annotate("en")
    explain(page, IN_PLACE)
    with_values(page)
    line = lines(page)["out = self.conv2(out)"]
    line.locator(".an-card > summary").click()
    card = line.locator(".an-card .lw-card")
    card.wait_for(timeout=30_000)
    assert card.locator(".lw-head").inner_text().startswith("out = self.conv2(out)")
    assert card.locator(".lw-graph .lw-now").count() == 1 and card.locator(".lw-cuboids").count()
    assert not card.locator("style, script").count() and not re.search("[㐀-鿿]", card.inner_text())


@pytest.mark.parametrize("edition", ["zh", "en"])
def test_a_picture_s_first_layer_sees_the_books_photograph(annotate, edition):
    page = annotate(edition)
    explain(page, "class Stem(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                  "        self.conv = nn.Conv2d(3, 8, 7, stride=4)\n\n    def forward(self, x):\n"
                  "        return self.conv(x)\n")
    said = {"zh": "输入是书里的那张照片", "en": "the input is the book's photograph"}[edition]
    until(page, "said => document.querySelector('.an-values-said').textContent.includes(said)", said, timeout=120)
    assert page.locator(".an-glimpse").count() == 2


@pytest.mark.parametrize("code, said", [
    ("class Wide(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
     "        self.conv = nn.Conv2d(64, 512, 7, padding=3)\n\n    def forward(self, x):\n        return self.conv(x)\n",
     "make the first input smaller, such as 1, 64, 28, 28"),
    ("class Pooled(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
     "        self.conv, self.pool = nn.Conv2d(8, 8, 3), nn.FractionalMaxPool2d(2, 2)\n\n    def forward(self, x):\n"
     "        x = self.conv(x)\n        x = self.pool(x)\n        return x + 1\n",
     "From x = self.pool(x) on"),
])
def test_what_cannot_be_computed_is_a_sentence_below_shapes(annotate, code, said):
    page = annotate("en")
    explain(page, code)
    until(page, "said => document.querySelector('.an-values-said').textContent.includes(said)", said, timeout=120)
    assert page.locator(".an-shape").count() >= 1 and page.locator(".an-glimpse").count() == ("From" in said) * 2
    assert not page.locator(".an-status.an-failed").count()


def test_values_can_be_stopped_and_the_words_stay(annotate, served, browser):
    page = browser.new_page()
    page.goto(f"{served}/en/book/annotate.html")
    explain(page, "class Slow(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                  "        self.conv = nn.Conv2d(64, 64, 3, padding=1).double()\n\n    def forward(self, x):\n"
                  "        x = x.double()\n        for _ in range(9):\n            x = self.conv(x)\n"
                  "        return x\n")
    page.get_by_role("button", name="Stop computing").click()
    until(page, "() => document.querySelector('.an-values-said').textContent.includes('It was stopped')")
    assert page.locator(".an-lines > li").count() == 9
    assert "every one explained" in explain(page, IN_PLACE)
    page.close()


# ---- what it costs


def test_nothing_is_loaded_before_the_button(browser, served):
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served}/both/book/annotate.html")
    page.locator("#annotate-code").fill(WITH_SHORTCUT)
    assert not [url for url in asked if re.search(r"python|library|stdlib|\.packed", url.rpartition("/")[2])]
    page.close()


def test_it_weighs_at_most_seven_megabytes(site):
    parts = [path for path in (site / "inpage").iterdir() if re.match(r"(python|library|stdlib)[-.]", path.name)]
    assert len([path for path in parts if path.suffix == ".packed"]) == 4
    assert sum(path.stat().st_size for path in parts) < 7_000_000


def test_from_a_file_a_sentence_says_what_is_needed(browser, site):
    page = browser.new_page()
    page.goto((site / "en/book/annotate.html").as_uri())
    page.locator("#annotate-code").fill(WITH_SHORTCUT)
    page.locator(".an-run").click()
    until(page, "() => document.querySelector('.an-status').textContent.includes('from a web server')")
    page.close()


def test_the_second_time_all_comes_from_the_browsers_own_store(annotate, served):
    page = annotate("en")
    explain(page, WITH_SHORTCUT)
    kept = json.loads(page.evaluate(
        "async () => JSON.stringify((await (await caches.open('bottleneck-python')).keys()).map(({url}) => url))"
    ))
    assert len([url for url in kept if "graphviz" not in url]) == 4
    assert all(url.startswith(f"{served}/inpage/") for url in kept)


# ---- how it starts


def archive(site, name):
    (packed,) = (site / "inpage").glob(f"{name}.zip-*.packed")
    with ZipFile(BytesIO(gzip.decompress(packed.read_bytes()))) as stored:
        return {name: stored.read(name) for name in stored.namelist()}


def test_byte_code_is_made_the_same_again(site, tmp_path):
    library, standard = archive(site, "library"), archive(site, "stdlib")
    sources = python_parts.files(ROOT / "linewalk", "linewalk/") | python_parts.files(python_parts.PYTHON, "")
    sources = {name: content for name, content in sources.items() if name.endswith(".py")}
    shown = {name: content for name, content in sources.items() if not name.startswith("torch/_")}
    assert len(shown) > 100 and shown == {name: content for name, content in library.items() if name.endswith(".py")}
    assert not [name for name in standard if name.endswith(".py")]
    (made,) = python_parts.byte_code({"library": sources}, tmp_path, in_node.pyodide())
    assert made == {name: content for name, content in library.items() if name.endswith(".pyc")}


def test_a_first_cell_imports_only_what_it_needs():
    program = "import cells, json, sys\nfrom linewalk import stem_and_block, walk\njson.dumps(sorted(sys.modules))"
    imported = set(in_node.run(program, ROOT))
    assert "linewalk.walking" in imported
    assert not imported & {"linewalk.comparing", "linewalk.draw", "linewalk.notes", "annotate_pasted", "safetensors"}
