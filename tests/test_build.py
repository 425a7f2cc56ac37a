"""The build: runs what changed and no more, and never leaves a broken site behind."""

import errno
import fcntl
import hashlib
import http.server
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from importlib.metadata import version

import build
import nbformat
import package
import programs
import psutil
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, chapters, read_notebook
from editions.improve import source_address
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from npm import CAUSES, NO_PACKAGES, npm
from programs import ProgramError, run

TOC = (
    "format: jb-book\nroot: book/index\nparts:\n  - caption: 部分 | Part\n    chapters:\n      - file: notebooks/one\n"
)
# Counts its runs, and shows a picture.
CODE = """from IPython.display import HTML
print(open('runs.txt', 'a').write('x'))
HTML('<img alt="a dot" width="1" height="1" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">')"""
SOURCES = (
    "_config.yml", "_toc.yml", "notebooks/one.ipynb", "book/index.md", "book/asked.yml", "book/synonyms.yml",
    "book/titles.yml", "book/moved.yml", "book/glossary.yml", "requirements.txt", "pyproject.toml",
    "book/_static/predict/predict.js",
    "book/live/connect.html", "book/live/package-lock.json", "book/find/find.js", "book/_ext/quiet_cells.py",
    "book/_templates/site-foot.html",
)
INDEX = '+++ {"lang": "zh"}\n\n# 首页\n\n+++ {"lang": "en"}\n\n# Home\n'


# What a CI says of this repository is nothing of the small book's.
CI = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "CI_PROJECT_URL", "CI_PAGES_URL", "PAGES_URL")
ELSEWHERE = {name: value for name, value in os.environ.items() if name not in CI}


class Project:
    """A small book with this repository's machinery around one notebook."""

    def __init__(self, folder, like=None):
        self.folder = folder
        if like:
            shutil.copytree(like, folder, ignore=shutil.ignore_patterns("_build", "runs.txt"), dirs_exist_ok=True)
            # What npm brought and esbuild made of it is by content, and takes longer than all the rest.
            shutil.copytree(like / "_build" / "npm", folder / "_build" / "npm", symlinks=True)
            return
        shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "linewalk", folder / "linewalk", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("_config.yml", "requirements.txt", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
        (folder / "book" / "index.md").write_text(INDEX, encoding="utf-8")
        (folder / "notebooks").mkdir()
        self.write()

    def write(self, zh="第一版", code=CODE, heading="One"):
        cells = [
            new_markdown_cell("# 一", metadata={"lang": "zh"}),
            new_markdown_cell(f"# {heading}", metadata={"lang": "en"}),
            new_markdown_cell(zh, metadata={"lang": "zh"}),
            new_markdown_cell("First edition", metadata={"lang": "en"}),
            new_code_cell(code),
        ]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number}"
        nbformat.write(notebook, self.folder / "notebooks" / "one.ipynb")

    def start(self, *before, **options):
        command = [*before, sys.executable, "book/build.py"]
        options = {"env": ELSEWHERE, **options}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "encoding": "utf-8"}
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **pipes, **options)

    def start_until(self, moment):
        process = self.start()
        assert any(moment in line for line in process.stdout)
        return process

    def build(self, *before, **options):
        process = self.start(*before, **options)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def runs(self):
        return len((self.folder / "notebooks" / "runs.txt").read_text())

    def page(self, edition):
        return (self.folder / "_build" / "html" / edition / "notebooks" / "one.html").read_text(encoding="utf-8")

    def pages(self):
        return [self.page(edition) for edition in EDITIONS]

    def files(self):
        """The whole site, but for what tells one build from another."""
        html = self.folder / "_build" / "html"
        return {str(path.relative_to(html)): path.read_bytes() for path in html.rglob("*") if path.is_file()}


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


