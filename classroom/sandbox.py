"""Runs students' code inside bubblewrap, and watches it from outside.

    python classroom/sandbox.py CONNECTION_FILE      an IPython kernel; its kernelspec calls this

No network, own processes, and a file system of its own: inside.py.
What the kernel bounds by itself (memory and CPU of one process, number of processes, sizes of files) it bounds; the
rest (memory of all processes together, numbers of files, the writable places, the wall clock) is looked at from
outside, several times a second, and what goes over a limit is killed as a whole. The reason is left where
CLASSROOM_REPORT says.
"""

import functools
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import inside
import psutil
from inside import HOME, PYTHON, ROOT, Inside

POLL_SECONDS = 0.05
LOOK_EVERY = 4  # polls
READER_GROWTH = 240 * 2**20
MAX_FILES = 20_000  # in each writable place; each takes memory that is counted nowhere else
MAX_OPEN, MAX_OPEN_IN_ALL = 1024, 4096  # files and sockets of one process, and of all; what a socket holds is the same
KERNEL_SIDE = Path(__file__).with_name("kernel_side.py")
NEEDED = sum(1 << number for number in (0, 1, 5, 6, 7, 21))  # chown, dac_override, kill, setgid, setuid, sys_admin
LOST = "lost"  # reported of a sandbox that something else has killed
START_SECONDS = 60  # of Python and torch, before anything of the student's runs


class SandboxError(Exception):
    """There is no sandbox here, which no student is to blame for; the text says what to do."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use; CLASSROOM_LIMITS, a JSON object of these names, changes it.

    memory: bytes, of all its processes together, and of each one. disk: bytes in each writable place.
    processes: threads count as such. seconds: of the whole notebook, from the start of its kernel.
    cell_seconds: of one cell. check_seconds: of the whole second check.
    """

    memory: int = 2 * 2**30
    disk: int = 128 * 2**20
    processes: int = 128
    seconds: int = 240
    cell_seconds: int = 30
    check_seconds: int = 60


def limits():
    names = [field.name for field in fields(Limits)]
    try:
        given = json.loads(os.environ.get("CLASSROOM_LIMITS", "{}"))
        if not all(name in names and type(value) is int and value > 0 for name, value in given.items()):
            raise ValueError
    except (ValueError, AttributeError):
        raise SandboxError(
            'CLASSROOM_LIMITS 要写成 JSON，例如 {"seconds": 600}，值是正整数，'
            f"名字有 {'、'.join(names)}。 · "
            'CLASSROOM_LIMITS has to be JSON such as {"seconds": 600}, with whole numbers above 0, for the names '
            f"{', '.join(names)}."
        ) from None
    return Limits(**given)


def main():
    """A kernel in the sandbox, until it ends or is killed; a student's folder is the current one."""
    connection_file = Path(sys.argv[1])
    sockets = connection_file.parent
    bounds = limits()
    # Not from the current folder, which is the student's.
    kernel = [PYTHON, "-P", "-c", KERNEL_SIDE.read_text(encoding="utf-8"), "-f", str(connection_file)]
    kernel.append("--HistoryManager.enabled=False")
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    places = {"folder": Path.cwd(), "writable": sockets, "walks": True}
    asked = []
    with Sandbox(kernel, bounds, bounds.seconds, **places, parent=os.getppid(), **quiet) as sandbox:
        signal.signal(signal.SIGTERM, lambda *_: (asked.append(True), sandbox.kill()))
        status = sandbox.wait()
    reason = sandbox.reason or (LOST if sandbox.is_lost() and not asked else None)
    if reason not in (None, "orphaned") and (report := os.environ.get("CLASSROOM_REPORT")):
        Path(report).write_text(reason, encoding="utf-8")
    sys.exit(status and 1)


