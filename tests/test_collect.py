"""Whose notebook is whose, however the submissions came."""

import os
import time
import zipfile
from pathlib import Path

import pytest

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
    found = {one.student: one for one in collect.collect(tmp_path / "all.zip", "forward")}
    assert {name: one.content for name, one in found.items()} == {"alice": b"", "bob": b"bob", "carol": b""}
    assert "repack it as a zip" in found["alice"].problem[1] and "is damaged" in found["carol"].problem[1]


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
    """Not one student's, called like the assignment, of whose files all but one are set aside; others are graded."""
    write(tmp_path, {"alice.ipynb": "A", "forward.ipynb": "x"})
    found = collect.collect(tmp_path, "forward")
    assert [one.student for one in found] == ["alice"] and found.files == 2
    assert found.nobodys == {"forward.ipynb": ("名字里没有学生", "no student in its name")}
    (tmp_path / "alice.ipynb").unlink()
    write(tmp_path, {f"forward ({number}).ipynb": "x" for number in range(1, 30)})
    with pytest.raises(collect.CollectError, match=r"of forward \(1\).ipynb, forward \(10\).ipynb, .*, …: rename"):
        students(tmp_path)


def test_two_students_of_one_name_stay_two(tmp_path):
    write(tmp_path, {f"Li Lei_{number}_assignsubmission_file_/a.ipynb": number for number in ("1", "2")})
    assert students(tmp_path) == {"Li Lei 1": "1", "Li Lei 2": "2"}
    assert collect.collect(tmp_path, "forward").namesakes == [["Li Lei 1", "Li Lei 2"]]


def test_a_late_students_zip_says_whose_it_is(tmp_path):
    """Not the folder in it; and the zip may be all there is."""
    write_zip(tmp_path / "late" / "bob.zip", {"作业3/forward.ipynb": "late"})
    for place in (tmp_path, tmp_path / "late", tmp_path / "late" / "bob.zip"):
        assert students(place) == {"bob": "late"}


def test_zips_in_zips(tmp_path):
    inner = tmp_path / "inner.zip"
    write_zip(inner, {"作业/forward.ipynb": "王伟"})
    write_zip(tmp_path / "三班.zip", {"王伟.zip": inner.read_bytes(), "李雷.ipynb": "李雷"})
    write_zip(tmp_path / "all.zip", {"全部/三班.zip": (tmp_path / "三班.zip").read_bytes()})
    assert students(tmp_path / "all.zip") == {"王伟": "王伟", "李雷": "李雷"}


def write_zip(path, files):
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def changed(path, before, after):
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))


def test_zips_that_cannot_be_opened_are_a_students_with_a_reason(tmp_path):
    for name in ("encrypted", "asks_for_9.9", "cut", "empty", "right"):
        write_zip(tmp_path / f"{name}.zip", {} if name == "empty" else {"forward.ipynb": "x"})
    changed(tmp_path / "encrypted.zip", b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
    changed(tmp_path / "asks_for_9.9.zip", b"PK\x01\x02\x14\x03\x14\x00", b"PK\x01\x02\x14\x03\x63\x00")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "right.zip").read_bytes()[:60])
    (tmp_path / "rar.rar").write_bytes(b"Rar!\x1a\x07\x01\x00")
    (tmp_path / "7z.zip").write_bytes(b"7z\xbc\xaf\x27\x1c")
    found = {one.student: one for one in collect.collect(tmp_path, "forward")}
    reasons = {name: one.problem and one.problem[1] for name, one in found.items()}
    assert {name: reason and reason.split(": ")[-1] for name, reason in reasons.items()} == {
        "encrypted": "hand it in without one", "empty": "hand it in again", "right": None,
        **dict.fromkeys(["asks_for_9.9", "cut", "rar", "7z"], "repack it as a zip, or hand in the .ipynb"),
    }


def test_a_zip_that_calls_gbk_utf_8(tmp_path):
    """As some programs in China do; the names that are UTF-8 stay what they are."""
    path = tmp_path / "all.zip"
    write_zip(path, {"AAAA/forward.ipynb": "1", "李雷/forward.ipynb": "2"})
    changed(path, b"AAAA", "王伟".encode("gbk"))
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02", 0, content.index(b"PK\x01\x02") + 10)
    content[place + 9] |= 0x08
    path.write_bytes(content)
    assert students(path) == {"王伟": "1", "李雷": "2"}


def test_names_that_are_bytes(tmp_path):
    """As Linux has them after unzipping what Windows packed; they can be printed and kept in JSON."""
    for raw in ("王伟.ipynb".encode("gbk"), "李雷".encode("gbk") + b"/forward.ipynb", "José.ipynb".encode("latin-1")):
        path = os.path.join(os.fsencode(tmp_path), raw)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("x")
    assert set(students(tmp_path)) == {"王伟", "李雷", "José"}


