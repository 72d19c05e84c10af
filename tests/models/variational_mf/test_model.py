from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.factors.unknown_users import DAMPING, unknown_user_weights
from ratecast.models.bias import Bias
from ratecast.models.variational_mf.model import VariationalMF
from ratecast.ratings import Ratings, Scale, checked
from tests.planted import planted, rmse, tastes

SMALL: dict[str, Any] = {"factors": 2, "iterations": 10}


def sparse_biases(rows: int, per_user: float, seed: int) -> Ratings:
    """Biases of users (deviation 0.8) and movies (0.4), noise 0.8, and nothing else."""
    random = np.random.default_rng(seed)
    users, movies = int(rows / per_user), rows // 8
    user, movie = random.integers(0, users, rows), random.integers(0, movies, rows)
    stars = 3 + random.normal(0, 0.8, users)[user] + random.normal(0, 0.4, movies)[movie]
    stars += random.normal(0, 0.8, rows)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars.clip(-3, 9)})
    frame = frame.unique(["user", "movie"], keep="first", maintain_order=True)
    return checked(Ratings(frame, scale=Scale(-3, 9, None)))


def parts(table: Ratings, seed: int = 0) -> tuple[Ratings, Ratings]:
    test = np.random.default_rng(seed).random(len(table)) < 0.2
    return table.take(~test), table.take(test)


def error(model: Any, test: Ratings) -> float:
    return rmse(model.predict(test.requests()).stars, test.stars)


def test_an_update_is_the_exact_posterior_with_the_users_noise() -> None:
    """While the movies stand still, one rating after another gives the normal equations of all."""
    table = planted(rows=3000, seed=4)
    model = VariationalMF(**SMALL).fit(table)
    sides = model.state.sides
    sides.movies.covariance[:] = 0
    new = table.frame.filter(pl.col("user") == 1).with_columns(pl.lit(999, pl.Int64).alias("user"))
    new = new.unique("movie", keep="last")
    given = checked(Ratings(new, scale=table.scale))
    movies = sides.movies.weights[model.movies.encode(given.frame["movie"])]
    inputs = np.column_stack([np.ones(len(given)), movies[:, 1:]])
    target = model.state.centring.centred(given.stars) - movies[:, 0]
    precision, prior = np.linalg.inv(sides.users.covariance[0]), sides.users.weights[0].copy()
    noise = model.arrays()["user_noise"][0]
    wanted = np.linalg.solve(
        inputs.T @ inputs / noise + precision, precision @ prior + inputs.T @ target / noise
    )
    model.observe(given)
    np.testing.assert_allclose(model.state.sides.users.weights[-1], wanted, atol=1e-10)


def test_finds_planted_factors() -> None:
    train, test, noise = tastes(seed=0)
    model = VariationalMF(factors=6).fit(train)
    assert error(model, test) < 1.2 * noise


def test_factors_that_a_table_does_not_have_get_no_weight() -> None:
    """Of six factors two are planted: four have next to no variance."""
    train, _, _ = tastes(seed=0)
    sides = VariationalMF(factors=6, implicit_factors=0, iterations=200).fit(train).state.sides
    of_users, of_movies = (np.square(side.weights[1:, 1:]).mean(axis=0) for side in sides)
    size = np.sort(of_users * of_movies)
    assert size[-2] > 0.02
    assert size[3] < 0.02 * size[-2]


@pytest.mark.parametrize("per_user", [1.2, 4.0, 20.0])
def test_on_biases_alone_it_is_as_good_as_the_best_damping(per_user: float) -> None:
    train, test = parts(sparse_biases(12_000, per_user, seed=1))
    # The variances that were planted: 0.64 of the noise, over 0.64 and 0.16.
    best = error(Bias(user_damping=1.0, movie_damping=4.0).fit(train), test)
    assert error(VariationalMF(factors=0, implicit_factors=0).fit(train), test) < 1.003 * best
    assert error(VariationalMF().fit(train), test) < 1.012 * best


