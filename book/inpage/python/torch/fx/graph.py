"""The steps of a forward, one after another."""

import builtins
import keyword
import re


class Node:
    """One step.

    Args:
        op: "placeholder", "call_module", "call_function", "call_method" or "output".
        target: name of the module or method, or the function itself.
        args, kwargs: what it is given; other nodes among them, in lists and dictionaries, too.
    """

    def __init__(self, graph, name, op, target, args, kwargs):
        self.graph, self.name, self.op, self.target = graph, name, op, target
        self.args, self.kwargs, self.meta = args, kwargs, {}

    @property
    def all_input_nodes(self):
        found = {}
        mapped((self.args, self.kwargs), lambda node: found.setdefault(node))
        return list(found)

    @property
    def users(self):
        return {node: None for node in self.graph.nodes if self in node.all_input_nodes}

    def format_node(self):
        target = self.target if isinstance(self.target, str) else _qualified(self.target)
        if self.op == "output":
            return f"return {_shown(self.args[0], top=False)}"
        given = f"(args = {_shown(self.args)}, kwargs = {_shown(self.kwargs)})"
        if self.op == "placeholder":
            given = "".join(f"(default={default!r})" for default in self.args)
        return f"%{self.name} : [num_users={len(self.users)}] = {self.op}[target={target}]{given}"

    def __repr__(self):
        return self.name


def _qualified(function):
    module = {"_operator": "operator"}.get(function.__module__, function.__module__)
    return f"{'torch' if module.startswith('torch._') else module}.{function.__name__}"


def _shown(value, top=True):
    """A value as a graph shows it, its nodes by their names."""
    if isinstance(value, Node):
        return f"%{value.name}" if top else value.name
    if isinstance(value, tuple):
        inner = [_shown(one, top) for one in value]
        return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(_shown(one, top) for one in value)}]"
    if isinstance(value, dict):
        shown = (f"{name if top else repr(name)}: {_shown(one, top)}" for name, one in value.items())
        return f"{{{', '.join(shown)}}}"
    return str(value) if top else repr(value)


def mapped(value, change, kind=Node):
    """The same with every node, or whatever else is of this kind, changed, inside of lists and dictionaries, too."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(mapped(one, change, kind) for one in value)
    if isinstance(value, dict):
        return {name: mapped(one, change, kind) for name, one in value.items()}
    if isinstance(value, slice):
        return slice(*(mapped(one, change, kind) for one in (value.start, value.stop, value.step)))
    return value


class Graph:
    def __init__(self):
        self.nodes = []
        self._used, self._counts = set(), {}

    def create_node(self, op, target, args=(), kwargs=None, name=None):
        called = target if isinstance(target, str) else target.__name__
        own_name = self._free_name(name or called.strip("_").lower())
        node = Node(self, own_name, op, target, tuple(args), dict(kwargs or {}))
        self.nodes.append(node)
        return node

    def _free_name(self, wanted):
        """PyTorch's own rule: the target's name, with a number from the second on."""
        wanted = re.sub(r"\W+", "_", wanted)
        wanted = f"_{wanted}" if wanted[0].isdigit() else wanted
        numbered = re.fullmatch(r"(.*)_(\d+)", wanted)
        base, number = (numbered[1], int(numbered[2])) if numbered else (wanted, 0)
        name, number = wanted, number or self._counts.get(base, 0)
        while name in self._used or keyword.iskeyword(name) or hasattr(builtins, name):
            number += 1
            name = f"{base}_{number}"
        self._used.add(name)
        self._counts[base] = number
        return name

    def erase_node(self, to_erase):
        if to_erase.users:
            raise RuntimeError(
                f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the graph: "
                f"{to_erase.users}!"
            )
        self.nodes.remove(to_erase)

    def eliminate_dead_code(self):
        """Leaves out what nothing is computed from; whether something was."""
        needed, kept = set(), []
        for node in reversed(self.nodes):
            if node.op in ("placeholder", "output") or node in needed:
                needed.update(node.all_input_nodes)
                kept.insert(0, node)
        changed = len(kept) < len(self.nodes)
        self.nodes = kept
        return changed

    def lint(self):
        return None

    def __str__(self):
        return "graph():" + "".join(f"\n    {node.format_node()}" for node in self.nodes)