class Sandbox:
    """One program in a sandbox of its own, watched by a thread; `with` kills what is left of it at the end.

    command: the program and its arguments. bounds: its Limits. seconds: the wall clock it has.
    folder: what it may read, or None. writable: an empty folder that it may write to, or None.
    walks: whether linewalk can be imported. hidden: further packages that cannot.
    parent: the process that reads what it sends; it ends with that one, and when that one's memory grows too much.
    **pipes: stdin, stdout, … as subprocess.Popen takes them.
    `reason` is None or why it was killed: "deadline", "memory", "disk", "processes", "messages" or "orphaned".
    """

    def __init__(
        self, command, bounds, seconds, folder=None, writable=None, walks=False, hidden=(), parent=None, **pipes
    ):
        self.bounds = bounds
        self.writable = writable
        self.reason = None
        self.parent = parent
        self.parent_memory = resident_of(parent)
        self.deadline = time.monotonic() + seconds
        self.process = start(command, bounds, seconds, folder, writable, walks, hidden, pipes)
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.wait()
        self.watcher.join()

    def wait(self):
        return self.process.wait()

    def kill(self, reason=None):
        if self.process.poll() is None:
            self.reason = self.reason or reason
            # The end of bubblewrap is the end of its process namespace, but not while it still makes one: it is held
            # first, so that it has no child afterwards which nobody has seen.
            hold(self.process.pid)
            for process in family(self.process.pid):
                with suppress(psutil.Error):
                    process.kill()
            self.process.kill()

    def is_lost(self):
        """Whether bubblewrap was killed by something else: nothing inside can do that."""
        return self.process.poll() is not None and self.process.returncode < 0 and self.reason is None and not unsafe()

    def watch(self):
        try:
            for number in itertools.count():
                if self.process.poll() is not None:
                    break
                if reason := self.overfed() or (number % LOOK_EVERY == 0 and self.exceeded()):
                    self.kill(reason)
                time.sleep(POLL_SECONDS)
        finally:
            self.kill()  # nothing runs unwatched

    def overfed(self):
        """Whatever is sent, by whatever channel, and before it is anything that could be counted."""
        return "messages" if resident_of(self.parent) > self.parent_memory + READER_GROWTH else None

    def exceeded(self):
        if time.monotonic() > self.deadline:
            return "deadline"
        if self.parent not in (None, os.getppid()):
            return "orphaned"
        processes = family(self.process.pid)
        if sum(map(threads, processes)) > 2 * self.bounds.processes:
            return "processes"
        # Forks share what was open before, which only the slower way of counting counts once.
        if sum(map(opened, processes)) > MAX_OPEN_IN_ALL < len(set().union(*map(files_of, processes))):
            return "processes"
        # Forks share pages, which only the slower way of counting divides among them.
        if sum(map(resident, processes)) > self.bounds.memory and sum(map(own_share, processes)) > self.bounds.memory:
            return "memory"
        if self.writable and folder_size(self.writable) > 2**20:
            return "disk"
        if processes and files_written(processes[0]) > MAX_FILES:
            return "disk"
        return None


def start(command, bounds, seconds, folder, writable, walks, hidden, pipes):
    """The process of `command` in a sandbox; in there this Python is called what it is called there."""
    if unsafe():
        environment = environment_of(PYTHON, str(ROOT) if walks else "")
        bounded = limited(command, bounds, seconds) if shutil.which("prlimit") else command  # only Linux has it
        return popen(["env", *(f"{name}={value}" for name, value in environment.items()), *bounded], **pipes)
    require_bubblewrap()
    if os.path.abspath(command[0]) == PYTHON:
        command = [inside.executable(), *command[1:]]
    command = limited(command, bounds, seconds)
    if drops_root():
        uid = own_uid()
        if writable:
            hand_over(writable, uid)
        dropped = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
        user, command = [], [*dropped, "--inh-caps=-all", "--bounding-set=-all", *command]
    else:
        uid = 1000
        # bubblewrap would stay as the first process, and its memory, with all these arguments, be the student's to
        # read. A shell takes its place and does what a first process has to do.
        user = ["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--as-pid-1"]
        command = ["sh", "-c", '"$@"; exit "$?"', "sh", *command]
    files = Inside(bounds, uid, folder, writable, walks, hidden)
    arguments = [*namespaces(), "--die-with-parent", "--new-session", "--clearenv", "--hostname", "student", *user]
    for name, value in environment_of(inside.executable(), inside.search_path(walks)).items():
        arguments += ["--setenv", name, value]
    try:
        # Neither its environment nor its command line tells anything, to those inside or to others on this machine.
        given = files.file(b"\0".join(map(os.fsencode, [*arguments, *files.arguments])))
        called = [shutil.which("bwrap"), "--args", str(given), "--", *command]
        return popen(called, env={}, pass_fds=files.files, **pipes)
    finally:
        files.close()


