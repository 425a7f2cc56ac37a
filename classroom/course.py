"""course.toml: due dates, what lateness costs, weights, and which column of a platform's grade sheet is whose.

    roster = "roster.csv"                 # who is in the class; make grade takes it where no ROSTER is given
    late = "10% a day, at most 50%"       # or 每天 10%，最多 50%; see lateness.py
    grace = "15 min"
    drop = 1                              # of all assignments, in make total

    [forward]                             # an assignment
    due = "2026-12-01 23:59"
    weight = 2
    column = "Forward (99)"               # in the grade sheet, where several could be meant
    marks = "forward"                     # the OUT of make grade, from here; this is the default

    [forward.due_for]                     # groups, and students who have an extension
    "2班" = "2026-12-02 23:59"
    "2024001" = "2026-12-05 23:59"

    [columns]                             # of a sheet whose headings are not known
    id = "学工号"
    mark = "第三次作业"

Whatever stands at the top holds for each assignment that does not say otherwise.
"""

import datetime
from pathlib import Path

import lateness
from lateness import RuleError

SOURCE = Path(__file__).resolve().parent / "source"
COLUMNS = {"id", "name", "email", "group", "mark", "out_of"}
TOP = {"roster", "late", "grace", "drop", "columns"}
OF_ASSIGNMENT = {"due", "due_for", "late", "grace", "weight", "column", "marks"}
TEXTS = ("roster", "column", "marks")


class CourseError(Exception):
    """What in course.toml cannot be used; the text says what to write instead."""


def read_course(path):
    """{"roster", "drop", "columns", "assignments": {name: rules}} of a file, all of it fit for JSON.

    Rules are {"due", "due_for", "late", "grace", "weight", "column", "marks"}: dates in seconds since 1970 (None
    without one), grace in seconds, paths absolute. Raises CourseError.
    """
    import tomllib  # Python 3.11's; an older one is told so later

    path = Path(path).resolve()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        raise CourseError(f"打不开 COURSE={path}。 · COURSE={path} cannot be opened.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(
            f"{path} 读不出来（{error}），值里有字母或汉字时要加引号。 · "
            f"{path} cannot be read ({error}): words and dates need quotes."
        ) from None
    names = sorted(folder.name for folder in SOURCE.iterdir() if folder.is_dir())
    tables = {name: table for name, table in found.items() if name in names}
    only(path, "", found, TOP | set(names))
    columns = found.get("columns", {})
    only(path, "[columns]", columns, COLUMNS)
    for key, value in columns.items():
        text(path, f"columns.{key}", value)
    drop = found.get("drop", 0)
    if type(drop) is not int or not 0 <= drop < max(1, len(tables)):
        raise CourseError(
            f"{path} 里 drop 要是 0 到 {len(tables) - 1} 的整数：去掉几份分最低的作业。 · "
            f"drop in {path} has to be a whole number from 0 to {len(tables) - 1}: how many of the lowest go."
        )
    return {
        "roster": str(path.parent / text(path, "roster", found["roster"])) if "roster" in found else None,
        "drop": drop,
        "columns": columns,
        "assignments": {name: rules_of(path, name, table, found) for name, table in tables.items()},
    }


def rules_of(path, name, table, top):
    only(path, f"[{name}]", table, OF_ASSIGNMENT)
    given = {**{key: top[key] for key in ("late", "grace") if key in top}, **table}
    weight = given.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < 1e6:
        raise CourseError(
            f"{path} 里 [{name}] 的 weight 要是不小于 0 的数。 · The weight of [{name}] in {path} has to be 0 or more."
        )
    due_for = given.get("due_for", {})
    only(path, f"[{name}.due_for]", due_for, set(due_for) if isinstance(due_for, dict) else set())
    late = text(path, f"{name}.late", given.get("late", ""))
    try:
        lateness.read_rule(late)
        grace = lateness.seconds(given.get("grace", 0))
    except RuleError as error:
        raise CourseError(f"{path} [{name}] {error}") from None
    return {
        "due": moment(path, f"{name}.due", given["due"]) if "due" in given else None,
        "due_for": {key: moment(path, f"{name}.due_for.{key}", value) for key, value in due_for.items()},
        "late": late,
        "grace": grace,
        "weight": weight,
        "column": text(path, f"{name}.column", given.get("column", "")),
        "marks": str(path.parent / text(path, f"{name}.marks", given.get("marks", name))),
    }


def only(path, where, table, known):
    """Nothing is passed over: a misspelt key would leave a rule out without a word."""
    if not isinstance(table, dict):
        raise CourseError(f"{path} 里 {where} 要写成一节。 · {where} in {path} has to be a table.")
    if strange := sorted(set(table) - known):
        listed = ", ".join(sorted(known))
        raise CourseError(
            f"{path} {where} 里的 {'、'.join(strange)} 不认识，可以写的有：{listed}。 · "
            f"{path} {where} has {', '.join(strange)}, which is not known; there can be: {listed}."
        )


def text(path, key, value):
    if isinstance(value, str):
        return value
    raise CourseError(f"{path} 里 {key} 要加引号。 · {key} in {path} needs quotes around it.")


def moment(path, key, value):
    """Seconds since 1970, by this machine's clock where no zone is given; a day alone lasts until its end."""
    try:
        if isinstance(value, str):
            minute = len(value.strip()) == len("2026-12-01 23:59")  # and so until that minute's end
            day = len(value.strip()) == len("2026-12-01")
            value = datetime.datetime.fromisoformat(value.strip()) + datetime.timedelta(seconds=59 * minute)
            value = value.date() if day else value
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            value = datetime.datetime.combine(value, datetime.time(23, 59, 59))
        return value.timestamp()
    except (ValueError, AttributeError, OverflowError):
        raise CourseError(
            f'{path} 里 {key} 要写成 "2026-12-01 23:59" 这样的时间。 · '
            f'{key} in {path} has to be a time like "2026-12-01 23:59".'
        ) from None
