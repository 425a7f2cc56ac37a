"""Formgrader in a real browser, as a teacher opens it: what students wrote is there to be read, and nothing acts."""

import io
import json
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode

import hostile
import nbformat
import pytest
from test_grade import Course
from test_live import free_port

pytest.importorskip("nbgrader", reason="nbgrader 0.9.6 needs Python 3.11 · nbgrader 0.9.6 需要 Python 3.11")

from nbgrader.preprocessors import NbGraderPreprocessor
from PIL import Image

HONEST = """It has become **plain**, since $x^2 < y$:

$$\\frac{a}{b}$$

![a plot](attachment:图%201.png)

| line | shape |
|------|------:|
| `out += identity` | 1 < 2 |

A <b>bold</b> claim, see [the paper](https://example.org/resnet)."""


def picture(size=(7, 5), form="PNG"):
    pixels = io.BytesIO()
    Image.new("RGB", size, "red").save(pixels, form)
    return b64encode(pixels.getvalue()).decode()


class Forged(NbGraderPreprocessor):
    """Stands in for the kernel, and sends what a kernel of a student's may send."""

    def preprocess(self, nb, resources):
        if resources["nbgrader"]["student"] == "mallory":
            nb.cells += hostile.cells(hostile.PROSE, hostile.OUTPUTS, hostile.CELLS)
            nb.metadata.update(hostile.METADATA)
        answer = next(one for one in nb.cells if one.metadata.get("nbgrader", {}).get("grade_id") == "explanation")
        answer.attachments = {"图 1.png": {"image/png": picture()}}
        table = "<table><tr><td style='color:red'>cell of a table</td></tr></table>"
        data = {"text/html": table, "text/plain": "x"}
        shown = [hostile.output(data), hostile.output({"image/jpeg": picture(form="JPEG")})]
        shown.append(nbformat.v4.new_output("stream", text="a line of print"))
        nb.cells.append(nbformat.v4.new_code_cell("print('a line of print')", outputs=shown))
        return nb, resources


