import copy

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.models.svdpp.model import SVDpp
from ratecast.models.svdpp.sgd import StepSizes, Weights, run_epoch
from ratecast.ratings import Ratings, Requests, checked
from tests.planted import planted, tastes

F64 = NDArray[np.float64]
TASTES = {
    "factors": 2,
    "learning_rate": 0.05,
    "epochs": 80,
    "learning_rate_decay": 0.98,
    "l2_factors": 0.01,
}


def plain_epoch(users: F64, movies: F64, implicit: F64, rows: list[tuple[int, int, float]]) -> None:
    """Koren 2008, eq. 15, one step a rating; implicit factors once for each user."""
    rate, l2_biases, penalty = 0.02, 0.03, 0.04
    for user in sorted({u for u, _, _ in rows}):
        theirs = [(m, star) for u, m, star in rows if u == user]
        scale = len(theirs) ** -0.5
        implied = scale * sum(implicit[m] for m, _ in theirs)
        pull = np.zeros(implicit.shape[1])
        for movie, star in theirs:
            p, q = users[user, 1:].copy(), movies[movie, 1:].copy()
            error = star - users[user, 0] - movies[movie, 0] - q @ (p + implied)
            users[user, 0] += rate * (error - l2_biases * users[user, 0])
            movies[movie, 0] += rate * (error - l2_biases * movies[movie, 0])
            users[user, 1:] += rate * (error * q - penalty * p)
            movies[movie, 1:] += rate * (error * (p + implied) - penalty * q)
            pull += error * q
        for movie, _ in theirs:
            implicit[movie] += rate * (scale * pull - penalty * implicit[movie])


def test_the_kernel_takes_the_steps_of_the_paper() -> None:
    random = np.random.default_rng(0)
    weights = Weights(*(random.normal(size=shape) for shape in ((5, 4), (7, 4), (7, 3))))
    users = np.sort(random.integers(1, 5, 20))
    movies, above = random.integers(1, 7, 20).astype(np.int32), random.normal(size=20)
    told, plain = copy.deepcopy(weights), copy.deepcopy(weights)
    steps = StepSizes(0.02, 0.03, 0.04)
    edges = np.searchsorted(users, np.arange(6))
    run_epoch((movies, above), edges, np.arange(1, 5), told, steps)
    plain_epoch(*plain, list(zip(users.tolist(), movies.tolist(), above.tolist(), strict=True)))
    for one, other in zip(told, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def reference_answers(model: SVDpp, theirs: Ratings, asked: NDArray[np.int32]) -> F64:
    """A user's forecasts of movies by the normal equations, prior mean his implicit part: (n,)."""
    rows = model.movies.encode(theirs.frame["movie"])
    users, movie_state, prior = model.state
    movies, above = movie_state.weights[rows], model.centring.centred(theirs.stars)
    inputs = np.column_stack([np.ones(len(rows)), movies[:, 1:]])
    implicit = (users.implicit_sums[0] + movie_state.implicit[rows].sum(axis=0)) / np.sqrt(
        model.implicit_damping + len(rows)
    )
    l2, mean = np.diag(prior.l2), prior.mean + np.append(0, implicit)
    weights = np.linalg.solve(inputs.T @ inputs + l2, l2 @ mean + inputs.T @ (above - movies[:, 0]))
    of_movies = movie_state.weights[asked]
    scores = of_movies[:, 0] + weights[0] + of_movies[:, 1:] @ weights[1:]
    return model.centring.stars(scores)


def test_a_user_is_the_ridge_solution_around_his_implicit_part() -> None:
    table = planted(rows=3000, seed=4)
    model = SVDpp(factors=3).fit(table)
    theirs = table.take(table.frame["user"].to_numpy() == 5)
    rows = model.encode(theirs)
    wanted = reference_answers(model, theirs, rows.movies)
    np.testing.assert_allclose(model.predict_rows(rows).mean, wanted, atol=1e-9)


def test_finds_planted_tastes() -> None:
    train, test, noise = tastes(seed=0)
    stars = SVDpp(l2_fold_in=0.5, **TASTES).fit(train).predict(test.requests()).stars  # type: ignore[arg-type]
    assert np.sqrt(np.mean((stars - test.stars) ** 2)) < 1.3 * noise


def test_presence_alone_tells_the_taste() -> None:
    """What a user rated counts, whatever he gave it: two groups, each rating its own half."""
    model, fans = two_groups()
    model.observe(fans)
    row = model.users.encode(fans.frame["user"].head(1))[0]
    users, movie_state, _ = model.state
    mine = users.implicit_sums[row] / np.sqrt(users.counts[row])
    crowd = users.implicit_sums[0] / np.sqrt(model.implicit_damping)
    movies = movie_state.weights[:, 1:] @ (mine - crowd)
    own = model.movies.encode(fans.frame["movie"])
    rest = np.setdiff1d(np.arange(1, len(model.movies)), own)
    assert movies[own].mean() > movies[rest].mean() + 0.1


def two_groups() -> tuple[SVDpp, Ratings]:
    """Users love the half of the movies that they mostly rate; and a new one with 3 stars each."""
    random = np.random.default_rng(3)
    user, movie = (grid.ravel() for grid in np.meshgrid(np.arange(120), np.arange(40)))
    own = (user % 2) == (movie % 2)
    kept = random.random(len(user)) < np.where(own, 0.6, 0.15)
    stars = np.where(own, 5.0, 1.0)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars}).filter(kept)
    fan = pl.DataFrame({"user": [999] * 15, "movie": list(range(0, 30, 2)), "rating": [3.0] * 15})
    return SVDpp(**TASTES).fit(checked(Ratings(frame))), checked(Ratings(fan))  # type: ignore[arg-type]


def test_tastes_of_a_new_user_are_learned_from_what_he_says() -> None:
    train, test, noise = tastes(seed=1)
    strangers = train.frame["user"].to_numpy() < 30
    model = SVDpp(l2_fold_in=0.5, **TASTES).fit(train.take(~strangers))  # type: ignore[arg-type]
    asked = test.take(test.frame["user"].to_numpy() < 30)
    before = model.predict(asked.requests()).stars - asked.stars
    model.observe(train.take(strangers))
    after = model.predict(asked.requests()).stars - asked.stars
    assert np.sqrt(np.mean(after**2)) < 1.5 * noise < np.sqrt(np.mean(before**2))


def test_a_movie_is_learned_when_it_is_rated() -> None:
    """A new one that is loved by those who love movie 7, and by no others, follows that taste."""
    train, _, _ = tastes(seed=2)
    model = SVDpp(l2_fold_in=0.5, **TASTES).fit(train)  # type: ignore[arg-type]
    fans = train.frame.filter(train.frame["movie"] == 7)
    model.observe(checked(Ratings(fans.with_columns(movie=999), scale=train.scale)))
    silent = train.take(~train.frame["user"].is_in(fans["user"].implode()).to_numpy())
    asked = silent.requests().frame.select("user").unique(maintain_order=True)
    new, old = (
        model.predict(Requests(asked.with_columns(pl.lit(m, pl.Int64).alias("movie")))).stars
        for m in (999, 7)
    )
    assert np.corrcoef(new, old)[0, 1] > 0.9
