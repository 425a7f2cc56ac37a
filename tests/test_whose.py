"""Whose is it: said before grading, in every row, and at the end; whatever the names are."""

import contextlib
import csv
import io
import json
import os
import random
import sqlite3
import subprocess
import unicodedata

import pytest
from conftest import ROOT
from test_grade import Course, hand_in

pytest.importorskip("collect")
import names
import understood


@pytest.fixture
def course(tmp_path, monkeypatch):
    return Course(tmp_path, monkeypatch)


def test_plan_says_who_was_understood_and_stops(tmp_path):
    (tmp_path / "in" / "作业3").mkdir(parents=True)
    for name in ("王伟(1)", "王伟(2)", "李雷", "forward"):
        (tmp_path / "in" / "作业3" / f"{name}.ipynb").write_text("x")
    (tmp_path / "in" / "名单.xlsx").write_text("x")
    (tmp_path / "roster.csv").write_text("学号,姓名\n1,王伟\n2,李雷\n3,韩梅梅\n", encoding="utf-8")
    arguments = ("ASSIGNMENT=forward", f"SUBMISSIONS={tmp_path / 'in'}", f"OUT={tmp_path / 'out'}", "PLAN=1")
    make = ("make", "--silent", "--old-file=.venv/classroom.stamp", "grade", *arguments)
    plan = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert plan == [
        "李雷 ← 作业3/李雷.ipynb",
        "王伟 ← 作业3/王伟(2).ipynb",
        "4 个文件里有 2 名学生：文件名里有学生 2。 · 2 students in 4 files: 2 by the name of the file.",
        "几个文件算作一个学生：王伟（取 作业3/王伟(2).ipynb，没有算 作业3/王伟(1).ipynb）。 · "
        "Several files became one student: 王伟 (作业3/王伟(2).ipynb taken, not 作业3/王伟(1).ipynb).",
        "不知道是谁的，没有批（请改名，例如 姓名_作业）：作业3/forward.ipynb（名字里没有学生）。 · "
        "Nobody's, not graded (rename them, like alice_forward): 作业3/forward.ipynb (no student in its name).",
        "不算作业：名单.xlsx。 · No submissions: 名单.xlsx.",
    ]
    listed = subprocess.run((*make, f"ROSTER={tmp_path / 'roster.csv'}"), cwd=ROOT, capture_output=True, text=True)
    assert listed.stdout.splitlines() == [
        *plan,
        "名单上有 1 人没有交：韩梅梅。 · 1 on the roster handed in nothing: 韩梅梅.",
    ]
    assert not (tmp_path / "out").exists()


NAMES = ["O'Brien", "van der Berg, Jan", "José", "王伟 (1班)", "=1+1", "-alice", "50% off!", "x" * 200, "ALICE"]


def test_any_name_is_graded_and_stands_whole_in_its_row(course, capsys):
    course.folder.mkdir()
    for name in NAMES:
        hand_in(course.folder, name)
    (course.folder / "forward.ipynb").write_text("nobody's")
    roster = course.folder.parent / "roster.csv"
    rows = [(f"{place:03}", name) for place, name in enumerate(["王伟", *NAMES[:3], "=missing", "小明"])]
    with open(roster, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "name"), *rows])
    course.grade.prepare("forward", course.folder, course.out, 1, roster)
    course.grade.shard(course.out, 0)
    course.grade.merge(course.out)
    told = capsys.readouterr().out.splitlines()
    assert "9 students in 10 files" in told[0] and told[-1].startswith(
        "已批改 9，待老师确认 0，未能批改 0，没有交 2 · "
    )
    for said in ("Nobody's, not graded", "Not on the roster", "2 on the roster handed in nothing: =missing, 小明."):
        assert any(said in line for line in told)
    text = (course.out / "grades.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text)))
    assert not [cell for row in found for cell in row.values() if cell.startswith(("=", "@", "-", "+", "\t", "\r"))]
    students = {row["student"].removeprefix("'"): row for row in found}
    assert set(students) == {"王伟" if name == "王伟 (1班)" else name for name in NAMES} | {"=missing", "小明"}
    statuses = {name: (row["status"], row["score"]) for name, row in students.items()}
    assert {statuses.pop(name) for name in ("=missing", "小明")} == {("missing", "")}
    assert set(statuses.values()) == {("graded", "16")}
    assert students["José"]["id"] == "003" and "Not on the roster" in students["ALICE"]["reason"]
    keys = json.loads((course.out / "plan.json").read_text(encoding="utf-8"))["students"]
    assert {"O'Brien", "van der Berg, Jan", "José", "王伟", "ALICE"} <= set(keys)
    formgrader = course.grade.nbgrader_in(course.out)
    assert {one["student"] for one in formgrader.get_notebook_submissions("forward", "forward")} == set(keys)


def test_an_out_of_an_earlier_version_goes_on(course):
    """Keys were made of names with less in them, files stood beside the shards, and a plan said less."""
    course.hand_in("Alice Smith")
    course.make_grade()
    plan = json.loads((course.out / "plan.json").read_text(encoding="utf-8"))
    entry = plan["students"]["Alice Smith"]
    kept = ("file", "others", "content", "digest", "shard", "missing", "edition")
    received = course.out / "shards" / "0" / "received" / "Alice_Smith.ipynb"
    received.parent.mkdir()
    (course.out / "received" / entry["content"]).rename(received)
    for folder in ("submitted", "autograded", "feedback"):
        for path in (course.out / folder, course.out / "shards" / "0" / folder):
            (path / "Alice Smith").rename(path / "Alice_Smith")
    (course.out / "shards" / "0" / "results" / "Alice Smith.json").rename(
        course.out / "shards" / "0" / "results" / "Alice_Smith.json"
    )
    for database in (course.out / "gradebook.db", course.out / "shards" / "0" / "gradebook.db"):
        rename_student(database, "Alice Smith", "Alice_Smith")
    old = {**plan, "students": {"Alice_Smith": {field: entry[field] for field in kept}}}
    del old["said"]
    (course.out / "plan.json").write_text(json.dumps(old), encoding="utf-8")
    course.give("Alice_Smith", "explanation", 3)
    course.graded.clear()
    hand_in(course.folder, "bob")
    found = course.make_grade()
    assert course.graded == ["bob"] and (found["Alice Smith"]["score"], found["bob"]["score"]) == ("19", "16")
    assert "Alice_Smith" in json.loads((course.out / "plan.json").read_text(encoding="utf-8"))["students"]
    course.hand_in("bob")
    assert course.make_grade()["Alice Smith"]["score"] == "19"


def rename_student(database, before, after):
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        for table, column in (("student", "id"), ("submitted_assignment", "student_id")):
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (after, before))
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("UPDATE by_hand SET student = ? WHERE student = ?", (after, before))


