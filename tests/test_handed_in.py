"""Late work, files that come again, go or are called otherwise: whose they are and which counts, over several runs."""

import os
import zipfile
from datetime import datetime

import pytest

collect = pytest.importorskip("collect")
import handed_in  # noqa: E402 (where nbgrader is not installed, neither is this)
from roster import Person, Roster  # noqa: E402


class Term:
    """The runs of a term, without grading."""

    def __init__(self, folder):
        self.folder, self.students, self.stuck = folder, {}, set()

    def hand_in(self, place, name, text, day):
        path = self.folder / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, 2 * (datetime(2024, 3, day, 10, 22).timestamp(),))
        return path

    def run(self, place, roster=None):
        collected = collect.collect(self.folder / place, "forward", roster)
        _, told = handed_in.enter(collected, place, self.students, self.stuck.__contains__, roster)
        for entry in self.students.values():
            entry["content"] = handed_in.counting(entry)["content"]
        self.nobodys = collected.nobodys
        return told

    def counts(self):
        return {
            name: handed_in.counting(self.students[key])["file"]
            for key, name in handed_in.shown_names(self.students).items()
        }


@pytest.fixture
def term(tmp_path):
    return Term(tmp_path)


def test_late_work_stays(term):
    """However often the first folder is run again, copied or not."""
    term.hand_in("first", "alice.ipynb", "old", 5)
    term.hand_in("first", "bob.ipynb", "bob", 5)
    term.run("first")
    term.hand_in("late", "forward_alice.ipynb", "new", 9)
    for place in ("late", "first", "first"):
        term.run(place)
        assert term.counts() == {"alice": "forward_alice.ipynb", "bob": "bob.ipynb"}
    term.hand_in("first", "alice.ipynb", "old", 20)
    term.run("first")
    term.hand_in("copy", "alice.ipynb", "old", 21)
    term.run("copy")
    assert term.counts()["alice"] == "forward_alice.ipynb"
    assert handed_in.why_this_file(term.students["alice"]) == [
        (
            "交了 2 份，取最新的 forward_alice.ipynb (2024-03-09 10:22)，没有算 alice.ipynb (2024-03-05 10:22)",
            "the newest of 2 was taken, forward_alice.ipynb (2024-03-09 10:22), not alice.ipynb (2024-03-05 10:22)",
        )
    ]
    assert handed_in.why_this_file(term.students["bob"]) == []


def test_an_older_file_from_another_folder_does_not_count(term):
    term.hand_in("late", "alice.ipynb", "new", 9)
    term.run("late")
    term.hand_in("first", "alice (1).ipynb", "old", 5)
    term.run("first")
    assert term.counts() == {"alice": "alice.ipynb"}


def test_a_file_that_is_replaced_counts_whatever_its_date(term):
    term.hand_in("first", "alice.ipynb", "broken", 9)
    term.run("first")
    term.hand_in("first", "alice.ipynb", "mended", 5)
    term.run("first")
    assert term.students["alice"]["content"] == collect.digest(b"mended")


def test_a_file_that_is_gone(term):
    """One that could not be graded goes with its entry, one that could stays; of two the other counts again."""
    for name in ("alice", "bob", "carol"):
        term.hand_in("first", f"{name}.ipynb", name, 5)
    term.run("first")
    late = term.hand_in("late", "carol.ipynb", "broken", 9)
    term.hand_in("late", "dan.ipynb", "dan", 9)
    term.run("late")
    late.unlink()
    (term.folder / "first" / "alice.ipynb").unlink()
    (term.folder / "first" / "bob.ipynb").unlink()
    term.stuck = {"bob", "carol"}
    assert term.run("late") == []
    assert term.run("first") == [("dropped", "bob"), ("kept", "alice")]
    assert term.counts() == {"alice": "alice.ipynb", "carol": "carol.ipynb", "dan": "dan.ipynb"}
    assert term.students["carol"]["content"] == collect.digest(b"carol")


def test_a_renamed_file_keeps_its_entry_and_its_marks(term):
    """Where the name was understood otherwise before: marks by hand are kept by key."""
    term.hand_in("first", "smithalice_4242_99_forward.ipynb", "alice", 5)
    term.run("first")
    term.run("first", Roster([Person("Alice Smith", "2024001", ("2024001",), line=2)]))
    assert list(term.students) == ["smithalice"] and term.counts() == {
        "Alice Smith": "smithalice_4242_99_forward.ipynb"
    }


