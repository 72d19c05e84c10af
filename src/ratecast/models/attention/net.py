"""The net of `attention`: layers that look back at what the user said of similar movies."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from ratecast.arrays import F64
from ratecast.modelling.nets.base import RatingNet, to_numpy

FIRST_DAMPING = 8.0
FIRST_SPREAD = 0.1
FAR = -1e9
PARTS = "query", "key", "value", "trait", "view"


class LookBack(nn.Module):
    """One layer: a weighted mean of past errors, seen from the movie asked about.

    The weights are a softmax over the past, and over a place that says nothing, so that little
    past moves little. It starts as the damped mean of the errors.
    """

    def __init__(self, factors: int, width: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(factors, width), nn.Linear(factors, width)
        self.value, self.trait = nn.Linear(factors, width), nn.Linear(factors, width)
        self.view = nn.Linear(factors, width)
        self.silence = nn.Parameter(torch.tensor(math.log(FIRST_DAMPING)))
        self.fading = nn.Parameter(torch.zeros(()))
        for layer in (self.value, self.view):
            nn.init.normal_(layer.weight, std=FIRST_SPREAD)
        nn.init.constant_(self.value.bias, 1 / width)
        nn.init.ones_(self.view.bias)
        for zero in (self.trait.weight, self.trait.bias):
            nn.init.zeros_(zero)

    def forward(self, movies: Tensor, errors: Tensor, past: tuple[Tensor, Tensor]) -> Tensor:
        """Stars to add: (b, m). movies: (b, m, f). errors: (b, m).

        past: which rows are not heard, and the logarithm of the places back, (b, m, m) each.
        """
        unheard, back = past
        scores = self.query(movies) @ self.key(movies).transpose(1, 2)
        scores = scores / math.sqrt(self.query.out_features)
        scores = scores + self.fading * back
        scores = scores.masked_fill(unheard, FAR)
        silence = self.silence.expand(*scores.shape[:2], 1)
        weights = torch.cat([silence, scores], dim=2).softmax(dim=2)[..., 1:]
        said = self.value(movies) * errors[..., None] + self.trait(movies)
        stars: Tensor = ((weights @ said) * self.view(movies)).sum(2)
        return stars


class AttentionNet(RatingNet):
    """What a stranger would give, and then layer upon layer on the errors that are left."""

    mean: Tensor

    def __init__(self, factors: int, layers: int, length: int, pull: float) -> None:
        super().__init__()
        self.length, self.pull = length, pull
        self.layers = nn.ModuleList(LookBack(factors, factors) for _ in range(layers))
        self.level = nn.Parameter(torch.zeros(()))
        self.slope = nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, seen: Tensor, stars: Tensor, came: Tensor, asked: Tensor) -> Tensor:
        """Expected stars of the asked rows (k,) of a batch of `Histories`.

        seen: what a stranger would give the movie, then its factors: (b, m, 1 + f).
        """
        places = torch.arange(seen.shape[1], device=seen.device)
        lags = came[..., None] - places
        past = (lags < 1) | (lags > self.length), lags.clamp(min=1).log()
        movies = seen[..., 1:]
        answer = self.mean + self.level + self.slope * (seen[..., 0] - self.mean)
        for layer in self.layers:
            answer = answer + layer(movies, stars - answer, past)
        return answer[asked]

    def penalty(self) -> Tensor:
        """Gaussian priors of the layers' weights: ()."""
        weights = [x.square().sum() for x in self.layers.parameters() if x.dim() > 1]
        return self.pull * torch.stack(weights).sum()

    def packed(self) -> tuple[F64, F64]:
        """The layers, for use without torch.

        Weights (layers, 5, width, 1 + factors), the shift first, of each of `PARTS`; and
        (layers, 2) scalars, silence and fading.
        """
        weights, scalars = [], []
        for layer in self.layers:
            assert isinstance(layer, LookBack)
            parts = [getattr(layer, name) for name in PARTS]
            both = [np.column_stack([to_numpy(x.bias), to_numpy(x.weight)]) for x in parts]
            weights.append(np.stack(both))
            scalars.append([layer.silence.item(), layer.fading.item()])
        return np.stack(weights), np.array(scalars)
