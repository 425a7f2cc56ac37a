"""The sandbox from inside: what a student's code can see and do, as root and as an ordinary user."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest
from conftest import ROOT, comes_to

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


def test_the_machine_s_own_files_are_never_counted_as_written_by_a_sandbox_that_starts():
    """However early it is looked at: the watcher once took the whole machine's files for a student's."""
    import sandbox

    counts, end = [], time.monotonic() + 3
    while time.monotonic() < end:
        with sandbox.Sandbox(["true"], sandbox.limits(), 20, stdout=subprocess.DEVNULL) as box:
            first = None
            while box.process.poll() is None:
                first = first or next(iter(sandbox.family(box.process.pid)), None)
                counts.append(sandbox.files_written(first) if first else 0)
    assert len(counts) > 100 and max(counts) < 100


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


LEFT_BEHIND = """
import ctypes, errno, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
def failing(call):
    try:
        return call() >= 0
    except OSError as error:
        return error.errno == errno.ENOSYS or errno.errorcode[error.errno]
found = {
    "memfd": failing(lambda: os.memfd_create("x")),
    "segment": libc.shmget(0, 2**26, 0o1600), "semaphores": libc.semget(0, 32000, 0o600),
    "queue": libc.msgget(0, 0o1600),
    "namespaces": libc.unshare(0x10020000), "mount": libc.mount(b"x", b"/tmp", b"tmpfs", 0, None),
    "clone": libc.syscall(CLONE, 0x10000000 | 17, 0, 0, 0, 0),
}
assert found.pop("memfd") is True and set(found.values()) == {-1}, found
families = []
for family in range(46):
    for kind in (1, 2, 3, 5):
        try:
            families += [socket.socket(family, kind).family]
        except OSError:
            pass
assert set(families) <= {1, 2, 10, 16}, families
assert os.fork() or os._exit(0)
print(os.wait()[1])
"""


def test_no_memory_that_is_nobodys_and_no_way_out_of_its_namespaces(run):
    """A nested namespace has file systems of its own, and a virtual machine's host answers at sockets of a kind."""
    import system_calls

    _, column = system_calls.MACHINES[os.uname().machine]
    assert run(LEFT_BEHIND.replace("CLONE", str(system_calls.CLONE[column]))) == ("0\n", None)


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
        ("import os, time\nfor n in range(10**6): os.close(os.open(f'/tmp/{n}', os.O_CREAT))\ntime.sleep(9)", "disk"),
        ("import os, socket, time\nfor _ in range(5): os.fork()\nkept = [socket.socket() for _ in range(900)]\n"
         "time.sleep(9)", "processes"),
    ],
)
def test_what_is_killed_from_outside(run, source, reason):
    began, seconds = time.monotonic(), 4 if reason == "deadline" else 60  # to fill memory takes a busy machine long
    assert run(source, seconds=seconds)[1] == reason
    assert time.monotonic() - began < seconds + 4


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

    def left():
        commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        return [command for command in commands if mark.encode() in command and b"bwrap" not in command]

    assert comes_to([], left) == []


def test_nothing_outlives_one_that_is_killed_while_it_is_made():
    """What is left would keep its pipes open, and whoever reads them waiting."""
    import sandbox

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    for number in range(20):
        with sandbox.Sandbox([sys.executable, "-c", ""], sandbox.Limits(), 20, **pipes) as box:
            time.sleep(number / 2000)
            box.kill("deadline")
            ended, _, _ = select.select([box.process.stdout], [], [], 5)
            assert ended, number


@pytest.mark.parametrize("kept", ['bytearray(b"x" * 2**27)', "[socket.socket() for _ in range(900)]"])
def test_forks_are_not_counted_twice(run, kept):
    """Pages that forks share are one memory, and a file that they share is one file."""
    source = f"""
        import os, socket, time
        kept = {kept}
        for _ in range(8):
            if not os.fork():
                time.sleep(3)
                os._exit(0)
        time.sleep(3)
        print("done")
    """
    assert run(source) == ("done\n", None)


