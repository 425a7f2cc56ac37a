"""What of a student's file is let in, and what the student is told where nothing can be."""

import base64
import io
import json
import os

import nbformat
import pytest
from downloads import carrier
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

reading = pytest.importorskip("reading")
Submission = pytest.importorskip("collect").Submission


def given(name, **changes):
    about = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return {"nbgrader": {**about, **changes}}


BLANK = new_notebook(
    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    cells=[
        new_markdown_cell("写出下面的函数。", metadata={"lang": "zh"}),
        new_code_cell("raise NotImplementedError()", metadata=given("answer", solution=True)),
        new_code_cell("assert f()", metadata=given("test_f", grade=True, locked=True, points=2)),
    ],
)


def submitted(change=lambda notebook: None):
    notebook = nbformat.from_dict(json.loads(nbformat.writes(BLANK)))
    change(notebook)
    return Submission("alice", "alice.ipynb", nbformat.writes(notebook, version=4).encode())


def test_what_nbgrader_knows_a_cell_by_is_put_back():
    def change(notebook):
        notebook.cells[2].metadata.nbgrader.update(points=400, locked=False, grade=False)
        notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="x" * 10**6)]
        own = {"nbgrader": {"grade_id": "mine", "grade": True, "points": 9}}
        notebook.cells.append(new_code_cell("1", metadata=own))
        notebook.metadata.kernelspec.name = "julia"

    notebook, missing, _ = reading.read_notebook(submitted(change), BLANK)
    assert missing == []
    assert [cell.metadata.get("nbgrader") for cell in notebook.cells] == [
        *(cell.metadata.get("nbgrader") for cell in BLANK.cells),
        None,
    ]
    assert not notebook.cells[1].outputs and notebook.metadata.kernelspec.name == "python3"


def test_deleted_cells_are_named():
    assert reading.read_notebook(submitted(lambda notebook: notebook.cells.pop(1)), BLANK)[1] == ["answer"]
    with pytest.raises(reading.Unreadable, match="wrong file"):
        reading.read_notebook(submitted(lambda notebook: notebook.cells.pop(2)), BLANK)


def test_deleted_cells_that_give_marks_are_put_back_where_they_were():
    answer = given("why", grade=True, solution=True, points=3)
    cells = [*BLANK.cells, new_code_cell("assert g()", metadata=given("test_g", grade=True, locked=True, points=1))]
    blank = new_notebook(metadata=BLANK.metadata, cells=[*cells, new_markdown_cell("（回答）", metadata=answer)])

    def change(notebook):
        notebook.cells[2:] = [new_code_cell("assert g()", metadata=given("test_g")), new_code_cell("own = 1")]

    notebook, missing, _ = reading.read_notebook(submitted(change), blank)
    assert missing == ["test_f", "why"]
    assert [cell.source for cell in notebook.cells] == [
        *(cell.source for cell in blank.cells[:3]),
        "assert g()",
        "（回答）",
        "own = 1",
    ]
    assert notebook.cells[2].metadata.nbgrader == blank.cells[2].metadata.nbgrader


NO_NOTEBOOKS = {
    b"": ("是空的", "is empty"),
    b"\xff\xfe": ("是空的", "is empty"),
    bytes(5000): ("是空的", "is empty"),
    b"{}": ("没有格子", "has no cells"),
    b"[1]": ("没有格子", "has no cells"),
    b"[" * 10**5: ("太深", "nested too deep"),
    b'{"cells": [5], "nbformat": 4}': ("没有", "has no cells"),
    b'{"cells": [], "nbformat": 4}': ("保存", "Save it in Jupyter"),
    b'{"cells": [{"cell_type": "code", "sour': ("缺了", "cut off"),
    b'{"cells": [{"cell_type": code}], "nbformat": 4}': ("第 1 行坏了", "damaged in line 1"),
    b'{\n<<<<<<< HEAD\n"cells": []\n=======\n"cells": []\n>>>>>>> theirs\n}': ("合并冲突", "merge conflict"),
    b"<!DOCTYPE html><html><title>Log in</title>": ("网页", "web page"),
    b"%PDF-1.7": ("PDF", "a PDF"),
    b"PK\3\4 ... word/document.xml": ("Word", "a Word document"),
    b"PK\3\4 ... forward.ipynb": ("压缩包", "an archive"),
    b"import torch\n": ("Python 代码", "Python code"),
    "我的作业".encode(): ("普通的文字", "plain text"),
}


