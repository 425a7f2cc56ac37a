"""The sandbox from inside: what a student's code can see and do, as root and as an ordinary user."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.usefixtures("bubblewrap")

SMALL = {"memory": 600 * 2**20, "disk": 8 * 2**20, "processes": 40}


@pytest.fixture(params=["as it is", "without root's powers"])
def run(request, monkeypatch, tmp_path):
    """Runs source in a sandbox; (what it printed, why it was killed)."""
    import sandbox

    if request.param != "as it is":
        monkeypatch.setattr(sandbox, "drops_root", lambda: False)

    def run(source, seconds=20, **options):
        command = [sys.executable, "-c", textwrap.dedent(source)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with sandbox.Sandbox(command, sandbox.Limits(**SMALL), seconds, **options, **pipes) as box:
            printed = box.process.stdout.read()
            box.wait()
        return printed, box.reason

    return run


def test_what_is_there(run, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "data.txt").write_text("mine")
    (tmp_path / "forward.ipynb").write_text("hidden tests")
    printed, _ = run(
        f"""
        import json, os, socket
        def failing(call):
            try:
                call()
            except OSError as error:
                return type(error).__name__
        print(json.dumps({{
            "files": sorted(os.listdir()), "data": open("data.txt").read(),
            "notebook": failing(lambda: open("forward.ipynb").read()) or open("forward.ipynb").read(),
            "repository": [name for name in ("classroom", "linewalk") if os.path.exists({str(ROOT)!r} + "/" + name)],
            "accounts": os.path.exists("/etc/passwd"),
            "processes": [name for name in os.listdir("/proc") if name.isdigit()],
            "environment": sorted(os.environ),
            "uid": os.getuid(),
            "capable": next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")),
            "network": failing(lambda: socket.create_connection(("192.0.2.1", 80), 2)),
            "interfaces": [name for _, name in socket.if_nameindex()],
            "writes": [failing(lambda: open(f"{{place}}/x", "w")) for place in ("/", "/usr", "/dev", "/submission")],
            "home": failing(lambda: open(os.path.expanduser("~/x"), "w")), "tmp": failing(lambda: open("/tmp/x", "w")),
        }}))
        """,
        folder=tmp_path,
    )
    found = json.loads(printed)
    assert found["files"] == ["data.txt", "forward.ipynb"] and found["data"] == "mine"
    assert found["notebook"] in ("", "PermissionError")
    assert found["repository"] == [] and not found["accounts"]
    assert len(found["processes"]) <= 3
    assert set(found["environment"]) <= {
        "PATH", "HOME", "LANG", "LC_CTYPE", "PWD", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "MPLBACKEND", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE",
    }
    assert found["uid"] and int(found["capable"], 16) == 0
    assert found["network"] == "OSError" and found["interfaces"] == ["lo"]
    assert set(found["writes"]) <= {"OSError", "PermissionError"}
    assert found["home"] is None and found["tmp"] is None


@pytest.mark.parametrize(
    "source, said",
    [
        ("kept = bytearray(2**30)", "MemoryError"),
        ("open('/tmp/x', 'wb').write(bytes(2**24))", "File too large"),
        ("for i in range(99): open(f'/tmp/{i}', 'wb').write(bytes(2**20))", "No space left"),
        ("for i in range(99): open(f'/dev/shm/{i}', 'wb').write(bytes(2**20))", "No space left"),
    ],
)
def test_bounds_of_the_system(run, source, said):
    printed, reason = run(source)
    assert said in printed and reason is None


def test_the_number_of_processes(run, request):
    printed, reason = run("import os, time\nwhile True: os.fork() or time.sleep(99)")
    if "without" in request.node.name and os.geteuid() == 0:
        assert reason == "processes"  # which the system itself does not bound for root
    else:
        assert "Resource temporarily unavailable" in printed and reason is None


@pytest.mark.parametrize(
    "source, reason",
    [
        ("import time\ntime.sleep(99)", "deadline"),
        ("import signal, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(99)", "deadline"),
        ("import mmap, time\nm = mmap.mmap(-1, 2**31)\nfor i in range(2**19): m[i << 12] = 1\ntime.sleep(9)", "memory"),
        ("import os, time\nfor _ in range(4):\n    if not os.fork(): kept = b'x' * 2**28; time.sleep(9)\ntime.sleep(9)",
         "memory"),
    ],
)
def test_what_is_killed_from_outside(run, source, reason):
    began = time.monotonic()
    assert run(source, seconds=4)[1] == reason
    assert time.monotonic() - began < 8


def test_the_one_writable_folder_is_watched(run, tmp_path):
    place = tmp_path / "sockets"
    place.mkdir()
    source = f"import time\nopen({str(place)!r} + '/x', 'wb').write(bytes(2**22))\ntime.sleep(99)"
    assert run(source, writable=place)[1] == "disk"


def test_nothing_outlives_it(run):
    mark = f"sleeping-{os.getpid()}-{time.monotonic_ns()}"
    source = f"""
        import os, subprocess, sys
        for _ in range(3):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)  # {mark}"], start_new_session=True)
        os._exit(0)
    """
    run(source)
    time.sleep(0.5)
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if mark.encode() in command and b"bwrap" not in command]


def test_forks_are_not_counted_twice(run):
    """Pages that forks share are one memory."""
    source = """
        import os, time
        kept = bytearray(b"x" * 2**27)
        for _ in range(8):
            if not os.fork():
                time.sleep(3)
                os._exit(0)
        time.sleep(3)
        print("done")
    """
    assert run(source) == ("done\n", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else · 只有 root 能换成别的用户")
def test_as_an_ordinary_user(tmp_path):
    python = Path(sys.executable).resolve()
    if any(not parent.stat().st_mode & 0o001 for parent in [*python.parents, *Path(sys.prefix).parents, *ROOT.parents]):
        pytest.skip("this Python lies in a folder that is closed to others · 这个 Python 在别的用户进不去的文件夹里")
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'classroom')!r})\n"
        "from sandbox import Limits, Sandbox\n"
        "command = [sys.executable, '-c', 'import os; print(os.getuid(), os.listdir())']\n"
        "with Sandbox(command, Limits(), 20) as box: box.wait()\n"
    )
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, **nobody)
    assert run.stdout == "1000 []\n", run.stderr


def test_without_bubblewrap_it_says_what_to_install(tmp_path):
    for name in ("python3", "env"):
        (tmp_path / name).symlink_to(sys.executable if name == "python3" else "/usr/bin/env")
    command = [sys.executable, "classroom/grade.py", "prepare", "--assignment", "forward", "--submissions", ".",
               "--out", str(tmp_path / "out"), "--shards", "1"]
    refused = subprocess.run(command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert refused.returncode == 1 and not (tmp_path / "out").exists()
    assert refused.stderr.count("\n") == 1 and "apt install bubblewrap" in refused.stderr
    assert "批改需要 bubblewrap" in refused.stderr and "--unsafe" in refused.stderr


@pytest.mark.parametrize("given", ["2G", "[]", '{"memory": "2G"}', '{"seconds": 0}', '{"hours": 1}', '{"disk": true}'])
def test_limits_that_are_none(given, monkeypatch):
    from sandbox import SandboxError, limits

    monkeypatch.setenv("CLASSROOM_LIMITS", given)
    with pytest.raises(SandboxError, match=r"要写成 JSON.* · .*has to be JSON.*cell_seconds"):
        limits()


@pytest.mark.parametrize("place", [sys.prefix, sys.base_prefix, "/usr/src"])
def test_a_course_that_could_be_read_from_inside(place):
    from sandbox import SandboxError, require_hidden

    require_hidden(ROOT)
    with pytest.raises(SandboxError, match=r"读得到它.* · .*move it elsewhere"):
        require_hidden(Path(place, "course"))


def test_an_error_is_kept_and_cut():
    from kernel import MAX_LINE, MAX_LINES, SandboxedExecute
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook(cells=[
        new_code_cell("print('x' * 2**21)"),
        new_code_cell("raise type('z' * 10**7, (ValueError,), {})('y' * 10**7)"),
        new_code_cell("def deeper():\n    deeper()\ndeeper()"),
    ])
    SandboxedExecute(allow_errors=True).preprocess(notebook, {"metadata": {"path": str(ROOT / "tests")}})
    long, deep = (next(out for out in cell.outputs if out.output_type == "error") for cell in notebook.cells[1:])
    assert long.ename == "z" * MAX_LINE and long.evalue == "y" * MAX_LINE and deep.ename == "RecursionError"
    for error in (long, deep):
        assert len(error.traceback) <= MAX_LINES and max(map(len, error.traceback)) <= MAX_LINE
