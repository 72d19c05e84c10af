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

# Of what levels leave unexplained, the part that is taste; of ml-25m, models learn about a fifth.
TASTE_SHARE = 0.4
_OWN = 0.15
_SAMPLE_BLOCKS = 12
_YEARS, _YEAR, _STRETCH = 24, 365 * 86400, 0.72


@dataclass(frozen=True)
class Expansion:
    """A table to be made: block k holds the users k * users + 1 ... (k + 1) * users.

    The same source, shape and seed give the same rows.
    """

    source: Source
    shape: Shape
    seed: int

    def __len__(self) -> int:
        return self.shape.users_times

    def block(self, k: int) -> pl.DataFrame:
        """The rows of block k by user and time: user, movie, rating, at."""
        random = np.random.default_rng([self.seed, 1, k])
        picked, movie_block = _drawn(
            random.random(int(self.shape.counts[k].sum())), self.shape.counts[k], len(self.source)
        )
        users = random.permutation(self.source.users)
        start = self._from + (random.random(self.source.users) * self._span).astype(np.int64)
        score = self._scores(k, picked, movie_block, random)
        user = self.source.user[picked]
        place = movie_block * self.source.movies + self.source.movie[picked]
        return pl.DataFrame(
            {
                USER: k * self.source.users + users[user] + 1,
                MOVIE: self.movie_ids[place],
                RATING: self._stars[np.searchsorted(self._borders, score)],
                AT: start[user] + self.source.since[picked],
            }
        ).sort(USER, AT, maintain_order=True)

    @cached_property
    def movie_ids(self) -> NDArray[np.int64]:
        """The id of each movie: those of the source, as often as they recur."""
        count = self.source.movies * self.shape.movies_times
        return np.random.default_rng([self.seed, 2]).permutation(count) + 1

    @cached_property
    def _of_movies(self) -> NDArray[np.float32]:
        random = np.random.default_rng([self.seed, 3])
        return random.standard_normal(len(self.movie_ids), np.float32) * np.float32(_OWN)

    def _scores(
        self,
        k: int,
        picked: NDArray[np.int64],
        movie_block: NDArray[np.int64],
        random: np.random.Generator,
    ) -> NDArray[np.float32]:
        """What the stars are cut from: level, taste and noise, in stars around the mean."""
        source = self.source
        own = random.standard_normal(source.users, np.float32) * np.float32(_OWN)
        place = movie_block * source.movies + source.movie[picked]
        taste = source.rest * np.sqrt(TASTE_SHARE) * self.shape.tilt[k].astype(np.float32)
        noise = random.standard_normal(len(picked), np.float32)
        noise *= np.float32(source.rest * np.sqrt(1 - TASTE_SHARE))
        levels = source.level[picked] + own[source.user[picked]] + self._of_movies[place]
        scores: NDArray[np.float32] = levels + taste[movie_block] * source.taste[picked] + noise
        return scores

    @cached_property
    def _stars(self) -> NDArray[np.float32]:
        return self.source.ratings.scale.stars.astype(np.float32)

    @cached_property
    def _borders(self) -> NDArray[np.float32]:
        """Between which scores each star lies, so that the stars are as frequent as the source's."""
        scale = self.source.ratings.scale
        given = np.bincount(scale.index(self.source.ratings.stars), minlength=len(scale.stars))
        random = np.random.default_rng([self.seed, 4])
        sample = random.choice(len(self), min(_SAMPLE_BLOCKS, len(self)), replace=False)
        scores = [
            self._scores(
                k,
                *_drawn(
                    random.random(int(self.shape.counts[k].sum())),
                    self.shape.counts[k],
                    len(self.source),
                ),
                random,
            )
            for k in sample
        ]
        below = np.cumsum(given)[:-1] / given.sum()
        return np.quantile(np.concatenate(scores), below).astype(np.float32)

    @property
    def _from(self) -> int:
        return int(self.source.ratings.at.min())

    @cached_property
    def _span(self) -> int:
        """Seconds over which the users come: longer for more of them, and at most so many years."""
        span = int(np.ptp(self.source.ratings.at))
        return max(span, min(round(span * len(self) ** _STRETCH), _YEARS * _YEAR))


@njit(cache=True)
def _drawn(
    lots: NDArray[np.float64], counts: NDArray[np.int64], rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the source for each movie block, drawn without repeats: numbers and blocks, (n,).

    The source is cut into as many strata as rows are wanted, and one is drawn of each; so every
    user keeps about the same share.
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
