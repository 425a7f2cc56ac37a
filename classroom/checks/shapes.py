"""The second check of the assignment `shapes`."""

import inspect
from itertools import product

import torch
import torch.nn.functional as F

from linewalk import walk
from linewalk.blocks import explicit, resnet, shortcut

from . import between, given, same

SOLUTIONS = ("shapes", "params", "formulas", "walked")
WALKS = True
PRELUDE = given("shapes")


def shapes(student):
    """Worked out on paper for one block: there is nothing to vary, and the walk says what is right."""
    block = explicit.Bottleneck(512, 256, stride=2, downsample=shortcut(512, 1024, stride=2)).eval()
    trail = walk(block, torch.zeros(2, 512, 28, 28))
    made = {name: (step, result) for step in trail for name in step.modules for result in [step.result]}
    expected = {
        name: tuple(made[name][0].value(made[name][1]).shape)
        for name in ("conv1", "bn1", "conv2", "conv3", "downsample")
    }
    return same(student.on_paper.evaluate("shapes"), expected | {"output": tuple(trail.output.shape)})


def params(student):
    block = explicit.Bottleneck(512, 256, stride=2, downsample=shortcut(512, 1024, stride=2))
    expected = {name: _count(child) for name, child in block.named_children()}
    return same(student.on_paper.evaluate("params"), expected | {"total": _count(block)})


def _count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def formulas(student):
    even = 2 * between(4, 40)
    for size, (kernel, stride, padding) in product((even, even + 1), [(1, 2, 0), (3, 2, 1), (3, 1, 0), (7, 2, 3)]):
        found = student.on_paper.evaluate(
            "output_size(size, kernel, stride, padding)", size=size, kernel=kernel, stride=stride, padding=padding
        )
        picture, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
        if not same(found, F.conv1d(picture, weight, None, stride, padding).shape[-1]):
            return False
    for projection in (False, True, True):
        in_channel, out_channel = between(3, 40), between(3, 40)
        downsample = shortcut(in_channel, 4 * out_channel) if projection else None
        found = student.on_paper.evaluate(
            "block_params(in_channel, out_channel, projection)",
            in_channel=in_channel, out_channel=out_channel, projection=projection,
        )
        if not same(found, _count(explicit.Bottleneck(in_channel, out_channel, downsample=downsample))):
            return False
    # Defaults may be left out. Numbers of this size are beyond memory and counting: only a formula gets there.
    many, more = 10**8 + between(0, 99), 10**9 + between(0, 99)
    expected = {
        "output_size(more, 3)": more - 2,
        "output_size(2 * more, 3, 2, 1)": more,
        "block_params(more, many)": more * many + 13 * many * many + 12 * many,
        "block_params(more, many, True)": more * many + 13 * many * many + 4 * more * many + 20 * many,
    }
    return all(
        same(student.on_paper.evaluate(expression, many=many, more=more), right)
        for expression, right in expected.items()
    )


class Looping(torch.nn.Module):
    """A line that runs twice costs more than the last one only if its runs are added up, which they should not be."""

    def __init__(self):
        super().__init__()
        self.conv1 = self.twice = torch.nn.Conv2d(4, 4, 1)
        self.once = torch.nn.Conv2d(4, 6, 1)

    def forward(self, x):
        out = x
        for _ in range(2):
            out = self.twice(out)
        return self.once(out)


# What walks is written the same on both sides: the student's function gets the block, we walk one like it ourselves.
BLOCKS = {
    "explicit.Bottleneck(64, 4, downsample=shortcut(64, 16))": lambda: explicit.Bottleneck(
        64, 4, downsample=shortcut(64, 16)
    ),
    "Looping()": Looping,
    "explicit.Bottleneck(16, 4)": lambda: explicit.Bottleneck(16, 4),
    "resnet.Bottleneck(16, 4, groups=4, base_width=16)": lambda: resnet.Bottleneck(
        16, 4, groups=4, base_width=16  # conv1 and conv3 cost the same, and nothing costs more
    ),
    "resnet.Bottleneck(64, 16, groups=2)": lambda: resnet.Bottleneck(64, 16, groups=2),
    "resnet.Bottleneck(16, 4, 2, shortcut(16, 16, 2), 4, 32)": lambda: resnet.Bottleneck(
        16, 4, 2, shortcut(16, 16, 2), 4, 32
    ),
}


def walked(student):
    student.execute("looping", inspect.getsource(Looping))
    for source, build in BLOCKS.items():
        ours = build().eval()
        x = torch.randn(between(1, 3), ours.conv1.in_channels, size := 2 * between(2, 5), size)
        trail = walk(ours, x)
        lines = [(step.source, tuple(step.value("out").shape)) for step in trail if "out" in step.changed]
        costliest = max(trail, key=lambda step: step.macs).source
        if not same(student.evaluate(f"out_shapes({source}.eval(), x)", x=x), lines):
            return False
        if not same(student.evaluate(f"costliest_line({source}.eval(), x)", x=x), costliest):
            return False
    return True


CHECKS = {
    "test_shapes": shapes,
    "test_params": params,
    "test_formulas": formulas,
    "test_walk": walked,
}
