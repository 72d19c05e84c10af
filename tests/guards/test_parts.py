"""Parts that are given, as files or in Python: what they share is said, and as-of is refused."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ratecast as rc
from ratecast.audit import notes
from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.evaluation.protocol import Protocol

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
WHOLE = rc.Scale(1, 5)


@st.composite
def tables(draw: st.DrawFn, timed: bool | None = None) -> pl.DataFrame:
    """Some ratings, one for each pair of user and movie, often with equal times."""
    pairs = draw(st.sets(st.tuples(st.integers(1, 5), st.integers(1, 6)), min_size=4, max_size=20))
    rows = [(*pair, draw(st.integers(1, 5)), draw(st.integers(0, 12))) for pair in sorted(pairs)]
    names = {"user": pl.Int64, "movie": pl.Int64, "rating": pl.Float32, "at": pl.Int64}
    frame = pl.DataFrame(rows, names, orient="row")
    has_times = draw(st.booleans()) if timed is None else timed
    return frame if has_times else frame.drop("at")


def split_of(train: pl.DataFrame, test: pl.DataFrame) -> rc.Split:
    parts = (rc.Ratings(part, scale=WHOLE) for part in (train, test))
    first, second = parts
    return rc.Split("mine", first, None, second)


@QUICK
@given(table=tables(), data=st.data())
def test_what_two_parts_share_is_said(table: pl.DataFrame, data: st.DataObject) -> None:
    in_train, in_test, changed = (
        np.array(data.draw(st.lists(st.booleans(), min_size=len(table), max_size=len(table))))
        for _ in range(3)
    )
    if not (in_train.any() and in_test.any()):
        return
    again = pl.when(pl.Series(changed)).then(pl.col("rating") % 5 + 1).otherwise("rating")
    train, test = table.filter(in_train), table.with_columns(again.cast(pl.Float32)).filter(in_test)
    said = notes(split_of(train, test))
    both = in_train & in_test
    same, rerated = int((both & ~changed).sum()), int((both & changed).sum())
    assert any(
        f"{same} of {len(test)} rows of test are rows of train" in line for line in said
    ) == (same > 0)
    assert any(f"{rerated} of {len(test)} rows of test rate again" in line for line in said) == (
        rerated > 0
    )
    late = "at" in table.columns and bool(test["at"].min() <= train["at"].max())  # type: ignore[operator]
    assert any("test begins" in line for line in said) == late
    assert len(said) == (same > 0) + (rerated > 0) + late


@QUICK
@given(
    table=tables(timed=True), cut=st.integers(1, 3), protocol=st.sampled_from(["frozen", "as-of"])
)
def test_as_of_of_parts_made_by_hand(table: pl.DataFrame, cut: int, protocol: Protocol) -> None:
    train, test = table[:-cut], table[-cut:]
    split, said = split_of(train, test), list[str]()
    in_order = int(split.train.at.max()) < int(split.test.at.min())
    if protocol == "as-of" and not in_order:
        with pytest.raises(InputError, match="train ends after test begins; use --protocol frozen"):
            rc.evaluate(rc.Bias(), split, [protocol], notify=said.append)
    else:
        result = rc.evaluate(rc.Bias(), split, [protocol], notify=said.append)
        assert set(result.frame["protocol"]) == {protocol}
    assert said == notes(split)
    assert bool(said) == (not in_order)


@QUICK
@given(table=tables())
def test_the_splits_of_ratecast_need_no_note(table: pl.DataFrame) -> None:
    ratings = rc.Ratings(table, scale=WHOLE)
    made = [*rc.kfold(ratings, 2)]
    made += [rc.holdout(ratings)] if len(ratings) > 8 else []
    assert [line for split in made for line in notes(split)] == []


@pytest.mark.parametrize("kind", ["user", "movie"])
def test_parts_that_do_not_fit(kind: str) -> None:
    frame = rc.example_ratings(rows=40).frame
    assert len(split_of(frame, frame.with_columns(pl.col(kind).cast(pl.String))).test) == 40
    text = frame.with_columns(pl.format("m{}", kind).alias(kind))
    with pytest.raises(InputError, match=rf"test: ids of {kind}s are String, of train Int64"):
        split_of(frame, text)
    with pytest.raises(InputError, match=r"test, row 1: rating 9 is not on the scale 1:5:1"):
        split_of(frame, frame.with_columns(rating=pl.lit(9.0)))
    empty = split_of(frame, frame[:0])
    with pytest.raises(InputError, match="part test is empty"):
        rc.evaluate(rc.Bias(), empty)


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = rc.load(rc.example_ratings().frame, scale="1:5:1", notify=lambda _: None).sorted().frame
    train, test, old = tmp_path / "train.csv", tmp_path / "test.csv", tmp_path / "old.csv"
    whole = tmp_path / "whole.csv"
    later = frame.filter(pl.col("at") > frame["at"][900])
    frame[:900].write_csv(train)
    later.write_csv(test)
    frame[:100].write_csv(old)
    frame.write_csv(whole)

    def run(*words: object) -> tuple[int, str]:
        code = main(["evaluate", "--model", "bias", *map(str, words), "--json"])
        return code, capsys.readouterr().err

    assert run("--train", train, "--test", test, "--protocol", "as-of") == (0, "")
    code, said = run("--train", train, "--test", train)
    assert code == 0
    assert "900 of 900 rows of test are rows of train too" in said
    code, said = run("--train", test, "--test", old, "--protocol", "as-of")
    assert code == 2
    assert "not after train ends" in said
    assert "use --protocol frozen (protocol='frozen' in Python), or the whole table" in said
    assert run("--train", test, "--test", old, "--protocol", "frozen")[0] == 0
    data = ("--data", whole, "--split", "chronological", "--protocol", "as-of")
    assert run(*data) == (0, "")


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("verb", [["evaluate", "--model", "bias", "--data"], ["data", "split"]])
def test_an_official_fold_of_another_table(
    tmp_path: Path, timed: bool, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    frame, path = rc.example_ratings().frame, tmp_path / "mine.csv"
    (frame if timed else frame.drop("at")).write_csv(path)
    assert main([*verb, str(path), "--split", "u1"]) == 2
    hint = capsys.readouterr().err.rpartition("use ")[2].split()[:2]
    assert hint == ["--split", "chronological" if timed else "holdout"]
    assert main([*verb, str(path), *hint]) == 0