def test_dampings_are_those_of_the_planted_variances() -> None:
    model = VariationalMF(factors=0, implicit_factors=0)
    model.fit(sparse_biases(20_000, 20.0, seed=2))
    unknown = [side.covariance[0, 0, 0] for side in model.state.sides]
    assert 1 / unknown[0] == pytest.approx(1.0, rel=0.15)
    assert 1 / unknown[1] == pytest.approx(4.0, rel=0.15)


def test_a_noisy_user_has_a_wide_forecast() -> None:
    random = np.random.default_rng(5)
    table = sparse_biases(20_000, 50.0, seed=3)
    wild = (table.frame["user"] < 100).to_numpy()
    stars = table.stars + np.where(wild, random.normal(0, 1.6, len(table)), 0)
    frame = table.frame.with_columns(pl.Series("rating", stars.clip(-3, 9)))
    model = VariationalMF(**SMALL).fit(replace(table, frame=frame))
    deviation = model.predict_rows(model.encode(table)).deviation
    assert deviation is not None
    assert deviation[wild].mean() > 1.5 * deviation[~wild].mean()


def test_an_interval_of_its_own_deviation_covers_what_it_says() -> None:
    train, test = parts(sparse_biases(20_000, 4.0, seed=4))
    model = VariationalMF().fit(train)
    expected = model.predict_rows(model.encode(test))
    assert expected.deviation is not None
    inside = np.abs(test.stars - expected.mean) < 1.2816 * expected.deviation
    assert 0.77 < inside.mean() < 0.83


def test_few_ratings_of_a_user_say_how_they_rate() -> None:
    """Users with a single rating rate 1 higher: unknown ones, of a table without times, do too."""
    random = np.random.default_rng(6)
    user = np.concatenate([np.arange(3000), random.integers(3000, 3100, 9000)])
    movie = random.integers(0, 200, len(user))
    stars = 3 + (user < 3000) + random.normal(0, 0.5, len(user))
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars.clip(0, 7)})
    frame = frame.unique(["user", "movie"], keep="first", maintain_order=True)
    model = VariationalMF(**SMALL).fit(checked(Ratings(frame, scale=Scale(0, 7, None))))
    assert model.predict([-1], [5]).stars[0] == pytest.approx(4.0, abs=0.2)


def with_late_users(first_row: int, step: int) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows after some row are of new users, `step` each, whose weight is 2; others' is -1 or -2."""
    table = planted(rows=4000, seed=7)
    users = table.frame["user"].to_numpy().copy()
    late = np.arange(len(users)) > first_row
    users[late] = 101 + np.arange(late.sum()) // step
    frame = table.frame.with_columns(pl.Series("user", users))
    rows = Rows(users.astype(np.int32), users.astype(np.int32), replace(table, frame=frame))
    numbers = np.bincount(users)
    weights = np.where(np.arange(len(numbers)) > 100, 2.0, -1.0 - np.arange(len(numbers)) % 2)
    return rows, weights[:, None], numbers


def test_an_unknown_user_is_like_many_late_ones_where_there_are_times() -> None:
    rows, weights, numbers = with_late_users(3500, 5)
    assert unknown_user_weights(rows, weights, numbers) == pytest.approx(2.0, abs=0.1)
    table = rows.table
    assert isinstance(table, Ratings)
    timeless = replace(rows, table=replace(table, frame=table.frame.drop("at")))
    assert unknown_user_weights(timeless, weights, numbers) == weights[0]


def test_one_late_user_says_little_of_unknown_ones() -> None:
    rows, weights, numbers = with_late_users(3980, 100)
    weights[101] = 0.0
    mean = (numbers @ weights + DAMPING * weights[0]) / (numbers.sum() + DAMPING)
    late = np.unique(rows.users[-19:])
    assert late.tolist() == [101]
    # A deviation of 0.5 among users, and one user at three deviations.
    assert mean < unknown_user_weights(rows, weights, numbers) < 0.0
    weights[101] = -1.0
    np.testing.assert_allclose(unknown_user_weights(rows, weights, numbers), mean, atol=0.1)


def test_the_seed_changes_only_the_start() -> None:
    table = planted(rows=3000, seed=8)
    one, two = (VariationalMF(seed=seed).fit(table) for seed in (0, 1))
    requests = table.requests()
    assert rmse(one.predict(requests).stars, two.predict(requests).stars) < 0.05
