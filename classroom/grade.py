"""Grades a folder or zip of submissions: marks in grades.csv, a feedback page for each student.

    python classroom/grade.py all --assignment A --submissions S --out O [--roster R] [--course C] [--plan]   make grade

The same in three steps, the second one on any machines that see O, each shard by itself:

    python classroom/grade.py prepare --assignment A --submissions S --out O --shards N
    python classroom/grade.py shard --out O --shard K                                           K from 0 to N-1
    python classroom/grade.py merge --out O

Every step can be killed and run again: what is done stays done. A folder O/shards/K is a course of nbgrader's, with the
base gradebook and a slice of the submissions; merging goes by nbgrader's own Gradebook.
"""

import argparse
import csv
import errno
import fcntl
import glob
import json
import logging
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from functools import cache
from multiprocessing.forkserver import ensure_running
from pathlib import Path

import handed_in
import understood
from by_hand import keep_by_hand, marked, possible, students_marked, written_by_hand
from collect import CollectError, Submission, collect, digest
from course import CourseError, read_course
from give_back import give_back, keep_sheet
from lateness import Late, lateness, latest, nobodys
from limited import Bounds, Exceeded, Killed, Worker
from overview import write_overview
from reading import Reader
from roster import Roster, RosterError, read_roster
from sandbox import SandboxError, limits, require_bubblewrap, require_hidden, require_python, socket_folder, unsafe
from writable import harmless, writable

CLASSROOM = Path(__file__).resolve().parent

# Shards on this machine are forked from a process that imports what takes seconds while submissions are collected.
SHARDS = multiprocessing.get_context("forkserver")
SHARDS.set_forkserver_preload(["nbgrader.apps", "torch"])

COLUMNS = ("student", "assignment", "status", "score", "max_score", "reason", "id", "file", "handed_in", "late")
NUMBERS = ("score", "max_score")
KILLED = {
    "deadline": ("运行超过 {seconds} 秒，已被终止", "it ran for more than {seconds} s and was stopped"),
    "memory": ("占用内存超过 {memory} MB，已被终止", "it took more than {memory} MB of memory and was stopped"),
    "disk": ("写的文件太多，或者超过 {disk} MB，已被终止",
             "it wrote too many files, or more than {disk} MB, and was stopped"),
    "processes": ("开的进程、线程或文件太多，已被终止",
                  "it started too many processes or threads, or opened too many files, and was stopped"),
    "messages": ("输出的东西太多，或者不是内核该发的消息，已被终止",
                 "it put out too much, or what is no message of a kernel, and was stopped"),
}

TOO_MUCH = {
    "time": ("批改这份 notebook 用时太长，请删去不是答案的内容再交",
             "grading this notebook takes too long: delete what is not your answer, and hand it in again"),
    "memory": ("批改这份 notebook 占用内存太多，请删去不是答案的内容再交",
               "grading this notebook takes too much memory: delete what is not your answer, and hand it in again"),
}
ODD = (
    "这份 notebook 里有批改不了的内容：请从一份新下载的作业开始，只把答案复制过去，再交一次",
    "something in this notebook cannot be graded: start from a fresh copy of the assignment, copy only your answers "
    "into it, and hand it in again",
)
TOO_MUCH["ended"] = ODD

# Besides what the sandbox bounds: in all, nbgrader's start of a kernel and ours of the second check included.
WAIT_SECONDS = 600
MEMORY = 384 * 2**20
MACHINE = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE,
    errno.ENOMEM, errno.EAGAIN, errno.EFBIG,
}

MISSING = "名单上有，没有交。 · On the roster, nothing handed in."
STRANGER = "不在名单上。 · Not on the roster."
ABOUT_MARKS = {
    "earlier": ("手工给的分是给先前的文件的", "marks by hand were given for an earlier file"),
    "refused": ("手工给的分超出了这题的范围，没有计入", "marks by hand out of the test's range do not count"),
    "beyond": ("手工给的分高于第二次检查认可的", "marks by hand go beyond what the second check agrees with"),
    "extra": ("手工给了附加分", "extra credit by hand"),
}
NO_MARK = "说明题还没有批。 · The written answer has no mark yet."


