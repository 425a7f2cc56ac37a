"""What the expressions of a statement compute, from the inside out."""

import ast
import math
import re
from dataclasses import dataclass, field, replace

import torch
import torch.nn as nn

from . import library
from .coverage import repeated
from .facts import bind, call_facts, is_convolution, is_linear, is_norm, module_facts, shape_of_computed_weight
from .flow import called, tensors_in, thing_name
from .instrument import one_line
from .library import Sentence
from .names import public_name
from .record import Seen

OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.USub: "-x",
    ast.Invert: "~",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.UAdd: "+x",
    ast.Not: "not",
}
# What these give has another's shape, and nothing of its numbers.
_SHAPE_ONLY = frozenset(
    [f"torch.{kind}_like" for kind in ("zeros", "ones", "empty", "full", "rand", "randn", "randint")]
    + [f"Tensor.new_{kind}" for kind in ("zeros", "ones", "empty", "full")]
    + ["Tensor.size", "Tensor.dim", "python.len"]
)
_PROPER = ("Softmax", "Python", "Swish", "Gaussian", "Xavier", "Kaiming", "Python's", "Bernoulli", "Euclidean")


class Operations:
    """Puts the operations of one `Reading` into words."""

    def __init__(self, reading, flow, coverage):
        self.reading = reading
        self.flow = flow
        self._coverage = coverage
        self._attribute_names = {}
        if reading.module is not None:
            self._attribute_names = {id(module): name for name, module in reading.module.named_modules() if name}

    def parts(self, node, run):
        """What a statement computes, in the order in which it does."""
        parts = []
        ran = self._in_this_round(node, [s for s in self._coverage.sites_of(node) if s.index in run.expressions], run)
        for site in sorted(ran, key=lambda site: run.expressions[site.index].first.order):
            expression = run.expressions[site.index]
            part = self._operation(site, expression, run)
            if part is not None:
                parts.append(part)
        return parts

    def _in_this_round(self, node, ran, run):
        """Of the sites that ran, those that did in the round that is told: not those of a branch taken in another."""
        value = node if isinstance(node, ast.AugAssign) else getattr(node, "value", None)
        known = run.expressions
        whole = next((site.index for site in ran if site.node is value), None)
        if whole is None or known[whole].times < 2:
            return ran
        again = {id(inner) for inner in repeated(node)}
        once = [site for site in ran if id(site.node) not in again]
        always = [known[site.index].first.order for site in once if known[site.index].times >= known[whole].times]
        begin, end = min(always), known[whole].first.order
        return [
            site for site in ran if id(site.node) in again or begin <= known[site.index].first.order <= end
        ]

    def _operation(self, site, expression, run):
        node, event = site.node, expression.first
        if isinstance(node, ast.Call):
            return self._call(site, expression, run)
        operator = getattr(node, "op", None)
        if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.AugAssign)) and type(operator) in OPERATORS:
            return self._arithmetic(site, expression, OPERATORS[type(operator)], run)
        if isinstance(node, ast.Compare) and event.result.kind == "tensor":
            return self._part(site, expression, "python.compare", None, list(event.inputs.values()), run)
        if isinstance(node, ast.Subscript) and event.result.kind == "tensor":
            inputs, index = list(event.inputs.values()), one_line(node.slice)
            if isinstance(node.slice, ast.Tuple):
                index = index.removeprefix("(").removesuffix(")")
            if (inputs and inputs[0].kind != "tensor") or (not inputs and not _can_only_be_a_tensors(node.slice)):
                return Part(site, library.say("python.item", {"of": one_line(node.value), "index": index}), [])
            by = _picked_by(inputs[1:])
            return self._part(site, expression, "Tensor[]", None, inputs, run, index=index, by=by)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)):
            facts = {"source": site.text, "value": event.result.text, "count": len(event.result.items) or None}
            return Part(site, library.say("python.comprehension", facts), [])
        if isinstance(node, ast.IfExp):
            test = next((c for c in site.children if c.node is node.test), None)
            value = run.expressions[test.index].first.result.text if test and test.index in run.expressions else None
            truth = None if value is None else value not in ("False", "None", "0")
            said = library.say(
                "python.if_expression", {"test": one_line(node.test), "truth": truth, "value": event.result.text}
            )
            return Part(site, said, [], plain=True)
        if isinstance(node, ast.Attribute) and event.result.kind == "tensor":
            name = f"Tensor.{node.attr}"
            inputs = list(event.inputs.values())
            if library.entry(name) and inputs and inputs[0].kind == "tensor":
                return self._part(site, expression, name, None, inputs, run)
        return None

    def _arithmetic(self, site, expression, sign, run):
        event, node = expression.first, site.node
        inputs = list(event.inputs.values())
        tensors = [seen for seen in inputs if seen.kind == "tensor"]
        if not tensors:
            if event.result.kind in ("plain", "many") and not isinstance(node, ast.UnaryOp):
                parts = [part for part in (site.parent,) if part is not None and isinstance(part.node, ast.BinOp)]
                if parts and not isinstance(node, ast.AugAssign):
                    return None
                target = one_line(node.target) if isinstance(node, ast.AugAssign) else None
                facts = {"source": site.text, "value": event.result.text, "target": target}
                return Part(site, library.say("python.arithmetic", facts), [], plain=True)
            return None
        extra = {
            "augmented": isinstance(node, ast.AugAssign),
            "sign": sign,
            "residual": False,
            "projected": False,
            "broadcast": len({t.shape for t in tensors}) > 1,
            "straight": None,
            "number_first": isinstance(node, ast.BinOp) and not self._is_tensor(node.left, event),
        }
        if isinstance(node, ast.AugAssign):
            extra["target"] = one_line(node.target)
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            other = [seen for seen in inputs if seen.kind == "plain"]
            extra |= {"other": other[0].value if other else _number(node)}
            if sign == "+" and len(tensors) == 2:
                first = (run.whole or run).expressions[site.index].first  # of later rounds not all is kept
                is_sum = [seen.kind for seen in first.inputs.values()] == ["tensor"] * 2
                extra |= _straight_through(node) or (self._residual(site, first, run) if is_sum else {})
        return self._part(
            site,
            expression,
            f"x {sign} y" if sign not in ("-x", "~", "+x", "not") else sign,
            None,
            inputs,
            run,
            **extra,
        )

    def _is_tensor(self, node, event):
        """Whether a part of an expression was a tensor when it ran."""
        return any(seen.kind == "tensor" and self.reading.sites[i].node is node for i, seen in event.inputs.items())

    def _residual(self, site, event, run):
        """Whether one side of a sum is an earlier value that the other was computed from: a shortcut.

        Such a value may pass a layer on its way, but it is no product of two tensors (a gate, say), and it has as many
        dimensions as what it comes from (a sum of two losses has none).
        """
        weights, ranks, products = {}, {}, set()  # weights: identity → {ancestor: most layers with weights on the way}
        for other_site, other in _events(self.reading, run):
            if other.order >= event.order or other.result.kind != "tensor":
                continue
            function = called(other_site, other)
            if function is not None and function.name in _SHAPE_ONLY:
                continue
            heavy = self._has_weights(other_site, other)
            given = tensors_in(other)
            ranks |= {one.identity: len(one.shape) for one in (*given, other.result) if one.shape is not None}
            if len(given) > 1 and isinstance(getattr(other_site.node, "op", None), (ast.Mult, ast.Div, ast.Sub)):
                products.add(other.result.identity)
            reach = {}
            for item in given:
                reach.setdefault(item.identity, heavy)
                for ancestor, count in weights.get(item.identity, {}).items():
                    reach[ancestor] = max(reach.get(ancestor, 0), count + heavy)
            if other.result.identity is not None:
                merged = weights.setdefault(other.result.identity, {})
                for ancestor, count in reach.items():
                    merged[ancestor] = max(merged.get(ancestor, 0), count)
        sides = [(child, seen) for child, seen in event.inputs.items() if seen.kind == "tensor"]
        (one, a), (two, b) = sides
        for short_site, short, long_site, long in ((one, a, two, b), (two, b, one, a)):
            from_short = weights.get(short.identity, {})
            direct = weights.get(long.identity, {}).get(short.identity, 0)
            if direct >= 1:
                return {
                    "residual": True,
                    "projected": False,
                    "shortcut": self.reading.sites[short_site].text,
                    "branch": self.reading.sites[long_site].text,
                }
            for ancestor, count in from_short.items() if short.identity not in products else ():
                if ranks.get(ancestor) != len(short.shape):
                    continue
                if count <= 1 and weights.get(long.identity, {}).get(ancestor, 0) > max(count, 1):
                    return {
                        "residual": True,
                        "projected": True,
                        "shortcut": self.reading.sites[short_site].text,
                        "branch": self.reading.sites[long_site].text,
                    }
        return {}

    def _has_weights(self, site, event):
        function = called(site, event)
        return int(
            function is not None and function.kind == "module" and any(True for _ in function.value.parameters())
        )

    def _call(self, site, expression, run):
        event = expression.first
        function = called(site, event)
        if function is None:
            return None
        if function.kind == "module":
            return self._module_call(site, expression, function, run)
        name = function.name or function.text
        if name == "Module.forward" and (parent := _forward_of(function)) is not None:
            return self._module_call(site, expression, parent, run)
        if name in ("<lambda>", "partial"):
            name = self._text_of_function(site)
        if event.result.kind == "module" and isinstance(function.value, type):
            return self._construction(site, event, function)
        if name == "Module.__init__":
            return Part(
                site,
                library.say(
                    "Module.__init__",
                    {"source": site.text, "zero_argument": "super()" in site.text, "cls": self.reading.cls.__name__},
                ),
                [],
            )
        return self._part(site, expression, name, function, None, run)

    def _module_call(self, site, expression, function, run):
        module, event = function.value, expression.first
        extra = (
            module_facts(module)
            | self.neighbours(module)
            | self._earlier(module, function.name, event, run)
            | {
                "name": self._text_of_function(site),
                "training": module.training,
                "grad": run.grad,
            }
        )
        part = self._part(site, expression, function.name, function, None, run, **extra)
        if not part.said:
            part.said = library.say("python.call_module", part.facts | {"type": function.text})
        return part

    def _earlier(self, module, name, event, run):
        """How many calls came before this one: of layers of the same kind, and of this very layer."""
        functions = [
            function
            for site, other in _events(self.reading, run)
            if other.order < event.order
            if (function := called(site, other)) is not None and function.kind == "module"
        ]
        return {
            "nth": sum(function.name == name for function in functions),
            "reuse": sum(function.value is module for function in functions),
            "use": 1 + sum(function.value is module for function in functions),
        }

    def neighbours(self, module):
        next_thing, previous = self.flow.next(module), self.flow.previous(module)
        next_name, previous_name = thing_name(next_thing), thing_name(previous)
        facts = {
            "next": next_name,
            "prev": previous_name,
            "next_is_bn": is_norm(next_name),
            "prev_is_conv": is_convolution(previous_name),
            "uses": self.flow.uses.get(id(module), 0),
            "between_linear": _is_between_linear(self.flow, module),
        }
        if isinstance(next_thing, nn.Module):
            facts["nextname"] = self._attribute_names.get(id(next_thing), type(next_thing).__name__)
            facts["next_features"] = getattr(next_thing, "num_features", None)
            facts["next_is_bn"] = facts["next_is_bn"] and facts["next_features"] == getattr(
                module, "out_channels", None
            )
        if isinstance(previous, nn.Module):
            facts["prevname"] = self._attribute_names.get(id(previous), type(previous).__name__)
        return facts

    def _construction(self, site, event, function):
        module = event.result.value
        facts = module_facts(module) | self.neighbours(module) | as_built(module, site.node)
        facts["name"] = self._registered_name(site) or self._attribute_names.get(id(module))
        facts["is_argument"] = site.parent is not None
        said = library.say(function.name, facts, "build")
        if not said:
            said = library.say("python.build_module", facts | {"type": event.result.text})
        return Part(site, said, [], built=True, facts=facts)

    def _registered_name(self, site):
        statement = site.statement
        targets = getattr(statement, "targets", [])
        if site.parent is None and len(targets) == 1 and getattr(statement, "value", None) is site.node:
            return ast.unparse(targets[0])
        return None

    def _part(self, site, expression, public, function, inputs, run, **extra):
        event = expression.first
        known = library.entry(public)
        arguments, texts, defaults = self._arguments(site, event, known, function, inputs)
        facts = defaults | extra | call_facts(event, function, arguments, texts)
        facts = {"name": public, "nth": 0, "reuse": 0, "other": None} | facts
        facts |= {"source": site.text, "gave": event.result.text, "gave_kind": event.result.kind}
        written = next((text for name, text in texts.items() if name == "out"), None)
        if written is None and event.wrote:
            written = next((child.text for child in site.children if child.index in event.wrote), None)
        facts["written"] = (written or next(iter(facts.get("xs", ())), "")).removesuffix(_method_name(site))
        facts["before_linear"] = self.flow.taken_by.get(event.result.identity) == "nn.Linear"
        said = known.say("call", facts) if known else []
        numbers = _numbers(facts, event)
        if not said and function is not None and function.kind == "callable":
            said = self._unknown(public, function, facts, event)
        plain = event.result.kind == "plain" and "inp" not in facts and event.result.text != "None"
        return Part(site, said, numbers, facts=facts, plain=plain)

    def _unknown(self, name, function, facts, event):
        own = not function.of_torch and name.partition(".")[0] not in ("Tensor", "torch", "nn", "F")
        about = {
            "function": name.removeprefix("python."),
            "own": own,
            "value": event.result.text,
            "kind": event.result.kind,
            "is_given": "in_shape" in facts,
            "makes": isinstance(function.value, type) and event.result.kind not in ("tensor", "plain"),
        }
        return library.say("python.call", facts | about)

    def _arguments(self, site, event, known, function, inputs):
        if inputs is not None:
            names = [f"arg{number}" for number in range(len(inputs))]
            texts = [child.text for child in site.children if child.index in event.inputs]
            return dict(zip(names, inputs, strict=True)), dict(zip(names, texts, strict=False)), {}
        node, by_node = site.node, {id(child.node): child for child in site.children}
        positional, keywords = [], {}
        if function is not None and function.kind == "callable" and function.items:
            receiver = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            positional.append((one_line(receiver), function.items[0]))
        for argument in node.args:
            seen = self._value_of(argument, by_node, event)
            if isinstance(argument, ast.Starred):
                inner = by_node.get(id(argument.value))
                known_list = event.inputs.get(inner.index) if inner else None
                if known_list is None or known_list.kind != "many":
                    break  # how many there are is not known, and so neither which parameters the next ones are
                positional += [(f"*{inner.text}", item) for item in known_list.items]
            else:
                positional.append((one_line(argument), seen))
        for keyword in node.keywords:
            if keyword.arg:
                keywords[keyword.arg] = (one_line(keyword.value), self._value_of(keyword.value, by_node, event))
        target = function.value if function is not None and function.kind == "callable" else None
        arguments, texts, defaults = bind(known, target, positional, keywords)
        is_open = any(keyword.arg is None for keyword in node.keywords)  # `**options` may give any of them
        return arguments, texts, {} if is_open else defaults

    def _value_of(self, node, by_node, event):
        if isinstance(node, ast.Constant):
            return Seen("plain", repr(node.value), value=node.value)
        child = by_node.get(id(node))
        return event.inputs.get(child.index) if child else None

    def _text_of_function(self, site):
        return one_line(site.node.func)


