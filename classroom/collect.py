"""Finds whose notebook is where, in a folder or zip of submissions, however they came.

Known: nbgrader's own layout (student/assignment/….ipynb), a folder or a zip for each student, notebooks named by
student (alice.ipynb, forward_alice.ipynb, “alice (1).ipynb”), and what Moodle and Canvas name their downloads.
Of several notebooks of one student, the newest counts.
"""

import io
import json
import re
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import nbformat

MAX_BYTES = 10 * 2**20
IGNORED = re.compile(r"(^|/)(__MACOSX|\.[^/]*|timestamp\.txt|desktop\.ini|Thumbs\.db)(/|$)")
MOODLE = re.compile(r"^(?P<name>.+?)_\d+_assignsubmission_(file_|onlinetext_)?")
CANVAS = re.compile(r"^(?P<name>[^\W_]+)_(LATE_)?\d+_\d+_.+$")
COPIED = re.compile(
    r"^(copy of |“)|([-_ ]*\(\d+\)|[-_ ]+copy\d*|”?的副本|[-_ ]*副本\d*|\.(zh|en|both))$", re.IGNORECASE
)


class CollectError(Exception):
    """Nothing to grade; the text says where it was looked for."""


class Unreadable(Exception):
    """Why a file cannot be graded, in Chinese and English."""

    def __init__(self, zh, en):
        super().__init__(f"{zh} · {en}")


@dataclass
class Submission:
    student: str
    name: str  # of the file, in the folder or zip
    content: bytes = field(repr=False)
    too_large: bool = False
    others: int = 0  # how many other notebooks of the student were set aside


@dataclass
class Found:
    path: PurePosixPath
    time: float
    size: int
    read: object


def collect(place, assignment):
    """The submissions in a folder or zip, by student in alphabetical order. Raises CollectError."""
    place = Path(place)
    if not place.exists():
        raise CollectError(
            f"找不到 {place}，SUBMISSIONS 要指向一个文件夹或 zip。 · "
            f"{place} isn't there: SUBMISSIONS has to name a folder or a zip."
        )
    found = list(in_folder(place) if place.is_dir() else in_zip(place.read_bytes(), PurePosixPath()))
    by_student = {}
    for file, student in named(unwrapped(found, assignment), assignment):
        by_student.setdefault(student, []).append(file)
    if nameless := sorted({file.path.parts[0] for file in by_student.get("", [])}):
        listed = ", ".join(nameless[:10]) + ", …" * (len(nameless) > 10)
        raise CollectError(
            f"{listed} 的名字里没有学生，请改成 {assignment}_姓名 这样的名字。 · "
            f"No student in the name of {listed}: rename like {assignment}_alice."
        )
    if not by_student:
        raise CollectError(f"{place} 里没有作业。 · There are no submissions in {place}.")
    return [chosen(student, files, assignment) for student, files in sorted(by_student.items())]


def in_folder(folder):
    for path in sorted(folder.rglob("*")):
        inside = PurePosixPath(path.relative_to(folder).as_posix())
        if IGNORED.search(str(inside)) or not path.is_file() or path.is_symlink():
            continue
        status = path.stat()
        if path.suffix.lower() == ".zip" and status.st_size <= 10 * MAX_BYTES:
            within = list(in_zip(path.read_bytes(), inside.with_suffix("")))
            if within:
                yield from within
                continue
        yield Found(inside, status.st_mtime, status.st_size, path.read_bytes)


