"""Losses of more than one step, and the gradients of those that are computed in one."""

from .. import _metadata as meta
from .._numbers import computes
from .._public import FUNCTIONS
from .._tape import derivative
from .steps import composed, computing, followed


def reduced(loss, reduction):
    return (loss, loss.mean, loss.sum)[reduction]() if reduction else loss


@composed("smooth_l1_loss")
def _smooth_l1(self, target, reduction=1, beta=1.0):
    apart = (self - target).abs()
    if not beta:
        return reduced(apart, reduction)
    return reduced(FUNCTIONS["where"](apart < beta, 0.5 * apart * apart / beta, apart - 0.5 * beta), reduction)


@composed("huber_loss")
def _huber(self, target, reduction=1, delta=1.0):
    apart = (self - target).abs()
    near, far = 0.5 * apart * apart, delta * (apart - 0.5 * delta)
    return reduced(FUNCTIONS["where"](apart <= delta, near, far), reduction)


@composed("soft_margin_loss")
def _soft_margin(self, target, reduction=1):
    return reduced((-target * self).exp().log1p(), reduction)


@computes("binary_cross_entropy")
def _bce_numbers(target, self, aim, reduction=1, weight=None):
    return computing(_bce)(target, self, aim, reduction, weight)


def _bce(self, target, reduction=1, weight=None):
    loss = (target - 1) * (1 - self).log().clamp_min(-100) - target * self.log().clamp_min(-100)
    return reduced(loss if weight is None else loss * weight, reduction)


@derivative("binary_cross_entropy")
def _bce_slopes(keep, self, target, reduction=1, weight=None):
    its, right, shares = keep(self), keep(target), keep(weight)

    def spread(grad):
        grad = grad / self.numel() if reduction == 1 else grad
        return grad if shares is None or shares() is None else grad * shares()

    return (
        lambda grad: spread(grad) * (its() - right()) / ((1 - its()) * its()).clamp_min(1e-12),
        lambda grad: spread(grad) * ((1 - its()).log().clamp_min(-100) - its().log().clamp_min(-100)),
    )


@composed("binary_cross_entropy_with_logits")
def _bce_logits(self, target, reduction=1, weight=None, pos_weight=None):
    log_sigmoid = FUNCTIONS["where"](self > 0, -self, self).exp().log1p().neg() + self.clamp(max=0)
    positive = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    loss = (1 - target) * self - positive * log_sigmoid
    return reduced(loss if weight is None else loss * weight, reduction)


def classes_last(target, classes):
    return FUNCTIONS["arange"](classes) == target.unsqueeze(-1)


@followed("nll_loss2d_forward")
def _nll(self, target, weight, reduction, ignore_index):
    kept = target != ignore_index
    right = FUNCTIONS["where"](kept, target, 0).long()
    loss = -self.gather(1, right.unsqueeze(1)).squeeze(1) * kept
    total = kept.to(self.dtype)
    if weight is not None:
        total = total * weight[right]
        loss = loss * weight[right]
    return (loss.sum() / total.sum() if reduction == 1 else reduced(loss, reduction)), total.sum()


@composed("multi_margin_loss")
def _multi_margin(self, target, p, margin, weight, reduction):
    rows = self if self.dim() == 2 else self.unsqueeze(0)
    right = target.reshape(-1, 1)
    over = (margin - rows.gather(1, right) + rows).clamp_min(0)
    over = over if p == 1 else over.square()
    over = over if weight is None else over * weight[right]
    loss = (over * ~classes_last(right.squeeze(1), rows._shape[1])).sum(1) / rows._shape[1]
    return reduced(loss.reshape(target._shape), reduction)


@composed("multilabel_margin_loss_forward")
def _multilabel_margin(self, target, reduction):
    rows = self if self.dim() == 2 else self.unsqueeze(0)
    losses = []
    for row, aims in zip(rows.unbind(0), target.reshape(rows._shape).tolist(), strict=True):
        right = aims[: aims.index(-1)] if -1 in aims else aims
        if not right:
            losses.append(row.sum() * 0)
            continue
        others = [at for at in range(row._shape[0]) if at not in right]
        one, other = (row.index_select(0, FUNCTIONS["tensor"](held, dtype=meta.int64)) for held in (right, others))
        losses.append((1 - one.unsqueeze(1) + other.unsqueeze(0)).clamp_min(0).sum() / row._shape[0])
    return reduced(FUNCTIONS["stack"](losses).reshape(self._shape[:-1]), reduction)


@composed("_ctc_loss")
def _ctc(log_probs, targets, reduction, input_lengths, target_lengths, blank, zero_infinity):
    """Graves and others, 2006: for each step, the logarithm of how likely it is to have come so far in the words."""
    spans, lengths = ([int(one) for one in given] for given in (input_lengths, target_lengths))
    words, start, losses = targets.tolist(), 0, []
    for at, length in enumerate(lengths):
        if targets.dim() == 2:
            aims = [int(one) for one in words[at][:length]]
        else:
            aims = [int(one) for one in words[start : start + length]]
        start += length
        losses.append(_one_ctc(log_probs[: spans[at], at], aims, blank))
    loss = FUNCTIONS["stack"](losses)
    if zero_infinity:
        loss = FUNCTIONS["where"](loss.isinf(), loss.new_zeros(()), loss)
    if reduction == 1:
        counts = FUNCTIONS["tensor"]([max(int(one), 1) for one in lengths], dtype=loss.dtype)
        return (loss / counts).mean()
    return reduced(loss, reduction)


def _one_ctc(rows, aims, blank):
    states = [blank, *(one for aim in aims for one in (aim, blank))]
    emitted = rows.index_select(1, FUNCTIONS["tensor"](states, dtype=meta.int64)).unbind(0)
    never = rows.new_full((), -1e30)
    reached = [emitted[0][at] if at < 2 else never for at in range(len(states))]
    for step in emitted[1:]:
        before, reached = reached, []
        for at, state in enumerate(states):
            ways = before[max(at - 1, 0) : at + 1]
            if at > 1 and state != blank and state != states[at - 2]:
                ways = [before[at - 2], *ways]
            reached.append(FUNCTIONS["stack"](ways).logsumexp(0) + step[at])
    last = -FUNCTIONS["stack"](reached[-2:]).logsumexp(0)
    return FUNCTIONS["where"](last > 1e29, rows.new_full((), float("inf")), last)
