"""Which answers of a class have unusual passages in common: a list of questions for the teacher to look at.

    python classroom/similarity.py --out marks/forward [--before last-year/forward]     make similarity

Only answer cells are compared, each with the same cell of others and of last year's, without names, spacing and
comments. What the handed-out text or the model solution has, and what many have, is what everybody writes and does not
count; the rest counts the more, the fewer have it. A pair is found by an index of fingerprints, not by comparing all.

copydetect takes out the names and makes the fingerprints (winnowing, https://doi.org/10.1145/872757.872770). Answers
are short, so the window is 1: all fingerprints are kept, and the result does not depend on Python's seed for hashes.
"""

import argparse
import io
import itertools
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from copydetect import CodeFingerprint, compare_files
from for_teachers import write_page
from grade import GradeError, course, plan_of, submitted_in
from handed_in import shown_names
from markupsafe import Markup, escape
from showable import in_time
from understood import legible

LENGTH = 25  # letters of a passage that counts, copydetect's own default
COMMON = 7  # students who may share a passage before it is common, or
ONE_IN = 50  # one in so many
SHOWN = 100  # pairs
LETTERS = 20_000  # of an answer that are looked at
SECONDS = 2  # for one answer


class Work(NamedTuple):
    """What one student handed in: `answers` is {cell: (cell type, source)}, `file` the same for a team's one file."""

    name: str
    file: tuple
    answers: dict
    before: bool = False


class Pair(NamedTuple):
    """Two works by their places: `weight` is of the passages in common, `cells` are those that have them."""

    weight: float
    one: int
    other: int
    cells: list


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--before", type=Path, action="append", default=[])
    given = parser.parse_args()
    out = given.out.resolve()
    works, assignment = works_in(out)
    for folder in given.before:
        works += works_before(folder.resolve(), assignment)
    pairs, rare = similar(works, handed_out(out, assignment))
    path = out / "similarity.html"
    write_report(path, assignment, works, pairs, rare)
    print(legible(
        f"{len(works)} 份里有 {len(pairs)} 对值得看一眼（最多列 {SHOWN} 对） · "
        f"{len(works)} works; pairs to look at: {len(pairs)} ({SHOWN} at most): {path}"
    ))


def works_in(out):
    """The works that make grade has prepared in OUT, and of which assignment."""
    plan = plan_of(out)
    assignment, shown = plan["assignment"], shown_names(plan["students"])
    works = []
    for student, entry in plan["students"].items():
        if "unreadable" not in entry:
            answers = answers_in(submitted_in(course(out, entry["shard"]), student, assignment))
            works.append(Work(shown[student], (entry["file"], entry["content"]), answers))
    return works, assignment


def works_before(folder, assignment):
    """Last year's: a folder that make grade has made then, or one with notebooks."""
    if (folder / "plan.json").exists():
        works, then = works_in(folder)
        if then != assignment:
            raise GradeError(
                f"{folder} 里是作业 {then}，不是 {assignment}：请换一个 BEFORE。 · "
                f"{folder} holds {then} and not {assignment}: choose another BEFORE."
            )
        return [work._replace(before=True) for work in works]
    paths = sorted(folder.rglob("*.ipynb"))
    if not paths:
        raise GradeError(
            f"{folder} 里没有 notebook：BEFORE 要么是去年的 OUT，要么是装着 .ipynb 的文件夹。 · "
            f"There are no notebooks in {folder}: BEFORE is last year's OUT, or a folder of .ipynb files."
        )
    return [Work(str(path.relative_to(folder)), (str(path), ""), answers_in(path), before=True) for path in paths]


