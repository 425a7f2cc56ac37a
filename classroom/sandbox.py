"""Runs students' code inside bubblewrap, and watches it from outside.

    python classroom/sandbox.py CONNECTION_FILE      an IPython kernel; its kernelspec calls this

No network, own processes, a file system with Python, the submission (read-only) and small writable places in memory.
What the kernel bounds by itself (memory and CPU of one process, number of processes, sizes of files) it bounds; the
rest (memory of all processes together, the writable places, the wall clock) is looked at from outside, several times
a second, and what goes over a limit is killed as a whole. The reason is left where CLASSROOM_REPORT says.
"""

import functools
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
PYTHON = os.path.abspath(sys.executable)  # a way through a folder that the sandbox leaves out would lead nowhere
HOME = "/home/student"
LINEWALK = "/opt/linewalk"
POLL_SECONDS = 0.2

# What holds ready-made answers; linewalk is hidden too, and given back where an assignment walks.
MASKED = ("torchvision", "timm", "linewalk")


class SandboxError(Exception):
    """There is no sandbox here; the text says what to install."""


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
    kernel = [PYTHON, "-m", "ipykernel_launcher", "-f", str(connection_file), "--HistoryManager.enabled=False"]
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    places = {"folder": Path.cwd(), "writable": sockets, "walks": True}
    with Sandbox(kernel, bounds, bounds.seconds, **places, parent=os.getppid(), **quiet) as sandbox:
        signal.signal(signal.SIGTERM, lambda *_: sandbox.kill())
        status = sandbox.wait()
    if sandbox.reason not in (None, "orphaned") and (report := os.environ.get("CLASSROOM_REPORT")):
        Path(report).write_text(sandbox.reason, encoding="utf-8")
    sys.exit(status and 1)


class Sandbox:
    """One program in a sandbox of its own, watched by a thread; `with` kills what is left of it at the end.

    command: the program and its arguments. bounds: its Limits. seconds: the wall clock it has.
    folder: what it may read, or None. writable: an empty folder that it may write to, or None.
    walks: whether linewalk can be imported. parent: the process with whose end it ends, besides this one.
    **pipes: stdin, stdout, … as subprocess.Popen takes them.
    `reason` is None or why it was killed: "deadline", "memory", "disk", "processes" or "orphaned".
    """

    def __init__(self, command, bounds, seconds, folder=None, writable=None, walks=False, parent=None, **pipes):
        self.bounds = bounds
        self.writable = writable
        self.reason = None
        self.parent = parent
        self.deadline = time.monotonic() + seconds
        self.process = subprocess.Popen(wrapped(command, bounds, seconds, folder, writable, walks), **pipes)
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
            # The end of bubblewrap is the end of its process namespace, and so of all that runs in it.
            for process in family(self.process.pid) if unsafe() else []:
                process.kill()
            self.process.kill()

    def watch(self):
        try:
            while self.process.poll() is None:
                if reason := self.exceeded():
                    self.kill(reason)
                time.sleep(POLL_SECONDS)
        finally:
            self.kill()  # nothing runs unwatched

    def exceeded(self):
        if time.monotonic() > self.deadline:
            return "deadline"
        if self.parent not in (None, os.getppid()):
            return "orphaned"
        processes = family(self.process.pid)
        if sum(map(threads, processes)) > 2 * self.bounds.processes:
            return "processes"
        # Forks share pages, which only the slower way of counting divides among them.
        if sum(map(resident, processes)) > self.bounds.memory and sum(map(own_share, processes)) > self.bounds.memory:
            return "memory"
        if self.writable and folder_size(self.writable) > 2**20:
            return "disk"
        return None


