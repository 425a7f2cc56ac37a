"""Lists of students as teachers keep them and as platforms export them, and who is found by them."""

import pytest

collect = pytest.importorskip("collect")
from roster import RosterError, read_roster  # noqa: E402 (where nbgrader is not installed, neither is this)

ALICE, WANG = ("Alice Smith", "2024001", "asm@example.org", "1班"), ("王伟", "2024002", "ww@example.org", "2班")
GROUPED = {
    "ours": "id,name,email,group\n2024001,Alice Smith,asm@example.org,1班\n2024002,王伟,ww@example.org,2班\n",
    "another order": "班级;姓名;邮箱;学号\n1班;Alice Smith;asm@example.org;2024001\n2班;王伟;ww@example.org;2024002\n",
    "a title above": "作业3成绩,,,\n导出时间：2024-03-05,,,\n学号/工号,学生姓名,电子邮箱,行政班\n"
    "2024001,Alice Smith,asm@example.org,1班\n2024002,王伟,ww@example.org,2班\n平均分,,,\n",
    "Canvas": "Student,ID,SIS User ID,SIS Login ID,Section,Forward (99)\n    Points Possible,,,,,20\n"
    '"Smith, Alice",2024001,S1,asm@example.org,1班,\n王伟,2024002,S2,ww@example.org,2班,\n"Student, Test",9,,,1班,\n',
    "Moodle": "Identifier,Full name,Email address,Groups,Grade\n"
    "Participant 2024001,Alice Smith,asm@example.org,1班,-\n"
    "Participant 2024002,王伟,ww@example.org,2班,-\n",
    "Blackboard": '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Email"\t"Group"\n'
    '"Smith"\t"Alice"\t"asm"\t"2024001"\t"asm@example.org"\t"1班"\n"王"\t"伟"\t"ww"\t"2024002"\t"ww@example.org"\t"2班"\n',
    "Brightspace": "OrgDefinedId,Username,Last Name,First Name,Email,Sections,Forward Points,End-of-Line Indicator\n"
    "#2024001,#asm,Smith,Alice,asm@example.org,1班,,#\n#2024002,#ww,王,伟,ww@example.org,2班,,#\n",
    "Gradescope": "First Name,Last Name,SID,Email,Sections\nAlice,Smith,2024001,asm@example.org,1班\n"
    "伟,王,2024002,ww@example.org,2班\n",
    "a spreadsheet's own quotes": 'name,id,email,group\nAlice Smith,"=""2024001""",asm@example.org,1班\n'
    "王伟,'2024002,ww@example.org,2班\n",
}


@pytest.mark.parametrize("text", GROUPED.values(), ids=GROUPED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_lists_and_grade_sheets(tmp_path, text, encoding):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    alice, wang = read_roster(path).people
    assert alice.name in ("Alice Smith", "Smith, Alice") and (alice.number, alice.group) == (ALICE[1], ALICE[3])
    assert (wang.name, wang.number, wang.group) == (WANG[0], WANG[1], WANG[3])
    assert {alice.email, *alice.codes} >= {ALICE[2]} and {wang.email, *wang.codes} >= {WANG[2]}


def test_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["三班成绩"], ["学号", "姓名", "班级"], [2024001, "王伟", "三班"], ["2024002", "李雷", "三班"]):
        book.active.append(row)
    book.save(tmp_path / "名单.xlsx")
    assert [(one.number, one.name) for one in read_roster(tmp_path / "名单.xlsx").people] == [
        ("2024001", "王伟"),
        ("2024002", "李雷"),
    ]


