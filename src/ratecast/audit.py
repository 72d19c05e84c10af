"""The audit of a split: new users and movies in each part, and leakage of the future into train."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import polars as pl

from ratecast.data.summary import period, row_counts, tie_share
from ratecast.ratings import AT, MOVIE, USER, Ratings
from ratecast.splits import Split


def audit(split: Split, table: Ratings | None = None) -> dict[str, Any]:
    """Statistics of each part, and the leakage check, as plain values.

    table: the table that was split; with it, lost and repeated rows are checked too.
    Keys: split, parts, `leaks` (one line for each fault, empty for a sound split), and
    `shared_rows`: for each two parts, how many rows of the later one have the same user, movie and
    time as a row of the earlier one, for example of a movie that has two ids.
    """
    return {
        "split": split.name,
        "parts": {name: _part(part, split.train) for name, part in split.parts.items()},
        "shared_rows": _shared(split),
        "leaks": leaks(split, table),
    }


def leaks(split: Split, table: Ratings | None = None) -> list[str]:
    """Faults of the split: empty parts, lost or repeated rows, times out of order."""
    empty = [f"{name} is empty" for name, part in split.parts.items() if not len(part)]
    faults = empty + ([] if table is None else _row_faults(split, table))
    if split.name != "chronological" or empty:
        return faults
    return faults + [
        f"{before} has a rating that is not earlier than all ratings of {after}"
        for (before, early), (after, late) in pairwise(split.parts.items())
        if early.at.max() >= late.at.min()
    ]


def _row_faults(split: Split, table: Ratings) -> list[str]:
    """Faults if the parts together do not have exactly the rows of the table."""
    parts = [part.frame for part in split.parts.values()]
    # The sum of the hashes does not depend on the order of the rows, and is fast to compute.
    if _hash_sum([table.frame]) == _hash_sum(parts):
        return []
    counts = [rows.group_by(pl.all()).len() for rows in (table.frame, pl.concat(parts))]
    both = counts[0].join(counts[1], on=table.frame.columns, how="full", suffix="_parts")
    lost = pl.col("len").cast(pl.Int64).fill_null(0) - pl.col("len_parts").fill_null(0)
    missing, surplus = both.select(lost.clip(0).sum(), surplus=(-lost).clip(0).sum()).row(0)
    faults = {"rows of the table are in no part": missing, "rows are in two parts": surplus}
    return [f"{n} {fault}" for fault, n in faults.items() if n]


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


def _new(ids: pl.Series, train_ids: pl.Series) -> int:
    """Number of rows whose user or movie has no row in train."""
    return ids.to_frame().join(train_ids.unique().to_frame(), on=ids.name, how="anti").height


def _shared(split: Split) -> dict[str, int]:
    """Number of rows of a part whose user, movie and time an earlier part has too."""
    return {
        f"{first}, {second}": 0 if _disjoint(early, late) else _common(early, late)
        for (first, early), (second, late) in combinations(split.parts.items(), 2)
    }


def _disjoint(early: Ratings, late: Ratings) -> bool:
    """Whether their periods do not overlap, as those of a chronological split."""
    if not (len(early) and len(late)):
        return True
    return early.timed and bool(early.at.max() < late.at.min() or late.at.max() < early.at.min())


def _common(early: Ratings, late: Ratings) -> int:
    """Number of rows of `late` that `early` has too; only rows of equal hash are compared."""
    columns = [name for name in (USER, MOVIE, AT) if name in early.frame.columns]
    early_rows, late_rows = early.frame.select(columns), late.frame.select(columns)
    early_hash = np.sort(early_rows.hash_rows().to_numpy())
    late_hash = late_rows.hash_rows().to_numpy()
    order = np.argsort(late_hash)
    late_hash = late_hash[order]
    nearest = np.searchsorted(early_hash, late_hash).clip(max=len(early_hash) - 1)
    candidates = late_rows[order[early_hash[nearest] == late_hash]]
    if candidates.is_empty():
        return 0
    both = early_rows.join(candidates, on=columns, how="semi")
    shared: pl.DataFrame = candidates.join(both, on=columns, how="semi")
    return shared.height
