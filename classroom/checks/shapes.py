"""The second check of the assignment `shapes`."""

from itertools import product

import torch
import torch.nn.functional as F

from linewalk import walk
from linewalk.blocks import explicit, resnet, shortcut

from . import between, given, same_numbers

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
    return same_numbers(student.evaluate("shapes"), expected | {"output": tuple(trail.output.shape)})


def params(student):
    block = explicit.Bottleneck(512, 256, stride=2, downsample=shortcut(512, 1024, stride=2))
    expected = {name: _count(child) for name, child in block.named_children()}
    return same_numbers(student.evaluate("params"), expected | {"total": _count(block)})


def _count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def formulas(student):
    even = 2 * between(4, 40)
    for size, (kernel, stride, padding) in product((even, even + 1), [(1, 2, 0), (3, 2, 1), (3, 1, 0), (7, 2, 3)]):
        found = student.evaluate(
            "output_size(size, kernel, stride, padding)", size=size, kernel=kernel, stride=stride, padding=padding
        )
        picture, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
        if not same_numbers(found, F.conv1d(picture, weight, None, stride, padding).shape[-1]):
            return False
    for projection in (False, True, True):
        in_channel, out_channel = between(3, 40), between(3, 40)
        downsample = shortcut(in_channel, 4 * out_channel) if projection else None
        found = student.evaluate(
            "block_params(in_channel, out_channel, projection)",
            in_channel=in_channel, out_channel=out_channel, projection=projection,
        )
        if not same_numbers(found, _count(explicit.Bottleneck(in_channel, out_channel, downsample=downsample))):
            return False
    # No machine can build a layer of this size: only a formula answers.
    many, more = 10**8 + between(0, 99), 10**9 + between(0, 99)
    found = student.evaluate("block_params(more, many, True)", many=many, more=more)
    return same_numbers(found, more * many + 13 * many * many + 4 * more * many + 20 * many)


# What walks is written the same on both sides: the student's function gets the block, we walk one like it ourselves.
BLOCKS = {
    "explicit.Bottleneck(64, 4, downsample=shortcut(64, 16))": lambda: explicit.Bottleneck(
        64, 4, downsample=shortcut(64, 16)
    ),
    "explicit.Bottleneck(16, 4)": lambda: explicit.Bottleneck(16, 4),
    "resnet.Bottleneck(64, 16, groups=2)": lambda: resnet.Bottleneck(64, 16, groups=2),
    "resnet.Bottleneck(16, 4, 2, shortcut(16, 16, 2), 4, 32)": lambda: resnet.Bottleneck(
        16, 4, 2, shortcut(16, 16, 2), 4, 32
    ),
}


def walked(student):
    for source, build in BLOCKS.items():
        ours = build().eval()
        x = torch.randn(between(1, 3), ours.conv1.in_channels, size := 2 * between(2, 5), size)
        trail = walk(ours, x)
        lines = [(step.source, tuple(step.value("out").shape)) for step in trail if "out" in step.changed]
        costliest = max(trail, key=lambda step: step.macs).source
        if not same_numbers(student.evaluate(f"out_shapes({source}.eval(), x)", x=x), lines):
            return False
        if not same_numbers(student.evaluate(f"costliest_line({source}.eval(), x)", x=x), costliest):
            return False
    return True


CHECKS = {
    "test_shapes": shapes,
    "test_params": params,
    "test_formulas": formulas,
    "test_walk": walked,
}
