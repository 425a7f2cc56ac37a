"""Losses: a number, or one for each sample."""

from .. import _metadata as meta
from .. import _numbers
from .._dispatch import operator
from .._tensor import Tensor, made
from .pointwise import elementwise

REDUCTIONS = ("none", "mean", "sum")
_OVER_TARGET = {"binary_cross_entropy_with_logits"}  # which PyTorch works out over a tensor of the target's type


def check_reduction(reduction):
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction")


def paired(name):
    """A loss that compares value by value."""

    @operator(name)
    def run(self, target, reduction=1, *args):
        weights = [one for one in args if isinstance(one, Tensor)]
        dtype = target.dtype if name in _OVER_TARGET else meta.promoted(self.dtype, target.dtype)
        result = elementwise((self, target, *weights), dtype)
        return result if reduction == 0 else made((), result.dtype)

    return run


mse_op, smooth_l1_op, huber_op = paired("mse_loss"), paired("smooth_l1_loss"), paired("huber_loss")
bce_op, bce_logits_op = paired("binary_cross_entropy"), paired("binary_cross_entropy_with_logits")
soft_margin_op = paired("soft_margin_loss")


@operator("nll_loss_forward")
def nll_op(self, target, weight, reduction, ignore_index):
    shape = tuple(target._shape) if reduction == 0 else ()
    return made(shape, self.dtype), made((), self.dtype)


@operator("nll_loss2d_forward")
def nll2d_op(self, target, weight, reduction, ignore_index):
    shape = tuple(target._shape) if reduction == 0 else ()
    return made(shape, self.dtype), made((), self.dtype)


@operator("multi_margin_loss")
def multi_margin_op(self, target, p, margin, weight, reduction):
    if target.numel() != (self._shape[0] if self.dim() == 2 else 1):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{self._shape[0]}], but got {list(target._shape)}. Input has shape "
            f"{list(self._shape)}."
        )
    if _numbers.outside(target, 0, self._shape[-1]) is not None:
        raise RuntimeError("target out of range")
    return made(target._shape if reduction == 0 else (), self.dtype)


@operator("multilabel_margin_loss_forward")
def multilabel_margin_op(self, target, reduction):
    return made(self._shape[:-1] if reduction == 0 else (), self.dtype)


@operator("_ctc_loss")
def ctc_op(log_probs, targets, reduction, input_lengths, target_lengths, blank, zero_infinity):
    return made((log_probs._shape[1],) if reduction == 0 else (), log_probs.dtype)


def _check_classes(target, classes, ignored):
    if target.dtype not in (meta.int64, meta.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {meta.SCALAR_NAMES[target.dtype]}")
    if _numbers.outside(target, 0, classes) is None:
        return
    wrong = next((one for one in _numbers.listed(target) if one != ignored and not 0 <= one < classes), None)
    if wrong is not None:
        raise IndexError(f"Target {wrong} is out of bounds.")


def nll(input, target, weight, ignore_index, reduction):
    check_reduction(reduction)
    number = REDUCTIONS.index(reduction)
    classes = input._shape[1 if input.dim() > 1 else 0] if input.dim() else 0
    if weight is not None and (weight.dim() != 1 or weight.numel() != classes):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight._shape)}"
        )
    if input.dim() not in (1, 2, 3, 4, 5):
        raise ValueError(f"Expected 2 or more dimensions (got {input.dim()})")
    if input.dim() == 1:
        if target.dim() == 1 and target.numel() != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.numel()}")
        if target.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        _check_classes(target, classes, ignore_index)
        return nll_op(input, target, weight, number, ignore_index)[0]
    batch = target._shape[0] if target.dim() else 0
    if input._shape[0] != batch:
        raise ValueError(f"Expected input batch_size ({input._shape[0]}) to match target batch_size ({batch}).")
    if input.dim() == 2 and target.dim() != 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input.dim() == 4 and target.dim() != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.dim()}"
        )
    if input.dim() > 2 and tuple(target._shape) != (input._shape[0], *input._shape[2:]):
        raise RuntimeError(f"Expected target size {[input._shape[0], *input._shape[2:]]}, got {list(target._shape)}")
    _check_classes(target, classes, ignore_index)
    op = nll_op if input.dim() == 2 else nll2d_op
    return op(input, target, weight, number, ignore_index)[0]
