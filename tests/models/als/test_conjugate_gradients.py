import numpy as np

from ratecast.modelling.kernels.csr import Grouped
from ratecast.models.als.conjugate_gradients import FixedSide, Prior, solve_rows
from ratecast.training import make_model
from tests.modelling.kernels.triples import MOVIES, USERS, WIDTH, triples
from tests.planted import tastes


def test_conjugate_gradients_end_where_ridge_regression_does() -> None:
    users, movies, centred = triples()
    draw = np.random.default_rng(4)
    movie_weights = draw.normal(0, 0.5, (MOVIES, 1 + WIDTH)).astype(np.float32)
    mean = draw.normal(0, 0.2, 1 + WIDTH).astype(np.float32)
    weights = np.zeros((USERS, 1 + WIDTH), np.float32)
    prior = Prior(mean, 3.0, 2.0, 0.1)
    grouped = Grouped.of(users, movies, centred, USERS)
    other = FixedSide.of(movie_weights, np.bincount(movies, minlength=MOVIES))
    for _ in range(6):
        solve_rows(grouped, weights, other, prior)
    for user in range(USERS):
        rows = users == user
        inputs = movie_weights[movies[rows]].astype(float)
        target = centred[rows] - inputs[:, 0]
        inputs[:, 0] = 1
        l2 = np.diag([3.0, *[2.0 + 0.1 * rows.sum()] * WIDTH])
        wanted = np.linalg.solve(inputs.T @ inputs + l2, inputs.T @ target + l2 @ mean)
        np.testing.assert_allclose(weights[user], wanted, atol=1e-4)


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
