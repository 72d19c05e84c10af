"""Several users together: against every combination of stars, and against draws."""

from itertools import product

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError
from ratecast.queries.together import good_stars, together_forecast
from ratecast.ratings import Scale
from tests.planted import planted

STEPS = Scale(0.5, 5, 0.5)
CONTINUOUS = Scale(-10, 10, None)


def shares(scale: Scale, users: int, movies: int = 4) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.dirichlet(np.ones(len(scale.stars)), movies) for _ in range(users)]


@pytest.mark.parametrize("users", [1, 2, 3])
def test_it_is_the_sum_over_all_combinations_of_stars(users: int) -> None:
    given = shares(STEPS, users)
    found = together_forecast(given, STEPS, 3.5)
    for movie in range(4):
        chance = least = mean = 0.0
        for places in product(range(len(STEPS.stars)), repeat=users):
            weight = np.prod([each[movie, k] for each, k in zip(given, places, strict=True)])
            stars = STEPS.stars[list(places)]
            chance += weight * (stars.min() >= 3.5)
            least += weight * stars.min()
            mean += weight * stars.mean()
        assert found.chance[movie] == pytest.approx(chance, abs=1e-12)
        assert found.least[movie] == pytest.approx(least, abs=1e-12)
        assert found.mean[movie] == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("users", [1, 2, 5])
def test_of_a_continuous_scale_it_is_the_integral(users: int) -> None:
    given = shares(CONTINUOUS, users, movies=1)
    found = together_forecast(given, CONTINUOUS, 2.7)
    # The trapezoid of a polynomial on a grid that divides the cells.
    grid = np.linspace(-10, 10, 64 * 400 + 1)
    edges = np.linspace(-10, 10, 65)
    above = [1 - np.interp(grid, edges, np.append(0, np.cumsum(each[0]))) for each in given]
    survival = np.prod(above, axis=0)
    assert found.least[0] == pytest.approx(-10 + np.trapezoid(survival, grid), abs=1e-6)
    assert found.chance[0] == pytest.approx(np.interp(2.7, grid, survival), abs=1e-6)
    if users == 1:
        assert found.least[0] == pytest.approx(found.mean[0], abs=1e-12)


def test_the_list_is_ranked_without_what_one_of_them_rated() -> None:
    ratings = planted()
    model = rc.StateSpace(factors=2, co_rating_factors=2, iterations=2).fit(ratings)
    users = [1, 2, 3]
    seen = set(ratings.frame.filter(pl.col("user").is_in(users))["movie"])
    for by in ("chance", "mean", "least"):
        found = rc.together(model, users, n=40, by=by, stars=4)
        assert set(found["movie"]) == set(range(1, 41)) - seen
        assert found[by].is_sorted(descending=True)
    everything = rc.together(model, users, 40, rated=ratings.frame.clear(), stars=4)
    assert everything.height == 40
    (alone,) = rc.together(model, [1, 999], movies=[7], rated=ratings.frame.clear()).rows(
        named=True
    )
    each = model.predict([1, 999], [7, 7]).probabilities
    assert alone["chance"] == pytest.approx(each[0, 3:].sum() * each[1, 3:].sum(), rel=1e-12)
    assert alone["least"] <= alone["mean"]


def test_what_cannot_be_is_refused() -> None:
    model = rc.Bias().fit(planted())
    for users, stars, message in (
        ([1], 4, "1 users; give 2 to 10"),
        (list(range(1, 12)), 4, "11 users"),
        ([1, 1], 4, "occurs twice"),
        ([1, 2], 6, "beyond the scale"),
        ([1, 2], float("nan"), "beyond the scale"),
    ):
        with pytest.raises(InputError, match=message):
            rc.together(model, users, stars=stars)
    with pytest.raises(InputError, match="not known"):
        rc.together(model, [1, 2], movies=[12345])


def test_good_stars() -> None:
    assert good_stars(Scale(1, 5)) == 4
    assert good_stars(STEPS) == 4
    assert good_stars(CONTINUOUS) == 5
