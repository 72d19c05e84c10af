"""The net of `mf`."""

from typing import NamedTuple

import torch
from torch import Tensor

from ratecast.modelling.nets.base import CentredEmbedding, NetSize, RatingNet, drop_ids


class L2(NamedTuple):
    """L2 penalties of the deviations from the centre: each is noise variance / prior variance."""

    users: float
    movies: float


class FactorNet(RatingNet):
    """stars = mean + p_u · q_i.

    size: row numbers and factors. mean: of the stars of train. l2: penalties.
    id_dropout: share of the training rows whose user is replaced by the unknown one.
    init_std: standard deviation of the initial numbers.
    """

    mean: Tensor

    def __init__(
        self,
        size: NetSize,
        mean: float,
        l2: L2,
        id_dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.id_dropout, self.l2 = id_dropout, l2
        self.users = CentredEmbedding(size.users, size.factors, init_std)
        self.movies = CentredEmbedding(size.movies, size.factors, init_std)
        self.register_buffer("mean", torch.tensor(mean))

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = drop_ids(users, self.id_dropout) if self.training else users
        stars: Tensor = self.mean + (self.users(users) * self.movies(movies)).sum(1)
        return stars

    def penalty(self) -> Tensor:
        """l2_users Σ |p_u - centre|² + l2_movies Σ |q_i - centre|²: ()."""
        l2 = self.l2
        return l2.users * self.users.squared_norm() + l2.movies * self.movies.squared_norm()
