"""Grading on a real Slurm: munged, slurmctld and slurmd of the test's own, one node on 127.0.0.1, nothing left behind.

What slurm.sh submits is looked at in test_cluster.py, without one.
"""

import csv
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from conftest import ROOT
from submissions import OFFICIAL
from test_grade import hand_in

pytestmark = pytest.mark.usefixtures("bubblewrap")

SYSTEM_PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
NO_SLURM = (
    "没有装 Slurm（缺 {0}）：Debian 上装 slurm-wlm 和 munge，就会运行这些检查。"
    " · Slurm is not installed ({0} missing): with Debian's slurm-wlm and munge these tests run."
)
SHARDS = 4
CONFIG = """
ClusterName=bottleneck
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny
MpiDefault=none
ReturnToService=2
KillWait=1
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
NodeName=node NodeAddr=127.0.0.1 NodeHostname={host} CPUs=2 RealMemory=16000
PartitionName=all Nodes=node Default=YES State=UP
"""


class Slurm:
    """A cluster of one node with two processors in a folder of its own, which must be short: it holds a socket."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.path = folder / "slurm.conf"
        self.environment = {**os.environ, "SLURM_CONF": str(self.path), "PATH": SYSTEM_PATH}
        with ExitStack() as taken:
            ports = [taken.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in range(2)]
            controller, daemon = (port.getsockname()[1] for port in ports)
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(mode=0o755)
        self.path.write_text(CONFIG.format(
            folder=folder, controller=controller, daemon=daemon, host=socket.gethostname().partition(".")[0],
            user=pwd.getpwuid(os.geteuid()).pw_name,
        ))
        key = folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        munge = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self.munge = [f"--{name}={folder}/munge/{at}" for name, at in munge.items()]

    def begin(self):
        self.start("munged", "--foreground", "--force", *self.munge)
        self.wait((self.folder / "munge" / "socket").exists, 20)
        self.start("slurmctld", "-D")
        self.start_daemon()

    def start_daemon(self):
        self.daemon = self.start("slurmd", "-D", "-N", "node")
        self.wait(lambda: self.ask("sinfo", "--noheader", "--format=%T").startswith(("idle", "mix", "alloc")), 60)

    def start(self, program, *options):
        with open(self.folder / f"{program}.txt", "ab") as log:
            self.started.append(subprocess.Popen(
                [shutil.which(program, path=SYSTEM_PATH), *options], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            ))
        return self.started[-1]

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def wait(self, until, seconds):
        end = time.monotonic() + seconds
        while not until():
            logs = (f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in self.folder.glob("*.txt"))
            assert time.monotonic() < end, "\n".join(logs)
            time.sleep(0.2)

    def submit(self, submissions, out):
        """The command of the page for teachers."""
        done = subprocess.run(
            [ROOT / "classroom/cluster/slurm.sh", "forward", submissions, out, str(SHARDS)], cwd=ROOT,
            env={**self.environment, "PYTHON": sys.executable}, capture_output=True, text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def over(self):
        return not self.ask("squeue", "--noheader").strip()

    def processes(self):
        """Of this cluster, by the configuration that they inherited: its daemons, and tasks with all their children."""
        mark = f"SLURM_CONF={self.path}".encode()
        return [number for number, text in in_proc("environ") if mark in text.split(b"\0")]

    def stop(self):
        if self.processes():  # else nobody would answer
            self.ask("scancel", "--user", str(os.geteuid()))
        for end in (signal.SIGTERM, signal.SIGKILL):
            for number in self.processes():
                try:
                    os.kill(number, end)
                except ProcessLookupError:
                    continue
            limit = time.monotonic() + 10
            while self.processes() and time.monotonic() < limit:
                time.sleep(0.1)
        for program in self.started:
            program.wait(10)
        assert not self.processes()


def in_proc(name):
    """(process id, text) of a file that every process has in /proc, zombies and others' left out."""
    for path in Path("/proc").glob(f"[0-9]*/{name}"):
        try:
            if text := path.read_bytes():
                yield int(path.parent.name), text
        except OSError:
            continue


def tasks(out):
    """Process ids of the shards being graded into `out`."""
    words = ["shard", "--out", str(out)]
    return [number for number, text in in_proc("cmdline") if all(word.encode() in text.split(b"\0") for word in words)]


@pytest.fixture(scope="module")
def slurm(bubblewrap):
    missing = [program for program in PROGRAMS if not shutil.which(program, path=SYSTEM_PATH)]
    if missing:
        pytest.skip(NO_SLURM.format(", ".join(missing)))
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = Slurm(Path(folder))
        try:
            cluster.begin()
            yield cluster
        finally:
            cluster.stop()


def students_of(folder, count):
    names = [f"student{number}" for number in range(count)]
    for name in names:
        hand_in(folder, name)
    wrong = {**OFFICIAL["forward"], "main_path": OFFICIAL["forward"]["main_path"].replace("self.bn2(out)", "out")}
    hand_in(folder, names[-1], wrong)
    return names


def check_marks(out, names):
    """Everybody has what they deserve: the last one's main path lacks a batch norm, and nothing passes with it."""
    logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in (out / "log").glob("*.txt"))
    assert (out / "grades.csv").exists(), logs
    with open(out / "grades.csv", newline="", encoding="utf-8") as file:
        marks = {row["student"]: (row["status"], float(row["score"])) for row in csv.DictReader(file)}
    right = dict.fromkeys(names[:-1], ("graded", 16.0))
    assert {name: marks.get(name) for name in names[:-1]} == right, logs
    assert marks[names[-1]][0] == "graded" and marks[names[-1]][1] < 16 and len(marks) == len(names), marks


def results(out):
    return list((out / "shards").glob("*/results/*"))


def test_an_array_of_four_grades_everybody(slurm, tmp_path):
    names = students_of(tmp_path / "in", 4)
    slurm.submit(tmp_path / "in", tmp_path / "out")
    slurm.wait(slurm.over, 300)
    check_marks(tmp_path / "out", names)
    assert {path.name for path in (tmp_path / "out" / "log").glob("*.txt")} == {
        "merge.txt", *(f"{number}.txt" for number in range(SHARDS))
    }


def test_daemon_and_task_are_killed_and_the_command_given_again(slurm, tmp_path):
    out = tmp_path / "out"
    names = students_of(tmp_path / "in", 6)
    slurm.submit(tmp_path / "in", out)
    slurm.wait(lambda: results(out) and tasks(out), 300)
    os.kill(tasks(out)[0], signal.SIGKILL)
    slurm.daemon.kill()
    slurm.daemon.wait()
    slurm.start_daemon()
    slurm.wait(slurm.over, 300)
    assert not (out / "grades.csv").exists()
    kept = {path: path.stat().st_mtime_ns for path in results(out)}

    slurm.submit(tmp_path / "in", out)
    slurm.wait(slurm.over, 300)
    check_marks(out, names)
    assert kept and {path: path.stat().st_mtime_ns for path in kept} == kept  # what was done stayed done


def test_nothing_of_a_cluster_stays(slurm):
    """Stops this module's own: it comes last."""
    assert slurm.processes()
    slurm.stop()
    assert not slurm.processes()