class GradeError(Exception):
    """What keeps the whole from being graded; the text says what to do."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("all", "prepare", "shard", "merge"):
        step = steps.add_parser(name)
        step.add_argument("--out", type=Path, required=True)
        step.add_argument("--unsafe", action="store_true")
        if name in ("all", "prepare"):
            step.add_argument("--assignment", required=True)
            step.add_argument("--submissions", type=Path, required=True)
            step.add_argument("--roster", type=Path)
            step.add_argument("--course", type=Path)
            step.add_argument("--plan", action="store_true")
            step.add_argument("--shards", type=int, default=cores())
        if name == "shard":
            step.add_argument("--shard", type=int, required=True)
    given = parser.parse_args()
    if given.unsafe:
        os.environ["CLASSROOM_UNSAFE"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"  # shards have the other cores
    out = given.out.resolve()
    if given.step in ("all", "prepare") and given.plan:
        return show_plan(given.assignment, given.submissions, out, given.roster, given.course)
    if given.step == "all":
        tempfile.tempdir = socket_folder()  # TMPDIR may be too long a path for a socket
        ensure_running()
        tempfile.tempdir = None
    if given.step in ("all", "prepare"):
        prepare(given.assignment, given.submissions, out, max(1, given.shards), given.roster, given.course)
    if given.step == "all":
        run_shards(out)
    if given.step == "shard":
        check_sandbox(out)
        shard(out, given.shard)
    if given.step in ("all", "merge"):
        merge(out)


def show_plan(assignment, submissions, out, roster, course_file):
    """Says who was understood to have handed in what, and changes nothing."""
    source_of(assignment)
    terms = terms_of(out, assignment, course_file)
    collected = collect(submissions, assignment, roster_of(out, roster, terms), latest_for(terms))
    print("\n".join(understood.plan(collected)))


def prepare(assignment, submissions, out, shards, roster=None, course_file=None):
    """Collects the submissions, deals them to shards, and makes the gradebook that every shard starts from."""
    check_sandbox(out)
    source = source_of(assignment)
    checks = CLASSROOM / "checks" / f"{assignment}.py"
    terms = terms_of(out, assignment, course_file)
    people = roster_of(out, roster, terms)
    collected = collect(submissions, assignment, people, latest_for(terms))
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / ".lock"):
        if given := roster or terms.get("roster"):
            keep_sheet(out, given)
        before = plan_in(out) or {"assignment": assignment, "students": {}}
        if before["assignment"] != assignment:
            raise GradeError(
                f"{out} 里是作业 {before['assignment']} 的成绩，请换一个 OUT。 · "
                f"{out} holds the marks of {before['assignment']}: choose another OUT."
            )
        inputs = digest(source.read_bytes(), checks.read_bytes())
        if (out / "gradebook.db").exists() and not is_sound(out / "gradebook.db"):
            raise GradeError(damaged(out / "gradebook.db"))
        make_base(out / "base", source, assignment, inputs)
        blank = read_file(out / "base" / "release" / assignment / f"{assignment}.ipynb")
        students = dict(before["students"])
        place = understood.legible(str(Path(submissions).resolve()))
        keep_received(out, collected)
        changed, told = handed_in.enter(collected, place, students, stuck_in(out, before), people)
        changed |= keep_until(students, terms.get("rules"))
        about = [*understood.about_entries(told), *about_terms(terms, assignment, students, people)]
        print("\n".join(map(understood.legible, [*understood.summary(collected), *about])))
        gone = {key for key in students if not notebook_of(out, key, before["students"].get(key), assignment)}
        again = set(students) if before.get("inputs") != inputs else changed | gone
        with Reader(blank) as reader:
            for student in [key for key in students if key in again]:
                was = before["students"].get(student, {})
                entry = entered(students.pop(student), inputs)
                if was.get("content") == entry["content"] and before.get("inputs") == inputs:
                    entry["digest"] = was["digest"]
                entry["shard"] = shard_of(out, student, entry, was, students, shards)
                entry |= reader(submission_of(out, student, entry))
                notebook = entry.pop("notebook", None)
                before_it = None if "unreadable" in was else (was.get("digest"), was.get("shard"))
                if notebook and ((entry["digest"], entry["shard"]) != before_it or student in gone):
                    submitted = submitted_in(course(out, entry["shard"]), student, assignment)
                    submitted.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(notebook.encode(), submitted)
                students[student] = entry
        for student in before["students"].keys() - students.keys():
            for folder in ("submitted", "autograded", "feedback"):
                shutil.rmtree(out / folder / student, ignore_errors=True)
        for number in {entry["shard"] for entry in students.values()}:
            folder = course(out, number)
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder / ".lock"):
                if read_json(folder / "inputs.json") != inputs or not is_sound(folder / "gradebook.db"):
                    shutil.rmtree(folder / "results", ignore_errors=True)
                    copy_whole(out / "base" / "gradebook.db", folder / "gradebook.db")
                    write_json(folder / "inputs.json", inputs)
        plan = {"assignment": assignment, "inputs": inputs, "students": dict(sorted(students.items()))}
        plan["said"] = [*understood.oddities(collected), *about]
        plan["roster"] = people.as_json() if people else []
        plan["course"] = {field: terms[field] for field in ("columns", "rules") if field in terms}
        write_json(out / "plan.json", plan)


def assignments():
    return {path.name for path in (CLASSROOM / "source").iterdir() if path.is_dir()}


def source_of(assignment):
    source = CLASSROOM / "source" / assignment / f"{assignment}.ipynb"
    if not source.exists():
        names = ", ".join(sorted(assignments()))
        raise GradeError(
            f"没有作业 {assignment}，只有：{names}。 · There is no assignment {assignment}, only: {names}."
        )
    return source


def terms_of(out, assignment, path):
    """What course.toml says of an assignment, now or in an earlier run: "columns", "rules", and the "roster" if new."""
    if not path:
        return (plan_in(out) or {}).get("course", {})
    course = read_course(path)
    return {**course, "rules": course["assignments"].get(assignment)}


def roster_of(out, path, terms):
    """The list of students that is given, or was in an earlier run; None without one.

    A platform's sheet may lack the classes: those are of the course's list, or of the one before.
    """
    known = (plan_in(out) or {}).get("roster")
    known, of_course = Roster.from_json(known) if known else None, terms.get("roster")
    if not (path or of_course):
        return known
    people = read_roster(Path(path or of_course), terms.get("columns"))
    if path and of_course and Path(of_course).exists():
        known = read_roster(Path(of_course), terms.get("columns"))
    return people.with_groups_of(known) if known else people


def latest_for(terms):
    """Tells the last moment at which somebody's file is accepted; None where every file is."""
    if rules := terms.get("rules"):
        return lambda who: latest(rules, {"id": who.number, **asdict(who)})
    return None


