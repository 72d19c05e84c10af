"""Variational EM: mean-field posteriors of users and movies in turn, then their priors and noise.

A mean-field posterior takes the other side as known, so that where most users rate once it leaves
the biases too certain: their variances come from belief propagation (`bias_messages`).

Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction", section 3.
"""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.factors.bias_messages import BiasMessages
from ratecast.modelling.factors.bias_priors import prior_regression
from ratecast.modelling.factors.bilinear import Side, Sides
from ratecast.modelling.kernels.csr import Grouped, pieces
from ratecast.modelling.kernels.loops import on_all_threads
from ratecast.models.variational_mf.kernels import fill_posterior, fill_squares

# Variances at the start, in units of the variance of the stars; they weigh as one row does.
BIAS_VARIANCE, FACTOR_VARIANCE, NOISE = 0.2, 0.1, 0.7
INITIAL_STD = 0.3
NOISE_DAMPING = 30.0


@dataclass
class Posterior:
    """The distribution of one side's weights, and its prior.

    grouped: the side's ratings. columns: (rows, X), what the prior mean is linear in. weights:
    (rows, d), covariance: (rows, d, d), of the posterior. mean: (rows, d), variance: (d,), of the
    prior.
    """

    grouped: Grouped
    columns: F64
    weights: F64
    covariance: F64
    mean: F64
    variance: F64

    @classmethod
    def initial(cls, grouped: Grouped, columns: F64, factors: int) -> "Posterior":
        """All weights 0 and certain."""
        rows, width = len(columns), 1 + factors
        variance = np.full(width, FACTOR_VARIANCE)
        variance[0] = BIAS_VARIANCE
        weights, mean = np.zeros((rows, width)), np.zeros((rows, width))
        return cls(grouped, columns, weights, np.zeros((rows, width, width)), mean, variance)

    @property
    def moments(self) -> tuple[F64, F64]:
        """Mean and covariance of the weights."""
        return self.weights, self.covariance

    @property
    def groups(self) -> tuple[I64, F64, F64]:
        """Borders, rows of the other side and stars, as the kernels take them."""
        return self.grouped.edges, self.grouped.columns, self.grouped.values  # type: ignore[return-value]

    def update(self, other: "Posterior", precision: tuple[F64, F64]) -> None:
        """The posterior for fixed moments of the other side.

        precision: of the noise, for the rows of this side and as a factor for those of the other.
        """
        cuts, prior = pieces(self.grouped.edges), (self.mean, self.variance)
        ratings = self.groups, precision
        on_all_threads(fill_posterior, cuts, ratings, other.moments, prior, self.moments)

    def learn_prior(self, bias_variance: F64) -> None:
        """Ridge regression of the weights on the columns; variances of what it leaves.

        bias_variance: (rows,), of the posterior of the biases where the other side's are uncertain,
        as mean-field moments do not have it.
        """
        rated = self.grouped.counts > 0
        columns, weights = self.columns[rated], self.weights[rated]
        self.mean = self.columns @ prior_regression(columns, weights)
        residuals = weights - self.mean[rated]
        squares = np.square(residuals) + np.diagonal(self.covariance[rated], axis1=1, axis2=2)
        squares[:, 0] += np.maximum(bias_variance[rated] - self.covariance[rated, 0, 0], 0.0)
        initial = np.full(len(self.variance), FACTOR_VARIANCE)
        initial[0] = BIAS_VARIANCE
        self.variance = (squares.sum(axis=0) + initial) / (len(residuals) + 1)

    def side(self, noise: float) -> Side:
        """As the online updates take it, with the covariance in units of the noise."""
        return Side(self.weights, self.covariance / noise)


@dataclass(frozen=True)
class Fitted:
    """What EM gives: both sides; the pooled variance of the noise; each user's, in units of it."""

    sides: Sides
    noise: float
    user_noise: F64


def fit(users: Posterior, movies: Posterior, iterations: int, seed: int) -> Fitted:
    """Variational EM from small random factors of the movies."""
    factors = movies.weights[1:, 1:]
    factors[:] = np.random.default_rng(seed).normal(0.0, INITIAL_STD, factors.shape)
    counts, total = users.grouped.counts, len(users.grouped.values)
    noise, user_noise, squares = NOISE, np.ones(len(counts)), np.zeros(len(counts))
    rated_by, rated, _ = users.grouped.triples
    messages = BiasMessages.initial(rated_by, rated, (len(counts), len(movies.columns)))
    for _ in range(iterations):
        precision = 1.0 / (noise * user_noise)
        users.update(movies, (precision, np.ones(len(movies.columns))))
        movies.update(users, (np.ones(len(movies.columns)), precision))
        cuts = pieces(users.grouped.edges)
        on_all_threads(fill_squares, cuts, users.groups, users.moments, movies.moments, squares)
        of_biases = messages.update((users.variance[0], movies.variance[0]), noise * user_noise)
        mean_field = users.covariance[rated_by, 0, 0] + movies.covariance[rated, 0, 0]
        squares += np.bincount(rated_by, of_biases.pairs - mean_field, len(counts))
        users.learn_prior(of_biases.users)
        movies.learn_prior(of_biases.movies)
        noise = float(((squares / user_noise).sum() + NOISE) / (total + 1))
        user_noise = (squares / noise + NOISE_DAMPING) / (counts + NOISE_DAMPING)
    return Fitted(Sides(users.side(noise), movies.side(noise)), noise, user_noise)
