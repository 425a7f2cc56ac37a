"""The site asks little: of the network, of the place it is served from, and of no other host at all."""

import gzip
import http.server
import re
import threading
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, QuietHandler, chapters, in_every_edition, pages
from snapshot import Snapshot

EVERY_PAGE = [f"{edition}/{name}.html" for edition in EDITIONS for name in [*pages(), "search"]]


def visited(names):
    """Their addresses in all editions, of which the usual run visits each page in one."""
    return [pytest.param("{}/{}.html".format(*one.values), marks=one.marks) for one in in_every_edition(names)]


VISITED = visited([*pages(), "search"])
CHAPTERS = [one for one in VISITED if any(f"/{name}." in one.values[0] for name in chapters())]
ENTRANCES = ["index.html#choose", *(f"{edition}/index.html" for edition in EDITIONS)]
PREFIX = "/some/deep/path/"
COMPRESSED = (".html", ".js", ".css", ".svg", ".json")

# What a page tells about itself from its first moment on.
WATCH = """
window.blocked = [];
window.shifts = [];
document.addEventListener("securitypolicyviolation", ({ blockedURI, violatedDirective }) => {
  blocked.push(`${violatedDirective} ${blockedURI}`);
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    shifts.push([entry.value, entry.sources.map(({ node }) => node?.parentElement?.outerHTML.slice(0, 150))]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# Whole screens, one after the other, each until it is drawn with its pictures: what is out of sight jumps unseen.
SCROLL = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const inSight = (image) => {
    const { top, bottom } = image.getBoundingClientRect();
    return image.src && bottom > 0 && top < innerHeight && image.checkVisibility();
  };
  for (let top = 0; top < document.documentElement.scrollHeight; top += 0.9 * innerHeight) {
    scrollTo({ top, behavior: "instant" });
    await drawn();
    await Promise.all([...document.images].filter(inSight).map((image) => image.decode()));
  }
  await drawn();
}"""
LOAD_PICTURES = """all => Promise.all(all.map((image) => {
  image.loading = "eager";
  return image.decode();
}))"""

PICTURES = "all => all.map((image) => [image.loading, image.getAttribute('width'), image.getAttribute('height')])"
TRY_OTHER_HOSTS = """async () => {
  const image = new Image();
  image.src = "http://images.invalid/a.png";
  const script = document.createElement("script");
  script.src = "http://scripts.invalid/a.js";
  const inline = document.createElement("script");
  inline.textContent = "window.ran = true";
  document.head.append(image, script, inline);
  await fetch("http://data.invalid/").catch(() => {});
  const started = performance.now(); // a busy browser takes its time to say what it has blocked
  while (blocked.length < 4 && performance.now() - started < 10_000) await new Promise((done) => setTimeout(done, 50));
  return [blocked.sort(), window.ran];
}"""


class StaticHost(QuietHandler):
    """A host as they are: the site lies below a path, text is compressed, and elsewhere there is nothing."""

    site = None

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        file = self.site / path.removeprefix(PREFIX)
        if file.is_dir():
            file /= "index.html"
        if not path.startswith(PREFIX) or not file.is_file():
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(file)))
        content = file.read_bytes()
        if file.suffix in COMPRESSED:
            content = compressed(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@cache
def compressed(content):
    return gzip.compress(content, 6)


@pytest.fixture(scope="module")
def host(site):
    """The address of the site below a deep path."""
    StaticHost.site = site
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), StaticHost) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()


@pytest.fixture(scope="module")
def load(browser, host):
    """Opens an address in a fresh profile; the page has `problems` and `received` (bytes by kind of resource)."""

    def load(address, wait_until="load", **options):
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, "locale": "fr-FR", **options})
        context.add_init_script(WATCH)
        page = context.new_page()
        page.problems = []
        page.received = {}
        page.on("console", lambda message: message.type in ("error", "warning") and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("response", lambda response: response.status >= 400 and page.problems.append(response.url))
        page.on("request", lambda request: is_elsewhere(request.url) and page.problems.append(request.url))
        count(page)
        page.goto(urljoin(host, address), wait_until=wait_until)
        return page

    def is_elsewhere(address):
        return not address.startswith((host, "file:", "data:", "blob:"))

    return load


@pytest.fixture(scope="module")
def seen(load):
    """What a visit to a page shows, one visit for all that is asked about it."""

    @cache
    def seen(name):
        page = load(name, wait_until="networkidle")
        visit = {"received": dict(page.received), "pictures": page.locator("article img").evaluate_all(PICTURES)}
        page.evaluate(SCROLL)
        visit |= {"shifts": page.evaluate("shifts"), "problems": [*page.problems, *page.evaluate("blocked")]}
        visit["tried"] = page.evaluate(TRY_OTHER_HOSTS)
        page.context.close()
        return visit

    return seen


def count(page):
    """Adds what comes over the wire to `page.received`."""
    kinds = {}
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))

    def finished(event):
        kind = kinds.get(event["requestId"], "Other")
        page.received[kind] = page.received.get(kind, 0) + event["encodedDataLength"]

    client.on("Network.loadingFinished", finished)


@cache
def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


class Addresses(HTMLParser):
    """What a page leads to, `found`, and what leads into it, `names`; of all pages, a soup of each takes a minute."""

    def __init__(self, path):
        super().__init__()
        self.found, self.names = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names.add(given.get("id"))
        if tag != "use" and given.keys() & {"href", "src", "action"}:
            self.found.append(given.get("href") or given.get("src") or given.get("action") or "")


addresses = cache(Addresses)