def keep_until(students, rules):
    """Writes into the entries until when files are accepted; the keys of those of whom another file counts now."""
    for entry in students.values():
        entry["until"] = latest(rules, entry) if rules else None
    return {key for key, entry in students.items() if handed_in.counting(entry)["content"] != entry.get("content")}


def about_terms(terms, assignment, students, people):
    """Sentences on what course.toml says of nobody."""
    rules = terms.get("rules")
    if terms and not rules:
        return [
            f"course.toml 里没有 [{assignment}]，没有截止时间。 · course.toml has no [{assignment}]: nothing is due."
        ] * ("assignments" in terms)
    there = [people.about(person) for person in people.people] if people else []
    there += [entry for entry in students.values() if not people or entry.get("kind") != "roster"]
    unknown, shared = nobodys(rules, there) if rules else ([], [])
    told = [
        f"due_for 里的 {'、'.join(unknown)} 既不是学生也不是班级或小组，没有用上。 · "
        f"In due_for, {', '.join(unknown)} is neither a student nor a group, and was not used."
    ] * bool(unknown)
    return told + [
        f"due_for 里的 {'、'.join(shared)} 有几个学生，都按它算，请改写学号。 · "
        f"In due_for, {', '.join(shared)} is the name of several students and holds for each: give the number instead."
    ] * bool(shared)


def keep_received(out, collected):
    """Keeps each file that was handed in, since another may count now and this one again when that is gone."""
    (out / "received").mkdir(exist_ok=True)
    for submission in collected:
        content = submission.content
        path = out / "received" / submission.digest
        if not (submission.problem or submission.too_large or path.exists()):
            write_whole(content, path)


def entered(entry, inputs):
    """An entry with what counts of all that was handed in."""
    counts = handed_in.counting(entry)
    fresh = {field: entry[field] for field in (*handed_in.ABOUT, "stranger", "from", "until") if field in entry}
    return {
        **fresh,
        **{field: counts[field] for field in ("file", "time", "others", "content")},
        "digest": digest(counts["content"].encode(), counts["file"].encode(), inputs.encode()),
    }


def submission_of(out, student, entry):
    counts = handed_in.counting(entry)
    received = out / "received" / counts["content"]
    if not received.exists():  # earlier versions kept it beside what is graded
        received = next(out.glob(f"shards/*/received/{glob.escape(student)}.ipynb"), received)
    return Submission(student, counts["file"], received.read_bytes, counts["too_large"], problem=counts["problem"])


def submitted_in(folder, student, assignment):
    """What a shard grades, in its course."""
    return folder / "submitted" / student / assignment / f"{assignment}.ipynb"


def notebook_of(out, student, entry, assignment):
    """Whether what is graded of a student is where an earlier run put it."""
    there = entry and "shard" in entry and submitted_in(course(out, entry["shard"]), student, assignment).exists()
    return there or (entry and "unreadable" in entry)


def stuck_in(out, before):
    """Tells whose file cannot be graded and was not marked by hand."""
    by_hand = cache(lambda: students_marked(out / "gradebook.db", before["assignment"]))

    def stuck(student):
        entry = before["students"][student]
        result = None if "unreadable" in entry else result_of(out, student, entry)
        ungraded = "unreadable" in entry or (result and result["status"] == "ungraded")
        return ungraded and student not in by_hand()

    return stuck


def shard_of(out, student, entry, was, students, shards):
    """Where the student was, if that will be graded or has been; the least busy shard otherwise."""
    number = was.get("shard", shards)
    if number < shards or result_of(out, student, {**entry, "shard": number}):
        return number
    load = Counter(other["shard"] for other in students.values() if "shard" in other)
    return min(range(shards), key=lambda number: load[number])


def make_base(folder, source, assignment, inputs):
    """nbgrader's gradebook with the assignment and nobody in it, and the assignment as it is given out."""
    if read_json(folder / "inputs.json") == inputs and is_sound(folder / "gradebook.db"):
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "source" / assignment).mkdir(parents=True)
    shutil.copy(source, folder / "source" / assignment)
    RAISED.error = None
    made = nbgrader_in(folder).generate_assignment(assignment)
    if not made["success"]:
        raise_ours(RAISED.error)
        raise GradeError(f"nbgrader generate_assignment {assignment}:\n{made.get('log', '')}{made.get('error', '')}")
    write_json(folder / "inputs.json", inputs)


def run_shards(out):
    """All shards at once, each in a process, with a bar that counts submissions."""
    from tqdm import tqdm

    plan = plan_of(out)
    waiting = {name: entry for name, entry in plan["students"].items() if "unreadable" not in entry}
    numbers = sorted({entry["shard"] for name, entry in waiting.items() if result_of(out, name, entry) is None})
    processes = []
    try:
        for number in numbers:
            processes.append(SHARDS.Process(target=shard_with_log, args=(out, number)))
            processes[-1].start()
        with tqdm(total=len(waiting), desc="批改 · Grading", unit="") as bar:
            while True:
                ended = not any(process.is_alive() for process in processes)
                if more := sum(result_of(out, name, entry) is not None for name, entry in waiting.items()) - bar.n:
                    bar.update(more)
                if ended:
                    break
                time.sleep(0.3)
    finally:
        for process in processes:
            process.terminate()
            process.join()
    for number, process in zip(numbers, processes, strict=True):
        if process.exitcode:
            raise GradeError(
                f"第 {number} 片没有完成，原因见 {course(out, number) / 'log.txt'}，再运行一次会接着做。 · "
                f"Shard {number} did not finish: see {course(out, number) / 'log.txt'}; run again to go on."
            )


