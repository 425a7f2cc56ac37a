"""The settings in hosting.md, on a real nginx: headers, types and caching as the page says, and pages that work."""

import base64
import hashlib
import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, QuietHandler
from test_light import WATCH
from test_live import fill_in, free_port

PAGE = (ROOT / "book" / "hosting.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(nginx|apache|text)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'; object-src 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
CONFIG = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""


@pytest.fixture(scope="module")
def hosted(site, tmp_path_factory):
    """The address of the site on an nginx set up as hosting.md says."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not nginx:
        pytest.skip("nginx is missing (Debian: apt install nginx) · 没有 nginx（Debian：apt install nginx）")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    http_part, server_part = BLOCKS["nginx"].split("# In the server block.")
    server_part = re.sub(r"/srv/book/([^;\s]*)", rf'"{site}/\1"', server_part)
    user = "user root;" if ROOT.stat().st_uid == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        CONFIG.format(user=user, folder=folder, port=port, http=http_part, server=server_part), encoding="utf-8"
    )
    process = subprocess.Popen([nginx, "-c", config, "-e", folder / "error.log"])
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.05)
    assert process.poll() is None, (folder / "error.log").read_text()
    yield f"http://127.0.0.1:{port}/bottleneck/"
    process.terminate()
    process.wait(timeout=20)


def get(address):
    try:
        return urllib.request.urlopen(urllib.request.Request(address, headers={"Accept-Encoding": "gzip"}), timeout=10)
    except urllib.error.HTTPError as error:
        return error


def one(site, pattern):
    return next(site.glob(pattern)).relative_to(site).as_posix()


def test_everything_comes_with_the_headers(hosted, site):
    picture, wheel = one(site, "zh/_images/*.webp"), one(site, "wheel/*.whl")
    names = ["", "zh/", "zh/notebooks/03_forward.html", "live/connect.html", "live/live.js", picture, wheel, "wheel/"]
    for name in [*names, "nothing-here.html", ".inputs"]:
        answer = get(hosted + name)
        assert answer.status == {"nothing-here.html": 404, ".inputs": 403}.get(name, 200), name
        for header, value in HEADERS.items():
            assert answer.headers.get_all(header) == [value], name


def test_caching_compression_and_types_are_as_the_page_says(hosted, site):
    year = "public, max-age=31536000, immutable"
    for name, cache, kind in (
        ("zh/notebooks/03_forward.html", "no-cache", "text/html; charset=utf-8"),
        ("zh/notebooks/03_forward.ipynb", "no-cache", "application/x-ipynb+json"),
        ("live/live.js", "no-cache", "text/javascript"),
        ("zh/_static/base/site.css?v=1", year, "text/css"),
        ("zh/_static/base/site.css", "public, max-age=3600", "text/css"),
        (one(site, "zh/_images/*.webp"), year, "image/webp"),
        ("inpage/worker.js", "no-cache", "text/javascript"),
        (one(site, "inpage/photograph-*.png"), year, "image/png"),
        (one(site, "inpage/*.safetensors"), year, "application/octet-stream"),
    ):
        answer = get(hosted + name)
        assert answer.headers["Cache-Control"] == cache, name
        assert answer.headers["Content-Type"] == kind, name
        assert (answer.headers["Content-Encoding"] == "gzip") == kind.startswith(("text/", "application/x-")), name


def test_other_hosts_are_told_the_same():
    apache = dict(re.findall(r'^Header always set ([\w-]+) "(.*)"$', BLOCKS["apache"], re.MULTILINE))
    headers_file = dict(re.findall(r"^  ([\w-]+): (.*)$", BLOCKS["text"], re.MULTILINE))
    assert apache == headers_file == HEADERS


def test_pages_work_with_their_policies_and_the_headers(browser, hosted, site):
    context = browser.new_context(locale="fr-FR")
    context.add_init_script(WATCH)
    page = context.new_page()
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    names = [name for name in names if name.startswith("en/") or not name.startswith(EDITIONS)]
    for name in [name for name in names if name != "en/index.html"]:  # which leads on at once
        problems = []
        page.on("console", lambda message, found=problems: message.type == "error" and found.append(message.text))
        page.goto(f"{hosted}{name}#choose")
        assert page.evaluate("blocked") == [], name
        assert not problems, name
        assert page.evaluate("crossOriginIsolated"), name
    page.goto(f"{hosted}en/search.html?q=residual")
    page.locator("#search-results ul.search li a").first.wait_for()
    assert page.evaluate("blocked") == []
    context.close()


def test_another_site_cannot_frame_a_page(browser, hosted, served):
    page = browser.new_page()
    page.goto(f"{served}/wheel/index.html")
    page.set_content(f'<iframe src="{hosted}wheel/index.html"></iframe>')
    page.wait_for_timeout(1500)
    assert "linewalk" not in page.frames[-1].content()
    page.close()


class Listener(QuietHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(b"{}")

    do_OPTIONS = do_GET


def test_a_page_reaches_the_readers_computer_by_way_of_its_dialog_alone(browser, hosted):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        page = browser.new_page()
        page.goto(f"{hosted}en/notebooks/03_forward.html")
        ask = "address => fetch(address).then(() => 'reached', () => 'refused')"
        assert page.evaluate(ask, f"{address}x") == "refused"
        assert server.asked == []
        page.get_by_role("button", name="Run this code").click()
        fill_in(page, address, "token")
        page.locator(".live-dialog .live-message:visible").wait_for()
        assert "/api" in server.asked
        page.close()
        server.shutdown()


# ---- the policies themselves


def rules(path):
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    (meta,) = page.select("meta[http-equiv=Content-Security-Policy]")
    assert not meta.find_all_previous(["script", "link", "style", "img"])
    found = dict(rule.partition(" ")[::2] for rule in meta["content"].split("; "))
    return page, {name: set(sources.split()) for name, sources in found.items()}


def test_every_page_has_a_policy_as_strict_as_what_it_holds_allows(site):
    paths = sorted(site.rglob("*.html"))
    names = {path.relative_to(site).as_posix() for path in paths}
    assert {"index.html", "wheel/index.html", "live/connect.html", "zh/index.html", "zh/search.html"} <= names
    assert "inpage/python-frame.html" in names
    own = {"'self'", "file:"}
    for path in paths:
        page, policy = rules(path)
        cells, name = page.select(".cell_input"), path.relative_to(site).as_posix()
        computes = page.select("script[src*='/inpage/']")
        assert policy["default-src"] == policy["base-uri"] == {"'none'"}
        isolates = bool(page.select("meta[name=isolates]"))  # the frame of Python, to which what it runs is handed in
        runs = own | {"'wasm-unsafe-eval'"} if computes else own
        if isolates:
            (script,) = page.select("script")
            known = base64.b64encode(hashlib.sha256(script.string.encode()).digest()).decode()
            assert policy["script-src"] == {f"'sha256-{known}'", "blob:", "'wasm-unsafe-eval'"}
        else:
            assert policy.get("script-src") == (runs if page.select("script[src]") else None), name
        assert policy.get("worker-src") == ({"blob:", "data:"} if isolates else own if computes else None), name
        annotates = page.select("script[src$='/inpage/annotate.js']")  # it shows cards, as cells do
        styled, sheets = page.select("[style], style") or cells or annotates, page.select("[rel~=stylesheet]")
        assert ("'unsafe-inline'" in policy.get("style-src", ())) == bool(styled), name
        assert ("style-src" in policy) == bool(styled or sheets), name
        if not sheets and not page.select("[src^='data:'], [href^='data:']"):
            assert "data:" not in policy.get("img-src", ()), name
        assert policy["form-action"] == (own if page.select("form") else {"'none'"}), name
        assert policy.get("frame-src") == (own if cells or annotates else None), name
        if name == "live/connect.html":
            assert policy["connect-src"] and not page.select("script, [src], [href]")
        else:
            assert policy.get("connect-src") == (own if cells or computes else None), name
        allowed = {source for sources in policy.values() for source in sources}
        assert not allowed & {"*", "'unsafe-eval'", "https:", "http:"}
    assert len(paths) > 3 * len(EDITIONS)
