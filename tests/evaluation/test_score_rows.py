from dataclasses import astuple, replace

import numpy as np
import polars as pl
import pytest

from ratecast.evaluation import protocol, score_rows, slice_scores
from ratecast.evaluation.ranking import Ranking
from ratecast.metrics.intervals import Bootstrap
from ratecast.metrics.scores import Score
from ratecast.modelling.contract.forecast import Forecast
from ratecast.models.bias import Bias
from ratecast.ratings import Ratings, checked
from ratecast.splits import chronological
from tests.planted import planted


def ratings(users: list[str], movies: list[int]) -> Ratings:
    frame = pl.DataFrame({"user": users, "movie": movies, "rating": [3.0] * len(users)})
    return checked(Ratings(frame))


def forecast(heard: list[int]) -> Forecast:
    n = len(heard)
    return Forecast(
        np.full(n, 3.0), np.full((n, 5), 0.2), np.array(heard), np.zeros(n, dtype=np.int8)
    )


def test_every_row_is_where_it_belongs() -> None:
    train = ratings(["a", "b"], [1, 2])
    part = ratings(["a", "a", "c", "c", "c"], [1, 9, 2, 9, 1])
    cell = slice_scores.cells(part, train, forecast([1, 5, 6, 20, 21]))
    masks = {name: chosen[cell] for name, chosen in slice_scores.SLICES.items()}
    assert {name: mask.nonzero()[0].tolist() for name, mask in masks.items() if mask.any()} == {
        "all": [0, 1, 2, 3, 4],
        "known-user": [0, 1],
        "new-user": [2, 3, 4],
        "new-movie": [1, 3],
        "history-1-5": [0, 1],
        "history-6-20": [2, 3],
        "history-over-20": [4],
    }


def test_slices_by_what_was_heard_part_the_rows() -> None:
    split = chronological(planted(rows=3000))
    model = Bias().fit(split.train, split.valid)
    trial = protocol.run(model, split, "as-of")
    rows = {(row["part"], row["slice"]): row for row in score_rows.rows([trial])}
    for part in ("valid", "test"):
        n = {piece: row["n"] for (of, piece), row in rows.items() if of == part}
        assert n["all"] == len(split.parts[part])
        assert sum(count for piece, count in n.items() if piece.startswith("history-")) == n["all"]
        assert n.get("known-user", 0) + n.get("new-user", 0) == n["all"]


def test_rows_without_ranks_are_the_same_but_for_these() -> None:
    split = chronological(planted(rows=3000))
    trial = protocol.run(Bias().fit(split.train, split.valid), split, "frozen")
    ranked, plain = (score_rows.rows([trial], ranked=ranked) for ranked in (True, False))
    left_out = score_rows.UNRANKED.keys() - {"rmse_low", "rmse_high"}
    for one, other in zip(ranked, plain, strict=True):
        assert one.keys() == other.keys()
        for name in one.keys() - left_out:
            np.testing.assert_equal(other[name], one[name])
        assert {name: other[name] for name in left_out} == pytest.approx(
            {name: score_rows.UNRANKED[name] for name in left_out}, nan_ok=True
        )


def test_speed_counts_the_forecasts_of_every_part() -> None:
    split = chronological(planted())
    trial = protocol.run(Bias().fit(split.train), split, "frozen")
    row = score_rows.rows([replace(trial, predict_seconds=0.5)])[0]
    assert row["predictions_per_second"] == 2 * 1500


def test_every_slice_has_the_figures_of_its_rows_alone() -> None:
    split = chronological(planted(rows=3000))
    trial = protocol.run(Bias().fit(split.train, split.valid), split, "as-of")
    forecast, part = trial.forecasts["test"], split.test
    cell = slice_scores.cells(part, split.train, forecast)
    for each in slice_scores.slice_scores(forecast, part, split.train):
        mask = slice_scores.SLICES[each.name][cell]
        alone, given = forecast.take(mask), part.take(mask)
        assert astuple(each.score) == pytest.approx(astuple(Score.of(alone, given)))
        assert each.ranking is not None
        assert astuple(each.ranking) == pytest.approx(
            astuple(Ranking.of(alone, given)), nan_ok=True
        )


def test_intervals_are_those_of_the_bootstrap_over_users() -> None:
    split = chronological(planted(rows=3000))
    forecast = Bias().fit(split.train, split.valid).predict(split.test)
    whole = slice_scores.slice_scores(forecast, split.test, split.train)[0]
    users = split.test.frame["user"].to_numpy()
    errors = (forecast.stars - split.test.stars)[:, None]
    expected = Bootstrap.of(errors, users, draws=slice_scores.DRAWS).intervals()[0]
    assert whole.intervals["rmse"] == pytest.approx(tuple(expected))
    assert set(whole.intervals) == {"rmse", *score_rows.RANKED}
    for name, (low, high) in whole.intervals.items():
        figure = whole.score.rmse if name == "rmse" else getattr(whole.ranking, name)
        assert low < figure < high


def test_few_users_have_no_interval() -> None:
    train = ratings(["a", "b"], [1, 2])
    part = ratings(["a", "a", "b", "c", "d"], [3, 4, 3, 4, 1])
    (whole, *_) = slice_scores.slice_scores(forecast([1] * 5), part, train)
    assert whole.intervals == {}
