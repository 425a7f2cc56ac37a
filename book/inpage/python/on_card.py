"""The graphics card, in front of what computes numbers one after the other: the same functions, and those that are
heavy, or whose operands lie on the card alone, run there (kernel/card.js).

Asking the card does not wait. Its results come back when something else wants their numbers: Python waits for them by
`run_sync`, for which the browser needs JSPI. Where they do not come, since the card has gone or has no room, they are
computed here from what they were made of, so that nothing is ever lost.

The gradients of batch norms, and of what is added to a channel, are sums that all but cancel, which float32 loses: they
stay here, where sums are of float64.
"""

import math
import weakref

from from_javascript import as_js
from pyodide.ffi import JsException, JsProxy, can_run_sync, run_sync

# Multiply–accumulates from which on an operator goes to the card by itself. In the page's loops, which do about half of
# 10⁹ a second, they take 8 ms; the way to a card and back takes some ms, whatever the size.
LEAST = 1 << 22
DEEPEST = 32  # operators one on another that are remembered before their numbers are fetched


class Held:
    """Numbers of float32 that nobody changes: here, on the card, or both.

    Args:
        array: JavaScript's array; None: they are on the card alone. made: what they were made of, (name, args, place
            among the results), where they are on the card alone.
    """

    BYTES_PER_ELEMENT = 4

    def __init__(self, engine, length, array=None, made=None):
        self._engine, self.length, self.array, self.made = engine, length, array, made
        self.at = None  # their id on the card
        self.is_shared = False
        self.depth = 1 + max(arg.depth for arg in made[1] if isinstance(arg, Held)) if made else 0

    def is_away(self):
        return self.array is None

    def slice(self):
        self.is_shared = True
        return self

    def to_py(self):
        return self._engine.here(self).to_py()


class _Place(weakref.ref):
    """Where numbers lie on the card while Python has them."""

    __slots__ = ("at",)


class OnCard:
    """Args: engine: the functions that compute here. card: what kernel/card.js has for Python."""

    def __init__(self, engine, card):
        self._engine, self.card = engine, card
        self._places, self._dropped = set(), []

    def __getattr__(self, name):
        here, plan = getattr(self._engine, name), _PLANS.get(name)

        def call(*args):
            planned = plan(*args) if plan and not self.card.lost else None
            if planned and self._is_worth_it(planned, args) and self._are_single(planned[1]):
                return self._asked(planned, name, args)
            return here(*map(self._given, args))

        setattr(self, name, call)
        return call

    def _is_worth_it(self, planned, args):
        return planned[3] >= LEAST or any(isinstance(arg, Held) and arg.is_away() for arg in args)

    def _are_single(self, asked):
        """Whether all arrays among them are of float32, which is all that the card knows."""
        return all(self.card.areSingle(one) for one in asked if isinstance(one, JsProxy))

    def _asked(self, planned, name, args):
        on_card, asked, lengths, _ = planned
        lying = {id(arg): self._lying(arg) for arg in asked}
        first = self.card.compute(on_card, as_js([_said(lying[id(arg)]) for arg in asked]), len(lengths))
        args = [lying.get(id(arg), arg) for arg in args]
        found = [
            self._new(length, first + place, (name, args, place if len(lengths) > 1 else None))
            for place, length in enumerate(lengths)
        ]
        return found if len(found) > 1 else found[0]

    def _new(self, length, at, made):
        held = self._own(Held(self, length, made=made), at)
        if held.depth > DEEPEST:
            self.here(held)
        return held

    def _own(self, held, at):
        """Frees the place on the card soon after Python has dropped the numbers."""
        # No Python runs when they are dropped, in which an interrupt would be lost.
        place = _Place(held, self._dropped.append)
        held.at = place.at = at
        self._places.add(place)
        while self._dropped:
            dropped = self._dropped.pop()
            self._places.discard(dropped)
            self.card.free(dropped.at)
        return held

    def _lying(self, value):
        """What is said to the card in place of an array of float32: numbers that lie there by now."""
        if isinstance(value, JsProxy) and self.card.areSingle(value):
            value = Held(self, value.length, value.slice())  # others may write to it
        if isinstance(value, Held) and value.at is None:
            self._own(value, self.card.put(value.array)).is_shared = True
        return value

    def _given(self, value):
        if isinstance(value, Held):
            return self.here(value)
        if isinstance(value, list) and any(isinstance(one, Held) for one in value):
            return [self._given(one) for one in value]
        return value

    def here(self, held):
        """The array of a tensor's numbers, fetched from the card if need be."""
        if held.is_away():
            held.array = self._fetched(held) or self._computed_here(*held.made)
            held.made, held.depth, held.is_shared = None, 0, True
        return held.array

    def _fetched(self, held):
        if self.card.lost or not can_run_sync():
            return None
        self.card.listen(False)
        try:
            return run_sync(self.card.read(held.at))
        except JsException:
            return None
        finally:
            self.card.listen(True)

    def _computed_here(self, name, args, place):
        found = getattr(self._engine, name)(*map(self._given, args))
        return found if place is None else found[place]

    def held(self, values):
        """An array as tensors keep it."""
        if isinstance(values, Held) or not self.card.areSingle(values):
            return values
        return Held(self, values.length, values)

    def is_held(self, values):
        return isinstance(values, Held)

    def writable(self, values):
        """In their place, an array of these numbers that may be written to."""
        if not isinstance(values, Held):
            return values
        array = self.here(values)
        return array.slice() if values.is_shared else array

    def laid(self, memory, offset, shape, strides):
        if not isinstance(memory, Held):
            return self._engine.laid(memory, offset, shape, strides)
        if not offset and math.prod(shape) == memory.length:
            order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
            steps = [math.prod(shape[one] for one in order[place + 1:]) for place in range(len(order))]
            if all(shape[dim] == 1 or strides[dim] == step for dim, step in zip(order, steps, strict=True)):
                moved = [dim for dim in range(len(shape)) if shape[dim] != 1]
                if moved == [dim for dim in order if shape[dim] != 1]:
                    return memory
                if memory.at is not None and not self.card.lost:
                    places = [order.index(dim) for dim in range(len(shape))]
                    planned = "turned", [memory, [shape[dim] for dim in order], places], [memory.length], 0
                    return self._asked(planned, "laid", [memory, offset, shape, strides])
        return self._engine.laid(self.here(memory), offset, shape, strides)

    def moments(self, x, samples, channels, inner):
        if isinstance(x, Held) and x.is_away() and not self.card.lost:
            asked = as_js([_said(x), samples, channels, inner])
            lying = self._own(Held(self, 2 * channels), self.card.compute("moments", asked, 1))
            both = self._fetched(lying)
            if both is not None:
                return both.subarray(0, channels), both.subarray(channels)
        return self._engine.moments(self._given(x), samples, channels, inner)

    def put(self, memory, offset, shape, strides, values):
        self._engine.put(memory, offset, shape, strides, self._given(values))


