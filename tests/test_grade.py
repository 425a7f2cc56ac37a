"""Marking by hand, handing in again, and everything else that a second `make grade` must not lose."""

import csv
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT
from submissions import OFFICIAL, source_notebook

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


class Course:
    """Grading without kernels, which take long: nbgrader passes all tests, the second check those without "wrong"."""

    def __init__(self, folder, monkeypatch):
        import grade
        import nbgrader_config
        import second_check

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


def test_steps_one_by_one(graded, tmp_path):
    """A shard that isn't done stops merging with its number; one that has nothing to do is done at once."""
    folder, _ = graded
    out = tmp_path / "out"
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
