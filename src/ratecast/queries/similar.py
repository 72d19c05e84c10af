"""Similar movies: the vectors and biases that a factor model learned, on one common measure.

A factor model adds the bias of a movie to the product of its factors and the user's. Factors can be
rotated and scaled against each other without changing a forecast, so raw factors of two models, or
two directions of one, cannot be compared. Here the product of two movies' vectors is the
covariance, over users, of what their factors add to the two movies' stars.
Reference: Koren, Bell, Volinsky 2009, "Matrix factorization techniques for recommender systems".
Differs: this common measure, where the cosine of the raw factors is usual.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.errors import InputError
from ratecast.ids import Id, id_of
from ratecast.ratings import MOVIE

if TYPE_CHECKING:
    from ratecast.modelling.contract.model import Model


COSINE, COUNT = "cosine", "ratings"
MIN_RATINGS = 20
_TINY = 1e-12


@dataclass(frozen=True)
class MovieVectors:
    """The movies that a model knows, in the order of its vocabulary.

    vectors = (factors - mean factors) @ cov^(1/2), cov: covariance of the users' factors.

    table: (m,) lines with the id in column `movie`, and title, year and genres where known.
    counts: (m,) ratings that the model was given.
    biases: (m,) stars that the average user gives above the average rating.
    vectors: (m, k) stars. The product of two is the covariance, over users, of what their factors
        add to the ratings; their cosine is its correlation.
    """

    table: pl.DataFrame
    counts: NDArray[np.int64]
    biases: F64
    vectors: F64

    @classmethod
    def of(cls, model: "Model") -> Self:
        """Of a fitted model. Raises `InputError` where it has no movie factors."""
        learned = model.movie_factors()
        if learned is None:
            raise InputError(
                f"model {model.name}: has no vectors of movies; use als or state_space"
            )
        counts = model.counts.of_movies[1:]
        weights = counts / max(counts.sum(), 1)
        factors = learned.factors[1:] - weights @ learned.factors[1:]
        biases = learned.biases[1:] + factors @ learned.mean
        vectors = factors @ _square_root(learned.cov)
        return cls(model.movies.table, counts, biases - weights @ biases, vectors)

    def similar(self, movie: Id, n: int = 10, min_ratings: int = MIN_RATINGS) -> pl.DataFrame:
        """The `n` movies most similar to `movie`, best first.

        movie: raw id.
        min_ratings: ratings that a similar movie must have; the vector of a movie with few is
            little more than noise.

        Returns the lines of `table`, with columns `cosine` (-1 to 1) and `ratings`. Raises
        `InputError` for an unknown movie.
        """
        row = self.row(movie)
        cosines = self.cosines(row)
        candidates = np.flatnonzero(self.counts >= min_ratings)
        candidates = candidates[candidates != row]
        best = candidates[np.argsort(-cosines[candidates], kind="stable")[:n]]
        lines: pl.DataFrame = self.table[best]
        return lines.with_columns(
            pl.Series(COSINE, cosines[best]), pl.Series(COUNT, self.counts[best])
        )

    def cosines(self, row: int) -> F64:
        """Cosine similarity of line `row` of the table with every line: (m,), -1 to 1."""
        lengths = np.maximum(np.linalg.norm(self.vectors, axis=1), _TINY)
        cosines: F64 = self.vectors @ self.vectors[row] / (lengths * lengths[row])
        return cosines

    def row(self, movie: Id) -> int:
        """The line of the table with the raw id `movie`. Raises `InputError`."""
        ids = self.table[MOVIE]
        places = ids == id_of(movie, ids.dtype == pl.String, MOVIE)
        if not places.any():
            raise InputError(f"movie {movie!r}: not known to this model; give the id of one it has")
        return int(places.arg_max() or 0)

    def take(self, lines: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Only these lines of the table: numbers, or a mask."""
        rows = np.flatnonzero(lines) if lines.dtype == bool else lines
        return type(self)(
            self.table[rows], self.counts[rows], self.biases[rows], self.vectors[rows]
        )


def similar(model: "Model", movie: Id, n: int = 10, min_ratings: int = MIN_RATINGS) -> pl.DataFrame:
    """The `n` movies most similar to `movie` by a fitted model; see `MovieVectors.similar`.

    >>> import ratecast as rc
    >>> model = rc.ALS(factors=2).fit(rc.example_ratings())
    >>> rc.similar(model, 1, n=3).columns
    ['movie', 'cosine', 'ratings']
    """
    return MovieVectors.of(model).similar(movie, n, min_ratings)


def _square_root(cov: F64) -> F64:
    """The symmetric square root of a covariance: (k, k)."""
    values, directions = np.linalg.eigh(cov)
    root: F64 = (directions * np.sqrt(np.maximum(values, 0.0))) @ directions.T
    return root
