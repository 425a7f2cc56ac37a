"""Marking by hand, handing in again, and everything else that a second `make grade` must not lose."""

import csv
import errno
import functools
import importlib
import json
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from conftest import ROOT
from submissions import ASSIGNMENTS, OFFICIAL, source_notebook

pytestmark = pytest.mark.usefixtures("bubblewrap")

GRADE = [sys.executable, "classroom/grade.py"]


def hand_in(folder, student, sources=OFFICIAL["forward"], edition="en"):
    folder.mkdir(exist_ok=True)
    notebook = source_notebook("forward")
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = {"explanation": "It has become **plain**.", **sources}.get(name, cell.source)
    notebook.metadata.edition = edition
    nbformat.write(notebook, folder / f"{student}.ipynb")


def step(name, out, *options, **environment):
    command = [*GRADE, name, "--out", str(out), *map(str, options)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)


def grade(folder, out, shards=1, **environment):
    run = step("all", out, "--assignment", "forward", "--submissions", folder, "--shards", shards, **environment)
    assert run.returncode == 0, run.stdout + run.stderr
    with open(out / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, bubblewrap):
    """Two submissions, one of which the second check distrusts; their folder and the results."""
    folder, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    hand_in(folder, "alice")
    copied = {**OFFICIAL["forward"], "block": "from linewalk.blocks.explicit import Bottleneck"}
    hand_in(folder, "bob", copied, "both")
    found = grade(folder, out)
    assert (found["alice"]["status"], found["alice"]["score"]) == ("graded", "16")
    assert (found["bob"]["status"], found["bob"]["score"]) == ("flagged", "4")
    return folder, out


@functools.cache
def made_once():
    """Where assignments lie as nbgrader makes them, whoever's course it is: a folder that goes with this process."""
    return tempfile.TemporaryDirectory()


class Course:
    """Grading without kernels, which take long: nbgrader passes all tests, the second check those without "wrong"."""

    def __init__(self, folder, monkeypatch):
        import grade
        import nbgrader_config
        import second_check

        for name in ("IPython.core.interactiveshell", "inert"):
            importlib.import_module(name)  # here, lest each of the grading's processes does
        self.folder, self.out, self.grade = folder / "in", folder / "out", grade
        configure = nbgrader_config.configure

        def without_kernels(config):
            configure(config)
            config.Autograde.autograde_preprocessors.remove("kernel.SandboxedExecute")

        def right_ones(checks, sources):
            return {name: ("wrong" not in "".join(sources.values()), "") for name in checks.CHECKS}

        monkeypatch.setattr(nbgrader_config, "configure", without_kernels)
        monkeypatch.setattr(second_check, "second_check", right_ones)
        monkeypatch.setattr(grade, "check_sandbox", lambda out: None)
        make_base = grade.make_base

        def base_copied(base, source, assignment, inputs):
            made = Path(made_once().name, inputs)
            make_base(made, source, assignment, inputs)
            if not base.exists():
                shutil.copytree(made, base)
            make_base(base, source, assignment, inputs)

        monkeypatch.setattr(grade, "make_base", base_copied)
        self.monkeypatch = monkeypatch
        self.graded = []
        grade_one = grade.grade_one
        monkeypatch.setattr(grade, "grade_one", lambda *given: self.graded.append(given[3]) or grade_one(*given))

    def hand_in(self, student, sources=OFFICIAL["forward"], **changes):
        """The file alone is handed in: late ones come by themselves."""
        for path in self.folder.glob("*"):
            path.unlink()
        hand_in(self.folder, student, {**sources, **changes})

    def make_grade(self, shards=1):
        self.grade.prepare("forward", self.folder, self.out, shards)
        for number in range(shards):
            self.grade.shard(self.out, number)
        self.grade.merge(self.out)
        with open(self.out / "grades.csv", newline="", encoding="utf-8") as file:
            return {row["student"]: row for row in csv.DictReader(file)}

    def give(self, student, name, score):
        """As Formgrader saves a mark."""
        with self.grade.gradebook(self.out) as book:
            mark = book.find_grade(name, "forward", "forward", student)
            mark.manual_score, mark.needs_manual_grade = score, False
            book.db.commit()


@pytest.fixture
def course(tmp_path, monkeypatch):
    return Course(tmp_path, monkeypatch)


