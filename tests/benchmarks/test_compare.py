"""The comparison with the peers: its page is its results, its processes have limits, it goes on."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from benchmarks import (
    billion,
    check,
    compare,
    environment,
    flagship,
    page,
    pictures,
    process,
    records,
    speed,
    tables,
)
from benchmarks.peers import ACCURATE, METHODS, WALKED, learned, ours, run
from benchmarks.peers.table import I64, columns
from benchmarks.process import ProcessTask, job, measured
from benchmarks.summary import lines
from ratecast import data
from ratecast.data.expand import expand
from ratecast.errors import InputError
from ratecast.ratings import Ratings

RESULTS = records.read()


def record(key: str, fit: float, peak: float, rmse: float) -> dict[str, object]:
    return {
        "key": key,
        "seconds": {"load": 1.0, "fit": fit, "predict": 1.0},
        "whole": {"seconds": fit + 2, "peak_gb": peak},
        "rmse": {"test": rmse},
        "per_second": 1e6,
    }


_TIMES = enumerate((9.0, 2.0, 4.0), start=1)
PLANTED = {
    "machine": records.machine(),
    "rows": [
        *(record(f"ratecast mf_bias, tuned, {k}", fit, 2.0, 0.8) for k, fit in _TIMES),
        record("Cornac MF, tuned, 1", 8.0, 1.0, 0.9),
        record("Cornac MF, own, 1", 8.0, 1.0, 0.95),
        {"key": "LIBMF, tuned, 1", "failed": "> 600 s"},
    ],
}


def test_the_page_holds_the_figures_of_the_results_file() -> None:
    text = page.PAGE.read_text("utf-8")
    assert page.rendered(text, RESULTS) == text
    readme = page.README.read_text("utf-8")
    assert page.in_short(readme, RESULTS) == readme


def test_the_pictures_are_those_of_the_results() -> None:
    drawn = pictures.of(RESULTS)
    assert drawn
    for name, picture in drawn.items():
        assert (page.PICTURES / name).read_text("utf-8") == picture.file(), name
    shown = re.findall(r"\(pictures/([\w.-]+)\)", page.PAGE.read_text("utf-8"))
    assert set(shown) == drawn.keys()


def test_every_pinned_peer_has_a_row() -> None:
    asked, _, needed = environment.PINS.read_text("utf-8").partition("\n\n")
    pinned = {line.partition("==")[0] for line in asked.splitlines() if "==" in line}
    assert pinned == set(environment.packages())
    assert not pinned & {line.partition("==")[0] for line in needed.splitlines()}
    text = page.PAGE.read_text("utf-8")
    for method in (*METHODS, *ACCURATE, *WALKED):
        assert f"\n| {method.name} " in text, method.name


def test_without_the_python_of_the_pins_there_is_no_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "RELEASE", "3.0")
    with pytest.raises(InputError, match=r"peers need Python 3\.0, and none is on the path"):
        environment.interpreter()
    monkeypatch.setenv(environment.VARIABLE, "no-such-python")
    with pytest.raises(InputError, match="BENCH_PYTHON: no-such-python cannot be run"):
        environment.interpreter()
    monkeypatch.setenv(environment.VARIABLE, sys.executable)
    monkeypatch.setattr(environment, "RELEASE", ".".join(map(str, sys.version_info[:2])))
    assert environment.interpreter() == sys.executable


def test_medians_ratios_and_who_wins() -> None:
    best, libmf, cornac = lines(PLANTED)
    assert (best.runs, best.values["fit"], best.ratios["fit"]) == (3, 4.0, 1.0)
    assert (cornac.ratios["fit"], cornac.ratios["memory"], cornac.own) == (2.0, 0.5, 0.95)
    assert cornac.wins("memory")
    assert not cornac.wins("fit")
    assert not cornac.wins("rmse")
    assert (libmf.failed, libmf.values) == ("> 600 s", {})
    text = page.speed_table(PLANTED)
    assert "Where a peer wins (bold): Cornac MF (memory)." in text
    assert "| LIBMF (1 run) | > 600 s |" in text


def test_a_method_that_is_quicker_on_one_thread_is_shown_on_one() -> None:
    rows = [
        record("ratecast mf_bias, tuned, 1", 4.0, 2.0, 0.8) | {"cpu": {"fit": 7.0}},
        record("ratecast mf_bias, single, 1", 6.0, 2.0, 0.8) | {"cpu": {"fit": 6.0}},
        record("Cornac MF, tuned, 1", 9.0, 1.0, 0.9) | {"cpu": {"fit": 17.0}},
        record("Cornac MF, single, 1", 8.0, 1.0, 0.9) | {"cpu": {"fit": 8.0}},
    ]
    section = {"machine": records.machine(), "rows": rows}
    first, cornac = lines(section)
    assert (first.values["fit"], first.threads, first.used) == (4.0, 2, 1.75)
    assert (cornac.values["fit"], cornac.threads, cornac.used) == (8.0, 1, 1.0)
    assert "| 1.8 of 2 |" in page.speed_table(section)


def test_a_method_that_only_ranks_cannot_win_by_rmse() -> None:
    rows = [
        record("ratecast als, tuned, 1", 1.0, 1.0, 0.9),
        record("implicit ALS, tuned, 1", 2.0, 2.0, 0.1),
    ]
    table = page.speed_table({"machine": records.machine(), "rows": rows})
    assert "ranks only" in table
    assert "0.1000" not in table


def test_a_part_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path))
    done: list[str] = []

    def work(name: str, fails: bool = False) -> Callable[[], records.Record]:
        def measure() -> records.Record:
            if fails:
                raise KeyboardInterrupt
            done.append(name)
            return {"rmse": {"test": float(len(done))}}

        return measure

    with pytest.raises(KeyboardInterrupt):
        records.done("some", [("a", work("a")), ("b", work("b", fails=True))])
    found = records.done("some", [("a", work("a")), ("b", work("b"))])
    assert done == ["a", "b"]
    assert [(one["key"], one["rmse"]["test"]) for one in found] == [("a", 1.0), ("b", 2.0)]


@pytest.fixture
def small(ml100k: Ratings, tmp_path: Path) -> Path:
    rows = ml100k.frame.head(2000)
    rows.head(1900).write_parquet(tmp_path / "train.parquet")
    rows.tail(100).write_parquet(tmp_path / "test.parquet")
    return tmp_path


def asked(small: Path, settings: dict[str, object], limit: float = 60.0) -> ProcessTask:
    fit = job(small / "train.parquet", {"test": small / "test.parquet"}, settings)
    return ProcessTask("ours", [fit], 1, limit)


def test_a_process_says_its_seconds_memory_and_error(small: Path) -> None:
    found = measured(asked(small, {"model": "bias"}))
    (done,) = found["done"]
    users, movies, stars = columns(small / "test.parquet")
    predict = ours.fit(ours.load(small / "train.parquet"), {"model": "bias"})
    error = np.clip(predict(users, movies), 1, 5) - stars
    assert done["rmse"]["test"] == pytest.approx(np.sqrt(np.mean(error**2)), abs=1e-5)
    assert 0 < done["cpu"]["fit"] < 2 * done["seconds"]["fit"]
    assert done["per_second"] > 0
    assert 0.05 < done["peak_gb"]["fit"] <= found["whole"]["peak_gb"] * 1.01
    assert found["whole"]["seconds"] > sum(done["seconds"].values())


def test_a_process_that_takes_too_long_is_ended(small: Path) -> None:
    assert measured(asked(small, {"model": "bias"}, 0.0))["failed"] == "> 0 s"


def test_a_process_that_takes_the_machine_s_memory_is_ended(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SPARE_GB", 1e6)
    assert measured(asked(small, {"model": "bias"}))["failed"].startswith("out of memory")


def test_memory_is_sampled_where_there_is_no_program_that_tells_it(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "TIME", tmp_path / "time")
    monkeypatch.setattr(process, "_POLL", 0.02)
    whole = measured(asked(small, {"model": "bias"}))["whole"]
    assert whole["by"] == "samples"
    assert whole["peak_gb"] > 0.05


def test_a_process_that_fails_says_why(small: Path) -> None:
    assert "nobody" in measured(asked(small, {"model": "nobody"}))["failed"]


def test_a_forecast_that_is_missing_is_no_forecast(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gaps(users: I64, _: I64) -> NDArray[np.float64]:
        return np.where(np.arange(len(users)) == 7, np.nan, 3.0)

    peer = SimpleNamespace(load=lambda _: None, fit=lambda *_: gaps, RANKS_ONLY=False)
    monkeypatch.setattr(learned, "check", lambda *_: None)
    with pytest.raises(ValueError, match="100 rows"):
        run.done(peer, job(small / "train.parquet", {"test": small / "test.parquet"}, {}))


def test_a_grown_table_is_parted_whole(
    ml100k: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "load", lambda _: ml100k)
    parts = tables.Parts(tmp_path / "parts")
    tables.make(110_000, parts.folder)
    rows = {p: pl.read_parquet(parts[p]) for p in ("train", "test", "inner", "valid")}
    assert [rows[p].height for p in rows] == [107_800, 2_200, 105_644, 2_156]
    assert pl.concat([rows["train"], rows["test"]]).n_unique() == 110_000
    inner = pl.concat([rows["inner"], rows["valid"]]).sort("user", "movie")
    assert inner.equals(rows["train"].sort("user", "movie"))
    assert (parts.folder / tables.WHOLE).exists()


def test_the_flagship_is_told_whole_users_and_refitted_on_the_way(
    ml100k: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "train.parquet"
    ml100k.frame.write_parquet(path)
    monkeypatch.setattr(flagship, "grown", lambda _: {"train": path})
    found = flagship.measured(4000, 0)
    assert 3000 < found["ratings"] < 5000
    (learned, _), _, (told, _) = found["stages"].values()
    assert learned + told == found["ratings"]
    assert found["refits"] > 0
    table = page.flagship_table({"machine": records.machine(), "rows": [found]})
    assert f"| fit | {learned:,} |" in table


def test_a_table_out_of_core_is_that_in_memory(
    ml100k: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(billion, "FACTORS", 4)
    monkeypatch.setattr(billion, "EPOCHS", 2)
    folder = tmp_path / "parts"
    expand(ml100k, 120_000, folder, notify=lambda _: None)
    found: list[records.Record] = [
        {"how": how, "ratings": 120_000} | billion.measured(how, folder, 120_000)
        for how in (billion.IN_MEMORY, billion.ON_DISK)
    ]
    assert found[0]["rmse"] == found[1]["rmse"]
    for one in found:
        assert one["seconds"]["sorting"] > 0
        # No second counts for two stages.
        assert one["seconds"]["the rest"] > 0
    table = page.billion_table({"machine": records.machine(), "rows": found})
    assert "1 times the ratings in" in table


def test_the_check_fails_where_a_ratio_falls_below_its_share() -> None:
    (floor,) = check.floors({check.PUBLISHED: PLANTED})
    assert (str(floor.ours), str(floor.peer)) == ("ratecast mf_bias", "Cornac MF")
    assert floor.ratio == pytest.approx(check.SHARE * 9.0 / 5.0)
    said: list[str] = []
    assert check.verdict([floor], {floor.ours: 1.0, floor.peer: 1.1}, said.append) == 0
    assert check.verdict([floor], {floor.ours: 1.0, floor.peer: 1.0}, said.append) == 1
    assert [line.endswith("too slow") for line in said] == [False, True]


def test_there_are_floors_of_every_peer_that_is_checked() -> None:
    known = {line.method for line in lines(RESULTS[check.PUBLISHED]) if line.values}
    pairs = [pair for pair in check.PAIRS if known.issuperset(pair)]
    assert pairs
    found = [floor for floor in check.floors(RESULTS) if not floor.ours.epochs]
    assert [(floor.ours.method, floor.peer.method) for floor in found] == pairs


def test_a_peer_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "missing", lambda: {"libmf": "no compiler"})
    monkeypatch.setattr(speed, "grown", lambda _: tables.Parts(tmp_path))
    others = tuple(method.name for method in METHODS if method.name != "LIBMF")
    ((key, work),) = speed.steps(speed.Plan(1000, runs=1, leave_out=others, single=False))
    assert work()["failed"] == "not installed: no compiler"
    table = page.speed_table({"machine": records.machine(), "rows": [work() | {"key": key}]})
    assert "| LIBMF (1 run) | not installed: no compiler |" in table
    assert not check.installed("LIBMF")
    assert check.installed("Cornac MF")
    assert "LIBMF is left out, not installed: no compiler" in capsys.readouterr().out


def test_a_part_or_method_that_is_not_known_is_refused() -> None:
    with pytest.raises(SystemExit, match="no part 'nothing'"):
        compare.main(["--only", "nothing"])
    with pytest.raises(SystemExit, match="no method 'nobody'"):
        compare.main(["--rows", "1e5", "--peers", "nobody"])
