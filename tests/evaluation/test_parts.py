"""Lists and forecasts in parts: the same bits for any number of parts and workers."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.evaluation import list_parts, pair_sources, part_runs
from ratecast.evaluation.forecast_parts import errors_of, write_forecast_parts
from ratecast.evaluation.list_parts import Lists, write_lists
from ratecast.evaluation.pair_sources import HeldPairs, file_pairs
from ratecast.evaluation.pairs_file import TrueRatings, read_pairs
from ratecast.evaluation.part_runs import SavedModel
from ratecast.evaluation.scored_pairs import ScoredPairs
from ratecast.models import load_model
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.parted_table import LOCK, MANIFEST, part_name, read_parts
from ratecast.queries.id_lists import candidates
from ratecast.queries.many_forecasts import BLOCK_ROWS, EveryPair
from ratecast.queries.top_n import Recommender
from ratecast.ratings import Ratings, Requests
from ratecast.table_options import DEFAULT
from ratecast.workers import LOCAL, Local, Place, Ray
from tests.planted import planted

USERS = 1600
TWO = Local(jobs=2)


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return planted(USERS, 40, 12_000)


@pytest.fixture(scope="module")
def saved(ratings: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of fitted models, by name."""
    folder = tmp_path_factory.mktemp("models")
    ALS(factors=4, iterations=3).fit(ratings).save(folder / "als")
    Bias().fit(ratings).save(folder / "bias")
    return folder


def lists_of(folder: Path, rated: Ratings | None = None) -> tuple[Lists, pl.Series]:
    one = SavedModel.at(folder)
    model = one.load()
    pairs = None if rated is None else rated.requests()
    return Lists(one, 5, candidates(model), pairs), model.users.known


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != LOCK}


