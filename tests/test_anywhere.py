"""The downloaded notebooks run unchanged in a new environment that has only what a notebook platform has.

PLATFORM_PACKAGES names what is installed there, as arguments of pip; .github/workflows/anywhere.yml sets it to old and
new versions, and to what Colab has.
"""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
import torch
import yaml
from conftest import ROOT, chapters, in_every_edition
from nbclient import NotebookClient

PACKAGES = shlex.split(os.environ.get("PLATFORM_PACKAGES", f"torch=={torch.__version__} matplotlib"))
AT_ONCE = 2


class Platform:
    """A virtual environment with a Jupyter kernel of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.pip("install", "--quiet", "ipykernel", *PACKAGES)
        kernel = folder / "kernels" / "platform"
        kernel.mkdir(parents=True)
        command = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": command, "display_name": "Platform", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(spec))

    def pip(self, *arguments):
        command = [self.python, "-m", "pip", "--disable-pip-version-check", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def freeze(self):
        return {line.partition("==")[0].partition(" @ ")[0]: line for line in self.pip("freeze").splitlines()}

    async def run(self, path, **environment):
        """Runs the notebook file as it is and returns it with its outputs."""
        notebook = nbformat.read(path, as_version=4)
        # What an interpreter of this repository would inherit is not there on a platform.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MPL"))}
        client = NotebookClient(notebook, kernel_name="platform", timeout=300)
        client.create_kernel_manager()
        client.km.kernel_spec_manager.kernel_dirs = [str(self.folder / "kernels")]
        await client.async_execute(cwd=str(self.folder), env={**inherited, "OMP_NUM_THREADS": "1", **environment})
        return notebook


@pytest.fixture
def platform(tmp_path_factory):
    return Platform(tmp_path_factory.mktemp("platform"))


@pytest.mark.parametrize("which", ["each chapter in one edition", pytest.param("all", marks=pytest.mark.exhaustive)])
def test_notebooks_run_on_a_new_platform_and_leave_its_packages_alone(site, served, platform, which):
    """One test, since the order counts: the first notebook installs linewalk, the others need no network."""
    before = platform.freeze()
    assert "linewalk" not in before
    (wheel,) = (site / "wheel").glob("*.whl")
    first, *others = [
        site / edition / f"{name}.ipynb"
        for edition, name in (one.values for one in in_every_edition(chapters()) if which == "all" or not one.marks)
    ]
    # From the wheel that it carries; where it names the site's address instead, from the site as it is here.
    is_named = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"].get("baseurl")
    in_a_loop(platform.run(first, **({"LINEWALK_WHEEL": f"{served}/wheel/{wheel.name}"} if is_named else {})))

    after = platform.freeze()
    assert set(after) - set(before) <= {"linewalk", "torchview", "graphviz", "pygraphviz", "safetensors"}
    assert {name: after.get(name) for name in before} == before

    offline = {"LINEWALK_WHEEL": "/nowhere", "PIP_NO_INDEX": "1"}
    offline |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    for notebook in in_a_loop(run_all(platform, others, offline)):
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        assert any("text/html" in output.get("data", {}) for output in outputs)
        # An error has no notes in Python 3.10: there, linewalk prints what it would have noted.
        assert sys.version_info < (3, 11) or not [output.text for output in outputs if output.get("name") == "stderr"]


def in_a_loop(coroutine):
    """Its result, from a thread of its own: in this one the browser's fixtures keep a loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def run_all(platform, paths, environment):
    free = asyncio.Semaphore(AT_ONCE)

    async def run_one(path):
        async with free:
            return await platform.run(path, **environment)

    return await asyncio.gather(*map(run_one, paths))