def answers_in(path):
    """{cell: (cell type, source)} of the answer cells of a notebook; none of what is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        about = [(cell["metadata"].get("nbgrader", {}), cell["cell_type"], "".join(cell["source"])) for cell in cells]
        return {known["grade_id"]: (kind, text[:LETTERS]) for known, kind, text in about if known.get("solution")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def handed_out(out, assignment):
    """{cell type: text} of what everybody was given, and of the model solution."""
    given = defaultdict(str)
    for folder in ("release", "source"):
        path = out / "base" / folder / assignment / f"{assignment}.ipynb"
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            given[cell["cell_type"]] += "".join(cell["source"]) + "\n"
    return given


def similar(works, given):
    """The pairs of works that have rare passages in common, the most remarkable first; {(cell, fingerprint)} of these.

    given: {cell type: text} that counts for nobody. Two works of one file (a team's) are no pair, nor two from before.
    """
    known = {kind: set(fingerprints(kind, text).hashes) for kind, text in given.items()}
    many = max(COMMON, len(works) // ONE_IN)
    weights, where, rare = defaultdict(float), defaultdict(list), set()
    for cell in sorted({cell for work in works for cell in work.answers}):
        found, owners = hashes_of(cell, works, known)
        for fingerprint, having in shared(found, owners, many):
            rare.add((cell, fingerprint))
            weight = math.log(len(works) / len(having))
            for pair in itertools.combinations(having, 2):
                weights[pair] += weight
                if cell not in where[pair]:
                    where[pair].append(cell)
    pairs = [
        Pair(weight, one, other, where[one, other])
        for (one, other), weight in weights.items()
        if weight > 0 and works[one].file != works[other].file and not (works[one].before and works[other].before)
    ]
    return sorted(pairs, key=lambda pair: (-pair.weight, pair.one, pair.other))[:SHOWN], rare


def hashes_of(cell, works, known):
    """All fingerprints of one cell that not everybody was given, and whose each is, as two arrays of one length."""
    done, found, owners = {}, [], []
    for place, work in enumerate(works):
        if cell not in work.answers:
            continue
        kind, text = work.answers[cell]
        if (kind, text) not in done:
            hashes = fingerprints(kind, text).hashes - known.get(kind, set())
            done[kind, text] = np.fromiter(hashes, dtype=np.int64, count=len(hashes))
        found.append(done[kind, text])
        owners.append(np.full(len(found[-1]), place))
    return np.concatenate(found), np.concatenate(owners)


def shared(found, owners, many):
    """Yields each fingerprint that at least two works have, and no more than `many`, with the places of these."""
    order = np.lexsort((owners, found))
    found, owners = found[order], owners[order]
    values, starts, counts = np.unique(found, return_index=True, return_counts=True)
    for place in np.flatnonzero((counts > 1) & (counts <= many)):
        yield int(values[place]), owners[starts[place]:starts[place] + counts[place]].tolist()


def fingerprints(kind, text):
    """copydetect's of one answer; none of a text that takes it forever."""
    made = []

    def make():
        if kind == "code":
            made.append(CodeFingerprint("answer.py", LENGTH, 1, fp=io.StringIO(text)))
        else:
            made.append(CodeFingerprint("answer.txt", LENGTH, 1, filter=False, fp=io.StringIO(letters(text)[0])))

    in_time(make, seconds=SECONDS)
    return made[0] if made else CodeFingerprint("answer.txt", LENGTH, 1, filter=False, fp=io.StringIO(""))


def letters(text):
    """Prose without spaces and punctuation, in small letters, and where each letter stood."""
    kept = [(letter.lower()[0], place) for place, letter in enumerate(text) if letter.isalnum()]
    return "".join(letter for letter, _ in kept), [place for _, place in kept]


def write_report(path, assignment, works, pairs, rare):
    of_cell = defaultdict(set)
    for cell, fingerprint in rare:
        of_cell[cell].add(fingerprint)
    write_page(
        path,
        "similarity.html.j2",
        assignment=assignment,
        number=len(works),
        most=SHOWN,
        length=LENGTH,
        pairs=[
            {
                "one": works[pair.one],
                "other": works[pair.other],
                "weight": pair.weight,
                "cells": [
                    (cell, *side_by_side(works[pair.one].answers[cell], works[pair.other].answers[cell], of_cell[cell]))
                    for cell in pair.cells
                ],
            }
            for pair in pairs
        ],
    )


def side_by_side(one, other, rare):
    """Both answers as HTML, with what they have in common, and few others have, marked."""
    prints = [fingerprints(*answer) for answer in (one, other)]
    for made in prints:
        made.hashes = made.hashes & rare
    _, _, slices = compare_files(*prints)
    return [marked_up(answer, where) for answer, where in zip((one, other), slices, strict=True)]


def marked_up(answer, slices):
    kind, text = answer
    places = range(len(text)) if kind == "code" else letters(text)[1]
    shown, done = Markup(), 0
    for start, end in sorted(np.transpose(slices).astype(int).tolist()) if len(slices) else []:
        start, end = max(done, places[min(start, len(places) - 1)]), places[min(end, len(places)) - 1] + 1
        if start < end:
            shown += escape(text[done:start]) + Markup("<mark>{}</mark>").format(text[start:end])
            done = end
    return shown + escape(text[done:])


if __name__ == "__main__":
    try:
        main()
    except GradeError as error:
        sys.exit(legible(str(error)))
