"""The files in a folder or zip of submissions, a zip in it read as if it were a folder of its name.

Everything is bounded: how many files a zip may list, how deep zips lie in one another, how much of them is unpacked.
Nothing is kept in memory but the names and, of zips in zips, the few that were looked into last: a class has more than
a machine's memory. What cannot be opened is still found: it is somebody's, with a reason.
"""

import hashlib
import io
import os
import re
import stat
import struct
import time
import zipfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from names import is_notebook

MAX_BYTES = 64 * 2**20  # of a notebook; its outputs, which are dropped, are most of that
MAX_ARCHIVE = 100 * 2**20  # of a zip in the folder or zip
MAX_UNPACKED = (2**33, 2**31, 2**28)  # of the zips in a zip, all together, by how deep it lies: that takes time
MAX_ENTRIES = 20_000  # files in a zip, each of which takes a millisecond
MAX_WITHIN = 5000  # and in one that lies in a folder or zip
MAX_LISTING = 2**26  # of their names, dates and places
MAX_OPEN = 3  # one in another in a third
PIECE = 2**20
MAX_NAME = 255  # letters
MAX_PARTS = 30  # folders in folders; the ones between are left out of a path

IGNORED = re.compile(
    r"(^|/)(__MACOSX|__pycache__|\$RECYCLE\.BIN|(?!\.(?![_~])[^/]*\.?ipynb(\.icloud)?$)\.[^/]*|~\$[^/]*|Icon\r"
    r"|desktop\.ini|(eh)?Thumbs\.db)(/|$)",
    re.IGNORECASE,
)
ZIP = ".zip"
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")

REPACK = (
    "{} 打不开（损坏了，或者不是 zip），请解压后重新打包成 zip，或者直接交 .ipynb",
    "{} cannot be opened (it is damaged, or no zip): repack it as a zip, or hand in the .ipynb",
)
LOCKED = ("{} 有密码，请交没有密码的", "{} is locked by a password: hand it in without one")
DAMAGED = ("{} 已损坏，读不出来，请重新交一份", "{} is damaged and cannot be read: hand it in again")
CLOSED = (
    "{} 没有读的权限，请老师改好权限再运行一次",
    "{} may not be read by whoever grades: its permissions want changing, then run again",
)
NO_FILE = (
    "{} 是链接或设备，不是文件，请交 .ipynb 文件本身",
    "{} is a link or device and no file: hand in the .ipynb itself",
)
EMPTY = ("{} 里没有文件，请重新交一份", "{} has no files in it: hand it in again")
TOO_MUCH = (
    "{} 里的东西太多，没有展开，请只交 .ipynb",
    "{} holds too much and was not unpacked: hand in the .ipynb alone",
)


@dataclass
class Found:
    path: PurePosixPath  # in the folder or zip
    time: float
    size: int
    read: object
    problem: tuple = None  # why it cannot be read, in Chinese and English
    zips: tuple = ()  # which parts of the path are the names of zips
    empty: bool = False  # it is a folder with nothing in it


class TooMany(Exception):
    """A zip that lists more files than are looked at."""


class Damaged(Exception):
    """A file whose bytes cannot be had."""


def files_in(place):
    """What is in a folder or zip; None where it is neither."""
    unpacking = Unpacking()
    if place.is_dir():
        return list(in_folder(place, unpacking))
    return in_zip(place, PurePosixPath(), unpacking, Allowance())


class Unpacking:
    """The zips that are open: a few, since there may be more than memory holds or files may be open."""

    def __init__(self):
        self.open = {}

    def zip(self, source):
        """An open zip, by its path or as (the zip that it lies in, its number there)."""
        archive = self.open.pop(source, None)
        if archive is None:
            while len(self.open) >= MAX_OPEN:
                self.open.pop(next(iter(self.open)))
            archive = opened(source if isinstance(source, Path) else self.read(*source, MAX_ARCHIVE))
        self.open[source] = archive
        return archive

    def read(self, source, number, most):
        """What a zip holds under a number, as far as `most` bytes. Raises Damaged."""
        try:
            archive, content = self.zip(source), io.BytesIO()
            with archive.open(archive.infolist()[number]) as file:
                while piece := file.read(min(PIECE, most - content.tell())):
                    content.write(piece)
            return content.getvalue()
        except Exception as error:  # of many kinds, some of them from what the entry was packed with
            raise Damaged from error


