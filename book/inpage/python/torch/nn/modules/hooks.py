"""Hooks on a module's gradients: they hear them where they come in, and where they leave."""

from ..._tensor import Tensor


class BackwardHooks:
    """For one call of a module: what goes in and what comes out is handed on by a function whose backward listens."""

    def __init__(self, module):
        self._module, self._arrived = module, None

    def given(self, args):
        return self._through(args, self._leaving)

    def made(self, result):
        whole = result if isinstance(result, tuple) else (result,)
        through = self._through(whole, self._arriving)
        return through if isinstance(result, tuple) else through[0]

    def _through(self, values, heard):
        from ...autograd import Function

        places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
        if not any(values[place].requires_grad for place in places):
            return values

        class BackwardHookFunction(Function):
            @staticmethod
            def forward(ctx, *tensors):
                return tensors

            @staticmethod
            def backward(ctx, *gradients):
                changed = heard(gradients)
                return gradients if changed is None else changed

        passed = list(values)
        for place, tensor in zip(places, BackwardHookFunction.apply(*(values[at] for at in places)), strict=True):
            passed[place] = tensor
        return tuple(passed)

    def _arriving(self, gradients):
        for hook in tuple(self._module._backward_pre_hooks.values()):
            changed = hook(self._module, gradients)
            gradients = gradients if changed is None else _tuple(changed)
        self._arrived = gradients
        return gradients

    def _leaving(self, gradients):
        for hook in tuple(self._module._backward_hooks.values()):
            changed = hook(self._module, gradients, self._arrived)
            gradients = gradients if changed is None else _tuple(changed)
        return gradients


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)
