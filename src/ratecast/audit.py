"""The audit of a split: who is new in each part, and whether anything of the future is in train."""

from itertools import pairwise
from typing import Any

import polars as pl

from ratecast.data.facts import period, tie_share
from ratecast.ratings import AT, MOVIE, USER, Ratings
from ratecast.splits import Split


def audit(split: Split, table: Ratings | None = None) -> dict[str, Any]:
    """Facts of each part, and the leakage check; fit for JSON.

    table: what was split; with it, the check covers that no row is lost or in two parts.
    `leaks` has one line for each fault that was found; it is empty for a sound split.
    `shared_rows` counts, for each two parts, the rows of the later one whose user, movie and
    moment the earlier one has too: ratings given twice, as of a movie that has two ids.
    """
    return {
        "split": split.name,
        "parts": {name: _part(part, split.train) for name, part in split.parts.items()},
        "shared_rows": _shared(split),
        "leaks": leaks(split, table),
    }


def leaks(split: Split, table: Ratings | None = None) -> list[str]:
    """What is wrong with the split: empty parts, rows lost or doubled, times out of order."""
    empty = [f"{name} is empty" for name, part in split.parts.items() if not len(part)]
    found = empty + ([] if table is None else _unlike(split, table))
    if split.name != "chronological" or empty:
        return found
    return found + [
        f"{before} has a rating that is not earlier than all of {after}"
        for (before, early), (after, late) in pairwise(split.parts.items())
        if early.at.max() >= late.at.min()
    ]


def _unlike(split: Split, table: Ratings) -> list[str]:
    """Whether the parts together are not the rows of the table, each as often as there."""
    count = table.frame.group_by(pl.all()).len()
    parts = pl.concat([part.frame for part in split.parts.values()]).group_by(pl.all()).len()
    both = count.join(parts, on=table.frame.columns, how="full", nulls_equal=True, suffix="_in")
    lost = pl.col("len").fill_null(0).cast(pl.Int64) - pl.col("len_in").fill_null(0)
    missing, surplus = both.select(lost.clip(0).sum(), surplus=(-lost).clip(0).sum()).row(0)
    said = {"rows of the table are in no part": missing, "rows are in two parts": surplus}
    return [f"{n} {what}" for what, n in said.items() if n]


def _part(part: Ratings, train: Ratings) -> dict[str, Any]:
    frame = part.frame
    return {
        "rows": len(part),
        "users": frame[USER].n_unique(),
        "movies": frame[MOVIE].n_unique(),
        "period": period(part),
        "new_user_rows": _new(frame, train.frame, USER),
        "new_movie_rows": _new(frame, train.frame, MOVIE),
        "new_user_share": _new(frame, train.frame, USER) / max(len(part), 1),
        "new_movie_share": _new(frame, train.frame, MOVIE) / max(len(part), 1),
        "tie_share": tie_share(part),
    }


def _new(frame: pl.DataFrame, train: pl.DataFrame, kind: str) -> int:
    """Rows whose user or movie has no row in train."""
    return frame.select(kind).join(train.select(kind).unique(), on=kind, how="anti").height


def _shared(split: Split) -> dict[str, int]:
    """Rows of a part, by user, movie and time, that an earlier part holds too."""
    key = [name for name in (USER, MOVIE, AT) if name in split.train.frame.columns]
    parts = list(split.parts.items())
    return {
        f"{one}, {other}": b.frame.join(a.frame.select(key).unique(), on=key, how="semi").height
        for i, (one, a) in enumerate(parts)
        for other, b in parts[i + 1 :]
    }
