"""The written answers of a graded class: what each student wrote, made inert, the mark scheme, the marks by hand.

Marks and comments stand in nbgrader's tables of the merged gradebook, where Formgrader has them, too. They are read and
written by SQL: nbgrader's classes ask the database anew for each of 3,000 students, and cannot change a mark on the
condition that it still is what was seen.
"""

import fcntl
import html
import math
import re
import sqlite3
from contextlib import closing, contextmanager
from hashlib import sha256

import nh3
from collect import digest
from feedback import PROSE, SCHEME
from formulas import MATHML, MATHML_ATTRIBUTES, Formulas
from grade import is_sound, page_of, plan_in, read_file, read_json
from handed_in import shown_names
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from writable import writable

MAX_COMMENT = 20_000  # characters

GRADES = """
SELECT base_cell.name, submitted_assignment.student_id, grade.id, grade.auto_score, grade.manual_score,
    grade.needs_manual_grade, grade_cells.max_score, comment.id, comment.manual_comment
FROM grade
    JOIN base_cell ON grade.cell_id = base_cell.id
    JOIN grade_cells ON grade_cells.id = base_cell.id
    JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
    JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
    LEFT JOIN base_cell AS solution
        ON solution.name = base_cell.name AND solution.notebook_id = base_cell.notebook_id
        AND solution.type = 'SolutionCell'
    LEFT JOIN comment ON comment.cell_id = solution.id AND comment.notebook_id = grade.notebook_id
"""
FIELDS = ("cell", "student", "grade", "auto", "mark", "waits", "most", "comment_id", "comment")

NOT_GRADED = (
    "{out} 里没有批改好的作业：先运行 make grade，OUT 写同一个文件夹。",
    "{out} holds no graded class: run make grade first, with the same OUT.",
)
NO_WRITTEN = ("{out} 里的作业没有说明题。", "The assignment in {out} has no written answers.")
BUSY = (
    "make grade 正在运行，它一结束就会存上。",
    "make grade is running; this is saved as soon as it is done.",
)
CHANGED = (
    "别处（另一个窗口，或者 Formgrader）刚把它改成了 {other}，你的还没有存。",
    "Elsewhere, in another window or in Formgrader, it has just become {other}; yours is not saved.",
)
ANOTHER_FILE = (
    "这名学生刚交了新的文件，批改过了：下面换成了新的答案，分还没有存。",
    "This student's new file has just been graded: the answer below is the new one, and nothing was saved.",
)
NOT_PUBLISHED = (
    "这份答案的页面缺了，或者被改过，现在打分不算数：再运行一次 make grade。",
    "The page of this answer is missing or was changed, and a mark would not count: run make grade again.",
)
GONE = ("成绩里没有这份答案了。", "This answer is not in the gradebook any more.")
NO_MARK = ("分数要在 0 和 {most} 之间。", "A mark is a number from 0 to {most}.")
TOO_LONG = (f"评语最多 {MAX_COMMENT} 个字符。", f"A comment has at most {MAX_COMMENT} characters.")


class WrittenError(Exception):
    """Why something was not saved, in both languages; `now` is what stands there, of a change that was not seen."""

    def __init__(self, told, why="refused", now=None, **words):
        super().__init__(" · ".join(part.format(**words) for part in told))
        self.told = [part.format(**words) for part in told]
        self.why, self.now = why, now


