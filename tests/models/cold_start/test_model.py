from dataclasses import replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.models.cold_start.mixed_model import Kinds, fit_mixed, groups
from ratecast.models.cold_start.model import ColdStart
from ratecast.ratings import Requests
from tests.planted import planted, with_sides


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
    model = ColdStart().fit(table)
    known = model.predict(Requests.of([1], [1], at=2_000_000))
    same_kind = Requests(
        pl.DataFrame({"user": [999], "movie": [1]}),
        users=table.users.filter(pl.col("user") == 1).with_columns(user=pl.lit(999, pl.Int64)),
    )
    np.testing.assert_allclose(known.stars, model.predict(same_kind).stars)


def test_cold_hears_of_movies_and_not_of_users() -> None:
    table = with_sides(planted())
    model = ColdStart().fit(table)
    asked = Requests.of([1, 1], [1, 2])
    before = model.predict(asked).stars
    low = table.frame.filter(pl.col("user") == 1).head(1)
    low = low.with_columns(movie=pl.lit(1, pl.Int64), rating=pl.lit(1.0, low["rating"].dtype))
    model.observe(replace(table, frame=low))
    after = model.predict(asked).stars
    assert after[0] < before[0]
    assert after[1] == before[1]