def test_only_the_editions_that_show_an_edit_are_made_again(project):
    def rendered():
        work, page = project.folder / "_build" / "work", "_build/html/notebooks/one.html"
        return {edition: (work / edition / page).stat().st_mtime_ns for edition in EDITIONS}

    def made_again(**text):
        before = rendered()
        project.write(**text)
        code, output = project.build()
        assert code == 0, output
        return {edition for edition, time in rendered().items() if time != before[edition]}

    assert made_again(zh="第三版") == {"zh", "both"}
    assert made_again(zh="第三版", heading="The first") == set(EDITIONS)
    assert all('href="#the-first"' in page for page in project.pages())  # the English heading names the section


def test_notebooks_already_read_carry_the_new_wheel(project):
    path, html = project.folder / "notebooks" / "one.ipynb", project.folder / "_build" / "html"
    project.write()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, new_code_cell("", metadata={"tags": ["bootstrap"]}))
    nbformat.write(notebook, path)
    assert project.build()[0] == 0
    with open(project.folder / "README.md", "a", encoding="utf-8") as readme:
        readme.write("\nAnother line\n")
    assert project.build()[0] == 0
    (wheel,) = (html / "wheel").glob("*.whl")
    for edition in EDITIONS:
        carried = (html / edition / "notebooks" / "one.ipynb").read_text(encoding="utf-8")
        assert hashlib.sha256(wheel.read_bytes()).hexdigest() in carried


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


