"""Normalizations."""

import math

from .._dispatch import operator
from .._tensor import made
from .views import like_strides


def _check_channels(value, name, channels):
    if value is not None and value.numel() != channels:
        raise RuntimeError(f"{name} should contain {channels} elements not {value.numel()}")


@operator("native_batch_norm")
def native_batch_norm(self, weight, bias, running_mean, running_var, training, momentum, eps):
    channels = self._shape[1] if self.dim() > 1 else 0
    for value, name in (
        (running_mean, "running_mean"),
        (running_var, "running_var"),
        (weight, "weight"),
        (bias, "bias"),
    ):
        _check_channels(value, name, channels)
    if training:
        for value in (running_mean, running_var):
            if value is not None:
                value._about_to_be_written()
    kept = (channels,) if training or self.is_meta else (0,)
    return made(self._shape, self.dtype, like_strides(self)), made(kept, self.dtype), made(kept, self.dtype)


@operator("native_layer_norm")
def native_layer_norm(self, normalized_shape, weight, bias, eps):
    inner = tuple(normalized_shape)
    if not inner:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for value, name in ((weight, "weight"), (bias, "bias")):
        if value is not None and tuple(value._shape) != inner:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(value._shape)} and normalized_shape = {list(inner)}"
            )
    if tuple(self._shape[-len(inner) :]) != inner or self.dim() < len(inner):
        star = ", ".join(["*", *map(str, inner)])
        raise RuntimeError(
            f"Given normalized_shape={list(inner)}, expected input with shape [{star}], but got input of size"
            f"{list(self._shape)}"
        )
    outer = (*self._shape[: -len(inner)], *[1] * len(inner))
    return made(self._shape, self.dtype), made(outer, self.dtype), made(outer, self.dtype)


@operator("native_group_norm")
def native_group_norm(self, weight, bias, N, C, HxW, group, eps):
    return made(self._shape, self.dtype), made((N, group), self.dtype), made((N, group), self.dtype)


def group_normed(input, num_groups, weight, bias, eps):
    batch, channels = input._shape[:2]
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input._shape)} and num_groups={num_groups}"
        )
    for value, name in ((weight, "weight"), (bias, "bias")):
        if value is not None and tuple(value._shape) != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(value._shape)} and input of shape {list(input._shape)}"
            )
    return native_group_norm(input, weight, bias, batch, channels, math.prod(input._shape[2:]), num_groups, eps)[0]


def refuse_single_values(shape):
    """In training, a batch norm needs more than one value per channel; a group norm, in each group."""
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {shape}")
