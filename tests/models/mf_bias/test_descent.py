"""Every kernel beside a plain numpy loop on small data, and the same bits on any thread count."""

from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.modelling.factors.bilinear import known
from ratecast.modelling.factors.posterior_covariance import covers
from ratecast.modelling.kernels.csr import Heap, even, heaps, pieces, sorted_by
from ratecast.models.als.conjugate_gradients import sweep
from ratecast.models.bias import residual_sums
from ratecast.models.mf_bias.descent import DescentSettings, Task, factorize, rmse
from ratecast.models.mf_bias.dot_products import score
from ratecast.models.mf_bias.stratified_sgd import GROUPS, Strata, Weights, epoch
from ratecast.training import make_model
from tests.planted import tastes

USERS, MOVIES, ROWS, WIDTH = 40, 60, 900, 5


def triples(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratings of each pair at most once, users and movies from row 1 on."""
    draw = np.random.default_rng(seed)
    pairs = draw.choice((USERS - 1) * (MOVIES - 1), ROWS, replace=False)
    users, movies = 1 + pairs // (MOVIES - 1), 1 + pairs % (MOVIES - 1)
    above = draw.normal(size=ROWS)
    return users.astype(np.int32), movies.astype(np.int32), above.astype(np.float32)


def test_sorting_keeps_the_order_of_ties_and_every_row() -> None:
    users, movies, above = triples()
    edges, ordered = sorted_by(users, USERS, (users, movies, above))
    order = np.argsort(users, kind="stable")
    for column, wanted in zip(ordered, (users, movies, above), strict=True):
        np.testing.assert_array_equal(column, wanted[order])
    np.testing.assert_array_equal(np.diff(edges), np.bincount(users, minlength=USERS))


def test_groups_and_pieces_are_even() -> None:
    counts = np.random.default_rng(1).integers(0, 50, 1000)
    totals = np.bincount(even(counts, 16), counts, minlength=16)
    assert totals.max() - totals.min() <= 100
    edges = np.concatenate([[0], np.cumsum(counts)])
    cuts = pieces(edges, 16)
    assert cuts[0] == 0
    assert cuts[-1] == 1000
    assert np.diff(edges[cuts]).max() <= counts.sum() / 16 + 50


def strata_of(seed: int = 0) -> Strata:
    users, movies, above = triples(seed)
    by_user = Heap.of(users, movies, above, USERS)
    return Strata.of(by_user, np.bincount(movies, minlength=MOVIES))


def drawn(seed: int = 2) -> tuple[Weights, Weights]:
    draw = np.random.default_rng(seed)
    return Weights.drawn(USERS, WIDTH, 0.3, draw), Weights.drawn(MOVIES, WIDTH, 0.3, draw)


def test_blocks_of_one_stratum_share_nothing() -> None:
    strata = strata_of()
    users, movies, _ = strata.triples
    for turn in range(GROUPS):
        seen: list[tuple[set[int], set[int]]] = []
        for group in range(GROUPS):
            block = group * GROUPS + (group + turn) % GROUPS
            part = slice(strata.edges[block], strata.edges[block + 1])
            mine = set(users[part].tolist()), set(movies[part].tolist())
            assert not any(mine[0] & a or mine[1] & b for a, b in seen)
            seen.append(mine)


def test_an_epoch_takes_the_steps_of_a_plain_loop() -> None:
    strata, (users, movies) = strata_of(), drawn()
    wanted = users.copy(), movies.copy()
    rate, decay = 0.05, 0.03
    epoch(strata, (users, movies), (rate, decay), np.random.default_rng(3))
    for turn in np.random.default_rng(3).permutation(GROUPS):
        for group in range(GROUPS):
            block = group * GROUPS + (group + turn) % GROUPS
            for i in range(strata.edges[block], strata.edges[block + 1]):
                _plain_step(strata, i, wanted, rate, decay)
    for found, plain in zip((users, movies), wanted, strict=True):
        np.testing.assert_allclose(found.vectors, plain.vectors, atol=2e-5)
        np.testing.assert_allclose(found.biases, plain.biases, atol=2e-5)


def _plain_step(
    strata: Strata, i: int, sides: tuple[Weights, Weights], rate: float, decay: float
) -> None:
    user, movie = strata.triples[0][i], strata.triples[1][i]
    mine, theirs = sides[0].vectors[user].copy(), sides[1].vectors[movie].copy()
    said = sides[0].biases[user] + sides[1].biases[movie] + mine @ theirs
    step = rate * (strata.triples[2][i] - said)
    sides[0].biases[user] += step
    sides[1].biases[movie] += step
    sides[0].vectors[user] = (1 - rate * decay) * mine + step * theirs
    sides[1].vectors[movie] = (1 - rate * decay) * theirs + step * mine


@pytest.mark.threads
def test_any_number_of_threads_gives_the_same_bits() -> None:
    found, all_of_them = [], numba.get_num_threads()
    for threads in (1, all_of_them):
        numba.set_num_threads(threads)
        sides = drawn()
        epoch(strata_of(), sides, (0.05, 0.01), np.random.default_rng(0))
        found.append(sides[0].vectors.tobytes() + sides[1].vectors.tobytes())
    assert found[0] == found[1]


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


def test_sums_and_scores_are_those_of_numpy() -> None:
    users, movies, above = triples()
    biases = np.random.default_rng(6).normal(size=MOVIES)
    wanted = np.bincount(users, above - biases[movies], USERS)
    found = residual_sums(users, USERS, movies, above.astype(np.float64), biases)
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    mine, theirs = drawn()
    said = score(users, movies, mine.vectors, theirs.vectors)
    plain = (mine.vectors[users] * theirs.vectors[movies]).sum(axis=1)
    np.testing.assert_allclose(said, plain, atol=1e-6)


def test_the_best_epoch_of_validation_is_kept() -> None:
    train, valid = (Heap.of(*triples(seed), USERS) for seed in (0, 9))
    pulls = ((1.0, 1.0), (1.0, 1.0))
    task = Task(train, valid, MOVIES, pulls, WIDTH, 0.1, seed=0)
    settings = DescentSettings(epochs=30, learning_rate=0.1, l2=0.0, patience=2)
    sides, epochs = factorize(task, settings)
    assert epochs < 30, "noise has nothing to learn, so that more epochs only learn it by heart"
    again, _ = factorize(replace(task, valid=None), settings, epochs)
    assert rmse(sides, triples(9)) == rmse(again, triples(9))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mf_bias", {"solver": "kernel", "factors": 4, "l2_users": 2.0, "l2_movies": 2.0}),
        ("als", {"solver": "gradients", "factors": 2, "l2_factors": 1.0}),
    ],
)
def test_models_fitted_by_kernels_find_planted_tastes(name: str, settings: dict[str, Any]) -> None:
    train, test, noise = tastes(seed=0)
    if name == "mf_bias":
        settings = settings | {"descent": {"epochs": 60, "learning_rate": 0.05, "l2": 0.0}}
    model = make_model(name, **settings).fit(train)
    error = model.predict(test.requests()).stars - test.stars
    assert np.sqrt(np.mean(error**2)) < 1.25 * noise


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


@pytest.mark.parametrize(("name", "wrong"), [("mf_bias", "sgd"), ("als", "cholesky")])
def test_a_solver_that_is_not_known_is_refused(name: str, wrong: str) -> None:
    with pytest.raises(InputError, match="solver"):
        make_model(name, solver=wrong)
