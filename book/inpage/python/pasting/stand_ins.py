"""What half of all pasted code imports from other libraries: stand-ins of the same shapes, written for this page."""

import math
import re
import sys
import types

import torch
import torch.nn as nn

from linewalk.blocks.network import BasicBlock, ResNet
from linewalk.blocks.resnet import Bottleneck


class DropPath(nn.Module):
    """Leaves out whole samples of a branch, in training."""

    def __init__(self, drop_prob=0.0, scale_by_keep=True):
        super().__init__()
        self.drop_prob, self.scale_by_keep = drop_prob, scale_by_keep

    def forward(self, x):
        if self.drop_prob == 0.0 or not self.training:
            return x
        return x * x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.drop_prob)


class StochasticDepth(DropPath):
    def __init__(self, p, mode):
        super().__init__(p)
        self.p, self.mode = p, mode


class Permute(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(*self.dims)


class Conv2dNormActivation(nn.Sequential):
    """Convolution, normalization, activation, the size kept where the stride is 1."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size=3,
        stride=1,
        padding=None,
        groups=1,
        norm_layer=nn.BatchNorm2d,
        activation_layer=nn.ReLU,
        dilation=1,
        inplace=True,
        bias=None,
    ):
        if padding is None:
            padding = (kernel_size - 1) // 2 * dilation
        bias = norm_layer is None if bias is None else bias
        layers = [nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels


class SqueezeExcitation(nn.Module):
    """Weighs channels by what a small net makes of their means."""

    def __init__(self, input_channels, squeeze_channels, activation=nn.ReLU, scale_activation=nn.Sigmoid):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation, self.scale_activation = activation(), scale_activation()

    def forward(self, input):
        return input * self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))


class Mlp(nn.Module):
    """Two linear layers with an activation between."""

    def __init__(
        self, in_features, hidden_features=None, out_features=None, act_layer=nn.GELU, bias=True, drop=0.0, **others
    ):
        super().__init__()
        hidden = hidden_features or in_features
        self.fc1 = nn.Linear(in_features, hidden, bias=bias)
        self.act = act_layer()
        self.drop1 = nn.Dropout(drop)
        self.fc2 = nn.Linear(hidden, out_features or in_features, bias=bias)
        self.drop2 = nn.Dropout(drop)

    def forward(self, x):
        return self.drop2(self.fc2(self.drop1(self.act(self.fc1(x)))))


class MLP(nn.Sequential):
    """Linear layers one after another, with an activation and dropout behind each but the last."""

    def __init__(
        self,
        in_channels,
        hidden_channels,
        norm_layer=None,
        activation_layer=nn.ReLU,
        inplace=None,
        bias=True,
        dropout=0.0,
    ):
        layers, width = [], in_channels
        for place, hidden in enumerate(hidden_channels):
            layers.append(nn.Linear(width, hidden, bias=bias))
            if place < len(hidden_channels) - 1:
                layers += [norm_layer(hidden)] if norm_layer is not None else []
                layers.append(activation_layer())
            layers.append(nn.Dropout(dropout))
            width = hidden
        super().__init__(*layers)


class ConvNormAct(nn.Module):
    """timm's convolution, normalization and activation."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size=1,
        stride=1,
        padding="",
        dilation=1,
        groups=1,
        bias=False,
        apply_norm=True,
        apply_act=True,
        norm_layer=nn.BatchNorm2d,
        act_layer=nn.ReLU,
        **others,
    ):
        super().__init__()
        kernel = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
        if not isinstance(padding, (int, tuple, list)):
            padding = tuple(get_padding(one, stride, dilation) for one in kernel)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.bn = norm_layer(out_channels) if apply_norm and norm_layer is not None else nn.Identity()
        self.act = act_layer() if apply_act and act_layer is not None else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Lightning(nn.Module):
    """What a `LightningModule` has besides a module's own."""

    device = torch.device("cpu")

    def save_hyperparameters(self, *args, **kwargs):
        """Keeps what `__init__` was given as `self.hparams`."""
        given = {**sys._getframe(1).f_locals}
        given |= given.pop("kwargs", {})
        self.hparams = types.SimpleNamespace(**{k: v for k, v in given.items() if k != "self" and k[:2] != "__"})

    def log(self, *args, **kwargs):
        return None

    log_dict = log


