"""All ratings that a model was given, stored so that one user's ratings are read quickly."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I64, read_only
from ratecast.compiled import njit
from ratecast.modelling.contract.rows import Rows
from ratecast.ratings import Ratings

_MAX_CHUNKS = 64
_FEW_USERS = 64
DELETED = -1
MAX_CACHED, MAX_BYTES = 4_096, 1 << 26

T = TypeVar("T")


@dataclass(frozen=True)
class RatingColumns:
    """Ratings in columns, with row numbers in place of ids.

    users, movies: (n,) int32, row numbers. stars: (n,) float64. at: (n,) int64, UTC seconds.
    """

    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    stars: NDArray[np.float64]
    at: I64

    def __len__(self) -> int:
        return len(self.users)

    def without_deleted(self) -> "RatingColumns":
        """The rows that are not marked as deleted."""
        return self.take(self.movies != DELETED) if (self.movies == DELETED).any() else self

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "RatingColumns":
        """Only these rows. rows: their positions, or a mask (n,)."""
        return RatingColumns(self.users[rows], self.movies[rows], self.stars[rows], self.at[rows])

    @classmethod
    def of(cls, rows: Rows) -> "RatingColumns":
        """The columns of a table of ratings; without timestamps every time is 0."""
        table = rows.table
        assert isinstance(table, Ratings)
        at = table.at if table.timed else np.zeros(len(rows), np.int64)
        return cls(rows.users, rows.movies, rows.stars.astype(np.float64), at)

    @classmethod
    def empty(cls) -> "RatingColumns":
        """No rating."""
        row = np.zeros(0, np.int32)
        return cls(row, row, np.zeros(0), np.zeros(0, np.int64))

    @classmethod
    def concat(cls, parts: list["RatingColumns"]) -> "RatingColumns":
        """The rows of all parts, in order."""
        return cls(
            np.concatenate([p.users for p in parts]),
            np.concatenate([p.movies for p in parts]),
            np.concatenate([p.stars for p in parts]),
            np.concatenate([p.at for p in parts]),
        )

    def inserted(self, places: I64, more: "RatingColumns") -> "RatingColumns":
        """These rows and `more`, (k,), each before the row at its place (k,), ascending."""
        if not len(self):
            # As where an artifact is loaded, which would wait for the loop.
            return more
        pairs = zip(vars(self).values(), vars(more).values(), strict=True)
        return RatingColumns(*(_inserted(read_only(a), places, read_only(b)) for a, b in pairs))

    def grouped_with(self, later: "RatingColumns", users: NDArray[np.int32]) -> "GroupedColumns":
        """These rows and `later` ones, both in time order, grouped by user.

        users: (u,), row numbers of the users of both, ascending.
        """
        both = RatingColumns.concat([self, later])
        group = np.searchsorted(users, both.users)
        order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[order], np.arange(len(users) + 1))
        position = np.empty(len(both), np.int64)
        position[order] = np.arange(len(both))
        return GroupedColumns(both.take(order), edges, order >= len(self), position[len(self) :])


class GroupedColumns(NamedTuple):
    """Rows grouped by user, the earlier ones first.

    rows: (n,). edges: (users + 1,) borders of the groups. is_later: (n,) whether a row is one of
    the later ones. later_at: (k,) position of each later row in `rows`.
    """

    rows: RatingColumns
    edges: I64
    is_later: NDArray[np.bool_]
    later_at: I64


@njit(cache=True)
def _inserted(column, places, more):  # type: ignore[no-untyped-def]
    """See `RatingColumns.inserted`, of one column."""
    out, taken = np.empty(len(column) + len(more), column.dtype), 0
    for k in range(len(more)):
        while taken < places[k]:
            out[taken + k] = column[taken]
            taken += 1
        out[taken + k] = more[k]
    while taken < len(column):
        out[taken + len(more)] = column[taken]
        taken += 1
    return out


def pair_keys(users: NDArray[np.int32], movies: NDArray[np.int32]) -> I64:
    """One number for each pair of row numbers: (n,)."""
    return users.astype(np.int64) << 32 | movies


# Which of some ratings are meant: (n,) bool.
Predicate = Callable[[RatingColumns], NDArray[np.bool_]]


@dataclass
class UserHistory:
    """All ratings given so far.

    merged: sorted by user, then time. recent: later ratings in order of arrival, not yet merged.
    cache: user -> a value computed from all ratings of the user, dropped when those change.
    timeless: whether the first ratings came from a table without times.
    """

    merged: RatingColumns
    recent: list[RatingColumns] = field(default_factory=list)
    cache: dict[int, Any] = field(default_factory=dict, repr=False)
    _positions: dict[int, list[int]] = field(default_factory=dict, repr=False)
    _indexed: int = field(default=0, repr=False)
    timeless: bool = field(init=False)

    def __post_init__(self) -> None:
        self.timeless = len(self.merged) > 0 and not self.merged.at.any()
        self.merged, self.recent = RatingColumns.empty(), [self.merged, *self.recent]
        self.merge()

    @classmethod
    def of(cls, ratings: RatingColumns, merged: int) -> "UserHistory":
        """From what `all_ratings` gave. merged: how many of its first rows were merged."""
        history = cls(ratings.take(np.arange(merged)))
        history.add(ratings.take(np.arange(merged, len(ratings))))
        return history

    def __len__(self) -> int:
        return len(self.merged) + sum(map(len, self.recent))

    def add(self, ratings: RatingColumns) -> None:
        """Store more ratings; none may be earlier than a stored rating of the same user."""
        self._drop_cached(ratings.users)
        self.recent.append(ratings)
        if len(self.recent) > _MAX_CHUNKS:
            self.recent = [RatingColumns.concat(self.recent)]

    def learn(self, ratings: RatingColumns, former: F64) -> None:
        """Store ratings, each in the place of the former one of its pair.

        former: (n,) the stars that each pair had before, NaN for none; where they are the same,
        nothing changes.
        """
        replaced = ~np.isnan(former) & (former != ratings.stars)
        first = np.isnan(former)
        # The former rating may be an earlier one of these.
        self.add(ratings if first.all() else ratings.take(first))
        if replaced.any():
            later = ratings.take(replaced)
            self._remove_latest(later)
            self.add(later)

    def in_own_time(self, ratings: RatingColumns) -> RatingColumns:
        """The ratings, without their times if those that are stored have none.

        Otherwise a rating of today would be half a century later than all others of its user.
        """
        return replace(ratings, at=np.zeros_like(ratings.at)) if self.timeless else ratings

    def merge(self) -> None:
        """Move the recent ratings into `merged`."""
        recent = RatingColumns.concat([RatingColumns.empty(), *self.recent]).without_deleted()
        later = recent.take(np.lexsort((recent.at, recent.users)))
        self.merged = self.merged.without_deleted()
        place = np.searchsorted(self.merged.users, later.users, side="right")
        ratings = self.merged.inserted(place, later)
        # New ratings are nearly always later than those before them. If not, all are sorted.
        before = np.maximum(place - 1, 0)[: len(place) * (len(self.merged) > 0)]
        back = self.merged.at[before] > later.at[: len(before)]
        if (back & (self.merged.users[before] == later.users[: len(before)])).any():
            ratings = ratings.take(np.lexsort((ratings.at, ratings.users)))
        self.merged, self.recent = ratings, []
        self._positions, self._indexed = {}, 0
        self.cache.clear()

    def remove(self, users: NDArray[np.int32], predicate: Predicate) -> RatingColumns:
        """Delete those ratings of `users` that `predicate` selects, and return them.

        They are marked in place, because copying a long history for a few rows is slow.
        """
        self._drop_cached(users)
        removed = []
        for part, rows in ((self.merged, self._merged_rows(users)), self._recent_rows(users)):
            present = rows[part.movies[rows] != DELETED]
            selected = present[predicate(part.take(present))]
            removed.append(part.take(selected))
            part.movies[selected] = DELETED
        return RatingColumns.concat(removed)

    def forget(self, user: int) -> None:
        """Delete all ratings of a user."""
        self.remove(np.array([user], np.int32), lambda ratings: np.ones(len(ratings), bool))

    def _remove_latest(self, pairs: RatingColumns) -> None:
        """Delete one rating of each of these pairs: the latest that is stored."""
        users, wanted = np.unique(pairs.users), pair_keys(pairs.users, pairs.movies)
        self._drop_cached(users)
        for part, rows in (self._recent_rows(users), (self.merged, self._merged_rows(users))):
            keys = pair_keys(part.users[rows], part.movies[rows])[::-1]
            found, place = np.unique(keys, return_index=True)
            place = place[np.isin(found, wanted)]
            part.movies[rows[::-1][place]] = DELETED
            wanted = np.setdiff1d(wanted, keys[place])

    def all_ratings(self) -> RatingColumns:
        """All ratings: the merged ones, then the recent ones in order of arrival."""
        return RatingColumns.concat([self.merged, *self.recent]).without_deleted()

    def merged_of(self, users: NDArray[np.int32]) -> RatingColumns:
        """The merged ratings of `users` (ascending), each user's in time order."""
        return self.merged.take(self._merged_rows(users)).without_deleted()

    def of_users(self, users: NDArray[np.int32]) -> RatingColumns:
        """All ratings of `users` (distinct, ascending), each user's in time order."""
        recent, rows = self._recent_rows(users)
        return RatingColumns.concat([self.merged_of(users), recent.take(rows).without_deleted()])

    def of_user(self, user: int) -> RatingColumns:
        """All ratings of one user, in time order: as `of_users`, in fewer steps."""
        start, stop = np.searchsorted(self.merged.users, np.array([user, user + 1], np.int32))
        recent, rows = self._recent_rows(np.array([user], np.int32))
        merged = self.merged.take(np.arange(start, stop))
        every = RatingColumns.concat([merged, recent.take(rows)]) if len(rows) else merged
        return every.without_deleted()

    def _merged_rows(self, users: NDArray[np.int32]) -> I64:
        edges = np.searchsorted(self.merged.users, np.stack([users, users + 1]))
        counts = edges[1] - edges[0]
        # Distance of each row from the first row of its user.
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows: I64 = np.repeat(edges[0], counts) + inside
        return rows

    def _recent_rows(self, users: NDArray[np.int32]) -> tuple[RatingColumns, I64]:
        """The recent ratings, and the positions of those of `users`, in order of arrival."""
        if len(self.recent) != 1:
            self.recent = [RatingColumns.concat([RatingColumns.empty(), *self.recent])]
        recent = self.recent[0]
        if len(users) > _FEW_USERS:
            return recent, np.flatnonzero(np.isin(recent.users, users))
        self._index_recent()
        rows = sorted(row for user in users.tolist() for row in self._positions.get(user, ()))
        return recent, np.array(rows, np.int64)

    def _index_recent(self) -> None:
        """Store the positions of each user's recent rows, up to the newest."""
        new = self.recent[0].users[self._indexed :].tolist()
        for row, user in enumerate(new, self._indexed):
            self._positions.setdefault(user, []).append(row)
        self._indexed += len(new)

    def cached(self, user: int, value: T) -> T:
        """Put a value computed from a user's ratings into the cache, and return it.

        Beyond `MAX_CACHED` values, or `MAX_BYTES` of those that say their `nbytes`, the oldest are
        dropped.
        """
        while self.cache and (len(self.cache) >= MAX_CACHED or self._bytes_with(value) > MAX_BYTES):
            self.cache.pop(next(iter(self.cache)), None)
        self.cache[user] = value
        return value

    def _bytes_with(self, value: object) -> int:
        return sum(getattr(each, "nbytes", 0) for each in [value, *list(self.cache.values())])

    def _drop_cached(self, users: NDArray[np.int32]) -> None:
        if self.cache:
            for user in set(users.tolist()):
                self.cache.pop(user, None)
