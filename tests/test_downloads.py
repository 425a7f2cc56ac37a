"""The notebooks beside the pages, linewalk's wheel, and the menu that leads to them and to cloud services."""

import base64
import functools
import hashlib
import http.server
import importlib.util
import os
import re
import subprocess
import sys
import threading
import zipfile
from urllib.parse import unquote

import nbformat
import package
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, QuietHandler, chapters, read_notebook
from downloads import UPLOADS, bootstrap, carrier, edition_notebook, in_order, services, wheel_address
from programs import ProgramError
from snapshot import Snapshot
from test_build import ELSEWHERE, Project

PATH = "notebooks/01_the_line.ipynb"
HAN = re.compile(r"[㐀-鿿]")


# ---- addresses


@pytest.mark.parametrize("ending", ["", ".git", "/"])
def test_a_github_repository_opens_in_every_service(ending):
    blob = "ann/book/blob/notebooks/zh/notebooks/01_the_line.ipynb"
    assert services(f"https://github.com/ann/book{ending}", "main", PATH, "zh") == [
        ("Colab", f"https://colab.research.google.com/github/{blob}"),
        ("Kaggle", f"https://kaggle.com/kernels/welcome?src=https://github.com/{blob}"),
        ("Binder", "https://mybinder.org/v2/gh/ann/book/main?urlpath=lab/tree/notebooks/01_the_line.ipynb"),
        ("ModelScope", f"https://modelscope.cn/notebook/share/github/{blob}"),
        ("PAI-DSW", f"https://gallery.pai-ml.com/#/import/https://github.com/{blob}"),
    ]


def test_a_branch_with_a_slash_and_a_path_with_spaces():
    addresses = dict(services("https://github.com/ann/book", "next/one", "notebooks/a b.ipynb", "en"))
    assert addresses["Colab"].endswith("/en/notebooks/a%20b.ipynb")
    assert addresses["Binder"].endswith("/gh/ann/book/next%2Fone?urlpath=lab/tree/notebooks/a%20b.ipynb")


def test_another_host_opens_in_what_can_reach_it():
    ((name, address),) = services("https://gitee.com/ann/book", "main", PATH, "zh")
    assert (name, unquote(address)) == (
        "Binder",
        "https://mybinder.org/v2/git/https://gitee.com/ann/book/main?urlpath=lab/tree/notebooks/01_the_line.ipynb",
    )
    assert "git/https%3A%2F%2Fgitee.com%2Fann%2Fbook/main" in address


@pytest.mark.parametrize("url", ["", None])
def test_without_a_repository_there_is_no_service(url):
    assert services(url, "main", PATH, "zh") == []


@pytest.mark.parametrize("site", ["https://book.example/", "https://ann.example.io/sub/path/"])
def test_the_wheels_address(site):
    address = wheel_address(site)
    assert re.fullmatch(re.escape(site) + r"wheel/linewalk-[\d.]+-py3-none-any\.whl", address)
    assert f'"{address}"' in bootstrap(address)


def test_without_an_address_of_the_site_there_is_none_of_the_wheel():
    assert not wheel_address("") and not wheel_address(None)


# ---- notebooks


@pytest.mark.parametrize("name", chapters())
def test_each_chapter_begins_by_installing_linewalk(name):
    code = [cell for cell in read_notebook(ROOT / f"{name}.ipynb").cells if cell.cell_type == "code"]
    assert code[0].source == bootstrap()
    assert "bootstrap" in code[0].metadata.tags


def downloaded(site, edition, name):
    return nbformat.read(site / edition / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", chapters())
def test_a_downloaded_edition_is_a_valid_notebook_in_its_language(site, name):
    source = read_notebook(ROOT / f"{name}.ipynb")
    code = [cell.source for cell in source.cells if cell.cell_type == "code"]
    carried = []
    if base := yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"].get("baseurl"):
        code[0] = bootstrap(wheel_address(base))
    else:
        carried = [carrier(next((site / "wheel").glob("*.whl"))).source]
    for edition in EDITIONS:
        notebook = downloaded(site, edition, name)
        nbformat.validate(notebook)
        assert notebook.metadata.kernelspec.name == "python3"
        own = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.source for cell in own] == carried + code
        assert not [cell for cell in own if cell.outputs or cell.execution_count]
        languages = {cell.metadata.get("lang") for cell in notebook.cells}
        assert languages == {None, *(["zh", "en"] if edition == "both" else [edition])}
    assert len(downloaded(site, "both", name).cells) == len(source.cells) + len(carried)


