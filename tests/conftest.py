"""What the tests share: the repository, the built site, a server for it, and a browser."""

import functools
import http.server
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import pytest
import yaml
from filelock import FileLock

# A shell lets what it starts in the background ignore it, and what the tests start would do the same.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EDITIONS = ("zh", "en", "both")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WEBGPU_FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers():
    """Three processes for two cores: most tests wait half of their time, for a browser, a kernel or a time limit."""
    cores = yield
    return max(2, cores * 3 // 2)


# The files that take longest. Of the first three, which begin together, one alone waits for the site.
LONGEST = ("test_cells_in_page", "test_build", "test_crowd", "test_grade", "test_light", "test_accessible", "test_pdf")


def pytest_collection_modifyitems(items):
    """The longest first, lest one of them is left to a single process at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pages():
    """What the table of contents names: prose and chapters."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def in_every_edition(names):
    """(edition, name) of all. The usual run takes each page in one edition, in turn: they are made by the same code."""
    return [
        pytest.param(edition, name, marks=() if (turn + place) % len(EDITIONS) == 0 else pytest.mark.exhaustive)
        for turn, edition in enumerate(EDITIONS)
        for place, name in enumerate(names)
    ]


def chapters():
    """The pages that are notebooks and run."""
    return [page for page in pages() if page.startswith("notebooks/")]


def assignments():
    """The pages that are notebooks and never run, since they raise until they are solved."""
    return [page for page in pages() if page.startswith("assignments/")]


def read_notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def site():
    """The folder of the site, built as `make book` builds it."""
    run = subprocess.run([sys.executable, "book/build.py"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    return ROOT / "_build" / "html"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def served(site):
    """The address of a server of the site on this machine."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


LAUNCHED = []


@pytest.fixture(scope="session")
def browser(playwright):
    path = find_browser() or own_browser(playwright) or install_browser(playwright)
    browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
    LAUNCHED.append(browser)
    yield browser
    browser.close()


@pytest.fixture(autouse=True, scope="module")
def no_page_outlives_its_tests():
    """A hundred forgotten pages, each with a Python of its own, take all of a machine's memory."""
    yield
    for browser in LAUNCHED:
        for context in browser.contexts:
            context.close()


@pytest.fixture(scope="module")
def open_playground(served, playwright):
    """Opens the playground's page in a browser of its own, since WebGPU takes other flags; a page for each."""
    path = find_browser() or own_browser(playwright) or install_browser(playwright)
    flags = [flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"]
    browsers = {}

    def open_page(backend, edition="en"):
        if backend not in browsers:
            more = flags + WEBGPU_FLAGS if backend == "webgpu" else CHROMIUM_FLAGS
            browsers[backend] = playwright.chromium.launch(executable_path=path, args=more)
        page = browsers[backend].new_page()
        page.goto(f"{served}/{edition}/book/playground.html")
        return page

    yield open_page
    for browser in browsers.values():
        browser.close()


def until(page, holds, argument=None, timeout=30):
    """Waits until JavaScript holds in the page. Playwright's own wait_for_function evaluates a string there, at its
    second look, and the pages' content security policy refuses it."""
    end = time.monotonic() + timeout
    while not page.evaluate(holds, argument):
        if time.monotonic() > end:
            raise TimeoutError(f"After {timeout} s it does not hold: {holds}")
        page.wait_for_timeout(20)


STAYS = """selector => new Promise((tell) => {
    const place = () => JSON.stringify(document.querySelector(selector).getBoundingClientRect());
    const before = place();
    let frames = 10;
    const look = () => (frames-- ? requestAnimationFrame(look) : tell(place() === before));
    look();
})"""


def at_rest(page, selector="article"):
    """Waits until an element is where it was ten frames before: what glides has come to its end. A busy machine, which
    draws fewer frames a second, is waited for longer."""
    until(page, STAYS, selector)


def comes_to(expected, look, timeout=30):
    """What `look()` gives: once it is what is expected, or what it is still after `timeout` seconds."""
    end = time.monotonic() + timeout
    while (found := look()) != expected and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.fixture(scope="session")
def firefox(playwright, tmp_path_factory):
    """The machine's own Firefox; without one the tests that want it are skipped."""
    install_from_debian("firefox-esr", "firefox-esr")
    path = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if path is None:
        pytest.skip("There is no Firefox to test with: install one. · 没有 Firefox 可测：请装一个。")
    start = tmp_path_factory.mktemp("firefox") / "firefox"
    command = shlex.join([sys.executable, str(ROOT / "tests" / "firefox.py"), path])
    start.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    start.chmod(0o755)
    browser = playwright.firefox.launch(channel="moz-firefox", executable_path=start)
    LAUNCHED.append(browser)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def bubblewrap():
    """Students' code runs in it; without it the tests of grading are skipped."""
    install_from_debian("bwrap", "bubblewrap")
    pytest.importorskip("nbgrader", reason="nbgrader 0.9.6 needs Python 3.11 · nbgrader 0.9.6 需要 Python 3.11")
    from sandbox import SandboxError, require_bubblewrap

    try:
        require_bubblewrap()
    except SandboxError as error:
        pytest.skip(str(error))


def install_from_debian(program, package):
    """Whether root on a Debian has, or gets, the package. Processes that test side by side take turns."""
    if not shutil.which("apt-get") or getattr(os, "geteuid", lambda: 1)() != 0:
        return False
    with FileLock(Path(tempfile.gettempdir(), "bottleneck-tests-apt.lock")):
        if not shutil.which(program):
            subprocess.run(["apt-get", "update", "-qq"], check=False)
            subprocess.run(["apt-get", "install", "-y", "-qq", package], check=False)
    return True


def find_browser():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def own_browser(playwright):
    path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_browser(playwright):
    if not install_from_debian("chromium", "chromium"):
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    path = find_browser() or own_browser(playwright)
    if path is None:
        pytest.fail(
            f"No browser · 没有浏览器: {sys.executable} -m playwright install --with-deps chromium",
            pytrace=False,
        )
    return path
