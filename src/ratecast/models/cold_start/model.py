"""Forecasts for new users: movie effects, demographics, and what the movie's raters are like.

Reference: Henderson 1975, "Best linear unbiased estimation and prediction under a selection
model"; Wolpert 1992, "Stacked generalization".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import polars as pl
import scipy.sparse as sp
from typing_extensions import override

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_TWO, UP_TO_ONE, Limits
from ratecast.modelling.contract.side_lines import Columns, SideLines
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.side_information.feature_columns import first_label
from ratecast.modelling.side_information.further_columns import FurtherColumns
from ratecast.modelling.side_information.labels import Labels, numeric_column
from ratecast.models.cold_start.mixed_model import MixedModel, RowLabels, fit_mixed
from ratecast.models.cold_start.random_features import RandomFeatures
from ratecast.ratings import MOVIE, USER, Ratings

# Damping of a movie's statistics, in ratings: of means, and of shares and variances.
_MEAN_DAMPING, _SHARE_DAMPING = 3.0, 10.0


class _Train(NamedTuple):
    """Rows of train: labels, people (n, 2) of `ColdStart._people`, and stars (n,)."""

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
        self._prepare(train)
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
        self._sides[USER].forget(row)
        if row <= self._fitted[0]:
            self._mixed.forget(row - 1, int(self._fitted[0]))

    @override
    def precompute(self, shared_with: Any = None) -> None:
        self._sides[USER].keep_all(self.users)
        self._sides[MOVIE].keep_all(self.movies)

    def _predict(self, rows: Rows) -> Expected:
        """Expected stars by the fit alone."""
        labels, people = self._described(rows)
        base = self._linear[0] + self._linear[1] * self._mixed.score(labels)
        inputs = np.column_stack([base, self._statistics[labels.movie], people])
        mean = base + self.smooth_share * self._smooth(inputs)
        return Expected(mean, np.full(len(rows), self._deviation))

    def _prepare(self, train: Rows) -> None:
        """Labels, and borders of bins: quantiles over the rows of train."""
        self._fitted = np.array([len(self.users) - 1, len(self.movies) - 1])
        tables = self._fitted_tables()
        self._labels = {kind: Labels.of(t, FurtherColumns.of(t)) for kind, t in tables.items()}
        tenths, thirds = np.linspace(0, 1, 11)[1:-1], np.array([1 / 3, 2 / 3])
        age, year = self._numbers(train)
        self._borders = [_quantiles(age, tenths), _quantiles(age, thirds), _quantiles(year, tenths)]
        self._mean_age = np.nan_to_num(np.array([np.nanmean(age) if np.isfinite(age).any() else 0]))
        self._take_sides()

    def _fitted_tables(self) -> dict[str, pl.DataFrame]:
        """Side information of the users and movies of the fit."""
        users, movies = self._fitted
        return {USER: self.users.table[:users], MOVIE: self.movies.table[:movies]}

    def _numbers(self, rows: Rows) -> tuple[F64, F64]:
        """Age of each row's user and year of its movie, NaN where unknown: (n,) each."""
        age = SideLines(lambda users: (numeric_column(users, "age"),)).of(rows, self.users)
        year = SideLines(lambda movies: (numeric_column(movies, "year"),)).of(rows, self.movies)
        return age.columns[0][age.which], year.columns[0][year.which]

    def _described(self, rows: Rows) -> tuple[RowLabels, F64]:
        """The labels of each row, and of its user what `_people` has: (n, 2)."""
        (codes, people, *of_users), (year, genres, *of_movies) = (
            [column[lines.which] for column in lines.columns]
            for lines in (
                self._sides[USER].of(rows, self.users),
                self._sides[MOVIE].of(rows, self.movies),
            )
        )
        kinds = {name: (codes[:, k], n) for k, (name, n) in enumerate(self._kinds.items())}
        sizes = int(self._fitted[0]), int(self._fitted[1])
        user, movie = rows.users.astype(np.int64) - 1, rows.movies.astype(np.int64) - 1
        # Users and movies that came after the fit are unknown to it.
        user[user >= sizes[0]], movie[movie >= sizes[1]] = -1, -1
        further = (
            dict(zip(self._labels[kind].further.columns, labels, strict=True))
            for kind, labels in ((USER, of_users), (MOVIE, of_movies))
        )
        years = year, len(self._borders[2]) + 1
        return RowLabels(user, movie, kinds, genres, years, sizes, *further), people

    def _take_sides(self) -> None:
        """Describe users and movies, whose labels and borders are known now.

        `_kinds` are the kinds of labels of users that act on movies, and how many each has.
        """
        labels = self._labels[USER]
        self._kinds = {name: len(borders) + 1 for name, borders in self._age_bins().items()}
        if "gender" in labels.known:
            self._kinds["gender"] = len(labels.known["gender"])
        single = labels.further.single_labels(self.users.table.clear(1))
        self._kinds |= {f"{USER}.{name}": count for name, (_, count) in single.items()}
        describe = {USER: self._describe_users, MOVIE: self._describe_movies}
        self._sides = {kind: SideLines(compute) for kind, compute in describe.items()}

    def _describe_users(self, users: pl.DataFrame) -> Columns:
        """Labels by `_kinds` (n, kinds), what `_people` has, and labels of further columns."""
        labels, age = self._labels[USER], numeric_column(users, "age")
        codes = [_bins(age, borders) for borders in self._age_bins().values()]
        gender = labels.matrices(users).get("gender")
        codes += [] if gender is None else [first_label(gender)]
        codes += [label for label, _ in labels.further.single_labels(users).values()]
        people = self._people(age, gender)
        return np.column_stack(codes), people, *_sorted(labels.further.labels(users))

    def _describe_movies(self, movies: pl.DataFrame) -> Columns:
        """Bins of years (n,), weights of genres, and labels of further columns."""
        none = sp.csr_array((movies.height, 0))
        genres = self._labels[MOVIE].matrices(movies).get("genres", none)
        year = _bins(numeric_column(movies, "year"), self._borders[2])
        return year, genres, *_sorted(self._labels[MOVIE].further.labels(movies))

    def _age_bins(self) -> dict[str, F64]:
        return {"age": self._borders[0], "third": self._borders[1]}

    def _people(self, age: F64, gender: sp.csr_array | None) -> F64:
        """Age in decades from the mean and gender, -1/2 or 1/2, of each row's user: (n, 2).

        0 where unknown.
        """
        decades = np.nan_to_num((age - self._mean_age[0]) / 10)
        if gender is None:
            gender = sp.csr_array((len(age), 1))
        return np.column_stack([decades, gender.sum(axis=1) / 2 - gender[:, [0]].toarray()[:, 0]])

    @override
    def arrays(self) -> Arrays:
        smooth = vars(self._smooth).items()
        arrays: Arrays = {f"smooth.{name}": np.asarray(value) for name, value in smooth}
        arrays |= {f"mixed.{name}": value for name, value in self._mixed.coefficients.items()}
        arrays |= {f"borders.{k}": border for k, border in enumerate(self._borders)}
        level = np.array([self._mixed.level, self._deviation])
        arrays |= {"level": level, "linear": self._linear, "mean_age": self._mean_age}
        arrays |= {
            "statistics": self._statistics,
            "movie_residuals": self._movie_residuals.sums,
        }
        for kind, labels in self._labels.items():
            arrays |= labels.packed(kind)
        return arrays | {"fitted": self._fitted}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._fitted = arrays["fitted"]
        self._labels = {
            kind: Labels.unpacked(arrays, kind, table)
            for kind, table in self._fitted_tables().items()
        }
        self._borders = [arrays[f"borders.{k}"] for k in range(3)]
        smooth = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith("smooth.")}
        self._smooth = RandomFeatures(**smooth)
        mixed = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith("mixed.")}
        level, self._deviation = (float(value) for value in arrays["level"])
        self._mixed = MixedModel(level, mixed)
        self._linear, self._mean_age = arrays["linear"], arrays["mean_age"]
        self._take_sides()
        self._statistics = arrays["statistics"]
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)


def _level_and_slope(design: F64, stars: F64) -> F64:
    """Level and slope of a held-out score: users with many ratings rate lower than others.

    design: (n, 2) of 1 and the score. A negative slope is refused: the mean of the other ratings is
    high where a rating is low, and in a small table that is all that a held-out score knows.
    Reference: Breiman 1996, "Stacked regressions" (weights that are not negative).
    """
    linear = np.asarray(np.linalg.lstsq(design, stars)[0], np.float64)
    return linear if linear[1] >= 0 else np.array([stars.mean(), 0.0])


def _bins(values: F64, borders: F64) -> I64:
    """Bin of each value, -1 where it is NaN."""
    return np.where(np.isnan(values), -1, np.searchsorted(borders, values, side="right"))


def _quantiles(values: F64, shares: F64) -> F64:
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, shares)) if len(known) else np.zeros(0)


def _sorted(labels: dict[str, sp.csr_array]) -> Iterator[sp.csr_array]:
    """The weights of each column, each once and in the order of the labels."""
    for weights in labels.values():
        weights.sum_duplicates()
        yield weights
