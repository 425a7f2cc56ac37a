"""A step as people see it in a notebook: an HTML card."""

import ast
from functools import cache
from html import escape
from importlib.resources import files

import torch

from ..errors import Bilingual
from ..recording.values import contents
from ..trail import Described, field_text
from .again import again
from .cuboids import cuboids, shape_text
from .graph import graph
from .maps import drawable, each_once, feature_maps, number, spread
from .photograph import photograph

_SIGNS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "/", ast.MatMult: "@"}
_MOST_CALLS = 6  # a line that calls more shows only the outermost, and of these the last
_MOST_RESULTS = 4  # of a line with several results
_DEEPEST = 4  # results within results
_MOST_SHAPES = 8  # a module that registers more weights shows the first ones
_PARAMETERS, _MACS = Bilingual("参数", "parameters"), Bilingual("乘加", "MACs")
_MEAN = Bilingual("均值", "mean")
_NOT_COUNTED = Bilingual("未计入", "not counted")
_GLIMPSED = 4  # maps of a tensor that are drawn where there is little room
_BEFORE = Bilingual("这一行之前", "before this line")
_AFTER = Bilingual("之后，同一块内存", "after, in the same memory")
_COMPARABLE = 4  # maps whose sizes differ by less than this factor share one scale


def card(step):
    """The step as HTML: line, shapes, feature maps, graph, facts; no script, its own small style sheet.

    Words are in both languages, as `<span lang="zh">` and `<span lang="en">`.

    Args:
        step: a `Step` of any trail.

    Returns:
        `<div>` as a string.
    """
    drawn = graph(step) if step.trail.kind == "forward" else None
    parts = [
        f'<div class="lw-error">{step.error.html()}</div>' if step.error else "",
        _shapes(step),
        _branch(step),
        _registered(step),
        _plain_changes(step),
        *_pictures(step),
        photograph(step),
        _facts(step),
        _no_graph(step) if drawn is None else "",
    ]
    where = Bilingual(
        f"第 {step.index} 步，文件第 {step.lineno} 行", f"step {step.index}, line {step.lineno} of the file"
    )
    return _card(
        f'<div class="lw-head"><code>{escape(step.source)}</code>'
        f"<span>{where.html()}</span></div>"
        f'<div class="lw-body"><div class="lw-main">{"".join(parts)}</div>{drawn or ""}</div>',
        _ties(step),
    )


def glimpse(step):
    """What the line made, small: a few maps of each result, and what was there before where it wrote over it.

    The numbers, with the mean, are those of the whole tensors.

    Args:
        step: a `Step` of a forward trail.

    Returns:
        figures as a string, "" for a line that made nothing to see.
    """
    if step.error:
        return ""
    change = step.changed.get(step.result)
    if change and change.same_as and not step.ops:
        return ""
    made = list(_arguments(step).items()) if step.source.startswith("def ") else _results(step)
    made = made or [(name, step.value(name)) for name in [step.result] if name]
    made = [(name, value) for name, value in made[:_MOST_RESULTS] if drawable(value)]
    if change and change.in_place and change.before and [name for name, _ in made] == [step.result]:
        before, after = step.before(step.result), made[0][1]
        scale = max(spread(before).typical, spread(after).typical)
        return "".join(
            _small(step, step.result, value, scale, when) for value, when in ((before, _BEFORE), (after, _AFTER))
        )
    return "".join(_small(step, name, value) for name, value in made)


def _small(step, name, value, scale=None, when=None):
    mean = f"<span>{_MEAN.html()} {number(each_once(value).double().mean().item())}</span>"
    facts = f" <span>{when.html()}</span> {mean}" if when else f" {mean}"
    return feature_maps(
        value, name, _GLIMPSED, scale, heading=_heading(name, facts), words=False, places=_places(step, name)
    )


