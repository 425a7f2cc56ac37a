"""How to build a class, guessed from names, from what the paste itself builds, and from how its source uses them."""

import ast
import contextlib
import inspect
import re
import textwrap

import torch.nn as nn

_NAMES = (  # (names, source of the value), the first that fits
    (
        (
            "inplanes",
            "in_planes",
            "in_channels",
            "in_channel",
            "in_ch",
            "in_c",
            "inchannel",
            "inchannels",
            "inp",
            "cin",
            "c_in",
            "ch_in",
            "in_dim",
            "dim_in",
            "input_dim",
            "in_features",
            "input_size",
            "in_feature",
            "nin",
            "input_channels",
            "num_input_features",
            "n_in",
            "n_inputs",
            "inchannel",
            "in_filters",
            "c1",
            "in_size",
            "input_channel",
            "channels_in",
        ),
        "64",
    ),
    (
        (
            "planes",
            "out_planes",
            "out_channels",
            "out_channel",
            "out_ch",
            "out_c",
            "outchannel",
            "outchannels",
            "oup",
            "cout",
            "c_out",
            "ch_out",
            "out_dim",
            "dim_out",
            "output_dim",
            "out_features",
            "output_size",
            "nout",
            "output_channels",
            "filters",
            "n_out",
            "n_outputs",
            "out_filters",
            "c2",
            "width",
            "mid_channels",
            "mid_channel",
            "middle_channels",
            "mid",
            "squeeze",
            "channels_out",
            "output_channel",
        ),
        "64",
    ),
    (("in_chans", "input_nc", "n_channels", "img_channels", "image_channels"), "3"),
    (
        (
            "num_classes",
            "n_classes",
            "classes",
            "num_class",
            "nclass",
            "class_num",
            "num_labels",
            "out_classes",
            "nc",
            "output_nc",
            "outputs",
            "n_actions",
            "num_actions",
            "action_size",
        ),
        "10",
    ),
    (("num_heads", "nhead", "heads", "n_heads", "n_head", "head", "num_head", "h"), "8"),
    (
        (
            "dim",
            "embed_dim",
            "d_model",
            "hidden_dim",
            "hidden_size",
            "emb_dim",
            "embedding_dim",
            "embed_size",
            "emb_size",
            "n_embd",
            "ninp",
            "emsize",
            "hidden",
            "channels",
            "channel",
            "chans",
            "ch",
            "c",
            "num_features",
            "features",
            "nf",
            "num_channels",
            "d",
            "dims",
            "inner_dim",
            "query_dim",
            "attention_dim",
            "embedding_size",
            "n_hidden",
            "hidden_channels",
            "in_out_channels",
            "feature_dim",
            "latent_dim",
        ),
        "64",
    ),
    (
        (
            "mlp_dim",
            "d_ff",
            "intermediate_size",
            "ff_dim",
            "dim_feedforward",
            "mlp_hidden_dim",
            "ffn_dim",
            "forward_expansion",
        ),
        "128",
    ),
    (("d_hid",), "128"),
    (("head_dim", "dim_head", "d_k", "d_v", "key_dim"), "16"),
    (("kernel_size", "kernel_sizes", "filter_sizes", "kernel", "k", "ksize", "kernels"), "3"),
    (("stride", "strides", "dilation", "dilations", "groups", "s", "g"), "1"),
    (("padding", "pad", "p_conv"), "1"),
    (
        ("depth", "num_layers", "n_layers", "layers_num", "num_blocks_each", "n_layer", "num_block", "n_blocks"),
        "2",
    ),
    (("layer_dim", "num_rnn_layers", "num_hidden_layers", "multiple_of"), "2"),
    (("num_layer", "nblocks", "n"), "2"),
    (("reduction", "ratio", "r", "reduction_ratio", "squeeze_factor", "rd_ratio", "se_ratio"), "4"),
    (("expand_ratio", "expansion", "mlp_ratio", "expand", "t", "expand_rate", "e"), "4"),
    (("scale", "scale_factor", "upscale_factor", "up_scale"), "2"),
    (("growth_rate", "growth"), "16"),
    (("bn_size",), "4"),
    (
        (
            "vocab_size",
            "src_vocab_size",
            "trg_vocab_size",
            "tgt_vocab_size",
            "num_embeddings",
            "vocab",
            "n_vocab",
            "n_tokens",
            "ntoken",
            "vocabulary",
            "num_tokens",
        ),
        "1000",
    ),
    (
        (
            "max_len",
            "seq_len",
            "max_length",
            "block_size",
            "context_length",
            "max_seq_len",
            "sequence_length",
            "seq_length",
            "num_patches",
            "n_patches",
        ),
        "16",
    ),
    (("sos_token", "sos_idx", "bos_token", "pad_token", "pad_idx", "padding_idx", "pad_id", "pad_token_id"), "0"),
    (("eos_token", "eos_idx", "unk_idx", "unk_token"), "1"),
    (("img_size", "image_size", "size", "img_dim"), "32"),
    (("resolution", "input_resolution"), "56"),  # windows of 4, 7 and 8 fit in
    (("atrous_rates", "rates", "dilation_rates"), "[6, 12, 18]"),
    (("alpha", "negative_slope"), "0.2"),
    (("commitment_cost", "beta"), "0.25"),
    (("patch_size", "patch", "window_size", "window"), "4"),
    (("dropout", "drop", "drop_rate", "p", "dropout_rate", "drop_prob", "dropout_p", "attn_drop", "drop_path"), "0.1"),
    (("bias", "use_bias", "bilinear", "batch_first", "affine"), "True"),
    (("bidirectional", "downsample_flag", "use_attention", "deploy"), "False"),
    (("norm_layer", "norm", "normalization"), "nn.BatchNorm2d"),
    (("act_layer", "activation", "act", "nonlinearity"), "nn.ReLU"),
    (("downsample", "mask"), "None"),
    (("num_blocks", "layers", "depths", "block_num", "blocks_num", "num_block_list"), "[2, 2, 2, 2]"),
    (("pretrained", "progress"), "False"),
    (("nz", "z_dim", "noise_dim"), "100"),
    (("ngf", "ndf"), "16"),
    (("eps",), "1e-5"),
    (("hidden_act",), "'gelu'"),
    (("_attn_implementation", "attn_implementation"), "'eager'"),
    (("device", "dropout_op"), "None"),
    (("conv_op", "conv_layer"), "nn.Conv2d"),
    (("n_conv_per_stage", "n_conv_per_stage_decoder", "spatial_dims", "ndim"), "2"),
    (
        ("anchors",),
        "((10, 13, 16, 30, 33, 23), (30, 61, 62, 45, 59, 119), (116, 90, 156, 198, 373, 326))",
    ),
)
_GUESSES = {name: text for names, text in reversed(_NAMES) for name in names}


