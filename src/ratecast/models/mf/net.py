"""The net of `mf`."""

from typing import NamedTuple

import torch
from torch import Tensor

from ratecast.modelling.nets.base import NetSize, RatingNet
from ratecast.modelling.nets.embedding import CentredEmbedding, forget


class L2(NamedTuple):
    """Penalties of the deviations from the centre: each is noise variance / prior variance."""

    users: float
    movies: float


class FactorNet(RatingNet):
    """mean + p_u . q_i."""

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
        users = forget(users, self.id_dropout) if self.training else users
        stars: Tensor = self.mean + (self.users(users) * self.movies(movies)).sum(1)
        return stars

    def penalty(self) -> Tensor:
        """Gaussian priors of the deviations: ()."""
        return self.l2.users * self.users.pull() + self.l2.movies * self.movies.pull()
