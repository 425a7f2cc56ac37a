"""The page that names all that the site ships, with versions, licences and sources.

What npm bundles is by the lock files, what Sphinx copies as installed here; texts and addresses are the packages' own.
"""

import importlib.metadata
import json
import re
from html import escape
from pathlib import Path

from bundle import FORMS, WORK, packages

# The Python packages whose style sheets and scripts Sphinx copies into an edition's _static.
COPIED = (
    "accessible-pygments", "myst-nb", "pydata-sphinx-theme", "pygments", "sphinx", "sphinx-book-theme",
    "sphinx-copybutton", "sphinx-design",
)

# What an npm package was made with and brings along: name, licence, source.
WITHIN = {
    "pyodide": [("Python", "PSF-2.0", "https://github.com/python/cpython")],
    "@viz-js/viz": [
        ("Graphviz", "EPL-2.0", "https://gitlab.com/graphviz/graphviz"),
        ("Expat", "MIT", "https://github.com/libexpat/libexpat"),
    ],
}

# What a file says of itself, and of what others it is made of: no minifier takes such a comment away.
NOTICE = re.compile(r"/\*!(.*?)\*/", re.DOTALL)


def write_licences(page, source, edition):
    """Fills the page in; `source` has the lock files and our own styles and scripts, `edition` what Sphinx made."""
    html = page.read_text(encoding="utf-8")
    own = f"<pre>{escape((source / 'LICENSE').read_text(encoding='utf-8'))}</pre>"
    parts = [*bundled(source), *copied(), *noticed(edition / "_static", source / "book" / "_static")]
    page.write_text(
        html.replace("<!-- book -->", own).replace("<!-- parts -->", "\n".join(map(entry, parts))), encoding="utf-8"
    )


def entry(part):
    name, licence, address, text = part
    link = f'<a href="{escape(address)}">{escape(address)}</a>' if address else ""
    about = f"<b>{escape(name)}</b> {escape(licence or '')}"
    return f"<details><summary>{about}</summary>\n<p>{link}</p>\n<pre>{escape(text)}</pre></details>"


def bundled(source):
    """(name and version, licence, source, text) of each npm package in the site's scripts."""
    for form in FORMS:
        folder = source / "book" / form
        modules = packages(folder, WORK / form)
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        for place, package in sorted(lock.items()):
            if place and not makes(place):
                path = modules / place.removeprefix("node_modules/")
                about = json.loads((path / "package.json").read_text(encoding="utf-8"))
                texts = [file for file in sorted(path.iterdir()) if re.match("licen[cs]e", file.name, re.IGNORECASE)]
                name = f"{about['name']} {package['version']}"
                yield name, package.get("license"), npm_source(about), joined(texts) or unpacked(path, about, package)
                for inner, licence, address in WITHIN.get(about["name"], ()):
                    yield inner, licence, address, elsewhere(licence)


def unpacked(path, about, package):
    """What stands for the licence that a package does not bring along: its own notice, and where the text is."""
    script = path / about.get("main", "")
    notices = NOTICE.findall(script.read_text(encoding="utf-8")) if script.suffix == ".js" and script.exists() else []
    return "\n\n".join([*dict.fromkeys(notice.strip() for notice in notices), elsewhere(package["license"])])


def elsewhere(licence):
    """Where the text of a licence is that a package does not bring along."""
    return f"https://spdx.org/licenses/{licence}.html"


def makes(place):
    """Whether an npm package only makes the scripts, as esbuild does, or is for editors, or for Node alone."""
    return "esbuild" in place or "/@types/" in place or place in ("node_modules/ws", "node_modules/undici-types")


def npm_source(about):
    repository = about.get("repository") or about.get("homepage") or ""
    address = repository.get("url", "") if isinstance(repository, dict) else repository
    address = re.sub(r"^git(\+|(?=:))|\.git$", "", address)
    address = re.sub(r"^(:|ssh:)//(git@)?", "https://", address)
    return address if "://" in address else f"https://github.com/{address.removeprefix('github:')}"


def copied():
    for name in COPIED:
        distribution = importlib.metadata.distribution(name)
        about = distribution.metadata
        texts = [
            file.locate() for file in distribution.files
            if re.match(r"licen[cs]e|authors", file.name, re.IGNORECASE) and ".dist-info" in str(file)
        ]
        yield f"{about['Name']} {about['Version']}", licence_of(about), python_source(about), joined(texts)


def python_source(about):
    named = dict(line.split(", ", 1) for line in about.get_all("Project-URL", []))
    for label in ("Source", "Repository", "Code", "Source Code", "Homepage"):
        if label in named:
            return named[label]
    return about["Home-page"]


def licence_of(about):
    """The licence that a Python package names: as an expression of SPDX's, or by its classifiers."""
    found = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    return about.get("License-Expression") or ", ".join(found) or None


def noticed(static, ours):
    """The notices in the files themselves, or beside them: they name what others have built into theirs."""
    own = {path.name for path in ours.rglob("*.*")}
    for path in sorted(static.rglob("*.*")):
        if path.name not in own and path.name.endswith((".css", ".js", ".LICENSE.txt")):
            found = dict.fromkeys(NOTICE.findall(path.read_text(encoding="utf-8")))
            if found:
                text = "\n\n".join(" ".join(notice.split()) for notice in found)
                yield path.relative_to(static).as_posix(), None, None, text


def joined(paths):
    return "\n\n".join(Path(path).read_text(encoding="utf-8").strip() for path in paths)