ANSWER = "说明题还没有批。 · The written answer has no mark yet."
EARLIER = "手工给的分是给先前的文件的：{}。 · Marks by hand were given for an earlier file: {}."


def test_out_is_a_course_that_formgrader_lists(course):
    course.hand_in("alice")
    course.make_grade()
    formgrader = course.grade.nbgrader_in(course.out)
    assert [one["name"] for one in formgrader.get_assignments()] == ["forward"]
    (listed,) = formgrader.get_student_submissions("alice")
    assert listed["autograded"] and listed["needs_manual_grade"] and listed["score"] == 16
    (listed,) = formgrader.get_notebook_submissions("forward", "forward")
    assert listed["student"] == "alice"


def test_late_submissions_come_to_the_others(course):
    course.hand_in("bob")
    course.make_grade(shards=3)
    course.give("bob", "explanation", 3)
    bob = course.make_grade()["bob"]
    assert (bob["score"], bob["reason"]) == ("19", "")
    course.graded.clear()
    course.hand_in("alice")
    found = course.make_grade()
    assert list(found) == ["alice", "bob"] and found["bob"] == bob and course.graded == ["alice"]
    assert found["alice"]["reason"] == ANSWER and found["alice"]["status"] == "graded"
    assert "19 / 20" in page(course.out, "bob")


def test_new_tests_are_for_those_who_were_on_time_too(course, tmp_path):
    """Even though only late submissions are there when the assignment has changed."""
    course.hand_in("bob")
    course.make_grade()
    course.give("bob", "explanation", 3)
    classroom = tmp_path / "classroom"
    for name in ("source", "checks"):
        shutil.copytree(course.grade.CLASSROOM / name, classroom / name)
    with open(classroom / "checks" / "forward.py", "a") as file:
        file.write("\n# changed\n")
    course.monkeypatch.setattr(course.grade, "CLASSROOM", classroom)
    course.hand_in("alice")
    course.graded.clear()
    found = course.make_grade()
    assert sorted(course.graded) == ["alice", "bob"]
    assert [(row["status"], row["score"], row["reason"]) for row in found.values()] == [
        ("graded", "16", ANSWER), ("graded", "19", "")
    ]


def test_marks_by_hand_outlive_a_file_that_cannot_be_graded(course):
    course.hand_in("bob")
    course.make_grade()
    course.give("bob", "explanation", 3)
    (course.folder / "bob.ipynb").write_text("not a notebook")
    assert course.make_grade()["bob"]["status"] == "ungraded"
    assert course.make_grade()["bob"]["score"] == ""
    course.hand_in("bob")
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"], row["reason"]) == ("graded", "19", "")


def test_marks_by_hand_for_an_earlier_file_want_another_look(course):
    course.hand_in("bob", explanation="One answer.")
    course.make_grade()
    course.give("bob", "explanation", 1)
    course.hand_in("bob", explanation="A better answer.")
    for _ in range(2):
        row = course.make_grade()["bob"]
        assert (row["status"], row["score"]) == ("flagged", "17")
        assert row["reason"] == EARLIER.format("explanation", "explanation")
        assert "waits for your teacher" in page(course.out, "bob")
    course.hand_in("bob", explanation="One answer.")
    assert course.make_grade()["bob"]["status"] == "graded"
    course.hand_in("bob", explanation="A better answer.")
    course.make_grade()
    course.give("bob", "explanation", 1)
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"], row["reason"]) == ("graded", "17", "")
    assert course.make_grade()["bob"] == row


def test_nothing_given_for_a_copied_answer_stays_on_the_right_one(course):
    course.hand_in("bob", block="wrong")
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"]) == ("flagged", "0")
    for name in ("main_path", "without_downsample", "with_downsample", "training"):
        course.give("bob", f"test_{name}", 0)
    assert course.make_grade()["bob"]["status"] == "graded"
    course.hand_in("bob")
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"]) == ("flagged", "0") and "earlier file: test_main_path, " in row["reason"]


