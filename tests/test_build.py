"""The build: runs what changed and no more, and never leaves a broken site behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from bundle import BundleError, run
from conftest import EDITIONS, ROOT, chapters, read_notebook
from editions.improve import source_address
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TOC = (
    "format: jb-book\nroot: book/index\nparts:\n  - caption: 部分 | Part\n    chapters:\n      - file: notebooks/one\n"
)
# Counts its runs, and shows a picture.
CODE = """from IPython.display import HTML
print(open('runs.txt', 'a').write('x'))
HTML('<img alt="a dot" width="1" height="1" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">')"""
INDEX = '+++ {"lang": "zh"}\n\n# 首页\n\n+++ {"lang": "en"}\n\n# Home\n'


class Project:
    """A small book with this repository's machinery around one notebook."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "linewalk", folder / "linewalk", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("_config.yml", "requirements.txt", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
        (folder / "book" / "index.md").write_text(INDEX, encoding="utf-8")
        (folder / "notebooks").mkdir()
        self.write()

    def write(self, zh="第一版", code=CODE):
        cells = [
            new_markdown_cell("# 一", metadata={"lang": "zh"}),
            new_markdown_cell("# One", metadata={"lang": "en"}),
            new_markdown_cell(zh, metadata={"lang": "zh"}),
            new_markdown_cell("First edition", metadata={"lang": "en"}),
            new_code_cell(code),
        ]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number}"
        nbformat.write(notebook, self.folder / "notebooks" / "one.ipynb")

    def start(self):
        command = [sys.executable, "book/build.py"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "encoding": "utf-8"}
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **pipes)

    def build(self):
        process = self.start()
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def runs(self):
        return len((self.folder / "notebooks" / "runs.txt").read_text())

    def page(self, edition):
        return (self.folder / "_build" / "html" / edition / "notebooks" / "one.html").read_text(encoding="utf-8")

    def pages(self):
        return [self.page(edition) for edition in EDITIONS]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    code, output = project.build()
    assert code == 0, output
    return project


def test_three_editions_from_one_run(project):
    assert project.runs() == 1
    zh, en, both = project.pages()
    assert "第一版" in zh and "First edition" not in zh
    assert "First edition" in en and "第一版" not in en
    assert "第一版" in both and "First edition" in both
    assert "部分" in zh and "Part" in en
    assert 'class="improve"' not in zh + en + both
    assert (project.folder / "_build" / "html" / "index.html").exists()


def test_nothing_changed_takes_no_time_and_changes_nothing(project):
    before = {path: path.stat().st_mtime_ns for path in (project.folder / "_build" / "html").rglob("*")}
    started = time.monotonic()
    code, _ = project.build()
    assert (code, time.monotonic() - started < 15) == (0, True)
    assert before == {path: path.stat().st_mtime_ns for path in (project.folder / "_build" / "html").rglob("*")}


def test_a_prose_edit_runs_nothing_and_is_seen(project):
    runs = project.runs()
    project.write(zh="第二版")
    code, output = project.build()
    assert code == 0, output
    assert project.runs() == runs
    assert "第二版" in project.page("zh")


def test_a_change_of_the_library_runs_the_chapters(project):
    runs = project.runs()
    (project.folder / "linewalk" / "new.py").write_text(f"# {time.time()}\n")
    code, output = project.build()
    assert code == 0, output
    assert project.runs() == runs + 1


def test_a_failing_cell_is_named_last_and_the_site_stays(project):
    pages = project.pages()
    project.write(zh="坏的", code="answer = 41\nassert answer == 42, 'not the answer'")
    code, output = project.build()
    assert code != 0
    assert output.rstrip().splitlines()[-3:] == [
        "notebooks/one.ipynb",
        "cell 5 · 第 5 格: answer = 41",
        "AssertionError: not the answer",
    ]
    assert project.pages() == pages


def test_a_warning_of_the_site_generator_fails_again_and_again_and_the_site_stays(project):
    pages = project.pages()
    project.write(zh="见[别处](#nowhere)")
    for _ in range(2):
        code, output = project.build()
        assert code != 0
        assert "nowhere" in output.rstrip().splitlines()[-1]
    assert project.pages() == pages


