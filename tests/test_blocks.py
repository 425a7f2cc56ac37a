"""The subjects against torchvision's own classes and against each other."""

import copy

import foreign
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk import walk
from linewalk.blocks import ASPPTail, Stem, explicit, network, norm, paper, resnet, shortcut, swapped
from linewalk.blocks.aspp import ASPPImageBranch
from linewalk.blocks.loading import load_state


@pytest.fixture(scope="module")
def torchvision_resnet():
    return foreign.module("torchvision", "models.resnet")


CONFIGURATIONS = [
    {"inplanes": 64, "planes": 64, "downsample": (64, 256, 1)},
    {"inplanes": 256, "planes": 64},
    {"inplanes": 256, "planes": 128, "stride": 2, "downsample": (256, 512, 2)},
    {"inplanes": 256, "planes": 64, "groups": 32, "base_width": 4},
    {"inplanes": 256, "planes": 64, "base_width": 128},
    {"inplanes": 256, "planes": 64, "dilation": 2},
    {"inplanes": 256, "planes": 64, "norm_layer": nn.InstanceNorm2d},
]


def build(cls, configuration):
    configuration = dict(configuration)
    if "downsample" in configuration:
        configuration["downsample"] = shortcut(*configuration["downsample"])
    return cls(**configuration)


def random_state(module):
    """Values that make every entry count, running statistics included."""
    return {
        name: tensor if tensor.dtype is torch.long else torch.rand_like(tensor) + 0.5 if "var" in name
        else torch.randn_like(tensor) * 0.1
        for name, tensor in module.state_dict().items()
    }


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_same_as_torchvision_s(configuration, train, torchvision_resnet):
    torch.manual_seed(0)
    ours, theirs = (build(module.Bottleneck, configuration) for module in (resnet, torchvision_resnet))
    state = random_state(theirs)
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    theirs.load_state_dict(ours.state_dict())
    ours.train(train), theirs.train(train)
    x = torch.randn(2, configuration["inplanes"], 14, 14)
    expected = theirs(x)
    assert torch.equal(ours(x), expected)
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    assert torch.equal(walk(theirs.eval(), x).output, ours.eval()(x))


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_paper_s_is_torchvision_s_with_the_stride_on_the_first_convolution(train, stride, torchvision_resnet):
    torch.manual_seed(0)
    ours = paper.Bottleneck(64, 16, stride, shortcut(64, 64, stride)).train(train)
    theirs = torchvision_resnet.Bottleneck(64, 16, stride, shortcut(64, 64, stride)).train(train)
    theirs.conv1.stride, theirs.conv2.stride = theirs.conv2.stride, theirs.conv1.stride
    theirs.load_state_dict(random_state(theirs))
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 64, 14, 14)
    assert torch.equal(ours(x), theirs(x)) and ours(x).shape == (2, 64, 14 // stride, 14 // stride)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_same_beginnings(configuration, torchvision_resnet):
    """One seed, one construction: the layers are made in torchvision's order."""
    states = []
    for module in (resnet, torchvision_resnet):
        torch.manual_seed(5)
        states.append(build(module.Bottleneck, configuration).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


def test_whole_networks_hold_our_blocks(torchvision_resnet):
    """ResNet-50, ResNeXt-50 32×4d and Wide ResNet-50-2 with their bottlenecks exchanged for ours."""
    for options in ({}, {"groups": 32, "width_per_group": 4}, {"width_per_group": 128}):
        with torch.device("meta"):
            expected = torchvision_resnet.ResNet(torchvision_resnet.Bottleneck, [3, 4, 6, 3], **options).state_dict()
            ours = torchvision_resnet.ResNet(resnet.Bottleneck, [3, 4, 6, 3], **options).state_dict()
        assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in expected.items()}


NETWORKS = [
    ("BasicBlock", [2, 2, 2, 2], {}),
    ("BasicBlock", [1, 1, 1, 1], {"zero_init_residual": True, "num_classes": 7}),
    ("Bottleneck", [1, 2, 1, 1], {}),
    ("Bottleneck", [1, 1, 2, 2], {"replace_stride_with_dilation": [False, True, True]}),
    ("Bottleneck", [1, 1, 1, 1], {"groups": 32, "width_per_group": 4, "zero_init_residual": True}),
    ("Bottleneck", [1, 1, 1, 1], {"norm_layer": lambda channels: nn.GroupNorm(8, channels)}),
]


@pytest.mark.parametrize(("block", "layers", "options"), NETWORKS)
def test_the_network_is_torchvision_s(block, layers, options, torchvision_resnet):
    """One seed: the same initial weights under the same names, the same scores, and the same errors."""
    ours_block = {"BasicBlock": network.BasicBlock, "Bottleneck": resnet.Bottleneck}[block]
    torch.manual_seed(3)
    ours = network.ResNet(ours_block, layers, **options)
    torch.manual_seed(3)
    theirs = torchvision_resnet.ResNet(getattr(torchvision_resnet, block), layers, **options)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert all(torch.equal(value, state[name]) for name, value in ours.state_dict().items())
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("options", [{"groups": 2}, {"base_width": 128}, {"dilation": 2}])
def test_a_basic_block_refuses_what_torchvision_s_refuses(options, torchvision_resnet):
    raised = []
    for block in (network.BasicBlock, torchvision_resnet.BasicBlock):
        with pytest.raises((ValueError, NotImplementedError)) as error:
            block(64, 64, **options)
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]