def test_a_deleted_test_has_a_box_for_a_mark_and_a_deleted_answer_does_not_wait_for_one(course):
    course.hand_in("bob")
    path = course.folder / "bob.ipynb"
    notebook = nbformat.read(path, as_version=4)
    gone = ("setup", "block", "test_training", "explanation")
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in gone]
    nbformat.write(notebook, path)
    deleted = "格子被删掉了：block、explanation、setup、test_training。 · Cells were deleted: block, explanation, "
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"]) == ("flagged", "12") and row["reason"].startswith(deleted)
    shown = nbformat.read(course.out / "autograded" / "bob" / "forward" / "forward.ipynb", as_version=4)
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in shown.cells]
    assert {"test_training", "explanation"} < set(names) and not {"setup", "block"} & set(names)
    course.give("bob", "test_training", 0)
    assert course.make_grade()["bob"]["status"] == "flagged"
    course.give("bob", "explanation", 0)
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"]) == ("graded", "12") and row["reason"].startswith(deleted)
    gone = ("setup", "block")
    course.hand_in("alice")
    notebook = nbformat.read(course.folder / "alice.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in gone]
    nbformat.write(notebook, course.folder / "alice.ipynb")
    row = course.make_grade()["alice"]
    assert row["status"] == "graded" and "deleted: block, setup." in row["reason"]


def test_a_reason_of_the_second_check_is_given_in_each_language(course):
    import second_check

    given = {"test_main_path": second_check.NEEDS_TORCH, "test_training": "ValueError: no", "test_with_downsample": ""}
    course.monkeypatch.setattr(second_check, "second_check", lambda checks, sources: {
        name: (name not in given, given.get(name, "")) for name in checks.CHECKS
    })
    course.hand_in("alice")
    reason = course.make_grade()["alice"]["reason"]
    assert "暂不给分：test_main_path（该手算或只用公式的答案，没有 torch 和 linewalk 就算不出来）；" in reason
    assert "test_main_path (what was to be worked out by hand or by a formula cannot be had without" in reason
    assert reason.count("ValueError: no") == 2 and reason.count(" · ") == 1 + ANSWER.count(" · ")


def test_marks_beyond_the_second_check_count_and_are_said(course):
    course.hand_in("bob", block="wrong")
    course.make_grade()
    course.give("bob", "test_main_path", 4)
    course.give("bob", "test_training", 0)
    row = course.make_grade()["bob"]
    assert row["score"] == "4" and "手工给的分高于第二次检查认可的：test_main_path（4 > 0）" in row["reason"]
    assert "go beyond what the second check agrees with: test_main_path (4 > 0)." in row["reason"]
    course.hand_in("alice")
    course.make_grade()
    course.give("alice", "test_training", 1)
    course.give("alice", "explanation", 4)
    row = course.make_grade()["alice"]
    assert (row["status"], row["score"], row["reason"]) == ("graded", "17", "")
    with course.grade.gradebook(course.out) as book:
        book.find_grade("explanation", "forward", "forward", "alice").extra_credit = 2
        book.db.commit()
    row = course.make_grade()["alice"]
    assert row["score"] == "19" and "extra credit by hand: explanation (+2)" in row["reason"].lower()


@pytest.mark.parametrize("score", [1000, -4, float("inf"), "all of them"])
def test_marks_that_no_box_takes_do_not_count_and_are_said(course, score):
    """Until the teacher gives another."""
    course.hand_in("bob")
    course.make_grade()
    with course.grade.gradebook(course.out) as book:
        identifier = book.find_grade("explanation", "forward", "forward", "bob").id
    with sqlite3.connect(course.out / "gradebook.db") as db:
        db.execute("UPDATE grade SET manual_score = ?, needs_manual_grade = 0 WHERE id = ?", (score, identifier))
    db.close()
    for _ in range(2):
        row = course.make_grade()["bob"]
        assert (row["status"], row["score"]) == ("flagged", "16")
        assert f"do not count: explanation ({score if isinstance(score, str) else float(score)})" in row["reason"]
    course.give("bob", "explanation", 3)
    row = course.make_grade()["bob"]
    assert (row["status"], row["score"], row["reason"]) == ("graded", "19", "")


def test_marks_are_for_the_page_that_the_teacher_was_shown(course):
    """A run that was killed before it published leaves the new marks beside the old page."""
    course.hand_in("bob", explanation="One answer.")
    course.make_grade()
    course.give("bob", "explanation", 2)
    course.make_grade()
    course.hand_in("bob", explanation="A better answer.")
    published = course.grade.publish
    course.monkeypatch.setattr(course.grade, "publish", lambda *given: None)
    course.make_grade()
    course.give("bob", "explanation", 1)
    course.monkeypatch.setattr(course.grade, "publish", published)
    row = course.make_grade()["bob"]
    assert (row["status"], row["reason"]) == ("flagged", EARLIER.format("explanation", "explanation"))
    course.give("bob", "explanation", 1)
    assert course.make_grade()["bob"]["status"] == "graded"
    page = course.grade.page_of(course.out, "bob", "forward")
    page.write_text(page.read_text(encoding="utf-8").replace("better", "worse"), encoding="utf-8")
    course.give("bob", "explanation", 4)
    assert course.make_grade()["bob"]["status"] == "flagged"


def test_hidden_tests_come_and_go_without_grading_again(course):
    import nbgrader_config

    course.hand_in("bob")
    course.make_grade()
    configure = nbgrader_config.configure
    for shown in (True, False):

        def with_setting(config, shown=shown):
            configure(config)
            config.StudentFeedback.show_hidden_tests = shown

        course.monkeypatch.setattr(nbgrader_config, "configure", with_setting)
        course.graded.clear()
        course.make_grade()
        assert ("BEGIN HIDDEN TESTS" in page(course.out, "bob")) == shown and not course.graded


def test_fewer_shards_take_what_is_not_graded_yet(course):
    """A student who is graded stays; one in a shard that nobody starts any more moves."""
    course.hand_in("alice")
    hand_in(course.folder, "bob")
    hand_in(course.folder, "carol")
    course.grade.prepare("forward", course.folder, course.out, 3)
    course.grade.shard(course.out, 2)
    assert course.graded == ["carol"]
    found = course.make_grade(shards=1)
    assert course.graded == ["carol", "alice", "bob"] and {row["score"] for row in found.values()} == {"16"}
    hand_in(course.folder, "carol", edition="zh")
    assert course.make_grade(shards=1)["carol"]["score"] == "16" and course.graded[3:] == ["carol"]


def test_a_page_that_cannot_be_made_keeps_the_marks(course):
    import feedback

    course.monkeypatch.setattr(feedback.StudentFeedback, "preprocess", lambda *given: os._exit(1))
    course.hand_in("bob")
    for _ in range(2):
        row = course.make_grade()["bob"]
        assert (row["status"], row["score"]) == ("graded", "16")
        assert "16 / 20" in page(course.out, "bob") and "The marks stand" in page(course.out, "bob")
        course.give("bob", "explanation", None)


class Odd(Exception):
    """What nbgrader might raise on an odd notebook."""


def failing_for_bob(monkeypatch, error):
    from nbgrader.preprocessors import SaveAutoGrades

    preprocess = SaveAutoGrades.preprocess

    def fail(self, notebook, resources):
        if resources["nbgrader"]["student"] == "bob":
            raise error
        return preprocess(self, notebook, resources)

    monkeypatch.setattr(SaveAutoGrades, "preprocess", fail)


def test_what_nbgrader_cannot_take_is_one_students_and_said_in_the_students_words(course):
    failing_for_bob(course.monkeypatch, Odd("NoneType \ud800"))
    course.hand_in("bob")
    hand_in(course.folder, "carol")
    rows = course.make_grade()
    assert rows["carol"]["score"] == "16"
    assert rows["bob"]["status"] == "ungraded" and "fresh copy of the assignment" in rows["bob"]["reason"]
    assert "NoneType" not in rows["bob"]["reason"]


@pytest.mark.parametrize("kind", ["of the system", "of the database", "of nbgrader"])
def test_a_full_disk_stops_everything_and_is_nobodys_reason(course, kind):
    from nbgrader.api import InvalidEntry
    from sqlalchemy.exc import OperationalError

    error = OSError(errno.ENOSPC, "No space left")
    if kind != "of the system":
        error = OperationalError("", {}, sqlite3.OperationalError("disk is full"))
    if kind == "of nbgrader":
        error, error.__context__ = InvalidEntry("disk is full"), error
    failing_for_bob(course.monkeypatch, error)
    course.hand_in("bob")
    course.grade.prepare("forward", course.folder, course.out, 1)
    with pytest.raises(course.grade.GradeError, match=r"^电脑出了问题（.*再运行一次会接着做。 · The machine failed"):
        course.grade.shard(course.out, 0)
    assert not list(course.out.glob("shards/*/results/*"))


def test_an_empty_file_is_said_to_be_empty(course):
    course.folder.mkdir()
    (course.folder / "alice.ipynb").write_bytes(b"")
    course.make_grade()
    assert "alice.ipynb is empty" in (course.out / "grades.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["plan.json", "gradebook.db"])
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"students": {"a": 1}}', b"SQLite format 3\0" + bytes(200)])
def test_what_nothing_can_be_made_of_is_said(course, name, content):
    """Whether damaged or somebody else's; what it was stays as it is."""
    course.hand_in("bob")
    course.make_grade()
    (course.out / name).write_bytes(content)
    with pytest.raises(course.grade.GradeError, match=rf"{name} 坏了.* put it back from a copy, or choose another"):
        course.make_grade()
    assert (course.out / name).read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"[]", None], ids=str)
