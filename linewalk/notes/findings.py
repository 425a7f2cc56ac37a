"""What often goes wrong and did here: each finding is proven by the run, or by trying."""

import ast

import torch
import torch.nn as nn
from torch.utils._pytree import tree_leaves, tree_map_only

from ..errors import Bilingual
from ..walking import walk
from .flow import called, tensors_in
from .trials import unnoticed

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_SOFTMAX = ("F.softmax", "torch.softmax", "Tensor.softmax", "nn.Softmax")
_CROSS_ENTROPY = ("F.cross_entropy", "nn.CrossEntropyLoss")
_MOST_TRIED = 20_000_000  # numbers in weights and inputs: a larger module is not run a second time
_MOST_NAMED = 6


def findings(reading, flow):
    """`Bilingual`s, the gravest first.

    Args:
        reading: a `Reading` that has run; flow: its `Flow`.
    """
    found = [*_failures(reading)]
    if reading.module is not None:
        found += _layers_in_lists(reading.module)
        if reading.forward is not None and reading.forward.error is None and reading.forward.trail is not None:
            found += _after_forward(reading, flow)
    return found


def _after_forward(reading, flow):
    return [
        *_gave_nothing(reading),
        *_gradients(reading),
        *_softmax_twice(reading),
        *_idle_biases(reading, flow),
        *_training_without_gradients(reading),
        *_only_this_batch(reading),
    ]


# what the run raised


def _failures(reading):
    for run in (reading.init, reading.forward):
        text = str(run.error) if run is not None and run.error is not None else ""
        if "before Module.__init__() call" in text:
            yield Bilingual(
                "`__init__` 里没有先写 `super().__init__()`，第一层就挂不上去：把它放到 `__init__` 的第一行。",
                "`__init__` does not begin with `super().__init__()`, so the first layer cannot be hung on: put it on "
                "the first line of `__init__`.",
            )
        if "Expected more than 1 value per channel when training" in text:
            yield Bilingual(
                "批归一化在训练模式下，每个通道只看到 1 个数，算不出标准差：换大一点的批，或先调用 `eval()`。",
                "In training mode a batch norm got only 1 value per channel and cannot work out a deviation: use a "
                "larger batch, or call `eval()` first.",
            )


def _gave_nothing(reading):
    if reading.forward.trail.output is None:
        yield Bilingual(
            "`forward` 交回的是 `None`：多半漏写了 `return`。",
            "`forward` gives back `None`: most likely its `return` is missing.",
        )


# what is registered


def _layers_in_lists(module):
    registered = {id(parameter) for parameter in module.parameters()}
    for name, value in vars(module).items():
        if name.startswith("_") or not isinstance(value, (list, tuple, dict)):
            continue
        inside = [
            item for item in (value.values() if isinstance(value, dict) else value) if isinstance(item, nn.Module)
        ]
        lost = sum(p.numel() for item in inside for p in item.parameters() if id(p) not in registered)
        if lost:
            kind = "nn.ModuleDict" if isinstance(value, dict) else "nn.ModuleList"
            yield Bilingual(
                f"`self.{name}` 是普通的 Python 容器，里面的层没有登记：{lost:,} 个参数优化器看不到。请用 `{kind}`。",
                f"`self.{name}` is a plain Python container, and the layers in it are not registered: {lost:,} "
                f"parameters that no optimizer sees. Use `{kind}`.",
            )


def _idle_biases(reading, flow):
    for name, module in reading.module.named_modules():
        follower = flow.next(module)
        if isinstance(follower, _NORMS) and getattr(module, "bias", None) is not None and _feeds(module, follower):
            count = module.bias.numel()
            yield Bilingual(
                f"`{name}` 带着 {count:,} 个偏置，后面紧跟着批归一化：训练时加多少就被减掉多少。"
                "写 `bias=False` 省下它们。",
                f"`{name}` has {count:,} biases, and a batch norm follows at once: in training, whatever they add is "
                "taken away again. `bias=False` saves them.",
            )


def _feeds(module, norm):
    channels = getattr(module, "out_channels", getattr(module, "out_features", None))
    return channels == norm.num_features and isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear))


# gradients


