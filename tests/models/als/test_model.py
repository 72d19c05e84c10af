from typing import Any

import numpy as np
import polars as pl

from ratecast.models.als.model import ALS
from ratecast.ratings import Ratings, Requests, Scale, checked
from tests.planted import planted, tastes

SMALL: dict[str, Any] = {"factors": 2, "iterations": 10}


def reference_ridge(model: ALS, given: Ratings, share: float = 0.0) -> np.ndarray:
    """Weights of a user by the normal equations of ridge regression: (d,).

    share: what each rating adds to the l2 of a factor; nothing in online updates.
    """
    sides, centring = model.state.sides, model.state.centring
    prior, covariance = (part[0] for part in sides.users)
    movies = sides.movies.weights[model.movies.encode(given.frame["movie"])]
    inputs = np.column_stack([np.ones(len(given)), movies[:, 1:]])
    target = centring.centred(given.stars) - movies[:, 0]
    l2 = np.linalg.inv(covariance)
    l2 += share * len(given) * np.diag([0.0, *np.ones(len(prior) - 1)])
    wanted: np.ndarray = np.linalg.solve(inputs.T @ inputs + l2, l2 @ prior + inputs.T @ target)
    return wanted


def test_the_fold_in_is_ridge_regression() -> None:
    """While the movies stand still, hearing row after row gives the solution for all of them."""
    table = planted(rows=3000, seed=4)
    model = ALS(**SMALL).fit(table)
    model.state.sides.movies.covariance[:] = 0
    new = table.frame.filter(pl.col("user") == 1).with_columns(pl.lit(999, pl.Int64).alias("user"))
    new = new.unique("movie", keep="last", maintain_order=True)
    heard = checked(Ratings(new, scale=table.scale))
    wanted = reference_ridge(model, heard)
    model.observe(heard)
    np.testing.assert_allclose(model.state.sides.users.weights[-1], wanted, atol=1e-10)


def test_an_alternation_ends_where_both_sides_are_ridge_solutions() -> None:
    """Users, solved last, satisfy the normal equations of their ratings, given the movies."""
    table = planted(users=6, movies=8, rows=60, seed=5)
    model = ALS(**SMALL).fit(table)
    theirs = table.take(table.frame["user"].to_numpy() == 1)
    wanted = reference_ridge(model, theirs, model.l2_per_rating)
    row = model.users.encode(pl.Series("user", [1]))[0]
    np.testing.assert_allclose(model.state.sides.users.weights[row], wanted, atol=1e-10)


def test_finds_planted_tastes() -> None:
    """Two planted factors: the error on new rows comes near that of the planted noise alone."""
    train, test, noise = tastes(seed=0)
    error = ALS(factors=2, l2_factors=1.0).fit(train).predict(test.requests()).stars
    assert np.sqrt(np.mean((error - test.stars) ** 2)) < 1.15 * noise


def test_tastes_of_a_new_user_are_learned_from_what_he_says() -> None:
    """Heard 30 ratings, a stranger is forecast nearly as a known user is; unheard, he is not."""
    train, test, noise = tastes(seed=1)
    strangers = train.frame["user"].to_numpy() < 30
    model = ALS(factors=2, l2_factors=1.0).fit(train.take(~strangers))
    asked = test.take(test.frame["user"].to_numpy() < 30)
    before = model.predict(asked.requests()).stars - asked.stars
    model.observe(train.take(strangers))
    after = model.predict(asked.requests()).stars - asked.stars
    assert np.sqrt(np.mean(after**2)) < 1.3 * noise < np.sqrt(np.mean(before**2))


def test_a_movie_is_learned_when_it_is_rated() -> None:
    table = planted()
    model = ALS(**SMALL).fit(table)
    asked = Requests.of([1], [999])
    before = model.predict(asked).stars[0]
    fans = pl.DataFrame({"user": list(range(2, 12)), "movie": [999] * 10, "rating": [5.0] * 10})
    model.observe(checked(Ratings(fans, scale=table.scale)))
    assert model.predict(asked).stars[0] > before + 0.5


def test_forecasts_are_surer_of_users_heard() -> None:
    table = planted()
    model = ALS(**SMALL).fit(table)
    known = model.predict_rows(model.encode(Requests.of([1, 999], [1, 1]))).deviation
    assert known is not None
    assert 1 < known[0] < known[1]


def test_priors_fit_any_scale() -> None:
    """Ten times the stars: ten times the forecast."""
    table = planted()
    tenfold = table.frame.with_columns(pl.col("rating") * 10)
    wide = checked(Ratings(tenfold, scale=Scale(10, 50, 10)))
    one, ten = ALS(**SMALL).fit(table), ALS(**SMALL).fit(wide)
    requests = table.requests()
    np.testing.assert_allclose(
        ten.predict(requests).stars, 10 * one.predict(requests).stars, atol=1e-6
    )
