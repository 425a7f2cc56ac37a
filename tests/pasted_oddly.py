"""More of what people paste, by what happened to the text on its way and by how the class is built: see `pasted.py`."""

import json

NET = """class Net(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        return F.relu(self.conv(x))
"""
LINES = NET.rstrip().split("\n")
SHAPE = "1×64×56×56"
SESSION = """In [1]: import torch.nn as nn

In [2]: class Net(nn.Module):
   ...:     def __init__(self):
   ...:         super().__init__()
   ...:         self.fc = nn.Linear(784, 10)
   ...:
   ...:     def forward(self, x):
   ...:         return self.fc(x.view(-1, 784))
   ...:

In [3]: Net()
Out[3]:
Net(
  (fc): Linear(in_features=784, out_features=10, bias=True)
)
"""
DIFF = """diff --git a/model.py b/model.py
index 83db48f..bf2a3c1 100644
--- a/model.py
+++ b/model.py
@@ -10,12 +10,14 @@ import torch.nn as nn
 class Double(nn.Module):
     def __init__(self, in_ch, out_ch):
         super().__init__()
-        self.conv = nn.Conv2d(in_ch, out_ch, 3)
+        self.conv = nn.Conv2d(in_ch, out_ch, 3, padding=1)

     def forward(self, x):
         return self.conv(x)
"""
WIDE = (
    NET.replace("    ", "　　")
    .replace(" ", "　")
    .translate({ord(one): chr(ord(one) + 0xFEE0) for one in "():,=3"})
    .replace("super（）.__init__（）", "super（）.__init__（）；")
)
MIXED_TABS = "\n".join(  # as an editor whose tabs are eight wide shows well
    line.replace("    ", "\t") if place % 2 else line.replace("        ", "        \t").replace("    def", "\tdef")
    for place, line in enumerate(LINES)
)
NOTEBOOK = json.dumps(
    {"cells": [{"cell_type": "markdown", "source": "# Net"}, {"cell_type": "code", "source": NET.splitlines(True)}]}
)
TRACEBACK = """
RuntimeError                              Traceback (most recent call last)
<ipython-input-3-abc> in <module>
----> 2 net(torch.randn(1, 5))
RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x5 and 4x2)
"""
COPYRIGHT = """————————————————
版权声明：本文为博主的原创文章，遵循 CC 4.0 BY-SA 版权协议，转载请附上原文出处链接及本声明。
原文链接：https://example.org/article/details/123456
"""
ONE_LINE = " ".join(NET.split()) + "\n" + COPYRIGHT

# how a class is built


def a_class(arguments, *built, forward="return self.layer(x)", takes="self, x", name="Net"):
    """A class whose `__init__` takes and does this."""
    body = "\n        ".join(["super().__init__()", *built])
    steps = "\n        ".join(forward.split("; "))
    return f"""class {name}(nn.Module):
    def __init__(self, {arguments}):
        {body}

    def forward({takes}):
        {steps}
"""


