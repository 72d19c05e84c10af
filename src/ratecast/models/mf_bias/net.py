"""The net of `mf_bias`."""

from typing import NamedTuple

import torch
from torch import Tensor

from ratecast.modelling.nets.base import CentredEmbedding, NetSize, RatingNet, drop_ids


class L2(NamedTuple):
    """L2 penalties of the deviations from the centre: each is noise variance / prior variance."""

    users: float
    movies: float
    user_biases: float
    movie_biases: float


class BiasedFactorNet(RatingNet):
    """stars = mean + b_u + b_i + p_u · q_i.

    size: row numbers and factors. mean: of the stars of train. l2: penalties.
    id_dropout: share of the training rows whose user is replaced by the unknown one.
    init_std: standard deviation of the initial numbers.
    """

    mean: Tensor

    def __init__(
        self, size: NetSize, mean: float, l2: L2, id_dropout: float, init_std: float
    ) -> None:
        super().__init__()
        self.id_dropout, self.l2 = id_dropout, l2
        self.users = CentredEmbedding(size.users, size.factors, init_std)
        self.movies = CentredEmbedding(size.movies, size.factors, init_std)
        # Biases start at 0.
        self.user_biases = CentredEmbedding(size.users, 1)
        self.movie_biases = CentredEmbedding(size.movies, 1)
        self.register_buffer("mean", torch.tensor(mean))

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = drop_ids(users, self.id_dropout) if self.training else users
        biases = (self.user_biases(users) + self.movie_biases(movies)).squeeze(1)
        stars: Tensor = self.mean + biases + (self.users(users) * self.movies(movies)).sum(1)
        return stars

    def penalty(self) -> Tensor:
        """Σ l2 |deviations from the centre|² over the four tables: ()."""
        tables = self.users, self.movies, self.user_biases, self.movie_biases
        penalties = [l2 * table.squared_norm() for l2, table in zip(self.l2, tables, strict=True)]
        return torch.stack(penalties).sum()