@pytest.mark.parametrize("content, told", NO_NOTEBOOKS.items())
def test_what_is_no_notebook_is_called_by_its_kind(content, told):
    with pytest.raises(reading.Unreadable, match=r"不是能打开的 notebook。 · .* is not a notebook") as error:
        reading.read_notebook(Submission("alice", "alice.ipynb", content), BLANK)
    zh, en = str(error.value).split(" · ")
    assert told[0] in zh and told[1] in en and "alice.ipynb" in zh and "alice.ipynb" in en


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gbk"])
def test_encodings(encoding):
    """As Windows Notepad and others save them."""
    content = nbformat.writes(BLANK).replace("写出下面的函数。", "写出下面的函数，再解释。").encode(encoding)
    notebook, missing, notes = reading.read_notebook(Submission("alice", "alice.ipynb", content), BLANK)
    assert notebook.cells[0].source == "写出下面的函数，再解释。" and not missing and not notes


def test_a_letter_damaged_is_not_read_in_another_encoding():
    content = nbformat.writes(BLANK).encode().replace("写".encode(), b"\xe5\x86")
    notebook, *_ = reading.read_notebook(Submission("alice", "alice.ipynb", content), BLANK)
    assert notebook.cells[0].source == "\ufffd出下面的函数。"


def test_outputs_of_many_megabytes_are_dropped():
    def change(notebook):
        notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="x" * 12 * 2**20)]

    assert not reading.read_notebook(submitted(change), BLANK)[0].cells[1].outputs


def test_half_characters_and_zeros_leave_a_mark():
    text = submitted().content.decode().replace("raise NotImplementedError()", "x = '\\ud800 \\u0000 \\ud83d\\ude42'")
    notebook, *_ = reading.read_notebook(Submission("alice", "alice.ipynb", text.encode()), BLANK)
    assert notebook.cells[1].source == "x = '\ufffd \ufffd 🙂'"


@pytest.mark.parametrize(
    "answers, kept",
    [
        (["raise NotImplementedError()", "f = 1"], "f = 1"),
        (["f = 1", "raise NotImplementedError()"], "f = 1"),
        (["f = 1", "f = 2", ""], "f = 2"),
    ],
)
def test_of_a_copied_cell_the_one_with_the_work_is_graded_and_none_is_lost(answers, kept):
    def change(notebook):
        notebook.cells[1:2] = [new_code_cell(one, metadata=given("answer", solution=True)) for one in answers]
        notebook.cells.append(new_code_cell("assert True", metadata=given("test_f")))

    notebook, missing, notes = reading.read_notebook(submitted(change), BLANK)
    named = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert [cell.metadata.nbgrader.grade_id for cell in named] == ["answer", "test_f"]
    assert named[0].source == kept and not missing
    assert {*answers, "assert True"} <= {cell.source for cell in notebook.cells}
    assert ("of which the last was graded" in str(notes)) == (len(answers) == 3)


def test_cells_whose_names_were_dropped_are_known_by_text_and_place():
    def change(notebook):
        notebook.cells[1].source = "f = 1"
        for cell in notebook.cells:
            cell.metadata = {}

    notebook, missing, notes = reading.read_notebook(submitted(change), BLANK)
    assert [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells] == [None, "answer", "test_f"]
    assert not missing and "answer" in notes[0][1]


def test_another_assignments_file_is_named():
    path = reading.SOURCE / "init" / "init.ipynb"
    with pytest.raises(reading.Unreadable, match=r"作业.* wrong file, since it looks like that of init"):
        reading.read_notebook(Submission("alice", "alice.ipynb", path.read_bytes()), BLANK)


def test_format_3():
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": ["写出下面的函数。"], "metadata": {}},
                    {
                        "cell_type": "code",
                        "language": "python",
                        "input": ["f = 1\r\n", "g"],
                        "metadata": given("answer"),
                        "outputs": [],
                    },
                    {
                        "cell_type": "code",
                        "language": "python",
                        "input": "assert f()",
                        "metadata": given("test_f"),
                        "outputs": [],
                    },
                ]
            }
        ],
    }
    notebook, *_ = reading.read_notebook(Submission("alice", "alice.ipynb", json.dumps(old).encode()), BLANK)
    assert [cell.source for cell in notebook.cells] == ["## 写出下面的函数。", "f = 1\ng", "assert f()"]


def png(size=(30, 20)):
    written = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(written, "PNG")
    return base64.b64encode(written.getvalue()).decode()


@pytest.mark.parametrize(
    "source, attachments",
    [
        ("![屏幕 截图.png](<attachment:屏幕 截图.png>)", {"屏幕 截图.png": {"image/png": png()}}),
        ("![a](attachment:a.png)", {"a.png": {"image/jpeg": [png()[:40], png()[40:]]}}),
        ("<img src='attachment:a.png' width=300>", {"a.png": {"image/png": png()}}),
        (f"![Colab](data:image/png;base64,{png()})", None),
    ],
)
def test_pasted_pictures_are_on_every_page(source, attachments):
    from test_broken import pages

    def change(notebook):
        notebook.cells[0].source = source
        if attachments:
            notebook.cells[0].attachments = attachments

    notebook, _, notes = reading.read_notebook(submitted(change), BLANK)
    assert not notes
    for page in pages(notebook):
        assert f'src="data:image/png;base64,{png()}"' in page


