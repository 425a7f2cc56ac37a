"""Reads a student's file: a notebook that is fit to be graded, or the reason why there is none.

What can be mended without losing a word of the student's is mended; the rest is refused in words that say what to do.
"""

import json
import re
from contextlib import suppress
from pathlib import Path

import nbformat
from archives import MAX_BYTES
from limited import Bounds, Exceeded, Worker
from pictures import keep_pictures, taken_out
from showable import first_that_is_not
from unopened import what_it_is
from writable import writable

SOURCE = Path(__file__).resolve().parent / "source"
BOUNDS = Bounds(cpu=30, wall=180, memory=640 * 2**20)
MAX_CELLS = 1000
MAX_TEXT = 200_000  # letters in all cells together: pages of more take a minute
# The wheel that a downloaded notebook brings along, which no page of a student's work has to show.
CARRIED = re.compile(r'(?<=""")[A-Za-z0-9+/=\n]{200000,}(?=""")')
MAX_NAME = 80  # letters of a file's name in a sentence


class Unreadable(Exception):
    """Why a file cannot be graded, in Chinese and English."""

    def __init__(self, zh, en):
        super().__init__(zh, en)

    def __str__(self):
        return " · ".join(self.args)


class Reader:
    """Reads submissions in a process of its own, so that no file takes more than its share of time and memory."""

    def __init__(self, blank):
        self.worker = Worker(lambda submission: read_whole(submission, blank), BOUNDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.worker.stop()

    def __call__(self, submission):
        """{"unreadable": the reason}, or else "notebook", its text, and "edition", "missing", "notes"."""
        try:
            return self.worker(submission)
        except Exceeded:
            name = short(submission.name)
            reason = Unreadable(
                f"{name} 太大或太乱，打不开：请从一份新下载的作业开始，只把答案复制过去，再交一次。",
                f"{name} is too large or too tangled to be read: start from a fresh copy of the assignment, "
                "copy only your answers into it, and hand it in again.",
            )
            return {"unreadable": str(reason)}


def read_whole(submission, blank):
    try:
        notebook, missing, notes = read_notebook(submission, blank)
    except Unreadable as reason:
        return {"unreadable": str(reason)}
    about = {"edition": notebook.metadata.edition, "missing": missing, "notes": notes}
    return {"notebook": nbformat.writes(notebook), **about}


def read_notebook(submission, blank):
    """(The submitted notebook, fit to be graded; the cells that were deleted; what a teacher should know of it).

    Outputs are dropped; what nbgrader knows a cell by is as it was given out; deleted cells that give marks are there
    again, so that a teacher can mark them. blank: the notebook as it was given out. Raises Unreadable.
    """
    content = submission.content
    if submission.problem:
        raise Unreadable(*(f"{text}{end}" for text, end in zip(submission.problem, "。.", strict=True)))
    name = short(submission.name)
    if submission.too_large:
        limit = MAX_BYTES // 2**20
        raise Unreadable(
            f"{name} 超过 {limit} MB，请清除输出后重新提交。",
            f"{name} is larger than {limit} MB: clear its outputs and submit it again.",
        )
    submitted = opened(content, name)
    raw = cells_of(submitted)
    if not raw:
        raise not_opened(name, "请在 Jupyter 里保存后再交一次", "里面一个格子也没有",
                         "Save it in Jupyter and hand it in again", "has no cells")
    cells = [clean(cell) for cell in raw[: MAX_CELLS + 1]]
    attachments = [taken_out(cell, given) for cell, given in zip(cells, raw, strict=False)]
    require_modest(cells, name)
    notes = keep_pictures(cells, attachments)
    metadata = submitted.get("metadata") if isinstance(submitted.get("metadata"), dict) else {}
    language = metadata.get("edition") if metadata.get("edition") in ("zh", "en", "both") else None

    given_out = [cell for cell in blank.cells if "nbgrader" in cell.metadata]
    known = {cell.metadata.nbgrader.grade_id: cell for cell in given_out}
    asked_for = {cell.metadata.nbgrader for cell in cells if "nbgrader" in cell.metadata}
    for cell in cells:
        if cell.metadata.get("nbgrader") not in known:
            cell.metadata.pop("nbgrader", None)
    notes += single(cells, known) + recognized(cells, blank)
    there = {cell.metadata.nbgrader for cell in cells if "nbgrader" in cell.metadata}
    for cell in cells:
        if "nbgrader" in cell.metadata:
            given = known[cell.metadata.nbgrader].metadata.nbgrader
            cell.metadata.nbgrader = nbformat.from_dict(dict(given))
    tests = {name for name, cell in known.items() if is_test(cell)}
    if len(tests & there) * 2 < len(tests):
        raise wrong_file(name, asked_for - set(known))
    require_showable(cells, blank, name)
    edition = language or guessed(cells)
    put_back(cells, blank, there)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=dict(blank.metadata))
    notebook.metadata.edition = edition
    return notebook, sorted(set(known) - there), notes


