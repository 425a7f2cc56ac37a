"""Whatever is pasted is explained, or answered with one sentence in both languages."""

import functools
import json
import os
import re
import subprocess
import sys
import textwrap

import in_node
import nbformat
import pasted
import pasted_oddly
import pytest
import torch
from conftest import ROOT

FORWARD = pasted.BLOCK[pasted.BLOCK.index("    def forward") :]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def ran(*arguments):
    """What a program prints where the page's `torch` stands first."""
    paths = [str(ROOT / "book/inpage/python"), str(ROOT), str(ROOT / "tests")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def answers(language):
    return json.loads(ran(pasted.__file__, language))


def test_no_drawing_is_asked_for():
    program = (
        "import sys, annotate_pasted, pasted; annotate_pasted.explain(pasted.BLOCK, 'zh')\n"
        "print(sorted({'numpy', 'matplotlib', 'PIL', 'torchview', 'pygraphviz', 'safetensors'} & set(sys.modules)))"
    )
    assert ran("-c", program).strip() == "[]"


def test_a_fault_of_the_page_is_not_laid_to_the_reader():
    program = """
import annotate_pasted, pasted
def fails(module, name):
    def fail(*args, **kwargs):
        raise KeyError("missing")
    setattr(module, name, fail)
fails(annotate_pasted, "annotate")
print(annotate_pasted.explain(pasted.BLOCK, "en")["sentence"])
"""
    told = ran("-c", program)
    assert "no fault of your code" in told and "'missing'" in told and "不怪你的代码" in told


def kind(answer):
    return "refused" if not answer["ok"] else "fails" if answer["error"] else "ok"


def test_there_are_enough_of_every_kind():
    kinds = [row[1] for row in pasted.PASTED.values()]
    assert len(kinds) > 80 and min(kinds.count(one) for one in ("ok", "fails", "refused")) > 10


@pytest.mark.parametrize("name", pasted.PASTED)
def test_what_is_pasted_is_explained_or_answered(name):
    _, wanted, words = pasted.PASTED[name]
    holds(answers("en")[name], wanted, words)


@pytest.mark.parametrize("name", pasted.SETTINGS)
def test_what_the_reader_sets_is_used(name):
    _, settings, wanted, words = pasted.SETTINGS[name]
    answer = answers("en")[f"settings: {name}"]
    holds(answer, wanted, words)
    for argument, text in settings.get("arguments", {}).items():
        if answer["ok"]:
            assert answer["arguments"][argument] == text
    if answer["ok"] and "class" in settings:
        assert answer["chosen"] == settings["class"]


def holds(answer, wanted, words):
    assert kind(answer) == wanted, (answer["sentence"], answer["error"])
    if wanted == "ok":
        said = json.dumps([answer["remarks"], [line["shape"] for line in answer["lines"]]], ensure_ascii=False)
    else:
        said = (answer["sentence"] or answer["error"])["en"]
    assert words in said
    for sentence in filter(None, [answer["sentence"], answer["error"], *answer["remarks"], *answer["could_not_guess"]]):
        assert CHINESE.search(sentence["zh"]) and "Traceback" not in sentence["en"]
        assert not CHINESE.search(re.sub(r"`[^`]*`", "", sentence["en"]).replace("输入通道", ""))
    if answer["ok"]:
        whole(answer)


def whole(answer):
    compile(answer["code"], "pasted.py", "exec")
    nbformat.validate(nbformat.from_dict(json.loads(answer["notebook"])))
    assert answer["chosen"] in answer["classes"] and answer["html"].startswith("<!doctype html>")
    assert answer["lines"] and all(line["source"] and line["html"] for line in answer["lines"])
    assert answer["markdown"].count("```python") == len(answer["lines"])


def test_a_bottleneck_has_its_shapes_at_every_line():
    answer = answers("zh")["seed, one line"]
    assert answer["arguments"] == {"in_channel": "256", "out_channel": "64", "stride": "1", "downsample": "None"}
    assert answer["inputs"] == [[1, 256, 56, 56]] and answer["integers"] == [False]
    shapes = {line["source"]: line["shape"] for line in answer["lines"]}
    assert shapes["out = self.conv2(out)"] == "1×64×56×56" and shapes["out += identity"] == "1×256×56×56"
    assert shapes["return out"] == "1×256×56×56" and shapes["identity = x"] == "1×256×56×56"
    assert "残差" in next(line["html"] for line in answer["lines"] if line["source"] == "out += identity")


def test_sizes_are_found_by_trying():
    assert answers("en")["LeNet, whose size has to be found"]["inputs"] == [[1, 1, 32, 32]]
    assert answers("en")["attention"]["inputs"] == [[1, 16, 64]]
    words = answers("en")["words"]
    assert words["inputs"] == [[1, 16]] and words["integers"] == [True]
    assert answers("en")["the line's class"]["inputs"] == [[1, 256, 56, 56]] * 5
    assert answers("en")["with a main"]["inputs"] == [[2, 8, 10, 10]]
    assert answers("en")["a whole ResNet"]["inputs"] == [[1, 3, 224, 224]]


def test_what_is_lacking_is_said_in_the_reader_s_language():
    answer = answers("zh")["an operator that is lacking"]
    assert "这一页的 PyTorch 里没有 `torch.fft.fft2`" in answer["error"]["zh"]
    assert "这里没有 `timm.models.create_model`" in answers("zh")["an import used in init"]["error"]["zh"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((FORWARD, textwrap.indent(FORWARD, " " * 4)), "`forward` stands inside of `__init__`"),
        (("def forward", "def forwrd"), "but a `forwrd`"),
        (("def forward", "def __call__"), "but a `__call__`"),
        (("forward(self, x)", "forward(x)"), "write `def forward(self, x, …)`"),
        ((FORWARD, textwrap.dedent(FORWARD)), "`forward` stands outside of the class"),
    ],
)
def test_a_forward_that_is_none_is_led_to_the_cause(change, said):
    program = (
        "import json, annotate_pasted, pasted\n"
        f"print(json.dumps(annotate_pasted.explain(pasted.BLOCK.replace{change!r}, 'en')['could_not_guess']))"
    )
    assert said in json.loads(ran("-c", program))[0]["en"]


