"""`annotate`: every line has its words in both languages, and every number in them is PyTorch's own."""

import functools
import importlib
import linecache
import re
import subprocess
import sys

import nbformat
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from conftest import ROOT
from foreign import MODULES
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from linewalk import WalkError, annotate, walk
from linewalk.blocks import ASPPTail, explicit, resnet, shortcut
from linewalk.notes import notes as written
from linewalk.notes import sections

SEEDS = {
    "explicit": lambda: (
        explicit.Bottleneck,
        (64, 64),
        {"downsample": shortcut(64, 256)},
        (torch.rand(1, 64, 14, 14),),
    ),
    "torchvision": lambda: (resnet.Bottleneck, (256, 64), {}, (torch.rand(2, 256, 7, 7),)),
    "the line": lambda: (ASPPTail, (), {}, tuple(torch.rand(1, 256, 6, 6) for _ in range(5))),
}
EVERYTHING = [
    pytest.param(name, marks=() if place < 8 else pytest.mark.exhaustive) for place, name in enumerate(MODULES)
]


@functools.cache
def annotated(name, language="both"):
    torch.manual_seed(0)
    if name in SEEDS:
        cls, args, kwargs, inputs = SEEDS[name]()
        return annotate(cls, *args, **kwargs, inputs=inputs, language=language), inputs
    module, *inputs = MODULES[name]()
    return annotate(module, *inputs, language=language), tuple(inputs)


def all_lines(notes):
    return [*notes.lines, *(line for _, lines in notes.helpers for line in lines)]


def without_code(text):
    return re.sub(r"`[^`]*`", "", text)


def numbers(text):
    """Shapes and numbers of a sentence outside its code: "1×64×56×56", "12,845,056", "0.5"."""
    return re.findall(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?:×\d+)*", without_code(text).replace(", ", " "))


class Truth(TorchFunctionMode):
    """All that PyTorch itself says of a call: shapes, parameters, multiply–accumulates, bytes."""

    def __init__(self, module, inputs):
        super().__init__()
        self.known = {"1", "0"}
        self.macs = set()
        for leaf in tree_leaves(inputs):
            self.see(leaf)
        for one in module.modules():
            self.known.add(f"{sum(p.numel() for p in one.parameters()):,}")
            for value in vars(one).values():
                self.see_plain(value)
            for parameter in one.parameters():
                self.see(parameter)
        hooks = [
            one.register_forward_hook(lambda _, given, got: self.see_all((given, got))) for one in module.modules()
        ]
        counter = FlopCounterMode(display=False)
        with counter, self:
            module(*inputs)
        for hook in hooks:
            hook.remove()
        for counts in counter.get_flop_counts().values():
            self.macs.add(f"{sum(counts.values()) // 2:,}")

    def __torch_function__(self, function, types, args=(), kwargs=None):
        # Of attention on the processor the counter sees only its slow way.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            result = function(*args, **(kwargs or {}))
        self.macs.add(f"{counter.get_total_flops() // 2 + uncounted(function, args):,}")
        self.see_all((args, kwargs, result))
        return result

    def see_all(self, values):
        for leaf in tree_leaves(values):
            self.see(leaf)
            self.see_plain(leaf)

    def see(self, value):
        if isinstance(value, torch.Tensor):
            self.known.add("×".join(map(str, value.shape)))
            self.known.add(f"{value.numel() * value.element_size():,}")
            self.known.update(str(size) for size in value.shape)

    def see_plain(self, value):
        if isinstance(value, (bool, str)) or value is None:
            return
        if isinstance(value, (int, float)):
            self.known.update((str(value), str(abs(value)), f"{value:,}"))
        elif isinstance(value, (tuple, list)) and all(isinstance(item, int) for item in value):
            self.known.add("×".join(map(str, value)))
            self.known.update(map(str, value))


