"""The prior covariance of movies, by genre and year, and what it makes of new movies."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.arrays import F32, F64
from ratecast.modelling.side_information.labels import Labels, numeric_column
from ratecast.models.gaussian_process.conditioning import times_vector

# New movies whose prior covariances are computed at once.
_LINES = 256


class _Inputs(NamedTuple):
    """What the prior covariance depends on. years: (n,). genres: (n, genres) weights."""

    years: F64
    genres: sp.csr_array | None


@dataclass
class MoviePrior:
    """Prior covariance of movies. movies: table of those of the fit, (m,).

    variances: shared by all movies, by genre, by year, and of each movie alone. year_scale: years.
    """

    movies: pl.DataFrame
    variances: list[float]
    year_scale: float

    def __post_init__(self) -> None:
        self._labels = Labels.of(self.movies)

    def covariance(self) -> F32:
        """Of the movies of the fit: (m, m)."""
        prior = self._kernel(self._fitted, self._fitted)
        prior.flat[:: len(prior) + 1] += self.variances[3]
        return prior

    def of_new(self, movies: pl.DataFrame) -> Iterator[tuple[F32, F32, F32]]:
        """Of each new movie, with k its prior covariances with the m movies and K theirs.

        k (m,), K^-1 k (m,), and k(x, x).
        """
        for start in range(0, movies.height, _LINES):
            part = self._inputs(movies[start : start + _LINES])
            variances = self._kernel(part, part).diagonal() + np.float32(self.variances[3])
            priors = self._kernel(part, self._fitted)
            for prior, alone in zip(priors, variances, strict=True):
                yield prior, times_vector(self._inverse, prior), alone

    @cached_property
    def _inverse(self) -> F32:
        """K^-1."""
        prior = self._kernel(self._fitted, self._fitted).astype(np.float64)
        prior.flat[:: len(prior) + 1] += self.variances[3]
        return np.asarray(np.linalg.inv(prior), np.float32)

    @cached_property
    def _fitted(self) -> _Inputs:
        return self._inputs(self.movies)

    def _inputs(self, movies: pl.DataFrame) -> _Inputs:
        with_genres = "genres" in self._labels.known
        genres = self._labels.matrices(movies)["genres"] if with_genres else None
        return _Inputs(numeric_column(movies, "year"), genres)

    def _kernel(self, movies: _Inputs, others: _Inputs) -> F32:
        """Prior covariance of movies, without each movie's own variance: (n, m).

        k = v_shared + v_genre g . g' + v_year exp(-|gap| / year_scale), g: genre weights.
        """
        shared, by_genre, by_year, _ = self.variances
        gap = np.abs(movies.years[:, None] - others.years[None, :])
        kernel = shared + by_year * np.nan_to_num(np.exp(-gap / self.year_scale))
        if movies.genres is not None and others.genres is not None:
            kernel += by_genre * (movies.genres @ others.genres.T).toarray()
        return np.asarray(kernel, np.float32)
