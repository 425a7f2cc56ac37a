"""The second check of the assignment `bugs`."""

import torch
import torch.nn as nn

from linewalk.blocks import explicit, shortcut

from . import agree, between, given, parts, randomized, same

SOLUTIONS = ("in_place", "strided", "stage", "predict")
WALKS = True
PRELUDE = given("bugs")


class _Scaled(explicit.Bottleneck):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        # Of both signs, or it would not matter on which side of a ReLU it stands.
        signs = 1 - 2 * (torch.arange(self.conv2.out_channels) % 2)
        self.scale = nn.Parameter((signs * (0.5 + torch.rand(len(signs)))).reshape(-1, 1, 1))

    def forward(self, x):
        squeezed = torch.relu(self.bn1(self.conv1(x)))
        seen = torch.relu(self.bn2(self.conv2(squeezed))) * self.scale
        return torch.relu(self.bn3(self.conv3(seen)) + self.downsample(x))


def in_place(student):
    """Output and every gradient of one training step."""
    in_channel, stride = between(5, 9), between(1, 2)
    ours = randomized(_Scaled(in_channel, 4, stride, shortcut(in_channel, 16, stride))).train()
    weights = {name: value.clone() for name, value in ours.state_dict().items()}
    x = torch.randn(3, in_channel, 6, 6)
    output = ours(x)
    upstream = torch.randn_like(output)
    theirs, gradients = parts(student.evaluate(
        "[block := MendedScaled(in_channel, 4, stride, shortcut(in_channel, 16, stride)).train(), "
        "block.load_state_dict(weights), out := block(x), out.detach().clone(), "
        "torch.autograd.grad((out * upstream).sum(), list(block.parameters()))][3:]",
        in_channel=in_channel, stride=stride, weights=weights, x=x, upstream=upstream,
    ), 2)
    expected = torch.autograd.grad((output * upstream).sum(), list(ours.parameters()))
    return same(theirs, output.detach()) and same(gradients, expected, tolerance=1e-2)


def strided(student):
    for stride in (1, 2, 3):
        in_channel, out_channel = between(3, 9), between(2, 5)
        ours = explicit.Bottleneck(in_channel, out_channel, stride, shortcut(in_channel, 4 * out_channel, stride))
        ours.conv2 = nn.Conv2d(out_channel, out_channel, kernel_size=5, stride=stride, padding=2, bias=False)
        if not agree(
            student,
            "MendedStrided(in_channel, out_channel, stride, shortcut(in_channel, 4 * out_channel, stride))",
            randomized(ours),
            torch.randn(2, in_channel, 9, 9),
            in_channel=in_channel, out_channel=out_channel, stride=stride,
        ):
            return False
    return True


def stage(student):
    width = between(3, 6)
    return all(_stage_agrees(student, *arguments) for arguments in [
        (width, width, 2, 1), (4 * width, width, 2, 1), (4 * width, width, 2, 2), (width + 1, width, between(1, 3), 2)
    ])


def _stage_agrees(student, in_channel, out_channel, blocks, stride):
    outgoing = 4 * out_channel
    needed = stride != 1 or in_channel != outgoing
    ours = randomized(nn.Sequential(
        explicit.Bottleneck(
            in_channel, out_channel, stride, shortcut(in_channel, outgoing, stride) if needed else None
        ),
        *(explicit.Bottleneck(outgoing, out_channel) for _ in range(1, blocks)),
    ))
    return agree(
        student, "mended_stage(in_channel, out_channel, blocks, stride)", ours, torch.randn(2, in_channel, 8, 8),
        in_channel=in_channel, out_channel=out_channel, blocks=blocks, stride=stride,
    )


def predict(student):
    """The result, and a model that is left as it was found, in training as in evaluation."""
    for mode in (True, False):
        width = between(2, 5)
        ours = randomized(explicit.Bottleneck(4 * width, width)).eval()
        weights = {name: value.clone() for name, value in ours.state_dict().items()}
        x = torch.randn(3, 4 * width, 6, 6)
        result, tracked, after, modes = parts(student.evaluate(
            "[model := explicit.Bottleneck(4 * width, width).train(mode), model.load_state_dict(weights), "
            "tracked := [], model.register_forward_hook("
            "lambda module, inputs, output, tracked=tracked: tracked.append(output.requires_grad)), "
            "out := mended_predict(model, x), out.detach(), out.requires_grad or any(tracked), state(model), "
            "sorted({module.training for module in model.modules()})][5:]",
            width=width, mode=mode, weights=weights, x=x,
        ), 4)
        with torch.no_grad():
            right = (
                same(result, ours(x))
                and tracked is False
                and same(after, weights, tolerance=0)
                and same(modes, [mode])
            )
        if not right:
            return False
    return True


CHECKS = {
    "test_in_place": in_place,
    "test_stride": strided,
    "test_stage": stage,
    "test_predict": predict,
}
