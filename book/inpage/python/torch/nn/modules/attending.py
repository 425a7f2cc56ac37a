"""Attention with several heads, in PyTorch's steps."""

import math

from ... import _metadata as meta
from ..._public import FUNCTIONS
from .. import functional as F
from .. import init
from ..parameter import Parameter
from .linear import NonDynamicallyQuantizableLinear, empty
from .module import Module

__all__ = ["MultiheadAttention"]


def _projected(query, key, value, weight, bias):
    """Queries, keys and values from one matrix of three parts."""
    width = query.shape[-1]
    if key is value and query is key:
        parts = F.linear(query, weight, bias).unflatten(-1, (3, width)).unsqueeze(0).transpose(0, -2).squeeze(-2)
        parts = parts.contiguous()
        return parts[0], parts[1], parts[2]
    if key is value:
        q_weight, kv_weight = weight.split([width, 2 * width])
        q_bias, kv_bias = (None, None) if bias is None else bias.split([width, 2 * width])
        both = F.linear(key, kv_weight, kv_bias).unflatten(-1, (2, width)).unsqueeze(0).transpose(0, -2).squeeze(-2)
        both = both.contiguous()
        return F.linear(query, q_weight, q_bias), both[0], both[1]
    weights = weight.chunk(3)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(F.linear(one, its, add) for one, its, add in zip((query, key, value), weights, biases, strict=True))


def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = (one.unsqueeze(1) for one in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(one, its, add)
            for one, its, add in zip(
                (query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), biases, strict=True
            )
        )
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    others = k.shape[0]
    attn_mask = _checked_mask(attn_mask, length, others, batch * num_heads, query.dtype)
    padding = None if key_padding_mask is None else _added(key_padding_mask, query.dtype)
    if bias_k is not None:
        k, v = (FUNCTIONS["cat"]([one, add.repeat(1, batch, 1)]) for one, add in ((k, bias_k), (v, bias_v)))
        attn_mask, padding = (None if one is None else F.pad(one, (0, 1)) for one in (attn_mask, padding))
    q = q.view(length, batch * num_heads, head).transpose(0, 1)
    k = k.view(k.shape[0], batch * num_heads, head).transpose(0, 1)
    v = v.view(v.shape[0], batch * num_heads, head).transpose(0, 1)
    if add_zero_attn:
        nothing = FUNCTIONS["zeros"]((batch * num_heads, 1, head), dtype=k.dtype)
        k, v = (FUNCTIONS["cat"]([one, nothing], dim=1) for one in (k, v))
        attn_mask, padding = (None if one is None else F.pad(one, (0, 1)) for one in (attn_mask, padding))
    others = k.shape[1]
    if key_padding_mask is not None:
        if tuple(key_padding_mask.shape) != (batch, key.shape[0]):
            raise AssertionError(
                f"Expected key_padded_mask.shape[0] to be {batch}, but got {key_padding_mask.shape[0]}"
                if key_padding_mask.shape[0] != batch
                else f"expecting key_padding_mask shape of {(batch, key.shape[0])}, but got {key_padding_mask.shape}"
            )
        padding = padding.view(batch, 1, 1, others).expand(-1, num_heads, -1, -1)
        padding = padding.reshape(batch * num_heads, 1, others)
        attn_mask = padding if attn_mask is None else attn_mask + padding
    dropout_p = dropout_p if training else 0.0
    if need_weights:
        scaled = q * math.sqrt(1 / head)
        weights = (
            scaled.bmm(k.transpose(-2, -1))
            if attn_mask is None
            else FUNCTIONS["baddbmm"](attn_mask, scaled, k.transpose(-2, -1))
        )
        weights = F.softmax(weights, dim=-1)
        weights = F.dropout(weights, dropout_p) if dropout_p > 0.0 else weights
        output = weights.bmm(v).transpose(0, 1).contiguous().view(length * batch, width)
        output = F.linear(output, out_proj_weight, out_proj_bias).view(length, batch, -1)
        weights = weights.view(batch, num_heads, length, others)
        weights = weights.mean(dim=1) if average_attn_weights else weights
        return (output, weights) if batched else (output.squeeze(1), weights.squeeze(0))
    if attn_mask is not None:
        attn_mask = (
            attn_mask.unsqueeze(0)
            if attn_mask.shape[0] == 1 and attn_mask.dim() == 3
            else attn_mask.view(batch, num_heads, -1, others)
        )
    q = q.view(batch, num_heads, length, head)
    k, v = (one.view(batch, num_heads, others, head) for one in (k, v))
    output = F.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal and attn_mask is None)
    output = output.permute(2, 0, 1, 3).contiguous().view(batch * length, width)
    output = F.linear(output, out_proj_weight, out_proj_bias).view(length, batch, -1)
    return (output, None) if batched else (output.squeeze(1), None)


