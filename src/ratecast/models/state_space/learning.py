"""What a fit or a refresh learns from all ratings: the movies, and the prior of the users."""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.history.user_history import RatingColumns
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.models.state_space.co_rating import (
    MovieSide,
    co_rating_columns,
    co_rating_factors,
    presence_regression,
)
from ratecast.models.state_space.em import GroupedRatings, Parameters, em_iteration
from ratecast.models.state_space.kalman import UserPrior
from ratecast.models.state_space.movie_parameters import Movies
from ratecast.models.state_space.structure import Drift, Structure

# Subspace iterations of the co-rating factors: in a fit, and in a refresh.
FIT_ITERATIONS, REFRESH_ITERATIONS = 15, 2
# So many iterations of a fit say nothing of the variance of the movies' biases yet.
EARLY = 5


class Sides(NamedTuple):
    """Side information. users: (U, D) columns. movies: of M movies."""

    users: F64
    movies: MovieSide


class Learned(NamedTuple):
    """movies, prior: for the filter. co_rating: (M, R) basis of the co-rating factors."""

    movies: Movies
    prior: UserPrior
    co_rating: F64


class Start(NamedTuple):
    """Where a fit starts. co_rating: R. iterations: of EM. seed: of what is random."""

    structure: Structure
    co_rating: int
    iterations: int
    seed: int


def learn(ratings: RatingColumns, mean: float, sides: Sides, start: Start) -> Learned:
    """From `ratings` and nothing else. ratings: sorted by user. mean: of their stars."""
    movies, columns = len(sides.movies.year), sides.users.shape[1]
    basis = np.random.default_rng(start.seed).normal(size=(movies, start.co_rating))
    # Side information, co-rating factors, the raters' activity, their bias and factors.
    width = sides.movies.width + start.co_rating + 1 + 1 + start.structure.factors
    sizes = movies, columns, width
    parameters = Parameters.initial(start.structure, sizes, mean, start.seed)
    first = parameters, start.structure.drift, basis
    return _run(first, ratings, sides, (start.iterations, FIT_ITERATIONS))


def update(now: Learned, ratings: RatingColumns, sides: Sides) -> Learned:
    """One iteration of EM on all `ratings`, from the present parameters."""
    before = now.movies.parameters, now.movies.drift, now.co_rating
    return _run(before, ratings, sides, (1, REFRESH_ITERATIONS))


def _run(
    before: tuple[Parameters, Drift, F64],
    ratings: RatingColumns,
    sides: Sides,
    iterations: tuple[int, int],
) -> Learned:
    """iterations: of EM, and of the subspace of the co-rating factors."""
    parameters, drift, basis = before
    grouped = GroupedRatings.of(ratings, len(sides.users), len(sides.movies.year))
    counts = grouped.by_movie.counts
    # Movies that are new since the last time start at 0.
    basis = np.pad(basis, ((0, len(counts) - len(basis)), (0, 0)))
    basis = co_rating_factors(basis, grouped, iterations[1])
    co_rating = co_rating_columns(basis, grouped)
    columns = sides.movies.columns(counts, co_rating)
    for step in range(iterations[0]):
        parameters, vectors = em_iteration(parameters, grouped, sides.users, columns)
        if step < EARLY < iterations[0]:
            parameters = parameters.with_usual_biases()
    mean = rowwise(sides.users, parameters.user_regression)
    movies = Movies.of(parameters, sides.movies, (counts, co_rating[:, :-1]), drift)
    weights = presence_regression(grouped, movies.implicit, vectors - mean)
    return Learned(movies, UserPrior(mean, weights), basis)
