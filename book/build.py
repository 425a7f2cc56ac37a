"""Builds the site: runs the chapters once, makes the three editions from them, and puts the whole in place at once.

    python book/build.py        (`make book` runs it in the book's environment)

Everything lies under _build/: `source` is a copy of all that the build reads, as it was when it began; `cache` holds
the outputs of the chapters, `work/<edition>` what Sphinx keeps between builds, `html` the site. `html` is replaced only
by a complete new site. The assignments' student versions are put beside the chapters in `source`, where Sphinx finds
them; they are shown and never run.
"""

import asyncio
import atexit
import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import children
import predictions
import troubles
from bundle import ENTRIES, FORMS, WEIGHTS, bundle
from licences import write_licences
from origin import origin, with_origin
from package import package_linewalk
from policy import with_policy
from predictions import PredictionError
from programs import ProgramError
from snapshot import Snapshot, SourceError
from sockets import socket_folder
from styles import join_styles

EDITIONS = {"zh": "zh_CN", "en": "en", "both": "zh_CN"}

# What the theme brings and no page asks for.
UNUSED = (".buildinfo*", "objects.inv", "*.map", "*webpack-macros.html", "fontawesome*", "locales", "vendor")

# What the environment is made of.
REQUIREMENTS = ("requirements.txt", "locks/requirements.txt")

# What the student versions of the assignments are made from.
CLASSROOM = (
    "classroom/source", "classroom/assignments.py", "classroom/nbgrader_config.py", "classroom/before_handing_in",
    *REQUIREMENTS,
)

# What every page depends on, whatever its own source says.
MACHINERY = (
    "book/_ext", "book/_templates", "book/synonyms.yml", "book/asked.yml", "book/titles.yml", "book/moved.yml",
    "book/glossary.yml", "book/predict", "book/predictions.py", "linewalk", "_toc.yml", *REQUIREMENTS,
)

# What the wheel is made from, and its parts list.
PACKAGED = (
    "linewalk", "pyproject.toml", "README.md", "LICENSE", "book/package.py", "book/sbom.py",
    *(f"book/{name}/package-lock.json" for name in FORMS), "requirements.txt",
)

# What no build can do without, besides what _config.yml and _toc.yml name.
NEEDED = (
    "pyproject.toml", "README.md", "LICENSE", "requirements.txt", "book/chooser/index.html", "book/live/connect.html",
    "book/inpage/kernel/python-frame.html",
    *(f"book/{name}/{file}" for name in FORMS for file in ("package.json", "package-lock.json", *ENTRIES[name])),
    WEIGHTS.as_posix(),
)

# Where a page names a picture.
PICTURE = re.compile(r"_images/([\w.%-]+)")

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
SOURCE = BUILD / "source"
SITE = BUILD / "html"

