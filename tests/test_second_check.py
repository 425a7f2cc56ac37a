"""The second check: what passes the pipe, and what a hostile other end can do, which is nothing."""

import json
import linecache
import math
import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import reduce
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from submissions import ASSIGNMENTS, MISTAKES, OFFICIAL

pytestmark = pytest.mark.usefixtures("bubblewrap")

PRELUDE = "import torch\nimport torch.nn as nn\n"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setenv("CLASSROOM_LIMITS", json.dumps({"cell_seconds": 10, "check_seconds": 40}))


def check(solution, walks=False, **questions):
    """The verdict on each question, a function of the student."""
    from second_check import second_check

    checks = SimpleNamespace(SOLUTIONS=("a", "b"), PRELUDE=PRELUDE, WALKS=walks, CHECKS=questions)
    return second_check(checks, solution if isinstance(solution, dict) else {"a": solution})


def test_values_go_there_and_back():
    values = [None, True, 3, -2.5, math.inf, "字", [1, [2]], {"a": 1, 2: [3]}, torch.randn(2, 3), torch.tensor(3),
              {"weights": [torch.arange(6).reshape(2, 3).T, torch.zeros(0, 4), torch.ones(2, dtype=torch.bool)]}]

    def same(theirs, ours):
        if isinstance(ours, torch.Tensor):
            return theirs.dtype == ours.dtype and torch.equal(theirs, ours)
        if isinstance(ours, list):
            return isinstance(theirs, list) and len(theirs) == len(ours) and all(map(same, theirs, ours))
        if isinstance(ours, dict):
            return theirs.keys() == ours.keys() and all(same(theirs[key], ours[key]) for key in ours)
        return type(theirs) is type(ours) and theirs == ours

    def there_and_back(student):
        return all(same(student.evaluate("echo(value)", value=value), value) for value in values)

    def helpers(student):
        ours = torch.nn.BatchNorm2d(3)
        x = torch.randn(2, 3, 4, 4)
        trained, state = student.evaluate(
            "[m := nn.BatchNorm2d(3), run(m, w, x, train=True), state(m)][1:]", w=ours.state_dict(), x=x
        )
        kept = ours.state_dict() | {"running_mean": torch.zeros(3)}
        evaluated = student.evaluate("run(nn.BatchNorm2d(3), w, x)", w=kept, x=x)
        return (
            torch.allclose(evaluated, ours.eval()(x))
            and torch.allclose(trained, ours.train()(x).detach(), atol=1e-6)
            and torch.allclose(state["running_mean"], ours.running_mean)
        )

    found = check("def echo(value):\n    print('noise')\n    return value", there=there_and_back, helpers=helpers)
    assert found == {"there": (True, ""), "helpers": (True, "")}


def test_cells_are_executed_one_by_one_and_seen_with_their_source():
    sources = {"a": "def good():\n    return 1\n", "b": "def bad(:"}
    found = check(
        sources,
        good=lambda student: student.evaluate("good()") == 1,
        bad=lambda student: student.evaluate("bad()") == 1,
        source=lambda student: "return 1" in student.evaluate("__import__('inspect').getsource(good)"),
    )
    assert found["good"] == (True, "") and found["source"] == (True, "")
    assert not found["bad"][0] and "b: SyntaxError" in found["bad"][1]


@pytest.mark.parametrize(
    "body, reason",
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("return object()", "TypeError: object"),
        ("import os; os._exit(0)", "the process ended"),
        ("while True: pass", "timed out"),
        ("import os; [os.write(fd, b'\\xff' * 99) for fd in range(3, 9) if writable(fd)]", "answer too large"),
        ("import os; [os.write(fd, (5).to_bytes(8, 'big') + b'hello' * 9) for fd in range(3, 9) if writable(fd)]",
         "unreadable answer"),
        ("import os; [os.close(fd) for fd in range(3, 9) if writable(fd)]; return 1", ""),
        ("return bytearray(2**33)", "MemoryError"),
        ("return [[]] * 60_000", "too many values"),
        ("return 'x' * 2**22", "answer too large"),
        ("return torch.zeros(2**24)", "answer too large"),
        ("return [torch.zeros(0)] * 9000", "answer too large"),
        ("return torch.zeros(2**40, 0), torch.zeros(1).expand(2**40)", "Error"),
        ("raise ValueError('\\ud800')", "ValueError: ?"),
        ("import os; n = (10**5 * 2).to_bytes(8, 'big') + b'[' * 10**5 + b']' * 10**5; "
         "[os.write(fd, n) for fd in range(3, 9) if writable(fd)]", "nested too deep"),
    ],
)
def test_one_failure_leaves_the_other_questions_alone(body, reason):
    source = f"""
def writable(fd):
    import fcntl, os, stat
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_WRONLY
    except OSError:
        return False
def f():
    {body}
"""
    found = check(source, bad=lambda student: student.evaluate("f()"), good=lambda student: student.evaluate("2") == 2)
    assert not found["bad"][0] and reason in found["bad"][1], found
    assert found["good"] == (True, "")


