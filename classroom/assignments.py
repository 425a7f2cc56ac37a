"""Makes what students get out of the assignments' sources: no solutions, no hidden tests, no mark schemes, no outputs.

    python classroom/assignments.py        (`make assignments` runs it in the book's environment)

classroom/release/<name>/<name>.ipynb is nbgrader's release version, in both languages; _build/assignments/<edition>/
holds it in each edition, as the site offers it.
"""

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import nbformat
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

NO_NOTEBOOK = (
    "{name} 不是完好的笔记本（{reason}）：请在 JupyterLab 里修好，或取回它以前的样子。"
    " · {name} is not a sound notebook ({reason}): mend it in JupyterLab, or get back an earlier one."
)
NO_CONFIG = (
    "_config.yml 不是有效的 YAML，或者里面没有 html：请对照仓库里原来的改好。"
    " · _config.yml is not valid YAML, or has no html in it; mend it after the repository's own."
)


class AssignmentError(Exception):
    """A source that nbgrader cannot make a student version of; the text names the file and what is wrong."""


def main():
    notebooks = release()
    with source_of_linewalk() as (address, wheel):
        for name, notebook in notebooks.items():
            print(f"{name}: {(RELEASE / name / f'{name}.ipynb').relative_to(ROOT)}")
            for edition, path in write_editions(name, notebook, address, wheel).items():
                print(f"  {edition:4} {path.relative_to(ROOT)}")


def release():
    """Brings classroom/release/ up to date. Returns name → student version. AssignmentError."""
    notebooks = student_versions()
    for stale in RELEASE.glob("*"):
        if stale.is_dir() and stale.name not in notebooks:
            shutil.rmtree(stale)
    for name, notebook in notebooks.items():
        write(notebook, RELEASE / name / f"{name}.ipynb")
    return notebooks


def student_versions():
    """name → student version, of all sources. AssignmentError."""
    notebooks = {}
    for name in names():
        try:
            notebooks[name] = student_version(nbformat.read(source(name), as_version=4))
        except (RuntimeError, ValidationError) as error:
            raise AssignmentError(f"{source(name).relative_to(ROOT)}: {error}") from error
        except (ValueError, AttributeError, KeyError, TypeError) as error:  # no JSON, no text, or no notebook
            raise AssignmentError(NO_NOTEBOOK.format(name=source(name).relative_to(ROOT), reason=error)) from error
    return notebooks


def student_version(notebook):
    """What nbgrader's preprocessors, in its own order, and ours leave of a source.

    RuntimeError, ValidationError: a region or the metadata of a cell is not as nbgrader needs it.
    """
    config = Config()
    configure(config)
    notebook, resources = nbformat.from_dict(notebook), {}
    for preprocessor in config.GenerateAssignment.preprocessors:
        if preprocessor not in LEFT_OUT:
            notebook, resources = preprocessor(config=config).preprocess(notebook, resources)
    return notebook


@contextmanager
def source_of_linewalk():
    """(the wheel's address at the site that _config.yml names, or else a wheel for the notebooks to carry)."""
    sys.path += [str(ROOT / "book"), str(ROOT / "book" / "_ext")]
    import yaml
    from downloads import wheel_address
    from package import package_linewalk

    try:
        site = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"].get("baseurl")
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssignmentError(NO_CONFIG) from error
    with tempfile.TemporaryDirectory() as folder:
        yield wheel_address(site), None if site else package_linewalk(folder)


def write_editions(name, notebook, address, wheel):
    """Writes the student version in each edition. Returns edition → path."""
    from downloads import edition_notebook
    from editions.pages import SWITCH

    paths = {edition: EDITIONS / edition / f"{name}.ipynb" for edition in SWITCH}
    for edition, path in paths.items():
        write(edition_notebook(notebook, edition, address, wheel), path)
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
    sys.path.append(str(ROOT / "book"))
    import troubles
    from programs import ProgramError

    try:
        main()
    except (AssignmentError, ProgramError) as error:
        sys.exit(f"{error}")
    except OSError as error:
        sys.exit(troubles.sentence(error))
    except KeyboardInterrupt:
        sys.exit("已中断。 · Stopped.")