def trail_table(trail):
    """A whole `Trail` as an HTML table, a string: index, line, what changed, parameters, multiply–accumulates."""
    heads = [Bilingual("代码行", "line"), Bilingual("变化", "what changed"), _PARAMETERS]
    numbers = ["params", "macs"] if trail.macs != 0 else ["params"]
    heads += [_MACS] if trail.macs != 0 else []
    rows = "".join(
        f"<tr><td class=lw-n>{step.index}</td><td><code>{escape(step.source)}</code></td>"
        f"<td><code>{escape(_change_text(step))}</code></td>"
        + "".join(f"<td class=lw-n>{_count(getattr(step, name))}</td>" for name in numbers)
        + "</tr>"
        for step in trail
    )
    total = "".join(f"<th class=lw-n>{_known(getattr(trail, name))}</th>" for name in numbers)
    heading = "".join(f"<th>{words.html()}</th>" for words in heads)
    return _card(
        f'<div class="lw-wide" tabindex="0"><table class="lw-table"><thead><tr><td></td>{heading}</tr></thead>'
        f'<tbody>{rows}'
        f"<tr><td></td><th>{Bilingual('合计', 'total').html()}</th><td></td>{total}</tr></tbody></table></div>"
    )


def _card(inside, ties=""):
    return f'<div class="lw-card"{ties}><style>{_style()}</style>{inside}</div>'


def _ties(step):
    """What a page needs to tie the card to its line, to ask about it, and to compute it: attributes of its element."""
    made = {step.result: step.value(step.result)} if step.result and not step.error else {}
    if step.source.startswith("def "):
        made = _arguments(step)
    used = [] if step.error or step.trail.kind == "init" else _operands(step)
    ties = {
        "step": step.index,
        "line": step.lineno,
        "shape": ", ".join(f"{name} {Described(value).text}" for name, value in made.items()),
        "from": ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in used),
        "params": step.params or "",
        "macs": step.macs or "",
        "field": _field(step) if step.receptive_field and step.ops else "",
        "again": again(step.trail) if step.trail.kind == "forward" else "",
    }
    return "".join(f' data-{name}="{value}"' for name, value in ties.items() if value != "")


def _field(step):
    """A square's side, else all sides: "3", "1×7"."""
    return step.receptive_field if isinstance(step.receptive_field, int) else field_text(step)


@cache
def _style():
    return files(__package__).joinpath("card.css").read_text(encoding="utf-8").replace("\n", "")


# shapes


def _shapes(step):
    """The line's operands and its result as cuboids."""
    if step.trail.kind == "init":
        return "".join(
            _filters(entry.name, shape)
            for entry in step.registered.values() for key, shape in entry.shapes.items()
            if key == "weight" and shape is not None and len(shape) == 4
        )
    operands = _operands(step)
    if step.source.startswith("def "):
        operands = [(name, tuple(value.shape)) for name, value in _arguments(step).items()]
    result = step.result
    shape = result and Described(step.value(result)).shape
    if shape is None or step.error or (step.source.startswith("return") and not step.ops):
        return cuboids(operands, sign=_sign(step), current=not step.error) if operands else ""
    return cuboids(operands, (result, shape), _sign(step), _through(step, result))


def _filters(name, shape):
    """The first and the last filter of a convolution's weight, (out, in, height, width)."""
    ends = [0, shape[0] - 1] if shape[0] > 1 else [0]
    return cuboids([(f"{name}.weight[{index}]", (1, *shape[1:])) for index in ends], sign="…", zoom=1.8)


def _operands(step):
    found = []
    for name in step.statement.reads:
        try:
            value = step.before(name)
        except KeyError:
            continue
        if (shape := Described(value).shape) is not None:
            found.append((name, shape))
    return found


def _arguments(step):
    """The tensors that a signature was given, by name."""
    return {name: step.value(name) for name, change in step.changed.items() if change.after.shape is not None}


def _sign(step):
    try:
        node = ast.parse(step.source).body[0]
    except SyntaxError:  # a header without its body
        return ""
    operation = node if isinstance(node, ast.AugAssign) else getattr(node, "value", None)
    return _SIGNS.get(type(getattr(operation, "op", None)), "")


def _through(step, result):
    calls = _calls(step)
    if step.changed.get(result) and step.changed[result].same_as and not step.ops:
        return "is"
    return calls[0].name if len(calls) == 1 and not _sign(step) else ""


