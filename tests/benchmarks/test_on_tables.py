"""Real tables: they are parted as the page says, and the page is its results."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import on_tables, tables_page
from benchmarks.peers import damped, damped_online
from benchmarks.real_tables import (
    BY_TIME,
    RANDOM,
    TABLES,
    RealTable,
    of_the_user,
    parts,
    protocols,
)
from ratecast import data
from ratecast.errors import InputError
from ratecast.table_options import TableOptions

RESULTS = tables_page.read()


def test_the_page_holds_the_figures_of_the_results_file() -> None:
    text = tables_page.PAGE.read_text("utf-8")
    assert tables_page.rendered(text, RESULTS) == text
    # Every real table, by every protocol that it has, is measured.
    assert set(RESULTS) == {table.name for table in TABLES}
    for table in TABLES:
        for split in protocols(table):
            assert f"\n### {table.name}: {split}, frozen\n" in text


def test_the_last_of_a_pair_stays_and_rows_are_drawn_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path / "home"))
    rows = [f"u{k % 7} m{k // 7} {k % 5 + 1}" for k in range(70)]
    file = tmp_path / "table.txt"
    file.write_text("\n".join([*rows, "u0 m0 5"]), "utf-8")
    table = of_the_user(f"mine={file}")
    assert protocols(table) == [RANDOM]
    where, scale = parts(table, RANDOM, tmp_path)
    drawn = np.random.default_rng(1).random(70) < 0.2
    train, test = (pl.read_parquet(where[part]) for part in ("train", "test"))
    assert (len(train), len(test)) == ((~drawn).sum(), drawn.sum())
    assert scale == "1:5:1"
    inner, valid = (pl.read_parquet(where[part]) for part in ("inner", "valid"))
    assert len(inner) + len(valid) == len(train)
    whole = pl.concat([train, test]).filter(pl.col("user") == 1, pl.col("movie") == 1)
    assert whole["rating"].to_list() == [5.0]


def test_a_table_with_times_is_split_by_them_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path / "home"))
    file = tmp_path / "table.csv"
    lines = [f"{k % 9},{k % 11},{k % 5 + 1},{1_000_000_000 + k * 86_400}" for k in range(99)]
    file.write_text("\n".join(["user,movie,rating,timestamp", *lines]), "utf-8")
    table = of_the_user(f"mine={file}")
    assert protocols(table) == [RANDOM, BY_TIME]
    where, _ = parts(table, BY_TIME, tmp_path)
    train, test = (pl.read_parquet(where[part])["at"] for part in ("train", "test"))
    assert train.max() < test.min()  # type: ignore[operator]
    assert len(data.load(where["all"], notify=lambda _: None)) == 99


def test_what_is_not_there_says_where_to_get_it(tmp_path: Path) -> None:
    table = RealTable("mine", "none.csv", TableOptions(), "https://example.org")
    with pytest.raises(InputError, match=r"none\.csv: not there; get it from https://example\.org"):
        parts(table, RANDOM, tmp_path)
    with pytest.raises(InputError, match="write it as NAME=PATH"):
        of_the_user("mine")
    with pytest.raises(InputError, match="tables are CiaoDVD"):
        on_tables.main(["--only", "none"])


def test_damped_biases_are_those_of_their_equation(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    frame = pl.DataFrame(
        {"user": [1, 1, 2], "movie": [7, 8, 7], "rating": [5.0, 2.0, 2.0], "at": [1, 2, 3]},
        schema_overrides={"rating": pl.Float32},
    )
    frame.write_parquet(path)
    predict = damped.fit(damped.load(path), {"item": 1, "user": 1})
    item = {7: (5 + 2 - 6) / 3, 8: (2 - 3) / 2}
    user = ((5 - 3 - item[7]) + (2 - 3 - item[8])) / 3
    known, unknown = predict(np.array([1, 3]), np.array([7, 9]))
    assert known == pytest.approx(3 + item[7] + user)
    assert unknown == pytest.approx(3)
    (online,) = damped_online.walk(path, [path], {"item": 1, "user": 1})
    assert np.isfinite(online).all()
    assert online.max() > 3 > online.min()
