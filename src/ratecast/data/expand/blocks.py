"""Generates the user blocks of an expansion, each from its own seed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.compiled import njit
from ratecast.data.expand.shape import Shape
from ratecast.data.expand.source import Source
from ratecast.ratings import AT, MOVIE, RATING, USER

# Share of the variance left by the biases that is taste; models explain about half of it.
TASTE_SHARE = 0.4
# Standard deviation, in stars, of the difference of a user or movie from its model in the source.
_COPY_STD = 0.15
_SAMPLE_BLOCKS = 12
# ml-100k has users of 7 months; ml-25m has 172 times as many, of 24 years.
_MOST_SECONDS, _STRETCH = 24 * 365 * 86400, 0.72

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Expansion:
    """An expanded table: block k holds the users k * users + 1 ... (k + 1) * users.

    Blocks follow in time: no row of block k is earlier than `start_of(k)`. The same source, shape
    and seed give the same rows.
    """

    source: Source
    shape: Shape
    seed: int

    def __len__(self) -> int:
        return self.shape.user_blocks

    def start_of(self, k: int) -> int:
        """The earliest time of a rating in block k, UTC seconds."""
        return int(self.source.ratings.at.min()) + k * self._seconds // len(self)

    def block(self, k: int) -> pl.DataFrame:
        """The rows of block k, in no particular order: user, movie, rating, at."""
        source, random = self.source, np.random.default_rng([self.seed, 1, k])
        rows, movie, score = self._drawn(k, random)
        users = k * source.users + 1 + random.permutation(source.users)
        first = random.integers(self.start_of(k), self.start_of(k + 1), source.users, endpoint=True)
        user = source.user[rows]
        return pl.DataFrame(
            {
                USER: users[user],
                MOVIE: self.movie_ids[movie],
                RATING: self._stars[np.searchsorted(self._thresholds, score)],
                AT: first[user] + source.since[rows],
            }
        )

    @cached_property
    def movie_ids(self) -> Rows:
        """The id of each movie, (movies * movie blocks,)."""
        count = self.source.movies * self.shape.movie_blocks
        return np.random.default_rng([self.seed, 2]).permutation(count) + 1

    def _drawn(self, k: int, random: np.random.Generator) -> tuple[Rows, Rows, Scores]:
        """Of each row of block k: row of the source, movie number, and score.

        The stars are the score, rounded at thresholds: score = level + tilt * taste + noise, stars.
        """
        source, counts = self.source, self.shape.counts[k]
        rows, block = _strata(random.random(int(counts.sum())), counts, len(source))
        movie = block * source.movies + source.movie[rows]
        of_users = random.standard_normal(source.users, np.float32) * np.float32(_COPY_STD)
        level = source.level[rows] + of_users[source.user[rows]] + self._of_movies[movie]
        tilt = (source.rest * np.sqrt(TASTE_SHARE) * self.shape.tilt[k]).astype(np.float32)
        noise = random.standard_normal(len(rows), np.float32)
        noise *= np.float32(source.rest * np.sqrt(1 - TASTE_SHARE))
        return rows, movie, level + tilt[block] * source.taste[rows] + noise

    @cached_property
    def _of_movies(self) -> Scores:
        random = np.random.default_rng([self.seed, 3])
        return random.standard_normal(len(self.movie_ids), np.float32) * np.float32(_COPY_STD)

    @cached_property
    def _stars(self) -> NDArray[np.float32]:
        return self.source.ratings.scale.stars.astype(np.float32)

    @cached_property
    def _thresholds(self) -> Scores:
        """The scores between adjacent stars, (S - 1,), that give the source's star frequencies."""
        scale = self.source.ratings.scale
        given = np.bincount(scale.index(self.source.ratings.stars), minlength=len(scale.stars))
        random = np.random.default_rng([self.seed, 4])
        sample = random.choice(len(self), min(_SAMPLE_BLOCKS, len(self)), replace=False)
        scores = np.concatenate([self._drawn(k, random)[2] for k in sample])
        cumulative = np.cumsum(given)[:-1] / given.sum()
        return np.asarray(np.quantile(scores, cumulative), np.float32)

    @cached_property
    def _seconds(self) -> int:
        """The period in which users arrive, seconds."""
        at = self.source.ratings.at
        span = int(at.max() - at.min())
        stretched = int(span * float(len(self)) ** _STRETCH)
        return max(span, min(stretched, _MOST_SECONDS))


@njit(cache=True)
def _strata(uniform: NDArray[np.float64], counts: Rows, rows: int) -> tuple[Rows, Rows]:
    """Stratified sample of rows of the source for each movie block: row and block, (n,) each.

    uniform: (n,) draws in [0, 1). The source is cut into counts[b] strata, and one row is drawn
    from each, so that no row is repeated and every user keeps about the same share.
    """
    drawn, block = np.empty(len(uniform), np.int64), np.empty(len(uniform), np.int64)
    done = 0
    for b in range(len(counts)):
        for k in range(counts[b]):
            low, high = k * rows // counts[b], (k + 1) * rows // counts[b]
            drawn[done] = low + int(uniform[done] * (high - low))
            block[done] = b
            done += 1
    return drawn, block
