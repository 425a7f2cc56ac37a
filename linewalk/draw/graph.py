"""The graph of a module, laid out once for a trail and lit step by step: torchview's, or else the walk's own record."""

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from itertools import count, pairwise
from weakref import WeakKeyDictionary

import torch
from torch.utils._pytree import tree_map_only

from ..apart import in_a_process
from ..errors import Bilingual
from ..recording.tracing import Lines, OneFunction, forward_code, forward_owner
from ..trail import Described
from .cuboids import shape_text

try:
    import pygraphviz
    import torchview
    from torchview.computation_node import FunctionNode, ModuleNode, NodeContainer, TensorNode
    from torchview.recorder_tensor import collect_tensor_node, reduce_data_info

    can_draw = True
except ImportError:  # as where a notebook service has no network: the walk's own record is drawn
    can_draw = False

_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
_CHARACTER, _NODE_HEIGHT = 6.7, 31  # pixels, for 11 px text in the widest of these fonts
_ROW, _ARC, _WIDEST_ARC = 45, 14, 90  # of the column that the walk's own record is drawn as
_MARGIN = 14  # above and below the graph, where the style sheet lets it fade
_WHOLE, _PART = 2000, 620  # pixels; of a graph taller than some 45 layers only the part around the line is drawn
_MOST_NODES = 300  # that Graphviz is asked to lay out
_layouts = WeakKeyDictionary()
_numbers = count(1)
_graphviz = None  # where there is no pygraphviz, as in a web page: see `lay_out_with`


@dataclass
class _Node:
    title: str
    type_name: str
    shape: str
    step: int | None
    kind: str
    at: tuple = (0.0, 0.0)
    size: tuple = field(default=(0.0, 0.0))


@dataclass
class _Layout:
    """A laid-out graph; lengths in pixels, y downwards."""

    width: float
    height: float
    nodes: dict
    edges: list  # (top, bottom, SVG path data)
    frames: list  # (x, y, width, height) of nested modules


def graph(step):
    """The graph of the step's trail as HTML with one SVG, its own nodes lit.

    Where its place is lower than the graph, the style sheet moves the lit node into view: `--w` is the graph's width,
    `--r` its height over its width, and `--f` how far down its height to look.

    Nodes carry `data-step` (index of the step that ran them), `data-source` (its line number) and one of the classes
    `lw-now`, `lw-done` and `lw-todo`; a step that runs no node lights none.

    Args:
        step: a `Step` of a forward trail.

    Returns:
        `<div>` as a string, or None where forward did not finish.
    """
    trail = step.trail
    if trail not in _layouts:
        _layouts[trail] = _lay_out(trail)
    layout = _layouts[trail]
    return layout and _svg(layout, step)


def lay_out_with(graphviz):
    """From now on a Graphviz that is no Python package lays out the walk's own record.

    Args:
        graphviz: gets a graph in Graphviz's language, and says in its JSON (`dot -Tjson0`) where everything lies; or
            says None, and the graph is drawn as a column. None: no Graphviz.
    """
    global _graphviz
    _graphviz = graphviz
    _layouts.clear()


def _lay_out(trail):
    if trail.kind != "forward" or trail.failed:
        return None
    if len(trail._journal.flow.nodes) <= _MOST_NODES:
        if can_draw and (drawn := in_a_process(_by_torchview, trail)):
            return drawn
        if _graphviz and (drawn := by_graphviz(trail, _graphviz)):
            return drawn
    return column(trail)


def _by_torchview(trail):
    drawn, steps_of, names = _record(trail)
    return _positions(drawn, _nodes(drawn, steps_of, names, len(trail)))


def _record(trail):
    """Run torchview on the module, in a process of its own, where nothing of the caller's can change.

    Returns:
        the `ComputationGraph`; step index by id(torchview's node); the code's names by id(module) and, for the
        arguments, by id(torchview's node).
    """
    module = trail.module
    if any(parameter.device.type != "cpu" for parameter in module.parameters()):
        module.cpu()
    for part in module.modules():
        part._forward_hooks.clear()  # they are the caller's, and this run is none of the caller's calls
        part._forward_pre_hooks.clear()
    inputs, kwargs = tree_map_only(torch.Tensor, _cpu_copy, (trail.inputs, trail.kwargs))
    torch.set_rng_state(trail._random)
    tracer = _NodeTracer(module)
    with OneFunction(forward_code(module), tracer, forward_owner(module)), torch.set_grad_enabled(trail._grad):
        drawn = torchview.draw_graph(
            module,
            input_data=list(inputs),
            device="cpu",
            mode="train" if module.training else "eval",
            depth=math.inf,
            expand_nested=True,
            # a module without submodules would be one node: its functions are all there is to see
            hide_module_functions=any(True for _ in module.children()),
            **kwargs,
        )
    if tracer.lines != [step.lineno for step in trail if step.caller is None]:
        raise RuntimeError("this run went another way: its nodes are not the trail's")
    return drawn, tracer.steps_of(trail), {id(part): name for name, part in module.named_modules()} | tracer.arguments