def _gradients(reading):
    """Parameters that get no gradient, and in-place writes that gradients do not survive: a backward pass is tried."""
    module, output = reading.module, reading.forward.trail.output
    results = [
        leaf for leaf in _tensors(output) if leaf.requires_grad and leaf.is_floating_point() and not leaf.is_meta
    ]
    wanted = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if not results or not wanted:
        return
    try:
        total = sum(result.float().sum() for result in results)
        gradients = torch.autograd.grad(total, list(wanted.values()), allow_unused=True, retain_graph=True)
    except RuntimeError as error:
        if "modified by an inplace operation" in str(error):
            lines = _lines_in_place(reading)
            zh, en = (f"：看第 {lines} 行", f": see line {lines}") if lines else ("", "")
            yield Bilingual(
                f"反向传播报错：求梯度要用的张量被原地改掉了{zh}。",
                f"The backward pass fails: a tensor that it needs was overwritten in place{en}.",
            )
        return
    missed = [name for (name, _), gradient in zip(wanted.items(), gradients, strict=True) if gradient is None]
    yield from _without_gradient(reading, missed, wanted)


def _without_gradient(reading, missed, wanted):
    ran = _modules_that_ran(reading)
    owners = {}
    for name in missed:
        owners.setdefault(name.rpartition(".")[0], []).append(name)
    unused = [owner for owner in owners if owner and owner not in ran and not _is_within(owner, ran)]
    if unused:
        count = sum(wanted[name].numel() for owner in unused for name in owners[owner])
        tops = _named(sorted({_outermost_unused(owner, unused, reading.module) for owner in unused}))
        yield Bilingual(
            f"登记了却没有用到：{tops}（{count:,} 个参数）。这一次的 `forward` 没有调用它们，训练也不会改动它们。",
            f"Registered and not used: {tops} ({count:,} parameters). This `forward` did not call them, and training "
            "would not change them.",
        )
    cut = [name for owner in owners if owner not in unused for name in owners[owner]]
    if cut:
        count = sum(wanted[name].numel() for name in cut)
        yield Bilingual(
            f"得不到梯度的参数：{_named(cut)}（{count:,} 个）。结果和它们之间没有梯度的路，训练时它们不会变。",
            f"Parameters that get no gradient: {_named(cut)} ({count:,}). No path for gradients leads to them from the "
            "result, and training would not change them.",
        )


def _modules_that_ran(reading):
    ran = set()

    def collect(calls):
        for call in calls:
            if call.is_module:
                ran.add(call.name)
            collect(call.calls)

    for step in reading.forward.trail:
        collect(step.calls)
    names = {id(module): name for name, module in reading.module.named_modules()}
    for number, expression in reading.forward.expressions.items():
        site = reading.sites[number]
        if isinstance(site.node, ast.Call):
            function = called(site, expression.first)
            if function is not None and function.kind == "module" and id(function.value) in names:
                ran.add(names[id(function.value)])
    return ran


