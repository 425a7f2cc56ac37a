"""How a tensor was computed, kept as it is computed, and walked backwards for gradients.

Each operator that runs on what needs a gradient leaves a `Node`, which knows the nodes before it and, by the formulas
of `_derivatives`, how its result's gradient becomes theirs. What a formula keeps is `Saved` with the version that it
had, so that a later write into it is noticed, in PyTorch's words.
"""

import functools
import heapq
import itertools
import math
import re
import weakref
from collections import OrderedDict

from . import _grad, _numbers
from ._lacking import lacking
from ._tensor import Tensor, made

DERIVATIVES = {}  # name of an operator → what keeps what its formulas need, and gives them back
_FLAT = "zeros_like ones_like empty_like full_like rand_like randn_like new_zeros new_ones new_empty new_rand new_randn"
WITHOUT = {"detach", "histc", *_FLAT.split()}  # their results need no gradient
_order = itertools.count()
packing = []  # (pack, unpack) of `saved_tensors_hooks`, the innermost last


def derivative(*names):
    """Decorator: the formulas of these operators.

    It is given what keeps tensors, `keep`, and the operator's arguments, before the operator runs, and gives back for
    each argument a function from the result's gradient to the argument's (None where there is none), or one function,
    marked by `together`, from it to all of them.
    """

    def register(formulas):
        for name in names:
            DERIVATIVES[name] = formulas
        return formulas

    return register


def together(formula):
    """One function for the gradients of all arguments: (wanted places, *gradients) → a tuple."""
    formula.together = True
    return formula


_FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)


class Saved:
    """A tensor that a formula needs, and the version that it had."""

    def __init__(self, tensor, node=None, number=0):
        self._output_of, self._number = (None, 0) if node is None else (weakref.ref(node), number)
        self._take(tensor)

    def _take(self, tensor):
        if tensor._is_inference:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not save Tensors created in inference mode "
                "in computation graph. To work around this, you can make a clone to get a normal tensor and use it in "
                "autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self._version, self._unpack = tensor._version, None
        if self._output_of is not None:
            tensor = detached(tensor)
        if packing:
            pack, self._unpack = packing[-1]
            with _grad.no_grad():
                tensor = pack(tensor)
        self._tensor = tensor

    def release(self):
        self._tensor = None

    def __call__(self):
        if self._tensor is None:
            raise RuntimeError(_FREED)
        if self._unpack is not None:
            return self._unpack(self._tensor)
        self._check()
        if self._output_of is None:
            return self._tensor
        result = detached(self._tensor)
        result._grad_fn, result._output_nr, result._requires_grad = self._output_of(), self._number, True
        return result

    def _check(self):
        tensor = self._tensor
        if tensor._version == self._version:
            return
        node, number = (tensor.grad_fn, tensor._output_nr) if self._output_of is None else (self._output_of(), 0)
        shown = f", which is output {number} of {node.bare_name()}," if node is not None else ""
        raise RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{tensor.type()} {list(tensor._shape)}]{shown} is at version {tensor._version}; expected version "
            f"{self._version} instead. Hint: enable anomaly detection to find the operation that failed to compute its "
            "gradient, with torch.autograd.set_detect_anomaly(True, "
            "check_nan=False)."
        )


class _Keep:
    """What formulas keep tensors with, while their operator is about to run."""

    def __init__(self, node, args, writes):
        self._node, self._args = node, args
        self._written = [args[place] for place in writes]
        self.results = []  # (Saved to be filled, number of the result)

    def __call__(self, value, *of, name=None):
        """A function that gives `value` back; kept only if one of the tensors whose gradients need it, needs one."""
        if not isinstance(value, Tensor):
            return lambda: value
        if of and not any(isinstance(tensor, Tensor) and tensor.requires_grad for tensor in of):
            return None
        if any(value is written for written in self._written):
            value = value.clone()
        return self._kept(Saved(value), name)

    def number(self, value):
        """A factor, which PyTorch keeps as a tensor: when all that is kept has been freed, it is gone, too."""
        node = weakref.ref(self._node)

        def get():
            if (kept := node()) is not None and kept.is_released:
                raise RuntimeError(_FREED)
            return value

        return get

    def result(self, number=0, name="result"):
        saved = Saved.__new__(Saved)
        self.results.append((saved, number))
        return self._kept(saved, name)

    def _kept(self, saved, name):
        self._node.saved.append(saved)
        if name is not None:
            self._node.names[name] = saved
        return saved


class Edge:
    """Where a gradient goes: to a result of a node, which has this shape and type."""

    __slots__ = ("dtype", "node", "number", "shape")

    def __init__(self, tensor):
        self.node, self.number = gradient_place(tensor)
        self.shape, self.dtype = tensor._shape, tensor.dtype


