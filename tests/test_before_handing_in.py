"""The cell that checks all before handing in: nobody is left with Python's words alone, and it is on students' side."""

import io
import re
from contextlib import redirect_stdout

import assignments
import pytest
import torch
from raw_mistakes import RAW
from submissions import ASSIGNMENTS, OFFICIAL, source_notebook
from test_assignments import run_source
from test_editions import HAN

CASES = [(assignment, name) for assignment in RAW for name in RAW[assignment]]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def released():
    return {name: assignments.student_version(source_notebook(name)) for name in ASSIGNMENTS}


def told(notebook, answers):
    """What the last cell prints, the cells before it having run with these answers; a failing cell is passed over."""
    namespace = {"__name__": "__main__"}
    printed = io.StringIO()
    for cell in notebook.cells:
        role = cell.metadata.get("nbgrader", {})
        needed = not role.get("grade") and (role or cell.id in ("explanations", "before_handing_in"))
        if cell.cell_type != "code" or not needed or cell.id == "bootstrap":
            continue
        with redirect_stdout(printed if cell.id == "before_handing_in" else io.StringIO()):
            try:
                run_source(answers.get(role.get("grade_id"), cell.source), namespace)
            except Exception:
                assert role.get("solution"), cell.id
    return printed.getvalue()


def by_test(text):
    """grade_id → lines below it, of the tests that failed."""
    return {found[1]: found[2] for found in re.finditer(r"✗ (\w+)\n((?:    .*\n)*)", text)}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_right_answer_passes_every_visible_test(released, assignment):
    text = told(released[assignment], OFFICIAL[assignment])
    tests = [cell for cell in source_notebook(assignment).cells if cell.metadata.get("nbgrader", {}).get("points")]
    tests = [cell.metadata.nbgrader.grade_id for cell in tests if cell.cell_type == "code"]
    assert re.findall(r"✓ (\w+)", text) == tests and "✗" not in text
    assert f"{len(tests)} of {len(tests)} visible tests passed" in text


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_what_is_not_written_yet_is_told_so(released, assignment):
    failed = by_test(told(released[assignment], {}))
    assert failed
    # A dict that is empty is no error, and its own test says what is missing.
    assert any("`raise NotImplementedError()`" in lines or "不认识" in lines for lines in failed.values())
    assert all(in_both_languages(lines) for lines in failed.values())


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_there_are_ten_mistakes(assignment):
    assert len(RAW[assignment]) >= 10


@pytest.mark.parametrize(("assignment", "name"), CASES, ids=[f"{a}: {name}" for a, name in CASES])
def test_nobody_is_left_alone_with_a_raw_error(released, assignment, name):
    sources, first, zh, en = RAW[assignment][name]
    failed = by_test(told(released[assignment], OFFICIAL[assignment] | sources))
    assert next(iter(failed), None) == first
    chinese, english = in_both_languages(failed[first])
    assert zh in chinese and en in english, failed[first]
    assert all(in_both_languages(lines) for lines in failed.values()), failed
    assert "→ exec(" not in "".join(failed.values())  # a line of ours, where none of theirs was running


def in_both_languages(lines):
    """(Chinese, English) of the last line, which is for the student; what Python says stands before."""
    zh, dot, en = lines.strip().splitlines()[-1].partition(" · ")
    return (zh, en) if dot and HAN.search(zh) and not HAN.search(en) else None


def test_the_line_is_the_students_own(released):
    sources, *_ = RAW["forward"]["layer without self"]
    assert "→ out = conv1(x)" in told(released["forward"], OFFICIAL["forward"] | sources)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_students_get_it_and_it_holds_no_secret(released, assignment):
    cells = {cell.id: cell for cell in released[assignment].cells}
    assert cells["before_handing_in"].source == "before_handing_in()"
    explanations = cells["explanations"].source
    for cell in released[assignment].cells:
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            assert repr(cell.source) in explanations
    for cell in source_notebook(assignment).cells:
        for hidden in re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END", cell.source, re.DOTALL):
            assert repr(hidden)[1:-1] not in explanations


def test_an_error_in_a_cell_is_explained_below_it_once(released):
    """In a real shell, though the cell has run twice; a syntax error, too."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    (explanations,) = [cell.source for cell in released["init"].cells if cell.id == "explanations"]
    printed = {}
    for source in (explanations, explanations, "print(1，2)", "import torch.nn as nn\nnn.Sequential(nn.ReLU)", "1 + 1",
                   "assert False, '看 · see'"):
        with redirect_stdout(io.StringIO()) as output:
            shell.run_cell(source)
        printed[source] = output.getvalue()
    assert printed[explanations] == ""
    assert printed["print(1，2)"].count("💡") == 1 and "`，`" in printed["print(1，2)"]
    assert "`ReLU` 后面少了括号" in printed["import torch.nn as nn\nnn.Sequential(nn.ReLU)"]
    assert "💡" not in printed["1 + 1"] + printed["assert False, '看 · see'"]


# ---- what helps before that


@pytest.mark.parametrize(("assignment", "answer"), [
    ("init", "block"), ("init", "downsample"), ("forward", "main_path"), ("forward", "block"),
])
def test_hints_go_up_in_three_steps_and_the_last_leaves_something_to_do(assignment, answer):
    for lang in ("zh", "en"):
        (cell,) = [one for one in source_notebook(assignment).cells if one.id == f"hints-{answer}-{lang}"]
        steps = re.findall(r"<details><summary>.*?</summary>\n\n(.*?)\n\n</details>", cell.source, re.DOTALL)
        assert len(steps) == 3 and "___" in steps[2]
        code = [re.search(r"```python\n(.*?)```", step, re.DOTALL) for step in steps]
        assert [bool(found) for found in code] == [False, False, True]
        pattern = ".*".join(map(re.escape, re.sub(r"# .*\n", "___", code[2][1]).replace(" ", "").split("___")))
        assert re.search(pattern.replace(r"\n", ".*"), re.sub(" ", "", OFFICIAL[assignment][answer]) + "\n", re.DOTALL)


@pytest.mark.parametrize(("order", "told"), [
    ("", "Put each of the seven letters"), ("CGDEABF", "That is the order"), ("CGDEABB", "once"),
    ("GCDEABF", "before it has a value"), ("CDGEABF", "the values are wrong"), ("CGDEAFB", "the values are wrong"),
])
def test_lines_out_of_order_are_judged_by_running_them(order, told, capsys):
    cells = {cell.id: cell for cell in source_notebook("forward").cells}
    namespace = {}
    run_source(cells["setup"].source, namespace)
    capsys.readouterr()
    run_source(cells["order"].source.replace('order = ""', f'order = "{order}"'), namespace)
    printed = capsys.readouterr().out
    assert told in printed and HAN.search(printed)
