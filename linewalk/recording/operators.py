"""Hands each operator of PyTorch to the recorder: a `TorchDispatchMode`, since only that sees what runs in the end."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _push_mode
from torch.utils.flop_counter import flop_registry

from .macs import counter
from .memory import memory

_IGNORED = (torch.ops.aten.detach.default,)  # autograd's, for its own records: nothing that a line asked for
# Batch norm in training writes its running statistics, which its schema does not say.
_UNDECLARED = dict.fromkeys(
    ("aten.native_batch_norm", "aten.cudnn_batch_norm", "aten.miopen_batch_norm"),
    ((3, "running_mean"), (4, "running_var")),
)
_TRAINING = 5  # the place of their argument that says so
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


class Ran:
    """An operator that has run, looked at once for all that want to know.

    inputs, outputs: the tensors among its arguments and results. sources, targets: what names the memory of each.
    macs: its multiply–accumulates, None where they are not known.
    """

    __slots__ = ("args", "inputs", "macs", "operator", "outputs", "sources", "targets")

    def __init__(self, operator, args, kwargs, output):
        self.operator, self.args = operator, args
        self.macs = operator.macs(args, kwargs or {}, output) if operator.macs else 0
        self.inputs = tensors_among(args)
        if kwargs:
            self.inputs += tensors_among(kwargs.values())
        self.outputs = [output] if isinstance(output, torch.Tensor) else tensors_among((output,))
        self.sources, self.targets = list(map(memory, self.inputs)), list(map(memory, self.outputs))


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
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(item for item in value if isinstance(item, torch.Tensor))
    return found


def _is_dense(tensor):
    return tensor.layout is torch.strided and not tensor.is_nested