def test_what_can_be_made_again_is(course, content):
    """Whatever is damaged or gone of it."""
    course.hand_in("bob")
    hand_in(course.folder, "carol")
    row = course.make_grade()["bob"]
    course.give("bob", "explanation", 3)
    shard, base = course.out / "shards" / "0", course.out / "base"
    (course.folder / "carol.ipynb").unlink()
    places = [shard / "results" / "bob.json", shard / "inputs.json", shard / "gradebook.db", base / "gradebook.db"]
    places += [base / "inputs.json", course.out / "published.json", course.out / "grades.csv"]
    places += [shard / "submitted" / "bob" / "forward" / "forward.ipynb"] * (content is None)
    for place in places:
        place.write_bytes(content) if content is not None else place.unlink()
    found = course.make_grade()
    assert found["bob"] == {**row, "score": "19", "reason": ""} and found["carol"]["score"] == "16"


def test_a_file_that_goes_while_others_are_graded_is_nobodys_reason(course):
    course.hand_in("bob")
    course.grade.prepare("forward", course.folder, course.out, 1)
    shutil.rmtree(course.out / "shards" / "0" / "submitted")
    with pytest.raises(course.grade.GradeError, match=r"bob 的文件不见了.*is gone: run again\.$"):
        course.grade.shard(course.out, 0)
    assert course.make_grade()["bob"]["score"] == "16"


