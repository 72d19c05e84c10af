"""State of the service: the served model, and every rating in the store.

Only the thread of the event loop uses it, so no lock is needed. Long work is done on another model,
which then replaces this one in a single step (`LiveState.swap`).
"""

import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.ids import MOST_COUNTED, Id
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.plain_requests import (
    encode_pairs,
    predict_catalogue,
    predict_pairs,
)
from ratecast.modelling.contract.rows import Expected
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.ratings import USER
from ratecast.serving.live.served_model import ServedModel
from ratecast.serving.live.shadow import Shadow
from ratecast.serving.quality.scores import Scores
from ratecast.serving.quality.tracker import QualityTracker
from ratecast.serving.store.database import Event, RatingEvent, RemovalEvent
from ratecast.serving.store.deleted_users import DeletedUsers
from ratecast.serving.store.new_movies import NewMovie
from ratecast.serving.store.seen import SeenMark

CACHED_ROWS = 4_000_000


@dataclass(frozen=True)
class CatalogueScores:
    """Every movie of the catalogue for one user.

    expected: the uncalibrated prediction, (m,). unseen: whether the user has neither rated the
    movie nor marked it as seen, (m,).
    """

    expected: Expected
    unseen: NDArray[np.bool_]


class LiveState:
    """The served model and the stored ratings.

    given: user to movie to stored rating. seen: user to the movies marked as seen. changes: per
    user, the number of events. backlog: events to apply to the model that is being loaded; None
    while no model is. stale: a rating was deleted, so the model must be rebuilt. quality: scores of
    the forecasts. shadow: a model that runs beside the served one.
    """

    def __init__(
        self,
        served: ServedModel,
        ratings: list[RatingEvent],
        users: Iterable[str] = (),
        deleted: DeletedUsers | None = None,
        seen: Iterable[SeenMark] = (),
    ) -> None:
        self.served, self._deleted = served, deleted or DeletedUsers()
        self.quality, self.shadow = QualityTracker(served.model.scale), Shadow()
        self.seen: dict[Id, set[Id]] = {}
        self.given: dict[Id, dict[Id, RatingEvent]] = {}
        self.changes: dict[Id, int] = defaultdict(int)
        self.backlog: list[list[Event]] | None = None
        self.stale = False
        self._scores: OrderedDict[Id, CatalogueScores] = OrderedDict()
        known = served.model.users.table[USER]
        self._last_number = None if known.dtype == pl.String else 0
        self._count(known)
        self.register(users)
        for rating in ratings:
            self._record(rating)
        self.mark_all_seen(seen)

    def register(self, users: Iterable[str]) -> None:
        """These ids are taken: no new user gets one."""
        self._count(map(self.served.user, users))

    def _count(self, users: Iterable[Id]) -> None:
        """New users get numbers after these; one that is far off does not count."""
        if self._last_number is not None:
            numbers = (number for number in map(int, users) if number <= MOST_COUNTED)
            self._last_number = max(self._last_number, max(numbers, default=0))

    def deletions(self, deleted: DeletedUsers) -> list[Event]:
        """The deletions of users that this state or the model still knows, in order."""
        known = {*map(str, self.given), *self.served.model.users.known.cast(pl.String)}
        found = ((deleted.seqs[deleted.digest(user)], user) for user in deleted.among(known))
        return [RemovalEvent(user, None, seq) for seq, user in sorted(found)]

    def apply(self, events: list[Event]) -> None:
        """Apply the events of one commit to the ratings and to the model."""
        if self._removes_after(self.quality.scores.seq, events):
            self.scores()
        for event in events:
            self._record(event)
        self.served.update(events)
        self.shadow.update(events)
        if self.backlog is not None:
            self.backlog.append(events)

    def swap(self, served: ServedModel) -> None:
        """Serve with another model, after the events that came while it was loaded."""
        self.scores()
        served.add_movies(list(self.served.new_movies.values()))
        served.catch_up(self.backlog or [])
        self.served, self.backlog = served, None
        self._scores.clear()

    def resume(self, saved: bytes | None) -> None:
        """Go on from scores that were saved; without any, count what the model has walked."""
        self.quality = QualityTracker(self.served.model.scale, self.served.last_seq, saved)

    def scores(self) -> Scores:
        """The scores of every forecast that came true."""
        return self.quality.count(self.served.recent, self.served.last_seq)

    def due_scores(self, events: list[Event] | None) -> bytes | None:
        """What should be saved of the scores before these events; None if that can wait.

        events: None for another model in the place of this one.
        """
        removes = events is None or self._removes_after(self.quality.saved, events)
        return self.quality.due(self.served.recent, self.served.last_seq, removes)

    def keep_serving(self, stale: bool) -> None:
        """Go on with the same model. stale: whether it was so before another one was loaded."""
        self.backlog, self.stale = None, self.stale or stale

    def add_movies(self, movies: Sequence[NewMovie]) -> None:
        """Add new movies to the served model and to the shadow."""
        if not movies:
            return
        self.served.add_movies(movies)
        self.shadow.add_movies(movies)
        self._scores.clear()

    def mark_all_seen(self, marks: Iterable[SeenMark]) -> None:
        """Take over the marks of the store."""
        for mark in marks:
            user, movie = self.served.user(mark.user), self.served.movie(mark.movie)
            if movie not in self.seen.get(user, ()):
                self.mark_seen(user, movie)

    def mark_seen(self, user: Id, movie: Id) -> None:
        """The user has seen the movie."""
        self.seen.setdefault(user, set()).add(movie)
        self._changed(user)

    def unmark_seen(self, user: Id, movie: Id) -> None:
        """The user has not seen the movie, or no longer says so."""
        self.seen.get(user, set()).discard(movie)
        self._changed(user)

    def next_user(self) -> Id:
        """An unused id: the next number, or a random text."""
        if self._last_number is None:
            return f"u{secrets.token_hex(8)}"
        while True:
            self._last_number += 1
            # The id of a deleted user, and so its token, is never given again.
            taken = self._last_number in self._deleted or self._last_number in self.changes
            if not taken and not self.served.model.users.rows_of([self._last_number])[0]:
                return self._last_number

    def may_know(self, user: Id) -> bool:
        """Whether a model here knows the user, or one that is being loaded may."""
        models = [each.model for each in (self.served, self.shadow.model) if each is not None]
        loading = self.backlog is not None or self.shadow.is_loading
        return loading or any(user in model.users for model in models)

    def ratings_of(self, user: Id) -> dict[Id, tuple[float, int | None]]:
        """The user's current ratings: movie to (stars, UTC seconds or None), oldest first."""
        model = self.served.model
        ratings: dict[Id, tuple[float, int | None]] = {}
        if isinstance(model, HistoryModel):
            ratings = {r.movie: (r.stars, r.at or None) for r in model.history_of(user)}
        return ratings | {m: (r.stars, r.at) for m, r in self.given.get(user, {}).items()}

    def catalogue_scores(self, user: Id) -> CatalogueScores:
        """The scores of all movies for a user, cached until an event changes them.

        The cache holds the most recently used users, in all about `CACHED_ROWS` rows.
        """
        scores = self._scores.get(user)
        if scores is None:
            expected = predict_catalogue(self.served.model, user, self.served.catalogue.ids)
            scores = CatalogueScores(expected, self._unseen(user))
            self._scores[user] = scores
            while len(self._scores) * len(scores.unseen) > CACHED_ROWS and len(self._scores) > 1:
                self._scores.popitem(last=False)
        self._scores.move_to_end(user)
        return scores

    def _unseen(self, user: Id) -> NDArray[np.bool_]:
        """Whether the user has neither rated the movie nor marked it as seen: (m,)."""
        model, line = self.served.model, self.served.catalogue.line
        unseen = np.ones(len(line), bool)
        if isinstance(model, HistoryModel):
            # A movie that was new while this model was loaded is not in its catalogue.
            rated = model.rated_movies(user)
            unseen[rated[rated <= len(unseen)] - 1] = False
        known = (*self.given.get(user, ()), *self.seen.get(user, ()))
        unseen[[line[movie] for movie in known if movie in line]] = False
        return unseen

    def forecast(self, user: Id, lines: Sequence[int]) -> Forecast:
        """The forecast for these lines of the catalogue: (n,)."""
        model, ids = self.served.model, self.served.catalogue.ids
        users, movies = [user] * len(lines), [ids[line] for line in lines]
        if user in self._scores:
            rows, expected = encode_pairs(model, users, movies), self._scores[user].expected
            return model.calibrate(rows, expected.take(np.array(lines, np.int64)))
        return model.calibrate(*predict_pairs(model, users, movies))

    def _record(self, event: Event) -> None:
        user = self.served.user(event.user)
        self._changed(user)
        self.stale |= isinstance(event, RemovalEvent)
        if isinstance(event, RatingEvent):
            self.given.setdefault(user, {})[self.served.movie(event.movie)] = event
        elif event.movie is None:
            self.given.pop(user, None)
            self.seen.pop(user, None)
        else:
            self.given.get(user, {}).pop(self.served.movie(event.movie), None)

    def _changed(self, user: Id) -> None:
        """Note that something of this user changed; the id is never given to another one."""
        self._count([user])
        self.changes[user] += 1
        self._invalidate(user)

    def _removes_after(self, seq: int, events: list[Event]) -> bool:
        """Whether a rating with a higher number than `seq` is changed or deleted."""
        for event in events:
            if isinstance(event, RemovalEvent):
                given = self.given.get(self.served.user(event.user), {})
                movies = given if event.movie is None else (self.served.movie(event.movie),)
                if any(movie in given and given[movie].seq > seq for movie in movies):
                    return True
        return False

    def _invalidate(self, user: Id) -> None:
        """Drop cached scores that an event of this user changes.

        Other users' scores change only if the model updates movie parameters.
        """
        if self.served.keeps_ratings:
            self._scores.pop(user, None)
        else:
            self._scores.clear()
