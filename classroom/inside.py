"""What a program finds in the sandbox: Python, its submission, a few writable places, and nothing named as outside.

Outside's folders have other names inside, all of them fixed: Python and its packages lie below OURS wherever they are
outside, so a checkout, an environment or a Python may be anywhere, below /tmp or /home/student, too. Only /usr stays.

There is no process file system. In a real one every process can read where its folders come from
(/proc/self/mountinfo: the course's path, a file server's name), and the keys, swap files and boot command line of the
machine. A folder with the few files that libraries read stands in its place, and system_calls.py shuts what tells the
same.
"""

import functools
import glob
import json
import os
import re
import sys
import sysconfig
from pathlib import Path

from system_calls import program

ROOT = Path(__file__).resolve().parents[1]
PYTHON = os.path.abspath(sys.executable)  # a way through a folder that the sandbox leaves out would lead nowhere
HOME = "/home/student"
WRITABLE = ("/tmp", HOME, "/dev/shm")
SUBMISSION = "/submission"
OURS = "/opt/student"
LINEWALK, BASE, ENVIRONMENT, PACKAGES = (f"{OURS}/{name}" for name in ("linewalk", "python", "environment", "packages"))

# What holds ready-made answers; linewalk is hidden too, and given back where an assignment walks.
MASKED = ("torchvision", "timm", "linewalk")

# Of every process in there, so that these few lines may stand still. {uid} is the user's number.
STATUS = "Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{uid}\t{uid}\t{uid}\t{uid}\n" + "".join(
    f"{name}:\t{0:016x}\n" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
)


class Inside:
    """Bubblewrap's arguments for its file system. `close` the files that it copies from when it has been started."""

    def __init__(self, bounds, uid, folder, writable, walks, hidden=()):
        self.arguments = []
        self.files = []
        self.system()
        self.process_files(uid)
        self.devices()
        for place in WRITABLE:
            self.add("--perms", "1777", "--size", bounds.disk, "--tmpfs", place)
        self.python()
        self.without(*MASKED, *hidden)
        self.without_addresses()
        self.fonts()
        if walks:
            self.read_only(ROOT / "linewalk", f"{LINEWALK}/linewalk")
        self.submission(folder)
        if writable:
            self.bind("--bind", writable, writable)
        self.add("--remount-ro", "/", "--chdir", SUBMISSION, "--seccomp", self.file(program()))

    def system(self):
        self.read_only("/usr")
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            path = Path("/", name)
            if path.is_symlink():
                self.add("--symlink", os.readlink(path), path)
            elif path.exists():
                self.read_only(path)
        for name in ("ld.so.cache", "localtime", "alternatives", "fonts"):
            self.read_only(f"/etc/{name}")
        self.read_only("/sys/devices/system/cpu")

    def process_files(self, uid):
        for name in ("cpuinfo", "meminfo", "stat"):
            self.content(f"/proc/{name}", Path("/proc", name).read_bytes())
        self.content("/proc/self/status", STATUS.format(uid=uid).encode())
        self.add("--symlink", base_executable(), "/proc/self/exe")  # where $ORIGIN is looked up

    def devices(self):
        self.add("--dev", "/dev", "--remount-ro", "/dev")

    def python(self):
        for source, target in shown():
            self.read_only(source, target)
        if in_environment():
            settings = f"home = {os.path.dirname(base_executable())}\n"
            settings += f"include-system-site-packages = {sees_system_packages()}\n"
            self.content(f"{ENVIRONMENT}/pyvenv.cfg", settings.encode())
            self.add("--dir", f"{ENVIRONMENT}/bin")
            for name in ("python", "python3"):
                self.add("--symlink", base_executable(), f"{ENVIRONMENT}/bin/{name}")
        libraries = sysconfig.get_config_var("LIBDIR") if sysconfig.get_config_var("Py_ENABLE_SHARED") else None
        if libraries and is_moved(base()) and is_moved(Path(libraries)):
            # Python looks for its own library where that was when it was compiled.
            self.parents(libraries)
            self.add("--symlink", f"{BASE}/lib", libraries)

    def without(self, *packages):
        for outside, target in package_folders():
            for name in packages:
                if (outside / name).is_dir():
                    self.add("--tmpfs", target / name, "--remount-ro", target / name)

    def without_addresses(self):
        """Empties the files in which an installation notes where packages lie outside."""
        for path, target in noting_addresses():
            self.add("--perms", "0444", "--ro-bind-data", self.file(b""), target / path.name)

    def fonts(self):
        for name, content in font_caches().items():
            self.content(f"{HOME}/.cache/matplotlib/{name}", content)

    def submission(self, folder):
        self.add("--dir", SUBMISSION)
        if folder:
            self.read_only(folder, SUBMISSION)
            # Beside the student's files lies the notebook as it is graded, hidden tests and all.
            for notebook in sorted(folder.glob("*.ipynb")):
                self.read_only("/dev/null", f"{SUBMISSION}/{notebook.name}")

    def add(self, *arguments):
        self.arguments += map(str, arguments)

    def parents(self, target):
        # bubblewrap's own would be closed to another user than root.
        for parent in list(Path(target).parents)[-2::-1]:
            own = parent.is_relative_to(HOME) and parent != Path(HOME)
            self.add("--perms", "0777" if own else "0755", "--dir", parent)

    def bind(self, option, source, target):
        self.parents(target)
        self.add(option, source, target)

    def read_only(self, source, target=None):
        self.bind("--ro-bind-try", source, target or source)

    def content(self, target, data):
        self.parents(target)
        self.add("--perms", "0444", "--file", self.file(data), target)

    def file(self, data):
        file = os.memfd_create("content")
        self.files.append(file)
        with open(file, "wb", closefd=False) as out:
            out.write(data)
        os.lseek(file, 0, os.SEEK_SET)
        return file

    def close(self):
        for file in self.files:
            os.close(file)
        self.files = []


