"""`make live`: who may come in, and cells that run on a real kernel in a real browser."""

import http.server
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor

import psutil
import pytest
from conftest import ROOT, QuietHandler, until
from readers import Reader
from snapshot import Snapshot

import linewalk

PAGE = "notebooks/03_forward"
RUN = {"zh": "运行", "en": "Run", "both": "运行 / Run"}
ABOVE = {"zh": "连同前面", "en": "With cells above"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def checkout(site, tmp_path_factory):
    """Makes folders with what `book/live.py` needs: in each one such server may run."""

    def checkout():
        folder = tmp_path_factory.mktemp("checkout")
        (folder / "book").mkdir()
        (folder / "_build").mkdir()
        for name in ("live.py", "lifetime.py", "opening.py", "ports.py", "sockets.py", "troubles.py"):
            shutil.copy(ROOT / "book" / name, folder / "book")
        (folder / "_build" / "html").symlink_to(site)
        (folder / "notebooks").symlink_to(ROOT / "notebooks")
        return folder

    return checkout


class Live:
    """A running `book/live.py`."""

    def __init__(self, folder, **environment):
        self.folder, self.port = folder, free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "book/live.py", "--port", str(self.port), "--no-open"],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8", env={**os.environ, **environment},
        )
        self.line = self.process.stdout.readline()
        self.address = re.search(r"http\S+", self.line)[0]

    @property
    def ticket(self):
        """The path that admits."""
        return self.address.removeprefix(self.origin)

    def stop(self, how=signal.SIGTERM):
        """Ends it, and returns what else it printed."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=20)[0]

    def status(self, path, opener=None, **headers):
        request = urllib.request.Request(self.origin + path, headers=headers)
        try:
            return (opener or urllib.request.build_opener()).open(request, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    def admitted(self):
        """What opens addresses as the browser does that came in by the ticket, and the key that it was given."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        entrance = opener.open(self.address, timeout=10).read().decode()
        return opener, re.search(r'setItem\("live-key", "([\w-]+)"\)', entrance)[1]


class Terminal:
    """A terminal of its own, which runs one program."""

    def __init__(self, command, folder):
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvp(command[0], command)
        self.text, self.open = "", True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        started = self.processes()
        self.close()
        left(started, 15)
        os.waitpid(self.pid, 0)

    def type(self, text):
        os.write(self.screen, text.encode())

    def read(self, pattern):
        """Waits for something to be on the screen."""
        until = time.monotonic() + 60
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < until and select.select([self.screen], [], [], 60)[0], self.text
            self.text += os.read(self.screen, 4096).decode(errors="replace")
        return found[1]

    def processes(self):
        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def close(self):
        if self.open:
            os.close(self.screen)
        self.open = False


def left(processes, seconds):
    """Which of some processes are there after a time; they are ended, then."""

    def running():
        return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    until = time.monotonic() + seconds
    while running() and time.monotonic() < until:
        time.sleep(0.1)
    still = running()
    for process in still:
        process.kill()
    return still


@contextmanager
def running(folder, **environment):
    live = Live(folder, **environment)
    try:
        yield live
    finally:
        if live.process.poll() is None:
            live.process.kill()
            live.process.communicate()


@pytest.fixture(scope="module")
def live(checkout):
    with running(checkout()) as live:
        yield live


@pytest.fixture(scope="module")
def inside(browser, live):
    """A browser profile that came in by the ticket."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.new_page().goto(live.address)
    yield context
    context.close()


class LiveReader(Reader):
    """Somebody on a page of the live book."""

    def __init__(self, context, live, edition):
        self.edition = edition
        self.page = context.new_page()
        self.problems = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        self.page.goto(f"{live.origin}/book/{edition}/{PAGE}.html")
        self.cells = self.page.locator("div.cell:has(.live-buttons)")
        self.message = self.page.locator(".live-message")
        self.status = self.page.locator(".live-status")

    def run(self, cell, name=None):
        cell.evaluate("cell => cell.querySelectorAll('details').forEach(fold => fold.open = true)")
        cell.get_by_role("button", name=name or RUN[self.edition], exact=True).click()
        return cell


@pytest.fixture
def visit(inside, live):
    readers = []

    def visit(edition="zh"):
        readers.append(LiveReader(inside, live, edition))
        return readers[-1]

    yield visit
    for reader in readers:
        reader.page.close()


@pytest.fixture(scope="module")
def reader(inside, live):
    """Somebody who has been reading for a while: tests that can, share a page and its kernel."""
    return LiveReader(inside, live, "zh")


# Who may come in


def test_it_prints_one_line(live):
    assert re.fullmatch(rf"http://127\.0\.0\.1:{live.port}/enter/[\w-]{{32}}  \(Ctrl\+C\)\n", live.line)


PATHS = ["/", f"/book/zh/{PAGE}.html", "/book/zh/_static/base/site.css", "/book/", "/api", "/api/kernels",
         "/api/status", "/tree", "/login", "/files/03_forward.ipynb", "/enter/" + "x" * 32, "/?token=" + "x" * 48]


@pytest.mark.parametrize("path", PATHS)
def test_whoever_has_no_ticket_gets_403(live, path):
    assert live.status(path) == 403
    assert live.status(path, Authorization="token wrong") == 403


def test_another_host_name_gets_403(checkout):
    with running(checkout()) as other:
        opener, key = other.admitted()
        inside = {"Authorization": f"token {key}"}
        assert other.status("/api/kernels", opener, **inside) == 200
        for path in PATHS:
            assert other.status(path, opener, Host="book.example", **inside) == 403


# What a Jupyter has, and ways to write it.
PLACES = [
    "/", "/api", "/api/", "/API", "/Api/Kernels", "/api/kernels", "/api/kernels/", "/api/kernels/x/channels",
    "/api/sessions", "/api/contents/x", "/api/contents/..%2f..%2fREADME.md", "/api/kernelspecs", "/api/nbconvert",
    "/nbconvert/html", "/nbconvert/html/03_forward.ipynb", "/api/terminals", "/terminals/websocket/1",
    "/api/status", "/api/me", "/api/shutdown", "/api/spec.yaml", "/api/events/subscribe", "/metrics",
    "/static/favicon.ico", "/static/../../etc/passwd", "/nbextensions/x.js", "/files/03_forward.ipynb", "/view/x",
    "/edit/x", "/lab", "/tree", "/login?next=//book.example", "/logout", "/security/csp-report",
    "/custom/custom.css", "/favicon.ico", "/hub/login", "/enter", "/enter/", "/enter/x", "/enter/../api",
    "//api/kernels", "//book.example/", "///api", "/api//kernels", "/%61pi/kernels", "/api%2fkernels",
    "/api/kernels%00", "/%00", "/api;x=1/kernels", "/api/kernels?token=", "*", "http://book.example/api/kernels",
    "/bookx", "/book%2f..%2fapi", "/kernelspecs/python3/logo-svg.svg",
]
PAGES = [
    "/book", "/book/", "/book/zh/", "/book/zh", "/book/zh/index.html", "/book/zh/_static/site.css",
    "/book/../api/kernels", "/book//etc/passwd", "/book/%2e%2e/api/kernels", "/book/..%2f..%2flive.py",
    "/book/%00.html", "/book/%ff.html", "/book/%ff", "/book/x.html?q=%ff",
]
LONG = [f"/{'a' * 30000}", f"/api/kernels?{'a' * 30000}"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BOGUS", "get"]


def answer(live, method, path, *headers):
    """All that comes back."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        request = [f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""]
        connection.sendall("\r\n".join(request).encode("latin-1"))
        return connection.makefile("rb").read()


