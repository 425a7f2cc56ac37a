"""A whole round of one assignment on a real JupyterHub, each person through their own server as their browser would.

The teacher makes and releases it, two students fetch, solve and submit it, the teacher collects, grades and gives
feedback, and the students fetch that. Then what nobody may do in it, tried from kernels, pages and other users.
"""

import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest
from conftest import ROOT, read_notebook
from jupyterhub import orm
from nbgrader.utils import is_solution
from test_live import free_port

pytest.importorskip("jupyterhub")
pytest.importorskip("psutil", reason="requirements-classroom.txt is not installed")
Error = pytest.importorskip("playwright.sync_api").Error
requests = pytest.importorskip("requests")
websocket = pytest.importorskip("websocket")
if not shutil.which("bwrap"):
    pytest.skip("without bubblewrap nothing is graded: apt install bubblewrap", allow_module_level=True)

NAME = "forward"
NOTEBOOK = f"{NAME}/{NAME}.ipynb"
COURSE = {"course_id": "bottleneck", "assignment_id": NAME}


class Person:
    """Logged in to the hub, their own server running."""

    def __init__(self, hub, name, password):
        self.name, self.hub = name, hub
        self.session = requests.Session()
        login = self.session.get(f"{hub}/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.session.cookies["_xsrf"]}
        self.session.post(login.url, data=form).raise_for_status()
        page = self.session.get(f"{hub}/hub/spawn/{name}")
        assert page.ok
        for _ in range(600):
            if page.ok and f"/user/{name}/lab" in page.url:
                self.server = page.url.partition("/lab")[0]
                return
            time.sleep(0.2)
            page = self.session.get(f"{hub}/user/{name}/lab", allow_redirects=True)
        pytest.fail(f"{name} has no server")

    def xsrf(self, place):
        return next(cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf" and place in cookie.path)

    def ask(self, method, path, of=None, **arguments):
        address = f"{self.server.replace(self.name, of) if of else self.server}/{path}"
        own = {"X-XSRFToken": self.xsrf(f"/user/{self.name}/")}
        return self.session.request(method, address, headers=own, allow_redirects=False, timeout=120, **arguments)

    def ask_hub(self, method, path, **arguments):
        """As the hub's own pages do."""
        own = {"X-XSRFToken": self.xsrf("/hub/"), "Referer": f"{self.hub}/hub/home"}
        return self.session.request(method, f"{self.hub}/hub/{path}", headers=own, allow_redirects=False, **arguments)

    def run(self, code):
        """What the code prints in a kernel of the person's own."""
        kernel = self.answer("POST", "api/kernels", json={"name": "python3"})["id"]
        address = f"{self.server}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        cookies = self.session.prepare_request(requests.Request("GET", address)).headers["Cookie"]
        channels = websocket.create_connection(address.replace("http", "ws", 1), cookie=cookies, timeout=60)
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": uuid.uuid4().hex,
                  "username": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        channels.send(json.dumps(message))
        printed = []
        while True:
            answer = json.loads(channels.recv())
            if answer["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if answer["msg_type"] == "stream":
                printed.append(answer["content"]["text"])
            if answer["msg_type"] == "error":
                printed.append("\n".join(answer["content"]["traceback"]))
            if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                break
        channels.close()
        self.ask("DELETE", f"api/kernels/{kernel}")
        return "".join(printed)

    def get(self, path, **arguments):
        return self.answer("GET", path, **arguments)

    def post(self, path, **arguments):
        return self.answer("POST", path, **arguments)

    def answer(self, method, path, **arguments):
        answer = self.ask(method, path, **arguments)
        assert answer.status_code < 300, (self.name, path, answer.status_code, answer.text[:500])
        value = answer.json()
        assert not isinstance(value, dict) or value.get("success", True), (self.name, path, value)
        return value.get("value", value) if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def own_names():
    """Names under .localhost are this machine, as browsers know; not every system does."""
    asked = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        return asked("127.0.0.1" if str(host).endswith(".localhost") else host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        yield


@pytest.fixture(scope="module")
def hub(tmp_path_factory, own_names):
    """The class, as `make class` starts it, in a folder of before, whose teacher was an administrator."""
    folder = tmp_path_factory.mktemp("class")
    own = ROOT / "_build" / "hub"
    if (own / "node_modules").exists():
        (folder / "proxy").mkdir()
        (folder / "proxy" / "node_modules").symlink_to(own / "node_modules")
    database = orm.new_session_factory(f"sqlite:///{folder}/hub.sqlite")()
    database.add(orm.User(name="teacher", admin=True))
    database.commit()
    database.close()
    folder.chmod(0o755)
    port = free_port()
    command = [sys.executable, "classroom/hub/try_out.py", "--port", str(port), "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("  bob"):
            break
    else:
        pytest.fail("".join(lines))
    (address,) = re.findall(r"^(http://\S+)/ ", "".join(lines), re.MULTILINE)
    passwords = dict(re.fullmatch(r"  (\w+) +(\S+)\n", line).groups() for line in lines[-3:])
    yield SimpleNamespace(folder=folder, address=address, port=port, passwords=passwords, process=process)
    inside = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert not psutil.wait_procs(inside, timeout=10)[1], "something outlives the class"


@pytest.fixture(scope="module")
def people(hub):
    """name → Person."""
    with ThreadPoolExecutor() as at_once:
        made = at_once.map(lambda item: Person(hub.address, *item), hub.passwords.items())
        return {person.name: person for person in made}


@pytest.fixture(scope="module")
def round_trip(people):
    """Where everybody stands after the whole round."""
    teacher, alice, bob = people.values()
    teacher.get("formgrader/api/assignments")
    teacher.post(f"formgrader/api/assignment/{NAME}/assign")
    teacher.post(f"formgrader/api/assignment/{NAME}/release")

    for student in (alice, bob):
        student.post("assignments/fetch", json=COURSE)
    handed_out = alice.get(f"api/contents/{NOTEBOOK}")["content"]
    solve(alice)
    for student in (alice, bob):
        student.post("assignments/submit", json=COURSE)
    alice.run(HAND_IN_AS_BOB)

    teacher.post(f"formgrader/api/assignment/{NAME}/collect")
    for student in (alice, bob):
        teacher.post(f"formgrader/api/submission/{NAME}/{student.name}/autograde")
    teacher.post(f"formgrader/api/assignment/{NAME}/generate_feedback")
    teacher.post(f"formgrader/api/assignment/{NAME}/release_feedback")
    for student in (alice, bob):
        student.post("assignments/fetch_feedback", json=COURSE)
    return {
        "handed out": handed_out,
        "grades": {one["student"]: one for one in teacher.get(f"formgrader/api/submissions/{NAME}")},
    }


# A newer hand-in than bob's own, as nbgrader names them, which would get full marks.
HAND_IN_AS_BOB = """
import glob, shutil
(own,) = glob.glob("/srv/exchange/bottleneck/inbound/alice+*")
shutil.copytree(own, own.replace("alice+", "bob+").replace(" UTC", "9 UTC"))
print("handed in")
"""


def solve(student):
    """Puts the solutions into the student's own notebook, as they would by hand."""
    notebook = student.get(f"api/contents/{NOTEBOOK}")["content"]
    source = read_notebook(ROOT / "classroom" / "source" / NAME / f"{NAME}.ipynb")
    solutions = {cell.metadata.nbgrader.grade_id: cell.source for cell in source.cells if is_solution(cell)}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in solutions and cell["cell_type"] == "code":
            cell["source"] = solutions[name]
    answer = student.ask("PUT", f"api/contents/{NOTEBOOK}", json={"type": "notebook", "content": notebook})
    assert answer.ok, answer.text


def feedback(student):
    """The pages of feedback that the student has, path → text."""
    folders = student.get(f"api/contents/{NAME}/feedback")["content"]
    files = [file for folder in folders for file in student.get(f"api/contents/{folder['path']}")["content"]]
    return {file["path"]: student.get(f"api/contents/{file['path']}")["content"] for file in files}


def test_what_is_handed_out_has_no_answers(round_trip):
    text = "\n".join(cell["source"] for cell in round_trip["handed out"]["cells"])
    assert "raise NotImplementedError()" in text and "在这里写" in text
    assert not re.search("SOLUTION|HIDDEN TESTS|MARK SCHEME", text)


def test_the_right_marks_reach_the_gradebook(round_trip):
    alice, bob = (round_trip["grades"][name] for name in ("alice", "bob"))
    assert alice["autograded"] and bob["autograded"]
    assert alice["code_score"] == alice["max_code_score"] > 0
    assert bob["code_score"] == 0


def test_each_student_gets_their_own_feedback(people, round_trip):
    pages = {name: feedback(people[name]) for name in ("alice", "bob")}
    for name, own in pages.items():
        (text,) = own.values()
        other = {"alice": "bob", "bob": "alice"}[name]
        assert other not in text
        assert "HIDDEN TESTS" not in text
        assert '<p class="total">' in text, "not the course's own page"
    assert "NotImplementedError" in next(iter(pages["bob"].values()))


def test_each_student_sees_only_their_own(people, round_trip):
    for student, other in (("alice", "bob"), ("bob", "alice")):
        listed = people[student].get("assignments?course_id=bottleneck")
        assert {one["student_id"] for one in listed if one["status"] == "submitted"} == {student}
        for path in ("assignments?course_id=bottleneck", f"api/contents/{NOTEBOOK}"):
            assert people[student].ask("GET", path, of=other).status_code in (302, 403)
        assert people[student].ask("GET", "api/contents/bottleneck", of="teacher").status_code in (302, 403)
        assert people[student].ask("GET", "formgrader/api/assignments").status_code == 404


# ---- what nobody may do


# Everything that a kernel can read, but for the system and the environment of Python.
SEARCH = """
import os, sys
from pathlib import Path
system = ("/usr", "/sys", "/dev", "/lib", "/proc/", sys.prefix, sys.base_prefix)
with open(Path.home() / "found.txt", "wb") as found:
    for place, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if not os.path.join(place, name).startswith(system)]
        for path in (os.path.join(place, name) for name in files if name != "found.txt"):
            try:
                if os.path.isfile(path) and os.path.getsize(path) < 2**22:
                    found.write(path.encode() + b"\\n" + Path(path).read_bytes() + b"\\n")
            except OSError:
                pass
    for name in ("environ", "cmdline"):
        for path in Path("/proc").glob("[0-9]*/" + name):
            try:
                found.write(str(path).encode() + b"\\n" + path.read_bytes() + b"\\n")
            except OSError:
                pass
print("searched")
"""


@pytest.fixture(scope="module")
def secrets_of(hub, people, round_trip):
    """What alice must not find: name → the text itself, from outside."""
    (hub.folder / "home" / "bob" / "diary.txt").write_text("bob's diary 5a1b", encoding="utf-8")
    inside = psutil.Process(hub.process.pid).children(recursive=True)
    variables = [process.environ() for process in inside]
    (handed_in,) = (hub.folder / "exchange" / "people" / "bob").rglob("submission_secret.txt")
    return {
        **{f"{name}'s password": password for name, password in hub.passwords.items()},
        "the proxy's token": next(filter(None, (one.get("CONFIGPROXY_AUTH_TOKEN") for one in variables))),
        **{f"{one['JUPYTERHUB_USER']}'s token": one["JUPYTERHUB_API_TOKEN"] for one in variables
           if one.get("JUPYTERHUB_USER") in ("bob", "teacher")},
        "the cookies' secret": (hub.folder / "cookie_secret").read_text().strip(),
        "the hub's database": "CREATE TABLE oauth_clients",
        "bob's file": "bob's diary 5a1b",
        "what bob handed in": handed_in.read_text(),
        "the answers": "BEGIN MARK SCHEME",
        "the hidden tests": "BEGIN HIDDEN TESTS",
    }


def test_a_students_kernel_finds_nothing_of_others(hub, people, secrets_of):
    assert people["alice"].run(SEARCH) == "searched\n"
    found = (hub.folder / "home" / "alice" / "found.txt").read_bytes()
    assert b"alice+forward+" in found and b"JUPYTERHUB_API_TOKEN" in found, "the search itself"
    assert not [name for name, text in secrets_of.items() if text.encode() in found]


def test_a_teachers_kernel_finds_no_password_and_nobodys_token(hub, people, secrets_of):
    assert people["teacher"].run(SEARCH) == "searched\n"
    found = (hub.folder / "home" / "teacher" / "found.txt").read_bytes()
    assert b"BEGIN MARK SCHEME" in found, "the search itself"
    theirs = {"what bob handed in", "the answers", "the hidden tests", "teacher's token"}
    assert not [name for name, text in secrets_of.items() if name not in theirs and text.encode() in found]


def test_a_student_can_change_nothing_that_others_read(people, round_trip):
    tried = """
import os
for path in ("outbound/forward/forward.ipynb", "feedback/x.html", "inbound/x.txt"):
    try:
        open("/srv/exchange/bottleneck/" + path, "a").close()
        print("wrote", path)
    except OSError:
        pass
for place, folders, files in os.walk("/srv/exchange"):
    for name in folders + files:
        if "bob" in name and "alice" not in place + name and "inbound/bob+" not in os.path.join(place, name):
            print("sees", place, name)
"""
    assert people["alice"].run(tried) == "wrote inbound/x.txt\n"


def test_who_hands_in_is_told_by_where_it_lies(hub, round_trip):
    (submitted,) = (hub.folder / "home" / "teacher" / "bottleneck" / "submitted" / "bob").rglob("forward.ipynb")
    assert "raise NotImplementedError()" in submitted.read_text(encoding="utf-8")


def test_kernels_cannot_be_listened_to(people):
    """Whoever reaches the port of a kernel can read along all it prints."""
    told = "import json, ipykernel; print(json.load(open(ipykernel.get_connection_file()))['transport'])"
    assert [person.run(told) for person in people.values()] == ["ipc\n"] * 3


CHANGES = [
    ("PATCH", "api/users/alice", {"admin": True}),
    ("POST", "api/users/mallory", {}),
    ("POST", "api/users/alice/tokens", {}),
    ("DELETE", "api/users/alice/server", {}),
    ("GET", "api/users/alice", None),
    ("GET", "api/proxy", None),
    ("POST", "api/shutdown", {}),
]


def test_the_teacher_is_no_administrator_of_the_hub(people):
    teacher = people["teacher"]
    assert teacher.ask_hub("GET", "api/user").json()["admin"] is False
    assert not {"admin:users", "admin:servers", "admin-ui"} & set(teacher.ask_hub("GET", "api/user").json()["scopes"])
    for method, path, body in CHANGES:
        assert teacher.ask_hub(method, path, json=body).status_code in (403, 404), path
    assert teacher.ask_hub("GET", "admin").status_code == 403


def test_every_post_reaches_the_hub(hub):
    """Over sockets that close once they have answered, one POST in a hundred came back as the proxy's 503."""
    host = hub.address.removeprefix("http://")
    refused = [
        requests.post(f"http://127.0.0.1:{hub.port}/hub/api/shutdown", json={}, headers={"Host": host}).status_code
        for _ in range(500)
    ]
    assert set(refused) == {403}


def test_a_teachers_server_may_not_change_the_hub(people):
    tried = f"""
import json, os
from jupyterhub.httpclient import fetch
for method, path, body in {[("GET", "api/user", None), *CHANGES]!r}:
    answer = await fetch(
        os.environ["JUPYTERHUB_API_URL"] + path.removeprefix("api"), method=method, data=json.dumps(body),
        headers={{"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}}, raise_for_status=False,
    )
    if answer.status not in (403, 404):
        print(method, path, answer.status)
"""
    assert people["teacher"].run(tried) == "GET api/user 200\n"


# A server on another port of the machine, which outlives the kernel and notes the cookies that it is sent.
OTHER_PORT = """
import os, subprocess, sys, time
from pathlib import Path
heard = Path.home() / "heard.txt"
listen = '''
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("cookies:", self.headers["Cookie"], flush=True)
        self.send_response(200)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
'''
subprocess.Popen([sys.executable, "-c", listen], stdout=open(heard, "w"), start_new_session=True)
while not heard.read_text():
    time.sleep(0.05)
print(heard.read_text(), os.environ["JUPYTERHUB_SERVICE_URL"].split("/")[2].rpartition(":")[2])
"""


@pytest.fixture
def page_of(browser, hub):
    """Gives a page of somebody's server, in a browser where they have logged in."""
    contexts = []

    def page_of(name):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(f"{hub.address}/hub/login")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(hub.passwords[name])
        page.locator("#login_submit").click()
        page.wait_for_url(f"**/user/{name}/lab**", timeout=120000)
        return page

    yield page_of
    for context in contexts:
        context.close()


@pytest.fixture
def teachers_page(page_of):
    return page_of("teacher")


def test_students_do_not_see_a_teachers_menus(page_of):
    """JupyterLab shows nbgrader's menus whether their server extensions are there or not."""
    menus = {}
    for name in ("teacher", "alice"):
        page = page_of(name)
        page.get_by_role("menuitem", name="Nbgrader").click(timeout=120000)
        page.get_by_role("menuitem", name="Assignment List").wait_for()
        menus[name] = page.locator(".lm-Menu-content .lm-Menu-item:not([data-type=separator])").all_inner_texts()
        page.keyboard.press("Escape")
        menus[name] += page.locator("#jp-right-stack, .jp-SideBar").locator("[title*='Assignment']").all_inner_texts()
    told = {name: {entry.strip() for entry in entries if entry.strip()} for name, entries in menus.items()}
    assert {"Assignment List", "Formgrader", "Course List"} <= told["teacher"]
    assert told["alice"] == {"Assignment List"}


def test_no_port_of_a_students_hears_anothers_cookies(teachers_page, hub, people):
    """Cookies know no ports: what the class's own name gets from a browser, any port of that name does."""
    own, of_the_server = people["alice"].run(OTHER_PORT).split()
    heard = hub.folder / "home" / "alice" / "heard.txt"
    name = hub.address.rpartition(":")[0]
    for port in (own, of_the_server):
        with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
            teachers_page.goto(f"{name}:{port}/hub/home")
    assert "cookies" not in heard.read_text()


def test_there_is_no_network_in_a_server(hub, people):
    tried = f"""
import socket
print([name for _, name in socket.if_nameindex()])
for address in (("127.0.0.1", {hub.port}), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, timeout=5)
        print("reached", address)
    except OSError:
        pass
"""
    assert [person.run(tried) for person in people.values()] == ["['lo']\n"] * 3


def test_a_page_of_one_server_is_a_stranger_to_the_hub_and_to_other_servers(teachers_page, hub, people):
    """A script in the teacher's page, as the teacher's browser runs it; it could change a user's rights."""
    script = """async ([address, method]) => {
        try { return (await fetch(address, {method, credentials: "include"})).status }
        catch (error) { return error.name }
    }"""
    for address, method in (
        (f"{hub.address}/hub/api/user", "GET"),
        (f"{hub.address}/hub/home", "GET"),
        (f"{hub.address}/hub/api/users/alice", "PATCH"),
        (f"{people['alice'].server}/lab", "GET"),
    ):
        assert teachers_page.evaluate(script, [address, method]) == "TypeError", address
    name = hub.address.split("/")[2].split(":")[0]
    instead = "host => { document.cookie = `jupyterhub-hub-login=mine; domain=${host}; path=/hub/` }"
    teachers_page.evaluate(instead, name)
    cookies = teachers_page.context.cookies()
    assert "mine" not in [cookie["value"] for cookie in cookies], "its cookie would stand for the hub's"
    hosts = {cookie["domain"] for cookie in cookies if cookie["name"].startswith("jupyterhub-")}
    assert name in {host.lstrip(".") for host in hosts} and not {"127.0.0.1", "localhost", ".localhost"} & hosts
    # One more door: another user of the machine has a page on another port, and the teacher opens it.
    with Listener() as other:
        for name in ("127.0.0.1", "localhost"):
            teachers_page.goto(f"http://{name}:{other.port}/")
        assert len(other.cookies) >= 2 and not any(other.cookies)


class Listener:
    """Notes the cookies that reach another port."""

    def __enter__(self):
        self.cookies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                self.cookies.append(handler.headers.get("Cookie"))
                handler.send_response(200)
                handler.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_nobody_is_let_in_at_an_address_whose_cookies_travel(hub):
    session = requests.Session()
    plain = f"http://127.0.0.1:{hub.port}/hub/login"
    assert session.get(plain, allow_redirects=False).headers["Location"] == f"{hub.address}/hub/login"
    form = {"username": "teacher", "password": hub.passwords["teacher"]}
    assert session.post(plain, data=form, allow_redirects=False).status_code in (302, 403, 503)
    assert not [cookie.name for cookie in session.cookies if cookie.name.startswith("jupyterhub-")]


def test_nobody_else_answers_in_the_classs_name(hub):
    """A browser takes a name under .localhost to ::1 first, where another user may have the same port."""
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError):
            other.bind(("::1", hub.port))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")
def test_the_class_is_closed_to_other_users_of_the_machine(hub, people, round_trip):
    assert (hub.folder.stat().st_mode & 0o777) == 0o700
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for path in ("", "log.txt", "home/teacher", "exchange"):
        assert subprocess.run([*nobody, "ls", hub.folder / path], capture_output=True).returncode != 0
    said = subprocess.run([*nobody, "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"], capture_output=True)
    name = hub.address.split("/")[2].split(":")[0]
    assert not any(secret.encode() in said.stdout for secret in (name, *hub.passwords.values()))


def test_without_an_enclosure_there_is_no_class(tmp_path):
    bare = tmp_path / "bin"
    bare.mkdir()
    command = [sys.executable, "classroom/hub/try_out.py", "--port", str(free_port()), "--folder", tmp_path / "class"]
    tried = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": str(bare)}, capture_output=True, text=True, encoding="utf-8"
    )
    assert tried.returncode == 1 and "apt install bubblewrap" in tried.stderr and "Traceback" not in tried.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root hands files to others")
def test_folders_in_folders_without_end_keep_no_class_from_opening(tmp_path, monkeypatch):
    """As a student can leave them in their home, and a link to a file of the teacher's."""
    monkeypatch.syspath_prepend(ROOT / "classroom" / "hub")
    from enclosure import FIRST_UID, hand_over

    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.touch()
    (home / "link").symlink_to(other)
    deep = os.open(home, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("a", dir_fd=deep)
        deep, above = os.open("a", os.O_RDONLY, dir_fd=deep), deep
        os.close(above)
    hand_over(home, FIRST_UID)
    assert os.fstat(deep).st_uid == (home / "link").lstat().st_uid == FIRST_UID
    assert other.stat().st_uid == 0
    os.close(deep)
    subprocess.run(["rm", "-rf", home], check=True)
