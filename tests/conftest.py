"""What the tests share: the repository, the built site, a server for it, and a browser."""

import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
import yaml

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


def pages():
    """What the table of contents names: prose and chapters."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


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
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = find_browser() or own_browser(playwright) or install_browser(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def bubblewrap():
    """Students' code runs in it; without it the tests of grading are skipped."""
    if not shutil.which("bwrap") and shutil.which("apt-get") and getattr(os, "geteuid", lambda: 1)() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "bubblewrap"], check=False)
    pytest.importorskip("nbgrader", reason="nbgrader 0.9.6 needs Python 3.11 · nbgrader 0.9.6 需要 Python 3.11")
    from sandbox import SandboxError, require_bubblewrap

    try:
        require_bubblewrap()
    except SandboxError as error:
        pytest.skip(str(error))


def find_browser():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def own_browser(playwright):
    path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_browser(playwright):
    if shutil.which("apt-get") and getattr(os, "geteuid", lambda: 1)() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    path = find_browser() or own_browser(playwright)
    if path is None:
        pytest.fail(
            f"No browser · 没有浏览器: {sys.executable} -m playwright install --with-deps chromium",
            pytrace=False,
        )
    return path
