"""One Markov chain of the Bayesian factorization machine: blocks of features in, samples out."""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from ratecast.arrays import F64, I32
from ratecast.models.factorization_machine import gibbs_kernel as kernels
from ratecast.models.factorization_machine.ordinal_latent import Latent

# Shape and rate of the wide gamma priors of all precisions.
_SHAPE, _RATE = 1.0, 1.0
_SPREAD_AT_START = 0.1


@dataclass
class Block:
    """Features of the lines of one table, and the line that each rating belongs to.

    features: (lines, F), by column. group: (F,) features of a group share a prior. index: (n,)
    line of each rating. factors: 0 for a block with linear terms only. coefficients, total:
    (1 + factors, F) and (1 + factors, lines), row 0 linear.
    """

    features: sp.csc_array
    group: I32
    index: I32
    factors: int
    coefficients: F64 = field(init=False)
    total: F64 = field(init=False)
    precision: F64 = field(init=False)

    def start(self, random: np.random.Generator) -> None:
        """Linear terms at 0, factors near it."""
        count = self.features.shape[1]
        self.coefficients = np.zeros((1 + self.factors, count))
        self.coefficients[1:] = random.normal(0, _SPREAD_AT_START, (self.factors, count))
        self.total = np.ascontiguousarray((self.features @ self.coefficients.T).T)
        self.matrix = (self.features.indptr, self.features.indices, self.features.data)
        self._sums = np.empty((2, self.features.shape[0]))
        self._size = np.bincount(self.group)

    def draw_precisions(self, random: np.random.Generator) -> None:
        """Precision of each group and factor, (1 + factors, groups), from its gamma."""
        squares = [np.bincount(self.group, c * c, len(self._size)) for c in self.coefficients]
        rate = (_RATE + np.array(squares)) / 2
        self.precision = random.gamma((_SHAPE + self._size) / 2, size=rate.shape) / rate

    def draw_factor(self, k: int, times: F64, trust: F64, error: F64) -> None:
        """Draw row `k` of the coefficients; each rating's forecast holds total x times of it."""
        before = self.total[k].copy()
        kernels.gather(self.index, times, trust, error, self._sums)
        state = self._sums, self.coefficients[k], self.total[k]
        kernels.draw(self.matrix, (self.group, self.precision[k]), *state)
        kernels.settle(self.index, times, self.total[k] - before, error)


@dataclass(frozen=True)
class Sample:
    """One draw of everything.

    user, movie: (1 + factors, F). linear: of each linear block; loose: variance of a coefficient
    of each. ridge: (1 + factors,) precisions of the user's own coefficients. noise: variances of
    users and of movies; a rating's is their product. cuts, points: of `Latent`, else empty.
    """

    level: float
    user: F64
    movie: F64
    linear: list[F64]
    loose: F64
    ridge: F64
    noise: tuple[F64, F64]
    cuts: F64
    points: F64


@dataclass
class Chain:
    """Gibbs sampler of stars = level + linear terms + user vector . movie vector + noise.

    Reference: Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization machines".
    Differs: features interact only across the user's and the movie's block (what lies within one
    is said by linear terms); group means are 0; and each user and movie has a noise of its own,
    which doubts those who rate erratically.
    freedom: degrees of freedom of that noise, of users and of movies. latent: what is explained in
    place of the stars, drawn anew in each sweep.
    """

    stars: F64
    user: Block
    movie: Block
    linear: list[Block]
    seed: int
    freedom: tuple[float, float] = (15.0, 20.0)
    latent: Latent | None = None

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        kernels.seed_kernels(self.seed)
        for block in self.blocks:
            block.start(self.random)
        self.level = float(self.stars.mean())
        self.error = self.stars - self.level - self._product()
        self.trusts = [np.ones(block.features.shape[0]) for block in (self.user, self.movie)]
        self.precision: float = 1.0
        self._ones = np.ones(len(self.stars))
        self._trust = self._ones

    @property
    def blocks(self) -> list[Block]:
        """All blocks; users first, movies second."""
        return [self.user, self.movie, *self.linear]

    def sweep(self) -> None:
        """Draw everything once."""
        if self.latent:
            forecast = self.stars - self.error
            self.stars = self.latent.draw(forecast, self._trust)
            self.error = self.stars - forecast
        trust = self._trust = self._draw_noise()
        spread = 1 / np.sqrt(trust.sum())
        step = (trust @ self.error) * spread**2 + spread * self.random.standard_normal()
        self.level += step
        self.error -= step
        for block in self.blocks:
            block.draw_precisions(self.random)
            block.draw_factor(0, self._ones, trust, self.error)
        for k in range(1, 1 + self.user.factors):
            for block, other in ((self.user, self.movie), (self.movie, self.user)):
                block.draw_factor(k, other.total[k][other.index], trust, self.error)

    def sample(self) -> Sample:
        """The present state."""
        noise = 1 / self.trusts[0] / self.precision, 1 / self.trusts[1]
        linear = [block.coefficients[0].copy() for block in self.linear]
        loose = np.array([1 / block.precision[0, 0] for block in self.linear])
        user, movie = self.user.coefficients.copy(), self.movie.coefficients.copy()
        cuts, points = np.zeros(0), np.zeros(0)
        if self.latent:
            cuts, points = self.latent.cuts, self.latent.points()
        own = self.user.precision[:, 0].copy()
        return Sample(self.level, user, movie, linear, loose, own, noise, cuts, points)

    def _draw_noise(self) -> F64:
        """Precision of each rating's noise: common x user's x movie's."""
        squares = self.error**2
        mine, other = self.trusts[0][self.user.index], self.trusts[1][self.movie.index]
        rate = (_RATE + float((mine * other) @ squares)) / 2
        self.precision = float(self.random.gamma((_SHAPE + len(squares)) / 2)) / rate
        squares *= self.precision
        mine = self._draw_trust(0, self.user, squares * other)
        other = self._draw_trust(1, self.movie, squares * mine)
        return self.precision * mine * other

    def _draw_trust(self, which: int, block: Block, squares: F64) -> F64:
        lines, freedom = block.features.shape[0], self.freedom[which]
        rate = (freedom + np.bincount(block.index, squares, lines)) / 2
        shape = (freedom + np.bincount(block.index, minlength=lines)) / 2
        self.trusts[which] = self.random.gamma(shape) / rate
        return self.trusts[which][block.index]

    def _product(self) -> F64:
        mine, other = self.user.total[1:, self.user.index], self.movie.total[1:, self.movie.index]
        return np.asarray(np.einsum("kn,kn->n", mine, other))