def in_zip(content, inside):
    """The files of a zip, and of zips in it, as if each were a folder of its name."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        return
    entries = archive.infolist()
    for entry, name in zip(entries, names_in(entries), strict=True):
        path = inside.joinpath(*[part for part in PurePosixPath(name).parts if part not in ("..", "/")])
        if entry.is_dir() or IGNORED.search(str(path)):
            continue

        def read(entry=entry, most=MAX_BYTES + 1):
            try:
                with archive.open(entry) as file:
                    return file.read(most)
            except Exception:  # damaged or encrypted: no notebook, but a student who handed it in
                return b""

        within = []
        if path.suffix.lower() == ".zip" and not inside.parts and entry.file_size <= 10 * MAX_BYTES:
            within = list(in_zip(read(most=None), path.with_suffix("")))
        modified = time.mktime((*entry.date_time, 0, 0, -1))  # a zip keeps local time
        yield from within or [Found(path, modified, entry.file_size, read)]


def names_in(entries):
    """The names in a zip; those that don't say that they are UTF-8 come from zipfile as if they were cp437."""
    raw = {}
    for entry in entries:
        # Where the two differ, zipfile has found the name elsewhere in the entry, or cut it.
        if not entry.flag_bits & 0x800 and entry.filename == entry.orig_filename:
            raw[entry.filename] = entry.filename.encode("cp437")
    known = dict(zip(raw, decoded(list(raw.values())), strict=True))
    return [known.get(entry.filename, entry.filename) for entry in entries]


def decoded(names):
    """UTF-8, or GBK as on Chinese Windows: all names alike if they can be, since some in GBK look like UTF-8 alone."""
    for encoding in ("utf-8", "gbk"):
        with suppress(UnicodeDecodeError):
            return [name.decode(encoding) for name in names]
    if len(names) == 1:
        return [names[0].decode("cp437")]
    return [decoded([name])[0] for name in names]


def unwrapped(found, assignment):
    """Without a folder around everything, unless it is the only student's."""
    while True:
        tops = {file.path.parts[0] for file in found}
        if len(tops) != 1 or any(len(file.path.parts) < 3 for file in found):
            around = {uncopied(top) for top in tops} <= {"submitted", "submissions", assignment}
            if around and all(len(file.path.parts) > 1 for file in found):
                found = [Found(PurePosixPath(*file.path.parts[1:]), file.time, file.size, file.read) for file in found]
            return found
        top = tops.pop()
        if all(file.path.parts[1] == assignment for file in found) and top != "submitted":
            return found
        found = [Found(PurePosixPath(*file.path.parts[1:]), file.time, file.size, file.read) for file in found]


def named(found, assignment):
    """(file, student) for each; two students whom a learning platform gave one name keep its numbers."""
    long = [(file, *student_of(file.path, assignment)) for file in found]
    numbered = {}
    for _, short, full in long:
        numbered.setdefault(short, set()).add(full)
    for file, short, full in long:
        yield file, short if len(numbered[short]) == 1 else full


def student_of(path, assignment):
    """(name, name with what makes it unique) of the student whose file this is; empty where there is none."""
    top = path.parts[0] if len(path.parts) > 1 else path.stem
    if moodle := MOODLE.match(top):
        return safe(moodle["name"]), safe(top.partition("_assignsubmission")[0])
    if len(path.parts) == 1 and (canvas := CANVAS.match(top)):
        return canvas["name"], "_".join(top.split("_")[: 3 if "_LATE_" in top else 2])
    mentioned = re.compile(rf"(^|[-_. ]+){re.escape(assignment)}([-_. ]+|$)", re.IGNORECASE)
    name = uncopied(mentioned.sub(lambda match: "_" if match[1] and match[2] else "", uncopied(top)))
    return (safe(name) if name else "",) * 2


def uncopied(name):
    """Without what downloading, copying and our editions add to a name."""
    while (shorter := COPIED.sub("", name)) != name:
        name = shorter
    return name


def safe(name):
    """A name that nbgrader, which looks for folders by pattern, takes literally."""
    return re.sub(r"[^\w.@-]+", "_", name).strip("._") or "_"


def chosen(student, files, assignment):
    notebooks = [file for file in files if file.path.suffix.lower() == ".ipynb"]
    stems = [MOODLE.sub("", file.path.stem).lower() for file in notebooks]
    if exact := [file for file, stem in zip(notebooks, stems, strict=True) if stem.startswith(assignment.lower())]:
        notebooks = exact
    newest = max(notebooks or files, key=lambda file: (file.time, str(file.path)))
    too_large = newest.size > MAX_BYTES
    return Submission(
        student, str(newest.path), b"" if too_large else newest.read(), too_large, max(0, len(notebooks) - 1)
    )


