"""The second check of the assignment `groups`."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk.blocks import resnet, shortcut

from . import agree, between, given, randomized, same

SOLUTIONS = ("width", "convolution", "block", "variants")
WALKS = False
PRELUDE = given("groups")


def width(student):
    usual = [(64 * 2 ** between(0, 3), 2 ** between(0, 5), 4 * 2 ** between(0, 5)) for _ in range(3)]
    uneven = [(between(65, 127), between(2, 32), between(5, 63)) for _ in range(5)]
    return all(
        same(student.evaluate("middle_width(planes, groups, base_width)", **sizes), _width(**sizes))
        for sizes in (
            {"planes": planes, "groups": groups, "base_width": base_width}
            for planes, groups, base_width in [*usual, *uneven, (76, 8, 4), (40, 8, 10)]
        )
    )


def _width(planes, groups, base_width):
    return planes * base_width // 64 * groups


def convolution(student):
    for stride, groups, dilation in [(1, 4, 1), (2, 1, 1), (1, 1, 3), (2, 2, 2), (1, 4, 2)]:
        in_planes, out_planes = 4 * between(1, 2), 4 * between(3, 4)
        weight, x = torch.randn(out_planes, in_planes // groups, 3, 3), torch.randn(2, in_planes, 11, 11)
        theirs = student.evaluate(
            "run(conv3x3(in_planes, out_planes, stride, groups, dilation), weights, x)",
            in_planes=in_planes, out_planes=out_planes, stride=stride, groups=groups, dilation=dilation,
            weights={"weight": weight}, x=x,
        )
        if not same(theirs, F.conv2d(x, weight, None, stride, dilation, dilation, groups)):
            return False
    return True


def block(student):
    return all(
        _block_agrees(student, *options)
        for options in [(1, 4, 16, 1), (1, 1, 128, 1), (2, 2, 32, 1), (1, 1, 64, 2), (2, 8, 32, 2)]
    ) and _block_agrees(student, 1, 1, 64, 1, norm="lambda channels: nn.GroupNorm(2, channels)") and same(
        student.evaluate("[Bottleneck(8, 8, stride).stride for stride in strides]", strides=[1, 2, 3]), [1, 2, 3]
    )


def _block_agrees(student, stride, groups, base_width, dilation, norm="None"):
    inplanes, planes = between(5, 9), 8 * between(1, 2)
    ours = resnet.Bottleneck(
        inplanes, planes, stride, shortcut(inplanes, 4 * planes, stride), groups, base_width, dilation,
        None if norm == "None" else lambda channels: nn.GroupNorm(2, channels),
    )
    randomized(ours)
    x = torch.randn(2, inplanes, 10, 10)
    projection = (
        "nn.Sequential(nn.Conv2d(inplanes, 4 * planes, 1, stride=stride, bias=False), nn.BatchNorm2d(4 * planes))"
    )
    return agree(
        student, f"Bottleneck(inplanes, planes, stride, {projection}, groups, base_width, dilation, {norm})", ours, x,
        inplanes=inplanes, planes=planes, stride=stride, groups=groups, base_width=base_width, dilation=dilation,
    )


def variants(student):
    expected = {
        "resnet50": (1, 64), "resnext50_32x4d": (32, 4), "resnext101_64x4d": (64, 4), "wide_resnet50_2": (1, 128)
    }
    theirs = student.evaluate("variants")
    if not isinstance(theirs, dict) or theirs.keys() != expected.keys():
        return False
    for name, (groups, base_width) in expected.items():
        options = theirs[name]
        if not isinstance(options, dict) or not options.keys() <= {"groups", "base_width"}:
            return False
        if not same([options.get("groups", 1), options.get("base_width", 64)], [groups, base_width]):
            return False
    sizes = [
        {"inplanes": between(3, 99), "planes": 16 * between(1, 16), "groups": groups, "base_width": base_width}
        for groups, base_width in [(1, 64), (32, 4), (4, 16), (1, 128), (2, 8 * between(2, 7))]
    ]
    # Beyond memory and counting: only a formula gets there.
    sizes.append({"inplanes": 10**9 + between(0, 99), "planes": 10**8, "groups": 1, "base_width": 64})
    return all(
        same(
            student.on_paper.evaluate("conv_weights(inplanes, planes, groups, base_width)", **one), _conv_weights(**one)
        )
        for one in sizes
    )


def _conv_weights(inplanes, planes, groups, base_width):
    width = _width(planes, groups, base_width)
    return inplanes * width + 9 * width * (width // groups) + width * 4 * planes


CHECKS = {
    "test_width": width,
    "test_convolution": convolution,
    "test_block": block,
    "test_variants": variants,
}
