"""Adam over all weights, or over the rows that a batch has asked for."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, SparseAdam

from ratecast.models.embedding import CentredEmbedding
from ratecast.models.net import Lesson

FUSED = ("cpu", "cuda")
MANY = 4


class Both(Optimizer):
    """Two optimizers that step together, under one schedule."""

    def __init__(self, *parts: Optimizer) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """That of each."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def thins(net: nn.Module, lesson: Lesson, device: str) -> bool:
    """Whether the gradient of a batch holds only its own rows: `gradients`, or what is quicker."""
    tables = [part for part in net.modules() if isinstance(part, CentredEmbedding)]
    rows = max((table.own.num_embeddings for table in tables), default=0)
    wins = device == "cpu" and rows > MANY * lesson.settings.batch_size
    asked = lesson.settings.gradients
    return rows > 0 and (asked == "sparse" or (asked == "auto" and wins))


def adam(net: nn.Module, rate: float, device: str) -> Optimizer:
    """Adam; weights of embeddings whose gradients are sparse move where they were asked for.

    Reference: Kingma, Ba 2015. Differs for those: moments of a row stand still while nobody asks.
    """
    thin = [part.weight for part in net.modules() if isinstance(part, nn.Embedding) and part.sparse]
    dense = _others(net, thin)
    whole = Adam(dense, lr=rate, fused=device in FUSED)
    return Both(whole, SparseAdam(thin, lr=rate)) if thin else whole


def _others(net: nn.Module, thin: list[Tensor]) -> list[nn.Parameter]:
    apart = {id(weight) for weight in thin}
    return [weight for weight in net.parameters() if id(weight) not in apart]