def test_a_folder_that_cannot_be_written_leaves_nothing_waiting(course):
    """A process that was left at work kept the program from ending, its sentence said."""
    course.hand_in("bob")
    assert course.make_grade()["bob"]["score"] == "16"
    course.give("bob", "explanation", 3)
    replace = course.grade.replace_folder

    def closed(source, target):
        if target.parent.name == "feedback":
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
        replace(source, target)

    with course.monkeypatch.context() as patch:
        patch.setattr(course.grade, "replace_folder", closed)
        with pytest.raises(PermissionError):
            course.make_grade()
    assert not multiprocessing.active_children()
    assert course.make_grade()["bob"]["score"] == "19"


def test_a_disk_that_is_full_from_the_start_is_said_in_a_sentence(tmp_path):
    """Here one on which no file may have more than 30 kB."""
    hand_in(tmp_path / "in", "alice")
    command = ["prlimit", "--fsize=30000:", *GRADE, "prepare", "--assignment", "forward", "--out", tmp_path / "out"]
    run = subprocess.run([*command, "--submissions", tmp_path / "in"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("电脑出了问题（") and "look at its disk space" in run.stderr


def test_a_fault_of_the_gradings_own_stops_everything_and_is_nobodys_reason(course):
    def compare(*_):
        return {}["a bug"]

    course.monkeypatch.setattr(course.grade, "compare", compare)
    course.hand_in("bob")
    course.grade.prepare("forward", course.folder, course.out, 1)
    with pytest.raises(course.grade.GradeError, match=r"批改 bob 时程序自己出了错.* no fault of the submission"):
        course.grade.shard(course.out, 0)
    assert not list(course.out.glob("shards/*/results/*"))


def test_half_characters_in_a_reason_leave_a_mark(course):
    from feedback import ungraded_page

    course.monkeypatch.setattr(course.grade, "compare", lambda *_: ([], [("错了\ud800", "wrong\udfff")], []))
    course.hand_in("bob")
    assert course.make_grade()["bob"]["reason"].startswith("错了\ufffd。 · Wrong\ufffd.")
    assert course.grade.writable(ungraded_page("forward", "en", "x \ud800")).encode()


def page(out, student):
    return (out / "feedback" / student / "forward" / "forward.html").read_text(encoding="utf-8")


def test_marks_by_hand_stay_and_reach_the_student(graded):
    from nbgrader.api import Gradebook

    folder, out = graded
    assert "waits for your teacher" in page(out, "alice")
    with Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        answer = book.find_grade("explanation", "forward", "forward", "alice")
        assert answer.needs_manual_grade and answer.score == 0
        answer.manual_score, answer.needs_manual_grade = 3, False
        book.find_comment("explanation", "forward", "forward", "alice").manual_comment = "Well seen <b>here</b>"
        for name in ("without_downsample", "with_downsample", "training"):
            test = book.find_grade(f"test_{name}", "forward", "forward", "bob")
            assert test.needs_manual_grade and test.auto_score == 0
            test.manual_score, test.needs_manual_grade = 4, False
        book.db.commit()
    hand_in(folder, "carol", edition="zh")
    found = grade(folder, out, shards=3)
    assert {name: (row["status"], row["score"]) for name, row in found.items()} == {
        "alice": ("graded", "19"), "bob": ("graded", "16"), "carol": ("graded", "16")
    }
    assert "第二次检查" in found["bob"]["reason"]
    assert "19 / 20" in page(out, "alice") and "Well seen" in page(out, "alice") and "<b>here" not in page(out, "alice")
    assert "16 / 20" in page(out, "bob") and "得分" in page(out, "bob") and "Score" in page(out, "bob")


def test_handing_in_again_is_graded_again_and_alone(graded):
    folder, out = graded
    grade(folder, out)
    results = {path.stem: path.stat().st_mtime_ns for path in out.glob("shards/*/results/*.json")}
    hand_in(folder, "bob")
    assert "第二次检查" not in grade(folder, out)["bob"]["reason"]
    again = {path.stem: path.stat().st_mtime_ns for path in out.glob("shards/*/results/*.json")}
    assert {name for name in again if again[name] != results.get(name)} == {"bob"}


def test_steps_one_by_one(tmp_path):
    """A shard that isn't done stops merging with its number; one that has nothing to do is done at once."""
    folder, out = tmp_path / "in", tmp_path / "out"
    for student in ("alice", "bob"):
        hand_in(folder, student)
    made = step("prepare", out, "--assignment", "forward", "--submissions", folder, "--shards", 2)
    assert made.returncode == 0, made.stderr
    for args in (("merge", out), ("shard", out, "--shard", 0)):
        unprepared = step(args[0], tmp_path / "nothing", *args[2:])
        assert unprepared.returncode == 1 and "run prepare first" in unprepared.stderr
        assert unprepared.stderr.count("\n") == 1
    early = step("merge", out)
    assert early.returncode == 1 and "shard --shard 0" in early.stderr and early.stderr.count("\n") == 1
    assert step("shard", out, "--shard", 7).returncode == 0
    for number in (0, 1, 0):
        run = step("shard", out, "--shard", number)
        assert run.returncode == 0, run.stderr
    assert step("merge", out).returncode == 0
    assert (out / "grades.csv").exists()


def test_another_assignment_needs_another_folder(graded):
    folder, out = graded
    refused = step("all", out, "--assignment", "init", "--submissions", folder)
    assert refused.returncode == 1 and "choose another OUT" in refused.stderr
    refused = step("all", out, "--assignment", "nonsense", "--submissions", folder)
    assert refused.returncode == 1 and "forward" in refused.stderr


def test_unsafe_grades_without_bubblewrap(tmp_path):
    """With the same marks, and with a warning."""
    hand_in(tmp_path / "in", "alice")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("env", "prlimit", "python3"):
        source = sys.executable if name == "python3" else f"/usr/bin/{name}"
        (tools / name).symlink_to(source)
    options = ("--assignment", "forward", "--submissions", tmp_path / "in", "--shards", 1, "--unsafe")
    run = step("all", tmp_path / "out", *options, PATH=str(tools))
    assert run.returncode == 0, run.stderr
    assert "No sandbox" in run.stderr
    assert "alice,forward,graded,16,20," in (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")


def test_hidden_tests_are_shown_only_when_the_teacher_says_so(graded, tmp_path):
    from feedback import StudentFeedback

    cell = nbformat.v4.new_code_cell("assert f(1)\n### BEGIN HIDDEN TESTS\nassert f(2)\n### END HIDDEN TESTS")
    for shown in (False, True):
        copy = nbformat.from_dict(json.loads(json.dumps(cell)))
        StudentFeedback(show_hidden_tests=shown).tidy(copy)
        assert ("f(2)" in copy.source) == shown and "f(1)" in copy.source


def test_the_page_folds_long_code_that_is_no_answer_and_leaves_out_the_hints():
    from feedback import FeedbackExporter, is_hints

    hints = [cell for cell in source_notebook("forward").cells if "<details>" in cell.source]
    assert len(hints) > 2 and all(map(is_hints, hints))
    for cell in hints:
        cell.source = cell.source.replace("<", "&lt;")  # as in OUT
    assert all(map(is_hints, hints))
    assert not is_hints(nbformat.v4.new_markdown_cell(hints[0].source)), "which a student wrote"
    long = "\n".join(f"line{number} = 0" for number in range(30))
    answer = {"nbgrader": {"grade_id": "block", "solution": True, "grade": False}}
    cells = [nbformat.v4.new_code_cell(long), nbformat.v4.new_code_cell(long, metadata=answer)]
    cells.append(nbformat.v4.new_code_cell("short = 1"))
    about = {"assignment": "forward", "student": "a", "edition": "en", "score": 0, "max_score": 20, "tests": []}
    page = FeedbackExporter().from_notebook_node(
        nbformat.v4.new_notebook(cells=cells), {"nbgrader": about, "code_style": ""}
    )[0]
    given, answered = page.split("Your answer")
    assert given.count("<details>") == given.count("</details>") == 1 and "<details>" not in answered


def test_of_an_error_only_what_its_author_wrote_is_shown():
    from feedback import message

    source = 'assert f(1), (\n    "错了。 · "\n    "Wrong."\n)\nassert g(), f"secret {x}"'

    def told(ename, evalue, edition="en"):
        error = nbformat.v4.new_output("error", ename=ename, evalue=evalue, traceback=["secret"])
        return message(nbformat.v4.new_code_cell(source, outputs=[error]), edition)

    assert told("AssertionError", "错了。 · Wrong.") == "Wrong."
    assert told("AssertionError", "错了。 · Wrong.", "zh") == "错了。"
    assert told("AssertionError", "错了。 · Wrong.", "both") == "错了。 · Wrong."
    assert told("AssertionError", "secret 5") == "AssertionError"
    assert told("ValueError", "assert f(2)") == "ValueError"
    assert told("f_2_is_3", "x") == ""


def test_a_message_that_points_to_what_was_printed_says_where_that_is():
    """Of every assignment; none of its texts points there in other words."""
    from feedback import assert_texts, with_where

    texts = [
        text for assignment in ASSIGNMENTS for cell in source_notebook(assignment).cells
        if cell.metadata.get("nbgrader", {}).get("grade") for text in assert_texts(cell.source)
    ]
    pointing = [text for text in texts if "打印在" in text or "打印的" in text or "printed" in text]
    assert len(pointing) > 8
    for text in pointing:
        zh, en = with_where(text).split(" · ")
        assert zh.endswith("就看得到。）") and en.endswith("run the cell in your notebook to see it.)"), text
    others = set(texts) - set(pointing)
    assert others and all(with_where(text) == text for text in others)


def test_the_overview_leads_to_everybodys_feedback_from_all_shards(course):
    for student in ("alice", "陈雨", "bob"):
        course.hand_in(student)
        course.make_grade(shards=2)
    page = (course.out / "overview.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"]+)"><bdi>([^<]+)</bdi>', page)
    assert {name for _, name in links} == {"alice", "陈雨", "bob"}
    assert all((course.out / unquote(link)).exists() for link, _ in links)


def test_what_failed_tests_said_is_kept_for_the_overview(tmp_path):
    from feedback import assert_texts
    from grade import messages_in

    notebook = source_notebook("forward")
    tests = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_main_path"]
    (test,) = tests
    text = next(iter(assert_texts(test.source)))
    for evalue, said in ((text, {"test_main_path": text}), ("a student's", {"test_main_path": "AssertionError"})):
        test.outputs = [nbformat.v4.new_output("error", ename="AssertionError", evalue=evalue, traceback=[])]
        path = tmp_path / "autograded" / "alice" / "forward" / "forward.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        assert messages_in(tmp_path, "forward", "alice") == said
