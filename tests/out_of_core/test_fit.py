"""A fit out of core is that of the same rows in memory; a killed one goes on to the same bits."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.modelling.contract.model import Model
from ratecast.out_of_core import grouping, parts
from ratecast.out_of_core.fit import fit_out_of_core
from ratecast.out_of_core.work_folder import MANIFEST
from ratecast.table_options import TableOptions
from tests.out_of_core.killed import limit_writes
from tests.out_of_core.tables import MODELS, SHARE, ratings, write_parts

QUIET: Any = {"notify": lambda _: None}
NAMES = list(MODELS)
# Writes before a kill: while rows are read and grouped, in the strata, and in the epochs.
KILLS = {"mf_bias": (1, 4, 11, 785, 3, 9), "als": (2, 7, 11, 6), "bias": (2, 8, 9)}
# Mean and standard deviation come from how often each star occurs, in memory from the rows.
ROUNDING = {"als": 1e-6, "bias": 1e-9}


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PIECE_ROWS", 300)
    monkeypatch.setattr(grouping, "ROWS", 500)


def learned(model: Model) -> dict[str, np.ndarray[Any, Any]]:
    return (
        model.arrays() | model.counts.arrays() | model.given.arrays() | model.calibration.packed()
    )


def assert_same(one: Model, other: Model, tolerance: float = 0.0) -> None:
    found, expected = learned(one), learned(other)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        if tolerance:
            np.testing.assert_allclose(found[name], array, tolerance, tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], array, err_msg=name)


def in_memory(table: pl.DataFrame, make: Callable[[], Model], scale: str = "0.5:5:0.5") -> Model:
    held = pl.Series(np.random.default_rng(0).random(len(table)) < SHARE)
    whole = rc.load(table, scale=scale, **QUIET)
    valid = whole.take(held.to_numpy())
    return make().fit(whole.take((~held).to_numpy()), valid)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("small_pieces")
def test_the_fit_is_that_in_memory(name: str, tmp_path: Path) -> None:
    table = ratings()
    folder = write_parts(tmp_path / "parts", table)
    model = fit_out_of_core(MODELS[name](), folder, tmp_path / "work", valid=SHARE, **QUIET)
    expected = in_memory(table, MODELS[name])
    assert_same(model, expected, ROUNDING.get(name, 0.0))
    assert model.users.table.equals(expected.users.table)
    model.save(tmp_path / "saved")
    again = rc.load_model(tmp_path / "saved")
    assert again.predict([1], [7]).stars == pytest.approx(expected.predict([1], [7]).stars)
    again.observe(table[:3].with_columns(pl.lit(5.0).alias("rating")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("small_pieces")
def test_a_continuous_scale(name: str, tmp_path: Path) -> None:
    random, table = np.random.default_rng(1), ratings()
    table = table.with_columns(pl.col("rating") + pl.Series(random.random(len(table)) * 9))
    folder, options = write_parts(tmp_path / "parts", table), TableOptions(scale="0:15:continuous")
    found = fit_out_of_core(
        MODELS[name](), folder, tmp_path / "work", valid=SHARE, options=options, **QUIET
    )
    expected = in_memory(table, MODELS[name], "0:15:continuous")
    pairs = table[:50].select("user", "movie")
    stars = found.predict(pairs).stars, expected.predict(pairs).stars
    np.testing.assert_allclose(*stars, atol=1e-4)


@pytest.mark.usefixtures("small_pieces")
def test_text_ids_that_come_after_numbers(tmp_path: Path) -> None:
    table = ratings().with_columns(pl.col("user").cast(pl.String))
    table[len(table) - 1, "user"] = "ann"
    folder = write_parts(tmp_path / "parts", table)
    model = fit_out_of_core(MODELS["mf_bias"](), folder, tmp_path / "work", valid=SHARE, **QUIET)
    assert_same(model, in_memory(table, MODELS["mf_bias"]))


@pytest.mark.parametrize(("name", "step"), [("bias", 8), ("als", 3), ("mf_bias", 97)])
def test_a_fit_that_ends_at_any_write_goes_on(
    name: str, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_parts(tmp_path / "parts", ratings())
    whole = fit_out_of_core(MODELS[name](), folder, tmp_path / "whole", valid=SHARE, **QUIET)
    for writes in range(0, 10_000, step):
        work = tmp_path / str(writes)
        with monkeypatch.context() as patched:
            limit_writes(writes, patched.setattr, end)
            try:
                fit_out_of_core(MODELS[name](), folder, work, valid=SHARE, **QUIET)
                break
            except Killed:
                pass
        found = fit_out_of_core(MODELS[name](), folder, work, valid=SHARE, **QUIET)
        assert_same(found, whole)
        shutil.rmtree(work)
    assert writes > 4 * step


class Killed(BaseException):
    """In the place of a signal."""


def end() -> None:
    raise Killed


@pytest.mark.parametrize("name", ["mf_bias", "bias"])
@pytest.mark.usefixtures("small_pieces")
def test_of_a_pair_the_latest_rating_counts(name: str, tmp_path: Path) -> None:
    table = ratings()
    late = pl.lit(2 * 10**6).alias("at")
    again = pl.concat([table[40:60], table[40:45]]).with_columns(late, pl.lit(5.0).alias("rating"))
    more = pl.concat([table, again.cast(table.schema)])
    folder, notes = write_parts(tmp_path / "parts", more), list[str]()
    held = table[:100]
    make, work = MODELS[name], tmp_path / "work"
    found = fit_out_of_core(make(), folder, work, valid=held, notify=notes.append)
    assert [note.partition(": ")[2] for note in notes][-1].startswith(
        "25 duplicate rows; the latest"
    )
    assert_same(fit_out_of_core(make(), folder, work, valid=held, **QUIET), found)
    whole = rc.load(more, **QUIET)
    expected = make().fit(whole, rc.load(held, scale=whole.scale, **QUIET))
    assert len(whole) == len(table)
    pairs = held.select("user", "movie")
    # Ids have other numbers, since the first row of one may be gone, and so SGD another order.
    close = 0.3 if name == "mf_bias" else 1e-9
    np.testing.assert_allclose(
        found.predict(pairs).stars, expected.predict(pairs).stars, atol=close
    )


@pytest.mark.parametrize("name", KILLS)
def test_a_killed_fit_goes_on_to_the_same_bits(name: str, tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "parts", ratings())
    work = tmp_path / "work"
    for writes in KILLS[name]:
        words = [sys.executable, "-m", "tests.out_of_core.killed", name]
        ran = subprocess.run([*words, str(folder), str(work), str(writes)], check=False)
        assert ran.returncode == -signal.SIGKILL
    assert (work / MANIFEST).exists()
    resumed = fit_out_of_core(MODELS[name](), folder, work, valid=SHARE, **QUIET)
    whole = fit_out_of_core(MODELS[name](), folder, tmp_path / "other", valid=SHARE, **QUIET)
    assert_same(resumed, whole)
    assert_same(fit_out_of_core(MODELS[name](), folder, work, valid=SHARE, **QUIET), whole)
