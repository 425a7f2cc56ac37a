"""`walk`: run `module.forward` once, for real, and record every source line that it executes."""

import functools

import torch
import torch.nn as nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary

from .errors import WalkError, add_note
from .explain import explain
from .receptive import ReceptiveFields
from .tracing import LineTracer, forward_code, forward_owner
from .trail import Call, Change, Described, Step, Trail


def walk(module, *inputs, **kwargs):
    """Call `module(*inputs, **kwargs)` and record each line of its `forward` as it runs.

    The call is the plain one: same output bit for bit, same gradients, same random numbers, buffers and hooks.
    Branches, loops (a step for each time a line runs), early returns and nested calls are recorded as they happen.

    Args:
        module: any `nn.Module` with a `forward` written in Python.
        inputs, kwargs: what to call it with.

    Returns:
        Trail: its steps, and in `.output` what the call returned.

    Raises:
        WalkError: `module` cannot be walked; the message says what to hand over instead.
        Exception: whatever `forward` raised, with a note that names the line and the operands, and with the steps so
            far in the exception's `trail`.
    """
    code = _python_forward(module)
    recorder = _Recorder(module, code, forward_owner(module), inputs, kwargs)
    try:
        with recorder, _Operators(recorder):
            recorder.trail.output = module(*inputs, **kwargs)
    except Exception as error:
        if recorder.failing:
            _explain_failure(error, recorder)
        raise
    if not recorder.trail:
        raise WalkError(
            f"调用这个 {type(module).__name__} 时没有运行它自己的 forward：请把里面真正做计算的模块交给 walk。",
            f"Calling this {type(module).__name__} did not run its own forward: hand walk the module inside it that "
            "does the work.",
        )
    return recorder.trail


