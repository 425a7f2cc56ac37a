"""Which statements ran, and how often."""

import ast

from ..source import COMPOUND

TRIES = (ast.Try, getattr(ast, "TryStar", ast.Try))


class Coverage:
    """Looks statements up in the runs of one `Reading`."""

    def __init__(self, reading):
        self._sites = {}
        for site in reading.sites.values():
            self._sites.setdefault(id(site.statement), []).append(site)

    def sites_of(self, statement):
        """The watched expressions of a statement, without those of the statements in its body."""
        return self._sites.get(id(statement), [])

    def times(self, node, rest, run):
        """How often a statement ran: what it computes was seen, a step stands for it, or one after it ran."""
        if run is None:
            return 0
        seen = [site for site in self.sites_of(node) if site.index in run.expressions]
        again = {id(inner) for inner in repeated(node)}
        once = [site for site in seen if id(site.node) not in again]
        own = max((run.expressions[site.index].times for site in once or seen), default=0)
        steps = sum(1 for step in (run.trail or ()) if step.lineno == node.lineno)
        if own or steps:
            return max(own, steps)
        later = rest[1:]
        if isinstance(node, COMPOUND):
            later = [*[child for _, body in bodies(node) for child in body if isinstance(child, ast.stmt)], *later]
        return int(any(self._seen(other, run) for other in later))

    def begun(self, node, run):
        """How often a statement was begun: Python comes back to the header of a loop or a `with`, too."""
        if isinstance(node, TRIES):
            return self.begun(node.body[0], run)
        header = _header(node)
        for site in self.sites_of(node):
            if site.node is header and site.index in run.expressions:
                return run.expressions[site.index].times
        return self.times(node, [node], run)

    def any_ran(self, body, run):
        """Whether any statement of a block ran."""
        return any(self.times(node, body[place:], run) for place, node in enumerate(body))

    def is_seen(self, body):
        """Whether it would be seen that a block runs: something is computed there."""
        return any(self.sites_of(child) for node in body for child in ast.walk(node) if isinstance(child, ast.stmt))

    def _seen(self, node, run):
        return any(
            site.index in run.expressions
            for child in ast.walk(node)
            if isinstance(child, ast.stmt)
            for site in self.sites_of(child)
        ) or any(node.lineno <= step.lineno <= node.end_lineno for step in (run.trail or ()))


def _header(node):
    """What is computed once each time that a statement begins, None where there is no such thing."""
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return node.items[0].context_expr
    name = {ast.For: "iter", ast.AsyncFor: "iter", ast.If: "test", ast.Match: "subject"}.get(type(node))
    return getattr(node, name) if name else None


def repeated(statement):
    """The parts of a statement that run several times, or later, when it runs once: comprehensions and lambdas."""
    if isinstance(statement, COMPOUND):
        return
    for node in ast.walk(statement):
        parts = []
        if isinstance(node, ast.Lambda):
            parts = [node.body]
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            parts += [test for generator in node.generators for test in generator.ifs]
            parts += [generator.iter for generator in node.generators[1:]]
        for part in parts:
            yield from ast.walk(part)


def bodies(node):
    """The blocks below a header: (field, statements or handlers or cases)."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return [("body", node.body)]
    fields = ("body", "handlers", "cases", "orelse", "finalbody")
    return [
        (name, getattr(node, name))
        for name in fields
        if isinstance(getattr(node, name, None), list) and getattr(node, name)
    ]