class Allowance:
    """How much may still be unpacked of the zips in a zip, and so of those in the zips around it."""

    def __init__(self, around=None):
        self.around, self.depth = around, around.depth + 1 if around else 0
        self.left = MAX_UNPACKED[self.depth]

    def take(self, size):
        if size > min(self.left, MAX_ARCHIVE) or (self.around and not self.around.take(size)):
            return False
        self.left -= size
        return True


def in_folder(folder, unpacking):
    paths, closed, empty = [], [], []
    for root, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        if is_marks(folders, names):
            folders.clear()
            continue
        empty += [Path(root)] * (not folders and not names and Path(root) != folder)
        folders[:] = [name for name in folders if not IGNORED.search(name)]
        paths += [Path(root, name) for name in names]
        paths += [Path(root, name) for name in folders if Path(root, name).is_symlink()]
    for path in closed:
        inside = inside_of(path, folder)
        yield Found(inside, 0.0, 0, reader(path), told(CLOSED, inside.name))
    for path in empty:
        yield Found(inside_of(path, folder), 0.0, 0, reader(path), empty=True)
    for path in sorted(paths):
        inside = inside_of(path, folder)
        if IGNORED.search(str(inside)):
            continue
        with suppress(FileNotFoundError):  # it has gone since
            yield from in_file(path, inside, unpacking)


def is_marks(folders, names):
    """Whether a folder is an earlier run's OUT, which may have been interrupted, and not what was handed in."""
    return {"plan.json", "grades.csv"} <= set(names) or (".lock" in names and {"base", "received"} <= set(folders))


def in_file(path, inside, unpacking):
    status = path.lstat()
    whole = Found(inside, status.st_mtime, status.st_size, reader(path))
    suffix = inside.suffix.lower()
    if not stat.S_ISREG(status.st_mode):
        whole.size, whole.problem = 0, told(NO_FILE, inside.name)
        if is_notebook(inside.name) or suffix == ZIP or len(inside.parts) == 1:  # environments are full of links
            yield whole
    elif not os.access(path, os.R_OK):
        whole.problem = told(CLOSED, inside.name)
        yield whole
    elif suffix == ZIP or (suffix in OTHER_ARCHIVES and zipfile.is_zipfile(path)):
        yield from unpacked(path, whole, unpacking, Allowance())
    else:
        whole.problem = told(REPACK, inside.name) if suffix in OTHER_ARCHIVES else None
        yield whole


def inside_of(path, folder):
    return PurePosixPath(*(part for name in path.relative_to(folder).parts for part in parts_of(legible(name))))


def reader(path):
    def read():
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)

    return read


def in_zip(source, inside, unpacking, allowance):
    """The files of a zip, as Unpacking knows it; None where it cannot be opened."""
    try:
        entries = unpacking.zip(source).infolist()
        if inside.parts and len(entries) > MAX_WITHIN:
            raise TooMany
    except TooMany:
        raise
    except Exception:  # whoever made it may have put anything there
        return None
    zips = (len(inside.parts) - 1,) if inside.parts else ()
    found, folders, times = [], [], Counter()
    for number, (entry, name) in enumerate(zip(entries, names_in(entries), strict=True)):
        path = inside.joinpath(*parts_of(name))
        if path == inside or IGNORED.search(str(path)):
            continue
        if entry.is_dir() or name.endswith("\\"):
            folders.append(path)
            continue
        times[path] += 1
        if times[path] > 1:  # a zip may hold several files of one name
            path = path.with_name(f"{path.stem} ({times[path]}){path.suffix}")
        modified = time.mktime((*entry.date_time, 0, 0, -1))  # a zip keeps local time
        one = Found(path, modified, entry.file_size, entry_reader(source, number, unpacking), zips=zips)
        suffix = path.suffix.lower()
        if entry.flag_bits & 1:
            one.problem = told(LOCKED, path.name)
        elif suffix == ZIP and allowance.depth + 1 < len(MAX_UNPACKED):
            if allowance.take(entry.file_size):
                for deeper in unpacked((source, number), one, unpacking, Allowance(allowance)):
                    deeper.zips = (*zips, *deeper.zips)
                    found.append(deeper)
                continue
            one.problem = told(TOO_MUCH, path.name)
        elif suffix in OTHER_ARCHIVES or suffix == ZIP:
            one.problem = told(REPACK, path.name)
        found.append(one)
    around = {folder for path in [*(one.path for one in found), *folders] for folder in path.parents}
    return found + [Found(path, 0.0, 0, bytes, empty=True) for path in folders if path not in around]


