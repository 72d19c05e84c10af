"""The audit of a split: who is new in each part, and whether anything of the future is in train."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import polars as pl

from ratecast.data.summary import period, row_counts, tie_share
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
    parts = [part.frame for part in split.parts.values()]
    # The sum of the hashes does not depend on the order of the rows, and is quick to get.
    if _hash_sum([table.frame]) == _hash_sum(parts):
        return []
    counts = [rows.group_by(pl.all()).len() for rows in (table.frame, pl.concat(parts))]
    both = counts[0].join(counts[1], on=table.frame.columns, how="full", suffix="_parts")
    lost = pl.col("len").cast(pl.Int64).fill_null(0) - pl.col("len_parts").fill_null(0)
    missing, surplus = both.select(lost.clip(0).sum(), more=(-lost).clip(0).sum()).row(0)
    said = {"rows of the table are in no part": missing, "rows are in two parts": surplus}
    return [f"{n} {what}" for what, n in said.items() if n]


def _hash_sum(frames: list[pl.DataFrame]) -> int:
    return sum(int(frame.hash_rows().to_numpy().sum()) for frame in frames) % (1 << 64)


def _part(part: Ratings, train: Ratings) -> dict[str, Any]:
    new = {kind: _new(part.frame[kind], train.frame[kind]) for kind in (USER, MOVIE)}
    return {
        "rows": len(part),
        "users": len(row_counts(part.frame[USER])),
        "movies": len(row_counts(part.frame[MOVIE])),
        "period": period(part),
        "new_user_rows": new[USER],
        "new_movie_rows": new[MOVIE],
        "new_user_share": new[USER] / max(len(part), 1),
        "new_movie_share": new[MOVIE] / max(len(part), 1),
        "tie_share": tie_share(part),
    }


def _new(ids: pl.Series, known: pl.Series) -> int:
    """Rows whose user or movie has no row in train."""
    return ids.to_frame().join(known.unique().to_frame(), on=ids.name, how="anti").height


def _shared(split: Split) -> dict[str, int]:
    """Rows of a part, by user, movie and time, that an earlier part holds too."""
    return {
        f"{one}, {other}": 0 if _apart(early, late) else _common(early, late)
        for (one, early), (other, late) in combinations(split.parts.items(), 2)
    }


def _apart(early: Ratings, late: Ratings) -> bool:
    """Whether they have no moment in common, as parts of a chronological split."""
    if not (len(early) and len(late)):
        return True
    return early.timed and bool(early.at.max() < late.at.min() or late.at.max() < early.at.min())


def _common(early: Ratings, late: Ratings) -> int:
    """Rows of `late` that `early` has too; hashes, both in order, leave few to be compared."""
    columns = [name for name in (USER, MOVIE, AT) if name in early.frame.columns]
    one, other = early.frame.select(columns), late.frame.select(columns)
    known, mine = np.sort(one.hash_rows().to_numpy()), other.hash_rows().to_numpy()
    order = np.argsort(mine)
    mine = mine[order]
    met = known[np.searchsorted(known, mine).clip(max=len(known) - 1)] == mine
    maybe = other[order[met]]
    if maybe.is_empty():
        return 0
    both = one.join(maybe, on=columns, how="semi")
    shared: pl.DataFrame = maybe.join(both, on=columns, how="semi")
    return shared.height