def test_an_outsider_gets_no_further_than_the_door(checkout):
    """One answer to everything, and not a word in the reader's terminal."""
    with running(checkout()) as live:
        opener, key = live.admitted()
        opener.open(f"{live.origin}/book/", timeout=10)
        cookies = cookies_of(opener)
        cookie = "Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items())
        host, forgery = f"Host: 127.0.0.1:{live.port}", f"X-XSRFToken: {cookies['_xsrf']}"
        for method in METHODS:
            for path in (*PLACES, *PAGES, *LONG):
                for headers in ([host], [], [host, "Authorization: token \xe9"], [f"{host}.book.example", cookie],
                                ["Host: book.example", cookie, f"Authorization: token {key}"]):
                    assert answer(live, method, path, *headers).startswith(b"HTTP/1.1 403 "), (method, path, headers)
            for path in (*PLACES[1:], *LONG):
                for headers in ([forgery, f"Origin: {live.origin}", "Sec-Fetch-Site: same-origin"], ["Origin: null"]):
                    told = answer(live, method, path, host, cookie, *headers)
                    assert told.startswith(b"HTTP/1.1 403 "), (method, path, headers)
            for path in PAGES:
                told = answer(live, method, path, host, cookie, forgery)
                expected = b"HTTP/1.1 [234]0[0124] " if method in ("GET", "HEAD") else b"HTTP/1.1 403 "
                assert re.match(expected, told) and key.encode() not in told, (method, path)
        assert live.stop() == ""


NO_REQUESTS = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, b"\x00" * 5000, b"SSH-2.0-x\r\n", b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n", b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"GET /" + b"a" * 200_000, b"",
]


def test_what_is_no_request_leaves_no_trace(stolen):
    live, opener, key = stolen
    for told in NO_REQUESTS:
        with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection, suppress(ConnectionError):
            connection.sendall(told)
            connection.shutdown(socket.SHUT_WR)
            heard = connection.makefile("rb").read()
            assert re.match(rb"HTTP/1.1 4|$", heard) and b"Traceback" not in heard, heard
        assert live.status("/api/status", opener, Authorization=f"token {key}") == 200
    assert not select.select([live.process.stdout], [], [], 0)[0], "the terminal says something"


def test_strangers_who_say_nothing_keep_nobody_out(checkout):
    """Twice as many connections as the process may have files; some hundred of them are taken at once."""
    with running(checkout()) as live:
        opener, key = live.admitted()
        most = psutil.Process(live.process.pid).num_fds() + 300
        psutil.Process(live.process.pid).rlimit(psutil.RLIMIT_NOFILE, (most, most))
        with ExitStack() as silent:
            for _ in range(2 * most):
                silent.enter_context(socket.create_connection(("127.0.0.1", live.port), timeout=20))
            for _ in range(3):
                assert live.status("/api/status", opener, Authorization=f"token {key}") == 200
                assert live.status(f"/book/zh/{PAGE}.html", opener) == 200
        assert live.stop() == ""


@pytest.fixture(scope="module")
def stolen(checkout):
    """A server, and what opens addresses with every cookie that its reader's browser has."""
    with running(checkout()) as live:
        opener, key = live.admitted()
        assert opener.open(f"{live.origin}/book/zh/{PAGE}.html", timeout=10).status == 200
        yield live, opener, key


def cookies_of(opener):
    (jar,) = (handler.cookiejar for handler in opener.handlers if isinstance(handler, HTTPCookieProcessor))
    return {cookie.name: cookie.value for cookie in jar}


def handshake(live, path, *protocols, **headers):
    """The first line of the answer to a WebSocket's greeting."""
    lines = [
        f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{live.port}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Origin: {live.origin}",
        *([f"Sec-WebSocket-Protocol: {', '.join(protocols)}"] if protocols else []),
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(4096).decode("latin-1").partition("\r\n")[0]


MATTERS = ["/api", "/api/kernels", "/api/sessions", "/api/contents", "/api/terminals", "/api/status", "/api/me", "/lab",
           "/files/03_forward.ipynb", "/static/favicon.ico", "/kernelspecs/python3/logo-svg.svg", "/metrics", "/tree"]


def test_the_cookies_open_no_kernel(stolen):
    live, opener, key = stolen
    cookies = cookies_of(opener)
    forgery = {"X-XSRFToken": cookies["_xsrf"], "Origin": live.origin, "Referer": f"{live.origin}/book/"}
    for path in MATTERS:
        assert live.status(path, opener, **forgery) == 403, path
        assert live.status(f"{path}?token={key}", opener) == 403, "an address may be seen by others"
    before = psutil.Process(live.process.pid).children(recursive=True)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        request = urllib.request.Request(f"{live.origin}/api/kernels", b"{}", forgery, method=method)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            opener.open(request, timeout=10)
    assert psutil.Process(live.process.pid).children(recursive=True) == before


def test_the_cookies_open_no_websocket(stolen):
    live, opener, key = stolen
    start = urllib.request.Request(f"{live.origin}/api/kernels", b"{}", {"Authorization": f"token {key}"})
    channels = f"/api/kernels/{json.load(opener.open(start, timeout=60))['id']}/channels"
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies_of(opener).items())}
    assert " 403 " in handshake(live, channels, **cookies)
    assert " 403 " in handshake(live, channels, "bottleneck", "x" * 43, **cookies)
    assert " 403 " in handshake(live, f"{channels}?token={key}", **cookies)
    assert " 101 " in handshake(live, channels, "bottleneck", key)


