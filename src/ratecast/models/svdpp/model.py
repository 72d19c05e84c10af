"""SVD++: a user is described by own factors and by those of every movie that the user rated."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from typing_extensions import override

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, as_unknown, grown
from ratecast.modelling.contract.settings import ABOVE_ZERO, UP_TO_ONE, Limits, Range
from ratecast.modelling.factors.bilinear_state import Centring
from ratecast.modelling.factors.recursive_least_squares import l2_vector, prior_covariance
from ratecast.models.svdpp.fold_in import (
    Movies,
    Prior,
    State,
    Users,
    fill_user_weights,
    predict,
    update,
    update_movie_covariance,
    update_users,
)
from ratecast.models.svdpp.sgd import StepSizes, Weights, run_epoch
from ratecast.ratings import Ratings

INIT_STD = 0.05


@dataclass(kw_only=True, eq=False)
class SVDpp(Model):
    """stars(u, i) = mean + unit (b_u + b_i + q_i · (p_u + |N(u)|^(-1/2) Σ_{j in N(u)} y_j)).

    N(u): movies that the user rated, whatever the stars. unit: standard deviation of the stars.
    SGD fits b_i, q_i and y_j. Then, with the movies fixed, (b_u, p_u + implicit part) of each user
    is a ridge regression whose prior mean is the implicit part, see `fold_in`; an online update
    adds a rating to it exactly, and takes one step of recursive least squares for the movie.

    factors: length of p_u, q_i and y_j.
    epochs: passes of SGD over train.
    learning_rate: of the first epoch. learning_rate_decay: its factor per epoch.
    l2_biases, l2_factors: penalties of SGD at each rating.
    implicit_damping: how many of the user's own ratings the mean implicit part of all rows counts
    for.
    user_damping, movie_damping: how many ratings the prior of a bias counts for in updates.
    l2_fold_in: how many ratings the prior of a factor counts for in updates.
    seed: of the initial factors and the order of the users.

    Reference: Koren 2008, "Factorization meets the neighborhood", eq. 15.
    Differs: a user's own weights are not those of SGD but the exact ridge solution, and movies are
    updated online (as-of validation RMSE 0.915 -> 0.913). The implicit part of an unknown user is
    the mean one of all rows, not 0: the movies' biases do not contain it (frozen 1.049 -> 1.028).

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.SVDpp(factors=2, epochs=3).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "svdpp"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(4, 32, log=True),
        "learning_rate": Range(0.003, 0.05, log=True),
        "l2_factors": Range(0.01, 0.2, log=True),
        "l2_fold_in": Range(1.0, 20.0, log=True),
    }
    limits: ClassVar[Limits] = {
        **dict.fromkeys(("user_damping", "movie_damping", "l2_fold_in"), ABOVE_ZERO),
        "learning_rate_decay": UP_TO_ONE,
    }
    factors: int = 8
    epochs: int = 30
    learning_rate: float = 0.012
    learning_rate_decay: float = 0.95
    l2_biases: float = 0.01
    l2_factors: float = 0.05
    implicit_damping: float = 3.0
    user_damping: float = 6.0
    movie_damping: float = 5.0
    l2_fold_in: float = 4.5

    state: State = field(init=False, repr=False)
    centring: Centring = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        return 8.0 * (len(self.users) + len(self.movies)) * (1 + self.factors) ** 2

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self.centring = Centring.of(train.stars)
        centred = self.centring.centred(train.stars)
        weights = self._descend(train, centred)
        l2 = l2_vector(self.user_damping, self.l2_fold_in, self.factors)
        users, prior = self._initial_users(train, centred, weights, l2)
        movie_l2 = np.concatenate([[self.movie_damping], l2[1:]])
        covariance = prior_covariance(movie_l2, len(self.movies))
        self.state = State(users, Movies(weights.movies, weights.implicit, covariance), prior)
        update_users(train.users, train.movies, centred, self.state)
        update_movie_covariance(train.users, train.movies, self.state)

    def _descend(self, train: Rows, centred: F64) -> Weights:
        """Weights by SGD, over users in a random order."""
        draw, users, movies = np.random.default_rng(self.seed), len(self.users), len(self.movies)
        weights = Weights(
            draw.normal(0, INIT_STD, (users, 1 + self.factors)),
            draw.normal(0, INIT_STD, (movies, 1 + self.factors)),
            draw.normal(0, INIT_STD, (movies, self.factors)),
        )
        weights.users[:, 0] = weights.movies[:, 0] = weights.movies[0] = weights.implicit[0] = 0
        order = np.argsort(train.users, kind="stable")
        edges = np.searchsorted(train.users[order], np.arange(users + 1))
        rows = train.movies[order], centred[order]
        for past in range(self.epochs):
            rate = self.learning_rate * self.learning_rate_decay**past
            sizes = StepSizes(rate, self.l2_biases, self.l2_factors)
            run_epoch(rows, edges, draw.permutation(users - 1) + 1, weights, sizes)
        return weights

    def _initial_users(
        self, train: Rows, centred: F64, weights: Weights, l2: F64
    ) -> tuple[Users, Prior]:
        """Every user before any rating: the mean bias and the mean implicit part of all rows."""
        rated = np.bincount(train.users, minlength=len(self.users))
        implicit = np.zeros((len(self.users), self.factors))
        np.add.at(implicit, train.users, weights.implicit[train.movies])
        implicit /= np.sqrt(np.maximum(rated, 1))[:, None]
        mean_implicit = implicit[train.users].mean(axis=0)
        movies = weights.movies[train.movies]
        residual = centred - movies[:, 0] - movies[:, 1:] @ mean_implicit
        prior = Prior(l2, np.concatenate([[residual.mean()], np.zeros(self.factors)]))
        sums = mean_implicit * np.sqrt(self.implicit_damping)
        users = Users(
            covariance=prior_covariance(l2, len(self.users)),
            rating_sums=np.zeros((len(self.users), 1 + self.factors)),
            implicit_sums=np.tile(sums, (len(self.users), 1)),
            counts=np.full(len(self.users), self.implicit_damping),
        )
        return users, prior

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._expected(*predict(rows.users, rows.movies, self.state))

    @override
    def grow(self) -> None:
        users, movies, prior = self.state
        self.state = State(
            Users(*(grown(array, len(self.users)) for array in users)),
            Movies(*(grown(array, len(self.movies)) for array in movies)),
            prior,
        )

    @override
    def forget_row(self, row: int) -> None:
        as_unknown(row, *self.state.users)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        return self._expected(*update(self.centring.ratings(rows), edges, self.state))

    @override
    def movie_factors(self) -> Factors:
        users = np.empty((len(self.users), 1 + self.factors))
        for user, weights in enumerate(users):
            fill_user_weights(user, self.state, weights)
        return Factors.of(users, self.state.movies.weights, self.centring.unit)

    def _expected(self, scores: F64, deviation: F64) -> Expected:
        return Expected(self.centring.stars(scores), self.centring.noise(self.scale) * deviation)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {"level": np.array(self.centring)}
        for group, part in self.state._asdict().items():
            arrays |= {f"{group}.{name}": array for name, array in part._asdict().items()}
        return arrays

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self.centring = Centring(*(float(value) for value in arrays["level"]))

        def part(name: str, names: tuple[str, ...]) -> list[F64]:
            return [arrays[f"{name}.{own}"] for own in names]

        self.state = State(
            Users(*part("users", Users._fields)),
            Movies(*part("movies", Movies._fields)),
            Prior(*part("prior", Prior._fields)),
        )