def test_an_edition_takes_its_cells_and_the_wheels_address():
    cells = [
        nbformat.v4.new_markdown_cell("# 一", metadata={"lang": "zh"}),
        nbformat.v4.new_markdown_cell("# One", metadata={"lang": "en"}),
        nbformat.v4.new_code_cell(bootstrap(), metadata={"tags": ["bootstrap"]}),
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="x")], execution_count=3),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    made = {edition: edition_notebook(notebook, edition, "https://a.example/x.whl").cells for edition in EDITIONS}
    assert [cell.source for cell in made["zh"]][:1] == ["# 一"] and len(made["zh"]) == 3
    assert [cell.source for cell in made["en"]][:1] == ["# One"] and len(made["en"]) == 3
    assert [cell.source for cell in made["both"]][:2] == ["# 一", "# One"] and len(made["both"]) == 4
    assert '"https://a.example/x.whl"' in made["en"][1].source
    assert made["en"][2].outputs == [] and made["en"][2].execution_count is None
    assert cells[3].outputs


def test_a_notebook_without_an_address_carries_the_wheel_out_of_the_readers_sight(tmp_path):
    wheel = tmp_path / "linewalk-0-py3-none-any.whl"
    wheel.write_bytes(bytes(range(256)) * 20)
    cells = [nbformat.v4.new_markdown_cell("# 1"), bootstrap_cell(), nbformat.v4.new_code_cell("1")]
    notebook = edition_notebook(nbformat.v4.new_notebook(cells=cells), "both", wheel=wheel)
    nbformat.validate(notebook)
    heading, hidden, install, one = notebook.cells
    assert (heading.source, one.source, install.source) == ("# 1", "1", bootstrap())
    assert hidden.metadata.jupyter.source_hidden and hidden.metadata.cellView == "form"
    assert hidden.source.startswith("# @title "), "what Colab shows in the place of the code"
    carried = max(re.findall(r'"""(.*?)"""', hidden.source, re.DOTALL), key=len)
    assert base64.b64decode(carried) == wheel.read_bytes()
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in hidden.source
    assert max(map(len, hidden.source.splitlines())) < 2000, "lines of what an editor can bear"
    without = edition_notebook(nbformat.v4.new_notebook(cells=cells), "both", "https://a.example/x.whl", wheel)
    assert len(without.cells) == 3, "where there is an address, it is enough"


@pytest.mark.parametrize("name", ["wheel", "damaged", "cut"])
def test_the_carried_wheel_is_what_pip_installs_and_only_if_it_is_whole(tmp_path, name):
    wheel = tmp_path / "linewalk-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("linewalk/__init__.py", f"# {'x' * 5000}\n")
        archive.writestr("linewalk-0.dist-info/METADATA", "Metadata-Version: 2.1\nName: linewalk\nVersion: 0\n")
        archive.writestr("linewalk-0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("linewalk-0.dist-info/RECORD", "")
    source = carrier(wheel).source
    middle = source.index('"""') + 40
    source = {
        "wheel": source,
        "damaged": source[:middle] + ("A" if source[middle] != "A" else "B") + source[middle + 1 :],
        "cut": source[:middle] + source[middle + 1 :],
    }[name]
    # What linewalk needs besides is there, so pip needs no index; its target is on the path.
    needs = tmp_path / "needs"
    needs.mkdir()
    for module in ("torchview", "graphviz", "pygraphviz", "safetensors"):
        (needs / f"{module}.py").touch()
    program = f"import sys; sys.path[:0] = [{str(needs)!r}, {str(tmp_path / 'target')!r}]\n{source}\n{bootstrap()}\n"
    pip = {"PIP_TARGET": str(tmp_path / "target"), "PIP_NO_INDEX": "1", "PATH": "/usr/bin:/bin"}
    code, errors = run_bootstrap(f"{program}import linewalk; assert linewalk.__file__\n", tmp_path, **pip)
    if name == "wheel":
        assert code == 0, errors
    else:
        assert code == 1 and not (tmp_path / "target").exists()
        (line,) = [line for line in errors.splitlines() if line.startswith("ImportError")]
        assert "损坏" in line and "download the notebook from the book's site again" in line


def bootstrap_cell():
    return nbformat.v4.new_code_cell(bootstrap(), metadata={"tags": ["bootstrap"]})


# ---- the wheel


def test_the_wheel_holds_the_library_and_pins_nothing_of_the_platforms(site):
    (wheel,) = (site / "wheel").glob("*.whl")
    assert f'href="{wheel.name}"' in (site / "wheel" / "index.html").read_text()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "linewalk").rglob("*")
        if path.suffix in (".py", ".css", ".safetensors")
    }
    assert package <= names
    assert not [name for name in names if not name.startswith(("linewalk/", "linewalk-"))]
    assert "Requires-Python: >=3.10" in metadata
    needs = dict(re.findall(r"^Requires-Dist: ([\w-]+)(.*)$", metadata, re.MULTILINE))
    assert [name for name in ("numpy", "matplotlib") if needs.get(name)] == []
    assert "<" not in needs["torch"] and "==" not in needs["torch"]