@dataclass
class Part:
    """One operation of a line: `said` of what it does, `numbers` of what it took and gave."""

    site: object
    said: list
    numbers: list
    built: bool = False
    facts: dict = field(default_factory=dict)
    plain: bool = False

    def as_item(self, others):
        """It as one of several: `self.bn(…)`: what it does; shapes."""
        first = [s for s in self.said if not s.behind][:1] + [s for s in self.numbers if not s.behind]
        holds_others = any(other is not self and _is_within(other.site, self.site) for other in others)
        text = self.site.text if len(self.site.text) <= 60 and not holds_others else self._shortened()
        zh = "".join(s.zh for s in first) or "。"
        en = " ".join(s.en for s in first) or "."
        section = next((s.section for s in first if s.section), None)
        return Sentence(f"`{text}`：{zh}", f"`{text}`: {lower(en)}", item=True, section=section)

    @property
    def more(self):
        return [s for s in self.said if not s.behind][1:] + [s for s in (*self.said, *self.numbers) if s.behind]

    def _shortened(self):
        node = self.site.node
        if isinstance(node, ast.Call):
            function = one_line(node.func)
            return f"….{function.rpartition('.')[2]}(…)" if "(" in function else f"{function}(…)"
        return self.site.text if len(self.site.text) <= 60 else self.site.text[:57] + "…"


