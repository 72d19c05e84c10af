"""Rows of numbers for ids, with an answer for the id that training never saw."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ratecast.modelling.contract.vocabulary import UNKNOWN


class CentredEmbedding(nn.Module):
    """One vector for each row number: a learned centre plus the row's own deviation from it.

    ids: (n,) row numbers below `rows` -> (n, width). Row 0, the unknown, is the centre itself.
    The centre is the mean of the Gaussian prior that `pull` belongs to, so an id with few ratings
    stays close to what is answered for an unknown one.
    """

    weights: Tensor
    _pulled: Tensor | None = None

    def __init__(self, rows: int, width: int, spread: float = 0.0) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.randn(width) * spread)
        self.own = nn.Embedding(rows, width, padding_idx=UNKNOWN)
        nn.init.normal_(self.own.weight, std=spread)
        with torch.no_grad():
            self.own.weight[UNKNOWN] = 0

    def thin_out(self, counts: Tensor) -> None:
        """From now on, let the gradient of a batch hold the rows of that batch alone.

        counts: (rows,) ratings of each row in train. The pull is then estimated from the batch,
        where a row of many ratings comes often, each time with a smaller share. An id that
        `forget` takes from a batch is not pulled there.
        """
        self.own.sparse = True
        weights = counts.sum() / counts.clamp(min=1).float()
        weights[UNKNOWN] = 0
        self.register_buffer("weights", weights.to(self.own.weight.device), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors of `ids`: (n,) -> (n, width)."""
        own = self.own(ids)
        if self.own.sparse and self.training:
            self._pulled = (own.square().sum(1) * self.weights[ids]).mean()
        vectors: Tensor = self.centre + own
        return vectors

    def vectors(self) -> NDArray[np.float64]:
        """All of them, for use without torch: (rows, width)."""
        with torch.no_grad():
            return (self.centre.double() + self.own.weight.double()).cpu().numpy()

    def pull(self) -> Tensor:
        """Sum of the squared deviations, the prior's penalty before its weight: ()."""
        if not self.own.sparse:
            return self.own.weight.square().sum()
        pulled, self._pulled = self._pulled, None
        assert pulled is not None, "a batch is asked for before its pull"
        return pulled


def forget(ids: Tensor, share: float) -> Tensor:
    """Replace a random `share` (0 to 1) of `ids` (n,) by the unknown row.

    Reference: Volkovs, Yu, Poutanen 2017, "DropoutNet: Addressing Cold Start in Recommender
    Systems", which drops the whole preference vector of a user or item in training.
    """
    if share <= 0:
        return ids
    return ids.masked_fill(torch.rand(ids.shape, device=ids.device) < share, UNKNOWN)