SHUFFLE = (
    """def channel_shuffle(x, groups):
    b, c, h, w = x.size()
    x = x.view(b, groups, c // groups, h, w)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(b, c, h, w)


"""
    + a_class("dim", "self.conv = nn.Conv2d(dim, dim, 1)", forward="x = self.conv(x); return channel_shuffle(x, 2)")
)
SEQ2SEQ = (
    a_class(
        "vocab_size, hid_dim",
        "self.words = nn.Embedding(vocab_size, hid_dim)",
        "self.rnn = nn.GRU(hid_dim, hid_dim)",
        forward="return self.rnn(self.words(src))[1]",
        takes="self, src",
        name="Encoder",
    )
    + "\n\n"
    + a_class(
        "output_dim, hid_dim",
        "self.words = nn.Embedding(output_dim, hid_dim)",
        "self.rnn = nn.GRU(hid_dim, hid_dim)",
        "self.fc = nn.Linear(hid_dim, output_dim)",
        forward="out, hidden = self.rnn(self.words(input.unsqueeze(0)), hidden); return self.fc(out[0]), hidden",
        takes="self, input, hidden",
        name="Decoder",
    )
    + "\n\n"
    + a_class(
        "encoder, decoder",
        "self.encoder = encoder",
        "self.decoder = decoder",
        forward="hidden = self.encoder(src); out, hidden = self.decoder(trg[0], hidden); return out",
        takes="self, src, trg",
        name="Seq2Seq",
    )
)
WINDOWS = a_class(
    "dim, input_resolution, window_size=7",
    "self.input_resolution, self.window = input_resolution, window_size",
    "self.res = input_resolution",
    "if min(self.res) <= self.window:",
    "    self.window = min(self.res)",
    "self.norm = nn.LayerNorm(dim)",
    forward="H, W = self.res; B, L, C = x.shape; assert L == H * W; x = self.norm(x).view(B, H, W, C); "
    "x = x.view(B, H // self.window, self.window, W // self.window, self.window, C); return x",
)
LIGHTNING = """import pytorch_lightning as pl


class Net(pl.LightningModule):
    def __init__(self, in_features, hidden_dim=128, lr=1e-3, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.fc = nn.Linear(self.hparams.in_features, self.hparams.hidden_dim)

    def forward(self, x):
        return self.fc(x)
"""
HEAD = """class Head(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.conv = nn.Conv2d(cfg.MODEL.FPN.OUT_CHANNELS, cfg.MODEL.HEAD.NUM_CLASSES, 1)

    def forward(self, x):
        return self.conv(x)
"""
SETTINGS = """CONFIG = {"emb_dim": 48, "drop_rate": 0.1}


"""
OF_SETTINGS = a_class("cfg", 'self.layer = nn.Linear(cfg["emb_dim"], 2 * cfg["emb_dim"])')
BASE = """from mmcv.runner import BaseModule


class Head(BaseModule):
    def __init__(self, kernel_size=3, init_cfg=None):
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(self.in_channels, 8, kernel_size)

    def forward(self, x):
        return self.conv(x)
"""
UP = a_class(
    "in_channels, out_channels",
    "self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, 2, stride=2)",
    "self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)",
    forward="x1 = self.up(x1); return self.conv(torch.cat([x2, x1], dim=1))",
    takes="self, x1, x2",
)
CHOMP = a_class(
    "n_inputs, n_outputs, kernel_size, padding",
    "self.conv = nn.Conv1d(n_inputs, n_outputs, kernel_size, padding=padding)",
    "self.cut = padding",
    forward="return self.conv(x)[:, :, :-self.cut] + x",
)
VGG = """cfg = {"small": [8, "M", 16], "large": [64, 64, "M", 128]}


""" + a_class(
    "vgg_name",
    "layers, channels = [], 3",
    "for one in cfg[vgg_name]:",
    '    layers.append(nn.MaxPool2d(2) if one == "M" else nn.Conv2d(channels, one, 3, padding=1))',
    '    channels = channels if one == "M" else one',
    "self.layer = nn.Sequential(*layers)",
)
SEQUENTIAL = """net = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
    nn.Flatten(),
    nn.Linear(6 * 28 * 28, 10))

X = torch.rand(size=(1, 1, 28, 28))
for layer in net:
    X = layer(X)
"""
SHORTCUT = a_class(
    "in_channels=3",
    "self.conv = nn.Conv2d(in_channels, 64, 3, stride=2)",
    "self.skip = nn.Conv2d(in_channels, 64, 1, stride=2)",
    forward="return self.conv(x) + self.skip(x)",
)
LOCAL = a_class("", "self.conv = nn.Conv2d(3, 6, 5)", "pool = nn.MaxPool2d(2)", forward="return pool(self.conv(x))")
VOLUME = a_class(
    "num_classes",
    "self.conv = nn.Conv3d(3, 8, 3, padding=1)",
    "self.fc = nn.Linear(8 * 16 * 112 * 112, num_classes)",
    forward="x = self.conv(x).view(-1, 8 * 16 * 112 * 112); return self.fc(x)",
)