def test_a_site_with_an_address_and_a_repository_names_them(project, tmp_path):
    project = Project(tmp_path, project.folder)
    project.write()
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
    html = tmp_path / "_build" / "html"
    assert (html / "picture.png").read_bytes().startswith(b"\x89PNG")
    names = {"zh": "改进这一节：一", "en": "Improve this: One", "both": "改进这一节 / Improve this: 一 · One"}
    for edition in EDITIONS:
        page = BeautifulSoup(project.page(edition), "html.parser")
        own = f"{root}{edition}/notebooks/one.html"
        assert page.select_one("link[rel=canonical]")["href"] == own
        assert page.select_one("meta[property='og:url']")["content"] == own
        assert page.select_one("meta[property='og:image']")["content"].startswith(f"{root}{edition}/_images/")
        front = BeautifulSoup((html / edition / "book" / "index.html").read_text(encoding="utf-8"), "html.parser")
        assert front.select_one("meta[property='og:image']")["content"] == f"{root}picture.png"
        assert page.select_one("meta[name='twitter:card']")["content"] == "summary_large_image"
        found = {link["hreflang"]: link["href"] for link in page.select("link[rel=alternate][hreflang]")}
        assert found == alternates
        (link,) = page.select("h1 .improve")
        assert link["href"] == "https://gitee.com/reader/book/blob/dev/notebooks/one.ipynb"
        assert link["aria-label"] == names[edition]
    chooser = BeautifulSoup((html / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert chooser.select_one("link[rel=canonical]")["href"] == root
    assert chooser.select_one("meta[property='og:image']")["content"] == f"{root}picture.png"
    assert chooser.select_one("link[rel=alternate]")["href"] == f"{root}zh/book/index.html"
    entrance = BeautifulSoup((html / "zh" / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert entrance.select_one("link[rel=canonical]")["href"] == f"{root}zh/book/index.html"


@pytest.mark.parametrize(
    ("repository", "path", "address"),
    [
        ("https://github.com/a/b", "notebooks/x.ipynb", "https://github.com/a/b/blob/main/notebooks/x.ipynb"),
        ("https://github.com/a/b/", "book/index.md", "https://github.com/a/b/edit/main/book/index.md"),
        ("https://gitlab.com/a/b.git", "book/index.md", "https://gitlab.com/a/b/-/edit/main/book/index.md"),
        ("https://github.com/gitlab/b", "book/index.md", "https://github.com/gitlab/b/edit/main/book/index.md"),
        ("https://codeberg.org/a/b", "book/index.md", "https://codeberg.org/a/b/_edit/main/book/index.md"),
        ("https://bitbucket.org/a/b", "notebooks/x.ipynb", "https://bitbucket.org/a/b/src/main/notebooks/x.ipynb"),
        ("", "book/index.md", None),
    ],
)
def test_where_a_page_can_be_improved(repository, path, address):
    assert source_address(repository, "", path) == address


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers every question with the status that its address begins with."""

    def do_GET(self):
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def registry():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "lock", "zh", "en"),
    [
        (None, "{}", "联网后再试", "cannot be reached, try again with a network"),
        (401, "{}", "登录信息", "see the login"),
        (404, "{}", "没有锁定的那一版", "lacks a locked version"),
        (503, "{}", "出了故障", "has a fault"),
        (None, "{", "取回仓库里的", "get the repository's back"),
    ],
    ids=["no network", "no entry", "not there", "fault", "broken lock"],
)
def test_what_npm_says_becomes_one_sentence(tmp_path, monkeypatch, registry, status, lock, zh, en):
    """npm itself says it in up to thirty lines, of which none says what to do."""
    monkeypatch.setattr(programs, "SAID", tmp_path / "said.txt")
    (tmp_path / "package.json").write_text('{"dependencies": {"esbuild": "0.0.0"}}')
    (tmp_path / "package-lock.json").write_text(lock)
    address = f"http://127.0.0.1:{registry}/{status}/" if status else "http://127.0.0.1:9/"
    nowhere = {"npm_config_registry": address, "npm_config_cache": str(tmp_path / "cache")}
    ask = ["ci", "--ignore-scripts"] if lock == "{" else ["view", "esbuild"]
    with pytest.raises(ProgramError) as error:
        run([npm(), *ask, "--fetch-retries=0", "--loglevel=error"], tmp_path, NO_PACKAGES, CAUSES, **nowhere)
    said = str(error.value)
    assert "\n" not in said and len(said.replace(str(tmp_path), "")) < 500
    assert re.search(f"{re.escape(str(tmp_path))}.*{zh}.* · .*{en}.*said.txt", said), said
    assert "npm error" in (tmp_path / "said.txt").read_text()


def test_a_program_that_does_not_end_is_ended_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "SAID", tmp_path / "said.txt")
    with pytest.raises(ProgramError, match=r"坏了：1 s。.* · broken: 1 s\."):
        run(["sleep", "60"], tmp_path, ("坏了：{reason}。", "broken: {reason}."), seconds=1)


def test_a_disk_that_a_program_finds_full_is_told_as_such(tmp_path):
    full = [sys.executable, "-c", "open('/dev/full', 'w').write('x' * 9999)"]
    with pytest.raises(OSError) as error:
        run(full, tmp_path, NO_PACKAGES)
    assert error.value.errno == errno.ENOSPC


def test_another_torch_means_other_outputs(project):
    """The cache is known by the version that made it."""
    (cache,) = (project.folder / "_build" / "cache").iterdir()
    assert cache.name.endswith(f"-{version('torch')}")


def test_other_packages_mean_another_site(project):
    """Their lock is all that tells the build of them."""
    project.write(zh="别的包")
    assert project.build()[0] == 0
    (project.folder / "locks").mkdir()
    (project.folder / "locks" / "requirements.txt").write_text("matplotlib==0.1\n")
    runs = project.runs()
    code, output = project.build()
    shutil.rmtree(project.folder / "locks")
    assert code == 0 and "Nothing changed" not in output, output
    assert project.runs() == runs + 1


def test_a_wheel_is_whole_or_not_there(tmp_path, monkeypatch):
    """As where the disk fills up when the last of it is written."""
    monkeypatch.setattr(programs.children, "run", wheel_made)
    monkeypatch.setattr(package.Path, "write_text", full)
    with pytest.raises(OSError, match="full"):
        package.package_linewalk(tmp_path / "wheel")
    assert not (tmp_path / "wheel").exists()


def wheel_made(command, *_, **__):
    folder = command[command.index("--wheel-dir") + 1]
    folder.mkdir()
    with zipfile.ZipFile(folder / "linewalk-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("linewalk-1.dist-info/METADATA", "Name: linewalk\nVersion: 1\n")
    return subprocess.CompletedProcess(command, 0, "", "")


def full(path, *_, **__):
    path.touch()
    raise OSError(errno.ENOSPC, "full")


def test_the_terminal_shows_each_edition_as_it_is_done(project):
    project.write(zh="第三版")
    _, output = project.build()
    for edition in EDITIONS:
        assert f"  {edition} is ready" in output


def test_a_new_word_of_one_meaning_is_known_on_pages_already_read(project):
    def found(word):
        code, output = project.build()
        assert code == 0, output
        return word in (project.folder / "_build" / "html" / "zh" / "sections.js").read_text(encoding="utf-8")

    assert not found("苹果香蕉")
    with open(project.folder / "book" / "synonyms.yml", "a", encoding="utf-8") as words:
        words.write("- words: [苹果香蕉, bananas]\n")
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


def edit_and_keep_time_and_size(path, old, new):
    text, times = path.read_text(encoding="utf-8"), path.stat()
    assert old in text and len(old.encode()) == len(new.encode())
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def edit_by_a_new_file(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    other = path.with_name("being-written")
    other.write_text(text.replace(old, new), encoding="utf-8")
    other.replace(path)


@pytest.mark.parametrize("moment", ["Running · ", "Building the editions"])
def test_what_is_edited_during_a_build_is_in_the_next(project, moment):
    folder = project.folder
    project.write(zh="写在前面", code=f"{CODE}\n# edited at {moment}")
    process = project.start_until(moment)
    edit_and_keep_time_and_size(folder / "notebooks" / "one.ipynb", "写在前面", "写在后面")
    edit_by_a_new_file(folder / "book" / "index.md", "# Home", "# House")
    (folder / "book" / "_static" / "base" / "site.css").open("a").write(f"/* {moment} */")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "写在前面" in project.page("zh")  # nothing of what came too late
    assert "House" not in (folder / "_build/html/en/book/index.html").read_text(encoding="utf-8")
    code, output = project.build()
    assert code == 0 and "Nothing changed" not in output, output
    assert "写在后面" in project.page("zh")
    assert "House" in (folder / "_build/html/en/book/index.html").read_text(encoding="utf-8")
    assert f"/* {moment} */" in (folder / "_build/html/zh/_static/base/site.css").read_text(encoding="utf-8")
    edit_by_a_new_file(folder / "book" / "index.md", "# House", "# Home")


def test_edits_of_every_kind_during_a_build_are_in_the_next(project, tmp_path):
    """A chapter that gets another name, one that is gone, the table of contents, the title, an extension and more."""
    project = Project(tmp_path / "book", project.folder)
    folder, html = project.folder, project.folder / "_build" / "html"
    (folder / "book" / "_static" / "gone.css").write_text("/* gone */")
    shutil.copy(folder / "notebooks" / "one.ipynb", folder / "notebooks" / "gone.ipynb")
    toc = folder / "_toc.yml"
    toc.write_text(f"{TOC}      - file: notebooks/gone\n", encoding="utf-8")
    process = project.start_until("Building the editions")

    (folder / "book" / "_static" / "gone.css").unlink()
    (folder / "notebooks" / "gone.ipynb").unlink()
    (folder / "notebooks" / "one.ipynb").rename(folder / "notebooks" / "two.ipynb")
    toc.write_text(TOC.replace("one", "two").replace("部分", "部件"), encoding="utf-8")
    edit_by_a_new_file(folder / "_config.yml", "Bottleneck, line by line", "Bottleneck, word by word")
    edit_by_a_new_file(folder / "book" / "_static" / "favicon.svg", "</svg>", "<!-- drawn anew --></svg>")
    with open(folder / "book" / "_templates" / "site-foot.html", "a", encoding="utf-8") as template:
        template.write("\n<p>another foot</p>\n")
    with open(folder / "book" / "_ext" / "quiet_cells.py", "a", encoding="utf-8") as extension:
        extension.write("\n_setup = setup\n\n\ndef setup(app):\n"
                        "    app.connect('build-finished', lambda app, _: (app.outdir / 'mark').touch())\n"
                        "    return _setup(app)\n")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert (html / "en" / "notebooks" / "gone.html").exists() and not (html / "en" / "mark").exists()

    code, output = project.build()
    assert code == 0 and "Nothing changed" not in output, output
    for edition in EDITIONS:
        assert [path.name for path in (html / edition / "notebooks").glob("*.html")] == ["two.html"]
        page = (html / edition / "notebooks" / "two.html").read_text(encoding="utf-8")
        assert "another foot" in page and ("部件" in page) == (edition != "en")
        assert ("word by word" in page) == (edition != "zh")
        assert (html / edition / "mark").exists() and not list((html / edition).rglob("gone.*"))
        assert "drawn anew" in (html / edition / "_static" / "favicon.svg").read_text(encoding="utf-8")


def processes_in(folder):
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd", "status"]):
        where = f"{process.info['cmdline']} {process.info['cwd']}"
        if str(folder) in where and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@pytest.mark.parametrize("moment", ["Running · ", "Building the editions"])
def test_a_killed_build_ends_with_its_children_and_leaves_nothing_half_done(project, moment):
    pages, words = project.pages(), f"杀掉之前 {moment.split()[0]}"
    project.write(zh=words, code=f"import time\ntime.sleep(2)\n{CODE}\n# killed at {moment}")
    process = project.start_until(moment)
    process.kill()
    with open(project.folder / "_build" / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # is to be had once all that the build started is gone
        assert not processes_in(project.folder)
    process.communicate()
    assert project.pages() == pages
    code, output = project.build()
    assert code == 0, output
    assert words in project.page("zh")


@pytest.mark.exhaustive
def test_ten_builds_killed_at_random_moments_leave_nothing_behind(project, tmp_path):
    """After each, one more build makes what a first one makes, byte for byte."""
    index, moments = project.folder / "book" / "index.md", random.Random(11)
    for number in range(10):
        project.write(zh=f"第 {number} 次", code=f"{CODE}\n# {number // 2}")
        index.write_text(INDEX.replace("Home", f"Home {number}"), encoding="utf-8")
        with open(project.folder / "book" / "_static" / "site.css", "a") as style:
            style.write(f"/* {number} */")
        process, moment = project.start(), moments.uniform(0, 10)
        time.sleep(moment)
        process.kill()
        process.communicate()
        code, output = project.build()
        assert code == 0, output
        first = Project(tmp_path / str(number), project.folder)
        code, output = first.build()
        assert code == 0, output
        assert project.files() == first.files(), f"killed after {moment:.1f} s"
    index.write_text(INDEX, encoding="utf-8")


def test_an_edited_site_is_what_a_first_build_makes(project, tmp_path):
    def edit(project):
        index = project.folder / "book" / "index.md"
        edit_by_a_new_file(index, "# Home", "# Another home, which says forward")
        with open(project.folder / "book" / "_static" / "base" / "site.css", "a") as style:
            style.write("/* the last change */")
        project.write(zh="改了又改 forward", code=CODE)

    project.write(zh="这几个字后来没有了 vanished")
    code, output = project.build()
    assert code == 0, output
    edit(project)
    code, output = project.build()
    assert code == 0, output
    first = Project(tmp_path / "first", project.folder)
    code, output = first.build()
    assert code == 0, output
    assert {name for name, content in first.files().items() if content != project.files().get(name)} == set()
    assert set(project.files()) == set(first.files())


def test_a_reader_never_finds_the_site_missing(tmp_path, monkeypatch):
    site = tmp_path / "html"
    monkeypatch.setattr(build, "BUILD", tmp_path)
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            try:
                seen.add((site / "page").read_text())
            except OSError as error:
                seen.add(repr(error))

    reader = threading.Thread(target=read)
    for number in range(200):
        new = tmp_path / "html.new"
        new.mkdir()
        (new / "page").write_text("whole")
        build.put_in_place(new, site)
        if not number:
            reader.start()
    done.set()
    reader.join()
    assert seen == {"whole"}
    assert [path.name for path in tmp_path.iterdir()] == ["html"]


def broken(name, content):
    def damage(folder):
        (folder / name).write_bytes(content)

    return pytest.param(damage, name, id=f"{name} {content[:12]}")


def without(name):
    return pytest.param(lambda folder: (folder / name).unlink(), name, id=f"no {name}")


def setting(part, **values):
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config[part] |= values
    return yaml.safe_dump(config, allow_unicode=True).encode()


def damage_notebook(change):
    def damage(folder):
        path = folder / "notebooks" / "one.ipynb"
        path.write_bytes(change(path.read_bytes()))

    return damage


def with_mark(notebook):
    return b"\xef\xbb\xbf" + notebook


def in_utf16(notebook):
    return notebook.decode().encode("utf-16")


def broken_template(folder):
    """Of which Sphinx does not name the file."""
    (folder / "book" / "_templates" / "site-foot.html").write_bytes(b"{% if %}")


def nested(notebook):
    return b"[" * 100_000


def with_a_kernel_of_words(notebook):
    whole = json.loads(notebook)
    whole["metadata"]["kernelspec"] = "python3"
    return json.dumps(whole).encode()


def with_tags_of_numbers(notebook):
    whole = json.loads(notebook)
    whole["cells"][-1]["metadata"]["tags"] = 5
    return json.dumps(whole).encode()


def with_half_a_character(notebook):
    return notebook.replace(b"First edition", rb"\ud800")


def of_a_later_format(notebook):
    return json.dumps(json.loads(notebook) | {"nbformat_minor": 99}).encode()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        broken("notebooks/one.ipynb", b""),
        broken("notebooks/one.ipynb", b"<<<<<<< HEAD"),
        broken("notebooks/one.ipynb", "残差".encode("gbk")),
        broken("notebooks/one.ipynb", b"[]"),
        broken("notebooks/one.ipynb", b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}'),
        *(
            pytest.param(damage_notebook(change), "notebooks/one.ipynb", id=change.__name__)
            for change in (with_mark, in_utf16, nested, with_a_kernel_of_words, with_tags_of_numbers,
                           with_half_a_character, of_a_later_format)
        ),
        broken("_config.yml", b"title: [unclosed"),
        broken("_config.yml", b"- a list"),
        broken("_config.yml", b""),
        broken("_toc.yml", b"root: a: b"),
        broken("_toc.yml", b"format: jb-article"),
        broken("_toc.yml", b"\xff"),
        broken("_toc.yml", b"[" * 5000),
        broken("_toc.yml", b"root: book/index\nparts: &all\n- chapters: *all\n"),
        broken("_toc.yml", b"root: book/index\nparts:\n- chapters:\n  - file: 5\n"),
        broken("_toc.yml", b"root: book/index\nparts:\n- chapters:\n  - file: ../notes/one\n"),
        broken("_toc.yml", f"{TOC}      - file: notebooks/one # twice\n".encode()),
        broken("_config.yml", (ROOT / "_config.yml").read_bytes() + b"\nauthor: 5\n"),
        broken("_config.yml", setting("execute", execute_notebooks="sometimes")),
        broken("_config.yml", setting("html", baseurl=5)),
        broken("_config.yml", setting("sphinx", local_extensions={"editions": 5})),
        broken("book/index.md", "残差".encode("gbk")),
        broken("book/asked.yml", b"a: [unclosed"),
        broken("book/asked.yml", b""),
        broken("book/asked.yml", b"notebooks/one#one: {en: [1]}"),
        broken("book/synonyms.yml", "残差".encode("gbk")),
        broken("book/synonyms.yml", b"- words: 5"),
        broken("book/titles.yml", b"a: [unclosed"),
        broken("book/titles.yml", b"book/index: {title: Home}"),
        broken("book/moved.yml", b"- a list"),
        broken("book/glossary.yml", b"data: [{id: tensor, zh: tensor}]"),
        broken("requirements.txt", "残差".encode("gbk")),
        without("notebooks/one.ipynb"),
        without("book/_ext/quiet_cells.py"),
        without("book/_static/predict/predict.js"),  # of which Sphinx says nothing
        without("book/live/connect.html"),
        without("book/_templates/site-foot.html"),
        without("book/find/find.js"),
        without("pyproject.toml"),
        broken("pyproject.toml", b"[project"),
        broken("book/find/find.js", b"const = 5;"),
        broken("book/live/package-lock.json", b"{"),
        pytest.param(broken_template, "book/_templates", id="broken template"),
        broken("book/_ext/quiet_cells.py", b"def setup(app):\n    raise ValueError(5)\n"),
        without("_toc.yml"),
        without("_config.yml"),
    ],
)
def test_a_source_that_is_no_good_is_named_in_one_sentence(project, damage, named):
    kept = {path: path.read_bytes() for path in map(project.folder.joinpath, SOURCES)}
    before = project.pages()
    damage(project.folder)
    try:
        code, output = project.build()
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert code != 0
    says_in_one_sentence(output, named)
    assert project.pages() == before


def test_a_pipe_in_the_place_of_a_source_keeps_nobody_waiting(project):
    path = project.folder / "README.md"
    kept = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    try:
        code, output = project.build("timeout", "60")
    finally:
        path.unlink()
        path.write_bytes(kept)
    assert code == 1
    says_in_one_sentence(output, "README.md")


@pytest.mark.parametrize(
    ("how", "told"),
    [(">&-", r"$"), (">/dev/full", r"磁盘满了.* · The disk is full.*\n$"), ("| true", r"(.* · .*Broken pipe.*\n)?$")],
    ids=["closed", "full", "gone"],
)
def test_nobody_listening_is_no_traceback(project, how, told):
    """Nor does a build wait for ever, as it did where a closed output had become a pipe of its own."""
    project.write(zh=f"没有人听 {how}")
    command = ["timeout", "200", "sh", "-c", f'"{sys.executable}" book/build.py {how}']
    text = {"text": True, "encoding": "utf-8"}
    done = subprocess.run(command, cwd=project.folder, env=ELSEWHERE, stderr=subprocess.PIPE, **text)
    assert done.returncode != 124 and re.match(told, done.stderr), done.stderr


def test_a_terminal_without_chinese_characters_gets_no_traceback(project):
    project.write(zh="拉丁字母")
    code, output = project.build(env={**ELSEWHERE, "PYTHONIOENCODING": "ascii"})
    assert code == 0 and "Building the editions ? ????" in output, output


@pytest.mark.parametrize("name", ["html/.inputs", "cache/*/known.txt", "cache/*/global.db"])
def test_what_a_crash_left_is_told_in_one_sentence(project, name):
    (path,) = (project.folder / "_build").glob(name)
    kept = path.read_bytes()
    project.write(zh="断电", code=f"{CODE}\n# {name}")
    path.write_bytes(b"\xff" * 100)
    code, output = project.build()
    path.write_bytes(kept)
    assert code != 0
    says_in_one_sentence(output, "make clean")


def says_in_one_sentence(output, named):
    lines = output.strip().splitlines()
    told = [line for line in lines if not line.startswith(("Running", "Building", "  "))]
    assert len(told) == 1 and named.removesuffix(".ipynb") in told[0], output
    assert re.search("[㐀-鿿].* · .*[a-z]", told[0]), output


def test_a_name_that_is_no_text_is_told_in_one_sentence(project):
    path = os.fsencode(project.folder / "book") + b"/\xff.md"
    try:
        with open(path, "wb"):
            pass
    except OSError:
        pytest.skip("No such name can be here · 这里不能有这样的文件名")
    code, output = project.build()
    os.unlink(path)
    assert code != 0
    says_in_one_sentence(output, r"\udcff.md")


def test_a_kernel_that_there_is_not_is_named(project):
    path = project.folder / "notebooks" / "one.ipynb"
    kept = path.read_text(encoding="utf-8")
    path.write_text(kept.replace('"name": "python3"', '"name": "julia-9"').replace("x'", "y'"), encoding="utf-8")
    code, output = project.build()
    path.write_text(kept, encoding="utf-8")
    assert code != 0
    says_in_one_sentence(output, "julia-9")


@pytest.mark.parametrize("size", [1000, 100_000])
def test_a_limit_on_files_is_told_in_one_sentence(project, size):
    pages = project.pages()
    project.write(zh=f"放不下 {size}")
    code, output = project.build("prlimit", f"--fsize={size}", "--")
    assert code != 0
    says_in_one_sentence(output, "ulimit -f")
    assert project.pages() == pages
    code, output = project.build()
    assert code == 0, output
    assert f"放不下 {size}" in project.page("zh")


@pytest.mark.parametrize(("options", "named"), [("size=3m", "disk is full"), ("size=30m,ro", "read-only")])
def test_a_disk_that_takes_nothing_is_told_in_one_sentence(project, options, named):
    """On a file system of its own, which only root can mount."""
    mount = f"mount -t tmpfs -o {options.removesuffix(',ro')} none _build"
    again = " && mount -o remount,ro _build" if options.endswith(",ro") else ""
    command = ["unshare", "--mount", "sh", "-c", f'{mount}{again} && exec "$@"', "sh"]
    if subprocess.run([*command, "true"], cwd=project.folder, capture_output=True).returncode:
        pytest.skip("No file system can be mounted here · 这里不能挂载文件系统")
    code, output = project.build(*command)
    assert code != 0
    says_in_one_sentence(output, named)


def test_a_script_and_a_chapter_are_edited_without_a_network(project, tmp_path):
    """npm has what the lock file names already and asks for nothing; a kernel needs not even this machine's own."""
    script = project.folder / "book" / "live" / "live.js"
    script.write_text(f"{script.read_text(encoding='utf-8')}\nglobalThis.edited = 'offline';\n", encoding="utf-8")
    nowhere = {**os.environ, "npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(tmp_path)}
    project.write(zh="离线", code=f"{CODE}\n# offline")
    nothing = ["unshare", "--net"]
    if subprocess.run([*nothing, "true"], capture_output=True).returncode:
        nothing = []  # as for an ordinary user
    code, output = project.build(*nothing, env=nowhere)
    assert code == 0, output
    assert "离线" in project.page("zh")
    assert 'globalThis.edited="offline"' in (project.folder / "_build/html/live/live.js").read_text(encoding="utf-8")


def test_another_lock_file_without_a_network_is_told_soon(project, tmp_path):
    lock = project.folder / "book" / "live" / "package-lock.json"
    kept = lock.read_text(encoding="utf-8")
    lock.write_text(f"{kept}\n", encoding="utf-8")
    nowhere = {**os.environ, "npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(tmp_path)}
    started = time.monotonic()
    code, output = project.build(env=nowhere)
    assert code != 0 and time.monotonic() - started < 60
    says_in_one_sentence(output, "npm registry")
    lock.write_text(kept, encoding="utf-8")
    code, output = project.build(env=nowhere)  # the packages of the lock file as it was are there still
    assert code == 0, output


@pytest.mark.parametrize("name", chapters())
def test_each_chapter_ran_without_an_error(site, name):
    (folder,) = (ROOT / "_build" / "cache").iterdir()
    cache = get_cache(str(folder))
    _, notebook = cache.merge_match_into_notebook(read_notebook(ROOT / f"{name}.ipynb"))
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