def _method_name(site):
    """`.add_` of the site of `x.add_(1)`, whose first part is the method `x.add_`."""
    function = getattr(site.node, "func", None)
    return f".{function.attr}" if isinstance(function, ast.Attribute) else "\0"


def as_built(module, call):
    """Facts of what was built and is otherwise by now: a container that was empty, a weight that lay there."""
    if (shape := shape_of_computed_weight(module)) is not None:
        return {"params": math.prod(shape) + (shape[0] if module.bias is not None else 0)}
    is_container = isinstance(module, (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict))
    is_empty = is_container and isinstance(call, ast.Call) and not call.args and not call.keywords
    return {"count": 0, "params": 0} if is_empty else {}


def joined(parts):
    """One operation as it is; several from the inside out; what is only reckoned with plain numbers comes last."""
    main, side = [part for part in parts if not part.plain], [part for part in parts if part.plain]
    if not main:
        return [sentence for part in side for sentence in part.said]
    if len(main) == 1:
        sentences = [*main[0].said, *main[0].numbers]
    else:
        sentences = library.say("python.inside_out", {"count": len(main)})
        sentences += [part.as_item(main) for part in main]
        sentences += [replace(s, behind=True) for part in main for s in part.more]
    return sentences + list(dict.fromkeys(sentence for part in side for sentence in part.said))


