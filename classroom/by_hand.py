"""The marks and comments that teachers give by hand in Formgrader, and the files that they were given for.

They stand in the merged gradebook, in nbgrader's tables and in one of ours, which is so replaced together with them: it
keeps what belongs to a file that is not the student's last, or to a student whose last file could not be graded.
"""

import json
import math
import sqlite3
from contextlib import closing

BY_HAND = "CREATE TABLE IF NOT EXISTS by_hand (student TEXT PRIMARY KEY, kept TEXT)"


def written_by_hand(path, assignment, shown=None):
    """What teachers have written into the merged gradebook: (names by student, marks and comments by student).

    Of students whom it has no submission of now, since their last file could not be graded, what was kept in BY_HAND.
    shown: the file of each student whose published notebook a teacher saw when marking; a mark is for that file and no
    other. None: what was published is not known, and a mark is for the file that the gradebook was made with.
    """
    from nbgrader.api import Gradebook  # takes a second, which a shard need not wait for

    known, found = {}, {}
    if not path.exists():
        return known, found
    with closing(sqlite3.connect(path)) as db:
        db.execute(BY_HAND)
        found = {student: json.loads(kept) for student, kept in db.execute("SELECT student, kept FROM by_hand")}
    with Gradebook(f"sqlite:///{path}") as book:
        for student in book.students:
            names = {"first_name": student.first_name, "last_name": student.last_name, "email": student.email}
            known[student.id] = names
        for submission in book.assignment_submissions(assignment):
            before = found.get(submission.student.id, {"file": None, "marks": {}})
            file = before["file"] if shown is None else shown.get(submission.student.id)
            marks, comments = {}, {}
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    fields = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")
                    mark = {field: getattr(grade, field) for field in fields}
                    marks[grade.name] = confirmed(mark, before["marks"].get(grade.name), before["file"], file)
                comments |= {one.name: one.manual_comment for one in notebook.comments if one.manual_comment}
            found[submission.student.id] = {"file": before["file"], "marks": marks, "comments": comments}
    return known, found


def keep_by_hand(path, hand):
    """Writes into a new gradebook what `written_by_hand` found, each with the file that it now stands beside."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(BY_HAND)
        kept = [(student, json.dumps(marks, ensure_ascii=False)) for student, marks in hand.items()]
        db.executemany("INSERT INTO by_hand VALUES (?, ?)", kept)


def confirmed(mark, before, last_file, file):
    """A mark in the gradebook with the file that it is for: as before until it is saved in Formgrader again."""
    if before:
        same = all(mark[field] == before[field] for field in ("manual_score", "extra_credit"))
        untouched = same if marked(mark) else before.get("refused")
        unchanged = before["file"] == last_file and mark.items() <= before.items()
        if unchanged or (untouched and mark["needs_manual_grade"]):
            return before
    return {**mark, "file": file}


def marked(mark):
    """Whether a teacher has given it."""
    return mark["manual_score"] is not None or bool(mark["extra_credit"])


def students_marked(path, assignment):
    """Those to whom a teacher has given a mark or a comment by hand, now or for a file that counts no more."""
    _, found = written_by_hand(path, assignment)
    return {
        student for student, given in found.items() if given["comments"] or any(map(marked, given["marks"].values()))
    }


def possible(mark, maximum):
    """Whether Formgrader's boxes take it: what is written past them may be any number, or none."""
    score, extra = (mark[field] or 0 for field in ("manual_score", "extra_credit"))
    numbers = all(isinstance(value, (int, float)) and math.isfinite(value) for value in (score, extra))
    return numbers and 0 <= score <= maximum and extra >= 0
