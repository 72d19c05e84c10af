"""A model made ready to serve: loaded, told of the ratings in the store."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.plain_requests import seen
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.models import load_model
from ratecast.queries.similar import MovieVectors
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings
from ratecast.serving.catalogue import Catalogue, Id
from ratecast.serving.errors import Malformed
from ratecast.serving.store.database import Given, Removed, Written

LEARNED_TO = "learned_to"
MOST_DIGITS = 18


@dataclass(eq=False)
class Loaded:
    """name: which artifact it is. catalogue: its movies. heard_to: the last number it was told."""

    name: str
    model: Model
    catalogue: Catalogue
    heard_to: int = 0

    @property
    def recalls(self) -> bool:
        """Whether the model keeps ratings, so that one can be taken back at once."""
        return isinstance(self.model, HistoryModel)

    @cached_property
    def _words(self) -> dict[str, bool]:
        """Of users and movies, whether their ids are words; else they are whole numbers."""
        found = {USER: self.model.users, MOVIE: self.model.movies}
        return {kind: v.table.schema[kind] == pl.String for kind, v in found.items()}

    @cached_property
    def vectors(self) -> MovieVectors | None:
        """The movies as vectors, where the model has them."""
        try:
            return MovieVectors.of(self.model)
        except InputError:
            return None

    def user(self, text: Id, field: str = "user") -> Id:
        """The user's id in the type that the model has. Raises `Malformed`."""
        return _typed(self._words[USER], text, field)

    def movie(self, text: Id, field: str = "movie") -> Id:
        """The movie's id in the type that the model has. Raises `Malformed`."""
        return _typed(self._words[MOVIE], text, field)

    def side(self, user: Id) -> dict[str, object]:
        """What the model was told of a user beside ratings: age, occupation and the like."""
        table = self.model.users.table
        lines = table.filter(pl.col(USER) == user).drop(USER).to_dicts()
        return {name: value for line in lines for name, value in line.items() if value is not None}

    def hear(self, given: list[Given]) -> None:
        """Ratings of one moment, in effect from now on."""
        if given and self.model.updates_online():
            self.model.observe(self._table(given))

    def take_back(self, removed: Iterable[Removed]) -> None:
        """Forget what was removed; a model that recalls nothing never learned it but by a fit."""
        events = list(removed)
        pairs = [(self.user(e.user), self.movie(e.movie)) for e in events if e.movie is not None]
        if pairs and isinstance(self.model, HistoryModel):
            self.model.unlearn(pairs)
        for event in events:
            if event.movie is None:
                self.model.forget(self.user(event.user))

    def replay(self, given: list[Given]) -> None:
        """What was heard before, moment by moment: the same as hearing it live."""
        if given and self.model.updates_online():
            sizes = [len(list(group)) for _, group in groupby(given, lambda g: g.moment)]
            self.model.walk(self._table(given), np.cumsum([0, *sizes]))

    def _table(self, given: list[Given]) -> Ratings:
        frame = pl.DataFrame(
            {
                USER: [self.user(g.user) for g in given],
                MOVIE: [self.movie(g.movie) for g in given],
                RATING: pl.Series([g.stars for g in given], dtype=pl.Float32),
                AT: [g.at for g in given],
            }
        )
        return Ratings(frame, scale=self.model.scale)


def load(folder: Path, written: Written, now: Loaded | None = None) -> Loaded:
    """The artifact in `folder`, told of every rating and removal that it was not fitted on.

    now: what serves meanwhile, with which it may share memory.
    """
    model, known = load_model(folder), learned(folder)
    made = Loaded(folder.name, model, Catalogue(model.movies.table, seen(model)))
    made.take_back(event for event in written.removed if event.seq > known)
    made.replay([event for event in written.given if event.seq > known])
    if len(model.movies) - 1 > len(made.catalogue):
        made.catalogue = Catalogue(model.movies.table, seen(model))
    model.precompute(None if now is None else now.model)
    made.heard_to = written.last
    return made


def learned(folder: Path) -> int:
    """The last number of the store that a fit knew; 0 for an artifact made without a store."""
    file = folder / LEARNED_TO
    return int(file.read_text()) if file.exists() else 0


def _typed(as_word: bool, text: Id, field: str) -> Id:
    words = str(text)
    if as_word:
        if not 0 < len(words) <= 128 or not words.isprintable():
            raise Malformed(f"{field}: write 1 to 128 printable characters", field)
        return words
    digits = words.removeprefix("-")
    if isinstance(text, bool) or not (digits.isascii() and digits.isdecimal()):
        raise Malformed(f"{field} {words[:40]!r}: ids of this model are whole numbers", field)
    if len(digits) > MOST_DIGITS:
        raise Malformed(f"{field}: a whole number of at most {MOST_DIGITS} digits", field)
    return int(words)
