"""The posterior of every user's and every movie's vector, several of them side by side.

Users and movies are independent of each other here, so that `LANES` of them go through each step
together. Without fastmath: no result depends on who is beside whom.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit
from ratecast.modelling.kernels.csr import pieces
from ratecast.modelling.kernels.loops import copy, even_cuts, on_all_threads
from ratecast.models.state_space.em_sums import (
    TOGETHER,
    Groups,
    MovieSums,
    Terms,
    add_four,
    add_one,
    ask_ahead,
)
from ratecast.models.state_space.symmetric import (
    LANES,
    into_lane,
    invert,
    out_of_lane,
    packed_size,
    times,
)


class _Lanes(NamedTuple):
    """Arrays that `LANES` vectors share. matrices: (F, F, LANES). right, mean: (F, LANES)."""

    matrices: F64
    right: F64
    mean: F64


def user_posterior(
    groups: Groups, movies: tuple[F64, Terms], prior: tuple[F64, F64]
) -> tuple[F64, Terms]:
    """Posterior means (U, F) of the users' vectors, and `terms` of each for `movie_sums`.

    precision = prior precision + Σ E[h h'] / noise_j,
    mean = precision⁻¹ (prior right side + Σ E[h] (r - m_j) / noise_j).
    groups: ratings by user. movies: means (M,) and `movie_terms`. prior: precision, packed, and
    right sides (U, F). F² / 2 operations for each rating, F³ for each user.
    """
    users, width = prior[1].shape
    vectors = np.empty((users, width))
    terms = np.empty((users, packed_size(width) + width), movies[1].dtype)
    on_all_threads(_solve_users, pieces(groups[0]), groups, movies, prior, (vectors, terms))
    return vectors, terms


@njit(cache=True, nogil=True)
def _solve_users(users, groups, movies, prior, out):  # type: ignore[no-untyped-def]
    """See `user_posterior`: the users from users[0] to users[1] - 1."""
    edges, (precision, prior_right), (vectors, terms) = groups[0], prior, out
    width = vectors.shape[1]
    total, right, lanes = np.empty(len(precision)), np.empty(width), _lanes(width)
    for first in range(users[0], users[1], LANES):
        for lane in range(LANES):
            # The last lanes repeat the last user.
            user = min(first + lane, users[1] - 1)
            copy(total, precision)
            copy(right, prior_right[user])
            _add_ratings((total, right), groups, movies, (edges[user], edges[user + 1]))
            into_lane(lanes.matrices, lane, total)
            for k in range(width):
                lanes.right[k, lane] = right[k]
        invert(lanes.matrices)
        times(lanes.matrices, lanes.right, lanes.mean)
        for lane in range(min(LANES, users[1] - first)):
            _take_user(vectors[first + lane], terms[first + lane], lanes, lane)


@njit(cache=True)
def _add_ratings(sums, groups, movies, run):  # type: ignore[no-untyped-def]
    """Add one user's ratings, those from run[0] to run[1] - 1, to precision and right side."""
    (total, right), (_, row_movie, stars), (mean, terms) = sums, groups, movies
    i, stop = run
    while i + TOGETHER <= stop:
        ask_ahead(terms, row_movie, i)
        a, b, c, d = row_movie[i], row_movie[i + 1], row_movie[i + 2], row_movie[i + 3]
        left = stars[i] - mean[a], stars[i + 1] - mean[b]
        y = (*left, stars[i + 2] - mean[c], stars[i + 3] - mean[d])
        add_four(total, (right, 0), (terms[a], terms[b], terms[c], terms[d]), y)
        i += TOGETHER
    while i < stop:
        movie = row_movie[i]
        add_one(total, (right, 0), terms[movie], stars[i] - mean[movie])
        i += 1


@njit(cache=True)
def _lanes(width):  # type: ignore[no-untyped-def]
    """Arrays that are used again for every few vectors."""
    return _Lanes(
        np.empty((width, width, LANES)), np.empty((width, LANES)), np.empty((width, LANES))
    )


@njit(cache=True)
def _take_user(vector, terms, lanes, lane):  # type: ignore[no-untyped-def]
    """Mean, and terms: E[p p'] = covariance + mean mean', packed, then the mean."""
    width = len(vector)
    size = len(terms) - width
    out_of_lane(terms, lanes.matrices, lane)
    for k in range(width):
        vector[k] = lanes.mean[k, lane]
        terms[size + k] = vector[k]
    _add_square(terms, vector)


@njit(cache=True)
def _add_square(numbers, vector):  # type: ignore[no-untyped-def]
    """Add vector vector' to a packed matrix."""
    width = len(vector)
    for k in range(width):
        numbers[k] += vector[k] * vector[0]
    place = width
    for k in range(1, width):
        for m in range(1, k + 1):
            numbers[place] += vector[k] * vector[m]
            place += 1


class MoviePosterior(NamedTuple):
    """Of M movies. vectors: (M, F) means. squares: (M,) Σ E[(y - w q)²] over a movie's ratings.

    variances: (M, F) of the vectors' entries. factor_cov: (M, K (K + 1) / 2) covariance of the
    factors, packed.
    """

    vectors: F64
    squares: F64
    variances: F64
    factor_cov: F64


def movie_posterior(sums: MovieSums, l2: F64, prior: F64, noise_var: F64) -> MoviePosterior:
    """Posterior of every movie's vector, and what it leaves unexplained of the ratings.

    covariance = noise_j (gram + L2)⁻¹, mean = (gram + L2)⁻¹ (cross + L2 prior).
    l2, prior: (M, F). noise_var: (M,).
    """
    movies, width = prior.shape
    vectors, variances, factor_cov = (
        np.empty((movies, columns)) for columns in (width, width, packed_size(width - 1))
    )
    out = MoviePosterior(vectors, np.empty(movies), variances, factor_cov)
    given = l2, sums.cross + l2 * prior, noise_var
    on_all_threads(_solve_movies, even_cuts(movies), sums, given, out)
    return out


@njit(cache=True, nogil=True)
def _solve_movies(movies, sums, given, out):  # type: ignore[no-untyped-def]
    """See `movie_posterior`: the movies from movies[0] to movies[1] - 1."""
    (gram, cross, square, _), (l2, right, noise_var) = sums, given
    vectors, squares, variances, factor_cov = out
    width = vectors.shape[1]
    lanes, moments = _lanes(width), np.empty(gram.shape[1])
    for first in range(movies[0], movies[1], LANES):
        for lane in range(LANES):
            movie = min(first + lane, movies[1] - 1)
            into_lane(lanes.matrices, lane, gram[movie])
            for k in range(width):
                lanes.matrices[k, k, lane] += l2[movie, k]
                lanes.right[k, lane] = right[movie, k]
        invert(lanes.matrices)
        times(lanes.matrices, lanes.right, lanes.mean)
        for lane in range(min(LANES, movies[1] - first)):
            movie = first + lane
            vector = vectors[movie]
            out_of_lane(moments, lanes.matrices, lane)
            for p in range(len(moments)):
                moments[p] *= noise_var[movie]
            for k in range(width):
                vector[k] = lanes.mean[k, lane]
                variances[movie, k] = lanes.matrices[k, k, lane] * noise_var[movie]
            copy(factor_cov[movie], moments[width:])
            _add_square(moments, vector)
            left = _unexplained(gram[movie], moments, cross[movie], vector)
            squares[movie] = square[movie] + left


@njit(cache=True)
def _unexplained(gram, moments, cross, vector):  # type: ignore[no-untyped-def]
    """-2 q·cross + Σ_ab gram_ab E[q_a q_b]; of a packed matrix, what is off the diagonal twice."""
    width, total = len(vector), 0.0
    for k in range(width):
        total += 2.0 * (gram[k] * moments[k] - vector[k] * cross[k])
    total -= gram[0] * moments[0]
    place = width
    for k in range(1, width):
        for _ in range(1, k):
            total += 2.0 * gram[place] * moments[place]
            place += 1
        total += gram[place] * moments[place]
        place += 1
    return total
