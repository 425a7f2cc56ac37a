"""A platform's own grade sheet, as the teacher exported it: the column for an assignment's marks, and a filled copy.

What the platforms document, or their sources say:

- Canvas, Gradebook → Export: “Name (id)” columns, a row “Points Possible”; columns that are “(read only)” are not
  taken back. https://ts.vcu.edu/askit/teaching-and-learning/canvas/faculty/grading-faculty/gradebook-action-menu-faculty/
- Moodle, an assignment's grading worksheet: “Identifier”, “Grade”, “Maximum grade”, “Grade can be changed”.
  https://github.com/moodle/moodle/blob/main/mod/assign/feedback/offline/importgradeslib.php
  Its gradebook, Grades → Export: “Assignment: name (Real)”. https://docs.moodle.org/en/Grade_import
- Blackboard, Work Offline: tabs in UTF-16 called .xls, or commas; “Name [Total Pts: 20 Score] |id”.
  https://help.blackboard.com/Learn/Instructor/Original/Grade/Grading_Tasks/Work_Offline_With_Grade_Data
- Brightspace: “Name Points Grade <Numeric MaxPoints:20 …>”, “End-of-Line Indicator”.
  https://community.d2l.com/brightspace/kb/articles/3538-importing-grades
- Any other, 学习通 and 雨课堂 among them: a column called 成绩, score or the like, or one that course.toml names.

Nothing but the cells of that one column changes: of a text every other byte stays, of a workbook every other cell.
"""

import io
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from roster import encoding_of, headings, plain_heading, read_roster, read_rows, separator_of

CANVAS = re.compile(r"(?P<name>.+) \(\d+\)")
BLACKBOARD = re.compile(r"(?P<name>.+?) ?\[Total Pts: (?P<most>[\d.,]+)(?: Score)?\](?: ?\|\d+)?")
BRIGHTSPACE = re.compile(r"(?P<name>.+) Points Grade(?: <Numeric(?: MaxPoints:(?P<most>[\d.]+))?[^>]*>)?")
MOODLE = re.compile(r"(?P<name>.+?) ?[(（](?:Real|实际|真实|实际分数|实际值)[)）]", re.IGNORECASE)
MOODLE_TOTAL = re.compile(r"(course|category) total|(课程|类别)总分", re.IGNORECASE)
WORKSHEET = {"identifier", "标识符"}
MARK = {"成绩", "分数", "得分", "作业成绩", "作业得分", "作业分数", "评分", "score", "grade", "mark", "marks", "points"}
OUT_OF = {"满分", "最高分", "最高成绩", "总分值", "outof", "maximumgrade", "maxgrade", "maxscore", "maxpoints"}
LOCKED = {"gradecanbechanged", "可以更改成绩", "成绩可以更改", "成绩可更改"}
NO = {"no", "否", "不"}
POINTS_POSSIBLE = re.compile("points possible", re.IGNORECASE)
EMPTY = {"", "-", "–", "—"}
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
CELL = r'(?P<cell>"(?:[^"]|"")*"|(?!")[^{0}\r\n]*)(?P<end>{0}|\r\n|\r|\n|\Z)'


class SheetError(Exception):
    """Why a sheet cannot be filled; the text says what to do."""


@dataclass
class Column:
    """One that takes marks."""

    place: int  # from 0
    heading: str
    name: str  # the assignment's, as the platform has it
    out_of: dict = field(default_factory=dict)  # {line: full marks}; by None: every line's

    def full(self, line):
        """How many marks are full marks; None where the sheet does not say."""
        return self.out_of.get(line, self.out_of.get(None))


