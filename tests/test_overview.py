"""The teacher's page on a class: its numbers against ones worked out otherwise, its safety, its use in a browser."""

import os
import random
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "classroom"))
pytest.importorskip("nbgrader")
from nbgrader.api import Gradebook
from overview import about_tests, commonest, read_grades, spread, write_overview

TESTS = {"test_easy": 4.0, "test_hard": 4.0, "test_upside_down": 4.0, "test_written": 4.0}
EVIL = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>\u202e\ud800'


def generated(number):
    """{student: {test: score}}: the abler pass the hard test, the less able the one that is upside down."""
    order = random.Random(number)
    scores = {}
    for place in range(number):
        able = order.random()
        passes = (order.random() < 0.9, able > 0.5, able < 0.3, order.random() < able)
        scores[f"student{place:04}"] = {test: 4.0 * right for test, right in zip(TESTS, passes, strict=True)}
    return scores


@pytest.fixture(scope="module", autouse=True)
def alembic():
    """nbgrader calls it by name; it lies beside this Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


def write_gradebook(path, scores):
    with Gradebook(f"sqlite:///{path}") as book:
        book.add_assignment("forward")
        book.add_notebook("forward", "forward")
        for name, most in TESTS.items():
            book.add_grade_cell(name, "forward", "forward", max_score=most, cell_type="code")
        for student, marks in scores.items():
            book.add_student(student)
            submission = book.add_submission("forward", student)
            for grade in submission.notebooks[0].grades:
                grade.auto_score, grade.needs_manual_grade = marks[grade.name], False
        book.db.commit()


def person(key, marks, **changes):
    row = {"student": key, "status": "graded", "score": f"{sum(marks.values()):g}", "max_score": "16"}
    failed = {name: f"{name} 不对 · {name} is wrong" for name, score in marks.items() if score == 0}
    return {"row": {**row, **changes}, "key": key, "time": 1.7e9, "messages": failed}


@pytest.fixture(scope="module")
def class_of_35(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    scores = generated(35)
    write_gradebook(out / "gradebook.db", scores)
    people = [person(key, marks) for key, marks in scores.items()]
    people[0]["row"] |= {"student": EVIL, "late": "2 d"}
    people[1]["messages"]["test_hard"] = EVIL
    missing = {"student": "王伟", "status": "missing", "score": "", "max_score": "16"}
    people.append({"row": missing, "key": None, "time": None, "messages": {}})
    write_overview(out, "forward", people)
    return out, scores, people


def test_how_well_a_test_tells_is_the_correlation_with_the_rest():
    scores = generated(200)
    table = np.array([[marks[test] for test in TESTS] for marks in scores.values()])
    for place, item in enumerate(about_tests(TESTS, scores)):
        rest = np.delete(table, place, axis=1).sum(axis=1)
        assert item["passed"] == pytest.approx((table[:, place] == 4).mean())
        assert item["tells"] == pytest.approx(np.corrcoef(table[:, place], rest)[0, 1])
        # Point-biserial, by its own formula, since all marks are all or nothing.
        passed, failed = rest[table[:, place] == 4], rest[table[:, place] == 0]
        share = len(passed) / len(rest)
        biserial = (passed.mean() - failed.mean()) / rest.std() * (share * (1 - share)) ** 0.5
        assert item["tells"] == pytest.approx(biserial)
    tells = {item["name"]: item["tells"] for item in about_tests(TESTS, scores)}
    assert tells["test_upside_down"] < 0 < tells["test_written"]


def test_a_test_that_all_pass_tells_nothing_and_one_without_marks_is_nobodys():
    scores = {"a": {"one": 1.0, "two": 0.0}, "b": {"one": 1.0, "two": 1.0}}
    one, two, three = about_tests({"one": 1.0, "two": 1.0, "three": 1.0}, scores)
    assert (one["passed"], one["tells"], two["passed"], two["tells"]) == (1, None, 0.5, None)
    assert (three["number"], three["passed"], three["tells"]) == (0, None, None)


def test_marks_that_wait_count_for_nobody():
    """Who left the written answer empty has a mark at once; who wrote one, and a test in dispute, wait."""
    scores = {"empty": {"one": 4.0, "words": 0.0}, "a": {"one": 4.0}, "b": {"one": 4.0}, "disputed": {"one": 0.0}}
    waiting = {("a", "words"), ("b", "words"), ("disputed", "one")}
    one, words = about_tests({"one": 4.0, "words": 4.0}, scores, waiting)
    assert (one["number"], one["waiting"], one["passed"]) == (3, 1, 1)
    assert (words["number"], words["waiting"], words["passed"], words["tells"]) == (1, 2, None, None)
    _, marked = about_tests({"one": 4.0, "words": 4.0}, {**scores, "a": {"one": 4.0, "words": 4.0}}, {("b", "words")})
    assert (marked["number"], marked["waiting"], marked["passed"]) == (2, 1, 0.5)


def test_the_page_says_who_waits(tmp_path):
    scores = generated(6)
    write_gradebook(tmp_path / "gradebook.db", scores)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        for student in list(scores)[:5]:
            grade = book.find_grade("test_written", "forward", "forward", student)
            grade.auto_score, grade.needs_manual_grade = None, True
        book.db.commit()
    write_overview(tmp_path, "forward", [person(key, marks) for key, marks in scores.items()])
    page = (tmp_path / "overview.html").read_text(encoding="utf-8")
    row = re.search(r"<tr><td><code>test_written</code>.*?</tr>", page)[0]
    assert re.sub("<[^>]*>", "|", row).replace("|", "") == "test_written1 + 5 等你批waiting––"
    assert len(re.findall(r'<td class="w"[^>]*>\?</td>', page)) == 5


def test_the_gradebooks_marks_are_read_by_hand_ones_first(tmp_path):
    write_gradebook(tmp_path / "gradebook.db", generated(3))
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        grade = book.find_grade("test_hard", "forward", "forward", "student0001")
        grade.manual_score, grade.extra_credit = 1.5, 1
        book.db.commit()
        expected = {
            submission.student.id: {grade.name: grade.score for grade in submission.notebooks[0].grades}
            for submission in book.assignment_submissions("forward")
        }
    found = read_grades(tmp_path / "gradebook.db")
    assert found["student0001"]["test_hard"][0] == 2.5
    assert {key: {name: mark[0] for name, mark in marks.items()} for key, marks in found.items()} == expected


def test_the_commonest_messages_come_first_with_their_numbers(class_of_35):
    _, scores, people = class_of_35
    found = commonest(people)
    assert [one["number"] for one in found] == sorted((one["number"] for one in found), reverse=True)
    failing = sum(marks["test_upside_down"] == 0 for marks in scores.values())
    said = {one["text"]: one["number"] for one in found}
    assert said["test_upside_down 不对 · test_upside_down is wrong"] == failing


def test_nothing_that_a_student_wrote_acts(class_of_35):
    page = (class_of_35[0] / "overview.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1 and "onerror=alert(1)&gt;" in page and "<img src=x" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src &#39;none&#39;" in policy and "unsafe" not in policy
    assert not re.search(r"""(src|href)="(https?:)?//""", page)


