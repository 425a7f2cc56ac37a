"""Notebooks broken in every way: its student has a mark or a reason, and everybody else is graded."""

import functools
import json
import re
import time

import nbformat
import pytest
from broken import broken
from conftest import ROOT
from submissions import OFFICIAL
from test_grade import Course, grade, hand_in

pytestmark = pytest.mark.usefixtures("bubblewrap")
IN_BOTH = re.compile(r"[\u4e00-\u9fff].*[。] · .*[A-Za-z].*\.$", re.DOTALL)
INTERNAL = re.compile(r"Traceback|Error\b|Exception|NoneType|\bdict\b|object has no|（\?）|\(\?\)")


def numbers(few, many):
    """How many: a few always, many with `make test-all`."""
    return pytest.mark.parametrize("number", [few, pytest.param(many, marks=pytest.mark.exhaustive)])


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    import grade

    base = tmp_path_factory.mktemp("base")
    grade.make_base(base, ROOT / "classroom" / "source" / "forward" / "forward.ipynb", "forward", "test")
    return nbformat.read(base / "release" / "forward" / "forward.ipynb", as_version=4)


@pytest.fixture(scope="module")
def good(blank):
    """A right answer, as JSON."""
    notebook = json.loads(nbformat.writes(blank))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = {"explanation": "It has become **plain**: $x$.", **OFFICIAL["forward"]}.get(
            name, cell["source"]
        )
    return notebook


@pytest.fixture(scope="module")
def odd(good):
    """A short one, whose code puts out what is odd as well."""
    notebook = {**good, "cells": [cell for cell in good["cells"] if "nbgrader" in cell["metadata"]]}
    sources = [
        "print('\\ud800\\0')\nraise ValueError('\\udfff')",
        "from IPython.display import display, HTML\nclass Odd:\n    def _repr_mimebundle_(self, **k):\n"
        "        return {'text/html': '\\ud800', 'application/json': [[[]]], 'image/png': 'x', 'text/plain': None}\n"
        "display(Odd())",
        "raise type('\\ud800' if False else 'E' * 3000, (Exception,), {})('x' * 10**5)",
        "import sys\nsys.stderr.write('\\x1b[31m' * 10**4)\nprint('\\r' * 10**5)",
    ]
    for source in sources:
        notebook["cells"].insert(
            1, {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        )
    return notebook


@pytest.fixture(scope="module")
def readings(blank, odd):
    """Of so many seeds what was read, and in what time."""
    from collect import Submission
    from reading import Reader

    @functools.cache
    def read(number):
        found = {}
        with Reader(blank) as reader:
            for seed in range(number):
                began = time.monotonic()
                read = reader(Submission("alice", f"alice-{seed}.ipynb", broken(odd, seed)))
                found[seed] = {**read, "seconds": time.monotonic() - began}
        return found

    return read


@numbers(50, 2000)
def test_each_is_read_and_shown_or_refused_with_its_cause(readings, number):
    """On the feedback page and in Formgrader, which shows it without any limit."""
    read, slowest = 0, 0
    for seed, found in readings(number).items():
        if "unreadable" in found:
            assert IN_BOTH.search(found["unreadable"]) and not INTERNAL.search(found["unreadable"]), (seed, found)
            continue
        read += 1
        began = time.process_time()
        for page in pages(nbformat.reads(found["notebook"], as_version=4)):
            page.encode()
        slowest = max(slowest, time.process_time() - began)
    assert read > number / 3
    assert slowest < 60


# Of those that are read, what makes one worse than another.
MEASURES = {
    "took longest to read": lambda found: found["seconds"],
    "most was mended": lambda found: len(found["missing"]) + 3 * len(found["notes"]),
    "largest": lambda found: len(found["notebook"]),
    "most cells": lambda found: found["notebook"].count('"cell_type"'),
    "strangest letters": lambda found: len(re.findall(r"[^\x20-\x7e\n\u4e00-\u9fff]|\\\\u|\\\\x", found["notebook"])),
    "most signs of Markdown": lambda found: len(re.findall(r"[\[\]*$`<>|]", found["notebook"])),
}


def the_worst(found, number):
    """The worst by each measure, then the second by each, …"""
    accepted = {seed: one for seed, one in found.items() if "unreadable" not in one}
    ranked = [sorted(accepted, key=lambda seed: -measure(accepted[seed])) for measure in MEASURES.values()]
    return list(dict.fromkeys(seed for of_a_rank in zip(*ranked, strict=True) for seed in of_a_rank))[:number]


def pages(notebook):
    """The feedback page and Formgrader's."""
    from feedback import FeedbackExporter
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader.handlers import template_path
    from traitlets.config import Config

    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(score=0, points=4, state="failed", message="", comment="")
    about = {"assignment": "forward", "student": "a", "edition": "zh", "score": 0, "max_score": 20, "tests": []}
    yield FeedbackExporter().from_notebook_node(notebook, {"nbgrader": about, "code_style": ""})[0]
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [template_path]
    shown = dict.fromkeys(
        ("assignment_id", "notebook_id", "submission_id", "base_url", "student", "notebook_path"), "x"
    )
    shown |= {"first_name": "", "last_name": "", "index": 0, "total": 1}
    yield HTMLExporter(config=config).from_notebook_node(notebook, shown)[0]


@numbers(10, 200)
def test_a_class_of_them_without_kernels(tmp_path, monkeypatch, good, number):
    course = Course(tmp_path, monkeypatch)
    hand_in(course.folder, "honest")
    for seed in range(number):
        (course.folder / f"odd{seed}.ipynb").write_bytes(broken(good, seed))
    check(course.make_grade(), number)


@pytest.mark.parametrize("number, of", [(4, 100), pytest.param(50, 2000, marks=pytest.mark.exhaustive)])
def test_a_class_of_the_worst(tmp_path, readings, odd, number, of):
    """Their code runs, and what it prints comes back."""
    hand_in(tmp_path / "in", "honest")
    for seed in the_worst(readings(of), number):
        (tmp_path / "in" / f"odd{seed}.ipynb").write_bytes(broken(odd, seed))
    check(grade(tmp_path / "in", tmp_path / "out", shards=2), number)


def check(rows, number):
    assert (rows["honest"]["status"], rows["honest"]["score"]) == ("graded", "16")
    assert len(rows) == number + 1
    for row in rows.values():
        assert row["status"] in ("graded", "flagged") or IN_BOTH.search(row["reason"]), row
        assert not INTERNAL.search(row["reason"]) or "test_" in row["reason"], row