def popen(command, **options):
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise SandboxError(
            f"沙箱没有启动（{error.strerror}），请看这台机器的内存和进程数够不够，再运行一次会接着做。 · "
            f"The sandbox did not start ({error.strerror}): see whether this machine has memory and processes left, "
            "then run again to go on."
        ) from None


def limited(command, bounds, seconds):
    return [
        "prlimit",
        f"--data={bounds.memory}",
        f"--fsize={bounds.disk}",
        f"--cpu={int(seconds)}",
        f"--nproc={bounds.processes}",
        f"--nofile={MAX_OPEN}",
        "--core=0",
        *command,
    ]


def environment_of(python, search_path):
    return {
        "PATH": f"{Path(python).parent}:/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"PYTHONPATH": search_path} if search_path else {}),
    }


def namespaces():
    user = [] if drops_root() else ["--unshare-user"]
    return [*user, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]


def require_hidden(path):
    """Raises SandboxError where a folder of the teacher's lies in one that students' code may read."""
    for place in inside.sources():
        if Path(path).resolve().is_relative_to(place):
            raise SandboxError(
                f"{path} 在 {place} 里面，沙箱里的代码读得到它：请移到别的地方。 · "
                f"{path} lies inside {place}, which code in the sandbox can read: move it elsewhere."
            )


@functools.cache
def require_python():
    """`try_python`, once a process."""
    try_python()


def try_python():
    """Raises SandboxError where this Python does not start in the sandbox with what grading needs."""
    program = "import ipykernel.kernelapp, safetensors.torch; print('started')"
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with Sandbox([PYTHON, "-c", program], limits(), START_SECONDS, **pipes) as sandbox:
        said = sandbox.process.stdout.read().decode(errors="replace").strip().splitlines()
        sandbox.wait()
    if said[-1:] != ["started"]:
        last = sandbox.reason or (said[-1] if said else f"exit status {sandbox.process.returncode}")
        raise SandboxError(
            f"沙箱里的 Python 没有启动（{PYTHON}：{last[:300]}）："
            "请用 make 建的环境，或者换一个放 Python 和它的库的地方。 · "
            f"Python did not start in the sandbox ({PYTHON}: {last[:300]}): use the environment that make sets up, or "
            "put Python and its packages elsewhere."
        )


def socket_folder():
    """A folder for folders of sockets, whose paths have at most 107 characters."""
    places = ("/tmp", "/dev/shm", "/var/tmp", tempfile.gettempdir())
    return next((place for place in places if os.access(place, os.W_OK | os.X_OK)), places[-1])


def unsafe():
    return os.environ.get("CLASSROOM_UNSAFE") == "1"


