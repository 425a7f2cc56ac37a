"""Keeps values of every kind: tensors through `Memory`, containers with what they hold at that moment."""

import itertools
import operator
import weakref

import torch
from torch.utils import _pytree as pytree

from .memory import Kept

_DEEPEST = 12  # containers within containers, beyond which a value is kept by reference
SIMPLE = frozenset({
    int, float, bool, str, bytes, complex, type(None), type(Ellipsis), range, slice, type,
    torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format,
})


class KeptItems:
    """A container as it was: the first `count` of `items`, a list that only ever grows.

    like: list, tuple or dict; None for another library's class.
    """

    __slots__ = ("_build", "_items", "count", "like")

    def __init__(self, build, items, count, like):
        self._build, self._items, self.count, self.like = build, items, count, like

    def get(self):
        return self._build([resolved(item) for item in self._items[: self.count]])

    def all(self):
        """How each item is kept."""
        return self._items[: self.count]

    def first(self, count):
        """How the first few items are kept, to describe it by; of a dict with their keys."""
        first = self._items[: min(count, self.count)]
        return [(item.key, item.value) if type(item) is _Pair else item for item in first]


class KeptObject:
    """Any other object, by reference, with what it called itself at that moment."""

    __slots__ = ("text", "value")

    def __init__(self, value):
        self.value = value
        try:
            self.text = repr(value)
        except Exception:  # a reader's own __repr__, perhaps of a half-built object
            self.text = type(value).__name__

    def get(self):
        return self.value


def resolved(kept):
    """The value that was kept."""
    return kept.get() if isinstance(kept, (Kept, KeptItems, KeptObject)) else kept


def outline(kept):
    """What tells its shape and type: as `resolved`, but a tensor's values may be later ones, which costs nothing."""
    return kept.outline if isinstance(kept, Kept) else resolved(kept)


def contents(container):
    """What a list or tuple holds, and the pairs of a dict: not as a class of somebody's own may tell it."""
    if isinstance(container, dict):
        return list(dict.items(container))
    return list(list.__iter__(container) if isinstance(container, list) else tuple.__iter__(container))


