"""Makes linewalk's wheel, which the notebooks that readers take away install from the site."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from programs import run

ROOT = Path(__file__).resolve().parents[1]


NO_WHEEL = (
    "没能打包 linewalk，请看 pyproject.toml 和 linewalk 是否完好：{reason}。",
    "linewalk could not be packed, see whether pyproject.toml and linewalk are sound: {reason}.",
)


def package_linewalk(folder, root=None, site=""):
    """Makes `folder`, whole or not at all: wheel, an index for `pip install --find-links`, its parts; the wheel's path.

    `site` is the book's address, to which what linewalk writes elsewhere leads; "" where none is known. ProgramError.
    """
    from sbom import write_sbom  # takes its time to import, for what is seldom made

    root, folder = root or ROOT, Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A copy of the sources, since setuptools would leave its traces in the repository.
    with tempfile.TemporaryDirectory() as copy, tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        shutil.copytree(root / "linewalk", Path(copy, "linewalk"), ignore=shutil.ignore_patterns("__pycache__"))
        new = Path(beside, "wheel")
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(root / name, copy)
        if site:
            with Path(copy, "pyproject.toml").open("a", encoding="utf-8") as project:
                project.write(f"\n[project.urls]\nBook = {json.dumps(site)}\n")
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-build-isolation", "--wheel-dir", new, copy]
        # The same sources give the same bytes, so that caches keep what did not change. 1980 is where zip begins.
        run(command, copy, NO_WHEEL, SOURCE_DATE_EPOCH="315532800")
        (wheel,) = new.glob("*.whl")
        write_sbom(wheel, root)
        link = f'<a href="{wheel.name}">{wheel.name}</a>'
        index = '<!doctype html>\n<meta charset="utf-8">\n<title>linewalk 的 wheel · The wheel of linewalk</title>\n'
        index += f'{link}\n<p>MIT · <a href="../licences.html">许可 · Licences</a>\n'
        (new / "index.html").write_text(index, encoding="utf-8")
        new.rename(folder)
        return folder / wheel.name
