"""Matrix factorization: the mean, plus the inner product of a user and a movie vector.

Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender Systems",
equations 1 and 2.
Differs: starts from the mean of train; the vectors deviate from a learned centre, which is the
vector of an unknown user or movie (the paper's prior is centred at zero); the penalty counts each
vector once, not once for each rating; some rows are trained with the user unknown. A rating heard
moves its user and its movie by ridge regression, as in `als`.
RMSE on the chronological split of MovieLens 100K: see docs/results.md.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from typing_extensions import override

from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import Range
from ratecast.modelling.factors.bilinear import Side, known
from ratecast.modelling.factors.fold_in import FoldInNet, restrained
from ratecast.modelling.factors.pair_scores import Product
from ratecast.modelling.factors.recursive_least_squares import ridges
from ratecast.modelling.kernels.csr import heaps
from ratecast.modelling.nets.net_model import TrainerSettings

if TYPE_CHECKING:
    from ratecast.models.mf.net import FactorNet


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(FoldInNet):
    """Users and movies as vectors.

    l2_users, l2_movies: how hard the vectors are pulled to their centre, as the ratio of the
    noise's variance to the prior's. init_std: standard deviation of the first numbers.
    """

    name: ClassVar[str] = "mf"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 128, log=True),
        "id_dropout": Range(0.02, 0.9, log=True),
        "l2_users": Range(1.0, 100.0, log=True),
        "l2_movies": Range(1.0, 100.0, log=True),
    }
    regularizers: ClassVar[tuple[str, ...]] = ("id_dropout", "l2_users", "l2_movies")
    factors: int = 16
    id_dropout: float = 0.1
    l2_users: float = 6.0
    l2_movies: float = 6.0
    init_std: float = 0.2
    trainer: TrainerSettings = field(
        default_factory=lambda: TrainerSettings(epochs=30, learning_rate=0.03)
    )

    net: "FactorNet" = field(init=False, repr=False)

    def make_net(self, users: int, movies: int, mean: float) -> "FactorNet":
        """The net of equation 1."""
        from ratecast.modelling.nets.base import NetSize
        from ratecast.models.mf.net import L2, FactorNet

        size = NetSize(users, movies, self.factors)
        l2 = L2(self.l2_users, self.l2_movies)
        return FactorNet(size, mean, l2, self.id_dropout, self.init_std)

    def bilinear_form(self) -> Product:
        """Biases and factors as they stand now, in stars."""
        return Product(self._level, 1.0, self._of_users[0], self._of_movies[0])

    @override
    def movie_factors(self) -> Factors:
        return Factors.of(self._of_users[0], self._of_movies[0])

    def _level_of_net(self) -> float:
        return self.net.mean.item()

    def _sides_of_net(self, train: Rows) -> tuple[Side, Side]:
        sizes = len(self.users), len(self.movies)
        rated = heaps(train.users, train.movies, train.stars, sizes)
        none = np.zeros((sizes[0], 1)), np.zeros((sizes[1], 1))
        factors = self.net.users.vectors(), self.net.movies.vectors()
        # An infinite pull: the bias, which this model has not, must stay 0.
        users, movies = (
            restrained(ridges(np.inf, pull, self.factors))
            for pull in (self.l2_users, self.l2_movies)
        )
        return known(rated, none, factors, (users, movies))