def read_notebook(submission, blank):
    """(The submitted notebook, fit to be graded; the cells that were deleted).

    Outputs are dropped; what nbgrader knows a cell by is as it was given out; deleted cells that give marks are there
    again, so that a teacher can mark them. blank: the notebook as it was given out. Raises Unreadable.
    """
    if submission.too_large:
        limit = MAX_BYTES // 2**20
        raise Unreadable(
            f"{submission.name} 超过 {limit} MB，请清除输出后重新提交。",
            f"{submission.name} is larger than {limit} MB: clear its outputs and submit it again.",
        )
    try:
        notebook = nbformat.reads(submission.content.decode("utf-8-sig"), as_version=4)
        cells = [clean(cell) for cell in notebook.cells]
        metadata = json.loads(json.dumps(notebook.metadata))
        language = metadata.get("edition") if metadata.get("edition") in ("zh", "en", "both") else None
    except Exception:  # a student's file may be broken in any way
        raise Unreadable(
            f"{submission.name} 不是能打开的 notebook。", f"{submission.name} is not a notebook that can be opened."
        ) from None
    given_out = [cell.metadata.nbgrader for cell in blank.cells if "nbgrader" in cell.metadata]
    known = {given.grade_id: given for given in given_out}
    for cell in cells:
        name = cell.metadata.get("nbgrader")
        if name in known:
            cell.metadata.nbgrader = nbformat.from_dict(dict(known[name]))
        else:
            cell.metadata.pop("nbgrader", None)
    tests = {name for name, given in known.items() if given.grade and not given.solution}
    there = {cell.metadata.nbgrader.grade_id for cell in cells if "nbgrader" in cell.metadata}
    if len(tests & there) * 2 < len(tests):
        raise Unreadable(
            f"{submission.name} 里找不到这次作业的检查格，可能交错了文件。",
            f"{submission.name} lacks this assignment's test cells; it may be the wrong file.",
        )
    edition = language or guessed(cells)
    put_back(cells, blank, there)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=dict(blank.metadata))
    notebook.metadata.edition = edition
    return notebook, sorted(set(known) - there)


def put_back(cells, blank, there):
    """Inserts the graded cells that are not there, each behind what came before it when it was given out."""
    place = 0
    for cell in blank.cells:
        given = cell.metadata.get("nbgrader")
        if given and given.grade_id in there:
            names = [known.metadata.get("nbgrader", {}).get("grade_id") for known in cells]
            place = names.index(given.grade_id) + 1
        elif given and given.grade:
            cells.insert(place, clean(cell))
            cells[place].metadata.nbgrader = nbformat.from_dict(dict(given))
            place += 1


def clean(cell):
    """A new cell with the source, kind, language and grade_id of a student's, and nothing else."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    fresh = make.get(cell.cell_type, nbformat.v4.new_raw_cell)(str(cell.source))
    given = cell.metadata.get("nbgrader")
    if isinstance(given, dict) and isinstance(given.get("grade_id"), str):
        fresh.metadata.nbgrader = given["grade_id"]
    if cell.metadata.get("lang") in ("zh", "en"):
        fresh.metadata.lang = cell.metadata["lang"]
    return fresh


def guessed(cells):
    """The edition of a notebook, by its prose, where a platform dropped what the file said."""
    prose = [cell.source for cell in cells if cell.cell_type == "markdown" and "nbgrader" not in cell.metadata]
    chinese = sum(bool(re.search(r"[\u4e00-\u9fff]{4}", source)) for source in prose)
    if not prose or chinese > 0.8 * len(prose):
        return "zh"
    return "both" if chinese > 0.2 * len(prose) else "en"