def unpacked(source, whole, unpacking, allowance):
    """The files of a zip in a folder or zip; the zip itself, with the reason, where there are none."""
    if whole.size > MAX_ARCHIVE:
        whole.problem = told(TOO_MUCH, whole.path.name)
        return [whole]
    try:
        within = in_zip(source, whole.path.with_suffix(""), unpacking, allowance)
    except TooMany:
        whole.problem = told(TOO_MUCH, whole.path.name)
        return [whole]
    if not within:
        whole.problem = told(REPACK if within is None else EMPTY, whole.path.name)
        return [whole]
    return within


def opened(source):
    """A ZipFile; the names that are flagged as UTF-8 and aren't are mended first."""
    with open(source, "rb") if isinstance(source, Path) else io.BytesIO(source) as file:
        end = zipfile._EndRecData(file)
        if end is None:
            raise zipfile.BadZipFile
        if end[zipfile._ECD_ENTRIES_TOTAL] > MAX_ENTRIES or end[zipfile._ECD_SIZE] > MAX_LISTING:
            raise TooMany
    try:
        return zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source))
    except UnicodeDecodeError:
        content = source.read_bytes() if isinstance(source, Path) else source
        return zipfile.ZipFile(io.BytesIO(with_honest_flags(content, end)))


def with_honest_flags(content, end):
    """The zip without the flag for UTF-8 at names that are something else: some programs in China set it on GBK."""
    content, place = bytearray(content), end[zipfile._ECD_LOCATION] - end[zipfile._ECD_SIZE]
    for _ in range(end[zipfile._ECD_ENTRIES_TOTAL]):
        flags, name, extra, comment = struct.unpack_from("<8xH18xHHH", content, place)
        try:
            content[place + 46 : place + 46 + name].decode()
        except UnicodeDecodeError:
            struct.pack_into("<H", content, place + 8, flags & ~0x800)
        place += 46 + name + extra + comment
    return bytes(content)


def entry_reader(source, number, unpacking):
    return lambda: unpacking.read(source, number, MAX_BYTES + 1)


def names_in(entries):
    """The names in a zip; those that don't say that they are UTF-8 come from zipfile as if they were cp437."""
    raw = {}
    for entry in entries:
        # Where the two differ, zipfile has found the name elsewhere in the entry, or cut it.
        if not entry.flag_bits & 0x800 and entry.filename == entry.orig_filename:
            raw[entry.filename] = entry.filename.encode("cp437")
    known = dict(zip(raw, decoded(list(raw.values())), strict=True))
    return [known.get(entry.filename, entry.filename) for entry in entries]


def decoded(names, last="cp437"):
    """UTF-8, or GBK as on Chinese Windows: all names alike if they can be, since some in GBK look like UTF-8 alone."""
    for encoding in ("utf-8", "gbk"):
        with suppress(UnicodeDecodeError):
            return [name.decode(encoding) for name in names]
    if len(names) == 1:
        return [names[0].decode(last, "replace")]
    return [decoded([name], last)[0] for name in names]


def legible(name):
    """A name on a disk, which on Linux may be any bytes."""
    return decoded([os.fsencode(name)], "latin-1")[0]


def parts_of(name):
    """The parts of a path in which Windows may have put backslashes, none of which leads out of the folder.

    What no disk takes for a name is cut: finding somebody's in it takes time that grows with its square.
    """
    parts = [cut(part) for part in re.split(r"[/\\]", name.replace("\0", "")) if part not in ("", ".", "..")]
    return [*parts[:MAX_PARTS], *parts[MAX_PARTS:][-1:]]


def told(reason, name):
    return tuple(text.format(name) for text in reason)


def cut(part):
    if len(part) <= MAX_NAME:
        return part
    return f"{part[:100]}…{hashlib.sha256(part.encode(errors='replace')).hexdigest()[:8]}…{part[-100:]}"
