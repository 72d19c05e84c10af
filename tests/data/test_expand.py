"""Expansions: exact in size, like their source, the same for a seed, and whole or not there."""

import json
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast import data, resources
from ratecast.cli import main
from ratecast.data import canonical
from ratecast.data.expand import Form, expand, files
from ratecast.errors import InputError
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.ratings import Ratings, checked
from ratecast.splits import chronological, kfold
from tests.planted import planted

Usage = namedtuple("Usage", "total used free")
FORMS: tuple[Form, Form] = ("parquet", "csv")


def small() -> Ratings:
    return planted(users=120, movies=80, rows=3000)


def grown(ratings: Ratings, rows: int, out: Path, seed: int = 0, form: Form = "parquet") -> Ratings:
    expand(ratings, rows, out, seed=seed, form=form, name="source", notify=lambda _: None)
    return data.load(out, notify=lambda _: None)


def digests(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / canonical.METADATA).read_text())["sha256"]
    return found


def by_user(table: Ratings) -> list[tuple[int, int, float, int]]:
    return table.frame.sort("user", "movie").rows()


@pytest.fixture(scope="module")
def large(ml100k: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Ratings:
    return grown(ml100k, 400_000, tmp_path_factory.mktemp("grown") / "table")


@pytest.mark.parametrize("rows", [3_000, 3_001, 7_919, 100_000])
def test_rows_are_as_many_as_asked_and_no_pair_comes_twice(rows: int, tmp_path: Path) -> None:
    table = grown(small(), rows, tmp_path / "out")
    assert len(table) == rows
    assert table.frame.select("user", "movie").n_unique() == rows
    assert table.frame["user"].value_counts()["count"].min() >= 2  # type: ignore[operator]
    assert table.in_time_order
    assert checked(table).frame.equals(table.frame)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in {"one": 5, "two": 5, "three": 6}.items():
        grown(small(), 9_000, tmp_path / name, seed)
    one, two, three = (digests(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one["ratings/part-00000.parquet"] != three["ratings/part-00000.parquet"]


def test_both_forms_read_back_equal(tmp_path: Path) -> None:
    one, other = (grown(small(), 20_000, tmp_path / form, form=form) for form in FORMS)
    assert by_user(one) == by_user(other)
    assert one.movies.equals(other.movies)
    assert other.in_time_order
    assert "that of source still applies" in (tmp_path / "csv" / "README.txt").read_text()


def test_parts_follow_one_another_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = grown(small(), 50_000, tmp_path / "whole")
    monkeypatch.setattr(files, "PART_ROWS", 4_000)
    parted = grown(small(), 50_000, tmp_path / "parted")
    assert len(list((tmp_path / "parted" / "ratings").iterdir())) > 5
    assert parted.frame.equals(whole.frame)
    assert parted.frame.n_chunks() == 1
    assert canonical.scan(tmp_path / "parted").collect().equals(whole.frame)


def test_stars_ties_and_the_long_tail_are_the_source_s(large: Ratings, ml100k: Ratings) -> None:
    def shares(table: Ratings) -> list[float]:
        return [n / len(table) for n in data.describe(table)["stars"].values()]

    def busiest_tenth(table: Ratings, kind: str) -> float:
        counts = np.sort(table.frame[kind].value_counts()["count"].to_numpy())
        return float(counts[-len(counts) // 10 :].sum() / counts.sum())

    assert shares(large) == pytest.approx(shares(ml100k), abs=0.005)
    assert busiest_tenth(large, "user") == pytest.approx(busiest_tenth(ml100k, "user"), abs=0.05)
    # In MovieLens too the larger the edition, the more of it is of few movies.
    tail = busiest_tenth(ml100k, "movie")
    assert tail < busiest_tenth(large, "movie") < 0.8
    assert data.describe(large)["tie_share"] > 0.7


def test_a_model_of_tastes_learns_what_biases_cannot(large: Ratings) -> None:
    split = kfold(large)[0]

    def rmse(model: Bias | ALS) -> float:
        stars = model.fit(split.train).predict(split.test.requests()).stars
        return float(np.sqrt(np.mean((stars - split.test.stars) ** 2)))

    assert rmse(ALS(factors=4, iterations=5)) < 0.95 * rmse(Bias())


def test_titles_genres_and_years_are_there(large: Ratings, ml100k: Ratings) -> None:
    assert large.movies["title"].n_unique() == large.movies.height
    assert large.movies["title"].str.contains(r"^Movie \d+ of [^(]+( \(\d{4}\))?$").all()
    assert set(large.movies["year"].unique()) == set(ml100k.movies["year"].unique())
    assert large.frame["movie"].is_in(large.movies["movie"].implode()).all()


def test_the_split_of_an_expansion_is_a_view(large: Ratings) -> None:
    at = chronological(large).test.at
    assert np.shares_memory(at, large.at)


HALT = """
import sys, time
from pathlib import Path
from ratecast.data import canonical, load
from ratecast.data.expand import expand, files
files.PART_ROWS = 5_000
made = 0
def halting(real, after):
    def step(*given):
        global made
        made += 1
        if made > after:
            print("half", flush=True)
            time.sleep(60)
        return real(*given)
    return step
canonical.write_table = halting(canonical.write_table, int(sys.argv[3]))
canonical.write_metadata = halting(canonical.write_metadata, 0)
files.movies_of = halting(files.movies_of, int(sys.argv[3]))
expand(load(sys.argv[1]), 50_000, Path("out"), form=sys.argv[2])
"""


@pytest.mark.parametrize(("form", "after"), [("parquet", 2), ("parquet", 99), ("csv", 0)])
def test_a_killed_run_leaves_no_table_and_the_next_one_succeeds(
    form: Form, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small().frame.write_csv("ratings.csv")
    words = [sys.executable, "-c", HALT, "ratings.csv", form, str(after)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "half\n"
        run.send_signal(signal.SIGKILL)
    left = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert [path.name.startswith(".out-unfinished-") for path in left] == [True]
    with pytest.raises(InputError):
        data.load(left[0])
    words = ["data", "expand", "ratings.csv", "--ratings", "5e4", "--out", "out", "--form", form]
    assert main(words) == 0
    assert len(data.load("out")) == 50_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "ratings.csv"]


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(canonical, "write_metadata", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grown(small(), 9_000, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_missing_or_damaged_part_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_ROWS", 4_000)
    grown(small(), 50_000, tmp_path / "out")
    part = tmp_path / "out" / "ratings" / "part-00002.parquet"
    sound = part.read_bytes()
    part.write_bytes(sound[:2000] + bytes([sound[2000] ^ 1]) + sound[2001:])
    with pytest.raises(InputError, match=r"part-00002\.parquet is damaged; run ratecast data exp"):
        data.load(tmp_path / "out")
    part.write_bytes(sound[:-1])
    with pytest.raises(InputError, match=r"part-00002\.parquet is missing or incomplete"):
        data.load(tmp_path / "out")
    part.unlink()
    with pytest.raises(InputError, match=r"part-00002\.parquet is missing or incomplete"):
        canonical.scan(tmp_path / "out")


def test_too_little_disk_or_memory_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = grown(small(), 9_000, tmp_path / "there")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: Usage(10, 10, 3_000_000_000))
        with pytest.raises(InputError, match=r"needs about 9\.0 GB of disk, 3\.0 GB are free at"):
            expand(small(), 1e9, tmp_path / "new" / "out")
    monkeypatch.setattr(resources, "available_memory", lambda: 100_000)
    with pytest.raises(InputError, match=r"needs about .* of memory, 0\.1 MB are available"):
        expand(small(), 9_000, tmp_path / "out")
    with pytest.raises(InputError, match=r"needs about 0\.4 MB of memory"):
        data.load(tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert len(table) == 9_000


@pytest.mark.parametrize("rows", [2_000, 2e9, 3000.5, float("nan")])
def test_a_size_that_cannot_be_made_is_refused(rows: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give an integer from"):
        expand(small(), rows, tmp_path / "out")


def test_a_source_that_will_not_do_and_a_folder_in_use(tmp_path: Path) -> None:
    untimed = replace(small(), frame=small().frame.drop("at"))
    with pytest.raises(InputError, match="no timestamps"):
        expand(untimed, 9_000, tmp_path / "out")
    with pytest.raises(InputError, match="seed -1 is negative"):
        expand(small(), 9_000, tmp_path / "out", seed=-1)
    with pytest.raises(InputError, match="too few"):
        expand(small().take(slice(0, 100)), 9_000, tmp_path / "out")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("")
    with pytest.raises(InputError, match="exists already"):
        expand(small(), 9_000, tmp_path / "used")


def test_a_source_with_words_for_ids_and_other_stars(tmp_path: Path) -> None:
    table = planted(users=120, movies=80, rows=3000, half=True)
    words = table.frame.with_columns(pl.format("u{}", "user"), pl.format("m{}", "movie"))
    movies = words.select("movie").head(0)
    made = grown(replace(table, frame=words, movies=movies), 9_000, tmp_path / "out")
    assert made.scale == table.scale
    assert set(made.stars) == set(table.stars)
    assert made.frame.schema["user"] == pl.Int64
