"""The page's own `torch` is held against PyTorch: shapes, types, strides, refusals, reprs and what `annotate` says."""

import ast
import functools
import json
import os
import subprocess
import sys

import pytest
import torch
import torch_calls
import torch_modules
from conftest import ROOT

SUBSET = ROOT / "book/inpage/python"
# What differs from PyTorch's meta device on purpose: name → why.
TOLD_OTHERWISE = {
    "PatchEmbed": "on the meta device `trunc_normal_` writes nothing; on every other in place, as is said here",
}


def in_the_subset(program, *arguments):
    """What a program prints as JSON where the page's `torch` stands first."""
    paths = [str(SUBSET), str(ROOT), str(ROOT / "tests")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@functools.cache
def ours():
    return in_the_subset(
        "import json, sys, torch_calls, torch_modules\n"
        "assert not {'numpy', 'matplotlib', 'PIL', 'torchview', 'pygraphviz'} & set(sys.modules)\n"
        "found = {'calls': torch_calls.outcomes(), 'reprs': torch_calls.reprs(), 'failure': torch_modules.failure(),\n"
        "    'modules': {name: torch_modules.facts(name) for name in torch_modules.MODULES}}\n"
        "needed = {'numpy', 'matplotlib', 'PIL', 'torchview', 'pygraphviz'} & set(sys.modules)\n"
        "json.dump(found | {'file': sys.modules['torch'].__file__, 'needed': sorted(needed)}, sys.stdout)"
    )


def on_meta(make):
    with torch.device("meta"):
        return make()


def test_it_is_the_subset_that_ran_and_it_needs_nothing_else():
    assert ours()["file"].startswith(str(SUBSET)) and ours()["needed"] == []


def test_right_calls_give_what_pytorch_gives():
    wrong = {}
    for call in torch_calls.RIGHT:
        expected, found = on_meta(functools.partial(torch_calls.outcome, call)), ours()["calls"][call]
        assert expected[0] != "error", (call, expected)
        if found != expected:
            wrong[call] = found, expected
    assert not wrong


def test_wrong_calls_are_refused_in_pytorch_s_words():
    wrong = {}
    for call in torch_calls.WRONG_IN_WORDS:
        expected, found = torch_calls.outcome(call), ours()["calls"][call]
        assert expected[0] == "error", (call, expected)
        if found != expected:
            wrong[call] = found, expected
    assert not wrong


def test_other_wrong_calls_are_refused_too():
    for call in torch_calls.WRONG:
        assert torch_calls.outcome(call)[0] == "error", call
        assert ours()["calls"][call][0] == "error", call


def test_layers_show_themselves_as_pytorch_s_do():
    expected = on_meta(torch_calls.reprs)
    assert len(expected) > 100
    assert {call: text for call, text in ours()["reprs"].items() if text != expected[call]} == {}


def test_the_table_is_wide():
    used = {
        node.attr for call in torch_calls.RIGHT for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Attribute)
    }
    assert len(used) > 250


@pytest.mark.parametrize("name", torch_modules.MODULES)
def test_modules_are_built_and_told_as_pytorch_s_are(name):
    expected, found = on_meta(functools.partial(torch_modules.facts, name)), ours()["modules"][name]
    for key in expected:
        if key in ("notes", "code") and name in TOLD_OTHERWISE:
            continue
        assert found[key] == expected[key], key


def test_a_failure_is_told_in_the_same_words():
    assert ours()["failure"] == on_meta(torch_modules.failure)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("torch.fft.fft(torch.rand(3))", "torch.fft.fft is not part of the PyTorch of this page"),
        ("torch.nn.LazyLinear(3)", "torch.nn.LazyLinear is not part of"),
        ("torch.hub.load('a', 'b')", "torch.hub is not part of"),
        ("torch.optim.LBFGS([], 0.1)", "torch.optim.LBFGS is not part of"),
        ("torch.rand(3).stft(2)", "Tensor.stft is not part of"),
        ("torch.rand(3).sum().item()", "needs the tensor's values"),
        ("bool(torch.rand(1) > 0)", "needs the tensor's values"),
        ("torch.rand(3)[torch.rand(3) > 0.5]", "needs the tensor's values"),
        ("torch.rand(3, requires_grad=True).digamma().sum().backward()", "the gradient of Digamma is not part of"),
    ],
)
def test_what_is_lacking_is_named_in_one_sentence(code, words):
    program = (
        "import json, sys, torch\n"
        "try:\n    eval(sys.argv[1])\nexcept Exception as error:\n    print(json.dumps(str(error)))"
    )
    said = in_the_subset(program, code)
    assert words in said and "\n" not in said


def test_every_name_of_a_tensor_is_there_or_said_to_be_missing():
    names = sorted(name for name in dir(torch.Tensor) if not name.startswith("_"))
    program = """
import json, sys, torch
found, x = {}, torch.zeros(2, 3)
for name in json.loads(sys.argv[1]):
    try:
        getattr(x, name)
    except Exception as error:
        found[name] = type(error).__name__
print(json.dumps(found))
"""
    assert len(names) > 600
    found = in_the_subset(program, json.dumps(names))
    assert set(found.values()) <= {"NotInThisPage"}


def test_it_is_loaded_quickly_and_quietly():
    program = "import json, time; t = time.process_time(); import torch; print(json.dumps(time.process_time() - t))"
    assert min(in_the_subset(program) for _ in range(3)) < 0.5
