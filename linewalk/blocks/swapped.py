"""A residual block whose last two lines stand in the wrong order: forward runs, backward refuses."""

import torch.nn as nn

from .resnet import conv3x3


class SwappedBlock(nn.Module):
    """One convolution with a shortcut, ReLU before the sum, both written in place.

    Args:
        channels: of the input and of the output.

    Shapes:
        input and output (N, channels, H, W).

    Errors:
        RuntimeError in `backward`: the sum overwrites what ReLU has kept for its gradient.

    Source: written for this book, after the case that a maintainer of torchvision calls unsafe in
    https://github.com/pytorch/vision/issues/807.
    """

    def __init__(self, channels):
        super().__init__()
        self.conv = conv3x3(channels, channels)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.conv(x)
        out = self.norm(out)
        out = self.act(out)
        out += x
        return out