def _python_forward(module):
    """The code object of `module.forward`, or a sentence that says why there is none to walk."""
    name = type(module).__name__
    if isinstance(module, type) and issubclass(module, nn.Module):
        raise WalkError(
            f"walk 要的是一个建好的模块，拿到的是类 {module.__name__}："
            f"先写 block = {module.__name__}(…)，再 walk(block, x)。",
            f"walk wants a module, not the class {module.__name__}: first block = {module.__name__}(…), then "
            "walk(block, x).",
        )
    if not isinstance(module, nn.Module):
        raise WalkError(
            f"walk 要的是 nn.Module，拿到的是 {name}：请把函数写成一个 nn.Module 的 forward。",
            f"walk wants an nn.Module, not {name}: put the code into the forward of an nn.Module.",
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise WalkError(
            "这个模块已被 torch.jit 编译，没有 Python 的行可走：请传入 torch.jit.script 或 trace 之前的那个模块。",
            "torch.jit has compiled this module, so it has no Python lines to walk: pass the module from before "
            "torch.jit.script or trace.",
        )
    if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
        raise WalkError(
            "这个模块已被 torch.compile 编译：请传入编译之前的模块（torch.compile 的结果里是 ._orig_mod）。",
            "torch.compile has compiled this module: pass the one from before (in torch.compile's result it is "
            "._orig_mod).",
        )
    code = forward_code(module)
    if code is None:
        raise WalkError(
            f"{name} 的 forward 不是用 Python 写的，没有行可走：请把它放进一个 nn.Module，在那里的 forward 里调用它。",
            f"{name}'s forward is not written in Python, so it has no lines: call it from the forward of an nn.Module "
            "of your own and walk that.",
        )
    return code


def _explain_failure(error, recorder):
    trail = recorder.trail
    trail.failed = trail[-1]
    trail.failed.error = explain(trail.failed, error, recorder.failing_module, recorder.failing_operands)
    add_note(error, str(trail.failed.error))
    error.trail = trail


class _Recorder(LineTracer):
    """Turns what the tracer and the operators report into steps."""

    def __init__(self, module, code, owner, inputs, kwargs):
        super().__init__(code, owner)
        self.trail = Trail("forward", module)
        self.failing_module = None
        self.failing_operands = {}
        self.paused = False
        self._names = {id(child): name for name, child in module.named_modules()}
        self._unused = {id(parameter): parameter for parameter in module.parameters()}
        self._writes = {}
        self._snapshots = WeakTensorKeyDictionary()
        self._locals = {}
        self._latest = {}
        self._known_memory = {}
        self._stack = []
        self._error = None
        tensors = [leaf for leaf in tree_leaves((inputs, kwargs)) if isinstance(leaf, torch.Tensor)]
        self._fields = ReceptiveFields(tensors)
        self.trail.inputs, self.trail.kwargs = self._snapshot(inputs), self._snapshot(kwargs)

    @property
    def failing(self):
        """Whether an exception is passing, or has passed, through `forward` (not a hook before or after it)."""
        return self._error is not None

    # what the tracer reports

    def begin(self, statement, frame):
        if self.trail:
            self._close(frame)
        self._error = None
        self.trail._steps.append(Step(self.trail, statement))

    def finish(self, frame, returned):
        self._close(frame)
        step = self.trail[-1]
        if step.source.startswith("return") and self._error is None:
            names = [name for name, (value, _) in self._locals.items() if value is returned]
            if not names and returned is not None:
                step.changed["return"] = Change(
                    "return", None, Described(returned), False, (), None, self._snapshot(returned)
                )
                if isinstance(returned, torch.Tensor):
                    step.receptive_field = self._fields.pixels(returned)

    def module_called(self, module, args):
        name = self._names.get(id(module), type(module).__name__)
        self._stack.append((Call(name, type(module).__name__, is_module=True), module, args))

    def module_returned(self, output):
        if not self._stack:
            return
        call, _, _ = self._stack.pop()
        if isinstance(output, torch.Tensor) and self._error is None:
            call.value = self._snapshot(output)
        outer = self._stack[-1][0] if self._stack else self.trail[-1]
        outer.calls.append(call)

    def raised(self, error):
        if error is self._error:
            return
        self._error = error
        if self._stack:
            _, self.failing_module, args = self._stack[-1]
            self.failing_operands = {
                f"input {i}" if len(args) > 1 else "input": arg
                for i, arg in enumerate(args) if isinstance(arg, torch.Tensor)
            }
        else:
            self.failing_module = None
            reads = self.trail[-1].statement.reads
            self.failing_operands = {
                name: self._locals[name][0] for name in reads
                if name in self._locals and isinstance(self._locals[name][0], torch.Tensor)
            }

    # what the operators report

    def operator(self, func, args, kwargs, output):
        packet = func.overloadpacket
        name = str(packet)
        inputs = _tensors([*args, *kwargs.values()])
        outputs = _tensors([output])
        self._count_writes(func, args, kwargs)
        self._fields.follow(packet, args, inputs, outputs)
        params = sum(self._unused.pop(id(tensor)).numel() for tensor in inputs if id(tensor) in self._unused)
        counts = packet in flop_registry and not any(tensor.is_nested for tensor in inputs)
        macs = flop_registry[packet](*args, **kwargs, out_val=output) // 2 if counts else 0

        step = self.trail[-1]
        if not self._stack:
            call = Call(name.split(".")[-1], name, is_module=False)
            if outputs:
                call.value = self._snapshot(outputs[0])
            step.calls.append(call)
            counted = [step, call]
        else:
            counted = [step, *(call for call, _, _ in self._stack)]
        for counter in counted:
            counter.ops.append(name)
            counter.params += params
            counter.macs += macs

    def _count_writes(self, func, args, kwargs):
        for position, name in _written_arguments(func):
            value = args[position] if position < len(args) else kwargs.get(name)
            if isinstance(value, torch.Tensor):
                memory = _memory(value)
                self._writes[memory] = self._writes.get(memory, 0) + 1

    # comparing the local names before and after a line

    def _close(self, frame):
        self.paused = True  # a value's own __repr__ may compute
        step = self.trail[-1]
        not_here = frame.f_code.co_freevars  # names of the function around, and __class__
        now = {
            name: (value, self._versions(value)) for name, value in frame.f_locals.items()
            if value is not self.trail.module and name not in not_here
        }
        for name, (value, versions) in now.items():
            old = self._locals.get(name)
            if old is not None and old[0] is value and old[1] == versions:
                continue
            before = self._latest.get(name)
            step.changed[name] = Change(
                name,
                before and before.after,
                Described(value),
                self._written_over(value),
                tuple(n for n, (other, _) in now.items() if n != name and other is value and _is_object(value)),
                before and before._after_value,
                self._snapshot(value),
            )
        self._latest |= step.changed
        self._locals = now
        self._known_memory = {
            _memory(leaf): version
            for _, versions in now.values() for leaf, version in versions if isinstance(leaf, torch.Tensor)
        }
        self.paused = False
        if step.result is not None and step.result in now:
            step.receptive_field = self._fields.pixels(now[step.result][0])

    def _versions(self, value):
        if isinstance(value, torch.Tensor):
            return [_Version(value, self._version(value))]
        if isinstance(value, (list, tuple, dict)):
            return [_Version(leaf, self._version(leaf)) for leaf in tree_leaves(value)]
        return []

    def _version(self, leaf):
        """How often a tensor was written to: PyTorch's count, which inference tensors and `.data` escape, and ours."""
        if not isinstance(leaf, torch.Tensor):
            return 0
        return (0 if leaf.is_inference() else leaf._version) + self._writes.get(_memory(leaf), 0)

    def _written_over(self, value):
        return any(
            version > self._known_memory.get(_memory(leaf), version)
            for leaf, version in self._versions(value) if isinstance(leaf, torch.Tensor)
        )

    def _snapshot(self, value):
        """A copy that later writes do not reach; one copy for each state of each tensor."""
        if isinstance(value, torch.Tensor):
            return self._copy(value)
        return tree_map_only(torch.Tensor, self._copy, value)

    def _copy(self, tensor):
        version = self._version(tensor)
        known_version, copy = self._snapshots.get(tensor, (None, None))
        if copy is None or known_version != version:
            paused, self.paused = self.paused, True
            copy = tensor.detach().clone()
            self.paused = paused
            self._snapshots[tensor] = version, copy
        return copy


class _Version(tuple):
    """(leaf, version), compared by the leaf's identity: tensors' own == works element by element."""

    def __new__(cls, leaf, version):
        return super().__new__(cls, (leaf, version))

    def __eq__(self, other):
        return self[0] is other[0] and self[1] == other[1]

    __hash__ = None


@functools.cache
def _written_arguments(func):
    """(position, name) of the arguments that an operator writes to, by its schema."""
    arguments = enumerate(func._schema.arguments)
    return [(i, argument.name) for i, argument in arguments if argument.alias_info and argument.alias_info.is_write]


def _tensors(values):
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


def _memory(tensor):
    """What names the memory under a tensor; a sparse one has several storages and stands for itself."""
    return tensor.untyped_storage()._cdata if tensor.layout is torch.strided else id(tensor)


@functools.cache
def _is_composite(func):
    """Whether an operator is made of others: in inference mode PyTorch reports `conv2d`, not its `convolution`."""
    name = func.name()
    return (
        torch._C._dispatch_has_kernel(name)
        and torch._C._dispatch_has_kernel_for_dispatch_key(name, "CompositeImplicitAutograd")
        and func.overloadpacket not in flop_registry
    )


def _is_object(value):
    """Whether sharing `value` between names means something: small constants are shared by Python itself."""
    return isinstance(value, (torch.Tensor, nn.Module, list, dict))


class _Operators(TorchDispatchMode):
    """Hands each operator, once it has run, to the recorder."""

    def __init__(self, recorder):
        super().__init__()
        self._recorder = recorder

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if _is_composite(func) and all(_is_dense(tensor) for tensor in _tensors(args)):
            with self:
                return func._op_dk(torch._C.DispatchKey.CompositeImplicitAutograd, *args, **(kwargs or {}))
        output = func(*args, **(kwargs or {}))
        # autograd detaches tensors for its own records: nothing that the line asked for
        if self._recorder.trail and not self._recorder.paused and func is not torch.ops.aten.detach.default:
            self._recorder.operator(func, args, kwargs or {}, output)
        return output
