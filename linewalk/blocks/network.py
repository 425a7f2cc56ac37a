"""torchvision's network around the blocks: `ResNet`, and `BasicBlock`, the block of its shallower versions."""

import torch
import torch.nn as nn

from .resnet import Bottleneck, conv1x1, conv3x3


class BasicBlock(nn.Module):
    """torchvision's block of ResNet-18 and ResNet-34: two 3×3 convolutions and a shortcut.

    Args:
        inplanes: channels of the input.
        planes: channels of the output.
        stride: stride of the first 3×3 convolution.
        downsample: module that gives the shortcut the output's shape, or None.
        groups, base_width, dilation: the interface of `Bottleneck`; only 1, 64 and 1 are accepted.
        norm_layer: callable that makes a normalization layer from a channel count; None means `nn.BatchNorm2d`.

    Shapes:
        input (N, inplanes, H, W); output (N, planes, ⌈H/stride⌉, ⌈W/stride⌉).

    Raises:
        ValueError: `groups` is not 1, or `base_width` not 64.
        NotImplementedError: `dilation` is above 1.

    Source: `torchvision.models.resnet.BasicBlock` (https://github.com/pytorch/vision, BSD 3-Clause licence);
    state dicts interchange.
    """

    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1,
                 base_width=64, dilation=1, norm_layer=None):
        super().__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        # Both self.conv1 and self.downsample layers downsample the input when stride != 1
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        out = self.relu(out)

        return out


class ResNet(nn.Module):
    """torchvision's ResNet: a stem, four stages of blocks, global average pooling, one linear layer.

    Args:
        block: the class of its blocks, `BasicBlock` or `Bottleneck`.
        layers: how many blocks each of the four stages has; [3, 4, 6, 3] is ResNet-50 (with `Bottleneck`).
        num_classes: how many scores come out.
        zero_init_residual: start the last batch norm of each block with γ = 0.
        groups, width_per_group: `groups` and `base_width` of every block.
        replace_stride_with_dilation: for stages 2, 3 and 4, whether dilation takes the place of the stride.
        norm_layer: callable that makes a normalization layer from a channel count; None means `nn.BatchNorm2d`.

    Shapes:
        input (N, 3, H, W); output (N, num_classes).

    Raises:
        ValueError: `replace_stride_with_dilation` has not three entries.

    Source: `torchvision.models.resnet.ResNet` (https://github.com/pytorch/vision, BSD 3-Clause licence);
    state dicts interchange. Here `forward` holds the lines that torchvision keeps in `_forward_impl`.
    """

    def __init__(self, block, layers, num_classes=1000, zero_init_residual=False, groups=1,
                 width_per_group=64, replace_stride_with_dilation=None, norm_layer=None):
        super().__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        self._norm_layer = norm_layer

        self.inplanes = 64
        self.dilation = 1
        if replace_stride_with_dilation is None:
            replace_stride_with_dilation = [False, False, False]
        if len(replace_stride_with_dilation) != 3:
            raise ValueError(
                "replace_stride_with_dilation should be None "
                f"or a 3-element tuple, got {replace_stride_with_dilation}"
            )
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2, dilate=replace_stride_with_dilation[0])
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2, dilate=replace_stride_with_dilation[1])
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2, dilate=replace_stride_with_dilation[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)

        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, Bottleneck) and m.bn3.weight is not None:
                    nn.init.constant_(m.bn3.weight, 0)
                elif isinstance(m, BasicBlock) and m.bn2.weight is not None:
                    nn.init.constant_(m.bn2.weight, 0)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        norm_layer = self._norm_layer
        downsample = None
        previous_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                conv1x1(self.inplanes, planes * block.expansion, stride),
                norm_layer(planes * block.expansion),
            )

        layers = []
        layers.append(
            block(self.inplanes, planes, stride, downsample, self.groups,
                  self.base_width, previous_dilation, norm_layer)
        )
        self.inplanes = planes * block.expansion
        for _ in range(1, blocks):
            layers.append(
                block(self.inplanes, planes, groups=self.groups, base_width=self.base_width,
                      dilation=self.dilation, norm_layer=norm_layer)
            )

        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)

        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)

        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        x = self.fc(x)

        return x
