"""When it is due, what a rule in one line makes of lateness, and what the row says of it."""

import csv
import os
import time

import pytest
from test_grade import Course, hand_in

pytest.importorskip("collect")
from course import CourseError, read_course
from lateness import RuleError, due_of, lateness, latest, length, nobodys, read_rule, seconds

HOUR, DAY = 3600, 86400
RULES = {
    "10% a day": {0.01: 2, 1: 2, 1.01: 4, 30: 20},
    "10% per day, at most 50%": {1: 2, 4.5: 10, 30: 10},
    "每天 10%，最多 50%": {1: 2, 4.5: 10, 30: 10},
    "每迟一天扣２分，最多扣１２分。": {0.5: 2, 9: 12},
    "1 point an hour": {1 / 24: 1, 1.5 / 24: 2, 2: 20},
    "每小时1分": {1.5 / 24: 2},
    "20%": {0.1: 4, 50: 4},
    "5% a week; nothing after 14 days": {1: 1, 8: 2, 14: 2, 14.01: 20},
    "每周 5%、14 天后不收": {8: 2, 14.01: 20},
    "not accepted": {0.001: 20},
    "不收": {0.001: 20},
    "": {5: 0},
}


@pytest.mark.parametrize("rule, expected", RULES.items(), ids=RULES)
def test_a_rule_in_one_line(rule, expected):
    """{days late: marks off of 20}, worked out by hand."""
    found = {days: read_rule(rule).off(days * DAY, 20) for days in expected}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("rule", ["ten percent", "10", "10% a day, 20% a week", "10% a fortnight", "at most", "每天"])
def test_a_rule_that_is_not_understood_is_said(rule):
    with pytest.raises(RuleError, match=r"看不懂.* · .* is not understood; write it like"):
        read_rule(rule)


def test_lengths_of_time():
    assert [seconds(text) for text in ("15 min", 15, "15分钟", "2 小时", "1 day", "0")] == [900, 900, 900, 7200, DAY, 0]
    assert [length(late, 1) for late in (1, 61, 3600, 3660, DAY + 5 * HOUR + 60)] == [
        "1 min", "2 min", "1 h", "1 h 1 min", "1 d 5 h",
    ]
    for text in ("soon", "-1", True):
        with pytest.raises(RuleError):
            seconds(text)


def rules(**changes):
    return {"due": 1e9, "due_for": {}, "grace": 0.0, "late": "10% a day", **changes}


WANG = {"name": "王伟", "id": "2024001", "email": "ww@example.org", "group": "1班 and 2班"}


def test_ones_own_date_goes_before_the_groups_and_that_before_the_classs():
    groups = {"2班": 1e9 + 200, "1班": 1e9 + 100, "11班": 1e9 + 900}
    assert due_of(rules(), WANG) == (1e9, "")
    assert due_of(rules(due_for=groups), WANG) == (1e9 + 200, "2班")
    for own in ("2024001", "王伟", "WW@example.org"):
        assert due_of(rules(due_for={**groups, own: 1e9 + 50}), WANG) == (1e9 + 50, own)
    assert due_of(rules(due=None), WANG) == (None, "")
    known = rules(due_for={"1班": 1, "王伟": 1, "韩梅梅": 1})
    assert nobodys(known, [WANG, {**WANG, "id": "7"}]) == (["韩梅梅"], ["王伟"])


def test_grace_forgives_and_beyond_it_lateness_counts_from_the_date():
    late = rules(grace=900.0)
    assert lateness(late, WANG, 1e9 + 900, True, 20).shown == ""
    beyond = lateness(late, WANG, 1e9 + 960, True, 20)
    assert (beyond.shown, beyond.off) == ("16 min", 2)
    assert lateness(rules(), WANG, 0, False, 20).off == 0 and lateness(rules(due=None), WANG, 0, False, 20).shown == ""
    assert latest(rules(late="nothing after 2 days"), WANG) == 1e9 + 2 * DAY
    assert latest(rules(late="不收", grace=900.0), WANG) == 1e9 + 900 and latest(rules(), WANG) is None


