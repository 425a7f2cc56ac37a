"""`make live`: who may come in, and cells that run on a real kernel in a real browser."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar

import psutil
import pytest
from conftest import ROOT

import linewalk

PAGE = "notebooks/03_forward"
RUN = {"zh": "运行", "en": "Run", "both": "运行 / Run"}
ABOVE = {"zh": "连同前面", "en": "With cells above"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Live:
    """A running `book/live.py`."""

    def __init__(self, **environment):
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "book/live.py", "--port", str(self.port), "--no-open"],
            cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )
        self.line = self.process.stdout.readline()
        self.address = re.search(r"http\S+", self.line)[0]

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
        """What opens addresses as the browser does that came in by the ticket."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        opener.open(self.address, timeout=10)
        return opener


@contextmanager
def running(**environment):
    live = Live(**environment)
    try:
        yield live
    finally:
        if live.process.poll() is None:
            live.process.kill()
            live.process.communicate()


@pytest.fixture(scope="module")
def live(site):
    with running() as live:
        yield live


@pytest.fixture(scope="module")
def inside(browser, live):
    """A browser profile that came in by the ticket."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.new_page().goto(live.address)
    yield context
    context.close()


class Reader:
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

    def write(self, cell, code):
        """Replaces the cell's code as a reader does, with the keyboard."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        return cell

    def becomes(self, cell, state, timeout=60):
        handle = cell.element_handle()
        self.page.wait_for_function(
            "([cell, state]) => cell.dataset.live === state", arg=[handle, state], timeout=timeout * 1000
        )
        return cell.locator(".live-output").last

    def try_out(self, code, state="done"):
        """Runs code of the reader's own in the first cell, whose output is returned."""
        cell = self.cells.first
        if not cell.locator(".cm-content").count():
            self.becomes(self.run(cell), "done")
        self.run(self.write(cell, code))
        return self.becomes(cell, state)


@pytest.fixture
def visit(inside, live):
    readers = []

    def visit(edition="zh"):
        readers.append(Reader(inside, live, edition))
        return readers[-1]

    yield visit
    for reader in readers:
        reader.page.close()


@pytest.fixture(scope="module")
def reader(inside, live):
    """Somebody who has been reading for a while: tests that can, share a page and its kernel."""
    return Reader(inside, live, "zh")


# Who may come in


def test_it_prints_one_line(live):
    assert re.fullmatch(rf"http://127\.0\.0\.1:{live.port}/enter/[\w-]{{32}}  \(Ctrl\+C\)\n", live.line)


PATHS = ["/", f"/book/zh/{PAGE}.html", "/book/zh/_static/site.css", "/book/", "/api", "/api/kernels", "/api/status",
         "/tree", "/login", "/files/03_forward.ipynb", "/enter/" + "x" * 32, "/?token=" + "x" * 48]


@pytest.mark.parametrize("path", PATHS)
def test_whoever_has_no_ticket_gets_403(live, path):
    assert live.status(path) == 403
    assert live.status(path, Authorization="token wrong") == 403


def test_another_host_name_gets_403(live):
    with running() as other:
        opener = other.admitted()
        assert other.status("/api/kernels", opener) == 200
        for path in PATHS:
            assert other.status(path, opener, Host="book.example") == 403


def test_a_ticket_admits_once(site):
    with running() as live:
        live.admitted()
        script = (
            "import live; tickets = live.Tickets(); one = tickets.new(); assert tickets.accept(one);"
            "live.GRACE = 0; assert not tickets.accept(one); assert tickets.accept(tickets.new())"
        )
        subprocess.run([sys.executable, "-c", script], cwd=ROOT / "book", check=True)


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
def test_it_ends_when_told_to(site, how):
    with running() as live:
        assert live.stop(how) == "", "it says nothing but its address"
        assert live.process.returncode == 0


def test_its_kernels_end_with_it(browser, site):
    with running() as live:
        context = browser.new_context()
        context.new_page().goto(live.address)
        Reader(context, live, "zh").try_out("pass")
        kernels = psutil.Process(live.process.pid).children(recursive=True)
        assert kernels
        assert live.stop() == ""
        assert not psutil.wait_procs(kernels, timeout=10)[1]
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", live.port), timeout=1)
        context.close()


