"""Grade sheets as platforms export them: the right column is filled, and nothing else changes by a byte."""

import csv
import io
import re

import pytest

pytest.importorskip("collect")
from sheets import Sheet, SheetError

OTHERS = {"shapes", "init", "groups", "bugs"}

# Each with the mark's places left open; after them, the cells with which the platform takes them back.
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Shapes (98),Forward (99),Assignments Current Score,Final Score\r\n"
    ",,,,,Manual Posting,,,\r\n"
    '    Points Possible,,,,,20,20,(read only),(read only)\r\n'
    '"Smith, Alice",4242,2024001,asm@example.org,1班 and 2班,17,{0},85.0,42.5\r\n'
    '"=HYPERLINK(""http://x"")",4243,2024002,ww@example.org,2班,,{1},,\r\n'
    '"Student, Test",4299,,0af3,1班,,,,\r\n'
)
WORKSHEET = (
    'Identifier,"Full name","ID number","Email address",Status,Grade,"Maximum grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    'Participant 1234,"Alice Smith",2024001,asm@example.org,"Submitted for grading",{0},20.00,Yes,'
    '"Tuesday, 5 March 2024, 10:22 AM",-,"two\nlines, and a ""quote"""\n'
    'Participant 1235,王伟,2024002,ww@example.org,"No submission",{1},20.00,Yes,-,-,\n'
)
GRADEBOOK = (
    '"First name","Last name","ID number","Email address","Assignment: Shapes (Real)","Assignment: Forward (Real)",'
    '"Course total (Real)","Last downloaded from this course"\n'
    'Alice,Smith,2024001,asm@example.org,17.00,{0},-,1709634120\n'
    '伟,王,2024002,ww@example.org,-,{1},-,1709634120\n'
)
BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Last Access"\t"Availability"\t'
    '"Weighted Total [Total Pts: up to 40 Percentage] |1"\t"Forward [Total Pts: 20 Score] |123456"\t'
    '"Shapes [Total Pts: 20 Score] |123457"\n'
    '"Smith"\t"Alice"\t"asm"\t"2024001"\t"2024-03-05 10:22:33"\t"Yes"\t""\t"{0}"\t"17"\n'
    '"王"\t"伟"\t"ww"\t"2024002"\t""\t"Yes"\t""\t"{1}"\t""\n'
)
BRIGHTSPACE = (
    "OrgDefinedId,Username,Last Name,First Name,Forward Points Grade <Numeric MaxPoints:20 Weight:10 "
    "Category:Assignments CategoryWeight:50>,Shapes Points Grade <Numeric MaxPoints:20>,"
    "Calculated Final Grade Numerator,End-of-Line Indicator\r\n"
    "#2024001,#asm,Smith,Alice,{0},17,8.5,#\r\n#2024002,#ww,王,伟,{1},,,#\r\n"
)
CHAOXING = (
    "作业3成绩,,,\n导出时间：2024-03-05,,,\n学号/工号,学生姓名,班级,成绩,批语\n"
    "2024001,Alice Smith,1班,{0},好\n2024002,王伟,2班,{1},\n"
)
SEMICOLONS = "id;name;score;max score\r2024001;Alice;{0};20,0\r2024002;王伟;{1};20,0\r"
SHEETS = {
    "Canvas": (CANVAS, "utf-8", ("", "")),
    "Canvas with a mark": (CANVAS, "utf-8-sig", ("", "")),
    "Moodle's worksheet": (WORKSHEET, "utf-8", ("", "-")),
    "Moodle's gradebook": (GRADEBOOK, "utf-8", ("-", "-")),
    "Blackboard": (BLACKBOARD, "utf-16", ("", "")),
    "Brightspace": (BRIGHTSPACE, "utf-8-sig", ("", "")),
    "学习通": (CHAOXING, "gb18030", ("", "")),
    "semicolons": (SEMICOLONS, "utf-8", ("", "")),
}


def write(tmp_path, text, encoding="utf-8", cells=("", ""), name="sheet.csv"):
    path = tmp_path / name
    path.write_bytes(fill_in(text, cells).encode(encoding))
    return path


def fill_in(text, cells):
    return text.replace("{0}", cells[0]).replace("{1}", cells[1])


@pytest.mark.parametrize("text, encoding, empty", SHEETS.values(), ids=SHEETS)
def test_one_column_is_filled_and_every_other_byte_stays(tmp_path, text, encoding, empty):
    path = write(tmp_path, text, encoding, empty)
    before = path.read_bytes()
    sheet = Sheet(path)
    column = sheet.column_for("forward", OTHERS)
    alice, other = (person.line for person in sheet.roster.people)
    comma = text.startswith("id;")
    filled = sheet.filled(column, {alice: 15.5, other: 0.0})
    assert filled == fill_in(text, ("15,5" if comma else "15.5", "0")).encode(encoding)
    assert path.read_bytes() == before and sheet.filled(column, {}) == before
    (tmp_path / "again.csv").write_bytes(filled)
    again = Sheet(tmp_path / "again.csv")
    assert [one.number for one in again.roster.people] == [one.number for one in sheet.roster.people]
    assert [again.lines[line][column.place] for line in (alice, other)] == ["15,5" if comma else "15.5", "0"]


@pytest.mark.parametrize("text, encoding, empty", SHEETS.values(), ids=SHEETS)
def test_full_marks_are_those_of_the_sheet(tmp_path, text, encoding, empty):
    sheet = Sheet(write(tmp_path, text, encoding, empty))
    full = sheet.column_for("forward", OTHERS).full(sheet.roster.people[0].line)
    assert full == (None if "Real" in text or "学号" in text else 20)


