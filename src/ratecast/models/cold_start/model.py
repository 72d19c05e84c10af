"""Forecasts for new users: movie effects, demographics, and what the movie's raters are like.

Reference: Henderson 1975, "Best linear unbiased estimation and prediction under a selection
model"; Wolpert 1992, "Stacked generalization".
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from typing_extensions import override

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_TWO, UP_TO_ONE, Limits
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.models.cold_start.descriptions import Descriptions
from ratecast.models.cold_start.mixed_model import MixedModel, RowLabels, fit_mixed
from ratecast.models.cold_start.random_features import RandomFeatures
from ratecast.ratings import Ratings

# Damping of a movie's statistics, in ratings: of means, and of shares and variances.
_MEAN_DAMPING, _SHARE_DAMPING = 3.0, 10.0


class _Train(NamedTuple):
    """Rows of train: labels, people (n, 2) of `Descriptions`, and stars (n,)."""

    labels: RowLabels
    people: F64
    stars: F64

    def take(self, rows: I64) -> "_Train":
        return _Train(self.labels.take(rows), self.people[rows], self.stars[rows])


@dataclass(kw_only=True, eq=False)
class ColdStart(Model):
    """Forecast every user as a new user, by demographics alone: base + smooth_share * g(x).

    base = c_0 + c_1 * score of a linear mixed model (`MixedModel`): effects of the movie, its
    genres and its year, and of age and gender on them. A rating of a user with n ratings weighs
    n^-1/2 in it. c_0 and c_1 are fitted to held-out users. g (`RandomFeatures`) is a smooth
    function of x: base, age and gender, and statistics of the movie (mean, number and variation of
    the ratings, and the activity, strictness, age and gender of its raters). Each step is fitted
    to users that the step before did not see. New ratings update the mean residual of the movie
    (`MovieResiduals`), never the user.

    folds: of users, for the held-out scores, from 2.
    smooth_share: share of g in the forecast, 0 to 1.
    movie_damping: weight of a movie's prior mean residual 0, in ratings.

    Reference: Henderson 1975, "Best linear unbiased estimation and prediction under a selection
    model"; Wolpert 1992, "Stacked generalization".
    Differs: the L2 penalties are set by hand, not by likelihood; halving g takes the place of a
    stronger penalty.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.ColdStart().fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "cold_start"
    learns_from_valid: ClassVar[bool] = False
    uses_side_information: ClassVar[bool] = True
    limits: ClassVar[Limits] = {
        "folds": FROM_TWO,
        "smooth_share": UP_TO_ONE,
        "movie_damping": ABOVE_ZERO,
    }
    folds: int = 10
    smooth_share: float = 0.5
    movie_damping: float = 60.0

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._descriptions = Descriptions.of(train, self.users, self.movies)
        (labels, people), stars = self._described(train), train.stars.astype(np.float64)
        user_ratings = np.bincount(labels.user, minlength=labels.sizes[0])[labels.user]
        weight = np.asarray(user_ratings**-0.5, np.float64)
        data = _Train(labels, people, stars)
        score, inputs = self._held_out(data, weight)
        design = np.column_stack([np.ones(len(score)), score])
        self._linear = _level_and_slope(design, stars)
        base = design @ self._linear
        inputs = np.column_stack([base, inputs, people])
        self._smooth = RandomFeatures.fitted(inputs, stars - base, weight, self.seed)
        self._mixed = fit_mixed(labels, stars, weight)
        self._statistics = self._movie_statistics(data, self._mixed)
        residual = stars - base - self.smooth_share * self._smooth(inputs)
        self._deviation = float(np.sqrt(np.mean(residual**2)))
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self.movie_damping)

    def _held_out(self, data: _Train, weight: F64) -> tuple[F64, F64]:
        """Score and movie statistics of each row, learned without the users of its fold."""
        user, width = data.labels.user, 6 + data.people.shape[1]
        users = data.labels.sizes[0]
        fold = np.random.default_rng(self.seed).permutation(users)[user] % self.folds
        score, inputs = np.zeros(len(user)), np.zeros((len(user), width))
        for number in range(self.folds):
            held_out, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            if not (len(held_out) and len(rest)):
                continue
            others = data.take(rest)
            mixed = fit_mixed(others.labels, others.stars, weight[rest])
            score[held_out] = mixed.score(data.labels.take(held_out))
            statistics = self._movie_statistics(others, mixed)
            inputs[held_out] = statistics[data.labels.movie[held_out]]
        return score, inputs

    def _movie_statistics(self, data: _Train, mixed: MixedModel) -> F64:
        """Damped statistics of each movie's ratings and raters: (movies + 1, 6 + people's).

        The last line is that of a movie without ratings.
        """
        labels, people, stars = data
        size, mean = labels.sizes[1] + 1, stars.mean()
        activity = np.log(np.bincount(labels.user)[labels.user])
        low = stars <= self.scale.low + (self.scale.high - self.scale.low) / 4

        def total(values: F64) -> F64:
            return np.asarray(np.bincount(labels.movie, values, size), np.float64)

        count = np.bincount(labels.movie, minlength=size)
        first = total(stars - mean) / (count + _MEAN_DAMPING)
        second = (total((stars - mean) ** 2) + _SHARE_DAMPING * stars.var()) / (
            count + _SHARE_DAMPING
        )
        columns = [first, np.log1p(count), np.sqrt(np.maximum(second - first**2, 0))]
        shares = total(low.astype(float)) + _SHARE_DAMPING * low.mean()
        columns.append(shares / (count + _SHARE_DAMPING))
        columns.append(
            (total(activity) + _MEAN_DAMPING * activity.mean()) / (count + _MEAN_DAMPING)
        )
        columns.append(total(mixed.of_users[labels.user]) / (count + _MEAN_DAMPING))
        columns += [total(column) / (count + _SHARE_DAMPING) for column in people.T]
        return np.column_stack(columns)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._movie_residuals.corrected(self._predict(rows), rows.movies)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        return self._movie_residuals.walk(self._predict(rows), rows, edges)

    @override
    def grow(self) -> None:
        self._movie_residuals.grow(len(self.movies))

    @override
    def forget_row(self, row: int) -> None:
        self._descriptions.forget(row)
        users, _ = self._descriptions.sizes
        if row <= users:
            self._mixed.forget(row - 1, users)

    @override
    def precompute(self, shared_with: Any = None) -> None:
        self._descriptions.keep_all(self.users, self.movies)

    def _described(self, rows: Rows) -> tuple[RowLabels, F64]:
        return self._descriptions.of_rows(rows, self.users, self.movies)

    def _predict(self, rows: Rows) -> Expected:
        """Expected stars by the fit alone."""
        labels, people = self._described(rows)
        base = self._linear[0] + self._linear[1] * self._mixed.score(labels)
        inputs = np.column_stack([base, self._statistics[labels.movie], people])
        mean = base + self.smooth_share * self._smooth(inputs)
        return Expected(mean, np.full(len(rows), self._deviation))

    @override
    def arrays(self) -> Arrays:
        smooth = vars(self._smooth).items()
        arrays: Arrays = {f"smooth.{name}": np.asarray(value) for name, value in smooth}
        arrays |= {f"mixed.{name}": value for name, value in self._mixed.coefficients.items()}
        level = np.array([self._mixed.level, self._deviation])
        arrays |= {"level": level, "linear": self._linear}
        arrays |= {
            "statistics": self._statistics,
            "movie_residuals": self._movie_residuals.sums,
        }
        return arrays | self._descriptions.arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._descriptions = Descriptions.restored(arrays, self.users, self.movies)
        smooth = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith("smooth.")}
        self._smooth = RandomFeatures(**smooth)
        mixed = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith("mixed.")}
        level, self._deviation = (float(value) for value in arrays["level"])
        self._mixed = MixedModel(level, mixed)
        self._linear, self._statistics = arrays["linear"], arrays["statistics"]
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)


def _level_and_slope(design: F64, stars: F64) -> F64:
    """Level and slope of a held-out score: users with many ratings rate lower than others.

    design: (n, 2) of 1 and the score. A negative slope is refused: the mean of the other ratings is
    high where a rating is low, and in a small table that is all that a held-out score knows.
    Reference: Breiman 1996, "Stacked regressions" (weights that are not negative).
    """
    linear = np.asarray(np.linalg.lstsq(design, stars)[0], np.float64)
    return linear if linear[1] >= 0 else np.array([stars.mean(), 0.0])
