"""The pieces of code under study, attribute names kept.

- `aspp.ASPPTail`: the one line `out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))` in its surroundings,
  and its sister on a 1×1 map, `aspp.ASPPImageBranch`;
- `explicit.Bottleneck`: `in_channel`, `out_channel`, every convolution spelled out;
- `paper.Bottleneck`: the same with the stride where the paper has it, on the first 1×1;
- `resnet.Bottleneck`: torchvision's, with `groups`, `base_width`, `dilation` and `norm_layer`;
- `network.ResNet`: torchvision's network around the blocks, and `network.BasicBlock`, the block of its shallow ones;
- `norm.BatchNorm`: batch norm as plain tensor arithmetic;
- `plain.Plain`, `plain.Residual`, `plain.PreActivation`: two 3×3 convolutions without a shortcut, with one, and with
  batch norm and ReLU in front of them;
- `swapped.SwappedBlock`: a block whose in-place ReLU stands in the wrong order;
- `loading.load_state`: how a state dict is loaded.

All Bottlenecks keep their name, since their own `super(Bottleneck, self)` uses it: import the module you mean.
"""

from . import aspp, explicit, loading, network, norm, paper, plain, resnet, swapped
from .aspp import ASPPTail
from .stem import Stem, shortcut

__all__ = [
    "ASPPTail", "Stem", "aspp", "explicit", "loading", "network", "norm", "paper", "plain", "resnet", "shortcut",
    "swapped",
]