def shard_with_log(out, number):
    with open(course(out, number) / "log.txt", "ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    try:
        shard(out, number)
    except (GradeError, SandboxError, Killed) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(machine_failed(error))


def shard(out, number):
    """Grades what is not graded yet of one slice."""
    plan = plan_of(out)
    folder = course(out, number)
    mine = {name: entry for name, entry in plan["students"].items() if entry["shard"] == number}
    mine = {name: entry for name, entry in mine.items() if "unreadable" not in entry}
    if not mine:
        return
    with locked(folder / ".lock"):
        assignment = plan["assignment"]
        import_for_workers(assignment)
        with working_on(folder, assignment) as worker:
            for student, entry in mine.items():
                if result_of(out, student, entry) is None:
                    result = grade_one(worker, folder, assignment, student, entry)
                    (folder / "results").mkdir(exist_ok=True)
                    write_json(folder / "results" / f"{student}.json", {**result, "digest": entry["digest"]})


def grade_one(worker, folder, assignment, student, entry):
    """Puts one submission's marks into the gradebook; status, reason, and the tests for a teacher to look at."""
    try:
        result = worker(mark, student, entry)
    except Exceeded as exceeded:
        result = {"status": "ungraded", "reason": both([TOO_MUCH[exceeded.what]]), "disputed": []}
    except (GradeError, SandboxError, Killed, OSError):
        raise
    except Exception as error:
        raise GradeError(
            f"批改 {student} 时程序自己出了错（{type(error).__name__}: {error}），不是这份作业的错，没有给分。 · "
            f"The grading itself failed at {student} ({type(error).__name__}: {error}), which is no fault of the "
            "submission's; nothing was marked."
        ) from error
    if result["status"] == "ungraded":
        with gradebook(folder) as book:
            forget(book, assignment, student)
        return result
    make_page(worker, folder, assignment, student, entry["edition"])
    return {**result, "feedback": feedback_settings()}


def mark(nbgrader, folder, assignment, student, entry):
    """What `grade_one` leaves to a process with limits."""
    if not submitted_in(folder, student, assignment).exists():
        raise GradeError(
            f"{folder} 里 {student} 的文件不见了，请再运行一次。 · "
            f"The file of {student} in {folder} is gone: run again."
        )
    report = folder / "report.txt"
    report.unlink(missing_ok=True)
    os.environ["CLASSROOM_REPORT"] = str(report)
    RAISED.error = None
    if not nbgrader.autograde(assignment, student)["success"]:
        return {"status": "ungraded", "reason": why_ungraded(report, RAISED.error), "disputed": []}
    disputed, reasons, agreed = compare(folder, assignment, student, entry)
    status = "flagged" if disputed else "graded"
    messages = messages_in(folder, assignment, student)
    return {"status": status, "reason": both(reasons), "disputed": disputed, "agreed": agreed, "messages": messages}


def messages_in(folder, assignment, student):
    """{test: what the student is told} of the tests that failed, for the teacher's overview."""
    from feedback import message

    cells = read_file(folder / "autograded" / student / assignment / f"{assignment}.ipynb").cells
    tests = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in cells if cell.cell_type == "code"}
    said = {name: message(cell, "both") for name, cell in tests.items()}
    return {name: text for name, text in said.items() if name and text}


def make_page(worker, folder, assignment, student, edition):
    """The feedback page; one with the marks alone where the student's answers cannot be laid out."""
    from feedback import marks_page

    with suppress(Exceeded):
        if worker(lay_out, student):
            return
    with gradebook(folder) as book:
        marks = book.find_submission(assignment, student)
        page = marks_page(assignment, edition, marks.score, marks.max_score)
    path = folder / "feedback" / student / assignment / f"{assignment}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def lay_out(nbgrader, folder, assignment, student):
    """What `make_page` leaves to a process with limits."""
    RAISED.error = None
    made = nbgrader.generate_feedback(assignment, student)["success"]
    if not made:
        raise_ours(RAISED.error)
    return made


def import_for_workers(assignment):
    """Imports what they need, so that a new one has it at once, and none of its memory is counted as a student's."""
    import feedback  # noqa: F401
    import kernel  # noqa: F401
    import torch
    from second_check import checks_of

    checks_of(assignment)
    torch.set_num_threads(1)  # threads want memory each, and shards have the other cores


def working_on(folder, assignment):
    """A process with limits that works on students' texts in a course of nbgrader's: give it `mark` or `lay_out`."""
    nbgrader = nbgrader_in(folder)
    bounds = limits()
    wall = bounds.seconds + bounds.check_seconds + WAIT_SECONDS

    def work(job, *given):
        return job(nbgrader, folder, assignment, *given)

    return Worker(work, Bounds(cpu=90, wall=wall, memory=MEMORY))


