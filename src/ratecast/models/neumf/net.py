"""The net of `neumf`."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ratecast.arrays import F64
from ratecast.modelling.nets.base import (
    CentredEmbedding,
    NetSize,
    RatingNet,
    drop_ids,
    to_numpy,
)


class Perceptron(NamedTuple):
    """Widths of the layers, and the share of each layer's outputs that training drops."""

    layers: tuple[int, ...]
    dropout: float


class L2(NamedTuple):
    """L2 penalties, each noise variance / prior variance; weights: of the layers and the head."""

    users: float
    movies: float
    weights: float


class NeuMFNet(RatingNet):
    """stars = h · [p_u * q_i, MLP(p'_u, q'_i)] + b: both parts have embeddings of their own.

    size: row numbers and factors. mean: of the stars of train, the initial b. mlp: the perceptron.
    l2: penalties. id_dropout: share of the training rows whose user is replaced by the unknown
    one. init_std: standard deviation of the initial numbers.
    """

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
        self.mlp = _perceptron(2 * size.factors, *mlp)
        self.head = nn.Linear(size.factors + mlp.layers[-1], 1)
        nn.init.normal_(self.head.weight, std=init_std)
        nn.init.ones_(self.head.weight[:, : size.factors])
        nn.init.constant_(self.head.bias, mean)

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = drop_ids(users, self.id_dropout) if self.training else users
        gmf = self.gmf_users(users) * self.gmf_movies(movies)
        mlp = self.mlp(torch.cat([self.mlp_users(users), self.mlp_movies(movies)], dim=1))
        stars: Tensor = self.head(torch.cat([gmf, mlp], dim=1)).squeeze(1)
        return stars

    def penalty(self) -> Tensor:
        """l2 times the squared deviations of users and movies, and the squared weights: ()."""
        users = self.gmf_users.squared_norm() + self.mlp_users.squared_norm()
        movies = self.gmf_movies.squared_norm() + self.mlp_movies.squared_norm()
        layers = [layer.weight for layer in self.mlp if isinstance(layer, nn.Linear)]
        weights = torch.stack([w.square().sum() for w in [*layers, self.head.weight]]).sum()
        return self.l2.users * users + self.l2.movies * movies + self.l2.weights * weights

    def shared(self) -> dict[str, F64]:
        """Layers as (inputs, outputs) with their biases, and the head, for use without torch."""
        layers = [layer for layer in self.mlp if isinstance(layer, nn.Linear)]
        arrays = {f"layer{k}": to_numpy(layer.weight.T) for k, layer in enumerate(layers)}
        arrays |= {f"shift{k}": to_numpy(layer.bias) for k, layer in enumerate(layers)}
        head = to_numpy(self.head.weight[0])
        return arrays | {"head": head, "head_shift": to_numpy(self.head.bias)}


def _perceptron(inputs: int, layers: tuple[int, ...], dropout: float) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise((inputs, *layers)):
        parts += [nn.Linear(below, above), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts)
