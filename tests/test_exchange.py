"""The teacher's side of a hub's exchange: what students put into their parts by hand, without a hub."""

import os
from pathlib import Path

import pytest
from exchange import CollectFromEach, ReleaseFeedbackToEach, copy_plain_files
from nbgrader.coursedir import CourseDirectory
from people import folder_of, students
from traitlets.config import Config

NAMES = ("alice", "bob", "../up", "李 雷")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An exchange for four students, and a course in which one assignment is named."""
    monkeypatch.setattr("nbgrader.api.get_alembic_version", lambda: "any")  # asking for it takes seconds
    (tmp_path / "exchange" / "bottleneck" / "inbound").mkdir(parents=True)
    for name in NAMES:
        for part in ("inbound", "feedback"):
            (folder_of(tmp_path / "exchange", name) / part).mkdir(parents=True)
    (tmp_path / "course").mkdir()
    config = Config()
    config.CourseDirectory.root = str(tmp_path / "course")
    config.CourseDirectory.course_id = "bottleneck"
    config.CourseDirectory.assignment_id = "forward"
    config.Exchange.root = str(tmp_path / "exchange")
    return config


def hand_in(course, student, name=None, text="{}", when="2026-11-27 10:00:00.000000 UTC"):
    place = folder_of(course.Exchange.root, student) / "inbound" / f"{name or student}+forward+{when}+x"
    place.mkdir()
    (place / "forward.ipynb").write_text(text)
    (place / "timestamp.txt").write_text(when)
    (place / "submission_secret.txt").write_text("s" * 64)
    return place


def collect(course):
    CollectFromEach(coursedir=CourseDirectory(config=course), config=course).start()
    submitted = Path(course.CourseDirectory.root, "submitted")
    return {path.parts[-3]: path for path in submitted.glob("*/forward/*.ipynb")}


def test_every_name_has_a_part_of_its_own(course, tmp_path):
    assert set(students(tmp_path / "exchange")) == set(NAMES)
    assert len(list((tmp_path / "exchange" / "people").iterdir())) == len(NAMES)


def test_what_is_handed_in_is_of_whom_it_lies_with(course):
    hand_in(course, "alice", text="alice's")
    hand_in(course, "bob", text="bob's")
    hand_in(course, "alice", name="bob", text="not bob's", when="2026-11-27 11:00:00.000000 UTC")
    assert {name: path.read_text() for name, path in collect(course).items()} == {"alice": "alice's", "bob": "bob's"}


def test_what_was_collected_stays_and_a_newer_one_comes(course):
    place = hand_in(course, "alice", text="first")
    collect(course)
    (place / "forward.ipynb").write_text("changed afterwards")
    course.CollectApp.update = course.ExchangeCollect.update = True
    assert collect(course)["alice"].read_text() == "first"
    hand_in(course, "alice", text="second", when="2026-11-27 11:00:00.000000 UTC")
    assert collect(course)["alice"].read_text() == "second"


def test_a_link_leads_to_nothing_of_the_teachers(course, tmp_path):
    secret = tmp_path / "answers"
    secret.mkdir()
    (secret / "forward.ipynb").write_text("the answers")
    place = hand_in(course, "alice")
    (place / "more.ipynb").symlink_to(secret / "forward.ipynb")
    (place / "folder").symlink_to(secret)
    os.mkfifo(place / "never.ipynb")
    whole = folder_of(course.Exchange.root, "bob") / "inbound" / "bob+forward+2026-11-27 10:00:00.000000 UTC+x"
    whole.symlink_to(secret)
    (secret / "submission_secret.txt").write_text("s")
    collect(course)
    files = [path for path in Path(course.CourseDirectory.root).rglob("*") if path.is_file()]
    assert "the answers" not in [path.read_text() for path in files if path.suffix == ".ipynb"]
    assert {path.name for path in files if "alice" in path.parts} >= {"forward.ipynb", "timestamp.txt"}


def test_one_that_is_too_large_keeps_nobody_elses_back(course):
    with open(hand_in(course, "alice") / "large", "wb") as file:
        file.truncate(200_000_000)
    hand_in(course, "bob")
    assert set(collect(course)) == {"bob"}


def test_one_that_is_still_being_copied_is_taken_when_it_is_whole(course):
    place = hand_in(course, "alice")
    (place / "submission_secret.txt").rename(place / "later")
    assert collect(course) == {}
    (place / "later").rename(place / "submission_secret.txt")
    assert set(collect(course)) == {"alice"}


def test_feedback_goes_to_each_students_own_part(course, tmp_path):
    for name in ("alice", "bob"):
        place = tmp_path / "course" / "feedback" / name / "forward"
        place.mkdir(parents=True)
        (place / "forward.html").write_text(f"for {name}")
        (place / "timestamp.txt").write_text("2026-11-27 10:00:00.000000 UTC")
        (place / "submission_secret.txt").write_text(name * 9)
    ReleaseFeedbackToEach(coursedir=CourseDirectory(config=course), config=course).start()
    for name in ("alice", "bob"):
        (page,) = (folder_of(tmp_path / "exchange", name) / "feedback").iterdir()
        assert page.read_text() == f"for {name}"
    assert not list((tmp_path / "exchange" / "bottleneck" / "feedback").iterdir())


def test_a_source_that_is_a_link_is_no_folder(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    copy_plain_files(tmp_path / "link", tmp_path / "copy", 1000)
    assert not (tmp_path / "copy").exists()