def executable():
    """This Python's path inside."""
    return f"{ENVIRONMENT}/bin/python" if in_environment() else base_executable()


def search_path(walks):
    """PYTHONPATH inside: what has to be named, the rest lies where Python looks."""
    named = [str(target) for _, target in shown() if target.is_relative_to(PACKAGES)]
    return ":".join([LINEWALK] * walks + named)


def sources():
    """Outside's folders that students' code can read."""
    prefixes = [Path("/usr"), base(), Path(sys.prefix).resolve()]
    return list(dict.fromkeys(prefixes + [source for source, _ in shown()]))


@functools.cache
def shown():
    """(path outside, path inside) of every folder with Python or its packages, apart from /usr."""
    folders = [(base(), Path(BASE))] if is_moved(base()) else []
    if in_environment():
        parts = [(Path(sys.prefix, name).resolve(), Path(ENVIRONMENT, name)) for name in ("lib", "lib64", "share")]
        folders += [part for part in parts if part[0].is_dir()]
    for path in map(Path, dict.fromkeys(map(os.path.realpath, sys.path))):  # a .pth file, PYTHONPATH, the user's own
        known = any(path.is_relative_to(source) for source, _ in folders) or not is_moved(path)
        if not known and any(path.glob("*.dist-info")) and not ROOT.is_relative_to(path):
            folders.append((path, Path(f"{PACKAGES}/{len(folders)}")))
    return folders


def places(path):
    """(path outside, path inside) of a folder, once for each name that it has inside."""
    path = Path(path).resolve()
    if not is_moved(path):
        return [(path, path)]
    return [(path, target / path.relative_to(source)) for source, target in shown() if path.is_relative_to(source)]


@functools.cache
def package_folders():
    """(path outside, path inside) of every folder of packages that is there, those of other Pythons included."""
    folders = [place for path in sys.path for place in places(path)]
    for source, target in [*shown(), (Path("/usr"), Path("/usr"))]:
        for pattern in ("python3*/*-packages", "lib*/python3*/*-packages", "local/lib/python3*/*-packages"):
            found = (path for path in source.glob(pattern) if path.resolve() == path)
            folders += [(path, target / path.relative_to(source)) for path in found]
    return list(dict.fromkeys(folders))


@functools.cache
def noting_addresses():
    """(path outside, folder inside) of files that say where a package was installed from, or is found."""
    found = []
    for outside, target in package_folders():
        found += [(path, target) for path in outside.glob("__editable__*") if path.is_file()]
        pointing = (path for path in outside.glob("*.pth") if path.is_file())
        found += [(path, target) for path in pointing if re.search(rb"(?m)^/", path.read_bytes())]
        found += [(path, target / path.parent.name) for path in outside.glob("*.dist-info/direct_url.json")]
    return list(dict.fromkeys(found))


def base():
    return Path(sys.base_prefix).resolve()


def base_executable():
    path = Path(sys._base_executable).resolve()
    if not is_moved(path):
        return str(path)
    if path.is_relative_to(base()):
        return f"{BASE}/{path.relative_to(base())}"
    return f"{BASE}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def is_moved(path):
    return not path.is_relative_to("/usr")


def in_environment():
    return sys.prefix != sys.base_prefix


def sees_system_packages():
    settings = Path(sys.prefix, "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"^\s*include-system-site-packages\s*=\s*true\s*$", settings, re.MULTILINE | re.IGNORECASE)
    return "true" if found else "false"


@functools.cache
def font_caches():
    """matplotlib's lists of fonts, which would take it a second to make in every new home; name → content.

    Only of fonts that are there inside, and so without the paths of anybody's own.
    """
    cache = os.environ.get("MPLCONFIGDIR") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "matplotlib")
    caches = {}
    for path in sorted(glob.glob(str(Path(cache, "fontlist-*.json").expanduser()))):  # a closed folder has none
        try:
            fonts = json.loads(Path(path).read_bytes())
            for kind in ("afmlist", "ttflist"):
                fonts[kind] = [font for font in fonts[kind] if not is_moved(Path("/usr", font["fname"]))]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        caches[Path(path).name] = json.dumps(fonts).encode()
    return caches
