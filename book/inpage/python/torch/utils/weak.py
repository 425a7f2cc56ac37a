"""A dictionary that asks whether keys are the same object, and lets them go."""

import weakref


class WeakIdKeyDictionary:
    def __init__(self):
        self._held = {}

    def __setitem__(self, key, value):
        number = id(key)
        self._held[number] = weakref.ref(key, lambda _: self._held.pop(number, None)), value

    def __getitem__(self, key):
        return self._held[id(key)][1]

    def __contains__(self, key):
        return id(key) in self._held

    def __len__(self):
        return len(self._held)