def _calls(step):
    """What the line called, one entry a layer: a container of a few layers counts as these."""
    layers = [layer for call in step.calls for layer in ([c for c in call.calls if c.is_module] or [call])]
    return layers if len(layers) <= _MOST_CALLS else step.calls[-_MOST_CALLS:]


# pictures


def _pictures(step):
    if step.trail.kind == "init" or step.error:
        return []
    if step.source.startswith("def "):
        return _inputs(step)
    several = _results(step)
    if len(several) > 1 or (several and step.result is None):
        return [
            feature_maps(value, name, 8, None, _weights(step), _heading(name), words=False, places=_places(step, name))
            for name, value in several[:_MOST_RESULTS]
        ]
    if step.result is None:
        return []
    change = step.changed.get(step.result)
    value = step.value(step.result)
    if not drawable(value):
        return []
    operands = [name for name, shape in _operands(step) if shape == tuple(value.shape)]
    if _sign(step) and len(operands) > 1:
        return _sum(step, operands, value)
    if change and change.in_place and operands == [step.result]:
        return _before_and_after(step, step.before(step.result), value)
    calls = [call for call in _calls(step) if call.value is not None and drawable(call.value)]
    if len(calls) > 1:
        return _chain(calls, step, value)
    if change and change.same_as and not step.ops:
        return []
    return [feature_maps(value, step.result, weights=_weights(step), places=_places(step, step.result))]


def _results(step):
    """All tensors that the line made, by name: several names, or what a tuple, list or dict holds; else nothing."""
    if step.source.startswith("return"):
        whole = step.changed.get("return")
        return _inside(_returned_names(step), whole.value) if whole else []
    found = []
    for name in step.statement.targets:
        if name in step.changed and not step.source.startswith(("for ", "with ")):
            found += _inside(name, step.changed[name].value)
    return found


def _inside(name, value, depth=0):
    if isinstance(value, torch.Tensor):
        return [(name, value)] if drawable(value) else []
    if depth == _DEEPEST:  # it may hold itself
        return []
    if isinstance(value, dict):
        items = [(f"{name}[{key!r}]", item) for key, item in contents(value)[:_MOST_RESULTS]]
    elif isinstance(value, (list, tuple)):
        held = contents(value)
        names = name if isinstance(name, list) else [f"{name}[{index}]" for index in range(len(held))]
        items = list(zip(names, held, strict=False))[:_MOST_RESULTS]
    else:
        return []
    return [pair for inner, item in items for pair in _inside(inner, item, depth + 1)]


def _returned_names(step):
    """What `return a, b` calls its results, a list; of one result, "return"."""
    try:
        value = ast.parse(step.source.replace("return", "_ =", 1)).body[0].value
    except SyntaxError:
        return "return"
    return [ast.unparse(part) for part in value.elts] if isinstance(value, (ast.Tuple, ast.List)) else "return"


def _weights(step):
    """Whose weights made the maps; None while the walk has used none, and only its inputs' makers would know."""
    used = any(earlier.params for earlier in step.trail if earlier.index <= step.index)
    return step.trail.weights if used else None


def _inputs(step):
    values = _arguments(step)
    if len(values) == 1:
        return [feature_maps(value, name, places=_places(step, name)) for name, value in values.items()]
    return [
        feature_maps(value, name, 8, heading=_heading(name), words=False, places=_places(step, name))
        for name, value in values.items()
    ]


def _places(step, name):
    """Which axes of what `name` stands for are places."""
    change = step._last_change(name, step.index + 1)
    return change and change.places


def _before_and_after(step, before, after):
    was, became = spread(before), spread(after)
    scale = max(was.typical, became.typical)
    places = _places(step, step.result)
    return [
        feature_maps(before, step.result, scale=scale, heading=f"<p>{_BEFORE.html()}</p>", words=False,
                     places=places, stats=was),
        feature_maps(after, step.result, scale=scale, heading=f"<p>{_AFTER.html()}</p>", weights=_weights(step),
                     places=places, stats=became),
    ]


