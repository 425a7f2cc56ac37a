"""What operators refuse because of the types of their numbers, in the words of PyTorch on a CPU."""

import functools

from . import _metadata as meta
from ._metadata import SCALAR_NAMES, type_name

# Operators that compute with floating-point numbers alone: what PyTorch calls their computation.
_FLOATING_ALONE = {
    "gelu": "GeluKernelImpl",
    "silu": "silu_cpu",
    "mish": "mish_cpu",
    "elu": "elu_cpu",
    "celu": "elu_cpu",
    "leaky_relu": "leaky_relu_cpu",
    "rrelu_with_noise": "leaky_relu_cpu",
    "hardswish": "hardswish_cpu",
    "hardsigmoid": "hardsigmoid_cpu",
    "softplus": "softplus_cpu",
    "hardshrink": "hardshrink_cpu",
    "softshrink": "softshrink_check",
    "log_sigmoid_forward": "log_sigmoid_cpu",
    "glu": "glu_cpu",
    "frac": "frac_cpu",
    "lerp": "lerp_kernel_scalar",
    "native_batch_norm": "batch_norm",
    "native_layer_norm": "LayerNormKernelImpl",
    "native_group_norm": "GroupNormKernelImpl",
    "mse_loss": "mse_cpu",
    "smooth_l1_loss": "smooth_l1_cpu",
    "huber_loss": "huber_cpu",
    "binary_cross_entropy": "binary_cross_entropy",
    "binary_cross_entropy_with_logits": "log_sigmoid_cpu",
    "nll_loss_forward": "nll_loss_out_frame",
    "im2col": "im2col_out_cpu",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "adaptive_max_pool2d": "adaptive_max_pool2d",
    "adaptive_max_pool3d": "adaptive_max_pool3d_cpu",
    "normal_": "normal_kernel_cpu",
    "uniform_": "check_uniform_bounds",
}
_DRAWN = {"rand": "check_uniform_bounds", "randn": "normal_kernel_cpu"}
# Those that do not compute with truth values.
_NO_TRUTHS = {
    "abs": "abs_cpu",
    "ceil": "ceil_vml_cpu",
    "floor": "floor_vml_cpu",
    "round": "round_vml_cpu",
    "trunc": "trunc_vml_cpu",
    "floor_divide": "div_floor_cpu",
    "remainder": "remainder_cpu",
    "fmod": "fmod_cpu",
    "median": "median_cpu",
    "max_pool2d_with_indices": "max_pool2d",
    "mm": "addmm_impl_cpu_",
    "bmm": "bmm",
    "dot": "dot",
}
_PAIRS_PROMOTE = {"mse_loss", "smooth_l1_loss", "huber_loss"}
_checks = {}


def refusing(name, kernel):
    """The kernel of an operator, once the types that it is given were looked at."""
    check = _checks.get(name) or _checks.get(name.removesuffix("_"))
    if check is None:
        return kernel

    @functools.wraps(kernel)
    def run(*args, **kwargs):
        check(*args, **kwargs)
        return kernel(*args, **kwargs)

    return run


def _check(*names):
    def register(check):
        for name in names:
            _checks[name] = check
        return check

    return register


def _not_implemented(kernel, kind):
    return NotImplementedError(f"\"{kernel}\" not implemented for '{SCALAR_NAMES[kind]}'")


def _need_floating(name, kind):
    if not kind.is_floating_point and not kind.is_complex:
        raise _not_implemented(_FLOATING_ALONE[name], kind)


def _kind_of(value):
    return getattr(value, "dtype", None) or meta.type_of_scalar(value)


def _floating_alone(name):
    def check(self, *args, **kwargs):
        kind = self.dtype
        if name in _PAIRS_PROMOTE:
            kind = meta.promoted(kind, args[0].dtype)
        _need_floating(name, kind)

    _checks[name] = check


def _no_truths(name):
    def check(self, *args, **kwargs):
        others = args[:1] if name in ("floor_divide", "remainder", "fmod") else ()
        if {_kind_of(self), *map(_kind_of, others)} == {meta.bool_}:
            raise _not_implemented(_NO_TRUTHS[name], meta.bool_)

    _checks[name] = check


for _name in _FLOATING_ALONE:
    _floating_alone(_name)
for _name in _NO_TRUTHS:
    _no_truths(_name)


def _drawn(name, kernel):
    @_check(name, f"{name}_like")
    def check(like, dtype=None):
        kind = dtype or getattr(like, "dtype", meta.default_type())
        if not kind.is_floating_point and not kind.is_complex:
            raise _not_implemented(kernel, kind)


for _name, _kernel in _DRAWN.items():
    _drawn(_name, _kernel)


def _truth_refused(name, words):
    @_check(name)
    def check(self, *args, **kwargs):
        if self.dtype is meta.bool_:
            raise RuntimeError(words)


_truth_refused("relu", "Boolean inputs not supported for relu")
_truth_refused("hardtanh", "Bool inputs not supported for hardtanh")
_truth_refused("topk", "topk does not support bool dtypes on CPU")
_truth_refused("argmax", "argmax(): does not support bool input")
_truth_refused("argmin", "argmin(): does not support bool input")


@_check("sub", "rsub")
def _no_truths_subtracted(self, other, *alpha):
    truths = [_kind_of(value) is meta.bool_ for value in (self, other)]
    if all(truths):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if any(truths):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


