import copy

import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.modelling.history.user_batches import NO_TIME
from ratecast.models.gaussian_process.conditioning import follow
from ratecast.models.gaussian_process.em import ByUser, learn
from ratecast.models.gaussian_process.model import GaussianProcess
from tests.planted import planted, with_sides


def test_gp_without_learning_is_plain_conditioning() -> None:
    table = planted(rows=300)
    model = GaussianProcess(iterations=0, timed=False).fit(table)
    rows = model.encode(table)
    kernel = 0.17 + 0.06 * np.eye(len(model.movies) - 1)
    mine = rows.users == rows.users[0]
    heard, mean = rows.movies[mine] - 1, table.stars.mean(dtype=np.float64)
    covariance = kernel[np.ix_(heard, heard)] + 0.6 * np.eye(len(heard))
    weights = np.linalg.solve(covariance, table.stars[mine] - mean)
    expected = mean + kernel[np.ix_(heard, heard)] @ weights
    np.testing.assert_allclose(model.predict_rows(rows).mean[mine], expected, atol=1e-4)


def test_gp_rounds_raise_the_likelihood() -> None:
    random = np.random.default_rng(0)
    users, movies = (
        np.repeat(np.arange(1, 81), 10),
        np.concatenate([random.permutation(20)[:10] for _ in range(80)]),
    )
    taste = random.normal(size=(81, 2)) @ random.normal(size=(2, 20))
    stars = (taste[users, movies] + random.normal(0, 0.3, 800)).astype(np.float32)
    history = ByUser.of(users.astype(np.int32), movies.astype(np.int32), stars, None)
    prior = (0.1 + 0.5 * np.eye(20)).astype(np.float32)

    def surprise(rounds: int) -> float:
        state = learn(history, prior, GaussianProcess(iterations=rounds, timed=False))
        total = 0.0
        for part in history.by_user():
            heard = history.movies[part]
            a = state.covariance[np.ix_(heard, heard)] + state.variances[0] * np.eye(10)
            r = stars[part] - state.offset[heard]
            total += float(np.linalg.slogdet(a)[1] + r @ np.linalg.solve(a, r))
        return total

    assert surprise(8) < surprise(2) < surprise(0)


def test_gp_hears_as_plain_conditioning_in_time() -> None:
    random = np.random.default_rng(0)
    root = random.normal(size=(9, 9))
    process = (root @ root.T).astype(np.float32)
    movies, above = random.integers(9, size=14), random.normal(size=14)
    at = np.sort(random.integers(5, size=14)) * 3000
    at[0] = NO_TIME
    moment = np.searchsorted(np.unique(at), at)
    moment[moment < 2] = -1
    variances, fading = np.array([0.5, 0.2, 0.3, 0.4]), np.array([900.0])
    mean, variance = follow(
        (np.array([0, 14]), movies, above, at, moment),
        (process, process[:0], np.zeros(0, np.float32)),
        (variances, fading),
    )
    seconds = np.maximum(at, 0)
    gap = np.abs(seconds[:, None] - seconds[None, :])
    times = 0.2 * (gap == 0) + 0.3 + 0.4 * np.exp(-gap / 900)
    times[0] = times[:, 0] = 0
    times[0, 0] = 0.9
    whole = process[np.ix_(movies, movies)] + times
    for row in np.flatnonzero(moment >= 0):
        heard = moment < moment[row]
        inverse = np.linalg.inv(whole[np.ix_(heard, heard)] + 0.5 * np.eye(heard.sum()))
        cross = whole[row, heard]
        assert mean[row] == pytest.approx(cross @ inverse @ above[heard], abs=1e-5)
        left = whole[row, row] + 0.5 - cross @ inverse @ cross
        assert variance[row] == pytest.approx(left, abs=1e-5)


def test_gp_takes_up_movies_that_it_never_met() -> None:
    """One after the other or at once, with the same bits; the covariance stays one."""
    table = with_sides(planted())
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


def test_gp_says_when_there_are_too_many_movies() -> None:
    with pytest.raises(InputError, match="max_movies"):
        GaussianProcess(max_movies=10).fit(planted())
