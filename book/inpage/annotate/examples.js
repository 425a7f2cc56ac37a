// Classes to try: the one that the book is about as people paste it, two others, and one that fails.

import explicit from "../../../linewalk/blocks/explicit.py";

// As people paste it: without what the book says of it.
const BOTTLENECK = explicit.slice(explicit.indexOf("class Bottleneck")).replace(/\n {4}"""[^]*?"""\n/, "");

const BASIC = `
class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = out + identity
        return F.relu(out)
`;

const SE = `
class SELayer(nn.Module):
    def __init__(self, channel, reduction=16):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)
`;

const WRONG = `
class Block(nn.Module):
    def __init__(self, inplanes=64, planes=128):
        super().__init__()
        self.conv = nn.Conv2d(inplanes, planes, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        identity = x
        out = self.bn(self.conv(x))
        out += identity
        return self.relu(out)
`;

export const EXAMPLES = [
  { name: "Bottleneck", code: BOTTLENECK },
  { name: "BasicBlock", code: BASIC },
  { name: { zh: "SE 模块", en: "SE block" }, code: SE },
  { name: { zh: "形状对不上的一个", en: "one whose shapes do not fit" }, code: WRONG },
];
