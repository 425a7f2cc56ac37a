"""What `make serve`, `make lab` and `make class` start ends with its terminal. (`make live`: test_live.py)"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from conftest import ROOT
from test_live import Terminal, free_port, left


@pytest.mark.parametrize("how", ["closed", "parent killed", "told to"])
def test_a_command_ends_with_its_terminal(how):
    command = f"{shlex.quote(sys.executable)} book/lifetime.py sh -c 'echo ready; exec sleep 99' & wait"
    with Terminal(["sh", "-c", command], ROOT) as terminal:
        terminal.read("(ready)")
        started = terminal.processes()
        if how == "closed":
            terminal.close()
        elif how == "parent killed":
            started[0].kill()
        else:
            started[1].terminate()
        assert not left(started[1:], 10)


def test_a_command_says_how_it_ended():
    for code, text in ((0, "exit 0"), (3, "exit 3"), (128 + 9, "kill -9 $$")):
        assert subprocess.run([sys.executable, ROOT / "book" / "lifetime.py", "sh", "-c", text]).returncode == code


@pytest.fixture
def class_folder(tmp_path):
    pytest.importorskip("jupyterhub")
    own = ROOT / "_build" / "hub"
    (tmp_path / "host.txt").touch()  # as a full disk may have left it
    if (own / "node_modules").exists():
        (tmp_path / "proxy").mkdir()
        (tmp_path / "proxy" / "node_modules").symlink_to(own / "node_modules")
    return tmp_path


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_class_ends_with_its_terminal(class_folder, how):
    """The hub and its proxy, too, which are in sessions of their own."""
    port = free_port()
    command = [sys.executable, "classroom/hub/try_out.py", "--port", str(port), "--folder", str(class_folder)]
    with Terminal(command, ROOT) as terminal:
        terminal.read(r"bob +(\S+)")
        started = terminal.processes()
        assert len(started) > 3, "the class, what watches over the hub, the hub, its proxy"
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60)
        assert second.returncode == 1 and re.search(rf"http://class-\w+\.localhost:{port}/", second.stderr)
        assert "已经有一个班" in second.stderr and "A class is open" in second.stderr
        if how == "closed":
            terminal.close()
        else:
            os.kill(terminal.pid, signal.SIGKILL)
        assert not left(started, 60)


# What was killed is swept away by the next


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "book")
from sockets import socket_folder
with socket_folder() as folder:
    Path(folder, "kernel-1").touch()
    print(folder, flush=True)
    if sys.argv[1:] == ["killed"]:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def test_folders_of_sockets_are_swept_when_their_owner_is_gone(tmp_path):
    def start(*how):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, "-c", KILLED, *how], cwd=ROOT, **pipes)
        return process, Path(process.stdout.readline().strip())

    other, link = Path("/tmp/lw-of-somebody"), Path("/tmp/lw-link")
    other.mkdir(exist_ok=True)
    (other / "file").touch()
    (tmp_path / ".in-use").touch()
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path)
    running, its = start()
    killed, left_behind = start("killed")
    killed.wait()
    assert left_behind.exists() and its.exists()
    next_one, own = start()
    assert not left_behind.exists() and its.exists() and own.exists()
    assert (other / "file").exists() and (tmp_path / ".in-use").exists(), "nothing that is not its own"
    for process in (running, next_one):
        process.communicate()
    assert not its.exists() and not own.exists()
    shutil.rmtree(other)
    link.unlink()


# A port that cannot be had


@pytest.mark.parametrize(
    ("script", "host"),
    [("book/serve.py", "127.0.0.1"), ("classroom/hub/try_out.py", "127.0.0.1"), ("classroom/hub/try_out.py", "::1")],
)
def test_a_port_that_is_taken(script, host, tmp_path):
    folder = ["--folder", str(tmp_path)] if "hub" in script else []
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, script, "--port", str(port), *folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 1 and not done.stdout
    name = "make class" if folder else "make serve"
    assert re.fullmatch(
        rf"Port {port} cannot be had.*{name} PORT=\d+\n端口 {port} 不能用.*{name} PORT=\d+\n", done.stderr
    )


def test_a_class_without_a_place_says_so(tmp_path):
    (tmp_path / "class").touch()
    command = [sys.executable, "classroom/hub/try_out.py", "--folder", str(tmp_path / "class")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert re.match(f"这里要的是文件夹.* · A file has the name of a folder.*{tmp_path}", done.stderr)


def test_a_class_whose_hub_does_not_start_says_so_in_a_sentence(class_folder):
    (class_folder / "hub.sqlite").write_bytes(b"no database at all" * 100)
    command = [sys.executable, "classroom/hub/try_out.py", "--port", str(free_port()), "--folder", str(class_folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=180)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert re.match(r"JupyterHub 没有启动（.*is not a database.*log\.txt.* · JupyterHub did not start", done.stderr)


@pytest.mark.parametrize(("options", "named"), [("size=8k", "disk is full"), ("ro", "read-only")])
@pytest.mark.parametrize("place", ["home", "notebooks"])
def test_lab_says_where_it_can_keep_nothing(tmp_path, options, named, place):
    """In a sentence: Jupyter's own words are tracebacks of a hundred lines."""
    for folder in ("book", "notebooks", "home"):
        (tmp_path / folder).mkdir()
    for name in ("lab.py", "troubles.py"):
        shutil.copy(ROOT / "book" / name, tmp_path / "book")
    mount = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {options} none {place} && exec "$@"', "sh"]
    if subprocess.run([*mount, "true"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("No file system can be mounted here · 这里不能挂载文件系统")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    done = subprocess.run(
        [*mount, sys.executable, "book/lab.py"], cwd=tmp_path, env={**bare, "HOME": str(tmp_path / "home")},
        capture_output=True, text=True, encoding="utf-8", timeout=60,
    )
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert re.search(f"[㐀-鿿].* · .*{named}.*/{place}", done.stderr)


def test_serve_shows_the_site(tmp_path):
    port = free_port()
    command = [sys.executable, "book/serve.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as serve:
        assert serve.stdout.readline() == f"http://127.0.0.1:{port}/  (Ctrl+C)\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.status == 200
        serve.send_signal(signal.SIGINT)
        assert serve.wait(10) == 0


# What is being used is not cleaned away


BUILDING = """
import sys, time
sys.path.insert(0, "book")
import build
with build.only_build():
    print("building", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["live", "serve", "book"])
def test_clean_says_what_runs_and_leaves_it(tmp_path, name):
    for folder in ("book", "_build/html", "_build/class", "_build/work", "notebooks", "assignments", "linewalk"):
        (tmp_path / folder).mkdir(parents=True)
    for path in (ROOT / "book").glob("*.py"):
        shutil.copy(path, tmp_path / "book")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for file in ("_build/html/index.html", "_build/class/marks", "_build/work/x"):
        (tmp_path / file).touch()
    command = {
        "live": ["book/live.py", "--no-open"],
        "serve": ["book/serve.py", f"--port={free_port()}"],
        "book": ["-c", BUILDING],
    }
    clean = ["make", "clean", f"PYTHON={sys.executable}"]
    with subprocess.Popen([sys.executable, *command[name]], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline()
        done = subprocess.run(clean, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
        running.terminate()
    assert done.returncode and re.match(f"make {name} 正在.* · make {name} is running", done.stderr), done.stderr
    assert (tmp_path / "_build" / "work" / "x").exists()
    subprocess.run(clean, cwd=tmp_path, check=True)
    left = [path for path in (tmp_path / "_build").rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert left == [tmp_path / "_build" / "class" / "marks"] and not (tmp_path / "assignments").exists()
