"""The stem and block that the chapters look through, and the weights that come with the package."""

import sys
from importlib.resources import files

import pytest
import safetensors.torch
import torch

from linewalk import WeightsError, best_device, device_name, load_image, stem_and_block, walk
from linewalk.blocks import explicit, resnet

WEIGHTS = files("linewalk").joinpath("weights", "stem_block_cifar10.safetensors")
# conv 3→64 by 7×7, then the bottleneck's three convolutions and its shortcut, two numbers a batch-normed channel
PARAMETERS = 3 * 64 * 49 + 64 * 64 + 64 * 64 * 9 + 64 * 256 + 64 * 256 + 2 * (64 + 64 + 64 + 256 + 256)


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


@pytest.mark.parametrize("block", [explicit.Bottleneck, resnet.Bottleneck])
@pytest.mark.parametrize("weights", ["cifar10", "random"])
def test_shapes_and_labels(weights, block):
    stem, bottleneck = stem_and_block(weights, block)
    assert type(bottleneck) is block and not stem.training and not bottleneck.training
    assert count(stem, bottleneck) == PARAMETERS == 84_544
    with torch.no_grad():
        x = stem(load_image())
        trail = walk(bottleneck, x)
    assert x.shape == (1, 64, 56, 56) and trail.output.shape == (1, 256, 56, 56)
    assert ("CIFAR-10" in trail.weights.zh) is ("CIFAR-10" in trail.weights.en) is (weights == "cifar10")


def test_the_shipped_file():
    data = WEIGHTS.read_bytes()
    assert len(data) <= 400_000
    state = safetensors.torch.load(data)
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert sum(t.numel() for name, t in state.items() if not name.endswith(statistics)) == PARAMETERS
    assert all(t.isfinite().all() for t in state.values())
    stem, block = stem_and_block()
    loaded = {f"stem.{k}": v for k, v in stem.state_dict().items()}
    loaded |= {f"block.{k}": v for k, v in block.state_dict().items()}
    assert loaded.keys() == state.keys() and all(torch.equal(loaded[k], state[k]) for k in state)
    assert WEIGHTS.with_name("MODEL_CARD.md").is_file()


def test_shipped_names_are_torchvision_s():
    """As torchvision's ResNet-50 spells its entrance and the first block of layer1."""
    shipped = safetensors.torch.load(WEIGHTS.read_bytes())
    names = {name.removeprefix("stem.").replace("block.", "layer1.0.") for name in shipped}
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    expected = {"conv1.weight", "layer1.0.downsample.0.weight"} | {f"layer1.0.conv{i}.weight" for i in (1, 2, 3)}
    for prefix in ("bn1", "layer1.0.bn1", "layer1.0.bn2", "layer1.0.bn3", "layer1.0.downsample.1"):
        expected |= {f"{prefix}.{name}" for name in norm}
    assert names == expected


def test_the_filters_have_learned_something():
    """Trained 7×7 filters are smooth; fresh ones are noise, whose neighbours have nothing to do with each other."""
    def smoothness(weight):
        a, b = weight[..., :-1].flatten(), weight[..., 1:].flatten()
        return torch.corrcoef(torch.stack([a, b]))[0, 1]

    assert smoothness(stem_and_block("random")[0].conv1.weight.detach()).abs() < 0.1
    assert smoothness(stem_and_block()[0].conv1.weight.detach()) > 0.3


def test_both_blocks_give_the_same_with_the_shipped_weights():
    x = load_image(size=64)
    with torch.no_grad():
        outputs = [block(stem(x)) for stem, block in (
            stem_and_block(block=cls) for cls in (explicit.Bottleneck, resnet.Bottleneck)
        )]
    assert torch.equal(*outputs)


@pytest.mark.parametrize("weights", ["imagenet21k", "", None])
def test_unknown_weights(weights):
    with pytest.raises(WeightsError) as caught:
        stem_and_block(weights)
    chinese, english = str(caught.value).split("\n")
    assert "cifar10, random, imagenet" in chinese and "cifar10, random, imagenet" in english


def test_imagenet_without_torchvision(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(WeightsError) as caught:
        stem_and_block("imagenet")
    chinese, english = str(caught.value).split("\n")
    assert "安装 torchvision" in chinese and "install torchvision" in english


@pytest.mark.parametrize("error", [OSError("no network"), RuntimeError("operator torchvision::nms does not exist")])
def test_imagenet_without_a_network(monkeypatch, error):
    class Weights:
        class IMAGENET1K_V2:
            @staticmethod
            def get_state_dict(progress):
                raise error

    class Models:
        ResNet50_Weights = Weights

    monkeypatch.setitem(sys.modules, "torchvision", Models)
    monkeypatch.setitem(sys.modules, "torchvision.models", Models)
    with pytest.raises(WeightsError, match=str(error)):
        stem_and_block("imagenet")


def test_imagenet_takes_the_stem_and_the_first_block(monkeypatch):
    stem, block = stem_and_block("random")
    state = dict(stem.state_dict()) | {f"layer1.0.{k}": v for k, v in block.state_dict().items()}
    state |= {"layer1.1.conv1.weight": torch.zeros(1), "fc.weight": torch.zeros(1)}

    class Models:
        class ResNet50_Weights:
            class IMAGENET1K_V2:
                @staticmethod
                def get_state_dict(progress):
                    return state

    monkeypatch.setitem(sys.modules, "torchvision", Models)
    monkeypatch.setitem(sys.modules, "torchvision.models", Models)
    loaded_stem, loaded_block = stem_and_block("imagenet")
    assert torch.equal(loaded_stem.conv1.weight, stem.conv1.weight)
    assert torch.equal(loaded_block.conv3.weight, block.conv3.weight)
    assert "ImageNet" in loaded_block.weights_label.en


def test_the_best_device(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert best_device() == torch.device("cpu") and device_name(best_device()) == device_name("cpu") == "CPU"
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("xpu"))
    assert best_device() == torch.device("xpu")