class WrittenAnswers:
    """Of the class graded into the folder `out`."""

    def __init__(self, out):
        self.out, self.gradebook = out, out / "gradebook.db"
        plan = plan_in(out)
        if not plan or not self.gradebook.exists() or not is_sound(self.gradebook):
            raise WrittenError(NOT_GRADED, out=out)
        self.assignment = plan["assignment"]
        cells = read_file(out / "source" / self.assignment / f"{self.assignment}.ipynb").cells
        self.questions = {cell.metadata.nbgrader.grade_id: asked(cells, place) for place, cell in written_in(cells)}
        if not self.questions:
            raise WrittenError(NO_WRITTEN, out=out)

    def version(self):
        """Something that is another one after every change."""
        files = [path.stat() for path in (self.gradebook, self.out / "published.json") if path.exists()]
        return "-".join(f"{file.st_ino}.{file.st_mtime_ns}" for file in files)

    def listed(self):
        """(The answers, question by question, in an order that tells nothing of whose they are; how many students have
        other tests that wait for a teacher)."""
        names = shown_names((plan_in(self.out) or {"students": {}})["students"])
        grades = self.grades()
        found = [
            {
                "cell": one["cell"],
                "student": one["student"],
                "name": names.get(one["student"], one["student"]),
                "mark": one["mark"],
                "most": one["most"],
                "state": state_of(one),
                "comment": one["comment"] or "",
            }
            for one in grades
            if one["cell"] in self.questions
        ]
        order = list(self.questions)
        found.sort(key=lambda one: (order.index(one["cell"]), self.shuffled(one["student"])))
        others = {one["student"] for one in grades if one["waits"] and one["cell"] not in self.questions}
        return found, len(others)

    def shuffled(self, student):
        return sha256(f"{self.assignment}/{student}".encode("utf-8", "replace")).digest()

    def grades(self):
        with closing(self.connect()) as db:
            return [dict(zip(FIELDS, row, strict=True)) for row in db.execute(GRADES)]

    def connect(self):
        return sqlite3.connect(f"{self.gradebook.as_uri()}?mode=rw", uri=True, timeout=5, isolation_level=None)

    def answer(self, cell, student):
        """What a student wrote as inert HTML, and the digest of the notebook that it stands in; both None without."""
        path = page_of(self.out, student, self.assignment)
        if "/" in student or not path.exists():
            return {"html": None, "page": None}
        content = path.read_bytes()
        answers = [one for one in read_file(path).cells if one.metadata.get("nbgrader", {}).get("grade_id") == cell]
        shown = "".join(inert_page(one.source, one.get("attachments")) for one in answers)
        return {"html": shown, "page": digest(content)}

    def save_mark(self, cell, student, page, was, mark):
        """Puts a mark, or None, in the place of the mark `was` that the teacher saw beside the notebook `page`."""
        with self.writing(cell, student, page) as (db, row):
            if mark is not None and not (is_number(mark) and 0 <= mark <= row["most"]):
                raise WrittenError(NO_MARK, most=f"{row['most']:g}")
            if row["mark"] not in (was, mark):
                raise WrittenError(CHANGED, "changed", row["mark"], other=shown_mark(row["mark"]))
            waits = mark is None and row["auto"] is None  # as Formgrader does
            values = (mark, waits, row["grade"])
            db.execute("UPDATE grade SET manual_score = ?, needs_manual_grade = ? WHERE id = ?", values)

    def save_comment(self, cell, student, page, was, comment):
        comment = writable(comment)
        if len(comment) > MAX_COMMENT:
            raise WrittenError(TOO_LONG)
        with self.writing(cell, student, page) as (db, row):
            there = row["comment"] or ""
            if there not in (was, comment):
                raise WrittenError(CHANGED, "changed", there, other=f"“{there[:40]}”")
            values = (comment or None, row["comment_id"])
            db.execute("UPDATE comment SET manual_comment = ? WHERE id = ?", values)

    @contextmanager
    def writing(self, cell, student, page):
        """(The gradebook, which nobody else writes to in the meantime; an answer's grade and comment there)."""
        with at_rest(self.out / ".lock"), closing(self.connect()) as db:
            self.check_page(student, page)
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                raise WrittenError(BUSY, "busy") from None
            where = "WHERE base_cell.name = ? AND submitted_assignment.student_id = ?"
            row = db.execute(f"{GRADES} {where}", (cell, student)).fetchone()
            if not row or cell not in self.questions:
                raise WrittenError(GONE)
            yield db, dict(zip(FIELDS, row, strict=True))
            db.execute("COMMIT")

    def check_page(self, student, page):
        """Raises WrittenError where a mark would be for another notebook than the one that the teacher saw."""
        path = page_of(self.out, student, self.assignment)
        there = digest(path.read_bytes()) if "/" not in student and path.exists() else None
        published = read_json(self.out / "published.json")
        if there is None or (isinstance(published, dict) and published.get(student, {}).get("page") != there):
            raise WrittenError(NOT_PUBLISHED)
        if there != page:
            raise WrittenError(ANOTHER_FILE, "file")


@contextmanager
def at_rest(path):
    """While nothing is collected and merged: who merges has read the marks already, and would lose later ones."""
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrittenError(BUSY, "busy") from None
        yield


def state_of(one):
    """waiting: has no mark; again: one for an earlier file; blank: nothing was written, 0 by itself; marked."""
    if one["waits"] or (one["mark"] is None and one["auto"] is None):
        return "waiting" if one["mark"] is None else "again"
    return "blank" if one["mark"] is None else "marked"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def shown_mark(mark):
    return "–" if mark is None else f"{mark:g}"


def written_in(cells):
    """The cells that a teacher marks by hand, with their places."""
    for place, cell in enumerate(cells):
        given = cell.metadata.get("nbgrader", {})
        if given.get("grade") and given.get("solution"):
            yield place, cell


def asked(cells, place):
    """What the source has on a written answer, by language, as HTML: the questions, a model answer, the mark scheme."""
    before = []
    for cell in reversed(cells[:place]):
        if cell.cell_type != "markdown" or cell.source.startswith("#"):
            break
        before.insert(0, cell)
    source = cells[place].source
    scheme = SCHEME.search(source)
    inner = "\n".join(scheme[0].splitlines()[1:-1]) if scheme else ""
    model = SCHEME.sub("", source)
    return {
        edition: {
            "questions": inert_page("\n\n".join(one.source for one in before if one.metadata.get("lang") == edition)),
            "scheme": inert_page(in_language(inner, edition)),
            "model": inert_page(in_language(model, edition)),
        }
        for edition in ("zh", "en")
    }


def in_language(text, edition):
    """Of lines in both languages, `1. 中文 · English`, the one half."""
    keep = r"\1\2" if edition == "zh" else r"\1\3"
    return re.sub(r"(?m)^(\d+\. |)(.*?\S) · (.*)$", keep, text)


def inert_page(source, attachments=None):
    """Markdown as HTML of text, formulas and attached pictures, whatever it holds; it comes from an inert notebook."""
    renderer = Formulas(escape=False, exclude_anchor_links=True, attachments=attachments or {})
    try:
        page = MarkdownWithMath(renderer).render(source)
    except Exception:  # a picture that isn't there, or nesting without end
        return f"<pre>{html.escape(source)}</pre>"
    return nh3.clean(
        page,
        tags=(PROSE - {"a"}) | MATHML,
        clean_content_tags={"script", "style"},
        attributes={"img": {"src", "alt"}, "ol": {"start"}, **dict.fromkeys(MATHML, MATHML_ATTRIBUTES)},
        attribute_filter=only_pixels,
        url_schemes={"data"},
        link_rel=None,
    )


def only_pixels(tag, name, value):
    is_picture = value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
    return value if (tag, name) != ("img", "src") or is_picture else None
