"""The contract: every model is fitted, predicts, is updated and saved in the same way."""

from copy import copy, deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ratecast import artifact, resources
from ratecast.arrays import I64
from ratecast.data.duplicates import keep_latest
from ratecast.data.frames import Table, pairs_of, ratings_of, requests_of
from ratecast.data.side_columns import known_at_end
from ratecast.errors import InputError, NotFittedError
from ratecast.ids import Id
from ratecast.modelling.calibration.online import OnlineCalibration, Outcomes
from ratecast.modelling.calibration.sampling import HISTORY_ROWS, sample
from ratecast.modelling.contract.counts import Counts
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.given import GivenRatings
from ratecast.modelling.contract.hooks import Arrays, Hooks
from ratecast.modelling.contract.rows import Expected, Rows, time_groups
from ratecast.modelling.contract.vocabulary import Unknown, Vocabulary
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.ratings import MOVIE, USER, Ratings, Requests, Scale, T, trusted

__all__ = ["Arrays", "Model", "Table"]


class Walked(NamedTuple):
    """What a walk gives of each row, (n,) each.

    history, movie_counts: ratings of the user and of the movie before the row's tie group.
    is_first: whether the pair had no rating before.
    """

    expected: Expected
    history: I64
    movie_counts: I64
    is_first: NDArray[np.bool_]