def _sum(step, operands, after):
    """A row of maps for each operand and one for the result, on one scale."""
    rows = [step.before(name) for name in operands]
    *spreads, became = map(spread, (*rows, after))
    scale = max(stats.typical for stats in (*spreads, became))
    places = _places(step, step.result)
    signs = ["", *[f"{_sign(step)} "] * (len(rows) - 1)]
    figures = [
        feature_maps(value, name, 8, scale, None, _heading(f"{sign}{name}"), False, places, stats)
        for sign, name, value, stats in zip(signs, operands, rows, spreads, strict=True)
    ]
    heading = _heading(f"→ {step.result}")
    result = feature_maps(after, step.result, 8, scale, _weights(step), heading, places=places, stats=became)
    return [*figures, result]


def _chain(calls, step, result):
    """A row of maps for each call, and one for the result where it is none of theirs.

    Neighbours of like size share a scale, so that they can be compared.
    """
    scales, spreads = [], [spread(call.value) for call in calls]
    for typical in (stats.typical for stats in spreads):
        shared = scales and 1 / _COMPARABLE < typical / (scales[-1] or 1) < _COMPARABLE
        scales.append(scales[-1] if shared else typical)
    figures = []
    for place, (call, scale, stats) in enumerate(zip(calls, scales, spreads, strict=True), 1):
        facts = f" <code>{shape_text(call.value.shape)}</code>"
        facts += f" <span>{_PARAMETERS.html()} {call.params:,}</span>" if call.params else ""
        facts += f" <span>{_MACS.html()} {_known(call.macs)}</span>" if call.macs != 0 else ""
        heading = _heading(f"{place} {call.name} {call.type_name if call.is_module else ''}", facts)
        last = place == len(calls) and _same(call.value, result)
        name, weights = (step.result, _weights(step)) if last else (call.name, None)
        figures.append(feature_maps(call.value, name, 8, scale, weights, heading, last, call.places, stats))
    if not last:
        heading = _heading(f"→ {step.result}")
        places = _places(step, step.result)
        figures.append(feature_maps(result, step.result, 8, None, _weights(step), heading, places=places))
    return figures


def _same(one, other):
    return one is other or (one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other))


def _heading(code, facts=""):
    return f"<p><code><b>{escape(code.strip())}</b></code>{facts}</p>"


def _no_graph(step):
    if step.trail.kind == "init":
        return ""
    words = Bilingual("forward 没有走完，所以没有计算图。", "forward did not finish, so there is no graph.")
    return f'<p class="lw-note">{words.html()}</p>'


# words and numbers


def _branch(step):
    taken = _taken(step)
    if taken is None:
        return ""
    words = Bilingual(
        "条件不成立：跳过它下面缩进的行。", "The condition does not hold: its indented lines are skipped."
    )
    if taken:
        words = Bilingual("条件成立：接着走它下面缩进的行。", "The condition holds: its indented lines run next.")
    return f'<p class="lw-note">{words.html()}</p>'


def _taken(step):
    """Whether the `if` that this step is went into its body; None for another line, or where it cannot be told."""
    following = step.trail[step.index + 1:step.index + 2]
    if step.statement.body is None or not following:
        return None
    start, end = step.statement.body
    return start <= following[0].lineno <= end


def _registered(step):
    if not step.registered:
        return ""
    columns = [
        (Bilingual("登记的名字", "registered"), lambda entry: f"<td><code>self.{escape(entry.name)}</code></td>"),
        (Bilingual("类型", "type"), lambda entry: f"<td><code>{escape(entry.type_name)}</code></td>"),
    ]
    if any(entry.shapes for entry in step.registered.values()):
        columns += [
            (Bilingual("形状", "shapes"), lambda entry: f"<td>{_weight_shapes(entry)}</td>"),
            (_PARAMETERS, lambda entry: f"<td class=lw-n>{_count(entry.params)}</td>"),
        ]
    heading = "".join(f"<th>{words.html()}</th>" for words, _ in columns)
    rows = "".join(f"<tr>{''.join(cell(entry) for _, cell in columns)}</tr>" for entry in step.registered.values())
    return f'<table class="lw-table"><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>'