def compare(folder, assignment, student, entry):
    """Holds nbgrader's marks against the second check's.

    Returns the graded cells in dispute, the reasons, and how many marks the second check agrees with for each test.
    """
    from second_check import checks_of, second_check

    checks = checks_of(assignment)
    graded = read_file(folder / "autograded" / student / assignment / f"{assignment}.ipynb")
    sources = {}
    for cell in graded.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in checks.SOLUTIONS:
            sources[cell.metadata.nbgrader.grade_id] = cell.source
    withheld, unseen, missing = {}, {}, entry["missing"]
    verdicts = second_check(checks, sources)
    with gradebook(folder) as book:
        grades = {one.name: one for one in book.find_submission_notebook(assignment, assignment, student).grades}
        deleted = [name for name in missing if name in grades]
        right = {name for name, (passed, _) in verdicts.items() if passed and name not in deleted}
        agreed = {name: grades[name].max_score if name in right else 0 for name in verdicts}
        for name, (right, reason) in verdicts.items():
            grade = grades[name]
            if name in deleted:
                continue
            if grade.auto_score and not right:
                grade.auto_score = 0
                withheld[name] = reason
            elif right and (grade.auto_score or 0) < grade.max_score:
                unseen[name] = ""
        for name in deleted:  # a test is there again, but whoever deleted it did not mean to pass it
            grades[name].auto_score = 0
        disputed = [*withheld, *unseen, *deleted]
        for name in disputed:
            grades[name].needs_manual_grade = True
        book.db.commit()
    reasons = []
    if withheld:
        halves = {name: in_halves(reason) for name, reason in withheld.items()}
        told = "；".join(f"{name}（{zh}）" if zh else name for name, (zh, _) in halves.items())
        en_told = "; ".join(f"{name} ({en})" if en else name for name, (_, en) in halves.items())
        reasons.append((
            f"nbgrader 判通过、第二次检查判不通过，暂不给分：{told}",
            f"passed in nbgrader but not in the second check, marks withheld: {en_told}",
        ))
    if unseen:
        reasons.append((
            f"第二次检查通过、nbgrader 没有给满分：{'、'.join(unseen)}",
            f"passed in the second check but not fully in nbgrader: {', '.join(unseen)}",
        ))
    if missing:
        reasons.append((f"格子被删掉了：{'、'.join(missing)}", f"cells were deleted: {', '.join(missing)}"))
    return disputed, reasons, agreed


def why_ungraded(report, error):
    """The reason, from what the sandbox reported or what nbgrader caught; raises what no student is to blame for."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    bounds = limits()
    if report.exists():
        numbers = {"seconds": bounds.seconds, "memory": bounds.memory // 2**20, "disk": bounds.disk // 2**20}
        zh, en = KILLED[report.read_text(encoding="utf-8")]
        return both([(zh.format(**numbers), en.format(**numbers))])
    if isinstance(error, DeadKernelError) or "Kernel died" in str(error):
        return both([("内核中途退出，没有跑完", "the kernel ended before the notebook did")])
    if isinstance(error, CellTimeoutError):
        seconds = bounds.cell_seconds
        return both([(
            f"一个格子运行超过 {seconds} 秒，而且中断不了",
            f"a cell ran for more than {seconds} s and could not be interrupted",
        )])
    if isinstance(error, MemoryError):
        raise Exceeded("memory")
    raise_ours(error)
    return both([ODD])


def raise_ours(error):
    """Raises an error that no file of a student's can be the cause of."""
    if isinstance(error, SandboxError):
        raise error
    if of_machine := fault_of_machine(error):
        raise GradeError(machine_failed(of_machine))


def fault_of_machine(error):
    """What the machine has failed with, a full disk for example; nbgrader makes an InvalidEntry of it."""
    from nbgrader.api import InvalidEntry
    from sqlalchemy.exc import OperationalError

    while isinstance(error, InvalidEntry):
        error = error.__context__
    of_disk = isinstance(error, OSError) and error.errno in MACHINE
    return error if of_disk or isinstance(error, (OperationalError, sqlite3.OperationalError)) else None


def machine_failed(error):
    told = str(getattr(error, "orig", error))
    return (
        f"电脑出了问题（{told}）：请检查磁盘空间和权限，再运行一次会接着做。 · "
        f"The machine failed ({told}): look at its disk space and permissions, then run again to go on."
    )


class Raised(logging.Handler):
    """Keeps the exception that nbgrader has caught and only logs."""

    error = None

    def emit(self, record):
        self.error = sys.exc_info()[1] or self.error


RAISED = Raised()


def in_halves(reason):
    """A reason's Chinese and its English; what Python said is the same in both."""
    zh, _, en = reason.partition(" · ")
    return zh, en or zh


def both(reasons):
    """One sentence in Chinese and English from pairs of clauses."""
    reasons = list(reasons)
    if not reasons:
        return ""
    zh, en = "；".join(zh for zh, _ in reasons), "; ".join(en for _, en in reasons)
    return f"{zh}。 · {en[0].upper()}{en[1:]}."


