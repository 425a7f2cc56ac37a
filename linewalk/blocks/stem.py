"""What stands before and beside the first Bottleneck of a ResNet-50: the stem, and the shortcut's projection."""

import torch.nn as nn


class Stem(nn.Module):
    """ResNet's entrance: 7×7 convolution, batch norm, ReLU, max-pooling; attribute names as in torchvision's ResNet.

    Shapes:
        input (N, 3, H, W); output (N, 64, ⌈H/4⌉, ⌈W/4⌉): a 224×224 photograph gives 56×56 maps.

    Source: He et al., https://arxiv.org/abs/1512.03385, table 1.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        return x


def shortcut(in_channels, out_channels, stride=1):
    """The `downsample` that ResNet gives a block whose input and output differ: 1×1 convolution and batch norm.

    Shapes:
        input (N, in_channels, H, W); output (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).

    Source: option B of He et al., https://arxiv.org/abs/1512.03385, section 3.3.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )
