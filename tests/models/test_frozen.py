"""The models of the frozen protocols: kernels against plain numpy, and planted answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from ratecast.errors import InputError
from ratecast.models import MODELS, load_model, model_class
from ratecast.models import bfm_gibbs as kernels
from ratecast.models.bfm import BayesianFM, _normed
from ratecast.models.bfm_chain import Block, Chain
from ratecast.models.cold import Newcomer
from ratecast.models.cold_lmm import Kinds, fit_mixed, groups
from ratecast.models.gp import ItemGaussianProcess
from ratecast.models.gp_em import History, learn
from ratecast.models.traits import Labels
from ratecast.ratings import Ratings, Requests
from ratecast.splits import chronological
from tests.planted import planted

FROZEN = ("bfm", "gp", "cold", "blend")


def with_sides(table: Ratings) -> Ratings:
    users = pl.DataFrame({"user": range(1, 61), "age": [20 + k % 40 for k in range(60)]})
    users = users.with_columns(
        gender=pl.when(pl.col("user") % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        zip=pl.col("user").cast(pl.String),
    )
    genres = [["Comedy"], ["Drama", "War"], []]
    movies = pl.DataFrame(
        {
            "movie": range(1, 41),
            "year": [None if k == 3 else 1950 + k for k in range(40)],
            "genres": [genres[k % 3] for k in range(40)],
        }
    )
    return replace(table, users=users, movies=movies)


def rmse(model_stars: np.ndarray, given: np.ndarray) -> float:
    return float(np.sqrt(np.mean((model_stars - given) ** 2)))


def small_block(random: np.random.Generator, index: np.ndarray) -> Block:
    features = sp.csc_array(random.normal(size=(5, 7)) * (random.random((5, 7)) < 0.6))
    block = Block(features, np.array([0, 0, 0, 1, 1, 1, 1], np.int32), index, 2)
    block.start(random)
    return block


def test_gather_and_settle_equal_plain_sums() -> None:
    random = np.random.default_rng(0)
    index = random.integers(5, size=40).astype(np.int32)
    times, trust, error = random.normal(size=40), random.random(40), random.normal(size=40)
    sums = np.empty((2, 5))
    kernels.gather(index, times, trust, error, sums)
    np.testing.assert_allclose(sums[0], np.bincount(index, trust * error * times, 5))
    np.testing.assert_allclose(sums[1], np.bincount(index, trust * times**2, 5))
    step, expected = random.normal(size=5), error.copy()
    kernels.settle(index, times, step, error)
    np.testing.assert_allclose(error, expected - step[index] * times)


def test_draws_have_the_mean_and_spread_of_the_exact_posterior() -> None:
    random = np.random.default_rng(1)
    index = random.integers(5, size=60).astype(np.int32)
    block = small_block(random, index)
    design = block.features.toarray()[index]
    target, trust, ones = random.normal(size=60), random.random(60) + 0.5, np.ones(60)
    block.precision = np.full((3, 2), 2.0)
    inverse = np.linalg.inv(design.T @ (trust[:, None] * design) + 2 * np.eye(7))
    exact = inverse @ (design.T @ (trust * target))
    error = target - block.total[0][index]
    kernels.seed_kernels(3)
    draws = []
    for _ in range(20_000):
        block.draw_factor(0, ones, trust, error)
        draws.append(block.coefficients[0].copy())
    np.testing.assert_allclose(np.mean(draws, 0), exact, atol=0.03)
    np.testing.assert_allclose(np.cov(np.array(draws).T), inverse, atol=0.04)


def test_a_chain_keeps_its_errors_and_totals_current() -> None:
    random = np.random.default_rng(2)
    user = small_block(random, random.integers(5, size=80).astype(np.int32))
    movie = small_block(random, random.integers(5, size=80).astype(np.int32))
    stars = random.normal(3, 1, 80)
    chain = Chain(stars, user, movie, [], seed=0)
    for _ in range(20):
        chain.sweep()
    linear = user.total[0][user.index] + movie.total[0][movie.index]
    np.testing.assert_allclose(
        chain.error, stars - chain.level - linear - chain._product(), atol=1e-9
    )
    np.testing.assert_allclose(user.total, (user.features @ user.coefficients.T).T, atol=1e-9)


def test_bfm_recovers_a_planted_product_of_factors() -> None:
    random = np.random.default_rng(0)
    p, q = random.normal(size=(80, 2)), random.normal(size=(50, 2))
    user, movie = np.repeat(np.arange(80), 50), np.tile(np.arange(50), 80)
    stars = 3 + 0.5 * (p[user] * q[movie]).sum(axis=1) + random.normal(0, 0.1, 4000)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars.astype(np.float32)})
    held = random.random(4000) < 0.3
    table = replace(planted(), frame=frame)
    model = BayesianFM(factors=3, chains=1).fit(table.take(~held))
    rows = model._rows(table.take(held))
    assert rmse(model._expect(rows).mean, stars[held]) < 0.25


def test_sets_are_normed_and_a_stranger_has_their_mean() -> None:
    pairs = sp.csr_array(np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]], float))
    normed = _normed(pairs).toarray()
    np.testing.assert_allclose(normed[1], [0.5**0.5, 0.5**0.5])
    np.testing.assert_allclose(normed[0], (2 * normed[1] + normed[2]) / 3)


def test_gp_without_learning_is_plain_conditioning() -> None:
    table = planted(rows=300)
    model = ItemGaussianProcess(rounds=0, timed=False).fit(table)
    rows = model._rows(table)
    kernel = 0.17 + 0.06 * np.eye(len(model.movies) - 1)
    mine = rows.users == rows.users[0]
    heard, mean = rows.movies[mine] - 1, table.stars.mean(dtype=np.float64)
    covariance = kernel[np.ix_(heard, heard)] + 0.6 * np.eye(len(heard))
    weights = np.linalg.solve(covariance, table.stars[mine] - mean)
    expected = mean + kernel[np.ix_(heard, heard)] @ weights
    np.testing.assert_allclose(model._expect(rows).mean[mine], expected, atol=1e-4)


def test_gp_rounds_raise_the_likelihood() -> None:
    random = np.random.default_rng(0)
    users, movies = (
        np.repeat(np.arange(1, 81), 10),
        np.concatenate([random.permutation(20)[:10] for _ in range(80)]),
    )
    taste = random.normal(size=(81, 2)) @ random.normal(size=(2, 20))
    stars = (taste[users, movies] + random.normal(0, 0.3, 800)).astype(np.float32)
    history = History.of(users.astype(np.int32), movies.astype(np.int32), stars, None)
    prior = (0.1 + 0.5 * np.eye(20)).astype(np.float32)

    def surprise(rounds: int) -> float:
        state = learn(history, prior, ItemGaussianProcess(rounds=rounds, timed=False))
        total = 0.0
        for part in history.by_user():
            heard = history.movies[part]
            a = state.covariance[np.ix_(heard, heard)] + state.variances[0] * np.eye(10)
            r = stars[part] - state.offset[heard]
            total += float(np.linalg.slogdet(a)[1] + r @ np.linalg.solve(a, r))
        return total

    assert surprise(8) < surprise(2) < surprise(0)


def test_gp_says_when_there_are_too_many_movies() -> None:
    with pytest.raises(InputError, match="most_movies"):
        ItemGaussianProcess(most_movies=10).fit(planted())


def test_mixed_model_equals_the_normal_equations() -> None:
    random = np.random.default_rng(0)
    user, movie = random.integers(6, size=60), random.integers(5, size=60)
    genres = sp.csr_array((random.random((5, 3)) < 0.5).astype(float)[movie])
    people = {"gender": (user % 2, 2)}
    kinds = Kinds(user, movie, people, genres, (movie % 2, 2), (6, 5))
    stars, weight = random.normal(3, 1, 60), random.random(60) + 0.5
    mixed = fit_mixed(kinds, stars, weight, sweeps=400)
    weight = weight / weight.mean()
    found = groups(kinds)
    design = np.hstack([group.features.toarray() for group in found.values()])
    ridge = np.concatenate([np.full(g.features.shape[1], g.ridge) for g in found.values()])
    gram = design.T @ (weight[:, None] * design) + np.diag(ridge)
    exact = np.linalg.solve(gram, design.T @ (weight * (stars - mixed.level)))
    ours = np.concatenate(list(mixed.coefficients.values()))
    np.testing.assert_allclose(ours, exact, atol=1e-6)


def test_cold_never_looks_at_the_users_own_ratings() -> None:
    table = with_sides(planted())
    model = Newcomer().fit(table)
    known = model.predict(Requests.of([1], [1], at=2_000_000))
    same_kind = Requests(
        pl.DataFrame({"user": [999], "movie": [1]}),
        users=table.users.filter(pl.col("user") == 1).with_columns(user=pl.lit(999, pl.Int64)),
    )
    np.testing.assert_allclose(known.stars, model.predict(same_kind).stars)


def test_labels_not_met_in_train_count_as_absent() -> None:
    side = with_sides(planted()).movies
    labels = Labels.of(side)
    other = pl.DataFrame({"movie": [99], "year": [1890], "genres": [["Opera", "War"]]})
    matrices = labels.matrices(other)
    assert matrices["year"].nnz == 0
    assert matrices["genres"].toarray().sum() == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("name", FROZEN)
def test_side_information_of_a_stranger_is_used(name: str, tmp_path: Path) -> None:
    split = chronological(with_sides(planted()))
    model = model_class(name)().fit(split.train)
    asked = Requests(
        pl.DataFrame({"user": [999, 999, 998], "movie": [999, 1, 999], "at": [9_000_000] * 3}),
        movies=pl.DataFrame({"movie": [999], "year": [1960], "genres": [["Drama"]]}),
        users=pl.DataFrame({"user": [999], "age": [30], "gender": ["F"], "zip": ["9"]}),
    )
    stars = model.predict(asked).stars
    assert np.isfinite(stars).all()
    model.save(tmp_path / "artifact")
    np.testing.assert_array_equal(load_model(tmp_path / "artifact").predict(asked).stars, stars)


def test_all_are_in_the_table() -> None:
    assert set(FROZEN) <= set(MODELS)
