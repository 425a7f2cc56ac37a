"""What people paste, good and bad, and what the page makes of it; run with the subset of PyTorch first on the path."""

import json
import sys
from pathlib import Path

from pasted_oddly import ODDLY

ROOT = Path(__file__).resolve().parents[1]
EXPLICIT = (ROOT / "linewalk/blocks/explicit.py").read_text(encoding="utf-8")
TORCHVISION = (ROOT / "linewalk/blocks/resnet.py").read_text(encoding="utf-8")
TAIL = (ROOT / "linewalk/blocks/aspp.py").read_text(encoding="utf-8").split("class ASPPImageBranch")[0]

BLOCK = """class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super(Block, self).__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn(self.conv(x)))
        if out.shape == x.shape:
            out = out + x
        return out
"""
IMPORTED = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n" + BLOCK

SEED_ONE_LINE = (
    "为以下每句代码做注释:class Bottleneck(nn.Module): expansion = 4 def init(self, in_channel, out_channel, "
    "stride=1, downsample=None): super(Bottleneck, self).init() self.conv1 = "
    "nn.Conv2d(in_channels=in_channel, out_channels=out_channel, kernel_size=1, stride=1, bias=False) # "
    "squeeze channels self.bn1 = nn.BatchNorm2d(out_channel) self.conv2 = "
    "nn.Conv2d(in_channels=out_channel, out_channels=out_channel, kernel_size=3, stride=stride, "
    "bias=False, padding=1) self.bn2 = nn.BatchNorm2d(out_channel) self.conv3 = "
    "nn.Conv2d(in_channels=out_channel, out_channels=out_channel * self.expansion, kernel_size=1, "
    "stride=1, bias=False) # unsqueeze channels self.bn3 = nn.BatchNorm2d(out_channel * self.expansion) "
    "self.relu = nn.ReLU(inplace=True) self.downsample = downsample def forward(self, x): identity = x if "
    "self.downsample is not None: identity = self.downsample(x) out = self.conv1(x) out = self.bn1(out) "
    "out = self.relu(out) out = self.conv2(out) out = self.bn2(out) out = self.relu(out) out = "
    "self.conv3(out) out = self.bn3(out) out += identity out = self.relu(out) return out"
)
SEED_TORCHVISION_ONE_LINE = (
    "解释这段代码class Bottleneck(nn.Module): expansion = 4 def __init__(self, inplanes, planes, stride=1, "
    "downsample=None, groups=1, base_width=64, dilation=1, norm_layer=None): super(Bottleneck, "
    "self).__init__() if norm_layer is None: norm_layer = nn.BatchNorm2d width = int(planes * (base_width "
    "/ 64.)) * groups # Both self.conv2 and self.downsample layers downsample the input when stride != 1 "
    "self.conv1 = conv1x1(inplanes, width) self.bn1 = norm_layer(width) self.conv2 = conv3x3(width, "
    "width, stride, groups, dilation) self.bn2 = norm_layer(width) self.conv3 = conv1x1(width, planes * "
    "self.expansion) self.bn3 = norm_layer(planes * self.expansion) self.relu = nn.ReLU(inplace=True) "
    "self.downsample = downsample self.stride = stride def forward(self, x): identity = x out = "
    "self.conv1(x) out = self.bn1(out) out = self.relu(out) out = self.conv2(out) out = self.bn2(out) out "
    "= self.relu(out) out = self.conv3(out) out = self.bn3(out) if self.downsample is not None: identity "
    "= self.downsample(x) out += identity out = self.relu(out) return out"
)


def numbered(code, form):
    return "\n".join(form.format(number, line) for number, line in enumerate(code.rstrip("\n").split("\n"), 1))


def without_indentation(code):
    return "\n".join(line.strip() for line in code.split("\n"))