class Watched:
    """A list, tuple or dict that may change: what it held when it was last looked at, and how that is kept.

    Looking again costs as little as can be: what it still holds is only compared, and kept as it was.

    count: how many things it held; keys: the memories of the tensors in it; within: the ids of the containers in it,
    at any depth; version: counts its changes.
    """

    __slots__ = (
        "__weakref__", "_around", "_held", "_inner", "_items", "_keeper", "count", "keys", "value", "version", "within",
    )

    def __init__(self, value, keeper, earlier=None, around=()):
        """`keeper`: keeps what it holds. earlier: what the name stood for before, where nothing was written over since:
        it may be a beginning.
        """
        self.value, self._keeper, self._around, self.version = value, keeper, (*around, id(value)), 0
        if earlier is not None and earlier.begins(value):
            self._items, self.keys, self._inner, self.within = earlier._items, earlier.keys, {}, set()
            self._add(len(earlier._held))
            self._held = _copy(value)
        else:
            self._look()

    def kept(self):
        """How it is kept, a `KeptItems`."""
        return KeptItems(type(self.value), self._items, self.count, type(self.value))

    def begins(self, value):
        """Whether `value` holds the same things first."""
        held = self._held
        return (
            type(value) is type(held) and not isinstance(value, dict) and not self._inner
            and len(value) >= len(held) == len(self._items) and all(map(operator.is_, value, held))
        )

    def look_again(self, grows=None):
        """Whether it holds something else than before, which `kept` then gives.

        Args:
            grows: True where only something new at its end is to be expected, "item" where one item was set.
        """
        held, value = self._held, self.value
        start = len(held)
        if grows and len(value) >= start + (grows == "item"):
            new = self._add(start)
            if isinstance(value, dict):
                held.update((key, value[key]) for key in new)
            else:
                held += new
            changed = bool(new)
        else:
            changed = self._compare(list(_contents(value)), list(_contents(held)))
        if self._inner:
            inner = self._inner.values()
            if grows:  # those in it are taken to do the same
                inner = [one for one in inner if len(one.value) != one.count]
            changed = self._note_changes([one for one in inner if one.look_again()]) or changed
        self.version += changed
        return changed

    def look_for(self, other, grows=None):
        """Look again at what it has in common with another container, or at that one in it.

        Args:
            grows: what is to be expected of the other one, as in `look_again`.
        """
        if id(other.value) not in self.within and self.within.isdisjoint(other.within):
            return False
        changed = []
        for key, one in self._inner.items():
            is_other = key == id(other.value)
            if one.look_again(grows if is_other else None) if is_other or key in other.within else one.look_for(other):
                changed.append(one)
        self.version += bool(changed)
        return self._note_changes(changed)

    def _compare(self, contents, before):
        """Keep what is not where it was; whether anything is not."""
        if len(contents) == len(before) and (not isinstance(self.value, dict) or _same(self.value, self._held)):
            places = list(itertools.compress(range(len(before)), map(operator.is_not, contents, before)))
            if not places:
                return False
            if 2 * len(places) <= len(before):
                self._replace(places, contents)
                return True
        if isinstance(self.value, dict):
            first, last = 0, 0
        else:
            first = _same_first(contents, before)
            last = _same_first(contents[first:][::-1], before[first:][::-1])
        items, end = self._items[: self.count], len(before) - last
        known = dict(zip(map(id, before[first:end]), _values(items[first:end]), strict=True))
        new = [
            known[id(item)] if id(item) in known else self._kept(item)
            for item in contents[first : len(contents) - last]
        ]
        self._items = items[:first]
        self._store(new, self.value)
        self._items += items[end:]
        self.count = len(self._items)
        self._held = _copy(self.value)
        if self._inner:
            here = set(map(id, contents))
            self._inner = {key: inner for key, inner in self._inner.items() if key in here}
        return True

    def _replace(self, places, contents):
        """Keep anew what lies at some places."""
        items, keys = self._items[: self.count], list(self.value)
        for index in places:
            kept = self._kept(contents[index])
            items[index] = _Pair(keys[index], kept) if isinstance(self.value, dict) else kept
        self._items, self._held = items, _copy(self.value)

    def _note_changes(self, changed):
        """Keep anew those of the containers in it that have changed; whether there are any."""
        if changed:
            ids, contents = {id(inner.value): inner for inner in changed}, list(_contents(self.value))
            items, keys = self._items[: self.count], list(self.value)
            for index in itertools.compress(range(len(contents)), map(ids.__contains__, map(id, contents))):
                kept = ids[id(contents[index])].kept()
                items[index] = _Pair(keys[index], kept) if isinstance(self.value, dict) else kept
            self._items = items
            self.keys = self.keys.union(*(inner.keys for inner in changed))
            self.within = self.within.union(*(inner.within for inner in changed))
        return bool(changed)

    def keep_again(self):
        """Keep all of it as it is now, after something was written over a tensor in it."""
        self._look()
        self.version += 1

    def _look(self):
        self.keys, self._inner, self._items, self.within = set(), {}, [], set()
        self._held = _copy(self.value)
        contents = _contents(self.value)
        if SIMPLE.issuperset(map(type, contents)):
            self._store(contents, self.value)
        else:
            self._store([self._kept(item) for item in contents], self.value)

    def _add(self, start):
        """Take in what came to its end; returns it, of a dict the keys."""
        value = self.value
        if isinstance(value, dict):
            new = _last_keys(value, len(value) - start)
            self._store([self._kept(value[key]) for key in new], new)
            return new
        new, items = value[start:], self._items
        for item in new:
            if type(item) is torch.Tensor:
                kept = self._keeper.tensor(item)
                self.keys.add(kept.key)
            else:
                kept = self._kept(item)
            items.append(kept)
        self.count = start + len(new)
        return new

    def _kept(self, item):
        if _may_change(item) and id(item) not in self._around and len(self._around) < _DEEPEST:
            inner = self._inner[id(item)] = Watched(item, self._keeper, None, self._around)
            self.keys.update(inner.keys)
            self.within.add(id(item))
            self.within.update(inner.within)
            return inner.kept()
        kept = self._keeper.keep(item, self._around)
        if type(item) not in SIMPLE:
            self.keys.update(keys_in(kept))
        return kept

    def _store(self, kept, keys):
        if isinstance(self.value, dict):
            kept = [_Pair(key, item) for key, item in zip(keys, kept, strict=True)]
        self._items.extend(kept)
        self.count = len(self.value)


def _may_change(item):
    """Whether an object is a container whose contents can be others later: a list, a dict, a tuple of such."""
    return type(item) in (list, dict) or (type(item) is tuple and any(type(one) in (list, dict, tuple) for one in item))


def _same_first(some, others):
    """How many things two lists have in common at their beginning."""
    differing = itertools.compress(itertools.count(), map(operator.is_not, some, others))
    return next(differing, min(len(some), len(others)))


def _same(one, other):
    return all(map(operator.is_, one, other))


