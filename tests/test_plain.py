"""The paper's CIFAR-10 networks against torchvision's blocks and the paper's numbers, and the curves that they gave."""

import json
from importlib.resources import files

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk.blocks import network, plain
from linewalk.blocks.plain import Plain, PreActivation, Residual, SmallNet

CURVES = files("linewalk").joinpath("measured", "plain_and_residual.json")


class Nothing(nn.Module):
    def forward(self, x):
        return torch.zeros(())


class Padded(nn.Module):
    def forward(self, x):
        return torch.cat([x[:, :, ::2, ::2], torch.zeros_like(x[:, :, ::2, ::2])], 1)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    ("block", "planes", "stride", "downsample"),
    [(Plain, 4, 1, Nothing()), (Plain, 8, 2, Nothing()), (Residual, 4, 1, None), (Residual, 8, 2, Padded())],
)
def test_the_same_as_torchvision_s_basic_block(block, planes, stride, downsample, train):
    torch.manual_seed(0)
    ours, theirs = block(4, planes, stride).train(train), network.BasicBlock(4, planes, stride, downsample).train(train)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 4, 9, 9)
    assert torch.equal(ours(x), theirs(x))


def test_pre_activation_is_the_formula_of_its_paper():
    torch.manual_seed(0)
    block, x = PreActivation(4, 4), torch.randn(3, 4, 9, 9)

    def half(x, conv):
        normal = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        return F.conv2d(normal.clamp(min=0), conv.weight, padding=1)

    assert torch.allclose(block(x), x + half(half(x, block.conv1), block.conv2), atol=1e-5)


@pytest.mark.parametrize("block", [Plain, Residual, PreActivation])
def test_depth_and_size_are_the_paper_s(block):
    """Table 6 of arXiv:1512.03385, in millions of parameters."""
    for n, millions in [(3, 0.27), (5, 0.46), (7, 0.66), (9, 0.85), (18, 1.7)]:
        net = SmallNet(block, n)
        assert sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in net.modules()) == 6 * n + 2
        assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, rel=0.03)
    assert SmallNet(block, 1)(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_a_shortcut_has_no_parameters():
    with_it, without = (SmallNet(block, 3).state_dict() for block in (Residual, Plain))
    assert {k: v.shape for k, v in with_it.items()} == {k: v.shape for k, v in without.items()}


def test_docstrings_give_shapes_and_sources():
    assert all("Source:" in one.__doc__ for one in (Plain, Residual, PreActivation, SmallNet))
    assert "Shapes:" in Plain.__doc__ and "Shapes:" in SmallNet.__doc__ and plain.same_shape.__doc__


@pytest.fixture(scope="module")
def kept():
    return json.loads(CURVES.read_text(encoding="utf-8"))


def test_the_curves_are_whole(kept):
    settings, runs = kept["settings"], kept["runs"]
    assert {"data", "torch", "python", "device", "date", "command", "seeds"} <= settings.keys()
    assert len(CURVES.read_bytes()) < 30_000
    networks = [(block, depth, 30, 0.1) for block in ("Plain", "Residual") for depth in (8, 20, 44)]
    networks += [("PreActivation", 44, 30, 0.1)]
    controls = [("Plain", 44, 30, 0.01), ("Plain", 8, 120, 0.1), ("Plain", 44, 120, 0.1)]
    assert [(run["block"], run["depth"], run["epochs"], run["learning_rate"], run["seed"]) for run in runs] == [
        (*network, seed) for network in networks + controls for seed in settings["seeds"]
    ]
    for run in runs:
        assert len(run["train_error"]) == run["epochs"] and all(0 <= error <= 100 for error in run["train_error"])


def last(kept, epochs, lr):
    return {(run["block"], run["depth"], run["seed"]): run["train_error"][-1] for run in kept["runs"]
            if (run["epochs"], run["learning_rate"]) == (epochs, lr)}


def test_the_curves_show_degradation_from_every_seed(kept):
    found = last(kept, 30, 0.1)
    for seed in kept["settings"]["seeds"]:
        assert found["Plain", 44, seed] > found["Plain", 20, seed] > found["Plain", 8, seed]
        assert found["Residual", 44, seed] < found["Residual", 8, seed]


def test_more_time_helps_the_deep_plain_network_in_part_and_a_smaller_step_does_not(kept):
    usual, longer, slower = last(kept, 30, 0.1), last(kept, 120, 0.1), last(kept, 30, 0.01)
    for seed in kept["settings"]["seeds"]:
        assert longer["Plain", 8, seed] + 1 < longer["Plain", 44, seed] < usual["Plain", 44, seed] / 2
        assert slower["Plain", 44, seed] > 50
