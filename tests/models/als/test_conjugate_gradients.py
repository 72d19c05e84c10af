import numpy as np

from ratecast.modelling.kernels.csr import Heap
from ratecast.models.als.conjugate_gradients import sweep
from ratecast.training import make_model
from tests.modelling.kernels.triples import MOVIES, USERS, WIDTH, triples
from tests.planted import tastes


def test_a_sweep_ends_where_ridge_regression_does() -> None:
    users, movies, above = triples()
    draw = np.random.default_rng(4)
    theirs = draw.normal(0, 0.5, (MOVIES, 1 + WIDTH)).astype(np.float32)
    mean = draw.normal(0, 0.2, 1 + WIDTH).astype(np.float32)
    mine = np.zeros((USERS, 1 + WIDTH), np.float32)
    ridges = 3.0, 2.0, 0.1
    for _ in range(6):
        sweep(Heap.of(users, movies, above, USERS), mine, theirs, mean, ridges)
    for user in range(USERS):
        rows = users == user
        inputs = theirs[movies[rows]].astype(float)
        target = above[rows] - inputs[:, 0]
        inputs[:, 0] = 1
        pull = np.diag([3.0, *[2.0 + 0.1 * rows.sum()] * WIDTH])
        wanted = np.linalg.solve(inputs.T @ inputs + pull, inputs.T @ target + pull @ mean)
        np.testing.assert_allclose(mine[user], wanted, atol=1e-4)


def test_both_solvers_of_als_keep_the_same_priors() -> None:
    train, test, _ = tastes(seed=0)
    exact, gradients = (
        make_model("als", solver=solver, factors=2, l2_per_rating=0.3, iterations=60).fit(train)
        for solver in ("exact", "gradients")
    )
    asked = test.requests()
    np.testing.assert_allclose(
        exact.predict(asked).stars, gradients.predict(asked).stars, atol=2e-3
    )
    np.testing.assert_allclose(
        exact.predict(asked).probabilities, gradients.predict(asked).probabilities, atol=2e-3
    )
