"""A loaded model, updated with the ratings in the store."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.exports.star_quantiles import StarDistribution
from ratecast.ids import Id, Written
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.plain_requests import ratings_per_movie
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.models import load_model
from ratecast.queries.similar import MovieVectors
from ratecast.queries.star_distribution import star_distribution
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, checked_stars
from ratecast.serving.catalogue import Catalogue
from ratecast.serving.errors import InvalidValueError
from ratecast.serving.live.movie_columns import movie_columns
from ratecast.serving.quality.recent import RecentForecasts, RecentRows
from ratecast.serving.store.database import Event, RatingEvent, RemovalEvent, StoredEvents
from ratecast.serving.store.new_movies import NewMovie

LEARNED_TO = "learned_to"


@dataclass(eq=False)
class ServedModel:
    """A model in service.

    name: of its artifact. catalogue: its movies. stars: how often its training ratings have each
    star. last_seq: sequence number of the last stored event that it has applied. recent: its
    forecasts of the newest ratings in the store that it was not fitted on. new_movies: those that
    came to the service, by id.
    """

    name: str
    model: Model
    catalogue: Catalogue
    stars: StarDistribution
    last_seq: int = 0
    recent: RecentForecasts = field(default_factory=RecentForecasts)
    new_movies: dict[Id, NewMovie] = field(default_factory=dict)

    @property
    def keeps_ratings(self) -> bool:
        """Whether the model keeps ratings, so that it can unlearn one without a rebuild."""
        return isinstance(self.model, HistoryModel)

    @cached_property
    def vectors(self) -> MovieVectors | None:
        """The movies' factors; None for a model without factors."""
        try:
            return MovieVectors.of(self.model)
        except InputError:
            return None

    def user(self, value: Written) -> Id:
        """The user id in the type of the model's ids. Raises `InvalidValueError`."""
        return _own_id(self.model.users, value)

    def movie(self, value: Written) -> Id:
        """The movie id in the type of the model's ids. Raises `InvalidValueError`."""
        return _own_id(self.model.movies, value)

    def side_information(self, user: Id) -> dict[str, object]:
        """Side information of a user: age, occupation and other columns."""
        table = self.model.users.table
        lines = table.filter(pl.col(USER) == user).drop(USER).to_dicts()
        return {name: value for line in lines for name, value in line.items() if value is not None}

    def add_movies(self, movies: Sequence[NewMovie]) -> None:
        """Add movies to the model and to the catalogue; those that it knows stay as they are."""
        self.new_movies |= {self.movie(new.movie): new for new in movies}
        rows = self.model.movies.rows_of(list(self.new_movies))
        fresh = dict(
            each for each, row in zip(self.new_movies.items(), rows, strict=True) if not row
        )
        if not fresh:
            return
        table = movie_columns(list(fresh.values()), list(fresh), self.model.movies.described)
        self.model.add_movies(table)
        added = self.model.movies.table[len(self.catalogue) :]
        self.catalogue.add(added, ratings_per_movie(self.model)[len(self.catalogue) :])
        # The factors of the new movies are not among those computed before.
        self.__dict__.pop("vectors", None)

    def observe(self, ratings: list[RatingEvent]) -> None:
        """Update the model with the ratings of one commit."""
        if ratings and self.model.updates_online():
            table = self._table(ratings)
            self._remember(ratings, table, *self.model.observe_as_of(table))

    def unlearn(self, removals: Iterable[RemovalEvent]) -> None:
        """Remove ratings and users from the model.

        A model that keeps no ratings cannot unlearn one; it has to be rebuilt.
        """
        events = list(removals)
        pairs = [(self.user(e.user), self.movie(e.movie)) for e in events if e.movie is not None]
        if pairs and isinstance(self.model, HistoryModel):
            self.model.unlearn(pairs)
        self.recent.remove(pairs)
        for event in events:
            if event.movie is None:
                self.model.forget(self.user(event.user))
                self.recent.forget(self.user(event.user))

    def replay(self, ratings: list[RatingEvent]) -> None:
        """Update the model with past ratings, commit by commit: the same as `observe` of each."""
        if ratings and self.model.updates_online():
            sizes = [len(list(group)) for _, group in groupby(ratings, lambda event: event.commit)]
            table = self._table(ratings)
            walked = self.model.walk_as_of(table, np.cumsum([0, *sizes]))
            self._remember(ratings, table, *walked)

    def _remember(
        self,
        events: list[RatingEvent],
        table: Ratings,
        forecast: Forecast,
        is_first: NDArray[np.bool_],
    ) -> None:
        """Keep the forecasts of ratings, as of just before them."""
        seq = np.array([event.seq for event in events], np.int64)
        # The ids stand in the table.
        rows = RecentRows(seq, table, replace(forecast, requests=None))
        self.recent.add(rows, is_first)

    def update(self, events: list[Event]) -> None:
        """Apply the events of one commit."""
        self.unlearn(event for event in events if isinstance(event, RemovalEvent))
        self.observe([event for event in events if isinstance(event, RatingEvent)])
        self.last_seq = max([self.last_seq, *(event.seq for event in events)])

    def catch_up(self, commits: list[list[Event]]) -> None:
        """Apply the commits that came while it was loaded, but for what it has read already."""
        read = self.last_seq
        for events in commits:
            self.update([event for event in events if event.seq > read])

    def _table(self, events: list[RatingEvent]) -> Ratings:
        users, movies = self.model.users, self.model.movies
        frame = pl.DataFrame(
            [
                pl.Series(USER, [self.user(e.user) for e in events], users.dtype),
                pl.Series(MOVIE, [self.movie(e.movie) for e in events], movies.dtype),
                pl.Series(RATING, [e.stars for e in events], pl.Float32),
                pl.Series(AT, [e.at for e in events], pl.Int64),
            ]
        )
        table = Ratings(frame, scale=self.model.scale)
        return checked_stars(table, "store", "give a model of another scale a --home of its own")


def load(folder: Path, stored: StoredEvents, now: ServedModel | None = None) -> ServedModel:
    """Load an artifact, and apply every stored rating and removal that it was not fitted on.

    now: the model in service, with which it may share memory.
    """
    model, last_learned = load_model(folder), learned(folder)
    model.add_unrated_movies()
    catalogue = Catalogue(model.movies.table, ratings_per_movie(model))
    served = ServedModel(folder.name, model, catalogue, star_distribution(model))
    served.add_movies(stored.movies)
    served.unlearn(event for event in stored.removals if event.seq > last_learned)
    known = pl.concat([model.users.known, model.users.described[USER]]).unique().cast(pl.String)
    for user in stored.deleted.among(known.to_list(), last_learned):
        model.forget(served.user(user))
    served.replay([event for event in stored.ratings if event.seq > last_learned])
    if len(model.movies) - 1 > len(served.catalogue):
        served.catalogue = Catalogue(model.movies.table, ratings_per_movie(model))
    model.precompute(None if now is None else now.model)
    served.last_seq = stored.last
    return served


def learned(folder: Path) -> int:
    """Sequence number of the last stored event in the training table; 0 without a store."""
    file = folder / LEARNED_TO
    if not file.exists():
        return 0
    text = file.read_text("utf-8", "replace").strip()
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"{file}: {text!r} is no sequence number; publish the artifact again")
    return int(text)


def _own_id(vocabulary: Vocabulary, value: Written) -> Id:
    try:
        return vocabulary.own_id(value)
    except InputError as error:
        raise InvalidValueError(str(error), vocabulary.kind) from None