COURSE = """
late = "10% a day, at most 50%, nothing after 7 days"
grace = "15 min"

[forward]
due = "2026-03-05 23:59"

[forward.due_for]
"2班" = "2026-03-06"
"carol" = 2026-03-08T12:00:00
"nobody" = "2026-03-08"
"""


def at(text):
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))


def test_the_file_is_read_as_it_says(tmp_path):
    (tmp_path / "course.toml").write_text(COURSE, encoding="utf-8")
    found = read_course(tmp_path / "course.toml")["assignments"]["forward"]
    assert found["due"] == at("2026-03-05 23:59:59") and found["grace"] == 900
    assert found["due_for"]["2班"] == at("2026-03-06 23:59:59")
    assert found["due_for"]["carol"] == at("2026-03-08 12:00:00")
    assert found["marks"] == str(tmp_path / "forward")


@pytest.mark.parametrize(
    "text, what",
    [
        ("[forwards]\ndue = 1", r"forwards.*there can be: .*forward"),
        ("[forward]\ndeu = 1", r"deu, which is not known"),
        ("[forward]\ndue = \"tomorrow\"", r"forward\.due .* like \"2026-12-01 23:59\""),
        ("[forward]\nlate = \"a lot\"", r"not understood"),
        ("[forward]\nlate = 10", r"forward\.late .* needs quotes"),
        ("[forward]\nweight = -1", r"weight of \[forward\]"),
        ("drop = 1\n[forward]", r"from 0 to 0"),
        ("forward = 1", r"\[forward\] .* has to be a table"),
        ("[forward]\ndue = 2026-13-01", r"cannot be read .*words and dates need quotes"),
        ("grace = true\n[forward]", r"grace = “True”"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(tmp_path, text, what):
    (tmp_path / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=what) as error:
        read_course(tmp_path / "course.toml")
    assert " · " in str(error.value) and "\n" not in str(error.value)


@pytest.fixture
def course(tmp_path, monkeypatch):
    (tmp_path / "course.toml").write_text(COURSE, encoding="utf-8")
    (tmp_path / "roster.csv").write_text(
        "id,name,group\n1,alice,1班\n2,bob,2班\n3,carol,1班\n4,dan,1班\n5,erin,1班\n", encoding="utf-8"
    )
    return Course(tmp_path, monkeypatch)


def make_grade(course, *given):
    folder = course.folder.parent
    course.grade.prepare("forward", course.folder, course.out, 1, folder / "roster.csv", *given)
    course.grade.shard(course.out, 0)
    course.grade.merge(course.out)
    with open(course.out / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def handed_in_at(course, times):
    for student, moment in times.items():
        hand_in(course.folder, student)
        os.utime(course.folder / f"{student}.ipynb", (at(moment),) * 2)


def test_when_which_and_why_stand_in_the_row(course, capsys):
    handed_in_at(course, {
        "alice": "2026-03-05 23:59:30",
        "bob": "2026-03-06 10:00:00",
        "carol": "2026-03-08 13:00:00",
        "dan": "2026-03-07 10:00:00",
        "erin": "2026-03-14 10:00:00",
    })
    toml = course.folder.parent / "course.toml"
    found = make_grade(course, toml)
    told = {name: (row["late"], row["score"], row["handed_in"]) for name, row in found.items()}
    assert told == {
        "alice": ("", "16", "2026-03-05 23:59"),
        "bob": ("", "16", "2026-03-06 10:00"),  # his group has a day more
        "carol": ("1 h", "14", "2026-03-08 13:00"),
        "dan": ("1 d 10 h", "12", "2026-03-07 10:00"),
        "erin": ("8 d 10 h", "0", "2026-03-14 10:00"),
    }
    assert "Late by 1 d 10 h (due 2026-03-05 23:59, by the file's date), 4 off by “10% a day" in found["dan"]["reason"]
    assert "迟交 1 小时（carol 截止 2026-03-08 12:00，按文件的时间），按“10% a day" in found["carol"]["reason"]
    assert "not accepted by the rule" in found["erin"]["reason"]
    said = capsys.readouterr().out
    assert "In due_for, nobody is neither a student nor a group" in said and "bob" not in said
    assert "1 d 10 h" in (course.out / "overview.html").read_text(encoding="utf-8")
    course.graded.clear()
    assert make_grade(course) == found and course.graded == []  # the rules are remembered
    toml.write_text(COURSE.replace('due = "2026-03-05 23:59"', 'due = "2026-03-07 23:59"'), encoding="utf-8")
    assert make_grade(course, toml)["dan"]["score"] == "16" and course.graded == []


def test_what_came_too_late_does_not_replace_what_came_in_time(course):
    course.folder.mkdir()
    hand_in(course.folder / "early", "dan")
    hand_in(course.folder / "late", "dan", edition="zh")
    os.utime(course.folder / "early" / "dan.ipynb", (at("2026-03-05 12:00:00"),) * 2)
    os.utime(course.folder / "late" / "dan.ipynb", (at("2026-03-14 12:00:00"),) * 2)
    toml = course.folder.parent / "course.toml"
    dan = make_grade(course, toml)["dan"]
    assert (dan["file"], dan["late"], dan["score"]) == ("early/dan.ipynb", "", "16")
    toml.write_text(COURSE.replace(", nothing after 7 days", ""), encoding="utf-8")
    dan = make_grade(course, toml)["dan"]
    assert (dan["file"], dan["late"], dan["score"]) == ("late/dan.ipynb", "8 d 12 h", "6")


def test_so_it_is_where_they_came_in_two_folders(course):
    toml = course.folder.parent / "course.toml"
    handed_in_at(course, {"dan": "2026-03-05 12:00:00"})
    make_grade(course, toml)
    course.folder = course.folder.parent / "late"
    hand_in(course.folder, "dan", edition="zh")
    os.utime(course.folder / "dan.ipynb", (at("2026-03-14 12:00:00"),) * 2)
    dan = make_grade(course)["dan"]
    assert (dan["late"], dan["score"], dan["handed_in"]) == ("", "16", "2026-03-05 12:00")
    assert "Of 2, the newest that was not too late was taken, dan.ipynb (2026-03-05 12:00)" in dan["reason"]
    toml.write_text(COURSE.replace(", nothing after 7 days", ""), encoding="utf-8")
    dan = make_grade(course, toml)["dan"]
    assert (dan["late"], dan["score"]) == ("8 d 12 h", "6") and "The newest of 2 was taken" in dan["reason"]
    toml.write_text(COURSE, encoding="utf-8")
    course.folder = course.folder.parent / "others"
    hand_in(course.folder, "bob")
    course.graded.clear()
    assert make_grade(course, toml)["dan"]["score"] == "16", "though neither of the two is given now"
    assert "dan" in course.graded, "whose other file counts again"


def test_the_platforms_time_is_not_said_to_be_the_files(course):
    hand_in(course.folder, "forward_dan")
    name = "Assignment 3_dan_attempt_2026-03-06-10-22-33_forward.ipynb"
    (course.folder / "forward_dan.ipynb").rename(course.folder / name)
    dan = make_grade(course, course.folder.parent / "course.toml")["dan"]
    assert (dan["late"], dan["score"]) == ("10 h 23 min", "14") and "by the file's date" not in dan["reason"]


DOWNLOADED = "2026-03-16 09:00:00"


def handed_in_as(course, *names):
    for name in names:
        hand_in(course.folder, "somebody")
        (course.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (course.folder / "somebody.ipynb").rename(course.folder / name)
        os.utime(course.folder / name, (at(DOWNLOADED),) * 2)


def test_a_download_from_canvas_makes_nobody_late(course, capsys):
    """All files in its zip have the time of the download; the name says who was late, not by how much."""
    handed_in_as(course, "alice_4241_98_forward.ipynb", "dan_LATE_4242_99_forward.ipynb")
    found = make_grade(course, course.folder.parent / "course.toml")
    told = {name: (found[name]["late"], found[name]["score"], found[name]["handed_in"]) for name in ("alice", "dan")}
    assert told == {"alice": ("", "16", ""), "dan": ("?", "16", "")}
    assert "Canvas has it late without saying when, nothing is off" in found["dan"]["reason"]
    assert "Not known when they handed in, nothing is off, look on the platform: dan." in capsys.readouterr().out


MOODLE = ("alice_1001_assignsubmission_file/forward.ipynb", "dan_1002_assignsubmission_file/forward.ipynb")


def test_a_download_from_moodle_makes_nobody_late(course, capsys):
    handed_in_as(course, *MOODLE)
    found = make_grade(course, course.folder.parent / "course.toml")
    told = {name: (found[name]["late"], found[name]["score"], found[name]["handed_in"]) for name in ("alice", "dan")}
    assert told == {"alice": ("?", "16", ""), "dan": ("?", "16", "")}
    assert "Not known when they handed in, nothing is off, look on the platform: alice; dan." in capsys.readouterr().out


@pytest.mark.parametrize(
    "heading, on_time, late",
    [
        ("Last modified (submission)", "Thursday, 5 March 2026, 8:10 PM", "Saturday, 7 March 2026, 10:00 AM"),
        ("上次修改（作业）", "2026年03月5日 星期四 20:10", "2026年03月7日 星期六 10:00"),
    ],
    ids=["en", "zh"],
)
def test_moodles_worksheet_says_when(course, heading, on_time, late):
    handed_in_as(course, *MOODLE)
    (course.folder.parent / "roster.csv").write_text(
        f'Identifier,Full name,Grade,"{heading}"\n'
        f'Participant 1001,alice,,"{on_time}"\nParticipant 1002,dan,,"{late}"\nParticipant 1003,bob,,-\n',
        encoding="utf-8",
    )
    found = make_grade(course, course.folder.parent / "course.toml")
    told = {name: (found[name]["late"], found[name]["score"], found[name]["handed_in"]) for name in ("alice", "dan")}
    assert told == {"alice": ("", "16", "2026-03-05 20:10"), "dan": ("1 d 10 h", "12", "2026-03-07 10:00")}
    assert "by the file's date" not in found["dan"]["reason"]


def test_a_worksheet_that_comes_later_dates_what_was_graded_before(course):
    handed_in_as(course, *MOODLE)
    toml = course.folder.parent / "course.toml"
    assert make_grade(course, toml)["dan"]["late"] == "?"
    (course.folder.parent / "roster.csv").write_text(
        'Identifier,Full name,Grade,Last modified (submission)\nParticipant 1002,dan,,"7 March 2026, 10:00 AM"\n',
        encoding="utf-8",
    )
    copied = course.folder.parent / "again"
    course.folder.rename(copied)
    course.folder = copied
    course.graded.clear()
    dan = make_grade(course, toml)["dan"]
    assert (dan["late"], dan["score"], course.graded) == ("1 d 10 h", "12", [])


def test_a_sheet_without_classes_has_those_of_the_courses_list(course):
    folder = course.folder.parent
    (folder / "class.csv").write_text("id,name,group\n1,alice,1班\n2,dan,2班\n", encoding="utf-8")
    (folder / "roster.csv").write_text(
        "Identifier,Full name,Grade,Last modified (submission)\n"
        'Participant 1001,alice,,"6 March 2026, 10:00 AM"\nParticipant 1002,dan,,"6 March 2026, 10:00 AM"\n',
        encoding="utf-8",
    )
    (folder / "course.toml").write_text('roster = "class.csv"\n' + COURSE, encoding="utf-8")
    handed_in_as(course, *MOODLE)
    found = make_grade(course, folder / "course.toml")
    assert {name: row["late"] for name, row in found.items()} == {"alice": "10 h 1 min", "dan": ""}
    assert make_grade(course)["dan"]["late"] == "", "which is remembered"