class Teacher:
    """A browser logged in to a Jupyter server in OUT."""

    def __init__(self, browser, out):
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        with open(out.parent / "log.txt", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}",
                 "--IdentityProvider.token=token"],
                cwd=out, stdout=log, stderr=subprocess.STDOUT,
            )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.origin}/api").close()
                break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail((out.parent / "log.txt").read_text(encoding="utf-8")[-3000:])
        self.context = browser.new_context()
        self.page = self.new_page()
        self.page.goto(f"{self.origin}/formgrader/manage_students?token=token")

    def new_page(self):
        page = self.context.new_page()
        page.asked, page.stopped, page.told, page.dialogs = [], [], [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("requestfailed", lambda request: request.failure == "csp" and page.stopped.append(request.url))
        page.on("console", lambda message: page.told.append(f"{message.text} {message.location} {page.url}"))
        page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
        return page

    def submission(self, student):
        """The address of the page on which this student is marked."""
        answer = self.page.request.get(f"{self.origin}/formgrader/api/submitted_notebooks/forward/forward")
        (one,) = (one for one in answer.json() if one["student"] == student)
        return f"{self.origin}/formgrader/submissions/{one['id']}/"

    def open(self, student):
        page = self.new_page()
        page.goto(self.submission(student))
        loaded(page)
        return page


def loaded(page):
    """Waits for Formgrader's boxes. Playwright's own waiting evaluates text in the page, which the policy forbids."""
    page.wait_for_load_state("networkidle")
    assert page.locator("#notebook-container").count(), page.content()[-3000:]
    assert page.evaluate("formgrader.grades.loaded && formgrader.comments.loaded")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        course = Course(tmp_path_factory.mktemp("course"), patch)
        import nbgrader_config

        configure = nbgrader_config.configure

        def with_forged(config):
            configure(config)
            config.Autograde.autograde_preprocessors.insert(0, "test_formgrader.Forged")

        patch.setattr(nbgrader_config, "configure", with_forged)
        for student in ("alice", "mallory"):
            course.hand_in(student, explanation=HONEST)
            assert course.make_grade()[student]["status"] == "graded"
        graded = course.grade.course(course.out, 0) / "autograded" / "mallory" / "forward" / "forward.ipynb"
        notebook = json.loads(graded.read_text(encoding="utf-8"))
        notebook["cells"] += hostile.cells(hostile.BROKEN)
        graded.write_text(json.dumps(notebook), encoding="utf-8")
        course.grade.merge(course.out)
        yield course


@pytest.fixture(scope="module")
def teacher(browser, course):
    teacher = Teacher(browser, course.out)
    yield teacher
    teacher.context.close()
    teacher.process.terminate()
    teacher.process.wait(timeout=30)


@pytest.fixture(scope="module")
def marking(teacher):
    """The page of a student who tried everything, after the teacher has read it and clicked whatever can be clicked."""
    page = teacher.open("mallory")
    for link in page.get_by_text("click", exact=True).all():
        link.click(timeout=2000)
    page.wait_for_timeout(500)
    return page


@pytest.mark.parametrize("name", hostile.NAMES)
def test_nothing_of_it_acts(marking, name):
    assert name not in (marking.evaluate("window.__pwned") or [])
    assert not any(url.startswith(hostile.CANARY) and name in url for url in marking.asked)


def test_a_page_of_it_holds_only_what_is_to_be_read(marking, teacher):
    """By the browser's own account of the page. The policy had nothing to stop: all had been made inert before."""
    assert marking.url.startswith(teacher.submission("mallory"))
    assert {url for url in marking.asked if not url.startswith((f"{teacher.origin}/formgrader/", "data:"))} == set()
    assert not marking.dialogs and not [told for told in marking.told if "Content Security Policy" in told]
    found = marking.evaluate(
        """[...document.querySelectorAll('#notebook-container *')].flatMap(one => [one.localName,
            ...[...one.attributes].map(given => `${one.localName} ${given.name}=${given.value.slice(0, 22)}`)])"""
    )
    own = [entry for entry in found if " " not in entry]
    acting = "script style svg iframe object embed form a link meta base video audio template marquee details body"
    assert not set(own) & set(acting.split())
    attributes = {entry.partition("=")[0].split()[1] for entry in found if "=" in entry}
    assert not [name for name in attributes if name.startswith("on") or name in ("href", "srcset", "action", "name")]
    pictures = {entry.partition("=")[2] for entry in found if " src=" in entry}
    assert pictures <= {"data:image/png;base64,", "data:image/jpeg;base64"}
    ids = marking.evaluate("[...document.querySelectorAll('#notebook-container [id]')].map(one => one.id)")
    ids.remove("notebook"), ids.remove("notebook-container")  # both stand twice in nbgrader's own template
    assert len(ids) == len(set(ids)) and not {"submission_id", "x"} & set(ids)
    assert marking.locator("#explanation").evaluate("box => box.localName") == "input"
    assert marking.locator(".no-credit").first.is_visible()


def test_what_is_to_be_read_is_there(teacher):
    page = teacher.open("alice")
    answer = page.locator(".nbgrader_cell", has=page.locator("#explanation"))
    assert answer.locator("strong", has_text="plain").is_visible()
    assert answer.locator("msup").count() == 1 and answer.locator("mfrac").is_visible()
    assert answer.locator("img[alt='a plot']").evaluate("image => image.naturalWidth") == 7
    assert answer.locator("td", has_text="1 < 2").is_visible() and "<b>bold</b>" in answer.inner_text()
    assert "https://example.org/resnet" in answer.inner_text()
    assert page.locator("td", has_text="cell of a table").is_visible()
    assert page.locator(".output_jpeg img").evaluate("image => image.naturalWidth") == 7
    assert page.locator("pre", has_text="a line of print").last.is_visible()
    assert page.locator(".highlight .k", has_text="class").count(), "code is coloured"


def test_formgrader_works_under_its_policy(teacher, course):
    """Lists, names, marks, comments, keys; a mark from its page reaches grades.csv."""
    page = teacher.new_page()
    page.goto(f"{teacher.origin}/formgrader")
    page.get_by_role("link", name="forward").first.wait_for()
    lists = ("gradebook", "gradebook/forward", "manage_submissions/forward", "manage_students", "manage_students/alice")
    for path in lists:
        page.goto(f"{teacher.origin}/formgrader/{path}")
        page.locator("#main-table a").first.wait_for()
    page.goto(f"{teacher.origin}/formgrader/manage_students")
    page.get_by_text("Add new student").click()
    page.locator(".modal-title", has_text="Student").wait_for()
    page.goto(f"{teacher.origin}/formgrader/gradebook/forward/forward")
    page.locator("a.name-hidden").first.wait_for()
    page.get_by_role("button", name="Show All Names").click()
    page.locator(f"a.name-shown[href$='{teacher.submission('alice').split('/')[-2]}']").click()
    page.wait_for_url("**/submissions/**")
    loaded(page)
    with page.expect_response(lambda answer: "/api/grade/" in answer.url):
        page.locator("#explanation").fill("3")
        page.locator("#explanation").blur()
    with page.expect_response(lambda answer: "/api/comment/" in answer.url):
        page.locator("#explanation-comment").fill("Well seen")
        page.locator("#explanation-comment").blur()
    page.keyboard.press("Control+Shift+F")
    page.get_by_text("Submission flagged").wait_for()
    with page.expect_navigation():
        page.get_by_role("link", name="Next").click()
    assert not [told for told in page.told if "Content Security Policy" in told]
    with course.grade.gradebook(course.out) as book:
        mark = book.find_grade("explanation", "forward", "forward", "alice")
        assert mark.manual_score == 3 and not mark.needs_manual_grade


BY_PASSED = {
    "script": "<script>{js}</script>",
    "script-src": "<script src='{url}'></script>",
    "mathjax-config": "<script type='text/x-mathjax-config'>{js}</script>",
    "script-of-the-server": "<script src='/formgrader/submissions/x/evil.js'></script>",
    "handler": "<img src=x onerror=\"{js}\">",
    "image": "<img src='{url}'>",
    "svg": "<svg onload=\"{js}\"><script>{js}</script></svg>",
    "frame": "<iframe src='{url}'></iframe><iframe srcdoc='<script>parent.{js}</script>'></iframe>",
    "object": "<object data='{url}'></object><embed src='{url}'>",
    "form": "<form action='{url}' id=sent></form><button form=sent autofocus id=send>x</button>",
    "link": "<a id=link href=\"javascript:{js}\">x</a>",
    "base": "<base href='{url}/'>",
    "style": "<style>#notebook {{ display: none }} body {{ background: url({url}) }}</style>",
    "style-sheet": "<link rel=stylesheet href='{url}'>",
    "style-attribute": "<div style='position:fixed;inset:0;z-index:9999' id=over>x</div>",
}


def test_the_policy_stops_what_was_not_made_inert(teacher):
    """The page as it would be if all cleaning failed, with the headers that the server gave it."""
    page, address = teacher.new_page(), teacher.submission("alice")

    def unclean(route):
        answer = route.fetch()
        own = {"js": hostile.script, "url": lambda name: f"{hostile.CANARY}/{name}"}
        bad = [html.format(**{key: made(name) for key, made in own.items()}) for name, html in BY_PASSED.items()]
        container = '<div class="container" id="notebook-container">'
        before, _, after = answer.text().rpartition(container)
        route.fulfill(response=answer, body=before + container + "".join(bad) + after)

    page.route(address, unclean)
    page.goto(address)
    loaded(page)
    assert page.locator("#explanation").is_visible()
    assert page.locator("#over").evaluate("one => getComputedStyle(one).position") == "static"
    for place in ("#send", "#link"):
        page.locator(place).dispatch_event("click")
    page.wait_for_timeout(500)
    assert page.url.startswith(address) and page.evaluate("window.__pwned") is None
    asked = {url for url in page.asked if not url.startswith((teacher.origin, "data:"))}
    assert asked <= set(page.stopped)


def test_files_that_were_handed_in_run_nothing(teacher, course):
    """nbgrader serves whatever lies beside a notebook, from the teacher's own address."""
    folder = course.out / "autograded" / "alice" / "forward"
    (folder / "evil.js").write_text(hostile.script("file"))
    (folder / "evil.html").write_text(f"<p>read<script>{hostile.script('file')}</script><script src=evil.js></script>")
    page = teacher.new_page()
    page.goto(f"{teacher.submission('alice')}evil.html")
    assert page.get_by_text("read").is_visible() and page.evaluate("window.__pwned") is None


def test_an_address_writes_nothing_into_a_page(teacher):
    page = teacher.new_page()
    name = "%3C%2Fscript%3E%3Cscript%3E(window.__pwned=1)%3C%2Fscript%3E"
    for path in (f"manage_students/{name}", f"gradebook/{name}", f"manage_submissions/{name}"):
        page.goto(f"{teacher.origin}/formgrader/{path}")
        assert page.evaluate("window.__pwned") is None
        assert "nonce" not in page.locator("body").inner_text()


def test_a_name_is_text(teacher, course):
    name = f'<img src=x onerror="{hostile.script("name")}">'
    with course.grade.gradebook(course.out) as book:
        book.update_or_create_student("alice", last_name=name, first_name="A")
    try:
        page = teacher.open("alice")
        assert page.evaluate("window.__pwned") is None
        assert "<img src=x" in page.locator("a.name-shown").text_content()
    finally:
        with course.grade.gradebook(course.out) as book:
            book.update_or_create_student("alice", last_name=None, first_name=None)


def test_a_link_does_not_make_formgrader_run_a_folder(teacher, tmp_path):
    """nbgrader's page takes ?path=, and runs the nbgrader_config.py there, a student's own, say."""
    (tmp_path / "nbgrader_config.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    teacher.new_page().goto(f"{teacher.origin}/formgrader?path={tmp_path}")
    assert not (tmp_path / "ran").exists()


def test_the_page_of_feedback_runs_nothing(teacher, course):
    page = teacher.new_page()
    page.goto((course.out / "feedback" / "mallory" / "forward" / "forward.html").as_uri())
    assert page.locator("h1").first.is_visible() and page.evaluate("window.__pwned") is None
    assert not [url for url in page.asked if not url.startswith(("file:", "data:"))]
    assert page.locator("script, iframe, object, form, svg, [onerror], [onload], a[href^='javascript:']").count() == 0
    assert page.locator("meta[http-equiv='Content-Security-Policy']").count() == 1


def test_what_is_published_can_be_graded_again_and_keeps_its_code(course):
    submitted = course.out / "submitted" / "mallory" / "forward" / "forward.ipynb"
    graded = course.out / "autograded" / "mallory" / "forward" / "forward.ipynb"
    handed_in = nbformat.read(course.folder / "mallory.ipynb", as_version=4)
    solutions = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in handed_in.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }
    assert solutions
    for path in (submitted, graded):
        cells = nbformat.read(path, as_version=4).cells
        kept = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in cells}
        assert {name: kept[name] for name in solutions} == solutions
    done = course.grade.nbgrader_in(course.out).autograde("forward", "mallory", force=True)
    assert done["success"], done["log"]


