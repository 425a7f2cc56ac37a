"""Builds the site: runs the chapters once, makes the three editions from them, and puts the whole in place at once.

    python book/build.py        (`make book` runs it in the book's environment)

Everything lies under _build/: `cache` holds the outputs of the chapters, `work/<edition>` what Sphinx keeps between
builds, `html` the site. `html` is replaced only by a complete new site. The assignments' student versions lie in
assignments/ beside the chapters, where Sphinx finds them; they are shown and never run.
"""

import asyncio
import fcntl
import gc
import hashlib
import multiprocessing
import os
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from bundle import BundleError, bundle
from package import PackageError, package_linewalk

EDITIONS = {"zh": "zh_CN", "en": "en", "both": "zh_CN"}

# What the theme brings and no page asks for.
UNUSED = (".buildinfo*", "objects.inv", "*.map", "*webpack-macros.html", "fontawesome*", "locales", "vendor")

# Importing Jupyter Book takes a third of an edition's time: it is done once, and the three are forked from there.
JUPYTER_BOOK = multiprocessing.get_context("forkserver")
JUPYTER_BOOK.set_forkserver_preload(["jupyter_book.cli.main", "jupyter_book.sphinx", "myst_nb.sphinx_ext"])

# What the student versions of the assignments are made from.
CLASSROOM = ("classroom/source", "classroom/assignments.py", "classroom/nbgrader_config.py")

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
SITE = BUILD / "html"


class BuildError(Exception):
    """What stopped the build; its text is the last that the terminal shows."""


def main():
    started = time.monotonic()
    with only_build():
        package = ("linewalk", "pyproject.toml", "README.md", "requirements.txt")
        site_inputs = digest("_config.yml", "_toc.yml", "book", *package, *CLASSROOM, *chapters()) + torch()
        stamp = SITE / ".inputs"
        if stamp.exists() and stamp.read_text() == site_inputs:
            say(f"Nothing changed · 没有变化: {shown(SITE)}")
            return
        cache = BUILD / "cache" / f"{digest('linewalk', 'requirements.txt')[:16]}-{torch()}"
        live = bundle()
        release_assignments()
        execute(cache)
        build_editions(cache)
        publish(site_inputs, live)
    say(f"Built in {time.monotonic() - started:.0f} s · 已生成: {shown(SITE / 'index.html')}")


def release_assignments():
    """Puts the student versions of the assignments where Sphinx finds them."""
    pages, inputs = ROOT / "assignments", digest(*CLASSROOM, "requirements.txt")
    stamp = pages / ".inputs"
    if stamp.exists() and stamp.read_text() == inputs:
        return
    if not (ROOT / "classroom" / "source").exists():
        return
    # Takes two seconds to import, which a build that changes no assignment need not wait for.
    sys.path.append(str(ROOT / "classroom"))
    import assignments

    try:
        notebooks = assignments.release()
    except assignments.AssignmentError as error:
        raise BuildError(f"{error}") from error
    for stale in set(pages.glob("*.ipynb")) - {pages / f"{name}.ipynb" for name in notebooks}:
        stale.unlink()
    for name, notebook in notebooks.items():
        assignments.write(notebook, pages / f"{name}.ipynb")
    stamp.write_text(inputs)


def execute(cache_path):
    """Runs the chapters whose code the cache does not know, one to a core."""
    # These take a second to import, which a build with nothing to do need not wait for.
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    cache = get_cache(str(cache_path))
    waiting = []
    for path in chapters():
        notebook = nbformat.read(path, as_version=4)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            waiting.append((path, notebook))

    def keep(path, notebook, seconds):
        bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)

    if waiting:
        # What the kernels inherit. Figures go into the notebook whatever backend the reader's shell names.
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        at_once = min(cores, len(waiting))
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // at_once)))
        asyncio.run(run_all(waiting, at_once, keep))

    for other in cache_path.parent.iterdir():
        if other != cache_path:
            shutil.rmtree(other)


async def run_all(waiting, at_once, keep):
    free = asyncio.Semaphore(at_once)

    async def run_one(path, notebook):
        async with free:
            keep(path, notebook, await run_notebook(path, notebook))

    tasks = [asyncio.create_task(run_one(*chapter)) for chapter in waiting]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_notebook(path, notebook):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    code_cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    running = 0

    def on_cell_start(cell, cell_index):
        nonlocal running
        running = cell_index
        done = code_cells.index(cell_index) if cell_index in code_cells else 0
        if done and done % 10 == 0:
            say(f"  {path.name}: {done}/{len(code_cells)}")

    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,  # it would stand in the cells, and so change what the cache knows them by
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
        on_cell_start=on_cell_start,
    )
    say(f"Running · 正在执行: {shown(path)} ({len(code_cells)})")
    started = time.monotonic()
    try:
        await client.async_execute()
    except (CellExecutionError, DeadKernelError, TimeoutError) as error:
        first_line = notebook.cells[running].source.strip().partition("\n")[0]
        reason = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else f"{error}"
        traceback = plain(getattr(error, "traceback", ""))
        cell = f"cell {running + 1} · 第 {running + 1} 格: {first_line}"
        raise BuildError(f"{traceback}\n\n{shown(path)}\n{cell}\n{reason}") from error
    seconds = time.monotonic() - started
    say(f"  {path.name}: {seconds:.0f} s")
    return seconds


