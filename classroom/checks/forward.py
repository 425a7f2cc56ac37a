"""The second check of the assignment `forward`."""

import torch

from linewalk.blocks import explicit, shortcut

from . import between, given, parts, randomized, same

SOLUTIONS = ("main_path", "block")
WALKS = False
PRELUDE = given("forward")


def main_path(student):
    in_channel, out_channel, stride = between(3, 9), between(3, 7), between(1, 2)
    ours = randomized(explicit.Bottleneck(in_channel, out_channel, stride)).eval()
    x = torch.randn(2, in_channel, 8, 8)
    theirs, their_x = parts(student.evaluate(
        "[block := MainPath(in_channel, out_channel, stride).eval(), block.load_state_dict(weights), "
        "kept := x.clone(), block.main_path(kept).detach(), kept][3:]",
        in_channel=in_channel, out_channel=out_channel, stride=stride, weights=ours.state_dict(), x=x,
    ), 2)
    with torch.no_grad():
        squeezed = torch.relu(ours.bn1(ours.conv1(x)))
        seen = torch.relu(ours.bn2(ours.conv2(squeezed)))
        return same(theirs, ours.bn3(ours.conv3(seen))) and same(their_x, x, tolerance=0)


def without_downsample(student):
    out_channel = between(3, 7)
    ours = randomized(explicit.Bottleneck(4 * out_channel, out_channel)).eval()
    x = torch.randn(2, 4 * out_channel, 8, 8)
    theirs = student.evaluate(
        "run(Bottleneck(4 * out_channel, out_channel), weights, x)",
        out_channel=out_channel, weights=ours.state_dict(), x=x,
    )
    with torch.no_grad():
        return same(theirs, ours(x))


def with_downsample(student):
    return all(_block_agrees(student, *sizes) for sizes in [
        (between(3, 9), between(3, 7), 2),
        (12, 3, 1),  # a downsample that the shapes would not need
    ])


def _block_agrees(student, in_channel, out_channel, stride):
    ours = explicit.Bottleneck(in_channel, out_channel, stride, shortcut(in_channel, 4 * out_channel, stride))
    randomized(ours).eval()
    x = torch.randn(2, in_channel, 8, 8)
    theirs = student.evaluate(
        "run(Bottleneck(in_channel, out_channel, stride, projection(in_channel, 4 * out_channel, stride)), weights, x)",
        in_channel=in_channel, out_channel=out_channel, stride=stride, weights=ours.state_dict(), x=x,
    )
    with torch.no_grad():
        return same(theirs, ours(x))


def training(student):
    """With a downsample and without: there `identity` is x, and writing to it would show."""
    in_channel = between(3, 9)
    return _trains(student, in_channel, shortcut(in_channel, 16), "projection(in_channel, 16)") and _trains(
        student, 16, None, "None"
    )


def _trains(student, in_channel, downsample, theirs_is):
    """Values, running statistics and gradients of one training step, and an input left as it was."""
    ours = randomized(explicit.Bottleneck(in_channel, 4, downsample=downsample)).train()
    weights = {name: value.clone() for name, value in ours.state_dict().items()}
    x = torch.randn(3, in_channel, 6, 6)
    upstream = torch.randn(3, 16, 6, 6)
    made = f"block := Bottleneck(in_channel, 4, downsample={theirs_is}), block.load_state_dict(weights)"
    values = {"in_channel": in_channel, "weights": weights, "x": x}
    theirs, statistics, their_x = parts(student.evaluate(
        f"[{made}, kept := x.clone(), run(block, weights, kept, train=True), state(block), kept][3:]", **values
    ), 3)
    gradients = student.evaluate(
        f"[{made}, x.requires_grad_(), "
        "torch.autograd.grad((block.train()(x) * upstream).sum(), [x, *block.parameters()])][3]",
        upstream=upstream, **values,
    )
    leaf = x.clone().requires_grad_()
    output = ours(leaf)
    expected = torch.autograd.grad((output * upstream).sum(), [leaf, *ours.parameters()])
    return (
        same(theirs, output.detach())
        and same(their_x, x, tolerance=0)
        and same(statistics, ours.state_dict())
        and same(gradients, expected, tolerance=1e-2)
    )


CHECKS = {
    "test_main_path": main_path,
    "test_without_downsample": without_downsample,
    "test_with_downsample": with_downsample,
    "test_training": training,
}
