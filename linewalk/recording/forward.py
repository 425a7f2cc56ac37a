"""Turns what one call of a module does into the steps of a trail."""

import inspect
import sys
import threading

import torch
import torch.nn as nn

from ..errors import WalkError
from ..source import function_statements
from ..trail import Call, Change, Step, Trail
from .memory import Kept, Memory
from .operators import Operators, Ran
from .receptive import ReceptiveFields
from .tracing import MODULE_CALL, Lines, Tracer, forward_function, is_call_of, unseen_by_modes
from .values import Keeper, KeptItems, Watched, keys_in

_ABSENT = object()
_NO_PARAMETER = frozenset({torch.Tensor, int, float, bool, str, type(None)})  # sooner seen than by isinstance
_SHOWN_DEPTH = 2  # calls within a line, and within these: cards draw so many, and only their values are kept
_NOT_FOLLOWED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_MODULE_FILE = MODULE_CALL.co_filename


class ForwardRecorder(Tracer):
    """Watches one call of a module, and of those in it that are to be walked into.

    Args:
        module: what is walked. code, owner: its forward's code object and first argument.
        inputs, kwargs: what it will be called with.
        into: name → module of the submodules whose own forward becomes a trail as well.
    """

    def __init__(self, module, code, owner, inputs, kwargs, into=()):
        super().__init__()
        self.memory = Memory()
        self.keeper = Keeper(self.memory)
        self.levels = []
        self.pending = []
        self.failures = {}
        self.module_names = _ModuleNames(module)
        self.trail = Trail("forward", module)
        self._level = _Level(self, self.trail, code, owner, self.module_names)
        self._level.given(inputs, kwargs)
        self._into = {id(inner): (name, inner) for name, inner in dict(into).items()}
        self._waiting = []
        self._levels_of = {}
        self._forwards = {id(code)}
        self._operators = Operators(self)
        self._thread_trace = None

    def __enter__(self):
        self._thread_trace = threading.gettrace()
        threading.settrace(self._in_thread)
        self._operators.__enter__()
        return super().__enter__()

    def __exit__(self, *exception):
        super().__exit__()
        self._operators.__exit__(*exception)
        threading.settrace(self._thread_trace)
        self.levels = []
        self.keeper.end_line()

    def settle(self):
        """To be called when the walk has ended and nothing of it is held here any more."""
        self._level = None
        self.memory.settle()

    # what the tracer reports

    def _on_call(self, frame, event, arg):
        if self._others is None:  # most functions by far are none of ours: that is seen here, without another call
            code = frame.f_code
            if _kinds.get(id(code), _UNKNOWN)[1] is _DULL and id(code) not in self._forwards:
                return None
        return super()._on_call(frame, event, arg)

    def called(self, frame):
        code = frame.f_code
        kind = (_kinds.get(id(code)) or _kind(code))[1]
        if kind is _MODULE:
            return self._module_called(frame) if self.levels else None
        if kind is _DULL and id(code) not in self._forwards:
            return None
        if kind is _SHARES_MEMORY and not self.memory.eager:
            self.memory.copy_at_once()
        return self._function_called(frame)

    def _function_called(self, frame):
        for level in self._waiting:
            if level.code is frame.f_code and is_call_of(frame, level.owner):
                self._waiting.remove(level)
                return level.open(frame)
        if frame.f_code is self._level.code and self._level.step is None and is_call_of(frame, self._level.owner):
            return self._level.open(frame)
        if self.levels and self.levels[-1].is_helper(frame):
            return self.levels[-1].open_helper(frame)
        return None

    def _module_called(self, frame):
        frame.f_trace_lines = self._others is not None
        self.flush()
        module = frame.f_locals["self"]
        for level in self.levels:
            level.module_called(module, frame.f_locals)
        if id(module) in self._into:
            self._wait_for(*self._into[id(module)], frame)
        return self._on_module

    def _wait_for(self, name, module, frame):
        function, owner = forward_function(module)
        trail = Trail("forward", module)
        level = _Level(self, trail, function.__code__, owner, _ModuleNames(module))
        level.given(frame.f_locals["args"], frame.f_locals["kwargs"])
        self.trail._inner.setdefault(name, []).append(trail)
        self._waiting.append(level)
        self._forwards.add(id(function.__code__))
        self._levels_of[id(frame)] = level

    @unseen_by_modes
    def _on_module(self, frame, event, arg):
        if event == "return":
            self.flush()
            for level in self.levels:
                level.module_returned(arg)
            inner = self._levels_of.pop(id(frame), None)
            if inner is not None:
                inner.trail.output = arg
        elif event == "exception":
            self.flush()
            for level in self.levels:
                level.raised(arg[1])

    def _in_thread(self, frame, event, arg):
        """The first call in a thread that starts meanwhile: its operators count too."""
        if self.levels:
            self._operators.follow_thread()
        sys.settrace(self._thread_trace)
        return self._thread_trace and self._thread_trace(frame, event, arg)

    def unfinished(self, error):
        """The trails that an exception has ended: those that it has passed, and those whose forward still runs."""
        passed = [trail for trail, (known, *_) in self.failures.items() if known is error]
        return passed or ([self.trail] if self._level.functions else [])

    # what the operators report

    def writes(self, tensors):
        with torch._C.DisableTorchFunction():
            for tensor in tensors:
                key = self.memory.about_to_write(tensor)
                self.keeper.written(key)
                for level in self.levels:
                    level.written(key)

    def flush(self):
        """Look at the operators that have run since: they belong to the line and to the calls that are open now."""
        pending = self.pending
        if pending:
            done, pending[:] = pending[:], ()
            with torch._C.DisableTorchFunction():
                for one in done:
                    ran = Ran(*one)
                    for level in self.levels:
                        level.operator(ran)

    def fail(self, error, trail, *where):
        """The first place of a trail that an exception passes is where it went wrong."""
        if trail not in self.failures or self.failures[trail][0] is not error:
            self.failures[trail] = error, *where