NO_DOCUMENT = (
    "_toc.yml 里写的 {name} 不存在：请补上，或从 _toc.yml 里去掉。"
    " · There is no {name}, which _toc.yml names: add it, or take it out of there."
)
NO_NOTEBOOK = (
    "{name} 不是完好的笔记本（{reason}）：请在 JupyterLab 里修好，或取回它以前的样子。"
    " · {name} is not a sound notebook ({reason}): mend it in JupyterLab, or get back an earlier one."
)
NO_FILE = (
    "没有 {name}：请取回仓库里的（git checkout -- {name}）{or_zh}。"
    " · {name} is missing: get the repository's own back (git checkout -- {name}){or_en}."
)
NAMED = {"or_zh": "，或从 _config.yml 里去掉它", "or_en": ", or take it out of _config.yml"}
NO_TEXT = "{name} 不是 UTF-8 编码，请转换后再试。 · {name} is not encoded in UTF-8; convert it and try again."
NO_CONFIG = (
    "_config.yml 里少了 {key} 或写法不对，请对照仓库里原来的改好。"
    " · In _config.yml, {key} is missing or not as it should be; mend it after the repository's own."
)
NO_LIST = (
    "{name} 的写法不对（{reason}），请对照仓库里原来的改好。"
    " · {name} is not as it should be ({reason}); mend it after the repository's own."
)
PROBLEM = (
    "{edition} 版没能生成，请改好再试：{reason}（全文在 {log}）。"
    " · The edition {edition} could not be made; mend this and try again: {reason} (all of it in {log})."
)
PROBLEMS = (
    "{edition} 版有这些问题，请改好再试（全文在 {log}）。"
    " · The edition {edition} has these problems; mend them and try again (all of it in {log}):"
)
DAMAGED = (
    "_build 里的文件坏了（{reason}）：先运行 make clean，再运行 make book。"
    " · What lies in _build is damaged ({reason}): run make clean, then make book."
)
NO_KERNEL = "{name} 要用的内核没能启动：{reason} · The kernel that {name} asks for did not start: {reason}"

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
BY_LANGUAGE = {"type": "object", "additionalProperties": TEXT}
LISTS = {
    "book/asked.yml": {
        "type": "object", "additionalProperties": {"type": "object", "additionalProperties": TEXTS},
    },
    "book/synonyms.yml": {
        "type": "array",
        "items": {"type": "object", "properties": {"words": TEXTS, "explained": TEXT}, "required": ["words"]},
    },
    "book/titles.yml": {
        "type": "object", "properties": {"site": BY_LANGUAGE}, "required": ["site"],
        "additionalProperties": {
            "type": "object", "properties": {"picture": TEXT}, "additionalProperties": BY_LANGUAGE,
        },
    },
    "book/moved.yml": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": TEXT}},
    "book/glossary.yml": {"type": "object", "additionalProperties": {"type": "array", "items": {
        "type": "object", "required": ["id", "zh", "en", "said", "shown"], "additionalProperties": False,
        "properties": {
            **dict.fromkeys(("id", "zh", "en", "shown"), TEXT), "said": {**BY_LANGUAGE, "required": ["zh", "en"]},
            "linked": {"type": "object", "additionalProperties": TEXTS},
            "not_in": {"type": "object", "additionalProperties": TEXTS},
        },
    }}},
}

# How Jupyter Book and Sphinx say why they stopped, and where; what else is in the log follows from it.
NO_TEMPLATE = re.compile(r"TemplateNotFound\(\W*([\w./-]+)")
FATAL = {
    "book/_templates: ": r"Reason: (?P<why>Template\w*Error\(.*\))\n",
    "_config.yml: ": r"Validation errors in config:\n(?P<why>(?:- .*\n?)+)",
    "": r"(?:Extension|Theme|Configuration) error.*\n(?:.*?\(exception: )?(?P<why>(?:(?!Traceback|RuntimeError).+\n)+)",
    "{place}": r"\n(?P<why>[A-Za-z][\w.]*: .*)\n(?:.*\n){0,5}?Please also report",
    "_toc.yml: ": r"RuntimeError: *\n=+\n\n(?!There was an error)(?P<why>(?s:.+?))\n(?:You may|\n=)",
}

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}


class BuildError(Exception):
    """What stopped the build; its text is the last that the terminal shows."""


def main():
    started = time.monotonic()
    with only_build():
        snapshot = Snapshot(ROOT)
        inputs = f"{snapshot.digest()}-{torch()}"
        stamp = SITE / ".inputs"
        if stamp.exists() and stamp.read_text() == inputs:
            say(f"Nothing changed · 没有变化: {shown(SITE)}")
            return
        snapshot.lay_out(SOURCE, keep="assignments")
        worker = [sys.executable, SOURCE / "book" / "jupyter_books.py"]
        with children.started(worker, **PIPES) as jupyter_books:  # what it imports takes a second, in which we go on
            check(snapshot)
            release_assignments(snapshot)
            cache = execute(snapshot)
            prove_predictions(snapshot, cache)
            scripts, wheel = {name: bundle(SOURCE / "book" / name) for name in FORMS}, package(snapshot)
            build_editions(snapshot, cache, jupyter_books)
        publish(snapshot, inputs, scripts, wheel)
    say(f"Built in {time.monotonic() - started:.0f} s · 已生成: {shown(SITE / 'index.html')}")