def test_a_wheel_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "linewalk").mkdir()
    (tmp_path / "pyproject.toml").write_text("no TOML")
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).touch()
    monkeypatch.setattr(package, "ROOT", tmp_path)
    with pytest.raises(ProgramError, match=r"没能打包 linewalk.* · linewalk could not be packed"):
        package.package_linewalk(tmp_path / "wheel")


# ---- the menu


REPOSITORY = "https://github.com/ann/book"
SITE = "https://ann.example/sub/"


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """The address of a small book whose configuration names a repository and the site's address, below a sub-path."""
    project = Project(tmp_path_factory.mktemp("configured"))
    path = project.folder / "_config.yml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["repository"] = {"url": REPOSITORY, "branch": "main"}
    config["html"]["baseurl"] = SITE
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    project.write(code=bootstrap())
    notebook = nbformat.read(project.folder / "notebooks" / "one.ipynb", as_version=4)
    notebook.cells[-1].metadata["tags"] = ["bootstrap"]
    nbformat.write(notebook, project.folder / "notebooks" / "one.ipynb")
    code, output = project.build()
    assert code == 0, output
    root = tmp_path_factory.mktemp("host")
    (root / "some").mkdir()
    (root / "some" / "path").symlink_to(project.folder / "_build" / "html")
    handler = functools.partial(QuietHandler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/path"
        server.shutdown()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    yield context.new_page()
    context.close()


def test_a_forks_first_build_has_links_and_installs_from_no_address_that_nobody_named(tmp_path):
    project = Project(tmp_path)
    ci = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "ann/book"}
    project.write(code=bootstrap())
    notebook = nbformat.read(tmp_path / "notebooks" / "one.ipynb", as_version=4)
    notebook.cells[-1].metadata["tags"] = ["bootstrap"]
    nbformat.write(notebook, tmp_path / "notebooks" / "one.ipynb")
    code, output = project.build(env={**ELSEWHERE, **ci})
    assert code == 0, output
    for edition in EDITIONS:
        page = BeautifulSoup(project.page(edition), "html.parser")
        links = [link["href"] for link in page.select(".elsewhere-menu a")]
        assert set(dict(services(REPOSITORY, "main", "notebooks/one.ipynb", edition)).values()) <= set(links)
        own = f"https://ann.github.io/book/{edition}/notebooks/one.html"
        assert page.select_one("link[rel=canonical]")["href"] == own
        hidden, install = downloaded(project.folder / "_build" / "html", edition, "notebooks/one").cells[-2:]
        assert install.source == bootstrap() and "github" not in hidden.source
    code, output = project.build()
    assert code == 0 and "Nothing changed" not in output, "what the CI says is part of what was read"


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_menu_offers_downloads_and_services(configured, page, edition):
    missing = []
    page.on("response", lambda response: response.status >= 400 and missing.append(response.url))
    page.goto(f"{configured}/{edition}/notebooks/one.html")
    menu = page.locator(".elsewhere")
    assert not menu.locator("a").first.is_visible()
    menu.locator("summary").click()
    links = menu.locator(".elsewhere-services a")
    assert "ModelScope" in links.first.text_content() or edition == "en", "what mainland China can reach is first"
    found = dict(zip(links.all_text_contents(), links.evaluate_all("all => all.map(a => a.href)"), strict=True))
    expected = dict(services(REPOSITORY, "main", "notebooks/one.ipynb", edition))
    assert {name.removeprefix("魔搭 "): address for name, address in found.items()} == expected
    for code, link in zip(EDITIONS, menu.locator("a[download]").all(), strict=True):
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == f"one.{code}.ipynb"
        notebook = nbformat.read(download.value.path(), as_version=4)
        assert bool(HAN.search(notebook.cells[0].source)) == (code != "en")
        assert f'"{SITE}wheel/linewalk-' in notebook.cells[-1].source
    assert not missing


