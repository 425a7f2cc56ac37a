"""Modules that others wrote, small, with inputs: what `annotate` has to put into words."""

import functools
import importlib
import importlib.util
from pathlib import Path

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F


@functools.cache
def _torchvision():
    """torchvision's compiled part need not fit the torch that is installed: its Python only needs two names of it."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None:
        pytest.skip("torchvision is not installed")
    try:
        torch.ops.load_library(next(Path(spec.origin).parent.glob("_C*")))
    except (OSError, StopIteration):
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library  # whose end would undo the names
    return None


def module(package, path):
    """A module of somebody else's package by its path; skips where the package is not installed."""
    if package != "torchvision" and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    _torchvision()
    return importlib.import_module(f"{package}.{path}")


def of(package, path):
    """A class in such a module, by its path."""
    path, _, name = path.rpartition(".")
    return getattr(module(package, path), name)


def maps(channels, side=8, batch=2):
    return torch.randn(batch, channels, side, side)


def tokens(width, count=9, batch=2):
    return torch.randn(batch, count, width)


def tv(path, *args, **kwargs):
    return of("torchvision", path)(*args, **kwargs)


def tm(path, *args, **kwargs):
    return of("timm", path)(*args, **kwargs)


class LSTMClassifier(nn.Module):
    def __init__(self, vocabulary, width, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, width, num_layers=2, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(2 * width, classes)

    def forward(self, text):
        embedded = self.dropout(self.embedding(text))
        _, (hidden, _) = self.lstm(embedded)
        hidden = torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)
        return self.fc(self.dropout(hidden))


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_features))
        else:
            self.register_parameter("bias", None)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adjacency):
        degree = adjacency.sum(dim=1, keepdim=True).clamp(min=1)
        support = torch.mm(x, self.weight)
        output = torch.mm(adjacency / degree, support)
        if self.bias is not None:
            return output + self.bias
        return output


class Generator(nn.Module):
    def __init__(self, nz=16, ngf=8, nc=3):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.main(noise)


class DoubleConv(nn.Module):
    def __init__(self, in_ch, out_ch):
        super().__init__()
        self.step = nn.Sequential(
            nn.Conv2d(in_ch, out_ch, 3, padding=1), nn.ReLU(), nn.Conv2d(out_ch, out_ch, 3, padding=1), nn.ReLU()
        )

    def forward(self, X):
        return self.step(X)


class UNet(nn.Module):
    def __init__(self, channels=1, features=(4, 8)):
        super().__init__()
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        self.pool = nn.MaxPool2d(2, 2)
        for feature in features:
            self.downs.append(DoubleConv(channels, feature))
            channels = feature
        for feature in reversed(features):
            self.ups.append(nn.ConvTranspose2d(feature * 2, feature, 2, 2))
            self.ups.append(DoubleConv(feature * 2, feature))
        self.bottleneck = DoubleConv(features[-1], features[-1] * 2)
        self.final_conv = nn.Conv2d(features[0], 1, 1)

    def forward(self, x):
        skip_connections = []
        for down in self.downs:
            x = down(x)
            skip_connections.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for i, skip in zip(range(0, len(self.ups), 2), reversed(skip_connections), strict=True):
            x = self.ups[i](x)
            if x.shape != skip.shape:
                x = F.interpolate(x, size=skip.shape[2:])
            x = self.ups[i + 1](torch.cat((skip, x), dim=1))
        return self.final_conv(x)


