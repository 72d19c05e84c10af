"""Markov chains of the Bayesian factorization machine: blocks of features in, samples out."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import current_thread, main_thread

import numpy as np
import scipy.sparse as sp

from ratecast.aligned import DOUBLES, cache_aligned
from ratecast.arrays import F64, I32
from ratecast.modelling.kernels.loops import thread_count
from ratecast.models.factorization_machine import gibbs_kernel as kernels
from ratecast.models.factorization_machine.hyperprior import RATE, SHAPE, Hyperprior
from ratecast.models.factorization_machine.normal_draws import NormalDraws, fill_normals
from ratecast.models.factorization_machine.ordinal_latent import OrdinalLatent

# How many chains the kernels take at once.
CHAINS = 4
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

    def start(self, random: Sequence[np.random.Generator]) -> None:
        """Linear terms at 0, factors normal with a small standard deviation. random: by chain."""
        lines, count = self.features.shape
        height = 1 + self.factors
        self.coefficients = _zeros(height, count)
        for c, draws in enumerate(random):
            self.coefficients[1:, :, c] = draws.normal(0, _INIT_STD, (self.factors, count))
        self.total = _zeros(height, lines)
        for k in range(height):
            self.total[k] = self.features @ self.coefficients[k]
        # scipy numbers them in either size, and numba would compile each kernel for both.
        starts, rows = (a.astype(np.int32) for a in (self.features.indptr, self.features.indices))
        values = self.features.data
        self._columns = kernels.Columns(starts, rows, values)
        self._sums = cache_aligned(lines, DOUBLES, np.float64)
        self._step, self._normals = _zeros(lines), _zeros(count)
        # One feature a line, and ratings in the order of the lines, as time bins have them.
        ids = lines == count and np.array_equal(rows, np.arange(count)) and (values == 1).all()
        self._in_runs = not self.factors and ids and bool((np.diff(self.index) >= 0).all())
        self._group_sizes = np.bincount(self.group)
        self.precision = np.ones((height, len(self._group_sizes), CHAINS))
        self._squares = np.empty_like(self.precision)
        self._ratings = np.bincount(self.index, minlength=lines)

    def draw_precisions(self, random: Sequence[np.random.Generator], prior: Hyperprior) -> None:
        """Draw the precision of each group and factor of each chain from its gamma."""
        sizes, squares = self._group_sizes, self._squares
        kernels.group_squares(self.coefficients, self.group, squares)
        rate = (prior.rate[: len(squares), None, None] + squares) / 2
        for c, draws in enumerate(random):
            drawn = draws.standard_gamma((prior.shape + sizes) / 2, size=rate.shape[:2])
            self.precision[..., c] = drawn / rate[..., c]

    def draw_normals(self, normals: Sequence[NormalDraws]) -> None:
        """Draw what the next draw of a row of coefficients needs."""
        for c, draws in enumerate(normals):
            fill_normals(draws, self._normals, c)

    def draw_linear(self, ratings: kernels.Ratings) -> None:
        """Draw the linear terms; the residuals are updated in place."""
        draw = kernels.draw_runs if self._in_runs else kernels.draw_linear
        draw(self.side, ratings)

    def draw_noise(
        self, random: Sequence[np.random.Generator], squares: F64, freedom: float
    ) -> F64:
        """Draw the noise precision of each line, (lines, 4). squares: sums of its residuals'."""
        drawn = np.zeros(squares.shape)
        for c, draws in enumerate(random):
            drawn[:, c] = draws.standard_gamma((freedom + self._ratings) / 2)
        drawn /= (freedom + squares) / 2
        return drawn

    @property
    def side(self) -> kernels.Side:
        """As the kernels read it."""
        state = self.precision, self.coefficients, self.total
        own = self._sums, self._step, self._normals
        return kernels.Side(self._columns, self.group, self.index, *state, *own)