def merge(out):
    """One gradebook, grades.csv and the feedback pages from all shards; marks given by hand in O/gradebook.db stay."""
    plan = plan_of(out)
    assignment, students = plan["assignment"], plan["students"]
    with locked(out / ".lock"):
        results = {}
        for student, entry in students.items():
            if "unreadable" in entry:
                results[student] = {"status": "ungraded", "reason": entry["unreadable"], "disputed": []}
            elif (result := result_of(out, student, entry)) is None:
                raise GradeError(
                    f"第 {entry['shard']} 片还没有批完（{student}），先运行 shard --shard {entry['shard']}。 · "
                    f"Shard {entry['shard']} isn't done ({student}): run shard --shard {entry['shard']} first."
                )
            else:
                results[student] = result
        new = out / "gradebook.new.db"
        copy_whole(out / "base" / "gradebook.db", new)
        rows, by_hand = merge_gradebooks(out, plan, results, new)
        on_disk(new)
        os.replace(new, out / "gradebook.db")
        publish(out, assignment, students, results, by_hand)
        of_students = dict(zip(students, rows, strict=True))
        roster = Roster.from_json(plan.get("roster", []))
        missing = roster.missing(students.values())
        people = [about(*one) for one in zip(students.items(), results.values(), rows, strict=True)]
        rows += [row_of_missing(roster, person, assignment, rows) for person in missing]
        people += [{"row": row, "key": None, "time": None, "messages": {}} for row in rows[len(people):]]
        write_overview(out, assignment, people)
        write_grades(out / "grades.csv", sorted(rows, key=lambda row: row["student"]))
        given_back = give_back(out, plan, of_students, assignments() - {assignment})
    dates = understood.undated(of_students.values())
    for line in [*plan.get("said", []), *understood.absent(roster, students.values()), *dates, *given_back]:
        print(understood.legible(line))
    print(understood.legible(counted(rows, out / "grades.csv", bool(plan.get("roster")))))


def about(student, result, row):
    """What the overview is to say of a student who handed something in."""
    key, entry = student
    at = handed_in.time_of(handed_in.counting(entry))
    return {"row": row, "key": key, "time": at, "messages": result.get("messages", {})}


def counted(rows, path, with_missing):
    counts = Counter(row["status"] for row in rows)
    zh = f"已批改 {counts['graded']}，待老师确认 {counts['flagged']}，未能批改 {counts['ungraded']}"
    en = f"{counts['graded']} graded, {counts['flagged']} flagged, {counts['ungraded']} ungraded"
    if with_missing:
        zh, en = f"{zh}，没有交 {counts['missing']}", f"{en}, {counts['missing']} missing"
    return f"{zh} · {en}: {path}"


def merge_gradebooks(out, plan, results, path):
    """Fills the new gradebook; (rows of grades.csv, students with marks or comments by hand)."""
    from nbgrader.api import Gradebook
    from sqlalchemy import text

    ignore_warnings()
    assignment, students, rules = plan["assignment"], plan["students"], plan.get("course", {}).get("rules")
    rows, by_hand = [], set()
    known, hand = written_by_hand(out / "gradebook.db", assignment, as_published(out, assignment))
    shown = handed_in.shown_names(students)
    shards = {number: gradebook(course(out, number)) for number in {entry["shard"] for entry in students.values()}}
    with Gradebook(f"sqlite:///{path}") as book:
        # Nobody has this file yet: the disk need not be waited for at each of nbgrader's commits, several a student.
        book.db.execute(text("PRAGMA synchronous = OFF"))
        maximum = book.find_assignment(assignment).max_score
        for student, result in results.items():
            entry, reasons = students[student], [result["reason"]]
            row = {"student": shown[student], "assignment": assignment, "status": result["status"], "score": ""}
            row |= {"id": entry.get("id", ""), "file": entry["file"]}
            counts = handed_in.counting(entry)
            late = Late()
            if rules:
                late = lateness(rules, entry, handed_in.time_of(counts), counts.get("told", False), maximum)
            row |= {"handed_in": handed_in.moment(handed_in.time_of(counts)), "late": late.shown}
            book.update_or_create_student(student, **known.get(student, {}))
            if result["status"] != "ungraded":
                given = hand.setdefault(student, {"marks": {}, "comments": {}})
                given["file"] = entry["content"]
                said = copy_marks(shards[entry["shard"]], book, assignment, student, given, result.get("agreed", {}))
                if given["comments"] or any(map(marked, given["marks"].values())):
                    by_hand.add(student)
                settled = {name for name, mark in given["marks"].items() if mark["manual_score"] is not None}
                waiting = {*said["earlier"], *said["refused"], *(set(result["disputed"]) - settled)}
                row["status"] = "flagged" if waiting else "graded"
                score = book.find_submission(assignment, student).score
                row["score"] = f"{max(0, round(score - late.off, 2)) if late.off else score:g}"
                reasons += [both(about_marks(said)), NO_MARK if said["unmarked"] else "", both(entry.get("notes", []))]
            reasons += [both(late.reasons), both(handed_in.why_this_file(entry))]
            reasons += [STRANGER if entry.get("stranger") else ""]
            rows.append({**row, "max_score": f"{maximum:g}", "reason": " ".join(filter(None, reasons))})
        book.db.commit()
    for source in shards.values():
        source.close()
    keep_by_hand(path, hand)
    return rows, by_hand