def test_numbers_tell_students_of_one_name_apart_in_every_run(term):
    term.hand_in("first", "2024001-王伟-作业3.ipynb", "one", 5)
    term.run("first")
    assert term.counts() == {"王伟": "2024001-王伟-作业3.ipynb"}
    term.hand_in("late", "2024002-王伟-作业3.ipynb", "two", 9)
    term.hand_in("late", "王伟_2024001.ipynb", "one again", 9)
    term.run("late")
    assert term.counts() == {"王伟 2024001": "王伟_2024001.ipynb", "王伟 2024002": "2024002-王伟-作业3.ipynb"}
    term.hand_in("later", "王伟.ipynb", "whose?", 12)
    term.run("later")
    assert list(term.nobodys) == ["王伟.ipynb"] and len(term.students) == 2
    assert term.nobodys["王伟.ipynb"] == ("可能是 王伟 2024001、王伟 2024002", "it may be 王伟 2024001 or 王伟 2024002")


def test_one_name_in_two_classes_is_two_students(term):
    term.hand_in("all", "1班/王伟.ipynb", "one", 5)
    term.hand_in("all", "2班/王伟.ipynb", "two", 5)
    term.run("all")
    term.run("all")
    assert term.counts() == {"王伟 1班": "1班/王伟.ipynb", "王伟 2班": "2班/王伟.ipynb"}


def test_entries_of_earlier_versions_keep_their_keys(term):
    def old(file, text, **more):
        content = collect.digest(text.encode())
        return {"file": file, "others": 0, "content": content, "digest": "d", "shard": 0, "edition": "en", **more}

    term.students = {
        "Alice_Smith": old("Alice Smith_12_assignsubmission_file_/forward.ipynb", "alice"),
        "Li_Lei_1": old("Li Lei_1_assignsubmission_file_/forward.ipynb", "1"),
        "Li_Lei_2": old("Li Lei_2_assignsubmission_file_/forward.ipynb", "2"),
        "2024001-王伟-作业3": old("2024001-王伟-作业3.ipynb", "王伟"),
        "Jose": old("Jose\u0301.ipynb", "José"),
    }
    texts = {
        "Alice_Smith": "alice",
        "Li_Lei_1": "1",
        "Li_Lei_2": "2 anew",
        "2024001-王伟-作业3": "王伟",
        "Jose": "José",
    }
    for key, text in texts.items():
        term.hand_in("download", f"forward-1/{term.students[key]['file']}", text, 5)
    term.hand_in("download", "forward-1/Jose.ipynb", "Jose", 5)
    term.run("download")
    assert sorted(term.students) == sorted([*texts, "Jose_" + list(term.students)[-1][-8:]])
    assert set(handed_in.shown_names(term.students).values()) == {
        "Alice Smith",
        "Li Lei 1",
        "Li Lei 2",
        "王伟",
        "José",
        "Jose",
    }
    assert term.students["Jose"]["name"] == "José"


def test_platforms_times_count_before_those_of_files(term):
    term.hand_in("a", "Assignment 3_asmith_attempt_2024-03-09-10-22-33_forward.ipynb", "new", 1)
    term.hand_in("a", "Assignment 3_asmith_attempt_2024-03-05-10-22-33_forward.ipynb", "old", 20)
    term.hand_in("b", "1-2 - Alice Smith - Mar 9, 2024 1022 PM/forward.ipynb", "new", 1)
    term.hand_in("b", "1-3 - Alice Smith - Mar 9, 2024 1122 AM/forward.ipynb", "old", 20)
    term.hand_in("c", "alice+forward+2024-03-09 10:22:33 UTC+x/forward.ipynb", "new", 1)
    term.hand_in("c", "alice+forward+2024-03-05 10:22:33 UTC+x/forward.ipynb", "old", 20)
    term.hand_in("d", "alice/v2/forward.ipynb", "new", 1)
    term.hand_in("d", "alice/v2/timestamp.txt", "2024-03-09 10:22:33.123456 UTC", 1)
    term.hand_in("d", "alice/forward.ipynb", "old", 7)
    for place in "abcd":
        (found,) = collect.collect(term.folder / place, "forward")
        assert (found.content, found.others) == (b"new", 1)


def test_the_higher_version_counts_where_times_are_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for version in (1, 2, 10):
            archive.writestr(zipfile.ZipInfo(f"Alice Smith/Version {version}/forward.ipynb"), str(version))
    (found,) = collect.collect(tmp_path / "all.zip", "forward")
    assert (found.student, found.content) == ("Alice Smith", b"10")