def arguments_of(cls, space, tree, given, within=()):
    """Source text for each parameter of `__init__`, and which of them are no more than a guess.

    Args:
        cls: the class. space: the `Space` it was defined in; tree: of the paste. given: name → text, which wins.
        within: the classes that this one is a part of.

    Returns:
        (name → text, names that nothing stood for)
    """
    parameters = parameters_of(cls.__init__)
    mined = _mined_call(cls.__name__, tree, parameters, space)
    texts, unsure = {}, []
    for name, parameter in parameters.items():
        if name in given:
            texts[name] = given[name]
        elif name in mined:
            texts[name] = mined[name]
        elif parameter.default is not parameter.empty:
            texts[name] = _default_text(parameter.default, cls, name, space)
            if texts[name] in ("()", "[]"):
                texts[name] = _filled(name, cls) or texts[name]
        else:
            text = (
                _for_blocks(name, space)
                or _key(name, cls, space)
                or _pasted_along(name, cls, space, tree, within)
                or _layer(name, cls, parameter)
                or ("None" if _may_be_none(parameter) and name.lower() not in _GUESSES else guessed(name))
            )
            if text is None:
                text = _configuration(name, space, tree, cls) or _by_annotation(parameter)
                unsure.append(name)
            is_row = _is_annotated_as_row(parameter) or _is_used_as_row(name, cls)
            texts[name] = _row(text, max(_items_taken(name, cls), 2)) if is_row and text.isdigit() else text
    _together(cls, texts, {*given, *mined}, parameters)
    return texts, unsure


def _may_be_none(parameter):
    annotation = str(parameter.annotation)
    return "Optional" in annotation or "None" in annotation


def _key(name, cls, space):
    """For `cfg[name]`, the first key of that dictionary."""
    for node in ast.walk(_tree_of(cls)):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Name)
            and node.slice.id == name
            and isinstance(table := space.names.get(node.value.id), dict)
            and table
        ):
            return repr(next(iter(table)))
    return None


