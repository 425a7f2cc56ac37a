"""Sphinx extension: each chapter as a notebook to download in three editions, and links that open it in the cloud.

The notebooks lie beside the pages that they became. They install linewalk from the site, whose address _config.yml
names, or from the wheel that they carry. Most cloud services open nothing but what lies in a repository on GitHub: the
workflow that publishes the site puts the same notebooks into a branch of it. Where no repository is known, there are no
links to them; the services take a downloaded notebook as well.
"""

import base64
import hashlib
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit

import nbformat
from editions.cells import twins
from editions.pages import SWITCH, in_repository

BOOTSTRAP = Path(__file__).with_name("install_linewalk.py")
CARRIER = Path(__file__).with_name("carry_linewalk.py")
# Out of the reader's sight: in JupyterLab, and in Colab, whose forms show a cell's title only.
HIDDEN = {"tags": ["carrier"], "jupyter": {"source_hidden": True}, "cellView": "form"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
MORE = "book/elsewhere"
BRANCH = "notebooks"  # of the repository, by .github/workflows/site.yml
# Where a service takes a notebook from the reader's disk.
UPLOADS = {
    "Colab": "https://colab.research.google.com/#upload=true",
    "Kaggle": "https://www.kaggle.com/code/new",
    "ModelScope": "https://modelscope.cn/my/mynotebook",
}
IN_CHINA = ("ModelScope", "PAI-DSW")


def setup(app):
    app.add_config_value("linewalk_site", "", "", [str])
    app.add_config_value("linewalk_wheels", "", "", [str])
    app.add_css_file("reading/notebook-menu.css")
    app.add_js_file("reading/notebook-menu.js", defer="defer")
    app.connect("html-page-context", add_links)
    app.connect("doctree-read", write_notebook)
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
    edition = app.config.edition
    found = services(repository.get("url"), repository.get("branch"), f"{pagename}.ipynb", edition)
    context["notebook_services"] = in_order(found, edition)
    context["notebook_uploads"] = in_order(UPLOADS.items(), edition)
    context["linewalk_wheel"] = f"{up}wheel/{wheel_name()}"
    context["more_platforms"] = app.builder.get_relative_uri(pagename, MORE) if MORE in app.env.found_docs else None


def services(repository, branch, path, edition):
    """(name, address) of each service that can open the notebook at `path` of the repository in one click."""
    if not repository:
        return []
    repository = repository.rstrip("/").removesuffix(".git")
    # Binder makes an environment of the repository, with linewalk in it; the others need what brings linewalk along.
    lab = f"{quote(branch or 'main', safe='')}?urlpath=lab/tree/{quote(path)}"
    if urlsplit(repository).hostname != "github.com":
        return [("Binder", f"https://mybinder.org/v2/git/{quote(repository, safe='')}/{lab}")]
    name = urlsplit(repository).path.strip("/")
    blob = f"{name}/blob/{BRANCH}/{edition}/{quote(path)}"
    return [
        ("Colab", f"https://colab.research.google.com/github/{blob}"),
        ("Kaggle", f"https://kaggle.com/kernels/welcome?src=https://github.com/{blob}"),
        ("Binder", f"https://mybinder.org/v2/gh/{name}/{lab}"),
        ("ModelScope", f"https://modelscope.cn/notebook/share/github/{blob}"),
        ("PAI-DSW", f"https://gallery.pai-ml.com/#/import/https://github.com/{blob}"),
    ]


def in_order(services, edition):
    """Readers of Chinese first see what mainland China can reach."""
    return sorted(services, key=lambda service: service[0] not in IN_CHINA) if edition != "en" else list(services)


def write_notebook(app, doctree):
    """At `doctree-read`: puts a chapter's notebook in this edition where its page will be."""
    name = app.env.docname
    if app.builder.format != "html" or not is_chapter(app, name):
        return
    address, wheel = wheel_address(app.config.linewalk_site), None
    if not address:
        (wheel,) = Path(app.config.linewalk_wheels).glob("*/*.whl")
    notebook = nbformat.read(app.env.doc2path(name), as_version=4)
    target = Path(app.outdir, f"{name}.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(edition_notebook(notebook, app.config.edition, address, wheel), target)


def edition_notebook(notebook, edition, address=None, wheel=None):
    """The notebook in one edition, without outputs, installing linewalk from `address`, or from the file `wheel`."""
    shown = SWITCH if edition == "both" else [edition]
    cells = []
    for zh, en in twins(notebook.cells):
        pair = [zh] if zh is en else [cell for lang, cell in (("zh", zh), ("en", en)) if cell and lang in shown]
        for cell in map(nbformat.from_dict, pair):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if "bootstrap" in cell.metadata.get("tags", []):
                cell.source = bootstrap(address or "")
                if wheel and not address:
                    cells.append(carrier(wheel))
            cells.append(cell)
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "edition": edition}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def bootstrap(address=""):
    """The source of a chapter's first code cell, which installs linewalk from `address` where it is missing."""
    name = '"LINEWALK_WHEEL", "{}"'
    return BOOTSTRAP.read_text(encoding="utf-8").strip().replace(name.format(""), name.format(address))


def carrier(wheel):
    """The cell that carries linewalk's wheel for the bootstrap cell after it."""
    content = wheel.read_bytes()
    # Long lines: an editor is slow with thousands of short ones, and with a single one of half a million letters.
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[start : start + 1000] for start in range(0, len(text), 1000))
    empty = 'NAME, SHA256, BASE64 = "", "", """\n"""'
    full = f'NAME, SHA256, BASE64 = "{wheel.name}", "{hashlib.sha256(content).hexdigest()}", """\n{lines}\n"""'
    source = CARRIER.read_text(encoding="utf-8").strip().replace(empty, full)
    cell = nbformat.v4.new_code_cell(source, metadata=HIDDEN)
    cell.id = "linewalk-wheel"  # a new one each time would change the site's files
    return cell


def wheel_address(site):
    """Where the site at an address keeps linewalk's wheel; "" where no address is named."""
    return site and f"{site.rstrip('/')}/wheel/{wheel_name()}"


def wheel_name():
    return f"linewalk-{version('linewalk')}-py3-none-any.whl"


def is_chapter(app, docname):
    return docname in app.env.found_docs and str(app.env.doc2path(docname)).endswith(".ipynb")
