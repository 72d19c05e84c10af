"""Small and odd tables: every model fits them, and none is much worse than the mean."""

import copy
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS
from ratecast.ratings import Ratings, Requests, Scale, checked
from ratecast.training import make_model
from tests.models.test_contract import NETS, every, make

SCALES = [
    *(Scale(1, 5), Scale(0.5, 5, 0.5), Scale(0.25, 5, 0.25), Scale(0, 10, 0.1)),
    *(Scale(0, 1), Scale(-10, 10), Scale(0, 100), Scale(0, 1000, 10)),
]
NEW = 999
# A model that is fitted for a second has fewer examples.
SLOW = (*NETS, "factorization_machine", "blend")
TIMES = {
    "none": None,
    "one second": (10**9, 0),
    "hours": (10**9, 3600),
    "before 1970": (-(10**9), 86400),
    "far": (250_000_000_000, 10**7),
}


@st.composite
def odd_tables(draw: st.DrawFn) -> Ratings:
    """1 to 15 ratings: of one user or one movie, all equal, in one second, on any scale."""
    users, movies = draw(st.sampled_from([(1, 15), (15, 1), (2, 8), (5, 6), (15, 15)]))
    rows = draw(st.integers(1, 15))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    pairs = random.permutation(users * movies)[:rows]
    scale = draw(st.sampled_from(SCALES))
    stars = random.choice(scale.stars, len(pairs))
    if draw(st.booleans()):
        stars[:] = stars[0]
    columns = {"user": pairs // movies, "movie": pairs % movies, "rating": stars}
    start = TIMES[draw(st.sampled_from(sorted(TIMES)))]
    if start is not None:
        columns["at"] = start[0] + start[1] * np.arange(len(pairs))
    frame = pl.DataFrame(columns)
    if draw(st.booleans()):
        frame = frame.with_columns(pl.format("u{}", "user").alias("user"))
    return checked(Ratings(frame, scale=scale))


def check(forecast: Forecast, scale: Scale) -> None:
    assert np.isfinite(forecast.stars).all()
    assert (forecast.stars >= scale.low).all()
    assert (forecast.stars <= scale.high).all()
    np.testing.assert_allclose(forecast.probabilities.sum(axis=1), 1)
    assert forecast.probabilities.min() > 0
    assert forecast.frame.height == len(forecast)


def by_others(table: Ratings) -> Ratings:
    """The same ratings, given by users who are new."""
    user = table.frame["user"]
    others = user + "x" if user.dtype == pl.String else user + NEW
    return replace(table, frame=table.frame.with_columns(others.alias("user")))


def use(model: Model, table: Ratings) -> None:
    """Predict known and new ids, observe, walk, refit."""
    text = table.frame.schema["user"] == pl.String
    users, movies = table.frame["user"].to_list(), table.frame["movie"].to_list()
    new: int | str = "new" if text else NEW
    check(model.predict(table.requests()), table.scale)
    check(model.predict(Requests.of([new, users[0], new], [movies[0], NEW, NEW])), table.scale)
    if model.updates_online():
        updated, others = copy.deepcopy(model), by_others(table)
        updated.observe(others)
        check(updated.predict(table.requests()), table.scale)
        if table.timed:
            check(copy.deepcopy(model).walk(others), table.scale)
    check(copy.deepcopy(model).refit(table).predict(table.requests()), table.scale)


@every(list(MODELS))
def test_an_odd_table(name: str) -> None:
    @settings(
        max_examples=3 if name in SLOW else 12,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(table=odd_tables(), valid=st.integers(0, 5))
    def odd(table: Ratings, valid: int) -> None:
        known = max(1, len(table) - valid)
        rest = table.take(slice(known, None)) if known < len(table) else None
        use(make(name).fit(table.take(slice(0, known)), rest), table)

    odd()


def drawn(seed: int, rows: int, scale: Scale, structure: float) -> tuple[Ratings, Ratings]:
    """Train and test rows; structure: share of the deviation that users and movies explain."""
    random = np.random.default_rng(seed)
    users, movies = max(4, rows // 6), max(6, rows // 3)
    pairs = random.permutation(users * movies)[: 2 * rows]
    user, movie = pairs // movies, pairs % movies
    own = (random.normal(size=users)[user] + random.normal(size=movies)[movie]) / np.sqrt(2)
    noise = random.normal(size=len(pairs))
    deviation = scale.stars.std() * (structure * own + np.sqrt(1 - structure**2) * noise)
    stars = scale.stars[np.abs(scale.stars.mean() + deviation[:, None] - scale.stars).argmin(1)]
    at = 10**9 + 600 * np.arange(len(pairs))
    table = checked(
        Ratings(
            pl.DataFrame({"user": user, "movie": movie, "rating": stars, "at": at}), scale=scale
        )
    )
    order = random.permutation(len(pairs))
    return table.take(np.sort(order[:rows])), table.take(np.sort(order[rows:]))


def ratio(name: str, train: Ratings, test: Ratings) -> float:
    """RMSE of a model, as a share of that of the mean."""
    errors = [
        float(np.sqrt(np.mean((model.fit(train).predict(test).stars - test.stars) ** 2)))
        for model in (make_model(name), make_model("mean"))
    ]
    return errors[0] / errors[1]


# The median over draws.
@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0.25, 5, 0.25)], ids=str)
@every([name for name in MODELS if name != "mean"])
def test_where_users_and_movies_differ_a_small_table_beats_its_mean(
    name: str, scale: Scale
) -> None:
    for rows in (12, 40):
        tables = [drawn(seed, rows, scale, 0.85) for seed in range(2 if name in SLOW else 5)]
        assert np.median([ratio(name, *parts) for parts in tables]) <= 1.05