class Node:
    """One operator that ran."""

    def __init__(self, name, edges, outputs=1):
        self._name, self.edges, self.outputs = name, edges, outputs
        self.order = next(_order)
        self.saved, self.names = [], {}
        # hooks: on the gradients of results, by number; what hears them last; on what comes out
        self.before, self.retaining, self.after = {}, {}, OrderedDict()

    def name(self):
        return self._name

    def shown(self):
        """As a tensor shows it."""
        return self._name.rpartition(":")[2]

    def bare_name(self):
        """As messages name it."""
        return self._name.removesuffix("0").removesuffix("Backward")

    @property
    def next_functions(self):
        return tuple((edge.node, edge.number) if edge else (None, 0) for edge in self.edges)

    def register_hook(self, hook):
        from .nn.modules.module import RemovableHandle

        handle = RemovableHandle(self.after)
        self.after[handle.id] = hook
        return handle

    def __repr__(self):
        return f"<{self.shown()} object at {id(self):#x}>"

    def __getattr__(self, name):
        if name.startswith("_saved_") and name.removeprefix("_saved_") in self.__dict__.get("names", ()):
            return self.names[name.removeprefix("_saved_")]()
        raise AttributeError(f"'{self._name}' object has no attribute '{name}'")

    is_released = False

    def release(self):
        self.is_released = True
        for saved in self.saved:
            saved.release()


class OperatorNode(Node):
    """`places`: for each edge, which argument it is, and which of a list of tensors."""

    def __init__(self, name, edges, places):
        super().__init__(name, edges)
        self._places = places
        self.formulas = None

    def __call__(self, *gradients):
        wanted = {place for (place, _), edge in zip(self._places, self.edges, strict=True) if edge is not None}
        if getattr(self.formulas, "together", False):
            found = dict(enumerate(self.formulas(wanted, *gradients)))
        else:
            found = {place: self.formulas[place](*gradients) for place in wanted if self._has_formula(place)}
        return [
            None if edge is None or found.get(place) is None else found[place] if at is None else found[place][at]
            for (place, at), edge in zip(self._places, self.edges, strict=True)
        ]

    def _has_formula(self, place):
        return place < len(self.formulas) and self.formulas[place] is not None


class UnknownNode(Node):
    """An operator whose gradient this page does not compute."""

    def __call__(self, *gradients):
        raise lacking(f"the gradient of {self.bare_name()}")


class NoGradient(Node):
    """An operator whose gradient PyTorch does not compute either."""

    def __init__(self, name, edges):
        super().__init__("torch::autograd::NotImplemented", edges)
        self._operator = name.removesuffix("_")

    def __call__(self, *gradients):
        raise RuntimeError(f"derivative for aten::{self._operator} is not implemented")


class AccumulateGrad(Node):
    """Where gradients end: in a leaf's `.grad`."""

    def __init__(self, tensor):
        super().__init__("torch::autograd::AccumulateGrad", ())
        self.variable, self.order = tensor, math.inf

    def __call__(self, gradient):
        tensor = self.variable
        if tensor.grad is None:
            tensor._grad = _copy(gradient)
        elif _grad.is_grad_enabled():
            tensor._grad = tensor._grad + gradient
        else:
            tensor.grad += gradient
        return ()


def _copy(gradient):
    """A clone; no operator where nobody is to see one: there are as many of them as a network has parameters."""
    from ._dispatch import modes

    is_plain = _numbers.are_computed(gradient) and _numbers.is_whole(gradient)
    if modes or _grad.is_grad_enabled() or not is_plain:
        return gradient.clone()
    copy = made(gradient._shape, gradient.dtype, gradient._strides)
    _numbers.store(copy, _numbers.numbers(gradient).slice())
    return copy


class CopySlices(Node):
    """What was written into a view, as its base sees it: the gradient of the part goes through the operator."""

    def __init__(self, base, view, inner):
        super().__init__("torch::autograd::CopySlices", [Edge(base) if base.requires_grad else None, *inner.edges[1:]])
        self._inner, self._base = inner, (base._shape, base._strides)
        self._view = (view._shape, view._strides, view._offset - base._offset)
        self.saved = inner.saved

    def __call__(self, gradient):
        shape, strides = self._base
        whole = strided_copy(gradient, shape, strides)
        part = whole.as_strided(*self._view)
        self._inner.edges[0] = self._inner.edges[0] or _ANY
        own, *others = self._inner(part.clone())
        with _grad.no_grad():
            if own is None:
                part.zero_()
            else:
                part.copy_(own)
        return [whole if self.edges[0] else None, *others]


_ANY = object()


