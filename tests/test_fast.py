"""A page is there soon on a slow line and a slow processor, and stays where it is."""

import gzip
import re
import statistics

import pytest
from bs4 import BeautifulSoup
from conftest import EDITIONS, chapters, pages, until
from test_light import host  # noqa: F401

ADDRESSES = [f"{edition}/{name}.html" for edition in EDITIONS for name in [*pages(), "search"]]
# 1.6 Mb/s and 150 ms, on a processor a quarter as fast.
LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
SLOWER = 4
PHONE = {"width": 390, "height": 844}
WATCH = """
window.seen = { paint: 0, shift: 0, tasks: [] };
const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
  .observe({ type, buffered: true });
watch("largest-contentful-paint", ({ startTime }) => { seen.paint = startTime; });
watch("layout-shift", ({ value, hadRecentInput }) => { if (!hadRecentInput) seen.shift += value; });
watch("longtask", ({ startTime, duration }) => seen.tasks.push([startTime, duration]));
"""


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_but_one_sheet_and_one_script_is_waited_for(site, address):
    html = (site / address).read_text(encoding="utf-8")
    soup = BeautifulSoup(re.sub("<noscript>.*?</noscript>", "", html.partition("</head>")[0]), "html.parser")
    waited = [link["href"] for link in soup.select("link[rel=stylesheet]:not([media])")]
    waited += [script["src"] for script in soup.select("script[src]:not([defer], [async])")]
    assert len(waited) <= 2
    files = [(site / address).parent / name.partition("?")[0] for name in waited]
    assert sum(len(gzip.compress(path.read_bytes(), 6)) for path in files) < 90_000


@pytest.mark.parametrize("name", chapters())
def test_a_graph_is_drawn_when_it_comes_near(browser, served, name):
    """The count of what is laid out does not depend on how busy the machine is."""
    page = browser.new_page(viewport=PHONE)
    page.goto(f"{served}/both/{name}.html")
    nodes = page.locator(".lw-node")
    drawn = nodes.evaluate_all(
        "all => all.filter((node) => node.checkVisibility({ contentVisibilityAuto: true })).length"
    )
    links = page.locator(".lw-node[role=link]").count()
    total = nodes.count()
    page.close()
    assert drawn <= 200 and links <= 400 and (drawn < total or total < 200)


def test_what_is_folded_is_not_laid_out_and_scrolls_by_keyboard_when_it_opens(browser, served):
    page = browser.new_page(viewport=PHONE)
    page.add_init_script("""
        window.asked = [];
        const { get } = Object.getOwnPropertyDescriptor(Element.prototype, "scrollWidth");
        Object.defineProperty(Element.prototype, "scrollWidth", { get() {
            if (!this.checkVisibility()) asked.push(this.className);
            return get.call(this);
        } });
    """)
    page.goto(f"{served}/en/notebooks/03_forward.html")
    page.wait_for_load_state("load")
    page.evaluate("""() => {
        const fold = document.querySelector("article details.fold:not([open])");
        fold.insertAdjacentHTML("beforeend", `<pre id="wide">${"x".repeat(900)}</pre>`);
        document.querySelector("#wide").style.cssText = "white-space: pre; overflow: auto";
        fold.id = "opened";
    }""")
    page.wait_for_timeout(600)
    assert not page.evaluate("asked") and page.evaluate("document.querySelector('#wide').tabIndex") == -1
    page.locator("#opened > summary").click()
    until(page, "() => document.querySelector('#wide').tabIndex === 0")
    page.close()


@pytest.mark.exhaustive
@pytest.mark.parametrize("address", ADDRESSES)
def test_on_a_slow_line_a_page_is_soon_there_and_stays(browser, host, address):  # noqa: F811
    runs = [seen_on_a_slow_line(browser, f"{host}{address}") for _ in range(3)]
    blocked = [sum(length - 50 for start, length in run["tasks"]) for run in runs]
    assert statistics.median(run["paint"] for run in runs) <= 2500
    assert statistics.median(blocked) <= 200
    assert max(run["shift"] for run in runs) < 0.001


@pytest.mark.parametrize("address", ["zh/notebooks/02_init.html", "en/assignments/forward.html", "both/book/live.html"])
def test_nothing_on_a_page_moves_when_its_scripts_arrive(browser, host, address):  # noqa: F811
    assert seen_on_a_slow_line(browser, f"{host}{address}")["shift"] < 0.001


def seen_on_a_slow_line(browser, address):
    """What `WATCH` notes of a phone's visit."""
    context = browser.new_context(viewport=PHONE)
    context.add_init_script(WATCH)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address)
    page.wait_for_timeout(1500)
    found = page.evaluate("seen")
    context.close()
    return found
