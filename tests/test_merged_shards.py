"""A large class after its shards: merging with the matrix and the give-back, similarity and the total, by the commands.

What the shards have left is generated: of each shard one submission is graded by nbgrader, and the others get its rows,
pages and notebooks with marks, messages and answers of their own, since grading 3,000 takes a cluster.
"""

import csv
import json
import random
import re
import sqlite3
import subprocess
import sys
import time
import uuid
import zipfile
from collections import Counter
from contextlib import closing

import pytest
from conftest import ROOT
from submissions import MISTAKES, OFFICIAL, OTHER_WAYS
from test_grade import Course, hand_in
from test_similarity import COPY, OWN

pytest.importorskip("collect")

MINUTES = 5  # that each command may compute; how long it takes depends on what else the machine does
MEMORY = 2_000  # MB
HEAD = "Student,ID,SIS User ID,SIS Login ID,Section,Forward (99)\n    Points Possible,,,,,20\n"


def case(order):
    """(answers, the tests that they fail) of somebody."""
    right = [OFFICIAL["forward"], *({**OFFICIAL["forward"], **sources} for sources in OTHER_WAYS["forward"].values())]
    if order.random() < 0.5:
        return order.choice(right), set()
    sources, failing = order.choice(list(MISTAKES["forward"].values()))
    return {**OFFICIAL["forward"], **sources}, failing


class Class(Course):
    """Students with files as Canvas exports them, and shards that copy what one of them was given."""

    def __init__(self, folder, monkeypatch, number):
        super().__init__(folder, monkeypatch)
        order = random.Random(number)
        self.cases, self.templates = {}, {}
        self.folder.mkdir()
        lines = []
        for place in range(number):
            answers, failing = case(order)
            if place in (1, number - 2):  # two who worked together
                answers = {**answers, "main_path": (OWN, COPY)[place > 1].replace("class Mine", "class MainPath")}
            words = " ".join(str(order.random()) for _ in range(8))
            hand_in(self.folder, f"student{place:04}_{5000 + place}_{9000 + place}_forward",
                    {**answers, "explanation": words})
            self.cases[f"student{place:04}"] = failing
            lines.append(f"student{place:04},{5000 + place},{2024000 + place},s{place},{place % 6}班,\n")
        self.sheet = folder / "grades.csv"
        self.sheet.write_text(HEAD + "".join(lines), encoding="utf-8")
        real = self.grade.grade_one
        monkeypatch.setattr(self.grade, "grade_one", lambda *given: self.one(real, *given))

    def one(self, real, worker, folder, assignment, student, entry):
        if folder not in self.templates:
            self.templates[folder] = student, real(worker, folder, assignment, student, entry)
        template, result = self.templates[folder]
        if template != student:
            copy_files(folder, template, student)
        failing = self.cases[student]
        with closing(sqlite3.connect(folder / "gradebook.db")) as db, db:
            db.row_factory = sqlite3.Row
            write_rows(db, template, student, failing)
        right = {name: 0 if name in failing else most for name, most in result["agreed"].items()}
        messages = {name: f"{name} 不对：看看 {len(name)}。 · {name} is wrong: see {len(name)}." for name in failing}
        return {**result, "agreed": right, "messages": messages}


def copy_files(folder, template, student):
    for kind, ending in (("autograded", "ipynb"), ("feedback", "html")):
        source = folder / kind / template / "forward" / f"forward.{ending}"
        target = folder / kind / student / "forward" / f"forward.{ending}"
        target.parent.mkdir(parents=True)
        text = source.read_text(encoding="utf-8")
        if kind == "autograded":
            own = json.loads((folder / "submitted" / student / "forward" / "forward.ipynb").read_text(encoding="utf-8"))
            answers = {cell["id"]: cell["source"] for cell in own["cells"]}
            notebook = json.loads(text)
            for cell in notebook["cells"]:
                cell["source"] = answers.get(cell["id"], cell["source"])
            text = json.dumps(notebook, ensure_ascii=False)
        target.write_text(text, encoding="utf-8")


OF_STUDENT = "SELECT id FROM submitted_assignment WHERE student_id = ?"
OF_NOTEBOOK = f"SELECT id FROM submitted_notebook WHERE assignment_id IN ({OF_STUDENT})"
ROWS = {
    "student": "id = ?",
    "submitted_assignment": "student_id = ?",
    "submitted_notebook": f"assignment_id IN ({OF_STUDENT})",
    "grade": f"notebook_id IN ({OF_NOTEBOOK})",
    "comment": f"notebook_id IN ({OF_NOTEBOOK})",
}


