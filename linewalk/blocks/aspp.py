"""The line `out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))`, the few lines around it, and its sister line."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class ASPPTail(nn.Module):
    """The end of DeepLabv3's atrous spatial pyramid pooling: five branches in, class scores out.

    Args:
        num_classes: how many classes the segmentation tells apart (20 in the original's Cityscapes setting).

    Shapes:
        five inputs of (N, 256, H, W), one a branch; output (N, num_classes, H, W).

    Source: the `ASPP` module of https://github.com/fregu856/deeplabv3 (MIT licence, Fredrik Gustafsson).
    The attribute names are the original's; the convolution keeps its bias although a batch norm follows it.
    """

    def __init__(self, num_classes=20):
        super(ASPPTail, self).__init__()
        self.conv_1x1_3 = nn.Conv2d(1280, 256, kernel_size=1)
        self.bn_conv_1x1_3 = nn.BatchNorm2d(256)
        self.conv_1x1_4 = nn.Conv2d(256, num_classes, kernel_size=1)

    def forward(self, out_1x1, out_3x3_1, out_3x3_2, out_3x3_3, out_img):
        out = torch.cat([out_1x1, out_3x3_1, out_3x3_2, out_3x3_3, out_img], 1)
        out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))
        out = self.conv_1x1_4(out)
        return out


class ASPPImageBranch(nn.Module):
    """The pyramid's image branch: the mean of each map, one 1×1 convolution, and back to the maps' size.

    Args:
        in_channels: channels of the maps that come in (512 after the original's ResNet-18 or 34).

    Shapes:
        input (N, in_channels, H, W); output (N, 256, H, W), the same value everywhere in a map.

    Source: as for `ASPPTail`; `F.interpolate` stands for `F.upsample`, its name of today.
    """

    def __init__(self, in_channels=512):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.conv_1x1_2 = nn.Conv2d(in_channels, 256, kernel_size=1)
        self.bn_conv_1x1_2 = nn.BatchNorm2d(256)

    def forward(self, feature_map):
        out_img = self.avg_pool(feature_map)
        out_img = F.relu(self.bn_conv_1x1_2(self.conv_1x1_2(out_img)))
        out_img = F.interpolate(out_img, size=feature_map.shape[2:], mode="bilinear")
        return out_img
