"""Grades a folder or zip of submissions: marks in grades.csv, a feedback page for each student.

    python classroom/grade.py all --assignment A --submissions S --out O [--shards N] [--unsafe]     make grade

The same in three steps, the second one on any machines that see O, each shard by itself:

    python classroom/grade.py prepare --assignment A --submissions S --out O --shards N
    python classroom/grade.py shard --out O --shard K                                           K from 0 to N-1
    python classroom/grade.py merge --out O

Every step can be killed and run again: what is done stays done. A folder O/shards/K is a course of nbgrader's, with the
base gradebook and a slice of the submissions; merging goes by nbgrader's own Gradebook.
"""

import argparse
import csv
import fcntl
import hashlib
import json
import logging
import multiprocessing
import os
import re
import shutil
import sys
import time
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from multiprocessing.forkserver import ensure_running
from pathlib import Path

from by_hand import keep_by_hand, marked, written_by_hand
from collect import CollectError, Submission, Unreadable, collect, read_notebook
from sandbox import SandboxError, limits, require_bubblewrap, require_hidden, unsafe

CLASSROOM = Path(__file__).resolve().parent

# Shards on this machine are forked from a process that imports what takes seconds while submissions are collected.
SHARDS = multiprocessing.get_context("forkserver")
SHARDS.set_forkserver_preload(["nbgrader.apps", "torch"])

COLUMNS = ("student", "assignment", "status", "score", "max_score", "reason")
KILLED = {
    "deadline": ("运行超过 {seconds} 秒，已被终止", "it ran for more than {seconds} s and was stopped"),
    "memory": ("占用内存超过 {memory} MB，已被终止", "it took more than {memory} MB of memory and was stopped"),
    "disk": ("写的文件超过 {disk} MB，已被终止", "it wrote more than {disk} MB of files and was stopped"),
    "processes": ("开的进程和线程太多，已被终止", "it started too many processes or threads and was stopped"),
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
            step.add_argument("--shards", type=int, default=cores())
        if name == "shard":
            step.add_argument("--shard", type=int, required=True)
    given = parser.parse_args()
    if given.unsafe:
        os.environ["CLASSROOM_UNSAFE"] = "1"
    out = given.out.resolve()
    if given.step == "all":
        ensure_running()
    if given.step in ("all", "prepare"):
        prepare(given.assignment, given.submissions, out, max(1, given.shards))
    if given.step == "all":
        run_shards(out)
    if given.step == "shard":
        shard(out, given.shard)
    if given.step in ("all", "merge"):
        merge(out)


def prepare(assignment, submissions, out, shards):
    """Collects the submissions, deals them to shards, and makes the gradebook that every shard starts from."""
    check_sandbox(out)
    source = CLASSROOM / "source" / assignment / f"{assignment}.ipynb"
    checks = CLASSROOM / "checks" / f"{assignment}.py"
    if not source.exists():
        names = ", ".join(sorted(path.name for path in (CLASSROOM / "source").iterdir() if path.is_dir()))
        raise GradeError(
            f"没有作业 {assignment}，只有：{names}。 · There is no assignment {assignment}, only: {names}."
        )
    collected = collect(submissions, assignment)
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / ".lock"):
        before = read_json(out / "plan.json") or {"assignment": assignment, "students": {}}
        if before["assignment"] != assignment:
            raise GradeError(
                f"{out} 里是作业 {before['assignment']} 的成绩，请换一个 OUT。 · "
                f"{out} holds the marks of {before['assignment']}: choose another OUT."
            )
        inputs = digest(source.read_bytes(), checks.read_bytes())
        make_base(out / "base", source, assignment, inputs)
        blank = read_file(out / "base" / "release" / assignment / f"{assignment}.ipynb")
        students = dict(before["students"])
        if before.get("inputs") != inputs:
            collected += handed_in_before(out, students, {submission.student for submission in collected})
        for submission in collected:
            was = students.pop(submission.student, {})
            entry = {
                "file": submission.name,
                "others": submission.others,
                "content": digest(submission.content),
                "digest": digest(submission.content, submission.name.encode(), inputs.encode()),
            }
            entry["shard"] = shard_of(out, submission.student, entry, was, students, shards)
            try:
                notebook, entry["missing"] = read_notebook(submission, blank)
            except Unreadable as reason:
                entry["unreadable"] = str(reason)
            else:
                entry["edition"] = notebook.metadata.edition
                if (entry["digest"], entry["shard"]) != (was.get("digest"), was.get("shard")):
                    own = course(out, entry["shard"])
                    submitted = own / "submitted" / submission.student / assignment
                    submitted.mkdir(parents=True, exist_ok=True)
                    write_file(notebook, submitted / f"{assignment}.ipynb")
                    (own / "received").mkdir(exist_ok=True)
                    write_whole(submission.content, own / "received" / f"{submission.student}.ipynb")
            students[submission.student] = entry
        for number in {entry["shard"] for entry in students.values()}:
            folder = course(out, number)
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder / ".lock"):
                if read_json(folder / "inputs.json") != inputs:
                    copy_whole(out / "base" / "gradebook.db", folder / "gradebook.db")
                    write_json(folder / "inputs.json", inputs)
        plan = {"assignment": assignment, "inputs": inputs, "students": dict(sorted(students.items()))}
        write_json(out / "plan.json", plan)