def _values(items):
    return [item.value if type(item) is _Pair else item for item in items]


def keys_in(kept):
    """The memories of all tensors in what was kept."""
    if isinstance(kept, Kept):
        return (kept.key,)
    if isinstance(kept, _Pair):
        return keys_in(kept.value)
    if isinstance(kept, KeptItems):
        return {key for item in kept.all() for key in keys_in(item)}
    return ()


class _Pair(KeptObject):
    """A key of a dict, and how its value is kept."""

    __slots__ = ("key",)

    def __init__(self, key, value):
        self.key, self.value = key, value

    def get(self):
        return self.key, resolved(self.value)


def _copy(container):
    return container if isinstance(container, tuple) else container.copy()


def _contents(container):
    return container.values() if isinstance(container, dict) else container


def _last_keys(mapping, count):
    backwards = reversed(mapping)
    return [next(backwards) for _ in range(count)][::-1]


class Keeper:
    """Keeps any value; one for a walk."""

    def __init__(self, memory):
        self.functions = []  # those that are followed: what their names stand for is kept once
        self._memory = memory
        self._fresh, self._lately = {}, {}  # by id, since tensors compare by value: (the tensor, how it is kept, …)
        self._outdated = set()
        self._watched = weakref.WeakValueDictionary()

    def watched(self, value, earlier=None):
        """The one `Watched` of a container, under whatever names, as it is now; see there for `earlier`."""
        known = self._watched.get(id(value))
        if known is None:
            known = self._watched[id(value)] = Watched(value, self, earlier)
        else:
            known.look_again()
        return known

    def end_line(self):
        """Let go of the tensors of the line before; those of the one that has ended are often used in the next."""
        self._fresh, self._lately = self._lately, self._fresh
        self._fresh.clear()

    def end(self):
        self._fresh, self._lately = {}, {}

    def written(self, key):
        """Something is about to be written into a memory: what was copied of it will not be as it then is."""
        if self._memory.has_copies:
            known = [kept for _, kept, _ in (*self._fresh.values(), *self._lately.values())]
            known += [kept for function in self.functions for kept in function.kept.values() if type(kept) is Kept]
            self._outdated.update(kept for kept in known if kept.key == key and kept.is_a_copy)

    def tensor(self, tensor):
        """How `tensor` is kept; the same again as long as nothing is written over it."""
        known = self._fresh.get(id(tensor)) or self._lately.get(id(tensor))
        kept = known[1] if known is not None else self._under_a_name(tensor)
        if kept is None or self._memory.eager or not kept.is_current or kept in self._outdated:
            kept = self._memory.keep(tensor)
            self._fresh[id(tensor)] = tensor, kept, False
        return kept

    def made(self, tensor):
        """How `tensor` is kept, which an operator has just made."""
        kept = self._memory.keep(tensor)
        self._fresh[id(tensor)] = tensor, kept, True
        return kept

    def just_made(self, value):
        """How a tensor is kept that an operator of the line that is running made; None for any other value."""
        known = self._fresh.get(id(value))
        return known[1] if known is not None and known[2] else None

    def _under_a_name(self, tensor):
        for function in self.functions:
            for name, kept in function.kept.items():
                if type(kept) is Kept and function.names[name] is tensor:
                    return kept
        return None

    def keep(self, value, around=()):
        """How a value of any kind is kept, to be handed to `resolved`; what it nests is kept with it."""
        kind = type(value)
        if kind in SIMPLE:
            return value
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, (torch.nn.Module, type)) or callable(value):
            return value
        if id(value) in around or len(around) >= _DEEPEST:
            return value  # it holds itself
        around = (*around, id(value))
        if kind is dict:
            pairs = [_Pair(key, self.keep(item, around)) for key, item in value.items()]
            return KeptItems(dict, pairs, len(pairs), dict)
        if kind in (list, tuple):
            if SIMPLE.issuperset(map(type, value)):
                return KeptItems(kind, list(value), len(value), kind)
            return KeptItems(kind, [self.keep(item, around) for item in value], len(value), kind)
        node = pytree.SUPPORTED_NODES.get(pytree._get_node_type(value))
        if node is not None:
            try:
                children, context = node.flatten_fn(value)
                children = list(children)
                return KeptItems(
                    lambda items: node.unflatten_fn(items, context),
                    [self.keep(child, around) for child in children], len(children), None,
                )
            except Exception:  # another library's own rule for its own class
                pass
        busy, self._memory.busy = self._memory.busy, True
        kept = KeptObject(value)
        self._memory.busy = busy
        return kept