def uncounted(function, args):
    """Multiply–accumulates that PyTorch's counter does not know of, by hand."""
    if function is torch.lstm:
        return args[0].shape[0] * args[0].shape[1] * sum(weight.numel() for weight in args[2] if weight.dim() == 2)
    return 0


@pytest.mark.parametrize("name", [*SEEDS, *EVERYTHING])
def test_every_line_has_its_words_and_they_are_twins(name):
    notes, _ = annotated(name)
    assert notes.error is None
    for line in all_lines(notes):
        assert line.sentences, line.text
        for sentence in line.sentences:
            only_numbers = re.fullmatch(r"[\d×、，→。 (),]*", sentence.zh)
            assert only_numbers or re.search(r"[\u4e00-\u9fff]", without_code(sentence.zh)), sentence.zh
            assert not re.search(r"[\u4e00-\u9fff]", without_code(sentence.en)), sentence.en
            assert sorted(numbers(sentence.zh)) == sorted(numbers(sentence.en)), sentence
            code = [sorted(set(re.findall(r"`[^`]+`", text))) for text in (sentence.zh, sentence.en)]
            assert code[0] == code[1], sentence
            assert not re.search(r"\{\w*[!:}]", without_code(sentence.zh)), sentence.zh


@pytest.mark.parametrize("name", [*SEEDS, *EVERYTHING])
def test_every_number_is_pytorch_s(name):
    notes, inputs = annotated(name)
    module = notes.forward.module
    torch.manual_seed(0)
    truth = Truth(module, inputs)
    for line in all_lines(notes):
        for sentence in line.sentences:
            for macs in re.findall(r"([\d,]+) MACs", sentence.en):
                assert macs in truth.macs, (line.text, sentence.en)
            if sentence.en.startswith("It was tried"):
                continue  # of a run that is not this one
            if line.function in (None, "__init__") or "steps:" in sentence.en or "times" in sentence.en:
                continue
            for shape in re.findall(r"\d+(?:×\d+)+", without_code(sentence.en)):
                assert any(f"×{shape}×" in f"×{known}×" for known in truth.known), (line.text, sentence.en, shape)
            for taken in re.findall(r"([\d,]+) (?:bytes|parameters)", sentence.en):
                assert taken in truth.known, (line.text, sentence.en)


@pytest.mark.parametrize("name", ["explicit", "torchvision", "the line"])
def test_each_layer_s_numbers_stand_on_its_lines(name):
    """Line by line: what a line that builds or calls one layer says of it is what hooks and `numel` say."""
    notes, inputs = annotated(name)
    module, seen = notes.forward.module, {}
    for child, layer in module.named_children():
        layer.register_forward_hook(lambda _, given, got, child=child: seen.update({child: got.shape}))
    with FlopCounterMode(display=False) as counter:
        module(*inputs)
    flops = {key.rpartition(".")[2]: sum(counts.values()) for key, counts in counter.get_flop_counts().items()}
    checked = 0
    for line in notes.lines:
        said = " ".join(sentence.en for sentence in line.sentences)
        for child, layer in module.named_children():
            params = sum(parameter.numel() for parameter in layer.parameters())
            if line.text.startswith(f"self.{child} =") and params:
                assert f"{params:,} parameters" in said, line.text
                checked += 1
            if line.text == f"out = self.{child}({'x' if child == 'conv1' else 'out'})" and flops.get(child):
                assert f"{flops[child] // 2:,} MACs" in said, line.text
                assert "×".join(map(str, seen[child])) in said
                checked += 1
    assert checked >= 4


