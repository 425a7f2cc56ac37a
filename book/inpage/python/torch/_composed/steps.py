"""Operators whose numbers are worked out by other operators, step by step, and whose gradients are then theirs.

For whoever watches, each is still one operator, as PyTorch's is: its steps are seen by nobody.
"""

from .. import _numbers, _tape, autograd
from .._grad import enable_grad, is_grad_enabled, no_grad
from .._operators import views
from .._public import FUNCTIONS
from .._tensor import Tensor


def composed(*names, is_random=False, is_linear=False):
    """Decorator: steps that take what the operators of these names take and give back what they give, as tensors.

    Args:
        is_random: the steps draw numbers; for gradients, the same ones are drawn again.
        is_linear: gradients do not depend on the numbers, so nothing is kept for them.
    """

    def register(steps):
        for name in names:
            _numbers.computes(name)(computing(steps))
            _tape.derivative(name)(_deriving(steps, is_random, is_linear))
        return steps

    return register


def followed(*names, is_linear=False):
    """Decorator: steps that give the gradients alone; the numbers come from elsewhere."""

    def register(steps):
        for name in names:
            _tape.derivative(name)(_deriving(steps, False, is_linear))
        return steps

    return register


def computing(steps):
    """What `_numbers.computes` wants: the numbers that such steps end with."""

    def compute(target, *args, **kwargs):
        with no_grad():
            found = steps(*args, **kwargs)
        given = [one._storage for one in tensors_of(args)]
        results = tuple(_own_numbers(one, given) for one in (found if isinstance(found, tuple) else (found,)))
        return results if isinstance(found, tuple) else results[0]

    return compute


def _own_numbers(tensor, given):
    values = _numbers.numbers(tensor)
    return values.slice() if any(tensor._storage is one for one in given) else values


def tensors_of(args):
    return [
        one for arg in args for one in (arg if isinstance(arg, (list, tuple)) else [arg]) if isinstance(one, Tensor)
    ]


def _deriving(steps, is_random, is_linear):
    def formulas(keep, *args, **kwargs):
        keep = _alike if is_linear else keep
        kept = [list(map(keep, arg)) if isinstance(arg, (list, tuple)) else keep(arg) for arg in args]
        state = _numbers.engine.state() if is_random and _numbers.engine is not None else None

        @_tape.together
        def formula(wanted, *grads):
            given = [[one() for one in arg] if isinstance(arg, list) else arg() for arg in kept]
            if state is None:
                return gradients(steps, given, kwargs, grads)
            now = _numbers.engine.state()
            _numbers.engine.restored(state)
            try:
                return gradients(steps, given, kwargs, grads)
            finally:
                _numbers.engine.restored(now)

        return formula

    return formulas


def _alike(value):
    """In its place when gradients are asked for, zeros."""
    if not isinstance(value, Tensor):
        return lambda: value
    shape, dtype, is_asked = value._shape, value.dtype, value.requires_grad
    return lambda: FUNCTIONS["zeros"](shape, dtype=dtype).requires_grad_(is_asked)


def gradients(steps, args, kwargs, grads):
    """The gradients of what steps are given, in the same order; None where there is none.

    Args:
        grads: of their results, None where nothing arrived.
    """
    leaf = views.alias if is_grad_enabled() else _leaf
    with enable_grad():
        leaves = [
            [leaf(one) if _counts(one) else one for one in arg]
            if isinstance(arg, (list, tuple))
            else leaf(arg)
            if _counts(arg)
            else arg
            for arg in args
        ]
        found = steps(*leaves, **kwargs)
    pairs = [
        (one, grad)
        for one, grad in zip(found if isinstance(found, tuple) else (found,), grads, strict=False)
        if grad is not None and one.requires_grad
    ]
    asked = [one for one in tensors_of(leaves) if one.requires_grad]
    if not pairs or not asked:
        return [None] * len(args)
    outputs, arrived = zip(*pairs, strict=True)
    got = iter(autograd.grad(outputs, asked, arrived, create_graph=is_grad_enabled(), allow_unused=True))

    def its(one):
        return next(got) if isinstance(one, Tensor) and one.requires_grad else None

    return [[its(one) for one in arg] if isinstance(arg, (list, tuple)) else its(arg) for arg in leaves]


def _counts(value):
    return isinstance(value, Tensor) and value.requires_grad


def _leaf(tensor):
    return _tape.detached(tensor).requires_grad_()
