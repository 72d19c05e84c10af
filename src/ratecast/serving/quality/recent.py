"""The newest forecasts of a model, each as of just before the rating that it is of."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.ids import Id
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import MOVIE, USER, Ratings, trusted

KEPT = 10_000
# So many commits are kept apart before their rows are put into one table.
_MAX_PARTS = 1_000


@dataclass(frozen=True)
class RecentRows:
    """Ratings, and the forecast of each from what was given before it: n rows.

    seq: (n,) sequence numbers of the ratings, ascending.
    """

    seq: I64
    given: Ratings
    forecast: Forecast

    def __len__(self) -> int:
        return len(self.seq)

    def take(self, rows: I64 | NDArray[np.bool_]) -> Self:
        """Only these rows: a mask, or row numbers."""
        return replace(
            self,
            seq=self.seq[rows],
            given=self.given.take(rows),
            forecast=self.forecast.take(rows),
        )

    @classmethod
    def concat(cls, parts: list["RecentRows"]) -> "RecentRows":
        """The rows of all parts, in order; there is one at least."""
        if len(parts) == 1:
            return parts[0]
        frame = pl.concat([part.given.frame for part in parts])
        return RecentRows(
            np.concatenate([part.seq for part in parts]),
            trusted(replace(parts[0].given, frame=frame)),
            Forecast.concat([part.forecast for part in parts]),
        )

    def shared_with(self, other: "RecentRows") -> tuple["RecentRows", "RecentRows"]:
        """The rows of both whose ratings are the same."""
        _, here, there = np.intersect1d(
            self.seq, other.seq, assume_unique=True, return_indices=True
        )
        return self.take(here), other.take(there)


class RecentForecasts:
    """The newest `KEPT` rows of one model, in memory alone.

    A row is a rating that is the first of its pair: neither the store nor the training table had
    one. A pair whose rating was changed or deleted gives no row any more, since what the model
    knows of it cannot be undone.
    """

    def __init__(self) -> None:
        self._parts: list[RecentRows] = []
        self._changed: set[tuple[Id, Id]] = set()
        self._is_clean = True

    @property
    def newest(self) -> int:
        """The sequence number of the newest row; 0 without rows."""
        return int(self._parts[-1].seq[-1]) if self._parts else 0

    def add(self, rows: RecentRows, is_first: NDArray[np.bool_]) -> None:
        """Add the rows of one commit or of several, later than all before.

        is_first: (n,), whether each is the first rating of its pair for the model.
        """
        if self._changed:
            frame = rows.given.frame
            pairs = zip(frame[USER].to_list(), frame[MOVIE].to_list(), strict=True)
            is_first = is_first & [pair not in self._changed for pair in pairs]
        if not is_first.all():
            rows = rows.take(is_first)
        if len(rows):
            self._parts.append(rows)
        if len(self._parts) > _MAX_PARTS or len(rows) > KEPT:
            self._settle()

    def remove(self, pairs: list[tuple[Id, Id]]) -> None:
        """The rating of each pair of user and movie was changed or deleted."""
        self._changed.update(pairs)
        self._is_clean &= not pairs

    def forget(self, user: Id) -> None:
        """The user was deleted; a rating of this id from now on is one of a new user."""
        self._settle()
        self._parts = [
            part.take((part.given.frame[USER] != user).to_numpy()) for part in self._parts
        ]
        self._parts = [part for part in self._parts if len(part)]
        self._changed = {pair for pair in self._changed if pair[0] != user}

    def after(self, seq: int) -> RecentRows | None:
        """The rows with a higher sequence number; None without any."""
        later = []
        for part in reversed(self._parts):
            if part.seq[-1] <= seq:
                break
            later.append(part if part.seq[0] > seq else part.take(part.seq > seq))
        return RecentRows.concat(later[::-1]) if later else None

    def rows(self) -> RecentRows | None:
        """All rows that are kept; None without any."""
        self._settle()
        return self._parts[0] if self._parts else None

    def _settle(self) -> None:
        """Put the rows into one table, without those of changed pairs, and keep the newest."""
        if not self._parts or (len(self._parts) == 1 and self._is_clean):
            return
        rows = RecentRows.concat(self._parts)
        if not self._is_clean:
            users, movies = rows.given.frame[USER].to_list(), rows.given.frame[MOVIE].to_list()
            pairs = zip(users, movies, strict=True)
            rows = rows.take(np.array([pair not in self._changed for pair in pairs], bool))
        rows = rows.take(np.arange(max(len(rows) - KEPT, 0), len(rows)))
        self._parts, self._is_clean = [rows] if len(rows) else [], True