TWO_FILES = (
    "# layers.py\n"
    + a_class("i, o", "self.layer = nn.Conv2d(i, o, 3, padding=1)", name="Layer")
    + "\n\n# model.py\nfrom layers import Layer\n\n\n"
    + a_class("", "self.layer = Layer(3, 16)", name="Model")
)
CONSOLE = """>>> import torch.nn as nn
>>> class Net(nn.Module):
...     def forward(self, x):
...         return x * 2
...
>>> print(Net())
Net(
  (fc): Linear(in_features=4, out_features=2, bias=True)
)
"""
CITED = '''class Net(nn.Module):
    """Doubles.

    >>> net = Net()
    >>> net(torch.ones(1))
    tensor([2.])

    ```python
    y = net(x)
    ```
    """

    def forward(self, x):
        return x * 2
'''
QUESTION = (
    "I have this model:\n\n"
    + "\n".join("    " + line for line in NET.split("\n"))
    + "\n    net = Net(3, 8)\n    net(torch.randn(1, 5, 32, 32))\n\nBut I get this error:\n\n"
    "    RuntimeError: Given groups=1, weight of size [8, 3, 3, 3], expected input[1, 5, 32, 32] to have 3 channels\n\n"
    "What am I doing wrong?\n"
)
SPANS = (
    '<pre><span class="k">class</span> <span class="nc">Net</span><span class="p">(nn.Module):</span>\n'
    '    <span class="k">def</span> <span class="nf">forward</span>(<span class="bp">self</span>, x):\n'
    '        <span class="k">return</span> x <span class="o">*</span> 2\n</pre>'
)
GROWN = "layers = []\nfor width in (8, 4):\n    layers.append(nn.Linear(10, 10))\nnet = nn.Sequential(*layers)\n"
ADDED = 'net = nn.Sequential()\nnet.add_module("conv", nn.Conv2d(1, 20, 5))\nnet.append(nn.ReLU())\n'
GRAPH_LAYER = """class Layer(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))

    def forward(self, input, adj):
        return torch.spmm(adj, torch.mm(input, self.weight))


"""
ARGUMENTS = """@dataclass
class Arguments:
    d_model: int
    expand: int = 2

    def __post_init__(self):
        self.d_inner = self.expand * self.d_model


"""
PARTS_BY_NUMBER = (  # `c2` is a number of channels, and no part of the class `C2`
    a_class("c1, c2", "self.layer = nn.Conv2d(c1, c2, 1)", name="C1")
    + "\n\n"
    + a_class("c1, c2", "self.layer = C1(c1, c2)", name="C2")
)
DETECT = """class Detect(nn.Module):
    def __init__(self, nc=80, anchors=(), ch=()):
        super().__init__()
        self.na = len(anchors[0]) // 2
        self.m = nn.ModuleList(nn.Conv2d(x, (nc + 5) * self.na, 1) for x in ch)

    def forward(self, x):
        for i in range(len(self.m)):
            x[i] = self.m[i](x[i])
        return x
"""
PARTS_OF_EACH_OTHER = (
    a_class("encoder", "self.layer = encoder", name="Decoder")
    + "\n\n"
    + a_class("decoder", "self.layer = decoder", name="Encoder")
)

