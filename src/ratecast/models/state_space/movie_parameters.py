"""All that following a user needs of every movie; a movie never rated has its line too."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.models.state_space.co_rating import MovieSide
from ratecast.models.state_space.em import Learned
from ratecast.models.state_space.kalman import Motion
from ratecast.models.state_space.residual_kernel import all_likes, likeness

PLAIN = 3
MOST_WARM = 4_000


@dataclass(frozen=True)
class Signs:
    """Columns of every movie, brought to one measure: (raw - shift) * scale.

    In this order: presence (Z), genre loadings (G), level, popularity and year, factors (K).
    """

    shift: F64
    scale: F64

    @classmethod
    def of(cls, raw: F64, counts: NDArray[np.int64], factors: int) -> "Signs":
        """Centred by the mean rating, all but the last factors; the last PLAIN + K of unit size."""
        share = counts / counts.sum()
        shift = share @ raw
        shift[-factors:] = 0
        scale = np.ones(len(shift))
        size = np.sqrt(share @ (raw - shift)[:, -factors - PLAIN :] ** 2)
        scale[-factors - PLAIN :] = 1 / np.where(size > 1e-6, size, 1.0)
        return cls(shift, scale)


@dataclass(frozen=True)
class Movies:
    """What is learned of M movies, and their signs (M, Z + G + PLAIN + K)."""

    learned: Learned
    measure: Signs
    lines: F64
    genres: int

    @classmethod
    def of(
        cls, learned: Learned, side: MovieSide, counts: NDArray[np.int64], company: F64
    ) -> "Movies":
        """company: (M, R), the columns of who rated what."""
        raw = _raw(learned.levels, side, counts, company)
        measure = Signs.of(raw, counts, learned.levels.shape[1] - 1)
        lines = (raw - measure.shift) * measure.scale
        return cls(learned, measure, lines, side.flags.shape[1])

    def with_more(self, side: MovieSide) -> "Movies":
        """Further movies, never rated: they stand where their side information says."""
        none = np.zeros(len(side.year), np.int64)
        known = 4 + side.flags.shape[1]
        rest = len(self.learned.of_movies) - known
        columns = side.columns(none, np.zeros((len(none), rest)))
        learned = self.learned.with_movies(columns)
        levels = learned.levels[len(self.lines) :]
        company = np.zeros((len(none), rest - 1 - levels.shape[1]))
        raw = _raw(levels, side, none, company)
        lines = (raw - self.measure.shift) * self.measure.scale
        return Movies(learned, self.measure, np.concatenate([self.lines, lines]), self.genres)

    @cached_property
    def presence(self) -> F64:
        """What hearing that a user has rated a movie tells of the user: (M, Z)."""
        return np.ascontiguousarray(self.lines[:, : self._split[0]])

    @cached_property
    def for_filter(self) -> tuple[F64, ...]:
        """As `filter.follow` takes them."""
        learned = self.learned
        return (
            learned.mean + learned.levels[:, 0],
            np.ascontiguousarray(learned.levels[:, 1:]),
            learned.factor_cov,
            learned.mean_var,
            learned.noise,
            self.presence,
        )

    @cached_property
    def motion(self) -> tuple[F64, F64, F64]:
        """How users move, as `filter.follow` takes it."""
        motion = Motion.of(self.learned.taste_cov, self.presence.shape[1])
        return motion.start, motion.keep, motion.fresh

    @cached_property
    def for_echo(self) -> tuple[F64, F64, F64]:
        """As `echo.columns_of` takes them."""
        places, plain = self._signs
        return places, plain, np.zeros((0, 0))

    def precompute(self, like: "Movies | None" = None) -> None:
        """Work out once how alike any two movies are, where there is room for it.

        like: movies that may be the same ones, and warm.
        """
        places, plain, _ = self.for_echo
        if len(places) > MOST_WARM:
            return
        known, _, likes = (np.empty(0),) * 3 if like is None else like.for_echo
        if not (len(likes) and np.array_equal(places, known)):
            likes = all_likes(places)
        self.__dict__["for_echo"] = places, plain, likes

    @property
    def _signs(self) -> tuple[F64, F64]:
        one, two, three = self._split
        factors = self.learned.levels[:, 1:]
        company = self.lines[:, PLAIN + factors.shape[1] + self.genres : one]
        plain = np.ascontiguousarray(self.lines[:, two:three])
        return likeness(factors, company, self.lines[:, one:two], plain[:, 2]), plain

    @property
    def _split(self) -> tuple[int, int, int]:
        last = self.lines.shape[1] - (self.learned.levels.shape[1] - 1)
        return last - PLAIN - self.genres, last - PLAIN, last


def _raw(levels: F64, side: MovieSide, counts: NDArray[np.int64], company: F64) -> F64:
    factors, popular = levels[:, 1:], np.log1p(counts)
    plain = np.column_stack([levels[:, 0], popular, side.year])
    loadings = side.flags / np.sqrt(np.maximum(side.flags.sum(axis=1, keepdims=True), 1))
    presence = [plain, 4 * factors, side.flags, 0.3 * company]
    return np.column_stack([*presence, loadings, plain, factors])
