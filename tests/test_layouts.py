"""Who comes out of a tree of files: as platforms export them, and as people pack them."""

import shutil
import zipfile

import pytest

collect = pytest.importorskip("collect")
understood = pytest.importorskip("understood")

CLASS = ["王伟", "李雷", "韩梅梅", "张子涵", "赵建国"]
YML = """
submission_11:
  :submitters:
  - :name: Alice Smith
    :sid: '2024001'
    :email: alice@example.org
  :created_at: 2024-03-05 10:22:33.123 Z
submission_12:
  :submitters:
  - :name: Bob Lee
    :sid: '2024002'
  - :name: Carol O'Brien
    :sid: '2024003'
"""

# files (a name, or a name with its content) → who must come out
LAYOUTS = {
    "a zip made by Windows": ([f"作业3/{name}.ipynb" for name in CLASS], CLASS),
    "a class folder and a list": ([f"三班/{name}/forward.ipynb" for name in CLASS] + ["三班/名单.xlsx"], CLASS),
    "a class of an unknown name": (
        [f"Deep Learning/{name}.ipynb" for name in ("alice", "bob", "carol")],
        ["alice", "bob", "carol"],
    ),
    "two classes": (["1班/王伟.ipynb", "2班/李雷.ipynb"], ["王伟", "李雷"]),
    "two classes with a blank copy": (
        ["高一(2)班/王伟.ipynb", "高一(3)班/李雷.ipynb", "forward.ipynb"],
        ["王伟", "李雷"],
    ),
    "classes by week": (
        ["计科2101班/第1周/2101001-王伟.ipynb", "计科2102班/第1周/2102001-李雷.ipynb"],
        ["王伟", "李雷"],
    ),
    "groups of unknown names": (
        ["Red/alice.ipynb", "Red/bob.ipynb", "Blue/carol.ipynb", "Blue/dan.ipynb", "Green/eve.ipynb"],
        ["alice", "bob", "carol", "dan", "eve"],
    ),
    "student number first": (["2024001_王伟.ipynb", "2024002_王伟.ipynb"], ["王伟 2024001", "王伟 2024002"]),
    "number, name, assignment": (["2024001-王伟-作业3.ipynb", "2024002-李雷-作业3.ipynb"], ["王伟", "李雷"]),
    "name, number": (["王伟+2024001.ipynb", "李雷+2024002.ipynb"], ["王伟", "李雷"]),
    "class, number, name": (["1班-2024001-王伟.ipynb", "1班-2024002-李雷.ipynb"], ["王伟", "李雷"]),
    "full width": (
        ["王伟（1班）＿作业３.ipynb", "【李雷】—forward（1）.ipynb", "韩　梅.ipynb"],
        ["王伟", "李雷", "韩梅"],
    ),
    "all kinds of words": (
        [
            "王伟第三次作业最终版.ipynb",
            "实验三-李雷-修改版.ipynb",
            "alice_hw3_final_v2.ipynb",
            "Assignment 3 Bob Lee.ipynb",
        ],
        ["王伟", "李雷", "alice", "Bob Lee"],
    ),
    "a date that everybody wrote": (["20240305_王伟.ipynb", "20240305_李雷.ipynb"], ["王伟", "李雷"]),
    "an ending too many": (["alice.ipynb.txt", "forward_bob.ipynb.json", "carol.IPYNB"], ["alice", "bob", "carol"]),
    "macOS": (["Jose\u0301.ipynb", "Jose.ipynb", "__MACOSX/._Jose.ipynb", ".DS_Store"], ["José", "Jose"]),
    "backslashes": (["alice\\forward.ipynb", "bob\\forward.ipynb"], ["alice", "bob"]),
    "names": (
        [
            "O'Brien.ipynb",
            "van der Berg.ipynb",
            "Jean-Luc Picard.ipynb",
            "阿依古丽·买买提.ipynb",
            "محمد.ipynb",
            "王伟😀.ipynb",
        ],
        ["O'Brien", "van der Berg", "Jean-Luc Picard", "阿依古丽·买买提", "محمد", "王伟😀"],
    ),
    "names for a spreadsheet": (
        ["=1+1.ipynb", "@SUM.ipynb", "-alice.ipynb", "+bob.ipynb"],
        ["=1+1", "@SUM", "-alice", "+bob"],
    ),
    "Moodle": (
        ["Alice Smith_1234_assignsubmission_file_/forward.ipynb", "Bob Lee_77_assignsubmission_file_/hw/forward.ipynb"],
        ["Alice Smith", "Bob Lee"],
    ),
    "Moodle, flat and blind": (
        ["Alice Smith_1234_assignsubmission_file_forward.ipynb", "Participant 11_1235_assignsubmission_file_x.ipynb"],
        ["Alice Smith", "Participant 11"],
    ),
    "two classes of Moodle": (
        ["1班/王伟_12_assignsubmission_file/a.ipynb", "2班/李雷_13_assignsubmission_file/a.ipynb"],
        ["王伟", "李雷"],
    ),
    "Canvas": (
        ["smithalice_4242_99_forward.ipynb", "smithalice_LATE_4242_99_forward-1.ipynb", "leebob_4243_98_forward.ipynb"],
        ["smithalice", "leebob"],
    ),
    "Blackboard": (
        [
            "Assignment 3_asmith_attempt_2024-03-05-10-22-33_forward.ipynb",
            "Assignment 3_asmith_attempt_2024-03-05-10-22-33.txt",
            "Assignment 3_b_lee_attempt_2024-03-05-10-22-33_forward.ipynb",
        ],
        ["asmith", "b_lee"],
    ),
    "Brightspace": (
        [
            "123456-789012 - Alice Smith - Mar 5, 2024 1022 AM/forward.ipynb",
            "123457-789013 - Jean-Luc Picard - 5 March, 2024 11:22 AM/forward.ipynb",
            "index.html",
        ],
        ["Alice Smith", "Jean-Luc Picard"],
    ),
    "Gradescope": (
        [
            "assignment_1_export/submission_11/forward.ipynb",
            "assignment_1_export/submission_12/forward.ipynb",
            ("assignment_1_export/submission_metadata.yml", YML),
        ],
        ["Alice Smith", "Bob Lee", "Carol O'Brien"],
    ),
    "Gradescope without its list": (
        ["submission_11/a.ipynb", "submission_12/a.ipynb"],
        ["submission_11", "submission_12"],
    ),
    "nbgrader's exchange": (
        ["alice+forward+2024-03-05 10:22:33 UTC+x1/forward.ipynb", "bob+forward+2024-03-05 10_22_33 UTC/forward.ipynb"],
        ["alice", "bob"],
    ),
    "nbgrader": (
        [
            "submitted/alice/forward/forward.ipynb",
            "submitted/bob/forward/forward.ipynb",
            "submitted/bob/forward/timestamp.txt",
        ],
        ["alice", "bob"],
    ),
    "GitHub Classroom": (
        [
            "forward-submissions/forward-alice/forward.ipynb",
            "forward-submissions/forward-alice/README.md",
            "forward-submissions/forward-bob-lee/forward.ipynb",
        ],
        ["alice", "bob-lee"],
    ),
    "学习通": (
        [
            "作业3-forward(1班)/2024001-王伟/forward.ipynb",
            "作业3-forward(1班)/2024002-李雷/附件/forward (1).ipynb",
            "作业3-forward(1班)/成绩.xls",
        ],
        ["王伟", "李雷"],
    ),
    "腾讯收集": (
        [
            "forward_收集结果/张三_forward.ipynb",
            "forward_收集结果/李四_forward(1).ipynb",
            "forward_收集结果/forward_收集结果.xlsx",
        ],
        ["张三", "李四"],
    ),
    "Google Classroom": (
        ["Alice Smith - forward.ipynb", "Copy of Bob Lee - forward.ipynb"],
        ["Alice Smith", "Bob Lee"],
    ),
    "Teams": (
        [
            "Submitted files/Alice Smith/forward/Version 1/forward.ipynb",
            "Submitted files/Alice Smith/forward/Version 2/forward.ipynb",
            "Submitted files/Bob Lee/forward/Version 1/forward.ipynb",
        ],
        ["Alice Smith", "Bob Lee"],
    ),
    "Sakai": (
        [
            "Assignment 3/Smith, Alice(asmith)/Submission attachment(s)/forward.ipynb",
            "Assignment 3/Smith, Alice(asmith)/timestamp.txt",
            "Assignment 3/Lee, Bob(blee)/Submission attachment(s)/forward.ipynb",
            "Assignment 3/grades.csv",
        ],
        ["Smith, Alice", "Lee, Bob"],
    ),
    "Schoology": (
        ["Smith, Alice - 12345/Revision 1 - On time/forward.ipynb", "Lee, Bob - 12346/Revision 1 - Late/forward.ipynb"],
        ["Smith, Alice", "Lee, Bob"],
    ),
    "CodeGrade": (["12345 - Alice Smith/forward.ipynb", "12346 - Bob Lee/forward.ipynb"], ["Alice Smith", "Bob Lee"]),
    "okpy": (
        ["alice@example.org/forward.ipynb", "bob@example.org/forward.ipynb"],
        ["alice@example.org", "bob@example.org"],
    ),
    "helpers beside the answer": (
        [
            "alice/forward.ipynb",
            "alice/03_forward.ipynb",
            "bob/forward.ipynb",
            "bob/experiment.ipynb",
            "bob/notes.ipynb",
        ],
        ["alice", "bob"],
    ),
    "other files of theirs": (
        ["alice/forward.ipynb", "alice/data.csv", "alice/model.py", "bob/forward.ipynb", "bob/README.md"],
        ["alice", "bob"],
    ),
    "names of their own in folders": (["alice/bottleneck.ipynb", "bob/resnet.ipynb"], ["alice", "bob"]),
    "same names in all folders": (["alice/x.ipynb", "alice/y.ipynb", "bob/x.ipynb", "bob/y.ipynb"], ["alice", "bob"]),
    "some loose, some in folders": (
        ["alice.ipynb", "bob/forward.ipynb", "late/carol/forward.ipynb", "王伟.ipynb"],
        ["alice", "bob", "carol", "王伟"],
    ),
    "copies in other languages": (
        [
            "anna - Kopie (2).ipynb",
            "Copie de zoé.ipynb",
            "Copia de luis.ipynb",
            "田中 - コピー.ipynb",
            "“forward_王伟.ipynb”的副本.ipynb",
            "forward 的副本 - 李雷.ipynb",
            "bob.ipynb.1",
            "carol.ipynb.ipynb",
            "dan.ipynb (1)",
        ],
        ["anna", "zoé", "luis", "田中", "王伟", "李雷", "bob", "carol", "dan"],
    ),
    "handed in again": (
        ["王伟.ipynb", "王伟-重新提交.ipynb", "李雷_20240305120000.ipynb", "李雷_20240306120000.ipynb"],
        ["王伟", "李雷"],
    ),
    "dates with times": (
        ["alice 20240305-1022.ipynb", "alice 20240306-1022.ipynb", "bob 05.03.2024.ipynb"],
        ["alice", "bob"],
    ),
    "forms that number": (
        ["序号1_姓名王伟_学号2024001_forward.ipynb", "序号2_姓名李雷_学号2024002_forward.ipynb"],
        ["王伟", "李雷"],
    ),
    "钉钉": (
        ["三年级二班_王伟_20240305120000.ipynb", "三年级二班_李雷_20240305120500.ipynb"],
        ["王伟", "李雷"],
    ),
    "somebody's work": (
        ["王伟的forward作业.ipynb", "李雷同学.ipynb", "Rev. Jones.ipynb"],
        ["王伟", "李雷", "Rev. Jones"],
    ),
    "a group of two": (["王伟、李雷.ipynb", "carol & dan.ipynb"], ["王伟、李雷", "carol & dan"]),
    "the teacher's own files": (
        ["王伟.ipynb", "作业要求.pdf", "参考答案.ipynb", "forward_template.ipynb"],
        ["王伟"],
    ),
    "left by a program": (
        ["alice.ipynb~", "bob.ipynb.part", "carol.ipynb.bak", "Dan - Untitled0.ipynb", "eve.html"],
        ["alice", "bob", "carol", "Dan", "eve"],
    ),
    "by year": (["21级李雷.ipynb", "刘老师班/王伟.ipynb"], ["李雷", "王伟"]),
    "no Canvas": (["王伟-2024_03_05_10_22_33.ipynb", "李雷-2024_03_05_10_22_34.ipynb"], ["王伟", "李雷"]),
    "ß": (["Strauß.ipynb", "Strauss.ipynb"], ["Strauß", "Strauss"]),
    "Moodle, by group": (
        [
            "Group A-Alice Smith_1234_assignsubmission_file_/forward.ipynb",
            "第1组-王伟_77_assignsubmission_file_/forward.ipynb",
        ],
        ["Alice Smith", "王伟"],
    ),
    "Blackboard in other languages": (
        [
            "作业 3_asmith_尝试_2024-03-05-10-22-33_forward.ipynb",
            "作业 3_asmith_尝试_2024-03-05-10-22-33.txt",
            "作业 3_b_lee_尝试_2024-03-05-10-22-33_forward.ipynb",
        ],
        ["asmith", "b_lee"],
    ),
    "Brightspace in other languages": (
        [
            "123456-789012 - Zoé Dupont - 5 février 2024 10 h 22/forward.ipynb",
            "123457-789013 - Ana Gil - 5 de agosto de 2024 1022/forward.ipynb",
        ],
        ["Zoé Dupont", "Ana Gil"],
    ),
    "words that names begin or end with": (
        ["Finalé.ipynb", "Élab.ipynb", "Łab Anna.ipynb", "Teamér B.ipynb"],
        ["Finalé", "Élab", "Łab Anna", "Teamér B"],
    ),
    "hidden, or only named in iCloud": (
        [".alice.ipynb", ".bob.ipynb.icloud", "carol.ipynb", "._carol.ipynb", ".~carol.ipynb"],
        ["alice", "bob", "carol"],
    ),
    "a list of those who did not": (["已提交/王伟.ipynb", "已提交/李雷.ipynb", "未提交名单.txt"], ["王伟", "李雷"]),
    "Moodle, with spaces in names": (["王 伟_123_assignsubmission_file_/forward.ipynb"], ["王伟"]),
    "archives that cannot be opened": (
        ["alice.rar", "bob.7z", "carol/forward.rar", "dan.ipynb"],
        ["alice", "bob", "carol", "dan"],
    ),
}

