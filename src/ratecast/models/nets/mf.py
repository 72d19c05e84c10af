"""The net of `mf`."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ratecast.models.nets.base import RatingNet
from ratecast.models.nets.embedding import CentredEmbedding, forget

if TYPE_CHECKING:
    from ratecast.models.mf import MatrixFactorization


class FactorNet(RatingNet):
    """mean + p_u . q_i."""

    mean: Tensor

    def __init__(self, model: "MatrixFactorization", users: int, movies: int, mean: float) -> None:
        super().__init__()
        self.unknown_share = model.unknown_share
        self.pulls = model.pull_users, model.pull_movies
        self.users = CentredEmbedding(users, model.factors, model.spread)
        self.movies = CentredEmbedding(movies, model.factors, model.spread)
        self.register_buffer("mean", torch.tensor(mean))

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = forget(users, self.unknown_share) if self.training else users
        stars: Tensor = self.mean + (self.users(users) * self.movies(movies)).sum(1)
        return stars

    def penalty(self) -> Tensor:
        """Gaussian priors of the deviations: ()."""
        return self.pulls[0] * self.users.pull() + self.pulls[1] * self.movies.pull()
