"""The attention of `attention_kernel` as a function of torch, with its gradients."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ratecast.arrays import F32
from ratecast.models.attention.attention_kernel import Window, attend, gradients


class Inputs(NamedTuple):
    """What one layer attends with, on the CPU.

    query, key, value: (b, m, w). null_score, recency: (). earlier: (b, m), see `Window`.
    max_history: how many rows a row sees at most.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    null_score: Tensor
    recency: Tensor
    earlier: Tensor
    max_history: int


def fused(inputs: Inputs) -> Tensor:
    """Weighted means of the values: (b, m, w)."""
    mean: Tensor = _Attention.apply(*inputs)  # type: ignore[no-untyped-call]
    return mean


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> Tensor:
        inputs = Inputs._make(given)
        mean = torch.empty_like(inputs.query, memory_format=torch.contiguous_format)
        log_total = torch.empty(mean.shape[:2])
        attend(_window(inputs), mean.numpy(), log_total.numpy())
        ctx.save_for_backward(*inputs[:-1], mean, log_total)
        ctx.max_history = inputs.max_history
        return mean

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        *inputs, mean, log_total = ctx.saved_tensors
        window = _window(Inputs._make([*inputs, ctx.max_history]))
        query = torch.empty_like(mean)
        key, value = (torch.zeros(window.key.shape) for _ in range(2))
        null_score, recency = gradients(
            window,
            (mean.numpy(), log_total.numpy()),
            upstream[0].contiguous().numpy(),
            query.numpy(),
            (key.numpy(), value.numpy()),
        )
        scalars = torch.tensor(null_score), torch.tensor(recency)
        matrices = query, key.transpose(1, 2), value.transpose(1, 2)
        return (*matrices, *(x.to(torch.float32) for x in scalars), None, None)


def _window(inputs: Inputs) -> Window:
    query, key, value = (x.detach() for x in inputs[:3])
    return Window(
        query.contiguous().numpy(),
        key.transpose(1, 2).contiguous().numpy(),
        value.transpose(1, 2).contiguous().numpy(),
        inputs.earlier.contiguous().numpy(),
        _log_lags(inputs.max_history),
        np.float32(inputs.null_score.detach().item()),
        np.float32(inputs.recency.detach().item()),
    )


@lru_cache(maxsize=4)
def _log_lags(max_history: int) -> F32:
    return np.log(np.arange(max_history, 0, -1)).astype(np.float32)
