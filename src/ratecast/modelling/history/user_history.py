"""Every rating heard, kept so that the ratings of one user are found at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ratecast.modelling.contract.rows import Rows
from ratecast.ratings import Ratings

_CHUNKS = 64
_FEW = 64
STRUCK = -1
MOST_NOTES = 4_096

T = TypeVar("T")


@dataclass(frozen=True)
class Heard:
    """Ratings in columns: users, movies (n,) int32; stars (n,) float64; at (n,) int64, seconds."""

    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    stars: NDArray[np.float64]
    at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)

    def standing(self) -> "Heard":
        """Without the rows that were struck out."""
        return self.take(self.movies != STRUCK) if (self.movies == STRUCK).any() else self

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Heard":
        """Only these rows, in this order."""
        return Heard(self.users[rows], self.movies[rows], self.stars[rows], self.at[rows])

    @classmethod
    def of(cls, rows: Rows) -> "Heard":
        """A table of ratings; without timestamps all are of one moment."""
        table = rows.table
        assert isinstance(table, Ratings)
        at = table.at if table.timed else np.zeros(len(rows), np.int64)
        return cls(rows.users, rows.movies, rows.stars.astype(np.float64), at)

    @classmethod
    def none(cls) -> "Heard":
        """No rating."""
        row = np.zeros(0, np.int32)
        return cls(row, row, np.zeros(0), np.zeros(0, np.int64))

    @classmethod
    def concat(cls, parts: list["Heard"]) -> "Heard":
        """The rows of all parts, in order."""
        return cls(
            np.concatenate([p.users for p in parts]),
            np.concatenate([p.movies for p in parts]),
            np.concatenate([p.stars for p in parts]),
            np.concatenate([p.at for p in parts]),
        )

    def then(self, later: "Heard", users: NDArray[np.int32]) -> "Grouped":
        """These ratings and `later` ones, both in order of time, grouped by `users` (ascending).

        The rows, the borders of the groups, which rows are of `later`, and where each of those is.
        """
        both = Heard.concat([self, later])
        group = np.searchsorted(users, both.users)
        order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[order], np.arange(len(users) + 1))
        place = np.empty(len(both), np.int64)
        place[order] = np.arange(len(both))
        return both.take(order), edges, order >= len(self), place[len(self) :]

    def stages(self, share: float, growth: float) -> list["Heard"]:
        """Cut by time, never inside a moment: the first `share`, then pieces that add `growth`."""
        heard = self.take(np.argsort(self.at, kind="stable"))
        stops = [share * len(heard)]
        while stops[-1] < len(heard):
            stops.append(stops[-1] * (1 + growth))
        ends = np.append(np.flatnonzero(np.diff(heard.at)) + 1, len(heard))
        edges = np.unique(ends[np.searchsorted(ends, np.minimum(stops, len(heard)))])
        return [heard.take(np.arange(a, b)) for a, b in pairwise([0, *edges])]


Gone = Callable[[Heard], NDArray[np.bool_]]


@dataclass
class History:
    """`settled`: sorted by user, then time. What came later waits in `recent`, as it came.

    notes: what a model has worked out of all ratings of a user; gone once they change.
    """

    settled: Heard
    recent: list[Heard] = field(default_factory=list)
    notes: dict[int, Any] = field(default_factory=dict, repr=False)
    _places: dict[int, list[int]] = field(default_factory=dict, repr=False)
    _placed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.settled, self.recent = Heard.none(), [self.settled, *self.recent]
        self.settle()

    @classmethod
    def parted(cls, heard: Heard, settled: int) -> "History":
        """From `everything`, of which so many rows were settled."""
        history = cls(heard.take(np.arange(settled)))
        history.add(heard.take(np.arange(settled, len(heard))))
        return history

    def __len__(self) -> int:
        return len(self.settled) + sum(map(len, self.recent))

    def add(self, heard: Heard) -> None:
        """Hear more ratings; each user's are not earlier than those known of that user."""
        self._drop_notes(heard.users)
        self.recent.append(heard)
        if len(self.recent) > _CHUNKS:
            self.recent = [Heard.concat(self.recent)]

    def settle(self) -> None:
        """Sort what came lately in with the rest."""
        recent = Heard.concat([Heard.none(), *self.recent]).standing()
        later = recent.take(np.lexsort((recent.at, recent.users)))
        heard = Heard.concat([self.settled, later]).standing()
        # Two runs in order, the second nearly always of later moments: merged at once.
        heard = heard.take(np.argsort(heard.users, kind="stable"))
        back = (np.diff(heard.at) < 0) & (np.diff(heard.users) == 0)
        self._wait(heard.take(np.lexsort((heard.at, heard.users))) if back.any() else heard, [])

    def forget(self, users: NDArray[np.int32], gone: Gone) -> Heard:
        """Take back those of the users' ratings that `gone` points out, and give them.

        They are struck out where they stand, since a long history is not copied for a few.
        """
        self._drop_notes(users)
        struck = []
        for part, rows in ((self.settled, self._settled_rows(users)), self._recent_rows(users)):
            picked = rows[gone(part.take(rows))]
            struck.append(part.take(picked))
            part.movies[picked] = STRUCK
        return Heard.concat(struck)

    def everything(self) -> Heard:
        """All ratings, the recent ones last."""
        return Heard.concat([self.settled, *self.recent]).standing()

    def settled_of(self, users: NDArray[np.int32]) -> Heard:
        """The settled ratings of these users (ascending); each user's in order of time."""
        return self.settled.take(self._settled_rows(users)).standing()

    def of(self, users: NDArray[np.int32]) -> Heard:
        """All ratings of these users (distinct, ascending); each user's in order of time."""
        recent, rows = self._recent_rows(users)
        return Heard.concat([self.settled_of(users), recent.take(rows).standing()])

    def _settled_rows(self, users: NDArray[np.int32]) -> NDArray[np.int64]:
        edges = np.searchsorted(self.settled.users, np.stack([users, users + 1]))
        counts = edges[1] - edges[0]
        # How far each row is from the first of its user's.
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows: NDArray[np.int64] = np.repeat(edges[0], counts) + inside
        return rows

    def _recent_rows(self, users: NDArray[np.int32]) -> tuple[Heard, NDArray[np.int64]]:
        """The recent ratings, and which of them are of these users, in the order they came."""
        if len(self.recent) != 1:
            self.recent = [Heard.concat([Heard.none(), *self.recent])]
        recent = self.recent[0]
        if len(users) > _FEW:
            return recent, np.flatnonzero(np.isin(recent.users, users))
        self._place()
        rows = sorted(row for user in users.tolist() for row in self._places.get(user, ()))
        return recent, np.array(rows, np.int64)

    def _place(self) -> None:
        """Take down where the recent rows of each user are, up to the newest."""
        new = self.recent[0].users[self._placed :].tolist()
        for row, user in enumerate(new, self._placed):
            self._places.setdefault(user, []).append(row)
        self._placed += len(new)

    def _wait(self, settled: Heard, recent: list[Heard]) -> None:
        self.settled, self.recent = settled, recent
        self._places, self._placed = {}, 0
        self.notes.clear()

    def note(self, user: int, made: T) -> T:
        """Keep what was made of a user's ratings; beyond `MOST_NOTES`, the oldest is dropped."""
        while len(self.notes) >= MOST_NOTES:
            self.notes.pop(next(iter(self.notes)), None)
        self.notes[user] = made
        return made

    def _drop_notes(self, users: NDArray[np.int32]) -> None:
        if self.notes:
            for user in set(users.tolist()):
                self.notes.pop(user, None)


Grouped = tuple[Heard, NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]
