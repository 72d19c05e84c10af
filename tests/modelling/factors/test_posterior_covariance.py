import numpy as np

from ratecast.modelling.factors.bilinear import known
from ratecast.modelling.factors.posterior_covariance import covers
from ratecast.modelling.kernels.csr import Heap, heaps
from tests.modelling.kernels.triples import MOVIES, USERS, WIDTH, triples


def test_covers_are_inverse_normal_matrices() -> None:
    users, movies, above = triples()
    vectors, ridges = np.random.default_rng(5).normal(size=(MOVIES, WIDTH)), np.arange(2.0, 6.0)
    found = covers(Heap.of(users, movies, above, USERS), vectors, ridges, share=0.5)
    assert found.shape == (USERS, 4, 4)
    for user in range(USERS):
        theirs = vectors[movies[users == user], :3]
        inputs = np.column_stack([np.ones(len(theirs)), theirs])
        more = 0.5 * len(theirs) * np.array([0, 1, 1, 1])
        wanted = np.linalg.inv(inputs.T @ inputs + np.diag(ridges + more))
        np.testing.assert_allclose(found[user], wanted, atol=1e-12)


def test_a_bias_that_must_stay_is_certain() -> None:
    rated = heaps(*triples(), (USERS, MOVIES))
    biases = np.zeros((USERS, 1)), np.ones((MOVIES, 1))
    factors = np.zeros((USERS, 2)), np.ones((MOVIES, 2))
    ridges = np.array([np.inf, 2.0, 2.0])
    (_, cover), _ = known(rated, biases, factors, (ridges, ridges))
    assert (cover[:, 0] == 0).all()
    assert (cover[:, 1, 1] > 0).all()
