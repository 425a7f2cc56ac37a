"""torchvision's Bottleneck with its two helpers: one class for ResNet, ResNeXt and Wide ResNet."""

import torch.nn as nn


def conv3x3(in_planes, out_planes, stride=1, groups=1, dilation=1):
    """A 3×3 convolution whose padding equals its dilation, so that only the stride changes height and width."""
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride,
                     padding=dilation, groups=groups, bias=False, dilation=dilation)


def conv1x1(in_planes, out_planes, stride=1):
    """A 1×1 convolution: the same matrix applied to the channels of every pixel."""
    return nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)


class Bottleneck(nn.Module):
    """torchvision's bottleneck block ("ResNet V1.5": the stride is on the 3×3 convolution).

    Args:
        inplanes: channels of the input.
        planes: base channels of the stage; the block puts out `planes * expansion`.
        stride: stride of the 3×3 convolution.
        downsample: module that gives the shortcut the output's shape, or None.
        groups: groups of the 3×3 convolution (32 in ResNeXt-50 32×4d).
        base_width: channels a group has when `planes` is 64 (4 in ResNeXt-50 32×4d, 128 in Wide ResNet-50-2).
        dilation: distance between the taps of the 3×3 convolution.
        norm_layer: callable that makes a normalization layer from a channel count; None means `nn.BatchNorm2d`.

    Shapes:
        input (N, inplanes, H, W); output (N, 4·planes, ⌈H/stride⌉, ⌈W/stride⌉).

    Source: `torchvision.models.resnet.Bottleneck` (https://github.com/pytorch/vision, BSD 3-Clause licence);
    state dicts interchange. Here the downsample runs after bn3.
    """

    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1,
                 base_width=64, dilation=1, norm_layer=None):
        super(Bottleneck, self).__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        width = int(planes * (base_width / 64.)) * groups
        # Both self.conv2 and self.downsample layers downsample the input when stride != 1
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)

        out = self.conv3(out)
        out = self.bn3(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        out = self.relu(out)

        return out
