"""What was asked for by hand or by a formula: whoever lets torch count gets nothing, and no honest way costs marks.

Here the second check runs in its real sandbox, where what is asked on paper needs no torch and starts at once.
"""

import sys
from types import SimpleNamespace

import pytest
from submissions import OFFICIAL, OTHER_WAYS
from test_assignments import Student, check_module, one_thread  # noqa: F401 (a fixture)

pytestmark = pytest.mark.usefixtures("bubblewrap")

ON_PAPER = {"shapes": ("test_shapes", "test_params", "test_formulas"), "groups": ("test_variants",)}


@pytest.fixture(autouse=True)
def modules_are_found_as_before():
    """Some answers take modules away, and run in this process, too."""
    before = dict(sys.modules)
    yield
    sys.modules.update(before)


def verdicts(assignment, answers):
    """What the second check says to the questions that are asked on paper."""
    from second_check import second_check

    checks = check_module(assignment)
    asked = SimpleNamespace(
        SOLUTIONS=checks.SOLUTIONS, PRELUDE=checks.PRELUDE, WALKS=checks.WALKS,
        CHECKS={name: checks.CHECKS[name] for name in ON_PAPER[assignment]},
    )
    return second_check(asked, OFFICIAL[assignment] | answers)


def right_with_torch(assignment, answers, test):
    return check_module(assignment).CHECKS[test](Student(assignment, OFFICIAL[assignment] | answers)) is True


def formulas(size="(size + 2 * padding - kernel) // stride + 1", params="0", before=""):
    return {"formulas": f"""
{before}
def output_size(size, kernel, stride=1, padding=0):
    return {size}


def block_params(in_channel, out_channel, projection=False):
    {params}
"""}


def counted(build, before=""):
    """The parameters of a block that is built one way or another."""
    params = f"""
    with torch.device("meta"):
        block = {build}
    return sum(parameter.numel() for parameter in block.parameters())
"""
    return formulas(params=params.strip(), before=before)


BLOCK = "explicit.Bottleneck(in_channel, out_channel, 1, shortcut(in_channel, 4 * out_channel) if projection else None)"
COUNT = "{name: sum(p.numel() for p in child.parameters()) for name, child in block.named_children()}"
RUN = """
shapes = {}
for name in ("conv1", "bn1", "conv2", "conv3", "downsample"):
    getattr(block, name).register_forward_hook(lambda m, i, o, name=name: shapes.update({name: tuple(o.shape)}))
shapes["output"] = tuple(block(x).shape)
"""


def weights(body, before=""):
    """The answer to the last step of `groups`, the four networks as they should be."""
    return {"variants": f"""
{before}
{OFFICIAL["groups"]["variants"].partition("def ")[0]}
def conv_weights(inplanes, planes, groups=1, base_width=64):
    {body}
"""}