def test_three_answers_about_dilation_or_none(torchvision_resnet):
    raised = []
    for module, block in ((network, resnet.Bottleneck), (torchvision_resnet, torchvision_resnet.Bottleneck)):
        with pytest.raises(ValueError) as error:
            module.ResNet(block, [1, 1, 1, 1], replace_stride_with_dilation=[True])
        raised.append(str(error.value))
    assert raised[0] == raised[1]


def test_the_stem_is_torchvision_s(torchvision_resnet):
    torch.manual_seed(0)
    whole = torchvision_resnet.resnet18().eval()
    stem = Stem().eval()
    stem.load_state_dict({k: v for k, v in whole.state_dict().items() if k.split(".")[0] in ("conv1", "bn1")})
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(stem(x), whole.maxpool(whole.relu(whole.bn1(whole.conv1(x)))))


def test_a_whole_network_can_be_walked(torchvision_resnet):
    torch.manual_seed(0)
    whole, x = torchvision_resnet.resnet18().eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        trail = walk(whole, x)
        assert torch.equal(trail.output, whole(x))
    assert trail.params == sum(p.numel() for p in whole.parameters())


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_explicit_block_computes_the_same(stride, train):
    """Its downsample runs before the main branch and not after it: no output differs."""
    torch.manual_seed(0)
    ours = explicit.Bottleneck(64, 64, stride, shortcut(64, 256, stride))
    other = resnet.Bottleneck(64, 64, stride, shortcut(64, 256, stride))
    other.load_state_dict(random_state(ours))
    ours.load_state_dict(other.state_dict())
    ours.train(train), other.train(train)
    x = torch.randn(2, 64, 15, 15)
    assert torch.equal(ours(x), other(x))
    assert ours(x).shape == (2, 256, 15 // stride + stride - 1, 15 // stride + stride - 1)


def test_no_downsample_needs_equal_shapes():
    x = torch.randn(1, 256, 5, 5)
    assert explicit.Bottleneck(256, 64).eval()(x).shape == x.shape
    with pytest.raises(RuntimeError):
        explicit.Bottleneck(64, 64)(torch.randn(1, 64, 5, 5))


def test_the_aspp_tail_by_hand():
    torch.manual_seed(0)
    module = ASPPTail(7)
    module.load_state_dict(random_state(module))
    module.eval()
    branches = [torch.randn(2, 256, 6, 5) for _ in range(5)]
    state = module.state_dict()
    out = torch.cat(branches, 1)
    out = torch.einsum("nchw,oc->nohw", out, state["conv_1x1_3.weight"][:, :, 0, 0])
    out = out + state["conv_1x1_3.bias"][:, None, None]
    mean, var, weight, bias = (
        state[f"bn_conv_1x1_3.{name}"][:, None, None] for name in ("running_mean", "running_var", "weight", "bias")
    )
    out = ((out - mean) / torch.sqrt(var + 1e-5) * weight + bias).clamp(min=0)
    out = F.conv2d(out, state["conv_1x1_4.weight"], state["conv_1x1_4.bias"])
    assert out.shape == (2, 7, 6, 5) and torch.allclose(module(*branches), out, atol=1e-3)
    assert module.conv_1x1_3.bias is not None and module.conv_1x1_3.in_channels == 1280


@pytest.mark.parametrize("options", [{}, {"momentum": 0.3, "eps": 0.1}, {"track_running_stats": False}])
def test_the_written_out_batch_norm_is_pytorch_s(options):
    """Outputs, gradients and what is gathered, over batches of several sizes, in both modes."""
    torch.manual_seed(0)
    ours, other = norm.BatchNorm(5, **options), nn.BatchNorm2d(5, **options)
    other.load_state_dict(random_state(ours))
    ours.load_state_dict(other.state_dict())
    for shape in [(4, 5, 6, 7), (1, 5, 3, 3), (2, 5, 1, 1), (9, 5, 2, 1)]:
        x = torch.randn(shape) * 3 + 2
        for train in (True, False):
            results = []
            for module in (ours.train(train), other.train(train)):
                given = x.clone().requires_grad_()
                out = module(given)
                gradients = torch.autograd.grad(out.sin().sum(), [given, module.weight, module.bias])
                results.append([out, *gradients, *module.state_dict().values()])
            assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(*results, strict=True))


