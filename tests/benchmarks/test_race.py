"""The race is fair: rows that were learned are checked, threads are read, times are in order."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from benchmarks import check, curve, curve_page, pictures, records, tables
from benchmarks.peers import METHODS, learned, run, stream, with_epochs
from benchmarks.peers.table import I64
from benchmarks.process import job
from ratecast.ratings import Ratings


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    pairs = random.choice(4000, 3000, replace=False)
    frame = pl.DataFrame(
        {
            "user": pairs // 100,
            "movie": pairs % 100,
            "rating": random.integers(1, 6, 3000).astype(np.float32),
            "at": np.arange(3000) // 3,
        }
    )
    frame.write_parquet(tmp_path / "train.parquet")
    return tmp_path / "train.parquet"


def known(path: Path) -> Callable[[I64, I64], NDArray[np.float64]]:
    """Forecasts of a model that remembers the rating of each pair."""
    rows = pl.read_parquet(path).select("user", "movie", "rating").rows()
    of_pair = {(user, movie): stars for user, movie, stars in rows}
    return lambda users, movies: np.array(
        [of_pair[pair] for pair in zip(users.tolist(), movies.tolist(), strict=True)]
    )


def test_an_adapter_whose_learned_rows_are_no_better_than_the_mean_has_no_figure(
    table: Path,
) -> None:
    rows = learned.sample(table)
    assert len(rows[0]) == learned.SLICES * learned.ROWS
    learned.check(lambda *_: rows[2] + np.float64(0.1), rows)
    with pytest.raises(learned.NotLearnedError, match=r"rows that it learned from, 1\.\d+ by"):
        learned.check(lambda *_: rows[2][::-1], rows)
    with pytest.raises(learned.NotLearnedError):
        learned.check(lambda users, _: np.full(len(users), np.nan), rows)


def test_preferences_are_checked_against_those_of_other_pairs(table: Path) -> None:
    rows = learned.sample(table)
    pairs = set(zip(rows[0].tolist(), rows[1].tolist(), strict=True))

    def preferred(users: I64, movies: I64) -> NDArray[np.float64]:
        together = zip(users.tolist(), movies.tolist(), strict=True)
        return np.array([float(pair in pairs) for pair in together])

    learned.check(preferred, rows, ranks_only=True)
    with pytest.raises(learned.NotLearnedError, match="of learned pairs"):
        learned.check(lambda u, m: -preferred(u, m), rows, ranks_only=True)


def test_the_name_of_an_adapter_that_has_not_learned_is_in_the_error(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mean = SimpleNamespace(load=lambda _: None, fit=lambda *_: lambda u, _: np.full(len(u), 9.0))
    monkeypatch.setattr(run, "import_module", lambda _: mean)
    request = table.parent / "request"
    request.write_text(json.dumps({"module": "libmf", "jobs": [job(table, {}, {})]}), "utf-8")
    with pytest.raises(SystemExit, match=r"benchmarks/peers/libmf\.py: RMSE"):
        run.main(request, table.parent / "result")
    assert not (table.parent / "result").exists()


def test_the_threads_that_were_at_work_are_read(table: Path) -> None:
    peer = SimpleNamespace(load=lambda _: None, fit=lambda *_: known(table))
    found = run.done(peer, job(table, {"test": table}, {}))
    assert found["cpu"].keys() == found["seconds"].keys()
    assert found["cpu"]["fit"] > 0


def test_epochs_are_counted_where_the_method_counts_them() -> None:
    assert with_epochs({"k": 2}, "niter", 3) == {"k": 2, "niter": 3}
    deep = with_epochs({"descent": {"l2": 0.1, "epochs": 20}, "k": 2}, "descent.epochs", 3)
    assert deep == {"descent": {"l2": 0.1, "epochs": 3}, "k": 2}
    for method in METHODS:
        if method.epochs:
            first = method.epochs.partition(".")[0]
            assert first in method.settings, method.name


def test_a_curve_is_of_fits_anew_or_of_epochs_in_a_row(table: Path) -> None:
    asked = job(table, {"valid": table}, {"niter": 9})
    asked["epochs"] = {"name": "niter", "points": [1, 3]}
    counts: list[int] = []

    def fit(_: Any, settings: dict[str, int]) -> Callable[[I64, I64], NDArray[np.float64]]:
        counts.append(settings["niter"])
        return known(table)

    anew = SimpleNamespace(load=lambda _: None, fit=fit)
    assert [point["epochs"] for point in run.done(anew, asked)["points"]] == [1, 3]
    assert counts == [1, 3]

    def epochs(*_: Any) -> Iterator[Callable[[I64, I64], NDArray[np.float64]]]:
        while True:
            counts.append(0)
            yield known(table)

    in_a_row = SimpleNamespace(load=lambda _: None, epochs=epochs)
    first, third = run.done(in_a_row, asked)["points"]
    assert counts == [1, 3, 0, 0, 0]
    assert third["seconds"] > first["seconds"] > 0


def row(method: str, points: list[tuple[int, float, float]]) -> records.Record:
    return {
        "method": method,
        "threads": 2,
        "points": [
            {"epochs": n, "seconds": s, "cpu": 1.5 * s, "rmse": {"valid": r, "test": r + 0.01}}
            for n, s, r in points
        ],
    }


PLANTED = {
    "machine": records.machine(),
    "rows": [
        row("ratecast mf_bias", [(1, 1.0, 0.95), (2, 2.0, 0.88), (3, 3.0, 0.86)]),
        row("ratecast mf_bias", [(1, 1.0, 0.95), (2, 2.2, 0.88), (3, 3.0, 0.86)]),
        row("LIBMF", [(1, 2.0, 0.97), (2, 4.0, 0.93)]),
        row("Cornac MF", [(1, 3.0, 0.90), (2, 6.3, 0.89), (3, 9.0, 0.91)]),
        {"method": "Surprise SVD", "threads": 2, "failed": "> 900 s"},
    ],
}


def test_the_target_is_the_best_point_of_any_peer() -> None:
    found = curve.curves(PLANTED)
    goal = curve.target(found)
    assert goal is not None
    peer, best = goal
    assert (peer.method.name, best.epochs, best.seconds) == ("Cornac MF", 2, 6.3)
    ours, libmf = found[0], found[1]
    reached = ours.reaching(best.valid)
    assert reached is not None
    assert (reached.epochs, ours.used) == (2, 1.5)
    assert reached.seconds == pytest.approx(2.1)
    assert libmf.reaching(best.valid) is None
    text = curve_page.curve_table(PLANTED)
    assert "ratecast mf_bias reaches it in **2.1 s** (2 epochs): 1/3.0 of that time." in text
    assert "| LIBMF | 0.9300 | 0.9400 | 2 | 4.0 | 1.5 of 2 | not reached |  |" in text
    assert "| Surprise SVD | > 900 s |" in text
    assert "curve-1m.svg" in pictures.of({"curve-1m": PLANTED})


def test_the_check_times_the_curve_s_fits_to_the_same_rmse() -> None:
    speed = {"machine": records.machine(), "rows": []}
    (floor,) = check.floors({check.PUBLISHED: speed, check.CURVE: PLANTED})
    assert str(floor.ours) == "ratecast mf_bias (2 epochs)"
    assert str(floor.peer) == "Cornac MF (2 epochs)"
    assert floor.ratio == pytest.approx(check.SHARE * 6.3 / 2.1)


def test_a_walk_asks_before_it_learns_and_in_the_order_of_time(tmp_path: Path) -> None:
    train, part = tmp_path / "train.parquet", tmp_path / "part.parquet"
    columns = ("user", "movie", "rating", "at")
    # The file is not in the order of time, and two rows share one.
    rows = [(3, 1, 5.0, 30), (1, 1, 1.0, 10), (2, 1, 2.0, 10), (4, 1, 4.0, 20)]
    pl.DataFrame(rows, columns, orient="row").write_parquet(part)
    pl.DataFrame([(9, 1, 3.0, 0), (8, 1, 2.0, 5)], columns, orient="row").write_parquet(train)
    known_before: dict[int, list[float]] = {}
    observed: list[float] = []
    of_train = {9: 3.0, 8: 2.0}

    def forecast(user: int, _: int) -> float:
        known_before[user] = list(observed)
        return of_train.get(user, float(user))

    (found,) = stream.walked(forecast, lambda *given: observed.append(given[2]), train, [part])
    assert found.tolist() == [3.0, 1.0, 2.0, 4.0]
    assert known_before[1] == known_before[2] == [3.0, 2.0]
    assert known_before[4] == [3.0, 2.0, 1.0, 2.0]
    assert known_before[3] == [3.0, 2.0, 1.0, 2.0, 4.0]


def test_the_last_rating_of_a_pair_is_kept_for_all() -> None:
    rows = [(1, 1, 5.0, 30), (1, 2, 1.0, 10), (1, 1, 2.0, 20), (2, 1, 4.0, 5), (2, 1, 3.0, 5)]
    frame = pl.DataFrame(
        rows, {"user": pl.Int64, "movie": pl.Int64, "rating": pl.Float32, "at": pl.Int64},
        orient="row",
    )  # fmt: skip
    kept = tables.last_of_pairs(Ratings(frame)).frame
    assert kept["rating"].to_list() == [5.0, 1.0, 3.0]