def test_pages_do_not_hold_the_key(stolen):
    live, opener, key = stolen
    for path in ("/book/", f"/book/zh/{PAGE}.html", "/book/zh/_static/live/live-cells.js", "/book/live/live.js"):
        answer = opener.open(live.origin + path, timeout=10)
        assert key not in answer.read().decode() and key not in str(answer.headers)


def test_a_page_on_another_port_gets_nowhere(browser, live, inside):
    """A real browser's cookies go to every port of this machine; what it says there is tried against the server."""
    heard = []

    class Thief(QuietHandler):
        def do_GET(self):
            heard.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Thief) as thief:
        threading.Thread(target=thief.serve_forever, daemon=True).start()
        page = inside.new_page()
        page.goto(f"{live.origin}/book/zh/{PAGE}.html")
        page.goto(f"http://127.0.0.1:{thief.server_port}/")
        assert page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })") == "{}"
        page.close()
        thief.shutdown()
    cookies = next(filter(None, heard))
    assert "username-" in cookies and "_xsrf" in cookies, "the browser gives them away"
    xsrf = re.search("_xsrf=([^;]+)", cookies)[1]
    for path in MATTERS:
        assert live.status(path, Cookie=cookies, **{"X-XSRFToken": xsrf}) == 403


def test_another_port_cannot_plant_a_login(live, browser):
    context = browser.new_context()
    name = f"username-127-0-0-1-{live.port}"
    for value in ("x", "2|1:0|10:1|1:a|1:b|1:c", "%E0%A4%A", '"' + "x" * 3000):
        context.add_cookies([{"name": key, "value": value, "url": live.origin} for key in (name, "_xsrf")])
        page = context.new_page()
        assert page.goto(f"{live.origin}/book/zh/{PAGE}.html").status == 403
        assert "按回车" in page.inner_text("body") and "Press Enter" in page.inner_text("body")
        page.close()
    context.close()


def test_a_ticket_admits_once(checkout):
    with running(checkout()) as live:
        with ThreadPoolExecutor(30) as at_once:
            answers = list(at_once.map(lambda _: live.status(live.ticket), range(30)))
        assert sorted(answers) == [200] + [403] * 29


