"""The teacher's page on a class that has been graded, overview.html: which student, and which test, to look at.

What it shows stands in the merged gradebook, the rows of grades.csv, and the messages that the shards have kept.
"""

import base64
import io
import math
import sqlite3
import statistics
import time
from collections import Counter, defaultdict
from contextlib import closing
from urllib.parse import quote

from for_teachers import write_page

STATUS = {
    "graded": ("已批改", "graded"),
    "flagged": ("待老师确认", "flagged"),
    "ungraded": ("未能批改", "ungraded"),
    "missing": ("没有交", "missing"),
}
COMMONEST = 30  # messages

# By tables and not by nbgrader's classes, which ask the database anew for each of 3,000 students.
GRADES = """
SELECT submitted_assignment.student_id, base_cell.name, grade_cells.max_score, grade.needs_manual_grade,
    COALESCE(grade.manual_score, grade.auto_score) + COALESCE(grade.extra_credit, 0)
FROM grade
    JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
    JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
    JOIN base_cell ON grade.cell_id = base_cell.id
    JOIN grade_cells ON grade_cells.id = base_cell.id
ORDER BY base_cell.rowid
"""


def write_overview(out, assignment, people):
    """Writes out/overview.html.

    people: of each student a dict of the row of grades.csv ("row"), the folder of their feedback or None ("key"), when
    they handed in, in seconds since 1970 or None ("time"), and {test: message} of the tests they failed ("messages").
    """
    grades = read_grades(out / "gradebook.db")
    tests = {name: most for marks in grades.values() for name, (_, most, _) in marks.items()}
    scores = {
        key: {name: score for name, (score, _, _) in marks.items() if score is not None}
        for key, marks in grades.items()
    }
    waiting = {(key, name) for key, marks in grades.items() for name, (_, _, waits) in marks.items() if waits}
    items = about_tests(tests, scores, waiting)
    messages = commonest(people)
    places = {(one["test"], one["text"]): place for place, one in enumerate(messages)}
    counts = Counter(one["row"]["status"] for one in people)
    write_page(
        out / "overview.html",
        "overview.html.j2",
        assignment=assignment,
        counts=[(said, counts[status]) for status, said in STATUS.items() if counts[status]],
        items=items,
        figures=drawn(items, people),
        messages=messages,
        any_late=any(one["row"].get("late") for one in people),
        students=[line_of(one, assignment, grades.get(one["key"], {}), tests, places) for one in people],
    )


def read_grades(path):
    """{student: {test: (score or None, maximum, whether it waits for the teacher)}} of a gradebook, in its order."""
    found = defaultdict(dict)
    with closing(sqlite3.connect(path)) as db:
        for student, name, most, waiting, score in db.execute(GRADES):
            found[student][name] = (score, most, bool(waiting))
    return found


def about_tests(tests, scores, waiting=frozenset()):
    """How many pass each test, and how well it tells strong students from weak ones.

    tests: {test: maximum}; scores: {student: {test: score}}, without those that have none yet; waiting: {(student,
    test)} of marks that wait for the teacher and count for nobody. Of each test a dict: "passed" is the share of full
    marks, "tells" the corrected item-total correlation, each None where there is none, and where more wait than have a
    mark: those who left a written answer empty have one at once, and would speak for all.
    """
    whole = [name for name in tests if all(name in marks for marks in scores.values())]
    about = []
    for name, most in tests.items():
        having = [marks for key, marks in scores.items() if name in marks and (key, name) not in waiting]
        mine = [marks[name] for marks in having]
        rest = [sum(marks[other] for other in whole if other != name) for marks in having]
        late = sum(test == name for _, test in waiting)
        known = mine and late <= len(mine)
        about.append({
            "name": name,
            "short": name.removeprefix("test_"),
            "number": len(mine),
            "waiting": late,
            "passed": sum(score >= most for score in mine) / len(mine) if known else None,
            "tells": correlation(mine, rest) if known else None,
        })
    return about


