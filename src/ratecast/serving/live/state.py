"""What the service knows now: the model in force, and every rating in the store.

All of it belongs to the thread of the event loop, so that no lock is needed: what takes long is
done on another model, which then takes the place of this one in a single step.
"""

import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.plain_requests import ask, ask_first, rows_of
from ratecast.modelling.contract.rows import Expected
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.ratings import USER
from ratecast.serving.catalogue import Id
from ratecast.serving.live.served_model import Loaded
from ratecast.serving.store.database import Event, Given, Removed

KEPT_ROWS = 4_000_000


@dataclass(frozen=True)
class Prospects:
    """Of every movie of the catalogue: what is expected, and whether it is not rated yet, (m,)."""

    expected: Expected
    left: NDArray[np.bool_]


class Live:
    """given: user to movie to rating, of the store. changes: of each user, how often it changed.

    since: what was heard while another model is made ready. stale: a rating was taken back, of
    which the model may keep a trace.
    """

    def __init__(self, loaded: Loaded, given: list[Given], users: Iterable[str] = ()) -> None:
        self.loaded = loaded
        self.given: dict[Id, dict[Id, Given]] = {}
        self.changes: dict[Id, int] = defaultdict(int)
        self.since: list[list[Event]] | None = None
        self.stale = False
        self._prospects: OrderedDict[Id, Prospects] = OrderedDict()
        known = loaded.model.users.table[USER]
        numbers = [*known.to_list(), *map(loaded.user, users)]
        self._number = None if known.dtype == pl.String else max(map(int, numbers), default=0)
        for rating in given:
            self._note(rating)

    def hear(self, events: list[Event]) -> None:
        """What one commit wrote, in effect from now on."""
        for event in events:
            self._note(event)
        self._tell(self.loaded, events)
        if self.since is not None:
            self.since.append(events)

    def swap(self, loaded: Loaded) -> None:
        """Serve from another model; it is told what was heard while it was made ready."""
        told = loaded.heard_to
        for events in self.since or []:
            self._tell(loaded, [event for event in events if event.seq > told])
        self.loaded, self.since = loaded, None
        self._prospects.clear()

    def next_user(self) -> Id:
        """An id that nobody has: the next number, or a word drawn by chance."""
        if self._number is None:
            return f"u{secrets.token_hex(8)}"
        self._number += 1
        return self._number

    def of(self, user: Id) -> dict[Id, tuple[float, int | None]]:
        """The user's ratings that are in force: movie to stars and second, oldest first."""
        model = self.loaded.model
        own: dict[Id, tuple[float, int | None]] = {}
        if isinstance(model, HistoryModel):
            own = {kept.movie: (kept.stars, kept.at or None) for kept in model.history_of(user)}
        return own | {m: (g.stars, g.at) for m, g in self.given.get(user, {}).items()}

    def prospects(self, user: Id) -> Prospects:
        """What every movie of the catalogue is to a user; kept until something changes it."""
        kept = self._prospects.get(user)
        if kept is None:
            expected = ask_first(self.loaded.model, user, self.loaded.catalogue.ids)
            kept = Prospects(expected, self._left(user))
            self._prospects[user] = kept
            while len(self._prospects) * len(kept.left) > KEPT_ROWS and len(self._prospects) > 1:
                self._prospects.popitem(last=False)
        self._prospects.move_to_end(user)
        return kept

    def _left(self, user: Id) -> NDArray[np.bool_]:
        """Of every movie of the catalogue, whether the user has not rated it: (m,)."""
        model, line = self.loaded.model, self.loaded.catalogue.line
        left = np.ones(len(line), bool)
        if isinstance(model, HistoryModel):
            # A movie met while this model was made ready is in none of its catalogue's lines.
            rated = model.rated_movies(user)
            left[rated[rated <= len(left)] - 1] = False
        left[[line[movie] for movie in self.given.get(user, ()) if movie in line]] = False
        return left

    def forecast(self, user: Id, lines: Sequence[int]) -> Forecast:
        """The forecast of these lines of the catalogue: (n,)."""
        model, ids = self.loaded.model, self.loaded.catalogue.ids
        users, movies = [user] * len(lines), [ids[line] for line in lines]
        if user in self._prospects:
            rows, expected = rows_of(model, users, movies), self._prospects[user].expected
            return model.calibrate(rows, expected.take(np.array(lines, np.int64)))
        return model.calibrate(*ask(model, users, movies))

    def _tell(self, loaded: Loaded, events: list[Event]) -> None:
        loaded.take_back(event for event in events if isinstance(event, Removed))
        loaded.hear([event for event in events if isinstance(event, Given)])
        loaded.heard_to = max([loaded.heard_to, *(event.seq for event in events)])

    def _note(self, event: Event) -> None:
        user = self.loaded.user(event.user)
        if self._number is not None:
            self._number = max(self._number, int(user))
        self.changes[user] += 1
        self._forget(user)
        self.stale |= isinstance(event, Removed)
        if isinstance(event, Given):
            self.given.setdefault(user, {})[self.loaded.movie(event.movie)] = event
        elif event.movie is None:
            self.given.pop(user, None)
        else:
            self.given.get(user, {}).pop(self.loaded.movie(event.movie), None)

    def _forget(self, user: Id) -> None:
        """Another user's forecasts hang on this rating only where the model moves its movies."""
        if self.loaded.recalls:
            self._prospects.pop(user, None)
        else:
            self._prospects.clear()