CHEATS = {
    "the course's block on meta": ("shapes", "test_formulas", counted(BLOCK)),
    "layers on meta": ("shapes", "test_formulas", formulas(params="""
    c, o = in_channel, out_channel
    layers = [torch.nn.Conv2d(c, o, 1, bias=False, device="meta"), torch.nn.BatchNorm2d(o, device="meta"),
              torch.nn.Conv2d(o, o, 3, bias=False, device="meta"), torch.nn.BatchNorm2d(o, device="meta"),
              torch.nn.Conv2d(o, 4 * o, 1, bias=False, device="meta"), torch.nn.BatchNorm2d(4 * o, device="meta")]
    if projection:
        layers += [torch.nn.Conv2d(c, 4 * o, 1, bias=False, device="meta"), torch.nn.BatchNorm2d(4 * o, device="meta")]
    return sum(p.numel() for layer in layers for p in layer.parameters())
""".strip())),
    "tensors on meta": ("shapes", "test_formulas", formulas(params="""
    c, o = in_channel, out_channel
    sizes = [(o, c), (o, o, 3, 3), (4 * o, o), (2, o), (2, o), (2, 4 * o)] + projection * [(4 * o, c), (2, 4 * o)]
    return sum(torch.empty(size, device="meta").numel() for size in sizes)
""".strip())),
    "fake tensors": ("shapes", "test_formulas", formulas(params=f"""
    from torch._subclasses.fake_tensor import FakeTensorMode
    with FakeTensorMode():
        return sum(parameter.numel() for parameter in {BLOCK}.parameters())
""".strip())),
    "layers without numbers": ("shapes", "test_formulas", formulas(params="""
    from torch.nn.utils import skip_init
    c, o = in_channel, out_channel
    made = [(c, o, 1), (o, o, 3), (o, 4 * o, 1)] + projection * [(c, 4 * o, 1)]
    convolutions = [skip_init(torch.nn.Conv2d, *sizes, bias=False, device="meta") for sizes in made]
    return sum(conv.weight.numel() + 2 * conv.out_channels for conv in convolutions)
""".strip())),
    "a convolution on meta": ("shapes", "test_formulas", formulas(
        size='torch.nn.functional.conv1d(torch.empty(1, 1, size, device="meta"), '
        'torch.empty(1, 1, kernel, device="meta"), None, stride, padding).shape[-1]',
        params=OFFICIAL["shapes"]["formulas"].rpartition("projection=False):")[2].strip(),
    )),
    "by another import": ("shapes", "test_formulas", counted(
        BLOCK, before="import importlib\ntorch = __import__('torch')\n"
        "explicit = importlib.import_module('linewalk.blocks.explicit')",
    )),
    "by eval": ("shapes", "test_formulas", counted(f"eval({BLOCK!r})")),
    "torch found again": ("shapes", "test_formulas", counted(BLOCK, before="""
import sys
kept, sys.meta_path = sys.meta_path, [finder for finder in sys.meta_path if "Path" in str(finder)]
for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "linewalk")]:
    if not hasattr(sys.modules[name], "__file__"):
        del sys.modules[name]
try:
    import torch
    from linewalk.blocks import explicit, shortcut
finally:
    sys.meta_path = kept
""")),
    "worked out beforehand and kept": ("shapes", "test_formulas", formulas(
        params="return cached(in_channel, out_channel, projection)", before=f"""
import functools


@functools.lru_cache
def cached(in_channel, out_channel, projection):
    with torch.device("meta"):
        return sum(map(torch.numel, {BLOCK}.parameters()))
""",
    )),
    "the block is run": ("shapes", "test_shapes", {"shapes": RUN}),
    "the block is walked": ("shapes", "test_shapes", {"shapes": """
outs = {}
for step in walk(block, x):
    for name in step.modules:
        outs.setdefault(name, tuple(step.value(step.result).shape))
shapes = {name: outs[name] for name in ("conv1", "bn1", "conv2", "conv3", "downsample")}
shapes["output"] = shapes["conv3"]
"""}),
    "filled in by a later cell": ("shapes", "test_shapes", {
        "shapes": "shapes = {}", "walked": OFFICIAL["shapes"]["walked"] + RUN
    }),
    "parameters of the block": ("shapes", "test_params", {
        "params": f'params = {COUNT}\nparams["total"] = sum(params.values())'
    }),
    "one parameter of the block": ("shapes", "test_params", {
        "params": OFFICIAL["shapes"]["params"].replace("9 * 256 * 256", "block.conv2.weight.numel()")
    }),
    "the student's own block on meta": ("groups", "test_variants", weights("""
    with torch.device("meta"):
        block = Bottleneck(inplanes, planes, groups=groups, base_width=base_width)
    return sum(conv.weight.numel() for conv in (block.conv1, block.conv2, block.conv3))
""".strip())),
    "the student's own convolutions": ("groups", "test_variants", weights("""
    width = middle_width(planes, groups, base_width)
    with torch.device("meta"):
        layers = conv1x1(inplanes, width), conv3x3(width, width, groups=groups), conv1x1(width, 4 * planes)
    return sum(layer.weight.numel() for layer in layers)
""".strip())),
}

