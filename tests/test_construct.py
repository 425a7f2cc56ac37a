"""`walk_init` against the modules that a plain construction makes."""

import inspect
import linecache
import sys

import pytest
import torch
import torch.nn as nn

from linewalk import WalkError, walk_init
from linewalk.blocks import ASPPTail, explicit, resnet, shortcut

CONSTRUCTIONS = [
    (explicit.Bottleneck, (64, 64), {}),
    (explicit.Bottleneck, (256, 64), {"stride": 2, "downsample": shortcut(256, 256, stride=2)}),
    (resnet.Bottleneck, (256, 64), {"groups": 32, "base_width": 4}),
    (resnet.Bottleneck, (256, 64), {"norm_layer": nn.InstanceNorm2d, "dilation": 2}),
    (ASPPTail, (5,), {}),
]


@pytest.mark.parametrize(("cls", "args", "kwargs"), CONSTRUCTIONS)
def test_builds_what_calling_builds(cls, args, kwargs):
    torch.manual_seed(3)
    expected, state = cls(*args, **kwargs), torch.get_rng_state()
    torch.manual_seed(3)
    before = sys.gettrace()
    trail = walk_init(cls, *args, **kwargs)
    assert sys.gettrace() is before and torch.equal(torch.get_rng_state(), state)
    assert type(trail.module) is cls and trail.kind == "init" and trail.failed is None
    for (name, a), (_, b) in zip(expected.state_dict().items(), trail.module.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize(("cls", "args", "kwargs"), CONSTRUCTIONS)
def test_registrations_add_up_to_the_module(cls, args, kwargs):
    trail = walk_init(cls, *args, **kwargs)
    registered = {name: entry for step in trail for name, entry in step.registered.items()}
    assert list(registered) == [*trail.module._modules]
    shapes = {f"{name}.{key}": shape for name, entry in registered.items() for key, shape in entry.shapes.items()}
    assert shapes == {name: tuple(p.shape) for name, p in trail.module.named_parameters()}
    total = sum(p.numel() for p in trail.module.parameters())
    assert trail.params == sum(step.params for step in trail) == total


def test_every_line_of_the_explicit_bottleneck():
    trail = walk_init(explicit.Bottleneck, 64, 64)
    assert [step.source for step in trail] == [
        "class Bottleneck(nn.Module):",
        "expansion = 4",
        "def __init__(self, in_channel, out_channel, stride=1, downsample=None):",
        "super(Bottleneck, self).__init__()",
        "self.conv1 = nn.Conv2d(in_channels=in_channel, out_channels=out_channel, kernel_size=1, stride=1, bias=False)",
        "self.bn1 = nn.BatchNorm2d(out_channel)",
        "self.conv2 = nn.Conv2d(in_channels=out_channel, out_channels=out_channel, kernel_size=3, stride=stride, "
        "bias=False, padding=1)",
        "self.bn2 = nn.BatchNorm2d(out_channel)",
        "self.conv3 = nn.Conv2d(in_channels=out_channel, out_channels=out_channel * self.expansion, kernel_size=1, "
        "stride=1, bias=False)",
        "self.bn3 = nn.BatchNorm2d(out_channel * self.expansion)",
        "self.relu = nn.ReLU(inplace=True)",
        "self.downsample = downsample",
    ]
    lines, first = inspect.getsourcelines(explicit.Bottleneck)
    assert all(step.source.startswith(lines[step.lineno - first].strip().split("  #")[0]) for step in trail)

    conv3 = trail[8].registered["conv3"]
    assert (conv3.type_name, conv3.shapes, conv3.params) == ("Conv2d", {"weight": (256, 64, 1, 1)}, 16384)
    assert trail[9].registered["bn3"].shapes == {"weight": (256,), "bias": (256,)}
    assert trail[10].registered["relu"].params == 0
    assert trail["expansion = 4"].value("expansion") == 4
    assert trail[2].value("in_channel") == 64 and trail[2].changed["downsample"].after.text == "None"


def test_plain_attributes_and_local_names():
    trail = walk_init(resnet.Bottleneck, 64, 64, base_width=128)
    assert trail["width = int(planes * (base_width / 64.)) * groups"].value("width") == 128
    assert trail["norm_layer = nn.BatchNorm2d"].changed["norm_layer"].before.text == "None"
    assert trail["self.stride = stride"].changed["self.stride"].after.text == "1"
    given = walk_init(resnet.Bottleneck, 64, 64, norm_layer=nn.InstanceNorm2d)
    assert "norm_layer = nn.BatchNorm2d" not in [step.source for step in given]


def test_parameters_buffers_and_replacements():
    class Parts(nn.Module):
        size: int
        low, high = 1, 2

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 3))
            self.register_buffer("steps", torch.zeros(1))
            self.fc = nn.Linear(2, 2)
            self.fc = nn.Linear(3, 3)
            for i in range(2):
                self.add_module(f"part{i}", nn.ReLU())

    trail = walk_init(Parts)
    assert trail["self.weight = nn.Parameter(torch.ones(2, 3))"].registered["weight"].shapes == {"weight": (2, 3)}
    assert trail['self.register_buffer("steps", torch.zeros(1))'].registered["steps"].params == 0
    assert trail["self.fc = nn.Linear(3, 3)"].registered["fc"].params == 12
    assert list(trail['self.add_module(f"part{i}", nn.ReLU())', 1].registered) == ["part1"]
    assert trail["low, high = 1, 2"].value("high") == 2 and not trail["size: int"].changed