def _cpu_copy(tensor):
    return tensor.detach().clone().cpu()


class _NodeTracer(Lines):
    """Notes, before each statement of the copied module's forward, how many nodes torchview has by then."""

    def __init__(self, module):
        super().__init__(forward_code(module))
        self.arguments = {}
        self.lines = []
        self._context = None
        self._seen = []

    def begin(self, statement, frame):
        if self._context is None:
            for name, value in frame.f_locals.items():
                for node in reduce_data_info(value, collect_tensor_node, NodeContainer()):
                    self.arguments.setdefault(id(node.main_node), name)
                    self._context = node.context
        self._seen.append(len(self._context))
        self.lines.append(statement.lineno)

    def finish(self, frame, returned):
        self._seen.append(len(self._context))

    def steps_of(self, trail):
        """Step index by id(node), nodes nested in a module included."""
        found, own = {}, [step.index for step in trail if step.caller is None]
        for index, (start, end) in zip(own, pairwise(self._seen), strict=True):
            for node in self._context[start:end]:
                found |= dict.fromkeys(map(id, _flat(node)), index)
        return found

    def raised(self, error):
        """What fails is drawn from nothing: no graph."""


def _flat(node):
    """torchview's hierarchy, {module: [nodes]}, as one sequence."""
    if not isinstance(node, dict):
        yield node
        return
    for module, inside in node.items():
        yield module
        for child in inside:
            yield from _flat(child)


def _nodes(drawn, steps_of, names, step_count):
    """The visible nodes as `_Node`, by torchview's number for them."""
    nodes = {}
    for node in _flat(drawn.node_hierarchy):
        number = drawn.id_dict.get(node.node_id)
        if number is None or id(node) not in drawn.node_set or str(number) in nodes:
            continue
        step = steps_of.get(id(node))
        if isinstance(node, TensorNode):
            title = names.get(id(node), "input") if node.is_root() else "return"
            type_name, shape, step = "", node.tensor_shape, 0 if node.is_root() else step_count - 1
        else:
            is_module = isinstance(node, ModuleNode)
            title = names.get(node.compute_unit_id, node.name) if is_module else node.name
            type_name, shape = (node.name if is_module else ""), next(iter(node.output_shape), ())
        kind = {TensorNode: "tensor", ModuleNode: "module", FunctionNode: "function"}[type(node)]
        nodes[str(number)] = _Node(title, type_name, shape_text(shape), step, kind)
    return nodes


def _positions(drawn, nodes):
    """Hand torchview's graph to Graphviz with our own labels' sizes, and read the positions back."""
    dot = pygraphviz.AGraph(string=drawn.visual_graph.source)
    dot.graph_attr.update(nodesep="0.12", ranksep="0.15", size="", margin="0", ordering="")
    for item in dot.nodes():
        node = nodes[item]
        heading = f"{node.title} {node.type_name}".strip()
        node.size = (_CHARACTER * max(len(heading), len(node.shape)) + 14, _NODE_HEIGHT)
        item.attr.update(
            label="", shape="box", fixedsize="true", width=str(node.size[0] / 72), height=str(_NODE_HEIGHT / 72)
        )
    for frame in dot.subgraphs():
        frame.graph_attr.update(label="", margin="5")
    for edge in dot.edges():
        tail, head = edge
        if dot.out_degree(tail) == 1 and dot.in_degree(head) == 1:
            edge.attr["weight"] = "20"  # a chain stands straight
    dot.layout(prog="dot")
    return _placed(
        nodes,
        dot.graph_attr["bb"],
        {item: item.attr["pos"] for item in dot.nodes()},
        [edge.attr["pos"] for edge in dot.edges()],
        [frame.graph_attr["bb"] for frame in dot.subgraphs()],
    )