@_check("pow")
def _no_negative_power_of_whole_numbers(self, exponent):
    if isinstance(exponent, int) and exponent < 0 and not self.dtype.is_floating_point and not self.dtype.is_complex:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


@_check("var", "std")
def _spread_of_whole_numbers(self, *args, **kwargs):
    if not self.dtype.is_floating_point and not self.dtype.is_complex:
        raise RuntimeError("std and var only support floating point and complex dtypes")


def _normed(name):
    floating = _checks[name]

    @_check(name)
    def check(self, *args, **kwargs):
        kinds = [value.dtype for value in args if getattr(value, "dtype", None) is not None]
        if kinds and kinds[0] is not self.dtype:
            if any(kind is not meta.float32 for kind in kinds):
                raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
            if self.dtype not in (meta.float16, meta.bfloat16):
                raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
        floating(self)


for _name in ("native_batch_norm", "native_layer_norm", "native_group_norm"):
    _normed(_name)


# products


def _bare(name, check_kind):
    truths = _checks.get(name)

    @_check(name)
    def check(self, other, *args, **kwargs):
        if self.dtype is not other.dtype:
            raise RuntimeError(check_kind(self.dtype, other.dtype))
        if truths is not None:
            truths(self)


def _found(one, other):
    return f"expected scalar type {SCALAR_NAMES[one]} but found {SCALAR_NAMES[other]}"


_bare(
    "mm",
    lambda one, other: (
        f"expected m1 and m2 to have the same dtype, but got: {type_name(one)} != {type_name(other)}"
    ),
)
_bare("bmm", _found)
_bare(
    "mv",
    lambda one, other: "addmv input tensors must have the same dtype, but got "
    f"{SCALAR_NAMES[other]}, {SCALAR_NAMES[one]}, and {SCALAR_NAMES[other]}",
)
_bare(
    "dot",
    lambda one, other: "dot : expected both vectors to have same dtype, but found "
    f"{SCALAR_NAMES[one]} and {SCALAR_NAMES[other]}",
)


@_check("addmm")
def _added_product(self, mat1, mat2, *args, **kwargs):
    for name, one in (("mat1", mat1), ("self", self)):
        if one.dtype is not mat2.dtype:
            raise RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {SCALAR_NAMES[one.dtype]} and "
                f"{SCALAR_NAMES[mat2.dtype]}"
            )


@_check("baddbmm")
def _added_products(self, batch1, batch2, *args, **kwargs):
    if len({self.dtype, batch1.dtype, batch2.dtype}) > 1:
        names = [type_name(one.dtype) for one in (self, batch1, batch2)]
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {names[0]}, batch1: {names[1]}, batch2: {names[2]}"
        )


@_check("_cdist_forward")
def _distances(one, other, *args, **kwargs):
    for name, given in (("X1", one), ("X2", other)):
        if not given.dtype.is_floating_point:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {SCALAR_NAMES[given.dtype]}")
    if one.dtype is not other.dtype:
        raise RuntimeError(_found(one.dtype, other.dtype))


@_check("_prelu_kernel")
def _prelu(self, weight):
    if self.dtype is not weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {SCALAR_NAMES[self.dtype]} and {SCALAR_NAMES[weight.dtype]}"
        )


# losses


@_check("binary_cross_entropy")
def _shares_of_truth(self, target, *args, **kwargs):
    if target.dtype is not self.dtype:
        raise RuntimeError(f"Found dtype {SCALAR_NAMES[target.dtype]} but expected {SCALAR_NAMES[self.dtype]}")
    _need_floating("binary_cross_entropy", self.dtype)


@_check("binary_cross_entropy_with_logits")
def _logits(self, target, *args, **kwargs):
    """PyTorch writes the loss over a tensor of the target's type."""
    _need_floating("binary_cross_entropy_with_logits", self.dtype)
    if target.dtype is meta.bool_:
        _no_truths_subtracted(True, target)
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"result type {SCALAR_NAMES[self.dtype]} can't be cast to the desired output type "
            f"{SCALAR_NAMES[target.dtype]}"
        )


@_check("nll_loss_forward", "nll_loss2d_forward")
def _likelihoods(self, target, weight, *args):
    _need_floating("nll_loss_forward", self.dtype)
    if weight is not None and weight.dtype is not self.dtype:
        raise RuntimeError(_found(self.dtype, weight.dtype))


# what is picked and put


@_check("scatter", "scatter_add", "scatter_reduce")
def _scattered(self, dim, index, src, *args):
    if getattr(src, "dtype", self.dtype) is not self.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")


@_check("index_add")
def _added_at(self, dim, index, source, *args):
    if source.dtype is not self.dtype:
        raise RuntimeError(
            f"index_add_(): self ({SCALAR_NAMES[self.dtype]}) and source ({SCALAR_NAMES[source.dtype]}) must have the "
            "same scalar type"
        )


@_check("index_put")
def _put(self, indices, values, *args):
    """A single number goes wherever a mask is true, whatever its type."""
    masked = all(one is None or one.dtype in (meta.bool_, meta.uint8) for one in indices)
    if values.dtype is not self.dtype and not (masked and values.numel() == 1):
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{SCALAR_NAMES[self.dtype]} for the destination and {SCALAR_NAMES[values.dtype]} for the source."
        )