def check(snapshot):
    """Says what is wrong with the sources before anything takes its time with them."""
    config = snapshot.yaml("_config.yml")
    for path in ("title", "execute", "html", "sphinx.local_extensions", "sphinx.config"):
        value = config
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, str if path == "title" else dict):
            raise BuildError(NO_CONFIG.format(key=path))
    if not isinstance(config.get("author") or "", str):
        raise BuildError(NO_CONFIG.format(key="author"))
    if not isinstance(config["html"].get("baseurl") or "", str):
        raise BuildError(NO_CONFIG.format(key="html.baseurl"))
    if not isinstance(config.get("repository") or {}, dict):
        raise BuildError(NO_CONFIG.format(key="repository"))
    if not all(isinstance(folder, str) for folder in config["sphinx"]["local_extensions"].values()):
        raise BuildError(NO_CONFIG.format(key="sphinx.local_extensions"))
    for name in NEEDED:
        if name not in snapshot.sources:
            raise BuildError(NO_FILE.format(name=name, or_zh="", or_en=""))
    for names in named_files(config):
        if not any(name in snapshot.sources for name in names):
            raise BuildError(NO_FILE.format(name=names[0], **NAMED))
    for name, shape in LISTS.items():
        check_list(name, snapshot.yaml(name), shape)
    for name, questions in predicted(snapshot).items():
        predictions.check(name, questions)
    for document in snapshot.documents:
        if document.startswith("assignments/"):
            continue  # made from classroom/source
        if f"{document}.ipynb" in snapshot.sources:
            check_notebook(f"{document}.ipynb", snapshot.sources[f"{document}.ipynb"])
        elif f"{document}.md" not in snapshot.sources:
            raise BuildError(NO_DOCUMENT.format(name=document))
    for name, content in snapshot.sources.items():
        if name.endswith((".md", ".py", ".html", ".css", ".js", ".json", ".toml", ".txt", ".yml")):
            try:
                content.decode()
            except UnicodeDecodeError as error:
                raise BuildError(NO_TEXT.format(name=name)) from error


def named_files(config):
    """What _config.yml names: (a file, or another in its place) of extensions, styles, scripts and the icon."""
    for name, folder in config["sphinx"]["local_extensions"].items():
        yield f"{folder}/{name}.py", f"{folder}/{name}/__init__.py"
    for key in ("html_css_files", "html_js_files"):
        for entry in config["sphinx"]["config"].get(key) or []:
            name = entry[0] if isinstance(entry, list) and entry else entry
            if not isinstance(name, str):
                raise BuildError(NO_CONFIG.format(key=f"sphinx.config.{key}"))
            yield (f"book/_static/{name}",)
    if isinstance(icon := config["html"].get("favicon"), str) and icon:
        yield (icon,)


def predicted(snapshot):
    """The questions of the chapters that have some, by file."""
    names = [predictions.file_of(document) for document in snapshot.documents if document.startswith("notebooks/")]
    return {name: snapshot.yaml(name) for name in names if name in snapshot.sources}


def check_list(name, content, shape):
    from jsonschema import Draft7Validator

    for error in Draft7Validator(shape).iter_errors(content):
        reason = ": ".join([*map(str, error.path), " ".join(error.message.split())[:200]])
        raise BuildError(NO_LIST.format(name=name, reason=reason))


def check_notebook(name, content):
    try:
        reason = trouble(json.loads(content.decode()))
    except (ValueError, RecursionError) as error:  # what is not JSON, not UTF-8, or brackets without end
        reason = error
    if reason:
        raise BuildError(NO_NOTEBOOK.format(name=name, reason=reason))


def trouble(notebook):
    """What is wrong with a notebook by the schema of its format, if anything is. ValueError: it cannot be written."""
    import nbformat

    whole = notebook if isinstance(notebook, dict) else {}
    newest, cells = nbformat.current_nbformat_minor, whole.get("cells")
    minor = whole.get("nbformat_minor")
    if whole.get("nbformat") != 4 or not isinstance(minor, int) or not 0 <= minor <= newest:
        return f"nbformat 4.0–4.{newest}"
    if not isinstance(cells, list) or not all(is_cell(cell) for cell in cells):
        return "cells"
    json.dumps(notebook, ensure_ascii=False).encode()
    try:
        with warnings.catch_warnings():  # of ids that are missing or the same, which do no harm
            warnings.simplefilter("ignore")
            nbformat.validate(notebook, version=4, version_minor=minor)
    except nbformat.ValidationError as error:
        place = list(error.relative_path)
        if place[:1] == ["cells"] and len(place) > 1:
            place[:2] = [f"cell {place[1] + 1} · 第 {place[1] + 1} 格"]
        return ", ".join([*map(str, place), " ".join(error.message.split())[:200]])
    return None