def test_a_single_value_per_channel_is_refused_in_pytorch_s_words():
    x, messages = torch.randn(1, 5, 1, 1), []
    for module in (norm.BatchNorm(5), nn.BatchNorm2d(5), norm.BatchNorm(5, track_running_stats=False).eval()):
        with pytest.raises(ValueError) as error:
            module(x)
        messages.append(str(error.value))
    assert len(set(messages)) == 1
    assert norm.BatchNorm(5).eval()(x).shape == x.shape


def test_the_image_branch_by_hand():
    torch.manual_seed(0)
    branch = ASPPImageBranch(7)
    branch.load_state_dict(random_state(branch))
    branch.eval()
    maps, state = torch.randn(2, 7, 4, 3), branch.state_dict()
    out = maps.mean((2, 3)) @ state["conv_1x1_2.weight"][:, :, 0, 0].T + state["conv_1x1_2.bias"]
    mean, var, weight, bias = (
        state[f"bn_conv_1x1_2.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
    )
    out = ((out - mean) / torch.sqrt(var + 1e-5) * weight + bias).clamp(min=0)
    assert torch.allclose(branch(maps), out[:, :, None, None].expand(2, 256, 4, 3), atol=1e-5)


def test_the_swapped_block_computes_what_it_says_and_refuses_to_learn():
    block, x = swapped.SwappedBlock(3), torch.randn(2, 3, 5, 5)
    out = block(x)
    batch = F.conv2d(x, block.conv.weight, padding=1)
    mean, var = batch.mean((0, 2, 3), keepdim=True), batch.var((0, 2, 3), keepdim=True, correction=0)
    assert torch.allclose(out, ((batch - mean) / torch.sqrt(var + 1e-5)).clamp(min=0) + x, atol=1e-5)
    with pytest.raises(RuntimeError, match=r"output 0 of Relu(Backward0)?, is at version 2; expected version 1"):
        out.sum().backward()


def changed_states():
    """What may be wrong with a file, each beside the three lists that it makes: missing, unexpected, other shapes."""
    state = random_state(network.BasicBlock(6, 6))
    with_another_size = state | {"bn1.weight": torch.ones(7), "conv2.weight": torch.ones(6, 6, 1, 1)}
    fewer = {name: value for name, value in state.items() if not name.startswith("conv")}
    yield state, [], [], []
    yield fewer, ["conv1.weight", "conv2.weight"], [], []
    yield state | {"fc.weight": torch.ones(2)}, [], ["fc.weight"], []
    yield with_another_size, [], [], ["bn1.weight", "conv2.weight"]
    prefixed = {f"module.{name}": value for name, value in state.items()}
    yield prefixed, [*state], [*prefixed], []
    nearly_nothing = {"bn1.weight": torch.ones(7), "epoch": torch.tensor(1)}
    yield nearly_nothing, [*{*state} - {"bn1.weight"}], ["epoch"], ["bn1.weight"]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("state", "missing", "unexpected", "mismatched"), [*changed_states()])
def test_loading_as_pytorch_does(state, missing, unexpected, mismatched, strict):
    torch.manual_seed(1)
    ours = network.BasicBlock(6, 6)
    theirs = copy.deepcopy(ours)
    outcomes = []
    for load in (lambda: load_state(ours, state, strict), lambda: theirs.load_state_dict(state, strict)):
        try:
            outcomes.append([sorted(names) for names in load()])
        except RuntimeError as error:
            outcomes.append("refused")
            assert all(name in str(error) for name in mismatched)
    own = ours.state_dict()
    assert all(torch.equal(own[name], value) for name, value in theirs.state_dict().items())
    counts = [name for name in missing if name.endswith("num_batches_tracked")]  # PyTorch forgives these
    expected = [sorted(missing), sorted(unexpected)]
    assert outcomes[0] == ("refused" if mismatched or (strict and (missing or unexpected)) else expected)
    expected[0] = sorted(set(missing) - set(counts))
    assert outcomes[1] == ("refused" if outcomes[0] == "refused" else expected)


def test_docstrings_give_shapes_and_sources():
    blocks = (explicit.Bottleneck, network.BasicBlock, network.ResNet, resnet.Bottleneck)
    for cls in (ASPPTail, ASPPImageBranch, Stem, norm.BatchNorm, swapped.SwappedBlock, *blocks):
        assert "Shapes:" in cls.__doc__ and "Source:" in cls.__doc__