def _pasted_along(name, cls, space, tree, within):
    """For a part that is handed over, `encoder`, the class of that name, built as it would be by itself.

    `c2`, a number of channels, is no part of a class `C2`.
    """
    wanted = name.replace("_", "").lower()
    if len(wanted) < 3:
        return None
    for other, part in space.classes.items():
        is_part = other.replace("_", "").lower() == wanted and part not in (cls, *within) and not issubclass(part, cls)
        if is_part:
            texts, _ = arguments_of(part, space, tree, {}, (cls, *within))
            if cls.__name__ not in str(texts):
                return f"{other}({', '.join(f'{key}={text}' for key, text in texts.items())})"
    return None


def parameters_of(function):
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return {}
    return {one.name: one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}


def _mined_call(name, tree, parameters, space):
    """What the paste itself builds the class with: `net = Net(3, num_classes)` outside of classes and functions."""
    outside = [node for node in tree.body if not isinstance(node, ast.ClassDef)]
    for node in (one for statement in outside for one in ast.walk(statement)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            values = [_plain_text(value, space) for value in node.args]
            keywords = {one.arg: _plain_text(one.value, space) for one in node.keywords}
            if None not in values and None not in keywords and None not in keywords.values():
                return dict(zip(parameters, values, strict=False)) | keywords
    return {}


def _plain_text(node, space):
    """Source text of a plain value, in which the paste's own constants are worked out; None for any other."""
    if any(isinstance(one, (ast.Call, ast.Lambda, ast.comprehension)) for one in ast.walk(node)):
        return None
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        with contextlib.suppress(Exception):
            text = repr(eval(compile(ast.Expression(node), "<call>", "eval"), space.names))
            ast.literal_eval(text)
            return text
        return None
    return ast.unparse(node)


def _default_text(value, cls, name, space):
    for node in ast.walk(_tree_of(cls)):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = [*node.args.posonlyargs, *node.args.args]
            defaults = dict(
                zip(
                    [one.arg for one in arguments][len(arguments) - len(node.args.defaults) :],
                    node.args.defaults,
                    strict=True,
                )
            )
            defaults |= {
                one.arg: default
                for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                if default is not None
            }
            if name in defaults:
                return ast.unparse(defaults[name])
    return repr(value)


def _tree_of(thing):
    return ast.parse(textwrap.dedent(_source_of(thing)))


def _source_of(cls):
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return ""


def _for_blocks(name, space):
    if name in ("block", "Block", "block_type", "basic_block"):
        for other, cls in space.classes.items():
            if hasattr(cls, "expansion") or "lock" in other or "ottleneck" in other:
                return other
    return None


def _layer(name, cls, parameter):
    """A layer for a parameter that is kept as it came and then called, `self.fn = fn` and `self.fn(x)`."""
    if guessed(name) == "None":
        return None
    nodes = list(ast.walk(_tree_of(cls)))
    kept = {
        ast.unparse(node.targets[0])
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == name
    }
    if not any(isinstance(node, ast.Call) and ast.unparse(node.func) in kept for node in nodes):
        return None
    asked = {
        node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {name, *kept}
    }
    annotation = getattr(parameter.annotation, "__name__", str(parameter.annotation))
    for kind, text, attributes in _LAYERS:
        if annotation.endswith(kind) or attributes & asked:
            return text
    return {"nn.ReLU": "nn.ReLU()", "nn.BatchNorm2d": "nn.BatchNorm2d(64)"}.get(guessed(name), "nn.Identity()")


_LAYERS = (
    ("Linear", "nn.Linear(64, 64)", {"in_features", "out_features"}),
    ("Conv2d", "nn.Conv2d(64, 64, 3, padding=1)", {"in_channels", "out_channels", "kernel_size"}),
    ("Embedding", "nn.Embedding(1000, 64)", {"num_embeddings", "embedding_dim"}),
)


_PARTS = (  # in the order in which they are looked for: `expansion_factor` holds "act"
    "eps 1e-5|problem None|prob 0.1|drop 0.1|rate 0.1|factor 4|kernel 3|stride 1|padding 1|dilation 1|classes 10|"
    "heads 8|vocab 1000|std 0.5|nonlin nn.ReLU|activation nn.ReLU|channel 64|planes 64|dim 64|hid 64|embed 64|feat 64|"
    "filter 64|layers 2|blocks 2|stages 2|repeat 2|depth 2|ratio 4|mult 4|reduce 16|chs 64|ch 64|norm nn.BatchNorm2d|"
    "act nn.ReLU|bias True|shift 0|size 16|len 16|num 2"
)
_WORDS = ("chs", "ch", "act", "std", "eps")  # parts that stand in other words: "batch", "action", "stdin"


def guessed(name):
    """Source text for a parameter of this name, or None."""
    return _GUESSES.get(name.lower().strip("_")) or _by_part(name)


def _by_part(name):
    """By a part of the name: `in_channels_left` is a number of channels, `use_se` a switch."""
    lowered = name.lower()
    if lowered.startswith(("use_", "is_", "has_", "with_", "enable_")):
        return "True"
    words = re.split(r"_|\d+|(?<=^in)(?=ch)|(?<=^out)(?=ch)|(?<=^mid)(?=ch)", lowered)
    parts = map(str.split, _PARTS.split("|"))
    return next((text for part, text in parts if part in (words if part in _WORDS else lowered)), None)


def _by_annotation(parameter):
    kind = getattr(parameter.annotation, "__name__", str(parameter.annotation))
    return {"int": "16", "float": "0.5", "bool": "True", "str": "''", "list": "[16, 32]", "tuple": "(16, 32)"}.get(
        kind, "16"
    )


def _is_annotated_as_row(parameter):
    """`window_size: List[int]` is a row of numbers."""
    annotation = str(parameter.annotation)
    return annotation.startswith(
        ("typing.List", "typing.Sequence", "list[", "typing.Tuple", "tuple[", "List[", "Tuple[", "Sequence[")
    )


def _row(text, count):
    return f"({', '.join([text] * count)})"


def _filled(name, cls):
    """For a default that is an empty row, of which the class takes items or which are numbers of channels."""
    count, text = _items_taken(name, cls), guessed(name) or "64"
    has_channels = {"ch", "chs", "channels"} & {*name.lower().split("_")} and _is_used_as_row(name, cls)
    if not count and not has_channels:
        return None
    return _row(text, max(count, 3)) if text.isdigit() else text


def _uses(name, cls):
    """(the nodes of a class, whether one of them is this parameter, kept as an attribute or not)"""
    nodes = list(ast.walk(_tree_of(cls)))
    names = {name} | {
        ast.unparse(target)
        for node in nodes
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == name
        for target in node.targets
    }
    return nodes, lambda node: isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) in names


