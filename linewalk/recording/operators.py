"""Hands each operator of PyTorch to the recorder: a `TorchDispatchMode`, since only that sees what runs in the end."""

import sys

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _push_mode
from torch.utils.flop_counter import flop_registry

from .macs import counter
from .memory import Seen

_Tensor = torch.Tensor
_IGNORED = (torch.ops.aten.detach.default,)  # autograd's, for its own records: nothing that a line asked for
# Batch norm in training writes its running statistics, which its schema does not say.
_UNDECLARED = dict.fromkeys(
    ("aten.native_batch_norm", "aten.cudnn_batch_norm", "aten.miopen_batch_norm"),
    ((3, "running_mean"), (4, "running_var")),
)
_TRAINING = 5  # the place of their argument that says so
_NO_TENSOR = frozenset({int, float, bool, str, type(None), torch.dtype, torch.device, torch.layout})
_MOST_PENDING = 8  # operators whose results are held until they have been looked at
_known = {}  # by id, since an operator computes its hash in Python


class _Operator:
    """What does not change from call to call.

    name, short, not_in_place: "aten.add_", "add_", "add".
    writes: (position, name) of the arguments that it writes to.
    in_training: the place of the argument without which it does not write, 0 where there is none.
    macs: what counts its multiply–accumulates, None where there are none. pointwise: it works value by value.
    composite: it is made of others, which PyTorch leaves to us in inference mode.
    """

    __slots__ = (
        "composite", "func", "ignored", "in_training", "macs", "name", "not_in_place", "pointwise", "run", "short",
        "writes",
    )

    def __init__(self, func):
        packet = func.overloadpacket
        self.func = func  # held, so that its id stays its own
        self.run = func._op if type(func) is torch._ops.OpOverload else func
        self.name = str(packet)
        self.short = self.name.split(".")[-1]
        self.not_in_place = self.short.rstrip("_")
        arguments = enumerate(func._schema.arguments)
        self.writes = tuple(
            (i, argument.name) for i, argument in arguments if argument.alias_info and argument.alias_info.is_write
        ) or _UNDECLARED.get(self.name, ())
        self.in_training = _TRAINING if self.name in _UNDECLARED else 0
        self.macs = counter(packet, func.namespace)
        self.pointwise = torch.Tag.pointwise in func.tags
        self.composite = _is_composite(func)
        self.ignored = func in _IGNORED


def _is_composite(func):
    """In inference mode PyTorch reports `conv2d`, not its `convolution`."""
    name = func.name()
    return (
        torch._C._dispatch_has_kernel(name)
        and torch._C._dispatch_has_kernel_for_dispatch_key(name, "CompositeImplicitAutograd")
        and func.overloadpacket not in flop_registry
    )


class Operators(TorchDispatchMode):
    """Runs each operator as it is, and tells the recorder before it writes and after it has run."""

    supports_higher_order_operators = True

    def __init__(self, recorder):
        super().__init__()
        self._recorder = recorder

    @classmethod
    def ignore_compile_internals(cls):
        return True  # what torch.compile has compiled runs compiled

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # the wrapper that it would put around costs more than most operators

    def follow_thread(self):
        """See the operators of the thread that asks, as long as it lives."""
        _push_mode(self)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        # As few Python calls as can be: each is an event for the tracer. What the operator did is looked at later.
        known = _known.get(id(func))
        if known is None:
            if not isinstance(func, torch._ops.OpOverload):
                return self._higher_order(func, args, kwargs or {})
            known = _known[id(func)] = _Operator(func)
        if known.composite and all(map(_is_dense, tensors_among(args))):
            with self:
                return func._op_dk(torch._C.DispatchKey.CompositeImplicitAutograd, *args, **(kwargs or {}))
        run, recorder = known.run, self._recorder
        if known.ignored or recorder.memory.busy or not recorder.levels:
            return run(*args, **kwargs) if kwargs else run(*args)
        if known.writes and not (known.in_training and not args[known.in_training]):
            recorder.flush()
            written = []
            for i, name in known.writes:
                written.append(args[i] if i < len(args) else (kwargs or {}).get(name))
            recorder.writes(tensors_among(written))
        output = run(*args, **kwargs) if kwargs else run(*args)
        pending = recorder.pending
        pending.append((known, args, kwargs, output))
        if len(pending) > _MOST_PENDING:
            recorder.flush()
        return output

    def _higher_order(self, func, args, kwargs):
        """An operator that takes functions, such as `cond`: it runs as one, and what runs in it is not counted."""
        output = func(*args, **kwargs)
        if self._recorder.levels and not self._recorder.memory.busy:
            self._recorder.pending.append((_HigherOrder(func), args, kwargs, output))
        return output


def leave_out_of_compiling(name):
    """Tell torch.compile, where it is in use, that a module of ours is no part of those that it compiles."""
    rules = sys.modules.get("torch._dynamo.trace_rules")
    if rules is not None and name not in _left_out:
        rules.add(name)
        _left_out.add(name)


_left_out = set()


def without_tensors(args):
    """An operator's arguments with something that stands for each tensor among them."""
    return [
        value if (kind := type(value)) in _NO_TENSOR else _A_TENSOR if kind is _Tensor else _without_tensors(value)
        for value in args
    ]


def _without_tensors(value):
    if isinstance(value, (list, tuple)):
        return list(value) if _is_numbers(value) else [
            _A_TENSOR if isinstance(item, _Tensor) else item for item in value
        ]
    return _A_TENSOR if isinstance(value, _Tensor) else value


def _is_numbers(values):
    """Whether a list, whose items are of one kind to an operator, is one of numbers."""
    return not values or type(values[0]) in (int, float, bool)


_A_TENSOR = object()


class Ran:
    """An operator that has run, without the tensors that it was about.

    macs: its multiply–accumulates, None where they are not known.
    shape: the first result's; None without one that has a shape.
    sources, targets: what names the memory of each tensor among its arguments, and among its results.
    args, inputs, outputs: its arguments, with a `Seen` for each tensor, these, and its results; not known where nobody
        follows places.
    """

    __slots__ = ("args", "inputs", "macs", "operator", "outputs", "shape", "sources", "targets")

    def __init__(self, operator, macs, shape, taken, given, args):
        self.operator, self.macs, self.shape = operator, macs, shape
        self.sources, self.targets = taken, given
        if args is not None:
            self.inputs, self.outputs = [Seen(*one) for one in taken], [Seen(*one) for one in given]
            self.sources, self.targets = [one.key for one in self.inputs], [one.key for one in self.outputs]
            inputs = iter(self.inputs)
            self.args = [_with_tensors(value, inputs) for value in args]


def _with_tensors(value, inputs):
    if type(value) is list:
        return [next(inputs) if item is _A_TENSOR else item for item in value]
    return next(inputs) if value is _A_TENSOR else value


class _HigherOrder:
    writes, pointwise = (), False

    def __init__(self, func):
        self.name, self.short = f"higher_order.{func.name()}", func.name()
        self.not_in_place = self.short
        formula = flop_registry.get(func)
        self.macs = lambda args, kwargs, output: formula and formula(*args, **kwargs, out_val=output) // 2


def tensors_among(values):
    """The tensors among an operator's arguments or results, which nest in lists at most."""
    found = []
    for value in values:
        kind = type(value)
        if kind is _Tensor:
            found.append(value)
        elif kind in _NO_TENSOR:
            continue
        elif isinstance(value, _Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)) and not _is_numbers(value):
            found.extend(item for item in value if isinstance(item, _Tensor))
    return found


def _is_dense(tensor):
    return tensor.layout is torch.strided and not tensor.is_nested