def test_the_menu_opens_by_the_keyboard(configured, page):
    page.goto(f"{configured}/both/notebooks/one.html")
    page.locator(".elsewhere summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not page.locator(".elsewhere-menu").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.parametrize("edition", EDITIONS)
def test_on_a_telephone_one_tap_shows_every_way_and_the_next_opens_the_chapter(configured, page, edition):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{configured}/{edition}/notebooks/one.html")
    assert not page.locator(".elsewhere").is_visible()
    page.locator(".live-connect").click()
    dialog = page.locator(".live-dialog")
    dialog.wait_for()
    links = dialog.locator("a:visible").evaluate_all("all => all.map(a => a.href)")
    opened = [address for _, address in in_order(services(REPOSITORY, "main", "notebooks/one.ipynb", edition), edition)]
    upload = [address for _, address in in_order(UPLOADS.items(), edition)]
    assert links[:5] == opened and links[6:9] == upload
    assert dialog.locator("a[download]").get_attribute("download") == f"one.{edition}.ipynb"
    assert not dialog.locator("input").first.is_visible(), "a telephone has no Jupyter of its own"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def test_a_click_elsewhere_closes_the_menu(configured, page):
    page.goto(f"{configured}/zh/notebooks/one.html")
    page.locator(".elsewhere summary").click()
    page.locator("article h1").click(position={"x": 5, "y": 5})
    assert not page.locator(".elsewhere-menu").is_visible()


def test_without_a_repository_only_downloads_are_offered(served, page):
    page.goto(f"{served}/en/{chapters()[0]}.html")
    page.locator(".elsewhere summary").click()
    repository = Snapshot(ROOT).config()["repository"]["url"]
    assert page.locator(".elsewhere a[download]").count() == 3
    assert page.locator(".elsewhere ul").count() == (2 if repository else 1)
    assert not HAN.search(page.locator(".elsewhere summary").text_content())


def test_a_page_of_prose_has_no_menu(served, page):
    page.goto(f"{served}/zh/book/index.html")
    assert page.locator(".elsewhere").count() == 0


# ---- the cell that installs linewalk


def run_bootstrap(source, tmp_path, **environment):
    """Runs the cell where linewalk cannot be imported; returns exit code and output."""
    program = tmp_path / "cell.py"
    program.write_text(source, encoding="utf-8")
    # -I -S: neither site-packages nor the current folder, so no linewalk.
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, cwd=tmp_path)
    return done.returncode, done.stderr


def test_where_linewalk_is_the_cells_do_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: pytest.fail("started a program"))
    monkeypatch.delenv("LINEWALK_WHEEL", raising=False)
    exec(compile(bootstrap(), "cell", "exec"), {})
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"x")
    exec(compile(carrier(wheel).source, "cell", "exec"), {})
    assert "LINEWALK_WHEEL" not in os.environ


