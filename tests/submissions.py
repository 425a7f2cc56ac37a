"""Plausible mistakes in each assignment, as data: what a student would write, and the tests that it should fail.

    MISTAKES["forward"]["no residual"] == ({"block": source of that cell}, {"test_with_downsample", …})
    OFFICIAL["forward"]["block"]       the source notebook's own solution
"""

from pathlib import Path

import nbformat

SOURCES = Path(__file__).resolve().parents[1] / "classroom" / "source"
ASSIGNMENTS = sorted(path.parent.name for path in SOURCES.glob("*/*.ipynb"))


def source_notebook(assignment):
    return nbformat.read(SOURCES / assignment / f"{assignment}.ipynb", as_version=4)


def official(assignment):
    """grade_id → source of each solution cell, without nbgrader's own marker lines."""
    cells = [cell for cell in source_notebook(assignment).cells if cell.cell_type == "code"]
    return {
        cell.metadata.nbgrader.grade_id: "\n".join(line for line in cell.source.splitlines() if "### " not in line)
        for cell in cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


OFFICIAL = {assignment: official(assignment) for assignment in ASSIGNMENTS}


def mistaken(assignment, failing, *edits):
    """(sources of the changed cells, failing grade_ids); an edit is (cell, old, new), old standing there just once."""
    sources = {}
    for cell, old, new in edits:
        source = sources.get(cell, OFFICIAL[assignment][cell])
        assert source.count(old) == 1, f"{assignment}/{cell}: {old!r} stands there {source.count(old)} times"
        sources[cell] = source.replace(old, new)
    return sources, {f"test_{name}" for name in failing.split()}


def forward(failing, *edits):
    return mistaken("forward", failing, *edits)


EVERYTHING = "main_path without_downsample with_downsample training"
BLOCK = "without_downsample with_downsample training"
MISTAKES = {
    "forward": {
        "ReLU after bn3, before the sum": forward(
            EVERYTHING, ("main_path", "out = self.bn3(out)", "out = self.relu(self.bn3(out))")
        ),
        "batch norm after ReLU": forward(
            EVERYTHING,
            ("main_path", "out = self.bn1(out)\n        out = self.relu(out)",
             "out = self.relu(out)\n        out = self.bn1(out)"),
        ),
        "bn1 used twice": forward(EVERYTHING, ("main_path", "self.bn2(out)", "self.bn1(out)")),
        "second ReLU forgotten": forward(
            EVERYTHING, ("main_path", "out = self.bn2(out)\n        out = self.relu(out)", "out = self.bn2(out)")
        ),
        "main path cut off from gradients": forward(
            "training", ("main_path", "self.conv1(x)", "self.conv1(x.detach())")
        ),
        "no residual": forward(BLOCK, ("block", "        out += identity\n", "")),
        "downsample forgotten": forward(
            "with_downsample training",
            ("block", "        if self.downsample is not None:\n            identity = self.downsample(x)\n", ""),
        ),
        "x added instead of identity": forward(
            "with_downsample training", ("block", "out += identity", "out = out + x")
        ),
        "downsample only where the shapes differ": forward(
            "with_downsample",
            ("block", "self.downsample is not None", "self.conv1.in_channels != self.conv3.out_channels"),
        ),
        "no ReLU after the sum": forward(BLOCK, ("block", "        out = self.relu(out)\n", "")),
        "ReLU before the sum": forward(
            BLOCK, ("block", "out += identity\n        out = self.relu(out)", "out = self.relu(out) + identity")
        ),
        "ReLU on the shortcut": forward(
            "with_downsample training", ("block", "self.downsample(x)", "self.relu(self.downsample(x))")
        ),
        "ReLU in place on the input": forward(BLOCK, ("block", "identity = x\n", "identity = self.relu(x)\n")),
        "no gradients": forward(
            "training",
            ("block", "out = self.main_path(x)", "with torch.no_grad():\n            out = self.main_path(x)"),
        ),
        "main path run twice": forward(
            "training", ("block", "out = self.main_path(x)", "self.main_path(x)\n        out = self.main_path(x)")
        ),
        "evaluation mode inside forward": forward(
            "training", ("block", "identity = x\n", "self.eval()\n        identity = x\n")
        ),
        "no return": forward(BLOCK, ("block", "return out", "")),
    },
}
