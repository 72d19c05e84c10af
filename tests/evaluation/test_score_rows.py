from dataclasses import replace

import numpy as np
import polars as pl

from ratecast.evaluation import protocol, score_rows
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
    masks = score_rows.slices(part, train, forecast([1, 5, 6, 20, 21]))
    assert {name: mask.nonzero()[0].tolist() for name, mask in masks.items()} == {
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


def test_speed_counts_the_forecasts_of_every_part() -> None:
    split = chronological(planted())
    trial = protocol.run(Bias().fit(split.train), split, "frozen")
    row = score_rows.rows([replace(trial, predict_seconds=0.5)])[0]
    assert row["predictions_per_second"] == 2 * 1500
