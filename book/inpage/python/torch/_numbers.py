"""The numbers in tensors: none, until something that computes them is handed in.

Shapes, types and memory are worked out without it, by the operators. Where it is there, `fill` follows each operator
and puts into the result the numbers that belong there, if those that they are computed from are known.
"""

from . import _metadata as meta

engine = None  # kernel/numbers.js
_ROUNDED = {meta.float16, meta.bfloat16}  # in whatever is computed: they are kept as float32
_computing = {}  # name of an operator → what computes its numbers


class Unknown(Exception):
    """The numbers that are asked for are not there."""


def compute_with(functions):
    """From now on tensors hold numbers, which these functions compute; None: shapes alone."""
    global engine
    engine = functions


def computes(*names):
    """Decorator: a function that takes what the operators of these names take and, first, the result that is to be
    filled; it gives back the numbers, one array for each result."""

    def register(compute):
        for name in names:
            _computing[name] = compute
        return compute

    return register


def kept(dtype, values):
    """Numbers as they are kept: a list, or the engine's array."""
    if engine is None or values is None or not engine.holds(kind_of(dtype)):
        return values
    return engine.of(kind_of(dtype), values)


def copied(values):
    return values if values is None or isinstance(values, list) else values.slice()


def kind_of(dtype):
    return dtype._name


def numbers(tensor, shape=None):
    """A tensor's numbers in the order of its places, or repeated up to `shape`.

    Raises:
        Unknown: they are not known.
    """
    memory = tensor._storage.values
    if memory is None or isinstance(memory, list) or tensor._storage.dtype is not tensor.dtype:
        raise Unknown
    memory = tensor._storage.values = engine.held(memory)
    if shape is None or tuple(shape) == tuple(tensor._shape):
        if is_whole(tensor):
            return memory
        return engine.laid(memory, tensor._offset, list(tensor._shape), list(tensor._strides))
    missing = len(shape) - tensor.dim()
    strides = [
        0 if size == 1 else stride for size, stride in zip(tensor._shape, tensor._strides, strict=True)
    ]
    return engine.laid(memory, tensor._offset, list(shape), [0] * missing + strides)


def are_known(*tensors):
    held = [tensor._storage.values for tensor in tensors]
    return not any(values is None or isinstance(values, list) for values in held)


def are_computed(*tensors):
    return engine is not None and are_known(*tensors)


def outside(tensor, low, high):
    """The first number of a tensor below `low`, or not below `high`; None where none is known."""
    if not are_computed(tensor) or not tensor.numel():
        return None
    values = numbers(tensor)
    least, most = (
        engine.reduced(name, "float64", values, 1, values.length, 0).to_py()[0] for name in ("amin", "amax")
    )
    if low <= least and most < high:
        return None
    return next(value for value in listed(tensor) if not low <= value < high)


def listed(tensor):
    """The same as Python's numbers, as the tensor's type has them."""
    values = engine.listed(numbers(tensor))
    if tensor.dtype in (meta.bool_, meta.int64):  # which are kept as other numbers
        as_held = bool if tensor.dtype is meta.bool_ else _whole
        return [as_held(value) for value in values]
    return values


def _whole(value):
    """Of what is no number, or beyond all, PyTorch makes the least there is."""
    return int(value) if -(2**63) <= value < 2**63 else -(2**63)


def fill(name, args, kwargs, output, writes):
    """Put into an operator's result, or where it writes, the numbers that belong there.

    Where they cannot be known, what was there before is forgotten.
    """
    targets = [args[place] for place in writes] or (list(output) if isinstance(output, (tuple, list)) else [output])
    is_meta = None
    for arg in args:
        for one in arg if isinstance(arg, (list, tuple)) else (arg,):
            if hasattr(one, "_storage"):
                is_meta = is_meta or one._storage.is_meta
    if is_meta is None:
        is_meta = hasattr(targets[0], "_storage") and targets[0]._storage.is_meta
    else:
        for target in targets:
            if hasattr(target, "_storage"):
                target._storage.is_meta = is_meta
    if is_meta:
        return None
    compute = _computing.get(name) or (_computing.get(name.removesuffix("_")) if writes else None)
    if compute is None:
        return _forget(args, writes)
    try:
        found = compute(targets[0], *args, **kwargs)
    except Unknown:
        return _forget(args, writes)
    for target, values in zip(targets, found if isinstance(found, tuple) else (found,), strict=False):
        if values is not None:
            store(target, values)


def store(target, values):
    kind, storage = kind_of(target.dtype), target._storage
    if not engine.holds(kind):
        return
    if storage.dtype is not target.dtype:  # seen as another type: bits are not known here
        storage.values = None
        return
    if target.dtype in _ROUNDED:
        values = engine.rounded(kind, values)
    if values.length == target.numel() and is_whole(target):
        storage.values = copied(values) if engine.is_held(values) else values
        return
    if storage.values is None:
        storage.values = engine.filled(kind, storage.nbytes() // target.dtype.itemsize, 0)
    storage.values = engine.writable(storage.values)
    engine.put(storage.values, target._offset, list(target._shape), list(target._strides), values)


def is_whole(target):
    """Whether a tensor is all that lies in its memory, in order."""
    if target._offset or target.nbytes != target._storage.nbytes():
        return False
    return meta.is_contiguous(target._shape, target._strides)


def _forget(args, writes):
    for place in writes:
        args[place]._storage.values = None