# Where two hand in, called alike: name, number, and a number that counts.
OF_TWO = {
    "学习通, a zip each": "2101班-forward/{name}_{number}.zip/作业.ipynb",
    "学习通, as a form": "姓名：{name} 学号：{number}.ipynb",
    "雨课堂": "雨课堂_forward_作业导出/{name}_{number}_forward.ipynb",
    "雨课堂, by question": "forward/{number}_{name}/主观题1/forward.ipynb",
    "腾讯收集, by class": "作业收集(收集结果)/上传作业/{name}-计科1班-forward({count}).ipynb",
    "腾讯收集, by question": "第1题_请上传作业/{count}_{name}_forward.ipynb",
    "问卷星": "forward/{count}_{name}_第3题_forward.ipynb",
    "金山表单": "上传文件/序号{count}_姓名{name}_forward.ipynb",
    "钉钉, a folder each": "forward作业-全部/{name}/forward({count}).ipynb",
    "飞书": "附件/{name}/forward.ipynb",
    "飞书, a table": "多维表格_附件下载/{count}-{name}-forward.ipynb",
    "QQ": "forward作业/{name}({number}5)/forward.ipynb",
    "QQ, in brackets": "【{number}】{name}forward.ipynb",
    "头歌": "forward_实训作业_{number}_{name}/forward.ipynb",
    "和鲸": "{name}的forward.ipynb",
    "full width": "２０２１０１０{count}＿{name}＿forward（{count}）.ipynb",
    "spaces in names": "{number} {spaced} forward.ipynb",
    "a monitor's list": "{count}、{name}.ipynb",
    "plus signs": "作业三+{name}+{number}.ipynb",
    "late ones in a folder": "迟交/{name}.ipynb",
    "a class by its year": "{name}(计科2101).ipynb",
    "a class by its year before it": "软工2102_{name}_forward.ipynb",
    "金融 is no Mr 金": "金融2101 {number} {name}.ipynb",
    "a monitor's zip of zips": "forward.zip/三班.zip/{name}.zip/forward.ipynb",
    "Moodle": "{name}_{number}_assignsubmission_file_/forward.ipynb",
    "Canvas": "{name}_{number}_5001_forward-{count}.ipynb",
    "Brightspace": "{number}-456 - {name} - Mar {count}, 2024 1022 AM/forward.ipynb",
    "Google Classroom": "forward/Copy of forward.ipynb - {name}.ipynb",
    "Teams": "Submitted files/{name}/forward/Version {count}/forward.ipynb",
    "OneDrive": "forward {count}_{name}.ipynb",
    "nbgrader on Windows": "inbound/{name}+forward+2024-03-05 10_22_33 UTC/forward.ipynb",
    "GitHub's zip": "forward-{name}-main/forward.ipynb",
    "CoCalc's checkpoints": "{name}/forward-checkpoint.ipynb",
    "numbers of seats": "{count}号{name}.ipynb",
    "a class by its year and subject": "24级人工智能{count}班_{name}.ipynb",
    "a class by letters": "AI2401-{name}-3月5号.ipynb",
    "WPS": "{name}（{name}）.ipynb",
    "an ending twice": "{name}.zip.zip/forward.ipynb",
}
JUNK = [
    "名单.xlsx",
    "index.html",
    ".DS_Store",
    "README.md",
    "成绩.csv",
    "Thumbs.db",
    "desktop.ini",
    "__MACOSX/._alice.ipynb",
]


