"""The contract: every model is fitted, predicts, is updated and saved in the same way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast import artifact
from ratecast.data.pairs import Table, pairs_of
from ratecast.errors import NotFittedError
from ratecast.ids import Id
from ratecast.modelling.calibration.online import OnlineCalibration, Outcomes
from ratecast.modelling.calibration.sampling import HISTORY_ROWS, held_out, sample
from ratecast.modelling.contract.counts import Counts
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.given import GivenRatings
from ratecast.modelling.contract.hooks import Arrays
from ratecast.modelling.contract.observing import Observing
from ratecast.modelling.contract.rows import Expected, Rows, time_groups
from ratecast.modelling.contract.shared_fits import fit_or_take
from ratecast.modelling.contract.vocabulary import UNKNOWN, Vocabulary
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.ratings import MOVIE, USER, Ratings, Scale

__all__ = ["Arrays", "Model", "Table"]


@dataclass(kw_only=True, eq=False)
class Model(Observing):
    """A model of ratings: how it is used, the same for all models.

    Every table is checked where it enters, so that no kernel sees a null, a NaN, a rating off the
    scale or a time that is none. What a model of one's own implements stands in `Hooks`.
    """

    @kernels_first
    def fit(self, train: Table, valid: Table | None = None) -> Self:
        """Learn from `train`.

        train, valid: `Ratings`, or frames of polars, pandas or Arrow with columns for user, movie,
        rating and, where known, time; the scale of a frame is inferred. valid: serves early
        stopping and the star probabilities only. Without it a copy of the model is fitted first, on
        all but a tenth of the rows and a twentieth of the users; its forecasts of these give the
        star probabilities. That doubles the time of a fit; of a large table the copy takes
        250,000 rows.
        Raises `InputError` for a table that cannot be used, with the first bad row.
        """
        from ratecast.data.frames import ratings_of

        train = ratings_of(train, where="train")
        self.require_packages(len(train))
        valid = None if valid is None else ratings_of(valid, train.scale, where="valid")
        with self._fingerprinted(train):
            rows = self.begin_fit(train)
            valid = None if valid is None else self.with_own_ids(valid)
            # Before this model has learned, so that what the copy learns is in memory alone.
            outcomes = self.held_outcomes(train, rows) if valid is None else None
            fit_or_take(self, rows, valid)
            self.calibration = self._calibrate(train, valid, outcomes)
        return self

    @kernels_first
    def refit(self, ratings: Table) -> Self:
        """Fit from scratch on more ratings, keeping what validation chose: epochs, calibration."""
        from ratecast.data.frames import ratings_of

        self._require_fitted()
        ratings = ratings_of(ratings)
        self.require_packages(len(ratings))
        with self._fingerprinted(ratings):
            self.refit_rows(self.begin_fit(ratings))
        return self

    @contextmanager
    def _fingerprinted(self, ratings: Ratings) -> Iterator[None]:
        """Learn from `ratings` in the block, while another thread computes their fingerprint."""
        with ThreadPoolExecutor(1) as aside:
            fingerprint = aside.submit(ratings.fingerprint)
            yield
            self.learned_from = fingerprint.result()

    def held_outcomes(self, train: Ratings, rows: Rows) -> Outcomes | None:
        """Forecasts of some of many rows by a copy of this model that did not learn from them."""
        parts = held_out(rows.users, self.counts.of_users, self.seed)
        if parts is None:
            return None
        return self.unfitted().fit_and_forecast(*(train.take(part) for part in parts))

    def fit_and_forecast(self, train: Ratings, held_out: Ratings) -> Outcomes:
        """Learn from `train` without star probabilities, and forecast other rows of its table."""
        rows = self.begin_fit(train)
        held_out = self.with_own_ids(held_out)
        self.fit_rows(rows, held_out)
        return self._frozen_outcomes(held_out)

    def calibrate_on(self, valid: Ratings) -> None:
        """Fit the star probabilities of a model that learned elsewhere to ratings held out."""
        self.calibration = self._calibrate(valid, valid, None)

    def _calibrate(
        self, train: Ratings, valid: Ratings | None, outcomes: Outcomes | None
    ) -> OnlineCalibration:
        """Star probabilities fitted to forecasts of `valid`: as-of ones, if the model can update.

        outcomes: stand in for them where there is no `valid`, or else the residuals of train.
        """
        stars = self.counts.of_stars
        assert stars is not None
        initial = OnlineCalibration.initial(self.scale, stars)
        if outcomes is not None:
            return initial.fitted(outcomes, outcomes)
        frozen = as_of = self._frozen_outcomes(sample(train if valid is None else valid))
        if valid is not None and valid.timed and self.updates_online():
            stream = valid.sorted().take(slice(0, HISTORY_ROWS))
            walked = deepcopy(self).walk_expected(stream, time_groups(stream))
            as_of = self.outcomes(walked.expected, walked.history, stream)
            # Of a valid part that repeats train no row is left.
            first = as_of.where(walked.is_first)
            as_of = first if len(first) else as_of
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
        if movies is None:
            # What reads tables takes longer to import than a forecast of ids.
            from ratecast.data.frames import requests_of

            table = requests_of(requests)
        else:
            table = pairs_of(requests, movies, at)
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

    def refresh(self, ratings: Ratings) -> None:
        """Update the parameters from their present values, on every rating given so far.

        It is shorter than a `refit`; models without one do nothing. ratings: all of them.
        """

    def forget(self, user: Id) -> None:
        """Forget a user: the id, side information, parameters and ratings.

        Forecasts for the id are those for one that was never known, and a later rating of it is
        the first of a new user. What movies and star probabilities learned stays until a fit.
        """
        self._require_fitted()
        self.learned_from = ""
        row = self.users.forget(self.users.own_id(user))
        if row != UNKNOWN:
            movies = self.given.movies_of(row)
            self.counts.forget(row, movies)
            self.given.remove(np.full(len(movies), row, np.int32), movies)
            self.forget_row(row)

    def add_unrated_movies(self) -> None:
        """Give row numbers to the movies that are known by side information alone.

        So they stand among the others, as in a catalogue; no forecast changes.
        """
        self._require_fitted()
        if self.uses_side_information and self.movies.unrated is not None:
            self.add_movies(self.movies.unrated)

    def add_movies(self, movies: pl.DataFrame) -> None:
        """Give row numbers to movies without ratings; no forecast of another movie changes.

        movies: column movie, and side information in columns of the names that the fit had; those
        that it did not have are kept and not used. Known ids stay as they are. Raises `InputError`
        for a value that does not fit its column.
        """
        self._require_fitted()
        self.movies.encode(movies[MOVIE], "create", movies)
        self.counts.grow(len(self.users), len(self.movies))
        self.grow()

    def save(self, folder: Path) -> None:
        """Write the fitted model, what it observed included, into a new `folder`."""
        self._require_fitted()
        meta = {"model": self.name, "settings": self.settings(), "scale": asdict(self.scale)}
        meta |= {"learned_from": self.learned_from}
        meta |= {"class": f"{type(self).__module__}:{type(self).__qualname__}"}
        tables = {"users": self.users.table, "movies": self.movies.table}
        unrated = {"unrated_users": self.users.unrated, "unrated_movies": self.movies.unrated}
        tables |= {name: table for name, table in unrated.items() if table is not None}
        artifact.write(folder, artifact.Artifact(meta, self.all_arrays(), tables))

    def all_arrays(self) -> dict[str, NDArray[Any]]:
        """Every array of the artifact: the model's own, and those that each model has."""
        arrays = self.arrays() | self.counts.arrays() | self.given.arrays()
        return arrays | self.calibration.packed()

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

    def _require_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFittedError(f"model {self.name}: not fitted; call fit, or load_model")

    def _frozen_outcomes(self, given: Ratings) -> Outcomes:
        """Forecasts of these rows by the model as it is, beside their stars."""
        rows = self.encode(given)
        return self.outcomes(self.predict_rows(rows), self.counts.of_users[rows.users], given)