def handed_in_before(out, students, names):
    """What was received in earlier runs from students who aren't among these names."""
    for student, entry in students.items():
        received = course(out, entry["shard"]) / "received" / f"{student}.ipynb"
        if student not in names and "unreadable" not in entry:
            yield Submission(student, entry["file"], received.read_bytes(), others=entry["others"])


def shard_of(out, student, entry, was, students, shards):
    """Where the student was, if that will be graded or has been; the least busy shard otherwise."""
    number = was.get("shard", shards)
    if number < shards or result_of(out, student, {**entry, "shard": number}):
        return number
    load = Counter(other["shard"] for other in students.values())
    return min(range(shards), key=lambda number: load[number])


def make_base(folder, source, assignment, inputs):
    """nbgrader's gradebook with the assignment and nobody in it, and the assignment as it is given out."""
    if read_json(folder / "inputs.json") == inputs:
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "source" / assignment).mkdir(parents=True)
    shutil.copy(source, folder / "source" / assignment)
    made = nbgrader_in(folder).generate_assignment(assignment)
    if not made["success"]:
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
    except (GradeError, SandboxError) as error:
        sys.exit(str(error))


def shard(out, number):
    """Grades what is not graded yet of one slice."""
    check_sandbox(out)
    plan = plan_of(out)
    folder = course(out, number)
    mine = {name: entry for name, entry in plan["students"].items() if entry["shard"] == number}
    mine = {name: entry for name, entry in mine.items() if "unreadable" not in entry}
    if not mine:
        return
    with locked(folder / ".lock"):
        nbgrader = nbgrader_in(folder)
        for student, entry in mine.items():
            if result_of(out, student, entry) is None:
                result = grade_one(nbgrader, folder, plan["assignment"], student, entry)
                (folder / "results").mkdir(exist_ok=True)
                write_json(folder / "results" / f"{student}.json", {**result, "digest": entry["digest"]})


def grade_one(nbgrader, folder, assignment, student, entry):
    """Puts one submission's marks into the gradebook; status, reason, and the tests for a teacher to look at."""
    report = folder / "report.txt"
    report.unlink(missing_ok=True)
    os.environ["CLASSROOM_REPORT"] = str(report)
    done = nbgrader.autograde(assignment, student)
    if not done["success"]:
        with gradebook(folder) as book:
            forget(book, assignment, student)
        return {"status": "ungraded", "reason": why_ungraded(report, done), "disputed": []}
    disputed, reasons = compare(folder, assignment, student, entry)
    nbgrader.generate_feedback(assignment, student)
    status = "flagged" if disputed else "graded"
    return {"status": status, "reason": both(reasons), "disputed": disputed, "feedback": feedback_settings()}


def compare(folder, assignment, student, entry):
    """Holds nbgrader's marks against the second check's; (graded cells in dispute, reasons)."""
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
        told = "；".join(f"{name}（{reason}）" if reason else name for name, reason in withheld.items())
        en_told = "; ".join(f"{name} ({reason})" if reason else name for name, reason in withheld.items())
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
    return disputed, reasons