@pytest.mark.parametrize("name", [*SEEDS, *EVERYTHING])
def test_the_commented_code_computes_the_same(name):
    notes, inputs = annotated(name)
    module = notes.forward.module
    space = dict(sys.modules[type(module).__module__].__dict__)
    space["__name__"] = "annotated"  # torch.jit takes an overload once in a module
    lines = notes.code().splitlines(keepends=True)
    linecache.cache["annotated.py"] = (len(notes.code()), None, lines, "annotated.py")  # torch.jit reads overloads
    exec(compile(notes.code(), "annotated.py", "exec"), space)
    commented = space[type(module).__name__]
    assert commented is not type(module)
    torch.manual_seed(1)
    expected = module(*inputs)
    plain, module.__class__ = module.__class__, commented
    try:
        torch.manual_seed(1)
        found = module(*inputs)
    finally:
        module.__class__ = plain
    for one, other in zip(tree_leaves(expected), tree_leaves(found), strict=True):
        assert torch.equal(one, other)
    assert notes.code().count("#") > len(notes.lines)


def test_the_run_is_the_plain_call():
    block, x = explicit.Bottleneck(64, 16), torch.rand(1, 64, 8, 8)
    codes = [explicit.Bottleneck.forward.__code__, explicit.Bottleneck.__init__.__code__]
    plain = explicit.Bottleneck(64, 16)
    plain.load_state_dict(block.state_dict())
    notes = annotate(block, x)
    assert torch.equal(notes.forward.output, plain(x))
    assert all(torch.equal(a, b) for a, b in zip(block.buffers(), plain.buffers(), strict=True))
    assert [explicit.Bottleneck.forward.__code__, explicit.Bottleneck.__init__.__code__] == codes
    assert all(parameter.grad is None for parameter in block.parameters())


def said(notes, text, language="en"):
    line = next(line for line in all_lines(notes) if line.text == text)
    return " ".join(getattr(sentence, language) for sentence in line.sentences)


def line_of(notes, text):
    return next(line.first for line in all_lines(notes) if line.text == text)


def test_what_the_chapters_say():
    block = annotated("explicit")[0]
    assert "1×1 convolution" in said(block, "out = self.conv1(x)")
    assert "nothing is squeezed" in said(block, block.lines[4].text)
    assert "`bn1` follows at once" in said(block, block.lines[4].text)
    assert "nothing is copied" in said(block, "identity = x")
    assert "residual" in said(block, "out += identity") and "In place" in said(block, "out += identity")
    assert "with the same shapes and no error, but the values differ" in said(block, "out += identity")
    without = said(block, "identity = self.downsample(x)")
    assert re.search(r"line (\d+) then fails", without)[1] == str(line_of(block, "out += identity"))
    assert "3 times" in said(block, "self.relu = nn.ReLU(inplace=True)")
    assert "so the indented lines run" in said(block, "if self.downsample is not None:")
    assert "没有复制" in said(block, "identity = x", "zh") or "什么也没有复制" in said(block, "identity = x", "zh")
    line = annotated("the line")[0]
    nested = said(line, "out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))")
    assert nested.index("convolution") < nested.index("batch norm") < nested.index("ReLU") and "3 steps" in nested
    assert "Joins 5 tensors end to end along dimension 1" in said(line, line.lines[7].text)


def test_a_projection_differs_from_the_input_itself():
    torch.manual_seed(0)
    plain = annotate(explicit.Bottleneck(64, 16), torch.rand(1, 64, 8, 8))
    assert "the input itself" in said(plain, "out += identity")
    assert "did not run" in said(plain, "identity = self.downsample(x)")


class Branches(nn.Module):
    def __init__(self, stride=1):
        super().__init__()
        if stride > 1:
            self.path = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
        else:
            self.path = nn.Sequential()

    def forward(self, x):
        return self.path(x)


def test_a_line_that_did_not_run_is_not_told_by_what_another_line_built():
    built = "self.path = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())"
    watched = annotate(Branches, language="en", inputs=torch.ones(1, 3, 4, 4))
    assert "did not run" in said(watched, built) and "empty" not in said(watched, built)
    assert "empty" in said(watched, "self.path = nn.Sequential()")
    handed_over = annotate(Branches(), torch.ones(1, 3, 4, 4), language="en")
    assert "empty" not in said(handed_over, built) and "this time" not in said(handed_over, "else:")