def correlation(one, other):
    """Pearson's; None where either has no spread. Of a test that is all or nothing, it is the point-biserial one."""
    if len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return statistics.correlation(one, other)


def commonest(people):
    """What failed tests said, the commonest first, with how many students it was said to."""
    said = Counter((test, text) for one in people for test, text in one["messages"].items() if text)
    found = []
    for (test, text), number in said.most_common(COMMONEST):
        zh, _, en = text.partition(" · ")
        found.append({"test": test, "text": text, "zh": zh, "en": en, "number": number})
    return found


def line_of(one, assignment, grades, tests, places):
    """What the table of students says of one."""
    row, key = one["row"], one["key"]
    told = sorted(places[said] for said in one["messages"].items() if said in places)
    return {
        "name": row["student"],
        "status": STATUS[row["status"]],
        "score": row["score"],
        "page": quote(f"feedback/{key}/{assignment}/{assignment}.html", errors="replace") if key else "",
        "marks": [mark_of(*grades.get(test, (None, most, False))) for test, most in tests.items()],
        "time": time.strftime("%Y-%m-%d %H:%M", time.localtime(one["time"])) if one["time"] else "",
        "late": row.get("late", ""),
        "told": " ".join(map(str, told)),
    }


def mark_of(score, most, waiting):
    """A cell of the matrix: its class, its value to sort by, its sign."""
    value = "" if score is None else f"{score:g}"
    if waiting:
        return {"kind": "w", "value": value, "sign": "?"}
    if score is None:
        return {"kind": "", "value": "", "sign": ""}
    kind, sign = ("p", "✓") if score >= most else ("h", "½") if score > 0 else ("f", "✗")
    return {"kind": kind, "value": value, "sign": sign}


def drawn(items, people):
    """The pictures, each a PNG in base64 with its alt text in both languages. Only code and numbers are in them."""
    from matplotlib.figure import Figure

    scores = [float(one["row"]["score"]) for one in people if one["row"]["score"] != ""]
    if not scores:
        return []
    most = float(people[0]["row"]["max_score"])
    figure = Figure(figsize=(5, 3.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.hist(scores, bins=[place - 0.5 for place in range(math.ceil(max(most, *scores)) + 2)], color="#0969da")
    axes.set(xlabel=f"score / {most:g}", ylabel="n")
    alt = f"得分的分布，中位数 {statistics.median(scores):g}。 · How scores spread; the median is "
    pictures = [{"png": png(figure), "alt": f"{alt}{statistics.median(scores):g}."}]
    known = [item for item in items if item["tells"] is not None]
    if known:
        figure = Figure(figsize=(5, 3.2), dpi=110, layout="constrained")
        axes = figure.subplots()
        axes.scatter([item["passed"] for item in known], [item["tells"] for item in known], color="#0969da")
        heights = spread([item["tells"] for item in known])
        for item, height in zip(known, heights, strict=True):
            axes.annotate(item["short"], (item["passed"], item["tells"]), fontsize=7, va="center", color="#59636e",
                          xytext=(1.08, height), arrowprops={"arrowstyle": "-", "color": "#d0d7de"})
        axes.axhline(0, color="#d0d7de", zorder=0)
        axes.set(xlabel="passed", ylabel="item-total correlation", xlim=(-0.05, 1.7), ylim=(-1.05, 1.05),
                 xticks=[0, 0.25, 0.5, 0.75, 1])
        alt = "每项检查的通过率和区分度，同上表。 · Share of passes and item-total correlation of each test, as above."
        pictures.append({"png": png(figure), "alt": alt})
    return pictures


def spread(heights, apart=0.13, top=1.0):
    """Heights for labels, as near to those given as may be, none so near to another that they overlap."""
    order = sorted(range(len(heights)), key=heights.__getitem__, reverse=True)
    placed, above = [0.0] * len(heights), top + apart
    for place in order:
        placed[place] = above = min(heights[place], above - apart)
    return placed


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return base64.b64encode(file.getvalue()).decode()