def _weight_shapes(entry):
    shown = list(entry.shapes.items())[:_MOST_SHAPES]
    later = Bilingual("由第一次的输入决定", "set by the first input").html()
    lines = [
        f"<code>{escape(key)} {later if shape is None else '×'.join(map(str, shape))}</code>" for key, shape in shown
    ]
    return "<br>".join(lines + ["…"] * (len(entry.shapes) > _MOST_SHAPES))


def _plain_changes(step):
    """Names that got a value without a shape: numbers, None, lists, classes."""
    changes = [
        change for name, change in step.changed.items()
        if change.after.shape is None and name.removeprefix("self.") not in step.registered
    ]
    lines = [_assignment(change) for change in changes]
    if step.source.startswith("class ") and step.trail.module is not None:
        lines = [f"__mro__ = {' → '.join(cls.__name__ for cls in type(step.trail.module).__mro__)}"]
    if not lines:
        return ""
    lines = "".join(f"<li><code>{escape(line)}</code></li>" for line in lines)
    return f'<ul class="lw-facts">{lines}</ul>'


def _assignment(change):
    before = f"{change.before.text} → " if change.before and change.before.text != change.after.text else ""
    return f"{change.name}: {before}{change.after.text}" if before else f"{change.name} = {change.after.text}"


def _facts(step):
    facts = []
    if step.params and not step.registered:
        facts.append((_PARAMETERS, f"{step.params:,}"))
    if step.macs is None:
        facts.append((_MACS, f"{_NOT_COUNTED.html()} <code>{escape(', '.join(dict.fromkeys(step.uncounted)))}</code>"))
    elif step.macs:
        facts.append((_MACS, f"{step.macs:,}"))
    if step.receptive_field and step.ops:
        facts.append((Bilingual("感受野（在输入上）", "receptive field on the input"), field_text(step)))
    facts += _memory(step)
    items = "".join(f"<li>{f'{words.html()} ' if words else ''}<b>{value}</b></li>" for words, value in facts)
    return f'<ul class="lw-facts">{items}</ul>' if items else ""


def _memory(step):
    for change in step.changed.values():
        if change.same_as:
            name, other = escape(change.name), escape(change.same_as[0])
            words = Bilingual("同一个对象，什么也没有复制", "the same object, nothing is copied")
            return [(words, f"<code>{name} is {other}</code>"), *_kind(change.after)]
    change = step.changed.get(step.result)
    if change is None or change.after.shape is None or not step.ops:
        return []
    if change.in_place:
        words = Bilingual("原地写，改的是原来的内存", "in place, over the old memory of")
        return [(words, f"<code>{escape(change.name)}</code>"), *_kind(change.after)]
    if all(map(_is_view, step.ops)):
        return [(Bilingual("视图，和原来共用内存", "a view, sharing memory"), ""), *_kind(change.after)]
    value = step.value(step.result)
    new_memory = Bilingual("结果占用的新内存", "new memory for the result")
    return [(new_memory, _bytes(value.numel() * value.element_size())), *_kind(change.after)]


def _kind(described):
    return [(None, f"<code>{_short(described.dtype)} · {described.device}</code>")] if described.dtype else []


def _is_view(op):
    packet = getattr(torch.ops.aten, op.removeprefix("aten."), None)
    return packet is not None and getattr(packet, packet.overloads()[0]).is_view


def _change_text(step):
    texts = [f"{entry.name}: {entry.type_name}" for entry in step.registered.values()]
    for name, change in step.changed.items():
        if name.removeprefix("self.") in step.registered:
            continue
        before = f"{change.before.text} → " if change.before and change.before.text != change.after.text else ""
        note = " (in place)" if change.in_place else f" (is {change.same_as[0]})" if change.same_as else ""
        texts.append(f"{name}: {before}{change.after.text}{note}")
    return "; ".join(texts)


def _count(number):
    return _known(number) if number != 0 else ""


def _known(number):
    return _NOT_COUNTED.html() if number is None else f"{number:,}"


def _bytes(count):
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _short(dtype):
    return str(dtype).removeprefix("torch.")
