"""Makes what students get out of the assignments' sources: no solutions, no hidden tests, no mark schemes, no outputs.

    python classroom/assignments.py        (`make assignments` runs it in the book's environment)

classroom/release/<name>/<name>.ipynb is nbgrader's release version, in both languages; _build/assignments/<edition>/
holds it in each edition, as the site offers it.
"""

import os
import shutil
import sys
from pathlib import Path

import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.nbgraderformat import ValidationError
from nbgrader.preprocessors import IncludeHeaderFooter, InstantiateTests, SaveCells
from nbgrader_config import configure
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]
CLASSROOM = ROOT / "classroom"
RELEASE = CLASSROOM / "release"
EDITIONS = ROOT / "_build" / "assignments"

# What needs a gradebook, a kernel, or files that this course does not have.
LEFT_OUT = (IncludeHeaderFooter, InstantiateTests, SaveCells)


class AssignmentError(Exception):
    """A source that nbgrader cannot make a student version of; the text names the file and what is wrong."""


def main():
    for name, notebook in release().items():
        print(f"{name}: {(RELEASE / name / f'{name}.ipynb').relative_to(ROOT)}")
        for edition, path in write_editions(name, notebook).items():
            print(f"  {edition:4} {path.relative_to(ROOT)}")


def release():
    """Brings classroom/release/ up to date. Returns name → student version. AssignmentError."""
    notebooks = {}
    for name in names():
        try:
            notebooks[name] = student_version(nbformat.read(source(name), as_version=4))
        except (RuntimeError, ValidationError) as error:
            raise AssignmentError(f"{source(name).relative_to(ROOT)}: {error}") from error
    for stale in RELEASE.glob("*"):
        if stale.is_dir() and stale.name not in notebooks:
            shutil.rmtree(stale)
    for name, notebook in notebooks.items():
        write(notebook, RELEASE / name / f"{name}.ipynb")
    return notebooks


def student_version(notebook):
    """What nbgrader's own preprocessors, in its own order, leave of a source.

    RuntimeError, ValidationError: a region or the metadata of a cell is not as nbgrader needs it.
    """
    config = Config()
    configure(config)
    notebook, resources = nbformat.from_dict(notebook), {}
    for preprocessor in GenerateAssignment.preprocessors.default():
        if preprocessor not in LEFT_OUT:
            notebook, resources = preprocessor(config=config).preprocess(notebook, resources)
    return notebook


def write_editions(name, notebook):
    """Writes the student version in each edition. Returns edition → path."""
    sys.path.append(str(ROOT / "book" / "_ext"))
    import yaml
    from downloads import edition_notebook, wheel_address
    from editions.pages import SWITCH

    base = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"].get("baseurl")
    paths = {edition: EDITIONS / edition / f"{name}.ipynb" for edition in SWITCH}
    for edition, path in paths.items():
        address = wheel_address(base and f"{base.rstrip('/')}/{edition}/")
        write(edition_notebook(notebook, edition, address), path)
    return paths


def names():
    return sorted(path.stem for path in (CLASSROOM / "source").glob("*/*.ipynb") if path.stem == path.parent.name)


def source(name):
    return CLASSROOM / "source" / name / f"{name}.ipynb"


def write(notebook, path):
    """Only what changed: Sphinx goes by the time of a file."""
    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


if __name__ == "__main__":
    try:
        main()
    except AssignmentError as error:
        sys.exit(f"{error}")
