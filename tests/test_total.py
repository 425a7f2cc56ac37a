"""The course's total: everybody on the roster, weights and drops, against sums by hand and by brute force."""

import csv
import itertools
import random
import sys

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "classroom"))
pytest.importorskip("nbgrader")
from course import CourseError
from total import best, write_total

COLUMNS = "student,assignment,status,score,max_score,reason,id,file"


def write_marks(folder, assignment, rows):
    out = folder / assignment
    out.mkdir()
    lines = [f"{student},{assignment},{status},{score},20,,{number}," for student, number, status, score in rows]
    (out / "grades.csv").write_text("\n".join([COLUMNS, *lines]), encoding="utf-8")


def totals(folder, toml):
    (folder / "course.toml").write_text(toml, encoding="utf-8")
    said = list(write_total(folder / "course.toml"))
    with open(folder / "total.csv", newline="", encoding="utf-8-sig") as file:
        return {row["student"]: row for row in csv.DictReader(file)}, said


@pytest.fixture
def folder(tmp_path):
    for assignment, alice, wang, bob in (
        ("init", ("alice", "1", "graded", 20), ("王伟", "2", "graded", 10), ("bob", "3", "flagged", 8)),
        ("forward", ("alice", "1", "graded", 10), ("王伟", "2", "missing", ""), ("bob", "3", "graded", 16)),
        ("shapes", ("alice", "", "graded", 15), ("2 王伟", "2", "graded", 20), ("bob", "3", "ungraded", "")),
    ):
        write_marks(tmp_path, assignment, [alice, wang, bob])
    listed = "学号,姓名,班级\n1,alice,1班\n2,王伟,2班\n3,bob,1班\n4,'=4+4,2班\n"
    (tmp_path / "roster.csv").write_text(listed, encoding="utf-8")
    return tmp_path


TOML = 'roster = "roster.csv"\ndrop = {}\n[init]\n[forward]\nweight = 2\n[shapes]\n[bugs]\n'


def test_weights_and_the_roster(folder):
    found, said = totals(folder, TOML.format(0))
    assert {name: row["total"] for name, row in found.items()} == {
        "alice": f"{100 * (1 + 2 * 0.5 + 0.75) / 4:.2f}",
        "王伟": f"{100 * (0.5 + 0 + 1) / 4:.2f}",
        "bob": f"{100 * (0.4 + 2 * 0.8 + 0) / 4:.2f}",
        "'=4+4": "0.00",
    }
    assert [found[name]["status"] for name in ("alice", "王伟", "bob")] == ["final", "final", "waiting"]
    assert (found["alice"]["group"], found["alice"]["forward"], found["王伟"]["id"]) == ("1班", "10", "2")
    assert found["王伟"]["reason"] == "forward 没有交，算 0 分。 · forward: nothing handed in, 0."
    assert "init: waits for you, 8 for now; shapes: could not be graded, 0 for now." in found["bob"]["reason"]
    assert said[0].startswith("4 名学生的总分") and "bugs" in said[1] and said[2].endswith("so far): bob.")


def test_a_written_answer_without_a_mark_is_not_settled(folder):
    path = folder / "init" / "grades.csv"
    line = "alice,init,graded,20,20,"
    row = "alice,init,graded,16,20,说明题还没有批。 · The written answer has no mark yet."
    text = path.read_text(encoding="utf-8")
    assert line in text
    path.write_text(text.replace(line, row), encoding="utf-8")
    found, said = totals(folder, TOML.format(0))
    assert found["alice"]["status"] == "waiting" and found["王伟"]["status"] == "final"
    assert "init 的说明题还没有批，先算 16" in found["alice"]["reason"]
    assert "init: the written answer has no mark yet, 16 for now" in found["alice"]["reason"]
    assert "alice" in said[2]


def test_what_is_dropped_is_said(folder):
    found, _ = totals(folder, TOML.format(1))
    assert found["alice"]["total"] == f"{100 * (1 + 0.75) / 2:.2f}" and "dropped: forward." in found["alice"]["reason"]
    assert found["王伟"]["total"] == "75.00"


def test_without_a_roster_numbers_and_names_tell(folder):
    found, _ = totals(folder, "[init]\n[forward]\n")
    assert set(found) == {"alice", "王伟", "bob"} and found["alice"]["total"] == "75.00"


def test_drops_are_the_best_for_the_student():
    """Not always the lowest share, where weights differ: the truth is every way of leaving some out."""
    order = random.Random(18)
    for _ in range(300):
        number, drop = order.randint(2, 6), order.randint(0, 1)
        shares = [order.choice((0, 0.25, 0.5, 1)) for _ in range(number)]
        weights = [order.choice((1, 2, 5)) for _ in range(number)]
        truth = max(
            sum(share * weight for share, weight in kept) / sum(weight for _, weight in kept)
            for kept in itertools.combinations(list(zip(shares, weights, strict=True)), number - drop)
        )
        mean, dropped = best(shares, weights, drop)
        assert mean == pytest.approx(truth) and len(dropped) == drop


def test_no_marks_at_all_is_said(tmp_path):
    with pytest.raises(CourseError, match=r"No assignment of .* has marks yet"):
        totals(tmp_path, "[forward]\n")


def test_who_is_not_on_the_roster_is_said_and_a_list_with_both_numbers_knows_everybody(folder):
    write_marks(folder, "bugs", [("Li Wei", "1005", "graded", 20), ("alice", "1", "graded", 20)])
    write_marks(folder, "groups", [("Wei Li", "4205", "graded", 20), ("alice", "1", "graded", 20)])
    toml = 'roster = "roster.csv"\n[bugs]\n[groups]\n'
    (folder / "roster.csv").write_text("id,name\n1,alice\n1005,Li Wei\n1006,Li Wei\n", encoding="utf-8")
    _, said = totals(folder, toml)
    assert any("Not found on the roster, in rows of their own: Wei Li;" in line for line in said)
    both = "id,Student ID,name\n1,,alice\n1005,4205,Li Wei\n1006,4206,Li Wei\n"
    (folder / "roster.csv").write_text(both, encoding="utf-8")
    found, said = totals(folder, toml)
    assert found["Li Wei 1005"]["total"] == "100.00" and not any("rows of their own" in line for line in said)
