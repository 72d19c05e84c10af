"""Planted splits: every row has a number, so that each can be followed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast import splits
from ratecast.audit import audit, leaks
from ratecast.errors import InputError
from ratecast.ratings import Ratings, checked
from ratecast.splits import at_random


def numbered(at: list[int], seed: int = 0) -> Ratings:
    """Row k has user k and the k-th time; the rows are shuffled."""
    order = np.random.default_rng(seed).permutation(len(at))
    frame = pl.DataFrame(
        {"user": order, "movie": order % 7, "rating": order % 5 + 1.0, "at": np.array(at)[order]}
    )
    return checked(Ratings(frame))


def rows(part: Ratings | None) -> list[int]:
    return [] if part is None else sorted(part.frame["user"].to_list())


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=30, max_size=200), st.integers(0, 9))
def test_periods_do_not_overlap_cover_all_and_leave_the_input(at: list[int], seed: int) -> None:
    table = numbered(at, seed)
    before = table.frame.clone()
    try:
        split = splits.chronological(table)
    except InputError as error:
        assert "empty" in str(error)  # noqa: PT017
        return
    assert table.frame.equals(before)
    assert split.valid is not None
    assert sorted(rows(split.train) + rows(split.valid) + rows(split.test)) == list(range(len(at)))
    assert split.train.at.max() < split.valid.at.min()
    assert split.valid.at.max() < split.test.at.min()
    assert all((np.diff(part.at) >= 0).all() for part in split.parts.values())
    assert leaks(split, table) == []


def test_rows_fall_where_they_were_planted() -> None:
    split = splits.chronological(numbered(list(range(100))))
    assert rows(split.train) == list(range(64))
    assert rows(split.valid) == list(range(64, 80))
    assert rows(split.test) == list(range(80, 100))


def test_ties_at_the_border_stay_together() -> None:
    at = [*range(60), *[60] * 10, *range(70, 75), *[79] * 10, *range(90, 105)]
    split = splits.chronological(numbered(at))
    for tied in (set(range(60, 70)), set(range(75, 85))):
        held = [tied & set(rows(part)) for part in split.parts.values()]
        assert tied in held


def test_the_order_of_the_rows_does_not_matter() -> None:
    at = [k // 3 for k in range(200)]
    one, other = (splits.chronological(numbered(at, seed)) for seed in (1, 2))
    assert [rows(part) for part in one.parts.values()] == [
        rows(part) for part in other.parts.values()
    ]


def test_the_zone_of_the_machine_does_not_matter(zone: Callable[[str], None]) -> None:
    # Over the end of summer time in New York, where one hour comes twice.
    table = numbered([877_800_000 + 600 * k for k in range(300)])
    seen = []
    for place in ("UTC", "America/New_York", "Pacific/Auckland"):
        zone(place)
        split = splits.chronological(table)
        seen.append(([rows(part) for part in split.parts.values()], audit(split)["parts"]))
    assert seen[0] == seen[1] == seen[2]


def test_official_folds_are_blocks_in_file_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_random, "OFFICIAL_ROWS", 50)
    monkeypatch.setattr(at_random, "OFFICIAL_USERS", 50)
    table = numbered(list(range(50)))
    for fold in range(1, 6):
        split = splits.official(table, fold)
        block = table.frame["user"].to_list()[10 * (fold - 1) : 10 * fold]
        assert split.test.frame["user"].to_list() == block
        assert leaks(split, table) == []


def test_kfold_covers_the_table_once_and_repeats_with_its_seed() -> None:
    table = numbered(list(range(53)))
    folds = splits.kfold(table, seed=3)
    assert sorted(row for split in folds for row in rows(split.test)) == list(range(53))
    assert all(leaks(split, table) == [] for split in folds)
    again = splits.kfold(table, seed=3)
    assert [rows(s.test) for s in folds] == [rows(s.test) for s in again]
    assert [rows(s.test) for s in folds] != [rows(s.test) for s in splits.kfold(table, seed=4)]


def test_refusals() -> None:
    table = numbered(list(range(20)))
    untimed = replace(table, frame=table.frame.drop("at"))
    with pytest.raises(InputError, match="no timestamps"):
        splits.chronological(untimed)
    with pytest.raises(InputError, match="empty"):
        splits.chronological(numbered([5] * 20))
    with pytest.raises(InputError, match="u1 to u5"):
        splits.official(table, 6)
    with pytest.raises(InputError, match=r"not ml-100k, .*; use --split chronological"):
        splits.official(table, 1)
    with pytest.raises(InputError, match=r"not ml-100k, .*; use --split holdout"):
        splits.official(untimed, 1)


def test_the_audit_finds_planted_leaks() -> None:
    table = numbered(list(range(100)))
    good = splits.chronological(table)
    late = replace(good, train=good.train.with_more(good.test.take(slice(0, 1))))
    assert leaks(late, table) == [
        "1 rows are in two parts",
        "train has a rating that is not earlier than all ratings of valid",
    ]
    assert audit(late)["shared_rows"]["train, test"] == 1
    short = replace(good, test=good.test.take(slice(0, 15)))
    assert leaks(short, table) == ["5 rows of the table are in no part"]
    hollow = replace(good, test=good.test.take(slice(0, 0)))
    assert leaks(hollow) == ["test is empty"]


def test_the_audit_counts_the_new() -> None:
    table = numbered(list(range(100)))
    parts = audit(splits.chronological(table), table)["parts"]
    assert parts["test"]["new_user_share"] == 1.0
    assert parts["test"]["new_movie_share"] == 0.0
    assert parts["train"]["period"] == {
        "from": "1970-01-01T00:00:00Z",
        "to": "1970-01-01T00:01:03Z",
    }
    assert parts["train"]["tie_share"] == 0.0
    untimed = replace(table, frame=table.frame.drop("at"))
    fold = audit(splits.kfold(untimed)[0], untimed)
    assert fold["parts"]["test"]["period"] is None
    assert fold["parts"]["test"]["tie_share"] is None