def test_a_ticket_is_void_after_a_minute():
    code = (
        "import live; tickets = live.Tickets(); old, new = tickets.new(), tickets.new(); tickets.made[old] -= 60;"
        "assert not tickets.accept(old); assert tickets.accept(new); assert not tickets.accept(new)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "book", check=True)


def test_a_browser_that_fetches_ahead_does_not_use_the_ticket_up(checkout):
    with running(checkout()) as live:
        for header, value in (("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("X-Purpose", "preview"),
                              ("X-Moz", "prefetch")):
            assert live.status(live.ticket, **{header: value}) == 403
        assert live.status(live.ticket) == 200


def test_enter_shows_a_new_link(checkout):
    """A terminal of its own, as a person has it."""
    with Terminal([sys.executable, "book/live.py", "--no-open"], checkout()) as terminal:
        first = terminal.read(r"(http://127\.0\.0\.1:\d+/enter/[\w-]{32})  \(Ctrl\+C\)")
        terminal.type("\n")
        second = terminal.read(r"\(Ctrl\+C\)\s+(http://127\.0\.0\.1:\d+/enter/[\w-]{32})")
        assert first != second
        for address in (first, second):
            assert urllib.request.urlopen(address, timeout=10).status == 200


def test_a_body_is_not_read_before_the_door(stolen):
    """400 MB in every way that HTTP has, by somebody without the key."""
    live, opener, _ = stolen
    cookies = "; ".join(f"{name}={value}" for name, value in cookies_of(opener).items())
    server = psutil.Process(live.process.pid)
    before = server.memory_info().rss
    most = 0
    length = "Content-Length: 400000000"
    ways = [length, "Transfer-Encoding: chunked", f"{length}\r\nExpect: 100-continue"]
    paths = ["/api/kernels", "/api/contents/x", "/book/", "/", "/enter/x", "/nowhere", "/api/kernels/x/channels"]
    for path in paths:
        for way in ways:
            with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
                head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\nCookie: {cookies}\r\n{way}\r\n\r\n"
                connection.sendall(head.encode())
                answer = connection.recv(4096)
                assert answer.startswith(b"HTTP/1.1 403"), (path, way, answer[:40])
                with suppress(OSError):
                    for _ in range(400):
                        connection.sendall(b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n")
                most = max(most, server.memory_info().rss - before)
    assert most < 20e6


def test_not_even_the_reader_sends_much(stolen):
    live, _, key = stolen
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        head = f"POST /api/kernels HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\nAuthorization: token {key}\r\n"
        connection.sendall(f"{head}Content-Length: 400000000\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


STRANGE = ["/book/%00.html", "/book/%00.css", "/book/%00", "/book/zh/%00/", "/book/%ff.html", f"/book/{'x' * 300}.html",
           "/book/../live.py", "/book/%2e%2e/%2e%2e/README.md", "/book//etc/passwd", "/book/%5c..%5c.html"]


@pytest.mark.parametrize("path", STRANGE)
def test_a_strange_address_gets_a_sentence(stolen, path):
    live, opener, _ = stolen
    with pytest.raises(urllib.error.HTTPError) as problem:
        opener.open(live.origin + path, timeout=10)
    assert problem.value.code in (400, 404)
    text = problem.value.read().decode()
    assert "Traceback" not in text and re.search("[㐀-鿿]{4}", text) and re.search("This address|no such page", text)


def test_no_command_line_shows_the_address(checkout, tmp_path):
    seen, program = tmp_path / "seen", tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$*" > {seen}.new && mv {seen}.new {seen}\n')
    program.chmod(0o755)
    command = [sys.executable, "book/live.py", "--port", str(free_port())]
    process = subprocess.Popen(
        command, cwd=checkout(), env={**os.environ, "BROWSER": f"{program} %s"}, stdout=subprocess.PIPE, text=True
    )
    printed = re.search(r"/enter/(\S+)", process.stdout.readline())[1]
    for _ in range(100):
        if seen.exists():
            break
        time.sleep(0.1)
    opened = seen.read_text()
    page = Path(urllib.parse.urlsplit(opened).path)
    ticket = re.search(r"/enter/([\w-]+)", page.read_text())[1]
    shown = " ".join(" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"]))
    assert opened.startswith("file://") and page.parent.stat().st_mode & 0o777 == 0o700
    assert printed not in shown + opened and ticket not in shown + opened
    process.terminate()
    process.communicate()
    assert not page.exists()


def test_a_kernel_has_sockets_of_its_own_wherever_home_is(checkout, tmp_path):
    """The path of a socket has at most 107 characters. Nor do other users get at them, or at what else is secret."""
    home = tmp_path / ("home" * 30)
    home.mkdir()
    with running(checkout(), HOME=str(home)) as live:
        _, key = live.admitted()
        start = urllib.request.Request(f"{live.origin}/api/kernels", b"{}", {"Authorization": f"token {key}"})
        kernel = json.load(urllib.request.urlopen(start, timeout=60))["id"]
        (sockets,) = Path("/tmp").glob(f"lw-*/kernel-{kernel}.json")
        assert sockets.parent.stat().st_mode & 0o777 == 0o700
        assert (live.folder / "_build" / ".live").stat().st_mode & 0o777 == 0o600
        if os.geteuid() == 0:
            look = f"cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline {sockets}"
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", look]
            seen = subprocess.run(nobody, capture_output=True).stdout
            assert b"book/live.py" in seen and b"signature_scheme" not in seen
            assert key.encode() not in seen and live.ticket.encode() not in seen
        live.stop()
        assert not sockets.parent.exists()


def test_it_listens_on_this_machine_only(live):
    listening = [each.laddr for each in psutil.Process(live.process.pid).net_connections() if each.status == "LISTEN"]
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_a_page_from_elsewhere_cannot_use_the_cookie(live, inside):
    page = inside.new_page()
    kernels = f"{live.origin}/api/kernels"
    assert page.request.post(kernels, data="{}").status == 403, "without the token against forged requests"
    answer = page.request.get(kernels, headers={"Origin": "http://127.0.0.1:1"})
    assert answer.status in (403, 404)
    page.close()


def test_nothing_secret_is_kept(live, inside, visit):
    reader = visit()
    ticket = live.address.rpartition("/")[2]
    assert ticket not in reader.page.content() and "token" not in reader.page.url
    cookies = {cookie["name"]: cookie for cookie in inside.cookies(live.origin)}
    login = next(cookie for name, cookie in cookies.items() if name.startswith("username-"))
    assert login["httpOnly"] and login["sameSite"] == "Lax" and login["expires"] == -1
    assert ticket not in str(cookies)
    first = inside.pages[0]
    assert ticket not in first.url
    assert not first.evaluate("performance.getEntries().map(entry => entry.name).join()").count(ticket)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_it_ends_when_told_to(checkout, how):
    with running(checkout()) as live:
        assert live.stop(how) == "", "it says nothing but its address"
        assert live.process.returncode == 0


def test_its_kernels_end_with_it(browser, checkout):
    with running(checkout()) as live:
        context = browser.new_context()
        context.new_page().goto(live.address)
        LiveReader(context, live, "zh").try_out("pass")
        kernels = psutil.Process(live.process.pid).children(recursive=True)
        assert kernels
        assert live.stop() == ""
        assert not psutil.wait_procs(kernels, timeout=10)[1]
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", live.port), timeout=1)
        context.close()


def test_it_ends_with_its_parent(checkout):
    port = free_port()
    command = f"{shlex.quote(sys.executable)} book/live.py --port {port} --no-open & echo $!; wait"
    parent = subprocess.Popen(["sh", "-c", command], cwd=checkout(), stdout=subprocess.PIPE, text=True)
    server = psutil.Process(int(parent.stdout.readline()))
    assert "http" in parent.stdout.readline()
    parent.kill()
    server.wait(timeout=15)
    parent.communicate()


# Of a terminal whose program is make, which hears of it alone when the terminal is closed.
MAKEFILE = "live:\n\t@{python} book/live.py --port {port} --no-open\n"


@pytest.mark.parametrize("how", ["closed", "make killed", "shell killed"])
def test_it_ends_with_its_terminal(checkout, how):
    folder = checkout()
    (folder / "Makefile").write_text(MAKEFILE.format(python=shlex.quote(sys.executable), port=free_port()))
    command = ["bash", "-c", "make live & wait"] if how == "shell killed" else ["make", "live"]
    with Terminal(command, folder) as terminal:
        terminal.read(r"(http://127\.0\.0\.1:\d+/enter/)")
        started = terminal.processes()
        if how == "closed":
            terminal.close()
        else:
            started[0].kill()
        assert not left(started, 15)


def test_it_ends_with_its_parent_when_it_has_hardly_begun(checkout):
    python = shlex.quote(sys.executable)
    command = f"{python} book/live.py --port {free_port()} --no-open & echo $!; sleep 0.7; kill -9 $$"
    parent = subprocess.Popen(["sh", "-c", command], cwd=checkout(), stdout=subprocess.PIPE, text=True)
    server = psutil.Process(int(parent.stdout.readline()))
    parent.wait()
    assert not left([server], 20)
    parent.communicate()


def test_a_second_one_says_that_there_is_one(live):
    for port in (live.port, free_port()):
        command = [sys.executable, "book/live.py", "--port", str(port), "--no-open"]
        done = subprocess.run(command, cwd=live.folder, capture_output=True, text=True, encoding="utf-8", timeout=30)
        assert done.returncode == 1 and not done.stdout
        assert f"{live.origin}/" in done.stderr and str(live.process.pid) in done.stderr
        assert "已经有一个" in done.stderr and "already running" in done.stderr and len(done.stderr.splitlines()) == 1
    assert live.status("/") == 403, "the first one is as it was"


def test_one_that_was_killed_is_in_nobodys_way(checkout):
    folder = checkout()
    with running(folder) as live:
        live.stop(signal.SIGKILL)
    with running(folder) as live:
        assert live.status(live.ticket) == 200


def test_a_port_that_is_taken(live, checkout):
    command = [sys.executable, "book/live.py", "--port", str(live.port), "--no-open"]
    done = subprocess.run(command, cwd=checkout(), capture_output=True, text=True, encoding="utf-8", timeout=30)
    assert done.returncode == 1
    assert re.fullmatch(
        rf"Port {live.port} cannot be had.*make live PORT=\d+\n"
        rf"端口 {live.port} 不能用.*make live PORT=\d+\n",
        done.stderr,
    )


def test_a_port_that_is_none(site):
    command = [sys.executable, "book/live.py", "--port", "eighty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=30)
    assert done.returncode and "is not a port" in done.stderr and "不是端口号" in done.stderr


# Cells that run


def test_nothing_runs_before_a_click(visit, live):
    kernels = psutil.Process(live.process.pid).children(recursive=True)
    reader = visit()
    reader.page.wait_for_load_state("networkidle")
    names = reader.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [name for name in names if "/api" in name or name.endswith("live/live.js")]
    assert psutil.Process(live.process.pid).children(recursive=True) == kernels
    assert reader.status.inner_text() == "还没有启动"
    assert not reader.problems


@pytest.mark.parametrize("edition", RUN)
def test_every_cell_has_its_button(visit, edition):
    reader = visit(edition)
    buttons = reader.page.get_by_role("button", name=RUN[edition], exact=True, include_hidden=True)
    assert buttons.count() == reader.cells.count() > 10


def test_a_changed_stride_makes_another_card(visit):
    reader = visit("en")
    cell = reader.cells.nth(2)  # after the cells that install and import
    printed = cell.locator(".cell_output").first
    reader.becomes(reader.run(cell, ABOVE["en"]), "done")
    assert not printed.is_visible()
    assert reader.page.locator(".live-device").inner_text() == linewalk.device_name(linewalk.best_device())
    code = (
        "from linewalk.blocks.explicit import Bottleneck\n"
        "block = Bottleneck(64, 64, stride=2, downsample=shortcut(64, 256, stride=2)).eval()\n"
        'walk(block, x)["out = self.conv2(out)"]'
    )
    output = reader.becomes(reader.run(reader.write(cell, code)), "done")
    output.locator(".lw-card").wait_for()
    assert "64×28×28" in output.text_content() or "28×28" in output.inner_html()
    assert output.locator("[lang=zh]").count() == 0 and output.locator("[lang=en]").count()
    image = output.locator("img").first
    assert image.get_attribute("alt") and not image.get_attribute("data-alt-zh")
    assert not re.search("[㐀-鿿]", output.inner_text())
    fetched = reader.page.locator(".cell.fetches-a-card").first  # whose code need not be opened to be run
    fetched.get_by_role("button", name="Run").click()
    card = reader.becomes(fetched, "done").locator(".lw-card").bounding_box()
    assert not fetched.locator(".cm-content").is_visible()
    assert card["y"] + card["height"] <= fetched.get_by_role("button", name="Run").bounding_box()["y"]
    assert not reader.problems
    reader.page.get_by_role("button", name="Reset").click()
    assert printed.is_visible() and "stride=2" not in cell.locator(".cm-content").inner_text()


def test_outputs_of_every_kind(reader):
    output = reader.try_out(
        "import sys\nfrom IPython.display import SVG, display, HTML, clear_output\n"
        "display('gone'); clear_output()\n"
        "print('one', end=''); print(' two'); print('\\x1b[31mred\\x1b[0m'); print('10%\\r99%')\n"
        "print('careful', file=sys.stderr)\n"
        "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><circle r=\"3\"/></svg>'))\n"
        "display(HTML('<b lang=zh>中</b><b lang=en>en</b><script>document.title = \"ran\"</script>'))\n"
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n"
        "handle = display('first', display_id=True); handle.update('second')\n"
        "{'answer': 41 + 1}"
    )
    text = output.inner_text()
    assert "one two\nred\n99%" in text and "careful" in text and "{'answer': 42}" in text
    assert "gone" not in text and "10%" not in text and "first" not in text and "'second'" in text
    assert output.locator(".ansi-red-fg").inner_text() == "red"
    assert output.locator(".stderr").count() == 1
    assert output.locator("svg circle").count() == 1
    assert output.locator("b").all_inner_texts() == ["中"]
    image = output.locator("img")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert image.get_attribute("alt")
    assert reader.page.title() != "ran"
    assert not reader.problems


def test_output_streams(reader):
    reader.try_out("pass")
    reader.run(reader.write(reader.cells.first, "import time\nprint('early')\ntime.sleep(20)"))
    reader.page.locator(".live-output", has_text="early").wait_for(timeout=10000)
    assert reader.cells.first.get_attribute("data-live") == "running"
    assert "运行中" in reader.status.inner_text()
    started = time.monotonic()
    reader.page.get_by_role("button", name="中断").click()
    output = reader.becomes(reader.cells.first, "failed")
    assert time.monotonic() - started < 10
    assert "KeyboardInterrupt" in output.inner_text()
    assert "2" in reader.try_out("1 + 1").inner_text(), "the kernel lives"


def test_an_error_is_shown_in_place_and_stops_the_rest(reader):
    reader.try_out("pass")
    reader.write(reader.cells.first, "1 / 0")
    reader.page.get_by_role("button", name="全部执行").click()
    output = reader.becomes(reader.cells.first, "failed")
    assert "ZeroDivisionError: division by zero" in output.inner_text()
    assert "\x1b" not in output.inner_text()
    reader.page.wait_for_timeout(300)
    assert reader.cells.nth(1).get_attribute("data-live") not in ("running", "done")


def test_restart_forgets(reader):
    reader.try_out("kept = 1")
    reader.page.get_by_role("button", name="重启").click()
    reader.page.locator(".live-message", has_text="已重启").wait_for(timeout=30000)
    assert "NameError" in reader.try_out("kept", "failed").inner_text()


def test_the_editor_takes_every_key(reader):
    reader.try_out("pass")
    cell = reader.write(reader.cells.first, "")
    cell.locator(".cm-content").press_sequentially("6/3  # jk")
    reader.page.keyboard.press("Shift+Enter")
    reader.becomes(cell, "done")
    assert "2.0" in cell.locator(".live-output").inner_text()
    assert cell.locator(".cm-content").get_attribute("aria-label") == "代码"
    assert cell.locator(".tok-comment").inner_text() == "# jk"


# When things go wrong


def test_a_kernel_that_dies(reader):
    reader.try_out("kept = 1")
    reader.run(reader.write(reader.cells.first, "import os\nos._exit(3)"))
    reader.page.locator(".live-message", has_text="内核意外停止了").wait_for(timeout=30000)
    reader.page.locator(".live-status[data-state=idle]").wait_for(timeout=30000)
    assert "NameError" in reader.try_out("kept", "failed").inner_text()


def test_a_connection_that_drops(visit):
    reader = visit("en")
    reader.try_out("kept = 1")
    reader.page.evaluate(
        """() => {
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (text) { window.lastSocket = this; send.call(this, text); };
        }"""
    )
    reader.run(reader.write(reader.cells.first, "import time; time.sleep(2); kept + 41"))
    until(reader.page, "Boolean(window.lastSocket)")
    reader.page.evaluate("window.lastSocket.close()")
    reader.page.locator(".live-message", has_text="Connected again").wait_for(timeout=20000)
    assert "42" in reader.becomes(reader.cells.first, "done").inner_text()


def test_a_server_that_is_gone(browser, checkout):
    with running(checkout()) as live:
        context = browser.new_context()
        context.new_page().goto(live.address)
        reader = LiveReader(context, live, "en")
        before = reader.page.locator("article p").count()
        live.stop()
        reader.run(reader.cells.nth(1))
        reader.page.locator(".live-message:not([hidden])").wait_for(timeout=20000)
        assert reader.page.locator("article p").count() == before
        assert reader.page.locator(".cell_output img").first.is_visible()
        context.close()


def test_no_kernel_to_be_had(visit):
    reader = visit("en")
    reader.page.route("**/api/kernels", lambda route: route.fulfill(status=500, json={"message": "No space left"}))
    reader.run(reader.cells.nth(1))
    reader.page.locator(".live-message", has_text="No kernel could be had: No space left").wait_for(timeout=20000)
    assert "Stopped" in reader.status.inner_text()


def test_a_restart_that_fails(visit):
    reader = visit("en")
    reader.try_out("kept = 1")
    reader.page.route("**/restart", lambda route: route.fulfill(status=500, json={"message": "No space left"}))
    reader.page.get_by_role("button", name="Restart").click()
    reader.page.locator(".live-message", has_text="No space left").wait_for(timeout=20000)
    assert "Stopped" in reader.status.inner_text()
    assert "NameError" in reader.try_out("kept", "failed").inner_text(), "the next run has a kernel of its own"


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"version": "0.3.1"}, "版，太旧了"), ({"hello": 1}, "不是 Jupyter 服务器"), ("nothing", "不是 Jupyter 服务器")],
)
def test_a_server_of_another_kind(visit, answer, words):
    reader = visit()
    reader.page.route("**/api", lambda route: route.fulfill(json=answer))
    reader.run(reader.cells.nth(1))
    reader.page.locator(".live-message", has_text=words).wait_for(timeout=20000)