_MODULE, _HELPER, _SHARES_MEMORY, _DULL = "module", "helper", "shares memory", "dull"
_UNKNOWN = None, None
_kinds = {id(MODULE_CALL): (MODULE_CALL, _MODULE)}  # by id, since a code object computes its hash at great length
# Functions that use these can write to a tensor's memory without PyTorch's knowing.
_SHARING = frozenset({
    "numpy", "from_numpy", "asarray", "frombuffer", "from_dlpack", "to_dlpack", "__dlpack__", "__array_interface__",
})
_SHARING_OURSELVES = _SHARING | {"data_ptr", "untyped_storage", "ctypes", "memoryview"}
_TORCH, _OURS = torch.__path__[0], __file__.rpartition("recording")[0]
_TORCH_PRIVATE = f"{_TORCH}/_"  # its dispatcher asks there at each operator


def _kind(code):
    """What a function can be to any walk; the code object is held so that its id stays its own."""
    kind = _SHARES_MEMORY if _may_share_memory(code) else _HELPER if _may_help(code) else _DULL
    known = _kinds[id(code)] = code, kind
    return known


def _may_share_memory(code):
    theirs = code.co_filename.startswith(_TORCH)
    if (_SHARING if theirs else _SHARING_OURSELVES).isdisjoint(code.co_names):
        return False
    return not code.co_filename.startswith(_OURS)


def _may_help(code):
    """Whether a function could be a module's own method, to be followed when one of its lines calls it."""
    return not code.co_flags & _NOT_FOLLOWED and code.co_argcount > 0 and not (
        code.co_name == "forward" or code.co_name.startswith(("__", "<"))
        or code.co_varnames[0] != "self" or code.co_filename == _MODULE_FILE
        or code.co_filename.startswith((_OURS, _TORCH_PRIVATE))
    )


def all_modules(module):
    """Every module within one, itself included, with its whole name; each once, under its first name.

    As `named_modules`, which a module may have given another meaning.
    """
    waiting, seen = [("", module)], set()
    while waiting:
        name, part = waiting.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part, name
            prefix = f"{name}." if name else ""
            children = (vars(part).get("_modules") or {}).items()
            waiting += [(f"{prefix}{key}", child) for key, child in reversed(children) if child is not None]


