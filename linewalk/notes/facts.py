"""The facts of one call: what an entry's sentences are filled with."""

import inspect

import torch
import torch.nn as nn

from ..trail import count_of
from .library import Row
from .record import shape_text

_PLAIN = (int, float, bool, str, type(None))
_NORMS = ("nn.BatchNorm1d", "nn.BatchNorm2d", "nn.BatchNorm3d")
_CONVOLUTIONS = ("nn.Conv1d", "nn.Conv2d", "nn.Conv3d")
_LINEAR = (*_CONVOLUTIONS, "nn.Linear")


def module_facts(module):
    """A module's own numbers: its public plain attributes, its weight's shape, its children, its parameters."""
    facts = {name: value for name, value in vars(module).items() if not name.startswith("_") and _is_plain(value)}
    for name, value in vars(type(module)).items():
        if not name.startswith("_") and _is_plain(value):
            facts.setdefault(name, value)
    for name, parameter in module.named_parameters(recurse=False):
        if torch.nn.parameter.is_lazy(parameter):
            continue
        facts[name] = tuple(parameter.shape)
    for name in [name for name, parameter in module._parameters.items() if parameter is None]:
        facts[name] = None
    if (shape := shape_of_computed_weight(module)) is not None:
        facts["weight"] = shape
    children = list(module.children())
    facts |= {
        "type": type(module).__name__,
        "params": sum(map(count_of, module.parameters())),
        "buffers": sum(map(count_of, module.buffers())),
        "trainable": sum(count_of(parameter) for parameter in module.parameters() if parameter.requires_grad),
        "held": sum(1 for _ in module.parameters()),
        "count": len(children),
        "children": _listed([type(child).__name__ for child in children]),
    }
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        facts |= _convolution_facts(module)
    return facts


def shape_of_computed_weight(module):
    """The shape of a weight that is worked out each time, by weight norm or the like; None where it just lies there.

    From the layer's own numbers: to read `module.weight` would work it out, which may change what it is made from.
    """
    if "weight" in module._parameters:
        return None
    if isinstance(module, nn.Linear):
        return module.out_features, module.in_features
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return module.out_channels, module.in_channels // module.groups, *module.kernel_size
    return None


def _convolution_facts(module):
    kernel, stride, padding, dilation = module.kernel_size, module.stride, module.padding, module.dilation
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    numeric = not isinstance(padding, str)
    return {
        "bias": None if module.bias is None else tuple(module.bias.shape),
        "per_group": module.in_channels // module.groups,
        "reach": reach,
        "patches": len(kernel) == 2 and kernel == stride and kernel[0] > 1 and numeric and set(padding) == {0},
        "keeps_size": numeric
        and set(stride) == {1}
        and all(2 * p == r - 1 for p, r in zip(padding, reach, strict=True)),
    }


def call_facts(event, function, arguments, texts):
    """What one call took and gave.

    Args:
        event: the `Event`; function: the `Seen` of what was called, or None for an operator.
        arguments: `Seen` by parameter name; texts: source by parameter name.
    """
    tensors = [seen for seen in arguments.values() if seen.kind == "tensor"]
    lists = [seen for seen in arguments.values() if seen.kind == "many" and any(i.kind == "tensor" for i in seen.items)]
    facts = {
        name: seen.value for name, seen in arguments.items() if seen.kind in ("plain", "many") and _is_plain(seen.value)
    }
    facts |= {"arguments": tuple(arguments), "texts": texts}
    facts["unseen"] = tuple(name for name in texts if name not in arguments)
    if tensors:
        facts |= {"inp": tensors[0].shape, "in_shape": tensors[0].text, "ins": tuple(seen.shape for seen in tensors)}
        facts["shapes"] = _listed([seen.text for seen in tensors])
        facts["xs"] = tuple(texts[name] for name, seen in arguments.items() if seen.kind == "tensor")
        facts["x"] = facts["xs"][0]
    if event.result.kind == "tensor":
        facts |= {"out": event.result.shape, "out_shape": event.result.text, "dtype": short(event.result.dtype)}
    if event.result.kind == "many":
        facts |= {"results": len(event.result.items), "result_shapes": _listed([i.text for i in event.result.items])}
    if event.result.kind == "plain":
        facts["result"] = event.result.value
    if lists:
        parts = [item for item in lists[0].items if item.kind == "tensor"]
        facts |= {"how_many": len(parts), "in_shapes": tuple(item.shape for item in parts)}
        facts |= _joining_facts(facts, parts)
    facts |= {"copies": not event.shares, "in_place": bool(event.wrote), "bytes": event.bytes, "macs": event.macs}
    return facts


def _joining_facts(facts, parts):
    dim, out = facts.get("dim", 0), facts.get("out")
    if not isinstance(dim, int) or not out or any(not part.shape or len(part.shape) != len(out) for part in parts):
        return {}
    sizes = [part.shape[dim] for part in parts]
    many = f"{len(sizes)} × {sizes[0]}" if len(sizes) > 3 and len(set(sizes)) == 1 else " + ".join(map(str, sizes))
    return {"parts": many, "joined": out[dim]}


def bind(entry, function, positional, keywords):
    """Arguments by parameter name.

    Args:
        entry: the `Entry` of what was called, or None; its `args` name what Python cannot.
        function: the function or class, None where it was not kept.
        positional: [(text, Seen)]; keywords: name → (text, Seen); None for a `Seen` that was not looked at.

    Returns:
        arguments, texts, defaults: name → `Seen`, name → source, and name → plain value of what was not given.
    """
    names, defaults = [], {}
    if entry is not None and entry.args:
        for declared in entry.args:
            name, _, default = declared.partition("=")
            names.append(name)
            if default:
                defaults[name] = _value(default)
    elif function is not None:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (ValueError, TypeError):
            parameters = ()
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                break
            names.append(parameter.name)
            if _is_plain(parameter.default) and parameter.default is not parameter.empty:
                defaults[parameter.name] = parameter.default
    arguments, texts = {}, {}
    for number, (text, seen) in enumerate(positional):
        name = names[number] if number < len(names) and not names[number].startswith("*") else f"arg{number}"
        arguments[name], texts[name] = seen, text
    for name, (text, seen) in keywords.items():
        arguments[name], texts[name] = seen, text
    known = {name: seen for name, seen in arguments.items() if seen is not None}
    return known, texts, {name: value for name, value in defaults.items() if name not in texts}


def _value(text):
    return {"False": False, "True": True, "None": None}.get(
        text, int(text) if text.lstrip("-").isdigit() else _float(text)
    )


def _float(text):
    try:
        return float(text)
    except ValueError:
        return text


def _is_plain(value):
    if isinstance(value, _PLAIN):
        return True
    return isinstance(value, (tuple, list)) and all(isinstance(item, _PLAIN) for item in value)


def _listed(texts):
    """Texts in a row; many are cut, a run of equals counted."""
    counted = []
    for text in texts:
        if counted and counted[-1][0] == text:
            counted[-1][1] += 1
        else:
            counted.append([text, 1])
    shown = [
        f"{text} ×{times}" if times > 2 else text for text, times in counted for _ in range(1 if times > 2 else times)
    ]
    return Row(shown[:8] + ["…"] * (len(shown) > 8))


def short(dtype):
    return str(dtype).removeprefix("torch.")


def is_norm(name):
    return name in _NORMS


def is_convolution(name):
    return name in _CONVOLUTIONS


def is_linear(name):
    return name in _LINEAR


__all__ = ["bind", "call_facts", "is_convolution", "is_linear", "is_norm", "module_facts", "shape_text", "short"]