@pytest.mark.parametrize("name", [*VISITED, *ENTRANCES])
def test_a_page_asks_no_other_host_and_could_not(seen, name):
    assert not seen(name)["problems"]
    blocked, inline_script_ran = seen(name)["tried"]
    assert blocked == [
        "connect-src http://data.invalid/",
        "img-src http://images.invalid/a.png",
        "script-src-elem http://scripts.invalid/a.js",
        "script-src-elem inline",
    ]
    assert not inline_script_ran


@pytest.mark.parametrize("name", [*VISITED, *ENTRANCES])
def test_the_policy_stands_before_all_that_it_governs(site, name):
    page = soup(site / name.partition("#")[0])
    (policy,) = page.select("meta[http-equiv=Content-Security-Policy]")
    assert not policy.find_all_previous(["script", "link", "style", "img"])
    assert not [script for script in page.find_all("script") if not script.get("src")]
    assert not [tag for tag in page.find_all(True) if any(name.startswith("on") for name in tag.attrs)]


@pytest.mark.parametrize("name", [*EVERY_PAGE, *ENTRANCES])
def test_every_address_of_the_site_is_relative_and_leads_somewhere(site, name):
    path = site / name.partition("#")[0]
    for address in addresses(path).found:
        parts = urlsplit(address)
        if parts.scheme:
            continue
        assert not address.startswith("/"), address
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.is_file(), address
        if parts.fragment and target.suffix == ".html" and "=" not in parts.fragment:  # else the playground's settings
            assert unquote(parts.fragment) in addresses(target).names, address


@pytest.mark.parametrize("name", VISITED)
def test_a_page_is_light(seen, name):
    received = seen(name)["received"]
    total, scripts_and_styles = sum(received.values()), received["Script"] + received["Stylesheet"]
    print(f"{name}: {total / 1000:.0f} kB, {scripts_and_styles / 1000:.0f} kB of it scripts and styles")
    assert total <= 400_000, received
    assert scripts_and_styles <= 150_000, received
    assert "Font" not in received


@pytest.mark.parametrize("name", VISITED)
def test_what_is_searched_comes_only_when_it_is_asked_for(site, name):
    assert not soup(site / name).select("script[src*=searchindex], script[src*=sections], script[src*='find.js']")


@pytest.mark.parametrize("name", VISITED)
def test_nothing_jumps_while_a_page_loads_and_scrolls(seen, name):
    shifts = seen(name)["shifts"]
    print(f"{name}: {sum(value for value, _ in shifts):.4f}")
    assert sum(value for value, _ in shifts) < 0.05, shifts


@pytest.mark.parametrize("name", VISITED)
def test_nothing_jumps_on_a_telephone(load, name):
    page = load(name, viewport={"width": 390, "height": 844})
    page.evaluate(SCROLL)
    shifts = page.evaluate("shifts")
    page.context.close()
    assert sum(value for value, _ in shifts) < 0.05, shifts


@pytest.mark.parametrize("name", CHAPTERS)
def test_pictures_wait_until_they_are_near(seen, name):
    for loading, width, height in seen(name)["pictures"]:
        assert loading == "lazy" and width and height


@pytest.mark.parametrize("name", VISITED)
def test_a_page_opens_from_a_file(load, site, name):
    page = load((site / name).as_uri())
    page.locator("img[src]").evaluate_all(LOAD_PICTURES)
    assert not page.problems
    assert page.evaluate("blocked") == []
    assert page.evaluate("getComputedStyle(document.querySelector('.bd-article-container')).display") == "flex"
    if "/notebooks/" in name:
        assert page.locator(".code-column a[aria-current]").count() <= 1
    page.locator(".language-switch a:not([aria-current])").first.click()
    page.wait_for_url(f"**/{'en' if name.startswith('zh/') else 'zh'}{name[name.index('/') :]}*")
    page.context.close()


@pytest.mark.parametrize("name", VISITED)
def test_a_page_says_what_it_is_in_its_language(site, name):
    page = soup(site / name)
    edition = name.partition("/")[0]
    chinese = re.compile("[㐀-鿿]")

    def meta(**attributes):
        (tag,) = page.find_all("meta", attrs=attributes)
        return tag["content"]

    described = [page.title.text, meta(property="og:title"), meta(property="og:site_name")]
    if not name.endswith("/search.html"):
        described.append(meta(name="description"))
        assert meta(property="og:description") == meta(name="description")
        assert 30 <= len(meta(name="description")) <= 320
    for text in described:
        assert text.strip() and (edition == "en") != bool(chinese.search(text)), text
    assert meta(property="og:type") == ("website" if name.endswith("book/index.html") else "article")
    assert meta(property="og:locale") == ("en_US" if edition == "en" else "zh_CN")

    article = page.find("article")
    words = [
        (tag[attribute], tag)
        for tag in page.find_all(True)
        for attribute in ("aria-label", "title", "placeholder", "data-bs-title")
        if tag.get(attribute) and not (article and article in tag.parents)
        if not tag.find_parent(class_="language-switch") and "language-switch" not in tag.get("class", [])
    ]
    assert words
    for text, tag in words:
        assert (edition == "en") != bool(chinese.search(text)), tag


@pytest.mark.parametrize("name", visited(pages()))
def test_each_section_has_a_permanent_link_that_names_it(site, name):
    page = soup(site / name)
    sections = page.select("article section")
    for section in sections:
        (link,) = section.find(re.compile("^h[1-6]$")).select("a.headerlink")
        assert link["href"] == f"#{section['id']}"
        title = section.find(re.compile("^h[1-6]$")).text.removesuffix(link.text).strip()
        assert title and link["aria-label"].endswith(title)
    assert sections
    in_repository = Snapshot(ROOT).config()["repository"]["url"] and "/assignments/" not in name
    assert bool(page.select(".improve")) == bool(in_repository), "without a repository there is none to lead to"
