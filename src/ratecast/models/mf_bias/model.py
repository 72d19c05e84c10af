"""Matrix factorization with biases: a net, or stratified SGD for large tables."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from typing_extensions import override

from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import Range
from ratecast.modelling.factors.bilinear import BothSides, Sides, with_covariance
from ratecast.modelling.factors.bilinear_state import BilinearForm
from ratecast.modelling.factors.fold_in import FoldInNet, usable_l2
from ratecast.modelling.factors.recursive_least_squares import l2_vector
from ratecast.modelling.kernels import solver_choice
from ratecast.modelling.kernels.csr import Grouped, patterns
from ratecast.modelling.nets.net_model import OnEpoch, TrainerSettings
from ratecast.models.mf_bias.sgd_epochs import DescentSettings, DescentTask, SideL2, descend
from ratecast.models.mf_bias.stratified_sgd import Strata
from ratecast.optional_packages import require
from ratecast.ratings import Ratings

if TYPE_CHECKING:
    from ratecast.models.mf_bias.net import BiasedFactorNet

Solver = Literal["auto", "lightning", "kernel"]


@dataclass(kw_only=True, eq=False)
class BiasedMatrixFactorization(FoldInNet):
    """stars(u, i) = mean + b_u + b_i + p_u · q_i.

    Trained to minimise Σ (stars - mean - b_u - b_i - p_u · q_i)² plus, for each of the four
    tables, l2 Σ |row - centre|²; the learned centres are the biases and vectors of an unknown user
    and movie. A new rating updates its user and its movie by ridge regression, as in `als`.

    factors: length of p_u and q_i.
    id_dropout: share of the training rows whose user is replaced by the unknown one.
    l2_users, l2_movies: penalty of p_u and q_i, noise variance / prior variance.
    l2_user_biases, l2_movie_biases: the same of the biases: how many ratings the prior counts for.
    init_std: standard deviation of the initial numbers.
    trainer: epochs, batch size and learning rate of the net, see `TrainerSettings`.
    solver: `lightning` trains the net by Adam, on any accelerator; `kernel` runs SGD on the CPU,
    about 10 ns a rating and epoch on two idle cores (64 factors), with `descent` instead of
    `trainer`; `auto` uses the kernel from a million ratings on. The artifact is the same.
    descent: epochs, learning rate and l2 of the kernel, see `DescentSettings`.
    seed: of the initial numbers, the order of the ratings and the dropout.

    RMSE on the chronological split of MovieLens 100K: see docs/results.md.
    Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender
    Systems", equations 4 and 5.
    Differs: the priors are centred at learned values (in the paper at zero); the penalty counts
    each id once, not once for each rating; id dropout.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.BiasedMatrixFactorization(factors=2, solver="kernel").fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "mf_bias"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 128, log=True),
        "id_dropout": Range(0.02, 0.9, log=True, when={"solver": ("auto", "lightning")}),
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
    def require_packages(self, rows: int) -> None:
        if not solver_choice.uses("kernel", self.solver, rows):
            require("nets", f"model {self.name}", "choose the solver kernel")

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        if solver_choice.uses("kernel", self.solver, len(train)):
            self._fit_by_kernel(train, valid, None)
        else:
            super().fit_rows(train, valid)

    @override
    def refit_rows(self, train: Rows) -> None:
        if solver_choice.uses("kernel", self.solver, len(train)):
            self._fit_by_kernel(train, None, self.epochs)
        else:
            super().refit_rows(train)

    def _fit_by_kernel(self, train: Rows, valid: Ratings | None, epochs: int | None) -> None:
        mean, unit = float(train.stars.mean(dtype=np.float64)), np.float32(self.scale.unit)
        counts = self.counts.of_users, self.counts.of_movies

        def by_user(rows: Rows) -> Grouped:
            centred = (rows.stars.astype(np.float32) - np.float32(mean)) / unit
            return Grouped.of(rows.users, rows.movies, centred, len(self.users))

        task = DescentTask(
            strata=Strata.of(by_user(train), counts[1]),
            counts=counts,
            valid=None if valid is None else by_user(self.encode(valid)),
            l2=self.side_l2(),
            factors=self.factors,
            init_std=self.init_std,
            seed=self.seed,
            on_epoch=self.on_epoch and self._in_stars(self.on_epoch),
        )
        (users, movies), self.epochs = descend(task, self.descent, epochs)
        biases = BothSides(users.biases[:, None], movies.biases[:, None])
        width = self.factors
        factors = BothSides(users.vectors[:, :width], movies.vectors[:, :width])
        level = mean / self.scale.unit
        # The covariances need the memory of the strata.
        del task
        self.use_sides(train, level, self._with_covariance(train, biases, factors))

    def _in_stars(self, on_epoch: OnEpoch) -> OnEpoch:
        return lambda epochs, rmse: on_epoch(epochs, rmse * self.scale.unit)

    @override
    def make_net(self, users: int, movies: int, mean: float) -> "BiasedFactorNet":
        from ratecast.modelling.nets.base import NetSize
        from ratecast.models.mf_bias.net import L2, BiasedFactorNet

        size = NetSize(users, movies, self.factors)
        l2 = L2(self.l2_users, self.l2_movies, self.l2_user_biases, self.l2_movie_biases)
        return BiasedFactorNet(size, mean, l2, self.id_dropout, self.init_std)

    @override
    def net_level(self) -> float:
        return self.net.mean.item()

    @override
    def net_sides(self, train: Rows) -> Sides:
        net = self.net
        biases = BothSides(net.user_biases.vectors(), net.movie_biases.vectors())
        factors = BothSides(net.users.vectors(), net.movies.vectors())
        return self._with_covariance(train, biases, factors)

    def _with_covariance(self, train: Rows, biases: BothSides, factors: BothSides) -> Sides:
        """From biases (rows, 1) and factors (rows, k) of either side, learned from train."""
        rated = patterns(train.users, train.movies, (len(self.users), len(self.movies)))
        users, movies = (
            usable_l2(l2_vector(l2.bias, l2.factor, self.factors)) for l2 in self.side_l2()
        )
        return with_covariance(rated, biases, factors, BothSides(users, movies))

    def side_l2(self) -> tuple[SideL2, SideL2]:
        """Penalties of users and of movies."""
        return (
            SideL2(self.l2_user_biases, self.l2_users),
            SideL2(self.l2_movie_biases, self.l2_movies),
        )

    def bilinear_form(self) -> BilinearForm:
        """Biases and factors as they are now."""
        return self.state.form()

    @override
    def movie_factors(self) -> Factors:
        return self.state.movie_factors()
