"""The net of `mf_bias`."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ratecast.models.nets.base import RatingNet
from ratecast.models.nets.embedding import CentredEmbedding, forget

if TYPE_CHECKING:
    from ratecast.models.mf_bias import BiasedMatrixFactorization


class BiasedFactorNet(RatingNet):
    """mean + b_u + b_i + p_u . q_i."""

    mean: Tensor

    def __init__(
        self, model: "BiasedMatrixFactorization", users: int, movies: int, mean: float
    ) -> None:
        super().__init__()
        self.unknown_share = model.unknown_share
        self.pulls = (
            model.pull_users,
            model.pull_movies,
            model.pull_user_biases,
            model.pull_movie_biases,
        )
        self.users = CentredEmbedding(users, model.factors, model.spread)
        self.movies = CentredEmbedding(movies, model.factors, model.spread)
        self.user_biases = CentredEmbedding(users, 1)
        self.movie_biases = CentredEmbedding(movies, 1)
        self.register_buffer("mean", torch.tensor(mean))

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = forget(users, self.unknown_share) if self.training else users
        biases = (self.user_biases(users) + self.movie_biases(movies)).squeeze(1)
        stars: Tensor = self.mean + biases + (self.users(users) * self.movies(movies)).sum(1)
        return stars

    def penalty(self) -> Tensor:
        """Gaussian priors of the deviations: ()."""
        tables = self.users, self.movies, self.user_biases, self.movie_biases
        pulled = [pull * table.pull() for pull, table in zip(self.pulls, tables, strict=True)]
        return torch.stack(pulled).sum()