def test_a_part_that_was_not_pasted_is_named():
    program = (
        "import json, annotate_pasted, pasted_oddly\n"
        "code = pasted_oddly.SEQ2SEQ[pasted_oddly.SEQ2SEQ.index('class Seq2Seq'):]\n"
        "print(json.dumps(annotate_pasted.explain(code, 'en')['could_not_guess']))"
    )
    said = [one["en"] for one in json.loads(ran("-c", program))]
    assert [one for one in said if "`encoder` is a module whose class was not pasted along" in one]
    assert [one for one in said if "`decoder` is a module whose class was not pasted along" in one]


@pytest.mark.parametrize(
    ("arguments", "forward", "said"),
    [
        ("*dims", "return x", "What `*dims` takes and how many could not be guessed"),
        ("dim", 'return x["image"]', "`x` is to be a dictionary"),
    ],
)
def test_what_cannot_be_guessed_is_said(arguments, forward, said):
    program = (
        "import json, annotate_pasted, pasted_oddly\n"
        f"code = pasted_oddly.a_class({arguments!r}, forward={forward!r})\n"
        "print(json.dumps(annotate_pasted.explain(code, 'en')['could_not_guess']))"
    )
    assert said in json.loads(ran("-c", program))[0]["en"]


def test_what_was_taken_for_lines_without_a_class_is_not_told():
    assert [one["en"] for one in answers("en")["one line"]["remarks"]] == []
    assert [one["en"] for one in answers("en")["a function of layers"]["remarks"]] == []


def test_the_paste_s_own_call_says_what_is_fed():
    assert answers("en")["a question with its error"]["inputs"] == [[1, 5, 32, 32]]


def test_names_that_a_paste_replaced_are_there_again_for_the_next():
    replaces = pasted.BLOCK.replace(
        "        self.bn =",
        "        import builtins, sys, torch\n"
        "        nn.Linear.forward = lambda self, x: x\n        nn.Module.mine = 1\n"
        "        torch.relu = None\n        del sys.modules['linewalk.notes']\n"
        "        builtins.len = lambda x: 3\n        self.bn =",
    )
    follows = pasted.LENET.replace("F.relu(self.fc1(x))", "torch.relu(self.fc1(x))")
    program = (
        "import json, annotate_pasted, torch\n"
        f"annotate_pasted.explain('F.relu = nn.BatchNorm2d = nn.Identity\\n' + {replaces!r}, 'en')\n"
        f"found = annotate_pasted.explain({follows!r}, 'en')\n"
        "print(json.dumps([found['error'], hasattr(torch.nn.Module, 'mine'), torch.nn.BatchNorm2d.__name__,\n"
        "                  [line['shape'] for line in found['lines'] if line['source'].startswith('return')]]))"
    )
    assert json.loads(ran("-c", program)) == [None, False, "BatchNorm2d", ["1×10"]]


