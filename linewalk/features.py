"""The stem and the block that the chapters look through, with weights that have learned something."""

from importlib.resources import files

from .blocks import Stem, explicit, shortcut
from .errors import Bilingual, WeightsError

LABELS = {
    "cifar10": Bilingual("本书在 CIFAR-10 上训练的权重", "this book's weights, trained on CIFAR-10"),
    "random": Bilingual("随机初始化的权重", "randomly initialized weights"),
    "imagenet": Bilingual("torchvision 的 ImageNet 权重", "torchvision's ImageNet weights"),
}


def stem_and_block(weights="cifar10", block=explicit.Bottleneck):
    """ResNet-50's stem and its first bottleneck (64→64→256 with a projection shortcut), in eval mode.

    Args:
        weights: "cifar10" (shipped with this package), "random" (fresh from PyTorch's initialization), or "imagenet"
            (torchvision's ResNet-50; needs torchvision and, the first time, a network).
        block: the class to build the block from, `explicit.Bottleneck` or `resnet.Bottleneck`.

    Shapes:
        the stem takes (N, 3, H, W) to (N, 64, ⌈H/4⌉, ⌈W/4⌉); the block takes that to (N, 256, ⌈H/4⌉, ⌈W/4⌉).

    Returns:
        stem, block: two modules whose `weights_label` says whose weights they hold.

    Raises:
        WeightsError: there are no such weights, or they cannot be had here.
    """
    if weights not in LABELS:
        raise WeightsError(
            f"没有叫 {weights!r} 的权重：可选 {', '.join(LABELS)}。",
            f"There are no weights called {weights!r}: choose from {', '.join(LABELS)}.",
        )
    stem, bottleneck = Stem(), block(64, 64, downsample=shortcut(64, 256))
    if weights != "random":
        state = _imagenet_state() if weights == "imagenet" else _shipped_state()
        for part, module in (("stem.", stem), ("block.", bottleneck)):
            module.load_state_dict({k.removeprefix(part): v for k, v in state.items() if k.startswith(part)})
    for module in (stem, bottleneck):
        module.eval()
        module.weights_label = LABELS[weights]
    return stem, bottleneck


def _shipped_state():
    import safetensors.torch

    return safetensors.torch.load(files("linewalk").joinpath("weights/stem_block_cifar10.safetensors").read_bytes())


def _imagenet_state():
    try:
        from torchvision.models import ResNet50_Weights

        state = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=False)
    except (ImportError, RuntimeError, OSError) as error:
        raise WeightsError(
            f"拿不到 torchvision 的 ImageNet 权重（{error}）：请安装 torchvision 并联网一次，"
            '或改用 weights="cifar10"。',
            f"torchvision's ImageNet weights cannot be had ({error}): install torchvision and go online once, "
            'or use weights="cifar10".',
        ) from error
    stem = {f"stem.{k}": v for k, v in state.items() if k.split(".")[0] in ("conv1", "bn1")}
    return stem | {"block." + k.removeprefix("layer1.0."): v for k, v in state.items() if k.startswith("layer1.0.")}