def test_without_linewalk_and_an_address_the_cell_says_what_to_do_and_asks_nobody(tmp_path):
    """Whoever registered the name would run code here."""
    pip = tmp_path / "pip"
    program = f"import subprocess\nsubprocess.run = lambda *_, **__: open({str(pip)!r}, 'w')\n{bootstrap()}"
    code, errors = run_bootstrap(program, tmp_path)
    assert code == 1 and not pip.exists()
    (line,) = [line for line in errors.splitlines() if line.startswith("ImportError")]
    assert "下载这个笔记本" in line and "download this notebook" in line and "LINEWALK_WHEEL" in line


def test_no_notebook_and_no_program_asks_pip_for_the_bare_name():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    for path in [ROOT / name for name in tracked if name.endswith((".ipynb", ".py", ".md", ".yml"))]:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not re.search(r'"LINEWALK_WHEEL", \\?"linewalk', text), path
        for line in re.findall(r"pip install[^\n`]*\blinewalk\b.*", text):
            assert "--no-index" in line, f"{path}: {line}"


def test_a_failed_installation_is_one_clear_sentence_in_both_languages(tmp_path):
    code, errors = run_bootstrap(bootstrap(), tmp_path, LINEWALK_WHEEL="/nowhere/linewalk-0-py3-none-any.whl")
    assert code == 1
    (line,) = [line for line in errors.splitlines() if line.startswith("ImportError")]
    assert "没有装上 linewalk（/nowhere/linewalk-0-py3-none-any.whl）" in line
    assert "could not be installed" in line and "LINEWALK_WHEEL" in line


def test_the_cell_installs_what_is_missing_and_nothing_of_the_platforms(monkeypatch, tmp_path):
    calls = []

    def run(command, **options):
        calls.append(command)
        (tmp_path / "linewalk.py").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    real = importlib.util.find_spec

    def find_spec(name):
        return real(name) if name != "linewalk" or (tmp_path / "linewalk.py").exists() else None

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("LINEWALK_WHEEL", "https://a.example/linewalk.whl")
    exec(compile(bootstrap(), "cell", "exec"), {})
    ((_, *arguments),) = calls
    options = ["--quiet", "--no-deps", "--disable-pip-version-check", "--retries=1"]
    assert arguments == ["-m", "pip", "install", *options, "https://a.example/linewalk.whl"]


def test_in_a_clone_the_cell_takes_linewalk_from_it_and_asks_nobody(tmp_path):
    for name in ("torchview", "graphviz", "pygraphviz", "safetensors", "linewalk/__init__"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "notebooks").mkdir()
    program = f"import subprocess\nsubprocess.run = None\n{bootstrap()}\nimport linewalk\nsys.exit(linewalk.__file__)"
    _, errors = run_bootstrap(program, tmp_path / "notebooks")
    assert errors.strip() == str(tmp_path / "linewalk" / "__init__.py"), errors


ONLINE = [({}, "PIP_INDEX_URL"), ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, "Internet")]


@pytest.mark.parametrize(("environment", "advice"), ONLINE)
def test_without_a_network_the_chapters_run_with_plainer_graphs_and_the_cell_says_so(tmp_path, environment, advice):
    def said_with(*names):
        for name in names:
            (tmp_path / f"{name}.py").touch()
        program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.stdout = sys.stderr\n{bootstrap()}"
        return run_bootstrap(program, tmp_path, PIP_NO_INDEX="1", **environment)

    code, said = said_with("linewalk")
    (line,) = [line for line in said.splitlines() if line.startswith("ImportError")]
    assert code == 1 and "没有装上 safetensors" in line and "no chapter can do without it" in line
    assert line.count(advice) == 2
    code, said = said_with("safetensors")
    assert code == 0 and "排成一列" in said and "single column" in said and said.count(advice) == 2


def test_linewalk_without_torchview_draws_the_graph_from_its_own_record(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import sys
sys.modules["torchview"] = None
from torch import nn, ones
from linewalk import walk
class Net(nn.Module):
    def forward(self, x):
        return x + 1
sys.stdout.reconfigure(encoding="utf-8")
print(walk(Net(), ones(1, 2))[0]._repr_html_())
""")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, encoding="utf-8", cwd=ROOT)
    assert 'class="lw-graph"' in done.stdout and ">add<" in done.stdout, done.stderr
