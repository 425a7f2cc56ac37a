"""`torch.autograd`: no gradients are computed here."""

from ._grad import enable_grad, inference_mode, no_grad, set_grad_enabled
from ._lacking import lacking, lacking_names


class _Context:
    """What a `Function`'s forward keeps for its backward."""

    def __init__(self):
        self.saved_tensors = ()

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors):
        return None

    mark_dirty = set_materialize_grads = mark_non_differentiable


class Function:
    """A function with a backward of its own, of which only the forward runs."""

    @classmethod
    def apply(cls, *args):
        return cls.forward(_Context(), *args)


def Variable(data, requires_grad=False, volatile=False):
    return data.requires_grad_() if requires_grad else data


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=None):
    raise lacking("torch.autograd.grad")


__getattr__ = lacking_names("torch.autograd")
__all__ = ["Function", "Variable", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]