class DiffusionBlock(nn.Module):
    def __init__(self, channels, time_width):
        super().__init__()
        self.norm1 = nn.GroupNorm(4, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.time = nn.Linear(time_width, 2 * channels)
        self.norm2 = nn.GroupNorm(4, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x, t):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.time(F.silu(t))[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(h) * (1 + scale) + shift
        return x + self.conv2(F.silu(h))


# The first eight are in the usual run.
MODULES = {
    "U-Net": lambda: (UNet(), maps(1, 16)),
    "LSTM classifier": lambda: (LSTMClassifier(30, 8, 3), torch.randint(30, (2, 6))),
    "graph convolution": lambda: (GraphConvolution(5, 4), torch.randn(6, 5), torch.eye(6)),
    "diffusion block": lambda: (DiffusionBlock(8, 6), maps(8), torch.randn(2, 6)),
    "torchvision BasicBlock": lambda: (tv("models.resnet.BasicBlock", 8, 8), maps(8)),
    "torchvision InvertedResidual": lambda: (tv("models.mobilenetv2.InvertedResidual", 8, 8, 1, 2), maps(8)),
    "timm Attention": lambda: (tm("models.vision_transformer.Attention", 16, 2), tokens(16)),
    "timm DropPath": lambda: (tm("layers.DropPath", 0.2), tokens(4)),
    "GAN generator": lambda: (Generator(), torch.randn(2, 16, 1, 1)),
    "torchvision Bottleneck": lambda: (tv("models.resnet.Bottleneck", 32, 8), maps(32)),
    "torchvision ResNet": lambda: (tv("models.resnet.resnet18"), maps(3, 64)),
    "torchvision DenseLayer": lambda: (tv("models.densenet._DenseLayer", 8, 4, 2, 0.1), maps(8)),
    "torchvision Fire": lambda: (tv("models.squeezenet.Fire", 8, 4, 8, 8), maps(8)),
    "torchvision shuffle unit": lambda: (tv("models.shufflenetv2.InvertedResidual", 16, 16, 1), maps(16)),
    "torchvision Inception": lambda: (tv("models.googlenet.Inception", 16, 8, 8, 8, 4, 4, 4), maps(16)),
    "torchvision VGG": lambda: (tv("models.vgg.vgg11", num_classes=10), maps(3, 32)),
    "torchvision AlexNet": lambda: (tv("models.alexnet.AlexNet", 10), maps(3, 64)),
    "torchvision EncoderBlock": lambda: (tv("models.vision_transformer.EncoderBlock", 2, 16, 32, 0.0, 0.0), tokens(16)),
    "torchvision CNBlock": lambda: (tv("models.convnext.CNBlock", 8, 1e-6, 0.1), maps(8)),
    "torchvision feature pyramid": lambda: (
        tv("ops.FeaturePyramidNetwork", [8, 16], 8),
        {"a": maps(8), "b": maps(16, 4)},
    ),
    "torchvision SqueezeExcitation": lambda: (tv("ops.SqueezeExcitation", 8, 4), maps(8)),
    "torchvision shifted windows": lambda: (
        tv("models.swin_transformer.ShiftedWindowAttention", 16, [4, 4], [2, 2], 2),
        torch.randn(2, 8, 8, 16),
    ),
    "torchvision ASPP": lambda: (tv("models.segmentation.deeplabv3.ASPP", 8, [2, 4], 8), maps(8)),
    "torchvision MBConv SE": lambda: (tv("models.efficientnet.efficientnet_b0"), maps(3, 32)),
    "timm transformer block": lambda: (tm("models.vision_transformer.Block", 16, 2), tokens(16)),
    "timm VisionTransformer": lambda: (
        tm("models.vision_transformer.VisionTransformer", 32, 8, embed_dim=16, depth=2, num_heads=2),
        maps(3, 32),
    ),
    "timm ConvNeXtBlock": lambda: (tm("models.convnext.ConvNeXtBlock", 8), maps(8)),
    "timm MixerBlock": lambda: (tm("models.mlp_mixer.MixerBlock", 16, 9), tokens(16)),
    "timm Mlp": lambda: (tm("layers.Mlp", 8, 16), tokens(8)),
    "timm GluMlp": lambda: (tm("layers.GluMlp", 8, 16), tokens(8)),
    "timm PatchEmbed": lambda: (tm("layers.PatchEmbed", 32, 8, 3, 16), maps(3, 32)),
    "timm SEModule": lambda: (tm("layers.SEModule", 16), maps(16)),
    "timm EcaModule": lambda: (tm("layers.EcaModule", 16), maps(16)),
    "timm CbamModule": lambda: (tm("layers.cbam.CbamModule", 16), maps(16)),
    "timm Bottleneck": lambda: (tm("models.resnet.Bottleneck", 32, 8), maps(32)),
    "timm depthwise separable": lambda: (tm("models._efficientnet_blocks.DepthwiseSeparableConv", 8, 8), maps(8)),
    "timm InvertedResidual": lambda: (tm("models._efficientnet_blocks.InvertedResidual", 8, 8), maps(8)),
    "timm SplitAttn": lambda: (tm("layers.SplitAttn", 16), maps(16)),
    "timm Swin block": lambda: (
        tm("models.swin_transformer.SwinTransformerBlock", 16, (8, 8), 2, window_size=4, shift_size=2),
        torch.randn(2, 8, 8, 16),
    ),
    "timm LayerScale": lambda: (tm("layers.LayerScale", 8), tokens(8)),
    "timm BlurPool2d": lambda: (tm("layers.BlurPool2d", 8), maps(8)),
    "timm AttentionPool": lambda: (tm("layers.AttentionPoolLatent", 16, num_heads=2), tokens(16)),
}