def _items_taken(name, cls):
    """How many items the class takes of it at least: `assert len(dims) == 3`, `a, b = dims`, `dims[2]`; 0: not said."""
    nodes, is_it = _uses(name, cls)
    counts = [0]
    for node in nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and isinstance(node.left, ast.Call):
            is_length = ast.unparse(node.left.func) == "len" and len(node.left.args) == 1 and is_it(node.left.args[0])
            count = getattr(node.comparators[0], "value", None)
            if is_length and isinstance(count, int):
                return count
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and is_it(node.value):
            counts.append(len(node.targets[0].elts))
        elif isinstance(node, ast.Subscript) and is_it(node.value):
            place = getattr(node.slice, "value", None)
            counts.append(place + 1 if isinstance(place, int) else 0)
    return max(counts)


def _is_used_as_row(name, cls):
    """Whether the class takes parts of it, `window_size[0]`, unpacks, counts or goes through it."""
    nodes, is_it = _uses(name, cls)
    for node in nodes:
        if isinstance(node, ast.Subscript) and is_it(node.value):
            return not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str))
        if isinstance(node, ast.Call) and len(node.args) == 1 and is_it(node.args[0]) and _takes_rows(node.func):
            return True
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and is_it(node.value):
            return True
        if isinstance(node, (ast.For, ast.comprehension)) and is_it(node.iter):
            return True
    return False


def _takes_rows(function):
    name = ast.unparse(function).rpartition(".")[2]
    return name in ("len", "min", "max", "sum", "tuple", "list", "enumerate", "prod")


