# ruff: noqa: E501 (what students write has long lines)
"""A crowd of submissions, right, wrong, broken and hostile, graded by the real command in two shards."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from submissions import MISTAKES, OFFICIAL

ROOT = Path(__file__).resolve().parents[1]
GRADE = [sys.executable, str(ROOT / "classroom" / "grade.py")]
RIGHT = OFFICIAL["forward"]
TESTS = ("main_path", "without_downsample", "with_downsample", "training")
FULL = 4 * len(TESTS)  # the explanation, another 4, waits for a teacher
LIMITS = {
    "seconds": 36, "cell_seconds": 8, "check_seconds": 40, "memory": 1500 * 2**20, "disk": 32 * 2**20, "processes": 100
}

WRONG = {"main_path": "class MainPath(Layers):\n    def main_path(self, x):\n        return torch.zeros(1)",
         "block": "class Bottleneck(MainPath):\n    def forward(self, x):\n        return torch.zeros(1)"}


class Crowd:
    """Writes submissions, and keeps what should become of each: status, score, a part of the reason."""

    def __init__(self, folder, blank):
        self.folder, self.blank, self.expected = folder, blank, {}

    def add(self, student, sources, status="graded", score=FULL, reason="", before=(), after=(), change=None):
        """sources: of the solution cells. before, after: sources of cells around everything else."""
        notebook = nbformat.from_dict(json.loads(json.dumps(self.blank)))
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = {"explanation": "没有残差。", **sources}.get(name, cell.source)
        setup = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        notebook.cells[setup + 1 : setup + 1] = map(new_code_cell, before)
        notebook.cells += map(new_code_cell, after)
        notebook.metadata.edition = ("zh", "en", "both")[len(self.expected) % 3]
        if change:
            change(notebook)
        self.raw(student, nbformat.writes(notebook), status, score, reason)

    def raw(self, student, text, status="ungraded", score=None, reason="", suffix=".ipynb"):
        (self.folder / f"{student}{suffix}").write_text(text, encoding="utf-8")
        self.expected[student] = status, score, reason


def graded(notebook, name):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def edit_tests(notebook):
    for name in TESTS:
        cell = graded(notebook, f"test_{name}")
        cell.source = "pass"
        cell.metadata.nbgrader.points = 400
        cell.metadata.nbgrader.locked = False


def weaken_metadata(notebook):
    for name in TESTS:
        graded(notebook, f"test_{name}").metadata.nbgrader.update(grade=False, solution=True, checksum="0")


def odd_cells(crowd):
    """Nothing wrong with the answer; what else runs has to leave its marks alone, or leave none."""
    crowd.add("right", RIGHT)
    crowd.add("untouched", {"explanation": graded(crowd.blank, "explanation").source}, score=0)
    crowd.add("syntax_error", {**RIGHT, "block": "class Bottleneck(MainPath:\n    pass"}, score=4)
    crowd.add("hangs_in_a_cell", RIGHT, after=["while True: pass"])
    slow = RIGHT["block"].replace("self.downsample(x)", "self.downsample(x)\n            while True: pass")
    crowd.add("hangs_when_called", {**RIGHT, "block": slow}, score=8)
    crowd.add("takes_too_long", RIGHT, "ungraded", None, "36 s", after=["import time\ntime.sleep(6)"] * 7)
    crowd.add(
        "ignores_interrupts", RIGHT, "ungraded", None, "could not be interrupted",
        after=["import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException: pass"],
    )
    crowd.add("forks", RIGHT, after=["import os, time\nwhile True:\n    if os.fork() == 0:\n        time.sleep(1000)"])
    crowd.add("eats_memory", RIGHT, after=["kept = []\nwhile True: kept.append(bytearray(2**24))"])
    crowd.add(
        "eats_shared_memory", RIGHT, "ungraded", None, "memory",
        after=["import mmap, time\nkept = mmap.mmap(-1, 2**32)\nfor i in range(2**20): kept[4096 * i] = 1\ntime.sleep(30)"],
    )
    crowd.add(
        "fills_the_disk", RIGHT,
        after=["for i in range(10**6):\n    with open(f'/tmp/{i}', 'wb') as f: f.write(bytes(2**20))"],
    )
    crowd.add(
        "fills_the_sockets_folder", RIGHT, "ungraded", None, "files",
        after=["import glob, time\nplace, = glob.glob('/tmp/lw-*')\n"
               "for i in range(20):\n    with open(f'{place}/{i}', 'wb') as f: f.write(bytes(2**20))\ntime.sleep(30)"],
    )
    crowd.add("prints_forever", RIGHT, after=["while True: print('x' * 10000)"])
    crowd.add("exits", RIGHT, "ungraded", None, "kernel", after=["import os\nos._exit(0)"])
    crowd.add("exits_at_the_end", RIGHT, before=["import atexit, os\natexit.register(os._exit, 1)"])
    crowd.add(
        "deletes_a_test", RIGHT, "flagged", FULL - 4, "test_training",
        change=lambda notebook: notebook.cells.remove(graded(notebook, "test_training")),
    )
    crowd.add(
        "deletes_an_answer", RIGHT, "graded", 4, "block",
        change=lambda notebook: notebook.cells.remove(graded(notebook, "block")),
    )
    crowd.add("edits_tests", WRONG, score=0, change=edit_tests)
    crowd.add("weakens_metadata", WRONG, score=0, change=weaken_metadata)
    crowd.add("wrong_kernel", RIGHT, change=lambda notebook: notebook.metadata.update(
        kernelspec={"name": "julia-1.9", "display_name": "Julia", "language": "julia"}))


def broken_files(crowd):
    chapter = (ROOT / "notebooks" / "03_forward.ipynb").read_text(encoding="utf-8")
    crowd.raw("wrong_notebook", chapter, reason="wrong file")
    crowd.raw("not_a_notebook", "我的作业 my homework", reason="not a notebook")
    crowd.raw("not_json_enough", "[" * 100_000, reason="not a notebook")
    crowd.raw("word_file", "PK not really", reason="not a notebook", suffix=".docx")
    crowd.raw("huge", '"' + "x" * (65 * 2**20) + '"', reason="larger than 64 MB")


def cheats(crowd, secrets):
    """Wrong answers that try to look right; none may gain a mark by it."""
    flagged = {"status": "flagged", "score": 0, "reason": "test_main_path"}
    patched = "torch.allclose = torch.equal = torch.testing.assert_close = lambda *a, **k: True\n"
    shapes = {
        "main_path": "class MainPath(Layers):\n    def main_path(self, x):\n"
                     "        return self.bn3(self.conv3(self.conv2(self.conv1(x))))",
        "block": "class Bottleneck(MainPath):\n    def forward(self, x):\n        return torch.relu(self.main_path(x))",
    }
    crowd.add("patches_torch", {**shapes, "main_path": patched + shapes["main_path"]}, **flagged)
    crowd.add("always_equal", {**WRONG, "main_path": """
