"""Whose notebook is whose, however the submissions came; and what of a student's file is let in."""

import json
import os
import time
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

collect = pytest.importorskip("collect")


def students(place):
    return {found.student: found.content.decode() for found in collect.collect(place, "forward")}


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


LAYOUTS = {
    "by name": ("alice.ipynb", "forward_李雷.ipynb"),
    "as downloaded in an edition": ("alice.zh.ipynb", "李雷-forward.en.ipynb"),
    "downloaded again": ("alice (1).ipynb", "forward-李雷 (2).ipynb"),
    "copied": ("Copy of forward_alice.ipynb", "“forward_李雷”的副本.ipynb"),
    "copied in Windows": ("forward_alice - Copy (2).ipynb", "forward-李雷 - 副本.ipynb"),
    "downloaded in parts": ("forward/alice.ipynb", "forward (1)/李雷.ipynb"),
    "a folder each": ("alice/forward.ipynb", "李雷/作业.ipynb"),
    "nbgrader": ("submitted/alice/forward/forward.ipynb", "submitted/李雷/forward/forward.ipynb"),
    "nbgrader, the folder itself": ("alice/forward/forward.ipynb", "李雷/forward/forward.ipynb"),
    "Moodle": ("alice_1234_assignsubmission_file_/forward.ipynb", "李雷_77_assignsubmission_file_/x.ipynb"),
    "Moodle, without folders": (
        "alice_1234_assignsubmission_file_forward.ipynb", "李雷_77_assignsubmission_file_作业.zh.ipynb"
    ),
    "Canvas": ("alice_4242_99_forward.ipynb", "李雷_LATE_4243_98_forward.zh.ipynb"),
    "wrapped twice": ("term/all/alice/forward.ipynb", "term/all/李雷/forward.ipynb"),
}


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("zipped", [False, True])
def test_layouts(tmp_path, files, zipped):
    place = tmp_path / "in"
    junk = {"__MACOSX/._alice.ipynb": "x", ".ipynb_checkpoints/a.ipynb": "x"}
    write(place, {**dict(zip(files, "AL", strict=True)), **junk})
    if zipped:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for path in sorted(place.rglob("*")):
                archive.write(path, path.relative_to(place))
        place = tmp_path / "all.zip"
    assert students(place) == {"alice": "A", "李雷": "L"}


