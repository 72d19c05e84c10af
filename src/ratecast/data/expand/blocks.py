"""One block of users of an expansion after another, each from its own seed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from ratecast.data.expand.shape import Shape
from ratecast.data.expand.source import Source
from ratecast.ratings import AT, MOVIE, RATING, USER

# Of what levels leave unexplained, the part that is taste; models find about half of it.
TASTE_SHARE = 0.4
# Standard deviation, in stars, of what sets a user or movie apart from the one that recurs in it.
_OWN = 0.15
_SAMPLE_BLOCKS = 12
# The users of ml-100k came within 7 months, those of ml-25m, 172 times as many, in 24 years.
_MOST_SECONDS, _STRETCH = 24 * 365 * 86400, 0.72

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Expansion:
    """A table to be made: block k holds the users k * users + 1 ... (k + 1) * users.

    Users come block after block: no row of block k is earlier than `opens(k)`. The same source,
    shape and seed give the same rows.
    """

    source: Source
    shape: Shape
    seed: int

    def __len__(self) -> int:
        return self.shape.users_times

    def opens(self, k: int) -> int:
        """The moment at which the first user of block k may come, in UTC seconds."""
        return int(self.source.ratings.at.min()) + k * self._seconds // len(self)

    def block(self, k: int) -> pl.DataFrame:
        """The rows of block k, in no order: user, movie, rating, at."""
        source, random = self.source, np.random.default_rng([self.seed, 1, k])
        picked, place, score = self._drawn(k, random)
        users = k * source.users + 1 + random.permutation(source.users)
        comes = random.integers(self.opens(k), self.opens(k + 1), source.users, endpoint=True)
        user = source.user[picked]
        return pl.DataFrame(
            {
                USER: users[user],
                MOVIE: self.movie_ids[place],
                RATING: self._stars[np.searchsorted(self._borders, score)],
                AT: comes[user] + source.since[picked],
            }
        )

    @cached_property
    def movie_ids(self) -> Rows:
        """The id of each movie: those of the source, as often as they recur."""
        count = self.source.movies * self.shape.movies_times
        return np.random.default_rng([self.seed, 2]).permutation(count) + 1

    def _drawn(self, k: int, random: np.random.Generator) -> tuple[Rows, Rows, Scores]:
        """Of each row of block k: the row of the source, the place of the movie, and the score.

        The score is what the stars are cut from: level, taste and noise, in stars.
        """
        source, counts = self.source, self.shape.counts[k]
        picked, block = _strata(random.random(int(counts.sum())), counts, len(source))
        place = block * source.movies + source.movie[picked]
        of_users = random.standard_normal(source.users, np.float32) * np.float32(_OWN)
        level = source.level[picked] + of_users[source.user[picked]] + self._of_movies[place]
        tilt = (source.rest * np.sqrt(TASTE_SHARE) * self.shape.tilt[k]).astype(np.float32)
        noise = random.standard_normal(len(picked), np.float32)
        noise *= np.float32(source.rest * np.sqrt(1 - TASTE_SHARE))
        return picked, place, level + tilt[block] * source.taste[picked] + noise

    @cached_property
    def _of_movies(self) -> Scores:
        random = np.random.default_rng([self.seed, 3])
        return random.standard_normal(len(self.movie_ids), np.float32) * np.float32(_OWN)

    @cached_property
    def _stars(self) -> NDArray[np.float32]:
        return self.source.ratings.scale.stars.astype(np.float32)

    @cached_property
    def _borders(self) -> Scores:
        """The scores between neighbouring stars, so that these are as frequent as the source's."""
        scale = self.source.ratings.scale
        given = np.bincount(scale.index(self.source.ratings.stars), minlength=len(scale.stars))
        random = np.random.default_rng([self.seed, 4])
        sample = random.choice(len(self), min(_SAMPLE_BLOCKS, len(self)), replace=False)
        scores = np.concatenate([self._drawn(k, random)[2] for k in sample])
        below = np.cumsum(given)[:-1] / given.sum()
        return np.asarray(np.quantile(scores, below), np.float32)

    @cached_property
    def _seconds(self) -> int:
        """How long users go on coming."""
        at = self.source.ratings.at
        span = int(at.max() - at.min())
        stretched = int(span * float(len(self)) ** _STRETCH)
        return max(span, min(stretched, _MOST_SECONDS))


@njit(cache=True)
def _strata(lots: NDArray[np.float64], counts: Rows, rows: int) -> tuple[Rows, Rows]:
    """Rows of the source for each movie block, without repeats: their numbers and blocks, (n,).

    The source is cut into as many strata as rows are wanted, and one row is drawn of each, so that
    every user keeps about the same share.
    """
    picked, block = np.empty(len(lots), np.int64), np.empty(len(lots), np.int64)
    done = 0
    for b in range(len(counts)):
        for k in range(counts[b]):
            low, high = k * rows // counts[b], (k + 1) * rows // counts[b]
            picked[done] = low + int(lots[done] * (high - low))
            block[done] = b
            done += 1
    return picked, block
