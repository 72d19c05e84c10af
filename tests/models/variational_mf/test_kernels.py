import numpy as np

from ratecast.models.variational_mf.kernels import fill_posterior, fill_squares

USERS, MOVIES, WIDTH = 3, 4, 3


def drawn(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights, and positive definite covariances."""
    random = np.random.default_rng(seed)
    roots = random.normal(size=(rows, WIDTH, WIDTH))
    return random.normal(size=(rows, WIDTH)), roots @ roots.transpose(0, 2, 1) / 9


def draws(moments: tuple[np.ndarray, np.ndarray], row: int, seed: int) -> np.ndarray:
    weights, covariance = moments
    random = np.random.default_rng(seed)
    return random.multivariate_normal(weights[row], covariance[row], 400_000)


GROUPS = (np.array([0, 2, 2, 5]), np.array([1, 3, 0, 1, 2], np.int32), np.arange(5.0) - 2)


def test_the_posterior_solves_the_expected_normal_equations() -> None:
    """E[h h'] and E[(r - b) h] of each rating, from draws of the movies' weights."""
    movies = drawn(1, MOVIES)
    own, other = np.array([1.0, 2.0, 0.5]), np.array([1.0, 3.0, 1.0, 1.0])
    mean, variance = drawn(2, USERS)[0], np.array([0.5, 1.0, 2.0])
    weights, covariance = np.empty((USERS, WIDTH)), np.empty((USERS, WIDTH, WIDTH))
    prior = mean, variance
    fill_posterior((0, USERS), (GROUPS, (own, other)), movies, prior, (weights, covariance))
    edges, columns, stars = GROUPS
    for user in range(USERS):
        precision, right = np.diag(1 / variance), mean[user] / variance
        for i in range(edges[user], edges[user + 1]):
            drawn_weights = draws(movies, columns[i], seed=i)
            inputs = drawn_weights.copy()
            inputs[:, 0] = 1
            noise = own[user] * other[columns[i]]
            precision = precision + noise * inputs.T @ inputs / len(inputs)
            right = right + noise * ((stars[i] - drawn_weights[:, 0]) @ inputs) / len(inputs)
        np.testing.assert_allclose(covariance[user], np.linalg.inv(precision), atol=0.01)
        np.testing.assert_allclose(weights[user], np.linalg.solve(precision, right), atol=0.03)


def test_a_row_without_ratings_keeps_its_prior() -> None:
    mean, variance = drawn(2, USERS)[0], np.array([0.5, 1.0, 2.0])
    weights, covariance = np.empty((USERS, WIDTH)), np.empty((USERS, WIDTH, WIDTH))
    ones = np.ones(USERS), np.ones(MOVIES)
    out = weights, covariance
    fill_posterior((0, USERS), (GROUPS, ones), drawn(1, MOVIES), (mean, variance), out)
    np.testing.assert_allclose(weights[1], mean[1])
    np.testing.assert_allclose(covariance[1], np.diag(variance), atol=1e-12)


def test_squares_are_those_of_draws() -> None:
    users, movies, out = drawn(3, USERS), drawn(4, MOVIES), np.empty(USERS)
    fill_squares((0, USERS), GROUPS, users, movies, out)
    edges, columns, stars = GROUPS
    for user in range(USERS):
        wanted = 0.0
        for i in range(edges[user], edges[user + 1]):
            u, m = draws(users, user, seed=10 + i), draws(movies, columns[i], seed=20 + i)
            score = u[:, 0] + m[:, 0] + (u[:, 1:] * m[:, 1:]).sum(axis=1)
            wanted += float(np.square(stars[i] - score).mean())
        np.testing.assert_allclose(out[user], wanted, rtol=0.03, atol=1e-12)
