"""Sphinx extension: an assignment's page says what can be done on it, and how to get it as a notebook.

Its cells get tags by which the page's scripts know them: `answer` and `answer-<id>` where a student writes, `test`, and
`check-all`, which judges all answers. What is written is kept by _static/live/kept-answers.js.
"""

import nbformat
from editions.cells import heading
from editions.pages import in_repository
from nbformat.v4 import new_markdown_cell

NOTE = {
    # In one line a paragraph: a line break would stand as a space between Chinese characters.
    "zh": (
        "**代码可以就在这一页写。** 点一格下面的“运行”，改好了再运行；写完点最后一格的“运行”，"
        "看得到的检查全部过一遍，和笔记本里一样。您写的代码留在这个浏览器里，刷新不丢，也不会发给任何人；公用的电脑，做完点上面的“还原”。\n\n"
        "**交作业要用笔记本**，说明题也在那里写。写了代码以后，最后一格下面有按钮，下载一份已经填好的；"
        "右上角的“笔记本”菜单里有空白的：中文、英文、中英双语。"
        "仓库里不放学生版，所以没有云端链接；下载后上传到 Colab、Kaggle、PAI-DSW，"
        "或者在自己的 JupyterLab 里打开，都能做，见[在别处运行](../book/elsewhere.md)。"
    ),
    "en": """\
**You can write the code on this page.** Press “Run” below a cell, change it, and run it again; “Run” below the last
cell then goes through all visible tests, as in the notebook. What you write stays in this browser, survives a reload
and is sent to nobody; on a shared computer, press “Reset” at the top when you are done.

**You hand in the notebook**, in which you also answer the questions in words. Once you have written code, a button
below the last cell downloads one with your code filled in; the menu “Notebook” at the top right has empty ones:
Chinese, English, both. The repository holds no student versions, so no links lead into the cloud; upload what you
downloaded to Colab, Kaggle or PAI-DSW, or open it in your own JupyterLab: see
[Run it elsewhere](../book/elsewhere.md).""",
}

# What a student writes into, though it counts for nothing: lines to be put in order.
ALSO_WRITTEN = ("order",)


def setup(app):
    app.connect("source-read", prepare, priority=400)  # before an edition's cells are picked
    app.connect("html-page-context", keep_answers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def keep_answers(app, pagename, templatename, context, doctree):
    """At `html-page-context`: gives assignments the script that keeps what is written there."""
    if not in_repository(pagename):
        app.add_js_file("live/kept-answers.js", defer="defer")
        app.add_css_file("live/kept-answers.css")


def prepare(app, docname, source):
    """At `source-read`: puts the note after the title and the opening paragraphs, and tags on cells of code."""
    if in_repository(docname):
        return
    notebook = nbformat.reads(source[0], as_version=4)
    add_note(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.tags = [*cell.metadata.get("tags", []), *tags(cell)]
    source[0] = nbformat.writes(notebook)


def tags(cell):
    role = cell.metadata.get("nbgrader", {})
    if cell.id == "before_handing_in":
        return ["check-all"]
    if role.get("grade"):
        return ["test"]
    return ["answer", f"answer-{cell.id}"] if role.get("solution") or cell.id in ALSO_WRITTEN else []


def add_note(cells):
    title = next(number for number, cell in enumerate(cells) if cell.metadata.get("lang") == "en") + 1
    end = next((n for n in range(title, len(cells)) if cells[n].cell_type == "code" or heading(cells[n].source)), title)
    cells[end:end] = [
        new_markdown_cell(f":::{{div}} get-notebook\n{text}\n:::", metadata={"lang": lang}, id=f"get-{lang}")
        for lang, text in NOTE.items()
    ]