def make_divisible(v, divisor=8, min_value=None, round_limit=0.9):
    """The nearest multiple, never much smaller."""
    nearest = max(min_value or divisor, int(v + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < round_limit * v else nearest


def to_ntuple(n):
    return lambda value: tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def get_act_layer(name="relu"):
    """An activation's class by timm's name for it."""
    if not isinstance(name, str):
        return name
    known = {
        "swish": "SiLU",
        "hard_sigmoid": "Hardsigmoid",
        "hard_swish": "Hardswish",
        "hard_mish": "Mish",
        "": "Identity",
    }
    wanted = known.get(name, name).replace("_", "").lower()
    return next(value for key, value in vars(nn).items() if key.lower() == wanted)


class Activations(dict):
    """transformers' `ACT2FN`: an activation by its name."""

    def __missing__(self, name):
        return get_act_layer({"gelu_new": "gelu", "quick_gelu": "gelu"}.get(name, name))()


def create_act_layer(name, inplace=None, **others):
    layer = get_act_layer(name)
    return layer(inplace=inplace) if inplace and issubclass(layer, nn.ReLU) else layer()


def get_padding(kernel_size, stride=1, dilation=1, **others):
    return (stride - 1 + dilation * (kernel_size - 1)) // 2


def create_attn(attn_type, *args, **others):
    """timm's: no attention where none is asked for, else the one whose class it is."""
    return None if attn_type is None else attn_type(*args)


def create_aa(aa_layer, *args, **others):
    return nn.Identity()


_NORMS = {  # type → (how its name in a module begins, what is built)
    **dict.fromkeys(("BN", "BN2d", "SyncBN"), ("bn", nn.BatchNorm2d)),
    "BN1d": ("bn", nn.BatchNorm1d),
    "BN3d": ("bn", nn.BatchNorm3d),
    **dict.fromkeys(("IN", "IN2d"), ("in", nn.InstanceNorm2d)),
    "LN": ("ln", nn.LayerNorm),
    "GN": ("gn", nn.GroupNorm),
}
_CONVOLUTIONS = {"Conv1d": nn.Conv1d, "Conv2d": nn.Conv2d, "Conv3d": nn.Conv3d, "Conv": nn.Conv2d}


def build_norm_layer(cfg, num_features, postfix=""):
    """mmcv's: (name, layer)."""
    settings = {key: value for key, value in cfg.items() if key not in ("type", "requires_grad", "num_groups")}
    begins, layer = _NORMS[cfg["type"]]
    sizes = (cfg["num_groups"], num_features) if layer is nn.GroupNorm else (num_features,)
    return f"{begins}{postfix}", layer(*sizes, **settings)


def build_conv_layer(cfg, *args, **kwargs):
    return _CONVOLUTIONS[(cfg or {}).get("type", "Conv2d")](*args, **kwargs)


def build_activation_layer(cfg):
    return getattr(nn, cfg["type"])(**{key: value for key, value in cfg.items() if key != "type"})


class ConvModule(nn.Module):
    """mmcv's convolution, norm and activation."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias="auto",
        conv_cfg=None,
        norm_cfg=None,
        act_cfg={"type": "ReLU"},  # noqa: B006, as it is there; it is read only
        **others,
    ):
        super().__init__()
        bias = norm_cfg is None if bias == "auto" else bias
        sizes = (in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.conv = build_conv_layer(conv_cfg, *sizes)
        if norm_cfg is not None:
            self.bn = build_norm_layer(norm_cfg, out_channels)[1]
        if act_cfg is not None:
            self.activate = build_activation_layer(act_cfg)

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x


def nothing(*args, **kwargs):
    """For calls that only report or check."""
    return None


DEBUGGERS = {name: types.ModuleType(name) for name in ("pdb", "ipdb", "pudb")}
for debugger in DEBUGGERS.values():
    debugger.set_trace = nothing


# einops: shapes by name


def _axes(side):
    """Names, groups of names as lists: "b (h w) c" → ["b", ["h", "w"], "c"]."""
    out, group = [], None
    for token in re.findall(r"\(|\)|\.\.\.|[\w]+", side):
        if token == "(":
            group = []
        elif token == ")":
            out.append(group)
            group = None
        else:
            (out if group is None else group).append(token)
    return out


def _flat(axes):
    return [name for axis in axes for name in (axis if isinstance(axis, list) else [axis])]


def _sizes(tensor, axes, known):
    sizes = dict(known)
    if len(axes) != tensor.dim():
        raise ValueError(f"Wrong shape: expected {len(axes)} dims. Received {tensor.dim()}-dim tensor.")
    for axis, size in zip(axes, tensor.shape, strict=True):
        names = axis if isinstance(axis, list) else [axis]
        given = math.prod(sizes[name] for name in names if name in sizes)
        unknown = [name for name in names if name not in sizes and not name.isdigit()]
        if len(unknown) > 1:
            raise ValueError(f"Could not infer sizes for {set(unknown)}")
        if size % given or (not unknown and given != size and names != ["1"]):
            raise ValueError(f"Shape mismatch, can't divide axis of length {size} in chunks of {given}")
        if unknown:
            sizes[unknown[0]] = size // given
    return sizes


def _spelled_out(pattern, tensor):
    """A pattern with its … written as names."""
    if "..." not in pattern:
        return pattern
    left = pattern.partition("->")[0]
    count = tensor.dim() - len(_axes(left)) + 1
    return pattern.replace("...", " ".join(f"_{place}" for place in range(count)))


def rearrange(tensor, pattern, **sizes):
    if isinstance(tensor, (list, tuple)):
        tensor = torch.stack(list(tensor))
    left, _, right = _spelled_out(pattern, tensor).partition("->")
    before, after = _axes(left), _axes(right)
    known = _sizes(tensor, before, sizes) | {"1": 1}
    names = [name for name in _flat(before) if name != "1"]
    split = tensor.reshape([known[name] for name in names])
    order = [name for name in _flat(after) if name != "1"]
    if sorted(order) != sorted(names):
        raise ValueError(f"Identifiers only on one side of expression: {set(order) ^ set(names)}")
    moved = split.permute([names.index(name) for name in order])
    return moved.reshape([math.prod(known[n] for n in (axis if isinstance(axis, list) else [axis])) for axis in after])


def repeat(tensor, pattern, **sizes):
    left, _, right = _spelled_out(pattern, tensor).partition("->")
    before, after = _axes(left), _axes(right)
    known = _sizes(tensor, before, sizes) | {"1": 1}
    names = [name for name in _flat(before) if name != "1"]
    wanted = [name for name in _flat(after) if name != "1"]
    known |= {name: int(name) for name in wanted if name.isdigit()}
    fresh = [name for name in wanted if name not in names]
    split = tensor.reshape([known[name] for name in names] + [1] * len(fresh))
    grown = split.expand([known[name] for name in (*names, *fresh)])
    moved = grown.permute([(*names, *fresh).index(name) for name in wanted])
    return moved.reshape([math.prod(known[n] for n in (axis if isinstance(axis, list) else [axis])) for axis in after])


def reduce(tensor, pattern, reduction, **sizes):
    left, _, right = _spelled_out(pattern, tensor).partition("->")
    before, after = _axes(left), _axes(right)
    known = _sizes(tensor, before, sizes) | {"1": 1}
    names = [name for name in _flat(before) if name != "1"]
    kept = [name for name in _flat(after) if name != "1"]
    split = tensor.reshape([known[name] for name in names])
    gone = [place for place, name in enumerate(names) if name not in kept]
    less = getattr(split, {"max": "amax", "min": "amin"}.get(reduction, reduction))(gone) if gone else split
    left_over = [name for name in names if name in kept]
    moved = less.permute([left_over.index(name) for name in kept if name != "1"])
    return moved.reshape([math.prod(known[n] for n in (axis if isinstance(axis, list) else [axis])) for axis in after])


def einsum(*tensors_and_pattern):
    """einops's: torch's, with names of several letters and the pattern last."""
    *tensors, pattern = tensors_and_pattern
    if not isinstance(pattern, str):  # torch's own, without its import
        return torch.einsum(*tensors_and_pattern)
    letters = {}
    for name in re.findall(r"\w+", pattern):
        letters.setdefault(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[len(letters)])
    short = re.sub(r"\w+", lambda name: letters[name[0]], pattern).replace(" ", "")
    return torch.einsum(short, *tensors)


def pack(tensors, pattern):
    """(tensors joined along the `*`, for which each may have any axes, what these axes were)"""
    before = pattern.split().index("*")
    behind = len(pattern.split()) - before - 1
    ends = [tensor.dim() - behind for tensor in tensors]
    shapes = [tensor.shape[before:end] for tensor, end in zip(tensors, ends, strict=True)]
    flat = [
        tensor.reshape([*tensor.shape[:before], math.prod(shape), *tensor.shape[end:]])
        for tensor, shape, end in zip(tensors, shapes, ends, strict=True)
    ]
    return torch.cat(flat, before), shapes


def unpack(tensor, packed_shapes, pattern):
    """The tensors that were packed."""
    at = pattern.split().index("*")
    parts = tensor.split([math.prod(shape) for shape in packed_shapes], at)
    return [
        part.reshape([*part.shape[:at], *shape, *part.shape[at + 1 :]])
        for part, shape in zip(parts, packed_shapes, strict=True)
    ]


class Rearrange(nn.Module):
    def __init__(self, pattern, **sizes):
        super().__init__()
        self.pattern, self.sizes = pattern, sizes

    def forward(self, x):
        return rearrange(x, self.pattern, **self.sizes)

    def extra_repr(self):
        return ", ".join([repr(self.pattern), *(f"{name}={size}" for name, size in self.sizes.items())])


class Reduce(nn.Module):
    def __init__(self, pattern, reduction, **sizes):
        super().__init__()
        self.pattern, self.reduction, self.sizes = pattern, reduction, sizes

    def forward(self, x):
        return reduce(x, self.pattern, self.reduction, **self.sizes)

    def extra_repr(self):
        sizes = (f"{name}={size}" for name, size in self.sizes.items())
        return ", ".join([repr(self.pattern), repr(self.reduction), *sizes])


STAND_INS = {
    "DropPath": DropPath,
    "StochasticDepth": StochasticDepth,
    "Permute": Permute,
    "SqueezeExcitation": SqueezeExcitation,
    "Conv2dNormActivation": Conv2dNormActivation,
    "ConvNormActivation": Conv2dNormActivation,
    "Mlp": Mlp,
    "make_divisible": make_divisible,
    "_make_divisible": make_divisible,
    "to_ntuple": to_ntuple,
    "_ntuple": to_ntuple,
    "to_1tuple": to_ntuple(1),
    "to_2tuple": to_ntuple(2),
    "to_3tuple": to_ntuple(3),
    "to_4tuple": to_ntuple(4),
    "_log_api_usage_once": nothing,
    "_assert": nothing,
    "trunc_normal_": nn.init.trunc_normal_,
    "lecun_normal_": nn.init.normal_,
    "MLP": MLP,
    "get_act_layer": get_act_layer,
    "ACT2FN": Activations(),
    "create_act_layer": create_act_layer,
    "get_padding": get_padding,
    "ConvNormAct": ConvNormAct,
    "create_attn": create_attn,
    "create_aa": create_aa,
    "build_norm_layer": build_norm_layer,
    "build_conv_layer": build_conv_layer,
    "build_activation_layer": build_activation_layer,
    "ConvModule": ConvModule,
    "LayerNorm": nn.LayerNorm,
    "rearrange": rearrange,
    "repeat": repeat,
    "reduce": reduce,
    "Rearrange": Rearrange,
    "Reduce": Reduce,
    "einsum": einsum,
    "pack": pack,
    "unpack": unpack,
}


def _resnet(block, layers, **settings):
    def build(pretrained=False, *, weights=None, progress=True, **others):
        return ResNet(block, layers, **settings, **others)

    return build


RESNETS = {
    "resnet18": _resnet(BasicBlock, [2, 2, 2, 2]),
    "resnet34": _resnet(BasicBlock, [3, 4, 6, 3]),
    "resnet50": _resnet(Bottleneck, [3, 4, 6, 3]),
    "resnet101": _resnet(Bottleneck, [3, 4, 23, 3]),
    "resnet152": _resnet(Bottleneck, [3, 8, 36, 3]),
    "resnext50_32x4d": _resnet(Bottleneck, [3, 4, 6, 3], groups=32, width_per_group=4),
    "resnext101_32x8d": _resnet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=8),
    "wide_resnet50_2": _resnet(Bottleneck, [3, 4, 6, 3], width_per_group=128),
    "wide_resnet101_2": _resnet(Bottleneck, [3, 4, 23, 3], width_per_group=128),
}