# A page from any web host, and a server of the reader's own


@pytest.fixture(scope="module")
def own_terminal(served, tmp_path_factory):
    """What the terminal shows in which a plain Jupyter server was started with the command that the page shows."""
    log = tmp_path_factory.mktemp("own") / "log"
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", f"--ServerApp.allow_origin={served}"]
    with open(log, "w") as terminal:
        process = subprocess.Popen(
            [*command, f"--port={free_port()}", "--allow-root"], cwd=ROOT, stdout=terminal, stderr=terminal
        )
    for _ in range(300):
        text = log.read_text()
        if "copy and paste" in text and text.endswith("\n"):
            break
        time.sleep(0.1)
    yield text
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def own_server(own_terminal):
    """Address and token."""
    address, token = re.search(r"(http://localhost:\d+/)\?token=(\w+)", own_terminal).groups()
    return address, token


@pytest.fixture
def hosted(browser, served):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served}/en/{PAGE}.html")
    page.get_by_role("button", name="Run this code").click()
    yield page
    context.close()


def fill_in(page, address, token):
    page.get_by_label("Address").fill(address)
    page.get_by_label("Token").fill(token)
    page.locator(".live-dialog [type=submit]").click()


def test_a_hosted_page_connects(hosted, served, own_server):
    address, token = own_server
    fill_in(hosted, f"{address}lab?token=x", token)
    cell = hosted.locator("div.cell:has(.live-buttons)").nth(2)
    cell.get_by_role("button", name="With cells above").or_(cell.get_by_role("button", name="Run")).first.wait_for()
    hosted.locator("div.cell").first.evaluate("cell => (cell.querySelector('details').open = true)")
    first = hosted.locator("div.cell").first
    first.get_by_role("button", name="Run", exact=True).click()
    hosted.locator("div.cell[data-live=done]").first.wait_for(timeout=60000)
    assert token not in hosted.content() and token not in hosted.url
    assert token not in hosted.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")