def test_what_is_put_into_a_container_and_what_is_shared():
    class Grown(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList()
            for _ in range(2):
                self.layers.append(nn.Linear(4, 4))
            self.first = self.layers[0]

    trail = walk_init(Grown)
    appended = [trail["self.layers.append(nn.Linear(4, 4))", turn] for turn in range(2)]
    assert [list(step.registered) for step in appended] == [["layers.0"], ["layers.1"]]
    assert [step.params for step in appended] == [20, 20]
    shared = trail["self.first = self.layers[0]"]
    assert list(shared.registered) == ["first"] and shared.params == 0
    assert trail.params == sum(parameter.numel() for parameter in trail.module.parameters()) == 40


def test_an_inherited_init():
    class Mine(explicit.Bottleneck):
        expansion = 2

    trail = walk_init(Mine, 64, 32)
    assert [step.source for step in trail][:3] == [
        "class Mine(explicit.Bottleneck):", "expansion = 2",
        "def __init__(self, in_channel, out_channel, stride=1, downsample=None):",
    ]
    assert trail.module.conv3.out_channels == 64


def test_a_class_from_a_notebook():
    """A cell's classes name no file: only their methods do."""
    cell = "import torch.nn as nn\nclass Cell(nn.Module):\n    size = 3\n    def __init__(self):\n" \
           "        super().__init__()\n        self.fc = nn.Linear(self.size, 2)\n"
    linecache.cache["<ipython-input-2>"] = (len(cell), None, cell.splitlines(True), "<ipython-input-2>")
    names = {"__name__": "notebook"}  # a module that cannot be looked up, as a kernel's __main__ has no file
    exec(compile(cell, "<ipython-input-2>", "exec"), names)
    trail = walk_init(names["Cell"])
    assert [step.lineno for step in trail] == [2, 3, 4, 5, 6] and trail.params == 8


def test_a_failing_init_is_explained():
    before = sys.gettrace()
    with pytest.raises(TypeError) as plain:
        explicit.Bottleneck(64, "64")
    with pytest.raises(TypeError) as caught:
        walk_init(explicit.Bottleneck, 64, "64")
    assert sys.gettrace() is before and str(caught.value) == str(plain.value)
    trail = caught.value.trail
    assert trail.failed is trail[-1] and trail.failed.source.startswith("self.conv1 = nn.Conv2d(")
    (note,) = caught.value.__notes__
    assert trail.failed.source in note and "出错" in note and "failed" in note


def test_a_forgotten_super_init_is_explained():
    class Hasty(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(2, 2)

    with pytest.raises(AttributeError) as caught:
        walk_init(Hasty)
    assert caught.value.trail.failed.source == "self.fc = nn.Linear(2, 2)"


def test_wrong_arguments_fail_as_calling_does():
    with pytest.raises(TypeError, match="in_channel"):
        walk_init(explicit.Bottleneck)


@pytest.mark.parametrize("thing", [nn.ReLU(), len, int, "Bottleneck", None])
def test_not_a_module_class(thing):
    with pytest.raises(WalkError) as caught:
        walk_init(thing)
    chinese, english = str(caught.value).split("\n")
    assert "子类" in chinese and "subclass of nn.Module" in english