def opened(content, name):
    """The notebook as JSON holds it. Raises Unreadable."""
    try:
        notebook = json.loads(decoded(content), parse_int=whole)
    except (ValueError, RecursionError):
        notebook = None
    if isinstance(notebook, dict) and ("cells" in notebook or "worksheets" in notebook):
        return notebook
    raise not_opened(name, *what_it_is(content, decoded(content), notebook))


def decoded(content):
    """The text of a file in UTF-8, -16 or -32, with or without a byte order mark, or GBK as on Chinese Windows."""
    encoding = json.detect_encoding(content)
    text = content.decode(encoding, "replace")
    strange = text.count("\ufffd")
    if encoding == "utf-8" and strange > len(re.findall(r"[^\0-\x7f\ufffd]", text)):
        with suppress(UnicodeDecodeError):
            return content.decode("gb18030")
    return text


def whole(digits):
    """Of a number in JSON; Python refuses those of thousands of digits."""
    return int(digits) if len(digits) < 20 else float(digits)


def not_opened(name, zh_do, zh_is, en_do, en_is):
    return Unreadable(
        f"{zh_do}：{name} {zh_is}，不是能打开的 notebook。",
        f"{en_do}: {name} {en_is} and is not a notebook that can be opened.",
    )


def cells_of(notebook):
    """The cells of a notebook of any format, 4 or older, as far as they are cells."""
    sheets = notebook["worksheets"] if "cells" not in notebook else [notebook]
    sheets = [sheet for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    cells = [cell for sheet in sheets if isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]
    return [cell for cell in cells if isinstance(cell, dict)]


def clean(cell):
    """A new cell with the source, kind, language and grade_id of a student's, and nothing else."""
    kind, source = cell.get("cell_type"), cell.get("source", cell.get("input"))
    source = "".join(line for line in source if isinstance(line, str)) if isinstance(source, list) else source
    source = writable(source) if isinstance(source, str) else ""
    source = CARRIED.sub("\n", source.replace("\r\n", "\n").replace("\r", "\n"))
    if kind == "heading":  # of format 3
        kind, source = "markdown", f"{'#' * min(6, max(1, number(cell.get('level'))))} {source}"
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    fresh = make.get(kind if isinstance(kind, str) else "", nbformat.v4.new_raw_cell)(source)
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    given = metadata.get("nbgrader")
    if isinstance(given, dict) and isinstance(given.get("grade_id"), str):
        fresh.metadata.nbgrader = given["grade_id"]
    if metadata.get("lang") in ("zh", "en"):
        fresh.metadata.lang = metadata["lang"]
    return fresh


def number(value):
    return value if isinstance(value, int) else 1


def require_modest(cells, name):
    if len(cells) > MAX_CELLS:
        raise Unreadable(
            f"{name} 的格子超过 {MAX_CELLS} 个：请删掉不是作业的格子，再交一次。",
            f"{name} has more than {MAX_CELLS} cells: delete those that the assignment does not need, "
            "and hand it in again.",
        )
    if sum(len(cell.source) for cell in cells) > MAX_TEXT:
        largest = max(range(len(cells)), key=lambda number: len(cells[number].source)) + 1
        raise Unreadable(
            f"{name} 里的文字太多，最多的是第 {largest} 格：请删掉不是答案的内容，再交一次。",
            f"{name} holds too much text, most of it in cell {largest}: delete what is not your answer, "
            "and hand it in again.",
        )


def require_showable(cells, blank, name):
    given = {cell.source for cell in blank.cells}
    own = [(number, cell) for number, cell in enumerate(cells, 1) if cell.source not in given]
    place = first_that_is_not([cell for _, cell in own])
    if place is not None:
        number = own[place][0]
        raise Unreadable(
            f"{name} 的第 {number} 格显示不出来，里面有大段空白或重复的符号：请删掉它们，再交一次。",
            f"Cell {number} of {name} cannot be shown, for its long runs of blanks or signs: delete them, "
            "and hand it in again.",
        )


def single(cells, known):
    """Of cells that were copied one keeps the name, the last with work of the student's; what to tell of the others."""
    notes = []
    named = {}
    for cell in cells:
        if "nbgrader" in cell.metadata:
            named.setdefault(cell.metadata.nbgrader, []).append(cell)
    for name, copies in named.items():
        own = [cell for cell in copies if cell.source.strip() not in ("", known[name].source.strip())]
        kept = copies[0] if is_test(known[name]) or not own else own[-1]
        for cell in copies:
            if cell is not kept:
                del cell.metadata["nbgrader"]
        if not is_test(known[name]) and len({cell.source.strip() for cell in own}) > 1:
            notes.append((
                f"{name} 有 {len(own)} 份不同的答案，批的是最后一份",
                f"there are {len(own)} different answers to {name}, of which the last was graded",
            ))
    return notes


def recognized(cells, blank):
    """Names cells again whose metadata an editor has dropped, by their text or place; what to tell of them."""
    given_out = [cell for cell in blank.cells if "nbgrader" in cell.metadata]
    prose = {cell.source.strip() for cell in blank.cells if "nbgrader" not in cell.metadata}

    def place(name):
        return next((place for place, cell in enumerate(cells) if cell.metadata.get("nbgrader") == name), None)

    def nameless(between):
        return [cell for cell in between if "nbgrader" not in cell.metadata and cell.source.strip() not in prose]

    found = []
    missing = [cell for cell in given_out if place(cell.metadata.nbgrader.grade_id) is None]
    for given in missing:
        same = [cell for cell in nameless(cells) if cell.source.strip() == given.source.strip()]
        if same and same[0].cell_type == given.cell_type:
            same[0].metadata.nbgrader = given.metadata.nbgrader.grade_id
            found.append(given)
    for given in missing:
        if given in found or not given.metadata.nbgrader.solution:
            continue
        order = given_out.index(given)
        before = [place(cell.metadata.nbgrader.grade_id) for cell in given_out[:order]][-1:] or [-1]
        after = [place(cell.metadata.nbgrader.grade_id) for cell in given_out[order + 1 :]][:1] or [len(cells)]
        if None in before + after:
            continue
        own = [cell for cell in nameless(cells[before[0] + 1 : after[0]]) if cell.cell_type == given.cell_type]
        if len(own) == 1:
            own[0].metadata.nbgrader = given.metadata.nbgrader.grade_id
            found.append(given)
    names = [cell.metadata.nbgrader.grade_id for cell in found if cell.metadata.nbgrader.solution]
    if not names:
        return []
    return [(
        f"格子的标记丢了，按内容和位置认出：{'、'.join(names)}",
        f"cells had lost their names and were known by text and place: {', '.join(names)}",
    )]


def is_test(cell):
    return cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.solution


def wrong_file(name, foreign):
    """Says which assignment's it seems to be, by the names of its cells."""
    likely = {path.stem: len(foreign & names_in(path)) for path in sorted(SOURCE.glob("*/*.ipynb"))}
    best = max(likely, key=likely.get, default=None)
    zh = f"{name} 里找不到这次作业的检查格，可能交错了文件"
    en = f"{name} lacks this assignment's test cells; it may be the wrong file"
    if best and likely[best] > 1:
        return Unreadable(f"{zh}，看上去是 {best} 的作业：请交这一次的。",
                          f"{en}, since it looks like that of {best}: hand in this assignment's.")
    return Unreadable(f"{zh}：请从下载来的作业开始做。", f"{en}: start from the assignment that you were given.")


def names_in(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]}


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


def guessed(cells):
    """The edition of a notebook, by its prose, where a platform dropped what the file said."""
    prose = [cell.source for cell in cells if cell.cell_type == "markdown" and "nbgrader" not in cell.metadata]
    chinese = sum(bool(re.search(r"[\u4e00-\u9fff]{4}", source)) for source in prose)
    if not prose or chinese > 0.8 * len(prose):
        return "zh"
    return "both" if chinese > 0.2 * len(prose) else "en"


def short(name):
    """A file's name, short enough to be read in a sentence."""
    name = writable(name)
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME // 2]}…{name[-MAX_NAME // 2 :]}"
