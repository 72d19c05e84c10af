import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.factors.bilinear import BothSides, with_covariance
from ratecast.modelling.factors.posterior_covariance import (
    MAX_UPDATED,
    leading_directions,
    leading_first,
    posterior_covariance,
)
from ratecast.modelling.kernels.csr import Grouped, by_user_and_movie
from tests.modelling.kernels.triples import MOVIES, USERS, WIDTH, triples


def test_posterior_covariances_are_inverse_normal_matrices() -> None:
    users, movies, centred = triples()
    vectors, l2 = np.random.default_rng(5).normal(size=(MOVIES, WIDTH)), np.arange(2.0, 6.0)
    grouped = Grouped.of(users, movies, centred, USERS)
    covariance = posterior_covariance(grouped, vectors, l2, l2_per_rating=0.5)
    assert covariance.shape == (USERS, 4, 4)
    for user in range(USERS):
        factors_rated = vectors[movies[users == user], :3]
        inputs = np.column_stack([np.ones(len(factors_rated)), factors_rated])
        more = 0.5 * len(factors_rated) * np.array([0, 1, 1, 1])
        wanted = np.linalg.inv(inputs.T @ inputs + np.diag(l2 + more))
        np.testing.assert_allclose(covariance[user], wanted, atol=1e-12)


def test_a_bias_that_must_stay_is_certain() -> None:
    grouped = by_user_and_movie(*triples(), (USERS, MOVIES))
    biases = BothSides(np.zeros((USERS, 1)), np.ones((MOVIES, 1)))
    factors = BothSides(np.zeros((USERS, 2)), np.ones((MOVIES, 2)))
    l2 = np.array([np.inf, 2.0, 2.0])
    covariance = with_covariance(grouped, biases, factors, BothSides(l2, l2)).users.covariance
    assert (covariance[:, 0] == 0).all()
    assert (covariance[:, 1, 1] > 0).all()


def test_leading_directions() -> None:
    random = np.random.default_rng(0)
    narrow: F64 = random.normal(size=(50, 5))
    assert np.array_equal(leading_directions(narrow), np.eye(5))
    users, movies = (random.normal(size=(n, 6)) @ random.normal(size=(6, 60)) for n in (40, 50))
    both = np.vstack([users, movies])
    directions = leading_directions(both)
    np.testing.assert_allclose(directions.T @ directions, np.eye(MAX_UPDATED), atol=1e-9)
    np.testing.assert_allclose(both @ directions @ directions.T, both, atol=1e-9)
    of_users, of_movies = leading_first(users, movies)
    np.testing.assert_allclose(of_users @ of_movies.T, users @ movies.T, atol=1e-8)
