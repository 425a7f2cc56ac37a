"""Which statements ran, and how often."""

import ast

from ..source import COMPOUND


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
        own = max(
            (run.expressions[site.index].times for site in self.sites_of(node) if site.index in run.expressions),
            default=0,
        )
        steps = sum(1 for step in (run.trail or ()) if step.lineno == node.lineno)
        if own or steps:
            return max(own, steps)
        later = rest[1:]
        if isinstance(node, COMPOUND):
            later = [*[child for _, body in bodies(node) for child in body if isinstance(child, ast.stmt)], *later]
        return int(any(self._seen(other, run) for other in later))

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
