"""The paper's own Bottleneck ("V1"): `explicit.Bottleneck` with the stride on the first 1×1 convolution."""

import torch.nn as nn


class Bottleneck(nn.Module):
    """ResNet's bottleneck block as the paper has it: the first 1×1 convolution strides.

    Args:
        in_channel: channels of the input.
        out_channel: channels *inside* the block; it puts out `out_channel * expansion`.
        stride: stride of the first 1×1 convolution, 2 to halve height and width.
        downsample: module that gives the shortcut the output's shape, or None where it already has it.

    Shapes:
        input (N, in_channel, H, W); output (N, 4·out_channel, ⌈H/stride⌉, ⌈W/stride⌉).

    Source: He et al., "Deep Residual Learning for Image Recognition" (https://arxiv.org/abs/1512.03385), and its
    models for Caffe; every line but two is that of `explicit.Bottleneck`, and state dicts interchange.
    """

    expansion = 4

    def __init__(self, in_channel, out_channel, stride=1, downsample=None):
        super(Bottleneck, self).__init__()
        self.conv1 = nn.Conv2d(in_channels=in_channel, out_channels=out_channel,
                               kernel_size=1, stride=stride, bias=False)  # squeeze channels
        self.bn1 = nn.BatchNorm2d(out_channel)
        self.conv2 = nn.Conv2d(in_channels=out_channel, out_channels=out_channel,
                               kernel_size=3, stride=1, bias=False, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channel)
        self.conv3 = nn.Conv2d(in_channels=out_channel, out_channels=out_channel * self.expansion,
                               kernel_size=1, stride=1, bias=False)  # unsqueeze channels
        self.bn3 = nn.BatchNorm2d(out_channel * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        identity = x
        if self.downsample is not None:
            identity = self.downsample(x)

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)

        out = self.conv3(out)
        out = self.bn3(out)

        out += identity
        out = self.relu(out)

        return out
