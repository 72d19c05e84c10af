"""What a factor model knows of movies: how much each is liked, and which are liked by the same.

A factor model adds the bias of a movie to the product of its factors and the user's. Either can be
turned and stretched against the other without changing a forecast, so that raw factors of two
models, or two directions of one, cannot be compared. Here they are brought to one measure: the
product of two movies' vectors is the covariance, over users, of what taste adds to their stars.
Reference: Koren, Bell, Volinsky 2009, "Matrix factorization techniques for recommender systems".
Differs: the measure above, where it is usual to take the cosine of the factors as learned.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.errors import InputError
from ratecast.ratings import MOVIE

if TYPE_CHECKING:
    from ratecast.modelling.contract.model import Model


COSINE, SEEN = "cosine", "seen"
LEAST = 20
_TINY = 1e-12


@dataclass(frozen=True)
class MovieVectors:
    """The movies that a model knows, in the order of its vocabulary.

    table: one line for each, its id in column `movie`, with title, year and genres where known.
    seen: (m,), ratings heard of it. biases: (m,), stars that the average user gives it above the
    average rated movie. vectors: (m, k), stars; the product of two is the covariance, over users,
    of what taste adds to their ratings, and their cosine its correlation.
    """

    table: pl.DataFrame
    seen: NDArray[np.int64]
    biases: F64
    vectors: F64

    @classmethod
    def of(cls, model: "Model") -> Self:
        """Of a fitted model. Raises `InputError` where it has no factors of movies."""
        found = model.movie_factors()
        if found is None:
            raise InputError(
                f"model {model.name}: has no vectors of movies; use als or state_space"
            )
        seen = model.counts.of_movies[1:]
        weights = seen / max(seen.sum(), 1)
        factors = found.factors[1:] - weights @ found.factors[1:]
        biases = found.biases[1:] + factors @ found.mean
        return cls(model.movies.table, seen, biases - weights @ biases, factors @ _root(found.cov))

    def similar(self, movie: int | str, n: int = 10, least: int = LEAST) -> pl.DataFrame:
        """The `n` movies most like `movie`, best first: `table`, and columns `cosine` and `seen`.

        least: ratings that a movie needs to be named, since the vector of one that hardly anybody
        rated points nowhere in particular. Raises `InputError` for a movie that is not known.
        """
        row = self.row(movie)
        cosines = self.cosines(row)
        asked = np.flatnonzero(self.seen >= least)
        asked = asked[asked != row]
        best = asked[np.argsort(-cosines[asked], kind="stable")[:n]]
        found: pl.DataFrame = self.table[best]
        return found.with_columns(
            pl.Series(COSINE, cosines[best]), pl.Series(SEEN, self.seen[best])
        )

    def cosines(self, row: int) -> F64:
        """Cosine of the vector in line `row` of the table with every one: (m,), -1 to 1."""
        lengths = np.maximum(np.linalg.norm(self.vectors, axis=1), _TINY)
        cosines: F64 = self.vectors @ self.vectors[row] / (lengths * lengths[row])
        return cosines

    def row(self, movie: int | str) -> int:
        """The line of the table that holds the raw id `movie`. Raises `InputError`."""
        ids = self.table[MOVIE]
        known = isinstance(movie, str) == (ids.dtype == pl.String) and (ids == movie).any()
        if not known:
            raise InputError(f"movie {movie!r}: not known to this model; give the id of one it has")
        return int((ids == movie).arg_max() or 0)

    def taken(self, lines: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Only these lines of the table: numbers, or a mask."""
        kept = np.flatnonzero(lines) if lines.dtype == bool else lines
        return type(self)(self.table[kept], self.seen[kept], self.biases[kept], self.vectors[kept])


def similar(model: "Model", movie: int | str, n: int = 10, least: int = LEAST) -> pl.DataFrame:
    """The `n` movies that a fitted model finds most like `movie`; see `MovieVectors.similar`."""
    return MovieVectors.of(model).similar(movie, n, least)


def _root(cov: F64) -> F64:
    """The symmetric square root of a covariance: (k, k)."""
    values, directions = np.linalg.eigh(cov)
    root: F64 = (directions * np.sqrt(np.maximum(values, 0.0))) @ directions.T
    return root
