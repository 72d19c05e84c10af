"""All that the filter and the features need of every movie, movies without ratings included."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.hooks import Arrays
from ratecast.models.state_space.co_rating import MovieSide
from ratecast.models.state_space.em import Parameters
from ratecast.models.state_space.kalman import MovieParameters
from ratecast.models.state_space.packing import packed, part_of
from ratecast.models.state_space.residual_kernel import (
    MovieTraits,
    all_similarities,
    similarity_coordinates,
)
from ratecast.models.state_space.state_vector import Dynamics
from ratecast.models.state_space.structure import Drift

# Bias, popularity, year.
TRAITS = 3
MAX_PRECOMPUTED = 4_000


@dataclass(frozen=True)
class Standardizer:
    """Standardized descriptor = (raw - shift) * scale. shift, scale: (W,), one for each column.

    Columns, in this order: implicit descriptors (Z), genre loadings (G), traits: bias, popularity
    and year, factors (K).
    """

    shift: F64
    scale: F64

    @classmethod
    def of(cls, raw: F64, counts: I64, factors: int) -> "Standardizer":
        """Centre all but the factors; give traits and factors unit root mean square.

        raw: (M, W). counts: (M,) ratings of each movie, its weight in the means. factors: K.
        """
        share = counts / counts.sum()
        shift = share @ raw
        shift[-factors:] = 0
        scale = np.ones(len(shift))
        size = np.sqrt(share @ (raw - shift)[:, -factors - TRAITS :] ** 2)
        scale[-factors - TRAITS :] = 1 / np.where(size > 1e-6, size, 1.0)
        return cls(shift, scale)


@dataclass(frozen=True)
class Movies:
    """Parameters of M movies, and their standardized descriptors (M, W). genres: G.

    drift: of the users who rate them.
    """

    parameters: Parameters
    standardizer: Standardizer
    descriptors: F64
    genres: int
    drift: Drift

    @classmethod
    def of(
        cls, parameters: Parameters, side: MovieSide, rated: tuple[I64, F64], drift: Drift
    ) -> "Movies":
        """rated: how often each movie was (M,), and the scaled co-rating factors (M, R)."""
        counts, co_rating = rated
        raw = _raw_descriptors(parameters.movie_vectors, side, counts, co_rating)
        standardizer = Standardizer.of(raw, counts, parameters.movie_vectors.shape[1] - 1)
        descriptors = (raw - standardizer.shift) * standardizer.scale
        return cls(parameters, standardizer, descriptors, side.flags.shape[1], drift)

    @classmethod
    def restored(cls, arrays: Arrays, genres: int) -> "Movies":
        """What `arrays` gave; version 0.2 had one drift for every table."""
        parameters = Parameters.restored(part_of(arrays, "parameters"))
        standardizer = Standardizer(**part_of(arrays, "standardizer"))
        drift = Drift(*map(float, arrays.get("drift", Drift())))
        return cls(parameters, standardizer, arrays["descriptors"], genres, drift)

    def arrays(self) -> Arrays:
        """Everything but the number of genres, as named arrays of an artifact."""
        parts = {"parameters": self.parameters, "standardizer": self.standardizer}
        return packed(parts) | {"descriptors": self.descriptors, "drift": np.array(self.drift)}

    def with_more(self, side: MovieSide) -> "Movies":
        """These movies, then new ones without ratings, from their side information."""
        counts = np.zeros(len(side.year), np.int64)
        rest = len(self.parameters.movie_regression) - side.width
        columns = side.columns(counts, np.zeros((len(counts), rest)))
        parameters = self.parameters.with_movies(columns)
        vectors = parameters.movie_vectors[len(self.descriptors) :]
        co_rating = np.zeros((len(counts), rest - 1 - vectors.shape[1]))
        raw = _raw_descriptors(vectors, side, counts, co_rating)
        new = (raw - self.standardizer.shift) * self.standardizer.scale
        descriptors = np.concatenate([self.descriptors, new])
        return replace(self, parameters=parameters, descriptors=descriptors)

    @cached_property
    def implicit(self) -> F64:
        """Descriptors of implicit feedback: what rating a movie means for its user, (M, Z)."""
        return np.ascontiguousarray(self.descriptors[:, : self._borders[0]])

    @cached_property
    def for_filter(self) -> MovieParameters:
        """The movies for the Kalman filter."""
        learned = self.parameters
        return MovieParameters(
            learned.mean + learned.movie_vectors[:, 0],
            np.ascontiguousarray(learned.movie_vectors[:, 1:]),
            learned.factor_cov,
            learned.bias_var,
            learned.noise_var,
            self.implicit,
        )

    @cached_property
    def dynamics(self) -> Dynamics:
        """How the state of a user moves, for the Kalman filter."""
        return Dynamics.of(self.parameters.user_cov, self.implicit.shape[1], self.drift)

    @cached_property
    def for_features(self) -> MovieTraits:
        """The movies for the features of the trees, without the table of similarities."""
        genres_at, traits_at, factors_at = self._borders
        factors = self.parameters.movie_vectors[:, 1:]
        co_rating = self.descriptors[:, TRAITS + factors.shape[1] + self.genres : genres_at]
        genres = self.descriptors[:, genres_at:traits_at]
        traits = np.ascontiguousarray(self.descriptors[:, traits_at:factors_at])
        coordinates = similarity_coordinates(factors, co_rating, genres, traits[:, 2])
        return MovieTraits(coordinates, traits, np.zeros((0, 0)))

    @property
    def precisions(self) -> F64:
        """Precision of each movie's bias, in ratings: (M,)."""
        return self.parameters.noise_var / self.parameters.bias_var

    def as_factors(self, prior_mean: F64, unit: float) -> Factors:
        """The movies' vectors in stars. prior_mean: (U, F) of the users. unit: of the scale."""
        parameters, means = self.parameters, prior_mean[:, 1:]
        # Variance of a user's factors: around the regression, plus that of the regression.
        cov = parameters.user_cov[1:, 1:] + np.atleast_2d(np.cov(means, rowvar=False, ddof=0))
        vectors = unit * parameters.movie_vectors
        return Factors(vectors[:, 0], vectors[:, 1:], means.mean(axis=0), cov)

    def precompute(self, shared_with: "Movies | None" = None) -> None:
        """Compute the similarity of every pair of at most `MAX_PRECOMPUTED` movies, once.

        shared_with: movies whose table of similarities is used if their coordinates are equal.
        """
        movies = self.for_features
        if len(movies.coordinates) > MAX_PRECOMPUTED:
            return
        similarities = np.zeros((0, 0))
        if shared_with is not None:
            other = shared_with.for_features
            if np.array_equal(movies.coordinates, other.coordinates):
                similarities = other.similarities
        if not len(similarities):
            similarities = all_similarities(movies.coordinates)
        self.__dict__["for_features"] = movies._replace(similarities=similarities)

    @property
    def _borders(self) -> tuple[int, int, int]:
        """Where genre loadings, traits and factors begin among the descriptors."""
        factors = self.descriptors.shape[1] - (self.parameters.movie_vectors.shape[1] - 1)
        return factors - TRAITS - self.genres, factors - TRAITS, factors


def _raw_descriptors(vectors: F64, side: MovieSide, counts: I64, co_rating: F64) -> F64:
    factors, popularity = vectors[:, 1:], np.log1p(counts)
    traits = np.column_stack([vectors[:, 0], popularity, side.year])
    genres = side.flags / np.sqrt(np.maximum(side.flags.sum(axis=1, keepdims=True), 1))
    implicit = [traits, 4 * factors, side.flags, 0.3 * co_rating]
    return np.column_stack([*implicit, genres, traits, factors])
