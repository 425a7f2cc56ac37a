"""What stands for a tensor while a forward is written down."""

import operator


class TraceError(ValueError):
    """The forward asks for what is known only when it runs."""


class Proxy:
    """Whatever is done with it becomes a node of the tracer's graph."""

    def __init__(self, node, tracer):
        self.node, self.tracer = node, tracer

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Attribute(self, name)

    def __bool__(self):
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def __iter__(self):
        raise TraceError(
            "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or "
            "**kwargs function argument. See the torch.fx docs on pytorch.org for a more detailed explanation of what "
            "types of control flow can be traced, and check out the Proxy docstring for help troubleshooting Proxy "
            "iteration errors"
        )

    def __len__(self):
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call "
            "torch.fx.wrap('len') at module scope"
        )

    def __repr__(self):
        return f"Proxy({self.node.name})"

    __hash__ = object.__hash__


class Attribute(Proxy):
    """`x.shape`, which is written down only where it is used, or `x.view`, which is called."""

    def __init__(self, root, name):
        self.root, self.attr, self.tracer, self._node = root, name, root.tracer, None

    @property
    def node(self):
        if self._node is None:
            self._node = self.tracer.proxy("call_function", getattr, (self.root, self.attr)).node
        return self._node

    def __call__(self, *args, **kwargs):
        return self.tracer.proxy("call_method", self.attr, (self.root, *args), kwargs)


def _does(function, turned):
    def method(self, *others):
        return self.tracer.proxy("call_function", function, (*others, self) if turned else (self, *others))

    return method


_BOTH_WAYS = "add sub mul truediv floordiv mod pow lshift rshift and_ or_ xor matmul"
_ONE_WAY = "eq ne lt gt le ge neg pos invert abs getitem"
for _name in f"{_BOTH_WAYS} {_ONE_WAY}".split():
    setattr(Proxy, f"__{_name.strip('_')}__", _does(getattr(operator, _name), turned=False))
for _name in _BOTH_WAYS.split():
    setattr(Proxy, f"__r{_name.strip('_')}__", _does(getattr(operator, _name), turned=True))