ATTENTION = """class Attention(nn.Module):
    def __init__(self, dim, num_heads=8, qkv_bias=False, attn_drop=0., proj_drop=0.):
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q @ k.transpose(-2, -1)) * self.scale
        attn = attn.softmax(dim=-1)
        attn = self.attn_drop(attn)
        x = (attn @ v).transpose(1, 2).reshape(B, N, C)
        return self.proj_drop(self.proj(x))
"""
LENET = """class LeNet(nn.Module):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)
"""
LSTM = """class TextClassifier(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim, num_classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, num_classes)

    def forward(self, x):
        x = self.embedding(x)
        out, (h, c) = self.lstm(x)
        return self.fc(out[:, -1, :])
"""
RESNET = (
    TORCHVISION
    + """

class ResNet(nn.Module):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__()
        self.inplanes = 64
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(128 * block.expansion, num_classes)

    def _make_layer(self, block, planes, blocks, stride=1):
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                conv1x1(self.inplanes, planes * block.expansion, stride), nn.BatchNorm2d(planes * block.expansion))
        layers = [block(self.inplanes, planes, stride, downsample)]
        self.inplanes = planes * block.expansion
        for _ in range(1, blocks):
            layers.append(block(self.inplanes, planes))
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(x)
"""
)

MASKED = """class Reader(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.own = nn.MultiheadAttention(d_model, num_heads, batch_first=True)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, memory, tgt_mask):
        x = x + self.own(x, memory, memory, attn_mask=tgt_mask)[0]
        return self.norm(x)
"""
STEP = """class Step(nn.Module):
    def __init__(self, vocab_size, emb_dim, hidden_size):
        super().__init__()
        self.words = nn.Embedding(vocab_size, emb_dim)
        self.gru = nn.GRU(emb_dim, hidden_size)

    def forward(self, input, hidden):
        out, hidden = self.gru(self.words(input).unsqueeze(0), hidden)
        return out.squeeze(0), hidden
"""
GRAPH = """class Graph(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, num_classes))

    def forward(self, x, adj):
        return torch.mm(adj, torch.mm(x, self.weight))
"""
PACKED = """class Packed(nn.Module):
    def __init__(self, vocab_size, hidden_size):
        super().__init__()
        self.words = nn.Embedding(vocab_size, hidden_size)
        self.lstm = nn.LSTM(hidden_size, hidden_size, batch_first=True)

    def forward(self, text, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.words(text), lengths, batch_first=True, enforce_sorted=False)
        out, (h, c) = self.lstm(packed)
        out, lengths = nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
        return out, h[-1]
"""

