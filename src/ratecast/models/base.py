"""The one contract: every model is fitted, asked, told and saved in the same way."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ratecast import artifact
from ratecast.data import room
from ratecast.errors import InputError
from ratecast.models.answer import Basis, Forecast
from ratecast.models.calibration import Calibration, Told
from ratecast.models.kernels.threads import kernels_first
from ratecast.models.limits import FROM_ZERO, Limits, check
from ratecast.models.rows import Expected, Rows, counted_before, counts, grown, moments
from ratecast.models.search import Range
from ratecast.models.spread import calibrated
from ratecast.models.vocabulary import Unknown, Vocabulary
from ratecast.ratings import MOVIE, USER, Ratings, Requests, Scale

if TYPE_CHECKING:
    from ratecast.models.likeness import Factors

Arrays = dict[str, NDArray[Any]]
Counts = NDArray[np.int64]


@dataclass(kw_only=True, eq=False)
class Model(ABC):
    """A forecaster of ratings. The dataclass fields that it is made with are its settings.

    search: the settings worth tuning. limits: of those that are not just counts from 1 or amounts
    from 0. draws: whether the seed matters. refresh_seconds: how often an as-of walk may refresh
    it. learned_from: fingerprint of train; empty once more was heard.

    A new model implements `_fit`, `_expect`, `_arrays` and `_restore`, and, where it can hear a
    rating without a refit, `_observe`, or `_walk` for a whole stream: either gives the other.
    """

    name: ClassVar[str]
    search: ClassVar[dict[str, Range]] = {}
    limits: ClassVar[Limits] = {}
    draws: ClassVar[bool] = True
    refresh_seconds: ClassVar[int | None] = None
    seed: int = 0

    scale: Scale = field(init=False, repr=False)
    users: Vocabulary = field(init=False, repr=False)
    movies: Vocabulary = field(init=False, repr=False)
    calibration: Calibration = field(init=False, repr=False)
    learned_from: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that cannot be, by `InputError`."""
        check(self, "model", {"seed": FROM_ZERO} | dict(self.limits))

    @kernels_first
    def fit(self, train: Ratings, valid: Ratings | None = None) -> Self:
        """Learn from `train`; `valid` serves early stopping and the spread of the stars only.

        Without `valid` the spread comes from the model's own deviation where it knows one, else
        from the residuals of train, which are a little too small.
        """
        rows = self._start(train)
        self._fit(rows, valid)
        self.calibration = calibrated(self, train, valid)
        return self

    @kernels_first
    def refit(self, ratings: Ratings) -> Self:
        """Learn anew from more ratings, keeping what validation chose: epochs, spread of stars."""
        self._refit(self._start(ratings))
        return self

    def _start(self, train: Ratings) -> Rows:
        if not len(train):
            raise InputError("train: no ratings to learn from")
        self.scale = train.scale
        self.learned_from = train.fingerprint()
        self.users = Vocabulary.of(train.frame[USER], train.users)
        self.movies = Vocabulary.of(train.frame[MOVIE], train.movies)
        ids = f"{len(self.users) - 1:,} users and {len(self.movies) - 1:,} movies"
        room.in_memory(self._bytes(), f"model {self.name}, {ids}", "choose fewer factors")
        rows = self._rows(train)
        self._heard = counts(rows.users, len(self.users))
        self._seen = counts(rows.movies, len(self.movies))
        return rows

    def predict(self, requests: Requests) -> Forecast:
        """A forecast for each request; nothing is learned."""
        rows = self._rows(requests)
        return self.answer(rows, self._expect(rows))

    def answer(self, rows: Rows, expected: Expected) -> Forecast:
        """The forecast of rows of which is known what is expected, calibrated as of now."""
        heard, stars = self._heard[rows.users], self.scale.clip(expected.mean)
        shares = self.calibration.probabilities(stars, heard, expected.deviation)
        return Forecast(stars, shares, heard, Basis.of(heard, self._seen[rows.movies]))

    def observe(self, ratings: Ratings) -> None:
        """Hear new ratings at once, of new users and new movies too, without a refit."""
        rows = self._meet(ratings)
        self.learned_from = ""
        told = self._compared(self._expect(rows), self._heard[rows.users], ratings)
        self._heard += counts(rows.users, len(self.users))
        self._seen += counts(rows.movies, len(self.movies))
        self._observe(rows)
        self.calibration.hear(told)

    def refresh(self, ratings: Ratings) -> None:
        """A warm refit on everything heard so far; models without one leave it out."""

    def refresh_after(self) -> int:
        """How many new ratings a refresh waits for: with fewer it changes nothing."""
        return 0

    def warm(self, like: "Model | None" = None) -> None:
        """Spend memory, shared with a warm model `like` it, to answer sooner, and the same."""

    @kernels_first
    def walk(self, stream: Ratings, edges: Counts | None = None) -> Forecast:
        """Predict, then observe, moment by moment: `stream` ordered by time, ties together.

        The answers are those of a plain loop of `predict` and `observe`. edges: where what was
        heard together begins, (k + 1,), if that is not each second's rows.
        """
        edges = moments(stream) if edges is None else edges
        expected, heard, seen = self._told(stream, edges)
        told = self._compared(expected, heard, stream)
        shares = self.calibration.walk(told, edges)
        return Forecast(told.mean, shares, heard, Basis.of(heard, seen))

    @classmethod
    def listens(cls) -> bool:
        """Whether the model can hear a rating without a refit."""
        return cls._observe is not Model._observe or cls._walk is not Model._walk

    def forget(self, user: int | str) -> None:
        """Forget a user, who asks as a stranger now; what movies learned stays until a fit."""
        self.learned_from = ""
        self.users.forget(user)

    def settings(self) -> dict[str, Any]:
        """The settings that this model was made with, as plain values."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return {
            k: asdict(v) if hasattr(v, "__dataclass_fields__") else v for k, v in values.items()
        }

    def save(self, folder: Path) -> None:
        """Write the fitted model, what it observed included, into a new `folder`."""
        meta = {"model": self.name, "settings": self.settings(), "scale": asdict(self.scale)}
        meta |= {"learned_from": self.learned_from}
        arrays = self._arrays() | {"heard": self._heard, "seen": self._seen}
        arrays |= self.calibration.packed()
        tables = {"users": self.users.table, "movies": self.movies.table}
        artifact.write(folder, artifact.Artifact(meta, arrays, tables))

    def restore(self, saved: artifact.Artifact) -> Self:
        """Take over the learned state of `saved`, an artifact of the same model and settings."""
        arrays = dict(saved.arrays)
        self.scale = Scale(**saved.meta["scale"])
        self.learned_from = saved.meta["learned_from"]
        self.users = Vocabulary(USER, saved.tables["users"])
        self.movies = Vocabulary(MOVIE, saved.tables["movies"])
        self._heard, self._seen = arrays.pop("heard"), arrays.pop("seen")
        self.calibration = Calibration.unpacked(arrays)
        self._restore(arrays)
        return self

    @abstractmethod
    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        """Learn; scale, vocabularies and counts are there already."""

    def _bytes(self) -> float:
        """Memory that a fit takes at the least for its users and movies, beside the ratings."""
        return 0.0

    @abstractmethod
    def _expect(self, rows: Rows) -> Expected:
        """Expected stars of each row."""

    def _refit(self, train: Rows) -> None:
        """Learn again; a model that chose something by validation keeps it."""
        self._fit(train, None)

    def _observe(self, rows: Rows) -> None:
        """Hear rows as one moment; the vocabularies have grown already."""
        if not self.listens():
            raise NotImplementedError(f"{self.name} cannot hear ratings without a refit")
        self._walk(rows, np.array([0, len(rows)]))

    def _grow(self) -> None:
        """Make room for the ids that the vocabularies have just met, answered as unknown ones."""

    def _walk(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        """Expected stars of each row, told its ratings moment by moment (`edges`: borders)."""
        answers = []
        for start, stop in pairwise(edges):
            now = rows.take(slice(start, stop))
            answers.append(self._expect(now))
            self._observe(now)
        return Expected.concat(answers)

    @abstractmethod
    def _arrays(self) -> Arrays:
        """Everything learned, as named arrays."""

    @abstractmethod
    def _restore(self, arrays: Arrays) -> None:
        """Take over what `_arrays` gave."""

    def _factors(self) -> "Factors | None":
        """What a factor model has learned of movies, for `likeness`; others have none."""
        return None

    def _rows(self, table: Requests, unknown: Unknown = "ignore") -> Rows:
        return Rows(
            self.users.encode(table.frame[USER], unknown, table.users),
            self.movies.encode(table.frame[MOVIE], unknown, table.movies),
            table,
        )

    def _meet(self, ratings: Ratings) -> Rows:
        """Row numbers of ratings to hear; ids not met before get new ones."""
        rows = self._rows(ratings, "create")
        self._heard = grown(self._heard, len(self.users))
        self._seen = grown(self._seen, len(self.movies))
        self._grow()
        return rows

    def _told(self, stream: Ratings, edges: Counts) -> tuple[Expected, Counts, Counts]:
        """What is expected of a stream told moment by moment, and how much was heard before."""
        rows = self._meet(stream)
        self.learned_from = ""
        heard, heard_after = counted_before(rows.users, edges, self._heard)
        seen, seen_after = counted_before(rows.movies, edges, self._seen)
        expected = self._walk(rows, edges)
        self._heard, self._seen = heard_after, seen_after
        return expected, heard, seen

    def _compared(self, expected: Expected, heard: Counts, given: Ratings) -> Told:
        """Forecasts beside the stars that came."""
        stars, index = self.scale.clip(expected.mean), self.scale.index(given.stars)
        deviation = np.ones(len(stars)) if expected.deviation is None else expected.deviation
        return Told(stars, deviation, heard, index)
