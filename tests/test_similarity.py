"""Classes in which it is known who copied from whom: these come first, and what everybody writes counts for nobody."""

import json
import random
import re
import sys

import pytest
from conftest import ROOT
from submissions import MISTAKES, OFFICIAL, OTHER_WAYS, source_notebook

sys.path.append(str(ROOT / "classroom"))
copydetect = pytest.importorskip("copydetect")
import similarity  # noqa: E402
from similarity import Work, similar  # noqa: E402

MAIN_PATH = OFFICIAL["forward"]["main_path"]
# What nobody else would write: an own way, and the same with other names, spacing and comments.
OWN = """
class Unusual(nn.Module):
    def main_path(self, x):
        steps = zip([self.conv1, self.conv2, self.conv3], [self.bn1, self.bn2, self.bn3])
        result = x
        for number, (convolve, normalize) in enumerate(steps):
            result = normalize(convolve(result))
            if number < 2:
                result = torch.where(result > 0, result, torch.zeros_like(result))
        return result
"""
COPY = """
# my solution
class Mine(nn.Module):
    def main_path(self, inp):

        pairs = zip( [self.conv1, self.conv2, self.conv3],
                     [self.bn1, self.bn2, self.bn3] )   # all of them
        y = inp
        for i, (c, b) in enumerate(pairs):
            y = b( c(y) )  # both
            if i < 2:
                y = torch.where(y > 0, y, torch.zeros_like(y))
        return y
"""


def given():
    cells = source_notebook("forward").cells
    return {kind: "\n".join(cell.source for cell in cells if cell.cell_type == kind) for kind in ("code", "markdown")}


def work(name, code=MAIN_PATH, prose="", before=False):
    answers = {"main_path": ("code", code), "words": ("markdown", prose)}
    return Work(name, (name, name), answers, before)


def honest(number):
    """Right answers in all the ways that are known, and the usual mistakes: nobody has copied."""
    ways = [MAIN_PATH, *(sources["main_path"] for sources in OTHER_WAYS["forward"].values() if "main_path" in sources)]
    ways += [sources["main_path"] for sources, _ in MISTAKES["forward"].values() if "main_path" in sources]
    order = random.Random(1)
    return [work(f"student{place}", order.choice(ways)) for place in range(number)]


def named(works, pairs):
    return [{works[pair.one].name, works[pair.other].name} for pair in pairs]


@pytest.mark.parametrize(("number", "times"), [(35, 1.5), (300, 3)])
def test_planted_copies_come_first(number, times):
    """In 35, a way that four found is unusual as well; among many it is not."""
    works = [*honest(number), work("alice", OWN), work("bob", COPY)]
    random.Random(2).shuffle(works)
    pairs, _ = similar(works, given())
    assert named(works, pairs)[0] == {"alice", "bob"}
    others = [pair.weight for pair in pairs[1:]]
    assert not others or pairs[0].weight > times * max(others)


def test_right_answers_of_35_who_worked_alone_are_no_pairs():
    works = [work(f"student{place}") for place in range(35)]
    assert similar(works, given())[0] == []


def test_what_many_have_counts_for_nobody_though_nobody_was_given_it():
    works = [*honest(60), *(work(f"many{place}", OWN) for place in range(similarity.COMMON + 1))]
    few = [*honest(60), *(work(f"few{place}", OWN) for place in range(similarity.COMMON))]
    found = named(few, similar(few, given())[0])
    assert all(name.startswith("few") for pair in found[:similarity.COMMON] for name in pair)
    assert not [pair for pair in named(works, similar(works, given())[0]) if any("many" in name for name in pair)]


def test_what_was_handed_out_counts_for_nobody_though_few_kept_it():
    works = [*honest(35), work("alice", OWN), work("bob", COPY)]
    handed_out = {**given(), "code": given()["code"] + OWN}
    assert {"alice", "bob"} not in named(works, similar(works, handed_out)[0])


def test_last_years_are_compared_with_this_years_and_not_among_themselves():
    works = [*honest(35), work("alice", COPY), work("old1", OWN, before=True), work("old2", OWN, before=True)]
    found = named(works, similar(works, given())[0])
    assert found[:2] in ([{"alice", "old1"}, {"alice", "old2"}], [{"alice", "old2"}, {"alice", "old1"}])
    assert {"old1", "old2"} not in found


def test_written_answers_are_compared_without_spaces_and_punctuation():
    zh = "残差让梯度沿着捷径原样传回去，所以我把网络加深到一百层训练误差也没有变大"
    works = [*(work(f"student{place}", prose=f"第 {place} 种想法 {place * 7919}") for place in range(20))]
    works += [work("alice", prose=zh), work("bob", prose=f"答： {zh.replace('，', ' , ')}。")]
    pairs, _ = similar(works, given())
    assert named(works, pairs) == [{"alice", "bob"}]
    assert pairs[0].cells == ["words"]


def test_a_teams_one_file_is_no_pair():
    works = [*honest(35), *(work(name, OWN)._replace(file=("team1.ipynb", "1")) for name in ("alice", "bob"))]
    assert {"alice", "bob"} not in named(works, similar(works, given())[0])


def test_both_stand_side_by_side_with_what_is_alike_marked_and_nothing_of_theirs_acts(tmp_path):
    evil = '\nx = "<script>alert(1)</script>"\n'
    end = "\nend = [1, 2, 3] if 4 else {5: 6, 7: 8, 9: '<b>'}\n"
    works = [*honest(35), work("alice", evil + OWN + end), work("<img src=x>", evil + COPY)]
    pairs, rare = similar(works, given())
    similarity.write_report(tmp_path / "similarity.html", "forward", works, pairs, rare)
    page = (tmp_path / "similarity.html").read_text(encoding="utf-8")
    first = page.partition("<details open>")[2].partition("</details>")[0]
    one, other = re.findall(r"<pre>(.*?)</pre>", first, re.DOTALL)
    for shown, line in ((one, "result = normalize(convolve(result))"), (other, "y = b( c(y) )")):
        marked = "".join(re.findall("<mark>(.*?)</mark>", shown, re.DOTALL))
        assert line in marked
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "<img" not in page and "<b>" not in page
    assert page.count("<script>") == 1 and "Content-Security-Policy" in page
    assert "ln(总份数 ÷ 写了这一段的份数)" in page and "each passage of 25 characters that both have counts" in page
    assert not re.search("抄袭|作弊|plagiar|cheat", page, re.IGNORECASE)


@pytest.mark.parametrize("content", ["", "[]", '{"cells": [1]}', "\0" * 10, "[" * 100_000])
def test_what_is_no_notebook_has_no_answers(tmp_path, content):
    (tmp_path / "a.ipynb").write_text(content)
    assert similarity.answers_in(tmp_path / "a.ipynb") == {}


def test_only_answer_cells_are_read(tmp_path):
    source = source_notebook("forward")
    (tmp_path / "a.ipynb").write_text(json.dumps(source))
    answers = similarity.answers_in(tmp_path / "a.ipynb")
    assert set(OFFICIAL["forward"]) < set(answers) and not [name for name in answers if name.startswith("test_")]


def test_a_folder_without_notebooks_is_said(tmp_path):
    with pytest.raises(similarity.GradeError, match="BEFORE"):
        similarity.works_before(tmp_path, "forward")
