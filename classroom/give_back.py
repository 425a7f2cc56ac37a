"""What goes back to the platform, in OUT/give_back: the teacher's grade sheet, filled, and the feedback in a zip.

How platforms take feedback back in bulk, by the names of what they exported:

- Moodle, “Upload multiple feedback files in a zip”: name_number_assignsubmission_file/any name.
  https://github.com/moodle/moodle/blob/main/mod/assign/feedback/file/importziplib.php
- Canvas, “Upload Submissions”: the name of the file that was handed in, of which it reads the two numbers; students see
  the page under the name that they gave the file, so it has to be a notebook where that was one. See
  infer_comment_context_from_filename in
  https://github.com/instructure/canvas-lms/blob/master/app/models/abstract_assignment.rb
- Brightspace, “Add Feedback Files”: the folder's name as it was.
  https://carleton.ca/brightspace/instructors/grading-assignments-and-providing-feedback/

Blackboard, 学习通 and 雨课堂 document no such thing.
"""

import html
import json
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

import names
from handed_in import counting, time_of
from lateness import lateness
from platforms import BRIGHTSPACE, CANVAS, MOODLE
from roster import RosterError
from sheets import EMPTY, Sheet, SheetError, at, number_in
from total import unmarked
from understood import counted, listed
from writable import writable

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the zip is the same as long as the pages are


def keep_sheet(out, path):
    """Keeps the list of students that was given, as it is, so that later runs fill a copy of it. Raises RosterError."""
    path = Path(path).resolve()
    if path.parent == out / "give_back":
        raise RosterError(
            f"{path} 是填好的表，会被改写；ROSTER 请用平台上导出的那一份。 · "
            f"{path} is a filled sheet and would be written over: give the one that the platform exported as ROSTER."
        )
    kept = out / "sheet" / path.name
    if path != kept:
        content = path.read_bytes()
        shutil.rmtree(kept.parent, ignore_errors=True)
        kept.parent.mkdir()
        kept.write_bytes(content)


def give_back(out, plan, rows, others):
    """Writes OUT/give_back; sentences about what went there and what did not.

    plan: plan.json's; rows: {student's key: row of grades.csv}; others: the names of the other assignments.
    """
    folder = out / "give_back"
    folder.mkdir(exist_ok=True)
    told = []
    for kept in sorted(out.glob("sheet/*")):
        try:
            told += fill(kept, folder / kept.name, plan, rows, others, out / "given_back.json")
        except (SheetError, RosterError) as error:
            told.append(str(error))
    return [*told, *pack(out, folder, plan, rows)]


def fill(kept, target, plan, rows, others, remembered):
    """Writes a filled copy of the sheet where it is one, and says what it holds.

    remembered: a file with the marks of earlier runs, which may be replaced where a new export has them.
    """
    assignment, course = plan["assignment"], plan.get("course", {})
    sheet = Sheet(kept, course.get("columns"))
    named = course.get("rules", {}).get("column", "")
    if not sheet.columns and not named:
        return []  # a list of names
    column = sheet.column_for(assignment, others, named)
    told = Told(sheet, column)
    marks = {}
    history = read_history(remembered).get(column.heading, {})
    lines = {(person.name, person.number): person.line for person in sheet.roster.people}
    for key, row in rows.items():
        entry = plan["students"][key]
        line = lines.get((entry.get("name"), entry.get("id"))) if entry.get("kind") == "roster" else None
        if row["status"] not in ("graded", "flagged"):
            continue
        name, mark = row["student"], float(row["score"])
        if row["status"] == "flagged":
            told.waiting.append(name)
        elif line is None:
            told.not_there.append(name)
        elif line in sheet.roster.twice:
            told.twice.append(name)
        elif line in sheet.locked:
            told.locked.append(name)
        elif (full := column.full(line)) == 0:
            told.no_points.append(name)
        else:
            if full and full != float(row["max_score"]):
                mark = mark * full / float(row["max_score"])
                told.other_scale = full
            there = at(sheet.lines[line], column.place).strip()
            before, mark = number_in(there), round(mark, 2)
            ours = before is not None and before in history.get(key, [])
            if there in EMPTY or (ours and before != mark):
                marks[line] = mark
                history.setdefault(key, []).append(mark)
                told.replaced += [f"{name} ({there} → {mark:g})"] * ours
                told.unmarked += [name] * unmarked(row)
            elif before != mark:
                told.kept.append((f"{name}（表里 {there}，这里 {mark:g}）", f"{name} ({there} there, {mark:g} here)"))
    content = sheet.filled(column, marks)
    new = target.with_name(f"{target.name}.new")
    new.write_bytes(content)
    os.replace(new, target)
    write_history(remembered, column.heading, history)
    return told.sentences(len(marks), target)


