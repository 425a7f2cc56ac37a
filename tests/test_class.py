"""A whole round of one assignment on a real JupyterHub, each person through their own server as their browser would.

The teacher makes and releases it, two students fetch, solve and submit it, the teacher collects, grades and gives
feedback, and the students fetch that.
"""

import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, read_notebook
from nbgrader.utils import is_solution
from test_live import free_port

pytest.importorskip("jupyterhub")
pytest.importorskip("psutil", reason="requirements-classroom.txt is not installed")
requests = pytest.importorskip("requests")
if not shutil.which("bwrap"):
    pytest.skip("without bubblewrap nothing is graded: apt install bubblewrap", allow_module_level=True)

NAME = "forward"
NOTEBOOK = f"{NAME}/{NAME}.ipynb"
COURSE = {"course_id": "bottleneck", "assignment_id": NAME}


class Person:
    """Logged in to the hub, their own server running."""

    def __init__(self, hub, name, password):
        self.name, self.hub = name, hub
        self.server = f"{hub}/user/{name}"
        self.session = requests.Session()
        login = self.session.get(f"{hub}/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.session.cookies["_xsrf"]}
        self.session.post(login.url, data=form).raise_for_status()
        assert self.session.get(f"{hub}/hub/spawn/{name}").ok
        for _ in range(600):
            page = self.session.get(f"{self.server}/lab", allow_redirects=True)
            if page.ok and page.url.startswith(self.server):
                return
            time.sleep(0.2)
        pytest.fail(f"{name} has no server")

    def ask(self, method, path, of=None, **arguments):
        own = [cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf" and self.name in cookie.path]
        address = f"{self.hub}/user/{of or self.name}/{path}"
        return self.session.request(
            method, address, headers={"X-XSRFToken": own[0]}, allow_redirects=False, timeout=120, **arguments
        )

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
def people(tmp_path_factory):
    """The class, as `make class` starts it: name → Person."""
    folder = tmp_path_factory.mktemp("class")
    own = ROOT / "_build" / "hub"
    if (own / "node_modules").exists():
        (folder / "proxy").mkdir()
        (folder / "proxy" / "node_modules").symlink_to(own / "node_modules")
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
    assert "All servers run as you" in "".join(lines)
    passwords = dict(re.fullmatch(r"  (\w+) +(\S+)\n", line).groups() for line in lines[-3:])
    with ThreadPoolExecutor() as at_once:
        made = at_once.map(lambda item: Person(f"http://127.0.0.1:{port}", *item), passwords.items())
        yield {person.name: person for person in made}
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


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
