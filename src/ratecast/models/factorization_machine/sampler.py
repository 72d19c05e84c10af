"""One Markov chain of the Bayesian factorization machine: blocks of features in, samples out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import current_thread, main_thread

import numpy as np
import scipy.sparse as sp

from ratecast.arrays import F64, I32
from ratecast.modelling.kernels.loops import thread_count
from ratecast.models.factorization_machine import gibbs_kernel as kernels
from ratecast.models.factorization_machine.hyperprior import RATE, SHAPE, Hyperprior
from ratecast.models.factorization_machine.ordinal_latent import OrdinalLatent

_INIT_STD = 0.1


@dataclass
class Block:
    """Features of the lines of one table, and the line of each rating.

    features: (lines, F), by column. group: (F,) features of a group share a prior. index: (n,)
    line of each rating. factors: 0 for a block of linear terms only. coefficients, total:
    (1 + factors, F) and (1 + factors, lines), row 0 linear. precision: (1 + factors, groups).
    """

    features: sp.csc_array
    group: I32
    index: I32
    factors: int
    coefficients: F64 = field(init=False)
    total: F64 = field(init=False)
    precision: F64 = field(init=False)

    def start(self, random: np.random.Generator) -> None:
        """Linear terms at 0, factors normal with a small standard deviation."""
        count = self.features.shape[1]
        self.coefficients = np.zeros((1 + self.factors, count))
        self.coefficients[1:] = random.normal(0, _INIT_STD, (self.factors, count))
        self.total = np.ascontiguousarray((self.features @ self.coefficients.T).T)
        # scipy numbers them in either size, and numba would compile each kernel for both.
        starts, lines = (a.astype(np.int32) for a in (self.features.indptr, self.features.indices))
        columns = starts, lines, self.features.data
        self._columns = kernels.Columns(*columns)
        self._sums = np.empty((2, self.features.shape[0]))
        self._group_sizes = np.bincount(self.group)
        self._ratings = np.bincount(self.index, minlength=self.features.shape[0])

    def draw_precisions(self, random: np.random.Generator, prior: Hyperprior) -> None:
        """Draw the precision of each group and factor, (1 + factors, groups), from its gamma."""
        sizes = self._group_sizes
        squares = np.empty((1 + self.factors, len(sizes)))
        kernels.group_squares(self.coefficients, self.group, squares)
        rate = (prior.rate[: len(squares), None] + squares) / 2
        drawn = random.standard_gamma((prior.shape + sizes) / 2, size=rate.shape)
        self.precision = drawn / rate

    def draw_factor(self, k: int, inputs: F64, precision: F64, residual: F64) -> None:
        """Draw row `k` of the coefficients; it enters each rating's forecast as total[k] * inputs.

        inputs, precision, residual: (n,); the residuals are updated in place.
        """
        kernels.draw_factor(k, self.side, inputs, precision, residual)

    def draw_noise(self, random: np.random.Generator, squares: F64, freedom: float) -> F64:
        """Draw the noise precision of each line, (lines,). squares: (n,) of the residuals."""
        rate = (freedom + np.bincount(self.index, squares, len(self._ratings))) / 2
        return random.standard_gamma((freedom + self._ratings) / 2) / rate

    @property
    def side(self) -> kernels.Side:
        """As the kernels read it."""
        state = self.precision, self.coefficients, self.total, self._sums
        return kernels.Side(self._columns, self.group, self.index, *state)


@dataclass(frozen=True)
class Sample:
    """One posterior sample.

    user, movie: (1 + factors, F) coefficients. linear: coefficients of each linear block.
    bin_variances: prior variance of the coefficients of each linear block. precision:
    (1 + factors,) prior precisions of a user's own coefficients. noise: variances of users and of
    movies; a rating's is their product. cuts, star_means: of `OrdinalLatent`, else empty.
    """

    level: float
    user: F64
    movie: F64
    linear: list[F64]
    bin_variances: F64
    precision: F64
    noise: tuple[F64, F64]
    cuts: F64
    star_means: F64


@dataclass
class Chain:
    """Gibbs sampler of stars = level + linear terms + user vector . movie vector + noise.

    stars: (n,). user, movie: blocks with factors. linear: blocks of linear terms. freedom: degrees
    of freedom of the noise precisions of users and of movies. latent: explained in place of the
    stars where it is given, and drawn anew in each iteration.

    Reference: Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization machines".
    Differs: features interact only across the user's and the movie's block (linear terms stand for
    what lies within one); group means are 0; each user and each movie has a noise precision of its
    own, so erratic raters count less; few ratings have a narrower `Hyperprior`.
    """

    stars: F64
    user: Block
    movie: Block
    linear: list[Block]
    seed: int
    freedom: tuple[float, float] = (15.0, 20.0)
    latent: OrdinalLatent | None = None

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        kernels.seed_kernels(self.seed)
        for block in self.blocks:
            block.start(self.random)
        self.prior = Hyperprior.of(self.stars, self.user.factors)
        self.level = self.prior.mean
        self.residual = self.stars - self.level - self.interaction()
        # Noise precision of a rating = common one x the user's x the movie's.
        self.noise_precision: float = 1.0
        self.noise_factors = [np.ones(block.features.shape[0]) for block in (self.user, self.movie)]
        self._ones = np.ones(len(self.stars))
        self._precision = self._ones

    @property
    def blocks(self) -> list[Block]:
        """All blocks; users first, movies second."""
        return [self.user, self.movie, *self.linear]

    def iterate(self) -> None:
        """One iteration: draw everything once, each given all the rest."""
        if self.latent:
            forecast = self.stars - self.residual
            self.stars = self.latent.draw(forecast, self._precision)
            self.residual = self.stars - forecast
        precision = self._precision = self._draw_noise()
        prior = self.prior
        std = 1 / np.sqrt(precision.sum() + prior.level_precision)
        towards_mean = prior.level_precision * (prior.mean - self.level)
        step = (
            precision @ self.residual + towards_mean
        ) * std**2 + std * self.random.standard_normal()
        self.level += step
        self.residual -= step
        for block in self.blocks:
            block.draw_precisions(self.random, prior)
            block.draw_factor(0, self._ones, precision, self.residual)
        kernels.draw_factors(self.user.side, self.movie.side, precision, self.residual)

    def sample(self) -> Sample:
        """The present state."""
        noise = 1 / self.noise_factors[0] / self.noise_precision, 1 / self.noise_factors[1]
        linear = [block.coefficients[0].copy() for block in self.linear]
        bin_variances = np.array([1 / block.precision[0, 0] for block in self.linear])
        user, movie = self.user.coefficients.copy(), self.movie.coefficients.copy()
        cuts, means = np.zeros(0), np.zeros(0)
        if self.latent:
            cuts, means = self.latent.cuts, self.latent.star_means()
        own = self.user.precision[:, 0].copy()
        return Sample(self.level, user, movie, linear, bin_variances, own, noise, cuts, means)

    def interaction(self) -> F64:
        """User vector . movie vector of each rating: (n,)."""
        users, movies = self.user.total[1:, self.user.index], self.movie.total[1:, self.movie.index]
        return np.asarray(np.einsum("kn,kn->n", users, movies))

    def _draw_noise(self) -> F64:
        """Draw the noise precision of each rating, (n,)."""
        squares = self.residual**2
        users = self.noise_factors[0][self.user.index]
        movies = self.noise_factors[1][self.movie.index]
        rate = (RATE + float((users * movies) @ squares)) / 2
        self.noise_precision = float(self.random.gamma((SHAPE + len(squares)) / 2)) / rate
        squares *= self.noise_precision
        users = self._draw_noise_factor(0, self.user, squares * movies)
        movies = self._draw_noise_factor(1, self.movie, squares * users)
        return self.noise_precision * users * movies

    def _draw_noise_factor(self, which: int, block: Block, squares: F64) -> F64:
        drawn = block.draw_noise(self.random, squares, self.freedom[which])
        self.noise_factors[which] = drawn
        return drawn[block.index]


def chains_side_by_side(run: Callable[[int], list[Sample]], count: int) -> list[list[Sample]]:
    """run(number) of each chain, in order; outside the main thread one after the other.

    A chain runs on one thread from its seed on, so the draws are the same for any number of
    threads.
    """
    threads = min(thread_count(), count) if current_thread() is main_thread() else 1
    if threads == 1:
        return [run(number) for number in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(count)))
