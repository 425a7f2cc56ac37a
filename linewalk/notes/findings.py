"""What often goes wrong and did here: each finding is proven by the run, or by trying."""

import ast
import copy
import difflib
import re
import traceback

import torch
import torch.nn as nn
from torch.utils._pytree import tree_leaves, tree_map_only

from ..errors import Bilingual
from ..trail import count_of
from ..walking import walk
from .flow import called
from .reading import run_forward
from .trials import unnoticed


def _classes(*names):
    return tuple(getattr(nn, name) for name in names if hasattr(nn, name))  # the page's own torch has not all


_NORMS = _classes("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
_LINEAR = _classes("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Linear")
_DROPPING = _classes("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
_MOST_TRIED = 20_000_000  # numbers in weights and inputs: a larger module is not run a second time
_MOST_NAMED = 6
_DEEPEST = 4  # containers in containers


def findings(reading, flow):
    """`Bilingual`s, the gravest first.

    Args:
        reading: a `Reading` that has run; flow: its `Flow`.
    """
    found = [*_failures(reading)]
    if reading.module is not None:
        found += _layers_in_lists(reading.module, reading.forward.given if reading.forward is not None else ())
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
        *_dropout_at_evaluation(reading),
        *_only_this_batch(reading),
        *_only_this_size(reading),
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
        if text and run is reading.forward and type(reading.module).forward is _NO_FORWARD:
            yield _forward_is_missing(type(reading.module))
        if "a leaf Variable that requires grad is being used in an in-place operation" in text:
            yield Bilingual(
                "参数被原地改写，而它要求梯度，PyTorch 不许：改写参数要放在 `torch.no_grad()` 里。",
                "A parameter that wants gradients is overwritten in place, which PyTorch refuses: overwrite parameters "
                "within `torch.no_grad()`.",
            )
        if "Expected more than 1 value per channel when training" in text or "more than 1 spatial element" in text:
            yield Bilingual(
                "归一化在训练模式下，每个通道只看到 1 个数，算不出标准差：换大一点的批或更大的图，或先调用 `eval()`。",
                "In training mode a normalization got only 1 value per channel and cannot work out a deviation: use a "
                "larger batch or larger maps, or call `eval()` first.",
            )


_NO_FORWARD = nn.Module.forward


def _forward_is_missing(cls):
    alike = difflib.get_close_matches("forward", vars(cls), n=1)
    zh, en = (f"，有的是 `{alike[0]}`：改正它的名字", f", but a `{alike[0]}`: correct its name") if alike else (
        "：看看它是不是缩进错了，没有写在类里",
        ": look whether it is indented so that it is not in the class",
    )
    return Bilingual(
        f"`{cls.__name__}` 没有 `forward`{zh}。调用模块时运行的就是它。",
        f"`{cls.__name__}` has no `forward`{en}. It is what runs when the module is called.",
    )


def _gave_nothing(reading):
    trail = reading.forward.trail
    last = [step.source for step in trail if step.caller is None][-1]
    if trail.output is None and not re.search(r"\breturn( None)?$", last):
        yield Bilingual(
            "`forward` 交回的是 `None`：多半漏写了 `return`。",
            "`forward` gives back `None`: most likely its `return` is missing.",
        )


# what is registered


def _layers_in_lists(module, given):
    """`given`: the ids of forward's inputs, which are no parameters where it keeps them."""
    registered = {id(parameter) for parameter in module.parameters()}
    on_meta = any(parameter.is_meta for parameter in module.parameters())
    for owner, one in module.named_modules():
        for name, value in vars(one).items():
            if name in _MODULES_OWN:
                continue
            said = f"`self.{owner}.{name}`" if owner else f"`self.{name}`"
            hidden = [
                p for p in _parameters_in(value)
                if p.requires_grad and p.is_meta == on_meta and id(p) not in registered and id(p) not in given
            ]
            lost = sum(map(count_of, hidden))
            if lost and isinstance(value, torch.Tensor):
                yield Bilingual(
                    f"{said} 要求梯度，却只是张量，没有登记：{lost:,} 个数优化器看不到。请用 `nn.Parameter` 包起来。",
                    f"{said} wants gradients and is a mere tensor, not registered: {lost:,} numbers that no optimizer "
                    "sees. Wrap it in `nn.Parameter`.",
                )
            elif lost:
                kind = "Dict" if isinstance(value, dict) else "List"
                kind = f"nn.{'Parameter' if not any(_modules_in(value)) else 'Module'}{kind}"
                yield Bilingual(
                    f"{said} 是普通的 Python 容器，里面的东西没有登记：{lost:,} 个参数优化器看不到。请用 `{kind}`。",
                    f"{said} is a plain Python container, and what is in it is not registered: {lost:,} parameters "
                    f"that no optimizer sees. Use `{kind}`.",
                )


_MODULES_OWN = frozenset(vars(nn.Module()))


def _inside(value, depth=0):
    """What lies in Python's containers, these left out."""
    if isinstance(value, (list, tuple, dict, set)):
        for item in (value.values() if isinstance(value, dict) else value) if depth < _DEEPEST else ():
            yield from _inside(item, depth + 1)
    else:
        yield value


def _modules_in(value):
    return [item for item in _inside(value) if isinstance(item, nn.Module)]


def _parameters_in(value):
    """Parameters in containers, those of modules there too; tensors that are none and might be meant for it."""
    if isinstance(value, torch.Tensor):
        return [value] if value.is_leaf and value.requires_grad else []
    own = [item for item in _inside(value) if isinstance(item, torch.Tensor) and item.is_leaf and item.requires_grad]
    return [*own, *(p for one in _modules_in(value) for p in one.parameters())] if value is not None else []


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
    return channels == norm.num_features and isinstance(module, _LINEAR)


# gradients


def _gradients(reading):
    """Parameters that get no gradient, and in-place writes that gradients do not survive: a backward pass is tried."""
    module, output = reading.module, reading.forward.trail.output
    kept = [value for one in module.modules() for name, value in vars(one).items() if name not in _MODULES_OWN]
    results = [
        leaf for leaf in (*_held(output), *(leaf for leaf in _held(kept) if leaf.grad_fn is not None))
        if leaf.requires_grad and leaf.is_floating_point() and not leaf.is_meta
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
            many = "s" if "," in lines else ""
            zh, en = (f"：看第 {lines} 行", f": see line{many} {lines}") if lines else ("", "")
            yield Bilingual(
                f"反向传播报错：求梯度要用的张量被原地改掉了{zh}。",
                f"The backward pass fails: a tensor that it needs was overwritten in place{en}.",
            )
        return
    missed = [name for (name, _), gradient in zip(wanted.items(), gradients, strict=True) if gradient is None]
    yield from _without_gradient(reading, missed, wanted)


def _held(value, depth=0):
    """The tensors in a result: in containers, and in objects of any class."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in (value.values() if isinstance(value, dict) else value) if depth < _DEEPEST else ():
            yield from _held(item, depth + 1)
    elif depth < _DEEPEST and not isinstance(value, (nn.Module, type)) and not callable(value):
        yield from _held(getattr(value, "__dict__", None), depth + 1)


def _without_gradient(reading, missed, wanted):
    ran = _modules_that_ran(reading)
    owners = {}
    for name in missed:
        owners.setdefault(name.rpartition(".")[0], []).append(name)
    unused = [owner for owner in owners if owner and owner not in ran and not _is_within(owner, ran)]
    if not reading.forward.training:
        for_training = _named_where_training_leads(reading)
        kept = {owner for owner in unused if owner.partition(".")[0] in for_training}
        owners = {owner: names for owner, names in owners.items() if owner not in kept}
        unused = [owner for owner in unused if owner not in kept]
    if unused:
        count = sum(count_of(wanted[name]) for owner in unused for name in owners[owner])
        tops = _named(sorted({_outermost_unused(owner, unused, reading.module) for owner in unused}))
        yield Bilingual(
            f"登记了却没有用到：{tops}（{count:,} 个参数）。这一次的 `forward` 没有调用它们，训练也不会改动它们。",
            f"Registered and not used: {tops} ({count:,} parameters). This `forward` did not call them, and training "
            "would not change them.",
        )
    cut = [name for owner in owners if owner not in unused for name in owners[owner]]
    if cut:
        count = sum(count_of(wanted[name]) for name in cut)
        yield Bilingual(
            f"得不到梯度的参数：{_named(cut)}（{count:,} 个）。结果和它们之间没有梯度的路，训练时它们不会变。",
            f"Parameters that get no gradient: {_named(cut)} ({count:,}). No path for gradients leads to them from the "
            "result, and training would not change them.",
        )


def _named_where_training_leads(reading):
    """The attributes of `self` that are named where only training leads: `if self.training: … self.aux(x)`."""
    named = set()
    for entry in (*reading.functions.values(), *reading.helpers):
        for node in ast.walk(entry.tree):
            if isinstance(node, (ast.If, ast.IfExp)) and "self.training" in ast.unparse(node.test):
                named |= {
                    inner.attr for inner in ast.walk(node)
                    if isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "self"
                }
    return named


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
        | {step.lineno for step in reading.forward.trail if step.in_place}
    )
    return ", ".join(map(str, lines))


def _tensors(value):
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


# what the run did


def _softmax_twice(reading):
    for kind, one, other in reading.forward.squashed:
        if kind == "cross_entropy":
            yield Bilingual(
                f"第 {one} 行的 Softmax 直接送进第 {other} 行的交叉熵，而交叉熵里已经有 Softmax：做了两次，"
                "梯度会变小。去掉前一个。",
                f"The softmax of line {one} goes straight into the cross entropy of line {other}, which has a "
                "softmax inside: applied twice, it makes gradients smaller. Drop the first.",
            )
        if kind == "binary_cross_entropy_with_logits":
            yield Bilingual(
                f"第 {one} 行的 sigmoid 直接送进第 {other} 行带 logits 的交叉熵，而它里面已经有 sigmoid：做了两次。"
                "去掉前一个。",
                f"The sigmoid of line {one} goes straight into the cross entropy with logits of line {other}, which "
                "has a sigmoid inside: it is applied twice. Drop the first.",
            )
        if kind == "nll_loss":
            yield Bilingual(
                f"第 {one} 行的 Softmax 直接送进第 {other} 行的 `nll_loss`，它要的是对数：换成 `log_softmax`。",
                f"The softmax of line {one} goes straight into the `nll_loss` of line {other}, which wants logarithms: "
                "use `log_softmax`.",
            )


def _training_without_gradients(reading):
    run = reading.forward
    if not run.training or run.grad:
        return
    ran = _modules_that_ran(reading)
    changed = [
        name
        for name, module in reading.module.named_modules()
        if module.training and name in ran and _differs_in_training(module)
    ]
    if changed:
        yield Bilingual(
            f"不求梯度，却还在训练模式：{_named(changed)} 按训练的办法计算。评估前要调用 `eval()`。",
            f"No gradients are kept, yet this is training mode: {_named(changed)} work as in training. Call "
            "`eval()` before evaluating.",
        )


def _differs_in_training(module):
    if isinstance(module, _NORMS):
        return module.track_running_stats
    if isinstance(module, _DROPPING):
        return module.p > 0
    if isinstance(module, _classes("RNNBase")):
        return module.dropout > 0 and module.num_layers > 1
    return isinstance(module, _classes("MultiheadAttention")) and module.dropout > 0


def _dropout_at_evaluation(reading):
    """`F.dropout(x, 0.5)`, which drops in either mode."""
    if reading.forward.training:
        return
    for number, expression in reading.forward.expressions.items():
        site = reading.sites[number]
        function = called(site, expression.first)
        if function is None or function.kind != "callable" or function.name not in _DROPOUTS:
            continue
        named = {keyword.arg: keyword.value for keyword in site.node.keywords}
        share = named.get("p", site.node.args[1] if len(site.node.args) > 1 else None)
        drops_nothing = isinstance(share, ast.Constant) and share.value == 0
        if len(site.node.args) < 3 and not {"training", None} & named.keys() and not drops_nothing:
            yield Bilingual(
                f"第 {site.node.lineno} 行的 `{function.name}` 在评估模式下照样丢：要写 `training=self.training`。",
                f"Line {site.node.lineno}: `{function.name}` drops in evaluation mode, too. Write "
                "`training=self.training`.",
            )


_DROPOUTS = tuple(f"F.{name}" for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"))


def _only_this_batch(reading):
    """Try the same inputs twice over in one batch; a size written into `view` or `reshape` then shows."""
    trail, module = reading.forward.trail, reading.module
    inputs, output = _tensors(trail.inputs), trail.output
    if trail.kwargs or not inputs or any(not isinstance(one, torch.Tensor) for one in trail.inputs):
        return
    if any(one.is_nested or one.layout is not torch.strided for one in _tensors((inputs, output))):
        return
    batch = {one.shape[0] for one in inputs if one.dim() > 1}
    weight = sum(map(count_of, module.parameters())) + sum(one.numel() for one in inputs)
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


def _only_this_size(reading):
    """Try pictures twice as high and wide; a fully connected layer after a flatten then does not fit."""
    trail, module = reading.forward.trail, reading.module
    pictures = [one for one in _tensors((trail.inputs, trail.kwargs)) if one.dim() == 4 and one.is_floating_point()]
    weight = sum(map(count_of, module.parameters())) + 4 * sum(one.numel() for one in pictures)
    if len(pictures) != 1 or trail.kwargs or weight > _MOST_TRIED or pictures[0].is_meta:
        return
    line = unnoticed(_does_not_fit_twice_the_size, module, trail)
    if line is not None:
        height, width = pictures[0].shape[2:]
        yield Bilingual(
            f"第 {line} 行的全连接层只认 {height}×{width} 的图：换成 {2 * height}×{2 * width} 就报错（试过）。"
            "在它前面放 `nn.AdaptiveAvgPool2d`，多大的图都行。",
            f"The fully connected layer of line {line} takes pictures of {height}×{width} only: with {2 * height}×"
            f"{2 * width} it fails (it was tried). With `nn.AdaptiveAvgPool2d` before it, any size will do.",
        )


def _does_not_fit_twice_the_size(trail, module):
    """The line of a fully connected layer that fails with larger pictures."""
    larger = tree_map_only(
        torch.Tensor, lambda one: one.repeat(1, 1, 2, 2) if one.dim() == 4 and one.is_floating_point() else one,
        trail.inputs,
    )
    try:
        with torch.no_grad():
            walk(module, *larger)
    except RuntimeError as error:
        failed = getattr(getattr(error, "trail", None), "failed", None)
        passed = {frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)}
        is_linear = nn.Linear.forward.__code__ in passed and "cannot be multiplied" in str(error)
        return failed.lineno if is_linear and failed is not None else None
    return None


def _fails_with_two_batches(reading, trail, module):
    """The line with a size written into it, where the same inputs twice over in one batch do not do."""
    doubled = tree_map_only(torch.Tensor, lambda one: torch.cat([one, one]) if one.dim() > 1 else one, trail.inputs)
    again = copy.copy(reading)
    again.module = module
    with torch.no_grad():
        run_forward(again, doubled, {})
    result = again.forward.trail.output if again.forward.error is None else None
    if isinstance(result, torch.Tensor) and result.shape[:1] == (2 * trail.output.shape[0],):
        return None
    failed = getattr(again.forward.trail, "failed", None)
    (count,) = {one.shape[0] for one in _tensors(trail.inputs) if one.dim() > 1}
    fixed = [
        site.node.lineno for number, site in reading.sites.items()
        if _first_size(site, reading.forward) == count == _first_size(site, again.forward)
    ]
    if failed is not None and failed.lineno in fixed:
        return failed.lineno
    return min(fixed, default=None) if count > 1 else None


_SIZED = (
    "view", "reshape", "expand", "broadcast_to", "unflatten", "repeat", "zeros", "ones", "empty", "full", "rand",
    "randn", "new_zeros", "new_ones", "new_full", "new_empty", "range",
)


def _first_size(site, run):
    """The first size that a call names, or how often a `range` counts, as it was in a run; None for other calls."""
    node = site.node
    name = getattr(getattr(node, "func", None), "attr", None) or getattr(getattr(node, "func", None), "id", None)
    if not isinstance(node, ast.Call) or name not in _SIZED:
        return None
    of_torch = ast.unparse(node.func) == f"torch.{name}" and name in ("reshape", "broadcast_to", "unflatten")
    place = of_torch + (name == "unflatten")
    if len(node.args) <= place or (name == "range" and len(node.args) > 1):
        return None
    size = node.args[place]
    first = size.elts[0] if isinstance(size, (ast.Tuple, ast.List)) and size.elts else size
    if isinstance(first, ast.Constant):
        return first.value
    known = run.expressions.get(getattr(size, "site", None))
    given = [event.result.value for event in known.kept] if known else []
    values = {value[0] if isinstance(value, tuple) and value else value for value in given}
    return values.pop() if len(values) == 1 else None
