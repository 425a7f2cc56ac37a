"""Scaled dot-product attention, in the steps that PyTorch takes where it has no kernel of its own for it."""

import math

from .. import _metadata as meta
from .._dispatch import WithoutModes
from .._public import FUNCTIONS
from .._tensor import made
from . import views
from .products import matmul
from .reductions import safe_softmax


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    _check(query, key, value, attn_mask, is_causal)
    scale_each = math.sqrt(scale if scale is not None else 1 / math.sqrt(query._shape[-1]))
    if enable_gqa:
        key, value = (
            views.METHODS["repeat_interleave"](each, query._shape[-3] // each._shape[-3], -3) for each in (key, value)
        )
    multiply = FUNCTIONS["mul"]
    scores = matmul(multiply(query, scale_each), multiply(views.transpose_op(key, -2, -1), scale_each))
    if is_causal:
        attn_mask = _earlier(query._shape[-2], key._shape[-2])
    if attn_mask is not None:
        scores = FUNCTIONS["add"](scores, _added(attn_mask, query.dtype))
    weights = safe_softmax(scores, -1)
    if dropout_p:
        from ..nn.functional import dropout

        weights = dropout(weights, dropout_p)
    return matmul(weights, value)


def _earlier(queries, keys):
    values = [at <= row for row in range(queries) for at in range(keys)]
    return made((queries, keys), meta.bool_, values=values)


def _added(mask, dtype):
    """A mask as it is added to scores: where one of truths is false, nothing is looked at."""
    if mask.dtype is not meta.bool_:
        return mask.to(dtype)
    with WithoutModes():
        return FUNCTIONS["where"](mask, 0.0, -math.inf).to(dtype)


def _check(query, key, value, mask, is_causal):
    dtypes = [tensor.dtype for tensor in (query, key, value)]
    if len(set(dtypes)) > 1:
        names = [meta.type_name(dtype) for dtype in dtypes]
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: "
            f"{names[1]} and value.dtype: {names[2]} instead."
        )
    if mask is not None and mask.dtype not in (meta.bool_, meta.float32, query.dtype):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{meta.type_name(mask.dtype)} and  query.dtype: {meta.type_name(query.dtype)} instead."
        )
    if min(tensor.dim() for tensor in (query, key, value)) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.dim()} key.dim: {key.dim()} and value.dim: {value.dim()} instead."
        )
    if is_causal and mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