def test_the_dialog_begins_with_what_needs_nothing(hosted, site):
    """Where no repository is known, that is a download and three places to upload it."""
    dialog = hosted.locator(".live-dialog")
    assert dialog.locator("h2").inner_text() == "Nothing to install"
    first, *others = dialog.locator("a, input").all()
    if not Snapshot(ROOT).config()["repository"]["url"]:
        assert first.get_attribute("download") == f"{PAGE.rpartition('/')[2]}.en.ipynb"
        hosts = [urllib.parse.urlsplit(link.get_attribute("href")).hostname for link in others[:3]]
        assert hosts == ["colab.research.google.com", "www.kaggle.com", "modelscope.cn"]
    hosted.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")


@pytest.mark.parametrize("agent", ["Windows NT 10.0; Win64; x64", "X11; Linux x86_64"])
@pytest.mark.parametrize("edition", ["zh", "en"])
def test_the_commands_are_for_the_readers_terminal(browser, served, site, agent, edition):
    """What cmd, PowerShell and sh would do with them: the quotes are all that has a meaning to a shell."""
    page = browser.new_page(user_agent=f"Mozilla/5.0 ({agent}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0")
    page.goto(f"{served}/{edition}/{PAGE}.html")
    page.locator(".live-connect").click()
    page.locator(".live-dialog").wait_for()
    (wheel,) = (site / "wheel").glob("*.whl")
    windows = {"py": "py", "own": r"bottleneck\Scripts\python"}, {"py": "python3", "own": "bottleneck/bin/python"}
    kinds = windows if "Windows" in agent else windows[::-1]
    for radio, kind in zip(page.locator(".live-dialog [type=radio]").all(), kinds, strict=True):
        radio.check()
        shown = "\n".join(page.locator(".live-dialog pre").all_text_contents())
        assert not re.search(r"[^\s\w\\/.:\"=-]", shown), "PowerShell and cmd agree on little more"
        make, install, start = [re.findall(r'"[^"]*"|\S+', line) for line in shown.split("\n")]
        assert make == [kind["py"], "-m", "venv", "--system-site-packages", "bottleneck"]
        mirror = ["-i", "https://mirrors.aliyun.com/pypi/simple/"] if edition == "zh" else []
        address = f'"{served}/wheel/{wheel.name}"'
        assert install == [kind["own"], "-m", "pip", "install", *mirror, address, "jupyter-server", "ipykernel"]
        assert start == [kind["own"], "-m", "jupyter_server", "--no-browser", f'"--ServerApp.allow_origin={served}"']
    page.close()


