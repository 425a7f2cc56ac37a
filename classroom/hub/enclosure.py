"""Everybody's server in an enclosure of its own: their home, their part of the exchange, what the course gives them.

The servers of a class on one machine would else all be one user's: whoever opens a terminal in one could read the
others' files, the hub's database, and the passwords in its memory. In here nothing of that exists, and no network:
cookies do not tell ports apart, so whoever could listen at one of this machine's would be sent other people's, under
the class's own name. The hub is reached by its socket, a file; a server listens at one that it is given (server.py).
"""

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "classroom"))

from people import folder_of  # noqa: E402
from sandbox import SandboxError, drops_root, require_hidden  # noqa: E402

EXCHANGE = "/srv/exchange"
FIRST_UID = 60_600  # of the users that root becomes; no system and no sandbox uses these

NEEDED = (
    "make class 需要 Linux 和 bubblewrap 0.7 或更新版本（Debian、Ubuntu 上：apt install bubblewrap），"
    "没有它就隔不开老师和学生的文件{said}。 · make class needs Linux and bubblewrap 0.7 or newer (on Debian and "
    "Ubuntu: apt install bubblewrap): nothing else keeps the teacher's and the students' files apart{said}."
)
NOT_HANDED = (
    "{place} 里的文件没能交给它的主人（{said}）：请看磁盘能不能写，文件在不在。"
    " · What lies in {place} could not be handed to whose it is ({said}): see whether the disk can be written and the "
    "files are there."
)


class Enclosure:
    """Of one person of the class in `folder`; the teacher's has the course and everybody's part of the exchange.

    hub: the path of the hub's socket, which is the same inside.
    """

    def __init__(self, folder, name, number, teacher, hub):
        self.folder, self.name, self.teacher, self.hub = Path(folder), name, teacher, hub
        self.home = self.folder / "home" / name
        self.own = folder_of(self.folder / "exchange", name)
        self.uid = FIRST_UID + number if drops_root() else os.geteuid()

    @property
    def inner_home(self):
        return f"/srv/home/{self.name}"  # /home may be where this project lies

    def command(self, command):
        """The command line that runs `command` inside."""
        view = ["bwrap", "--die-with-parent", *self.file_system(), "--setenv", "HOME", self.inner_home]
        own = ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        own += ["--unshare-cgroup-try", "--proc", "/proc", "--chdir", self.inner_home, "--"]
        if not drops_root():
            return [*view, *own, *command]
        # Only root can show another user what lies in its own folders; and the teacher's grading needs namespaces in
        # these ones, as only an ordinary user may have them.
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--bounding-set=-all"]
        become += ["--inh-caps=-all", "--no-new-privs", "--"]
        # The outer one has lost the right to kill another user's process; with its own namespace the inner one ends.
        outer = [*view, "--unshare-pid", "--bind", "/proc", "/proc", "--"]
        return [*outer, *become, "bwrap", "--die-with-parent", "--dev-bind", "/", "/", *own, *command]

    def file_system(self):
        arguments = []

        def show(source, target=None, option="--ro-bind"):
            target = str(target or source)
            # The folders that lead there: bubblewrap's own would be closed to another user than root.
            for parent in list(Path(target).parents)[-2::-1]:
                arguments.extend(["--dir", str(parent)])
            arguments.extend([option, str(source), target])

        arguments.extend(["--dev", "/dev"])
        for place in ("/tmp", "/dev/shm", EXCHANGE):  # first, since what follows may lie in there
            arguments.extend(["--perms", "1777", "--tmpfs", place])
        for path in ("/usr", "/etc", "/sys"):
            show(path)
        show(self.folder / "accounts" / self.name, "/etc/passwd")
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            path = Path("/", name)
            if path.is_symlink():
                arguments.extend(["--symlink", os.readlink(path), str(path)])
            elif path.exists():
                show(path)
        for prefix in dict.fromkeys([sys.base_prefix, sys.prefix]):  # Python and the environment
            if not Path(prefix).is_relative_to("/usr"):
                show(prefix)
        show(ROOT / "linewalk")
        for part in ("",) if self.teacher else ("hub/jupyter", "hub/students", "hub/server.py"):
            show(ROOT / "classroom" / part)
        show(self.hub, option="--ro-bind-try")  # it is not there yet when the enclosure is only tried
        for device in [*glob.glob("/dev/nvidia*"), "/dev/kfd", "/dev/dri"]:
            show(device, option="--dev-bind-try")
        show(self.home, self.inner_home, "--bind")
        exchange = self.folder / "exchange"
        if self.teacher:
            show(exchange, EXCHANGE, "--bind")
        else:
            show(exchange / "bottleneck" / "outbound", f"{EXCHANGE}/bottleneck/outbound")
            show(self.own / "inbound", f"{EXCHANGE}/bottleneck/inbound", "--bind")
            show(self.own / "feedback", f"{EXCHANGE}/bottleneck/feedback")
        return arguments


def enclosures(folder, people, hub):
    """name → Enclosure; the first of the people is the teacher."""
    return {name: Enclosure(folder, name, number, number == 0, hub) for number, name in enumerate(people)}


def furnish(folder, everybody):
    """Makes the folders of these enclosures, and gives each person what lies in theirs.

    Raises SandboxError where nothing could enclose them.
    """
    if not shutil.which("bwrap"):
        raise SandboxError(NEEDED.format(said=""))
    (folder / "accounts").mkdir(exist_ok=True)
    for name in ("outbound", "inbound"):
        (folder / "exchange" / "bottleneck" / name).mkdir(parents=True, exist_ok=True)
    for one in everybody:
        for place in (one.home, one.own / "inbound", one.own / "feedback"):
            place.mkdir(parents=True, exist_ok=True)
        # nbgrader asks the system what its user is called.
        account = f"{one.name}:x:{one.uid}:{one.uid}::{one.inner_home}:/bin/bash\n"
        (folder / "accounts" / one.name).write_text(account, encoding="utf-8")
    if drops_root():
        for one in everybody:  # the teacher first
            hand_over(one.home, one.uid)
            hand_over(folder / "exchange" if one.teacher else one.own / "inbound", one.uid)


def hand_over(place, uid):
    """All that lies in there, links as links. Python gives up on folders as deep as a student can make them."""
    command = ["chown", "--recursive", "--no-dereference", f"{uid}:{uid}", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise SandboxError(NOT_HANDED.format(place=place, said=done.stderr.strip().partition("\n")[0]))


def require_enclosures(folder, everybody):
    """Raises SandboxError where a server would not be enclosed, or would see what is not its own."""
    for place in (folder, ROOT):
        require_hidden(place)
    for enclosure in everybody:
        tried = subprocess.run(enclosure.command(["true"]), capture_output=True, text=True, errors="replace")
        if tried.returncode:
            said = (tried.stderr.strip().splitlines() or [""])[-1]
            raise SandboxError(NEEDED.format(said=f" ({said})"))