def test_answers_are_weighed_together(monkeypatch):
    import second_check

    monkeypatch.setattr(second_check, "MAX_ANSWERS", 2**20)
    found = check("", **dict.fromkeys("abcde", lambda student: len(student.evaluate("torch.zeros(2**16)")) == 2**16))
    assert [passed for passed, _ in found.values()] == [True] * 3 + [False] * 2


def test_a_fault_of_a_check_is_raised_and_fails_nobody():
    with pytest.raises(KeyError, match="a fault of ours"):
        check("", good=lambda student: student.evaluate("1") == 1, ours=lambda student: {}["a fault of ours"])


ODD = [
    None, True, False, 0, 3, -1.5, math.nan, math.inf, 10**400, "", "x", [], [[]], [None] * 2, [None] * 3, [None] * 4,
    {}, {"a": 1}, {None: {}}, torch.zeros(0), torch.tensor(True), torch.ones(2, dtype=torch.complex64),
    torch.ones(2, dtype=torch.float8_e4m3fn), torch.ones(2, dtype=torch.uint64), torch.full((2, 3), math.nan),
]


class Asked:
    """A student who answers right, in this process, but for the answer of a number, of which `change` makes another."""

    def __init__(self, checks, sources, number=None, change=None):
        self.namespace = {"run": self.run, "state": lambda module: module.state_dict()}
        self.number, self.change, self.answers = number, change, []
        self.on_paper = self
        for source in [checks.PRELUDE, *(sources[name] for name in checks.SOLUTIONS)]:
            with suppress(Exception):
                self.execute("cell", source)

    def run(self, module, weights, *inputs, train=False):
        module.load_state_dict(weights)
        with torch.no_grad():
            return module.train(train)(*inputs)

    def execute(self, name, source):
        path = f"<{name} {len(linecache.cache)}>"
        linecache.cache[path] = len(source), None, source.splitlines(keepends=True), path
        exec(compile(source, path, "exec"), self.namespace)

    def evaluate(self, expression, **values):
        values = {name: over_the_pipe(value) for name, value in values.items()}
        answer = over_the_pipe(eval(expression, {**self.namespace, **values}))
        self.answers.append(answer)
        return self.change(answer) if len(self.answers) - 1 == self.number else answer


def over_the_pipe(value):
    import second_check

    tensors = {}
    text = json.dumps(second_check.encode(value, tensors))
    return second_check.decode(json.loads(text), tensors)


def places(answer, before=()):
    """Where in an answer something can be exchanged."""
    yield before
    items = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    for key, inner in items:
        yield from places(inner, (*before, key))


def exchanged(answer, place, odd):
    if not place:
        return odd
    copy = dict(answer) if isinstance(answer, dict) else list(answer)
    copy[place[0]] = exchanged(answer[place[0]], place[1:], odd)
    return copy