def content(file):
    return file if isinstance(file, tuple) else (file, file)


@pytest.mark.parametrize("files, people", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("around", ["", "下载/", "term/forward-export/"])
@pytest.mark.parametrize("zipped", [False, True])
def test_who_comes_out(tmp_path, files, people, around, zipped):
    place = made(tmp_path, [*files, *JUNK], around, zipped)
    found = collect.collect(place, "forward")
    assert sorted(submission.student for submission in found) == sorted(people)


@pytest.mark.parametrize("pattern", OF_TWO.values(), ids=OF_TWO)
@pytest.mark.parametrize("around", ["", "下载/"])
def test_two_come_out(tmp_path, pattern, around):
    people = [("王伟", "20210101"), ("李雷", "20210102")]
    files = [
        pattern.format(name=name, spaced=" ".join(name), number=number, count=count)
        for count, (name, number) in enumerate(people, 1)
    ]
    found = collect.collect(made(tmp_path, [*files, *JUNK], around), "forward")
    assert sorted(one.called for one in found) == ["李雷", "王伟"] and not found.merged


def test_what_a_platform_keeps_beside_a_file_is_no_file_of_its_own(tmp_path):
    """Blackboard's text with the comments; drafts in Teams, which may be newer than what was handed in."""
    attempt = "forward_asmith_attempt_2024-03-05-10-22-33"
    found = collect.collect(made(tmp_path / "a", [f"{attempt}.txt", f"{attempt}_forward.ipynb"]), "forward")
    assert (found.files, found.merged) == (1, {})
    teams = [f"{kind} files/Alice Smith/forward/forward.ipynb" for kind in ("Submitted", "Working")]
    (alice,) = collect.collect(made(tmp_path / "b", teams), "forward")
    assert (alice.student, alice.name, alice.others) == ("Alice Smith", teams[0], 1)


def made(tmp_path, files, around="", zipped=False):
    if zipped:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for name, text in map(content, files):
                archive.writestr(around + name, text)
        return tmp_path / "all.zip"
    for name, text in map(content, files):
        path = tmp_path / "in" / (around + name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in sorted((tmp_path / "in").rglob("*.zip"), key=lambda path: -len(path.parts)):
        if folder.is_dir():
            folder.rename(folder.with_suffix(".tmp"))
            shutil.make_archive(str(folder.with_suffix("")), "zip", folder.with_suffix(".tmp"))
            shutil.rmtree(folder.with_suffix(".tmp"))
    return tmp_path / "in"


def test_a_student_does_not_hand_in_for_others(tmp_path):
    """What lies in a student's own folder or zip is called as that student likes."""
    folders = ["alice/李雷.ipynb", "bob/forward.ipynb", "李雷/forward.ipynb"]
    assert {one.student: one.content for one in collect.collect(made(tmp_path / "a", folders), "forward")} == {
        "alice": b"alice/\xe6\x9d\x8e\xe9\x9b\xb7.ipynb",
        "bob": b"bob/forward.ipynb",
        "李雷": "李雷/forward.ipynb".encode(),
    }
    for inside in ("李雷.ipynb", "2024001_李雷/forward.ipynb", "Bob Lee_77_assignsubmission_file_/forward.ipynb"):
        place = tmp_path / inside.replace("/", "_")
        place.mkdir()
        with zipfile.ZipFile(place / "alice.zip", "w") as archive:
            archive.writestr(inside, "alice's")
        (place / "李雷.ipynb").write_text("李雷's")
        found = {one.student: one.content for one in collect.collect(place, "forward")}
        assert found == {"alice": b"alice's", "李雷": "李雷's".encode()}


def test_a_folder_without_files_and_files_of_one_name_are_said(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for name, text in [("王伟/", ""), ("李雷/forward.ipynb", ""), ("李雷/data/", ""), ("alice.ipynb", "1")]:
            archive.writestr(name, text)
        archive.writestr("alice.ipynb", "2")
    found = collect.collect(tmp_path / "all.zip", "forward")
    assert {one.student: one.content for one in found} == {"alice": b"2", "李雷": b""}
    assert found.empty == ["王伟"] and found.merged == {"alice": ["alice (2).ipynb", "alice.ipynb"]}
    (tmp_path / "in" / "1班" / "王伟").mkdir(parents=True)
    (tmp_path / "in" / "1班" / "李雷.ipynb").write_text("")
    said = understood.summary(collect.collect(tmp_path / "in", "forward"))
    assert any("whose file did not arrive: 1班/王伟." in line for line in said)


def test_what_may_be_other_people_is_said(tmp_path):
    """A folder of unknown name may be a class or somebody's, and one number may be one person's under two names."""
    found = collect.collect(made(tmp_path / "a", ["Red/alice.ipynb", "Red/bob.ipynb", "Blue/carol.ipynb"]), "forward")
    assert sorted(found.groups) == ["Blue", "Red"]
    assert any("for classes or groups, not for one person: " in said for said in understood.summary(found))
    spellings = ["2024001_王伟.ipynb", "2024001_Wang Wei.ipynb", "2024002_李雷.ipynb"]
    assert collect.collect(made(tmp_path / "b", spellings), "forward").namesakes == [["Wang Wei", "王伟"]]
    online = made(tmp_path / "c", ["王伟_1234_assignsubmission_onlinetext_/onlinetext.html"])
    assert collect.collect(online, "forward").files == 1
