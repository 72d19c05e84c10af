from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast.data.duplicates import keep_latest, keys
from ratecast.data.ties import tied_rows
from ratecast.ratings import Ratings

IDS = st.integers(0, 3) | st.sampled_from([-(2**62), 2**62, 2**40])
ROWS = st.lists(st.tuples(IDS, IDS, st.integers(0, 5)), max_size=30)
NAMES = ["user", "movie", "at"]


def framed(rows: list[tuple[int, int, int]], text: bool) -> pl.DataFrame:
    frame = pl.DataFrame(rows, dict.fromkeys(NAMES, pl.Int64), orient="row")
    return frame.with_columns(pl.col("user").cast(pl.String)) if text else frame


@settings(deadline=None)
@given(ROWS, st.booleans())
def test_keys_are_equal_for_equal_rows_and_only_then(
    rows: list[tuple[int, int, int]], text: bool
) -> None:
    key = keys(framed(rows, text)).tolist()
    assert len(set(key)) == len(set(rows)) == len(set(zip(key, rows, strict=True)))


@settings(deadline=None)
@given(ROWS, st.booleans(), st.booleans())
def test_ties_are_counted_in_any_order(
    rows: list[tuple[int, int, int]], text: bool, ordered: bool
) -> None:
    rows = sorted(rows, key=lambda row: row[2]) if ordered else rows
    table = Ratings(framed(rows, text).with_columns(rating=pl.lit(3.0)))
    counts = Counter((user, at) for user, _, at in rows)
    assert tied_rows(table) == sum(n for n in counts.values() if n > 1)


@settings(deadline=None)
@given(ROWS, st.booleans(), st.booleans())
def test_the_latest_of_each_pair_is_kept_in_place(
    rows: list[tuple[int, int, int]], text: bool, timed: bool
) -> None:
    frame = framed(rows, text)
    kept, gone = keep_latest(frame if timed else frame.drop("at"))
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for k, (user, movie, at) in enumerate(rows):
        rank = (at if timed else 0, k)
        best[user, movie] = max(best.get((user, movie), rank), rank)
    places = sorted(k for _, k in best.values())
    assert kept.rows() == (frame if timed else frame.drop("at"))[places].rows()
    assert gone == len(rows) - len(places)
