"""The net of `neumf`."""

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ratecast.models.nets.base import RatingNet, numbers
from ratecast.models.nets.embedding import CentredEmbedding, forget
from ratecast.models.ridge import F64

if TYPE_CHECKING:
    from ratecast.models.neumf import NeuMF


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

    def shared(self) -> dict[str, F64]:
        """Layers as (inputs, outputs) with their shifts, and the head, for use without torch."""
        layers = [layer for layer in self.mlp if isinstance(layer, nn.Linear)]
        found = {f"layer{k}": numbers(layer.weight.T) for k, layer in enumerate(layers)}
        found |= {f"shift{k}": numbers(layer.bias) for k, layer in enumerate(layers)}
        head = numbers(self.head.weight[0])
        return found | {"head": head, "head_shift": numbers(self.head.bias)}


def _tower(inputs: int, layers: tuple[int, ...], dropout: float) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise((inputs, *layers)):
        parts += [nn.Linear(below, above), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts)