def test_what_a_zip_may_cost(tmp_path, monkeypatch):
    """A listing too long, zips too large and too deep in one another: each is a student's file with a reason."""
    import archives

    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    write_zip(tmp_path / "alice.zip", {f"{number}.ipynb": "x" for number in range(4)})
    monkeypatch.setattr(archives, "MAX_UNPACKED", (1000, 1000, 1000))
    bomb = tmp_path / "bomb"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", bytes(10**6))
    (tmp_path / "bob.zip").write_bytes(bomb.read_bytes())
    bomb.unlink()
    deep = {"forward.ipynb": "x"}
    for level in range(5):
        write_zip(tmp_path / "carol.zip", deep)
        deep = {f"{level}.zip": (tmp_path / "carol.zip").read_bytes()}
    write_zip(tmp_path / "dan.zip", {"a/" * 500 + "forward.ipynb": "dan", "../" * 9 + "x.ipynb": "x"})
    found = {one.student: one for one in collect.collect(tmp_path, "forward")}
    assert sorted(found) == ["alice", "bob", "carol", "dan"] and found["dan"].content == b"dan"
    assert all(found[name].problem for name in ("alice", "bob", "carol"))


def test_marks_of_an_earlier_run_are_no_submissions(tmp_path):
    write(tmp_path, {"alice.ipynb": "A", "marks/plan.json": "", "marks/grades.csv": "", "marks/bob/x.ipynb": "B"})
    interrupted = {"other/.lock": "", "other/base/x/forward.ipynb": "x", "other/received/carol.ipynb": "C"}
    write(tmp_path, interrupted)
    assert students(tmp_path) == {"alice": "A"}


def test_links_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "alice.ipynb").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "self").symlink_to(".")
    os.mkfifo(tmp_path / "in" / "bob.ipynb")
    found = {one.student: one for one in collect.collect(tmp_path / "in", "forward")}
    assert sorted(found) == ["alice", "bob", "self"] and not any(one.content for one in found.values())
    assert all("is a link or device and no file: hand in" in one.problem[1] for one in found.values())
    with pytest.raises(collect.CollectError, match="找不到"):
        collect.collect(tmp_path / "nowhere", "forward")


def test_a_zip_of_very_many_files_takes_no_time(tmp_path):
    """It is somebody's, with a reason, and everybody else is found within seconds."""
    write_zip(tmp_path / "in" / "alice.zip", {f"{number}.ipynb": "x" for number in range(5001)})
    write_zip(tmp_path / "in" / "bob.zip", {"forward.ipynb": "bob"})
    (tmp_path / "in" / "carol.ipynb").write_text("carol")
    found = {one.student: one for one in collect.collect(tmp_path / "in", "forward")}
    assert [one.content for one in found.values()] == [b"", b"bob", b"carol"]
    assert "holds too much" in found["alice"].problem[1]
    write_zip(tmp_path / "all.zip", {f"{number}.ipynb": "x" for number in range(20_001)})
    with pytest.raises(collect.CollectError, match=r"lists too many files \(at most 20000\): unpack it"):
        collect.collect(tmp_path / "all.zip", "forward")


def test_names_longer_than_any_disk_takes(tmp_path):
    """Those in a zip may have 65535 letters; the time to find a name in them grows with their square."""
    names = ["(1)" * 20_000, "作业" * 10_000, "- 副本" * 5000]
    write_zip(tmp_path / "all.zip", {f"alice{name}.ipynb": name for name in names} | {"bob.ipynb": "bob"})
    began = time.process_time()
    found = collect.collect(tmp_path / "all.zip", "forward")
    assert {one.content.decode() for one in found} == {*names, "bob"} and time.process_time() - began < 5


def test_a_students_list_names_nobody_else_and_takes_no_memory(tmp_path):
    """One that lies in a submission as Gradescope's own does beside them; and one that grows by nine in each line."""
    mine = "submission_12:\n  :submitters:\n  - :name: Mallory\n"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefghi", "bcdefghij", strict=True)]
    theirs = "".join(f"submission_{n}:\n  :submitters:\n  - :name: {who}\n" for n, who in ((11, "Alice"), (12, "Bob")))
    files = {"submission_metadata.yml": theirs, "submission_11/forward.ipynb": "A", "submission_12/forward.ipynb": "B"}
    bomb = "\n".join([*lines, "submission_13:", "  :submitters:", "  - :name: *j"])
    files |= {"submission_11/submission_metadata.yml": mine, "carol/metadata.yml": bomb, "carol/forward.ipynb": "C"}
    write_zip(tmp_path / "all.zip", files)
    assert students(tmp_path / "all.zip") == {"Alice": "A", "Bob": "B", "carol": "C"}


def test_what_may_not_be_read_or_has_gone_stops_nobody(tmp_path, monkeypatch):
    write(tmp_path, {"alice.ipynb": "A", "bob.ipynb": "B", "carol.ipynb": "C"})
    monkeypatch.setattr("archives.os.access", lambda path, mode: path.name != "alice.ipynb")
    lstat = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: lstat(path.with_name("gone") if path.name == "bob.ipynb" else path))
    found = {one.student: one for one in collect.collect(tmp_path, "forward")}
    assert sorted(found) == ["alice", "carol"] and "permissions want changing" in found["alice"].problem[1]
