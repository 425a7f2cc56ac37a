"""What to call a module with, found by trying what its layers want."""

import ast
import contextlib
import inspect
import io
import itertools
import re
import time
import warnings

import torch
import torch.nn as nn
from torch.utils._python_dispatch import TorchDispatchMode

from .guess import lengths_of_lists, parameters_of

_MOST_TRIES, _SECONDS = 400, 4.0

_SIDES = (56, 32, 224, 28, 64, 128, 14, 16, 7, 8, 96, 112, 256, 227, 299, 48, 40, 84, 100, 4, 1)
_INTEGERS = (
    "text",
    "ids",
    "tokens",
    "input_ids",
    "token_ids",
    "src",
    "tgt",
    "trg",
    "idx",
    "indices",
    "words",
    "labels",
    "caption",
    "captions",
    "sentence",
    "sentences",
)


class _Counter(TorchDispatchMode):
    """count: how far a call gets, in operators; stretches: whether maps of two sizes were added; lacks_batch: whether
    a picture was convolved that is no batch, of which a `view` then makes what fits by chance."""

    def __init__(self):
        super().__init__()
        self.count, self.stretches, self.lacks_batch = 0, False, False
        self._last = []

    @property
    def reached(self):
        return 0 if self.lacks_batch else self.count

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        name = str(func).split(".")[1]
        self._last = [*self._last[-2:], (name, args[1] if name.endswith("squeeze") else None)]
        self.lacks_batch |= self._last == [("unsqueeze", 0), ("convolution", None), ("squeeze", 0)]
        if "add" in str(func) and len(args) > 1 and all(isinstance(one, torch.Tensor) for one in args[:2]):
            one, other = args[0].shape, args[1].shape
            self.stretches |= len(one) == len(other) == 4 and one[:2] == other[:2] and one != other
        return func(*args, **(kwargs or {}))


def inputs_of(module, tree):
    """Shapes that `forward` takes, found by trying, each with whether it is of whole numbers.

    Returns:
        ([(shape, whole)], worked): where nothing worked, what got furthest. The shape of a list is a tuple of shapes.
    """
    forward = type(module).forward
    parameters = [name for name, one in parameters_of(forward).items() if one.default is one.empty]
    if not parameters and any(one.kind is one.VAR_POSITIONAL for one in inspect.signature(forward).parameters.values()):
        parameters = ["one", "another"]  # `forward(self, *xs)`
    if not parameters:
        if _tried(module, [])[0] or not (optional := list(parameters_of(forward))):
            return [], _tried(module, [])[0]
        parameters = optional[:1]
    if called := _called_with(type(module).__name__, tree):
        return called, True  # where it fails, that is what the paste is about
    best, furthest, began = None, -1, time.monotonic()
    for combination in itertools.islice(_combinations(module, parameters, tree), _MOST_TRIES):
        worked, count, error = _tried(module, combination)
        if not worked and (other := _asked_for(error, combination)):
            worked, count, _ = _tried(module, combination := other)
        if worked:
            return combination, True
        if count > furthest:
            best, furthest = combination, count
        if time.monotonic() - began > _SECONDS:
            break
    return best, False


def _asked_for(error, combination):
    """Other inputs, where an error says which size it wanted: that of parts into which a dimension is split."""
    found = re.search(r"sum exactly to (\d+).*split_sizes=\[([\d, ]+)\]", str(error))
    if not found:
        return None
    had, parts = int(found[1]), [int(size) for size in found[2].split(",")]
    return [
        (shape if shape is None or is_list(shape) else tuple(sum(parts) if n == had else n for n in shape), whole)
        for shape, whole in combination
    ]


def works(module, combination):
    """Whether the module runs on such inputs."""
    return _tried(module, combination)[0]


def _tried(module, combination):
    was = module.training
    module.eval()
    counter = _Counter()
    try:
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad(), warnings.catch_warnings(), counter:
            warnings.simplefilter("ignore")
            module(*(tensor_of(*one) for one in combination))
        is_tiny = any(shape and len(shape) == 4 and not is_list(shape) and shape[-1] <= 4 for shape, _ in combination)
        return not (counter.lacks_batch or (is_tiny and counter.stretches)), counter.reached, None
    except Exception as error:
        return False, counter.reached, error
    finally:
        module.train(was)


