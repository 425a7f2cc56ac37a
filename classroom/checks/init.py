"""The second check of the assignment `init`."""

import torch
import torch.nn.functional as F

from linewalk.blocks import explicit, shortcut

from . import agree, between, given, randomized, same

SOLUTIONS = ("convolutions", "block", "downsample")
WALKS = False
PRELUDE = given("init")


def convolutions(student):
    for name, kernel in [("conv1x1", 1), ("conv3x3", 3)]:
        for stride in (1, 2):
            in_channel, out_channel = between(3, 5), between(6, 9)
            weight, x = torch.randn(out_channel, in_channel, kernel, kernel), torch.randn(2, in_channel, 9, 9)
            theirs = student.evaluate(
                f"run({name}(in_channel, out_channel, stride), weights, x)",
                in_channel=in_channel, out_channel=out_channel, stride=stride, weights={"weight": weight}, x=x,
            )
            if not same(theirs, F.conv2d(x, weight, stride=stride, padding=kernel // 2)):
                return False
    return True


def layers(student):
    """The parameters' names and shapes, for `expansion` 4 and another one, and that each keeps its own values."""
    for expansion in (4, between(2, 3)):
        in_channel, out_channel = between(3, 9), between(10, 15)
        ours = randomized(_with_expansion(expansion)(in_channel, out_channel)).state_dict()
        theirs = student.evaluate(
            "[block := type('Block', (Bottleneck,), {'expansion': expansion})(in_channel, out_channel), "
            "block.load_state_dict(weights), state(block)][2]",
            expansion=expansion, in_channel=in_channel, out_channel=out_channel, weights=ours,
        )
        if not same(theirs, ours):
            return False
    return True


def _with_expansion(expansion):
    return type("Block", (explicit.Bottleneck,), {"expansion": expansion})


def arguments(student):
    return all(_block_agrees(student, *sizes) for sizes in [
        (between(3, 9), between(3, 7), 2),
        (between(3, 9), between(10, 12), 1),
        (12, 3, 1),
    ])


def _block_agrees(student, in_channel, out_channel, stride):
    needed = stride != 1 or in_channel != 4 * out_channel
    ours = explicit.Bottleneck(
        in_channel, out_channel, stride, shortcut(in_channel, 4 * out_channel, stride) if needed else None
    )
    randomized(ours)
    x = torch.randn(2, in_channel, 9, 9)
    given = (
        ", downsample=nn.Sequential(nn.Conv2d(in_channel, 4 * out_channel, 1, stride=stride, bias=False), "
        "nn.BatchNorm2d(4 * out_channel))"
    )
    return agree(
        student, f"Bottleneck(in_channel, out_channel, stride=stride{given if needed else ''})", ours, x,
        in_channel=in_channel, out_channel=out_channel, stride=stride,
    )


def downsample(student):
    width = between(3, 9)
    return (
        student.evaluate("make_downsample(4 * width, width, 1)", width=width) is None
        and student.evaluate("make_downsample(4 * width, width)", width=width) is None
        and all(_shortcut_agrees(student, *sizes) for sizes in [
            (4 * width, width, 2), (width, width, 1), (width, width + 1, 2), (width + 1, 4 * width + 4, 1)
        ])
        and _follows_expansion(student, width, between(2, 3))
    )


def _shortcut_agrees(student, in_channel, out_channel, stride, expansion=4):
    ours = randomized(shortcut(in_channel, expansion * out_channel, stride))
    x = torch.randn(2, in_channel, 9, 9)
    return agree(
        student, "make_downsample(in_channel, out_channel, stride)", ours, x,
        in_channel=in_channel, out_channel=out_channel, stride=stride,
    )


def _follows_expansion(student, width, expansion):
    """The last question to this student, since `Bottleneck.expansion` stays changed."""
    without = student.evaluate(
        "[setattr(Bottleneck, 'expansion', expansion), make_downsample(expansion * width, width)][1]",
        expansion=expansion, width=width,
    )
    return without is None and _shortcut_agrees(student, 4 * width, width, 1, expansion)


CHECKS = {
    "test_convolutions": convolutions,
    "test_layers": layers,
    "test_arguments": arguments,
    "test_downsample": downsample,
}
