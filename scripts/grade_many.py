"""Grades generated submissions whose marks are known, and says how long it took.

    python scripts/grade_many.py 300             that many, in two shards: every mark has to be right
    python scripts/grade_many.py 12 --speed      the same ones in one shard, then in two
"""

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "classroom")]

from submissions import MISTAKES, OFFICIAL, source_notebook  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("number", type=int)
    parser.add_argument("--assignment", default="forward", choices=sorted(MISTAKES))
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder, "submissions")
        expected = write_submissions(submissions, given.assignment, given.number)
        seconds = {}
        for shards in (1, 2) if given.speed else (2,):
            out = Path(folder, f"out{shards}")
            began = time.monotonic()
            grade = [sys.executable, ROOT / "classroom" / "grade.py", "all", "--assignment", given.assignment]
            subprocess.run([*grade, "--submissions", submissions, "--out", out, "--shards", str(shards)], check=True)
            seconds[shards] = time.monotonic() - began
            check(out / "grades.csv", expected)
            each = seconds[shards] * shards / given.number
            print(f"{given.number} in {shards} shards: {seconds[shards]:.1f} s, {each:.2f} s a submission and core")
        if given.speed:
            print(f"two shards are {seconds[1] / seconds[2]:.2f} times as fast as one")


def write_submissions(folder, assignment, number):
    """Right ones and one mistake each, in turn; {student: score}."""
    folder.mkdir()
    source = source_notebook(assignment)
    points = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and not cell.metadata.nbgrader.solution
    }
    kinds = [({}, set()), *MISTAKES[assignment].values()]
    order = random.Random(0).sample(range(number), number)
    expected = {}
    for place, kind in enumerate(order):
        sources, failing = kinds[kind % len(kinds)]
        notebook = source_notebook(assignment)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = {**OFFICIAL[assignment], **sources}.get(name, cell.source)
        nbformat.write(notebook, folder / f"student{place:04}.ipynb")
        expected[f"student{place:04}"] = sum(points.values()) - sum(points[name] for name in failing)
    return expected


def check(path, expected):
    with open(path, newline="", encoding="utf-8") as file:
        found = {row["student"]: (row["status"], float(row["score"] or "nan")) for row in csv.DictReader(file)}
    wrong = {name: found.get(name) for name, score in expected.items() if found.get(name) != ("graded", score)}
    if wrong or found.keys() != expected.keys():
        sys.exit(f"wrong: {wrong}, expected {({name: expected[name] for name in wrong})}")
    print(f"all {len(expected)} marks are right")


if __name__ == "__main__":
    main()