def build_editions(cache):
    """Runs Jupyter Book for the three editions at the same time, each in its own work folder."""
    say(f"Building the editions · 正在生成各版: {', '.join(EDITIONS)}")
    started = time.monotonic()
    inputs = digest("book/_ext", "book/_templates", "book/search-words.txt", "linewalk", "requirements.txt") + torch()
    os.environ["PYTHONUTF8"] = "1"
    running = {edition: start_edition(edition, cache, inputs) for edition in EDITIONS}
    failed = []
    try:
        with ThreadPoolExecutor() as waiting:
            ends = {waiting.submit(process.join): edition for edition, process in running.items()}
            for end in as_completed(ends):
                if running[ends[end]].exitcode:
                    failed.append(ends[end])
                    say(f"  {ends[end]} has problems · 有问题")
                else:
                    say(f"  {ends[end]} is ready · 已生成: {time.monotonic() - started:.0f} s")
    finally:
        for process in running.values():
            process.kill()
    if failed:
        for edition in failed:
            # Sphinx would not repeat the warnings of pages that it has already read.
            shutil.rmtree(work(edition) / "_build" / ".doctrees", ignore_errors=True)
        log_path = work(failed[0]) / "log.txt"
        log = plain(log_path.read_text(encoding="utf-8")).splitlines()
        problems = [line for line in log if "WARNING" in line or "rror" in line.replace("ERROR", "Error")] or log[-15:]
        heading = f"The edition {failed[0]} has problems · {failed[0]} 版有问题: {shown(log_path)}"
        raise BuildError("\n".join([heading, *problems]))


def start_edition(edition, cache, inputs):
    folder = work(edition)
    config = folder / "_config.yml"
    text = f"# {inputs}\n{edition_config(edition, cache)}"
    if not config.exists() or config.read_text(encoding="utf-8") != text:
        # Sphinx would not notice that an extension or an output is another than when it read the pages.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config.write_text(text, encoding="utf-8")
    process = JUPYTER_BOOK.Process(target=run_jupyter_book, args=(folder,))
    process.start()
    return process


def run_jupyter_book(folder):
    """In a process of its own: one edition from its configuration, with all that is said kept in its log."""
    from jupyter_book.cli.main import main as jupyter_book

    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.chdir(ROOT)
    gc.disable()  # it takes a seventh of the time, to free what the end of the process frees
    places = ["--path-output", folder, "--config", folder / "_config.yml", "--toc", ROOT / "_toc.yml"]
    jupyter_book(["build", ".", *map(str, places), "-W", "-n", "--keep-going"])


def edition_config(edition, cache):
    """_config.yml with an edition laid over it: Sphinx takes its language from the configuration it starts with."""
    import yaml

    config = read_yaml("_config.yml")
    zh, _, en = config["title"].partition(" | ")
    config["title"] = {"zh": zh, "en": en, "both": f"{zh} · {en}"}[edition]
    config["execute"]["cache"] = str(cache)
    if base := config["html"].get("baseurl"):
        config["html"]["baseurl"] = f"{base.rstrip('/')}/{edition}/"
    extensions = config["sphinx"]["local_extensions"]
    config["sphinx"]["local_extensions"] = {name: str(ROOT / folder) for name, folder in extensions.items()}
    repository = config.get("repository", {})  # Jupyter Book would leave it out where there are theme options
    config["sphinx"]["config"] |= {"edition": edition, "language": EDITIONS[edition], "repository": repository}
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False)


def publish(site_inputs, live):
    """Puts chooser and editions together beside the site, then in its place."""
    new, old = BUILD / "html.new", BUILD / "html.old"
    ignore = shutil.ignore_patterns(*UNUSED)
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(ROOT / "book" / "chooser", new)
    if base := read_yaml("_config.yml")["html"].get("baseurl"):
        chooser = new / "index.html"
        chooser.write_text(with_address(chooser.read_text(encoding="utf-8"), base), encoding="utf-8")
    for edition in EDITIONS:
        shutil.copytree(work(edition) / "_build" / "html", new / edition, ignore=ignore)
    package_linewalk(new / "wheel")
    (new / "live").mkdir()
    shutil.copy(live, new / "live")
    (new / ".nojekyll").touch()
    (new / ".inputs").write_text(site_inputs)
    if SITE.exists():
        SITE.rename(old)
    new.rename(SITE)
    shutil.rmtree(old, ignore_errors=True)


def with_address(chooser, base):
    """The chooser page, telling search engines where it lives: only whole addresses do for that."""
    base = f"{base.rstrip('/')}/"
    chooser = re.sub(r'(<link rel="alternate" [^>]*href=")', rf"\g<1>{base}", chooser)
    own = f'<link rel="canonical" href="{base}">\n<meta property="og:url" content="{base}">\n'
    return chooser.replace("</head>", f"{own}</head>")


@contextmanager
def only_build():
    """Waits for a build already under way in this folder; mends what one that was killed left behind."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not SITE.exists() and (BUILD / "html.old").exists():
            (BUILD / "html.old").rename(SITE)
        yield


def chapters():
    toc = read_yaml("_toc.yml")
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [path for file in files if file.startswith("notebooks/") and (path := ROOT / f"{file}.ipynb").exists()]


def digest(*names):
    """A digest of the contents of files and folders, names included."""
    total = hashlib.sha256()
    for name in names:
        top = ROOT / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts:
                total.update(f"{path.relative_to(ROOT)}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def torch():
    """The installed version, which requirements.txt leaves open: outputs of another one are not this one's."""
    return version("torch")


def work(edition):
    return BUILD / "work" / edition


def read_yaml(name):
    import yaml

    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def shown(path):
    return path.relative_to(ROOT)


def plain(text):
    """Without the codes that colour a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (BuildError, BundleError, PackageError) as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Stopped; the site is as it was before. · 已中断，原来的网站没有变。")