def wrapped(command, bounds, seconds, folder, writable, walks):
    """The command line that runs `command` in the sandbox."""
    limited = [
        "prlimit",
        f"--data={bounds.memory}",
        f"--fsize={bounds.disk}",
        f"--cpu={int(seconds)}",
        f"--nproc={bounds.processes}",
        "--core=0",
        *command,
    ]
    environment = {
        "PATH": f"{Path(PYTHON).parent}:/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"PYTHONPATH": LINEWALK} if walks else {}),
    }
    if unsafe():
        environment |= {"PYTHONPATH": str(ROOT)} if walks else {}
        bounded = limited if shutil.which("prlimit") else command  # only Linux has it
        return ["env", *(f"{name}={value}" for name, value in environment.items()), *bounded]
    require_bubblewrap()
    arguments = ["bwrap", *namespaces(), "--die-with-parent", "--new-session", "--clearenv", "--hostname", "student"]
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    arguments += file_system(bounds, folder, writable, walks)
    if not drops_root():
        return [*arguments, "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--", *limited]
    uid = own_uid()
    if writable:
        hand_over(writable, uid)
    dropped = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
    dropped += ["--inh-caps=-all", "--bounding-set=-all"]
    return [*arguments, "--", *dropped, *limited]


def namespaces():
    user = [] if drops_root() else ["--unshare-user"]
    return [*user, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]


def file_system(bounds, folder, writable, walks):
    arguments = []

    def bind(option, source, target):
        # The folders that lead there: bubblewrap's own would be closed to another user than root.
        for parent in list(Path(target).parents)[-2::-1]:
            arguments.extend(["--dir", str(parent)])
        arguments.extend([option, str(source), str(target)])

    def read_only(source, target=None):
        bind("--ro-bind-try", source, target or source)

    def in_memory(target):
        arguments.extend(["--perms", "1777", "--size", str(bounds.disk), "--tmpfs", target])

    read_only("/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            arguments.extend(["--symlink", os.readlink(path), str(path)])
        elif path.exists():
            read_only(path)
    for name in ("ld.so.cache", "localtime", "alternatives", "fonts"):
        read_only(f"/etc/{name}")
    for prefix in bound_prefixes():
        if not Path(prefix).is_relative_to("/usr"):
            read_only(prefix)
    for name in MASKED:
        for place in dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]):
            if Path(place, name).is_dir():
                arguments.extend(["--tmpfs", str(Path(place, name)), "--remount-ro", str(Path(place, name))])
    arguments.extend(["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"])
    read_only("/sys/devices/system/cpu")
    for target in ("/tmp", HOME, "/dev/shm"):
        in_memory(target)
    for fonts in font_caches():
        read_only(fonts, f"{HOME}/.cache/matplotlib/{fonts.name}")
    if walks:
        read_only(ROOT / "linewalk", f"{LINEWALK}/linewalk")
    arguments.extend(["--dir", "/submission"])
    if folder:
        read_only(folder, "/submission")
        # Beside the student's files lies the notebook as it is graded, hidden tests and all.
        for notebook in sorted(folder.glob("*.ipynb")):
            read_only("/dev/null", f"/submission/{notebook.name}")
    if writable:
        bind("--bind", writable, writable)
    return [*arguments, "--remount-ro", "/", "--chdir", "/submission"]


def bound_prefixes():
    return list(dict.fromkeys([sys.base_prefix, sys.prefix]))


def require_hidden(path):
    """Raises SandboxError where a folder of the teacher's lies in one that students' code may read."""
    for place in ["/usr", *bound_prefixes()]:
        if Path(path).is_relative_to(place):
            raise SandboxError(
                f"{path} 在 {place} 里面，沙箱里的代码读得到它：请移到别的地方。 · "
                f"{path} lies inside {place}, which code in the sandbox can read: move it elsewhere."
            )


def font_caches():
    """matplotlib's lists of fonts, which would take it a second to make in every new home."""
    cache = os.environ.get("MPLCONFIGDIR") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "matplotlib")
    return sorted(map(Path, glob.glob(str(Path(cache, "fontlist-*.json").expanduser()))))  # a closed folder has none


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
    trial = ["bwrap", *namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
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
    """Whether this is a root that can become another user inside.

    Nothing bounds the number of root's processes, and root's files would be the student's.
    """
    if os.geteuid():
        return False
    capabilities = int(re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text()).group(1), 16)
    mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())
    return bool(capabilities & 1 << 21) and mapped > 60_000


def own_uid():
    """A user of this process alone, since the number of processes is counted by user."""
    return 20_000 + os.getpid() % 40_000


def hand_over(folder, uid):
    for path in [folder, *folder.iterdir()]:
        os.chown(path, uid, uid)


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


def resident(process):
    try:
        return process.memory_info().rss
    except psutil.Error:
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
