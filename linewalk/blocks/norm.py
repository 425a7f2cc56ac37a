"""Batch normalization written out: what `nn.BatchNorm2d` does in one call, line by line."""

import torch
import torch.nn as nn


class BatchNorm(nn.Module):
    """`nn.BatchNorm2d` in plain tensor arithmetic.

    Args:
        num_features: channels of the input.
        eps: added to the variance, so that a channel without variance is not divided by 0.
        momentum: the share of the new batch in the running statistics.
        track_running_stats: False keeps none, and the batch's own statistics serve in both modes.

    Shapes:
        input and output (N, num_features, H, W).

    Errors:
        ValueError, worded as PyTorch's, where a channel's statistics would come from a single value.

    Source: algorithm 1 of Ioffe and Szegedy, https://arxiv.org/abs/1502.03167. Names and defaults are those of
    `nn.BatchNorm2d`, so that state dicts interchange.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, track_running_stats=True):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", torch.ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0) if track_running_stats else None)

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training or mean is None:
            if x.numel() == x.shape[1]:
                raise ValueError(f"Expected more than 1 value per channel when training, got input size {x.shape}")
            mean = x.mean((0, 2, 3))
            var = x.var((0, 2, 3), correction=0)

        if self.training and self.running_mean is not None:
            with torch.no_grad():
                self.num_batches_tracked += 1
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (x.var((0, 2, 3)) - self.running_var)

        out = (x - mean[:, None, None]) / torch.sqrt(var + self.eps)[:, None, None]
        out = out * self.weight[:, None, None] + self.bias[:, None, None]
        return out
