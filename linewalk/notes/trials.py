"""What happens without a line, where that can be tried at little cost: forward runs again with the line left out."""

import ast
import contextlib
import copy
import io
import random
import sys
from dataclasses import dataclass

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from ..apart import can_copy, in_a_process
from ..trail import Described, count_of
from . import library
from .instrument import code_without

_MOST_NUMBERS, _MOST_MACS = 500_000_000, 5_000_000_000  # in weights and inputs, and computed, by all trials together
_SECONDS = 20  # of computing, where their number of operations says less than they take


def tried(reading):
    """Sentences by statement: what happened when `forward` ran without it.

    Only straight lines of `forward` are left out, never a part of a loop, which might then not end.

    Returns:
        dict: id of the `ast.stmt` → list of `Sentence`.
    """
    entry, run = reading.functions.get("forward"), reading.forward
    if entry is None or run is None or run.error is not None:
        return {}
    if any(isinstance(node, (ast.While, ast.Yield)) for node in ast.walk(entry.tree)):
        return {}
    lines = {number for step in run.trail for number in range(step.lineno, step.statement.end_lineno + 1)}
    statements = [statement for statement in _straight(entry.tree.body) if statement.lineno in lines]
    if not _is_small(reading.module, run.trail, len(statements)):
        return {}
    found = unnoticed(_tried, reading.module, entry, run.trail, statements) or []
    return {id(statement): said for statement, said in zip(statements, found, strict=False)}


def _tried(entry, trail, statements, module):
    """For each statement its sentences."""
    with torch.no_grad():
        expected = _outcome(module, trail)
        if not isinstance(expected, Outcome):
            return []
        said = []
        for statement in statements:
            code = code_without(entry, statement)
            found = code and _without(entry, code, module, trail)
            said.append(_compared(expected, found, isinstance(statement, ast.AugAssign)) if code else [])
        return said


def unnoticed(function, module, *args):
    """What `function(*args, module)` returns, run where nobody sees what it does; None where it cannot be run so.

    What runs on a card, or where processes cannot be copied, runs here, on a copy of the module.
    """
    elsewhere = any(parameter.device.type not in ("cpu", "meta") for parameter in module.parameters())
    if can_copy and not elsewhere:
        return in_a_process(function, *args, module, seconds=_SECONDS)
    with random_numbers_kept(module), contextlib.redirect_stdout(io.StringIO()):
        try:
            return function(*args, copy.deepcopy(module))
        except Exception:  # it cannot be copied, or not be compared
            return None


def _is_small(module, trail, times):
    tensors = [*module.parameters(), *(leaf for leaf in tree_leaves(trail.inputs) if isinstance(leaf, torch.Tensor))]
    numbers = sum(map(count_of, tensors))
    on_meta = any(tensor.is_meta for tensor in tensors)
    return not on_meta and numbers * times <= _MOST_NUMBERS and (trail.macs or 0) * times <= _MOST_MACS


def _straight(body):
    for statement in body:
        if isinstance(statement, (ast.Assign, ast.AugAssign)):
            yield statement
        elif isinstance(statement, ast.If):
            yield from _straight([*statement.body, *statement.orelse])


def _without(entry, code, module, trail):
    original = entry.function.__code__
    entry.function.__code__ = code
    try:
        return _outcome(module, trail)
    finally:
        entry.function.__code__ = original


def _outcome(module, trail):
    """What a copy of the module gives back, an `Outcome`, or (line, name of the error)."""
    inputs, kwargs = (tree_map_only(torch.Tensor, torch.clone, given) for given in (trail.inputs, trail.kwargs))
    torch.manual_seed(0)
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    try:
        output = copy.deepcopy(module)(*inputs, **kwargs)
    except Exception as error:
        return _line_of(error, type(module)), type(error).__name__
    leaves = list(_leaves(output))
    return Outcome(
        [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)],
        [leaf for leaf in leaves if isinstance(leaf, _PLAIN)],
        sum(not isinstance(leaf, (torch.Tensor, *_PLAIN)) for leaf in leaves),
        [leaf for leaf in tree_leaves((inputs, kwargs)) if isinstance(leaf, torch.Tensor)],
    )


@dataclass
class Outcome:
    """What one run gave back.

    tensors, plain: the tensors and the numbers and texts in it, those in objects too; unknown: how many other things.
    inputs: the tensors that it was given, as it left them.
    """

    tensors: list
    plain: list
    unknown: int
    inputs: list


_PLAIN = (bool, int, float, complex, str, type(None))
_DEEPEST = 4  # objects in objects


def _leaves(value, depth=0):
    """The leaves of a result, with those of an object's attributes in its place."""
    for leaf in tree_leaves(value):
        inside = getattr(leaf, "__dict__", None)
        if inside and not isinstance(leaf, (torch.Tensor, torch.nn.Module, type)) and depth < _DEEPEST:
            yield from _leaves(inside, depth + 1)
        else:
            yield leaf


@contextlib.contextmanager
def random_numbers_kept(module):
    """Context manager: what is drawn within it leaves the generators as they were: Python's, NumPy's, the card's."""
    cards = {parameter.device for parameter in module.parameters() if parameter.device.type not in ("cpu", "meta")}
    kind, state = next(iter(cards)).type if cards else "cuda", random.getstate()
    numpy = getattr(sys.modules.get("numpy"), "random", None)
    drawn = numpy and numpy.get_state()
    try:
        with torch.random.fork_rng(devices=[card.index or 0 for card in cards], device_type=kind):
            yield
    finally:
        random.setstate(state)
        if numpy:
            numpy.set_state(drawn)


def _line_of(error, cls):
    """The line of the class's own forward that the error passed."""
    name, line, traceback = cls.forward.__code__.co_filename, None, error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == name and code.co_name == "forward" and line is None:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _compared(expected, found, changes):
    if isinstance(found, tuple):
        return library.say("python.tried", {"outcome": "error", "line": found[0], "error": found[1]})
    shapes = [[Described(tensor).text for tensor in outcome.tensors] for outcome in (expected, found)]
    if shapes[0] != shapes[1]:
        return library.say("python.tried", {"outcome": "shape", "shapes": library.Row(shapes[1])})
    same = all(map(_equal, expected.tensors, found.tensors)) and repr(expected.plain) == repr(found.plain)
    if same and (expected.unknown or found.unknown):
        return []
    if same and not all(map(_equal, expected.inputs, found.inputs)):
        return library.say("python.tried", {"outcome": "inputs"})
    return library.say("python.tried", {"outcome": "same" if same else "values", "changes": changes})


def _equal(one, other):
    """Whether two tensors of one shape hold the same, a NaN in the same places too."""
    if one.is_nested:
        return all(map(_equal, one.unbind(), other.unbind()))
    if one.dtype != other.dtype or one.layout != other.layout:
        return False
    one, other = (tensor if tensor.layout is torch.strided else tensor.to_dense() for tensor in (one, other))
    return torch.equal(one, other) or bool(((one == other) | ((one != one) & (other != other))).all())