def test_what_connects_cannot_be_loaded(browser, served):
    page = browser.new_page()
    page.goto(f"{served}/en/{PAGE}.html")
    page.route("**/live/live.js", lambda route: route.abort())
    page.get_by_role("button", name="Run this code").click()
    page.locator(".live-message", has_text="could not be loaded").wait_for(timeout=20000)
    page.unroute("**/live/live.js")
    page.get_by_role("button", name="Run this code").click()
    page.locator(".live-dialog").wait_for(timeout=20000)
    assert not page.locator(".live-message").first.is_visible()
    page.close()


def test_a_page_on_the_disk_offers_no_connection(browser, site):
    page = browser.new_page()
    page.goto((site / "en" / f"{PAGE}.html").as_uri())
    page.locator(".elsewhere summary").wait_for()
    assert page.get_by_role("button", name="Run this code").count() == 0
    page.close()


def test_a_wrong_token(hosted, own_server):
    fill_in(hosted, own_server[0], "wrong")
    hosted.locator(".live-dialog .live-message", has_text="Is the token right").wait_for()
    assert hosted.locator(".live-dialog").is_visible()  # not connected: to be tried again


def test_a_wrong_address(hosted):
    fill_in(hosted, f"http://localhost:{free_port()}/", "token")
    hosted.locator(".live-dialog .live-message", has_text="does not answer").wait_for()


def test_no_address_is_filled_in(hosted):
    assert hosted.get_by_label("Address").input_value() == hosted.get_by_label("Token").input_value() == ""
    hosted.get_by_role("button", name="Connect", exact=True).click()
    hosted.locator(".live-dialog .live-message", has_text="should look like").wait_for()


def paste(page, label, text):
    page.get_by_label(label).evaluate(
        """(input, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", text);
            const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
            if (input.dispatchEvent(event)) input.value += text;
        }""",
        text,
    )


def test_all_that_the_terminal_shows_can_be_pasted(hosted, own_terminal, own_server):
    address, token = own_server
    hosted.get_by_label("Address").focus()
    paste(hosted, "Address", own_terminal)
    assert hosted.get_by_label("Address").input_value() == address.replace("localhost", "127.0.0.1")
    assert hosted.get_by_label("Token").input_value() == token
    hosted.keyboard.press("Enter")
    hosted.locator(".live-dialog").wait_for(state="detached")
    hosted.get_by_role("button", name="Run", exact=True).first.wait_for(state="attached")


T = "0123456789abcdef"
PRINTED = {
    f"http://127.0.0.1:8888/lab?token={T}": ("http://127.0.0.1:8888/", T),
    f"  http://localhost:8888/?token={T}  ": ("http://localhost:8888/", T),
    f"http://host:8888/lab?token={T} or http://127.0.0.1:8888/lab?token={T}": ("http://127.0.0.1:8888/", T),
    f"http://host:8888/lab?token=other\n http://127.0.0.1:8888/lab?token={T}": ("http://127.0.0.1:8888/", T),
    f"http://(host or 127.0.0.1):8888/?token={T}": ("http://127.0.0.1:8888/", T),
    f"http://0.0.0.0:8888/tree?token={T}": ("http://127.0.0.1:8888/", T),
    f"“http://127.0.0.1:8888/lab?token={T}”。": ("http://127.0.0.1:8888/", T),
    f"地址：http：//127.0.0.1：8888/lab？token={T}，": ("http://127.0.0.1:8888/", T),
    f"'http://127.0.0.1:8888/lab/tree/a.ipynb?token={T}#x'.": ("http://127.0.0.1:8888/", T),
    f"[I ServerApp] http://localhost:8888/user/lab/tree/a?token={T}": ("http://localhost:8888/user/lab/", T),
    f"http://localhost:8888/base/lab?token={T}": ("http://localhost:8888/base/", T),
    "http://localhost:8888/lab?token=...": ("http://localhost:8888/", ""),
    f"127.0.0.1:8888/lab?token={T}": ("http://127.0.0.1:8888/", T),
    "localhost:8888": ("http://localhost:8888/", ""),
    f"http://127.0.0.1:8888@host.example/?token={T}": ("http://host.example/", T),
    f"https://host.example:8888/user/me/lab?token={T}": ("https://host.example:8888/user/me/", T),
    f"http://[::1]:8888/lab?token={T}": ("http://localhost:8888/", T),
    f"http://[::]:8888/tree?token={T}": ("http://localhost:8888/", T),
    f"\u200bhttp://127.0.0.1:8888/lab?to\u00adken={T[:4]}\u2060{T[4:]}\ufeff\u202c": ("http://127.0.0.1:8888/", T),
    f"  http://localhost:8888/lab?token={T[:9]}\n{T[9:]}\n  http://127.0.0.1:8888/lab?token={T[:9]}\n{T[9:]}\n": (
        "http://127.0.0.1:8888/", T,
    ),
    f"HTTP://LocalHost:8888/Lab/?token={T}&x=1#y": ("http://localhost:8888/Lab/", T),
    f"http://localhost:8888/?token={T} :: /home/me": ("http://localhost:8888/", T),
}