def _placed(nodes, box, places, splines, frames=()):
    """The layout that Graphviz tells of, in its own words: "left,bottom,right,top" and "x,y", from below."""
    left, bottom, right, top = map(float, box.split(","))
    for key, place in places.items():
        x, y = map(float, place.split(","))
        nodes[key].at = (x - left, top - y)
    boxes = [tuple(map(float, frame.split(","))) for frame in frames]
    framed = [(x0 - left, top - y1, x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]
    edges = [_edge(spline, left, top) for spline in splines]
    return _Layout(right - left, top - bottom, nodes, edges, framed)


def _edge(spline, left, top):
    """Graphviz's "e,x,y x,y x,y …", which names the arrow's tip first, as (top, bottom, SVG path data)."""
    tip, *points = [point.removeprefix("e,").split(",") for point in spline.split()]
    points = [(float(x) - left, top - float(y)) for x, y in (*points, tip)]
    start, *curve, tip = [f"{x:.0f} {y:.0f}" for x, y in points]
    heights = [y for _, y in points]
    return min(heights), max(heights), f"M{start}C{' '.join(curve)}L{tip}"


def by_graphviz(trail, graphviz):
    """The walk's own record as a graph that Graphviz lays out; None where it does not, see `lay_out_with`."""
    nodes, pairs = _own_record(trail)
    into, out_of = Counter(target for _, target in pairs), Counter(source for source, _ in pairs)
    lines = [
        "graph [nodesep=0.12, ranksep=0.15, margin=0]",
        f'node [label="", shape=box, fixedsize=true, height={_NODE_HEIGHT / 72}]',
        *(f'"{key}" [width={node.size[0] / 72}]' for key, node in nodes.items()),
    ]
    for source, target in pairs:
        in_a_chain = out_of[source] == into[target] == 1  # which stands straight
        lines.append(f'"{source}" -> "{target}" [weight={20 if in_a_chain else 1}]')
    told = graphviz("\n".join(["digraph {", *lines, "}"]))
    if told is None:
        return None
    said = json.loads(told)
    places = {one["name"]: one["pos"] for one in said["objects"]}
    return _placed(nodes, said["bb"], places, [one["pos"] for one in said.get("edges", ())])


def column(trail):
    """The walk's own record as a graph: what ran, from top to bottom, and beside it in arcs what was used later."""
    nodes, pairs = _own_record(trail)
    order = {key: row for row, key in enumerate(nodes)}
    width = max(node.size[0] for node in nodes.values())
    reach = max((min(_ARC * (order[target] - order[source]), _WIDEST_ARC) for source, target in pairs), default=0)
    for key, node in nodes.items():
        node.at = (width / 2, order[key] * _ROW + _NODE_HEIGHT / 2)
    edges = [_arc(nodes[source], nodes[target], order[target] - order[source]) for source, target in pairs]
    return _Layout(width + reach, (len(nodes) - 1) * _ROW + _NODE_HEIGHT, nodes, edges, [])


def _own_record(trail):
    """({key: `_Node`} in the order they ran, [(key, key)] of what went into what), from the walk itself."""
    flow = trail._journal.flow
    nodes = {f"in{i}": _Node(name, "", shape_text(shape), 0, "tensor") for i, (name, shape) in enumerate(
        zip(_argument_names(trail), flow.inputs, strict=True))}
    place = {-1 - i: key for i, key in enumerate(nodes)}
    for number, node in enumerate(flow.nodes):
        place[number] = str(number)
        kind = "module" if node.is_module else "function"
        nodes[str(number)] = _Node(node.title, node.type_name, shape_text(node.shape), node.step, kind)
    shape = Described(trail.output).shape
    nodes["out"] = _Node("return", "", shape_text(shape) if shape else "", len(trail) - 1, "tensor")
    for node in nodes.values():
        heading = f"{node.title} {node.type_name}".strip()
        node.size = (_CHARACTER * max(len(heading), len(node.shape)) + 14, _NODE_HEIGHT)
    pairs = [(place[source], place[target]) for source, target in flow.edges]
    return nodes, pairs + [(place[source], "out") for source in flow.output]


def _arc(source, target, rows):
    """From one node of a column to another: straight to the next one, in an arc on the right to those below."""
    x, start, end = source.at[0], source.at[1] + _NODE_HEIGHT / 2, target.at[1] - _NODE_HEIGHT / 2
    if rows == 1:
        return start, end, f"M{x:.0f} {start:.0f}L{x:.0f} {end:.0f}"
    start, end = source.at[1], target.at[1]
    left, right = x + source.size[0] / 2, x + target.size[0] / 2
    out = max(left, right) + min(_ARC * rows, _WIDEST_ARC)
    return start, end, f"M{left:.0f} {start:.0f}C{out:.0f} {start:.0f} {out:.0f} {end:.0f} {right + 2:.0f} {end:.0f}"


def _argument_names(trail):
    """The names that forward gave the tensors it got, where they can be told; else "input"."""
    count = len(trail._journal.flow.inputs)
    names = [name for name, change in trail[0].changed.items() if change.after.shape is not None] if trail else []
    return names if len(names) == count else ["input"] * count


def _svg(layout, step):
    focus = _focus(layout, step)
    top, height = _window(layout, focus)
    bottom, width = top + height, layout.width + 2
    arrow = f"lw-tip-{next(_numbers)}"
    states = {number: _state(node, step) for number, node in layout.nodes.items()}
    frames = "".join(
        f'<rect class="lw-frame" x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{tall:.0f}" rx="5" fill="none" '
        'stroke="currentColor" stroke-opacity=".4" stroke-dasharray="3 3"/>'
        for x, y, wide, tall in layout.frames if y < bottom and y + tall > top
    )
    edges = "".join(
        f'<path d="{path}" marker-end="url(#{arrow})"/>'
        for high, low, path in layout.edges if high < bottom and low > top
    )
    nodes = "".join(
        _draw(node, states[number], step.trail) for number, node in layout.nodes.items()
        if top - _NODE_HEIGHT < node.at[1] < bottom + _NODE_HEIGHT
    )
    label = _description([layout.nodes[number] for number, state in states.items() if state == "lw-now"], step.trail)
    zh, en = escape(label.zh, quote=True), escape(label.en, quote=True)
    cls = type(step.trail.module)
    return (
        f'<div class="lw-graph" data-subject="{cls.__module__}:{cls.__qualname__}" '
        f'style="--w:{width:.0f}px;--r:{height / width:.3f};--f:{(focus - top) / height:.3f}">'
        f'<div><svg role="img" aria-label="{zh} / {en}" data-label-zh="{zh}" data-label-en="{en}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="-1 {top:.0f} {width:.0f} {height:.0f}" '
        f'font-family="{_FONT}" font-size="11" text-anchor="middle" fill="currentColor">'
        f'<marker id="{arrow}" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L6 3L0 6z"/></marker>'
        f'{frames}<g class="lw-edges" fill="none" stroke="currentColor" stroke-opacity=".6">{edges}</g>{nodes}'
        "</svg></div></div>"
    )


def _focus(layout, step):
    """The height of what the walk has come to: the lit node, or the last one done."""
    reached = [node for node in layout.nodes.values() if node.step is not None and node.step <= step.index]
    return max(reached, key=lambda node: node.step).at[1] if reached else 0


def _window(layout, focus):
    """Top and height of the part to draw: all of it, or _PART pixels around the focus."""
    whole = layout.height + 2 * _MARGIN
    if whole <= _WHOLE:
        return -_MARGIN, whole
    return min(max(-_MARGIN, focus - _PART / 2), layout.height + _MARGIN - _PART), _PART


def _state(node, step):
    if node.step == step.index:
        return "lw-now"
    return "lw-done" if node.step is not None and node.step < step.index else "lw-todo"


def _draw(node, state, trail):
    (x, y), (width, height) = node.at, node.size
    opacity = {"lw-now": ".25", "lw-done": ".1", "lw-todo": "0"}[state]
    dashes = ' stroke-dasharray="2 3"' if state == "lw-todo" else ""
    tie = f' data-step="{node.step}" data-source="{trail[node.step].lineno}"' if node.step is not None else ""
    heading = f'<tspan font-weight="700">{escape(node.title)}</tspan>{escape(f" {node.type_name}".rstrip())}'
    return (
        f'<g class="lw-node lw-{node.kind} {state}"{tie}><rect x="{x - width / 2:.0f}" y="{y - height / 2:.0f}" '
        f'width="{width:.0f}" height="{height}" rx="{5 if node.kind == "module" else height // 2}" fill="currentColor" '
        f'fill-opacity="{opacity}" stroke="currentColor"{dashes}/>'
        f'<text x="{x:.0f}" y="{y - 4:.0f}">{heading}</text><text x="{x:.0f}" y="{y + 11:.0f}">{node.shape}</text></g>'
    )


def _description(lit, trail):
    name = type(trail.module).__name__
    where = ", ".join(f"{node.title} {node.type_name}".strip() for node in lit)
    if not where:
        return Bilingual(f"{name} 的计算图，这一行没有对应的节点", f"the graph of {name}; no node belongs to this line")
    return Bilingual(f"{name} 的计算图，亮着的是 {where}", f"the graph of {name}, lit: {where}")
