"""The audit of a split: new users and movies in each part, and leakage of the future into train."""

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import polars as pl

from ratecast.data.summary import iso, period, row_counts, tie_share
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings
from ratecast.splits import Split
from ratecast.splits.split import Separation


def audit(split: Split, table: Ratings | None = None) -> dict[str, Any]:
    """Statistics of each part, and the leakage check, as plain values.

    table: the table that was split; with it, lost and repeated rows are checked too.
    Keys: split, separation, borders (from and until of the parts, without the end), parts, remarks,
    left_out, `leaks` (one line for each fault, empty for a sound split), and `shared_rows`: for
    each two parts, how many rows of the later one have the same user, movie and time as a row of
    the earlier one, for example of a movie that has two ids.
    """
    return {
        "split": split.name,
        "separation": split.separation,
        "borders": {
            name: {"from": _moment(first), "until": _moment(until)}
            for name, (first, until) in split.borders.items()
        },
        "remarks": list(split.remarks),
        "left_out": split.left_out,
        "parts": {name: _part(part, split.train) for name, part in split.parts.items()},
        "shared_rows": _shared(split),
        "leaks": leaks(split, table),
    }


def notes(split: Split) -> list[str]:
    """What a reader of the scores must know of a split, one line each.

    Of a split made by hand: rows and pairs of user and movie that two parts share, and periods that
    overlap or go back. Of one that ratecast made: its remarks.
    """
    if split.separation != "made":
        return [f"split {split.name}: {line}" for line in split.remarks]
    two = combinations(split.parts.items(), 2)
    lines = (
        line
        for (first, early), (second, late) in two
        for line in _faults(early, late, (first, second))
    )
    return [f"split {split.name}: {line}" for line in lines]


def _faults(early: Ratings, late: Ratings, names: tuple[str, str]) -> Iterator[str]:
    first, second = names
    if not (len(early) and len(late)):
        return
    pairs = _common(early, late, (USER, MOVIE))
    rows = _common(early, late, (USER, MOVIE, RATING, AT)) if pairs else 0
    share = f"of {len(late):,} rows of {second}"
    if rows:
        yield f"{rows:,} {share} are rows of {first} too, so its scores are not of unseen ratings"
    if pairs > rows:
        yield f"{pairs - rows:,} {share} rate again what their user rates in {first}"
    if early.timed and late.timed and late.at.min() <= early.at.max():
        begin, end = iso(int(late.at.min())), iso(int(early.at.max()))
        yield f"{second} begins {begin}, not after {first} ends {end}: forecasts know later ratings"


def leaks(split: Split, table: Ratings | None = None) -> list[str]:
    """Faults of the split: empty parts, lost or repeated rows, times out of order."""
    empty = [f"{name} is empty" for name, part in split.parts.items() if not len(part)]
    faults = empty + ([] if table is None else _row_faults(split, table))
    if empty:
        return faults
    separated = _SEPARATED.get(split.separation)
    return faults + (list(separated(split)) if separated else [])


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
    missing -= split.left_out
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
        f"{first}, {second}": 0
        if _disjoint(early, late)
        else _common(early, late, (USER, MOVIE, AT))
        for (first, early), (second, late) in combinations(split.parts.items(), 2)
    }


def _disjoint(early: Ratings, late: Ratings) -> bool:
    """Whether their periods do not overlap, as those of a chronological split."""
    if not (len(early) and len(late)):
        return True
    return early.timed and bool(early.at.max() < late.at.min() or late.at.max() < early.at.min())


def _common(early: Ratings, late: Ratings, names: tuple[str, ...]) -> int:
    """Number of rows of `late` that `early` has too; only rows of equal hash are compared.

    names: of the columns to compare; times only where both have them.
    """
    both_timed = early.timed and late.timed
    columns = [name for name in names if name != AT or both_timed]
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


def _moment(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _in_time(split: Split) -> Iterator[str]:
    """Parts that do not end before the next one begins."""
    for (before, early), (after, late) in pairwise(split.parts.items()):
        if early.at.max() >= late.at.min():
            yield f"{before} has a rating that is not earlier than all ratings of {after}"


def _in_time_of_users(split: Split) -> Iterator[str]:
    """Parts of whose users an earlier part has later ratings."""
    for (before, early), (after, late) in combinations(split.parts.items(), 2):
        both = _at(early, pl.max("at")).join(_at(late, pl.min("at")), on=USER)
        if n := int((both["at"] > both["at_right"]).sum()):
            yield f"{before} has later ratings than {after} of {n:,} users"


def _in_users(split: Split) -> Iterator[str]:
    """Users of two later parts, and those of whom train has more ratings than given, or later."""
    later = [(name, part) for name, part in split.parts.items() if name != "train"]
    for (before, early), (after, late) in combinations(later, 2):
        if n := late.frame[USER].unique().is_in(early.frame[USER].unique().implode()).sum():
            yield f"{n:,} users are in {before} and in {after}"
    known = split.train.frame.group_by(USER).len()
    for name, part in later:
        users = part.frame.select(USER).unique()
        if n := (known.join(users, on=USER, how="semi")["len"] > split.given).sum():
            yield f"train has more than {split.given} ratings of {n:,} users of {name}"
    if split.given and split.train.timed:
        yield from _in_time_of_users(split)


def _at(part: Ratings, end: pl.Expr) -> pl.DataFrame:
    return part.frame.group_by(USER).agg(end)


_SEPARATED: dict[Separation, Callable[[Split], Iterator[str]]] = {
    "time": _in_time,
    "user-time": _in_time_of_users,
    "users": _in_users,
}
