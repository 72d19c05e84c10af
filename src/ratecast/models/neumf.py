"""NeuMF: a factorization and a perceptron side by side, and a head that forecasts stars.

Reference: He, Liao, Zhang, Nie, Hu, Chua 2017, "Neural Collaborative Filtering", equations 8, 10
and 12 (GMF, MLP, and their fusion).
Differs: the head answers stars, with squared error (the paper ranks implicit feedback with a
sigmoid and log loss); no pretraining of the towers; vectors deviate from a learned centre, which
stands for an unknown user or movie; some rows are trained with the user unknown.
RMSE on the chronological split of MovieLens 100K: see docs/results.md.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from ratecast.errors import InputError
from ratecast.models.base import Range
from ratecast.models.embedding import CentredEmbedding, forget
from ratecast.models.net import NetModel, RatingNet


class NeuMFNet(RatingNet):
    """head([GMF(u, i), MLP(u, i)]): each tower has vectors of its own."""

    def __init__(self, model: "NeuMF", users: int, movies: int, mean: float) -> None:
        super().__init__()
        self.unknown_share = model.unknown_share
        self.pulls = model.pull_users, model.pull_movies, model.pull_weights
        self.gmf_users, self.mlp_users = (
            CentredEmbedding(users, model.factors, model.spread) for _ in range(2)
        )
        self.gmf_movies, self.mlp_movies = (
            CentredEmbedding(movies, model.factors, model.spread) for _ in range(2)
        )
        self.mlp = _tower(2 * model.factors, model.layers, model.dropout)
        self.head = nn.Linear(model.factors + model.layers[-1], 1)
        nn.init.normal_(self.head.weight, std=model.spread)
        nn.init.ones_(self.head.weight[:, : model.factors])
        nn.init.constant_(self.head.bias, mean)

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = forget(users, self.unknown_share) if self.training else users
        gmf = self.gmf_users(users) * self.gmf_movies(movies)
        mlp = self.mlp(torch.cat([self.mlp_users(users), self.mlp_movies(movies)], dim=1))
        stars: Tensor = self.head(torch.cat([gmf, mlp], dim=1)).squeeze(1)
        return stars

    def penalty(self) -> Tensor:
        """Gaussian priors of the deviations and of the weights: ()."""
        users = self.gmf_users.pull() + self.mlp_users.pull()
        movies = self.gmf_movies.pull() + self.mlp_movies.pull()
        layers = [layer.weight for layer in self.mlp if isinstance(layer, nn.Linear)]
        weights = torch.stack([w.square().sum() for w in [*layers, self.head.weight]]).sum()
        by_users, by_movies, by_weights = self.pulls
        return by_users * users + by_movies * movies + by_weights * weights


@dataclass(kw_only=True, eq=False)
class NeuMF(NetModel):
    """A factorization beside a perceptron.

    layers: widths of the perceptron's layers. dropout: share of a layer's outputs that is dropped
    in training. pull_*: ratio of the noise's variance to the prior's, for the vectors and for the
    weights of the perceptron and head. spread: standard deviation of the first numbers.
    """

    name: ClassVar[str] = "neumf"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 64, log=True),
        "unknown_share": Range(0.1, 0.9),
    }
    restraints: ClassVar[tuple[str, ...]] = (
        "unknown_share",
        "dropout",
        "pull_users",
        "pull_movies",
        "pull_weights",
    )
    factors: int = 16
    layers: tuple[int, ...] = (32, 16)
    dropout: float = 0.1
    pull_users: float = 50.0
    pull_movies: float = 20.0
    pull_weights: float = 10.0
    spread: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layers = tuple(self.layers)
        if not self.layers or min(self.layers) < 1:
            raise InputError(f"model.layers is {list(self.layers)}; give one width or more, from 1")

    def make_net(self, users: int, movies: int, mean: float) -> RatingNet:
        """The net of equation 12."""
        return NeuMFNet(self, users, movies, mean)


def _tower(inputs: int, layers: tuple[int, ...], dropout: float) -> nn.Sequential:
    parts: list[nn.Module] = []
    for narrow, wide in pairwise((inputs, *layers)):
        parts += [nn.Linear(narrow, wide), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts)
