"""Run on every cell of a hosted page: Python in the page, behind the editor and the outputs of `make live`."""

import functools
import http.server
import json
import re
import threading

import pytest
from bs4 import BeautifulSoup
from conftest import QuietHandler, comes_to, until
from readers import REACH, Reader

from linewalk.draw import graph

PAGE = "notebooks/03_forward"
READY = 120  # s; a busy machine takes its time to start Python


class Visitor(Reader):
    """Somebody on a chapter's page."""

    def __init__(self, page, address):
        self.page, self.asked = page, []
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)
        page.evaluate("document.querySelectorAll('div.cell details').forEach(fold => (fold.open = true))")
        self.cells = page.locator("div.cell:has(.live-buttons)")
        self.message = page.locator(".live-message").first
        self.status = page.locator(".live-status")

    def run(self, cell, name="Run"):
        cell.get_by_role("button", name=name, exact=True).click()
        return cell

    def loop(self, before="pass", turn="pass"):
        """Runs code in the first cell that goes on without an end; Python has come to its loop, then."""
        cell = self.run(self.write(self.cells.first, f"{before}\nprint('looping')\nwhile True: {turn}"))
        cell.locator(".live-output", has_text="looping").wait_for()
        return cell


@pytest.fixture(scope="module")
def reader(browser, served):
    """Tests that can, share a page and its Python."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield Visitor(context.new_page(), f"{served}/en/{PAGE}.html")
    context.close()


# What is there before a click, and what the first one says


def test_nothing_is_loaded_before_a_click(browser, served):
    page = browser.new_page()
    reader = Visitor(page, f"{served}/zh/{PAGE}.html")
    page.wait_for_load_state("networkidle")
    assert reader.cells.count() == page.locator("div.cell .cell_input pre").count() > 30
    assert not [url for url in reader.asked if re.search(r"live/live\.js|/inpage/(?!living)", url)]
    assert not page.locator("iframe").count() and not page.locator(".live-bar").is_visible()
    page.close()


def test_the_first_click_says_what_it_loads_and_how_large_it_is(browser, served, site):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    reader = Visitor(page, f"{served}/zh/{PAGE}.html")
    page.route("**/inpage/python.wasm-*", lambda route: None)  # never comes
    reader.run(reader.cells.nth(1), "运行")
    note = reader.cells.nth(1).locator(".live-loading")
    note.wait_for()
    size = float(re.search(r"约 ([\d.]+) MB", note.inner_text())[1])
    assert 4 < size <= 7
    until(page, "() => document.querySelector('.live-loading progress').value > 0.2")
    assert note.locator("progress").evaluate("bar => bar.value") < 1
    page.get_by_role("button", name="中断").click()
    until(page, "() => document.querySelector('.live-loading').hidden")
    assert reader.message.inner_text().startswith("已经停止")
    assert reader.cells.nth(1).get_attribute("data-live") == "none"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


# Cells that run


def test_the_first_cell_in_sight_runs_alone_and_one_that_skips_others_is_told_so(reader):
    first, card = (
        reader.page.locator("div.cell:has(.live-buttons)", has_text=text).first
        for text in ("stem, block = stem_and_block()", 'entrance["x = self.conv1(x)"]')
    )
    said = reader.becomes(reader.run(card), "failed")  # brings the imports, and they are all that it has
    assert "NameError: name 'entrance' is not defined" in said.inner_text()
    assert said.locator(".live-lacking").inner_text().endswith("press “With cells above”.")
    reader.page.get_by_role("button", name="Restart").click()
    reader.page.locator(".live-message", has_text="Restarted").wait_for(timeout=READY * 1000)
    output = reader.becomes(reader.run(first), "done", "failed")
    assert first.get_attribute("data-live") == "done", output.inner_text()
    assert reader.cells.nth(0).get_attribute("data-live") == reader.cells.nth(1).get_attribute("data-live") == "done"


def test_a_photograph_walks_through_the_block(reader):
    """The first cells of a chapter with all that they need above them; test_cells_in_page.py compares all they say."""
    cell = reader.page.locator("div.cell:has(.live-buttons)", has_text="entrance[\"x = self.conv1(x)\"]").first
    output = reader.becomes(reader.run(cell, "With cells above"), "done", "failed")
    assert cell.get_attribute("data-live") == "done", output.inner_text()
    card = output.locator(".lw-card")
    picture = card.locator(".lw-maps img").first
    sides = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    assert picture.evaluate(sides) == [int(picture.get_attribute(name)) for name in ("width", "height")]
    assert card.locator(".lw-graph svg .lw-now").count() == 1
    tip = card.locator(".lw-edges path").first.get_attribute("marker-end").removeprefix("url(#").removesuffix(")")
    assert card.locator(f"marker[id='{tip}']").count() == 1 == reader.page.locator(f"[id='{tip}']").count()
    assert reader.page.locator(".live-device").inner_text() == "this page, WASM"
    assert not re.search("[㐀-鿿]", card.inner_text())


# Graphs

GRAPHS = {
    "two branches": "block = explicit.Bottleneck(64, 64, downsample=shortcut(64, 256))\nx = torch.randn(1, 64, 8, 8)",
    "the input itself": "block = resnet.Bottleneck(256, 64)\nx = torch.randn(1, 256, 4, 4)",
    "a chain": "block = Stem()\nx = torch.randn(1, 3, 32, 32)",
}
WITH_GRAPH = """
import torch
from linewalk import walk
from linewalk.blocks import Stem, explicit, resnet, shortcut
BUILD
trail = walk(block.eval(), x)
trail[LINE]
"""


def drawn(svg):
    """(nodes, edges) of a graph, as what is written in them; an edge is between what lies nearest to its ends."""
    nodes = {}
    for node in svg.select(".lw-node"):
        box = {name: float(node.rect[name]) for name in ("x", "y", "width", "height")}
        title, shape = node.select("text")
        nodes[" ".join([title.get_text(), shape.get_text()]).strip(), box["y"], box["x"]] = box

    def nearest(x, y, side):
        def distance(name):
            box = nodes[name]
            across = max(0, abs(box["x"] + box["width"] / 2 - x) - box["width"] / 2)
            return across + abs(box["y"] + side * box["height"] - y)

        return min(nodes, key=distance)[0]

    edges = []
    for path in svg.select(".lw-edges path"):
        places = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", path["d"])]
        edges.append((nearest(*places[:2], 1), nearest(*places[-2:], 0)))
    return sorted(name for name, *_ in nodes), sorted(edges)


def svg_of(html):
    return BeautifulSoup(html, "html.parser").select_one("svg:has(.lw-node)")


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_laid_out_as_graphviz_does_it(reader, name):
    """The same nodes and edges as Graphviz itself draws here, with torchview, for the same module."""
    code = WITH_GRAPH.replace("BUILD", GRAPHS[name]).replace("LINE", "-1")
    output = reader.try_out(code)
    own = drawn(svg_of(output.locator(".lw-graph").evaluate("graph => graph.outerHTML")))
    space = {}
    exec(code.rpartition("trail[")[0], space)
    expected = drawn(svg_of(graph(space["trail"][-1])))
    assert own == expected and len(own[1]) >= 3
    assert output.locator(".lw-graph .lw-now").count() >= 1 and output.locator(".lw-card").count() == 1


def test_branches_lie_beside_each_other(reader):
    output = reader.try_out(WITH_GRAPH.replace("BUILD", GRAPHS["two branches"]).replace("LINE", "3"))
    places = output.locator(".lw-graph .lw-node rect").evaluate_all("all => all.map((one) => one.getAttribute('y'))")
    assert len(set(places)) < len(places), "a column has each in a row of its own"


def test_graphviz_comes_with_the_first_graph_and_stays(browser, served):
    context = browser.new_context()
    for turn in range(2):
        reader = Visitor(context.new_page(), f"{served}/en/{PAGE}.html")
        reader.try_out("import torch\nfrom linewalk import walk\nprint(torch.ones(2))")
        assert not [url for url in reader.asked if "graphviz" in url]
        reader.try_out(WITH_GRAPH.replace("BUILD", GRAPHS["a chain"]).replace("LINE", "-1"))
        asked = [url for url in reader.asked if "graphviz" in url]
        assert len(asked) == (0 if turn else 1), "the second time the browser has it"
        reader.page.close()
    context.close()


def test_without_graphviz_a_graph_is_a_column(browser, served):
    page = browser.new_page()
    page.route("**/inpage/graphviz*", lambda route: route.abort())
    reader = Visitor(page, f"{served}/en/{PAGE}.html")
    output = reader.try_out(WITH_GRAPH.replace("BUILD", GRAPHS["two branches"]).replace("LINE", "3"))
    places = output.locator(".lw-graph .lw-node rect").evaluate_all("all => all.map((one) => one.getAttribute('y'))")
    assert len(set(places)) == len(places) == 14
    page.close()


def test_a_changed_stride_makes_another_card(reader):
    output = reader.try_out(
        "import torch\nfrom linewalk import walk\nfrom linewalk.blocks import explicit, shortcut\n"
        "block = explicit.Bottleneck(64, 64, stride=2, downsample=shortcut(64, 256, stride=2)).eval()\n"
        'walk(block, torch.randn(1, 64, 8, 8))["out = self.conv2(out)"]'
    )
    assert "64×4×4" in output.locator(".lw-card").inner_text().replace("1×64×4×4", "64×4×4")


def test_notes_stand_beside_their_code(reader):
    output = reader.try_out(
        "import torch\nfrom linewalk import annotate\nfrom linewalk.blocks import explicit\n"
        "annotate(explicit.Bottleneck(64, 16), torch.randn(1, 64, 4, 4))"
    )
    parts = output.locator(".lw-line").first.locator("pre > b, pre > code, .lw-words").all()
    number, code, words = [part.bounding_box() for part in parts[:3]]
    assert "登记" in parts[2].inner_text(), "asked for in Chinese, which is what annotate gives without a word"
    assert number["x"] + number["width"] < code["x"] and code["x"] + code["width"] <= words["x"]


def test_output_comes_while_a_cell_runs(reader):
    reader.try_out("pass")
    code = "import time\nprint('early')\ntime.sleep(2)\nprint('late')\n[40 + 2]"
    cell = reader.run(reader.write(reader.cells.first, code))
    reader.page.locator(".live-output", has_text="early").wait_for(timeout=5000)
    assert cell.get_attribute("data-live") == "running" and "late" not in cell.locator(".live-output").inner_text()
    assert reader.becomes(cell, "done").inner_text().split() == ["early", "late", "[42]"]


def test_an_error_is_in_the_cells_own_terms(reader):
    output = reader.try_out("import torch\ndef twice(x):\n    return x.view(3)\ntwice(torch.ones(4))", "failed")
    text = output.inner_text()
    assert re.search(r"Cell \d+, line 3, in twice\n +return x\.view\(3\)", text) and "/library" not in text
    assert text.rstrip().endswith("RuntimeError: shape '[3]' is invalid for input of size 4")
    assert output.evaluate("it => getComputedStyle(it).borderInlineStartColor") == "rgb(214, 51, 108)"
    assert "RecursionError" in reader.try_out("def f(): return f()\nf()", "failed").inner_text()
    assert "line 1" in reader.try_out("x = = 1", "failed").inner_text()
    assert reader.try_out("'goes on'").inner_text().strip() == "'goes on'"


@pytest.mark.parametrize("code, lacks", [
    ("import numpy", "no numpy"),
    ("import torch\ntorch.fft.fft2(torch.ones(2, 2))", "torch.fft.fft2"),
    ("import subprocess\nsubprocess.run(['ls'])", "other programs"),
])
def test_what_is_missing_here_is_a_sentence_with_places_where_it_runs(reader, code, lacks):
    output = reader.try_out(code, "failed")
    assert lacks in output.inner_text() and "Traceback" not in output.inner_text()
    links = output.locator("a").all_inner_texts()
    assert "Colab" in links and "Kaggle" in links and len(links) >= 3


def test_much_output_is_cut(reader):
    output = reader.try_out("for n in range(10_000): print('x' * 100)")
    assert len(output.inner_text()) < 202_000 and "only the first 200,000 characters" in output.inner_text()


def test_restart_forgets_and_reset_gives_the_cells_own_text_back(reader):
    first = reader.cells.first
    own = first.locator(".cell_input pre").first.text_content()
    reader.try_out("kept = 1")
    reader.page.get_by_role("button", name="Restart").click()
    reader.page.locator(".live-message", has_text="Restarted").wait_for(timeout=READY * 1000)
    assert "NameError" in reader.try_out("kept", "failed").inner_text()
    assert first.locator(".cell_input pre").first.text_content() != own
    reader.page.get_by_role("button", name="Reset").click()
    assert "find_spec" in first.locator(".cm-content").inner_text() and not first.locator(".live-output").count()


# Interrupting


def test_an_interrupt_ends_python_and_says_so(reader):
    reader.try_out("pass")
    cell = reader.loop()
    reader.page.get_by_role("button", name="Interrupt").click()
    reader.becomes(cell, "none", timeout=5)
    assert "variables went with it" in reader.message.inner_text()
    assert reader.try_out("6 * 7").inner_text().strip() == "42"


class Isolating(QuietHandler):
    """A host that sends what hosting.md says."""

    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "credentialless")
        super().end_headers()


def test_on_a_host_that_isolates_an_interrupt_keeps_the_variables(browser, site):
    handler = functools.partial(Isolating, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        reader = Visitor(page, f"http://127.0.0.1:{server.server_port}/en/{PAGE}.html")
        reader.try_out("kept = 1")
        cell = reader.loop("kept = 2")
        page.get_by_role("button", name="Interrupt").click()
        assert "KeyboardInterrupt" in reader.becomes(cell, "failed", timeout=5).inner_text()
        assert reader.try_out("kept").inner_text().strip() == "2"
        page.close()
        server.shutdown()


# Whose code runs


ASK = """
from pyodide.ffi import create_proxy
tried = []
yes = lambda name: create_proxy(lambda _: tried.append(name))
no = lambda name: create_proxy(lambda _: tried.append("no " + name))
for place in ("ADDRESS", "API"):
    js.WorkerGlobalScope.prototype.fetch.call(js.self, place).then(yes("fetch"), no("fetch"))
