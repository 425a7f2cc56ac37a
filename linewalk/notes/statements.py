"""What one statement does: where its result goes, which way a branch went, or what is certain without a run."""

import ast
from dataclasses import replace

import torch
import torch.nn as nn

from ..source import COMPOUND
from . import library
from .facts import module_facts
from .instrument import one_line
from .library import Row
from .names import public_name
from .operations import OPERATORS, as_built, joined, lower
from .record import shape_text


class Statements:
    """Puts the statements of one `Reading` into words."""

    def __init__(self, reading, operations, coverage):
        self.reading = reading
        self._operations = operations
        self._coverage = coverage

    def say(self, node, entry, run, reason):
        """What is said of a statement.

        Args:
            node: the `ast.stmt`; entry: the `Function` around it, None where its source was not read.
            run: the `Run` it ran in, None where it did not run; reason: why not, "branch" for example, where known.
        """
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return library.say("python.pass", {})  # `...`
        if run is None:
            return self._not_run(node, entry, reason)
        return self._at_both_ends(node, entry, run) or library.say("python.static", self._static_facts(node))

    def _at_both_ends(self, node, entry, run):
        """What a statement does; of one that runs several times, what it does the first time and the last."""
        said = self._said(node, entry, run)
        sites = [site.index for site in self._coverage.sites_of(node) if site.index in run.expressions]
        times = max((run.expressions[index].times for index in sites), default=1)
        if times == 1 or isinstance(node, COMPOUND):
            return said
        last = [sentence for sentence in self._said(node, entry, run.at_the_end()) if sentence not in said]
        if not last:
            return said
        ends = library.say("python.first_time", {}), library.say("python.last_time", {"times": times})
        return [*ends[0], *_after_colon(said), *ends[1], *_after_colon(last)]

    def _said(self, node, entry, run):
        if isinstance(node, (ast.If, ast.While)):
            return self._condition(node, run)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._loop(node, run)
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)):
            return self._computing(node, run)
        return self.say_plainly(node, entry, run)

    def went(self, node, run):
        """Which blocks of an `if` were entered, as far as the values of its condition say: part → whether."""
        if not isinstance(node, ast.If):
            return {}
        values = self._values_of(node.test, node, run)
        known = values and all(event.result.kind in ("plain", "module") for event in (*values[0].kept, values[0].last))
        if not known:
            return {}
        truths = {text not in _FALSE for text in values[0].texts}
        return {"body": True in truths, "orelse": False in truths}

    def _values_of(self, expression, node, run):
        return [
            run.expressions[site.index]
            for site in self._coverage.sites_of(node)
            if site.node is expression and site.index in run.expressions
        ]

    def _condition(self, node, run):
        values = self._values_of(node.test, node, run)
        body = self.went(node, run).get("body", self._coverage.any_ran(node.body, run))
        kind = "python.while" if isinstance(node, ast.While) else "python.if"
        facts = {
            "test": one_line(node.test),
            "taken": body,
            "parts": self._values_in(node.test, run) or None,
            "bare": isinstance(node.test, (ast.Name, ast.Attribute)),
            "has_else": bool(node.orelse),
            "values": Row(values[0].texts) if values else None,
            "times": values[0].times if values else 1,
        }
        facts["both"] = bool(values) and len({text not in _FALSE for text in values[0].texts}) > 1
        facts |= self._test_facts(node.test, run)
        return library.say(kind, facts)

    def _test_facts(self, test, run):
        """What kind of question a condition asks, where there is more to say about it."""
        negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        inner = test.operand if negated else test
        is_none = (
            isinstance(inner, ast.Compare)
            and len(inner.ops) == 1
            and isinstance(inner.ops[0], (ast.Is, ast.IsNot))
            and isinstance(inner.comparators[0], ast.Constant)
            and inner.comparators[0].value is None
        )
        return {
            "asks_none": is_none,
            "what": one_line(inner.left) if is_none else one_line(inner),
            "asks_not": is_none and isinstance(inner.ops[0], ast.IsNot),
            "asks_training": ast.unparse(inner) == "self.training",
            "asks_scripting": "is_scripting" in ast.unparse(inner) or "is_tracing" in ast.unparse(inner),
        }

    def _values_in(self, expression, run):
        """The values of the names in a condition: "`stride` = 1, `self.downsample` = Sequential"."""
        said = {}
        watched = [self.reading.sites[node.site] for node in ast.walk(expression) if hasattr(node, "site")]
        for site in watched:
            if isinstance(site.node, (ast.Name, ast.Attribute)) and site.index in run.expressions:
                seen = run.expressions[site.index].first.result
                known = seen.kind in ("plain", "module", "tensor") or (seen.value is not None and seen.kind == "many")
                if known and (site.parent is None or not isinstance(site.parent.node, ast.Attribute)):
                    said[site.text] = seen.text
        return Row(f"`{text}` = {value}" for text, value in list(said.items())[:4])

    def _loop(self, node, run):
        values = [
            run.expressions[site.index]
            for site in self._coverage.sites_of(node)
            if site.node is node.iter and site.index in run.expressions
        ]
        times = max((self._rounds(child, node, run) for child in node.body), default=0)
        over = values[0].first.result if values else None
        facts = {
            "target": one_line(node.target),
            "over": one_line(node.iter),
            "times": times,
            "over_type": over.text if over is not None and over.kind != "callable" else None,
        }
        return library.say("python.for", facts)

    def _rounds(self, child, loop, run):
        """How often a statement in a loop's body ran."""
        if child.lineno > loop.lineno:
            return self._coverage.begun(child, run)
        times = self._coverage.times(child, [child], run)
        seen = [site.index for site in self._coverage.sites_of(child) if site.index in run.expressions]
        if seen:
            return max(run.expressions[index].times for index in seen)
        return max(times - 1, 0)  # it shares the loop's line, on which Python also sees that nothing is left

    def _computing(self, node, run):
        """An assignment, a return, or a bare call: what it computes from the inside out, and where that goes."""
        value = node if isinstance(node, ast.AugAssign) else node.value
        if value is None:
            return library.say("python.return_nothing" if isinstance(node, ast.Return) else "python.annotation", {})
        parts = self._operations.parts(node, run)
        root = next((site for site in self._coverage.sites_of(node) if site.node is value), None)
        if root and root.index not in run.expressions:
            return library.say("python.unfinished", {})
        result = run.expressions[root.index].first.result if root and root.index in run.expressions else None
        sentences = joined([part for part in parts if part.said or part.numbers])
        return sentences + self._where_it_goes(node, value, result, parts, run)

    def _where_it_goes(self, node, value, result, parts, run):
        facts = {
            "value": result.text if result else _constant(value),
            "kind": result.kind if result else "plain",
            "source": one_line(value),
            "computed": bool(parts),
            "shape": result.text if result is not None and result.kind == "tensor" else None,
        }
        if isinstance(node, ast.Return):
            return library.say("python.return", facts)
        if isinstance(node, ast.AugAssign):
            return [] if isinstance(node.target, ast.Name) and hasattr(node, "site") else self._update(node, run)
        if isinstance(node, ast.Expr):
            return self._yielded(value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        target = targets[0]
        facts |= {"target": one_line(target), "others": len(targets) > 1}
        facts["is_own"] = isinstance(value, ast.Attribute) and not any(part.said for part in parts)
        is_weight = isinstance(target, ast.Attribute) and target.attr == "weight"
        facts["is_tied"] = facts["is_own"] and is_weight and value.attr == "weight"
        if isinstance(target, (ast.Tuple, ast.List)):
            return library.say("python.unpack", facts | self._unpacked(target, result, value))
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
            return self._kept_on_self(target, value, result, parts, facts)
        if isinstance(target, ast.Subscript):
            return library.say("python.set_item", facts | self._container(node, target, run))
        if isinstance(target, ast.Attribute) and target.attr == "requires_grad" and isinstance(value, ast.Constant):
            return library.say("python.requires_grad", facts | {"of": one_line(target.value), "on": value.value})
        told = [part.site.node for part in parts if part.said or part.numbers]
        if told and (result is None or result.kind not in ("plain", "many", "dict") or value in told):
            return []
        return self._yielded(value) or library.say("python.assign", facts)

    def _container(self, node, target, run):
        """What `x[i] = …` writes into, as far as it was looked at."""
        facts = {"of": one_line(target.value), "index": one_line(target.slice), "kind": None, "is_copy": False}
        known = self._values_of(target.value, node, run)
        if not known:
            return facts
        seen, event = known[0].first.result, known[0].first
        is_copy = seen.kind == "tensor" and isinstance(target.value, ast.Subscript) and bool(event.inputs)
        return facts | {"kind": seen.kind, "is_copy": is_copy and not event.shares, "whole": _root_of(target.value)}

    def _yielded(self, value):
        if not isinstance(value, (ast.Yield, ast.YieldFrom)):
            return []
        facts = {"value": one_line(value.value) if value.value else None, "whole": isinstance(value, ast.YieldFrom)}
        return library.say("python.yield", facts)

    def _update(self, node, run):
        """`self.n += 1`, `x[0] *= 2`: what is there changes, and no name stands for anything else."""
        name = ast.unparse(node.target)
        root = ast.unparse(node.target.value) if isinstance(node.target, ast.Subscript) else name
        steps = [step for step in (run.trail if run and run.trail else ()) if step.lineno == node.lineno]
        changes = [step.changed[root] for step in steps if root in step.changed]
        plain = changes and root == name and all(change.after.shape is None for change in changes)
        facts = {
            "target": one_line(node.target),
            "value": one_line(node.value),
            "sign": OPERATORS.get(type(node.op)),
            "before": changes[0].before.text if plain and changes[0].before else None,
            "after": changes[-1].after.text if plain else None,
            "in_place": bool(changes) and changes[0].in_place,
        }
        return library.say("python.update", facts)

    def _unpacked(self, target, result, value):
        names = [ast.unparse(element) for element in target.elts]
        star = next((place for place, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
        facts = {"count": len(names), "given": None, "rows": None, "star": None}
        facts["as_written"] = isinstance(value, (ast.Tuple, ast.List)) and star is None
        if star is not None:
            facts |= {"star": names[star], "rest": None}
            if result is not None and (result.items or result.shape):
                facts["rest"] = (len(result.items) or result.shape[0]) - len(names) + 1
            return facts
        if result is not None and result.kind == "tensor" and result.shape and result.shape[0] == len(names):
            facts["rows"] = Row(f"`{name}` = {shape_text(result.shape[1:])}" for name in names)
        if result is not None and result.kind == "many" and len(result.items) == len(names):
            facts["given"] = Row(f"`{name}` = {item.text}" for name, item in zip(names, result.items, strict=True))
        return facts

    def _kept_on_self(self, target, value, result, parts, facts):
        if result is None and not isinstance(value, ast.Constant):
            return []
        if result is not None and result.kind == "module":
            if parts and any(p.built for p in parts):
                return []
            return library.say(
                "python.register",
                facts | module_facts(result.value) | {"name": f"self.{target.attr}", "type": result.text},
            )
        if parts and any(p.said or p.numbers for p in parts) and not (result and result.kind == "plain"):
            return library.say("python.keep_result", facts)
        return library.say("python.keep", facts | {"value": facts["value"], "is_none": facts["value"] == "None"})

    # without a run

    def _not_run(self, node, entry, reason):
        """A line that did not run: why, and what it would do as far as that is certain without running it."""
        module = self._layer_in(node, entry)
        static = []
        if module is not None:
            facts = module_facts(module) | self._operations.neighbours(module) | {"name": self._layer_name(node)}
            facts |= as_built(module, node.value)
            if self._builds(node, module):
                static = library.say(public_name(module) or "", facts, "build") or library.say(
                    "python.build_module", facts
                )
                return static if reason is None else [*library.say("python.not_run", {"reason": reason}), *static]
        held = self._held_now(node, entry) if reason is None else []
        if held:
            return held
        said = library.say(
            "python.not_run",
            {
                "reason": reason,
                "function": entry.name if entry else None,
                "kind": type(node).__name__,
                "had_input": self.reading.forward is not None,
                "source": one_line(node).split(":")[0],
            },
        )
        return [*said, *self.say_plainly(node, entry, None)]

    def _held_now(self, node, entry):
        """What the module that was handed over holds where this line puts something; its parent's `__init__`."""
        module, targets = self.reading.module, getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text = ast.unparse(node.value.func)
            if text.startswith("super(") and text.endswith(".__init__") and self.reading.cls.__bases__[0] is nn.Module:
                return library.say(
                    "Module.__init__", {"zero_argument": "super()" in text, "cls": self.reading.cls.__name__}
                )
        sets = isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign))
        if module is None or not sets or len(targets) != 1 or not isinstance(targets[0], ast.Attribute):
            return []
        if ast.unparse(targets[0].value) != "self" or not hasattr(module, targets[0].attr):
            return []
        value = getattr(module, targets[0].attr)
        is_other = isinstance(node.value, ast.Constant) and repr(node.value.value) != repr(value)
        if is_other or _assignments(targets[0].attr, entry) > 1:
            return []  # another line has put there what is there now
        facts = {"target": one_line(targets[0]), "source": one_line(node.value) if node.value else None}
        if isinstance(value, nn.Module):
            return library.say("python.holds", facts | module_facts(value) | {"kind": "module"})
        if isinstance(value, torch.Tensor) and value.layout is torch.strided:
            return library.say(
                "python.holds",
                facts
                | {
                    "kind": "parameter" if isinstance(value, nn.Parameter) else "tensor",
                    "value": shape_text(value.shape),
                },
            )
        if value is None or isinstance(value, (int, float, bool, str)):
            return library.say("python.holds", facts | {"kind": "plain", "value": repr(value)})
        return []

    def _layer_in(self, node, entry):
        """The layer that `self.x = …` built, as the module that was handed over holds it now."""
        targets = node.targets if isinstance(node, ast.Assign) else []
        if self.reading.module is None or len(targets) != 1 or not isinstance(targets[0], ast.Attribute):
            return None
        if ast.unparse(targets[0].value) != "self":
            return None
        value = getattr(self.reading.module, targets[0].attr, None)
        named = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else None
        is_the_one = _assignments(targets[0].attr, entry) < 2 or _assignments(targets[0].attr, entry, named) == 1
        return value if isinstance(value, nn.Module) and is_the_one else None

    def _layer_name(self, node):
        return ast.unparse(node.targets[0])

    def _builds(self, node, module):
        """Whether the call on this line names the very class of the layer."""
        if not isinstance(node.value, ast.Call):
            return False
        return ast.unparse(node.value.func).rpartition(".")[2] == type(module).__name__

    def say_plainly(self, node, entry, run):
        facts = {
            "source": one_line(node)
            if not isinstance(node, COMPOUND)
            else "",
            "ran": run is not None,
        }
        if isinstance(node, (ast.With, ast.AsyncWith)):
            facts["items"] = Row(f"`{one_line(item.context_expr)}`" for item in node.items)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            facts["name"] = node.name
        if isinstance(node, ast.Assert):
            facts["test"] = one_line(node.test)
        if isinstance(node, ast.Raise):
            facts["what"] = one_line(node.exc) if node.exc else None
        if isinstance(node, ast.Match):
            facts["what"] = one_line(node.subject)
        computes = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr, ast.If, ast.While, ast.For)
        said = [] if isinstance(node, computes) else library.say(f"python.{type(node).__name__.lower()}", facts)
        if run is None and isinstance(node, ast.AugAssign):
            said = self._update(node, None)
        if run is None and isinstance(node, (ast.Expr, ast.Assign)):
            said = self._yielded(node.value)
        parts = self._operations.parts(node, run) if run is not None else []
        for part in parts if isinstance(node, (ast.With, ast.AsyncWith, ast.Raise)) else []:
            said += [*part.said]
        if said or run is not None:
            return said
        return library.say("python.static", facts | self._static_facts(node))

    def _layer_called(self, value):
        """The class of the layer that a call would call, as the module holds it; None where it is none of its own."""
        if not isinstance(value, ast.Call) or self.reading.module is None:
            return None
        name = ast.unparse(value.func)
        held = dict(self.reading.module.named_modules()).get(name.removeprefix("self."))
        return type(held).__name__ if name.startswith("self.") and held is not None else None

    def _static_facts(self, node):
        value = getattr(node, "value", None)
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        return {
            "target": one_line(targets[0]) if targets[0] is not None else None,
            "test": one_line(node.test) if hasattr(node, "test") else None,
            "over": one_line(node.iter) if hasattr(node, "iter") else None,
            "calls": one_line(value.func) if isinstance(value, ast.Call) else None,
            "layer": self._layer_called(value),
            "value": one_line(value) if value is not None else None,
            "statement": type(node).__name__,
        }


_FALSE = ("False", "None", "0", "0.0", "''", "[]", "()")


def _assignments(attribute, entry, call=None):
    """How many lines of a function give `self.attribute` something, or the result of a call of that name."""
    return sum(
        isinstance(node, ast.Assign)
        and any(ast.unparse(target) == f"self.{attribute}" for target in node.targets)
        and (call is None or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == call))
        for node in (ast.walk(entry.tree) if entry is not None else ())
    )


def _root_of(node):
    while isinstance(node, ast.Subscript):
        node = node.value
    return one_line(node)


def _after_colon(sentences):
    """The same as they go on after a colon."""
    first, *rest = sentences
    return [first if first.item else replace(first, en=lower(first.en)), *rest]


def _constant(node):
    return repr(node.value) if isinstance(node, ast.Constant) else None