class AsStridedNode(Node):
    """A view whose base was written to after the view was made: it is seen in its base anew."""

    def __init__(self, base, view):
        super().__init__("AsStridedBackward0", [Edge(base)])
        self._base = base._shape, base._strides
        self._view = view._shape, view._strides, view._offset - base._offset

    def __call__(self, gradient):
        return [strided_gradient(gradient, *self._base, *self._view)]


def strided_copy(tensor, shape, strides):
    copy = made(shape, tensor.dtype, strides)
    with _grad.no_grad():
        copy.copy_(tensor)
    return copy


def strided_gradient(gradient, base_shape, base_strides, shape, strides, offset):
    """The gradient of `as_strided`: each number goes to its place in the base; what lies over itself is summed."""
    repeated = [place for place, stride in enumerate(strides) if shape[place] > 1 and not stride]
    if repeated:
        gradient = gradient.sum(repeated, True)
        shape = [1 if place in repeated else size for place, size in enumerate(shape)]
    whole = made(base_shape, gradient.dtype, base_strides).zero_()
    whole.as_strided(shape, strides, offset).copy_(gradient)
    return whole


def detached(tensor):
    """The same memory and versions, without how it was computed."""
    alias = made(tensor._shape, tensor.dtype, tensor._strides, tensor._storage, tensor._offset)
    alias._own_versions = tensor._own_versions
    return alias


# while operators run


def begin(operator, args, kwargs):
    """A node for an operator that is about to run, with what its formulas keep; None where no gradient is asked for."""
    name = operator.overloadpacket._name
    if not _grad.is_grad_enabled() or name in WITHOUT:
        return None
    places, tensors = [], []
    for place, value in enumerate(args):
        if isinstance(value, Tensor):
            places.append((place, None))
            tensors.append(value)
        elif isinstance(value, (list, tuple)):
            for at, one in enumerate(value):
                if isinstance(one, Tensor):
                    places.append((place, at))
                    tensors.append(one)
    if not any(tensor.requires_grad for tensor in tensors):
        return None
    edges = [Edge(tensor) if tensor.requires_grad else None for tensor in tensors]
    formulas = DERIVATIVES.get(name) or (DERIVATIVES.get(name.removesuffix("_")) if operator._writes else None)
    shown = f"{_title(name)}Backward{_variant(name, args)}"
    if name in ("floor_divide", "floor_divide_"):
        return NoGradient(name, edges)
    if formulas is None:
        return UnknownNode(shown, edges)
    node = OperatorNode(shown, edges, places)
    node.keep = _Keep(node, args, operator._writes)
    node.formulas = formulas(node.keep, *args, **kwargs)
    return node


@functools.cache
def _title(name):
    words = "".join(part[:1].upper() + part[1:] for part in name.strip("_").removesuffix("_forward").split("_"))
    return re.sub(r"(?<=\d)(d|col|im)", lambda part: part[0].capitalize(), words)


_OTHERWISE_IN_PLACE = {"leaky_relu_", "elu_", "celu_", "threshold_", "rrelu_with_noise_"}


def _variant(name, args):
    """Of operators of one name, PyTorch numbers those that take other arguments."""
    if name in ("sum", "mean", "std", "var", "prod"):
        return int(len(args) > 1 and args[1] is not None) if name in ("sum", "mean", "prod") else 0
    if name in ("max", "min"):
        return int(len(args) == 1)
    if name in ("median", "nanmedian"):
        return int(len(args) > 1)
    if name == "squeeze":
        return 0 if len(args) == 1 else 2 if isinstance(args[1], (tuple, list)) else 1
    if name in _OTHERWISE_IN_PLACE:
        return 1
    if name == "rsub":
        return int(not isinstance(args[1], Tensor))
    if name in ("clamp", "clamp_"):
        return int(not any(isinstance(bound, Tensor) for bound in args[1:]))
    return int(name in ("pow", "pow_") and isinstance(args[1], Tensor))


