import copy
from dataclasses import replace

import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.modelling.history.user_batches import NO_TIME
from ratecast.models.gaussian_process.conditioning import (
    BatchColumns,
    Process,
    not_conditioned,
    walk_users,
)
from ratecast.models.gaussian_process.em import RatingsByUser, fit_em
from ratecast.models.gaussian_process.model import GaussianProcess
from ratecast.models.gaussian_process.user_sums import (
    TimeBands,
    UserRows,
    UserSums,
    add_user,
    fill_covariance,
)
from tests.planted import planted, with_sides


def test_without_learning_it_is_plain_conditioning() -> None:
    table = planted(rows=300)
    model = GaussianProcess(iterations=0, timed=False).fit(table)
    rows = model.encode(table)
    kernel = 0.17 + 0.06 * np.eye(len(model.movies) - 1)
    own = rows.users == rows.users[0]
    movies, mean = rows.movies[own] - 1, table.stars.mean(dtype=np.float64)
    covariance = kernel[np.ix_(movies, movies)] + 0.6 * np.eye(len(movies))
    weights = np.linalg.solve(covariance, table.stars[own] - mean)
    expected = mean + kernel[np.ix_(movies, movies)] @ weights
    np.testing.assert_allclose(model.predict_rows(rows).mean[own], expected, atol=1e-4)


def test_iterations_raise_the_likelihood() -> None:
    random = np.random.default_rng(0)
    users, movies = (
        np.repeat(np.arange(1, 81), 10),
        np.concatenate([random.permutation(20)[:10] for _ in range(80)]),
    )
    taste = random.normal(size=(81, 2)) @ random.normal(size=(2, 20))
    stars = (taste[users, movies] + random.normal(0, 0.3, 800)).astype(np.float32)
    ratings = RatingsByUser.of(users.astype(np.int32), movies.astype(np.int32), stars, None)
    prior = (0.1 + 0.5 * np.eye(20)).astype(np.float32)

    def loss(iterations: int) -> float:
        state = fit_em(ratings, prior, GaussianProcess(iterations=iterations, timed=False))
        total = 0.0
        for part in ratings.by_user():
            movies = ratings.movies[part]
            a = state.covariance[np.ix_(movies, movies)] + state.variances[0] * np.eye(10)
            r = stars[part] - state.offset[movies]
            total += float(np.linalg.slogdet(a)[1] + r @ np.linalg.solve(a, r))
        return total

    assert loss(8) < loss(2) < loss(0)


def test_updates_are_plain_conditioning_in_time() -> None:
    random = np.random.default_rng(0)
    root = random.normal(size=(9, 9))
    process = (root @ root.T).astype(np.float32)
    movies, residual = random.integers(9, size=14), random.normal(size=14)
    at = np.sort(random.integers(5, size=14)) * 3000
    at[0] = NO_TIME
    group = np.searchsorted(np.unique(at), at)
    group[group < 2] = -1
    variances, scales = np.array([0.5, 0.2, 0.3, 0.4]), np.array([900.0])
    mean, variance, _ = walk_users(
        BatchColumns(np.array([0, 14]), movies, residual, at, group),
        Process(process, process[:0], np.zeros(0, np.float32), variances, scales),
        not_conditioned(),
    )
    seconds = np.maximum(at, 0)
    gap = np.abs(seconds[:, None] - seconds[None, :])
    times = 0.2 * (gap == 0) + 0.3 + 0.4 * np.exp(-gap / 900)
    times[0] = times[:, 0] = 0
    times[0, 0] = 0.9
    whole = process[np.ix_(movies, movies)] + times
    for row in np.flatnonzero(group >= 0):
        past = group < group[row]
        inverse = np.linalg.inv(whole[np.ix_(past, past)] + 0.5 * np.eye(past.sum()))
        cross = whole[row, past]
        assert mean[row] == pytest.approx(cross @ inverse @ residual[past], abs=1e-5)
        rest = whole[row, row] + 0.5 - cross @ inverse @ cross
        assert variance[row] == pytest.approx(rest, abs=1e-5)


def test_new_movies_get_a_covariance() -> None:
    """One after the other or at once, with the same bits; the covariance stays one."""
    table = with_sides(planted())
    once = table.frame.unique(("user", "movie"), keep="last", maintain_order=True)
    table = replace(table, frame=once)
    some = table.frame["movie"].to_numpy() <= 30
    model = GaussianProcess().fit(table.take(some))
    others = table.take(~some)
    one, other = copy.deepcopy(model), copy.deepcopy(model)
    one.observe(others)
    for row in range(40):
        other.observe(others.take(slice(row, row + 1)))
    other.observe(others.take(slice(40, None)))
    assert len(one.movies) == 41
    np.testing.assert_array_equal(one._covariance, other._covariance)
    np.testing.assert_allclose(one._covariance, one._covariance.T, atol=1e-6)
    noisy = one._covariance + one._variances[0] * np.eye(40)
    assert np.linalg.eigvalsh(noisy).min() > 0.5 * one._variances[0]


def test_too_many_movies_are_refused() -> None:
    with pytest.raises(InputError, match="max_movies"):
        GaussianProcess(max_movies=10).fit(planted())


def test_sums_over_users_are_those_of_whole_matrices() -> None:
    """With times far apart, in one second and on one day, and a movie that a user rated twice."""
    random = np.random.default_rng(1)
    size, count, scales = 12, 9, [600.0, 3600.0]
    users = np.repeat([1, 2], size).astype(np.int32)
    movies = random.integers(count, size=2 * size).astype(np.int32)
    times = random.choice([0, 0, 50, 900, 5000, 90000, 400000], 2 * size).astype(np.int64)
    stars = random.normal(size=2 * size).astype(np.float32)
    ratings = RatingsByUser.of(users, movies, stars, times)
    root = random.normal(size=(count, count))
    covariance, variances = (root @ root.T).astype(np.float32), np.array([0.6, 0.2, 0.3, 0.4, 0.5])
    zeros = np.zeros(count), np.zeros(count), np.zeros(5)
    sums = UserSums(np.zeros((count, count), np.float32), *zeros)
    bands = TimeBands.of(ratings.users, ratings.times, scales)
    rows, single = UserRows(ratings.movies, ratings.stars, bands), variances.astype(np.float32)
    expected, by_kernel = np.zeros((count, count)), np.zeros(5)
    assert ratings.times is not None
    for part in ratings.by_user():
        own, at, r = ratings.movies[part], ratings.times[part], ratings.stars[part]
        gap = np.abs(at[:, None] - at)
        kernels = [np.eye(size), gap == 0, at[:, None] // 86400 == at // 86400]
        kernels += [np.exp(-gap / scale) for scale in scales]
        a = covariance[np.ix_(own, own)] + sum(
            v * kernel for v, kernel in zip(variances, kernels, strict=True)
        )
        edges, found = (part.start, part.stop), np.empty((size, size), np.float32)
        fill_covariance(edges, rows, covariance, single, found)
        np.testing.assert_allclose(np.tril(found), np.tril(a), atol=1e-5)
        inverse = np.linalg.inv(a)
        add_user(edges, rows, inverse.astype(np.float32), 5.0, sums)
        weights = inverse @ r
        gradient = np.outer(weights, weights) * (5 + size) / (5 + r @ weights) - inverse
        np.add.at(expected, np.ix_(own, own), gradient)
        by_kernel += [(gradient * kernel).sum() for kernel in kernels]
    np.testing.assert_allclose(sums.gradient + sums.gradient.T, expected, atol=1e-4)
    np.testing.assert_allclose(sums.variances, by_kernel, rtol=1e-4)
