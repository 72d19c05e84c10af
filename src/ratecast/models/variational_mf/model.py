"""Matrix factorization by variational Bayes: priors and noise are learned from the table."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from typing_extensions import override

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, as_unknown, counts, grown
from ratecast.modelling.contract.settings import FROM_ZERO, Choice, Limits, Range, SearchTable
from ratecast.modelling.factors.bilinear_state import BilinearForm, BilinearState, Centring
from ratecast.modelling.factors.unknown_users import unknown_user_weights
from ratecast.modelling.kernels.csr import by_user_and_movie
from ratecast.modelling.kernels.loops import over_rows
from ratecast.models.variational_mf.em import Posterior, fit
from ratecast.models.variational_mf.kernels import fill_scores, walk
from ratecast.models.variational_mf.prior_columns import prior_columns
from ratecast.ratings import Ratings


@dataclass(kw_only=True, eq=False)
class VariationalMF(Model):
    """stars(u, i) ~ N(mean + unit (b_u + b_i + p_u · q_i), unit² s_u), unit: std of the stars.

    w_u = (b_u, p_u) ~ N(A x_u, diag(v)), w_i = (b_i, q_i) ~ N(B x_i, diag(t)), and s_u = s z_u.
    The posterior of each w is normal, with a full covariance, for fixed moments of the other side;
    A, B, v, t, s and z come from the table by variational EM. So dampings (s / v of the biases)
    need no tuning, and a factor that the ratings do not support has a small variance and little
    effect: what is left is `bias`. x: a constant (users only), the logarithm of the number of
    ratings, and which movies a user rated, or which users a movie (implicit feedback).

    Updates are recursive least squares on the user's and the movie's weights; a rating given again
    takes the place of the former one.

    factors: the most factors, length of p_u and q_i; 0 for biases alone.
    implicit_factors: columns of x for implicit feedback; 0 for none.
    iterations: of EM.
    seed: of the initial factors.

    Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction";
    Nakajima, Sugiyama 2011, "Theoretical analysis of Bayesian matrix factorization", on factors
    that vanish; Simm et al. 2017, "Macau", on priors that depend on columns.
    Differs: biases; variances of the factors are learned on both sides; each user's noise; the
    prior means depend on implicit feedback.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.VariationalMF(factors=2, iterations=5).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "variational_mf"
    search: ClassVar[SearchTable] = {
        "factors": Range(4, 32, log=True),
        "implicit_factors": Choice((0, 8, 16, 32)),
    }
    limits: ClassVar[Limits] = dict.fromkeys(("factors", "implicit_factors"), FROM_ZERO)
    factors: int = 12
    implicit_factors: int = 16
    iterations: int = 40

    state: BilinearState = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        return 8.0 * (1 + self.factors) ** 2 * 2 * (len(self.users) + len(self.movies))

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        centring = Centring.of(train.stars)
        centred = centring.centred(train.stars).astype(np.float32)
        sizes = len(self.users), len(self.movies)
        numbers = counts(train.users, sizes[0]), counts(train.movies, sizes[1])
        columns = prior_columns(train, numbers, self.implicit_factors, self.seed)
        grouped = by_user_and_movie(train.users, train.movies, centred, sizes)
        users, movies = (
            Posterior.initial(groups, of_side, self.factors)
            for groups, of_side in zip(grouped, columns, strict=True)
        )
        fitted = fit(users, movies, self.iterations, self.seed)
        weights = fitted.sides.users.weights
        weights[0] = unknown_user_weights(train, weights, numbers[0])
        self.state = BilinearState(fitted.sides, centring)
        self._noise, self._user_noise = float(np.sqrt(fitted.noise)), fitted.user_noise

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        scores, variance = out = np.empty(len(rows)), np.empty(len(rows))
        pairs = rows.users, rows.movies
        over_rows(fill_scores, len(rows), pairs, self.state.sides, self._user_noise, out)
        return self._expected(scores, variance)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        scores, variance = out = np.empty(len(rows)), np.empty(len(rows))
        ratings = self.state.centring.ratings(rows)
        walk(ratings, edges, self.state.sides, self._user_noise, out)
        return self._expected(scores, variance)

    def _expected(self, scores: F64, variance: F64) -> Expected:
        centring = self.state.centring
        return Expected(centring.stars(scores), centring.unit * self._noise * np.sqrt(variance))

    @override
    def grow(self) -> None:
        self.state.grow(len(self.users), len(self.movies))
        self._user_noise = grown(self._user_noise, len(self.users))

    @override
    def forget_row(self, row: int) -> None:
        self.state.forget_row(row)
        as_unknown(row, self._user_noise)

    def bilinear_form(self) -> BilinearForm:
        """Biases and factors as they are now."""
        return self.state.form()

    @override
    def movie_factors(self) -> Factors:
        return self.state.movie_factors()

    @override
    def arrays(self) -> Arrays:
        level = np.array([*self.state.centring, self._noise])
        return {"level": level, "user_noise": self._user_noise} | self.state.arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        level, unit, self._noise = (float(value) for value in arrays["level"])
        self._user_noise = arrays["user_noise"]
        self.state = BilinearState.restored(arrays, Centring(level, unit))