def test_a_line_that_fails_has_no_shape():
    answer = answers("en")["a shape that does not fit"]
    failed = next(line for line in answer["lines"] if line["source"] == "out = self.relu(self.bn(self.conv(x)))")
    assert failed["shape"] == ""


def test_a_function_of_the_paste_has_shapes_beside_its_lines():
    shapes = {line["source"]: line["shape"] for line in answers("en")["a helper function's own lines"]["lines"]}
    assert shapes["def channel_shuffle(x, groups):"] == "1×64×56×56"
    assert shapes["x = x.view(b, groups, c // groups, h, w)"] == "1×2×32×56×56"
    assert shapes["x = torch.transpose(x, 1, 2).contiguous()"] == "1×32×2×56×56"
    assert shapes["return x.view(b, c, h, w)"] == "1×64×56×56"
    assert shapes["b, c, h, w = x.size()"] == ""


WITH_VALUES = """
import json, annotate_pasted, pasted_values
from torch import _numbers
_numbers.compute_with(None)
answer, drawn = annotate_pasted.explain({code!r}, "en"), []
pasted_values.values(lambda told: drawn.append(json.loads(told)[1]["line"]))
json.dumps([answer, sorted(drawn)])
"""
HALVES = pasted_oddly.a_class(
    "dim",
    "self.layer = nn.Linear(dim, dim)",
    forward="out = self.layer(x); limit = 0.25 * x.abs().sum(); n = 0; "
    "while out.abs().sum() > limit:;     out = out / 2;     n += 1; return out",
)


def with_values(code):
    """The answer to a paste where values can be computed, and the sources of the lines that something was drawn of."""
    answer, drawn = in_node.run(WITH_VALUES.format(code=code), ROOT)
    return answer, [answer["lines"][index]["source"] for index in drawn]


def test_a_way_that_depends_on_values_is_gone_with_values():
    answer, drawn = with_values(HALVES)
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 64)
    x = torch.randn(answer["inputs"][0])
    with torch.no_grad():
        out, limit, rounds = layer(x), 0.25 * x.abs().sum(), 0
        while out.abs().sum() > limit:
            out, rounds = out / 2, rounds + 1
    assert rounds and answer["error"] is None
    ran = {line["source"]: line["ran"] for line in answer["lines"]}
    assert ran["n += 1"] == rounds and ran["return out"] == 1
    assert [one for one in answer["remarks"] if "`while out.abs().sum() > limit:`" in one["en"]]
    assert "out = out / 2" in drawn and "return out" in drawn


def test_lines_of_a_function_of_the_paste_have_maps():
    _, drawn = with_values(pasted_oddly.SHUFFLE)
    lines = [line.strip() for line in pasted_oddly.SHUFFLE.splitlines()[:5]]
    assert {lines[0], *lines[2:]} <= {*drawn}


def test_what_is_taken_along_has_no_word_of_how_the_page_runs_it():
    answer = answers("en")["plain"]
    assert "meta device" not in json.dumps([answer["code"], answer["markdown"], answer["notebook"], answer["remarks"]])


@pytest.mark.parametrize("name", ["with a main", "parts that were pasted along", "a future that has come", "plain"])
def test_the_copied_code_runs_by_itself_and_is_all_that_was_pasted(name):
    code, space = answers("en")[name]["code"], {"__name__": "copied"}
    exec(compile(code, "copied.py", "exec"), space)
    pasted_lines = [line.strip() for line in pasted.PASTED[name][0].splitlines() if line.strip()]
    kept = [line.strip() for line in code.splitlines()]
    assert [line for line in pasted_lines if line not in kept] == []
    chosen = space[answers("en")[name]["chosen"]]
    assert issubclass(chosen, torch.nn.Module) and "# " in code


def test_both_languages_come_of_one_answer():
    zh, en = answers("zh")["plain"], answers("en")["plain"]
    assert [line["number"] for line in zh["lines"]] == [line["number"] for line in en["lines"]]
    assert any(CHINESE.search(line["html"]) for line in zh["lines"])
    assert not any(CHINESE.search(line["html"]) for line in en["lines"])
