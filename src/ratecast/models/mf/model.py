"""Matrix factorization: the mean, plus the inner product of a user and a movie vector."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from typing_extensions import override

from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import Range
from ratecast.modelling.factors.bilinear import BothSides, Sides, with_covariance
from ratecast.modelling.factors.bilinear_state import BilinearForm
from ratecast.modelling.factors.fold_in import FoldInNet, usable_l2
from ratecast.modelling.factors.recursive_least_squares import l2_vector
from ratecast.modelling.kernels.csr import patterns
from ratecast.modelling.nets.net_model import TrainerSettings

if TYPE_CHECKING:
    from ratecast.models.mf.net import FactorNet


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(FoldInNet):
    """stars(u, i) = mean + p_u · q_i.

    Trained by Adam to minimise
    Σ (stars - mean - p_u · q_i)² + l2_users Σ |p_u - p₀|² + l2_movies Σ |q_i - q₀|²,
    p₀, q₀: learned centres, the vectors of an unknown user and movie. A new rating updates its
    user and its movie by ridge regression, as in `als`.

    factors: length of p_u and q_i.
    id_dropout: share of the training rows whose user is replaced by the unknown one.
    l2_users, l2_movies: penalty of the deviation from the centre, noise variance / prior variance.
    init_std: standard deviation of the initial numbers.
    trainer: epochs, batch size and learning rate, see `TrainerSettings`.
    seed: of the initial numbers, the order of the batches and the dropout.

    RMSE on the chronological split of MovieLens 100K: see docs/results.md.
    Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender
    Systems", equations 1 and 2.
    Differs: starts from the mean of train; the prior is centred at learned vectors (in the paper at
    zero); the penalty counts each vector once, not once for each rating; id dropout.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.MatrixFactorization(factors=2, trainer={"epochs": 2}).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
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

    @override
    def make_net(self, users: int, movies: int, mean: float) -> "FactorNet":
        from ratecast.modelling.nets.base import NetSize
        from ratecast.models.mf.net import L2, FactorNet

        size = NetSize(users, movies, self.factors)
        l2 = L2(self.l2_users, self.l2_movies)
        return FactorNet(size, mean, l2, self.id_dropout, self.init_std)

    @override
    def net_level(self) -> float:
        return self.net.mean.item()

    @override
    def net_sides(self, train: Rows) -> Sides:
        sizes = len(self.users), len(self.movies)
        rated = patterns(train.users, train.movies, sizes)
        no_biases = BothSides(np.zeros((sizes[0], 1)), np.zeros((sizes[1], 1)))
        factors = BothSides(self.net.users.vectors(), self.net.movies.vectors())
        # An infinite l2 holds the biases, which this model does not have, at 0.
        users, movies = (
            usable_l2(l2_vector(np.inf, l2, self.factors)) for l2 in (self.l2_users, self.l2_movies)
        )
        return with_covariance(rated, no_biases, factors, BothSides(users, movies))

    def bilinear_form(self) -> BilinearForm:
        """Biases (all 0) and factors as they are now."""
        return self.state.form()

    @override
    def movie_factors(self) -> Factors:
        return self.state.movie_factors()