def _said(value):
    return {"lies": value.at} if isinstance(value, Held) else value


# What the card is asked in place of a function here: (its name there, what it takes, how many numbers each result has,
# multiply–accumulates), or None where it does not have that


def _convolved(x, sizes, weight, weights, bias, window, groups):
    return "convolved", [x, sizes, weight, weights, bias, window, groups], *_sizes(sizes, weights, window)


def _convolved_input(gradient, sizes, weight, weights, window, groups):
    reach = [step * (size - 1) for step, size in zip(window["dilation"], window["kernel"], strict=True)]
    if any(padding > one for padding, one in zip(window["padding"], reach, strict=True)):
        return None
    asked = [gradient, sizes, weight, weights, window, groups]
    return "convolvedInput", asked, [math.prod(sizes)], _sizes(sizes, weights, window)[1]


def _convolved_weight(gradient, x, sizes, weights, window, groups):
    asked = [gradient, x, sizes, weights, window, groups]
    return "convolvedWeight", asked, [math.prod(weights) * _taps(window)], _sizes(sizes, weights, window)[1]


def _sizes(sizes, weights, window):
    samples, _, *sides = sizes
    described = zip(sides, *(window[name] for name in ("kernel", "stride", "padding", "dilation")), strict=True)
    places = math.prod(
        (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for side, kernel, stride, padding, dilation in described
    )
    length = samples * weights[0] * places
    return [length], length * weights[1] * _taps(window)


def _taps(window):
    return math.prod(window["kernel"])


def _products(kind, one, other, count, rows, inner, columns):
    if kind != "float32":
        return None
    asked = [one, other, count, rows, inner, columns]
    return "products", asked, [count * rows * columns], count * rows * inner * columns


def _unary(name, kind, x, *settings):
    return ("relu", [x], [x.length], 0) if (name, kind) == ("relu", "float32") else None


def _binary(name, kind, one, other, count):
    if kind != "float32" or name not in ("add", "sub", "mul"):
        return None
    return name, [one, other], [count], 0


def _reduced(name, kind, x, rows, count, correction):
    return (name, [x, rows, count], [rows], 0) if kind == "float32" and name in ("sum", "mean") else None


def _normed(x, channels, inner, mean, variance, weight, bias, eps):
    return "normed", [x, channels, inner, mean, variance, weight, bias, eps], [x.length], 0


def _passed_above(kind, gradient, result, threshold):
    if kind != "float32" or gradient.length != result.length:
        return None
    return "passedAbove", [gradient, result, threshold], [result.length], 0


_PLANS = {
    "convolved": _convolved,
    "convolvedInput": _convolved_input,
    "convolvedWeight": _convolved_weight,
    "products": _products,
    "unary": _unary,
    "binary": _binary,
    "reduced": _reduced,
    "normed": _normed,
    "passedAbove": _passed_above,
}
