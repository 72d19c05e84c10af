"""Adam over all weights, or over the rows that a batch has asked for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, SparseAdam

from ratecast.modelling.nets.base import CentredEmbedding
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.training.sparse_adam import step_of_rows

FUSED = ("cpu", "cuda")
MANY = 4


class OptimizerPair(Optimizer):
    """Two optimizers that step together, under one schedule."""

    def __init__(self, *parts: Optimizer) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each."""
        loss = _loss(closure)
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


class RowAdam(Optimizer):
    """Adam of the rows that a batch asked for, on a CPU: the steps of torch's `SparseAdam`.

    That one sorts the ids of a batch and works on sparse tensors: several times as long.
    Reference: Kingma, Ba 2015. Differs: moments of a row stand still while nobody asks for it.
    """

    def __init__(self, weights: list[Tensor], lr: float) -> None:
        super().__init__(weights, {"lr": lr, "betas": (0.9, 0.999), "eps": 1e-8})
        self._places = {weight: np.full(len(weight), -1, np.int32) for weight in weights}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move the rows of every gradient that there is."""
        loss = _loss(closure)
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)
        return loss

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(weight)}
            state["square"] = torch.zeros_like(weight)
        state["step"] += 1
        table = tuple(x.numpy() for x in (weight, state["mean"], state["square"]))
        # As the batch asked, rows repeated: bringing them together is the kernel's work.
        batch = gradient._indices()[0].numpy(), gradient._values().contiguous().numpy()
        settings = group["lr"], *group["betas"], group["eps"], state["step"]
        step_of_rows(table, batch, self._places[weight], settings)


def _loss(closure: Callable[[], Any] | None) -> Any:
    """What Lightning hands to a step: forward and backward, for which gradients are on again."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def uses_sparse_gradients(net: nn.Module, task: TrainingTask, device: str) -> bool:
    """Whether the gradient of a batch holds only its own rows: `gradients`, or what is quicker."""
    tables = [part for part in net.modules() if isinstance(part, CentredEmbedding)]
    rows = max((table.own.num_embeddings for table in tables), default=0)
    wins = device == "cpu" and rows > MANY * task.settings.batch_size
    asked = task.settings.gradients
    return rows > 0 and (asked == "sparse" or (asked == "auto" and wins))


def adam(net: nn.Module, rate: float, device: str) -> Optimizer:
    """Adam; weights of embeddings whose gradients are sparse move where they were asked for.

    Reference: Kingma, Ba 2015. Differs for those: moments of a row stand still while nobody asks.
    """
    thin = [part.weight for part in net.modules() if isinstance(part, nn.Embedding) and part.sparse]
    dense = _others(net, thin)
    whole = Adam(dense, lr=rate, fused=device in FUSED)
    if not thin:
        return whole
    return OptimizerPair(
        whole, RowAdam(thin, rate) if device == "cpu" else SparseAdam(thin, lr=rate)
    )


def _others(net: nn.Module, thin: list[Tensor]) -> list[nn.Parameter]:
    apart = {id(weight) for weight in thin}
    return [weight for weight in net.parameters() if id(weight) not in apart]