def test_a_site_with_an_address_and_a_repository_names_them(tmp_path):
    project = Project(tmp_path)
    config = yaml.safe_load((tmp_path / "_config.yml").read_text(encoding="utf-8"))
    config["html"]["baseurl"] = "https://book.example/deep/"
    config["repository"] = {"url": "https://gitee.com/reader/book", "branch": "dev"}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    code, output = project.build()
    assert code == 0, output
    root = "https://book.example/deep/"
    alternates = {
        "zh-CN": f"{root}zh/notebooks/one.html",
        "en": f"{root}en/notebooks/one.html",
        "x-default": f"{root}both/notebooks/one.html",
    }
    names = {"zh": "改进这一节：一", "en": "Improve this: One", "both": "改进这一节 / Improve this: 一 · One"}
    for edition in EDITIONS:
        page = BeautifulSoup(project.page(edition), "html.parser")
        own = f"{root}{edition}/notebooks/one.html"
        assert page.select_one("link[rel=canonical]")["href"] == own
        assert page.select_one("meta[property='og:url']")["content"] == own
        assert page.select_one("meta[property='og:image']")["content"].startswith(f"{root}{edition}/_images/")
        found = {link["hreflang"]: link["href"] for link in page.select("link[rel=alternate][hreflang]")}
        assert found == alternates
        (link,) = page.select("h1 .improve")
        assert link["href"] == "https://gitee.com/reader/book/blob/dev/notebooks/one.ipynb"
        assert link["aria-label"] == names[edition]
    html = tmp_path / "_build" / "html"
    chooser = BeautifulSoup((html / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert chooser.select_one("link[rel=canonical]")["href"] == root
    assert chooser.select_one("link[rel=alternate]")["href"] == f"{root}zh/book/index.html"
    entrance = BeautifulSoup((html / "zh" / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert entrance.select_one("link[rel=canonical]")["href"] == f"{root}zh/book/index.html"


@pytest.mark.parametrize(
    ("repository", "path", "address"),
    [
        ("https://github.com/a/b", "notebooks/x.ipynb", "https://github.com/a/b/blob/main/notebooks/x.ipynb"),
        ("https://github.com/a/b/", "book/index.md", "https://github.com/a/b/edit/main/book/index.md"),
        ("https://gitlab.com/a/b.git", "book/index.md", "https://gitlab.com/a/b/-/edit/main/book/index.md"),
        ("", "book/index.md", None),
    ],
)
def test_where_a_page_can_be_improved(repository, path, address):
    assert source_address(repository, "", path) == address


def test_npm_failing_names_the_folder_and_what_is_needed(tmp_path):
    with pytest.raises(BundleError, match=f"no route\n\n.*{re.escape(str(tmp_path))}.*软件源.*npm registry"):
        run([sys.executable, "-c", "raise SystemExit('no route')"], cwd=tmp_path)


def test_another_torch_means_other_outputs(project):
    """The cache is known by the version that made it."""
    (cache,) = (project.folder / "_build" / "cache").iterdir()
    assert cache.name.endswith(f"-{version('torch')}")


def test_the_terminal_shows_each_edition_as_it_is_done(project):
    project.write(zh="第三版")
    _, output = project.build()
    for edition in EDITIONS:
        assert f"  {edition} is ready" in output


def test_a_new_search_word_is_found_on_pages_already_read(project):
    def found(word):
        code, output = project.build()
        assert code == 0, output
        index = (project.folder / "_build" / "html" / "zh" / "searchindex.js").read_text(encoding="utf-8")
        return json.dumps(word) in index

    project.write(zh="苹果香蕉")
    assert not found("苹果香蕉")
    with open(project.folder / "book" / "search-words.txt", "a", encoding="utf-8") as words:
        words.write("苹果香蕉\n")
    assert found("苹果香蕉")


@pytest.mark.parametrize("moment", ["Running · ", "Building the editions"])
def test_an_interrupted_build_leaves_the_site(project, moment):
    pages = project.pages()
    project.write(zh=f"中断 {moment}", code=f"{CODE}\n# {moment}")
    process = project.start()
    assert any(moment in line for line in process.stdout)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert project.pages() == pages


def test_a_build_killed_while_it_put_the_site_in_place_is_mended(project):
    build = project.folder / "_build"
    pages = project.pages()
    (build / "html").rename(build / "html.old")
    project.write(code="raise SystemExit('stop')")
    project.build()
    assert project.pages() == pages


@pytest.mark.parametrize("name", chapters())
def test_each_chapter_ran_without_an_error(site, name):
    (folder,) = (ROOT / "_build" / "cache").iterdir()
    cache = get_cache(str(folder))
    _, notebook = cache.merge_match_into_notebook(read_notebook(ROOT / f"{name}.ipynb"))
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
