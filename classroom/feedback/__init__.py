"""What a student gets back: one page in the student's language, with marks, comments, and no word of the hidden tests.

Whatever ran in the kernel beside the hidden tests may have read them: so no output goes on the page, and of a failed
test only what the test's author wrote to be read, the text of one of its `assert`s.
"""

import ast
import builtins
import html
import re
from pathlib import Path

import bleach
import jinja2
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from pygments.formatters import HtmlFormatter
from reading import guessed
from traitlets import Bool

TEMPLATES = Path(__file__).resolve().parent / "templates"
HIDDEN = re.compile(r"^[^\n]*### BEGIN HIDDEN TESTS.*?(### END HIDDEN TESTS[^\n]*\n?|\Z)", re.DOTALL | re.MULTILINE)
SCHEME = re.compile(r"^=== BEGIN MARK SCHEME ===.*?(=== END MARK SCHEME ===[^\n]*\n?|\Z)", re.DOTALL | re.MULTILINE)

HINTS = re.compile(r"(?:<|&lt;)details>.*(?:<|&lt;)/details>", re.DOTALL)

# A test's text may point to what the cell printed, which is in the student's notebook alone.
ELSEWHERE = {
    "打印在上面": "（这一页不显示输出：在自己的笔记本里运行这一格，就看得到。）",
    "上面打印": "（这一页不显示输出：在自己的笔记本里运行这一格，就看得到。）",
    "printed above": " (This page shows no output: run the cell in your notebook to see it.)",
}

PROSE = {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em"}
PROSE |= {"strong", "a", "img", "del", "table", "thead", "tbody", "tr", "th", "td"}


class StudentFeedback(NbGraderPreprocessor):
    """Runs after nbgrader's GetGrades, which puts scores and comments into the cells."""

    show_hidden_tests = Bool(
        False, help="Whether hidden tests are shown with their source; for when the deadline is over."
    ).tag(config=True)

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as book:
            notebook = book.find_submission_notebook(about["notebook"], about["assignment"], about["student"])
            waiting = {grade.name for grade in notebook.grades if grade.needs_manual_grade}
        edition = nb.metadata.get("edition")
        about["edition"] = edition if edition in ("zh", "en", "both") else guessed(nb.cells)
        tests = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        about["tests"] = [self.judged(cell, waiting, about["edition"]) for cell in tests]
        nb.cells = [cell for cell in nb.cells if not is_hints(cell)]
        for cell in nb.cells:
            self.tidy(cell)
        resources["code_style"] = HtmlFormatter().get_style_defs(".highlight")
        return nb, resources

    def judged(self, cell, waiting, edition):
        """What the table at the top of the page says of one graded cell."""
        given = cell.metadata.nbgrader
        if given.grade_id in waiting:
            state = "waiting"
        elif given.score >= given.points:
            state = "passed"
        else:
            state = "partly" if given.score > 0 else "failed"
        given["state"] = state
        given["message"] = with_where(message(cell, edition)) if state in ("failed", "partly") else ""
        return given

    def tidy(self, cell):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if not self.show_hidden_tests:
            shown = HIDDEN.sub("", cell.source)
            cell.metadata["hidden"] = shown != cell.source
            cell.source = shown.rstrip("\n")
        cell.source = SCHEME.sub("", cell.source)


def is_hints(cell):
    """Whether it is a cell of hints as handed out, which are HTML, and in OUT are shown as they were typed."""
    return cell.cell_type == "markdown" and "lang" in cell.metadata and bool(HINTS.search(cell.source))


class FeedbackExporter(HTMLExporter):
    """Our page, whatever templates the program that asks for it has set up for its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.template_name = "classroom"
        self.extra_template_basedirs = [str(TEMPLATES)]
        self.template_paths = self._template_paths()  # worked out above, for another template
        self.register_filter("prose", prose)


def prose(source, pictures=None):
    """Markdown as a page, with the pictures pasted into it; whatever else a student wrote is shown as text."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True, attachments=pictures or {})
    try:
        page = MarkdownWithMath(renderer).render(source)
        return bleach.clean(page, tags=PROSE, attributes=harmless, protocols={"http", "https", "mailto", "data"})
    except Exception:  # a picture that isn't there, or nesting without end
        return f"<pre>{html.escape(source)}</pre>"


def harmless(tag, name, value):
    if (tag, name) == ("a", "href"):
        return value.startswith(("http://", "https://", "mailto:"))
    picture = value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
    if (tag, name) == ("ol", "start"):  # whoever numbers the answer to question 4 alone
        return value.isdecimal()
    return (tag, name) == ("img", "alt") or (picture and (tag, name) == ("img", "src"))


def message(cell, edition):
    """Why a test failed: the text of one of its asserts, or the name of a built-in exception, or nothing."""
    for output in cell.get("outputs", []):
        if output.output_type != "error":
            continue
        if output.ename == "CellTimeoutError":
            return in_edition("运行超时。 · It took too long.", edition)
        text = str(output.evalue)
        if output.ename == "AssertionError" and text in assert_texts(cell.source):
            return in_edition(text, edition)
        kind = getattr(builtins, output.ename, None)
        return output.ename if isinstance(kind, type) and issubclass(kind, BaseException) else ""
    return ""


def with_where(text):
    """A message with the place of the output that it speaks of, which is not on this page."""
    halves = []
    for half in text.split(" · "):
        where = [note for words, note in ELSEWHERE.items() if words in " ".join(half.split())]
        halves.append(half + "".join(where[:1]))
    return " · ".join(halves)


def assert_texts(source):
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    texts = [node.msg for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    return {text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)}


def in_edition(text, edition):
    """The half of a text in both languages that the edition reads."""
    halves = text.split(" · ")
    return text if edition == "both" or len(halves) != 2 else halves[edition == "en"]


def ungraded_page(assignment, edition, reason):
    """The page of a student whose submission could not be graded."""
    return rendered("ungraded.html.j2", assignment=assignment, edition=edition, reason=in_edition(reason, edition))


def marks_page(assignment, edition, score, max_score):
    """The page of a student whose answers cannot be laid out."""
    return rendered("marks.html.j2", assignment=assignment, edition=edition, score=score, max_score=max_score)


def rendered(template, **values):
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES / "classroom"), autoescape=True)
    return environment.get_template(template).render(**values)