SEEN = """
import ctypes, json, os, sys
marks = [bytes.fromhex(mark) for mark in MARKS]
files, found = 0, []
for place in ("/proc", "/sys", "/etc", "/dev", "/tmp", "/run", "/opt/student/environment/pyvenv.cfg"):
    for folder, folders, names in os.walk(place):
        for path in [os.path.join(folder, name) for name in folders + names]:
            told = os.fsencode(path)
            try:
                told += os.readlink(os.fsencode(path)) if os.path.islink(path) else b""
                if os.path.isfile(path):
                    told += open(path, "rb").read(2**24)
            except OSError:
                pass
            files += 1
            found += [path for mark in marks if mark in told]
told = b" ".join(os.fsencode(part) for item in os.environ.items() for part in item)
told += os.fsencode(" ".join([*sys.argv[1:], os.getcwd(), sys.executable, sys.prefix, *sys.path, *os.uname()]))
found += ["python" for mark in marks if mark in told]
libc = ctypes.CDLL(None, use_errno=True)
shut = {call: libc.syscall(call, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() for call in CALLS}
set_caps = [libc.prctl(23, cap) for cap in range(40)]
print(json.dumps({"files": files, "found": found, "shut": shut, "name": os.uname().nodename, "uid": os.getuid(),
                  "caps": sum(max(0, cap) for cap in set_caps), "processes": os.path.exists("/proc/1")}))
"""


def what_is_seen(marks):
    """A program for the sandbox that looks everywhere for what only outside can know."""
    import system_calls

    calls = system_calls.shut_on(os.uname().machine)
    marks = [os.fsencode(mark).hex() for mark in marks]
    return SEEN.replace("MARKS", repr(marks)).replace("CALLS", repr(calls))


def check_seen(printed):
    import errno

    seen = json.loads(printed)
    assert seen["files"] > 20 and seen["found"] == []
    assert seen["name"] == "student" and not seen["processes"] and seen["uid"]
    assert set(seen["shut"].values()) == {errno.ENOSYS}, seen["shut"]


def test_nothing_of_outside_is_seen(run, tmp_path, monkeypatch):
    """Neither environment nor command line nor the names of folders nor this machine's, by any way of /proc."""
    monkeypatch.setenv("CLASSROOM_TOKEN", "geheim-Zwiebelfisch")
    monkeypatch.setenv("USER", "lehrer-Zwiebelfisch")
    folder = tmp_path / "王老师-Zwiebelfisch"
    folder.mkdir()
    (folder / "data.txt").write_text("mine")
    # No number: the counters of /proc come to any number by chance.
    marks = ["Zwiebelfisch", "王老师", str(tmp_path), tmp_path.name, str(ROOT), str(Path.home() / ".cache")]
    printed, _ = run(what_is_seen(marks), folder=folder, walks=True)
    check_seen(printed)


