from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from ratecast.models import load_model
from ratecast.models.factorization_machine import sampler
from ratecast.models.factorization_machine.features import normalized
from ratecast.models.factorization_machine.model import FactorizationMachine
from ratecast.ratings import trusted
from ratecast.splits import chronological
from tests.planted import planted, rmse


def test_it_recovers_a_planted_product_of_factors() -> None:
    random = np.random.default_rng(0)
    p, q = random.normal(size=(80, 2)), random.normal(size=(50, 2))
    user, movie = np.repeat(np.arange(80), 50), np.tile(np.arange(50), 80)
    stars = 3 + 0.5 * (p[user] * q[movie]).sum(axis=1) + random.normal(0, 0.1, 4000)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars.astype(np.float32)})
    held = random.random(4000) < 0.3
    # A normal likelihood takes any number, so that the noise is not that of rounding.
    table = trusted(replace(planted(), frame=frame))
    model = FactorizationMachine(factors=3, chains=1).fit(table.take(~held))
    rows = model.encode(table.take(held))
    assert rmse(model.predict_rows(rows).mean, stars[held]) < 0.25


def test_sets_are_normalized_and_a_new_user_has_their_mean() -> None:
    pairs = sp.csr_array(np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]], float))
    lines = normalized(pairs).toarray()
    np.testing.assert_allclose(lines[1], [0.5**0.5, 0.5**0.5])
    np.testing.assert_allclose(lines[0], (2 * lines[1] + lines[2]) / 3)


@pytest.mark.parametrize("half", [False, True])
def test_it_as_ordered_probit(half: bool, tmp_path: Path) -> None:
    split = chronological(planted(half=half, rows=3000))
    quick: dict[str, Any] = {"chains": 1, "iterations": 60, "factors": 2}
    model = FactorizationMachine(likelihood="ordinal", **quick).fit(split.train, split.valid)
    normal = FactorizationMachine(**quick).fit(split.train, split.valid)
    requests, stars = split.test.requests(), split.test.stars
    ordinal, regression = model.predict(requests).stars, normal.predict(requests).stars
    assert rmse(ordinal, stars) < rmse(regression, stars) + 0.02
    assert 0 < rmse(ordinal, regression) < 0.2
    model.walk(split.test)
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact").predict(requests).stars
    np.testing.assert_array_equal(again, model.predict(requests).stars)


def test_chains_draw_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    table, found = planted(), []
    for threads in (1, 2):
        monkeypatch.setattr(sampler, "thread_count", lambda threads=threads: threads)
        model = FactorizationMachine(factors=2, iterations=25).fit(table)
        found.append(model.predict(table.requests()).stars)
    np.testing.assert_array_equal(found[0], found[1])
