"""The second check of each assignment: the student's code gets fresh weights and inputs, its answers are compared here.

A module here is named after its assignment and has

    SOLUTIONS   grade_ids of the cells whose source is the student's answer, in the notebook's order
    PRELUDE     what the locked cells give them, as source: `given` takes it from the notebook
    WALKS       whether the assignment may import linewalk
    CHECKS      grade_id of each autograded test cell → function(student) -> bool

`student.evaluate` asks with torch at hand; `student.on_paper.evaluate` asks what was to be worked out without it.
What comes back may be anything: checks look at it through `same` and `parts`, which take whatever it is, since a check
that raises stops the grading as a fault of ours.

Nothing that a student wrote is imported or unpickled on this side: only tensors, numbers and strings arrive.
"""

import random
from pathlib import Path

import nbformat
import torch
import torch.nn as nn

SOURCES = Path(__file__).resolve().parents[1] / "source"


def given(assignment):
    """The source of the cells that a student of the assignment is given and cannot change, tests apart."""
    notebook = nbformat.read(SOURCES / assignment / f"{assignment}.ipynb", as_version=4)
    return "\n\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code" and is_given(cell))


def is_given(cell):
    marks = cell.metadata.get("nbgrader", {})
    locked = marks.get("locked") and not marks.get("grade")
    return locked and "bootstrap" not in cell.metadata.get("tags", ())


def same(theirs, ours, tolerance=1e-4):
    """Whether `theirs`, whatever it is, is what `ours` is: a tensor, number, string, None, or lists and dicts of them.

    Tensors have the same shape, kind and, within `tolerance`, values; all else is exactly the same, and a number never
    passes as a truth value. A tuple of `ours` stands for a list, which is how sequences arrive.
    """
    if isinstance(ours, torch.Tensor):
        return (
            isinstance(theirs, torch.Tensor)
            and theirs.shape == ours.shape
            and theirs.dtype == ours.dtype
            and torch.allclose(theirs, ours, atol=tolerance, rtol=tolerance)
        )
    if isinstance(ours, dict):
        return (
            isinstance(theirs, dict)
            and theirs.keys() == ours.keys()
            and all(same(theirs[key], ours[key], tolerance) for key in ours)
        )
    if isinstance(ours, (list, tuple)):
        return (
            isinstance(theirs, list)
            and len(theirs) == len(ours)
            and all(same(*pair, tolerance) for pair in zip(theirs, ours, strict=True))
        )
    return type(theirs) is type(ours) and theirs == ours


def parts(answer, count):
    """The parts of an answer that is a list of so many, or else as many times nothing."""
    return answer if isinstance(answer, list) and len(answer) == count else [None] * count


def agree(student, expression, ours, *inputs, **values):
    """Whether the module that `expression` builds with `values` computes what `ours` does, with `ours`' weights.

    In evaluation and in training: a stride on a later layer, for example, shows only in what the batch norms see.
    """
    weights = {name: value.clone() for name, value in ours.state_dict().items()}
    names = [f"input_{number}" for number in range(len(inputs))]
    for train in (False, True):
        theirs = student.evaluate(
            f"run({expression}, weights, {', '.join(names)}, train={train})",
            weights=weights, **dict(zip(names, inputs, strict=True)), **values,
        )
        ours.train(train)
        with torch.no_grad():
            if not same(theirs, ours(*inputs)):
                return False
    return True


def randomized(module):
    """`module` with fresh numbers in every batch norm, where all layers would otherwise behave alike.

    The deviations are those of a convolution of noise, and the shifts smaller: each channel gets values of both signs,
    or a ReLU too few would not show.
    """
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.5)
            nn.init.normal_(norm.running_mean, std=0.2)
            nn.init.uniform_(norm.running_var, 0.1, 0.4)
    return module


def between(low, high):
    """A random whole number from `low` to `high`, both included, that no student can foresee."""
    return random.SystemRandom().randint(low, high)
