"""The model that chooses itself finds what made a table, within its budget, and says so."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.models import load_model
from ratecast.models.als.model import ALS
from ratecast.models.auto import PROBE_ROWS, Auto
from ratecast.models.bias import Bias
from ratecast.models.blend.inner import Held, PartForecasts
from ratecast.models.blend.model import AS_OF, FROZEN
from ratecast.models.mean import Mean
from ratecast.ratings import Ratings, Scale
from ratecast.splits import chronological
from tests.planted import planted, tastes


def quick() -> Auto:
    return Auto(chains=1, iterations=30)


def rmse(model: Auto | Bias, test: Ratings) -> float:
    return float(np.sqrt(np.mean((model.predict(test.requests()).stars - test.stars) ** 2)))


def sparse(users: int = 1_500, movies: int = 100, seed: int = 0) -> tuple[Ratings, Ratings]:
    """One or two ratings a user: nothing but the movies' biases can be learned."""
    random = np.random.default_rng(seed)
    user = np.concatenate([np.arange(users), random.choice(users, users // 3, replace=False)])
    movie = random.integers(0, movies, len(user))
    bias = random.normal(0, 0.6, movies)
    stars = np.clip(np.round(3.2 + bias[movie] + random.normal(0, 0.9, len(user))), 1, 5)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars}).unique(("user", "movie"))
    whole = Ratings(frame.sort("user", "movie"), scale=Scale(1, 5))
    held = random.random(len(whole)) < 0.2
    return whole.take(~held), whole.take(held)


def test_where_only_biases_are_it_is_as_good_as_they() -> None:
    train, test = sparse()
    assert rmse(quick().fit(train), test) < 1.003 * rmse(Bias().fit(train), test)


def test_where_tastes_are_it_finds_them() -> None:
    train, test, noise = tastes()
    model = quick().fit(train)
    assert rmse(model, test) < 1.5 * noise
    assert rmse(model, test) < 0.6 * rmse(Bias().fit(train), test)


def test_what_it_tried_is_said_and_saved(tmp_path: Path) -> None:
    split = chronological(planted())
    model = quick().fit(split.train)
    lines = model.summary()
    assert [line.split(": ")[1] for line in lines] == list(model.candidates())
    assert all("frozen" in line and "as-of" in line for line in lines)
    shares = {name for each in model.shares.values() for name in each.names}
    assert set(model.parts) == shares
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    assert again.summary() == lines
    requests = split.test.requests()
    np.testing.assert_array_equal(again.predict(requests).stars, model.predict(requests).stars)
    for one in (model, again):
        one.observe(split.test)
    np.testing.assert_array_equal(again.predict(requests).stars, model.predict(requests).stars)


def test_a_table_without_times_has_one_set_of_shares() -> None:
    train, _, _ = tastes()
    model = quick().fit(train)
    assert model.shares[FROZEN].names == model.shares[AS_OF].names
    assert all("as-of" not in line for line in model.summary())


def test_a_model_that_refuses_the_table_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = "als: not on this table"

    def forecasts(self: Held, make: Any) -> PartForecasts:
        if isinstance(make(), ALS):
            raise InputError(refused)
        return whole(self, make)

    whole = Held.forecasts
    monkeypatch.setattr(Held, "forecasts", forecasts)
    monkeypatch.setattr(Auto, "candidates", lambda _: {"als": ALS(), "bias": Bias()})
    model = quick().fit(tastes()[0])
    assert model.summary()[0] == f"auto: als: left out: {refused}"
    assert set(model.parts) == {"bias"}
    monkeypatch.setattr(Auto, "candidates", lambda _: {"als": ALS()})
    with pytest.raises(InputError, match=refused):
        quick().fit(tastes()[0])


def test_what_exceeds_the_budget_is_left_out_and_said() -> None:
    random = np.random.default_rng(0)
    rows = 12_000
    pairs = random.choice(300 * 300, rows, replace=False)
    stars = random.integers(1, 6, rows).astype(np.float32)
    frame = pl.DataFrame({"user": pairs // 300, "movie": pairs % 300, "rating": stars})
    model = Auto(budget=0.01).fit(Ratings(frame, scale=Scale(1, 5)))
    assert list(model.parts) == ["bias"]
    assert "left out: no seconds are left" in model.summary()[-1]


def test_what_a_fit_takes_whatever_the_rows_is_not_counted_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def probed(_auto: Auto, _name: str, _held: Held, rows: int) -> float:
        # Loading compiled loops, the first time, and then 5 s and a millisecond a row.
        return 5.0 + rows * 1e-3 + (60.0 if rows < PROBE_ROWS // 4 else 0.0)

    random = np.random.default_rng(0)
    rows = 60_000
    pairs = random.choice(1_000 * 1_000, rows, replace=False)
    stars = random.integers(1, 6, rows).astype(np.float32)
    frame = pl.DataFrame({"user": pairs // 1_000, "movie": pairs % 1_000, "rating": stars})
    monkeypatch.setattr(Auto, "_probed", probed)
    monkeypatch.setattr(Auto, "candidates", lambda _: {"mean": Mean(), "bias": Bias()})
    table = Ratings(frame, scale=Scale(1, 5))
    known = len(Held.of(table, 0).anywhere[0][0])
    needed = 3 * (5 + known * 1e-3)
    assert list(Auto(budget=1.1 * needed).fit(table).tried)[1].reason == ""
    refused = Auto(budget=0.9 * needed).fit(table).tried[1].reason
    assert refused.startswith(f"needs about {needed:.0f} s")


def test_tiny_tables_are_forecast_by_the_bias() -> None:
    table = planted(rows=100)
    model = Auto().fit(table)
    assert list(model.parts) == ["bias"]
    assert model.summary() == []


def test_the_only_user_is_not_held_out() -> None:
    random = np.random.default_rng(0)
    stars = random.integers(1, 6, 9_000).astype(np.float32)
    frame = pl.DataFrame({"user": 1, "movie": np.arange(9_000), "rating": stars})
    table = Ratings(frame, scale=Scale(1, 5))
    for seed in range(40):
        (known, held), *_ = Held.of(table, seed).anywhere
        assert len(known) > len(held) > 0


def test_a_budget_is_a_number_above_zero() -> None:
    with pytest.raises(InputError, match=r"model\.budget is 0"):
        Auto(budget=0)