def tensor_of(shape, whole):
    """What stands for an input: None where it has no shape, a list where it has several."""
    if shape is None:
        return None
    if is_list(shape):
        return [tensor_of(one, whole) for one in shape]
    return torch.zeros(shape, dtype=torch.long) if whole else torch.rand(shape)


def is_list(shape):
    """Whether it is the shape of a list of tensors."""
    return bool(shape) and isinstance(shape[0], tuple)


def _combinations(module, parameters, tree):
    """Inputs to try, the likeliest first."""
    count = len(parameters)
    mined = _mined_shapes(tree)
    if len(mined) >= count:
        yield mined[:count]
    singles = [*((shape, whole) for shape, whole in mined), *_wanted(module, parameters), *_usual(parameters)]
    singles = list(dict.fromkeys((tuple(shape), whole) for shape, whole in singles))
    lists = lengths_of_lists(type(module).forward, parameters)
    if lists:
        yield from _with_lists(module, parameters, lists, singles)
    hints = [_by_name(name, module, parameters) for name in parameters]
    if any(hints):
        for one in singles:
            for combination in itertools.product(*(hint or [one] for hint in hints)):
                yield list(combination)
            if all(hints):
                break
    for one in singles:
        yield [one] * count
    if count == 1:
        return
    if count == 2:  # a decoder's: what comes from below is half as large, the skip may have half the channels
        for shape, whole in singles:
            if len(shape) == 4 and shape[1] % 2 == 0 and min(shape[2:]) > 1:
                half = (*shape[:2], *(side // 2 for side in shape[2:]))
                for skip in (shape[1] // 2, shape[1]):
                    yield [(half, whole), ((shape[0], skip, *(side * 2 for side in half[2:])), whole)]
    for shape, whole in singles:  # branches that are joined: each brings its part of the channels
        if len(shape) > 2 and shape[1] % count == 0:
            yield [((shape[0], shape[1] // count, *shape[2:]), whole)] * count
    likely = singles[:14]
    for combination in itertools.product(likely, repeat=min(count, 3)):
        yield [*combination, *[combination[-1]] * (count - len(combination))]


def _with_lists(module, parameters, lists, singles):
    """Inputs of which some are lists: of tensors of one shape, that share the channels, or get smaller step by step."""
    for pyramid in _pyramids(module):
        yield [(pyramid, False) if name in lists else (pyramid[0], False) for name in parameters]
    shares = [
        ((shape[0], shape[1] // 2, *shape[2:]), whole) for shape, whole in singles if len(shape) > 2 and shape[1] > 1
    ]
    for shape, whole in itertools.chain(*zip(singles, shares, strict=False), singles[len(shares) :]):
        yield [((shape,) * (lists[name] or 2) if name in lists else shape, whole) for name in parameters]


def _pyramids(module):
    """For each list of layers, maps that fit one layer each, with half the side of those before."""
    for layers in module.modules():
        if isinstance(layers, nn.ModuleList) and len(layers) > 1:
            wanted = [next((one for inner in layer.modules() for one in _wanted_by(inner)), None) for layer in layers]
            if all(one and one[0] == "maps" for one in wanted):
                sides = [max(56 >> place, 1) for place in range(len(wanted))]
                yield tuple((1, channels, side, side) for (_, channels), side in zip(wanted, sides, strict=True))


def _by_name(name, module, parameters):
    """What an input of such a name usually is; none where the name says nothing."""
    name = name.lower()
    if "mask" in name:
        return [(None, False)]
    if name in ("t", "time", "times", "timestep", "timesteps", "time_step", "step", "sigma", "noise_level"):
        return [((1,), False), ((1,), True), *_wanted_of_linear(module)]
    if name in ("adj", "adjacency", "a", "graph", "adj_matrix", "laplacian"):
        return [((16, 16), False), ((1, 16, 16), False)]
    if "length" in name or name in ("lens", "seq_len"):
        return [((1,), True)]
    if name in _STATES:
        return _states(module, is_alone=len(_STATES & {*map(str.lower, parameters)}) < 2)
    if name in _INTEGERS and len(parameters) > 1 and _holds(module, nn.Embedding):
        return [((1, 16), True), ((16, 1), True), ((1,), True)]
    if name in ("input", "x", "token", "tokens", "trg", "word") and _holds(module, nn.Embedding):
        return [((1, 16), True), ((1,), True), ((16, 1), True)] if _holds(module, nn.RNNBase) else []
    return []


_STATES = frozenset(
    {
        "hidden",
        "h",
        "h0",
        "h_0",
        "cell",
        "c",
        "c0",
        "c_0",
        "state",
        "hx",
        "cx",
        "prev_hidden",
        "hidden_state",
    }
)


def _states(module, is_alone):
    """The states of the first recurrent layer; an LSTM's two together, where they come as one input."""
    for layer in module.modules():
        if isinstance(layer, (nn.RNNBase, nn.RNNCellBase)):
            shape = (1, layer.hidden_size)
            if isinstance(layer, nn.RNNBase):
                shape = (layer.num_layers * (2 if layer.bidirectional else 1), *shape)
            pair = [((shape, shape), False)] if is_alone and isinstance(layer, (nn.LSTM, nn.LSTMCell)) else []
            return [*pair, (shape, False)]
    return []


def _holds(module, kind):
    return any(isinstance(layer, kind) for layer in module.modules())


def _wanted_of_linear(module):
    return [((1, one.in_features), False) for one in module.modules() if isinstance(one, nn.Linear)][:2]


def _mined_shapes(tree):
    """Shapes that the paste itself makes outside of classes: `x = torch.randn(1, 3, 224, 224)`."""
    return [made for node in _outside(tree) if (made := _made_by(node))]


def _outside(tree):
    return [node for one in tree.body if not isinstance(one, ast.ClassDef) for node in ast.walk(one)]


def _made_by(node):
    """(shape, whole) of the tensor that a call makes, `torch.randn(1, 3, 224, 224)`; None for any other expression."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    kind = node.func.attr
    if kind not in ("randn", "rand", "zeros", "ones", "randint", "FloatTensor"):
        return None
    try:
        sizes = [ast.literal_eval(value) for value in node.args]
        sizes += [ast.literal_eval(one.value) for one in node.keywords if one.arg == "size"]
    except (ValueError, TypeError, SyntaxError):
        return None
    if kind == "randint":
        sizes = next((size for size in sizes if isinstance(size, (tuple, list))), None)
    elif len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    if sizes and all(isinstance(size, int) and size > 0 for size in sizes):
        return tuple(sizes), kind == "randint"
    return None


def _called_with(name, tree):
    """The inputs with which the paste itself calls what it built of this class: `net(torch.randn(1, 3, 32, 32))`."""
    nodes = _outside(tree)
    set_to = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if not isinstance(node, ast.Call) or not node.args or node.keywords:
            continue
        called = set_to.get(node.func.id) if isinstance(node.func, ast.Name) else node.func
        if isinstance(called, ast.Call) and ast.unparse(called.func) == name:
            given = [set_to.get(one.id) if isinstance(one, ast.Name) else one for one in node.args]
            made = list(map(_made_by, given))
            if all(made):
                return made
    return None


def _wanted(module, parameters):
    """What the layers want, in the order in which they were registered."""
    found = []
    for layer in _layers(module):
        found += _wanted_by(layer)
    found = found or [("steps", one.shape[-1]) for one in module.buffers() if one.is_floating_point() and one.dim() > 1]
    if _is_of_rows(module, parameters):
        found = [("steps" if kind == "rows" else kind, channels) for kind, channels in found]
    yield from _tokens(module, found)
    for place in range(len(_SIDES) if len(found) < 8 else 8):
        for kind, channels in dict.fromkeys(found):
            if kind == "maps":
                first = {1: 28, 3: 224}.get(channels, _SIDES[0])
                side = first if place == 0 else _SIDES[place] if _SIDES[place] != first else _SIDES[0]
                yield (1, channels, side, side), False
            elif place == 0:
                yield from _of_kind(kind, channels)
    for kind, channels in dict.fromkeys(found):
        if kind == "rows":  # a layer of a convolutional net, reached after its maps were flattened
            yield (1, channels, 14, 14), False


def _layers(module):
    """Its layers, those in plain lists as well, which it has not registered."""
    yield from module.modules()
    for value in vars(module).values():
        if isinstance(value, (list, tuple)):
            yield from (layer for one in value if isinstance(one, nn.Module) for layer in one.modules())


def _is_of_rows(module, parameters):
    """Whether it is of a kind that takes several vectors at once, by what it and its inputs are called."""
    name = type(module).__name__.lower()
    return {"query", "key", "value", "q", "k", "v", "queries", "keys", "values"} & {*parameters} or any(
        kind in name for kind in ("atten", "attn", "transformer", "encoderlayer", "decoderlayer", "feedforward", "ffn")
    )


def _tokens(module, found):
    """As many vectors as the map has places whose sides the module keeps, `self.input_resolution`."""
    channels = next((channels for kind, channels in found if kind in ("steps", "rows")), None)
    for name, value in vars(module).items():
        if "resolution" in name and channels and isinstance(value, (tuple, list)) and len(value) == 2:
            yield (1, value[0] * value[1], channels), False


def _wanted_by(layer):
    if isinstance(layer, nn.ConvTranspose2d) and max(layer.kernel_size) > 1 and layer.stride == (1, 1):
        return [("noise", layer.in_channels), ("maps", layer.in_channels)]  # a generator's first
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        return [("maps", layer.in_channels)]
    if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
        return [("sequence", layer.in_channels)]
    if isinstance(layer, (nn.Conv3d, nn.ConvTranspose3d)):
        return [("volume", layer.in_channels)]
    if isinstance(layer, nn.Linear):
        return [("rows", layer.in_features)]
    if isinstance(layer, nn.Embedding):
        return [("ids", layer.num_embeddings), ("maps", layer.embedding_dim)]  # the latter for a codebook
    if isinstance(layer, (nn.LSTM, nn.GRU, nn.RNN)):
        return [("steps", layer.input_size)]
    if isinstance(layer, nn.RNNCellBase):
        return [("rows", layer.input_size)]
    if isinstance(layer, nn.MultiheadAttention):
        return [("steps", layer.embed_dim)]
    if isinstance(layer, nn.LayerNorm):
        return [("steps", layer.normalized_shape[-1])]
    if isinstance(layer, (nn.BatchNorm2d, nn.InstanceNorm2d)):
        return [("maps", layer.num_features)]
    if isinstance(layer, nn.GroupNorm):
        return [("maps", layer.num_channels)]
    if isinstance(layer, nn.BatchNorm1d):
        return [("rows", layer.num_features)]
    own = [one.shape for one in layer.parameters(recurse=False) if len(one.shape) > 1]
    wanted = [("steps", shape[-1]) if len(shape) < 4 else ("maps", shape[1]) for shape in own]
    return wanted + [("rows", shape[0]) for shape in own if len(shape) == 2]  # `x @ self.weight`


def _of_kind(kind, channels):
    return {
        "sequence": [((1, channels, 32), False), ((1, channels, 100), False)],
        "volume": [
            ((1, channels, 8, 16, 16), False),
            ((1, channels, 16, 56, 56), False),
            ((1, channels, 16, 112, 112), False),
            ((1, channels, 32, 32, 32), False),
            ((1, channels, 64, 64, 64), False),
        ],
        "rows": [
            ((1, channels), False),
            ((1, 16, channels), False),
            ((16, channels), False),
            ((1, 49, channels), False),
        ],
        "ids": [((1, 16), True), ((1, 8), True), ((16, 1), True), ((1, 1, 16), True)],
        "noise": [((1, channels, 1, 1), False)],
        "steps": [
            ((1, 16, channels), False),
            ((16, 1, channels), False),
            ((1, 49, channels), False),
            ((1, channels), False),
            ((1, 7, 7, channels), False),
            ((1, 8, 8, channels), False),
        ],
    }[kind]


def _usual(parameters):
    ids = [((1, 16), True)] if any(name in _INTEGERS for name in parameters) else []
    return [
        *ids,
        ((1, 3, 224, 224), False),
        ((1, 64, 56, 56), False),
        ((1, 3, 32, 32), False),
        ((1, 1, 28, 28), False),
        ((1, 256, 56, 56), False),
        ((1, 16, 64), False),
        ((1, 64), False),
        ((1, 16), True),
        ((1,), False),
        ((1,), True),
        ((1, 16, 512), False),
        ((1, 8, 8, 64), False),
        ((16, 64), False),
        ((1, 512, 7, 7), False),
    ]
