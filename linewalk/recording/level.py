"""What is noted of one call of a module, line by line, in the journal of its trail."""

import inspect

import torch
import torch.nn as nn

from ..errors import WalkError
from ..source import as_written, function_statements, names_stored
from .journal import Journal
from .memory import Kept, memories, memory, overlap, place, seen
from .operators import without_tensors
from .tracing import MODULE_CALL, Lines, is_call_of
from .values import SIMPLE, KeptItems, contents, keys_in

_no_function = torch._C.DisableTorchFunction
_ABSENT = object()
_SHOWN_DEPTH = 2  # calls within a line, and within these: cards draw so many, and only their values are kept


class Level:
    """One trail while it is being written: of the module walked, or of one that is walked into.

    calls: the calls that it is in, outermost first: (the local names of each, whether it has submodules).
    functions: those that are being followed, outermost first. is_open: whether forward has been called.
    note: adds to the journal: one of its methods, and what that takes.
    attributes: name → `Watched` of the containers that the module itself holds.
    """

    def __init__(self, recorder, trail, code, owner, names):
        self.recorder, self.trail, self.owner = recorder, trail, owner
        self._keeper = recorder.keeper
        self.is_open = self.has_places = False
        self.calls = []
        self.functions = []
        self.note = None
        self.code, self._names = code, names
        self._scopes = 0
        self.attributes = {}
        self._counted = {}
        self._helpers = {}

    def given(self, inputs, kwargs):
        keep = self.recorder.keeper.keep
        with _no_function():
            self.trail._inputs, self.trail._kwargs = keep(tuple(inputs)), keep(dict(kwargs))
            journal = self.trail._journal = Journal(seen(_tensors_in((inputs, kwargs))))
        self.note, self.has_places = journal.notes.extend, journal.has_places

    def open(self, frame):
        self.is_open = True
        self.recorder.levels.append(self)
        return self._follow(frame)

    def is_helper(self, frame):
        """Whether a function is a method of the module itself, or one to be followed, called by one of its lines."""
        if self.calls or self.owner is None or not isinstance(self.owner, nn.Module):
            return False
        code = frame.f_code
        is_plain = id(code) in self.recorder.functions
        known = self._helpers.get(id(code))
        if known is None:
            method = inspect.getattr_static(type(self.owner), code.co_name, None)
            is_method = inspect.isfunction(method) and as_written(method, type(self.owner)).__code__ is code
            known = self._helpers[id(code)] = (is_plain or is_method) and _has_source(code)
        return known and (is_plain or is_call_of(frame, self.owner))

    def open_helper(self, frame):
        return self._follow(frame)

    def _follow(self, frame):
        self.recorder.flush()
        self.note((Journal.entered,))
        function = _Function(self, frame.f_code, self._scopes)
        self._scopes += 1
        self.functions.append(function)
        return function.enter(frame)

    def left(self):
        """A function that was followed has returned, or an exception has left it."""
        self.note((Journal.left,))
        self.functions.pop()
        if not self.functions:
            self.recorder.levels.remove(self)

    def written(self, key, tensor, place):
        for function in self.functions:
            function.written.setdefault(key, {})[id(tensor)] = place

    def module_called(self, module, frame_locals):
        has_children = bool(vars(module).get("_modules"))
        self.note((Journal.called, self._names[module], type(module).__name__, has_children))
        self.calls.append((frame_locals, has_children))

    def module_returned(self, output):
        if not self.calls:
            return
        self.calls.pop()
        kept = place = None
        if len(self.calls) < _SHOWN_DEPTH and output is not None:
            kept = self.recorder.keeper.keep(output)
            if self.has_places and isinstance(output, torch.Tensor):
                (place,) = seen((output,))
        self.note((Journal.returned, kept, place))

    def operator(self, operator, macs, args, taken, given):
        """An operator has run with `args`, among them the tensors `taken`, and made or written those `given`."""
        params = 0
        for tensor in taken:
            if type(tensor) is torch.Tensor or id(tensor) in self._counted or not isinstance(tensor, nn.Parameter):
                continue
            self._counted[id(tensor)] = tensor
            params += tensor.numel()
        calls, kept, shape = self.calls, None, None
        shown = not calls or (len(calls) < _SHOWN_DEPTH and calls[-1][1])
        if given and shown:
            result = given[0]
            is_new = not (operator.writes or (taken and result is taken[0]))
            kept = self._keeper.made(result) if is_new else self._keeper.tensor(result)
        elif given and not given[0].is_nested:
            shape = given[0].shape
        if self.has_places:
            taken, given, args = seen(taken), seen(given), without_tensors(args)
        else:
            taken, args = memories(taken), None
            given = [kept.key] if kept and len(given) == 1 else memories(given)
        self.note((Journal.ran, operator, macs, shape, taken, given, args, shown, kept, params))

    def raised(self, error):
        if self.calls:
            frame_locals = self.calls[-1][0]
            self.recorder.fail(error, self.trail, frame_locals["self"], _given(frame_locals))
        elif self.functions:
            function = self.functions[-1]
            self.recorder.fail(error, self.trail, None, _read(function.statement, function.names))

    def found_in(self, traceback):
        """Where an exception left the trail that no line was seen to raise, told by its traceback.

        It had waited in a `finally` where another one came and went, or is what `except*` left of a group.

        Returns:
            (step, the innermost module or None, the tensors used); None where it never was here.
        """
        line = module = None
        while traceback is not None:
            frame = traceback.tb_frame
            ours = frame.f_code is self.code or self._helpers.get(id(frame.f_code))
            if ours and module is None and is_call_of(frame, self.owner):
                line = traceback.tb_lineno, frame
            elif frame.f_code is MODULE_CALL and line is not None:
                module = frame.f_locals
            traceback = traceback.tb_next
        steps = [step for step in self.trail if line and step.lineno <= line[0] <= step.statement.end_lineno]
        if not steps:
            return None
        operands = _given(module) if module else _read(steps[-1].statement, line[1].f_locals)
        return steps[-1], module and module["self"], operands


