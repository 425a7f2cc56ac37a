"""The assignments: both languages, marks, what students get to see, and whom tests and second checks believe."""

import ast
import importlib
import linecache
import re
from itertools import count

import pytest
import torch
from checks import same
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    LockCells,
)
from submissions import ASSIGNMENTS, MISTAKES, OFFICIAL, OTHER_WAYS, TOLD, source_notebook
from test_editions import HAN, untwinned

MISTAKEN = [(assignment, name) for assignment in MISTAKES for name in MISTAKES[assignment]]
UNSEEN = re.compile(r"BEGIN|END|SOLUTION|HIDDEN|MARK SCHEME")


def code_cells(assignment, kind):
    """The cells that nbgrader knows as `kind`: setup, solution, test."""
    for cell in source_notebook(assignment).cells:
        role = cell.metadata.get("nbgrader")
        if cell.cell_type == "code" and role and kind == role_of(role):
            yield cell


def role_of(role):
    return "test" if role.grade else "solution" if role.solution else "setup"


def check_module(assignment):
    return importlib.import_module(f"checks.{assignment}")


def released(assignment):
    """The student version, made by nbgrader's own preprocessors."""
    notebook, resources = source_notebook(assignment), {}
    for preprocessor in (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ClearHiddenTests, ClearMarkScheme):
        notebook, resources = preprocessor().preprocess(notebook, resources)
    return notebook


# ---- running notebooks and second checks in this process


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """These tensors are tiny: threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


_numbers = count()


def run_source(source, namespace):
    """Runs `source` so that its lines can be found again, as a kernel does."""
    name = f"<cell {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)


def failing_tests(notebook, replacements=()):
    """grade_ids of the test cells that raise, the solution cells having first got their `replacements`."""
    namespace, failing = {"__name__": "__main__"}, {}
    for cell in notebook.cells:
        role = cell.metadata.get("nbgrader")
        if cell.cell_type != "code":
            continue
        source = dict(replacements).get(role.grade_id, cell.source) if role else cell.source
        try:
            run_source(source, namespace)
        except Exception as error:
            failing[role.grade_id if role else cell.id] = error
    return failing


class Student:
    """Stands in for the student's process of the second check."""

    def __init__(self, assignment, answers):
        checks = check_module(assignment)
        self.namespace = {"__name__": "submission"}
        for source in (checks.PRELUDE, *(answers[name] for name in checks.SOLUTIONS)):
            run_source(source, self.namespace)
        self.namespace |= {"run": run, "state": lambda module: module.state_dict()}
        self.on_paper = self  # with torch: what needs it is looked at in a sandbox, below

    def execute(self, _, source):
        run_source(source, self.namespace)

    def evaluate(self, expression, **values):
        copies = {name: plain(value, torch.Tensor.clone) for name, value in values.items()}
        return plain(eval(expression, self.namespace, copies), torch.Tensor.detach)


def run(module, weights, *inputs, train=False):
    module.load_state_dict(weights)
    module.train(train)
    with torch.no_grad():
        return module(*inputs)


def plain(value, of_tensor):
    """What a pipe would carry: tensors, numbers, strings, None, and lists and dicts of them."""
    if isinstance(value, torch.Tensor):
        return of_tensor(value)
    if isinstance(value, dict):
        return {key: plain(item, of_tensor) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, of_tensor) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(type(value).__name__)


def disagreeing_checks(assignment, answers):
    """grade_ids that the second check does not confirm."""
    wrong = {}
    for grade_id, check in check_module(assignment).CHECKS.items():
        try:
            if check(Student(assignment, OFFICIAL[assignment] | answers)) is not True:
                wrong[grade_id] = "False"
        except Exception as error:
            wrong[grade_id] = error
    return wrong


# ---- the notebooks


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_twins_say_the_same(assignment):
    assert not list(untwinned(source_notebook(assignment).cells))


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_prose_without_language_is_the_written_answer(assignment):
    cells = [cell for cell in source_notebook(assignment).cells if cell.cell_type == "markdown"]
    assert [cell.metadata.nbgrader.points for cell in cells if not cell.metadata.get("lang")] == [4]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_nbgrader_accepts_the_notebook(assignment):
    notebook = source_notebook(assignment)
    MetadataValidator().validate_nb(notebook)
    roles = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len({role.grade_id for role in roles}) == len(roles)
    assert sum(role.get("points", 0) for role in roles) == 20
    assert not [cell.id for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]+", cell.id) for cell in notebook.cells)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_messages_are_literal_and_in_both_languages(assignment):
    """Feedback shows of a hidden test nothing but its message, which it reads from the source."""
    for cell in code_cells(assignment, "test"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Assert):
                assert isinstance(node.msg, ast.Constant), ast.unparse(node.test)
                zh, dot, en = node.msg.value.partition(" · ")
                assert dot and HAN.search(zh) and not HAN.search(en), node.msg.value


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_test_cell_hides_something(assignment):
    for cell in code_cells(assignment, "test"):
        visible, _, hidden = cell.source.partition("### BEGIN HIDDEN TESTS")
        assert "assert" in visible and "assert" in hidden, cell.id