def test_what_is_filled_is_what_another_reader_finds(tmp_path):
    """Python's csv, over sheets with odd cells everywhere; the marks' column in any place."""
    odd = ["", "a", "a,b", 'say ""so""', "two\r\nlines", " x ", "=1+1", "'", "王", ";", "\t"]
    for place in range(4):
        heads = ["学号", "姓名", "备注"]
        heads.insert(place, "成绩")
        rows = [[f"{2024000 + n}", f"学生{n}", cell] for n, cell in enumerate(odd)]
        for row in rows:
            row.insert(place, "")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerows([heads, *[[cell.replace('""', '"') for cell in row] for row in rows]])
        sheet = Sheet(write(tmp_path, text.getvalue()))
        marks = {person.line: n + 0.5 for n, person in enumerate(sheet.roster.people)}
        filled = sheet.filled(sheet.column_for("forward", OTHERS), marks).decode()
        found = list(csv.reader(io.StringIO(filled, newline="")))
        before = list(csv.reader(io.StringIO(text.getvalue(), newline="")))
        assert [row.pop(place) for row in found] == ["成绩", *(f"{n + 0.5:g}" for n in range(len(odd)))]
        assert [row[:place] + row[place + 1 :] for row in before] == found


def test_rows_that_end_early_are_made_longer(tmp_path):
    sheet = Sheet(write(tmp_path, "学号,姓名,备注,成绩\n1,王伟\n2,李雷,好\n"))
    filled = sheet.filled(sheet.column_for("forward", OTHERS), {2: 16, 3: 12}).decode()
    assert filled == "学号,姓名,备注,成绩\n1,王伟,,16\n2,李雷,好,12\n"


def test_a_workbook_keeps_its_other_cells(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["三班成绩"])
    for row in (["学号", "姓名", "成绩", "公式"], ["001", "=王伟", None, "=1+1"], ["002", "李雷", None, None]):
        sheet.append(row)
    sheet["B3"].data_type = "s"  # a name, and no formula
    sheet["A3"].font = openpyxl.styles.Font(bold=True)
    sheet.column_dimensions["B"].width = 33
    book.create_sheet("说明")["A1"] = "别动"
    book.save(tmp_path / "成绩.xlsx")
    before = (tmp_path / "成绩.xlsx").read_bytes()
    found = Sheet(tmp_path / "成绩.xlsx")
    (tmp_path / "filled.xlsx").write_bytes(found.filled(found.column_for("forward", OTHERS), {3: 15.5, 4: 16}))
    assert (tmp_path / "成绩.xlsx").read_bytes() == before
    filled = openpyxl.load_workbook(tmp_path / "filled.xlsx")
    assert [cell.value for cell in filled.worksheets[0]["C"]] == [None, "成绩", 15.5, 16]
    assert [cell.value for cell in filled.worksheets[0]["A"]] == ["三班成绩", "学号", "001", "002"]
    assert filled.worksheets[0]["D3"].data_type == "f" and filled.worksheets[0]["B3"].data_type == "s"
    assert filled.worksheets[0]["A3"].font.bold and filled.worksheets[0].column_dimensions["B"].width == 33
    assert filled["说明"]["A1"].value == "别动"


def test_a_column_is_not_guessed(tmp_path):
    two = "Student,ID,Section,Homework 2 (98),Homework 3 (99)\nPoints Possible,,,20,20\nAlice,1,A,,\n"
    with pytest.raises(SheetError, match=r"column = .*“Homework 2 \(98\)”, “Homework 3 \(99\)”") as error:
        Sheet(write(tmp_path, two)).column_for("forward", OTHERS)
    assert re.search("[一-鿿].* · It does not tell", str(error.value)) and "\n" not in str(error.value)
    for named in ("Homework 3 (99)", "homework 3"):
        assert Sheet(write(tmp_path, two)).column_for("forward", OTHERS, named).place == 4
    with pytest.raises(SheetError):
        Sheet(write(tmp_path, two)).column_for("forward", OTHERS, "Homework 4")
    one = two.replace("Homework 2 (98),", "").replace("20,20", "20").replace("A,,", "A,")
    assert Sheet(write(tmp_path, one)).column_for("forward", OTHERS).heading == "Homework 3 (99)"
    with pytest.raises(SheetError):  # it is another assignment's
        Sheet(write(tmp_path, one.replace("Homework 3", "Shapes"))).column_for("forward", OTHERS)
    assert Sheet(write(tmp_path, "id,name,email,group\n1,alice,,\n")).columns == []


def test_moodles_course_total_is_no_assignments_column(tmp_path):
    text = "First name,Last name,ID number,Assignment: HW 3 (Real),Course total (Real)\nAlice,Smith,1,-,-\n"
    assert Sheet(write(tmp_path, text)).column_for("forward", OTHERS).heading == "Assignment: HW 3 (Real)"


def test_a_map_says_what_the_columns_of_any_sheet_are(tmp_path):
    text = "学工代码,谁,第三次,第三次满分\n2024001,王伟,,50\n"
    columns = {"id": "学工代码", "name": "谁", "mark": "第三次", "out_of": "第三次满分"}
    sheet = Sheet(write(tmp_path, text, "gb18030"), columns)
    column = sheet.column_for("forward", OTHERS)
    assert (sheet.roster.people[0].number, column.place, column.full(2)) == ("2024001", 2, 50)
    assert sheet.filled(column, {2: 40}) == "学工代码,谁,第三次,第三次满分\n2024001,王伟,40,50\n".encode("gb18030")


def test_what_cannot_be_written_back_as_it_was_is_left_alone(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"id,name,score\n1,Jos\xe9 \x81,\n")
    with pytest.raises(SheetError, match=r"encoding .* save it as CSV in UTF-8"):
        sheet = Sheet(path)
        sheet.filled(sheet.column_for("forward", OTHERS), {2: 1})
