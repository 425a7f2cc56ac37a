"""The notebooks beside the pages, linewalk's wheel, and the menu that leads to them and to cloud services."""

import functools
import http.server
import importlib.util
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
from conftest import EDITIONS, ROOT, QuietHandler, chapters, read_notebook
from downloads import bootstrap, edition_notebook, services, wheel_address
from test_build import Project

PATH = "notebooks/01_the_line.ipynb"
HAN = re.compile(r"[㐀-鿿]")


# ---- addresses


@pytest.mark.parametrize("ending", ["", ".git", "/"])
def test_a_github_repository_opens_in_every_service(ending):
    assert services(f"https://github.com/ann/book{ending}", "main", PATH) == [
        ("Colab", "https://colab.research.google.com/github/ann/book/blob/main/notebooks/01_the_line.ipynb"),
        ("Kaggle", "https://kaggle.com/kernels/welcome?src=https://github.com/ann/book/blob/main/" + PATH),
        ("Binder", "https://mybinder.org/v2/gh/ann/book/main?urlpath=lab/tree/notebooks/01_the_line.ipynb"),
        ("PAI-DSW", "https://gallery.pai-ml.com/#/import/https://github.com/ann/book/blob/main/" + PATH),
    ]


def test_a_branch_with_a_slash_and_a_path_with_spaces():
    addresses = dict(services("https://github.com/ann/book", "next/one", "notebooks/a b.ipynb"))
    assert addresses["Colab"].endswith("/github/ann/book/blob/next/one/notebooks/a%20b.ipynb")
    assert addresses["Binder"].endswith("/gh/ann/book/next%2Fone?urlpath=lab/tree/notebooks/a%20b.ipynb")


def test_another_host_opens_in_what_can_reach_it():
    ((name, address),) = services("https://gitee.com/ann/book", "main", PATH)
    assert (name, unquote(address)) == (
        "Binder",
        "https://mybinder.org/v2/git/https://gitee.com/ann/book/main?urlpath=lab/tree/notebooks/01_the_line.ipynb",
    )
    assert "git/https%3A%2F%2Fgitee.com%2Fann%2Fbook/main" in address


@pytest.mark.parametrize("url", ["", None])
def test_without_a_repository_there_is_no_service(url):
    assert services(url, "main", PATH) == []


@pytest.mark.parametrize("site", ["https://book.example/", "https://ann.example.io/sub/path/"])
def test_the_wheels_address(site):
    address = wheel_address(f"{site}zh/")
    assert re.fullmatch(re.escape(site) + r"wheel/linewalk-[\d.]+-py3-none-any\.whl", address)
    assert f'"{address}"' in bootstrap(address)


def test_without_an_address_of_the_site_the_wheel_is_a_name():
    assert wheel_address("") == "linewalk"


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
    if base := yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"].get("baseurl"):
        code[0] = bootstrap(wheel_address(f"{base.rstrip('/')}/zh/"))
    for edition in EDITIONS:
        notebook = downloaded(site, edition, name)
        nbformat.validate(notebook)
        assert notebook.metadata.kernelspec.name == "python3"
        own = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.source for cell in own] == code
        assert not [cell for cell in own if cell.outputs or cell.execution_count]
        languages = {cell.metadata.get("lang") for cell in notebook.cells}
        assert languages == {None, *(["zh", "en"] if edition == "both" else [edition])}
    assert len(downloaded(site, "both", name).cells) == len(source.cells)


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
    with pytest.raises(package.PackageError, match=r"没能打包 linewalk.* · linewalk could not be packed"):
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


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_menu_offers_downloads_and_services(configured, page, edition):
    missing = []
    page.on("response", lambda response: response.status >= 400 and missing.append(response.url))
    page.goto(f"{configured}/{edition}/notebooks/one.html")
    menu = page.locator(".elsewhere")
    assert not menu.locator("a").first.is_visible()
    menu.locator("summary").click()
    links = menu.locator("ul").nth(1).locator("a")
    found = dict(zip(links.all_text_contents(), links.evaluate_all("all => all.map(a => a.href)"), strict=True))
    assert found == dict(services(REPOSITORY, "main", "notebooks/one.ipynb"))
    for code, link in zip(EDITIONS, menu.locator("a[download]").all(), strict=True):
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == f"one.{code}.ipynb"
        notebook = nbformat.read(download.value.path(), as_version=4)
        assert bool(HAN.search(notebook.cells[0].source)) == (code != "en")
        assert f'"{SITE}wheel/linewalk-' in notebook.cells[-1].source
    assert not missing


def test_the_menu_opens_by_the_keyboard_and_fits_a_telephone(configured, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{configured}/both/notebooks/one.html")
    page.locator(".elsewhere summary").focus()
    page.keyboard.press("Enter")
    box = page.locator(".elsewhere-menu").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not page.locator(".elsewhere-menu").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_click_elsewhere_closes_the_menu(configured, page):
    page.goto(f"{configured}/zh/notebooks/one.html")
    page.locator(".elsewhere summary").click()
    page.locator("article h1").click(position={"x": 5, "y": 5})
    assert not page.locator(".elsewhere-menu").is_visible()


def test_without_a_repository_only_downloads_are_offered(served, page):
    page.goto(f"{served}/en/{chapters()[0]}.html")
    page.locator(".elsewhere summary").click()
    configured_url = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    assert page.locator(".elsewhere a[download]").count() == 3
    assert page.locator(".elsewhere ul").count() == (2 if configured_url else 1)
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


def test_where_linewalk_is_the_cell_asks_for_nothing(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: pytest.fail("started a program"))
    exec(compile(bootstrap(), "cell", "exec"), {})


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
    assert arguments == ["-m", "pip", "install", "--quiet", "--no-deps", "https://a.example/linewalk.whl"]