def test_keys_are_names_that_every_disk_takes_and_no_two_are_one(tmp_path):
    chance = random.Random(10)
    letters = "abAB éÉ\u0301王伟İıß/\\*?[]{}.~-_'’\"<>|:\n\t\u200d😀ا\u202e%#&+=@()"
    found = ["".join(chance.choices(letters, k=chance.choice((0, 1, 2, 3, 30, 300)))) for _ in range(300)]
    keys = []
    for name in dict.fromkeys(map(names.tidy, found)):
        keys.append(names.key_of(name, keys))
        assert len(keys[-1].encode()) <= 80 and not set(keys[-1]) & set('/\\*?[]{}<>|:"\n\0')
        assert keys[-1] == keys[-1].strip(" .") and keys[-1][0] not in "-~."
        (tmp_path / keys[-1]).mkdir()
    assert len({unicodedata.normalize("NFKD", key).casefold() for key in keys}) == len(keys)
    for name in ("Alice Smith", "O'Brien", "王伟 (1班)", "José", "阿依古丽·买买提", "a.b@c.org"):
        assert names.key_of(name, []) == name
    assert names.key_of("alice", ["Alice"]).startswith("alice_")


def test_seeded_names_come_out_whole(tmp_path):
    """A name with what people put around it is the name, in any order and with any separators."""
    chance = random.Random(7)
    people = [
        "王伟",
        "欧阳娜娜",
        "阿依古丽·买买提",
        "Alice Smith",
        "O'Brien",
        "Jean-Luc Picard",
        "van der Berg",
        "José Núñez",
        "alice",
    ]
    around = [
        "作业3",
        "第三次作业",
        "实验三",
        "hw3",
        "homework 3",
        "Assignment 3",
        "forward",
        "final",
        "最终版",
        "v2",
        "修改版",
        "1班",
        "(计科2101班)",
        "2024001",
        "S2024001",
        "2024-03-05",
        "【forward】",
        "提交",
    ]
    for _ in range(500):
        name, more = chance.choice(people), chance.sample(around, chance.randint(0, 3))
        parts = [name, *more]
        chance.shuffle(parts)
        text = chance.choice(["_", "-", " - ", "__", "＿", "+", "—"]).join(parts) + chance.choice(
            ["", "(1)", " (2)", " - 副本"]
        )
        assert names.read(text, "forward").name == name, text


def test_a_line_is_what_it_looks_like():
    """Names may turn the direction of writing, begin new lines or be no characters at all."""
    assert understood.legible("a\u202e\ud800\n王\u3000伟") == "a\\u202e\\ud800\\n王\u3000伟"


def test_a_broken_file_is_removed_and_late_work_stays(course, capsys):
    def students(folder):
        course.grade.prepare("forward", folder, course.out, 1)
        return json.loads((course.out / "plan.json").read_text(encoding="utf-8"))["students"]

    course.folder.mkdir()
    hand_in(course.folder, "alice")
    (course.folder / "bob.ipynb").write_text("broken")
    (course.folder / "carol.rar").write_bytes(b"Rar!")
    first = students(course.folder)
    assert "unreadable" in first["bob"] and "repack it as a zip" in first["carol"]["unreadable"]
    late = course.folder.parent / "late"
    hand_in(late, "alice", edition="zh")
    os.utime(late / "alice.ipynb", 2 * (first["alice"]["time"] + 60,))
    (course.folder / "bob.ipynb").unlink()
    capsys.readouterr()
    for folder in (late, course.folder):
        entries = students(folder)
        assert (entries["alice"]["edition"], entries["alice"]["digest"]) != ("en", first["alice"]["digest"])
    assert sorted(entries) == ["alice", "carol"]
    assert "Their files are gone and could not be graded, taken out: bob." in capsys.readouterr().out
    (late / "alice.ipynb").write_text("broken")
    assert "unreadable" in students(late)["alice"]
    (late / "alice.ipynb").unlink()
    hand_in(late, "dan")
    entries = students(late)
    assert entries["alice"]["digest"] == first["alice"]["digest"] and "unreadable" not in entries["alice"]