def test_what_is_pasted_is_taken_apart(hosted):
    for text, parts in PRINTED.items():
        hosted.get_by_label("Address").fill("")
        hosted.get_by_label("Token").fill("")
        paste(hosted, "Address", text)
        assert (hosted.get_by_label("Address").input_value(), hosted.get_by_label("Token").input_value()) == parts, text


@pytest.mark.parametrize("label", ["Address", "Token"])
def test_what_is_typed_is_taken_apart(hosted, label):
    hosted.get_by_label(label).fill(f"http://127.0.0.1:{free_port()}/lab?token={T}")
    hosted.keyboard.press("Enter")
    hosted.locator(".live-dialog .live-message", has_text="does not answer").wait_for()
    assert re.fullmatch(r"http://127.0.0.1:\d+/", hosted.get_by_label("Address").input_value())
    assert hosted.get_by_label("Token").input_value() == T


@pytest.mark.parametrize("address", ["http://host.example:8888/", "http://127.0.0.1:8888@host.example/", "http://[fe80::1]:8888/"])
def test_a_token_goes_to_this_machine_only(hosted, address):
    asked = []
    hosted.context.on("request", lambda request: asked.append(request.url))
    fill_in(hosted, address, T)
    hosted.locator(".live-dialog .live-message", has_text="was not sent").wait_for()
    told = hosted.locator(".live-dialog .live-message").inner_text()
    assert re.search(r"would go to (host\.example|\[fe80::1\])", told)
    assert not asked


def test_a_token_is_taken_out_of_what_stands_around_it(hosted):
    for text in (T, f" “{T}” ", f"\u200b{T[:5]}\u200d{T[5:]}\ufeff", f"token={T}", f"/lab?token={T}&x=1", f"'{T}'\n"):
        fill_in(hosted, "https://localhost:8888/", text)
        hosted.locator(".live-dialog .live-message", has_text="by http:// only").wait_for()
    for text in ("", " ", "\u200b", "token=", "残差"):
        fill_in(hosted, "http://localhost:8888/", text)
        hosted.locator(".live-dialog .live-message", has_text="Fill in the token").wait_for()
    fill_in(hosted, T, T)
    hosted.locator(".live-dialog .live-message", has_text="should look like").wait_for()


ALLOWED = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
JSON = {"Content-Type": "application/json", **ALLOWED}
IMPOSTORS = {
    "nothing here": (404, {}, b"Not found"),
    "nothing here, for every page": (404, ALLOWED, b"Not found"),
    "a page": (200, {"Content-Type": "text/html", **ALLOWED}, b"<h1>It works!</h1>"),
    "another API": (200, JSON, b'{"name": "x", "version": "latest"}'),
    "another API with a version": (200, JSON, b'{"name": "x", "version": "7.17.0"}'),
    "a version that is a number": (200, JSON, b'{"version": 2}'),
    "a list of versions": (200, JSON, b'{"version": ["2.14.1"]}'),
    "more than a Jupyter says": (200, JSON, b'{"version": "2.14.1"' + b" " * 10**6 + b"}"),
    "no object": (200, JSON, b"null"),
    "elsewhere": (302, {"Location": "{served}/api", **ALLOWED}, b""),
    "a login": (401, {"WWW-Authenticate": "Basic", **ALLOWED}, b""),
    "a fault": (500, JSON, b'{"version": "2.14.1"}'),
    "a Jupyter elsewhere": (200, {"Refresh": "0; url={served}/api", **JSON}, b'{"message": "moved"}'),
    "half an answer": (200, {"Content-Length": "1000", **JSON}, b'{"version": "2.14.1"}'),
    "no JSON": (200, JSON, b"\xff\xfe" * 400),
}


@pytest.mark.parametrize("kind", IMPOSTORS)
def test_whoever_is_no_jupyter_does_not_get_the_token(browser, served, kind):
    status, headers, body = IMPOSTORS[kind]
    heard = []

    class Impostor(QuietHandler):
        def do_GET(self):
            heard.append(f"{self.requestline}\n{self.headers}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.format(served=served))
            self.end_headers()
            with suppress(OSError):  # who has heard enough, goes
                self.wfile.write(body)

        do_OPTIONS = do_POST = do_GET

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Impostor) as impostor:
        threading.Thread(target=impostor.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"{served}/both/{PAGE}.html")
        page.get_by_role("button", name="Run this code").click()
        fill_in(page, f"http://127.0.0.1:{impostor.server_port}/lab?token={T}", T)
        message = page.locator(".live-dialog .live-message:not([hidden])")
        message.wait_for(timeout=20000)
        text = message.inner_text()
        page.close()
        impostor.shutdown()
    assert heard and not any(T in request or "Authorization" in request for request in heard)
    assert re.search("不是 Jupyter 服务器|不让这一页进去", text) and "令牌没有发给它" in text
    assert re.search("is not a Jupyter|does not let this page in", text) and "not sent to it" in text
    assert "gone" not in text and "不在了" not in text


def test_a_token_follows_no_redirect(browser, served):
    """From whoever poses as a Jupyter, and gets it, to another port."""
    asked, elsewhere = [], []

    class Posing(QuietHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            found = self.path.endswith("/api")
            self.send_response(200 if found else 307)
            for name, value in JSON.items():
                self.send_header(name, value)
            if not found:
                self.send_header("Location", f"http://127.0.0.1:{other.server_port}{self.path}")
            self.end_headers()
            if found:
                self.wfile.write(b'{"version": "2.14.1"}')

        do_POST = do_GET

        def do_OPTIONS(self):
            self.send_response(204)
            for name in ("Origin", "Headers", "Methods"):
                self.send_header(f"Access-Control-Allow-{name}", "*" if name != "Headers" else "*, Authorization")
            self.end_headers()

    class Other(Posing):
        def do_GET(self):
            elsewhere.append(f"{self.requestline}\n{self.headers}")
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Posing) as posing,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other,
    ):
        for server in (posing, other):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"{served}/both/{PAGE}.html")
        page.get_by_role("button", name="Run this code").click()
        fill_in(page, f"http://127.0.0.1:{posing.server_port}/", T)
        page.locator(".live-dialog .live-message", has_text="does not let this page in").wait_for(timeout=20000)
        page.close()
        for server in (posing, other):
            server.shutdown()
    assert f"token {T}" in asked, "it was taken for a Jupyter"
    assert not any(T in request for request in elsewhere)
