"""EM of the flagship: its packed sums and side-by-side inverses against plain linear algebra."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ratecast.arrays import F64, I32, I64
from ratecast.models.state_space.em import Parameters
from ratecast.models.state_space.em_posterior import movie_posterior, user_posterior
from ratecast.models.state_space.em_sums import (
    MovieSums,
    column_sums,
    movie_sums,
    movie_terms,
)
from ratecast.models.state_space.structure import Structure
from ratecast.models.state_space.symmetric import (
    LANES,
    invert,
    lower_triangles,
    packed,
    unpacked,
)

FACTORS, USERS, MOVIES, ROWS = 3, 13, 11, 90
WIDTH = 1 + FACTORS
DRAW = np.random.default_rng(0)


def covariances(count: int, width: int) -> F64:
    """Positive definite matrices (count, width, width)."""
    root = DRAW.normal(size=(count, width, width + 2))
    return root @ root.transpose(0, 2, 1) / width


def grouped(keys: NDArray[np.integer], count: int) -> tuple[I64, NDArray[np.integer]]:
    """Borders of the groups, and the order of the rows; the last group is empty."""
    order = np.argsort(keys, kind="stable")
    return np.searchsorted(keys[order], np.arange(count + 1)), order


@pytest.fixture(scope="module")
def ratings() -> tuple[I32, I32, F64]:
    """Users, movies and stars; the last user and the last movie have none."""
    users, movies = DRAW.integers(0, USERS - 1, ROWS), DRAW.integers(0, MOVIES - 1, ROWS)
    return users.astype(np.int32), movies.astype(np.int32), DRAW.normal(3.5, 1, ROWS)


def test_a_packed_matrix_comes_back() -> None:
    matrix = covariances(1, 5)[0]
    numbers = packed(matrix)
    assert np.array_equal(unpacked(numbers), matrix)
    assert np.array_equal(numbers[5:], lower_triangles(matrix[None, 1:, 1:])[0])


@pytest.mark.parametrize("width", [1, 2, 17])
def test_each_lane_is_inverted_alone(width: int) -> None:
    matrices = covariances(LANES, width)
    lanes = matrices.transpose(1, 2, 0).copy()
    alone = np.repeat(lanes[:, :, 3:4], LANES, axis=2)
    for each in (lanes, alone):
        invert(each)
    found = np.tril(lanes.transpose(2, 0, 1))
    assert found == pytest.approx(np.tril(np.linalg.inv(matrices)), rel=1e-8, abs=1e-9)
    assert np.array_equal(lanes[:, :, 3], alone[:, :, 7])


@pytest.mark.parametrize(("number", "near"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_the_posterior_of_users_is_that_of_plain_algebra(
    number: type[np.floating], near: float, ratings: tuple[I32, I32, F64]
) -> None:
    users, movies, stars = ratings
    vectors, cov = DRAW.normal(size=(MOVIES, WIDTH)), covariances(MOVIES, FACTORS)
    noise, prior = DRAW.uniform(0.5, 1.5, MOVIES), covariances(1, WIDTH)[0] + np.eye(WIDTH)
    right = DRAW.normal(size=(USERS, WIDTH))
    edges, order = grouped(users, USERS)
    terms = movie_terms(vectors[:, 1:], lower_triangles(cov), noise, number)
    rated = edges, movies[order], stars[order]
    given = vectors[:, 0].copy(), terms
    means, moments = user_posterior(rated, given, (packed(prior), right))
    for user in range(USERS):
        precision, total = prior.copy(), right[user].copy()
        for movie, star in zip(movies[users == user], stars[users == user], strict=True):
            h = np.append(1.0, vectors[movie, 1:])
            precision += np.outer(h, h) / noise[movie]
            precision[1:, 1:] += cov[movie] / noise[movie]
            total += h * (star - vectors[movie, 0]) / noise[movie]
        mean = np.linalg.solve(precision, total)
        second = np.linalg.inv(precision) + np.outer(mean, mean)
        assert means[user] == pytest.approx(mean, rel=near, abs=near)
        assert unpacked(moments[user, :-WIDTH].astype(np.float64)) == pytest.approx(
            second, rel=near, abs=near
        )
        assert moments[user, -WIDTH:] == pytest.approx(mean, rel=near, abs=near)
    counted = np.arange(USERS) % 2 == 0
    assert column_sums(moments, counted) == pytest.approx(moments[counted].sum(axis=0), rel=near)


def test_the_posterior_of_movies_is_that_of_plain_algebra(ratings: tuple[I32, I32, F64]) -> None:
    users, movies, stars = ratings
    means, cov = DRAW.normal(size=(USERS, WIDTH)), covariances(USERS, WIDTH)
    scale, noise = DRAW.uniform(0.5, 2, WIDTH), DRAW.uniform(0.5, 1.5, MOVIES)
    l2, prior = DRAW.uniform(1, 2, (MOVIES, WIDTH)), DRAW.normal(size=(MOVIES, WIDTH))
    terms = np.array([[*packed(c + np.outer(p, p)), *p] for p, c in zip(means, cov, strict=True)])
    edges, order = grouped(movies, MOVIES)
    sums = movie_sums((edges, users[order], stars[order]), 3.5, terms, scale)
    found = movie_posterior(sums, l2, prior, noise)
    means, cov = means * scale, cov * np.outer(scale, scale)
    for movie in range(MOVIES):
        plain = _plain_sums(movies == movie, ratings, means, cov)
        for one, other in zip(sums, plain, strict=True):
            assert one[movie] == pytest.approx(other, rel=1e-9, abs=1e-9)
        gram, cross = unpacked(plain.gram), plain.cross
        inverse = np.linalg.inv(gram + np.diag(l2[movie]))
        mean, own = inverse @ (cross + l2[movie] * prior[movie]), noise[movie] * inverse
        left = plain.square - 2 * mean @ cross + (gram * (own + np.outer(mean, mean))).sum()
        wanted = mean, left, np.diag(own), packed(own)[WIDTH:]
        for one, other in zip(found, wanted, strict=True):
            assert one[movie] == pytest.approx(other, rel=1e-8, abs=1e-8)


def _plain_sums(
    rows: NDArray[np.bool_], ratings: tuple[I32, I32, F64], means: F64, cov: F64
) -> MovieSums:
    """Those of one movie, by a loop over its ratings."""
    gram, cross, square, total = np.zeros((WIDTH, WIDTH)), np.zeros(WIDTH), 0.0, np.zeros(WIDTH)
    for user, star in zip(ratings[0][rows], ratings[2][rows], strict=True):
        w, spread = means[user].copy(), cov[user].copy()
        w[0], total = 1.0, total + means[user]
        spread[0], spread[:, 0] = 0.0, 0.0
        y = star - 3.5 - means[user, 0]
        gram += np.outer(w, w) + spread
        cross += w * y
        cross[1:] -= cov[user, 1:, 0]
        square += y * y + cov[user, 0, 0]
    return MovieSums(packed(gram), cross, np.array(square), total)


def test_whole_covariances_of_an_older_artifact_are_read() -> None:
    now = Parameters.initial(Structure(FACTORS), (MOVIES, 1, 2), 3.5, 0)
    whole = covariances(MOVIES, FACTORS)
    read = Parameters.restored(vars(now) | {"factor_cov": whole})
    assert np.array_equal(read.factor_cov, lower_triangles(whole))
    assert Parameters.restored(vars(read)).factor_cov is read.factor_cov