def test_what_another_tool_has_patched_keeps_its_name(monkeypatch):
    """torch.compile puts a `patched_init` where `nn.Module.__init__` stood, and so do others."""
    init = nn.Module.__init__

    def patched_init(self, *args, **kwargs):
        init(self, *args, **kwargs)

    monkeypatch.setattr(nn.Module, "__init__", patched_init)
    assert "lays out its registers" in said(annotate(Idle, inputs=(torch.rand(1, 4),)), "super().__init__()")


class Idle(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(4, 4), nn.Linear(4, 4)
        self.lost = [nn.Linear(4, 2)]

    def forward(self, x):
        return self.used(x)


class Overwritten(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        y = torch.sigmoid(self.fc(x))
        y += 1
        return y


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x, labels):
        y = self.bn(self.conv(x)).mean((2, 3))
        return F.cross_entropy(F.softmax(self.fc(y), 1), labels)


class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(x.view(2, 6))


class Motherless(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(x)


def found(notes):
    return " ".join(words.en for words in notes.findings)


def test_findings_are_found_and_only_they():
    idle = annotate(Idle(), torch.ones(2, 4))
    assert "`idle` (20 parameters)" in found(idle) and "`self.lost`" in found(idle) and "10 parameters" in found(idle)
    overwritten = annotate(Overwritten(), torch.ones(2, 4))
    with pytest.raises(RuntimeError, match="inplace"):
        Overwritten()(torch.ones(2, 4)).sum().backward()
    assert "overwritten in place" in found(overwritten) and len(overwritten.findings) == 1
    twice = annotate(Twice(), torch.rand(2, 3, 5, 5), torch.tensor([0, 1]))
    assert "softmax inside" in found(twice) and "`conv` has 4 biases" in found(twice)
    assert "size written into it" in found(annotate(Fixed(), torch.ones(2, 6)))
    assert "super().__init__()" in found(annotate(Motherless))
    assert "only 1 value" in found(annotate(Bare(), torch.ones(1, 4)))
    with torch.no_grad():
        assert "Call `eval()`" in found(annotate(Bare(), torch.ones(2, 4)))


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.bn(x)


@pytest.mark.parametrize("name", ["explicit", "torchvision", *EVERYTHING])
def test_nothing_is_found_where_nothing_is(name):
    """Others' modules work: at most a bias before a batch norm, layers left out, or pictures of one size."""
    for words in annotated(name)[0].findings:
        known = r"has [\d,]+ biases|Registered and not used|get no gradient|takes pictures of"
        assert re.search(known, words.en), words.en


def test_a_failure_is_told_up_to_its_line():
    notes = annotate(explicit.Bottleneck(64, 64), torch.rand(1, 64, 8, 8))
    assert isinstance(notes.error, RuntimeError)
    assert "MACs" in said(notes, "out = self.conv3(out)")
    assert "downsample" in said(notes, "out += identity") and "failed" in said(notes, "out += identity")
    assert "was not reached" in said(notes, "return out")
    compile(notes.code(), "annotated.py", "exec")


def test_on_meta_it_says_so():
    with torch.device("meta"):
        notes = annotate(resnet.Bottleneck, 4096, 1024, inputs=torch.empty(64, 4096, 56, 56), language="en")
    assert "meta device" in str(notes.remarks[0]) and f"{1024 * 1024 * 9 * 56 * 56 * 64:,} MACs" in str(notes)
    alone = annotate(explicit.Bottleneck, 64, 16)
    assert "No input was given" in str(alone.remarks[0]) and "follows at once" in str(alone.lines[4].sentences)


def test_the_forms_it_takes(tmp_path):
    notes = annotated("the line")[0]
    assert notes.markdown().count("```python") == len(all_lines(notes))
    notebook = nbformat.from_dict(notes.notebook())
    nbformat.validate(notebook)
    assert [c.metadata.get("lang") for c in notebook.cells if c.metadata.get("lang")][:2] == ["zh", "en"]
    page = notes.html()
    assert (
        'lang="zh"' in page
        and "http" not in page.replace("http://www.w3.org", "")
        and page.count("lw-line-") >= len(notes.lines)
    )
    assert "Conv" in str(annotated("the line", "en")[0]) and "卷积" not in annotated("the line", "en")[0].code()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.py:Net"], "There is no file"),
        (["linewalk.blocks.explicit:Net"], "there are Bottleneck"),
        (["explicit"], "Write file:class"),
        (["linewalk.blocks.explicit:Bottleneck"], "--init 64,64"),
        (["linewalk.blocks.explicit:Bottleneck", "--init", "64,64", "--input", "a"], "wants a shape"),
        (["linewalk.blocks.explicit:Bottleneck", "--init", "64,64+x"], "constants only"),
        (["linewalk.blocks.explicit:Bottleneck", "--init", "64,64", "--output", "a.txt"], "must end in"),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments, words, capsys):
    from linewalk.__main__ import main

    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert words in said and re.search(r"[\u4e00-\u9fff]", said) and "Traceback" not in said


def test_the_command_writes_code_that_runs(tmp_path):
    target = tmp_path / "annotated.py"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "linewalk",
            f"{ROOT}/linewalk/blocks/explicit.py:Bottleneck",
            "--init",
            "64,16",
            "--input",
            "1,64,8,8",
            "--language",
            "both",
            "--output",
            str(target),
        ],
        check=True,
        cwd=ROOT,
        capture_output=True,
    )
    space = {"nn": nn}
    exec(compile(target.read_text(encoding="utf-8"), "annotated.py", "exec"), space)
    torch.manual_seed(0)
    theirs = explicit.Bottleneck(64, 16).eval()
    torch.manual_seed(0)
    ours, x = space["Bottleneck"](64, 16).eval(), torch.rand(1, 64, 8, 8)
    assert torch.equal(ours(x), theirs(x))