class Sheet:
    """A grade sheet. Raises RosterError where it is no list of people."""

    def __init__(self, path, columns=None):
        self.path = Path(path)
        self.content = self.path.read_bytes()
        self.roster = read_roster(self.path, columns)
        rows = read_rows(self.path)
        start, _ = headings(self.path, rows, columns)
        self.lines = dict(rows[start:])
        self.headings = [cell.lstrip("\ufeff") for cell in rows[start - 1][1]]
        self.platform, self.columns = self.known(columns or {})
        numbers = [*(one.place for one in self.columns), *self.places(OUT_OF)]
        cells = [at(row, place) for row in self.lines.values() for place in numbers]
        self.decimal = "," if any(re.fullmatch(r"\d+,\d+", cell) for cell in cells) else "."
        locked = self.places(LOCKED)
        self.locked = {line for line, row in self.lines.items() if any(at(row, one).casefold() in NO for one in locked)}

    def known(self, columns):
        """(platform, columns that take marks)."""
        plain = [plain_heading(heading) for heading in self.headings]
        if {"student", "id"} <= set(plain) and (found := self.matching(CANVAS)):
            points = next((row for row in self.lines.values() if POINTS_POSSIBLE.fullmatch(at(row, 0))), [])
            for column in found:
                column.out_of = {None: number_in(at(points, column.place))}
            return "Canvas", found
        if found := self.matching(BLACKBOARD):
            return "Blackboard", found
        if found := self.matching(BRIGHTSPACE):
            return "Brightspace", found
        most = self.places({plain_heading(columns["out_of"])} if "out_of" in columns else OUT_OF)
        out_of = {line: number_in(at(row, most[0])) for line, row in self.lines.items()} if most else {}
        taken = self.places({plain_heading(columns["mark"])} if "mark" in columns else MARK)
        found = [Column(place, self.headings[place], self.headings[place], out_of) for place in taken]
        if found:
            return "Moodle" if WORKSHEET & set(plain) else "", found
        return "Moodle", [one for one in self.matching(MOODLE) if not MOODLE_TOTAL.search(one.name)]

    def places(self, known):
        return [place for place, heading in enumerate(self.headings) if plain_heading(heading) in known]

    def matching(self, pattern):
        found = []
        for place, heading in enumerate(self.headings):
            if match := pattern.fullmatch(heading):
                most = number_in(match.groupdict().get("most") or "")
                found.append(Column(place, heading, match["name"], {None: most}))
        return found

    def column_for(self, assignment, others, named=""):
        """The column of an assignment: the one that is named, whose heading has its name, or the only one there is.

        others: the names of assignments that it is not. Raises SheetError where none or several may be meant.
        """
        if named:
            plain = plain_heading(named)
            wanted = [one for one in self.columns if plain in (plain_heading(one.heading), plain_heading(one.name))]
            wanted = wanted or [Column(place, named, named) for place in self.places({plain})]
        else:
            wanted = [one for one in self.columns if has_name(one.name, assignment)]
            free = [one for one in self.columns if not any(has_name(one.name, other) for other in others)]
            wanted = wanted or (free if len(self.columns) == 1 else [])
        if len(wanted) == 1:
            return wanted[0]
        there = [one.heading for one in (wanted or self.columns)] or self.headings
        told = "、".join(f"“{heading}”" for heading in there), ", ".join(f"“{heading}”" for heading in there)
        raise SheetError(
            f"{self.path.name} 里看不出哪一列是 {assignment} 的，没有填；在 course.toml 的 [{assignment}] 里"
            f"写上 column = 列名，有这些列：{told[0]}。 · It does not tell which column of {self.path.name} is "
            f"{assignment}'s, so none was filled; write column = its heading under [{assignment}] in course.toml. "
            f"There are: {told[1]}."
        )

    def filled(self, column, marks):
        """The sheet's bytes with marks, {line: number}, in a column. Raises SheetError."""
        if self.content.startswith(b"PK"):
            return in_workbook(self.content, column.place, marks)
        texts = {line: self.shown(mark) for line, mark in marks.items()}
        bom, encoding = encoding_of(self.content)
        text = self.content[len(bom) :].decode(encoding, "replace")
        if bom + text.encode(encoding, "replace") != self.content:
            raise SheetError(
                f"{self.path.name} 的编码认不准，没有填，免得改坏别的格子：请另存为 UTF-8 的 CSV。 · The encoding "
                f"of {self.path.name} is not certain, and nothing was filled, so that no other cell is spoilt: save it "
                "as CSV in UTF-8."
            )
        return bom + in_text(text, separator_of(text), column.place, texts).encode(encoding)

    def shown(self, mark):
        return f"{round(mark, 2):g}".replace(".", self.decimal)


def at(row, place):
    return row[place] if place < len(row) else ""


def has_name(heading, assignment):
    return bool(re.search(rf"(?<![a-z]){re.escape(assignment)}(?![a-z])", heading.casefold()))


def number_in(text):
    """The number that a cell is; None where it is none."""
    text = text.strip()
    number = float(text.replace(",", ".")) if NUMBER.fullmatch(text) else None
    return number if number is None or math.isfinite(number) else None


def in_text(text, separator, place, texts):
    """A text of rows with other cells in one column, {line on which the row begins: text}."""
    pattern = re.compile(CELL.format(re.escape(separator)))
    pieces, copied, position, line, begins, column = [], 0, 0, 1, 1, 0
    left = dict(texts)
    while left:
        match = pattern.match(text, position)
        if not match:
            raise SheetError("表里有读不出来的引号，没有填。 · Quotes in the sheet cannot be read, nothing was filled.")
        if begins in left and column == place:
            new = left.pop(begins)
            quoted = match["cell"].startswith('"') or separator in new
            pieces += [text[copied : match.start("cell")], f'"{new}"' if quoted else new]
            copied = match.end("cell")
        line += len(re.findall(r"\r\n|\r|\n", match[0]))
        position = match.end()
        at_end = match["end"] != separator
        if at_end and begins in left:  # a row that ends before the column
            missing = place - column
            pieces += [text[copied : match.end("cell")], separator * missing, left.pop(begins)]
            copied = match.end("cell")
        if at_end and match["end"] == "" and left:
            raise SheetError("表里少了几行，没有填。 · Rows of the sheet are gone, nothing was filled.")
        column, begins = (0, line) if at_end else (column + 1, begins)
    return "".join([*pieces, text[copied:]])


def in_workbook(content, place, marks):
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content))
    for line, mark in marks.items():
        book.worksheets[0].cell(line, place + 1).value = round(mark, 2)
    new = io.BytesIO()
    book.save(new)
    return new.getvalue()