@pytest.fixture
def opened(browser):
    page = browser.new_page(locale="en-GB")
    page.wrong = []
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: page.wrong.append(dialog.message) or dialog.dismiss())
    yield page
    page.close()


def test_in_a_browser_it_sorts_narrows_and_leads_to_feedback(class_of_35, opened):
    out, scores, people = class_of_35
    key = people[5]["key"]
    (out / "feedback" / key / "forward").mkdir(parents=True)
    (out / "feedback" / key / "forward" / "forward.html").write_text("the feedback")
    opened.goto((out / "overview.html").as_uri())
    assert opened.is_visible("text=Who needs help") and not opened.is_visible("text=谁需要帮助")
    opened.check("#zh")
    assert opened.is_visible("text=谁需要帮助")
    opened.check("#en")

    def column(place):
        return opened.eval_on_selector_all(
            "#students tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{place}].textContent)"
        )

    score = opened.locator("#students th button").nth(2)
    score.click()
    assert column(2) == [*map("{:g}".format, sorted(sum(marks.values()) for marks in scores.values())), ""]
    score.click()
    assert column(2)[0] == f"{max(sum(marks.values()) for marks in scores.values()):g}" and column(2)[-1] == ""
    opened.fill("#find", key)
    assert column(0) == [key]
    opened.fill("#find", "")
    place = [one["text"] for one in commonest(people)].index("test_upside_down 不对 · test_upside_down is wrong")
    opened.select_option("#having", str(place))
    assert len(column(0)) == sum(marks["test_upside_down"] == 0 for marks in scores.values())
    opened.select_option("#having", "")
    opened.click(f"text={key}")
    assert opened.inner_text("body") == "the feedback"
    assert opened.wrong == []


def test_3000_stay_usable(tmp_path, opened, monkeypatch):
    scores = generated(3000)
    grades = {key: {name: (score, 4.0, False) for name, score in marks.items()} for key, marks in scores.items()}
    monkeypatch.setattr("overview.read_grades", lambda path: grades)  # nbgrader takes minutes to write so many
    began = time.monotonic()
    write_overview(tmp_path, "forward", [person(key, marks) for key, marks in scores.items()])
    written = time.monotonic() - began
    opened.goto((tmp_path / "overview.html").as_uri())
    began = time.monotonic()
    opened.locator("#students th button").nth(2).click()
    opened.eval_on_selector("#students", "table => table.offsetHeight")
    size = (tmp_path / "overview.html").stat().st_size / 1e6
    print(f"3000: written in {written:.1f} s, {size:.1f} MB, sorted in {time.monotonic() - began:.2f} s")
    assert written < 60 and time.monotonic() - began < 20


@pytest.mark.parametrize("heights", [[0.73, 0.87, 0.83, 0.78], [0.5] * 5, [1, 1, -1], [-0.9, -0.9, -0.9]])
def test_labels_of_the_picture_do_not_overlap(heights):
    placed = spread(heights)
    apart = np.diff(sorted(placed))
    assert (apart > 0.129).all() and max(placed) <= 1
    assert [placed[place] for place in np.argsort(heights, kind="stable")] == sorted(placed) or len(set(heights)) < 4