def copy_marks(source, book, assignment, student, hand, agreed):
    """One submission's marks from its shard's gradebook, and those by hand; what is to be said of these.

    Returns {what: {cell: mark}}: marks given for an earlier file; ones that no box takes, which don't count; ones
    beyond what the second check agrees with, and extra credit, which do; answers that have no mark at all.
    """
    submission = book.update_or_create_submission(assignment, student)
    old = source.find_submission(assignment, student)
    submission.timestamp = old.timestamp
    said = {what: {} for what in ("earlier", "refused", "beyond", "extra", "unmarked")}
    for old_notebook, notebook in zip(old.notebooks, submission.notebooks, strict=True):
        marks = {grade.name: grade for grade in old_notebook.grades}
        for grade in notebook.grades:
            mark = marks[grade.name]
            grade.auto_score, grade.needs_manual_grade = mark.auto_score, mark.needs_manual_grade
            given = hand["marks"].get(grade.name)
            if given and not possible(given, grade.max_score):
                given["refused"] = grade.needs_manual_grade = True
                fields = [given[field] for field in ("manual_score", "extra_credit")]
                said["refused"][grade.name] = " + ".join(str(mark) for mark in fields if mark is not None)
            elif given:
                grade.manual_score, grade.extra_credit = given["manual_score"], given["extra_credit"]
                if given["file"] != hand["file"]:
                    if marked(given):
                        grade.needs_manual_grade = True
                        said["earlier"][grade.name] = ""
                elif given["auto_score"] == mark.auto_score:
                    grade.needs_manual_grade = given["needs_manual_grade"]
                if mark.auto_score is not None or grade.name in agreed:
                    most = agreed.get(grade.name, mark.auto_score)
                    if (grade.manual_score or 0) > most:
                        said["beyond"][grade.name] = f"{grade.manual_score:g} > {most:g}"
                if grade.extra_credit:
                    said["extra"][grade.name] = f"+{grade.extra_credit:g}"
            if grade.auto_score is None and grade.manual_score is None:
                said["unmarked"][grade.name] = ""
        comments = {comment.name: comment for comment in old_notebook.comments}
        for comment in notebook.comments:
            comment.auto_comment = comments[comment.name].auto_comment
            comment.manual_comment = hand["comments"].get(comment.name)
    book.db.commit()
    return said


def about_marks(said):
    """The reasons for which a teacher should look at marks by hand again."""
    for what, (zh, en) in ABOUT_MARKS.items():
        if said[what]:
            zh_names = "、".join(f"{name}（{mark}）" if mark else name for name, mark in said[what].items())
            en_names = ", ".join(f"{name} ({mark})" if mark else name for name, mark in said[what].items())
            yield f"{zh}：{zh_names}", f"{en}: {en_names}"


def publish(out, assignment, students, results, by_hand):
    """Puts notebooks, made inert, and feedback pages beside the merged gradebook: they are a course of nbgrader's."""
    from feedback import ungraded_page

    replace_folder(out / "base" / "source" / assignment, out / "source" / assignment)  # Formgrader lists these
    with working_on(out, assignment) as worker:
        for student, result in results.items():
            folder = course(out, students[student]["shard"])
            page = out / "feedback" / student / assignment / f"{assignment}.html"
            publish_notebook(worker, folder / "submitted", out / "submitted", student, assignment)
            if result["status"] == "ungraded":
                remove_folder(out / "autograded" / student)
                remove_folder(out / "feedback" / student)
                page.parent.mkdir(parents=True)
                edition = students[student].get("edition", "both")
                page.write_text(writable(ungraded_page(assignment, edition, result["reason"])), encoding="utf-8")
                continue
            publish_notebook(worker, folder / "autograded", out / "autograded", student, assignment)
            replace_folder(folder / "feedback" / student, out / "feedback" / student)
            if student in by_hand or result.get("feedback") != feedback_settings() or not page.exists():
                make_page(worker, out, assignment, student, students[student]["edition"])
    write_json(out / "published.json", {
        student: {"file": students[student]["content"], "page": digest(path.read_bytes())}
        for student in students
        if (path := page_of(out, student, assignment)).exists()
    })
    own = CLASSROOM / "nbgrader_config.py"
    (out / "nbgrader_config.py").write_text(
        f"# Made by make grade: `nbgrader formgrader` in this folder uses it.\n"
        f"load_subconfig({str(own)!r})\nget_config().CourseDirectory.root = {str(out)!r}\n",
        encoding="utf-8",
    )


def row_of_missing(roster, person, assignment, rows):
    taken = {row["student"] for row in rows}
    name = roster.called[person] if roster.called[person] not in taken else f"{person.name} {person.number}".strip()
    row = {"student": name, "assignment": assignment, "status": "missing", "score": "", "id": person.number}
    row |= {"file": "", "handed_in": "", "late": ""}
    return {**row, "max_score": rows[0]["max_score"] if rows else "", "reason": MISSING}


def publish_notebook(worker, source, target, student, assignment):
    """A copy that nothing of the student's can act in; none of one that this is too much work for."""
    remove_folder(target / student)
    notebook = Path(student, assignment, f"{assignment}.ipynb")
    if (source / notebook).exists():
        (target / notebook).parent.mkdir(parents=True)
        with suppress(Exceeded):
            worker(copy_inert, source / notebook, target / notebook)


def copy_inert(nbgrader, folder, assignment, source, target):
    """What `publish_notebook` leaves to a process with limits."""
    import nbformat
    from inert import inert

    write_whole(nbformat.writes(inert(read_file(source))).encode(), target)


def page_of(out, student, assignment):
    """What Formgrader shows of a student."""
    return out / "autograded" / student / assignment / f"{assignment}.ipynb"


def as_published(out, assignment):
    """The file of each student whose notebook is there as it was published; None where nothing says how it was."""
    published = read_json(out / "published.json")
    if not isinstance(published, dict):
        return None
    pages = {student: page_of(out, student, assignment) for student in published}
    there = {student for student, page in pages.items() if page.exists()}
    return {
        student: known["file"]
        for student, known in published.items()
        if student in there and digest(pages[student].read_bytes()) == known["page"]
    }