ODDLY = {
    "a session with what it put out": (SESSION, "ok", "1×784"),
    "a diff with its head": (DIFF, "ok", "lines that it takes away"),
    "line numbers of two versions": (
        "\n".join(f"{n:>3} {n:>3} {line}" for n, line in enumerate(LINES, 1)), "ok", "Line numbers"
    ),
    "line numbers on both sides": (
        "\n".join(f"{n} {line} {n}" for n, line in enumerate(LINES, 1)), "ok", "Line numbers"
    ),
    "line numbers with an L": ("\n".join(f"L{n}: {line}" for n, line in enumerate(LINES, 1)), "ok", "Line numbers"),
    "rows of a table": ("\n".join(f"|{n}|{line}|" for n, line in enumerate(LINES, 1)), "ok", "Line numbers"),
    "quoted in a mail": ("\n".join(f"> {line}" for line in LINES), "ok", "prompt marks"),
    "ligatures and soft hyphens": (
        NET.replace("conv", "filter").replace("nn.Conv2d", "nn.Conv\u00ad2d").replace("fi", "ﬁ"), "ok", "Joined letters"
    ),
    "full-width digits and spaces": (WIDE, "ok", "Full-width"),
    "tabs of eight": (MIXED_TABS, "ok", "Tabs"),
    "a notebook's file": (NOTEBOOK, "ok", "notebook file"),
    "a notebook's commands": ("!pip install torch\n%matplotlib inline\n" + NET + "%timeit 1\n", "ok", "commands"),
    "dots that stand for more": (NET.replace("        return", "        ......\n        return"), "ok", "dots"),
    "written line breaks": (NET.rstrip().replace("\n", "\\n"), "ok", "line breaks"),
    "an error message behind": (NET + TRACEBACK, "ok", "words around"),
    "a copyright notice behind": (NET + COPYRIGHT, "ok", "words around"),
    "one line and a copyright notice": (ONE_LINE, "ok", "Line breaks"),
    "an English question behind": (
        NET + 'I get the error "mat1 and mat2 shapes cannot be multiplied". Why?', "ok", "words around"
    ),
    "a web page's tags": (
        f'<pre><code class="language-python">{NET.replace("return", "return 1 &lt; 2 and")}</code></pre>', "ok", "Tags"
    ),
    "LaTeX's listing": (f"\\begin{{lstlisting}}[language=Python]\n{NET}\\end{{lstlisting}}\n", "ok", SHAPE),
    "no colons": (
        NET.replace("):\n", ")\n").replace("return", "if x.dim() > 3\n            x = x * 2\n        return"),
        "ok",
        "Missing colons",
    ),
    "super with the class alone": (NET.replace("super()", "super(Net)"), "ok", "`super().__init__()` now"),
    "super without brackets": (NET.replace("super()", "super"), "ok", "`super().__init__()` now"),
    "super of another class": (NET.replace("super()", "super(Block, self)"), "fails", "another class's name"),
    "a future that has come": ("from __future__ import print_function\n" + NET, "ok", SHAPE),
    "nn.module": (
        NET.replace("nn.Module", "nn.module"),
        "refused",
        "`Net` on line 1 cannot be defined. There is no torch.nn.module: did you mean torch.nn.Module?",
    ),
    "tensorflow without its import": (NET.replace("nn.Module", "tf.keras.Model"), "refused", "TensorFlow"),
    "mindspore without its import": (NET.replace("nn.Module", "nn.Cell"), "refused", "MindSpore"),
    "paddle without its import": (NET.replace("nn.Module", "nn.Layer"), "refused", "PaddlePaddle"),
    "flax without its import": (
        NET.replace("    def forward", "    @nn.compact\n    def __call__"), "refused", "Flax"
    ),
    "a model as it prints": ("Net(\n  (conv): Conv2d(3, 64, kernel_size=(7, 7))\n)\n", "refused", "print(model)"),
    "lines of a forward": ("out = self.conv1(x)\nout = self.bn1(out)\nreturn out\n", "refused", "out of a `forward`"),
    "a function of layers": (
        "def block(i, o):\n    return nn.Sequential(nn.Conv2d(i, o, 3), nn.ReLU())\n", "refused", "function `block`"
    ),
    "a Sequential": (SEQUENTIAL, "ok", "1×4704"),
    "a Sequential by itself": ("nn.Sequential(nn.Linear(8, 4), nn.ReLU())", "ok", "There is no class here but"),
    "hyperparameters kept": (LIGHTNING, "ok", "1×128"),
    "settings within settings": (HEAD, "ok", "1×10×56×56"),
    "settings by key": (SETTINGS + OF_SETTINGS, "ok", "1×96"),
    "settings by key, not pasted": (OF_SETTINGS, "ok", "1×128"),
    "a key of a table": (VGG, "ok", "1×16×112×112"),
    "what a base that is not here brings": (BASE, "fails", "comes from `BaseModule`"),
    "parts that were pasted along": (SEQ2SEQ, "ok", "16×64"),
    "a decoder's step up": (UP, "ok", SHAPE),
    "windows of a resolution": (WINDOWS, "ok", "1×8×7×8×7×64"),
    "a row of rates": (
        a_class(
            "in_channels, atrous_rates",
            "self.layer = nn.ModuleList([nn.Conv2d(in_channels, 8, 3, padding=r, dilation=r) "
            "for r in tuple(atrous_rates)])",
            forward="return torch.cat([one(x) for one in self.layer], 1)",
        ),
        "ok",
        "1×24×56×56",
    ),
    "switches": (
        a_class("dim, use_se, with_bias", "assert use_se is with_bias is True", "self.layer = nn.Linear(dim, dim)"),
        "ok",
        "1×64",
    ),
    "an argument that may be None": (
        "from typing import Optional\n\n"
        + a_class(
            "dim, ffn_dim_multiplier: Optional[float]",
            "assert ffn_dim_multiplier is None",
            "self.layer = nn.Linear(dim, dim)",
        ),
        "ok",
        "1×64",
    ),
    "a padding that is cut off": (CHOMP, "ok", "1×64×32"),
    "queries and keys": (
        a_class(
            "d_model",
            "self.layer = nn.Linear(d_model, d_model)",
            takes="self, query, key, value",
            forward="return self.layer(query) @ key.transpose(-2, -1) @ value",
        ),
        "ok",
        "1×16×64",
    ),
    "a clip": (VOLUME, "ok", "1×3×16×112×112"),
    "a height and a width": (
        a_class(
            "h, w, outputs",
            "self.conv = nn.Conv2d(3, 8, 5, stride=2)",
            "self.fc = nn.Linear(8 * ((h - 5) // 2 + 1) * ((w - 5) // 2 + 1), outputs)",
            forward="return self.fc(self.conv(x).flatten(1))",
        ),
        "ok",
        "1×3×64×64",
    ),
    "a size by keyword": (
        a_class("dim", "self.w = nn.Parameter(torch.empty(size=(dim, 9)))", forward="return x @ self.w"),
        "ok",
        "64×9",
    ),
    "a helper function's own lines": (SHUFFLE, "ok", "1×2×32×56×56"),
    "a dictionary of results": (
        NET.replace("return F.relu(self.conv(x))", 'return {"features": self.conv(x), "all": [x]}'),
        "ok",
        "'all': [1×64×56×56]}",
    ),
    "paths that a stride parts": (SHORTCUT, "fails", "padding=1"),
    "a local name of __init__": (LOCAL, "fails", "`pool` is a local name of `__init__`"),
    "self forgotten": (NET.replace("self.conv(x)", "conv(x)"), "fails", "write `self.conv`"),
    "left to subclasses": (
        "class Base(nn.Module):\n    def forward(self, x):\n        raise NotImplementedError\n", "fails", "subclasses"
    ),
    "asks the reader": (NET.replace("return F", "n = input('how many?')\n        return F"), "fails", "`input()`"),
    "sleeps": ("import time\n\n" + NET.replace("return F", "time.sleep(3600)\n        return F"), "ok", SHAPE),
    "no end of memory": (NET.replace("return F", "x = [0] * 10**15\n        return F"), "fails", "enough memory"),
    "numbered steps between the code": (
        "Sure! Here it is:\n\n1. First the imports\nimport torch\n\n2. Then the block\n" + NET + "\nHope this helps!\n",
        "ok",
        "words around",
    ),
    "all of it a comment": ("\n".join(f"# {line}".rstrip() for line in LINES), "ok", "in comments"),
    "all of it a string": (f'"""\n{NET}"""', "ok", "in comments or in a string"),
    "none in small letters": (NET.replace("out_channels)", "out_channels=none)"), "refused", "did you mean `None`?"),
    "layers in a plain list": (
        a_class(
            "sizes",
            "self.layer = [nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])]",
            forward="return self.layer[0](x)",
        ),
        "ok",
        "1×16",
    ),
    "settings by keyword": (
        a_class("**cfg", 'self.layer = nn.Conv2d(cfg["in_channels"], cfg["out_channels"], 1)'), "ok", SHAPE
    ),
    "every input optional": (
        a_class(
            "vocab_size=9, hidden_size=32",
            "self.layer = nn.Embedding(vocab_size, hidden_size)",
            takes="self, input_ids=None, labels=None",
            forward="return self.layer(input_ids)",
        ),
        "ok",
        "1×16×32",
    ),
    "a decorator of forward's that is not here": (
        "from torch.cuda.amp import autocast\n" + NET.replace("    def forward", "    @autocast()\n    def forward"),
        "ok",
        "`@autocast` is not here; it is as if",
    ),
    "the command line's defaults": (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        'parser.add_argument("--hidden-dim", type=int, default=48)\nargs = parser.parse_args()\n'
        + a_class("", "self.layer = nn.Linear(28, args.hidden_dim)"),
        "ok",
        "1×48",
    ),
    "a constant that is computed": ("N = len('abc')\n" + a_class("", "self.layer = nn.Linear(8, N)"), "ok", "1×3"),
    "constants that were not pasted": (
        a_class("", "self.layer = nn.Linear(EMBED_DIM, NUM_CLASSES)"), "ok", "`NUM_CLASSES` was not pasted along"
    ),
    "what a file would say": (
        "vocab = open('vocab.txt').read().split()\n" + a_class("", "self.layer = nn.Embedding(len(vocab), 8)"),
        "fails",
        "`vocab` is made by line 1",
    ),
    "a number in quotes": (a_class("", 'self.layer = nn.Conv2d("3", 8, 3)'), "fails", "take the quotes away"),
    "jittor": ("import jittor as jt\nfrom jittor import nn\n" + NET, "refused", "Jittor"),
    "a generator's noise": (
        a_class("nz, ngf", "self.up = nn.ConvTranspose2d(nz, ngf * 8, 4, 1, 0)", forward="return self.up(x)"),
        "ok",
        "1×128×4×4",
    ),
    "sizes by the names that the paste gives them": (
        a_class("input_size, hidden_size", "self.layer = nn.Linear(input_size, hidden_size)")
        + "\ninput_size, hidden_size = 5, 2\nwidths = {'out': 7}\n\n"
        + "net = Net(input_size, widths['out'] * 2).to(device)\n",
        "ok",
        "1×14",
    ),
    "numbers that were not pasted": (
        a_class(
            "vocab_size, hidden_size",
            "self.length = seq_length",
            "self.words = nn.Embedding(vocab_size, hidden_size)",
            forward="start = torch.full((self.length,), SOS_token); return self.words(start) + x[0, 0]",
        ),
        "ok",
        "`seq_length` was not pasted along and is taken as 16",
    ),
    "a name that is nearly another": (
        NET.replace("Conv2d(in_channels, out_channels", "Conv2d(in_channels, out_channel"), "fails", "`out_channels`"
    ),
    "a size that only fits a picture without its batch": (
        a_class(
            "",
            "self.conv = nn.Conv2d(1, 32, 5, 4, 2)",
            "self.fc = nn.Linear(32 * 8 * 9, 10)",
            forward="x = self.conv(x); return self.fc(x.view(x.size(0), -1))",
        ),
        "fails",
        "2304",
    ),
    "mmdetection's": (
        "from mmcv.cnn import ConvModule, build_conv_layer, build_norm_layer\n"
        + a_class(
            "planes, norm_cfg=dict(type='BN')",
            "self.name, norm = build_norm_layer(norm_cfg, planes, postfix=1)",
            "self.add_module(self.name, norm)",
            "self.conv = build_conv_layer(None, planes, planes, 3, padding=1, bias=False)",
            "self.last = ConvModule(planes, 2 * planes, 1, norm_cfg=norm_cfg)",
            forward="return self.last(self.bn1(self.conv(x)))",
        ),
        "ok",
        "1×128×56×56",
    ),
    "timm's helpers": (
        a_class(
            "planes, attn_layer=None, aa_layer=None",
            "self.conv = nn.Conv2d(planes, planes, 3, padding=1)",
            "self.aa = create_aa(aa_layer, channels=planes, stride=1, enable=False)",
            "self.se = create_attn(attn_layer, planes)",
            forward="return self.aa(self.conv(x))",
        ),
        "ok",
        SHAPE,
    ),
    "several that are not here": ("import cv2\nimport pandas as pd\n" + NET, "ok", "`cv2`, `pandas` are not here"),
    "positions of numpy's": (
        "import numpy as np\n"
        + a_class(
            "d_hid, n_position=20",
            "rows = [[p / np.power(10000, 2 * (j // 2) / d_hid) for j in range(d_hid)] for p in range(n_position)]",
            "table = np.array(rows)",
            "table[:, 0::2] = np.sin(table[:, 0::2])",
            "table[:, 1::2] = np.cos(table[:, 1::2])",
            "self.register_buffer('table', torch.FloatTensor(table).unsqueeze(0))",
            forward="return x + self.table[:, :x.size(1)].clone().detach()",
        ),
        "ok",
        "1×16×128",
    ),
    "a constant of another file as a default": (
        a_class("dim, root=DATA_ROOT", "self.root = root", "self.layer = nn.Linear(dim, dim)"),
        "ok",
        "`DATA_ROOT` is not here",
    ),
    "a function in one line": (
        "swish = lambda x: x * torch.sigmoid(x)\n\n" + NET.replace("F.relu(", "swish("), "ok", SHAPE
    ),
    "a codebook": (
        a_class(
            "num_embeddings, embedding_dim",
            "self.dim = embedding_dim",
            "self.codes = nn.Embedding(num_embeddings, embedding_dim)",
            forward="flat = x.permute(0, 2, 3, 1).reshape(-1, self.dim); return flat @ self.codes.weight.t()",
        ),
        "ok",
        "3136×1000",
    ),
    "two files joined": (TWO_FILES, "ok", "1×16×224×224"),
    "a console's prompts and what was put out": (CONSOLE, "ok", "prompt marks"),
    "prompts and fences in a docstring": (CITED, "ok", "1×3×224×224"),
    "a question with its error": (QUESTION, "fails", "wants 3 channels and got 5"),
    "a page's colored words": (SPANS, "ok", "Tags"),
    "Markdown's list behind": (
        NET + "\n### Key points\n- **`nn.Conv2d`** applies a convolution.\n1. `x` is the input.\n", "ok", "words around"
    ),
    "capital letters at the beginning of lines": (
        NET.replace("class", "Class").replace("def", "Def").replace("return", "Return").replace("super", "Super"),
        "ok",
        "small again",
    ),
    "settings before a head without its colon": (
        "sizes = {\n    'out': 9,\n}\n" + a_class("", "self.layer = nn.Linear(8, sizes['out'])").replace("):\n", ")\n"),
        "ok",
        "1×9",
    ),
    "characters that turn the order": (NET.replace("return", '"\u202e"; return'), "ok", "change the order"),
    "a Sequential of a list that grows": (GROWN, "ok", "1×10"),
    "a Sequential that is added to": (ADDED, "ok", "1×20×24×24"),
    "keras without its import": ("model = Sequential()\nmodel.add(Dense(10))\n", "refused", "Keras"),
    "mlx": ("import mlx.nn as nn\n" + NET, "refused", "MLX"),
    "c++": ("struct Net : torch::nn::Module {\n  Net() { fc = nullptr; }\n};\n", "refused", "another language"),
    "javascript": ("export class Net { constructor() { this.x = 1; } }", "refused", "another language"),
    "several lines with a mistake": ("x = self.conv(x\ny = self.bn(x)\n", "refused", "never closed"),
    "layers and functions without their imports": (
        a_class("", "self.layer = nn.Dropout2d(0.1)", forward="return relu(self.layer(x))").replace("nn.Drop", "Drop"),
        "ok",
        "from torch.nn.functional import relu",
    ),
    "a number that needs a file": (
        "chars = open('input.txt').read()\nvocab_size = len(chars)\n"
        + a_class("", "self.layer = nn.Embedding(vocab_size, 8)"),
        "ok",
        "is taken as 1000",
    ),
    "an LSTM's two states as one input": (
        a_class(
            "vocab_size, hidden_dim, n_layers",
            "self.words = nn.Embedding(vocab_size, hidden_dim)",
            "self.lstm = nn.LSTM(hidden_dim, hidden_dim, n_layers, batch_first=True)",
            takes="self, x, hidden",
            forward="out, hidden = self.lstm(self.words(x), hidden); return out",
        ),
        "ok",
        "1×16×64",
    ),
    "a graph's layers within a network": (
        GRAPH_LAYER
        + a_class(
            "nfeat, nhid, nclass",
            "self.first, self.last = Layer(nfeat, nhid), Layer(nhid, nclass)",
            takes="self, x, adj",
            forward="return self.last(self.first(x, adj), adj)",
        ),
        "ok",
        "16×10",
    ),
    "a data class with fields to fill": (
        ARGUMENTS + a_class("args", "self.layer = nn.Linear(args.d_model, args.d_inner)"), "ok", "1×128"
    ),
    "numbers by the names of classes": (PARTS_BY_NUMBER, "ok", SHAPE),
    "parts of each other": (PARTS_OF_EACH_OTHER, "ok", ""),
    "a detector's head": (DETECT, "ok", "1×255×56×56"),
    "as many sizes as are asked for": (
        a_class("dims", "assert len(dims) == 3", "self.layer = nn.Linear(dims[0], dims[2])"), "ok", "1×64"
    ),
    "parts of words that are none": (
        a_class("n_branches, action_std, batch_len", "self.layer = nn.Linear(8, n_branches * batch_len)"), "ok", "1×256"
    ),
    "nnU-Net's operators": (
        a_class("conv_op, input_channels, n_stages", "self.layer = conv_op(input_channels, 8 * n_stages, 1)"),
        "ok",
        "1×16×56×56",
    ),
    "transformers' settings and activations": (
        "from ...activations import ACT2FN\n"
        + a_class(
            "config",
            "self.layer = nn.Linear(config.hidden_size, config.intermediate_size)",
            "self.norm = nn.LayerNorm(config.intermediate_size, eps=config.layer_norm_eps)",
            "self.act = ACT2FN[config.hidden_act]",
            forward="return self.norm(self.act(self.layer(x)))",
        ),
        "ok",
        "1×128",
    ),
    "a debugger": (
        NET.replace("        return", "        breakpoint()\n        import pdb; pdb.set_trace()\n        return"),
        "ok",
        SHAPE,
    ),
    "einops's reductions": (
        "from einops import einsum, pack, unpack\nfrom einops.layers.torch import Reduce\n"
        + a_class(
            "dim",
            "self.layer, self.mean = nn.Linear(dim, dim), Reduce('b n d -> b d', 'mean')",
            forward="x = self.layer(x); both, parts = pack([x, x[:, 0]], 'b * d'); "
            "x, first = unpack(both, parts, 'b * d'); alike = einsum(x, x, 'b query d, b key d -> b query key'); "
            "return self.mean(both), first, alike",
        ),
        "ok",
        "(1×64, 1×64, 1×16×16)",
    ),
    "split by its size": (
        a_class(
            "dim",
            "self.layer = nn.Linear(dim, 8)",
            forward="a, b = self.layer(x).split(split_size=4, dim=-1); return a",
        ),
        "ok",
        "1×4",
    ),
    "names that PyTorch does not take": (
        a_class("", "self.add_module('a.b', nn.Linear(2, 2))"), "fails", "It says KeyError"
    ),
    "many decorators and bases": (
        "from lib import a, b, Base, Other\n\n"
        + NET.replace("nn.Module", "Base").replace("class", "@a\nclass")
        + "\n\n@a\n@b\n"
        + NET.replace("nn.Module", "Other").replace("Net", "Second"),
        "ok",
        "The decorators `@a`, `@b` are not here",
    ),
    "settings that are rows, and such as may be None": (
        a_class(
            "config",
            "if config.embedding_pretrained is not None:",
            "    self.words = nn.Embedding.from_pretrained(config.embedding_pretrained)",
            "else:",
            "    self.words = nn.Embedding(config.n_vocab, config.embed)",
            "self.convs = nn.ModuleList([nn.Conv2d(1, 5, (k, config.embed)) for k in config.filter_sizes])",
            forward="x = self.words(x[0]).unsqueeze(1); x = [one(x).mean((2, 3)) for one in self.convs]; "
            "return torch.cat(x, 1)",
        ),
        "ok",
        "1×10",
    ),
    "features beside words and their lengths": (
        a_class(
            "embed_size, vocab_size",
            "self.words = nn.Embedding(vocab_size, embed_size)",
            takes="self, features, captions, lengths",
            forward="x = torch.cat((features.unsqueeze(1), self.words(captions)), 1); "
            "return pack_padded_sequence(x, lengths, batch_first=True).data",
        ),
        "ok",
        "pack_padded_sequence",
    ),
    "a column that is written over": (
        a_class(
            "dim",
            "self.layer = nn.Linear(dim, 8)",
            forward="h = self.layer(x).view(2, -1); first, rest = h[:, 0], h[:, 1:]; first.mul_(2); return h, rest",
        ),
        "ok",
        "2×3",
    ),
    "a style for maps": (
        a_class(
            "style_dim, num_features",
            "self.norm = nn.InstanceNorm2d(num_features)",
            "self.layer = nn.Linear(style_dim, num_features)",
            takes="self, x, s",
            forward="s = self.layer(s); return self.norm(x) * s.view(s.size(0), s.size(1), 1, 1)",
        ),
        "ok",
        SHAPE,
    ),
}