# name → (pasted, kind of answer, words in it): "ok": lines are explained and the run did not fail, the words are in a
# remark or a shape; "fails": they are explained up to a line, whose sentence has the words; "refused": only a sentence.
PYRAMID = """
class Pyramid(nn.Module):
    def __init__(self, widths=(4, 6, 12)):
        super().__init__()
        self.inner = nn.ModuleList([nn.Conv2d(width, 8, 1) for width in widths])

    def forward(self, features):
        last = self.inner[-1](features[-1])
        results = [last]
        for level in range(len(features) - 2, -1, -1):
            last = self.inner[level](features[level]) + F.interpolate(last, scale_factor=2)
            results.insert(0, last)
        return tuple(results)
"""
CELL = """
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(32, 64, 3, padding=1)

    def forward(self, x, state):
        h, c = state
        i, f, o, g = self.conv(torch.cat([x, h], 1)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
"""
PASTED = {
    "explicit": (EXPLICIT, "ok", ""),
    "torchvision": (TORCHVISION, "ok", ""),
    "the line's class": (TAIL, "ok", ""),
    "plain": (IMPORTED, "ok", ""),
    "no imports": (BLOCK, "ok", "import torch.nn as nn"),
    "seed, one line": (SEED_ONE_LINE, "ok", "double underscores"),
    "seed torchvision, one line, helpers missing": (SEED_TORCHVISION_ONE_LINE, "ok", "torchvision's was taken"),
    "line numbers with a bar": (numbered(IMPORTED, "{:>3} | {}"), "ok", "prompt marks"),
    "line numbers with a colon": (numbered(IMPORTED, "{}: {}"), "ok", "prompt marks"),
    "line numbers with a dot": (numbered(BLOCK, "{}. {}"), "ok", "prompt marks"),
    "line numbers with a tab": (numbered(BLOCK, "{}\t{}"), "ok", "prompt marks"),
    "line numbers with spaces": (numbered(BLOCK, "{:>4}  {}"), "ok", "prompt marks"),
    "prompts": (
        "\n".join((">>> " if not line.startswith(" ") and line else "... ") + line for line in IMPORTED.split("\n")),
        "ok",
        "prompt marks",
    ),
    "notebook prompts": ("In [3]: " + BLOCK.replace("\n", "\n   ...: "), "ok", "prompt marks"),
    "full-width punctuation": (
        BLOCK.replace("(", "（").replace(")", "）").replace(",", "，").replace(":", "："),
        "ok",
        "Full-width",
    ),
    "one full-width comma": (BLOCK.replace("in_channels, out", "in_channels，out", 1), "ok", "Full-width"),
    "full-width in a comment": (
        BLOCK.replace("3, stride, 1, bias=False)", "3, stride, 1, bias=False)  # 卷积（3×3）"),
        "ok",
        "",
    ),
    "non-breaking spaces": (BLOCK.replace("    ", "\u00a0\u00a0\u00a0\u00a0"), "ok", "Unusual spaces"),
    "ideographic spaces": (BLOCK.replace("    ", "\u3000\u3000\u3000\u3000"), "ok", "Unusual spaces"),
    "zero-width marks": ("\ufeff" + BLOCK.replace("self.", "self\u200b."), "ok", "Unusual spaces"),
    "tabs": (BLOCK.replace("    ", "\t"), "ok", ""),
    "tabs and spaces": (
        BLOCK.replace("        self.bn", "\tself.bn").replace("        self.relu =", "    \tself.relu ="),
        "ok",
        "Tabs",
    ),
    "windows lines": (BLOCK.replace("\n", "\r\n"), "ok", ""),
    "indented whole": ("\n".join("    " + line for line in BLOCK.split("\n")), "ok", "Superfluous"),
    "no indentation": (without_indentation(BLOCK), "ok", "indentation was lost"),
    "no indentation, explicit": (
        without_indentation(EXPLICIT.split('"""')[0] + "".join(EXPLICIT.split('"""')[2:3]) + EXPLICIT.split('"""')[4]),
        "ok",
        "",
    ),
    "init without underscores": (BLOCK.replace("__init__", "init"), "ok", "double underscores"),
    "init with single ones": (BLOCK.replace("__init__", "_init_"), "ok", "double underscores"),
    "init in bold": (BLOCK.replace("__init__", "**init**"), "ok", "double underscores"),
    "markdown fences": (f"Here is my block:\n\n```python\n{BLOCK}```\n\nWhat does it do?", "ok", "fences"),
    "an open fence": (f"```python\n{BLOCK}", "ok", "fences"),
    "a question before": (f"请逐行解释下面的代码：\n{BLOCK}", "ok", "words around"),
    "a question before, on the line": (f"解释这段代码{BLOCK}", "ok", "words around"),
    "a question after": (f"{BLOCK}\n这段代码是什么意思？", "ok", "words around"),
    "a question after a line": (BLOCK.rstrip() + "什么意思\n", "ok", "words around"),
    "a question in English": (
        f"Please explain this code to me:\n{BLOCK}\nThanks a lot in advance!",
        "ok",
        "words around",
    ),
    "web entities": (BLOCK.replace("if out.shape == x.shape:", "if out.dim() &gt; 2:"), "ok", "entities"),
    "curly quotes": (BLOCK.replace("return out", "return out if “a” else x"), "ok", "quotes"),
    "a diff": ("\n".join("+" + line for line in BLOCK.rstrip().split("\n")), "ok", "`+`"),
    "an unknown base": (BLOCK.replace("nn.Module", "BaseModule"), "ok", "`BaseModule` was not pasted"),
    "an unknown base, imported": (
        "from mmcv.runner import BaseModule\n" + BLOCK.replace("nn.Module", "BaseModule"),
        "ok",
        "taken as `nn.Module`",
    ),
    "a registry's decorator": ("@BACKBONES.register_module()\n" + BLOCK, "ok", ""),
    "python 2 super": (BLOCK.replace("super(Block, self)", "super(Block,self)"), "ok", ""),
    "python 2 print": (
        BLOCK.replace("        return out", "        print out.shape\n        return out"),
        "ok",
        "print",
    ),
    "helpers": (
        "def conv3x3(i, o, s=1):\n    return nn.Conv2d(i, o, 3, s, 1, bias=False)\n\n"
        + BLOCK.replace(
            "nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)",
            "conv3x3(in_channels, out_channels, stride)",
        ),
        "ok",
        "",
    ),
    "several classes": (BLOCK + "\n\n" + ATTENTION, "ok", ""),
    "a whole ResNet": (RESNET, "ok", ""),
    "attention": (ATTENTION, "ok", ""),
    "LeNet, whose size has to be found": (LENET, "ok", ""),
    "words": (LSTM, "ok", ""),
    "with a main": (
        IMPORTED + "\nif __name__ == '__main__':\n    net = Block(8, 8)\n    x = torch.randn(2, 8, 10, 10)\n"
        "    print(net(x).shape)\n",
        "ok",
        "no part of a class",
    ),
    "with training": (
        IMPORTED + "\nnet = Block(8, 8).cuda()\nfor epoch in range(10**9):\n    pass\n",
        "ok",
        "no part of a class",
    ),
    "a module that is not here": ("import torchvision\nimport cv2\n" + BLOCK, "ok", "`cv2` is not here"),
    "an import used in init": (
        "from timm.models import create_model\n"
        + BLOCK.replace("        self.bn =", "        self.body = create_model('resnet50')\n        self.bn ="),
        "fails",
        "is not here",
    ),
    "timm's DropPath": (
        "from timm.models.layers import DropPath, trunc_normal_\n"
        + BLOCK.replace("        self.bn =", "        self.drop = DropPath(0.1)\n        self.bn ="),
        "ok",
        "",
    ),
    "numpy for a number": (
        "import numpy as np\n" + BLOCK.replace("3, stride, 1", "int(np.sqrt(9)), stride, 1"),
        "ok",
        "",
    ),
    "einops": (
        "from einops import rearrange, repeat\nfrom einops.layers.torch import Rearrange\n"
        + BLOCK.replace(
            "        return out",
            "        out = rearrange(out, 'b c (h p) (w q) -> b (h w) (p q c)', p=2, q=2)\n"
            "        return repeat(out, 'b n d -> b (n k) d', k=2)",
        ),
        "ok",
        "1×1568×256",
    ),
    "more arguments than its own": (
        BLOCK.replace("stride=1):", "**kwargs):").replace("3, stride, 1, bias=False", "bias=False, **kwargs"),
        "ok",
        "",
    ),
    "torch.jit's decorators": (
        "@torch.jit.script\ndef double(x):\n    return x * 2\n\n" + BLOCK.replace("return out", "return double(out)"),
        "ok",
        "",
    ),
    "needs a file": (
        BLOCK.replace("        self.bn =", "        self.w = torch.load('w.pth')\n        self.bn ="),
        "fails",
        "torch.load",
    ),
    "needs a text file": (
        BLOCK.replace("        self.bn =", "        self.w = open('names.txt').read()\n        self.bn ="),
        "fails",
        "names.txt",
    ),
    "pretrained weights": (
        "import torchvision.models as models\n"
        + BLOCK.replace("        self.bn =", "        self.net = models.resnet18(pretrained=True)\n        self.bn ="),
        "ok",
        "a stand-in",
    ),
    "a shape that does not fit": (
        BLOCK.replace("BatchNorm2d(out_channels)", "BatchNorm2d(out_channels * 2)"),
        "fails",
        "looks after",
    ),
    "an operator that is lacking": (
        BLOCK.replace("        return out", "        out = torch.fft.fft2(out)\n        return out"),
        "fails",
        "torch.fft.fft2 is not part of",
    ),
    "asks for values": (BLOCK.replace("if out.shape == x.shape:", "if out.sum() > 0:"), "fails", "values"),
    "a typing mistake in a variable": (BLOCK.replace("return out", "return outs"), "fails", "did you mean `out`?"),
    "a typing mistake in a name": (
        BLOCK.replace("self.bn(self.conv(x))", "self.bn1(self.conv(x))"), "fails", "`bn1` (did you mean `bn`?)"
    ),
    "no super": (BLOCK.replace("        super(Block, self).__init__()\n", ""), "fails", "Module.__init__()"),
    "forward calls itself": (BLOCK.replace("        return out", "        return self(out)"), "fails", "without end"),
    "looks for itself": (
        BLOCK.replace(
            "    def forward", "    def __getattr__(self, name):\n        return self.missing\n\n    def forward"
        ),
        "fails",
        "without end",
    ),
    "a long sum": (
        BLOCK.replace("        return out", "        out = " + " + ".join(["out"] * 40) + "\n        return out"),
        "ok",
        "",
    ),
    "no forward": (BLOCK.split("    def forward")[0], "ok", ""),
    "forward without return": (BLOCK.replace("        return out\n", ""), "ok", ""),
    "a chinese argument": (BLOCK.replace("in_channels", "输入通道"), "ok", ""),
    "a configuration by key": (
        BLOCK.replace("in_channels, out_channels, 3", 'cfg["width"], out_channels, 3').replace("in_channels,", "cfg,"),
        "ok",
        "1×64×56×56",
    ),
    "with its data set": (
        "from torch.utils.data import IterableDataset\n\nclass Pictures(IterableDataset):\n"
        "    def __init__(self, folder):\n        self.names = open(folder).read()\n\n" + BLOCK,
        "ok",
        "`torch.utils.data.IterableDataset` is not here",
    ),
    "a Sequential of one's own": (
        "class ConvBNReLU(nn.Sequential):\n"
        "    def __init__(self, in_planes, out_planes, kernel_size=3, stride=1, groups=1):\n"
        "        padding = (kernel_size - 1) // 2\n        super().__init__(\n"
        "            nn.Conv2d(in_planes, out_planes, kernel_size, stride, padding, groups=groups, bias=False),\n"
        "            nn.BatchNorm2d(out_planes),\n            nn.ReLU6(inplace=True))\n",
        "ok",
        "",
    ),
    "no __init__": (
        "class Swish(nn.Module):\n    def forward(self, x):\n        return x * torch.sigmoid(x)\n",
        "ok",
        "1×",
    ),
    "any number of inputs": (
        "class Cat(nn.Module):\n    def forward(self, *xs):\n        return torch.cat(xs, 1)\n",
        "ok",
        "1×6×224×224",
    ),
    "a list of inputs": (
        "class Cat(nn.Module):\n    def __init__(self, dimension=1):\n        super().__init__()\n"
        "        self.d = dimension\n\n    def forward(self, x):\n        return torch.cat(x, self.d)\n",
        "ok",
        "1×6×224×224",
    ),
    "a pyramid of inputs": (PYRAMID, "ok", "(1×8×56×56, 1×8×28×28, 1×8×14×14)"),
    "a state of two": (CELL, "ok", "(1×16×56×56, 1×16×56×56)"),
    "a size that the error names": (
        "class Halves(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.sizes, self.fc = [3, 5], nn.Linear(3, 2)\n\n    def forward(self, x):\n"
        "        first, rest = torch.split(x, self.sizes, dim=-1)\n        return self.fc(first)\n",
        "ok",
        "1×2",
    ),
    "several results": (
        BLOCK.replace("        return out", "        return out, x"), "ok", "(1×64×56×56, 1×64×56×56)"
    ),
    "a device from elsewhere": (
        BLOCK.replace("        return out", "        return out.to(device)"), "ok", "`device` was not pasted along"
    ),
    "a device of its own": (
        'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\n'
        + BLOCK.replace("        return out", "        return out.to(device)"),
        "ok",
        "",
    ),
    "a layer handed in": (
        "class Residual(nn.Module):\n    def __init__(self, fn):\n        super().__init__()\n"
        "        self.fn = fn\n\n    def forward(self, x):\n        return self.fn(x) + x\n",
        "ok",
        "1×",
    ),
    "a linear layer handed in": (
        "class Scaled(nn.Module):\n    def __init__(self, linear):\n        super().__init__()\n"
        "        self.inner = linear\n        self.scale = nn.Parameter(torch.ones(linear.out_features))\n\n"
        "    def forward(self, x):\n        return self.inner(x) * self.scale\n",
        "ok",
        "1×64",
    ),
    "torchvision's network": (
        "import torchvision.models as models\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.net = models.resnet18(pretrained=True)\n"
        "        self.net.fc = nn.Linear(512, 7)\n\n    def forward(self, x):\n        return self.net(x)\n",
        "ok",
        "`resnet18` is not here; a stand-in",
    ),
    "torchvision's network, cut": (
        "from torchvision.models import resnet50, ResNet50_Weights\n\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        net = resnet50(weights=ResNet50_Weights.DEFAULT)\n"
        "        self.features = nn.Sequential(*list(net.children())[:-2])\n\n"
        "    def forward(self, x):\n        return self.features(x)\n",
        "ok",
        "1×2048×7×7",
    ),
    "torchvision's other network": (
        "from torchvision import models\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.net = models.vgg16()\n\n"
        "    def forward(self, x):\n        return self.net(x)\n",
        "fails",
        "torchvision.models.vgg16 is not here",
    ),
    "a layer of one's own": (
        "class MyLinear(nn.Linear):\n    def forward(self, x):\n        return F.relu(super().forward(x))\n",
        "ok",
        "1×64",
    ),
    "a configuration": (
        BLOCK.replace("in_channels, out_channels, 3", "cfg.width, out_channels, 3").replace("in_channels,", "cfg,"),
        "ok",
        "",
    ),
    "its own configuration": (
        "class Settings:\n    width = 24\n\n"
        + BLOCK.replace("in_channels, out_channels, 3", "cfg.width, out_channels, 3").replace("in_channels,", "cfg,"),
        "ok",
        "1×64×56×56",
    ),
    "a row of sizes": (
        BLOCK.replace("3, stride", "sizes[0], stride").replace("stride=1):", "sizes, stride=1):"),
        "ok",
        "",
    ),
    "masks": (MASKED, "ok", "1×16×64"),
    "states": (STEP, "ok", "1×64"),
    "a graph": (GRAPH, "ok", "16×10"),
    "packed": (PACKED, "ok", ""),
    "names without imports": (
        BLOCK.replace("        return out", "        return Variable(out)")
        .replace("nn.Conv2d(", "weight_norm(nn.Conv2d(")
        .replace("bias=False)", "bias=False))"),
        "ok",
        "from torch.autograd import Variable",
    ),
    "a trainer's module": (
        "import pytorch_lightning as pl\n"
        + BLOCK.replace("nn.Module", "pl.LightningModule").replace(
            "        self.bn =", "        self.save_hyperparameters()\n        self.bn ="
        ),
        "ok",
        "",
    ),
    "nothing": ("", "refused", "no code yet"),
    "only spaces": (" \n\t\n", "refused", "no code yet"),
    "one line": ("out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))", "refused", "chapter 1"),
    "one line and a question": (
        "out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))什么意思",
        "refused",
        "chapter 1",
    ),
    "some lines": ("x = torch.rand(2, 3)\ny = x + 1\nprint(y)\n", "refused", "no class here"),
    "a function": ("def f(x):\n    return x + 1\n", "refused", "the function `f` and no class"),
    "a method alone": ("def forward(self, x):\n    return self.conv(x)\n", "refused", "lines out of a `forward`"),
    "a plain class": ("class Point:\n    def __init__(self):\n        self.x = 1\n", "refused", "not an `nn.Module`"),
    "a question": ("什么是残差网络？", "refused", "not look like Python"),
    "english": ("What is a bottleneck block and why is it used?", "refused", "not look like Python"),
    "java": ("public class Main { public static void main(String[] a) { int x = 1; } }", "refused", "another language"),
    "c": ("#include <stdio.h>\nint main() { return 0; }", "refused", "not look like Python"),
    "json": ('{"a": [1, 2, {"b": null}]}', "refused", "no class here"),
    "html": ("<div class='x'><p>hello</p></div>", "refused", "not look like Python"),
    "keras": (
        "import tensorflow as tf\nclass Net(tf.keras.Model):\n    def __init__(self):\n        super().__init__()\n",
        "refused",
        "TensorFlow",
    ),
    "paddle": (
        "import paddle.nn as nn\nclass Net(nn.Layer):\n    def __init__(self):\n        super().__init__()\n",
        "refused",
        "PaddlePaddle",
    ),
    "half a class": ("class Block(nn.Module):\n    def __init__(self", "refused", "valid Python"),
    "an open bracket": (BLOCK.replace("bias=False)", "bias=False"), "refused", "valid Python"),
    "null bytes": (BLOCK.replace("\n", "\n\x00", 1), "ok", ""),
    "deep brackets": ("x = " + "(" * 5000 + ")" * 5000, "refused", ""),
    "very long": ("x = 1\n" * 50_000, "refused", "too long"),
    "a class that fails at once": (
        "class Net(nn.Module):\n    width = 1 / 0\n    def forward(self, x):\n        return x\n",
        "refused",
        "ZeroDivisionError",
    ),
    "leaves python": (
        BLOCK.replace("        self.bn =", "        import sys; sys.exit(3)\n        self.bn ="),
        "refused",
        "ends Python itself",
    ),
    "leaves python in forward": (BLOCK.replace("return out", "raise KeyboardInterrupt"), "refused", "ends Python"),
    "a class in an if": (
        "if True:\n" + "\n".join("    " + line for line in BLOCK.split("\n")), "ok", "1×64×56×56"
    ),
    "a class in a function": (
        "def make():\n" + "\n".join("    " + line for line in BLOCK.split("\n")) + "\n    return Block\n",
        "ok",
        "1×64×56×56",
    ),
    "a layer's name in the wrong case": (BLOCK.replace("Conv2d", "Conv2D"), "fails", "did you mean torch.nn.Conv2d?"),
    "a layer's argument by a wrong name": (
        BLOCK.replace("3, stride, 1, bias", "kernel=3, bias"),
        "fails",
        "`nn.Conv2d` takes, in this order: in_channels, out_channels, kernel_size, stride=1",
    ),
    "a size that is no whole number": (BLOCK.replace("(out_channels)", "(out_channels / 2)"), "fails", "write `//`"),
    "super too late": (
        "class Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(3, 2)\n"
        "        super().__init__()\n\n    def forward(self, x):\n        return self.fc(x)\n",
        "fails",
        "make it the first line of `__init__`",
    ),
    "a sum of different channels": (
        BLOCK.replace("return out", "return self.bn(self.conv(x)) + x[:, :3]"), "fails", "one has 64, the other 3"
    ),
    "empty class": ("class Net(nn.Module):\n    pass\n", "ok", ""),
}
PASTED |= ODDLY
SETTINGS = {
    "arguments": (BLOCK, {"arguments": {"in_channels": "16", "out_channels": "32", "stride": "2"}}, "ok", "1×32×28×28"),
    "inputs": (
        BLOCK,
        {"arguments": {"in_channels": "8", "out_channels": "8"}, "inputs": [[2, 8, 5, 7]]},
        "ok",
        "2×8×5×7",
    ),
    "inputs as text": (
        BLOCK,
        {"arguments": {"in_channels": "8", "out_channels": "8"}, "inputs": ["2, 8, 5, 7"]},
        "ok",
        "2×8×5×7",
    ),
    "a class": (BLOCK + "\n\n" + ATTENTION, {"class": "Block"}, "ok", ""),
    "no such class": (BLOCK, {"class": "Net"}, "refused", "There is no class `Net`"),
    "a bad argument": (BLOCK, {"arguments": {"in_channels": "6 4"}}, "refused", "cannot be used"),
    "a bad shape": (BLOCK, {"inputs": ["1, a"]}, "refused", "cannot be read"),
    "a shape that does not fit": (BLOCK, {"inputs": [[1, 3, 8, 8]]}, "fails", "wants 64 channels"),
    "inputs with None": (MASKED, {"inputs": [[1, 9, 64], [1, 9, 64], []]}, "ok", "1×9×64"),
    "inputs with None as text": (MASKED, {"inputs": ["1, 9, 64", "1, 9, 64", ""]}, "ok", "1×9×64"),
    "whole numbers": (STEP, {"inputs": ["1", "1, 1, 64"]}, "ok", "1×64"),
    "training": (BLOCK, {"training": True}, "ok", ""),
}


def answers(language):
    from annotate_pasted import explain

    found = {name: explain(code, language) for name, (code, *_) in PASTED.items()}
    found |= {f"settings: {name}": explain(code, language, settings) for name, (code, settings, *_) in SETTINGS.items()}
    return found


if __name__ == "__main__":
    json.dump(answers(sys.argv[1]), sys.stdout)
