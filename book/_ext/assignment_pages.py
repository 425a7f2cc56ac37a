"""Sphinx extension: under an assignment's opening, its page says how to get it as a notebook."""

import nbformat
from editions.cells import heading
from editions.pages import in_repository
from nbformat.v4 import new_markdown_cell

NOTE = {
    "zh": (
        "**拿到这份作业。** 这一页只给人看：没有答案，也没有运行过。"
        "右上角的“笔记本”菜单里有三种下载：中文、英文、中英双语。"
        "仓库里不放学生版，所以没有云端链接；下载后上传到 Colab、Kaggle、PAI-DSW，"
        "或者在自己的 JupyterLab 里打开，都能做，见[在别处运行](../book/elsewhere.md)。"
    ),
    "en": (
        "**Get this assignment.** This page is for reading: it has no answers, and none of it was run. "
        "The menu “Notebook” at the top right has three downloads: Chinese, English, both. "
        "The repository holds no student versions, so no links lead into the cloud; upload what you downloaded to "
        "Colab, Kaggle or PAI-DSW, or open it in your own JupyterLab: see [Run it elsewhere](../book/elsewhere.md)."
    ),
}


def setup(app):
    app.connect("source-read", add_note, priority=400)  # before an edition's cells are picked
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_note(app, docname, source):
    """At `source-read`: puts the note after the title and the opening paragraphs."""
    if in_repository(docname):
        return
    notebook = nbformat.reads(source[0], as_version=4)
    cells = notebook.cells
    title = next(number for number, cell in enumerate(cells) if cell.metadata.get("lang") == "en") + 1
    end = next((n for n in range(title, len(cells)) if cells[n].cell_type == "code" or heading(cells[n].source)), title)
    cells[end:end] = [
        new_markdown_cell(f":::{{div}} get-notebook\n{text}\n:::", metadata={"lang": lang}, id=f"get-{lang}")
        for lang, text in NOTE.items()
    ]
    source[0] = nbformat.writes(notebook)