def test_a_zip_for_each_student(tmp_path):
    for name in ("alice", "bob"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("work/forward.ipynb", name)
    assert students(tmp_path) == {"alice": "alice", "bob": "bob"}


GIVEN = ("伟", "芳", "子涵", "建国")
NAMES = [family + given for family in "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗毛" for given in GIVEN]


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("pattern", ["{}.ipynb", "{}_12_assignsubmission_file/forward.ipynb", "{}/作业.ipynb"])
def test_a_zip_whose_names_do_not_say_their_encoding(tmp_path, encoding, pattern):
    """As Windows makes them in China, and macOS everywhere."""
    place = tmp_path / "all.zip"
    write_unmarked(place, {pattern.format(name): encoding for name in NAMES})
    assert set(students(place)) == set(NAMES)


def test_a_zip_whose_names_are_in_several_encodings(tmp_path):
    """Each is read as what it can be, as far as that goes."""
    place = tmp_path / "all.zip"
    write_unmarked(place, {"王伟/a.ipynb": "gbk", "孙胡/a.ipynb": "utf-8", "José/a.ipynb": "cp437"})
    assert set(students(place)) == {"王伟", "孙胡", "José"}


def write_unmarked(place, encodings):
    """A zip whose names are bytes in these encodings, without the flag for UTF-8."""

    class Unmarked(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):
            return self.filename.encode(encodings[self.filename]), self.flag_bits & ~0x800

    with zipfile.ZipFile(place, "w") as archive:
        for name in encodings:
            archive.writestr(Unmarked(name), name)


def test_a_damaged_zip_is_a_students_all_the_same(tmp_path):
    """Who handed it in is in grades.csv; the others are graded."""
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.writestr("forward.ipynb", "carol")
    damaged = (tmp_path / "inner.zip").read_bytes().replace(b"carol", b"other")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("alice.zip", "cut off")
        archive.writestr("bob.ipynb", "bob")
        archive.writestr("carol.zip", damaged)
    assert students(tmp_path / "all.zip") == {"alice": "cut off", "bob": "bob", "carol": ""}


def test_the_newest_counts(tmp_path):
    write(tmp_path, {"alice.ipynb": "old", "alice (1).ipynb": "new", "bob.ipynb": "bob"})
    os.utime(tmp_path / "alice.ipynb", (1, 1))
    found = {each.student: each for each in collect.collect(tmp_path, "forward")}
    assert found["alice"].content == b"new" and found["alice"].others == 1
    assert found["bob"].others == 0


def test_the_newest_counts_in_a_zip_and_beside_it(tmp_path):
    """A zip keeps local time to two seconds, a folder seconds since 1970."""
    for name, year in (("alice.zip", 2020), ("alice (1).zip", 2024)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo("forward.ipynb", (year, 5, 1, 12, 0, 0)), f"of {year}")
    (found,) = collect.collect(tmp_path, "forward")
    assert (found.student, found.content, found.others) == ("alice", b"of 2024", 1)
    for year, newest in ((2022, b"of 2024"), (2026, b"loose")):
        write(tmp_path, {"forward_alice.ipynb": "loose"})
        os.utime(tmp_path / "forward_alice.ipynb", 2 * (time.mktime((year, 5, 1, 12, 0, 0, 0, 0, -1)),))
        (found,) = collect.collect(tmp_path, "forward")
        assert (found.student, found.content, found.others) == ("alice", newest, 2)


def test_files_without_a_student_in_their_name_are_nobodys(tmp_path):
    """Not one student's, called like the assignment, of whose files all but one are set aside."""
    write(tmp_path, {"alice.ipynb": "A", "forward.ipynb": "x"})
    with pytest.raises(collect.CollectError, match=r"^forward.ipynb 的名字里没有学生.* · No student in the name of"):
        students(tmp_path)
    write(tmp_path, {f"forward ({number}).ipynb": "x" for number in range(1, 30)})
    with pytest.raises(collect.CollectError, match=r"of forward \(1\).ipynb, forward \(10\).ipynb, .*, …: rename"):
        students(tmp_path)


def test_two_students_of_one_name_stay_two(tmp_path):
    write(tmp_path, {f"Li Lei_{number}_assignsubmission_file_/a.ipynb": number for number in ("1", "2")})
    assert students(tmp_path) == {"Li_Lei_1": "1", "Li_Lei_2": "2"}


def test_names_are_safe_for_nbgrader_and_for_the_disk(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("../../etc/[*]?.ipynb", "x")
        archive.writestr("b/forward.ipynb", "y")
    assert all(name == collect.safe(name) and "/" not in name for name in students(tmp_path / "all.zip"))


def test_links_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "alice.ipynb").symlink_to(tmp_path / "secret")
    with pytest.raises(collect.CollectError, match=r"里没有作业。 · There are no submissions"):
        collect.collect(tmp_path / "in", "forward")
    with pytest.raises(collect.CollectError, match="找不到"):
        collect.collect(tmp_path / "nowhere", "forward")


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
    return collect.Submission("alice", "alice.ipynb", nbformat.writes(notebook, version=4).encode())


def test_what_nbgrader_knows_a_cell_by_is_put_back():
    def change(notebook):
        notebook.cells[2].metadata.nbgrader.update(points=400, locked=False, grade=False)
        notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="x" * 10**6)]
        own = {"nbgrader": {"grade_id": "mine", "grade": True, "points": 9}}
        notebook.cells.append(new_code_cell("1", metadata=own))
        notebook.metadata.kernelspec.name = "julia"

    notebook, missing = collect.read_notebook(submitted(change), BLANK)
    assert missing == []
    assert [cell.metadata.get("nbgrader") for cell in notebook.cells] == [
        *(cell.metadata.get("nbgrader") for cell in BLANK.cells), None
    ]
    assert not notebook.cells[1].outputs and notebook.metadata.kernelspec.name == "python3"


def test_deleted_cells_are_named():
    assert collect.read_notebook(submitted(lambda notebook: notebook.cells.pop(1)), BLANK)[1] == ["answer"]
    with pytest.raises(collect.Unreadable, match="wrong file"):
        collect.read_notebook(submitted(lambda notebook: notebook.cells.pop(2)), BLANK)


def test_deleted_cells_that_give_marks_are_put_back_where_they_were():
    answer = given("why", grade=True, solution=True, points=3)
    cells = [*BLANK.cells, new_code_cell("assert g()", metadata=given("test_g", grade=True, locked=True, points=1))]
    blank = new_notebook(metadata=BLANK.metadata, cells=[*cells, new_markdown_cell("（回答）", metadata=answer)])

    def change(notebook):
        notebook.cells[2:] = [new_code_cell("assert g()", metadata=given("test_g")), new_code_cell("own = 1")]

    notebook, missing = collect.read_notebook(submitted(change), blank)
    assert missing == ["test_f", "why"]
    assert [cell.source for cell in notebook.cells] == [
        *(cell.source for cell in blank.cells[:3]), "assert g()", "（回答）", "own = 1"
    ]
    assert notebook.cells[2].metadata.nbgrader == blank.cells[2].metadata.nbgrader


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"[1]", b"[" * 10**5, b'{"cells": [5], "nbformat": 4}'])
def test_what_is_no_notebook(content):
    with pytest.raises(collect.Unreadable, match=r"不是能打开的 notebook。 · .* is not a notebook"):
        collect.read_notebook(collect.Submission("alice", "alice.ipynb", content), BLANK)


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

    assert collect.read_notebook(submitted(change), BLANK)[0].metadata.edition == edition


def test_the_edition_that_the_notebook_says():
    notebook, _ = collect.read_notebook(submitted(lambda notebook: notebook.metadata.update(edition="en")), BLANK)
    assert notebook.metadata.edition == "en"
