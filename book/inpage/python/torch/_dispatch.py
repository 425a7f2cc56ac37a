"""Every operator runs through here: a `TorchDispatchMode` sees each by the name that PyTorch gives it, `aten.add_`."""

from types import SimpleNamespace

from . import _autocast, _numbers, _tape
from ._refused_types import refusing
from ._tensor import check_writable

# Whose results lie in the memory of what they were given.
_VIEWS = {
    *("alias", "as_strided", "detach", "diagonal", "expand", "permute", "select", "slice", "split"),
    *("split_with_sizes", "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze", "view"),
}
modes = []  # what wants to see operators, the innermost last
_packets = {}


class Tag:
    """What can be said of an operator."""

    pointwise, inplace_view = "pointwise", "inplace_view"


class OpOverloadPacket:
    """An operator under its plain name, `torch.ops.aten.add`."""

    is_view = False

    def __init__(self, name):
        self._name = name
        self.default = self

    def overloads(self):
        return ["default"]

    def __str__(self):
        return f"aten.{self._name}"

    __repr__ = __str__

    def __call__(self, *args, **kwargs):
        return self.default(*args, **kwargs)


class OpOverload:
    """One operator.

    Args:
        name: "add_". kernel: what works its result out. pointwise: value by value.
        writes: places of the arguments that it writes to.
    """

    namespace = "aten"

    def __init__(self, name, kernel, pointwise, writes):
        self.overloadpacket = packet(name)
        self.overloadpacket.default = self
        self.is_view = name in _VIEWS
        self.kernel, self.tags = refusing(name, kernel), (Tag.pointwise,) if pointwise else ()
        code = kernel.__code__
        names = code.co_varnames[: code.co_argcount]
        self._writes = writes
        self._schema = SimpleNamespace(
            arguments=[
                SimpleNamespace(name=argument, alias_info=SimpleNamespace(is_write=True) if place in writes else None)
                for place, argument in enumerate(names)
            ]
        )

    def name(self):
        return f"aten::{self.overloadpacket._name}"

    def __str__(self):
        return f"{self.overloadpacket}.default"

    __repr__ = __str__

    def __call__(self, *args, **kwargs):
        if _autocast.active:
            args = _autocast.lowered(self.overloadpacket._name, args)
        for place in self._writes:
            check_writable(args[place])
        node = _tape.begin(self, args, kwargs)
        if modes:
            mode = modes.pop()
            try:
                output = mode.__torch_dispatch__(self, (), args, kwargs)
            finally:
                modes.append(mode)
        else:
            for place in self._writes:
                args[place]._about_to_be_written()
            output = self.kernel(*args, **kwargs)
            if _numbers.engine is not None:
                _numbers.fill(self.overloadpacket._name, args, kwargs, output, self._writes)
        if node is not None:
            _tape.finish(node, output, args, self._writes)
        return output

    _op = __call__


class WithoutModes:
    """Context manager: what runs within it is seen by nobody."""

    def __enter__(self):
        self._modes = modes[:]
        modes.clear()
        return self

    def __exit__(self, *exception):
        modes[:] = self._modes


def packet(name):
    return _packets.setdefault(name, OpOverloadPacket(name)) if name not in _packets else _packets[name]


def operator(name, pointwise=False, writes=()):
    """Decorator: registers a kernel under PyTorch's name for it, and gives back what callers call."""

    def register(kernel):
        return OpOverload(name, kernel, pointwise, writes)

    return register


class _Aten:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return packet(name)


ops = SimpleNamespace(aten=_Aten())