def lengths_of_lists(forward, parameters):
    """Those of `forward`'s parameters that it takes apart as a list: name → how many there are, None where any number.

    It unpacks them, `h, c = state`; joins them, `torch.cat(xs)`; or goes through them, `for x in xs`, `xs[i]`, `xs[-1]`
    beside `len(xs)`.
    """
    found, nodes = {}, list(ast.walk(_tree_of(forward)))
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Name):
            found[node.value.id] = len(node.targets[0].elts)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("cat", "concat", "stack", "len", "enumerate", "zip", "reversed"):
                found.setdefault(node.args[0].id, None)
        elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.iter, ast.Name):
            found.setdefault(node.iter.id, None)
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Name):
            found.setdefault(node.value.id, None)
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {name: count for name, count in found.items() if name in parameters and (name not in stored or count)}


def asks_for_keys(forward, parameters):
    """Those of `forward`'s parameters that it takes for dictionaries: `batch["image"]`, `x.keys()`."""
    found = set()
    for node in ast.walk(_tree_of(forward)):
        by_key = isinstance(node, ast.Subscript) and isinstance(getattr(node.slice, "value", None), str)
        if by_key or (isinstance(node, ast.Attribute) and node.attr in ("keys", "values", "items")):
            found.add(ast.unparse(node.value))
    return [name for name in parameters if name in found]


def _configuration(name, space, tree, cls):
    """A configuration: the paste's own, or one with all that the paste asks of it."""
    if keys := _keys_asked(name, tree):
        for other, value in space.names.items():
            if isinstance(value, dict) and not other.startswith("__") and keys <= value.keys():
                return other
        return f"{{{', '.join(f'{key!r}: {_plain_guess(key)}' for key in sorted(keys))}}}"
    wanted = _attributes_asked((name, f"self.{name}"), tree)
    if not wanted:
        return None
    for other in space.others:
        with contextlib.suppress(Exception):
            kind = space.names[other]
            text = f"{other}({', '.join(f'{key}={_plain_guess(key)}' for key in _required(kind))})"
            made = eval(text, {"nn": nn, **space.names})
            if all(hasattr(made, attribute) for attribute in wanted):
                return text
    return _namespace(wanted, name, cls)


def _required(kind):
    return [name for name, one in parameters_of(kind.__init__).items() if one.default is one.empty]


def _keys_asked(name, tree):
    """The keys of `cfg["width"]` and `cfg.get("width", 8)`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in (name, f"self.{name}"):
            found.add(getattr(node.slice, "value", None))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (f"{name}.get", f"self.{name}.get") and node.args:
            found.add(getattr(node.args[0], "value", None))
    return {key for key in found if isinstance(key, str)}


def _attributes_asked(owners, tree):
    """What is asked of it: attribute → what is asked of that in turn; `cfg.MODEL.WIDTH` → {"MODEL": {"WIDTH": {}}}."""
    found = {}
    for node in ast.walk(tree):
        is_asked = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        if is_asked and node.attr not in found and ast.unparse(node.value) in owners:
            found[node.attr] = _attributes_asked(tuple(f"{owner}.{node.attr}" for owner in owners), tree)
    return found


def _namespace(wanted, path, cls):
    values = (
        f"{name}={_namespace(inner, f'{path}.{name}', cls) if inner else _setting(name, f'{path}.{name}', cls)}"
        for name, inner in wanted.items()
    )
    return f"SimpleNamespace({', '.join(values)})"


def _setting(name, path, cls):
    """For `cfg.name`: None where that is allowed for, several where it is taken as a row."""
    text = _plain_guess(name)
    if any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], (ast.Is, ast.IsNot))
        and ast.unparse(node.left) == path
        and ast.unparse(node.comparators[0]) == "None"
        for node in ast.walk(_tree_of(cls))
    ):
        return "None"
    return _row(text, max(_items_taken(path, cls), 2)) if text.isdigit() and _is_used_as_row(path, cls) else text


def _plain_guess(name):
    return guessed(name) or "16"


def _together(cls, texts, settled, parameters):
    """Guesses that have to fit each other: a residual block's input has as many channels as its output."""
    expansion = getattr(cls, "expansion", None)
    required = [name for name, one in parameters.items() if one.default is one.empty and name not in settled]
    first = [name for name in required if texts[name] == "64"]
    if isinstance(expansion, int) and expansion > 1 and len(first) >= 2:
        texts[first[0]] = str(64 * expansion)
    for sides in (("h", "w"), ("height", "width"), ("img_h", "img_w")):
        if {*sides} <= {*required}:
            texts.update(dict.fromkeys(sides, "64"))
            texts.update({name: "3" for name in ("channels", "c") if name in required})