def _is_batched(query, key, value, padding, mask, heads):
    if query.dim() not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor"
        )
    for other in (key, value):
        if other.dim() != query.dim():
            word = "batched" if query.dim() == 3 else "unbatched"
            raise AssertionError(
                f"For {word} ({query.dim()}-D) `query`, expected `key` and `value` to be {query.dim()}-D but found "
                f"{key.dim()}-D and {value.dim()}-D tensors respectively"
            )
    return query.dim() == 3


def _checked_mask(mask, length, others, stacked, dtype):
    if mask is None:
        return None
    wanted = (length, others) if mask.dim() == 2 else (stacked, length, others)
    if mask.dim() not in (2, 3):
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {wanted}.")
    mask = _added(mask, dtype)
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _added(mask, dtype):
    """A mask as it is added to scores: where one of truths is true, nothing is looked at."""
    if mask.dtype is not meta.bool_:
        return mask
    return FUNCTIONS["zeros_like"](mask, dtype=dtype).masked_fill_(mask, float("-inf"))


def check_mask(mask, name):
    if mask is not None and mask.dtype is not meta.bool_ and not mask.dtype.is_floating_point:
        raise AssertionError(f"only bool and floating types of {name} are supported")


class MultiheadAttention(Module):
    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        batch_first=False,
        device=None,
        dtype=None,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                "instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(empty(3 * embed_dim, embed_dim, dtype=dtype))
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = Parameter(empty(embed_dim, embed_dim, dtype=dtype))
            self.k_proj_weight = Parameter(empty(embed_dim, self.kdim, dtype=dtype))
            self.v_proj_weight = Parameter(empty(embed_dim, self.vdim, dtype=dtype))
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = Parameter(empty(3 * embed_dim, dtype=dtype))
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        if add_bias_kv:
            self.bias_k = Parameter(empty(1, 1, embed_dim, dtype=dtype))
            self.bias_v = Parameter(empty(1, 1, embed_dim, dtype=dtype))
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("weight"):
                init.xavier_uniform_(parameter)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for parameter in (self.bias_k, self.bias_v):
            if parameter is not None:
                init.xavier_normal_(parameter)

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        if is_causal and attn_mask is None:
            raise RuntimeError(
                "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                "`generate_square_subsequent_mask` to create this mask."
            )
        check_mask(key_padding_mask, "key_padding_mask")
        check_mask(attn_mask, "attn_mask")
        batched = query.dim() == 3
        if self.batch_first and batched:
            if key is value:
                if query is key:
                    query = key = value = query.transpose(1, 0)
                else:
                    query, key = (one.transpose(1, 0) for one in (query, key))
                    value = key
            else:
                query, key, value = (one.transpose(1, 0) for one in (query, key, value))
        output, weights = multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            self.training,
            key_padding_mask,
            need_weights,
            attn_mask,
            not self._qkv_same_embed_dim,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(1, 0) if self.batch_first and batched else output), weights


multi_head_attention_forward.__module__ = "torch.nn.functional"