@pytest.mark.parametrize("number", [8, pytest.param(200, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_whatever_an_answer_is_it_does_not_pass_and_is_no_fault_of_ours(assignment, number):
    """The right answers with something odd in some place of one of them."""
    import second_check

    checks, sources, dice = second_check.checks_of(assignment), OFFICIAL[assignment], random.Random(3)
    for name, check in checks.CHECKS.items():
        honest = Asked(checks, sources)
        assert check(honest), name
        for _ in range(number):
            asked = dice.randrange(len(honest.answers))
            place, odd = dice.choice(list(places(honest.answers[asked]))), dice.choice(ODD)
            student = Asked(checks, sources, asked, lambda answer: exchanged(answer, place, odd))  # noqa: B023
            passed = check(student)
            right = reduce(lambda answer, key: answer[key], place, honest.answers[asked])
            assert not passed or repr(right) == repr(odd), (name, asked, place, odd)


@pytest.mark.parametrize("draws", [1, pytest.param(300, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_no_plausible_mistake_passes_by_chance(assignment, draws):
    """Weights, inputs and sizes are drawn anew each time, and none of them may hide a mistake."""
    import second_check

    checks, passed = second_check.checks_of(assignment), []
    for label, (sources, failing) in MISTAKES[assignment].items():
        student = Asked(checks, {**OFFICIAL[assignment], **sources})
        for name in sorted(failing & checks.CHECKS.keys()):
            for _ in range(draws):
                torch.manual_seed(int.from_bytes(os.urandom(7), "big"))
                with suppress(Exception):  # the student's, which comes as a StudentError from the other side
                    passed += [(label, name)] * checks.CHECKS[name](student)
    assert not passed, Counter(passed)


def test_no_student_is_to_blame_where_something_else_kills_the_sandbox():
    from sandbox import SandboxError

    def killed(student):
        student.evaluate("1")
        student.sandbox.process.kill()
        student.sandbox.wait()
        time.sleep(0.5)
        return student.evaluate("1")

    with pytest.raises(SandboxError, match=r"再运行一次.* · .*run again to go on"):
        check("", any=killed)


def test_python_by_a_way_that_the_sandbox_has_not(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    scenic = os.path.relpath(sys.executable, tmp_path / "elsewhere")
    program = (
        "import second_check, types; "
        "checks = types.SimpleNamespace(SOLUTIONS=(), PRELUDE='', WALKS=False, "
        "CHECKS={'sum': lambda student: student.evaluate('1 + 1') == 2}); "
        "print(second_check.second_check(checks, {}))"
    )
    run = subprocess.run(
        [scenic, "-c", program],
        cwd=tmp_path / "elsewhere",
        env={**os.environ, "PYTHONPATH": str(ROOT / "classroom")}, capture_output=True, text=True,
    )
    assert run.stdout == "{'sum': (True, '')}\n", run.stderr


def test_no_student_is_to_blame_where_python_does_not_start(monkeypatch):
    import second_check
    from sandbox import SandboxError

    monkeypatch.setattr(second_check, "PYTHON", "/nowhere/python")
    with pytest.raises(SandboxError, match=r"没有启动（/nowhere/python.*did not start in the sandbox"):
        check("", any=lambda student: student.evaluate("1") == 1)


def test_what_the_student_patches_does_not_reach_this_side():
    source = """
torch.allclose = torch.equal = lambda *a, **k: True
class AlwaysEqual(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True
def f(x): return torch.zeros(3)
def g(x): return torch.zeros(3).as_subclass(AlwaysEqual)
"""
    x = torch.ones(3)
    found = check(
        source,
        f=lambda student: torch.equal(student.evaluate("f(x)", x=x), x),
        g=lambda student: torch.equal(student.evaluate("g(x)", x=x), x),
    )
    assert not found["f"][0] and not found["g"][0]


def test_answers_are_not_to_be_had():
    source = """
import os
def imports(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False
def sees(path): return os.path.exists(path)
"""
    nothing = {
        name: (lambda student, name=name: student.evaluate("imports(name)", name=name))
        for name in ("linewalk", "linewalk.blocks", "torchvision.models", "timm.models", "checks.forward")
    }
    nothing["classroom"] = lambda student: student.evaluate("sees(path)", path=str(ROOT / "classroom"))
    assert not any(passed for passed, _ in check(source, **nothing).values())
    assert check(source, walks=True, walk=lambda student: student.evaluate("imports('linewalk')"))["walk"] == (True, "")


def test_the_whole_has_a_limit(monkeypatch):
    monkeypatch.setenv("CLASSROOM_LIMITS", json.dumps({"cell_seconds": 10, "check_seconds": 6}))
    began = time.monotonic()
    questions = {f"q{number}": (lambda student: student.evaluate("hang()")) for number in range(5)}
    found = check("def hang():\n    while True: pass", **questions)
    assert not any(passed for passed, _ in found.values())
    assert time.monotonic() - began < 20