@pytest.mark.parametrize(
    "bundle, told",
    [
        (None, "is not in the file"),
        ({}, "is not in the file"),
        ({"image/png": "not base64!"}, "has no format that can be shown"),
        ({"image/svg+xml": base64.b64encode(b"<svg onload='x'/>").decode()}, "has no format that can be shown"),
        ({"text/html": "<script>alert(1)</script>"}, "has no format that can be shown"),
        ({"image/png": "A" * 2**24}, "too large"),
        ({"image/png": png((9000, 9000))}, "too large"),
    ],
)
def test_pictures_that_cannot_be_shown_are_told(bundle, told):
    from test_broken import pages

    content = json.loads(nbformat.writes(BLANK))
    content["cells"][0] |= {"source": "![a](attachment:a.svg)", "attachments": {"a.svg": bundle}}
    found = Submission("alice", "alice.ipynb", json.dumps(content).encode())
    notebook, _, notes = reading.read_notebook(found, BLANK)
    assert told in notes[0][1] and "a.svg" in notes[0][0]
    for page in pages(notebook):
        assert "<svg" not in page and "alert" not in page and "data:image/png" in page


@pytest.mark.parametrize(
    "kind, source, told",
    [
        ("markdown", "a" + " " * 2_000_000 + "b", "too much text, most of it in cell 1"),
        ("markdown", "\\\\[" * 20_000, "Cell 1 of alice.ipynb cannot be shown"),
        ("code", "x " + "*a" * 20_000, "Cell 1 of alice.ipynb cannot be shown"),
        ("markdown", "[" * 60_000, "Cell 1 of alice.ipynb cannot be shown"),  # for what comes after the rendering
    ],
)
def test_what_would_keep_a_page_busy_without_end_is_refused(kind, source, told):
    content = json.loads(nbformat.writes(BLANK))
    content["cells"].insert(0, {"cell_type": kind, "metadata": {}, "source": source, "outputs": []})
    with pytest.raises(reading.Unreadable, match=told):
        reading.read_notebook(Submission("alice", "alice.ipynb", json.dumps(content).encode()), BLANK)


def test_cells_that_would_keep_a_page_busy_together_are_refused(monkeypatch):
    monkeypatch.setattr("showable.ALTOGETHER", 0.5)
    content = json.loads(nbformat.writes(BLANK))
    slow = {"cell_type": "markdown", "metadata": {}, "source": "[" * 10_000}
    content["cells"] += [slow] * 9
    with pytest.raises(reading.Unreadable, match=r"Cell \d+ of alice.ipynb cannot be shown"):
        reading.read_notebook(Submission("alice", "alice.ipynb", json.dumps(content).encode()), BLANK)


def test_the_wheel_that_a_downloaded_notebook_carries_is_no_text_of_the_students(tmp_path):
    wheel = tmp_path / "linewalk-0-py3-none-any.whl"
    wheel.write_bytes(os.urandom(370_000))
    content = json.loads(nbformat.writes(BLANK))
    cell = json.loads(nbformat.v4.writes(nbformat.v4.new_notebook(cells=[carrier(wheel)])))["cells"][0]
    content["cells"].insert(0, {**cell, "metadata": {}})  # whatever a service leaves of a cell's metadata
    submission = Submission("alice", "alice.ipynb", json.dumps(content).encode())
    notebook, missing, _ = reading.read_notebook(submission, BLANK)
    assert not missing and sum(len(cell.source) for cell in notebook.cells) < 20_000


def test_a_file_that_takes_all_memory_stops_nobody_else():
    many = b'{"cells": [' + b"[[]]," * 12_000_000 + b"[]]}"
    with reading.Reader(BLANK) as reader:
        assert "too tangled" in reader(Submission("alice", "alice.ipynb", many))["unreadable"]
        assert reader(submitted())["missing"] == []


@pytest.mark.parametrize(
    "prose, edition",
    [
        (["写出下面的函数。"], "zh"),
        (["Write this function."], "en"),
        (["写出下面的函数。", "Write this function."], "both"),
    ],
)
def test_the_edition_is_guessed_where_it_was_dropped(prose, edition):
    def change(notebook):
        notebook.cells[:1] = map(new_markdown_cell, prose)

    assert reading.read_notebook(submitted(change), BLANK)[0].metadata.edition == edition


def test_the_edition_that_the_notebook_says():
    notebook, *_ = reading.read_notebook(submitted(lambda notebook: notebook.metadata.update(edition="en")), BLANK)
    assert notebook.metadata.edition == "en"
