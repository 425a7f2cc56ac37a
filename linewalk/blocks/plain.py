"""The paper's CIFAR-10 networks, with and without shortcuts, and with batch norm and ReLU before the convolutions."""

import torch.nn as nn
import torch.nn.functional as F

from .resnet import conv3x3


class Plain(nn.Module):
    """Two 3×3 convolutions in a row, and nothing around them.

    Args:
        inplanes: channels of the input.
        planes: channels of the output.
        stride: stride of the first convolution.
        norm_layer: callable that makes a normalization layer from a channel count.

    Shapes:
        input (N, inplanes, H, W); output (N, planes, ⌈H/stride⌉, ⌈W/stride⌉).

    Source: the plain networks of He et al., section 4.2, https://arxiv.org/abs/1512.03385.
    """

    def __init__(self, inplanes, planes, stride=1, norm_layer=nn.BatchNorm2d):
        super().__init__()
        self.planes = planes
        self.stride = stride
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU()
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)

    def forward(self, x):
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)
        return out


class Residual(Plain):
    """`Plain` with a shortcut that has no parameters; arguments and shapes are those of `Plain`.

    Source: the residual networks of He et al., section 4.2, option A, https://arxiv.org/abs/1512.03385.
    """

    def forward(self, x):
        identity = same_shape(x, self.planes, self.stride)
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        out += identity
        out = self.relu(out)
        return out


class PreActivation(Residual):
    """Batch norm and ReLU before each convolution, and nothing after the sum; arguments and shapes are `Plain`'s.

    Source: He et al., figure 4(e), https://arxiv.org/abs/1603.05027.
    """

    def __init__(self, inplanes, planes, stride=1, norm_layer=nn.BatchNorm2d):
        super().__init__(inplanes, planes, stride, norm_layer)
        self.bn1 = norm_layer(inplanes)

    def forward(self, x):
        identity = same_shape(x, self.planes, self.stride)
        out = self.bn1(x)
        out = self.relu(out)
        out = self.conv1(out)
        out = self.bn2(out)
        out = self.relu(out)
        out = self.conv2(out)
        out += identity
        return out


def same_shape(x, planes, stride):
    """The identity where a block keeps the shape; else every stride-th pixel, and zeros for the new channels."""
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, planes - x.shape[1]))


class SmallNet(nn.Module):
    """A 3×3 convolution, three stages of n blocks each, global average pooling, a linear layer: 6n + 2 layers.

    Args:
        block: `Plain`, `Residual` or `PreActivation`.
        n: blocks a stage.
        width: channels of the first stage; each further stage has twice as many on half the height and width.
        num_classes: how many scores come out.

    Shapes:
        input (N, 3, H, W); output (N, num_classes).

    Source: He et al., section 4.2, https://arxiv.org/abs/1512.03385, where width is 16 and H = W = 32.
    """

    def __init__(self, block, n, width=16, num_classes=10):
        super().__init__()
        self.conv = conv3x3(3, width)
        self.bn = nn.BatchNorm2d(width)
        planes = [width] * n + [2 * width] * n + [4 * width] * n
        strides = [1] * n + [2] + [1] * (n - 1) + [2] + [1] * (n - 1)
        self.blocks = nn.Sequential(*(
            block(inplanes, outplanes, stride)
            for inplanes, outplanes, stride in zip([width, *planes], planes, strides, strict=False)
        ))
        # What comes out of the last sum has passed no batch norm and no ReLU yet.
        self.last = nn.Sequential(nn.BatchNorm2d(4 * width), nn.ReLU()) if block is PreActivation else nn.Identity()
        self.fc = nn.Linear(4 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = self.last(self.blocks(x))
        return self.fc(x.mean((2, 3)))
