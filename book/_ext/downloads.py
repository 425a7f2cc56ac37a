"""Sphinx extension: each chapter as a notebook to download in three editions, and links that open it in the cloud.

The notebooks lie beside the pages that they became. The cloud services open a chapter from the repository that
_config.yml names; where it names none, their links are absent.
"""

from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import nbformat
from editions.cells import twins
from editions.pages import SWITCH, in_repository

BOOTSTRAP = Path(__file__).with_name("install_linewalk.py")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
MORE = "book/elsewhere"


def setup(app):
    app.add_css_file("elsewhere.css")
    app.add_js_file("elsewhere.js", defer="defer")
    app.connect("html-page-context", add_links)
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_links(app, pagename, templatename, context, doctree):
    """At `html-page-context`: gives the template what leads to the chapter as a notebook."""
    if not is_chapter(app, pagename):
        return
    up = "../" * pagename.count("/") + "../"
    stem = pagename.rpartition("/")[2]
    context["notebook_downloads"] = [
        {"label": label, "lang": hreflang, "href": f"{up}{code}/{pagename}.ipynb", "file": f"{stem}.{code}.ipynb"}
        for code, (label, hreflang) in {
            "zh": ("中文", "zh-CN"),
            "en": ("English", "en"),
            "both": ({"zh": "中英双语", "en": "Both"}.get(app.config.edition, "中英双语 · Both"), None),
        }.items()
    ]
    repository = app.config.repository if in_repository(pagename) else {}
    context["notebook_services"] = services(repository.get("url"), repository.get("branch"), f"{pagename}.ipynb")
    context["more_platforms"] = app.builder.get_relative_uri(pagename, MORE) if MORE in app.env.found_docs else None


def services(repository, branch, path):
    """(name, address) of each service that can open the notebook at `path` of the repository."""
    if not repository:
        return []
    repository = repository.rstrip("/").removesuffix(".git")
    branch, path = quote(branch or "main", safe=""), quote(path)
    lab = f"?urlpath=lab/tree/{path}"
    if urlsplit(repository).hostname != "github.com":
        return [("Binder", f"https://mybinder.org/v2/git/{quote(repository, safe='')}/{branch}{lab}")]
    name = urlsplit(repository).path.strip("/")
    # In GitHub's own addresses a branch's slashes stay.
    blob = f"{name}/blob/{branch.replace('%2F', '/')}/{path}"
    return [
        ("Colab", f"https://colab.research.google.com/github/{blob}"),
        ("Kaggle", f"https://kaggle.com/kernels/welcome?src=https://github.com/{blob}"),
        ("Binder", f"https://mybinder.org/v2/gh/{name}/{branch}{lab}"),
        ("PAI-DSW", f"https://gallery.pai-ml.com/#/import/https://github.com/{blob}"),
    ]


def write_notebooks(app, exception):
    """At `build-finished`: puts this edition's notebooks beside its pages."""
    if exception or app.builder.format != "html":
        return
    address = wheel_address(app.config.html_baseurl)
    for name in sorted(app.env.found_docs):
        if is_chapter(app, name):
            notebook = nbformat.read(app.env.doc2path(name), as_version=4)
            target = Path(app.outdir, f"{name}.ipynb")
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(edition_notebook(notebook, app.config.edition, address), target)


def edition_notebook(notebook, edition, address):
    """The notebook in one edition, without outputs, its first code cell installing linewalk from `address`."""
    shown = SWITCH if edition == "both" else [edition]
    cells = []
    for zh, en in twins(notebook.cells):
        pair = [zh] if zh is en else [cell for lang, cell in (("zh", zh), ("en", en)) if cell and lang in shown]
        cells += [nbformat.from_dict(cell) for cell in pair]
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "bootstrap" in cell.metadata.get("tags", []):
            cell.source = bootstrap(address)
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "edition": edition}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def bootstrap(address="linewalk"):
    """The source of a chapter's first code cell, which installs linewalk from `address` where it is missing."""
    name = '"LINEWALK_WHEEL", "{}"'
    return BOOTSTRAP.read_text(encoding="utf-8").strip().replace(name.format("linewalk"), name.format(address))


def wheel_address(edition_address):
    """Where the site keeps linewalk's wheel; without an address of the site, linewalk's name on PyPI."""
    if not edition_address:
        return "linewalk"
    return urljoin(edition_address, f"../wheel/linewalk-{version('linewalk')}-py3-none-any.whl")


def is_chapter(app, docname):
    return docname in app.env.found_docs and str(app.env.doc2path(docname)).endswith(".ipynb")