def write_grades(path, rows):
    new = path.with_suffix(".new")
    with open(new, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            row = {name: cell if name in NUMBERS else harmless(writable(cell)) for name, cell in row.items()}
            writer.writerow(row)
    os.replace(new, path)


def plan_of(out):
    if plan := plan_in(out):
        return plan
    raise GradeError(
        f"{out} 里还没有要批改的作业，先运行 prepare。 · Nothing is prepared in {out}: run prepare first."
    )


def plan_in(out):
    """What an earlier run has left in OUT, or None."""
    plan, path = read_json(out / "plan.json"), out / "plan.json"
    if not path.exists() or is_plan(plan):
        return plan
    raise GradeError(damaged(path))


def is_plan(plan):
    students = plan.get("students") if isinstance(plan, dict) else None
    return (
        isinstance(students, dict)
        and isinstance(plan.get("assignment"), str)
        and all(
            isinstance(entry, dict)
            and "/" not in student
            and isinstance(entry.get("file"), str)
            and isinstance(entry.get("content"), str)
            and isinstance(entry.get("from", {}), dict)
            and isinstance(entry.get("shard", 0), int)
            for student, entry in students.items()
        )
    )


def damaged(path):
    return (
        f"{path} 坏了，或者不是 make grade 写的：请从备份放回来，或者换一个 OUT。 · "
        f"{path} is damaged, or not written by make grade: put it back from a copy, or choose another OUT."
    )


def is_sound(database):
    """Whether it is a gradebook that can be read."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",) and bool(
                db.execute("SELECT count(*) FROM submitted_assignment")
            )
    except sqlite3.DatabaseError:
        return False


def result_of(out, student, entry):
    """What a shard has found for this very submission, or None."""
    result = read_json(course(out, entry["shard"]) / "results" / f"{student}.json")
    known = isinstance(result, dict) and result.get("digest") == entry["digest"]
    return result if known and result.get("status") in ("graded", "flagged", "ungraded") else None


def forget(book, assignment, student):
    """Takes a submission out of the gradebook, where it would look like one of 0 marks."""
    from nbgrader.api import MissingEntry

    with suppress(MissingEntry):
        book.remove_submission(assignment, student)


def nbgrader_in(folder):
    """nbgrader's API on a course of its own, quiet but for a log file."""
    import nbgrader_config
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    # nbgrader calls alembic by name, which lies beside this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ignore_warnings()
    log = logging.getLogger("traitlets")
    log.handlers, log.propagate = [RAISED], False
    config = Config()
    nbgrader_config.configure(config)
    config.CourseDirectory.root = str(folder)
    return NbGraderAPI(config=config)


def ignore_warnings():
    """Those of nbgrader's own ways with its tables."""
    from sqlalchemy.exc import SAWarning

    warnings.filterwarnings("ignore", category=SAWarning)


def feedback_settings():
    """What in nbgrader_config.py a feedback page was made with."""
    import nbgrader_config
    from traitlets.config import Config

    config = Config()
    nbgrader_config.configure(config)
    return dict(config.StudentFeedback)


def gradebook(folder):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{folder / 'gradebook.db'}")


def course(out, number):
    return out / "shards" / str(number)


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_sandbox(out):
    if sys.version_info < (3, 11):
        raise GradeError(
            "批改需要 Python 3.11 或更新版本，这是 nbgrader 的要求。 · "
            "Grading needs Python 3.11 or newer, because nbgrader does."
        )
    limits()
    if unsafe():
        print("没有沙箱：学生的代码会以你的身份运行。 · No sandbox: students' code runs as you.", file=sys.stderr)
    else:
        require_bubblewrap()
        require_hidden(out)
        require_python()


@contextmanager
def locked(path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_json(path):
    """What a file of our own holds; None where it is not there or damaged."""
    with suppress(FileNotFoundError, ValueError, RecursionError):
        return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, value):
    write_whole(writable(json.dumps(value, ensure_ascii=False, indent=1)).encode(), path)


def write_whole(content, path):
    path.with_suffix(".new").write_bytes(content)
    os.replace(path.with_suffix(".new"), path)


def read_file(path):
    import nbformat

    return nbformat.read(path, as_version=4)


def copy_whole(source, target):
    shutil.copy(source, target.with_suffix(".copy"))
    os.replace(target.with_suffix(".copy"), target)


def on_disk(path):
    """Waits until the disk has a file: what takes the place of another must be whole after a power cut."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def remove_folder(path):
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:  # which names a file by its last name only
        raise OSError(error.errno, error.strerror, str(path)) from error


def replace_folder(source, target):
    remove_folder(target)
    if source.exists():
        shutil.copytree(source, target)


if __name__ == "__main__":
    try:
        main()
    except (GradeError, CollectError, CourseError, RosterError, SandboxError, Killed) as error:
        sys.exit(understood.legible(str(error)))
    except OSError as error:
        sys.exit(machine_failed(error))
    except Exception as error:
        if not (of_machine := fault_of_machine(error)):
            raise
        sys.exit(machine_failed(of_machine))
    except KeyboardInterrupt:
        sys.exit("已中断，再运行一次会接着做。 · Stopped; run again to go on.")
