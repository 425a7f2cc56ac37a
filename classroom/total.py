"""Adds up a course: total.csv beside course.toml, of everybody on the roster, with weights and drops.

    python classroom/total.py --course course.toml          make total

A total is out of 100: the weighted mean of the shares of full marks that course.toml's assignments were given, without
as many as `drop` says, those without which it is highest. Who handed in nothing has 0 there.
"""

import argparse
import csv
import os
import sys
from itertools import combinations
from pathlib import Path

import names
from course import CourseError, read_course
from roster import RosterError, read_roster
from understood import legible, listed
from writable import harmless, writable


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--course", type=Path, required=True)
    path = parser.parse_args().course
    for line in write_total(path):
        print(legible(line))


def write_total(path):
    """Writes total.csv beside a course.toml; sentences about it. Raises CourseError and RosterError."""
    course = read_course(path)
    marks = {name: read_marks(Path(rules["marks"])) for name, rules in course["assignments"].items()}
    absent = [name for name, rows in marks.items() if rows is None]
    marks = {name: rows for name, rows in marks.items() if rows is not None}
    if not marks:
        raise CourseError(
            f"{path} 里的作业都还没有分数；[作业名] 里的 marks 要指向 make grade 的 OUT。 · "
            f"No assignment of {path} has marks yet; `marks` under its name has to be the OUT of make grade."
        )
    roster = read_roster(Path(course["roster"]), course["columns"]) if course["roster"] else None
    people = by_person(marks, roster)
    rows = [row_of(person, given, marks, course) for person, given in people.items()]
    target = path.resolve().with_name("total.csv")
    write_rows(target, list(marks), sorted(rows, key=lambda row: (row["group"], row["student"])))
    waiting = [row["student"] for row in rows if row["status"] == "waiting"]
    listed_ones = {(roster.called[one], one.number, one.group) for one in roster.people} if roster else set(people)
    strangers = [person[0] for person in people if person not in listed_ones]
    yield f"{len(rows)} 名学生的总分：{target} · Totals of {len(rows)} students: {target}"
    if absent:
        yield (
            f"还没有分数、没有算进去的作业：{listed(absent, False, 0)}。 · "
            f"Assignments without marks yet, not counted: {listed(absent, False, 1)}."
        )
    if strangers:
        yield (
            f"名单上对不上、单独占一行的：{listed(strangers, True, 0)}；"
            "每份成绩表里的学号都要在名单上，名单可以有几列学号。 · "
            f"Not found on the roster, in rows of their own: {listed(strangers, True, 1)}; the numbers in every grade "
            "sheet have to be on the roster, which may have several columns of numbers."
        )
    if waiting:
        yield (
            f"还有作业没有定分的学生（先按 0 或暂定的分算）：{listed(waiting, True, 0)}。 · "
            f"Students with marks that are not settled (0, or what they have so far): {listed(waiting, True, 1)}."
        )


def read_marks(out):
    """The rows of an assignment's grades.csv; None where there is none."""
    try:
        with open(out / "grades.csv", newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
            return [{name: (cell or "").removeprefix("'") for name, cell in row.items()} for row in rows]
    except FileNotFoundError:
        return None


def by_person(marks, roster):
    """{(student, id, group): {assignment: row}}: the roster's people first, then whoever else has marks."""
    known = {(roster.called[one], one.number): one for one in roster.people} if roster else {}
    people = {(roster.called[one], one.number, one.group): {} for one in known.values()}
    strangers = {}
    for assignment, rows in marks.items():
        for row in rows:
            person = known.get((row["student"], row["id"]))
            if roster and not person:
                number = names.Named(number=row["id"])
                found = roster.match(row["id"], number) if row["id"] else []
                found = found or roster.match(row["student"], names.Named(row["student"]))
                person = found[0] if len(found) == 1 else None
            if person:
                people[roster.called[person], person.number, person.group][assignment] = row
                continue
            key = strangers.setdefault(row["id"] or names.same(row["student"]), (row["student"], row["id"], ""))
            people.setdefault(key, {})[assignment] = row
    return people


def row_of(person, given, marks, course):
    """One student's row of total.csv."""
    student, number, group = person
    shares, weights, cells, reasons, settled = [], [], {}, [], True
    for assignment in marks:
        row = given.get(assignment, {"status": "missing", "score": "", "max_score": "", "reason": ""})
        score, full = (float(row[field] or 0) for field in ("score", "max_score"))
        shares.append(score / full if full else 0.0)
        weights.append(course["assignments"][assignment]["weight"])
        cells[assignment] = row["score"]
        if row["status"] == "missing":
            reasons.append((f"{assignment} 没有交，算 0 分", f"{assignment}: nothing handed in, 0"))
        elif row["status"] == "ungraded":
            reasons.append((f"{assignment} 没能批改，先算 0 分", f"{assignment}: could not be graded, 0 for now"))
        elif row["status"] == "flagged":
            so_far = f"{score:g}"
            reasons.append((f"{assignment} 等你确认，先算 {so_far}", f"{assignment}: waits for you, {so_far} for now"))
        elif unmarked(row):
            so_far = f"{score:g}"
            reasons.append((
                f"{assignment} 的说明题还没有批，先算 {so_far}",
                f"{assignment}: the written answer has no mark yet, {so_far} for now",
            ))
        settled &= row["status"] in ("graded", "missing") and not unmarked(row)
    total, dropped = best(shares, weights, min(course["drop"], len(shares) - 1))
    order = list(marks)
    if dropped:
        zh, en = (joint.join(order[place] for place in dropped) for joint in ("、", ", "))
        reasons.append((f"去掉了 {zh}", f"dropped: {en}"))
    said = "；".join(zh for zh, _ in reasons) + "。 · " + "; ".join(en for _, en in reasons) + "." if reasons else ""
    row = {"student": student, "id": number, "group": group, **cells, "total": f"{100 * total:.2f}"}
    return {**row, "status": "final" if settled else "waiting", "reason": said}


def unmarked(row):
    """Whether a row of grades.csv says that its written answer has no mark yet."""
    return "has no mark yet" in row["reason"]


def best(shares, weights, drop):
    """(the highest weighted mean of shares that leaving out `drop` of them gives, the places left out)."""
    found = []
    for left_out in combinations(range(len(shares)), drop):
        kept = [place for place in range(len(shares)) if place not in left_out]
        weight = sum(weights[place] for place in kept)
        mean = sum(shares[place] * weights[place] for place in kept) / weight if weight else 0.0
        found.append((mean, left_out))
    return max(found, key=lambda one: one[0])


def write_rows(target, assignments, rows):
    new = target.with_suffix(".new")
    with open(new, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["student", "id", "group", *assignments, "total", "status", "reason"])
        writer.writeheader()
        for row in rows:
            numbers = {*assignments, "total"}
            writer.writerow({name: cell if name in numbers else harmless(writable(cell)) for name, cell in row.items()})
    os.replace(new, target)


if __name__ == "__main__":
    try:
        main()
    except (CourseError, RosterError) as error:
        sys.exit(legible(str(error)))
