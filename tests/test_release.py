"""The students' versions of the assignments: made by nbgrader, shown on the site, without any answer."""

import html
import json
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest
from assignments import AssignmentError, release, source, student_version
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, assignments, chapters, read_notebook
from downloads import bootstrap
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import compute_checksum, is_grade, is_solution

NAMES = [page.partition("/")[2] for page in assignments()]
SOLUTION = re.compile(r"BEGIN SOLUTION.*?\n(.*?)\n[^\n]*END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r"BEGIN HIDDEN TESTS.*?\n(.*?)\n[^\n]*END HIDDEN TESTS", re.DOTALL)
MARKS = re.compile(r"(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)")
TAG = re.compile(r"<[^>]+>")
PICTURES = (".png", ".webp", ".jpg", ".gif")
HAN = re.compile(r"[㐀-鿿]")


def graded(cell, name, points=None, **kind):
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **kind}
    cell.metadata["nbgrader"] = {**metadata, "grade_id": name} | ({} if points is None else {"points": points})
    return cell


def a_source():
    solution = "def double(x):\n    ### BEGIN SOLUTION\n    return x + x\n    ### END SOLUTION"
    test = "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(-1) == -2\n### END HIDDEN TESTS"
    cells = [
        new_markdown_cell("# 二倍", metadata={"lang": "zh"}),
        new_markdown_cell("# Twice", metadata={"lang": "en"}),
        graded(new_code_cell(solution), "double", solution=True),
        graded(new_code_cell(test), "test_double", 3, grade=True, locked=True),
        graded(new_markdown_cell("Because addition is repeated."), "why", 2, grade=True, solution=True),
        new_code_cell("double(3)", outputs=[nbformat.v4.new_output("stream", text="6")], execution_count=1),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def test_a_student_version_has_the_question_and_not_the_answer():
    notebook = a_source()
    _, _, double, test, why, shown = student_version(notebook).cells
    head, comment, stub = double.source.splitlines()
    assert head == "def double(x):" and stub == "    raise NotImplementedError()"
    assert re.fullmatch(r"    # .*[㐀-鿿].* · .*[a-z].*", comment)
    assert test.source == "assert double(2) == 4"
    assert HAN.search(why.source) and "answer here" in why.source and "repeated" not in why.source
    assert not shown.outputs and shown.execution_count is None
    assert "x + x" in notebook.cells[2].source, "the source itself must stay"


def test_cells_are_locked_and_know_what_they_were():
    _, _, double, test, why, _ = student_version(a_source()).cells
    assert not test.metadata.editable and not test.metadata.deletable and not double.metadata.deletable
    for cell in (double, test, why):
        assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


def test_a_region_without_an_end_is_named(monkeypatch):
    notebook = a_source()
    notebook.cells[2].source = notebook.cells[2].source.replace("END SOLUTION", "")
    monkeypatch.setattr("assignments.names", lambda: ["x"])
    monkeypatch.setattr("nbformat.read", lambda *_, **__: notebook)
    with pytest.raises(AssignmentError, match=r"classroom/source/x/x\.ipynb: no end solution"):
        release()


# ---- the assignments of this course


@pytest.fixture(scope="module")
def made():
    run = subprocess.run([sys.executable, "classroom/assignments.py"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return ROOT / "_build" / "assignments"


def read_release(name):
    return read_notebook(ROOT / "classroom" / "release" / name / f"{name}.ipynb")


def secrets(name):
    """What the source says and its student version does not: regions, and whole answers to manually graded cells."""
    for cell in read_notebook(source(name)).cells:
        yield from SOLUTION.findall(cell.source) + HIDDEN.findall(cell.source)
        if is_solution(cell) and "BEGIN SOLUTION" not in cell.source:
            yield cell.source


def secret_lines(name, public):
    """The lines of the secrets that stand nowhere in `public`; a solution may well have a line that a chapter reads."""
    lines = {squeezed(line) for secret in secrets(name) for line in secret.splitlines()}
    return {line for line in lines if len(line) > 12 and line not in public}


def squeezed(text):
    return "".join(text.split())


@pytest.fixture(scope="module")
def public(made):
    """What everybody may read, squeezed: the chapters, the book's prose, the library, the students' versions."""
    texts = [path.read_text(encoding="utf-8") for folder in ("book", "linewalk") for path in prose_and_code(folder)]
    notebooks = [ROOT / f"{name}.ipynb" for name in chapters()]
    notebooks += [ROOT / "classroom" / "release" / name / f"{name}.ipynb" for name in NAMES]
    texts += [cell.source for path in notebooks for cell in read_notebook(path).cells]
    return squeezed("\n".join(texts))


def prose_and_code(folder):
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]


@pytest.mark.parametrize("name", NAMES)
def test_every_assignment_has_secrets_and_its_release_none(made, public, name):
    assert len(secret_lines(name, public)) > 5
    for cell in read_release(name).cells:
        assert not MARKS.search(cell.source)
        assert not cell.get("outputs")
        if is_solution(cell) and cell.cell_type == "code":
            comment = re.search(r"(#.*)\n *raise NotImplementedError\(\)", cell.source)[1]
            assert HAN.search(comment) and re.search(r" · [A-Z]", comment)
    texts = {squeezed(cell.source) for cell in read_release(name).cells}
    assert not [secret for secret in secrets(name) if any(squeezed(secret) in text for text in texts)]


@pytest.mark.parametrize("name", NAMES)
def test_the_editions_take_their_cells_and_say_which_they_are(made, site, name):
    whole = read_release(name)
    graded_cells = [cell.metadata.nbgrader.grade_id for cell in whole.cells if is_grade(cell) or is_solution(cell)]
    for edition in EDITIONS:
        notebook = read_notebook(made / edition / f"{name}.ipynb")
        nbformat.validate(notebook)
        assert notebook.metadata.edition == edition
        found = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if is_grade(cell) or is_solution(cell)]
        assert found == graded_cells
        languages = {cell.metadata.get("lang") for cell in notebook.cells}
        assert languages == {None, *(["zh", "en"] if edition == "both" else [edition])}
        assert read_notebook(site / edition / "assignments" / f"{name}.ipynb") == notebook


@pytest.mark.parametrize("name", NAMES)
def test_linewalk_is_installed_by_those_that_walk(made, name):
    code = [cell for cell in read_release(name).cells if cell.cell_type == "code"]
    walks = any("linewalk" in cell.source for cell in code)
    assert ("bootstrap" in code[0].metadata.get("tags", [])) == walks
    assert not walks or code[0].source == bootstrap()


@pytest.fixture(scope="module")
def published(site):
    """Path → text, squeezed, of every file of the site but pictures, a page's markup taken away, the wheel unpacked.

    Python itself, which a page brings along, is not searched: it says "return expected" of its own accord.
    """
    files = [path for path in site.rglob("*") if path.is_file() and path.suffix not in PICTURES]
    files = [path for path in files if not path.name.startswith(("stdlib-", "python-"))]
    return {path: squeezed(readable(path)) for path in files}


WHEEL = re.compile(r"[A-Za-z0-9+/=]{1000,}")  # in base64


def readable(path):
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            names = [name for name in wheel.namelist() if not name.endswith(".safetensors")]
            return "\n".join(wheel.read(name).decode() for name in names)
    text = path.read_bytes().decode(errors="ignore")
    if path.suffix == ".html":
        return html.unescape(TAG.sub("", text))
    if path.suffix == ".ipynb":
        source = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        return WHEEL.sub("", source)  # the site's own wheel is searched by itself
    return text


def test_no_file_of_the_site_holds_an_answer_or_a_hidden_test(published, public):
    answers = {line for name in NAMES for line in secret_lines(name, public)}
    answers |= {json.dumps(line)[1:-1] for line in answers}  # as a script would hold them
    one_search = re.compile("|".join(map(re.escape, sorted(answers))))
    once = {text: path for path, text in published.items()}  # the editions have much in common
    found = {path.as_posix(): match[0] for text, path in once.items() if (match := one_search.search(text))}
    assert not found


def test_the_search_would_find_one(published, public):
    """A line that the student version of an assignment does show is found on its page and in its notebook."""
    name = NAMES[-1]
    line = squeezed(next(cell.source for cell in read_release(name).cells if is_grade(cell)).splitlines()[0])
    for edition, ending in (("zh", "html"), ("en", "ipynb")):
        assert [path for path, text in published.items() if path.match(f"{edition}/*/{name}.{ending}") and line in text]


# ---- the pages


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_page_offers_downloads_and_says_why_nothing_else(site, edition):
    for name in NAMES:
        text = (site / edition / "assignments" / f"{name}.html").read_text(encoding="utf-8")
        page = BeautifulSoup(text, "html.parser")
        links = page.select(".elsewhere a[download]")
        assert [link["download"] for link in links] == [f"{name}.{code}.ipynb" for code in EDITIONS]
        assert len(page.select(".elsewhere ul")) == 1
        note = page.select("article .get-notebook")[0]
        words = {"zh": "没有云端链接", "en": "no links lead into the cloud", "both": "没有云端链接"}
        assert words[edition] in note.get_text()
        assert not page.select(".improve, .code-column, .cell_output")
