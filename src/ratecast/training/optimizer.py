"""Adam over all weights, or only over the embedding rows of the batch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, SparseAdam

from ratecast.arrays import F32
from ratecast.modelling.nets.base import CentredEmbedding
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.training.sparse_adam import step_of_rows, sum_of_rows

FUSED = ("cpu", "cuda")
# Sparse gradients are faster for tables with more rows than this many batches.
SPARSE_RATIO = 4


class OptimizerPair(Optimizer):
    """Two optimizers with a common step and schedule."""

    def __init__(self, *parts: Optimizer) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of both."""
        loss = _loss(closure)
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the states of both."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


class RowAdam(Optimizer):
    """Adam on the embedding rows of the batch, on a CPU; the steps are those of `SparseAdam`.

    Several times as fast as torch's `SparseAdam`, which sorts the ids and uses sparse tensors.
    Reference: Kingma, Ba 2015. Differs: the moments of a row change only when it is in a batch.
    """

    def __init__(self, weights: list[Tensor], lr: float) -> None:
        super().__init__(weights, {"lr": lr, "betas": (0.9, 0.999), "eps": 1e-8})
        self._positions = {weight: _unused(weight) for weight in weights}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the rows of every sparse gradient."""
        loss = _loss(closure)
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, weight.grad, group)
        return loss

    def _update(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(weight)}
            state["square"] = torch.zeros_like(weight)
        state["step"] += 1
        table = tuple(x.numpy() for x in (weight, state["mean"], state["square"]))
        settings = group["lr"], *group["betas"], group["eps"], state["step"]
        step_of_rows(table, _batch_of(gradient), self._positions[weight], settings)


def sum_repeated_rows(net: nn.Module) -> None:
    """From now on, every sparse gradient of a net on a CPU has each row once.

    For processes that send each other their gradients: torch sums the rows that a batch repeats
    before it sends them, in an order of its own; here they are summed in that of `RowAdam`.
    """
    for weight in _sparse_weights(net):
        weight.register_hook(partial(_with_sums, _unused(weight)))  # type: ignore[no-untyped-call]


def _with_sums(position: NDArray[np.int32], gradient: Tensor) -> Tensor:
    rows, sums = map(torch.from_numpy, sum_of_rows(*_batch_of(gradient), position))
    return torch.sparse_coo_tensor(rows[None], sums, gradient.shape)


def _batch_of(gradient: Tensor) -> tuple[NDArray[np.int64], F32]:
    """Row numbers and values of a sparse gradient, with the rows that the batch repeats."""
    # torch has no public access to these of such a tensor.
    rows, values = gradient._indices()[0], gradient._values()  # noqa: SLF001
    return rows.numpy(), values.contiguous().numpy()


def _unused(weight: Tensor) -> NDArray[np.int32]:
    """The buffer in which the kernels find the rows of a batch."""
    return np.full(len(weight), -1, np.int32)


def _loss(closure: Callable[[], Any] | None) -> Any:
    """The result of Lightning's closure (forward and backward), with gradients enabled."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def uses_sparse_gradients(net: nn.Module, task: TrainingTask, device: str) -> bool:
    """Whether embedding gradients are sparse: by `gradients`, or for `auto` if it is faster."""
    tables = [part for part in net.modules() if isinstance(part, CentredEmbedding)]
    rows = max((table.own.num_embeddings for table in tables), default=0)
    faster = device == "cpu" and rows > SPARSE_RATIO * task.settings.batch_size
    setting = task.settings.gradients
    return rows > 0 and (setting == "sparse" or (setting == "auto" and faster))


def adam(net: nn.Module, rate: float, device: str) -> Optimizer:
    """Adam; of embeddings with sparse gradients, only the rows of the batch are updated.

    Reference: Kingma, Ba 2015. Differs for these: the moments of other rows do not change.
    """
    sparse = _sparse_weights(net)
    dense = Adam(_others(net, sparse), lr=rate, fused=device in FUSED)
    if not sparse:
        return dense
    rows = RowAdam(sparse, rate) if device == "cpu" else SparseAdam(sparse, lr=rate)
    return OptimizerPair(dense, rows)


def _sparse_weights(net: nn.Module) -> list[Tensor]:
    return [part.weight for part in net.modules() if isinstance(part, nn.Embedding) and part.sparse]


def _others(net: nn.Module, sparse: list[Tensor]) -> list[nn.Parameter]:
    excluded = {id(weight) for weight in sparse}
    return [weight for weight in net.parameters() if id(weight) not in excluded]
