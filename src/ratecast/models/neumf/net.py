"""The net of `neumf`."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ratecast.arrays import F64
from ratecast.modelling.nets.base import NetSize, RatingNet, numbers
from ratecast.modelling.nets.embedding import CentredEmbedding, forget


class Perceptron(NamedTuple):
    """The widths of the layers, and the share of each layer's outputs dropped in training."""

    layers: tuple[int, ...]
    dropout: float


class L2(NamedTuple):
    """Penalties, each noise variance / prior variance; weights: of the layers and the head."""

    users: float
    movies: float
    weights: float


class NeuMFNet(RatingNet):
    """head([GMF(u, i), MLP(u, i)]): each tower has vectors of its own."""

    def __init__(
        self,
        size: NetSize,
        mean: float,
        mlp: Perceptron,
        l2: L2,
        *,
        id_dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.id_dropout, self.l2 = id_dropout, l2
        self.gmf_users, self.mlp_users = (
            CentredEmbedding(size.users, size.factors, init_std) for _ in range(2)
        )
        self.gmf_movies, self.mlp_movies = (
            CentredEmbedding(size.movies, size.factors, init_std) for _ in range(2)
        )
        self.mlp = _tower(2 * size.factors, *mlp)
        self.head = nn.Linear(size.factors + mlp.layers[-1], 1)
        nn.init.normal_(self.head.weight, std=init_std)
        nn.init.ones_(self.head.weight[:, : size.factors])
        nn.init.constant_(self.head.bias, mean)

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = forget(users, self.id_dropout) if self.training else users
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
        return self.l2.users * users + self.l2.movies * movies + self.l2.weights * weights

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