@functools.cache
def require_bubblewrap():
    """Raises SandboxError where bubblewrap is missing, too old or may not do its work, or cannot hide the course."""
    require_hidden(ROOT)
    found = shutil.which("bwrap")
    version = subprocess.run(["bwrap", "--version"], capture_output=True, text=True).stdout if found else "0.0"
    if tuple(map(int, re.search(r"(\d+)\.(\d+)", version).groups())) < (0, 7):
        raise SandboxError(
            "批改需要 bubblewrap 0.7 或更新版本（Debian、Ubuntu 上：apt install bubblewrap），"
            "只有完全信任每一份作业时才可以用 UNSAFE=1（--unsafe）不带沙箱批改。 · "
            "Grading needs bubblewrap 0.7 or newer (on Debian and Ubuntu: apt install bubblewrap); only if you trust "
            "every submission, UNSAFE=1 (--unsafe) grades without a sandbox."
        )
    trial = ["bwrap", *namespaces(), "--ro-bind", "/", "/", "true"]
    tried = subprocess.run(trial, capture_output=True, text=True, errors="replace")
    if tried.returncode:
        said = tried.stderr.strip().splitlines()[-1:] or [""]
        raise SandboxError(
            f"bubblewrap 在这里不能建立沙箱（{said[0]}），请允许非特权用户命名空间"
            "（sysctl kernel.unprivileged_userns_clone=1；Ubuntu 24.04 起是 "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0；容器里需要 SYS_ADMIN 权限），"
            "只有完全信任每一份作业时才可以用 UNSAFE=1（--unsafe）。 · "
            f"bubblewrap can't make a sandbox here ({said[0]}): allow unprivileged user namespaces "
            "(sysctl kernel.unprivileged_userns_clone=1; on Ubuntu 24.04 or newer "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0; a container needs SYS_ADMIN); only if you trust "
            "every submission, UNSAFE=1 (--unsafe) grades without a sandbox."
        )


@functools.cache
def drops_root():
    """Whether this is a root that can become another user inside, and reach what is that user's.

    Nothing bounds the number of root's processes, and root's files would be the student's.
    """
    if os.geteuid():
        return False
    capabilities = int(re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text()).group(1), 16)
    mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())
    return capabilities & NEEDED == NEEDED and mapped > 60_000


def own_uid():
    """A user of this process alone, since the number of processes is counted by user."""
    return 20_000 + os.getpid() % 40_000


def hand_over(folder, uid):
    for path in [folder, *folder.iterdir()]:
        os.chown(path, uid, uid)


def hold(pid):
    """Stops a process where it is; returns when it stands still, which a busy machine puts off, or after 2 s."""
    with suppress(psutil.Error, OSError):
        os.kill(pid, signal.SIGSTOP)
        end = time.monotonic() + 2
        while psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            if time.monotonic() > end:
                break
            time.sleep(0.001)


def family(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def threads(process):
    try:
        return process.num_threads()
    except psutil.Error:
        return 0


def opened(process):
    try:
        return process.num_fds()
    except psutil.Error:
        return 0


def files_of(process):
    """What its open files are called; each socket and each pipe has a number of its own."""
    place, names = f"/proc/{process.pid}/fd", set()
    with suppress(OSError):
        for number in os.listdir(place):
            with suppress(OSError):
                names.add(os.readlink(f"{place}/{number}"))
    return names


def files_written(process):
    """In the fullest of the places that a process in the sandbox may write to."""
    counts = [0]
    for place in inside.WRITABLE:
        with suppress(OSError):
            # Until it is in the sandbox it sees our folder of this name: what is counted is what was looked at.
            own = os.open(f"/proc/{process.pid}/root{place}", os.O_RDONLY)
            try:
                if not os.path.exists(place) or os.fstat(own).st_dev != os.stat(place).st_dev:
                    system = os.fstatvfs(own)
                    counts.append(system.f_files - system.f_ffree)
            finally:
                os.close(own)
    return max(counts)


def resident(process):
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def resident_of(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") if pid else 0
    except OSError:
        return 0


def own_share(process):
    try:
        return process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0
    except psutil.Error:
        return resident(process)


def folder_size(folder):
    """Bytes in use, each entry taken as at least one block."""
    size = 0
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            try:
                size += max(4096, os.lstat(os.path.join(place, name)).st_blocks * 512)
            except OSError:
                continue
    return size


if __name__ == "__main__":
    try:
        main()
    except SandboxError as error:
        sys.exit(str(error))