def test_a_formula_of_the_kernels_is_set_and_anything_else_is_shown():
    """In no time, whatever it is: the page is made in the teacher's server."""
    from formgrader import typeset

    for formula in ("$x^2$", "$$x^2$$", "\\[x^2\\]", " $\\displaystyle x^2$\n", "\\begin{align*}x^2\\end{align*}"):
        assert "<msup>" in typeset(formula), formula
    assert typeset("so $x$ & <b>") == "<pre>so $x$ &amp; &lt;b&gt;</pre>"
    began = time.process_time()
    for sign in ("\\\\[", "$", "\\[", "$ $", "\\begin{a}", "[a](", "{", "$x$ "):
        typeset(sign * (10**6 // len(sign)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", ["script", "img-onerror", "svg-script", "math-broken-out", "output-html"])
def test_without_all_this_it_would_act(browser, name):
    """On nbgrader's own page of the same cell, made as nbgrader makes it."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers

    exporter = HTMLExporter(template_name="formgrade", extra_template_basedirs=[handlers.template_path])
    notebook = nbformat.v4.new_notebook(cells=[hostile.cell(name)])
    html, _ = exporter.from_notebook_node(notebook, {"index": 0, "total": 1})
    page = browser.new_page()
    page.route("**/*", lambda route: route.abort())
    page.route("http://teacher.invalid/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("http://teacher.invalid/")
    page.wait_for_function("window.__pwned", timeout=5000)
    page.close()