def why_ungraded(report, done):
    if report.exists():
        bounds = limits()
        numbers = {"seconds": bounds.seconds, "memory": bounds.memory // 2**20, "disk": bounds.disk // 2**20}
        zh, en = KILLED[report.read_text(encoding="utf-8")]
        return both([(zh.format(**numbers), en.format(**numbers))])
    log = done.get("log", "") + done.get("error", "")
    if "DeadKernelError" in log or "Kernel died" in log:
        return both([("内核中途退出，没有跑完", "the kernel ended before the notebook did")])
    if "CellTimeoutError" in log:
        seconds = limits().cell_seconds
        return both([(
            f"一个格子运行超过 {seconds} 秒，而且中断不了",
            f"a cell ran for more than {seconds} s and could not be interrupted",
        )])
    errors = re.findall(r"^\s*[\w.]*(?:Error|Exception): .*$", done.get("log", ""), re.MULTILINE) or ["?"]
    told = errors[-1].strip()[:200]
    return both([(f"nbgrader 没能批改（{told}）", f"grading it with nbgrader failed ({told})")])


def both(reasons):
    """One sentence in Chinese and English from pairs of clauses."""
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
        rows, by_hand = merge_gradebooks(out, assignment, students, results, new)
        os.replace(new, out / "gradebook.db")
        publish(out, assignment, students, results, by_hand)
        write_grades(out / "grades.csv", rows)
    counts = {status: sum(row["status"] == status for row in rows) for status in ("graded", "flagged", "ungraded")}
    print(
        f"已批改 {counts['graded']}，待老师确认 {counts['flagged']}，未能批改 {counts['ungraded']} · "
        f"{counts['graded']} graded, {counts['flagged']} flagged, {counts['ungraded']} ungraded: {out / 'grades.csv'}"
    )


def merge_gradebooks(out, assignment, students, results, path):
    """Fills the new gradebook; (rows of grades.csv, students with marks or comments by hand)."""
    from nbgrader.api import Gradebook

    ignore_warnings()
    rows, by_hand = [], set()
    known, hand = written_by_hand(out / "gradebook.db", assignment)
    shards = {number: gradebook(course(out, number)) for number in {entry["shard"] for entry in students.values()}}
    with Gradebook(f"sqlite:///{path}") as book:
        maximum = book.find_assignment(assignment).max_score
        for student, result in results.items():
            entry, reasons = students[student], [result["reason"]]
            row = {"student": student, "assignment": assignment, "status": result["status"], "score": ""}
            book.update_or_create_student(student, **known.get(student, {}))
            if result["status"] != "ungraded":
                given = hand.setdefault(student, {"marks": {}, "comments": {}})
                given["file"] = entry["content"]
                earlier, unmarked = copy_marks(shards[entry["shard"]], book, assignment, student, given)
                if given["comments"] or any(map(marked, given["marks"].values())):
                    by_hand.add(student)
                settled = {name for name, mark in given["marks"].items() if mark["manual_score"] is not None}
                row["status"] = "flagged" if earlier or set(result["disputed"]) - settled else "graded"
                row["score"] = f"{book.find_submission(assignment, student).score:g}"
                reasons += [earlier_file(earlier), NO_MARK if unmarked else ""]
            reasons.append(others(entry))
            rows.append({**row, "max_score": f"{maximum:g}", "reason": " ".join(filter(None, reasons))})
        book.db.commit()
    for source in shards.values():
        source.close()
    keep_by_hand(path, hand)
    return rows, by_hand


def copy_marks(source, book, assignment, student, hand):
    """One submission's marks from its shard's gradebook, and those by hand.

    Returns the cells whose marks by hand were given for an earlier file, and whether an answer has no mark at all.
    """
    submission = book.update_or_create_submission(assignment, student)
    old = source.find_submission(assignment, student)
    submission.timestamp = old.timestamp
    earlier, unmarked = [], False
    for old_notebook, notebook in zip(old.notebooks, submission.notebooks, strict=True):
        marks = {grade.name: grade for grade in old_notebook.grades}
        for grade in notebook.grades:
            mark = marks[grade.name]
            grade.auto_score, grade.needs_manual_grade = mark.auto_score, mark.needs_manual_grade
            if given := hand["marks"].get(grade.name):
                grade.manual_score, grade.extra_credit = given["manual_score"], given["extra_credit"]
                if given["file"] != hand["file"]:
                    if marked(given):
                        grade.needs_manual_grade = True
                        earlier.append(grade.name)
                elif given["auto_score"] == mark.auto_score:
                    grade.needs_manual_grade = given["needs_manual_grade"]
            unmarked |= grade.auto_score is None and grade.manual_score is None
        comments = {comment.name: comment for comment in old_notebook.comments}
        for comment in notebook.comments:
            comment.auto_comment = comments[comment.name].auto_comment
            comment.manual_comment = hand["comments"].get(comment.name)
    book.db.commit()
    return earlier, unmarked


def earlier_file(names):
    if not names:
        return ""
    zh, en = "、".join(names), ", ".join(names)
    return both([(f"手工给的分是给先前的文件的：{zh}", f"marks by hand were given for an earlier file: {en}")])


def publish(out, assignment, students, results, by_hand):
    """Puts notebooks and feedback pages beside the merged gradebook: together they are a course of nbgrader's."""
    from feedback import ungraded_page

    nbgrader = nbgrader_in(out)
    replace_folder(out / "base" / "source" / assignment, out / "source" / assignment)  # Formgrader lists these
    for student, result in results.items():
        folder = course(out, students[student]["shard"])
        page = out / "feedback" / student / assignment / f"{assignment}.html"
        replace_folder(folder / "submitted" / student, out / "submitted" / student)
        if result["status"] == "ungraded":
            shutil.rmtree(out / "autograded" / student, ignore_errors=True)
            shutil.rmtree(out / "feedback" / student, ignore_errors=True)
            page.parent.mkdir(parents=True)
            edition = students[student].get("edition", "both")
            page.write_text(ungraded_page(assignment, edition, result["reason"]), encoding="utf-8")
            continue
        replace_folder(folder / "autograded" / student, out / "autograded" / student)
        replace_folder(folder / "feedback" / student, out / "feedback" / student)
        if student in by_hand or result.get("feedback") != feedback_settings() or not page.exists():
            made = nbgrader.generate_feedback(assignment, student)
            if not made["success"]:
                raise GradeError(f"nbgrader generate_feedback {student}:\n{made.get('log', '')}{made.get('error', '')}")
    own = CLASSROOM / "nbgrader_config.py"
    (out / "nbgrader_config.py").write_text(
        f"# Made by make grade: `nbgrader formgrader` in this folder uses it.\n"
        f"load_subconfig({str(own)!r})\nget_config().CourseDirectory.root = {str(out)!r}\n",
        encoding="utf-8",
    )


def write_grades(path, rows):
    new = path.with_suffix(".new")
    with open(new, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(new, path)


def others(entry):
    if not entry["others"]:
        return ""
    number, file = entry["others"] + 1, entry["file"]
    return both([(f"交了 {number} 份，取最新的 {file}", f"the newest of {number} was taken, {file}")])


def plan_of(out):
    if plan := read_json(out / "plan.json"):
        return plan
    raise GradeError(
        f"{out} 里还没有要批改的作业，先运行 prepare。 · Nothing is prepared in {out}: run prepare first."
    )


def result_of(out, student, entry):
    """What a shard has found for this very submission, or None."""
    result = read_json(course(out, entry["shard"]) / "results" / f"{student}.json")
    return result if result and result["digest"] == entry["digest"] else None


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
    log.handlers, log.propagate = [logging.NullHandler()], False
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


@contextmanager
def locked(path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest(*parts):
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write_json(path, value):
    write_whole(json.dumps(value, ensure_ascii=False, indent=1).encode(), path)


def write_whole(content, path):
    path.with_suffix(".new").write_bytes(content)
    os.replace(path.with_suffix(".new"), path)


def read_file(path):
    import nbformat

    return nbformat.read(path, as_version=4)


def write_file(notebook, path):
    import nbformat

    nbformat.write(notebook, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


def copy_whole(source, target):
    shutil.copy(source, target.with_suffix(".copy"))
    os.replace(target.with_suffix(".copy"), target)


def replace_folder(source, target):
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)


if __name__ == "__main__":
    try:
        main()
    except (GradeError, CollectError, SandboxError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("已中断，再运行一次会接着做。 · Stopped; run again to go on.")
