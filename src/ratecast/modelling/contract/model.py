"""The one contract: every model is fitted, asked, told and saved in the same way."""

from abc import ABC, abstractmethod
from copy import copy, deepcopy
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ratecast import artifact, resources
from ratecast.arrays import I64
from ratecast.errors import InputError
from ratecast.modelling.calibration.online import OnlineCalibration, Outcomes
from ratecast.modelling.calibration.sampling import HISTORY_ROWS, sample
from ratecast.modelling.contract.counts import Counts
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.rows import Expected, Rows, time_groups
from ratecast.modelling.contract.settings import FROM_ZERO, Limits, Range, check
from ratecast.modelling.contract.vocabulary import Unknown, Vocabulary
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.ratings import MOVIE, USER, Ratings, Requests, Scale

Arrays = dict[str, NDArray[Any]]


@dataclass(kw_only=True, eq=False)
class Model(ABC):
    """A forecaster of ratings. The dataclass fields that it is made with are its settings.

    search: the settings worth tuning. limits: of those that are not just counts from 1 or amounts
    from 0. draws: whether the seed matters. refresh_seconds: how often an as-of walk may refresh
    it. learned_from: fingerprint of train; empty once more was heard.

    A new model implements `fit_rows`, `predict_rows`, `arrays` and `restore_arrays`, and, where it
    can update without a refit, `observe_rows`, or `walk_rows` for a whole stream: either gives the
    other.
    """

    name: ClassVar[str]
    search: ClassVar[dict[str, Range]] = {}
    limits: ClassVar[Limits] = {}
    is_random: ClassVar[bool] = True
    refresh_seconds: ClassVar[int | None] = None
    seed: int = 0

    scale: Scale = field(init=False, repr=False)
    users: Vocabulary = field(init=False, repr=False)
    movies: Vocabulary = field(init=False, repr=False)
    counts: Counts = field(init=False, repr=False)
    calibration: OnlineCalibration = field(init=False, repr=False)
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
        rows = self._begin_fit(train)
        self.fit_rows(rows, valid)
        self.calibration = self._calibrate(train, valid)
        return self

    @kernels_first
    def refit(self, ratings: Ratings) -> Self:
        """Learn anew from more ratings, keeping what validation chose: epochs, spread of stars."""
        self.refit_rows(self._begin_fit(ratings))
        return self

    def _begin_fit(self, train: Ratings) -> Rows:
        if not len(train):
            raise InputError("train: no ratings to learn from")
        self.scale = train.scale
        self.learned_from = train.fingerprint()
        self.users = Vocabulary.of(train.frame[USER], train.users)
        self.movies = Vocabulary.of(train.frame[MOVIE], train.movies)
        ids = f"{len(self.users) - 1:,} users and {len(self.movies) - 1:,} movies"
        about = f"model {self.name}, {ids}"
        resources.in_memory(self.memory_bytes(), about, "choose fewer factors")
        rows = self.encode(train)
        self.counts = Counts.of(rows, len(self.users), len(self.movies))
        return rows

    def _calibrate(self, train: Ratings, valid: Ratings | None) -> OnlineCalibration:
        """Star probabilities fitted to forecasts of `valid`: as-of ones, if the model can update.

        Rows of `train` stand in where there is no `valid` and the model knows no deviation.
        """
        initial = OnlineCalibration.initial(self.scale, len(train))
        first = self.encode(train.take(slice(0, 1)))
        if valid is None and self.predict_rows(first).deviation is not None:
            return initial
        table = sample(train if valid is None else valid)
        rows = self.encode(table)
        history = self.counts.of_users[rows.users]
        frozen = as_of = self._outcomes(self.predict_rows(rows), history, table)
        if valid is not None and valid.timed and self.updates_online():
            stream = valid.sorted().take(slice(0, HISTORY_ROWS))
            later, history, _ = deepcopy(self)._walk_stream(stream, time_groups(stream))
            as_of = self._outcomes(later, history, stream)
        return initial.fitted(frozen, as_of)

    def predict(self, requests: Requests) -> Forecast:
        """A forecast for each request; nothing is learned."""
        rows = self.encode(requests)
        return self.calibrate(rows, self.predict_rows(rows))

    def calibrate(self, rows: Rows, expected: Expected) -> Forecast:
        """The forecast of rows of which is known what is expected, calibrated as of now."""
        history, stars = self.counts.of_users[rows.users], self.scale.clip(expected.mean)
        probabilities = self.calibration.probabilities(stars, history, expected.deviation)
        basis = Basis.of(history, self.counts.of_movies[rows.movies])
        return Forecast(stars, probabilities, history, basis)

    def observe(self, ratings: Ratings) -> None:
        """Hear new ratings at once, of new users and new movies too, without a refit."""
        rows = self._encode_new(ratings)
        self.learned_from = ""
        history = self.counts.of_users[rows.users]
        outcomes = self._outcomes(self.predict_rows(rows), history, ratings)
        self.counts.add(rows)
        self.observe_rows(rows)
        self.calibration.update(outcomes)

    def refresh(self, ratings: Ratings) -> None:
        """A warm refit on everything heard so far; models without one leave it out."""

    def refresh_after(self) -> int:
        """How many new ratings a refresh waits for: with fewer it changes nothing."""
        return 0

    def precompute(self, like: "Model | None" = None) -> None:
        """Spend memory, shared with a warm model `like` it, to answer sooner, and the same."""

    @kernels_first
    def walk(self, stream: Ratings, edges: I64 | None = None) -> Forecast:
        """Predict, then observe, moment by moment: `stream` ordered by time, ties together.

        The answers are those of a plain loop of `predict` and `observe`. edges: where what was
        heard together begins, (k + 1,), if that is not each second's rows.
        """
        edges = time_groups(stream) if edges is None else edges
        expected, history, movie_counts = self._walk_stream(stream, edges)
        outcomes = self._outcomes(expected, history, stream)
        probabilities = self.calibration.walk(outcomes, edges)
        basis = Basis.of(history, movie_counts)
        return Forecast(outcomes.mean, probabilities, history, basis)

    @classmethod
    def updates_online(cls) -> bool:
        """Whether the model can hear a rating without a refit."""
        return cls.observe_rows is not Model.observe_rows or cls.walk_rows is not Model.walk_rows

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
        arrays = self.arrays() | {"heard": self.counts.of_users, "seen": self.counts.of_movies}
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
        self.counts = Counts(arrays.pop("heard"), arrays.pop("seen"))
        self.calibration = OnlineCalibration.unpacked(arrays)
        self.restore_arrays(arrays)
        return self

    @abstractmethod
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        """Learn; scale, vocabularies and counts are there already."""

    def memory_bytes(self) -> float:
        """Memory that a fit takes at the least for its users and movies, beside the ratings."""
        return 0.0

    @abstractmethod
    def predict_rows(self, rows: Rows) -> Expected:
        """Expected stars of each row."""

    def refit_rows(self, train: Rows) -> None:
        """Learn again; a model that chose something by validation keeps it."""
        self.fit_rows(train, None)

    def observe_rows(self, rows: Rows) -> None:
        """Hear rows as one moment; the vocabularies have grown already."""
        if not self.updates_online():
            raise NotImplementedError(f"{self.name} cannot hear ratings without a refit")
        self.walk_rows(rows, np.array([0, len(rows)]))

    def grow(self) -> None:
        """Make room for the ids that the vocabularies have just met, answered as unknown ones."""

    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        """Expected stars of each row, told its ratings moment by moment (`edges`: borders)."""
        answers = []
        for start, stop in pairwise(edges):
            now = rows.take(slice(start, stop))
            answers.append(self.predict_rows(now))
            self.observe_rows(now)
        return Expected.concat(answers)

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything learned, as named arrays."""

    @abstractmethod
    def restore_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` gave."""

    def movie_factors(self) -> Factors | None:
        """What a factor model has learned of movies, for `likeness`; others have none."""
        return None

    def encode(self, table: Requests, unknown: Unknown = "ignore") -> Rows:
        """Row numbers of a table's raw ids; unknown: what becomes of an id not met before."""
        return Rows(
            self.users.encode(table.frame[USER], unknown, table.users),
            self.movies.encode(table.frame[MOVIE], unknown, table.movies),
            table,
        )

    def _encode_new(self, ratings: Ratings) -> Rows:
        """Row numbers of ratings to hear; ids not met before get new ones."""
        rows = self.encode(ratings, "create")
        self.counts.grow(len(self.users), len(self.movies))
        self.grow()
        return rows

    def _walk_stream(self, stream: Ratings, edges: I64) -> tuple[Expected, I64, I64]:
        """What is expected of a stream told moment by moment, and how much was heard before."""
        rows = self._encode_new(stream)
        self.learned_from = ""
        counts, self.counts = self.counts, copy(self.counts)
        history, movie_counts = counts.walk(rows, edges)
        expected = self.walk_rows(rows, edges)
        self.counts = counts
        return expected, history, movie_counts

    def _outcomes(self, expected: Expected, history: I64, given: Ratings) -> Outcomes:
        """Forecasts beside the stars that came."""
        stars, index = self.scale.clip(expected.mean), self.scale.index(given.stars)
        deviation = np.ones(len(stars)) if expected.deviation is None else expected.deviation
        return Outcomes(stars, deviation, history, index)
