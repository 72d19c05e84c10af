"""The net of `attention`: layers that attend from a movie to the user's earlier ratings."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from ratecast.arrays import F64
from ratecast.modelling.nets.base import RatingNet, to_numpy
from ratecast.models.attention.fused import Inputs, fused

INIT_DAMPING = 8.0
INIT_STD = 0.1
MASKED = -1e9
PARTS = "query", "key", "value", "offset", "readout"


class ErrorAttention(nn.Module):
    """One layer: a weighted mean of the user's past errors, weights by similarity of the movies.

    stars = readout(m) · Σ_j a_j (value(m_j) e_j + offset(m_j)), e_j: error at the past rating j,
    a: softmax over j of query(m) · key(m_j) / sqrt(width) + recency log(places back), and over a
    null slot of value 0, so that a short history changes little. Initially, about the damped mean
    of the errors.
    """

    def __init__(self, factors: int, width: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(factors, width), nn.Linear(factors, width)
        self.value, self.offset = nn.Linear(factors, width), nn.Linear(factors, width)
        self.readout = nn.Linear(factors, width)
        self.null_score = nn.Parameter(torch.tensor(math.log(INIT_DAMPING)))
        self.recency = nn.Parameter(torch.zeros(()))
        for layer in (self.value, self.readout):
            nn.init.normal_(layer.weight, std=INIT_STD)
        nn.init.constant_(self.value.bias, 1 / width)
        nn.init.ones_(self.readout.bias)
        for zero in (self.offset.weight, self.offset.bias):
            nn.init.zeros_(zero)

    def forward(self, movies: Tensor, errors: Tensor, earlier: Tensor, max_history: int) -> Tensor:
        """Stars to add: (b, m). movies: (b, m, f). errors: (b, m).

        earlier: (b, m), how many rows of the window come before each row's time. max_history: how
        many of these are used.
        """
        attention = fused if movies.device.type == "cpu" else dense
        inputs = Inputs(
            self.query(movies) / math.sqrt(self.query.out_features),
            self.key(movies),
            self.value(movies) * errors[..., None] + self.offset(movies),
            self.null_score,
            self.recency,
            earlier,
            max_history,
        )
        stars: Tensor = (attention(inputs) * self.readout(movies)).sum(2)
        return stars


def dense(inputs: Inputs) -> Tensor:
    """What `fused` computes, by whole matrices, on any device: (b, m, w)."""
    places = torch.arange(inputs.query.shape[1], device=inputs.query.device)
    lags = inputs.earlier[..., None] - places
    scores = inputs.query @ inputs.key.transpose(1, 2)
    scores = scores + inputs.recency * lags.clamp(min=1).log()
    scores = scores.masked_fill((lags < 1) | (lags > inputs.max_history), MASKED)
    null_score = inputs.null_score.expand(*scores.shape[:2], 1)
    weights = torch.cat([null_score, scores], dim=2).softmax(dim=2)[..., 1:]
    return weights @ inputs.value


class AttentionNet(RatingNet):
    """stars = those of an unknown user + what each layer adds, from the errors of the one below.

    factors: of a movie, and width of a layer. layers: their number. max_history: how many of the
    user's latest ratings are used. l2: penalty of the weights.
    """

    mean: Tensor

    def __init__(self, factors: int, layers: int, max_history: int, l2: float) -> None:
        super().__init__()
        self.max_history, self.l2 = max_history, l2
        self.layers = nn.ModuleList(ErrorAttention(factors, factors) for _ in range(layers))
        self.level = nn.Parameter(torch.zeros(()))
        self.slope = nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs: Tensor, stars: Tensor, earlier: Tensor, targets: Tensor) -> Tensor:
        """Expected stars of the target rows (k,) of a batch of `UserSequences`.

        inputs: the stars of an unknown user for the movie, then its factors: (b, m, 1 + f).
        """
        movies = inputs[..., 1:]
        predicted = self.mean + self.level + self.slope * (inputs[..., 0] - self.mean)
        # A layer's stars are wanted of the targets, or of rows before them that the next one reads.
        last, later = len(self.layers) - 1, targets.flip(1).cummax(1).values.flip(1)
        for k, layer in enumerate(self.layers):
            seen = earlier.where(targets if k == last else later, 0)
            predicted = predicted + layer(movies, stars - predicted, seen, self.max_history)
        return predicted[targets]

    def penalty(self) -> Tensor:
        """l2 times the squared weights of the layers: ()."""
        weights = [x.square().sum() for x in self.layers.parameters() if x.dim() > 1]
        return self.l2 * torch.stack(weights).sum()

    def packed(self) -> tuple[F64, F64]:
        """The layers, for use without torch.

        Weights (layers, 5, width, 1 + factors), the bias first, of each of `PARTS`; and
        (layers, 2) scalars, score of the null slot and recency.
        """
        weights, scalars = [], []
        for layer in self.layers:
            assert isinstance(layer, ErrorAttention)
            parts = [getattr(layer, name) for name in PARTS]
            both = [np.column_stack([to_numpy(x.bias), to_numpy(x.weight)]) for x in parts]
            weights.append(np.stack(both))
            scalars.append([layer.null_score.item(), layer.recency.item()])
        return np.stack(weights), np.array(scalars)
