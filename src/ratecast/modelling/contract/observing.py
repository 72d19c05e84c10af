"""The part of the contract that updates a fitted model with ratings, and forecasts these before."""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.data.duplicates import keep_latest
from ratecast.data.pairs import Table
from ratecast.errors import InputError
from ratecast.modelling.calibration.online import Outcomes
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.row_numbers import RowNumbers
from ratecast.modelling.contract.rows import Expected, Rows, Walked, time_groups
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.ratings import Ratings, Requests, trusted


@dataclass(kw_only=True, eq=False)
class Observing(RowNumbers):
    """Observe ratings, and walk through a stream of them.

    Before a fit, `Model` refuses whatever needs one.
    """

    def observe(self, ratings: Table) -> None:
        """Update with new ratings, of new users and new movies too, without a refit.

        ratings: as for `fit`; on the model's scale. Ratings of one call are taken as one tie group;
        of a pair's, the latest counts. A rating of a pair that was rated before takes the place of
        the former one; the same rating again changes nothing.
        """
        self._observe(ratings)

    def observe_as_of(self, ratings: Table) -> tuple[Forecast, NDArray[np.bool_]]:
        """`observe`; the forecast of each rating as of just before it.

        With it, whether each rating is the first of its pair: (n,). ratings: one of each pair.
        """
        # A refit of the calibration takes new probits; the copy keeps those of before.
        before = copy(self.calibration)
        rows, outcomes, movie_counts = self._observe(ratings)
        history, deviation = outcomes.history_length, outcomes.deviation
        probabilities = before.probabilities(outcomes.mean, history, deviation)
        basis = Basis.of(history, movie_counts)
        return Forecast(outcomes.mean, probabilities, history, basis), rows.is_first

    def _observe(self, ratings: Table) -> tuple[Rows, Outcomes, I64]:
        """The rows, their outcomes, and the ratings of each row's movie before: (n,)."""
        from ratecast.data.frames import ratings_of

        self._require_online()
        every = rows = self.encode_new(_latest(ratings_of(ratings, self.scale)))
        history, movie_counts = self.counts.of_users[rows.users], self.counts.of_movies[rows.movies]
        outcomes = self.outcomes(self.predict_rows(rows), history, rows.table)
        given_again = rows.former_stars == rows.stars
        rows = rows.take(~given_again) if given_again.any() else rows
        if len(rows):
            self.learned_from = ""
            self.counts.add(rows)
            self.observe_rows(rows)
            self.calibration.update(outcomes.where(every.is_first))
        return every, outcomes, movie_counts

    def walk(self, stream: Table, edges: I64 | None = None) -> Forecast:
        """Predict, then observe, one tie group after another: `stream` is ordered by time.

        The forecasts are those of a plain loop of `predict` and `observe`, so a rating given again
        takes the place of the former one. stream: as for `fit`,
        with times. edges: (k + 1,) borders of what is observed together, if that is not the rows
        of each second.
        """
        return self.walk_as_of(stream, edges)[0]

    @kernels_first
    def walk_as_of(
        self, stream: Table, edges: I64 | None = None
    ) -> tuple[Forecast, NDArray[np.bool_]]:
        """`walk`; with it, whether each rating is the first of its pair: (n,)."""
        from ratecast.data.frames import ratings_of

        self._require_online()
        stream = ratings_of(stream, self.scale, where="stream")
        edges = time_groups(stream) if edges is None else edges
        walked = self.walk_expected(stream, edges)
        outcomes = self.outcomes(walked.expected, walked.history, stream)
        probabilities = self.calibration.walk(outcomes, edges, walked.is_first)
        basis = Basis.of(walked.history, walked.movie_counts)
        forecast = Forecast(outcomes.mean, probabilities, walked.history, basis)
        return forecast.about(stream.requests(), self.scale), walked.is_first

    def walk_expected(self, stream: Ratings, edges: I64) -> "Walked":
        """A walk without calibration."""
        rows = self.encode_new(stream, edges)
        self.learned_from = ""
        counts, self.counts = self.counts, copy(self.counts)
        history, movie_counts = counts.walk(rows, edges)
        expected = self.walk_rows(rows, edges)
        self.counts = counts
        return Walked(expected, history, movie_counts, rows.is_first)

    def outcomes(self, expected: Expected, history: I64, given: Requests) -> Outcomes:
        """Expected stars beside the stars that were given."""
        assert isinstance(given, Ratings)
        stars = self.scale.clip(expected.mean)
        # A normal likelihood takes any number, and so do the tests of it.
        index = self.scale.index(self.scale.clip(given.stars))
        deviation = expected.usable_deviation(self.scale)
        given_deviation = np.ones(len(stars)) if deviation is None else deviation
        return Outcomes(stars, given_deviation, history, index)

    def _require_online(self) -> None:
        if not self.updates_online():
            raise InputError(f"model {self.name}: cannot be updated; refit it with all ratings")


def _latest(ratings: Ratings) -> Ratings:
    """Of each pair the latest rating; without times, the last one."""
    frame, repeated = keep_latest(ratings.frame)
    return trusted(replace(ratings, frame=frame)) if repeated else ratings
