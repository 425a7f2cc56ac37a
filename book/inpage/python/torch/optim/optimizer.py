"""Optimizers: each reads its parameters' gradients and writes to the parameters."""

import math
import time
import warnings

from .. import _dispatch, _numbers
from .. import _metadata as meta
from .._grad import enable_grad, no_grad
from .._tensor import Tensor, typename


class Optimizer:
    """Steps for groups of parameters, each with its own settings; `state`: what is remembered of each parameter."""

    def __init__(self, params, defaults):
        self.defaults, self.state, self.param_groups, self._times = defaults, {}, [], []
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{params.type()}"
            )
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group):
        given = param_group["params"]
        group = {**param_group, "params": [given] if isinstance(given, Tensor) else list(given)}
        group["params"] = [one[1] if isinstance(one, tuple) else one for one in group["params"]]
        for parameter in group["params"]:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(parameter)}")
            if not parameter.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        seen = {id(parameter) for other in self.param_groups for parameter in other["params"]}
        if any(id(parameter) in seen for parameter in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **group})

    def zero_grad(self, set_to_none=True):
        for parameter in self._parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach().zero_()

    def _parameters(self):
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def step(self, closure=None):
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                self._step_all([one for one in group["params"] if one.grad is not None], group)
        if _numbers.engine is not None and len(self._times) <= _LOOKS:
            self._times.append(time.monotonic())
            if len(self._times) > _LOOKS:
                _say_if_slow((self._times[-1] - self._times[0]) / _LOOKS)
        return loss

    def _step_all(self, parameters, group):
        for parameter in parameters:
            self._step(parameter, parameter.grad, group, self.state.setdefault(parameter, {}))

    def state_dict(self):
        numbers = {id(parameter): number for number, parameter in enumerate(self._parameters())}
        groups = [{**group, "params": [numbers[id(one)] for one in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[id(one)]: kept for one, kept in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict):
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        for own, given in zip(self.param_groups, groups, strict=True):
            if len(own["params"]) != len(given["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
        for own, given in zip(self.param_groups, groups, strict=True):
            own.update({name: value for name, value in given.items() if name != "params"})
        parameters = self._parameters()
        self.state = {
            parameters[number]: {
                name: value.detach().clone() if isinstance(value, Tensor) else value for name, value in kept.items()
            }
            for number, kept in state_dict["state"].items()
        }

    def __repr__(self):
        text = f"{type(self).__name__} ("
        for number, group in enumerate(self.param_groups):
            lines = [f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params"]
            text += f"\nParameter Group {number}\n" + "".join(lines)
        return text + ")"


_LOOKS, _SLOW = 10, 0.1  # steps, and seconds each
_said = []


def _say_if_slow(seconds):
    """Once, that a training takes its time here."""
    if seconds < _SLOW or _said:
        return
    _said.append(True)
    warnings.warn(
        f"这一页里训练得慢：这样的一步要 {seconds:.1f} 秒；想快，请在 Colab、Kaggle 或自己的 Jupyter 里运行。 · "
        f"Training is slow in this page: a step like these takes {seconds:.1f} s. To have it fast, run this on Colab, "
        "on Kaggle or in your own Jupyter",
        stacklevel=3,
    )


def _refuse_negative(**settings):
    words = {"lr": "learning rate", "eps": "epsilon value"}
    for name, value in settings.items():
        if value < 0:
            raise ValueError(f"Invalid {words.get(name, f'{name} value')}: {value}")


_COMMON = {"maximize": False, "foreach": None, "differentiable": False, "fused": None}


class SGD(Optimizer):
    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, **options):
        _refuse_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        inertia = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}
        super().__init__(params, {"lr": lr, **inertia, "weight_decay": weight_decay, **_COMMON, **options})

    def _step_all(self, parameters, group):
        """In one go, where numbers are known and nobody looks on: a network has many parameters, most of them small."""
        is_usual = not (group["maximize"] or group["weight_decay"] or group["nesterov"] or _dispatch.modes)
        values, gradients, kept, others = [], [], [], []
        for parameter in parameters:
            buffer = self.state.setdefault(parameter, {}).get("momentum_buffer")
            moved = [parameter, buffer] if group["momentum"] else [parameter]
            if is_usual and _can_be_written(parameter.grad, moved):
                gradients.append(_numbers.numbers(parameter.grad))
                values.append(_written_in(parameter))
                if group["momentum"]:
                    kept.append(_written_in(buffer))
            else:
                others.append(parameter)
        if values:
            _numbers.engine.step(values, gradients, kept, group["lr"], group["momentum"], 1 - group["dampening"])
        super()._step_all(others, group)

    def _step(self, parameter, gradient, group, state):
        gradient = -gradient if group["maximize"] else gradient
        if group["weight_decay"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        if group["momentum"]:
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = gradient.detach().clone()
            else:
                _blend(state["momentum_buffer"], group["momentum"], gradient, 1 - group["dampening"])
            kept = state["momentum_buffer"]
            gradient = gradient.add(kept, alpha=group["momentum"]) if group["nesterov"] else kept
        _blend(parameter, 1, gradient, -group["lr"])


def _can_be_written(gradient, moved):
    """Whether these tensors are their whole memory, with numbers of one type and as many as the gradient has."""
    return all(
        one is not None
        and one.dtype is gradient.dtype is meta.float32
        and one._shape == gradient._shape
        and _numbers.are_computed(one, gradient)
        and _numbers.is_whole(one)
        for one in moved
    )


def _written_in(tensor):
    """The array of a tensor's numbers, in which they are about to change."""
    tensor._about_to_be_written()
    storage = tensor._storage
    storage.values = _numbers.engine.writable(storage.values)
    return storage.values


def _blend(target, share, other, factor):
    """Writes share · target + factor · other into the target; in one go, where numbers are known and nobody looks on:
    a network has many parameters, most of them small."""
    is_plain = target.dtype is other.dtype and not _dispatch.modes and _numbers.are_computed(target, other)
    if is_plain and _numbers.is_whole(target) and target._shape == other._shape:
        target._about_to_be_written()
        values = _numbers.engine.blended(_numbers.numbers(target), share, _numbers.numbers(other), factor)
        _numbers.store(target, values)
        return
    (target if share == 1 else target.mul_(share)).add_(other, alpha=factor)


class Adam(Optimizer):
    _decoupled = False

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, **options):
        _refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        for number, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {number}: {beta}")
        own = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        rest = {"capturable": False, "decoupled_weight_decay": self._decoupled}
        super().__init__(params, {**own, **_COMMON, **rest, **options})

    def _step(self, parameter, gradient, group, state):
        if not state:
            from .._public import FUNCTIONS

            state["step"] = FUNCTIONS["tensor"](0.0)
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = FUNCTIONS["zeros_like"](parameter)
        state["step"] += 1
        step, (first, second), rate = int(state["step"].item()), group["betas"], group["lr"]
        gradient = -gradient if group["maximize"] else gradient
        if group["weight_decay"] and group["decoupled_weight_decay"]:
            parameter.mul_(1 - rate * group["weight_decay"])
        elif group["weight_decay"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        state["exp_avg"].lerp_(gradient, 1 - first)
        state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        square = state["exp_avg_sq"]
        if group["amsgrad"]:
            square = state["max_exp_avg_sq"] = square.maximum(state.get("max_exp_avg_sq", square))
        spread = (square.sqrt() / math.sqrt(1 - second**step)).add_(group["eps"])
        parameter.addcdiv_(state["exp_avg"], spread, value=-rate / (1 - first**step))


class AdamW(Adam):
    _decoupled = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, **options):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **options)
