"""What `cold_start` knows of each row before any rating: labels of its user and of its movie."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.side_lines import Columns, SideLines
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.side_information.feature_columns import first_label
from ratecast.modelling.side_information.further_columns import FurtherColumns
from ratecast.modelling.side_information.labels import Labels, numeric_column
from ratecast.models.cold_start.mixed_model import RowLabels
from ratecast.ratings import MOVIE, USER


@dataclass
class Descriptions:
    """How users and movies are described, learned from those of a fit, and their descriptions.

    labels: of users and of movies. borders: of bins of ages, in tenths and in thirds, and of years.
    mean_age: (1,) years. sizes: how many users and movies the fit had.
    """

    labels: dict[str, Labels]
    borders: list[F64]
    mean_age: F64
    sizes: tuple[int, int]

    def __post_init__(self) -> None:
        """Name the kinds of labels of users that act on movies, and count those of each."""
        labels = self.labels[USER]
        self._kinds = {name: len(borders) + 1 for name, borders in self._age_bins().items()}
        if "gender" in labels.known:
            self._kinds["gender"] = len(labels.known["gender"])
        single = labels.further.single_labels(pl.DataFrame({USER: [None]}))
        self._kinds |= {f"{USER}.{name}": count for name, (_, count) in single.items()}
        self._users, self._movies = SideLines(self._of_users), SideLines(self._of_movies)

    @classmethod
    def of(cls, train: Rows, users: Vocabulary, movies: Vocabulary) -> Self:
        """Labels of all, and borders that are quantiles over the rows of train."""
        tables = {USER: users.table, MOVIE: movies.table}
        labels = {kind: Labels.of(t, FurtherColumns.of(t)) for kind, t in tables.items()}
        age, year = _numbers("age", train, users), _numbers("year", train, movies)
        tenths, thirds = np.linspace(0, 1, 11)[1:-1], np.array([1 / 3, 2 / 3])
        borders = [_quantiles(age, tenths), _quantiles(age, thirds), _quantiles(year, tenths)]
        mean_age = np.nan_to_num(np.array([np.nanmean(age) if np.isfinite(age).any() else 0]))
        return cls(labels, borders, mean_age, (len(users) - 1, len(movies) - 1))

    def of_rows(self, rows: Rows, users: Vocabulary, movies: Vocabulary) -> tuple[RowLabels, F64]:
        """The labels of each row, and of its user what `_people` has: (n, 2)."""
        (codes, people, *of_users), (year, genres, *of_movies) = (
            [column[lines.which] for column in lines.columns]
            for lines in (self._users.of(rows, users), self._movies.of(rows, movies))
        )
        kinds = {name: (codes[:, k], n) for k, (name, n) in enumerate(self._kinds.items())}
        user, movie = rows.users.astype(np.int64) - 1, rows.movies.astype(np.int64) - 1
        # Users and movies that came after the fit are unknown to it.
        user[user >= self.sizes[0]], movie[movie >= self.sizes[1]] = -1, -1
        further = (
            dict(zip(self.labels[kind].further.columns, labels, strict=True))
            for kind, labels in ((USER, of_users), (MOVIE, of_movies))
        )
        years = year, len(self.borders[2]) + 1
        return RowLabels(user, movie, kinds, genres, years, self.sizes, *further), people

    def keep_all(self, users: Vocabulary, movies: Vocabulary) -> None:
        """Describe all known users and movies now."""
        self._users.keep_all(users)
        self._movies.keep_all(movies)

    def forget(self, row: int) -> None:
        """Keep nothing of the user that had this row number."""
        self._users.forget(row)

    def arrays(self) -> Arrays:
        """By the names that an artifact gives them."""
        arrays: Arrays = {f"borders.{k}": border for k, border in enumerate(self.borders)}
        for kind, labels in self.labels.items():
            arrays |= labels.packed(kind)
        return arrays | {"mean_age": self.mean_age, "fitted": np.array(self.sizes)}

    @classmethod
    def restored(cls, arrays: Arrays, users: Vocabulary, movies: Vocabulary) -> Self:
        """What `arrays` gave."""
        sizes = int(arrays["fitted"][0]), int(arrays["fitted"][1])
        tables = {USER: users.table[: sizes[0]], MOVIE: movies.table[: sizes[1]]}
        labels = {kind: Labels.unpacked(arrays, kind, table) for kind, table in tables.items()}
        return cls(labels, [arrays[f"borders.{k}"] for k in range(3)], arrays["mean_age"], sizes)

    def _of_users(self, users: pl.DataFrame) -> Columns:
        """Labels by `_kinds` (n, kinds), what `_people` has, and labels of further columns."""
        labels, age = self.labels[USER], numeric_column(users, "age")
        codes = [_bins(age, borders) for borders in self._age_bins().values()]
        gender = labels.matrices(users).get("gender")
        codes += [] if gender is None else [first_label(gender)]
        codes += [label for label, _ in labels.further.single_labels(users).values()]
        people = self._people(age, gender)
        return np.column_stack(codes), people, *_in_order(labels.further.labels(users))

    def _of_movies(self, movies: pl.DataFrame) -> Columns:
        """Bins of years (n,), weights of genres, and labels of further columns."""
        none = sp.csr_array((movies.height, 0))
        genres = self.labels[MOVIE].matrices(movies).get("genres", none)
        year = _bins(numeric_column(movies, "year"), self.borders[2])
        return year, genres, *_in_order(self.labels[MOVIE].further.labels(movies))

    def _age_bins(self) -> dict[str, F64]:
        return {"age": self.borders[0], "third": self.borders[1]}

    def _people(self, age: F64, gender: sp.csr_array | None) -> F64:
        """Age in decades from the mean and gender, -1/2 or 1/2, of each user: (n, 2).

        0 where unknown.
        """
        decades = np.nan_to_num((age - self.mean_age[0]) / 10)
        if gender is None:
            gender = sp.csr_array((len(age), 1))
        return np.column_stack([decades, gender.sum(axis=1) / 2 - gender[:, [0]].toarray()[:, 0]])


def _numbers(column: str, rows: Rows, known: Vocabulary) -> F64:
    """A numeric column of each row's user or movie, NaN where unknown: (n,)."""
    lines = SideLines(lambda table: (numeric_column(table, column),)).of(rows, known)
    numbers: F64 = np.asarray(lines.columns[0])[lines.which]
    return numbers


def _in_order(labels: dict[str, sp.csr_array]) -> Iterator[sp.csr_array]:
    """The weights of each column, in the order of the labels."""
    for weights in labels.values():
        weights.sum_duplicates()
        yield weights


def _bins(values: F64, borders: F64) -> I64:
    """Bin of each value, -1 where it is NaN."""
    return np.where(np.isnan(values), -1, np.searchsorted(borders, values, side="right"))


def _quantiles(values: F64, shares: F64) -> F64:
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, shares)) if len(known) else np.zeros(0)
