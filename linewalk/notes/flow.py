"""Where tensors go: which call takes the result of which, as it ran, or else as the source says."""

import ast
import itertools
from collections import defaultdict

import torch.nn as nn

from .names import public_name


class Flow:
    """Who follows whom among the layers of one class.

    followers, leaders: id of a module → the modules (or names of functions, "F.relu") that take its result, or whose
    result it takes. Where forward ran, the run says so; where it did not, its source does, line after line.
    """

    def __init__(self, reading):
        self.followers = defaultdict(list)
        self.leaders = defaultdict(list)
        self.uses = defaultdict(int)
        self.taken_by = {}  # identity of a tensor → the name of what takes it first
        run = reading.forward
        if run is not None and run.expressions:
            self._from_run(reading, run)
        elif reading.module is not None and "forward" in reading.functions:
            self._from_source(reading)
        if reading.module is not None:
            for module in reading.module.modules():
                if isinstance(module, nn.Sequential):
                    children = list(module)
                    for one, next_one in itertools.pairwise(children):
                        self._tie(one, next_one)

    def next(self, module):
        """The one thing that takes this module's result, None where there are several or none."""
        found = {id(thing): thing for thing in self.followers.get(id(module), [])}
        return next(iter(found.values())) if len(found) == 1 else None

    def previous(self, module):
        found = {id(thing): thing for thing in self.leaders.get(id(module), [])}
        return next(iter(found.values())) if len(found) == 1 else None

    def _tie(self, one, other):
        self.followers[id(one)].append(other)
        self.leaders[id(other)].append(one)

    def _from_run(self, reading, run):
        made_by = {}
        calls = []
        for number, expression in run.expressions.items():
            site = reading.sites[number]
            if isinstance(site.node, (ast.Call, ast.BinOp, ast.AugAssign)):
                calls += [(site, event) for event in expression.kept]
                function = called(site, expression.first)
                if function is not None and function.kind == "module":
                    self.uses[id(function.value)] += expression.times
        for site, event in sorted(calls, key=lambda call: call[1].order):
            thing = _thing(site, event)
            if thing is None:
                continue
            for seen in tensors_in(event):
                self.taken_by.setdefault(seen.identity, thing_name(thing))
                maker = made_by.get(seen.identity)
                if maker is not None and maker is not thing:
                    self._tie(maker, thing)
            if event.result.kind == "tensor":
                made_by[event.result.identity] = thing

    def _from_source(self, reading):
        held = {f"self.{name}": module for name, module in reading.module.named_modules() if name}
        function = reading.functions["forward"]
        for site in function.sites:
            if isinstance(site.node, ast.Call):
                name = ast.unparse(site.node.func)
                if name in held:
                    self.uses[id(held[name])] += 1
                for inner in site.children[1:] if site.children else []:
                    inner_name = ast.unparse(inner.node.func) if isinstance(inner.node, ast.Call) else None
                    if inner_name in held:
                        self._tie(held[inner_name], held.get(name, name))
        self._in_a_row(function.tree.body, held)

    def _in_a_row(self, statements, held):
        """`out = self.a(x)` and, on the next line, `out = self.b(out)`."""
        for one, other in itertools.pairwise(statements):
            maker, target = _outermost(one), _target(one)
            if maker not in held or target is None:
                continue
            for call in ast.walk(other):
                if isinstance(call, ast.Call) and any(isinstance(a, ast.Name) and a.id == target for a in call.args):
                    name = ast.unparse(call.func)
                    self._tie(held[maker], held.get(name, name))


def tensors_in(event):
    """The tensors that an event was given, those in lists and the one whose method was called among them."""
    return [one for seen in event.inputs.values() for one in (seen, *seen.items) if one.kind == "tensor"]


def called(site, event):
    """What a call called, as `Seen`; None for an operator, or where it was not watched."""
    if not isinstance(site.node, ast.Call):
        return None
    for child in site.children:
        if child.node is site.node.func:
            return event.inputs.get(child.index)
    return None


def _thing(site, event):
    function = called(site, event)
    if function is None:
        return type(site.node.op).__name__ if isinstance(site.node, (ast.BinOp, ast.AugAssign)) else None
    return function.value if function.kind == "module" else function.name


def _outermost(statement):
    value = getattr(statement, "value", None)
    return ast.unparse(value.func) if isinstance(value, ast.Call) else None


def _target(statement):
    targets = getattr(statement, "targets", [])
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def thing_name(thing):
    """`nn.BatchNorm2d` for a module, a function's public name as it is."""
    return public_name(thing) if isinstance(thing, nn.Module) else thing
