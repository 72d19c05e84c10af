"""Rows that rate the same movie by the same user again: the latest counts."""

import polars as pl

from ratecast.ratings import AT, MOVIE, USER

_ROW = "_row"


def keep_latest(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The frame with the latest row of each (user, movie), and how many rows that left out.

    Among rows of equal or unknown time the last in the file is the latest. Order is kept.
    """
    if not _has_repeats(frame):
        return frame, 0
    order = [name for name in (AT, _ROW) if name == _ROW or name in frame.columns]
    latest = (
        frame.with_row_index(_ROW)
        .sort(order)
        .unique([USER, MOVIE], keep="last", maintain_order=True)
        .sort(_ROW)
        .drop(_ROW)
    )
    return latest, frame.height - latest.height


def _has_repeats(frame: pl.DataFrame) -> bool:
    """Whether any (user, movie) occurs twice; quick where rows are ordered by user and movie."""
    if not (frame.height and frame[USER].dtype == frame[MOVIE].dtype == pl.Int64):
        return bool(frame.select(pl.struct(USER, MOVIE).n_unique()).item() < frame.height)
    (user_low, user_high), (low, high) = (_ends(frame[name]) for name in (USER, MOVIE))
    span = high - low + 1
    if (user_high - user_low + 1) * span >= 1 << 63:
        return bool(frame.select(pl.struct(USER, MOVIE).n_unique()).item() < frame.height)
    pair = (frame[USER] - user_low) * span + (frame[MOVIE] - low)
    ascending = bool((pair.slice(1) > pair.slice(0, len(pair) - 1)).all())
    return not ascending and pair.n_unique() < len(pair)


def _ends(ids: pl.Series) -> tuple[int, int]:
    low, high = ids.min(), ids.max()
    assert isinstance(low, int)
    assert isinstance(high, int)
    return low, high
