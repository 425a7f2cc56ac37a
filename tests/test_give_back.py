"""From grading to the platform: the teacher's sheet comes back filled, feedback in the platform's own zip."""

import json
import re
import shutil
import zipfile

import nbformat
import pytest
from test_grade import Course, hand_in
from test_sheets import CANVAS, WORKSHEET, fill_in

pytest.importorskip("collect")
from roster import RosterError
from submissions import OFFICIAL

TITLES = ("smithalice_4242_77_forward.ipynb", "wangwei_LATE_4243_78_forward-1.ipynb")


@pytest.fixture
def course(tmp_path, monkeypatch):
    return Course(tmp_path, monkeypatch)


def handed_in_as(course, names, **changes):
    for name in names:
        hand_in(course.folder, "somebody", {**OFFICIAL["forward"], **changes})
        (course.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (course.folder / "somebody.ipynb").rename(course.folder / name)


def make_grade(course, sheet=None, toml=None):
    course.grade.prepare("forward", course.folder, course.out, 1, sheet, toml)
    course.grade.shard(course.out, 0)
    course.grade.merge(course.out)


def given(course, name, text, cells=("", ""), encoding="utf-8"):
    path = course.folder.parent / name
    path.write_bytes(fill_in(text, cells).encode(encoding))
    return path


def filled(course, name, encoding="utf-8"):
    return (course.out / "give_back" / name).read_bytes().decode(encoding)


def said(capsys, *words):
    """The one line that has these words; it is in both languages."""
    lines = [line for line in capsys.readouterr().out.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, lines
    assert " · " in lines[0]
    return lines[0]


def test_canvas_there_and_back(course, capsys):
    handed_in_as(course, [*TITLES, "somebody_4999_80_forward.ipynb"])
    sheet = given(course, "grades.csv", CANVAS, ("", ""))
    before = sheet.read_bytes()
    make_grade(course, sheet)
    assert filled(course, "grades.csv") == fill_in(CANVAS, ("16", "16"))
    out = capsys.readouterr().out
    assert "Canvas grade sheet filled, 2 in the column “Forward (99)”" in out and sheet.read_bytes() == before
    assert "Not in the sheet, their marks are in grades.csv only: somebody." in out
    assert "The written answer has no mark yet, filled with the tests' marks: Smith, Alice" in out
    assert "Feedback for Canvas, 3 students" in out
    with zipfile.ZipFile(course.out / "give_back" / "feedback-canvas.zip") as archive:
        assert sorted(archive.namelist()) == [TITLES[0], "somebody_4999_80_forward.ipynb", TITLES[1]]
        for name in TITLES:
            # As Canvas reads them: the first two parts that are numbers are the user and the file.
            assert [part for part in name.split("_") if part.isdigit()][:2] in (["4242", "77"], ["4243", "78"])
            notebook = nbformat.reads(archive.read(name).decode(), as_version=4)
            nbformat.validate(notebook)
            assert "16 / 20" in notebook.cells[0].outputs[0].data["text/html"]


MOODLE = ("Alice Smith_1234_assignsubmission_file_/forward.ipynb", "王伟_1235_assignsubmission_file_forward.ipynb")


def test_moodle_there_and_back(course, capsys):
    handed_in_as(course, MOODLE)
    make_grade(course, given(course, "Grades-forward-99.csv", WORKSHEET, ("", "-")))
    assert filled(course, "Grades-forward-99.csv") == fill_in(WORKSHEET, ("16", "16"))
    said(capsys, "Moodle grade sheet filled, 2 in the column “Grade”")
    with zipfile.ZipFile(course.out / "give_back" / "feedback-moodle.zip") as archive:
        names = archive.namelist()
        assert "16 / 20" in archive.read(names[0]).decode()
    # As importziplib.php reads them: name_number_type_plugin_rest.
    assert [name.split("/")[0].split("_", 4)[1:4] for name in sorted(names)] == [
        ["1234", "assignsubmission", "file"],
        ["1235", "assignsubmission", "file"],
    ]
    assert all(name.endswith("_/forward.html") for name in names)


def test_brightspace_takes_folders_by_their_names(course):
    folder = "123456-789012 - Alice Smith - Mar 5, 2024 1022 AM"
    handed_in_as(course, [f"{folder}/forward.ipynb"])
    make_grade(course)
    with zipfile.ZipFile(course.out / "give_back" / "feedback-brightspace.zip") as archive:
        assert archive.namelist() == [f"{folder}/forward.html"]


def test_other_names_make_no_zip(course):
    handed_in_as(course, ["alice.ipynb"])
    make_grade(course)
    assert list((course.out / "give_back").iterdir()) == []


PLAIN = "学号,姓名,成绩,满分\n1,alice,{0},{full}\n2,bob,{1},{full}\n"


def plain(full, cells=("", "")):
    return fill_in(PLAIN.replace("{full}", full), cells)


def test_another_scale_is_converted_and_said(course, capsys):
    handed_in_as(course, ["alice.ipynb"])
    make_grade(course, given(course, "成绩.csv", plain("100"), encoding="gbk"))
    assert filled(course, "成绩.csv", "gbk") == plain("100", ("80", ""))
    said(capsys, "表里满分是 100，分数已按比例折算", "Full marks are 100 in the sheet")
    make_grade(course, given(course, "成绩.csv", plain("0")))
    assert filled(course, "成绩.csv") == plain("0")
    said(capsys, "Full marks are 0 in the sheet, not filled", "alice")


def test_marks_that_are_there_stay_and_are_said(course, capsys):
    handed_in_as(course, ["alice.ipynb", "bob.ipynb"])
    make_grade(course, given(course, "a.csv", plain("20", ("15", "16.0"))))
    assert filled(course, "a.csv") == plain("20", ("15", "16.0"))
    assert "alice（表里 15，这里 16）" in said(capsys, "Other marks were there and stay", "alice (15 there, 16 here)")
    make_grade(course, given(course, "a.csv", plain("20", ("EX", "N/A"))))
    assert filled(course, "a.csv") == plain("20", ("EX", "N/A"))
    said(capsys, "Other marks were there and stay", "alice (EX there, 16 here); bob (N/A there, 16 here)")


def test_marks_that_went_there_from_here_are_replaced_and_said(course, capsys):
    handed_in_as(course, ["alice.ipynb", "bob.ipynb"])
    make_grade(course, given(course, "a.csv", plain("20")))
    course.give("alice", "explanation", 3.5)
    capsys.readouterr()
    make_grade(course, given(course, "a.csv", plain("20", ("16.00", "17"))))
    assert filled(course, "a.csv") == plain("20", ("19.5", "17"))
    out = capsys.readouterr().out
    assert "Marks given back earlier, replaced: alice (16.00 → 19.5)." in out
    assert "Other marks were there and stay" in out and "bob (17 there, 16 here)." in out


def test_marking_by_hand_goes_into_the_sheet_without_giving_it_again(course):
    handed_in_as(course, ["alice.ipynb"])
    sheet = given(course, "a.csv", plain("20"))
    make_grade(course, sheet)
    sheet.unlink()
    course.give("alice", "explanation", 3.5)
    course.grade.merge(course.out)
    assert filled(course, "a.csv") == plain("20", ("19.5", ""))


def test_who_waits_and_who_is_locked_is_not_filled(course, capsys):
    handed_in_as(course, MOODLE[:1], block="wrong")
    handed_in_as(course, MOODLE[1:])
    locked = WORKSHEET.replace("20.00,Yes,-,-", "20.00,No,-,-")
    make_grade(course, given(course, "a.csv", locked))
    assert filled(course, "a.csv") == fill_in(locked, ("", ""))
    out = capsys.readouterr().out
    assert "Waiting for you, not filled: Alice Smith." in out
    assert "The platform locks these students' grades, not filled: 王伟." in out
    assert "Waiting for you, their feedback is not in it: Alice Smith." in out
    with zipfile.ZipFile(course.out / "give_back" / "feedback-moodle.zip") as archive:
        assert len(archive.namelist()) == 1


def test_two_rows_for_one_student_are_said(course, capsys):
    handed_in_as(course, ["alice.ipynb", "bob.ipynb"])
    twice = plain("20") + "1,alice,,20\n"
    make_grade(course, given(course, "a.csv", twice))
    assert filled(course, "a.csv") == plain("20", ("", "16")) + "1,alice,,20\n"
    said(capsys, "In two rows of the sheet, neither filled: delete one: alice.")


def test_a_sheet_with_other_numbers_than_the_list_before_knows_the_same_people(course, capsys):
    handed_in_as(course, ["alice.ipynb"])
    make_grade(course, given(course, "roster.csv", "学号,姓名\n2024001,alice\n2024002,bob\n2024003,carol\n"))
    course.folder = course.folder.parent / "late"
    handed_in_as(course, ["bob.ipynb", "carol.ipynb"])
    make_grade(course, given(course, "a.csv", plain("20")))
    assert filled(course, "a.csv") == plain("20", ("16", "16"))
    out = capsys.readouterr().out
    assert "没有交 0 ·" in out and "Not in the sheet, their marks are in grades.csv only: carol." in out


def test_a_list_of_names_is_no_sheet_and_several_columns_are_asked_about(course, capsys):
    handed_in_as(course, ["alice.ipynb"])
    make_grade(course, given(course, "roster.csv", "学号,姓名\n1,alice\n"))
    assert "sheet" not in capsys.readouterr().out and not list((course.out / "give_back").iterdir())
    two = "Student,ID,Section,Homework 2 (98),Homework 3 (99)\nPoints Possible,,,20,20\nalice,1,A,,\n"
    sheet = given(course, "a.csv", two)
    make_grade(course, sheet)
    said(capsys, "write column = its heading under [forward] in course.toml")
    assert not list((course.out / "give_back").iterdir())
    toml = course.folder.parent / "course.toml"
    toml.write_text('roster = "a.csv"\n[forward]\ncolumn = "Homework 3 (99)"\n', encoding="utf-8")
    make_grade(course, None, toml)
    assert filled(course, "a.csv") == two.replace("A,,", "A,,16")


def test_the_filled_sheet_is_not_taken_for_the_platforms(course):
    handed_in_as(course, ["alice.ipynb"])
    make_grade(course, given(course, "a.csv", plain("20")))
    with pytest.raises(RosterError, match="give the one that the platform exported"):
        make_grade(course, course.out / "give_back" / "a.csv")


def test_what_lateness_cost_stands_on_the_page_that_goes_back(course):
    handed_in_as(course, ["Alice Smith_1234_assignsubmission_file_/forward.ipynb"])
    toml = course.folder.parent / "course.toml"
    toml.write_text('late = "25%"\n[forward]\ndue = "2020-01-01"\n', encoding="utf-8")
    make_grade(course, given(course, "a.csv", WORKSHEET, ("", "-")), toml)
    assert filled(course, "a.csv") == fill_in(WORKSHEET, ("11", "-"))
    with zipfile.ZipFile(course.out / "give_back" / "feedback-moodle.zip") as archive:
        page = archive.read(archive.namelist()[0]).decode()
    assert re.search(r"<p>Late by .*, 5 off by “25%”\.</p>", page) and "16 / 20" in page
    assert "The written answer has" not in page, "which is for the teacher"


def test_an_out_of_an_earlier_version_goes_on(course):
    handed_in_as(course, ["alice.ipynb"])
    make_grade(course, given(course, "a.csv", plain("20")))
    plan = json.loads((course.out / "plan.json").read_text(encoding="utf-8"))
    del plan["course"]
    for entry in plan["students"].values():
        del entry["until"]
        for one in entry["from"].values():
            del one["told"]
    (course.out / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    shutil.rmtree(course.out / "sheet")
    shutil.rmtree(course.out / "give_back")
    make_grade(course)
    assert (course.out / "grades.csv").read_text(encoding="utf-8").count("alice,forward,graded,16") == 1
