"""Marking written answers by keyboard in a real browser, on a class that `make grade` has graded."""

import fcntl
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing

import hostile
import nbformat
import pytest
from conftest import ROOT, until
from test_grade import Course, hand_in

pytest.importorskip("nbgrader", reason="nbgrader 0.9.6 needs Python 3.11 · nbgrader 0.9.6 需要 Python 3.11")

from collect import digest
from test_accessible import axe  # noqa: F401 (a fixture)
from test_formgrader import HONEST, picture

ANSWERS = {
    "alice": "It has become **plain**.\n\n4. So that the sum can go down.",
    "bob": "It gets worse.",
    "carol": HONEST,
    "dan": "没有残差了，形状合法。",
}


class Class(Course):
    """Some students who have handed in, and what stands in the merged gradebook of them."""

    def hand_in_all(self, answers):
        self.folder.mkdir(exist_ok=True)
        for student, answer in answers.items():
            self.hand_in_one(student, answer)
        return self.make_grade()

    def hand_in_one(self, student, answer):
        hand_in(self.folder, student, {"explanation": answer})
        path = self.folder / f"{student}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        cell = next(one for one in notebook.cells if one.metadata.get("nbgrader", {}).get("grade_id") == "explanation")
        if "attachment:" in answer:
            cell.attachments = {"图 1.png": {"image/png": picture()}}
        nbformat.write(notebook, path)

    def mark(self, student):
        """(mark, whether it waits, comment), by nbgrader's own account."""
        with self.grade.gradebook(self.out) as book:
            grade = book.find_grade("explanation", "forward", "forward", student)
            comment = book.find_comment("explanation", "forward", "forward", student)
            return grade.manual_score, bool(grade.needs_manual_grade), comment.manual_comment

    def page_of(self, student):
        return (self.out / "feedback" / student / "forward" / "forward.html").read_text(encoding="utf-8")


