"""Fills the two cells of an assignment by which students check all visible tests at once, before they hand in.

A source marks their places by the ids of cells; in the student version the first holds in_the_notebook.py with the
visible tests of that assignment, the last calls it. Only there: a source has the solutions, and its own tests say all.
"""

from pathlib import Path

from nbgrader.preprocessors.base import NbGraderPreprocessor

IN_THE_NOTEBOOK = Path(__file__).with_name("in_the_notebook.py")
# Out of sight in JupyterLab, and in Colab, whose forms show a cell's title only.
HIDDEN = {"jupyter": {"source_hidden": True}, "cellView": "form"}


class BeforeHandingIn(NbGraderPreprocessor):
    """Runs after ClearHiddenTests: what it copies is what students see."""

    def preprocess(self, notebook, resources):
        tests = {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in notebook.cells
            if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
        }
        for cell in notebook.cells:
            if cell.get("id") == "explanations":
                cell.source = in_the_notebook(tests)
                cell.metadata.update(HIDDEN)
            elif cell.get("id") == "before_handing_in":
                cell.source = "before_handing_in()"
        return notebook, resources


def in_the_notebook(tests):
    """The source of the cell that explains errors and has the visible `tests`, grade_id → source."""
    literal = "".join(f"    {name!r}: {text!r},\n" for name, text in tests.items())
    return IN_THE_NOTEBOOK.read_text(encoding="utf-8").strip().replace("_TESTS = {}", f"_TESTS = {{\n{literal}}}")