def _is_within(name, ran):
    """Whether a module that ran holds this one: it may have used its weights without calling it."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in ran for end in range(1, len(parts)))


def _outermost_unused(name, unused, module):
    parts = name.split(".")
    for end in range(1, len(parts)):
        outer = ".".join(parts[:end])
        inside = {
            f"{outer}.{inner}" if inner else outer
            for inner, one in module.get_submodule(outer).named_modules()
            if any(True for _ in one.parameters(recurse=False))
        }
        if inside <= set(unused):
            return outer
    return name


def _named(names):
    shown = ", ".join(f"`{name}`" for name in names[:_MOST_NAMED])
    return shown + (", …" if len(names) > _MOST_NAMED else "")


def _lines_in_place(reading):
    lines = sorted(
        {
            reading.sites[number].node.lineno
            for number, expression in reading.forward.expressions.items()
            if any(event.wrote for event in expression.kept)
        }
    )
    return ", ".join(map(str, lines))


def _tensors(value):
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


# what the run did


def _softmax_twice(reading):
    made = {}
    events = sorted(
        (
            (reading.sites[number], event)
            for number, expression in reading.forward.expressions.items()
            for event in expression.kept
            if isinstance(reading.sites[number].node, ast.Call)
        ),
        key=lambda pair: pair[1].order,
    )
    for site, event in events:
        function = called(site, event)
        name = function.name if function is not None else None
        if name in _SOFTMAX and event.result.kind == "tensor":
            made[event.result.identity] = site
        if name in _CROSS_ENTROPY:
            for seen in tensors_in(event):
                if seen.identity in made:
                    one, other = made[seen.identity].node.lineno, site.node.lineno
                    yield Bilingual(
                        f"第 {one} 行的 Softmax 直接送进第 {other} 行的交叉熵，而交叉熵里已经有 Softmax：做了两次，"
                        "梯度会变小。去掉前一个。",
                        f"The softmax of line {one} goes straight into the cross entropy of line {other}, which has a "
                        "softmax inside: applied twice, it makes gradients smaller. Drop the first.",
                    )


def _training_without_gradients(reading):
    run = reading.forward
    if not run.training or run.grad:
        return
    ran = _modules_that_ran(reading)
    changed = [
        name
        for name, module in reading.module.named_modules()
        if isinstance(module, (*_NORMS, nn.Dropout)) and module.training and name in ran
    ]
    if changed:
        yield Bilingual(
            f"不求梯度，却还在训练模式：{_named(changed)} 按训练的办法计算。评估前要调用 `eval()`。",
            f"No gradients are kept, yet this is training mode: {_named(changed)} work as in training. Call "
            "`eval()` before evaluating.",
        )


def _only_this_batch(reading):
    """Try the same inputs twice over in one batch; a size written into `view` or `reshape` then shows."""
    trail, module = reading.forward.trail, reading.module
    inputs, output = _tensors(trail.inputs), trail.output
    if trail.kwargs or not inputs or any(not isinstance(one, torch.Tensor) for one in trail.inputs):
        return
    if any(one.is_nested or one.layout is not torch.strided for one in _tensors((inputs, output))):
        return
    batch = {one.shape[0] for one in inputs if one.dim() > 1}
    weight = sum(p.numel() for p in module.parameters()) + sum(one.numel() for one in inputs)
    same_batch = isinstance(output, torch.Tensor) and output.dim() > 0 and {output.shape[0]} == batch
    if len(batch) != 1 or weight > _MOST_TRIED or not same_batch or any(one.is_meta for one in inputs):
        return
    place = unnoticed(_fails_with_two_batches, module, reading, trail)
    if place is not None:
        number = next(iter(batch))
        yield Bilingual(
            f"第 {place} 行写死了大小：批里有 {2 * number} 个样本而不是 {number} 个，就不对了（试过）。"
            "批的大小写 `-1` 或 `x.shape[0]`。",
            f"Line {place} has a size written into it: with {2 * number} samples in the batch instead of {number} it "
            "goes wrong (it was tried). Write `-1` or `x.shape[0]` for the batch.",
        )


def _fails_with_two_batches(reading, trail, module):
    """The line with a size written into it, where the same inputs twice over in one batch do not do."""
    doubled = tree_map_only(torch.Tensor, lambda one: torch.cat([one, one]) if one.dim() > 1 else one, trail.inputs)
    try:
        with torch.no_grad():
            result = walk(module, *doubled).output
    except Exception as error:
        failed = getattr(getattr(error, "trail", None), "failed", None)
        return failed.lineno if failed is not None and _fixes_a_size(failed.source) else None
    fits = isinstance(result, torch.Tensor) and result.shape[0] == 2 * trail.output.shape[0]
    return None if fits else _line_with_a_fixed_size(reading)


def _line_with_a_fixed_size(reading):
    for number in reading.forward.expressions:
        site = reading.sites[number]
        if isinstance(site.node, ast.Call) and _fixes_a_size(site.text):
            return site.node.lineno
    return None


def _fixes_a_size(source):
    """Whether a reshaping call on this line names the first size as a number."""
    try:
        tree = ast.parse(source.strip().rstrip(":"))
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        first = node.args[0]
        first = first.elts[0] if isinstance(first, (ast.Tuple, ast.List)) and first.elts else first
        is_number = isinstance(first, ast.Constant) and isinstance(first.value, int) and first.value > 0
        if node.func.attr in ("view", "reshape", "expand") and is_number:
            return True
    return False