HONEST = {
    "torch imported and not used": ("shapes", formulas(
        params=OFFICIAL["shapes"]["formulas"].rpartition("projection=False):")[2].strip(),
        before="import torch\nimport torch.nn as nn\nfrom torch.nn import functional as F\nimport math\nimport numpy",
    )),
    "the usual head of a notebook": ("shapes", {"formulas": """
import torch
import torch.nn as nn

print(torch.__version__)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(0)
""" + OFFICIAL["shapes"]["formulas"]}),
    "gradients off, types said": ("shapes", {"formulas": """
from torch import Tensor, nn


@torch.no_grad()
def output_size(size: int, kernel: int, stride: int = 1, padding: "Tensor | int" = 0) -> int:
    return (size + 2 * padding - kernel) // stride + 1


def block_params(in_channel, out_channel, projection=False):
    torch.manual_seed(0)
    with torch.no_grad():
        wide = explicit.Bottleneck.expansion * out_channel
        total = out_channel * (in_channel + 9 * out_channel + wide) + 2 * (2 * out_channel + wide)
        return total + wide * (in_channel + 2) if projection else total
"""}),
    "compared with the real block, below": ("shapes", {
        "formulas": OFFICIAL["shapes"]["formulas"]
        + "\nassert block_params(64, 64) == sum(p.numel() for p in explicit.Bottleneck(64, 64).parameters())\n"
    }),
    "the given input's shape": ("shapes", {"shapes": """
pictures, _, height, width = x.shape
out = (pictures, 4 * 256, height // 2, width // 2)
shapes = {"conv1": (pictures, 256, height, width), "bn1": torch.Size((pictures, 256, height, width))}
shapes |= {"conv2": (pictures, 256, height // 2, width // 2), **dict.fromkeys(["conv3", "downsample", "output"], out)}
"""}),
    "sizes multiplied": ("shapes", {"params": """
import math

import numpy as np

sizes = {"conv1": (256, 512), "bn1": (2, 256), "conv2": torch.Size([256, 256, 3, 3]), "bn2": (2, 256)}
sizes |= {"conv3": (1024, 256), "bn3": (2, 1024), "relu": (0,)}
params = {name: math.prod(size) for name, size in sizes.items()}  # a comment
params["conv2"] = sizes["conv2"].numel()
params["downsample"] = int(np.prod([512, 1024])) + 2 * 1024
params["total"] = sum(params.values())
"""}),
    "a helper in the other cell": ("shapes", {
        "params": "def convolution(a, b, k=1):\n    return a * b * k**2\n\n\n" + OFFICIAL["shapes"]["params"],
        "formulas": OFFICIAL["shapes"]["formulas"].replace(
            "9 * out_channel * out_channel", "convolution(out_channel, out_channel, 3)"
        ),
    }),
    "the class's own expansion": ("groups", {
        "variants": OFFICIAL["groups"]["variants"].replace("planes * 4", "planes * Bottleneck.expansion")
    }),
}


@pytest.mark.parametrize("name", CHEATS)
def test_torch_does_not_count_for_anybody(name):
    from second_check import NEEDS_TORCH

    assignment, test, answers = CHEATS[name]
    assert right_with_torch(assignment, answers, test)
    found = verdicts(assignment, answers)
    assert not found[test][0], found
    assert all(passed for other, (passed, _) in found.items() if other != test), found
    if name != "torch found again":
        assert found[test][1] == NEEDS_TORCH


def test_no_torch_is_to_be_had():
    """Not in a folder that is shown, not past the stand-ins, and not from another Python."""
    from second_check import second_check

    source = """
import os, subprocess, sys

def found():
    return [
        os.path.join(place, name)
        for top in ("/usr", "/opt", sys.prefix, sys.base_prefix)
        for place, folders, files in os.walk(top)
        for name in [*(one for one in folders if one == "linewalk"), *(one for one in files if "libtorch" in one)]
    ]

def imported():
    sys.meta_path = [finder for finder in sys.meta_path if "Path" in str(finder)]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "linewalk")]:
        del sys.modules[name]
    import torch
    return torch.zeros(1).numel()

def elsewhere():
    pythons = filter(os.path.exists, [sys.executable, "/usr/bin/python3", sys.base_prefix + "/bin/python3"])
    program = "from torch import nn"
    return [one for one in pythons if subprocess.run([one, "-c", program], capture_output=True).returncode == 0]
"""
    asked = SimpleNamespace(SOLUTIONS=("a",), PRELUDE="", WALKS=True, CHECKS={
        "found": lambda student: student.on_paper.evaluate("found()") == [],
        "imported": lambda student: student.on_paper.evaluate("imported()"),
        "elsewhere": lambda student: student.on_paper.evaluate("elsewhere()") == [],
    })
    verdict = second_check(asked, {"a": source})
    assert verdict["found"] == verdict["elsewhere"] == (True, ""), verdict
    assert not verdict["imported"][0] and "torch" in verdict["imported"][1], verdict  # an empty folder is left of it


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_answer_passes_on_paper_too(name):
    assignment, answers = HONEST[name]
    assert all(right_with_torch(assignment, answers, test) for test in ON_PAPER[assignment])
    assert verdicts(assignment, answers) == dict.fromkeys(ON_PAPER[assignment], (True, ""))


@pytest.mark.parametrize("assignment", ON_PAPER)
def test_right_answers_pass_on_paper_too(assignment):
    for answers in ({}, *OTHER_WAYS[assignment].values()):
        assert verdicts(assignment, answers) == dict.fromkeys(ON_PAPER[assignment], (True, ""))
