"""Makes linewalk's wheel, which the notebooks that readers take away install from the site."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class PackageError(Exception):
    """Why there is no wheel."""


def package_linewalk(folder):
    """Writes the wheel into `folder`, and an index beside it for `pip install --find-links`. PackageError."""
    with tempfile.TemporaryDirectory() as copy:  # setuptools would leave its traces in the repository
        shutil.copytree(ROOT / "linewalk", Path(copy, "linewalk"), ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-build-isolation", "--wheel-dir", folder, copy]
        # The same sources give the same bytes, so that caches keep what did not change. 1980 is where zip begins.
        if subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"}).returncode:
            raise PackageError("没能打包 linewalk，原因见上。 · linewalk could not be packed; pip says why above.")
    (wheel,) = Path(folder).glob("*.whl")
    link = f'<a href="{wheel.name}">{wheel.name}</a>'
    index = f'<!doctype html>\n<meta charset="utf-8">\n<title>linewalk</title>\n{link}\n'
    Path(folder, "index.html").write_text(index, encoding="utf-8")