try:
    js.caches.open("x").then(yes("caches"), no("caches"))
except Exception:
    tried.append("no caches")
try:
    request = js.indexedDB.open("x")
    request.onsuccess, request.onerror = yes("indexedDB"), no("indexedDB")
except Exception:
    tried.append("no indexedDB")
"""


def test_a_cell_reaches_nothing(reader, served):
    """Neither the site, nor its storage, nor the page, nor the API of a server on its origin."""
    reader.try_out("pass")
    before = len(reader.asked)
    secret = f"{served}/zh/index.html?reached"
    found = reader.try_out(f"import js\n{REACH}print(*found)".replace("ADDRESS", secret))
    assert found.inner_text().split() == ["DedicatedWorkerGlobalScope"]
    reader.try_out(ASK.replace("ADDRESS", secret).replace("API", f"{served}/api/kernels?reached"))
    refused = ["no caches", "no fetch", "no fetch", "no indexedDB"]
    told = "print(*tried, sep=',')"
    assert comes_to(refused, lambda: sorted(reader.try_out(told).inner_text().strip().split(","))) == refused
    asked = [url for url in reader.asked[before:] if not url.startswith(("blob:", "data:"))]
    assert all("reached" in url for url in asked), "nothing but what the policy has stopped"


def test_what_a_cell_puts_out_is_inert(reader):
    reader.page.evaluate("window.acted = 0")
    markup = (
        "<b lang=en>words</b><img src=x onerror=window.acted=1><script>window.acted=1</script>"
        "<style>* {display: none}</style>"
        "<svg><script>window.acted=1</script><a xlink:href='javascript:window.acted=1'><text>t</text></a></svg>"
        "<a href='javascript:window.acted=1' onclick=window.acted=1>link</a><form action=/x><button>b</button></form>"
        "<iframe src=/en/index.html></iframe><meta http-equiv=refresh content='0;url=/en/index.html'>"
        "<p style='background: url(/en/reached)'>p</p><img src=/en/reached><link rel=stylesheet href=/en/reached>"
    )
    before = len(reader.asked)
    code = f"from IPython.display import HTML, SVG, display\ndisplay(SVG({markup!r}))\nHTML({markup!r})"
    output = reader.try_out(code)
    assert output.locator("b").all_inner_texts() == ["words"]  # what stands before a drawing is no part of it
    active = "script, style, iframe, form, button, meta, link, [href], [onclick], [onerror], [src]"
    assert not output.locator(active).count()
    click = "all => all.forEach(one => one.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true})))"
    output.locator("a").evaluate_all(click)
    reader.page.wait_for_timeout(200)
    assert reader.page.evaluate("window.acted") == 0 and not reader.asked[before:]
    assert "url" not in (output.locator("p").first.get_attribute("style") or "")
    print_markup = reader.try_out(f"print({markup!r})")
    assert not print_markup.locator("b, img").count() and "<b lang=en>" in print_markup.inner_text()


# What it costs


def test_the_second_time_it_comes_from_the_browsers_own_store(reader):
    reader.try_out("pass")
    page = reader.page.context.new_page()
    again = Visitor(page, reader.page.url)
    again.try_out("1")
    assert not [url for url in again.asked if url.endswith(".packed")]
    page.close()


# How it starts


IMPORTED = """
import json, sys
from importlib import util

def is_byte_code(spec):
    if spec.origin.endswith(".pyc"):
        return True  # an archive's, without a source
    with open(spec.cached, "rb") as code, open(spec.origin, "rb") as source:
        # https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation: hash-based, unchecked
        return code.read(16) == util.MAGIC_NUMBER + bytes([1, 0, 0, 0]) + util.source_hash(source.read())

specs = [getattr(module, "__spec__", None) for module in sys.modules.values()]
specs = [spec for spec in specs if spec and spec.has_location]
print(json.dumps([len(specs), [spec.name for spec in specs if not is_byte_code(spec)]]))
"""


def test_all_that_is_imported_is_byte_code_of_the_interpreters_own(reader):
    imported, others = json.loads(reader.try_out(IMPORTED).inner_text())
    assert imported > 200 and others == []