def _can_only_be_a_tensors(index):
    """Whether no list takes such an index: `[..., 2]`, `[:, 0]`."""
    return isinstance(index, ast.Tuple) or (isinstance(index, ast.Constant) and index.value is ...)


def _forward_of(function):
    """For `super().forward(x)` where the parent is one of PyTorch's layers: that layer; else None."""
    owner = getattr(function.value, "__self__", None)
    code = getattr(function.value, "__func__", None)
    cls = next((cls for cls in type(owner).__mro__ if vars(cls).get("forward") is code), None)
    name = public_name(cls) if isinstance(owner, nn.Module) and cls is not None else None
    return replace(function, kind="module", value=owner, name=name, text=cls.__name__) if name else None


def _straight_through(node):
    """`x + (q - x).detach()`, either way round: the values of `q` with the gradient of `x`; {} for another sum."""
    sides = ((node.left, node.right), (node.right, node.left)) if isinstance(node, ast.BinOp) else ()
    for straight, rest in sides:
        taken_out = rest.func if isinstance(rest, ast.Call) and isinstance(rest.func, ast.Attribute) else None
        inner = taken_out.value if taken_out is not None and taken_out.attr == "detach" else None
        is_difference = isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)
        if is_difference and ast.unparse(inner.right) == ast.unparse(straight):
            return {"straight": one_line(straight), "other_value": one_line(inner.left)}
    return {}


