"""`torch.autograd`: gradients are asked for here; `_tape` computes them."""

from types import SimpleNamespace

from . import _tape
from ._grad import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from ._lacking import lacking_names
from ._tensor import Tensor, made


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    outputs = _listed(tensors)
    _run(outputs, _listed(grad_tensors, len(outputs)), retain_graph, create_graph, inputs)


def grad(
    outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=None, is_grads_batched=False
):
    outputs, asked = _listed(outputs), _listed(inputs)
    for tensor in asked:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    wanted = [_tape.Edge(tensor) for tensor in asked]
    gradients = _run(outputs, _listed(grad_outputs, len(outputs)), retain_graph, create_graph, None, wanted)
    unused = [place for place, gradient in enumerate(gradients) if gradient is None]
    if unused and not allow_unused:
        raise RuntimeError(
            f"The differentiated Tensor at index {unused[0]} appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(gradients)


def _listed(value, count=None):
    if value is None:
        return [None] * (count or 0)
    return [value] if isinstance(value, Tensor) else list(value)


def _run(outputs, gradients, retain_graph, create_graph, inputs, wanted=None):
    from ._public import FUNCTIONS

    for place, (tensor, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        if gradient is not None and gradient.shape != tensor.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{place}] has a shape of {gradient.shape} and output[{place}] has a "
                f"shape of {tensor.shape}."
            )
        if gradient is None and tensor.requires_grad:
            if tensor.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            gradients[place] = FUNCTIONS["ones_like"](tensor)
    for place, tensor in enumerate(outputs):
        if not tensor.requires_grad:
            raise RuntimeError(f"element {place} of tensors does not require grad and does not have a grad_fn")
    keep = create_graph if retain_graph is None else retain_graph
    edges = [_tape.Edge(tensor) for tensor in outputs]
    if inputs is None:
        return _tape.run(edges, gradients, keep, create_graph, wanted)
    leaves = _listed(inputs)
    found = _tape.run(edges, gradients, keep, create_graph, [_tape.Edge(leaf) for leaf in leaves])
    for leaf, gradient in zip(leaves, found, strict=True):
        if gradient is not None:
            leaf._grad = gradient.clone() if leaf._grad is None else leaf._grad + gradient
    return None


# functions of one's own


class _Context:
    """What a `Function`'s forward keeps for its backward."""

    needs_input_grad = ()
    _kept = _flat = ()

    def save_for_backward(self, *tensors):
        self._kept = tensors

    @property
    def saved_tensors(self):
        return tuple(one() if isinstance(one, _tape.Saved) else one for one in self._kept)

    def mark_non_differentiable(self, *tensors):
        self._flat = tensors

    def mark_dirty(self, *tensors):
        return None

    def set_materialize_grads(self, value):
        return None


class _FunctionNode(_tape.Node):
    def __init__(self, function, context, edges):
        super().__init__(f"{function.__name__}Backward", edges)
        self._function, self._context = function, context

    def __call__(self, *gradients):
        given = [
            made(shape, dtype).zero_() if gradient is None else gradient
            for gradient, (shape, dtype) in zip(gradients, self._results, strict=True)
        ]
        found = self._function.backward(self._context, *given)
        return list(found) if isinstance(found, tuple) else [found]


class Function:
    """A function with a backward of its own."""

    @staticmethod
    def forward(ctx, *args):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx, *grads):
        raise NotImplementedError("You must implement either the backward or vjp method for your custom Function.")

    @classmethod
    def apply(cls, *args):
        context = _Context()
        context.needs_input_grad = tuple(isinstance(value, Tensor) and value.requires_grad for value in args)
        is_followed = is_grad_enabled() and any(context.needs_input_grad)
        needed = zip(args, context.needs_input_grad, strict=True)
        edges = [_tape.Edge(value) if needs else None for value, needs in needed]
        with no_grad():
            results = cls.forward(context, *args)
        if not is_followed:
            return results
        node = _FunctionNode(cls, context, edges)
        outputs = list(results) if isinstance(results, tuple) else [results]
        outputs = [_handed_on(tensor) if any(tensor is value for value in args) else tensor for tensor in outputs]
        node.outputs, node._results = len(outputs), [(tensor.shape, tensor.dtype) for tensor in outputs]
        for number, tensor in enumerate(outputs):
            if tensor.dtype.is_floating_point and not any(tensor is flat for flat in context._flat):
                tensor._grad_fn, tensor._output_nr, tensor._requires_grad = node, number, True
        context._kept = tuple(_saved(tensor, results, outputs, node) for tensor in context._kept)
        return tuple(outputs) if isinstance(results, tuple) else outputs[0]


def _handed_on(tensor):
    """An input that comes out as it went in: a view of it, into which nothing may be written."""
    from ._operators.views import viewed

    view = viewed(tensor, tensor._shape, tensor._strides)
    view._multiple = "handed on"
    return view


def _saved(tensor, results, outputs, node):
    if not isinstance(tensor, Tensor):
        return tensor
    number = next((at for at, output in enumerate(outputs) if output is tensor), None)
    saved = _tape.Saved(tensor) if number is None else _tape.Saved(tensor, node, number)
    node.saved.append(saved)
    return saved


def Variable(data, requires_grad=False, volatile=False):
    return data.requires_grad_() if requires_grad else data


class _saved_tensors_hooks:
    """Context manager: what is kept for gradients goes through `pack_hook`, and back through `unpack_hook`."""

    def __init__(self, pack_hook, unpack_hook):
        self._pair = pack_hook, unpack_hook

    def __enter__(self):
        _tape.packing.append(self._pair)

    def __exit__(self, *exception):
        _tape.packing.pop()


class set_detect_anomaly:
    """Context manager and plain call; where an error was made is not looked for here."""

    def __init__(self, mode, check_nan=True):
        pass

    def __enter__(self):
        return None

    def __exit__(self, *exception):
        return None


class detect_anomaly(set_detect_anomaly):
    def __init__(self, check_nan=True):
        super().__init__(True)


graph = SimpleNamespace(saved_tensors_hooks=_saved_tensors_hooks, Node=_tape.Node)
__getattr__ = lacking_names("torch.autograd")
__all__ = ["Function", "Variable", "backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]
