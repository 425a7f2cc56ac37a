"""The book on a real JupyterHub: two users, each with their own server and their own kernels."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import ROOT
from npm import install
from test_live import LiveReader, free_port

pytest.importorskip("jupyterhub")


@pytest.fixture(scope="module")
def hub(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    tools = ROOT / "_build" / "hub"
    tools.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "classroom" / "hub" / name, tools)
    if not (tools / "node_modules" / ".bin" / "configurable-http-proxy").exists():
        install(tools, "classroom/hub")
    (folder / "node_modules").symlink_to(tools / "node_modules")
    for name in ("alice", "bob"):
        (folder / "home" / name).mkdir(parents=True)

    hub = Hub(folder)
    yield hub
    hub.process.send_signal(signal.SIGTERM)
    hub.process.wait(timeout=60)


class Hub:
    def __init__(self, folder):
        self.password = secrets.token_hex(16)
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        settings = {"HUB_FOLDER": str(folder), "HUB_PORT": str(port), "HUB_PASSWORD": self.password}
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        with open(folder / "log.txt", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--config", str(ROOT / "tests/hub/jupyterhub_config.py")],
                cwd=folder, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": path, "BOOK_ROOT": str(ROOT), **settings},
            )
        for _ in range(600):  # its first start writes its bytecode and its database
            try:
                urllib.request.urlopen(f"{self.address}/hub/login", timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        pytest.fail((folder / "log.txt").read_text(encoding="utf-8")[-3000:])


class User(LiveReader):
    """A reader who logged in to the hub."""

    def __init__(self, browser, hub, name):
        self.name, self.hub = name, hub
        self.context = browser.new_context()
        page = self.context.new_page()
        page.goto(f"{hub.address}/hub/login")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(hub.password)
        page.locator("#login_submit").click()
        page.wait_for_url(f"**/user/{name}/book/**", timeout=120000)
        self.origin = f"{hub.address}/user/{name}"
        super().__init__(self.context, self, "zh")

    def kernels(self, of):
        return self.page.request.get(f"{self.hub.address}/user/{of}/api/kernels", max_redirects=0)


def test_two_users_each_with_their_own_kernels(browser, hub):
    alice, bob = User(browser, hub, "alice"), User(browser, hub, "bob")
    alice.try_out("secret = 'of alice'")
    assert "NameError" in bob.try_out("secret", "failed").inner_text()
    assert "of alice" in alice.try_out("secret").inner_text()
    assert alice.page.locator(".live-device").count() == 1

    own = {user.name: {kernel["id"] for kernel in user.kernels(user.name).json()} for user in (alice, bob)}
    assert len(own["alice"]) == len(own["bob"]) == 1 and not own["alice"] & own["bob"]
    for user, other in ((alice, "bob"), (bob, "alice")):
        answer = user.kernels(other)
        assert answer.status in (302, 403) and not any(kernel in answer.text() for kernel in own[other])
        page = user.context.new_page()
        page.goto(f"{hub.address}/user/{other}/book/zh/book/index.html")
        assert page.locator("article").count() == 0
    assert not alice.problems and not bob.problems


def test_a_stranger_sees_nothing(hub):
    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments):
            return None

    opener = urllib.request.build_opener(NoRedirect)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(f"{hub.address}/user/alice/book/zh/book/index.html")
    assert answer.value.code == 302 and "/hub/" in answer.value.headers["Location"]