def is_cell(cell):
    """As far as nbformat wants to know before it looks for itself."""
    return isinstance(cell, dict) and isinstance(cell.get("cell_type"), str) and isinstance(cell.get("id", ""), str)


def package(snapshot):
    """The folder with linewalk's wheel, which is made anew where the library or the site's address has changed."""
    site = snapshot.config()["html"]["baseurl"]
    inputs = hashlib.sha256(f"{snapshot.digest(*PACKAGED)}{site}".encode()).hexdigest()
    folder = BUILD / "wheel" / f"{inputs[:16]}-{torch()}"
    if not folder.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        package_linewalk(folder, SOURCE, site)
    return folder


def release_assignments(snapshot):
    """Puts the student versions of the assignments where Sphinx finds them."""
    pages, inputs = SOURCE / "assignments", snapshot.digest(*CLASSROOM)
    stamp = pages / ".inputs"
    if stamp.exists() and stamp.read_text() == inputs:
        return
    if not (SOURCE / "classroom" / "source").exists():
        return
    # Takes two seconds to import, which a build that changes no assignment need not wait for.
    sys.path.append(str(SOURCE / "classroom"))
    import assignments

    try:
        notebooks = assignments.student_versions()
    except assignments.AssignmentError as error:
        raise BuildError(f"{error}") from error
    for stale in set(pages.glob("*.ipynb")) - {pages / f"{name}.ipynb" for name in notebooks}:
        stale.unlink()
    for name, notebook in notebooks.items():
        assignments.write(notebook, pages / f"{name}.ipynb")
    stamp.write_text(inputs)


def execute(snapshot):
    """Runs the chapters whose code the cache does not know, one to a core. Returns the cache's folder."""
    helpers = [name for name in snapshot.sources if name.startswith("notebooks/") and name.endswith(".py")]
    folder = BUILD / "cache" / f"{snapshot.digest('linewalk', *REQUIREMENTS, *helpers)[:16]}-{torch()}"
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / "known.txt"
    seen = set(known.read_text().split()) if known.exists() else set()
    waiting = {}
    for name in chapters(snapshot):
        key = code_digest(snapshot.sources[name])
        if key not in seen:
            waiting[name] = key
    if waiting:
        run_chapters(folder, waiting, known)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other)
    return folder


def prove_predictions(snapshot, cache):
    """Runs what the questions claim; what held once, with this library, holds."""
    stamp = cache / f"predictions-{snapshot.digest('book/predict', 'book/prove.py')[:16]}"
    if not stamp.exists():
        predictions.run_checks(predicted(snapshot), SOURCE)
        stamp.touch()


def code_digest(content):
    """What a chapter does when it runs: its code, the tags that say how, and the kernel."""
    notebook = json.loads(content)
    cells = [
        ["".join(cell["source"]), cell["metadata"].get("tags")]
        for cell in notebook["cells"] if cell["cell_type"] == "code"
    ]
    return hashlib.sha256(json.dumps([cells, notebook["metadata"].get("kernelspec")]).encode()).hexdigest()


def run_chapters(folder, waiting, known):
    # These take a second to import, which a build that runs no chapter need not wait for.
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    cache = get_cache(str(folder))

    def keep(name, notebook, seconds):
        bundle = CacheBundleIn(notebook, name, data={"execution_seconds": seconds})
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        with open(known, "a") as keys:
            keys.write(f"{waiting[name]}\n")

    # What the kernels inherit: the library as it was, and figures in the notebook whatever the reader's shell names.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    at_once = min(cores, len(waiting))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    os.environ["LINEWALK_ALL_CHANNELS"] = "1"
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // at_once)))
    chapters = [(name, nbformat.read(SOURCE / name, as_version=4)) for name in waiting]
    asyncio.run(run_all(chapters, at_once, keep))


