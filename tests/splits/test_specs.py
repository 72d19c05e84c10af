"""Splits by name, and in files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ratecast as rc
from ratecast.splits import NAMES, family, named, parse
from tests.splits.tables import movies, of_users

TABLE = of_users([k % 9 for k in range(180)])
# With arguments that types forbid.
ANY: Any = rc


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("last:2", rc.last_ratings(TABLE, 2)),
        ("last:share=0.2", rc.last_ratings(TABLE, share=0.2)),
        ("cut:2001-09-09T03:06:40", rc.cut(TABLE, 1_000_004_800)),
        ("new-users:0.3,given=4", rc.new_users(TABLE, 0.3, 4, seed=3)),
        ("chronological:shares=60/20/20", rc.chronological(TABLE, shares="60/20/20")),
        ("chronological:60/20/20", rc.chronological(TABLE, shares="60/20/20")),
        ("leave-one-out", rc.leave_one_out(TABLE, seed=3)),
        ("holdout:0.7", rc.holdout(TABLE, 0.7, seed=3)),
        ("holdout:min_user=13", rc.least_history(rc.holdout(TABLE, seed=3), user=13)),
    ],
)
def test_a_name_with_arguments_is_the_call(text: str, same: rc.Split) -> None:
    (split,) = named(TABLE, text, seed=3)
    assert split.name == text
    assert {name: movies(part) for name, part in split.parts.items()} == {
        name: movies(part) for name, part in same.parts.items()
    }


def test_every_name_of_several_splits_has_its_family() -> None:
    for text, n in (("kfold", 5), ("kfold:3", 3), ("rolling:4", 4), ("user-kfold:2,given=1", 2)):
        splits = named(TABLE, text)
        assert len(splits) == n
        assert {family(each.name) for each in splits} == {text}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lst", "did you mean last"),
        ("last:two", "count is 'two'; give a number"),
        ("last:2,3", "write '3' as ARGUMENT=VALUE"),
        ("leave-one-out,min_user=9", "write leave-one-out:min_user=9"),
        ("last:cout=2", "did you mean count"),
        ("u3:1", "write '1' as ARGUMENT=VALUE"),
        ("auto:2", "write '2' as ARGUMENT=VALUE"),
        ("", "or a folder of a split"),
        ("kfold:seed=3", "no argument 'seed'"),
    ],
)
def test_what_is_no_split_is_said(text: str, why: str) -> None:
    with pytest.raises(rc.InputError, match=why):
        parse(text)


def test_every_name_is_read() -> None:
    assert [parse(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("ids", [pl.Int64, pl.String])
def test_files_hold_the_same_rows(tmp_path: Path, form: str, ids: type[pl.DataType]) -> None:
    columns = [pl.col("user").cast(ids), pl.col("movie").cast(ids)]
    genres = pl.DataFrame({"movie": [1, 2], "genres": [["a", "b"], ["c"]]}).with_columns(
        pl.col("movie").cast(ids)
    )
    table = rc.Ratings(TABLE.frame.with_columns(columns), movies=genres)
    splits = named(table, "rolling:2,fit=refreshed,min_user=2")
    rc.write_splits(splits, tmp_path / "made", form)
    again = rc.read_splits(tmp_path / "made")
    for one, other in zip(splits, again, strict=True):
        assert {k: v.fingerprint() for k, v in one.parts.items()} == {
            k: v.fingerprint() for k, v in other.parts.items()
        }
        about = ("name", "separation", "given", "borders", "left_out", "remarks", "continues")
        assert [getattr(one, each) for each in about] == [getattr(other, each) for each in about]
        assert one.train.movies.equals(other.train.movies)


def test_a_folder_may_be_a_word(tmp_path: Path) -> None:
    split = rc.holdout(rc.example_ratings())
    rc.write_splits([split], str(tmp_path / "rows"))
    (again,) = rc.read_splits(str(tmp_path / "rows"))
    assert again.test.fingerprint() == split.test.fingerprint()
    with pytest.raises(rc.InputError, match=r"give a list, as in \[split\]"):
        rc.write_splits(split, tmp_path / "new")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda e: ANY.kfold(e, "5"), "kfold: folds is '5'; give a whole number, 2 or more"),
        (lambda e: ANY.kfold(e, 2.5), "folds is 2.5; give a whole number"),
        (lambda e: ANY.kfold(e, 1), "folds is 1; give 2 or more"),
        (lambda e: ANY.kfold(e, seed=-1), "kfold: seed is -1; give 0 or more"),
        (lambda e: ANY.holdout(e, seed="a"), "holdout: seed is 'a'; give a whole number"),
        (lambda e: ANY.holdout(e, "0.8"), "share is '0.8'; give a number between 0 and 1"),
        (lambda e: ANY.holdout(e, shares=(70, 10, 20)), "give three, as in shares=70/10/20"),
        (lambda e: ANY.holdout(e, shares="0/50/50"), "give three that sum to 100"),
        (lambda e: ANY.chronological(e, 1.5), "share is 1.5; give one between 0 and 1"),
        (lambda e: ANY.user_kfold(e, "3"), "user-kfold: folds is '3'"),
        (lambda e: ANY.last_ratings(e, 1.5), "last: count is 1.5"),
        (lambda e: ANY.last_ratings(e, share=2), "last: share is 2; give one"),
        (lambda e: ANY.leave_one_out(e, seed=None), "leave-one-out: seed is None"),
        (lambda e: ANY.new_users(e, given="5"), "new-users: given is '5'"),
        (lambda e: ANY.rolling_origin(e, 1.5), "rolling: origins is 1.5"),
        (lambda e: ANY.least_history(ANY.holdout(e), "3"), "least history: user is '3'"),
        (lambda e: ANY.official(e, "1"), "fold is '1'"),
        (lambda e: ANY.cut(e, None), "date None: write it as 2015-01-31"),
        (lambda e: ANY.cross_validate(ANY.Mean(), e, "rolling:3"), "folds is 'rolling:3'"),
    ],
)
def test_a_number_that_is_none_is_said(call: Callable[[rc.Ratings], object], why: str) -> None:
    with pytest.raises(rc.InputError, match=why):
        call(rc.example_ratings())


def test_what_is_wrong_with_files_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    rc.write_splits(named(TABLE, "last:1"), folder, "csv")
    with pytest.raises(rc.InputError, match="is not empty; give a new folder"):
        rc.write_splits(named(TABLE, "last:1"), folder)
    lines = (folder / "test.csv").read_text().splitlines(keepends=True)
    (folder / "test.csv").write_text("".join(lines[:-1]))
    with pytest.raises(rc.InputError, match=r"test\.csv: was changed since"):
        rc.read_splits(folder)
    (folder / "test.csv").unlink()
    with pytest.raises(rc.InputError, match=r"test\.csv: not there"):
        rc.read_splits(folder)
    (folder / "split.json").write_text("{")
    with pytest.raises(rc.InputError, match=r"split\.json: cannot be read"):
        rc.read_splits(folder)
    with pytest.raises(rc.InputError, match="form is 'xml'; give parquet or csv"):
        rc.write_splits(named(TABLE, "last:1"), tmp_path / "other", "xml")
