"""Matrix factorization with biases: the mean, how the user and the movie differ from it, and taste.

Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender Systems",
equations 4 and 5.
Differs: biases and vectors deviate from a learned centre, which stands for an unknown user or
movie; the penalty counts each id once, not once for each rating; some rows are trained with the
user unknown. A rating heard moves its user and its movie by ridge regression, as in `als`.
RMSE on the chronological split of MovieLens 100K: see docs/results.md.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from typing_extensions import override

from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import Range
from ratecast.modelling.factors.bilinear import Reals, Side, known
from ratecast.modelling.factors.fold_in import FoldInNet, restrained
from ratecast.modelling.factors.pair_scores import Product
from ratecast.modelling.factors.recursive_least_squares import ridges
from ratecast.modelling.kernels.csr import Heap
from ratecast.modelling.kernels.solver import takes
from ratecast.modelling.nets.net_model import TrainerSettings
from ratecast.models.mf_bias.descent import DescentSettings, Task, factorize
from ratecast.ratings import Ratings

if TYPE_CHECKING:
    from ratecast.models.mf_bias.net import BiasedFactorNet

Pair = tuple[Reals, Reals]
Solver = Literal["auto", "lightning", "kernel"]


@dataclass(kw_only=True, eq=False)
class BiasedMatrixFactorization(FoldInNet):
    """Users and movies as vectors, beside a bias of each.

    pull_*: how hard the numbers are pulled to their centre, as the ratio of the noise's variance
    to the prior's; for a bias, how many ratings at the centre would pull as hard.
    init_std: standard deviation of the first numbers. solver: `lightning` trains the net by Adam,
    on any accelerator; `kernel` descends on the CPU, some 20 ns a rating and epoch on two quiet
    cores (64 factors), with `descent` instead of `trainer`; `auto` takes the kernel from a million
    ratings on. Either way the artifact is the same, and so is what the model does afterwards.
    """

    name: ClassVar[str] = "mf_bias"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 128, log=True),
        "id_dropout": Range(0.02, 0.9, log=True),
        "l2_users": Range(1.0, 100.0, log=True),
        "l2_movies": Range(1.0, 100.0, log=True),
        "l2_user_biases": Range(1.0, 40.0, log=True),
        "l2_movie_biases": Range(0.5, 20.0, log=True),
    }
    regularizers: ClassVar[tuple[str, ...]] = (
        "id_dropout",
        "l2_users",
        "l2_movies",
        "l2_user_biases",
        "l2_movie_biases",
    )
    factors: int = 16
    id_dropout: float = 0.1
    l2_users: float = 6.0
    l2_movies: float = 6.0
    l2_user_biases: float = 6.0
    l2_movie_biases: float = 5.0
    init_std: float = 0.2
    trainer: TrainerSettings = field(
        default_factory=lambda: TrainerSettings(epochs=30, learning_rate=0.03)
    )

    solver: Solver = "auto"
    descent: DescentSettings = field(default_factory=DescentSettings)

    net: "BiasedFactorNet" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.descent, dict):
            self.descent = DescentSettings(**self.descent)

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        if takes(self.solver, "kernel", len(train)):
            self._descend(train, valid, None)
        else:
            super().fit_rows(train, valid)

    @override
    def refit_rows(self, train: Rows) -> None:
        if takes(self.solver, "kernel", len(train)):
            self._descend(train, None, self.epochs)
        else:
            super().refit_rows(train)

    def _descend(self, train: Rows, valid: Ratings | None, epochs: int | None) -> None:
        mean = float(train.stars.mean(dtype=np.float64))
        sizes = len(self.users), len(self.movies)

        def by_user(rows: Rows) -> Heap:
            above = rows.stars.astype(np.float32) - np.float32(mean)
            return Heap.of(rows.users, rows.movies, above, sizes[0])

        tested = None if valid is None else by_user(self.encode(valid))
        task = Task(
            by_user(train), tested, sizes[1], self._pulls(), self.factors, self.init_std, self.seed
        )
        (users, movies), self.epochs = factorize(task, self.descent, epochs)
        biases = users.biases[:, None], movies.biases[:, None]
        sides = self._sides_of(task.train, train, biases, (users.vectors, movies.vectors))
        self._keep(train, mean, sides)

    def make_net(self, users: int, movies: int, mean: float) -> "BiasedFactorNet":
        """The net of equation 4."""
        from ratecast.modelling.nets.base import NetSize
        from ratecast.models.mf_bias.net import L2, BiasedFactorNet

        size = NetSize(users, movies, self.factors)
        l2 = L2(self.l2_users, self.l2_movies, self.l2_user_biases, self.l2_movie_biases)
        return BiasedFactorNet(size, mean, l2, self.id_dropout, self.init_std)

    def bilinear_form(self) -> Product:
        """Biases and factors as they stand now, in stars."""
        return Product(self._level, 1.0, self._of_users[0], self._of_movies[0])

    @override
    def movie_factors(self) -> Factors:
        return Factors.of(self._of_users[0], self._of_movies[0])

    def _level_of_net(self) -> float:
        return self.net.mean.item()

    def _sides_of_net(self, train: Rows) -> tuple[Side, Side]:
        net = self.net
        by_user = Heap.of(train.users, train.movies, train.stars, len(self.users))
        biases = net.user_biases.vectors(), net.movie_biases.vectors()
        return self._sides_of(by_user, train, biases, (net.users.vectors(), net.movies.vectors()))

    def _sides_of(
        self, by_user: Heap, train: Rows, biases: Pair, factors: Pair
    ) -> tuple[Side, Side]:
        """From biases (rows, 1) and factors (rows, k) of either side, learned from train."""
        by_movie = Heap.of(train.movies, train.users, train.stars, len(self.movies))
        users, movies = (
            restrained(ridges(bias, factor, self.factors)) for bias, factor in self._pulls()
        )
        return known((by_user, by_movie), biases, factors, (users, movies))

    def _pulls(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of the bias and of each factor, for users and for movies."""
        return (
            (self.l2_user_biases, self.l2_users),
            (self.l2_movie_biases, self.l2_movies),
        )