SITE = "https://book.example/"


@pytest.mark.parametrize("address", [None, SITE])
def test_what_the_book_explains_leads_there_but_never_in_the_code(monkeypatch, address):
    monkeypatch.setattr(sections, "book_address", lambda: address)
    monkeypatch.setattr(written, "book_address", lambda: address)
    notes = annotate(explicit.Bottleneck, 64, 16, inputs=(torch.rand(1, 64, 8, 8),), language="both")
    markdown, notebook, page = notes.markdown(), str(notes.notebook()["cells"][:-1]), notes.html(cards=False)
    for text in (markdown, notebook):
        for words, edition in (("第 2 章：`super(…)`", "zh"), ("Chapter 2: `super(…)`", "en")):
            there = f"[{words}]({SITE}{edition}/notebooks/02_init.html#super)"
            assert (there if address else f"→ {words}") in text
            assert (there in text) == bool(address) and text.count(words) == 1, "each section once"
    for edition in ("zh", "en"):
        href = f' href="{SITE}{edition}/notebooks/02_init.html#super"' if address else ""
        assert f'<a data-section="02_init#super"{href}>' in page
    assert "《逐行读懂 Bottleneck》" in page and "“Bottleneck, line by line”" in markdown
    assert "章" not in notes.code() and "Chapter" not in notes.code() + str(notes)
    assert "章" not in annotate(Bare(), torch.ones(2, 4), language="en").html(cards=False)


def test_the_address_is_the_one_the_wheel_was_packed_for(monkeypatch):
    import importlib.metadata
    from email.message import Message

    for address in ("https://book.example", "https://book.example/", None):
        about = Message()
        about["Project-URL"] = "Source, https://code.example"
        if address:
            about["Project-URL"] = f"Book, {address}"
        monkeypatch.setattr(importlib.metadata, "metadata", lambda name, about=about: about)
        sections.book_address.cache_clear()
        try:
            assert sections.book_address() == ("https://book.example/" if address else "")
        finally:
            sections.book_address.cache_clear()


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        y = self.fc(x)
        y = torch.relu(y)
        return y