class _ModuleNames:
    """The names of all modules within one, looked up by the module."""

    def __init__(self, module):
        self._module = module
        self._names = {}
        self._read()

    def _read(self):
        self._names = {id(module): name for module, name in all_modules(self._module)}

    def __getitem__(self, module):
        name = self._names.get(id(module))
        if name is None:
            self._read()  # a layer that forward itself has made
            name = self._names.setdefault(id(module), type(module).__name__)
        return name


class _Level:
    """One trail while it is being written: of the module walked, or of one that is walked into.

    step: the step that is running. calls: the calls that it is in, outermost first.
    """

    def __init__(self, recorder, trail, code, owner, names):
        self.recorder, self.trail, self.owner = recorder, trail, owner
        self.step = None
        self.calls = []
        self.functions = []
        self.fields = ReceptiveFields(())
        self.code, self._names = code, names
        self._counted = {}
        self._helpers = {}

    def given(self, inputs, kwargs):
        keep = self.recorder.keeper.keep
        self.trail._inputs, self.trail._kwargs = keep(tuple(inputs)), keep(dict(kwargs))
        tensors = _tensors_in((inputs, kwargs))
        self.fields = ReceptiveFields(tensors)
        self.trail._flow.given(tensors)
        self.recorder.keeper.end_line()

    def open(self, frame):
        self.recorder.levels.append(self)
        return self._follow(frame)

    def is_helper(self, frame):
        """Whether a function is a method of the module itself, called by one of its lines."""
        if self.calls or self.owner is None or not isinstance(self.owner, nn.Module):
            return False
        code = frame.f_code
        known = self._helpers.get(id(code))
        if known is None:
            method = inspect.getattr_static(type(self.owner), code.co_name, None)
            known = inspect.isfunction(method) and inspect.unwrap(method).__code__ is code and _has_source(code)
            self._helpers[id(code)] = known
        return known and is_call_of(frame, self.owner)

    def open_helper(self, frame):
        return self._follow(frame)

    def _follow(self, frame):
        self.recorder.flush()
        function = _Function(self, frame.f_code, len(self.trail._scopes))
        self.trail._scopes.append(self.step)
        self.functions.append(function)
        return function.enter(frame)

    def new_step(self, statement, scope):
        step = self.step = Step(self.trail, statement, len(self.trail._steps), scope)
        self.trail._steps.append(step)
        return step

    def left(self, function):
        """A function that was followed has returned, or an exception has left it."""
        self.functions.pop()
        if self.functions:
            self.step = self.functions[-1].step
        else:
            self.recorder.levels.remove(self)

    def written(self, key):
        for function in self.functions:
            function.written.add(key)

    def module_called(self, module, frame_locals):
        call = Call(self._names[module], type(module).__name__, is_module=True)
        call._has_children = bool(vars(module).get("_modules"))
        call._frame_locals = frame_locals
        self.calls.append(call)

    def module_returned(self, output):
        if not self.calls:
            return
        call = self.calls.pop()
        call._frame_locals = None
        if len(self.calls) < _SHOWN_DEPTH and output is not None:
            call._kept = self.recorder.keeper.keep(output)
            if self.fields and isinstance(output, torch.Tensor):
                call.places = self.fields.of(output)[0]
        outer = self.calls[-1] if self.calls else self.step
        outer._done.append(call)

    def operator(self, ran):
        operator, calls = ran.operator, self.calls
        inside = calls[-1] if calls else self.step
        first = None
        if not calls or (len(calls) < _SHOWN_DEPTH and calls[-1]._has_children):
            call = Call(operator.short, operator.name, is_module=False)
            call._done.append(operator.name)
            if ran.outputs:
                first = ran.outputs[0]
                call._kept = self.recorder.keeper.tensor(first)
            inside._done.append(call)
            inside = call
        else:
            inside._done.append(operator.name)
        if ran.macs:
            inside._macs += ran.macs
        elif ran.macs is None:
            inside._uncounted += (operator.name,)
        for value in ran.args:
            kind = type(value)
            if kind is list or kind is tuple:
                for tensor in value:
                    if isinstance(tensor, nn.Parameter):
                        self._count(inside, tensor)
            elif kind not in _NO_PARAMETER and isinstance(value, nn.Parameter):
                self._count(inside, value)
        self.trail._flow.ran(ran, calls, self.step)
        if self.fields:
            self.fields.follow(ran)
            if first is not None:
                inside.places = self.fields.of(first)[0]

    def _count(self, doing, parameter):
        if id(parameter) not in self._counted:
            self._counted[id(parameter)] = parameter
            doing._params += parameter.numel()

    def raised(self, error):
        if self.calls:
            call = self.calls[-1]
            args = call._frame_locals["args"]
            operands = {
                f"input {i}" if len(args) > 1 else "input": arg
                for i, arg in enumerate(args) if isinstance(arg, torch.Tensor)
            }
            self.recorder.fail(error, self.trail, self.step, call._frame_locals["self"], operands)
        elif self.functions:
            reads, names = self.step.statement.reads, self.functions[-1].names
            operands = {name: names[name] for name in reads if isinstance(names.get(name), torch.Tensor)}
            self.recorder.fail(error, self.trail, self.step, None, operands)


