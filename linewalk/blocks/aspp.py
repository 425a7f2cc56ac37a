"""The line `out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))` and the few lines around it."""

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
