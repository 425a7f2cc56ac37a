"""The sources of one moment: read once, known by their digest, and laid out where the build works on them.

What is edited while the site is built is not in it, and the digest, which is of what was read, says so to the next
build. What did not change keeps its file and so its time, by which Sphinx goes; what did gets a new one, whatever time
the editor gave it.
"""

import hashlib
import os
import shutil
from pathlib import Path

import yaml
from addresses import addresses

# What a build reads besides the folders of the documents that the table of contents names.
FILES = (
    "_config.yml", "_toc.yml", "requirements.txt", "locks/requirements.txt", "pyproject.toml", "README.md", "LICENSE",
    "classroom/assignments.py", "classroom/nbgrader_config.py",
)
FOLDERS = ("book", "linewalk", "classroom/source", "classroom/before_handing_in")

# Of the documents' folders, what a page can show or run. Other files may be what the chapters wrote as they ran.
DOCUMENTS = (".ipynb", ".md")
SHOWN = (*DOCUMENTS, ".py", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")

# The same as SafeLoader, and ten times as fast, where PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

NO_YAML = (
    "{name} 不是有效的 YAML，请改好再试：{reason} · {name} is not valid YAML; mend it and try again: {reason}"
)
NO_TOC = (
    "_toc.yml 里要写明 root 和 parts（Jupyter Book 的目录格式），现在没有。"
    " · _toc.yml has to name a root and parts, as Jupyter Book's tables of contents do; it does not."
)
OUTSIDE = (
    "_toc.yml 里写的 {name} 不在这个文件夹里：请写相对的路径，不带“..”。"
    " · {name}, which _toc.yml names, lies outside this folder: name it by a relative path without '..'."
)
NO_NAME = (
    "文件名 {name} 里有不能显示的字符，请改名后再试。"
    " · The file name {name} holds characters that cannot be shown; rename the file and try again."
)


class SourceError(Exception):
    """What is wrong with a source; the text says which one, and what to do."""


class Snapshot:
    """`sources` is {name: content}; names are relative to the root, with /."""

    def __init__(self, root):
        self.sources, self.digests = {}, {}
        self.repository, self.site = addresses(root)
        for name in FILES:
            self.take(name, root / name)
        for folder in FOLDERS:
            self.take_all(root, folder)
        self.documents = documents(self.yaml("_toc.yml"))
        for document in self.documents:
            folder = document.rpartition("/")[0].partition("/")[0]
            if folder:
                self.take_all(root, folder, SHOWN)
            else:
                for suffix in DOCUMENTS:
                    self.take(f"{document}{suffix}", root / f"{document}{suffix}")

    def take_all(self, root, folder, suffixes=("",)):
        for name, path in files_below(root, folder):
            if name not in self.sources and name.endswith(suffixes):
                self.take(name, path)

    def take(self, name, path):
        try:
            if not path.is_file():  # else it could be a pipe, which nobody may ever write to
                return
            content = path.read_bytes()
        except FileNotFoundError:
            return
        self.sources[name] = content
        self.digests[name] = hashlib.sha256(content).digest()

    def yaml(self, name):
        try:
            return yaml.load(self.sources.get(name, b"").decode(), LOADER)
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise SourceError(NO_YAML.format(name=name, reason=" ".join(str(error).split()))) from error

    def config(self):
        """_config.yml, with the addresses that it leaves empty as the CI or the clone gives them."""
        config = self.yaml("_config.yml")
        config["repository"] = {**(config.get("repository") or {})}
        config["repository"]["url"] = config["repository"].get("url") or self.repository
        config["html"]["baseurl"] = config["html"].get("baseurl") or self.site
        return config

    def digest(self, *tops):
        """Of all that was read, or of some files and folders only; names count."""
        total = hashlib.sha256(b"" if tops else f"{self.repository}\0{self.site}\0".encode())
        for name in sorted(self.sources):
            if not tops or name in tops or name.startswith(tuple(f"{top}/" for top in tops)):
                total.update(f"{name}\0".encode() + self.digests[name])
        return total.hexdigest()

    def lay_out(self, folder, keep):
        """Makes `folder` hold the sources, and nothing else but what lies in its folder `keep`."""
        for name, path in list(files_below(folder, "")):
            if name not in self.sources and not name.startswith(f"{keep}/"):
                path.unlink()
        for name, content in self.sources.items():
            write(content, folder / name)


def write(content, path):
    """Only what changed, and never half of it."""
    if path.is_file() and path.read_bytes() == content:
        return
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}")
    new.write_bytes(content)
    os.replace(new, path)
    # Python goes by seconds and size, and could take the new file for the one that it has compiled.
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)


def documents(toc):
    """What a table of contents names, the root first; without suffixes, as Sphinx does."""
    if not isinstance(toc, dict) or not isinstance(toc.get("root"), str) or not isinstance(toc.get("parts"), list):
        raise SourceError(NO_TOC)
    try:
        names = [toc["root"], *files_in(toc["parts"])]
    except RecursionError as error:  # entries that hold themselves, as YAML can say
        raise SourceError(NO_TOC) from error
    for name in names:
        if not isinstance(name, str):
            raise SourceError(NO_TOC)
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise SourceError(OUTSIDE.format(name=name))
    return [name.removesuffix(".ipynb").removesuffix(".md") for name in names]


def files_in(entries):
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            if "file" in entry:
                yield entry["file"]
            for inner in entry.values():
                yield from files_in(inner)


def files_below(root, folder):
    """(name, path) of the files in a folder, links followed. Hidden ones, as editors leave them, are no sources."""
    seen = set()
    for place, folders, names in os.walk(root / folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        if real in seen:  # by a link, from inside itself
            folders.clear()
            continue
        seen.add(real)
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                if not name.isprintable():
                    raise SourceError(NO_NAME.format(name=ascii(name)))
                yield path.relative_to(root).as_posix(), path