def _picked_by(indices):
    """"mask" or "numbers" where an index holds tensors or lists of such, which makes a copy; else None."""
    parts = [part for one in indices for part in ((one, *one.items) if one.kind == "many" else (one,))]
    tensors = [part for part in parts if part.kind == "tensor" and part.shape]
    if any(part.dtype in (torch.bool, torch.uint8) for part in tensors):
        return "mask"
    has_list = any(part.kind == "many" and part.text.startswith("[") for part in parts)
    return "numbers" if tensors or has_list else None


def _is_within(inner, outer):
    while inner.parent is not None:
        inner = inner.parent
        if inner is outer:
            return True
    return False


def _numbers(facts, event):
    """What an operation took and gave, in numbers."""
    said = []
    if facts.get("macs", 0) is None:
        said = library.say("numbers.uncounted", {})
    elif "out_shape" not in facts and facts.get("macs"):
        said = library.say("numbers.counted", {"counted": facts["macs"]})
    if "out_shape" in facts and "in_shape" in facts and not facts["name"].startswith("Tensor.new_"):
        counted = facts.get("macs")
        about = facts | {
            "stays": facts["in_shape"] == facts["out_shape"],
            "several": len(facts["ins"]) > 1,
            "same": len(set(facts["ins"])) == 1,
            "n_in": len(facts["ins"]),
            "named": facts["x"].isidentifier(),
            "counted": counted or None,
            "shares": bool(event.shares),
            "same_object": bool(event.same_as),
        }
        said = [*library.say("numbers", about), *said]
    return said


def _events(reading, run):
    """Every kept event of calls and sums, in the order they ran."""
    run = run.whole or run
    if not hasattr(run, "_ordered"):
        wanted = (ast.Call, ast.BinOp, ast.AugAssign, ast.Subscript, ast.UnaryOp)
        run._ordered = sorted(
            (
                (reading.sites[number], event)
                for number, expression in run.expressions.items()
                if isinstance(reading.sites[number].node, wanted)
                for event in expression.kept
            ),
            key=lambda pair: pair[1].order,
        )
    return run._ordered


def _is_between_linear(flow, module):
    before, after = thing_name(flow.previous(module)), thing_name(flow.next(module))
    return is_linear(after) and (is_linear(before) or is_norm(before))


def _number(node):
    sides = (node.right, node.left) if isinstance(node, ast.BinOp) else (node.value,)
    return next((side.value for side in sides if isinstance(side, ast.Constant)), None)


def lower(text):
    """An English sentence as it goes on after a colon: a name keeps its capital."""
    word = re.match(r"[A-Za-z']*", text)[0]
    is_name = (len(word) > 1 and any(letter.isupper() for letter in word[1:])) or word in _PROPER
    return text if is_name or not word else text[0].lower() + text[1:]
