"""How much memory grading takes, whatever was handed in and however much of it."""

import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import floods
import nbformat
import psutil
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_output
from submissions import OFFICIAL, source_notebook
from test_crowd import Crowd

pytestmark = pytest.mark.usefixtures("bubblewrap")

CLASS, MEGABYTES = 12, 40  # students, and what each hands in, most of which is outputs
FEW = ("buffer", "endless-frames", "inline-png-allowed")


@pytest.fixture(scope="module")
def large():
    notebook = source_notebook("forward")
    output = new_output("stream", text="x" * (MEGABYTES * 2**20))
    notebook.cells.append(new_code_cell("", outputs=[output]))
    return nbformat.writes(notebook).encode()


def in_folder(place, large):
    place.mkdir()
    (place / "student00.ipynb").write_bytes(large)
    for number in range(1, CLASS):
        os.link(place / "student00.ipynb", place / f"student{number:02}.ipynb")
    return place


def in_zip(place, large):
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(CLASS):
            archive.writestr(f"student{number:02}.ipynb", large)
    return place


def in_zips_in_a_zip(place, large):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("forward.ipynb", large)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(CLASS):
            archive.writestr(f"student{number:02}.zip", inner.getvalue())
    return place


@pytest.mark.parametrize("packed", [in_folder, pytest.param(in_zip, marks=pytest.mark.exhaustive), in_zips_in_a_zip])
def test_a_class_is_never_in_memory_as_a_whole(tmp_path, large, packed):
    """Neither for PLAN=1 nor when it is taken in: one file at a time is."""
    place, out = packed(tmp_path / "class.zip", large), tmp_path / "out"
    given = (f"ASSIGNMENT=forward SUBMISSIONS={place} OUT={out} PLAN=1").split()
    said, plan = run("make", "--silent", "--old-file=.venv/classroom.stamp", "grade", *given)
    assert f"{CLASS} students in {CLASS} files" in said
    steps = ("--assignment", "forward", "--submissions", place, "--out", out)
    said, prepare = run(sys.executable, "classroom/grade.py", "prepare", *steps)
    entries = (out / "plan.json").read_text(encoding="utf-8")
    assert entries.count('"edition"') == CLASS and "unreadable" not in entries
    assert plan < 200 and prepare < 450


def run(*command):
    """(What it said, the megabytes that the largest of its processes had)."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        peaks = {}
        watch(process, lambda pid: peaks.update({pid: max(peaks.get(pid, 0), peak_of(pid))}))
        said = process.stdout.read()
    assert process.returncode == 0, said
    return said, max(peaks.values())


def watch(process, look):
    """Has each process of a command looked at, again and again until it is over."""
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(psutil.Error):
            for one in [tree, *tree.children(recursive=True)]:
                look(one.pid)
        time.sleep(0.02)


def peak_of(pid):
    with suppress(OSError):
        if found := re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{pid}/status").read_text()):
            return int(found[1]) // 1024
    return 0


@pytest.mark.parametrize("names", [FEW, pytest.param((), marks=pytest.mark.exhaustive)], ids=["few", "all"])
def test_a_shard_stays_under_a_gigabyte_whatever_is_handed_in(tmp_path, names):
    """All of its processes together, without what runs in the sandbox."""
    (tmp_path / "in").mkdir()
    crowd = Crowd(tmp_path / "in", source_notebook("forward"))
    for name, cell in {**floods.CELLS, **floods.pictures()}.items():
        if not names or name in names:
            crowd.add(name, OFFICIAL["forward"], after=[cell])
    for name, answer in floods.ANSWERS.items():
        if not names or f"answer-{name}" in names:
            source = floods.RAW_ANSWER + floods.BLOCK.format(answer)
            crowd.add(f"answer-{name}", {**OFFICIAL["forward"], "main_path": source})
    for name, change in floods.notebooks().items():
        if not names or name in names:
            crowd.add(name, OFFICIAL["forward"], change=change)
    out = tmp_path / "out"
    steps = ("--out", out, "--assignment", "forward", "--submissions", tmp_path / "in", "--shards", "1")
    run(sys.executable, "classroom/grade.py", "prepare", *steps)
    limits = {"CLASSROOM_LIMITS": '{"cell_seconds": 20, "seconds": 90}'}
    shard = [sys.executable, "classroom/grade.py", "shard", "--out", out, "--shard", "0"]
    peaks = {}
    with subprocess.Popen(shard, cwd=ROOT, env={**os.environ, **limits}) as process:
        while process.poll() is None:
            done = len(list(out.glob("shards/0/results/*.json")))
            peaks[done] = max(peaks.get(done, 0), sum(map(share_of, outside_the_sandbox(process.pid))))
            time.sleep(0.05)
    assert process.returncode == 0
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))["students"]
    order = [name for name, entry in plan.items() if "unreadable" not in entry]
    found = {name: peaks.get(number, 0) for number, name in enumerate(order)}
    print(*(f"{peak:5} MB {name}" for name, peak in sorted(found.items(), key=lambda one: -one[1])), sep="\n")
    assert max(peaks.values()) < 1000, found
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in out.glob("shards/0/results/*.json")}
    assert results.keys() == set(order)
    for name in ("buffer", "endless-frames"):
        assert results[name]["status"] == "ungraded" and "too much" in results[name]["reason"], results[name]


def outside_the_sandbox(pid):
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.name() != "bwrap":
            yield pid
            for child in process.children():
                yield from outside_the_sandbox(child.pid)


def share_of(pid):
    """The megabytes of a process; what it shares with others is divided among them."""
    with suppress(OSError):
        return int(re.search(r"Pss:\s*(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())[1]) // 1024
    return 0