def write_rows(db, template, student, failing):
    """The template's rows in nbgrader's tables for somebody else, and the marks of somebody who fails some tests."""
    new = {template: student}
    for table, where in ROWS.items() if template != student else ():
        for row in map(dict, db.execute(f"SELECT * FROM {table} WHERE {where}", [template]).fetchall()):
            new.setdefault(row["id"], uuid.uuid4().hex)
            values = [new.get(value, value) for value in row.values()]
            db.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({','.join('?' * len(row))})", values)
    marked = f"UPDATE grade SET auto_score = {{}} WHERE auto_score NOT NULL AND notebook_id IN ({OF_NOTEBOOK})"
    db.execute(marked.format("(SELECT max_score FROM grade_cells WHERE id = cell_id)"), [student])
    for name in failing:
        db.execute(f"{marked.format(0)} AND cell_id IN (SELECT id FROM base_cell WHERE name = ?)", [student, name])


# Python of the test's own size would count as the command's.
MEASURED = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1000]))
sys.exit(done.returncode)
"""


def run(name, *options):
    """Seconds that a command takes, seconds that it computes, and MB of the largest of its processes."""
    began = time.monotonic()
    command = [sys.executable, "-c", MEASURED, ROOT / "classroom" / f"{name}.py", *options]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    computed, memory = json.loads(done.stdout.splitlines()[-1])
    return time.monotonic() - began, computed, memory


@pytest.mark.parametrize(("number", "shards"), [(40, 2), pytest.param(3000, 8, marks=pytest.mark.exhaustive)])
def test_merged_shards_make_matrix_give_back_similarity_and_total_in_minutes(number, shards, tmp_path, monkeypatch):
    students = Class(tmp_path, monkeypatch, number)
    out = students.out
    began = time.monotonic()
    students.grade.prepare("forward", students.folder, out, shards, students.sheet)
    print(f"\nprepare: {time.monotonic() - began:.0f} s")
    for shard in range(shards):
        students.grade.shard(out, shard)
    print(f"shards generated: {time.monotonic() - began:.0f} s")
    measured = {}

    measured["merge, matrix, give-back"] = run("grade", "merge", "--out", out)
    points = {key: 16 - 4 * len(failing) for key, failing in students.cases.items()}
    with open(out / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {key: float(row["score"]) for key, row in rows.items()} == points

    page = (out / "overview.html").read_text(encoding="utf-8")
    signs = Counter(re.findall(r'class="([pf])"', page))
    assert signs == {"f": sum(16 - one for one in points.values()) // 4, "p": sum(points.values()) // 4}
    with open(out / "give_back" / "grades.csv", newline="", encoding="utf-8") as file:
        filled = {row["Student"]: row["Forward (99)"] for row in list(csv.DictReader(file))[1:]}
    assert {key: float(mark) for key, mark in filled.items()} == points
    with zipfile.ZipFile(out / "give_back" / "feedback-canvas.zip") as archive:
        assert len(archive.namelist()) == number

    measured["similarity"] = run("similarity", "--out", out)
    report = (out / "similarity.html").read_text(encoding="utf-8")
    first = re.search("<details open>.*?</summary>", report, re.DOTALL)[0]
    assert {"student0001", f"student{number - 2:04}"} == set(re.findall(r"student\d{4}", first))

    (tmp_path / "course.toml").write_text(f'roster = "grades.csv"\n[forward]\nmarks = "{out}"\n', encoding="utf-8")
    measured["total"] = run("total", "--course", tmp_path / "course.toml")
    with open(tmp_path / "total.csv", newline="", encoding="utf-8-sig") as file:
        totals = {row["student"]: float(row["total"]) for row in csv.DictReader(file)}
    assert totals == {key: 5 * mark for key, mark in points.items()}

    measured["merge again"] = run("grade", "merge", "--out", out)
    for name, (seconds, computed, memory) in measured.items():
        print(f"{number}: {name}: {seconds:.1f} s, {computed:.1f} s of computing, {memory:.0f} MB")
        assert computed < MINUTES * 60 and memory < MEMORY, name