def _given(frame_locals):
    """The tensors that a module was called with, by name; `frame_locals`: those of the call."""
    args = frame_locals["args"]
    return {
        f"input {i}" if len(args) > 1 else "input": arg
        for i, arg in enumerate(args) if isinstance(arg, torch.Tensor)
    }


def _read(statement, names):
    """The tensors that a statement reads, by name."""
    values = {name: names.get(name) for name in statement.reads}
    return {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}


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
            held = contents(value)
            waiting += [item for _, item in held] if isinstance(value, dict) else held
    return found


class _Function(Lines):
    """One call of a function that is followed.

    statement: the one that is running. names: what the local names stand for; kept: how, of those that hold tensors.
    written: the memories that the running line has written to, each with the tensors, by id, and their places.
    scope: its number among the calls that are followed.
    """

    def __init__(self, level, code, scope):
        super().__init__(code)
        self.statement = None
        self._stored, self._may_store = names_stored(code), None
        self.names = {}
        self.kept = {}
        self.written = {}
        self.scope = scope
        self._level = level
        self._note = level.note
        self._recorder = level.recorder
        self._keeper = level.recorder.keeper
        self._watched = {}  # name → a container that may change without a new name, and its version when last noted
        self._attributes = {}  # what the running line may change of the module: name → (value, its `Kept`)
        self._raising = False
        self._hidden = set(code.co_freevars)  # names of the function around, and __class__
        self._self_name = code.co_varnames[0] if code.co_argcount and level.owner is not None else None
        self._keeper.functions.append(self)

    def begin(self, statement, frame):
        if self.statement is not None:
            self._close(frame, self._may_store)
            self._raising = False
            self._may_store = self._stored[statement.lineno]
        self.statement = statement
        self._note((Journal.began, statement, self.scope))
        if statement.attributes and self._self_name:
            self._look_at_attributes(statement)

    def finish(self, frame, returned):
        self._close(frame, None)
        if self.scope == 0:
            self._note((Journal.gave, memories(_tensors_in((returned,)))))
        if self.statement.text.startswith("return") and not self._raising and returned is not None and not any(
            value is returned for value in self.names.values()
        ):
            self.names["return"] = returned
            self._changed("return", self._keeper.keep(returned), False, ())
        self._keeper.functions.remove(self)
        self._keeper.end_line()
        self._level.left()

    def raised(self, error):
        self._raising = True
        self._recorder.flush()
        self._level.raised(error)

    def _close(self, frame, may_store):
        """Compare the local names with what they were before the line: those that it may store, or all for None."""
        if self._recorder.pending:
            self._recorder.flush()
        before = self._memories() if self.written else None
        changed = self._compare(frame.f_locals, may_store, before) if may_store != () else ()
        if before is not None:
            changed = [*changed, *self._compare_contents(before, changed)]
        if self._attributes:
            self._close_attributes()
        if self.statement.attributes:
            self._look_for_other_data()
        if self._watched:
            self._look_into_containers(changed)
        if before is not None:
            self.written.clear()
        self._keeper.end_line()

    def _memories(self):
        """Name → the memories of the tensors that it stands for."""
        watched = self._watched
        return {name: watched[name][0].keys if name in watched else keys_in(kept) for name, kept in self.kept.items()}

    def _compare(self, now, may_store, before):
        """Note which names stand for other objects than before; returns those that hold tensors, or might."""
        names, changed = self.names, []
        for name in now if may_store is None else may_store:
            value = now.get(name, _ABSENT)
            if names.get(name, _ABSENT) is value or value is _ABSENT:
                continue
            names[name] = value
            self.kept.pop(name, None)
            if name in self._hidden:
                continue
            if type(value) in SIMPLE:
                self._watched.pop(name, None)
                self._note((Journal.changed, name, value, False, (), None))
            elif len(may_store or ()) == 1 and before is None and (kept := self._keeper.just_made(value)):
                changed.append(name)  # by an operator of this line: it has no other name yet
                self._watched.pop(name, None)
                self.kept[name] = kept
                place = seen((value,))[0] if self._level.has_places else None
                self._note((Journal.changed, name, kept, False, (), place))
            elif value is not self._level.trail.module:
                changed.append(name)
                self._bound(name, value, now, before)
        return changed

    def _look_for_other_data(self):
        """Note which tensors were given another memory, by `y.data = …`: no operator tells of that."""
        for attribute in self.statement.attributes:
            name, _, what = attribute.partition(".")
            value, kept = self.names.get(name), self.kept.get(name)
            if what != "data" or type(kept) is not Kept or not isinstance(value, torch.Tensor):
                continue
            if memory(value) != kept.key:
                kept = self._keeper.made(value)
                for other, its in self.names.items():
                    if its is value:
                        self.kept[other] = kept
                        self._changed(other, kept, False, ())
                for watched, _ in self._watched.values():
                    if any(its is value for its in _tensors_in((watched.value,))):
                        watched.keep_again()

    def _look_into_containers(self, changed):
        """Note which names of containers hold something else than before, under whatever name it came in."""
        touches, moved = self.statement.touches, []
        for name, (watched, version) in self._watched.items():
            if name in changed:
                self._watched[name] = watched, watched.version
                continue
            if name in touches or len(watched.value) != watched.count:
                watched.look_again(touches.get(name))
            if watched.version != version:
                moved.append((watched, touches.get(name)))
        if not moved:
            return
        for watched, grows in moved:
            for other, _ in self._watched.values():
                if other.within and other is not watched:
                    other.look_for(watched, grows)
        for name, (watched, version) in self._watched.items():
            if watched.version != version:
                self._watched[name] = watched, watched.version
                self._note((Journal.changed, name, watched.kept(), False, (), None))

    def _bound(self, name, value, now, before):
        """`name` stands for another object than before."""
        kind, same = type(value), ()
        earlier, _ = self._watched.pop(name, (None, 0))
        if kind is torch.Tensor:
            kept = self._keeper.tensor(value)
        elif kind in (list, tuple, dict):
            if earlier is not None and not self.written.keys().isdisjoint(earlier.keys):
                earlier = None
            watched = self._keeper.watched(value, earlier)
            if not self.written.keys().isdisjoint(watched.keys):
                watched.keep_again()
            self._watched[name] = watched, watched.version
            kept = watched.kept()
        else:
            kept = self._keeper.keep(value)
        self.kept[name] = kept
        if isinstance(value, (torch.Tensor, nn.Module, list, dict)):
            named = [other for other, its in now.items() if its is value]
            if len(named) > 1:
                named.remove(name)
                same = tuple(named)
        self._changed(name, kept, before is not None and self._was_written(keys_in(kept), before), same)

    def _was_written(self, keys, before):
        """Whether the line wrote into one of these memories, which a name stood for before."""
        return any(key in self.written and any(key in its for its in before.values()) for key in keys)

    def _was_written_into(self, tensor):
        """Whether the line wrote to some of a tensor's own places, and not only beside them in the same memory.

        The tensor has been there before the line: no other one has had its id.
        """
        if any(id(tensor) in those for those in self.written.values()):
            return True
        own = place(tensor)
        return any(overlap(own, written) for written in self.written.get(memory(tensor), {}).values())

    def _compare_contents(self, before, changed):
        """Note which names hold other values than before, since something was written there; returns them."""
        written = [
            name for name, keys in before.items() if name not in changed and not self.written.keys().isdisjoint(keys)
            and any(map(self._was_written_into, _tensors_in((self.names[name],))))
        ]
        for name in written:
            if name in self._watched:
                watched, _ = self._watched[name]
                watched.keep_again()
                self._watched[name] = watched, watched.version
                kept = self.kept[name] = watched.kept()
            else:
                kept = self.kept[name] = self._keeper.keep(self.names[name])
            self._changed(name, kept, True, ())
        return written

    def _changed(self, name, kept, in_place, same):
        place = None
        if self._level.has_places and type(kept) is Kept and name in self.names:
            (place,) = seen((self.names[name],))
        self._note((Journal.changed, name, kept, in_place, same, place))

    # what a line may change of the module itself

    def _look_at_attributes(self, statement):
        for name in statement.attributes:
            root, _, attribute = name.partition(".")
            if root != self._self_name:
                continue
            value = _attribute(self._level.owner, attribute)
            watched = None
            if type(value) in (list, dict):
                watched = self._level.attributes[name] = self._keeper.watched(value)
                kept = watched.kept()
            else:
                kept = None if value is _ABSENT else self._keeper.keep(value)
            if kept is not None:
                self._note((Journal.stood, name, kept))
            self._attributes[name] = value, kept, watched and watched.version

    def _close_attributes(self):
        for name, (before, kept, version) in self._attributes.items():
            value = _attribute(self._level.owner, name.partition(".")[2])
            if value is _ABSENT:
                continue
            watched = self._level.attributes[name] if value is before and version is not None else None
            if watched is not None:
                in_place = not self.written.keys().isdisjoint(watched.keys)
                watched.keep_again() if in_place else watched.look_again(self.statement.touches.get(name))
                now, same = watched.kept(), watched.version == version
            else:
                in_place = value is before and not self.written.keys().isdisjoint(keys_in(kept))
                now = self._keeper.keep(value)
                same = value is before and _same_contents(kept, now)
            if in_place or not same:
                same = tuple(other for other, its in self.names.items() if its is value and isinstance(
                    value, (torch.Tensor, nn.Module, list, dict)))
                self._changed(name, now, in_place, same)
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
