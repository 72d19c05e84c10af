"""What a newcomer will say: movies' effects, demographics, and who else rates such a movie.

Three steps, each on users that the step before had not seen (folds of users):
1. a linear mixed model (`newcomers/mixed`); heavy raters count less in it, a rating weighs n^-1/2;
2. its level and slope are set on held-out rows, since heavy raters are harsher than others;
3. half of a smooth correction (`newcomers/surface`) from the movie's statistics: what the raters of
   a movie are like tells something of a user who is about to rate it.
Reference: Henderson 1975, "Best linear unbiased estimation and prediction under a selection
model"; Wolpert 1992, "Stacked generalization".
Differs: ridges are set by hand, not by likelihood; halving the correction stands for shrinking.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
import scipy.sparse as sp
from typing_extensions import override

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_TWO, UP_TO_ONE, Limits
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.side_information.labels import Labels, numeric_column
from ratecast.models.cold_start.mixed_model import Kinds, Mixed, fit_mixed
from ratecast.models.cold_start.random_features import Surface
from ratecast.ratings import MOVIE, USER, Ratings

# Ratings that a movie without any is thought to have, for its statistics.
_FEW, _SOME = 3.0, 10.0


@dataclass(kw_only=True, eq=False)
class ColdStart(Model):
    """Forecasts every user as if none of her ratings were known, from her demographics alone.

    What is heard moves the movies, and the level of all, not the user: see `MovieResiduals`.
    """

    name: ClassVar[str] = "cold_start"
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
        kinds, stars = self._kinds(train), train.stars.astype(np.float64)
        given = np.bincount(kinds.user, minlength=kinds.sizes[0])[kinds.user]
        weight = np.asarray(given**-0.5, np.float64)
        people = self._people(train)
        score, inputs = self._held_out((kinds, people, stars), weight)
        design = np.column_stack([np.ones(len(score)), score])
        self._line = np.asarray(np.linalg.lstsq(design, stars)[0], np.float64)
        base = design @ self._line
        inputs = np.column_stack([base, inputs, people])
        self._surface = Surface.fitted(inputs, stars - base, weight, self.seed)
        self._mixed = fit_mixed(kinds, stars, weight)
        self._statistics = self._describe((kinds, people, stars), self._mixed)
        spread = stars - base - self.smooth_share * self._surface(inputs)
        self._deviation = float(np.sqrt(np.mean(spread**2)))
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self.movie_damping)

    def _held_out(self, rated: tuple[Kinds, F64, F64], weight: F64) -> tuple[F64, F64]:
        """Score and movie's statistics of each row, learned without the users of its fold."""
        kinds, people, stars = rated
        fold = np.random.default_rng(self.seed).permutation(kinds.sizes[0])[kinds.user] % self.folds
        score, inputs = np.zeros(len(stars)), np.zeros((len(stars), 6 + people.shape[1]))
        for held in range(self.folds):
            out, rest = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
            if not (len(out) and len(rest)):
                continue
            learned = _take(kinds, rest), people[rest], stars[rest]
            mixed = fit_mixed(learned[0], stars[rest], weight[rest])
            score[out] = mixed.score(_take(kinds, out))
            inputs[out] = self._describe(learned, mixed)[kinds.movie[out]]
        return score, inputs

    def _describe(self, rated: tuple[Kinds, F64, F64], mixed: Mixed) -> F64:
        """Statistics of each movie's raters and ratings, shrunk: (movies + 1, 6 + people's).

        The last line is a movie's without ratings.
        """
        kinds, people, stars = rated
        size, mean = kinds.sizes[1] + 1, stars.mean()
        heavy = np.log(np.bincount(kinds.user)[kinds.user])
        low = stars <= self.scale.low + (self.scale.high - self.scale.low) / 4

        def total(values: F64) -> F64:
            return np.asarray(np.bincount(kinds.movie, values, size), np.float64)

        count = np.bincount(kinds.movie, minlength=size)
        first = total(stars - mean) / (count + _FEW)
        second = (total((stars - mean) ** 2) + _SOME * stars.var()) / (count + _SOME)
        columns = [first, np.log1p(count), np.sqrt(np.maximum(second - first**2, 0))]
        columns.append((total(low.astype(float)) + _SOME * low.mean()) / (count + _SOME))
        columns.append((total(heavy) + _FEW * heavy.mean()) / (count + _FEW))
        columns.append(total(mixed.of_users[kinds.user]) / (count + _FEW))
        columns += [total(column) / (count + _SOME) for column in people.T]
        return np.column_stack(columns)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._movie_residuals.corrected(self._said(rows), rows.movies)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        return self._movie_residuals.walk(self._said(rows), rows.movies, rows.stars, edges)

    @override
    def grow(self) -> None:
        self._movie_residuals.grow(len(self.movies))

    def _said(self, rows: Rows) -> Expected:
        """What the fit alone expects."""
        kinds = self._kinds(rows)
        base = self._line[0] + self._line[1] * self._mixed.score(kinds)
        inputs = np.column_stack([base, self._statistics[kinds.movie], self._people(rows)])
        mean = base + self.smooth_share * self._surface(inputs)
        return Expected(mean, np.full(len(rows), self._deviation))

    def _prepare(self, train: Rows) -> None:
        """Labels and borders of bins; the borders are quantiles over the rows of train."""
        self._fitted = np.array([len(self.users) - 1, len(self.movies) - 1])
        self._label()
        tenths, thirds = np.linspace(0, 1, 11)[1:-1], np.array([1 / 3, 2 / 3])
        age, year = self._numbers(train)
        self._borders = [_quantiles(age, tenths), _quantiles(age, thirds), _quantiles(year, tenths)]
        self._usual_age = np.nan_to_num(
            np.array([np.nanmean(age) if np.isfinite(age).any() else 0])
        )

    def _label(self) -> None:
        """Labels of the users and movies of the fit."""
        users, movies = self._fitted
        tables = {USER: self.users.table[:users], MOVIE: self.movies.table[:movies]}
        self._labels = {kind: Labels.of(table) for kind, table in tables.items()}

    def _sides(self, rows: Rows) -> tuple[pl.DataFrame, pl.DataFrame]:
        frame, table = rows.table.frame, rows.table
        return self.users.side(frame[USER], table.users), self.movies.side(
            frame[MOVIE], table.movies
        )

    def _numbers(self, rows: Rows) -> tuple[F64, F64]:
        users, movies = self._sides(rows)
        return numeric_column(users, "age"), numeric_column(movies, "year")

    def _kinds(self, rows: Rows) -> Kinds:
        users, movies = self._sides(rows)
        age, year = numeric_column(users, "age"), numeric_column(movies, "year")
        people = {name: (_bins(age, b), len(b) + 1) for name, b in self._age_bins().items()}
        if "gender" in self._labels[USER].known:
            gender = self._labels[USER].matrices(users)["gender"]
            people["gender"] = _only(gender), gender.shape[1]
        genres = self._labels[MOVIE].matrices(movies).get("genres", sp.csr_array((len(rows), 0)))
        binned = _bins(year, self._borders[2]), len(self._borders[2]) + 1
        sizes = int(self._fitted[0]), int(self._fitted[1])
        user, movie = rows.users.astype(np.int64) - 1, rows.movies.astype(np.int64) - 1
        # Those met later are as unknown to the fit as those not met.
        user[user >= sizes[0]], movie[movie >= sizes[1]] = -1, -1
        return Kinds(user, movie, people, genres, binned, sizes)

    def _age_bins(self) -> dict[str, F64]:
        return {"age": self._borders[0], "third": self._borders[1]}

    def _people(self, rows: Rows) -> F64:
        """Two numbers of each row's user: age and gender, 0 in the mean and where not known."""
        users, _ = self._sides(rows)
        age = np.nan_to_num((numeric_column(users, "age") - self._usual_age[0]) / 10)
        gender = self._labels[USER].matrices(users).get("gender", sp.csr_array((len(rows), 1)))
        return np.column_stack([age, gender.sum(axis=1) / 2 - gender[:, [0]].toarray()[:, 0]])

    @override
    def arrays(self) -> Arrays:
        surface = vars(self._surface)
        arrays: Arrays = {f"surface.{name}": np.asarray(value) for name, value in surface.items()}
        arrays |= {f"mixed.{name}": value for name, value in self._mixed.coefficients.items()}
        arrays |= {f"borders.{k}": border for k, border in enumerate(self._borders)}
        level = np.array([self._mixed.level, self._deviation])
        arrays |= {"level": level, "line": self._line, "usual_age": self._usual_age}
        arrays |= {"statistics": self._statistics, "movie_residuals": self._movie_residuals.sums}
        return arrays | {"fitted": self._fitted}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._fitted = arrays["fitted"]
        self._label()
        self._borders = [arrays[f"borders.{k}"] for k in range(3)]
        surface = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith("surface.")}
        self._surface = Surface(**surface)
        mixed = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith("mixed.")}
        level, self._deviation = (float(value) for value in arrays["level"])
        self._mixed = Mixed(level, mixed)
        self._line, self._usual_age = arrays["line"], arrays["usual_age"]
        self._statistics = arrays["statistics"]
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)


def _take(kinds: Kinds, rows: I64) -> Kinds:
    people = {name: (label[rows], count) for name, (label, count) in kinds.people.items()}
    year = kinds.year[0][rows], kinds.year[1]
    some = kinds.user[rows], kinds.movie[rows], kinds.genres[rows]
    return replace(kinds, user=some[0], movie=some[1], genres=some[2], people=people, year=year)


def _bins(values: F64, borders: F64) -> I64:
    """Bin of each value, -1 where it is NaN."""
    return np.where(np.isnan(values), -1, np.searchsorted(borders, values, side="right"))


def _quantiles(values: F64, shares: F64) -> F64:
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, shares)) if len(known) else np.zeros(0)


def _only(labels: sp.csr_array) -> I64:
    """The one label of each row, -1 for none: (n,)."""
    any_label = np.diff(labels.indptr) > 0
    found = np.full(labels.shape[0], -1, np.int64)
    found[any_label] = labels.indices[labels.indptr[:-1][any_label]]
    return found