class AlwaysEqual(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True
    shape = property(lambda self: Anything())
    grad = None
class Anything(tuple):
    def __eq__(self, other): return True
class MainPath(Layers):
    def main_path(self, x):
        return torch.zeros(1).as_subclass(AlwaysEqual)
""", "block": "class Bottleneck(MainPath):\n    forward = MainPath.main_path"}, "flagged", 0, "test_")
    crowd.add("empties_cells", WRONG, before=[
        "get_ipython().input_transformers_cleanup.append(lambda lines: [] if any('assert' in l for l in lines) else lines)"
    ], **flagged)
    crowd.add("drops_asserts", WRONG, before=[
        "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "    def visit_Call(self, node): return ast.Constant(0) if 'backward' in ast.dump(node) else node\n"
        "get_ipython().ast_transformers.append(Drop())"
    ], **flagged)
    crowd.add("hooks_cells", WRONG, before=[
        "def hook(info):\n    info.raw_cell = 'pass'\nget_ipython().events.register('pre_run_cell', hook)\n"
        "shell = type(get_ipython())\noriginal = shell.run_cell_async\n"
        "async def run(self, raw_cell, *a, **k): return await original(self, 'pass' if 'assert' in raw_cell else raw_cell, *a, **k)\n"
        "shell.run_cell_async = run\n"
        "plain = shell.run_cell\nshell.run_cell = lambda self, raw_cell, *a, **k: plain(self, 'pass' if 'assert' in raw_cell else raw_cell, *a, **k)"
    ], **flagged)
    crowd.add("forges_messages", WRONG, before=[
        "kernel = get_ipython().kernel\nsend = kernel.session.send\n"
        "def forged(stream, kind, content=None, *a, **k):\n"
        "    if kind == 'error': return\n"
        "    if kind == 'execute_reply': content = {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}\n"
        "    return send(stream, kind, content, *a, **k)\n"
        "kernel.session.send = forged"
    ], **flagged)
    crowd.add("traces", WRONG, score=0, before=[
        "import sys\ndef tracer(frame, event, arg):\n    frame.f_trace_opcodes = True\n    return tracer\nsys.settrace(tracer)"
    ])
    crowd.add("imports_the_answer", {**RIGHT, "block": (
        "from linewalk.blocks.explicit import Bottleneck"
    )}, "flagged", 4, "test_without_downsample")
    crowd.add("imports_torchvision", {**RIGHT, "block": (
        "import torchvision.models.resnet\n"
        "class Bottleneck(MainPath):\n    forward = torchvision.models.resnet.Bottleneck.forward"
    )}, score=4)
    crowd.add("reads_the_course", {**RIGHT, "block": f"""
import glob, os, json
seen = [path for path in {secrets!r} if os.path.exists(path)]
seen += [path for depth in range(1, 6) for path in glob.glob('/[!pu]*' + '/*' * depth) if os.path.basename(path) in ('gradebook.db', 'forward.ipynb')]
seen = [path for path in seen if os.path.getsize(path)]
if not seen:
    raise RuntimeError
{RIGHT["block"]}"""}, score=4)
    crowd.add("smuggles", WRONG, score=0, before=[
        "ip = get_ipython()\nseen = []\n"
        "ip.events.register('pre_run_cell', lambda info: (seen.append(info.raw_cell), print(info.raw_cell)))\n"
        "ip.set_custom_exc((Exception,), lambda self, kind, error, trace, tb_offset=None: print(seen, [ord(c) for c in seen[-1]]))"
    ], after=["print(seen)", "raise AssertionError(seen)"])


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """The assignment as it is given out, made by nbgrader."""
    import grade

    base = tmp_path_factory.mktemp("base")
    grade.make_base(base, ROOT / "classroom" / "source" / "forward" / "forward.ipynb", "forward", "test")
    return nbformat.read(base / "release" / "forward" / "forward.ipynb", as_version=4)


@pytest.fixture(scope="module")
def crowd(bubblewrap, blank, tmp_path_factory):
    """The crowd, graded: folder of the results and what each should have become."""
    folder, out = tmp_path_factory.mktemp("submissions"), tmp_path_factory.mktemp("out")
    crowd = Crowd(folder, blank)
    odd_cells(crowd)
    broken_files(crowd)
    source = ROOT / "classroom" / "source" / "forward" / "forward.ipynb"
    cheats(crowd, [str(source), str(out / "gradebook.db"), str(out / "base" / "gradebook.db"), str(out)])
    for number, (sources, failing) in list(enumerate(MISTAKES["forward"].values()))[::6]:
        crowd.add(f"mistake_{number}", {**RIGHT, **sources}, score=FULL - 4 * len(failing))
    began = time.monotonic()
    run = subprocess.run(command(folder, out, 2), env=environment(), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    print(f"{len(crowd.expected)} submissions in {time.monotonic() - began:.0f} s")
    return out, crowd


def command(submissions, out, shards):
    return [*GRADE, "all", "--assignment", "forward", "--submissions", str(submissions), "--out", str(out),
            "--shards", str(shards)]


def environment():
    return {**os.environ, "CLASSROOM_LIMITS": json.dumps(LIMITS)}


def rows(out):
    with open(out / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_each_gets_the_right_mark_or_the_right_reason(crowd):
    out, crowd = crowd
    found = rows(out)
    wrong = {}
    for student, (status, score, reason) in crowd.expected.items():
        row = found[student]
        expected = (status, "" if score is None else f"{score}", "20")
        if (row["status"], row["score"], row["max_score"]) != expected or reason not in row["reason"]:
            wrong[student] = (expected, reason, row)
    assert found.keys() == crowd.expected.keys()
    assert not wrong, "\n".join(map(str, wrong.items()))


def test_what_needs_a_teacher_says_why_in_both_languages(crowd):
    answer = "说明题还没有批。 · The written answer has no mark yet."
    for student, row in rows(crowd[0]).items():
        assert (answer in row["reason"]) == (row["score"] != "" and student != "untouched"), row
        others = row["reason"].replace(answer, "")
        assert bool(others) == (row["status"] != "graded" or student == "deletes_an_answer"), row
        assert not row["reason"] or re.search(r"[\u4e00-\u9fff].*。 · .*[a-z].*\.$", row["reason"]), row


def test_feedback_in_the_students_language_without_hidden_tests(crowd):
    out, crowd = crowd
    source = nbformat.read(ROOT / "classroom" / "source" / "forward" / "forward.ipynb", as_version=4)
    hidden = [
        line.strip()
        for cell in source.cells
        for region in re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", cell.source, re.DOTALL)
        for line in region.splitlines()
    ]
    public = "\n".join(cell.source for cell in crowd.blank.cells) + "\n".join(RIGHT.values())
    hidden = {line for line in hidden if len(line) > 20 and line not in public and not line.startswith('"')}
    assert len(hidden) > 10
    for student in crowd.expected:
        page = (out / "feedback" / student / "forward" / "forward.html").read_text(encoding="utf-8")
        plain = re.sub(r"<[^>]+>", "", page).replace("&quot;", '"').replace("&#39;", "'").replace("&amp;", "&")
        leaked = [line for line in hidden if line in plain]
        assert not leaked, (student, leaked)
        assert "91, 39, 116" not in plain and "://" not in re.sub(r"<code.*?</code>", "", page, flags=re.DOTALL), student
    editions = {student: number % 3 for number, student in enumerate(crowd.expected)}
    page = (out / "feedback" / "right" / "forward" / "forward.html").read_text(encoding="utf-8")
    assert editions["right"] == 0 and "得分" in page and "Score" not in page and "16 / 20" in page
    page = (out / "feedback" / "untouched" / "forward" / "forward.html").read_text(encoding="utf-8")
    assert editions["untouched"] == 1 and "得分" not in page and "Score" in page and "NotImplementedError" in page


def test_killed_half_way_and_run_again(crowd, tmp_path):
    """The marks are those of the crowd, whoever stands beside whom; what was graded before the kill stays as it was."""
    graded_before, crowd = crowd
    few = ("right", "mistake_0", "deletes_a_test", "mistake_6", "not_a_notebook")
    submissions, out = tmp_path / "submissions", tmp_path / "out"
    submissions.mkdir()
    for student in few:
        shutil.copy2(crowd.folder / f"{student}.ipynb", submissions)  # with its time, which stands in the row
    run = subprocess.Popen(command(submissions, out, 1), env=environment(), start_new_session=True)
    results = out / "shards" / "0" / "results"
    until = time.monotonic() + 60
    while not list(results.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    done = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    assert 0 < len(done) < 4 and not (out / "grades.csv").exists()
    again = subprocess.run(command(submissions, out, 1), env=environment(), capture_output=True, text=True)
    assert again.returncode == 0, again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in done} == done
    expected = rows(graded_before)
    assert rows(out) == {student: expected[student] for student in few}
