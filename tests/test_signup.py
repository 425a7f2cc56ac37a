"""Who is let in by `values.yaml`: its settings and its Python on a real JupyterHub, without a cluster."""

import http.cookies
import re
import subprocess
import sys
import time

import pytest
import yaml
from conftest import ROOT
from test_live import free_port

pytest.importorskip("jupyterhub")
pytest.importorskip("nativeauthenticator")
requests = pytest.importorskip("requests")

HOST = "class.example.org"
PASSWORDS = {"admin": "the administrator's own", "teacher": "the teacher's own"}

# What the chart does with the values, and a proxy that is not asked.
CONFIG = """
import sys
from pathlib import Path
from unittest.mock import MagicMock
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.proxy import Proxy

folder = Path({folder!r})
sys.path.insert(0, str(folder))
from z2jh import values

# NativeAuthenticator 1.3 counts logins as JupyterHub 5 did, which chart 4 brings; JupyterHub 6 has no such counter.
BaseHandler.statsd = MagicMock()

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, *_): pass
    async def delete_route(self, *_): pass
    async def get_all_routes(self): return {{}}

for part, settings in values["hub"]["config"].items():
    c[part].update(settings)
c.JupyterHub.load_roles = [dict(role, name=name) for name, role in values["hub"]["loadRoles"].items()]
for text in values["hub"]["extraConfig"].values():
    exec(text.replace("/srv/passwords", str(folder / "passwords")))
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.hub_port = {port}
c.JupyterHub.db_url = f"sqlite:///{{folder}}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{{folder}}/cookie_secret"
"""
Z2JH = """
import functools
import yaml

values = yaml.safe_load(open({values!r}, encoding="utf-8"))

def get_config(key):
    return functools.reduce(dict.__getitem__, key.split("."), values)
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The address of a hub."""
    folder = tmp_path_factory.mktemp("signup")
    (folder / "passwords").mkdir()
    for name, password in PASSWORDS.items():
        (folder / "passwords" / name).write_text(f"{password}\n", encoding="utf-8")
    port = free_port()
    (folder / "config.py").write_text(CONFIG.format(folder=str(folder), port=port), encoding="utf-8")
    values = ROOT / "classroom" / "hub" / "values.yaml"
    (folder / "z2jh.py").write_text(Z2JH.format(values=str(values)), encoding="utf-8")
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "--config", folder / "config.py"],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            requests.get(f"{address}/hub/login", timeout=5)
            break
        except requests.ConnectionError:
            if process.poll() is not None:
                pytest.fail((folder / "log.txt").read_text(encoding="utf-8")[-3000:])
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(timeout=60)


class Visitor:
    """A browser at https://class.example.org/, as the hub sees it behind its proxy."""

    def __init__(self, hub):
        self.hub, self.cookies = hub, {}

    def ask(self, method, path, headers=(), **arguments):
        sent = {"Host": HOST, "X-Forwarded-Proto": "https", **dict(headers)}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(
            method, f"{self.hub}/hub/{path}", headers=sent, allow_redirects=False, timeout=30, **arguments
        )
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            for name, value in http.cookies.SimpleCookie(cookie).items():
                self.cookies[name] = value.value
        return answer

    def post(self, path, **form):
        page = self.ask("GET", path)
        form["_xsrf"] = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
        return self.ask("POST", path, data=form)

    def sign_up(self, name, password):
        return self.post("signup", username=name, signup_password=password, signup_password_confirmation=password)

    def log_in(self, name, password):
        """Who one is then, or None."""
        self.cookies.clear()
        self.post("login", username=name, password=password)
        answer = self.ask("GET", "api/user")
        return answer.json() if answer.ok else None


def test_whoever_signs_up_first_is_neither_teacher_nor_administrator(hub):
    visitor = Visitor(hub)
    for name in ("teacher", "admin", "Teacher", "ADMIN"):
        visitor.sign_up(name, "mallory's long password")
        assert visitor.log_in(name, "mallory's long password") is None
        assert visitor.log_in(name, "") is None
    assert visitor.log_in("teacher", PASSWORDS["admin"]) is None


def test_the_teacher_logs_in_with_the_password_of_the_secret_and_is_no_administrator(hub):
    teacher = Visitor(hub)
    me = teacher.log_in("teacher", PASSWORDS["teacher"])
    assert me["name"] == "teacher" and me["admin"] is False and me["roles"] == ["user"]
    teacher.ask("GET", "home")
    own = {"X-XSRFToken": teacher.cookies["_xsrf"], "Sec-Fetch-Site": "same-origin"}
    for method, path, body in (
        ("PATCH", "api/users/admin", {"admin": False}),
        ("POST", "api/users/mallory", {}),
        ("POST", "api/users/admin/tokens", {}),
        ("GET", "api/users", None),
        ("GET", "authorize", None),
        ("GET", "authorize/mallory", None),
        ("GET", "change-password/alice", None),
        ("GET", "admin", None),
    ):
        assert teacher.ask(method, path, own, json=body).status_code in (403, 404), path


def test_a_student_is_let_in_by_the_administrator_and_only_from_the_hubs_own_page(hub):
    alice, admin = Visitor(hub), Visitor(hub)
    alice.sign_up("alice", "alice's long password")
    assert alice.log_in("alice", "alice's long password") is None
    assert admin.log_in("admin", PASSWORDS["admin"])["admin"] is True
    assert "alice" in admin.ask("GET", "authorize").text
    # A link in a mail, a page on another site, a page of a student's server.
    for site in ("none", "cross-site", "same-site"):
        led = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert admin.ask("GET", "authorize/alice", led).status_code == 403
        assert admin.ask("GET", "discard/alice", led).status_code == 403
    assert alice.log_in("alice", "alice's long password") is None
    clicked = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    assert admin.ask("GET", "authorize/alice", clicked).status_code == 302
    assert alice.log_in("alice", "alice's long password")["admin"] is False


def test_no_other_origin_can_set_the_hubs_cookie(hub):
    """A page at alice.class.example.org may set cookies for all of class.example.org, but none with this prefix."""
    visitor = Visitor(hub)
    visitor.log_in("teacher", PASSWORDS["teacher"])
    assert "__Host-jupyterhub-hub-login" in visitor.cookies


def test_the_comment_makes_the_secret_that_the_hub_reads():
    text = (ROOT / "classroom" / "hub" / "values.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    (volume,), (mount,) = settings["hub"]["extraVolumes"], settings["hub"]["extraVolumeMounts"]
    assert f"create secret generic {volume['secret']['secretName']} --namespace bottleneck" in text
    assert f'Path("{mount["mountPath"]}", username)' in settings["hub"]["extraConfig"]["login"]
    teachers = settings["singleuser"]["extraEnv"]["CLASS_TEACHERS"].split(",")
    named = set(re.findall(r"--from-literal=(\w+)=", text))
    assert named == {*settings["hub"]["loadRoles"]["admin"]["users"], *teachers}