async def run_all(waiting, at_once, keep):
    free = asyncio.Semaphore(at_once)

    async def run_one(name, notebook):
        async with free:
            keep(name, notebook, await run_notebook(name, notebook))

    tasks = [asyncio.create_task(run_one(*chapter)) for chapter in waiting]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_notebook(name, notebook):
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    file = name.rpartition("/")[2]
    code_cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    running = None

    def on_cell_start(cell, cell_index):
        nonlocal running
        running = cell_index
        done = code_cells.index(cell_index) if cell_index in code_cells else 0
        if done and done % 10 == 0:
            say(f"  {file}: {done}/{len(code_cells)}")

    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,  # it would stand in the cells, and so change what the cache knows them by
        resources={"metadata": {"path": str((ROOT / name).parent)}},
        extra_arguments=["--log-level=ERROR"],
        on_cell_start=on_cell_start,
    )
    say(f"Running · 正在执行: {name} ({len(code_cells)})")
    started = time.monotonic()
    try:
        manager = client.create_kernel_manager()
        command = manager.format_kernel_cmd
        manager.format_kernel_cmd = lambda *arguments, **more: children.watching(command(*arguments, **more))
        with socket_folder() as sockets:
            manager.transport, manager.ip = "ipc", f"{sockets}/kernel"
            manager.connection_file = f"{sockets}/connection.json"
            await client.async_execute(pass_fds=children.kept())
    except (CellExecutionError, DeadKernelError, TimeoutError, NoSuchKernel, RuntimeError) as error:
        if running is None:
            atexit.unregister(client._cleanup_kernel)  # of which there is none
            raise BuildError(NO_KERNEL.format(name=name, reason=" ".join(str(error).split()))) from error
        first_line = notebook.cells[running].source.strip().partition("\n")[0]
        reason = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else f"{error}"
        traceback = plain(getattr(error, "traceback", ""))
        cell = f"cell {running + 1} · 第 {running + 1} 格: {first_line}"
        raise BuildError(f"{traceback}\n\n{name}\n{cell}\n{reason}") from error
    seconds = time.monotonic() - started
    say(f"  {file}: {seconds:.0f} s")
    return seconds


def build_editions(snapshot, cache, jupyter_books):
    """Runs Jupyter Book for the three editions at the same time, each in its own work folder."""
    say(f"Building the editions · 正在生成各版: {', '.join(EDITIONS)}")
    started = time.monotonic()
    configs = {edition: edition_config(snapshot, edition, cache) for edition in EDITIONS}
    for edition, config in configs.items():
        make_room(edition, config)
    try:
        jupyter_books.stdin.write("".join(f"{edition} {work(edition)}\n" for edition in EDITIONS))
        jupyter_books.stdin.close()
    except BrokenPipeError:
        pass  # it has ended, and says why on the terminal
    failed = dict.fromkeys(EDITIONS)
    for line in jupyter_books.stdout:
        edition, code = line.split()
        if code == "0":
            (work(edition) / "done").write_text(configs[edition], encoding="utf-8")
            del failed[edition]
            say(f"  {edition} is ready · 已生成: {time.monotonic() - started:.0f} s")
        else:
            say(f"  {edition} has problems · 有问题")
    if failed:
        raise BuildError(problems(*failed))


def make_room(edition, config):
    """The edition's folder: what an earlier build has left there that ended well and depended on the same, or nothing.

    Sphinx would not notice that an extension or an output is another than when it read the pages, would take a page
    that was written by half for done, and would not repeat the warnings of pages that it has already read.
    """
    folder = work(edition)
    done = folder / "done"
    if done.exists() and done.read_text(encoding="utf-8") == config:
        done.unlink()
        return
    done.unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "_config.yml").write_text(config, encoding="utf-8")