@pytest.mark.parametrize(
    ("name", "count", "place"),
    [
        ("als", 1, LOCAL),
        ("als", 2, TWO),
        ("als", 3, LOCAL),
        ("als", 7, TWO),
        ("bias", 1, LOCAL),
        ("bias", 7, LOCAL),
    ],
)
def test_lists_do_not_depend_on_parts_and_workers(
    name: str, count: int, place: Place, saved: Path, ratings: Ratings, tmp_path: Path
) -> None:
    lists, users = lists_of(saved / name, ratings)
    model = load_model(saved / name)
    expected = Recommender(model, ratings.requests()).top(users, 5)
    size = -(-len(users) // count)
    parts = write_lists(tmp_path / "lists", lists, users, place, size)
    assert len(parts) == count
    assert read_parts(tmp_path / "lists").collect().equals(expected)
    assert [part.notes["users"] for part in parts][:-1] == [size] * (count - 1)
    if place == TWO:
        write_lists(tmp_path / "again", lists, users, LOCAL, size)
        assert content(tmp_path / "again") == content(tmp_path / "lists")


def pairs_of(ratings: Ratings, rows: int) -> tuple[Ratings, pl.Series]:
    """So many pairs, with new ids, and their true ratings, some of them not known."""
    frame = pl.concat([ratings.frame] * (rows // len(ratings) + 1))[:rows]
    new = pl.when(pl.int_range(pl.len()) % 5 == 0).then(-1).otherwise("user").alias("user")
    true = frame["rating"].to_frame().select(pl.when(pl.int_range(pl.len()) % 7 > 0).then("rating"))
    return Ratings(frame.with_columns(new), scale=ratings.scale), true.to_series()


def test_forecasts_and_their_scores_do_not_depend_on_parts_and_workers(
    saved: Path, ratings: Ratings, tmp_path: Path
) -> None:
    table, true = pairs_of(ratings, 6 * BLOCK_ROWS + 1000)
    pairs, one = table.requests(), SavedModel.at(saved / "bias")
    whole = ScoredPairs(one.load(), pairs, true)
    expected = pl.concat(list(whole.tables()))
    for count, place in ((7, TWO), (1, LOCAL), (2, LOCAL), (3, LOCAL)):
        size = -(-7 // count) * BLOCK_ROWS
        out = tmp_path / f"{count}"
        parts = write_forecast_parts(out, one, HeldPairs(pairs, true, size), place)
        assert len(parts) == -(-len(pairs) // size)
        assert read_parts(out).collect().equals(expected)
        assert errors_of(parts) == whole.errors


def test_every_pair_is_made_part_by_part(saved: Path, tmp_path: Path) -> None:
    one = SavedModel.at(saved / "bias")
    model = one.load()
    pairs = EveryPair(model.users.known[:30], candidates(model), 7)
    expected = pl.concat(list(ScoredPairs(model, pairs).tables()))
    write_forecast_parts(tmp_path / "all", one, HeldPairs(pairs, None, 500), TWO)
    assert read_parts(tmp_path / "all").collect().equals(expected)


def test_rows_of_a_parquet_file_are_read_by_the_workers(
    saved: Path, ratings: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_sources, "BLOCKS", 1)
    table, rated = pairs_of(ratings, 2 * BLOCK_ROWS + 1000)
    frame = table.frame.with_columns(rated.alias("rating"), at=pl.col("at") + 1_000_000_000)
    frame.write_parquet(tmp_path / "pairs.parquet")
    source, true = str(tmp_path / "pairs.parquet"), TrueRatings(ratings.scale)
    lines: list[list[str]] = [[], []]
    held = read_pairs(source, true, notify=lines[0].append)
    read = file_pairs(source, true, DEFAULT, lambda _: None, lines[1].append)
    assert read is not None
    assert lines[0] == lines[1]
    assert len(lines[0]) == 2
    one, out = SavedModel.at(saved / "als"), tmp_path / "out"
    whole = ScoredPairs(one.load(), held.requests, held.ratings)
    expected = pl.concat(list(whole.tables()))
    parts = write_forecast_parts(out, one, read, TWO)
    assert len(parts) == 3
    assert read_parts(out).collect().equals(expected)
    assert errors_of(parts) == whole.errors
    # The rows are those that were checked, or none.
    frame.with_columns(rating=pl.lit(3.0)).write_parquet(source)
    with pytest.raises(InputError, match=r"pairs\.parquet: has changed during the work"):
        write_forecast_parts(tmp_path / "other", one, read)


@pytest.mark.parametrize(
    "change",
    [
        {"user": "a" + pl.col("user").cast(pl.String)},
        {"at": pl.col("at").cast(pl.String)},
        {"at": pl.lit(19_980_420)},
        {"rating": pl.col("rating").cast(pl.String)},
        {"title": pl.lit("Kolya (1996)")},
    ],
)
def test_what_means_something_beside_other_rows_only_is_read_whole(
    change: dict[str, pl.Expr], ratings: Ratings, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.parquet"
    ratings.frame.with_columns(**change).write_parquet(path)
    assert file_pairs(str(path), TrueRatings(ratings.scale), DEFAULT, print) is None


@pytest.mark.xdist_group("ray")
def test_a_ray_cluster_gives_the_same_bits(saved: Path, tmp_path: Path, ray_address: str) -> None:
    lists, users = lists_of(saved / "als")
    for place, folder in ((LOCAL, "here"), (Ray(workers=2, address=ray_address), "ray")):
        write_lists(tmp_path / folder, lists, users, place, 300)
    assert content(tmp_path / "ray") == content(tmp_path / "here")


@pytest.mark.cluster
@pytest.mark.xdist_group("ray")
@pytest.mark.parametrize("workers", [1, 2])
def test_forecasts_of_a_ray_cluster_have_the_same_bits(
    workers: int, saved: Path, ratings: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    ray_address: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(pair_sources, "BLOCKS", 1)
    table, rated = pairs_of(ratings, 2 * BLOCK_ROWS + 1000)
    frame = table.frame.with_columns(rated.alias("rating"), at=pl.col("at") + 1_000_000_000)
    frame.write_parquet(tmp_path / "pairs.parquet")
    words = ["predict", "--artifact", str(saved / "als"), "--pairs", f"{tmp_path}/pairs.parquet"]
    cluster = ["--on", "ray", "--workers", str(workers), "--address", ray_address]
    printed = []
    for folder, place in (("here", []), ("ray", cluster)):
        assert main([*words, "--out", str(tmp_path / folder), *place]) == 0
        printed.append(capsys.readouterr().out.replace(str(tmp_path / folder), ""))
    assert "RMSE" in printed[0]
    assert printed[0] == printed[1]
    assert len(list((tmp_path / "ray").glob("part-*.parquet"))) == 3
    assert content(tmp_path / "ray") == content(tmp_path / "here")


def command(words: list[str | Path], writes: int) -> subprocess.Popen[bytes]:
    start = [sys.executable, "-m", "tests.evaluation.killed", str(writes), "1"]
    return subprocess.Popen([*start, *map(str, words)], stdout=subprocess.DEVNULL)


def test_a_killed_command_goes_on_to_the_same_bytes(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_parts, "BLOCKS", 1)
    words: list[str | Path] = ["recommend", "--artifact", saved / "als", "--rated", "--out"]
    lists, users = lists_of(saved / "als")
    none = Requests.of([], [])
    write_lists(tmp_path / "whole", Lists(lists.saved, 10, lists.movies, none), users)
    out = tmp_path / "out"
    # Before the file of the start, a part, another part, the facts of one, and the manifest.
    for writes, files in ((0, 0), (1, 0), (2, 1), (5, 4), (2, 4)):
        assert command([*words, out], writes).wait() == -signal.SIGKILL
        assert len(list(out.glob("part-*.parquet"))) == files
        assert not (out / MANIFEST).exists()
        with pytest.raises(InputError, match=r"out: (is not complete|no manifest)"):
            read_parts(out)
    assert command([*words, out], 99).wait() == 0
    assert content(out) == content(tmp_path / "whole")


def test_killed_with_its_workers(saved: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words: list[str | Path] = [
        "recommend",
        "--artifact",
        saved / "als",
        "--n",
        "40",
        "--rated",
        "--out",
    ]
    ran = command([*words, out, "--workers", "2"], 99)
    until(lambda: any(out.glob(".part-*.json")) or ran.poll() is not None)
    ran.kill()
    assert ran.wait() == -signal.SIGKILL
    assert command([*words, out], 99).wait() == 0
    assert command([*words, tmp_path / "whole"], 99).wait() == 0
    assert content(out) == content(tmp_path / "whole")


def until(done: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_other_calls_and_too_small_disks_are_refused(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, users = lists_of(saved / "als")
    write_lists(tmp_path / "lists", lists, users)
    with pytest.raises(InputError, match="lists: is of another call: the users differ"):
        write_lists(tmp_path / "lists", lists, users[:-1])
    other = Lists(SavedModel.at(saved / "bias"), 5, lists.movies)
    with pytest.raises(InputError, match=r"lists: is of another call: .*the model differ"):
        write_lists(tmp_path / "lists", other, users)
    with pytest.raises(InputError, match="0 movies for each user"):
        write_lists(tmp_path / "new", Lists(lists.saved, 0, lists.movies), users)
    monkeypatch.setattr(list_parts, "_ROW_BYTES", 1e15)
    with pytest.raises(InputError, match=r"new: needs about .* of disk"):
        write_lists(tmp_path / "new", lists, users)
    assert not (tmp_path / "new").exists()
    # A table that is there needs no more.
    assert len(write_lists(tmp_path / "lists", lists, users)) == 1


def test_a_model_that_is_replaced_meanwhile_is_refused(ratings: Ratings, tmp_path: Path) -> None:
    Bias().fit(ratings).save(tmp_path / "model")
    lists, users = lists_of(tmp_path / "model")
    Bias().fit(ratings.take(slice(0, 5000))).save(tmp_path / "model")
    part_runs._loaded.cache_clear()
    with pytest.raises(InputError, match="was replaced during the work"):
        lists.part(users)
    assert part_name(7) == "part-00007.parquet"