@pytest.mark.parametrize(
    "text, what",
    [
        ("name,id\nalice,1\nbob,1\n", "第 2 行和第 3 行都是 1.* · Lines 2 and 3 of .* are both 1"),
        ("name\n王伟\n李雷\n王伟\n", "Lines 2 and 4 of .* are both 王伟"),
        ("name,id\nSmith, Alice,1\n", "Line 2 of .* has more cells than headings"),
        ('name,id\nalice,1\n"bob,2\n', "Line 3 of .* cannot be read"),
        ("alice\nbob\n", "has no headings"),
        ("", "has no headings"),
        ("id,name\n,\n", "There are no students"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_with_its_line(tmp_path, text, what):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(RosterError, match=what) as error:
        read_roster(path)
    assert "\n" not in str(error.value)
    with pytest.raises(RosterError, match="cannot be opened"):
        read_roster(tmp_path / "nowhere.csv")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(RosterError, match="save it as CSV"):
        read_roster(tmp_path / "old.xls")


def test_lines_that_are_left_out_are_told(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("id,name,group\n1001,alice,A\n1001,alice,A\n,,B\n")
    roster = read_roster(path)
    assert [person.name for person in roster.people] == ["alice"]
    assert [en for _, en in roster.said] == [
        "lines 2 and 3 of roster.csv are the same person",
        "line 4 of roster.csv has no name or number",
    ]


CLASS = """学号,姓名,邮箱,班级
2024001,王伟,ww@example.org,1班
2024002,王伟,ww2@example.org,2班
2024003,王伟杰,wwj@example.org,1班
2024004,Alice Smith,asm@example.org,1班
2024005,Smith Jones,sjones@example.org,2班
2024006,José García,jgarcia@example.org,2班
2024007,Maria Anna van der Berg,mberg@example.org,2班
"""
FOUND = {
    "2024001_王伟.ipynb": "2024001",
    "王伟2024002作业3.ipynb": "2024002",
    "1班/王伟.ipynb": "2024001",
    "王伟-2班-forward.ipynb": "2024002",
    "王伟.ipynb": None,
    "我是王伟杰的作业.ipynb": "2024003",
    "2024003.ipynb": "2024003",
    "作业3/2024003/forward.ipynb": "2024003",
    "Alice Smith.ipynb": "2024004",
    "Smith Alice - forward.ipynb": "2024004",
    "smithalice_4242_99_forward.ipynb": "2024004",
    "smith_alice_forward.ipynb": "2024004",
    "Smith, Alice(asm)/Submission attachment(s)/forward.ipynb": "2024004",
    "asm.ipynb": "2024004",
    "asm@example.org/forward.ipynb": "2024004",
    "ASM_hw3.ipynb": "2024004",
    "Assignment 3_sjones_attempt_2024-03-05-10-22-33_forward.ipynb": "2024005",
    "forward-asm/forward.ipynb": "2024004",
    "Jose Garcia.ipynb": "2024006",
    "Jose\u0301 Garci\u0301a.ipynb": "2024006",
    "van der Berg, Maria Anna.ipynb": "2024007",
    "Alice Smith_1234_assignsubmission_file_/forward.ipynb": "2024004",
    "Alice Smith_2024005_assignsubmission_file_/forward.ipynb": "2024004",
    "2024004_Smith Jones.ipynb": None,
    "Smith.ipynb": "Smith",
    "stranger.ipynb": "stranger",
}


@pytest.mark.parametrize("file, number", FOUND.items(), ids=FOUND)
def test_who_is_found(tmp_path, file, number):
    """None: it may be two of them, which is not guessed."""
    (tmp_path / "roster.csv").write_text(CLASS, encoding="utf-8")
    for name in (file, "2024099_somebody.ipynb"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text("x")
    found = collect.collect(tmp_path / "in", "forward", read_roster(tmp_path / "roster.csv"))
    (other,) = [one for one in found if one.number == "2024099"]
    assert found.strangers == [other.student] + [number] * (number is not None and not number.isdigit())
    assert [one.number or one.student for one in found if one is not other] == [number] * (number is not None)
    assert len(found.nobodys) == (number is None)


def test_a_roster_makes_one_of_what_looked_like_two(tmp_path):
    (tmp_path / "roster.csv").write_text(CLASS, encoding="utf-8")
    (tmp_path / "in").mkdir()
    for name in ("Alice Smith.ipynb", "asm_v2.ipynb", "2024004.ipynb"):
        (tmp_path / "in" / name).write_text("x")
    (found,) = collect.collect(tmp_path / "in", "forward", read_roster(tmp_path / "roster.csv"))
    assert (found.student, found.others, found.email, found.group) == ("Alice Smith", 2, "asm@example.org", "1班")


def found(tmp_path, listed, files):
    (tmp_path / "roster.csv").write_text(listed, encoding="utf-8")
    for name in files:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(name)
    return collect.collect(tmp_path / "in", "forward", read_roster(tmp_path / "roster.csv"))


def test_names_like_words_are_names_where_they_are_on_the_list(tmp_path):
    listed = "id,name\n1,Alice Forward\n2,Data\n3,项目明\n4,李雷\n5,Alice\n"
    collected = found(tmp_path, listed, ["Alice Forward.ipynb", "Data.ipynb", "项目明.ipynb", "李雷雷.ipynb"])
    assert [one.student for one in collected] == ["Alice Forward", "Data", "李雷雷", "项目明"]
    assert collected.strangers == ["李雷雷"], "who is not 李雷"


def test_a_groups_file_is_all_its_members(tmp_path):
    listed = "学号,姓名,小组\n2024001,王伟,第1组\n2024002,李雷,第1组\n2024003,韩梅梅,第2组\n"
    collected = found(tmp_path, listed, ["第1组/forward.ipynb", "第2组.ipynb"])
    assert {one.student: one.content.decode() for one in collected} == {
        "李雷": "第1组/forward.ipynb",
        "王伟": "第1组/forward.ipynb",
        "韩梅梅": "第2组.ipynb",
    }


def test_where_nobody_is_clear_it_is_said_who_it_may_be(tmp_path):
    listed = "学号,姓名\n2024001,王伟\n2024002,李雷\n"
    with pytest.raises(collect.CollectError, match=r"2024001_李雷.ipynb \(it may be 李雷 or 王伟\)"):
        found(tmp_path, listed, ["2024001_李雷.ipynb"])


@pytest.mark.parametrize(
    "listed, files",
    [
        (
            "Identifier,Full name,Email address\nParticipant 1005,Li Wei,a@x.org\nParticipant 1006,Li Wei,b@x.org\n",
            ("Li Wei_1005_assignsubmission_file/forward.ipynb", "Li Wei_1006_assignsubmission_file/forward.ipynb"),
        ),
        (
            'Student,ID,SIS User ID,Forward (99)\n"Wei, Li",1005,S1,\n"Wei, Li",1006,S2,\n',
            ("weili_1005_77_forward.ipynb", "weili_LATE_1006_78_forward.ipynb"),
        ),
    ],
    ids=["Moodle", "Canvas"],
)
def test_namesakes_are_told_apart_by_the_number_that_sheet_and_zip_share(tmp_path, listed, files):
    collected = found(tmp_path, listed, files)
    assert {one.content.decode(): one.number for one in collected} == {files[0]: "1005", files[1]: "1006"}
    assert not collected.nobodys


def test_groups_of_another_list_by_number_address_or_name(tmp_path):
    sheet = "Identifier,Full name,Email address\nParticipant 7,Smith Alice,\nParticipant 8,Li Wei,B@x.org\n"
    sheet += "Participant 9,Li Wei,\nParticipant 2024003,王伟,\nParticipant 10,nobody,\n"
    known = "id,name,email,class\n1,Alice Smith,,A\n2,Li Wei,b@x.org,B\n3,Li Wei,,C\n2024003,王小伟,,D\n"
    for name, text in (("sheet.csv", sheet), ("known.csv", known)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    both = read_roster(tmp_path / "sheet.csv").with_groups_of(read_roster(tmp_path / "known.csv"))
    assert [person.group for person in both.people] == ["A", "B", "", "D", ""]