def test_matplotlib_finds_its_fonts_and_a_place(run, tmp_path, monkeypatch):
    """Without a word on standard error, for which a test cell loses its marks."""
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    env = {**os.environ, "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True, env=env)
    cache, = tmp_path.glob("fontlist-*.json")
    fonts = json.loads(cache.read_text())
    fonts["ttflist"].append({**fonts["ttflist"][0], "fname": "/home/lehrer/secret.ttf"})
    cache.write_text(json.dumps(fonts))
    source = """
        import os, matplotlib.font_manager
        place = os.path.expanduser("~/.cache/matplotlib")
        cache, = os.listdir(place)
        print(len(matplotlib.font_manager.fontManager.ttflist), "lehrer" in open(f"{place}/{cache}").read())
    """
    import inside

    inside.font_caches.cache_clear()
    assert run(source)[0] == f"{len(fonts['ttflist']) - 1} False\n"
    inside.font_caches.cache_clear()


def test_packages_do_not_tell_where_they_are_outside(run):
    """As pip notes it: this checkout is installed so that it can be edited."""
    import linewalk

    installed = [path for path in map(Path, sys.path) if any(path.glob("linewalk-*.dist-info/direct_url.json"))]
    if not installed:
        pytest.skip(f"{linewalk.__file__}")
    source = """
        import pathlib, sys
        for folder in map(pathlib.Path, sys.path):
            for pattern in ("*.pth", "__editable__*", "*.dist-info/direct_url.json"):
                for path in folder.glob(pattern):
                    print(path.name, path.read_text())
    """
    printed, _ = run(source)
    assert "direct_url.json" in printed and str(ROOT) not in printed


def test_the_first_process_is_not_bubblewrap_if_it_may_be_read(run, tmp_path):
    """Its memory holds the arguments that it was given."""
    import psutil
    import sandbox

    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with sandbox.Sandbox(command, sandbox.Limits(), 20, **pipes) as box:
        box.process.stdout.readline()  # it is there
        inside = [process for process in sandbox.family(box.process.pid) if process.name() != "bwrap"]
        readers = {process.uids().real for process in inside}
        read = [process for process in sandbox.family(box.process.pid) if process.uids().real in readers]
        assert inside and "bwrap" not in [process.name() for process in read]
        outer = psutil.Process(box.process.pid)
        assert outer.cmdline()[1] == "--args" and str(ROOT) not in " ".join(outer.cmdline()) and not outer.environ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else · 只有 root 能换成别的用户")
def test_as_an_ordinary_user(tmp_path):
    def closed(path):
        return any(not parent.stat().st_mode & 0o001 for parent in Path(path).parents)

    packages = os.path.dirname(os.path.dirname(__import__("psutil").__file__))
    pythons = [python for python in (os.path.realpath(sys.executable), "/usr/bin/python3") if os.path.exists(python)]
    pythons = [python for python in pythons if not closed(python)]
    if not pythons or closed(packages) or closed(ROOT / "classroom"):
        pytest.skip("Python or this checkout is closed to other users · 别的用户进不去 Python 或仓库所在的文件夹")
    script = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'classroom')!r}, {packages!r}]\n"
        "from sandbox import Limits, Sandbox\n"
        "with Sandbox([sys.executable, '-c', sys.stdin.read()], Limits(), 20) as box: box.wait()\n"
    )
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
    program = what_is_seen(["Zwiebelfisch", str(ROOT)]) + "\nassert (os.getuid(), os.listdir()) == (1000, [])"
    run = subprocess.run(
        [pythons[0], "-c", script], input=program, capture_output=True, text=True, **nobody,
        env={"PATH": os.environ["PATH"], "CLASSROOM_TOKEN": "geheim-Zwiebelfisch", "HOME": "/nonexistent"},
    )
    assert run.stdout, run.stderr
    check_seen(run.stdout)


def clone(folder):
    """A checkout in a folder, as far as grading needs it, with an environment of its own; its Python."""
    import sysconfig
    import venv

    folder.mkdir(parents=True)
    for name in ("classroom", "linewalk"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "release"))
    venv.create(folder / ".venv", symlinks=True, with_pip=False)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder / ".venv")}))
    (own / "packages.pth").write_text(sysconfig.get_path("purelib"))
    return folder / ".venv" / "bin" / "python"


STARTS = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
import sandbox
program = "import importlib.util, safetensors; print(bool(importlib.util.find_spec('linewalk')))"
for drops in (sandbox.drops_root, lambda: False):
    sandbox.drops_root = drops
    with sandbox.Sandbox([sys.executable, "-c", program], sandbox.limits(), 30, walks=True) as box: box.wait()