def small(name: str) -> Model:
    """A model with its own settings, but for the number of Gibbs iterations."""
    fewer = name in ("factorization_machine", "blend")
    return make_model(name, **({"chains": 1, "iterations": 50} if fewer else {}))


def of_stars(pairs: np.ndarray, stars: np.ndarray, scale: Scale) -> Ratings:
    """Ratings of (user, movie) pairs, (n, 2), ten minutes apart."""
    at = 10**9 + 600 * np.arange(len(pairs))
    columns = {"user": pairs[:, 0], "movie": pairs[:, 1], "rating": stars, "at": at}
    return checked(Ratings(pl.DataFrame(columns), scale=scale))


def noise_ratio(name: str, seed: int) -> float:
    """Expected RMSE over all pairs without a rating, as a share of that of the mean.

    The ratings are 1 to 30 and equally probable on the scale, whoever rates whatever. The kind of
    table changes from seed to seed.
    """
    random = np.random.default_rng(seed)
    rows = (3, 10, 30, 1, 6, 15, 2)[seed % 7]
    scale = (Scale(1, 5), Scale(0.25, 5, 0.25), Scale(0, 100), Scale(-10, 10, None))[seed % 4]
    few, most = max(2, rows // 4), max(3, rows // 2 + 1)
    shape = ((few, most), (1, 40), (few, most), (40, 1), (2, 30))[seed % 5]
    pairs = np.array(list(np.ndindex(shape)))
    random.shuffle(pairs)
    stars = random.choice(scale.stars, rows)
    new = np.array([(NEW, 0), (0, NEW), (NEW, NEW)])
    users, movies = np.concatenate([pairs[rows:], new]).T
    others = Requests.of(users, movies, at=2 * 10**9)
    forecast = small(name).fit(of_stars(pairs[:rows], stars, scale)).predict(others)
    middle, variance = scale.stars.mean(), scale.stars.var()
    own = variance + np.mean((forecast.stars - middle) ** 2)
    return float(np.sqrt(own / (variance + (stars.mean() - middle) ** 2)))


@every([name for name in MODELS if name != "mean"])
def test_noise_is_forecast_little_worse_than_by_the_mean(name: str) -> None:
    draws = range(10 if name in SLOW else 28)
    assert np.mean([noise_ratio(name, seed) for seed in draws]) <= 1.1


@every(list(MODELS))
def test_equal_ratings_are_forecast_as_they_are(name: str) -> None:
    for rows, scale in [(1, Scale(1, 5)), (4, Scale(-10, 10, None)), (30, Scale(0.25, 5, 0.25))]:
        pairs = np.array([(row % 5, row // 5) for row in range(rows)])
        star = scale.stars[2]
        model = small(name).fit(of_stars(pairs, np.full(rows, star), scale))
        requests = Requests.of([0, NEW, 0, NEW], [0, 0, NEW, NEW], at=2 * 10**9)
        np.testing.assert_allclose(model.predict(requests).stars, star, atol=0.03 * scale.unit)