class Marking:
    """`make mark` and a browser's windows on it."""

    def __init__(self, browser, out):
        self.browser, self.pages = browser, []
        command = [sys.executable, "classroom/mark.py", "--out", str(out), "--no-open"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = ""
        while "(Ctrl+C)" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        self.address = re.search(r"http://\S+", self.said)[0]
        self.origin = re.match(r"http://[^/]+", self.address)[0]

    def open(self, place="", **options):
        context = self.browser.new_context(**{"locale": "en-GB", **options})
        page = context.new_page()
        page.asked, page.wrong = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(self.address + place)
        until(page, "() => document.getElementById('answer').childNodes.length > 0")
        self.pages.append(page)
        return page

    def end(self):
        for page in self.pages:
            page.context.close()
        self.process.send_signal(signal.SIGINT)
        self.said += self.process.communicate(timeout=30)[0]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The folder of a class that has been graded, for copies."""
    with pytest.MonkeyPatch.context() as patch:
        course = Class(tmp_path_factory.mktemp("graded"), patch)
        course.hand_in_all(ANSWERS)
        return course.out.parent


@pytest.fixture
def course(graded, tmp_path, monkeypatch):
    shutil.copytree(graded, tmp_path, dirs_exist_ok=True)
    plan = tmp_path / "out" / "plan.json"
    plan.write_text(plan.read_text(encoding="utf-8").replace(str(graded), str(tmp_path)), encoding="utf-8")
    return Class(tmp_path, monkeypatch)


@pytest.fixture
def marking(browser, course):
    marking = Marking(browser, course.out)
    yield marking
    marking.end()


def look_no_more(page):
    """The page no longer asks what others have changed, so that it is the server that notices."""
    until(page, "() => looking")
    page.evaluate("clearInterval(looking)")


def saved(page):
    """Waits until nothing is on its way to the server."""
    until(page, "() => !document.getElementById('saved').textContent.includes('saving')")


def told(page, text):
    until(page, "text => document.getElementById('told').textContent.includes(text)", text)


def answer(page, number):
    """Waits until this one is shown."""
    until(page, "number => document.getElementById('which').innerText.startsWith(number)", f"Answer {number}")


def whose(page):
    """Whose answer is shown; names are hidden until somebody wants them."""
    page.keyboard.press("n")
    name = page.locator("#which bdi").inner_text()
    page.keyboard.press("n")
    assert page.locator("#which bdi").inner_text() == ""
    return name


def go_to(page, student):
    page.evaluate("student => show(answers.findIndex(one => one.student === student))", student)


def test_a_class_is_marked_by_keyboard_alone_and_marks_reach_sheet_and_feedback(course, marking):
    assert "4 written answers, 4 still to be marked" in marking.said
    page = marking.open()
    keys = page.keyboard
    assert page.locator("#count").inner_text() == "4 of 4 left"
    assert page.get_by_text("Shapes stay valid").is_visible() and page.get_by_text("说出形状").is_hidden()
    given = {}
    comments = ["Well seen.", "Say **why**."]
    for number, mark in enumerate(("3", "2.", "0", "4.")):
        student = whose(page)
        for key in mark:
            keys.press(key)
        if number < 2:
            keys.press("c")
            keys.type(comments[number] + " x0jk")  # keys are letters in there
            for _ in range(5):
                keys.press("Backspace")
            keys.press("Escape")
            keys.press("a")
            told(page, f"snippet {number + 1}")
        elif number == 2:
            keys.press("s")
            keys.press("2")
            keys.press("s")
            keys.press("ArrowUp")
            keys.press("Enter")
        saved(page)
        given[student] = float({"2.": "2.5", "4.": "3.5"}.get(mark, mark))
        before = page.locator("#which").inner_text()
        keys.press("Enter")
        if number < 3:
            until(page, "before => document.getElementById('which').innerText !== before", before)
    told(page, "All are marked")
    assert page.locator("#done").is_visible() and "make grade ASSIGNMENT=forward" in page.locator("#done").inner_text()
    assert set(given) == set(ANSWERS) and page.locator("#count").inner_text() == "0 of 4 left"
    assert {student: course.mark(student)[:2] for student in ANSWERS} == {
        student: (mark, False) for student, mark in given.items()
    }
    keys.press("k"), keys.press("k"), keys.press("ArrowLeft")  # going back undoes
    answer(page, 1)
    first = whose(page)
    assert page.locator("#comment").input_value() == "Well seen."
    keys.press("m")
    keys.type("1.25")
    keys.press("Enter")
    saved(page)
    assert course.mark(first) == (1.25, False, "Well seen.")
    keys.press("o")
    assert "0: 1 · 1.25: 1" in page.locator("#sums").inner_text()
    keys.press("ArrowRight"), keys.press("ArrowRight"), keys.press("Enter")
    answer(page, 3)
    third = whose(page)
    assert page.locator("#comment").input_value() == "Say **why**.\nWell seen."
    given[first] = 1.25
    rows = course.make_grade()
    assert {name: float(row["score"]) for name, row in rows.items()} == {
        student: 16 + mark for student, mark in given.items()
    }
    assert not any(row["reason"] for row in rows.values())
    assert "<strong>why</strong>" in course.page_of(third)
    told(page, "")
    assert json.loads((course.out / "snippets.json").read_text(encoding="utf-8")) == comments
    assert not page.wrong
    marking.end()
    assert f"make grade ASSIGNMENT=forward SUBMISSIONS={course.folder} OUT={course.out}" in marking.said
    assert "0 still to be marked" in marking.said


def test_a_mark_is_taken_off_and_out_of_range_nothing_is_saved(course, marking):
    page = marking.open()
    student = whose(page)
    page.keyboard.press("3")
    saved(page)
    page.keyboard.press("7")
    told(page, "from 0 to 4")
    assert course.mark(student)[0] == 3
    page.keyboard.press("Backspace")
    saved(page)
    assert course.mark(student)[:2] == (None, True)
    assert page.locator("#count").inner_text() == "4 of 4 left"


def test_the_answer_is_read_as_on_the_feedback_page(marking):
    page = marking.open()
    go_to(page, "carol")
    text = page.locator("#answer")
    assert text.locator("strong", has_text="plain").is_visible() and "<b>bold</b>" in text.inner_text()
    assert text.locator("msup").count() == 1 and text.locator("mfrac").is_visible()
    assert text.locator("img").evaluate("image => image.naturalWidth") == 7
    assert text.locator("td", has_text="1 < 2").is_visible() and text.locator("a").count() == 0
    go_to(page, "alice")
    assert text.locator("ol").get_attribute("start") == "4"


def test_an_answer_numbered_from_4_is_so_on_the_feedback_page(course):
    assert '<ol start="4">' in course.page_of("alice")


# ---- whatever a student wrote


def put(course, student, source, clean):
    """Publishes a notebook with an answer; made inert as merging does, or as if that had failed."""
    from inert import inert

    path = course.grade.page_of(course.out, student, "forward")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "explanation":
            cell.source = source
    text = nbformat.writes(inert(notebook) if clean else notebook)
    path.write_text(text + "\n" * (len(path.read_text(encoding="utf-8")) == len(text)), encoding="utf-8")
    published = json.loads((course.out / "published.json").read_text(encoding="utf-8"))
    published[student]["page"] = digest(path.read_bytes())
    (course.out / "published.json").write_text(json.dumps(published), encoding="utf-8")
    return published[student]["page"]


@pytest.fixture(scope="module")
def read(browser, tmp_path_factory):
    """A window on a class of one, on which a teacher reads whatever is put there."""
    with pytest.MonkeyPatch.context() as patch:
        course = Class(tmp_path_factory.mktemp("hostile"), patch)
        course.hand_in_all({"mallory": "x"})
    marking = Marking(browser, course.out)
    page = marking.open()

    def read(source, clean):
        there = put(course, "mallory", source, clean)
        page.evaluate("refresh()")
        until(page, "there => current().page === there", there)
        for link in page.locator("#answer").get_by_text("click", exact=True).all():
            link.click(timeout=2000)
        page.wait_for_timeout(50)
        return page

    read.marking = marking
    yield read
    marking.end()


@pytest.mark.parametrize("clean", [True, False], ids=["inert", "as it came"])
@pytest.mark.parametrize("name", hostile.PROSE)
def test_nothing_of_it_acts(read, name, clean):
    page = read(hostile.cell(name).source, clean)
    assert page.evaluate("window.__pwned") is None
    assert not [url for url in page.asked if not url.startswith((read.marking.address, "data:"))]
    found = page.evaluate(
        """[...document.querySelectorAll('#answer :not(#answer > span)')].flatMap(one =>
            [...one.attributes].map(given => `${one.localName} ${given.name}=${given.value.slice(0, 22)}`))"""
    )
    kinds = {entry.partition("=")[0] for entry in found}
    assert {kind for kind in kinds if not re.match(r"m[a-z]+ (display|stretchy|fence|form|accent|\w+)", kind)} <= {
        "img src", "img alt", "ol start"
    }
    acting = "script, style, svg, iframe, object, embed, form, input, a, meta, base, video, audio, [id], [class]"
    assert page.locator("#answer").locator(acting).count() == 0
    assert page.url.startswith(read.marking.address) and page.locator("#marks button").count() == 9


BY_PASSED = {
    "script": "<script>{js}</script>",
    "handler": "<img src=x onerror=\"{js}\">",
    "image": "<img src='{url}'>",
    "svg": "<svg onload=\"{js}\"></svg>",
    "frame": "<iframe src='{url}'></iframe><iframe srcdoc='<script>parent.{js}</script>'></iframe>",
    "object": "<object data='{url}'></object><embed src='{url}'>",
    "form": "<form action='{url}' id=sent></form><button form=sent id=send>x</button>",
    "link": "<a id=link href=\"javascript:{js}\">x</a>",
    "style": "<style>body {{ background: url({url}) }}</style>",
    "style-attribute": "<div style='position:fixed;inset:0;z-index:9999' id=over>x</div>",
    "style-sheet": "<link rel=stylesheet href='{url}'>",
}


def test_the_policy_stops_what_was_not_made_inert(marking):
    """The page as it would be if all cleaning failed, with the headers that the server gave it."""
    own = {"js": hostile.script("x"), "url": f"{hostile.CANARY}/x"}
    bad = "".join(html.format(**own) for html in BY_PASSED.values())
    page = marking.open()
    asked, stopped = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: request.failure == "csp" and stopped.append(request.url))
    page.route("**/answer?*", lambda route: route.fulfill(json={"html": bad, "page": "x"}))
    page.keyboard.press("j")
    page.locator("#over").wait_for(state="attached")
    assert page.locator("#over").evaluate("one => getComputedStyle(one).position") == "static"
    for place in ("#send", "#link"):
        page.locator(place).dispatch_event("click")
    page.wait_for_timeout(500)
    assert page.evaluate("window.__pwned") is None and page.url.startswith(marking.address)
    assert {url for url in asked if not url.startswith((marking.origin, "data:", "about:"))} <= set(stopped)


def test_a_name_is_text(course, marking):
    with closing(sqlite3.connect(course.out / "gradebook.db")) as db, db:
        db.execute("UPDATE comment SET manual_comment = ?", (f"<img src=x onerror=\"{hostile.script('x')}\">",))
    page = marking.open()
    page.keyboard.press("a")
    told(page, "snippet 1")
    page.keyboard.press("o")
    assert page.evaluate("window.__pwned") is None and "onerror" in page.locator("#snippets .use").inner_text()


# ---- who may come in


def status(address, method="GET", body=None, **headers):
    request = urllib.request.Request(address, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            assert error.code != 403 or "make mark" in error.read().decode()
            return error.code


def test_only_who_has_the_address_comes_in_and_only_by_this_machines_names(course, marking):
    there, origin = marking.address, marking.origin
    port = origin.rpartition(":")[2]
    assert status(there) == status(f"{there}list") == 200
    for address in (f"{origin}/", f"{origin}/wrong/", f"{origin}/{'x' * 32}/list", there[:-2] + "/", f"{there}nothing"):
        assert status(address) == 403, address
    assert status(there, Host=f"evil.example:{port}") == 403
    assert status(there, Host=f"localhost:{port}") == 200
    assert status(there, **{"Sec-Fetch-Site": "cross-site"}) == 403
    body = json.dumps({"cell": "explanation", "student": "alice", "page": "x", "was": None, "value": 4}).encode()
    for wrong in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}):
        assert status(f"{there}mark", "PUT", body, **wrong) == 403, wrong
    assert status(f"{there}mark", "PUT", body, Origin=origin) == 409  # not the page that is published
    for wrong in (b"", b"[]", b"{}", b"{" * 5000, body.replace(b"4", b'"4"'), body.replace(b'"alice"', b"{}")):
        assert status(f"{there}mark", "PUT", wrong, Origin=origin) == 409, wrong
    assert course.mark("alice")[0] is None
    with closing(urllib.request.urlopen(there)) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_nobody_reads_a_file_by_a_students_name(marking):
    for student in ("../../..", "a/../alice", "/etc", "\0", "x" * 5000):
        asked = urllib.parse.urlencode({"cell": "explanation", "student": student})
        assert status(f"{marking.address}answer?{asked}") in (200, 503)


# ---- others write as well


def test_what_was_changed_in_formgrader_is_noticed_and_nothing_is_replaced_unseen(course, marking):
    page = marking.open()
    look_no_more(page)
    student = whose(page)
    with course.grade.gradebook(course.out) as book:  # held open, as Formgrader's is
        mark = book.find_grade("explanation", "forward", "forward", student)
        mark.manual_score, mark.needs_manual_grade = 1.5, False
        book.db.commit()
        page.keyboard.press("3")
        told(page, "just become 1.5; yours is not saved")
        assert course.mark(student)[0] == 1.5
        assert page.locator("#marks [aria-pressed=true]").inner_text() == "1.5"
        page.keyboard.press("3")
        saved(page)
        assert course.mark(student)[0] == 3
        # Of what each changes, both remain.
        book.find_comment("explanation", "forward", "forward", student).manual_comment = "from Formgrader"
        book.db.commit()
    page.evaluate("refresh()")
    until(page, "() => document.getElementById('comment').value === 'from Formgrader'")
    assert course.mark(student) == (3, False, "from Formgrader")


def test_a_change_elsewhere_is_shown_without_a_key_being_pressed(course, marking):
    page = marking.open()
    student = whose(page)
    course.give(student, "explanation", 2)
    told(page, "just become 2")
    assert page.locator("#marks [aria-pressed=true]").inner_text() == "2"


def test_two_windows_lose_nothing(course, marking):
    one, other = marking.open("#1"), marking.open("#1")
    for page in (one, other):
        look_no_more(page)
    student = whose(one)
    one.keyboard.press("2")
    saved(one)
    other.keyboard.press("c")
    other.keyboard.type("A comment of the other window's")
    other.keyboard.press("Escape")
    saved(other)
    assert course.mark(student) == (2, False, "A comment of the other window's")
    one.keyboard.press("c")
    one.keyboard.type("And of this one's")
    one.keyboard.press("Escape")
    told(one, "yours is not saved")
    assert one.locator("#comment").input_value() == "And of this one's" and one.locator("#clash").is_visible()
    one.get_by_role("button", name="Keep mine").click()
    saved(one)
    until(one, "() => document.getElementById('clash').hidden")
    assert course.mark(student)[2] == "And of this one's"
    other.keyboard.press("c")
    other.keyboard.type(", longer")
    other.evaluate("refresh()")
    until(other, "() => !document.getElementById('clash').hidden")
    other.get_by_role("button", name="Take the other one").click()
    assert other.locator("#comment").input_value() == "And of this one's"


def test_while_make_grade_merges_a_mark_waits_and_is_saved_after_it(course, marking):
    page = marking.open()
    student = whose(page)
    with open(course.out / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page.keyboard.press("3")
        told(page, "make grade is running")
        page.keyboard.press("j")
        answer(page, 2)
        assert course.mark(student)[0] is None
    saved(page)
    assert course.mark(student) == (3, False, None)


def test_with_the_server_gone_nothing_that_was_typed_is_gone(course, marking):
    page = marking.open()
    marking.process.send_signal(signal.SIGSTOP)
    marking.process.kill()
    page.keyboard.press("3")
    told(page, "has make mark ended")
    assert page.locator("#marks [aria-pressed=true]").inner_text() == "3"


# ---- grading again


def test_marks_outlive_regrading_and_a_new_file_wants_another_look(course, marking):
    page = marking.open("#1")
    marks = {}
    for mark in "123":
        marks[whose(page)] = int(mark)
        page.keyboard.press(mark)
        saved(page)
        page.keyboard.press("Enter")
        answer(page, int(mark) + 1)
    first, second = list(marks)[:2]
    rows = course.make_grade()
    assert {student: float(rows[student]["score"]) - 16 for student in marks} == marks
    (course.folder / f"{first}.ipynb").unlink()
    time.sleep(1.1)  # of two files the newer counts, by the second
    course.hand_in_one(first, "Quite another answer.")
    row = course.make_grade()[first]
    assert row["status"] == "flagged" and "earlier file" in row["reason"]
    course.grade.merge(course.out)
    page.goto(f"{marking.address}#1")
    page.reload()
    until(page, "() => document.getElementById('answer').innerText.includes('Quite another')")
    assert page.locator("#which .state").inner_text() == "marked for an earlier file: look again"
    assert page.locator("#count").inner_text() == "2 of 4 left"
    page.keyboard.press("1")  # it stays, and is for this file from now on
    saved(page)
    row = course.make_grade()[first]
    assert (row["status"], row["score"], row["reason"]) == ("graded", "17", "")
    assert course.mark(second)[0] == 2


def test_a_mark_for_an_answer_that_has_just_been_replaced_is_not_taken(course, marking):
    page = marking.open("#1")
    look_no_more(page)
    student = whose(page)
    time.sleep(1.1)
    course.hand_in_one(student, "Another answer, while the first was read.")
    course.make_grade()
    page.keyboard.press("4")
    told(page, "new file has just been graded")
    assert "while the first was read" in page.locator("#answer").inner_text()
    assert course.mark(student)[0] is None
    page.keyboard.press("4")
    saved(page)
    assert course.mark(student)[0] == 4


def test_an_answer_that_was_not_published_so_takes_no_mark(course, marking):
    page = marking.open("#1")
    path = course.grade.page_of(course.out, whose(page), "forward")
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    page.keyboard.press("4")
    told(page, "run make grade again")


def test_what_is_not_there_is_said_in_a_sentence(course, tmp_path, marking):
    for out in (tmp_path / "nothing", course.folder):
        command = [sys.executable, "classroom/mark.py", "--out", str(out), "--no-open"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 1 and "run make grade first" in run.stderr and "Traceback" not in run.stderr
    (course.out / "snippets.json").write_text("{]", encoding="utf-8")
    page = marking.open()
    told(page, "snippets.json is damaged")


# ---- everywhere


def test_on_a_telephone_it_is_marked_by_touch(course, marking):
    page = marking.open(viewport={"width": 390, "height": 844}, has_touch=True, locale="zh-CN")
    student = whose(page)
    assert page.get_by_text("形状仍然合法").count() and page.locator("#count").inner_text() == "还有 4 份，共 4 份"
    page.locator("#marks").get_by_text("2.5", exact=True).tap()
    page.locator("#comment").fill("看得仔细")
    page.get_by_role("button", name="存为常用语").tap()
    until(page, "() => document.querySelector('#snippets .use')")
    page.get_by_role("button", name="下一份没批的").tap()
    until(page, "() => document.getElementById('which').innerText.startsWith('第 2 份')")
    other = whose(page)
    page.locator("#snippets .use").tap()
    page.locator("#other").fill("3,5")
    page.locator("#which").tap()
    until(page, "() => document.getElementById('saved').innerText === '3.5 分，已存'")
    assert course.mark(student) == (2.5, False, "看得仔细") and course.mark(other) == (3.5, False, "看得仔细")
    page.get_by_role("button", name="去掉分数").tap()
    until(page, "() => document.getElementById('saved').innerText === ''")
    assert course.mark(other)[0] is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert min(page.locator("footer button").evaluate_all("all => all.map(one => one.offsetHeight)")) >= 34


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing(marking, axe, scheme, width):  # noqa: F811
    page = marking.open(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.keyboard.press("3")
    saved(page)
    page.evaluate(axe)
    for key in ("", "o", "?"):
        if key:
            page.keyboard.press(key)
        found = page.evaluate("axe.run()")["violations"]
        assert not [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found], key
        page.keyboard.press("Escape")


def test_single_keys_can_be_turned_off(course, marking):
    page = marking.open()
    student = whose(page)
    page.keyboard.press("?")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.wait_for_timeout(200)
    assert course.mark(student)[0] is None


def test_3000_are_listed_and_saved_at_once(course, browser):
    multiply(course.out, 3000)
    began = time.monotonic()
    marking = Marking(browser, course.out)
    page = marking.open("#1500")
    opened = time.monotonic() - began
    try:
        assert page.locator("#count").inner_text() == "3000 of 3000 left"
        began = time.monotonic()
        page.keyboard.press("3")
        page.keyboard.press("Enter")
        answer(page, 1501)
        saved(page)
        marked = time.monotonic() - began
        began = time.monotonic()
        page.keyboard.press("o")
        page.locator("#overview").wait_for()
        listed = time.monotonic() - began
        print(f"3000: opened in {opened:.1f} s, marked and next in {marked:.2f} s, overview in {listed:.2f} s")
        assert opened < 30 and marked < 5 and listed < 10
    finally:
        marking.end()


def multiply(out, number):
    """Copies one student's rows and notebook, since nbgrader takes minutes for so many."""
    notebook = (out / "autograded" / "alice" / "forward" / "forward.ipynb").read_bytes()
    published = {}
    with closing(sqlite3.connect(out / "gradebook.db")) as db, db:
        (old, assignment), *_ = db.execute(
            "SELECT id, assignment_id FROM submitted_assignment WHERE student_id = 'alice'"
        )
        own = "SELECT id, notebook_id FROM submitted_notebook WHERE assignment_id = ?"
        ((notebook_id, of),) = db.execute(own, (old,))
        tables = {
            name: db.execute(f"SELECT * FROM {name} WHERE notebook_id = ?", (notebook_id,)).fetchall()
            for name in ("grade", "comment")
        }
        for name in ("grade", "comment", "submitted_notebook", "submitted_assignment"):
            db.execute(f"DELETE FROM {name}")
        for place in range(number):
            student = f"student{place:04}"
            db.execute("INSERT INTO student (id, lms_user_id) VALUES (?, '')", (student,))
            db.execute(
                "INSERT INTO submitted_assignment (id, assignment_id, student_id) VALUES (?, ?, ?)",
                (f"a{place}", assignment, student),
            )
            db.execute(
                "INSERT INTO submitted_notebook (id, assignment_id, notebook_id, flagged) VALUES (?, ?, ?, 0)",
                (f"n{place}", f"a{place}", of),
            )
            for name, rows in tables.items():
                marks = ", ".join("?" * len(rows[0]))
                db.executemany(
                    f"INSERT INTO {name} VALUES ({marks})",
                    [(f"{row[0]}{place}", f"n{place}", *row[2:]) for row in rows],
                )
            folder = out / "autograded" / student / "forward"
            folder.mkdir(parents=True)
            (folder / "forward.ipynb").write_bytes(notebook)
            published[student] = {"file": "x", "page": digest(notebook)}
    (out / "published.json").write_text(json.dumps(published), encoding="utf-8")