def problems(edition, *_):
    """What the log of an edition says is wrong."""
    log = work(edition) / "log.txt"
    text = plain(log.read_text(encoding="utf-8")) if log.exists() else ""
    if refused := re.search(r"(?:\[Errno |OSError\()(\d+)[^'\n]*(?:: '([^'\n]*)')?", text):
        return troubles.sentence(OSError(int(refused[1]), os.strerror(int(refused[1])), refused[2]))
    if missing := NO_TEMPLATE.search(text):
        return NO_FILE.format(name=f"book/_templates/{missing[1]}", **NAMED)
    found = causes(text.replace(f"{SOURCE}/", ""))
    if len(found) == 1:
        return PROBLEM.format(edition=edition, reason=found[0], log=shown(log))
    return "\n".join([PROBLEMS.format(edition=edition, log=shown(log)), *found])


def causes(log):
    """What Jupyter Book and Sphinx say is wrong, a line each: a bad setting, else what stopped them, else warnings."""
    for place, cause in FATAL.items():
        if found := re.search(cause, log):
            lines = re.findall(r'File "((?:book|linewalk)/[^"]+)", line (\d+)', log)
            place = place.format(place=":".join(lines[-1]) + ": " if lines else "")
            why = " ".join(found["why"].split())
            return [place + (why if why.count("(") == why.count(")") else why.removesuffix(")"))]
    lines = list(dict.fromkeys(line for line in log.splitlines() if line.strip() and not line.startswith("myst-nb v")))
    return [line for line in lines if "WARNING" in line or "rror" in line.replace("ERROR", "Error")] or lines[-1:]


def edition_config(snapshot, edition, cache):
    """_config.yml with an edition laid over it: Sphinx takes its language from the configuration it starts with.

    At its top stands what else every page of the edition depends on.
    """
    import yaml

    config = snapshot.config()
    named = snapshot.yaml("_config.yml")["html"].get("baseurl")
    for key in ("title", "author"):
        zh, _, en = (config.get(key) or "").partition(" | ")
        config[key] = {"zh": zh, "en": en or zh, "both": f"{zh} · {en}" if en else zh}[edition]
    config["execute"]["cache"] = str(cache)
    if base := config["html"].get("baseurl"):
        config["html"]["baseurl"] = f"{base.rstrip('/')}/{edition}/"
    extensions = config["sphinx"]["local_extensions"]
    config["sphinx"]["local_extensions"] = {name: str(SOURCE / folder) for name, folder in extensions.items()}
    config["sphinx"]["config"] |= {
        "edition": edition,
        "language": EDITIONS[edition],
        "repository": config["repository"],  # Jupyter Book would leave it out where there are theme options
        # Somebody else may hold an address that was only worked out: it makes links, and nothing is installed from it.
        "linewalk_site": named or "",
        "linewalk_wheels": str(BUILD / "wheel"),
    }
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    # Of these, Sphinx would leave those that are gone.
    static = sorted(name for name in snapshot.sources if name.startswith("book/_static/"))
    # Notebooks to download carry the wheel.
    return f"# {snapshot.digest(*MACHINERY, *PACKAGED)}-{torch()} {' '.join(static)}\n{text}"


def publish(snapshot, inputs, scripts, wheel):
    """Puts chooser and editions together beside the site, then in its place."""
    new = BUILD / "html.new"
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(SOURCE / "book" / "chooser", new)
    config = snapshot.config()
    if base := config["html"]["baseurl"]:
        chooser = new / "index.html"
        chooser.write_text(with_address(chooser.read_text(encoding="utf-8"), base), encoding="utf-8")
    for edition in EDITIONS:
        shutil.copytree(work(edition) / "_build" / "html", new / edition, ignore=shutil.ignore_patterns(*UNUSED))
        (new / edition / "picture.png").replace(new / "picture.png")  # the same in every edition
        drop_unused_pictures(new / edition)
    write_licences(new / "licences.html", SOURCE, new / "zh")
    for edition in EDITIONS:
        join_styles(new / edition)
    shutil.copytree(wheel, new / "wheel")
    for name, folder in scripts.items():
        shutil.copytree(folder, new / name)
    shutil.copy(SOURCE / "book" / "live" / "connect.html", new / "live")
    write_frame(new / "inpage")
    known = origin(ROOT, config["repository"]["url"])
    for page in new.rglob("*.html"):
        page.write_text(with_policy(with_origin(page.read_text(encoding="utf-8"), known)), encoding="utf-8")
    (new / ".nojekyll").touch()
    (new / ".inputs").write_text(inputs)
    put_in_place(new, SITE)