@dataclass(kw_only=True, eq=False)
class Model(Hooks):
    """A model of ratings: how it is used, the same for all models.

    Every table is checked where it enters, so that no kernel sees a null, a NaN, a rating off the
    scale or a time that is none. What a model of one's own implements stands in `Hooks`.
    """

    @kernels_first
    def fit(self, train: Table, valid: Table | None = None) -> Self:
        """Learn from `train`.

        train, valid: `Ratings`, or frames of polars, pandas or Arrow with columns for user, movie,
        rating and, where known, time; the scale of a frame is inferred. valid: serves early
        stopping and the star probabilities only. Without it the variance around a forecast comes
        from the model where it knows one, else from the residuals of train, which are a little too
        small.
        Raises `InputError` for a table that cannot be used, with the first bad row.
        """
        train = ratings_of(train, where="train")
        valid = None if valid is None else ratings_of(valid, train.scale, where="valid")
        rows = self._begin_fit(train)
        valid = None if valid is None else self._with_own_ids(valid)
        self.fit_rows(rows, valid)
        self.calibration = self._calibrate(train, valid)
        return self

    @kernels_first
    def refit(self, ratings: Table) -> Self:
        """Fit from scratch on more ratings, keeping what validation chose: epochs, calibration."""
        self._require_fitted()
        self.refit_rows(self._begin_fit(ratings_of(ratings)))
        return self

    def _begin_fit(self, train: Ratings) -> Rows:
        if not len(train):
            raise InputError("train: no ratings to learn from")
        self.scale = train.scale
        self.learned_from = train.fingerprint()
        train = known_at_end(train)
        self.users = Vocabulary.of(train.frame[USER], train.users)
        self.movies = Vocabulary.of(train.frame[MOVIE], train.movies)
        ids = f"{len(self.users) - 1:,} users and {len(self.movies) - 1:,} movies"
        about = f"model {self.name}, {ids}"
        resources.require_memory(self.memory_bytes(), about, "choose fewer factors")
        rows = self.encode(train)
        self.counts = Counts.of(rows, len(self.users), len(self.movies))
        self.given = GivenRatings.of(rows, len(self.users), len(self.movies))
        # A normal likelihood takes any number, and so do the tests of it.
        stars = self.scale.index(train.stars).clip(0, len(self.scale.stars) - 1)
        self.counts.of_stars = np.bincount(stars, minlength=len(self.scale.stars))
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
            walked = deepcopy(self).walk_expected(stream, time_groups(stream))
            as_of = self._outcomes(walked.expected, walked.history, stream)
            as_of = as_of.where(walked.is_first)
        return initial.fitted(frozen, as_of)

    def predict(self, requests: Table, movies: Any = None, *, at: int | None = None) -> Forecast:
        """A forecast for each request; nothing is learned.

        requests: `Requests`, `Ratings` (their stars are not looked at), or a frame with columns for
        user, movie and, where it matters, time. Or user ids, with as many ids of `movies`, and
        `at`, the time of all in UTC seconds. An id that is not known is predicted as a new one.
        Raises `InputError` for a table that cannot be used or ids of another type than the
        model's, `NotFittedError` before a fit.
        """
        self._require_fitted()
        table = requests_of(requests) if movies is None else pairs_of(requests, movies, at)
        rows = self.encode(table)
        return self.calibrate(rows, self.predict_rows(rows)).about(table, self.scale)

    def calibrate(self, rows: Rows, expected: Expected) -> Forecast:
        """The forecast of rows whose expected stars are known, calibrated as of now."""
        history, stars = self.counts.of_users[rows.users], self.scale.clip(expected.mean)
        probabilities = self.calibration.probabilities(
            stars, history, expected.usable_deviation(self.scale)
        )
        basis = Basis.of(history, self.counts.of_movies[rows.movies])
        return Forecast(stars, probabilities, history, basis)

    def observe(self, ratings: Table) -> None:
        """Update with new ratings, of new users and new movies too, without a refit.

        ratings: as for `fit`; on the model's scale. Ratings of one call are taken as one tie group;
        of a pair's, the latest counts. A rating of a pair that was rated before takes the place of
        the former one; the same rating again changes nothing.
        """
        self._require_online()
        rows = self._encode_new(_latest(ratings_of(ratings, self.scale)))
        given_again = rows.former_stars == rows.stars
        rows = rows.take(~given_again) if given_again.any() else rows
        if not len(rows):
            return
        self.learned_from = ""
        history = self.counts.of_users[rows.users]
        outcomes = self._outcomes(self.predict_rows(rows), history, rows.table)
        self.counts.add(rows)
        self.observe_rows(rows)
        self.calibration.update(outcomes.where(rows.is_first))

    def refresh(self, ratings: Ratings) -> None:
        """Update the parameters from their present values, on every rating given so far.

        It is shorter than a `refit`; models without one do nothing. ratings: all of them.
        """

    @kernels_first
    def walk(self, stream: Table, edges: I64 | None = None) -> Forecast:
        """Predict, then observe, one tie group after another: `stream` is ordered by time.

        The forecasts are those of a plain loop of `predict` and `observe`, so a rating given again
        takes the place of the former one. stream: as for `fit`,
        with times. edges: (k + 1,) borders of what is observed together, if that is not the rows
        of each second.
        """
        self._require_online()
        stream = ratings_of(stream, self.scale, where="stream")
        edges = time_groups(stream) if edges is None else edges
        walked = self.walk_expected(stream, edges)
        outcomes = self._outcomes(walked.expected, walked.history, stream)
        probabilities = self.calibration.walk(outcomes, edges, walked.is_first)
        basis = Basis.of(walked.history, walked.movie_counts)
        forecast = Forecast(outcomes.mean, probabilities, walked.history, basis)
        return forecast.about(stream.requests(), self.scale)

    def walk_expected(self, stream: Ratings, edges: I64) -> "Walked":
        """A walk without calibration."""
        rows = self._encode_new(stream, edges)
        self.learned_from = ""
        counts, self.counts = self.counts, copy(self.counts)
        history, movie_counts = counts.walk(rows, edges)
        expected = self.walk_rows(rows, edges)
        self.counts = counts
        return Walked(expected, history, movie_counts, rows.is_first)

    def forget(self, user: Id) -> None:
        """Forget a user, who is a new user from now on; what movies learned stays until a fit."""
        self._require_fitted()
        self.learned_from = ""
        self.users.forget(self.users.own_id(user))

    def add_unrated_movies(self) -> None:
        """Give row numbers to the movies that are known by side information alone.

        So they stand among the others, as in a catalogue; no forecast changes.
        """
        self._require_fitted()
        if self.uses_side_information and self.movies.unrated is not None:
            self.movies.encode(self.movies.unrated[MOVIE], "create")
            self.counts.grow(len(self.users), len(self.movies))
            self.grow()

    def save(self, folder: Path) -> None:
        """Write the fitted model, what it observed included, into a new `folder`."""
        self._require_fitted()
        meta = {"model": self.name, "settings": self.settings(), "scale": asdict(self.scale)}
        meta |= {"learned_from": self.learned_from}
        meta |= {"class": f"{type(self).__module__}:{type(self).__qualname__}"}
        arrays = self.arrays() | self.counts.arrays() | self.given.arrays()
        arrays |= self.calibration.packed()
        tables = {"users": self.users.table, "movies": self.movies.table}
        unrated = {"unrated_users": self.users.unrated, "unrated_movies": self.movies.unrated}
        tables |= {name: table for name, table in unrated.items() if table is not None}
        artifact.write(folder, artifact.Artifact(meta, arrays, tables))

    def restore(self, saved: artifact.Artifact) -> Self:
        """Take over the learned state of `saved`, an artifact of the same model and settings."""
        arrays = dict(saved.arrays)
        self.scale = Scale(**saved.meta["scale"])
        self.learned_from = saved.meta["learned_from"]
        tables = saved.tables
        self.users = Vocabulary(USER, tables["users"], tables.get("unrated_users"))
        self.movies = Vocabulary(MOVIE, tables["movies"], tables.get("unrated_movies"))
        self.counts, self.given = Counts.of_arrays(arrays), GivenRatings.of_arrays(arrays)
        self.calibration = OnlineCalibration.unpacked(arrays)
        self.restore_arrays(arrays)
        return self

    def encode(self, table: Requests, unknown: Unknown = "ignore") -> Rows:
        """Row numbers of a table's raw ids; unknown: what becomes of a new id."""
        table = self._with_own_ids(table)
        return Rows(
            self.users.encode(table.frame[USER], unknown, table.users),
            self.movies.encode(table.frame[MOVIE], unknown, table.movies),
            table,
        )

    def _with_own_ids(self, table: T) -> T:
        """The table with ids of the types that the model's ids have."""
        users, movies = self.users.own_ids, self.movies.own_ids
        frame = table.frame
        own = [users(frame[USER]), movies(frame[MOVIE])]
        if all(ids.dtype == frame.schema[ids.name] for ids in own):
            return table
        return trusted(
            replace(
                table,
                frame=frame.with_columns(own),
                users=table.users.with_columns(users(table.users[USER])),
                movies=table.movies.with_columns(movies(table.movies[MOVIE])),
            )
        )

    @property
    def is_fitted(self) -> bool:
        """Whether the model was fitted, or loaded."""
        return "calibration" in self.__dict__

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Refuse what a fit makes, in one line, before there was one."""
            if name.startswith("__") or "counts" in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self._require_fitted()

    def _require_online(self) -> None:
        self._require_fitted()
        if not self.updates_online():
            raise InputError(f"model {self.name}: cannot be updated; refit it with all ratings")

    def _require_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFittedError(f"model {self.name}: not fitted; call fit, or load_model")

    def _encode_new(self, ratings: Ratings, edges: I64 | None = None) -> Rows:
        """Row numbers of ratings to observe, and the former ratings; new ids get new numbers.

        edges: borders of the tie groups; None: they are one group.
        """
        rows = self.encode(ratings, "create")
        self.counts.grow(len(self.users), len(self.movies))
        self.grow()
        edges = np.array([0, len(rows)]) if edges is None else edges
        return rows.with_former(self.given.add(rows, edges))

    def _outcomes(self, expected: Expected, history: I64, given: Requests) -> Outcomes:
        """Expected stars beside the stars that were given."""
        assert isinstance(given, Ratings)
        stars, index = self.scale.clip(expected.mean), self.scale.index(given.stars)
        deviation = expected.usable_deviation(self.scale)
        given_deviation = np.ones(len(stars)) if deviation is None else deviation
        return Outcomes(stars, given_deviation, history, index)


def _latest(ratings: Ratings) -> Ratings:
    """Of each pair the latest rating; without times, the last one."""
    frame, repeated = keep_latest(ratings.frame)
    return trusted(replace(ratings, frame=frame)) if repeated else ratings