class _Function(Lines):
    """One call of a function that is followed: finds what each of its lines changed.

    names: the local names as they were after the line before; scope: tells this call from others.
    written: the memories that the running line has written to.
    """

    def __init__(self, level, code, scope):
        super().__init__(code)
        self.step = None
        self.names = {}
        self.written = set()
        self.scope = scope
        self._level = level
        self._keep = level.recorder.keeper.keep
        self._latest = {}  # name → the change that gave it its value
        self._memories = {}  # name → keys of the memories of its tensors
        self._watched = {}  # name → a container that may change without a new name
        self._attributes = {}  # what the running line may change of the module: name → (value, its `Kept`)
        self._raising = False
        self._hidden = set(code.co_freevars)  # names of the function around, and __class__
        self._self_name = code.co_varnames[0] if code.co_argcount and level.owner is not None else None

    def begin(self, statement, frame):
        if self.step is not None:
            self._close(frame)
            self._raising = False
        self.step = self._level.new_step(statement, self.scope)
        if statement.attributes and self._self_name:
            self._look_at_attributes(statement)

    def finish(self, frame, returned):
        self._close(frame)
        step = self.step
        if self.scope == 0:
            self._level.trail._flow.returned(_tensors_in((returned,)))
        if step.source.startswith("return") and not self._raising and returned is not None and not any(
            value is returned for value in self.names.values()
        ):
            self.names["return"] = returned
            self._change("return", self._keep(returned), False, ())
        for name in self.names:
            self._level.recorder.keeper.unbind(self.scope, name)
        self.names, self._watched = {}, {}
        self._level.recorder.keeper.end_line()
        self._level.left(self)

    def raised(self, error):
        self._raising = True
        self._level.recorder.flush()
        self._level.raised(error)

    def _close(self, frame):
        """Compare the local names with what they were before the line."""
        if self._level.recorder.pending:
            self._level.recorder.flush()
        names, written, now = self.names, self.written, frame.f_locals
        fresh = {}
        for name, value in now.items():
            if names.get(name, _ABSENT) is not value:
                names[name] = value
                if value is not self._level.trail.module and name not in self._hidden:
                    fresh[name] = self._bound(name, value, now)
        if written:
            for name, keys in self._memories.items():
                if name not in fresh and not written.isdisjoint(keys):
                    fresh[name] = self._overwritten(name)
        for name, watched in self._watched.items():
            if name not in fresh:
                grows = self.step.statement.touches.get(name)
                if (grows is not None or watched.looks_changed()) and watched.look_again(grows):
                    fresh[name] = watched.keys
                    self._change(name, watched.kept, False, ())
        if self._attributes:
            self._close_attributes()
        self._memories.update(fresh)
        written.clear()
        self._level.recorder.keeper.end_line()

    def _bound(self, name, value, now):
        """`name` stands for another object than before; returns the memories of the tensors in it."""
        keeper = self._level.recorder.keeper
        earlier = self._watched.pop(name, None)
        if type(value) in (list, tuple, dict):
            if earlier is not None and not self.written.isdisjoint(earlier.keys):
                earlier = None
            watched = self._watched[name] = Watched(value, self._keep, earlier)
            kept, keys = watched.kept, watched.keys
        else:
            kept = self._keep(value)
            keys = keys_in(kept)
            if type(kept) is Kept:
                keeper.bind(self.scope, name, value, kept)
            elif name in self._memories:
                keeper.unbind(self.scope, name)
        same = ()
        if isinstance(value, (torch.Tensor, nn.Module, list, dict)):
            same = tuple(other for other, its in now.items() if its is value and other != name)
        self._change(name, kept, self._was_written(keys), same)
        return keys

    def _was_written(self, keys):
        """Whether the line wrote into one of these memories, which a name stood for before."""
        return bool(self.written) and any(
            key in self.written and any(key in known for known in self._memories.values()) for key in keys
        )

    def _overwritten(self, name):
        """Something was written into the memory of what `name` stands for."""
        watched = self._watched.get(name)
        if watched is None:
            value = self.names[name]
            kept = self._keep(value)
            keys = keys_in(kept)
            if type(kept) is Kept:
                self._level.recorder.keeper.bind(self.scope, name, value, kept)
        else:
            watched.keep_again()
            kept, keys = watched.kept, watched.keys
        self._change(name, kept, True, ())
        return keys

    def _change(self, name, kept, in_place, same):
        places, field = None, None
        fields = self._level.fields
        if fields and type(kept) is Kept and name in self.names:
            places, field = fields.of(self.names[name])
        change = Change(name, self._latest.get(name), kept, in_place, same, field, places)
        self._latest[name] = change
        self.step._changes[name] = change

    # what a line may change of the module itself

    def _look_at_attributes(self, statement):
        for name in statement.attributes:
            root, _, attribute = name.partition(".")
            if root != self._self_name:
                continue
            value = _attribute(self._level.owner, attribute)
            kept = None if value is _ABSENT else self._keep(value)
            if kept is not None and name not in self._latest:
                self._latest[name] = Change(name, None, kept, False, (), None)
            self._attributes[name] = value, kept

    def _close_attributes(self):
        for name, (before, kept) in self._attributes.items():
            value = _attribute(self._level.owner, name.partition(".")[2])
            if value is _ABSENT:
                continue
            in_place = value is before and not self.written.isdisjoint(keys_in(kept))
            now = self._keep(value)
            if value is not before or in_place or not _same_contents(kept, now):
                same = tuple(other for other, its in self.names.items() if its is value and isinstance(
                    value, (torch.Tensor, nn.Module, list, dict)))
                self._change(name, now, in_place, same)
        self._attributes = {}


def _attribute(owner, name):
    """What a module's own dictionaries hold under a name: no property runs, no `__getattr__`."""
    own = vars(owner)
    for held in (own, own.get("_parameters"), own.get("_buffers"), own.get("_modules")):
        if held and name in held:
            return held[name]
    return _ABSENT


def _same_contents(before, after):
    if not (isinstance(before, KeptItems) and isinstance(after, KeptItems)):
        return True
    return before.count == after.count and all(map(_same_contents_or_thing, before.all(), after.all()))


def _same_contents_or_thing(before, after):
    if isinstance(before, Kept) or isinstance(after, Kept):
        return before is after or getattr(before, "key", 0) == getattr(after, "key", 1)
    if isinstance(before, KeptItems):
        return _same_contents(before, after)
    return before is after


def _has_source(code):
    try:
        function_statements(code)
    except WalkError:
        return False
    return True


def _tensors_in(values):
    """The tensors among the arguments of a call, and in the containers there."""
    found, waiting, seen = [], list(values), set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple, dict)) and id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
    return found
