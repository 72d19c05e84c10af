from dataclasses import replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.models.cold_start.mixed_model import RowLabels, feature_groups, fit_mixed
from ratecast.models.cold_start.model import ColdStart
from ratecast.ratings import Requests
from tests.planted import planted, with_sides


def test_mixed_model_equals_the_normal_equations() -> None:
    random = np.random.default_rng(0)
    user, movie = random.integers(6, size=60), random.integers(5, size=60)
    genres = sp.csr_array((random.random((5, 3)) < 0.5).astype(float)[movie])
    people = {"gender": (user % 2, 2)}
    rows = RowLabels(user, movie, people, genres, (movie % 2, 2), (6, 5))
    stars, weight = random.normal(3, 1, 60), random.random(60) + 0.5
    mixed = fit_mixed(rows, stars, weight, iterations=400)
    weight = weight / weight.mean()
    groups = feature_groups(rows)
    design = np.hstack([group.features.toarray() for group in groups.values()])
    l2 = np.concatenate([np.full(g.features.shape[1], g.l2) for g in groups.values()])
    gram = design.T @ (weight[:, None] * design) + np.diag(l2)
    exact = np.linalg.solve(gram, design.T @ (weight * (stars - mixed.level)))
    fitted = np.concatenate(list(mixed.coefficients.values()))
    np.testing.assert_allclose(fitted, exact, atol=1e-6)


def test_the_users_own_ratings_are_not_used() -> None:
    table = with_sides(planted())
    model = ColdStart().fit(table)
    known = model.predict(Requests.of([1], [1], at=2_000_000))
    same_labels = Requests(
        pl.DataFrame({"user": [999], "movie": [1]}),
        users=table.users.filter(pl.col("user") == 1).with_columns(user=pl.lit(999, pl.Int64)),
    )
    np.testing.assert_allclose(known.stars, model.predict(same_labels).stars)


def test_updates_move_movies_and_not_users() -> None:
    table = with_sides(planted())
    model = ColdStart().fit(table)
    requests = Requests.of([1, 1], [1, 2])
    before = model.predict(requests).stars
    low = table.frame.filter(pl.col("user") == 1).head(1)
    low = low.with_columns(movie=pl.lit(1, pl.Int64), rating=pl.lit(1.0, low["rating"].dtype))
    model.observe(replace(table, frame=low))
    after = model.predict(requests).stars
    assert after[0] < before[0]
    assert after[1] == before[1]
