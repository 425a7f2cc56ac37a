"""A module whose forward is a graph."""

from ..nn.modules.module import Module
from .graph import mapped


class GraphModule(Module):
    """Its submodules are those of `root` that the graph calls, under the same names."""

    def __new__(cls, root, graph, class_name="GraphModule"):
        return super().__new__(type(class_name, (cls,), {}))

    def __init__(self, root, graph, class_name="GraphModule"):
        super().__init__()
        self.graph, self.training = graph, root.training
        for node in graph.nodes:
            if node.op == "call_module":
                _install(self, node.target, root.get_submodule(node.target))

    def forward(self, *args, **kwargs):
        values, given = {}, iter(args)
        for node in self.graph.nodes:
            takes, options = mapped((node.args, node.kwargs), values.__getitem__)
            if node.op == "placeholder":
                values[node] = next(given, kwargs.get(node.target, *takes))
            elif node.op == "call_module":
                values[node] = self.get_submodule(node.target)(*takes, **options)
            elif node.op == "call_method":
                values[node] = getattr(takes[0], node.target)(*takes[1:], **options)
            elif node.op == "output":
                return takes[0]
            else:
                values[node] = node.target(*takes, **options)
        return None

    def recompile(self):
        """The graph itself runs: there is nothing to be made anew."""

    def delete_all_unused_submodules(self):
        used = {node.target for node in self.graph.nodes if node.op == "call_module"}
        for name, _ in list(self.named_modules()):
            place, _, own = name.rpartition(".")
            inside = any(one == name or one.startswith(f"{name}.") or name.startswith(f"{one}.") for one in used)
            if own and not inside and own in self._parts_of(place):
                delattr(self.get_submodule(place), own)

    def _parts_of(self, place):
        """A submodule's own, as long as it is there."""
        module = self
        for name in place.split(".") if place else ():
            module = module._modules.get(name) if module is not None else None
        return {} if module is None else module._modules


def _install(module, path, leaf):
    *outer, name = path.split(".")
    for one in outer:
        if one not in module._modules:
            module.add_module(one, Module())
        module = module._modules[one]
    if name not in module._modules:
        module.add_module(name, leaf)