def _zeros(*shape: int) -> F64:
    """An array (*shape, 4) whose first row begins at a cache line."""
    array = cache_aligned(int(np.prod(shape)), CHAINS, np.float64)
    array[:] = 0
    return array.reshape(*shape, CHAINS)


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
class Chains:
    """Gibbs sampler of stars = level + linear terms + user vector . movie vector + noise.

    stars: (n,). user, movie: blocks with factors. linear: blocks of linear terms. seeds: of each
    chain, at most four. freedom: degrees of freedom of the noise precisions of users and of movies.
    latent: of each chain, explained in place of the stars where they are given, and drawn anew in
    each iteration.

    Reference: Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization machines".
    Differs: features interact only across the user's and the movie's block (linear terms stand for
    what lies within one); group means are 0; each user and each movie has a noise precision of its
    own, so erratic raters count less; few ratings have a narrower `Hyperprior`.
    """

    stars: F64
    user: Block
    movie: Block
    linear: list[Block]
    seeds: Sequence[int]
    freedom: tuple[float, float] = (15.0, 20.0)
    latent: Sequence[OrdinalLatent] = ()

    def __post_init__(self) -> None:
        self.random = [np.random.default_rng(seed) for seed in self.seeds]
        self._normals = [NormalDraws.seeded(seed) for seed in self.seeds]
        for block in self.blocks:
            block.start(self.random)
        self.prior = Hyperprior.of(self.stars, self.user.factors)
        here = np.arange(CHAINS) < len(self.seeds)
        self.level = self.prior.mean * here
        n = len(self.stars)
        # What the chains explain: the stars, or latent values.
        self._explained = np.repeat(self.stars[:, None], len(self.seeds), axis=1)
        self.ratings = kernels.Ratings(_zeros(n), _zeros(n))
        self.ratings.precision[:, here] = 1.0
        self.residual[:] = (self.stars[:, None] - self.level) * here - self.interaction()
        # Noise precision of a rating = common one x the user's x the movie's.
        self.noise_precision = 1.0 * here
        self.noise_factors = [
            np.tile(1.0 * here, (block.features.shape[0], 1)) for block in (self.user, self.movie)
        ]

    @property
    def residual(self) -> F64:
        """What the chains do not explain: (n, 4)."""
        return self.ratings.residual

    @property
    def blocks(self) -> list[Block]:
        """All blocks; users first, movies second."""
        return [self.user, self.movie, *self.linear]

    def iterate(self) -> None:
        """One iteration: draw everything once, each given all the rest."""
        for c, latent in enumerate(self.latent):
            forecast = self._explained[:, c] - self.residual[:, c]
            self._explained[:, c] = latent.draw(forecast, self.ratings.precision[:, c].copy())
            self.residual[:, c] = self._explained[:, c] - forecast
        self._draw_level(*self._draw_noise())
        for block in self.blocks:
            block.draw_precisions(self.random, self.prior)
            block.draw_normals(self._normals)
            block.draw_linear(self.ratings)
        user, movie = self.user.side, self.movie.side
        # At first nothing is to be taken out of the residuals.
        movie.step[:] = 0
        for k in range(1, len(user.total)):
            self.user.draw_normals(self._normals)
            kernels.draw_for_users(k, user, movie, self.ratings)
            self.movie.draw_normals(self._normals)
            kernels.draw_for_movies(k, user, movie, self.ratings)
        kernels.take_out(user, movie, self.residual)

    def samples(self) -> list[Sample]:
        """The present state of each chain."""
        return [self._sample(c) for c in range(len(self.seeds))]

    def sampled(self, parts: F64) -> list[Sample]:
        """Chain by chain, the last sample of each part. parts: borders, in iterations."""
        last, samples = parts[1:].astype(int), []
        for iteration in range(1, last[-1] + 1):
            self.iterate()
            if iteration in last:
                samples.append(self.samples())
        return [sample for chain in zip(*samples, strict=True) for sample in chain]

    def _sample(self, c: int) -> Sample:
        users, movies = (factors[:, c] for factors in self.noise_factors)
        noise = 1 / users / self.noise_precision[c], 1 / movies
        linear = [block.coefficients[0, :, c].copy() for block in self.linear]
        bin_variances = np.array([1 / block.precision[0, 0, c] for block in self.linear])
        user, movie = (b.coefficients[..., c].copy() for b in (self.user, self.movie))
        cuts, means = np.zeros(0), np.zeros(0)
        if self.latent:
            cuts, means = self.latent[c].cuts, self.latent[c].star_means()
        own, level = self.user.precision[:, 0, c].copy(), float(self.level[c])
        return Sample(level, user, movie, linear, bin_variances, own, noise, cuts, means)

    def interaction(self) -> F64:
        """User vector . movie vector of each rating: (n, 4)."""
        found = np.zeros((len(self.stars), CHAINS))
        for k in range(1, len(self.user.total)):
            found += self.user.total[k, self.user.index] * self.movie.total[k, self.movie.index]
        return found

    def _draw_noise(self) -> tuple[F64, F64]:
        """Draw the noise precision of each rating; its sums with the residual, and alone: (4,)."""
        lines, n = (self.user.index, self.movie.index), len(self.stars)
        users, movies = (np.empty_like(factors) for factors in self.noise_factors)
        kernels.noise_sums(*lines, self.noise_factors[1], self.residual, users)
        rate = (RATE + (self.noise_factors[0] * users).sum(axis=0)) / 2
        for c, draws in enumerate(self.random):
            self.noise_precision[c] = draws.gamma((SHAPE + n) / 2) / rate[c]
        users *= self.noise_precision
        self.noise_factors[0] = self.user.draw_noise(self.random, users, self.freedom[0])
        scaled = self.noise_factors[0] * self.noise_precision
        kernels.noise_sums(*lines[::-1], scaled, self.residual, movies)
        self.noise_factors[1] = self.movie.draw_noise(self.random, movies, self.freedom[1])
        sums = np.empty((1, 2 * CHAINS))
        kernels.set_precision(lines, (scaled, self.noise_factors[1]), self.ratings, sums)
        return sums[0, :CHAINS], sums[0, CHAINS:]

    def _draw_level(self, weighted: F64, weight: F64) -> None:
        """Draw the level of each chain. weighted, weight: of `_draw_noise`."""
        prior, step = self.prior, np.zeros(CHAINS)
        towards_mean = weighted + prior.level_precision * (prior.mean - self.level)
        for c, draws in enumerate(self.random):
            std = 1 / np.sqrt(weight[c] + prior.level_precision)
            step[c] = towards_mean[c] * std**2 + std * draws.standard_normal()
        self.level += step
        self.residual[:] -= step


def chains_side_by_side(run: Callable[[Sequence[int]], list[Sample]], count: int) -> list[Sample]:
    """run(numbers) of the chains, four of them at once; outside the main thread one after another.

    A chain draws from its own seed, so the draws are the same for any number of threads.
    """
    numbers = [range(c, min(c + CHAINS, count)) for c in range(0, count, CHAINS)]
    threads = min(thread_count(), len(numbers)) if current_thread() is main_thread() else 1
    if threads == 1:
        return [sample for part in numbers for sample in run(part)]
    with ThreadPoolExecutor(threads) as pool:
        return [sample for samples in pool.map(run, numbers) for sample in samples]
