"""Matrix factorization with biases: the mean, how the user and the movie differ from it, and taste.

Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender Systems",
equations 4 and 5.
Differs: biases and vectors deviate from a learned centre, which stands for an unknown user or
movie; the penalty counts each id once, not once for each rating; some rows are trained with the
user unknown. A rating heard moves its user and its movie by ridge regression, as in `als`.
RMSE on the chronological split of MovieLens 100K: see docs/results.md.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ratecast.errors import InputError
from ratecast.models.base import Range
from ratecast.models.bilinear import Side, known
from ratecast.models.directions import turned
from ratecast.models.embedding import CentredEmbedding, forget
from ratecast.models.factorize import DescentSettings, Task, by_user, factorize
from ratecast.models.fold_in import FoldInNet, beside, restrained
from ratecast.models.kernels.order import Triples
from ratecast.models.likeness import Factors
from ratecast.models.net import RatingNet, TrainerSettings
from ratecast.models.ridge import F64
from ratecast.models.rows import Rows
from ratecast.ratings import Ratings

Solver = Literal["auto", "lightning", "kernel"]
MANY = 1_000_000


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


@dataclass(kw_only=True, eq=False)
class BiasedMatrixFactorization(FoldInNet):
    """Users and movies as vectors, beside a bias of each.

    pull_*: how hard the numbers are pulled to their centre, as the ratio of the noise's variance
    to the prior's; for a bias, how many ratings at the centre would pull as hard.
    spread: standard deviation of the first numbers. solver: `lightning` trains the net by Adam, on
    any accelerator; `kernel` descends on the CPU, some 20 ns a rating and epoch on two quiet cores
    (64 factors), with `descent` instead of `trainer`; `auto` takes the kernel from a million
    ratings on. Either way the artifact is the same, and so is what the model does afterwards.
    """

    name: ClassVar[str] = "mf_bias"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 128, log=True),
        "unknown_share": Range(0.02, 0.9, log=True),
        "pull_users": Range(1.0, 100.0, log=True),
        "pull_movies": Range(1.0, 100.0, log=True),
        "pull_user_biases": Range(1.0, 40.0, log=True),
        "pull_movie_biases": Range(0.5, 20.0, log=True),
    }
    restraints: ClassVar[tuple[str, ...]] = (
        "unknown_share",
        "pull_users",
        "pull_movies",
        "pull_user_biases",
        "pull_movie_biases",
    )
    factors: int = 16
    unknown_share: float = 0.1
    pull_users: float = 6.0
    pull_movies: float = 6.0
    pull_user_biases: float = 6.0
    pull_movie_biases: float = 5.0
    spread: float = 0.2
    trainer: TrainerSettings = field(
        default_factory=lambda: TrainerSettings(max_epochs=30, learning_rate=0.03)
    )

    solver: Solver = "auto"
    descent: DescentSettings = field(default_factory=DescentSettings)

    net: BiasedFactorNet = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.descent, dict):
            self.descent = DescentSettings(**self.descent)
        if self.solver not in get_args(Solver):
            allowed = ", ".join(get_args(Solver))
            raise InputError(f"model.solver is {self.solver!r}; choose one of {allowed}")

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        if self._by_kernel(train):
            self._descend(train, valid, None)
        else:
            super()._fit(train, valid)

    def _refit(self, train: Rows) -> None:
        if self._by_kernel(train):
            self._descend(train, None, self.epochs)
        else:
            super()._refit(train)

    def _by_kernel(self, train: Rows) -> bool:
        return self.solver == "kernel" or (self.solver == "auto" and len(train) >= MANY)

    def _descend(self, train: Rows, valid: Ratings | None, epochs: int | None) -> None:
        mean = float(train.stars.mean(dtype=np.float64))
        sizes = len(self.users), len(self.movies)

        def triples(rows: Rows) -> Triples:
            above = rows.stars.astype(np.float32) - np.float32(mean)
            return by_user(rows.users, rows.movies, above, sizes[0])

        pulls = (
            (self.pull_user_biases, self.pull_users),
            (self.pull_movie_biases, self.pull_movies),
        )
        tested = None if valid is None else triples(self._rows(valid))
        task = Task(triples(train), tested, sizes, pulls, self.factors, self.spread, self.seed)
        found, self.epochs = factorize(task, self.descent, epochs)
        del task
        users, movies = (
            (side.biases[:, None].astype(np.float64), side.vectors.astype(np.float64))
            for side in found
        )
        self._keep(train, mean, self._sides_of(train, (users[0], movies[0]), (users[1], movies[1])))

    def make_net(self, users: int, movies: int, mean: float) -> RatingNet:
        """The net of equation 4."""
        return BiasedFactorNet(self, users, movies, mean)

    def _factors(self) -> Factors:
        return Factors.of(self._of_users[0], self._of_movies[0])

    def _level_of_net(self) -> float:
        return self.net.mean.item()

    def _sides_of_net(self, train: Rows) -> tuple[Side, Side]:
        net = self.net
        biases = net.user_biases.vectors(), net.movie_biases.vectors()
        return self._sides_of(train, biases, (net.users.vectors(), net.movies.vectors()))

    def _sides_of(
        self, train: Rows, biases: tuple[F64, F64], factors: tuple[F64, F64]
    ) -> tuple[Side, Side]:
        """From biases (rows, 1) and factors (rows, k) of either side, learned from train."""
        users, movies = turned(*factors)
        weights = beside(biases[0], users), beside(biases[1], movies)
        ridges = (
            self._ridges(self.pull_user_biases, self.pull_users),
            self._ridges(self.pull_movie_biases, self.pull_movies),
        )
        return known((train.users, train.movies), weights, ridges)

    def _ridges(self, bias: float, factor: float) -> F64:
        return restrained(np.concatenate([[bias], np.full(self.factors, factor)]))