def write_frame(inpage):
    """Python's frame with its script within, which its policy then names: no other file's runs there."""
    script = inpage / "python-frame.js"
    frame = (SOURCE / "book" / "inpage" / "kernel" / "python-frame.html").read_text(encoding="utf-8")
    within = f"<script>{script.read_text(encoding='utf-8')}</script>"
    (inpage / "python-frame.html").write_text(frame.replace("<!-- script -->", within), encoding="utf-8")
    script.unlink()


def drop_unused_pictures(edition):
    """Sphinx leaves the pictures that a page once had."""
    used = {name for page in edition.rglob("*.html") for name in PICTURE.findall(page.read_text(encoding="utf-8"))}
    for picture in (edition / "_images").glob("*"):
        if picture.name not in used:
            picture.unlink()


def put_in_place(new, site):
    """In one step where the system has one for two folders; else in two, which `only_build` can mend."""
    old = BUILD / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        if exchange(new, site):
            new.rename(old)
        else:
            site.rename(old)
    if not site.exists():
        new.rename(site)
    shutil.rmtree(old, ignore_errors=True)


def exchange(one, other):
    """Whether the two now have each other's name."""
    libc, names = ctypes.CDLL(None, use_errno=True), (os.fsencode(one), os.fsencode(other))
    try:
        if sys.platform == "darwin":
            return libc.renamex_np(*names, 2) == 0  # RENAME_SWAP
        here = -100  # AT_FDCWD
        return libc.renameat2(here, names[0], here, names[1], 2) == 0  # RENAME_EXCHANGE
    except AttributeError:
        return False


def with_address(chooser, base):
    """The chooser page, telling search engines where it lives: only whole addresses do for that."""
    base = f"{base.rstrip('/')}/"
    addresses = r'(<link rel="alternate" [^>]*href="|<meta property="og:image" content=")'
    chooser = re.sub(addresses, rf"\g<1>{base}", chooser)
    own = f'<link rel="canonical" href="{base}">\n<meta property="og:url" content="{base}">\n'
    return chooser.replace("</head>", f"{own}</head>")


@contextmanager
def only_build():
    """Waits for a build already under way in this folder; mends what one that was killed left behind."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another build · 等另一个构建结束")
            fcntl.flock(lock, fcntl.LOCK_EX)
        children.inherit(lock)
        if not SITE.exists() and (BUILD / "html.old").exists():
            (BUILD / "html.old").rename(SITE)
        yield


def chapters(snapshot):
    names = (f"{document}.ipynb" for document in snapshot.documents if document.startswith("notebooks/"))
    return [name for name in dict.fromkeys(names) if name in snapshot.sources]


def torch():
    """The installed version, which requirements.txt leaves open: outputs of another one are not this one's."""
    return version("torch")


def work(edition):
    return BUILD / "work" / edition


def shown(path):
    return path.relative_to(ROOT)


def plain(text):
    """Without the codes that colour a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def say(text):
    print(text, flush=True)


def refused(error):
    """What the system refused, if that is at the bottom of the error, or if it refuses to write a little here now."""
    while error:
        if isinstance(error, OSError) and error.errno:
            if isinstance(error.filename, str):
                error.filename = error.filename.removeprefix(f"{SOURCE}/")
            return error
        error = error.__cause__ or error.__context__
    try:
        with tempfile.TemporaryFile(dir=BUILD) as probe:
            probe.write(bytes(1 << 20))
    except OSError as refused:
        return refused
    return None


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped; the site is as it was before. · 已中断，原来的网站没有变。")
    except Exception as error:
        if because := refused(error):
            sys.exit(troubles.sentence(because))
        if isinstance(error, (BuildError, PredictionError, ProgramError, SourceError)):
            sys.exit(f"{error}")
        # The sources have been looked at; of what the build keeps, a crash may leave anything.
        if isinstance(error, UnicodeDecodeError) or type(error).__name__ == "DatabaseError":
            sys.exit(DAMAGED.format(reason=str(error).partition("\n")[0]))
        raise