def finish(node, output, args, writes):
    """Say of what an operator put out that it was computed so."""
    if writes:
        for place in writes:
            _write_history(node, args[place])
        outputs = [args[place] for place in writes]
    else:
        outputs = output if isinstance(output, (tuple, list)) else [output]
        for number, tensor in enumerate(outputs):
            if isinstance(tensor, Tensor) and (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
                tensor._grad_fn, tensor._output_nr, tensor._requires_grad = node, number, True
        node.outputs = len(outputs)
    keep = node.__dict__.pop("keep", None)
    for saved, number in keep.results if keep else ():
        saved._output_of, saved._number = weakref.ref(node), number
        saved._take(outputs[number])


def _write_history(node, tensor):
    base = tensor._base
    if base is None:
        tensor._grad_fn, tensor._output_nr, tensor._requires_grad = node, 0, True
        return
    base._grad_fn, base._output_nr, base._requires_grad = CopySlices(base, tensor, node), 0, True
    tensor._requires_grad = True
    tensor._grad_fn, tensor._output_nr, tensor._seen_version = AsStridedNode(base, tensor), 0, tensor._version


def gradient_place(tensor):
    """(node, number of its result) where a tensor's gradient arrives."""
    if tensor.grad_fn is not None:
        return tensor.grad_fn, tensor._output_nr
    node = tensor._accumulator() if tensor._accumulator is not None else None
    if node is None:
        node = AccumulateGrad(tensor)
        tensor._accumulator = weakref.ref(node)
    return node, 0


# backwards


def run(edges, gradients, keep_graph, create_graph, wanted=None):
    """Carry gradients from these edges back to the leaves.

    Args:
        wanted: edges whose gradients are given back, and nothing else is written to; None: leaves get their `.grad`.
    """
    waiting = _count(edge.node for edge in edges)
    asked = {} if wanted is None else {edge.node: None for edge in wanted}
    needed = None if wanted is None else _leading_to(asked, [edge.node for edge in edges])
    buffers, ready, caught = {}, [], {}
    for edge, gradient in zip(edges, gradients, strict=True):
        _add(buffers, edge, gradient)
    for node in {edge.node: None for edge in edges}:
        if not waiting[node]:
            heapq.heappush(ready, (-node.order, id(node), node))
    with _grad.grad_mode(create_graph):
        while ready:
            node = heapq.heappop(ready)[2]
            arrived = _hooked(node, buffers.pop(node, [None] * node.outputs))
            if node in asked:
                caught[node] = arrived
            if needed is not None and node not in needed:
                continue
            if isinstance(node, AccumulateGrad) and needed is not None:
                continue
            found = [None] * len(node.edges) if all(one is None for one in arrived) else node(*arrived)
            for hook in tuple(node.after.values()):
                changed = hook(tuple(found), tuple(arrived))
                found = found if changed is None else list(changed)
            if not keep_graph:
                node.release()
            for edge, gradient in zip(node.edges, found, strict=False):
                if edge is None or edge is _ANY:
                    continue
                if gradient is not None:
                    _add(buffers, edge, gradient)
                waiting[edge.node] -= 1
                if not waiting[edge.node]:
                    heapq.heappush(ready, (-edge.node.order, id(edge.node), edge.node))
    return None if wanted is None else [caught.get(edge.node, {edge.number: None})[edge.number] for edge in wanted]


def _count(roots):
    """How many edges lead to each node that can be reached."""
    waiting, stack = {}, []
    for node in roots:
        if node not in waiting:
            waiting[node] = 0
            stack.append(node)
    while stack:
        for edge in stack.pop().edges:
            if edge is None or edge is _ANY:
                continue
            if edge.node not in waiting:
                waiting[edge.node] = 0
                stack.append(edge.node)
            waiting[edge.node] += 1
    return waiting


def _leading_to(asked, roots):
    """The nodes that have to run for the gradients that are asked for."""
    needed, stack, seen = set(), [(node, False) for node in roots], set()
    while stack:
        node, is_done = stack.pop()
        before = [edge.node for edge in node.edges if edge is not None and edge is not _ANY]
        if is_done:
            if any(one in needed or one in asked for one in before):
                needed.add(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(one, False) for one in before]
    return needed


def _add(buffers, edge, gradient):
    gradient = _fitting(gradient, edge)
    arrived = buffers.setdefault(edge.node, [None] * edge.node.outputs)
    before = arrived[edge.number]
    arrived[edge.number] = gradient if before is None else before + gradient


def _fitting(gradient, edge):
    """A gradient in its tensor's shape, summed over what was repeated, and of its type."""
    if gradient._shape != edge.shape:
        gradient = summed_to(gradient, edge.shape)
    return gradient if gradient.dtype is edge.dtype else gradient.to(edge.dtype)


def summed_to(tensor, shape):
    extra = tensor.dim() - len(shape)
    repeated = [*range(extra), *(extra + at for at, size in enumerate(shape) if size == 1 != tensor._shape[extra + at])]
    summed = tensor.sum(repeated, True) if repeated else tensor
    return summed.reshape(shape)


def _hooked(node, arrived):
    for number, hooks in node.before.items():
        for hook in tuple(hooks.values()):
            if arrived[number] is not None:
                changed = hook(arrived[number])
                arrived[number] = arrived[number] if changed is None else changed
    for number, keep in node.retaining.items():
        if arrived[number] is not None:
            keep(arrived[number])
    return arrived