class Told:
    """Who was filled in and who was not, in sentences."""

    def __init__(self, sheet, column):
        self.sheet, self.column, self.other_scale = sheet, column, None
        self.waiting, self.not_there, self.twice, self.locked, self.no_points = [], [], [], [], []
        self.replaced, self.unmarked, self.kept = [], [], []

    def sentences(self, count, target):
        platform = self.sheet.platform
        heading = self.column.heading
        yield (
            f"{platform + ' 的' if platform else ''}成绩表填好了，“{heading}”一列填了 {count} 人：{target} · "
            f"{platform + ' grade' if platform else 'Grade'} sheet filled, {count} in the column “{heading}”: {target}"
        )
        if self.other_scale:
            yield (
                f"表里满分是 {self.other_scale:g}，分数已按比例折算。 · "
                f"Full marks are {self.other_scale:g} in the sheet: the marks were converted in proportion."
            )
        for zh, en, people in (
            ("表里已有别的分，没有改，要改就先在平台上清空再导出", "Other marks were there and stay; to have them "
             "replaced, clear them on the platform and export again", self.kept),
            ("平台上先前填的，换成新的分", "Marks given back earlier, replaced", self.replaced),
            ("说明题还没有批，填的是检查的分", "The written answer has no mark yet, filled with the tests' marks",
             self.unmarked),
            ("等你确认，没有填", "Waiting for you, not filled", self.waiting),
            ("表里没有这些学生，分数没有填", "Not in the sheet, their marks are in grades.csv only", self.not_there),
            ("在表里占两行，分不清哪一行算数，没有填", "In two rows of the sheet, neither filled: delete one",
             self.twice),
            ("平台不让改这些学生的分，没有填", "The platform locks these students' grades, not filled", self.locked),
            ("表里满分是 0，没有填，先在平台上设满分", "Full marks are 0 in the sheet, not filled: set the points "
             "on the platform", self.no_points),
        ):
            if people:
                yield f"{zh}：{listed(people, True, 0)}。 · {en}: {listed(people, True, 1)}."


def read_history(path):
    """{column: {student: marks given back in earlier runs}}, which may be replaced by later ones."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def write_history(path, heading, history):
    kept = {key: sorted(set(marks)) for key, marks in history.items()}
    whole = {**read_history(path), heading: kept}
    path.write_text(writable(json.dumps(whole, ensure_ascii=False, indent=1)), encoding="utf-8")


def pack(out, folder, plan, rows):
    """Zips of feedback, one for each platform that takes them, and a sentence about each."""
    assignment = plan["assignment"]
    packed, left = {}, {}
    for key, row in sorted(rows.items()):
        page = out / "feedback" / key / assignment / f"{assignment}.html"
        platform, name = place_of(row["file"].removeprefix("'"), assignment)
        if platform and page.exists():
            if row["status"] == "flagged":
                left.setdefault(platform, []).append(row["student"])
            else:
                packed.setdefault(platform, {})[name] = page, about_lateness(plan, key, row)
    for old in folder.glob("feedback-*.zip"):
        old.unlink()
    for platform, files in packed.items():
        target = folder / f"feedback-{platform.lower()}.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, (page, more) in files.items():
                content = contents(page.read_text(encoding="utf-8"), name, more)
                archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
        yield (
            f"交还给 {platform} 的反馈，{len(files)} 人：{target} · "
            f"Feedback for {platform}, {counted(len(files), 'student')}: {target}"
        )
        if waiting := left.get(platform):
            yield (
                f"等你确认，反馈没有放进去：{listed(waiting, True, 0)}。 · "
                f"Waiting for you, their feedback is not in it: {listed(waiting, True, 1)}."
            )


def place_of(file, assignment):
    """(platform, path in its zip) of what came from a file with this name; ("", "") where no platform takes it so."""
    for part in PurePosixPath(file).parts:
        text = names.tidy(part)
        if match := MOODLE.match(text):
            return "Moodle", f"{part[: len(part) - len(match['rest'])].rstrip('_')}_/{assignment}.html"
        if match := BRIGHTSPACE.match(text):
            rest = match["rest"] or ""
            return "Brightspace", f"{part[: len(part) - len(rest)]}{'' if rest else '/'}{assignment}.html"
        if CANVAS.match(text) and PurePosixPath(part).suffix:
            return "Canvas", part if names.is_notebook(part) else f"{PurePosixPath(part).stem}.html"
    return "", ""


def about_lateness(plan, key, row):
    """What the page has to say of the mark, which is not the sum of its tests then, in the page's language."""
    from feedback import in_edition  # which takes a second

    entry, rules = plan["students"][key], plan.get("course", {}).get("rules")
    if not (rules and row["late"]):
        return ""
    counts = counting(entry)
    late = lateness(rules, entry, time_of(counts), counts.get("told", False), float(row["max_score"]))
    halves = [f"{zh}。 · {en[0].upper()}{en[1:]}." for zh, en in late.reasons]
    return " ".join(in_edition(text, entry.get("edition", "both")) for text in halves)


def contents(page, name, more):
    """A feedback page for the platform, with a sentence more; in a notebook where that is what the name says."""
    if more:
        page = page.replace("</h1>", f"</h1>\n<p>{html.escape(more)}</p>", 1)
    if not names.is_notebook(name):
        return page
    import nbformat  # takes a while, and only Canvas needs it

    notebook = nbformat.v4.new_notebook()
    shown = nbformat.v4.new_output("display_data", {"text/html": page, "text/plain": "反馈 · Feedback"})
    notebook.cells = [nbformat.v4.new_code_cell("# 反馈 · Feedback", id="feedback", outputs=[shown])]
    return nbformat.writes(notebook)
