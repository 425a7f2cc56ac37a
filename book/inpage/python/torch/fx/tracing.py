"""Runs a forward on stand-ins."""

import contextlib
import functools
import inspect

from .._public import FUNCTIONS
from ..nn.modules.container import Sequential
from ..nn.modules.module import Module
from .graph import Graph, mapped
from .graph_module import GraphModule
from .proxy import Proxy


class Tracer:
    def is_leaf_module(self, module, name):
        """Whether a module is one step, of which nobody wants to see the inside: PyTorch's own are."""
        return type(module).__module__.startswith("torch.nn") and not isinstance(module, Sequential)

    def trace(self, root, concrete_args=None):
        """The graph of a module's forward."""
        self.graph, self.root = Graph(), root
        self._names = {id(module): name for name, module in root.named_modules()}
        arguments = list(inspect.signature(root.forward).parameters.values())
        defaults = [() if one.default is one.empty else (one.default,) for one in arguments]
        given = [
            self.proxy("placeholder", one.name, default) for one, default in zip(arguments, defaults, strict=True)
        ]
        with _recording(self):
            result = root.forward(*given)
        self.graph.create_node("output", "output", (_nodes(result),))
        return self.graph

    def proxy(self, op, target, args=(), kwargs=None):
        return Proxy(self.graph.create_node(op, target, _nodes(args), _nodes(kwargs or {})), self)

    def call(self, module, forward, args, kwargs):
        """What stands in for a module's call."""
        name = self._names.get(id(module))
        if name is None:
            raise NameError("module is not installed as a submodule")
        if self.is_leaf_module(module, name):
            return self.proxy("call_module", name, args, kwargs)
        return forward(module, *args, **kwargs)


def _nodes(value):
    return mapped(value, lambda proxy: proxy.node, Proxy)


@contextlib.contextmanager
def _recording(tracer):
    """Modules and PyTorch's functions, called with stand-ins, are written down until the end."""
    import torch
    from torch.nn import functional

    own = [(Module, "__call__", Module.__call__)]
    for space, names in ((torch, FUNCTIONS), (functional, vars(functional))):
        own += [(space, name, vars(space)[name]) for name in list(names) if inspect.isfunction(vars(space).get(name))]
    for space, name, function in own[1:]:
        setattr(space, name, _noticing(tracer, function))
    call = Module.__call__
    Module.__call__ = lambda module, *args, **kwargs: tracer.call(module, call, args, kwargs)
    try:
        yield
    finally:
        for space, name, function in own:
            setattr(space, name, function)


def _noticing(tracer, function):
    @functools.wraps(function)
    def called(*args, **kwargs):
        found = []
        mapped((args, kwargs), found.append, Proxy)
        return tracer.proxy("call_function", function, args, kwargs) if found else function(*args, **kwargs)

    return called


def symbolic_trace(root, concrete_args=None):
    """A module that does what `root` does, from the graph of its forward.

    Raises:
        TraceError: the forward asks for what is known only when it runs.
    """
    return GraphModule(root, Tracer().trace(root), type(root).__name__)