class Outer(nn.Module):
    def __init__(self, last=3):
        super().__init__()
        self.first, self.blocks = nn.Linear(6, 4), nn.Sequential(Inner(), Inner())
        self.idle, self.last = Inner(), nn.Linear(4, last)

    def forward(self, x, width=4):
        x = self.blocks(self.first(x))
        return self.last(x[:, :width])


def test_a_submodules_own_class_as_it_ran_within_the_whole():
    torch.manual_seed(0)
    net, x = Outer(), torch.rand(5, 6)
    notes = annotate(net, x, into="blocks.1", language="en")
    inner, seen = net.blocks[1], {}
    inner.register_forward_hook(lambda _, given, got: seen.update(given=given[0], got=got))
    net(x)
    assert notes.name == "Inner" and torch.equal(notes.forward.output, seen["got"]) and notes.error is None
    assert torch.equal(notes.forward.inputs[0], seen["given"]) and "`blocks.1` of `Outer`" in notes.remarks[0].en
    # Nothing of what ran before it counts: y = self.fc(x) is 5 × 4 × 4.
    assert f"{5 * 4 * 4:,} MACs" in said(notes, "y = self.fc(x)")
    alone = annotate(Inner(), seen["given"].detach(), language="en")
    assert said(alone, "y = self.fc(x)") == said(notes, "y = self.fc(x)")
    assert all(parameter.grad is None for parameter in net.parameters()) and not inner._forward_pre_hooks


ROUNDS = """from torch import nn
class Rounds(nn.Module):
    def forward(self, x):
        n = 0
        while n < 3:
            x = x / 2
            n += 1
        return x
"""


def test_a_line_that_adds_to_a_name_ran_as_often_as_in_a_plain_walk(tmp_path, monkeypatch):
    (tmp_path / "rounds.py").write_text(ROUNDS)
    monkeypatch.syspath_prepend(tmp_path)
    net = importlib.import_module("rounds").Rounds()
    notes, trail = annotate(net, torch.ones(2), language="en"), walk(net, torch.ones(2))
    assert [step.lineno for step in notes.forward] == [step.lineno for step in trail]
    assert {line.text: line.ran for line in notes.lines}["n += 1"] == 3


def halvings(x, n):
    if n == 0:
        return x
    return halvings(x / 2, n - 1)


class Halving(nn.Module):
    def forward(self, x):
        return halvings(x, 2)


def test_a_function_that_calls_itself_is_told():
    ((name, lines),) = annotate(Halving(), torch.ones(2), language="en").helpers
    assert name == "halvings" and [line.ran for line in lines] == [1, 3, 1, 2]


def test_what_cannot_be_gone_into_is_said():
    net, x = Outer(), torch.rand(5, 6)
    with pytest.raises(WalkError, match="did not call 'idle'"):
        annotate(net, x, into="idle")
    with pytest.raises(WalkError, match=r"no submodule 'blocks\.7'"):
        annotate(net, x, into="blocks.7")
    with pytest.raises(WalkError, match="a module that is built"):
        annotate(Outer, inputs=x, into="blocks.1")
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        annotate(net, torch.rand(5, 7), into="blocks.1")
    later = annotate(net, x, width=2, into="blocks.1")
    assert later.error is None and "failed elsewhere" in later.remarks[1].en
    assert "MACs" in said(later, "y = self.fc(x)") and "not reached" not in str(later)
    net.blocks[1].fc = nn.Linear(3, 3)
    failed = annotate(net, x, into="blocks.1")
    assert "failed" in said(failed, "y = self.fc(x)") and "was not reached" in said(failed, "return y")


def test_a_long_line_goes_on_deeper_than_it_began():
    page = annotated("explicit")[0].html(cards=False)
    assert '<span style="--d:8">        self.conv1 = nn.Conv2d(' in page
    assert "text-indent:calc((var(--d) + 2)*-1ch)" in page
