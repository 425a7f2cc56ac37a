"""The lines of a class, in the order of its source, each with what is said of it."""

import ast
from dataclasses import dataclass, field

import torch.nn as nn

from ..source import COMPOUND, own_parts, statement_of
from ..trail import Described, count_of
from . import library
from .coverage import TRIES, Coverage, bodies
from .flow import Flow
from .library import Row, Sentence
from .operations import Operations
from .record import shape_text
from .statements import Statements


@dataclass
class Line:
    """One statement, or the header of one, and what is said of it.

    first, last: its lines in the file; text: its source on one line; depth: how far it is indented, in columns.
    sentences: what is said; function: the name of the function around it, None in the class's body.
    ran: how often it ran in what was watched; None where it was not watched.
    """

    first: int
    last: int
    text: str
    depth: int
    function: str | None
    node: ast.AST
    sentences: list = field(default_factory=list)
    ran: int | None = None
    steps: list = field(default_factory=list)


class Teller:
    """Tells the lines of one `Reading`."""

    def __init__(self, reading):
        self.reading = reading
        self.flow = Flow(reading)
        self._coverage = Coverage(reading)
        self._statements = Statements(reading, Operations(reading, self.flow, self._coverage), self._coverage)

    def class_lines(self):
        """The lines of the class, in the order of the file: its head, its attributes, its methods."""
        reading = self.reading
        lines = [self._head()]
        for node in reading.node.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines += self._method(node)
            elif not _is_docstring(node):
                lines.append(self._attribute(node))
        return lines

    def helper_lines(self, entry):
        """The lines of a function outside the class, or None where it did not run."""
        run = self._run_of(entry)
        if run is None:
            return None
        padded = [""] * (entry.first - 1) + list(entry.lines)
        return self._function(entry.tree, entry, padded)

    # the class

    def _head(self):
        node, reading = self.reading.node, self.reading
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        facts = {"name": node.name, "bases": bases or None, "is_module": issubclass(reading.cls, nn.Module)}
        if reading.module is not None:
            facts |= {
                "params": sum(map(count_of, reading.module.parameters())),
                "layers": sum(1 for _ in reading.module.children()),
            }
        line = self._line(node, reading.lines, None)
        line.sentences = library.say("python.class", facts)
        return line

    def _attribute(self, node):
        line = self._line(node, self.reading.lines, None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            names = [
                name.id
                for part in own_parts(node)
                for name in ast.walk(part)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            ]
            name = names[0] if names else line.text.partition("=")[0].strip()
            facts = {
                "name": name,
                "cls": self.reading.cls.__name__,
                "annotated_only": name not in vars(self.reading.cls),
            }
            if name in vars(self.reading.cls):
                facts["value"] = _short_text(vars(self.reading.cls)[name])
            facts["used_in"] = self._lines_using(name)
            line.sentences = library.say("python.class_attribute", facts)
        else:
            line.sentences = self._statements.say_plainly(node, None, None)
        return line

    def _lines_using(self, name):
        used = sorted(
            {
                site.statement.lineno
                for site in self.reading.sites.values()
                if isinstance(site.node, ast.Attribute)
                and site.node.attr == name
                and ast.unparse(site.node.value) == "self"
            }
        )
        return Row(map(str, used)) or None

    def _method(self, node):
        entry = self.reading.functions.get(node.name)
        if entry is None or entry.tree.lineno != node.lineno:
            return self._function(node, None, self.reading.lines)
        return self._function(entry.tree, entry, self.reading.lines)

    # functions

    def _function(self, node, entry, lines):
        run = self._run_of(entry) if entry else None
        head = self._line(node, lines, node.name)
        head.sentences = self._signature(node, entry, run)
        head.ran = 1 if run else 0
        self._add_steps(head, run)
        return [head, *self._block(node.body, node.name, entry, run, lines)]

    def _run_of(self, entry):
        """The run that this function ran in: forward rather than construction, where it ran in both."""
        numbers = {site.index for site in entry.sites}
        reading = self.reading
        named = {"__init__": reading.init, "forward": reading.forward}
        for run in (named.get(entry.name), reading.forward, reading.init):
            if run is not None and (run is named.get(entry.name) or not numbers.isdisjoint(run.expressions)):
                return run
        return None

    def _signature(self, node, entry, run):
        arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        own = arguments[1:] if arguments[:1] in (["self"], ["cls"]) else arguments
        stars = [f"*{node.args.vararg.arg}"] if node.args.vararg else []
        stars += [f"**{node.args.kwarg.arg}"] if node.args.kwarg else []
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        facts = {
            "name": node.name,
            "cls": self.reading.cls.__name__,
            "has_self": arguments[:1] == ["self"],
            "arguments": Row(f"`{name}`" for name in own) or None,
            "stars": Row(f"`{s}`" for s in stars) or None,
            "ran": run is not None,
            "watched": entry is not None and bool(entry.sites),
            "named": run is None and self._is_named(node.name),
            "how_many": len(own),
            "is_method": self.reading.functions.get(node.name) is entry,
        }
        facts |= {"given": self._given(node, entry, run, own), "times": self._calls(node, run)}
        kind = {"__init__": "python.def_init", "forward": "python.def_forward"}.get(node.name, "python.def")
        told = [
            library.say("python.decorated", {"decorator": f"@{name}", "kind": _kind_of_decorator(name)})
            for name in decorators
        ]
        return [*library.say(kind, facts), *(sentence for said in told for sentence in said)]

    def _given(self, node, entry, run, own):
        step = self._step_at(node, run)
        if step is not None:
            said = [(name, _described(step.changed[name].after)) for name in own if name in step.changed]
        elif run is not None:
            said = []
            for name in own:
                seen = next(
                    (
                        run.expressions[site.index].first.result
                        for site in entry.sites
                        if isinstance(site.node, ast.Name) and site.node.id == name and site.index in run.expressions
                    ),
                    None,
                )
                if seen is not None:
                    said.append((name, seen.text))
        else:
            said = []
        return Row(f"`{name}` = {text}" for name, text in said) or None

    def _is_named(self, name):
        """Whether a line that ran reached for a method of this name on `self`."""
        runs = [run for run in (self.reading.init, self.reading.forward) if run is not None]
        reached = [self.reading.sites[number].node for run in runs for number in run.expressions]
        return any(isinstance(node, ast.Attribute) and ast.unparse(node) == f"self.{name}" for node in reached)

    def _calls(self, node, run):
        """How often a function was called, as far as that was seen."""
        steps = sum(step.lineno == node.lineno for step in (run.trail if run is not None and run.trail else ()))
        first = next((child for child in node.body if not _is_docstring(child)), None)
        return steps or (self._coverage.begun(first, run) if run is not None and first is not None else 0)

    def _step_at(self, node, run):
        for step in run.trail if run is not None and run.trail is not None else ():
            if step.lineno == node.lineno and step.source.startswith("def "):
                return step
        return None

    # statements

    def _block(self, body, function, entry, run, lines, reason=None, entered=None):
        """The lines of a block.

        `reason`: why it did not run, where it did not; `entered`: whether it is known to have been entered.
        """
        told = []
        for place, node in enumerate(body):
            if _is_docstring(node):
                continue
            ran = self._coverage.times(node, body[place:], run)
            if entered and place == 0:
                ran = ran or 1
            line = self._line(node, lines, function)
            line.ran = ran
            self._add_steps(line, run)
            why = reason if not ran else None
            if not ran and why is None and run is not None and run.error is not None:
                why = "failed"
            elif not ran and why is None and run is not None and self._would_be_seen(node, entry, run):
                why = "left"
            line.sentences = self._statements.say(node, entry, run if ran else None, why) + _written_along(line)
            if run is not None and run.error is not None and self._failed_here(node, run):
                line.sentences = self._failure(run) or line.sentences
            told.append(line)
            told += self._inside(node, function, entry, run, lines, ran, why)
        return told

    def _would_be_seen(self, node, entry, run):
        """Whether it would be known of a statement if it had run."""
        if self._coverage.sites_of(node):
            return True
        return entry is not None and self._step_at(entry.tree, run) is not None and not isinstance(node, _UNSEEN)

    def _inside(self, node, function, entry, run, lines, ran, why):
        told = []
        was = run if ran else None
        went = self._statements.went(node, was) if was else {}
        for part, body in bodies(node):
            keyword = self._keyword_line(node, part, body, lines, function)
            if keyword is not None:
                keyword.sentences = library.say(
                    f"python.{'else' if keyword.text.startswith('else') else 'finally'}",
                    {
                        "of": type(node).__name__,
                        "ran": bool(was and went.get(part, self._coverage.any_ran(body, was))),
                        "known": run is not None,
                    },
                )
                told.append(keyword)
            if part == "handlers":
                for handler in body:
                    handler_line = self._line(handler, lines, function)
                    handler_ran = bool(was and self._coverage.any_ran(handler.body, was))
                    handler_line.sentences = library.say(
                        "python.except",
                        {
                            "type": handler.type and ast.unparse(handler.type),
                            "ran": handler_ran,
                            "known": run is not None and (handler_ran or self._coverage.is_seen(handler.body)),
                        },
                    )
                    told.append(handler_line)
                    told += self._block(handler.body, function, entry, was, lines, "no_error" if was else None)
                continue
            if part == "cases":
                for case in body:
                    case_line = self._line(case, lines, function)
                    case_line.sentences = library.say("python.case", self._case_facts(case, was))
                    told.append(case_line)
                    told += self._block(case.body, function, entry, was, lines, "case" if was else None)
                continue
            reason = why or (self._reason(node, part, was) if was else None)
            told += self._block(body, function, entry, was, lines, reason, went.get(part))
        return told

    def _case_facts(self, case, run):
        return {
            "pattern": ast.unparse(case.pattern),
            "guard": ast.unparse(case.guard) if case.guard else None,
            "anything": isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None,
            "ran": run is not None and self._coverage.any_ran(case.body, run),
            "known": run is not None and self._coverage.is_seen(case.body),
        }

    def _reason(self, node, part, run):
        """Why a block of a statement that ran would not have run."""
        if isinstance(node, ast.If):
            return "branch" if part == "body" else "other_branch"
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            return "loop" if part == "body" else "break"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return "inner_function" if run is self.reading.forward else "inner_function_later"
        if isinstance(node, TRIES) and part in ("body", "orelse"):
            return "try_failed"
        return None

    def _keyword_line(self, node, part, body, lines, function):
        """The line `else:` or `finally:` before a block; an `elif` is a statement of its own."""
        if part not in ("orelse", "finalbody") or _is_elif(node, part, body, lines):
            return None
        number = body[0].lineno - 1
        while number > node.lineno and lines[number - 1].strip().split(":")[0] not in ("else", "finally"):
            number -= 1
        text = lines[number - 1].strip()
        if not text.startswith(("else", "finally")):
            return None
        depth = len(lines[number - 1]) - len(lines[number - 1].lstrip())
        return Line(number, number, text, depth, function, node)

    def _line(self, node, lines, function):
        statement = statement_of(node, lines, 1)
        first, text = statement.lineno, statement.text
        for decorator in getattr(node, "decorator_list", []):
            first = min(first, decorator.lineno)
        raw = lines[first - 1]
        if first == statement.end_lineno and hasattr(node, "col_offset") and not isinstance(node, COMPOUND):
            own = raw.encode()[node.col_offset : node.end_col_offset].decode()
            text = own if own != text and own in text else text  # one of several in a line
        return Line(first, statement.end_lineno, text, len(raw) - len(raw.lstrip()), function, node)

    def _add_steps(self, line, run):
        for step in run.trail if run is not None and run.trail is not None else ():
            if line.first <= step.lineno <= line.last and line.text in step.source:
                line.steps.append(step)

    def _failed_here(self, node, run):
        failed = getattr(run.trail, "failed", None)
        if run.failed_at is not None and (failed is None or not _raises_itself(failed)):
            return run.failed_at.statement is node
        return failed is not None and failed.lineno == node.lineno

    def _failure(self, run):
        failed = getattr(run.trail, "failed", None)
        site = run.failed_at
        whole = site is None or site.node in (site.statement, getattr(site.statement, "value", None))
        where = None if whole else f"`{site.text}`"
        said = library.say(
            "python.failed",
            {"where": where, "error": f"{type(run.error).__name__}: {' '.join(str(run.error).split())[:200]}"},
        )
        if failed is not None and failed.error is not None:
            said.append(Sentence(failed.error.zh, failed.error.en))
        return said


def _written_along(line):
    """What a line has changed in place under names that do not stand in it."""
    if isinstance(line.node, COMPOUND):
        return []
    own = {name.id for name in ast.walk(line.node) if isinstance(name, ast.Name)}
    names = {
        name: None for step in line.steps for name, change in step.changed.items()
        if change.in_place and name not in own and name.isidentifier()
    }
    return library.say("python.written_along", {"names": Row(f"`{name}`" for name in names), "many": len(names) > 1}) \
        if names else []


def _kind_of_decorator(text):
    last = text.partition("(")[0].rpartition(".")[2]
    known = {
        "staticmethod": "static", "classmethod": "class", "property": "property", "cached_property": "cached",
        "setter": "setter", "deleter": "setter", "no_grad": "no_grad", "inference_mode": "no_grad",
    }
    return known.get(last, "other")


def _described(value):
    return value.text if value.shape is None else shape_text(value.shape)


def _raises_itself(step):
    return step.source.startswith("raise")


_UNSEEN = (ast.Pass, ast.Global, ast.Nonlocal)  # these run without Python's telling


def _is_elif(node, part, body, lines):
    return (
        isinstance(node, ast.If)
        and part == "orelse"
        and len(body) == 1
        and isinstance(body[0], ast.If)
        and lines[body[0].lineno - 1].lstrip().startswith("elif")
    )


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _short_text(value):
    text = Described(value).text
    return text if len(text) <= 60 else text[:57] + "…"