# ---- what students get


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_student_version_gives_nothing_away(assignment):
    source, student = source_notebook(assignment), released(assignment)
    text = "\n".join(cell.source for cell in student.cells)
    assert not UNSEEN.search(text)
    for cell in source.cells:
        role = cell.metadata.get("nbgrader")
        if role and role.solution and cell.cell_type == "markdown":
            assert not [line for line in cell.source.splitlines() if len(line) > 20 and line in text]
        for hidden in re.findall(r"### BEGIN (?:HIDDEN TESTS|SOLUTION)\n(.*?)### END", cell.source, re.DOTALL):
            assert hidden not in text
    for cell in student.cells:
        role = cell.metadata.get("nbgrader")
        if cell.cell_type == "code" and role and role.solution:
            assert "raise NotImplementedError()" in cell.source


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_student_version_runs_up_to_what_is_to_be_written(assignment):
    failing = failing_tests(released(assignment))
    tests = {cell.metadata.nbgrader.grade_id for cell in code_cells(assignment, "test")}
    given = {cell.id for cell in code_cells(assignment, "setup")}
    assert tests <= failing.keys() and not given & failing.keys()
    first = next(iter(failing))
    assert isinstance(failing[first], NotImplementedError), failing[first]


# ---- who is believed


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_second_check_knows_every_test_and_the_setup(assignment):
    checks = check_module(assignment)
    assert list(checks.CHECKS) == [cell.metadata.nbgrader.grade_id for cell in code_cells(assignment, "test")]
    assert list(checks.SOLUTIONS) == [cell.metadata.nbgrader.grade_id for cell in code_cells(assignment, "solution")]
    setup = [cell.source for cell in code_cells(assignment, "setup") if cell.id != "bootstrap"]
    assert checks.PRELUDE.strip() == "\n\n\n".join(setup)
    assert ("linewalk" in checks.PRELUDE) == checks.WALKS


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_official_solution_passes(assignment):
    assert failing_tests(source_notebook(assignment)) == {}
    for _ in range(3):  # fresh numbers each time
        assert disagreeing_checks(assignment, {}) == {}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_right_answer_passes_however_it_is_written(assignment):
    assert OTHER_WAYS[assignment]
    for answers in OTHER_WAYS[assignment].values():
        assert failing_tests(source_notebook(assignment), answers) == {}
        assert disagreeing_checks(assignment, answers) == {}


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")  # a width of 0 is one of the mistakes
@pytest.mark.parametrize(("assignment", "name"), MISTAKEN, ids=[f"{a}: {name}" for a, name in MISTAKEN])
def test_a_mistake_fails_what_it_should_and_nothing_else(assignment, name):
    sources, expected = MISTAKES[assignment][name]
    assert expected
    failing = failing_tests(source_notebook(assignment), sources)
    assert failing.keys() == expected, failing
    disagreeing = disagreeing_checks(assignment, sources)
    assert disagreeing.keys() == expected, disagreeing


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_hidden_test_catches_a_mistake_of_its_own(assignment):
    """Each test cell has a mistake that what students see of the cell lets pass."""
    student = released(assignment)
    hidden = set()
    for sources, expected in MISTAKES[assignment].values():
        hidden |= expected - failing_tests(student, OFFICIAL[assignment] | sources).keys()
    assert hidden == {cell.metadata.nbgrader.grade_id for cell in code_cells(assignment, "test")}


@pytest.mark.parametrize(("assignment", "name", "test"), TOLD, ids=[f"{a}: {name}: {test}" for a, name, test in TOLD])
def test_students_hear_of_a_mistake_before_they_hand_in(assignment, name, test):
    """In words, that is, and not by whatever PyTorch happens to raise."""
    failing = failing_tests(released(assignment), OFFICIAL[assignment] | MISTAKES[assignment][name][0])
    assert isinstance(failing[f"test_{test}"], AssertionError), failing


# ---- what the second check makes of an answer


def test_only_a_tensor_of_equal_values_is_the_same():
    class AlwaysEqual:
        def __eq__(self, other):
            return True

    ours = torch.tensor([1.0, 2.0])
    assert same(ours.clone(), ours)
    assert not any(same(theirs, ours) for theirs in (
        AlwaysEqual(), None, [1.0, 2.0], ours[:1], ours.double(), ours + 0.1, ours * float("nan")
    ))


def test_numbers_are_compared_without_asking_them():
    assert same({"a": [1, 2]}, {"a": (1, 2)})
    assert not same([True, 2], (1, 2))
    assert not same([1.0, 2], (1, 2))
    assert not same({"a": 1}, {"a": 1, "b": 2})


@pytest.mark.parametrize("config", ["html: [unclosed", "", "- a list", "html: 5"])
def test_settings_that_are_no_good_are_told_in_one_sentence(config, tmp_path, monkeypatch):
    import assignments

    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    monkeypatch.setattr(assignments, "ROOT", tmp_path)
    with pytest.raises(assignments.AssignmentError, match=r"请对照.* · _config\.yml"), assignments.source_of_linewalk():
        pass