"""


@pytest.mark.parametrize("name", ["有 空格/仓库", "y" * 200 + "/" + "/".join(["z" * 200] * 14), "link", "shm"])
def test_a_checkout_anywhere(name, tmp_path):
    place = tmp_path / name
    if name == "shm":
        place = Path(tempfile.mkdtemp(dir="/dev/shm")) / "checkout"
    try:
        python = clone(place)
        if name == "link":
            place.rename(tmp_path / "real")
            place.symlink_to(tmp_path / "real")
        run = subprocess.run([python, "-c", STARTS, str(place / "classroom")], capture_output=True, text=True, cwd="/")
        assert run.stdout == "True\nTrue\n", run.stdout + run.stderr
    finally:
        if name == "shm":
            shutil.rmtree(place.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount · 只有 root 能挂载")
@pytest.mark.parametrize("place", ["/home/student", "/opt/student/environment", "/mnt/disk", "/submission"])
def test_a_checkout_where_the_sandbox_has_something_itself(place, tmp_path):
    python = clone(tmp_path / "checkout")
    if not (top := Path("/", Path(place).parts[1])).exists():
        pytest.skip(f"{top}")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("unshare -m")
    moved = f"{place}/{python.relative_to(tmp_path / 'checkout')}"
    script = 'mount -t tmpfs none "$0" && mkdir -p "$1" && mount --bind "$2" "$1" && exec "$3" -c "$4" "$1/classroom"'
    command = ["unshare", "-m", "sh", "-c", script, str(top), place, str(tmp_path / "checkout"), moved, STARTS]
    run = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert run.stdout == "True\nTrue\n", run.stdout + run.stderr


def test_grading_from_a_checkout_below_tmp(tmp_path):
    """And with folders for temporary files whose path no socket could have."""
    checkout, temporary = tmp_path / "有 空格", tmp_path / ("t" * 120)
    clone(checkout)
    temporary.mkdir()
    shutil.rmtree(checkout / ".venv")
    (checkout / ".venv").symlink_to(sys.prefix)
    submissions = tmp_path / "收到的"
    submissions.mkdir()
    shutil.copy(ROOT / "classroom" / "source" / "forward" / "forward.ipynb", submissions / "alice.ipynb")
    command = [checkout / ".venv/bin/python", checkout / "classroom/grade.py", "all", "--assignment", "forward",
               "--submissions", submissions, "--out", tmp_path / "成绩 1", "--shards", "1"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "alice,forward,graded,16,20" in (tmp_path / "成绩 1" / "grades.csv").read_text(encoding="utf-8")


@pytest.fixture
def broken_later(tmp_path, monkeypatch):
    """A bubblewrap that answers when it is tried and fails when it is used."""
    real = shutil.which("bwrap")
    fake = tmp_path / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase "$1" in --args) echo "bwrap: no more" >&2; exit 1;; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")


def test_grading_refuses_where_python_does_not_start(broken_later, tmp_path):
    command = [sys.executable, "classroom/grade.py", "prepare", "--assignment", "forward", "--submissions", ".",
               "--out", str(tmp_path / "out"), "--shards", "1"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 1 and not (tmp_path / "out").exists()
    assert refused.stderr.count("\n") == 1 and "bwrap: no more" in refused.stderr, refused.stderr
    assert "沙箱里的 Python 没有启动" in refused.stderr and " · Python did not start in the sandbox" in refused.stderr


def test_a_kernel_that_does_not_come_up_is_no_students_fault(broken_later, tmp_path, monkeypatch):
    from kernel import SandboxedExecute
    from nbformat.v4 import new_code_cell, new_notebook
    from sandbox import SandboxError

    monkeypatch.setenv("CLASSROOM_REPORT", str(tmp_path / "report"))
    notebook = new_notebook(cells=[new_code_cell("1")])
    with pytest.raises(SandboxError, match=r"没有启动.* · .*did not start"):
        SandboxedExecute().preprocess(notebook, {"metadata": {"path": str(ROOT / "tests")}})
    assert not (tmp_path / "report").exists()


def test_a_sandbox_that_something_else_kills(tmp_path):
    """Neither the student nor a limit: who grades again goes on."""
    import sandbox

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with sandbox.Sandbox([sys.executable, "-c", "print(1, flush=True); input()"], sandbox.Limits(), 20, **pipes) as box:
        box.process.stdout.readline()
        box.process.kill()
        box.wait()
        assert box.is_lost()
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    with sandbox.Sandbox([sys.executable, "-c", source], sandbox.Limits(), 20) as box:
        box.wait()
        assert not box.is_lost() and box.process.returncode == 128 + 9


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