def test_it_ends_with_its_parent(site):
    port = free_port()
    command = f"{sys.executable} book/live.py --port {port} --no-open & echo $!; wait"
    parent = subprocess.Popen(["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    server = psutil.Process(int(parent.stdout.readline()))
    assert "http" in parent.stdout.readline()
    parent.kill()
    server.wait(timeout=15)
    parent.communicate()


def test_a_port_that_is_taken(live):
    command = [sys.executable, "book/live.py", "--port", str(live.port), "--no-open"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=30)
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


def test_a_plain_site_has_no_run_buttons(browser, served):
    page = browser.new_page()
    page.goto(f"{served}/zh/{PAGE}.html", wait_until="networkidle")
    assert page.get_by_role("button", name="运行").count() == 0
    assert page.get_by_role("button", name="连接我的 Jupyter").is_visible()
    assert not page.evaluate("performance.getEntries().filter(entry => entry.name.endsWith('live/live.js')).length")
    page.close()


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
    reader.page.wait_for_function("window.lastSocket")
    reader.page.evaluate("window.lastSocket.close()")
    reader.page.locator(".live-message", has_text="Connected again").wait_for(timeout=20000)
    assert "42" in reader.becomes(reader.cells.first, "done").inner_text()


def test_a_server_that_is_gone(browser, site):
    with running() as live:
        context = browser.new_context()
        context.new_page().goto(live.address)
        reader = Reader(context, live, "en")
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
def own_server(served):
    """A plain Jupyter server, started with the command that the page shows."""
    port, token = free_port(), "b" * 32
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", f"--ServerApp.allow_origin={served}"]
    command += [f"--port={port}", "--allow-root", f"--IdentityProvider.token={token}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://localhost:{port}/"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{address}api?token={token}", timeout=5)
            break
        except OSError:
            time.sleep(0.2)
    yield address, token
    process.terminate()
    process.wait()


@pytest.fixture
def hosted(browser, served):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served}/en/{PAGE}.html")
    page.get_by_role("button", name="Connect to my Jupyter").click()
    yield page
    context.close()


def fill_in(page, address, token):
    page.get_by_label("Address").fill(address)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Connect", exact=True).click()


def test_a_hosted_page_connects(hosted, served, own_server):
    address, token = own_server
    assert f"--ServerApp.allow_origin={served}" in hosted.locator(".live-dialog pre").inner_text()
    fill_in(hosted, f"{address}lab?token=x", token)
    cell = hosted.locator("div.cell:has(.live-buttons)").nth(2)
    cell.get_by_role("button", name="With cells above").or_(cell.get_by_role("button", name="Run")).first.wait_for()
    hosted.locator("div.cell").first.evaluate("cell => (cell.querySelector('details').open = true)")
    first = hosted.locator("div.cell").first
    first.get_by_role("button", name="Run", exact=True).click()
    hosted.locator("div.cell[data-live=done]").first.wait_for(timeout=60000)
    assert token not in hosted.content() and token not in hosted.url
    assert token not in hosted.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")


def test_what_connects_cannot_be_loaded(browser, served):
    page = browser.new_page()
    page.goto(f"{served}/en/{PAGE}.html")
    page.route("**/live/live.js", lambda route: route.abort())
    page.get_by_role("button", name="Connect to my Jupyter").click()
    page.locator(".live-message", has_text="could not be loaded").wait_for(timeout=20000)
    page.unroute("**/live/live.js")
    page.get_by_role("button", name="Connect to my Jupyter").click()
    page.locator(".live-dialog").wait_for(timeout=20000)
    assert not page.locator(".live-message").first.is_visible()
    page.close()


def test_a_page_on_the_disk_offers_no_connection(browser, site):
    page = browser.new_page()
    page.goto((site / "en" / f"{PAGE}.html").as_uri())
    page.locator(".elsewhere summary").wait_for()
    assert page.get_by_role("button", name="Connect to my Jupyter").count() == 0
    page.close()


def test_a_wrong_token(hosted, own_server):
    fill_in(hosted, own_server[0], "wrong")
    hosted.locator(".live-dialog .live-message", has_text="Is the token right").wait_for()
    assert hosted.get_by_role("button", name="Run", exact=True).count() == 0


def test_a_wrong_address(hosted):
    fill_in(hosted, f"http://localhost:{free_port()}/", "token")
    hosted.locator(".live-dialog .live-message", has_text="does not answer").wait_for()
