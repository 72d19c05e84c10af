"""Similarity of movies by who rated them in train, the same for every model."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from ratecast.arrays import F64, I64
from ratecast.compiled import njit
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.kernels.loops import over_rows
from ratecast.ratings import MOVIE, USER, Ratings


@dataclass(frozen=True, eq=False)
class CoRatings:
    """Who rated each of some movies.

    movies: their ids, which have the places 1, 2, ...; 0 is any other. edges: (M + 2,) borders of
    the movies by place. raters: (n,) numbers of users, ascending and distinct within a movie.
    """

    movies: Vocabulary
    edges: I64
    raters: I64

    @classmethod
    def of(cls, ratings: Ratings, movies: pl.Series) -> Self:
        """Of some of the movies of a table; a movie without ratings has no raters."""
        places = Vocabulary(MOVIE, movies.rename(MOVIE).unique().sort().to_frame())
        users = ratings.frame[USER]
        numbers = Vocabulary(USER, users.unique().to_frame())
        frame = pl.DataFrame(
            {"place": places.encode(ratings.frame[MOVIE]), "rater": numbers.encode(users)}
        )
        frame = frame.filter(pl.col("place") > 0).unique().sort("place", "rater")
        counts = np.bincount(frame["place"].to_numpy(), minlength=len(places))
        edges = np.append(0, np.cumsum(counts))
        return cls(places, edges, frame["rater"].to_numpy().astype(np.int64))

    def cosines(self, first: pl.Series, second: pl.Series) -> F64:
        """Cosine of the sets of raters of each pair of movies: (n,), 0 to 1.

        cosine = users who rated both / √(users of one x users of the other)

        It is 0 where a movie has no raters.
        """
        places = np.column_stack([self.movies.encode(ids.rename(MOVIE)) for ids in (first, second)])
        pairs, line = np.unique(np.sort(places, axis=1), axis=0, return_inverse=True)
        common = np.zeros(len(pairs))
        over_rows(_count_common, len(pairs), pairs, self.edges, self.raters, common)
        sizes = np.diff(self.edges)[pairs].astype(np.float64)
        cosines: F64 = (common / np.sqrt(np.maximum(sizes.prod(axis=1), 1)))[line.ravel()]
        return cosines


@njit(cache=True, nogil=True)
def _count_common(run, pairs, edges, raters, common):  # type: ignore[no-untyped-def]
    """How many users rated both movies of each pair of the run: both lists are ascending."""
    for pair in range(run[0], run[1]):
        first, second = pairs[pair]
        i, j = edges[first], edges[second]
        while i < edges[first + 1] and j < edges[second + 1]:
            one, other = raters[i], raters[j]
            common[pair] += one == other
            i += one <= other
            j += other <= one
