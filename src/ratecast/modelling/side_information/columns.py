"""Side information of users and movies as numeric columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, as_bytes, json_in
from ratecast.modelling.side_information.further_columns import FurtherColumns
from ratecast.ratings import MOVIE, USER

YEARS = 10.0
# One id of which nothing is known.
UNKNOWN = pl.DataFrame({"id": ["unknown"]})


@dataclass(frozen=True)
class SideInformation:
    """How side information becomes columns; what a table lacks gives no column.

    genders, occupations, genres: the known values, one column each. ages: mean and standard
    deviation of the users' ages, in years. year: mean year of the movies. of_users, of_movies:
    the columns of one's own.
    """

    genders: list[str]
    occupations: list[str]
    genres: list[str]
    ages: tuple[float, float]
    year: float
    of_users: FurtherColumns = field(default_factory=lambda: FurtherColumns({}))
    of_movies: FurtherColumns = field(default_factory=lambda: FurtherColumns({}))

    @classmethod
    def of(cls, users: pl.DataFrame, movies: pl.DataFrame) -> "SideInformation":
        """Read categories and means from the tables of known users and movies."""
        ages, years = _numbers(users, "age"), _numbers(movies, "year")
        age = float(np.nanmean(ages)) if np.isfinite(ages).any() else 0.0
        std = float(np.nanstd(ages)) if np.isfinite(ages).any() else 1.0
        return cls(
            _categories(users, "gender")[1:],
            _categories(users, "occupation"),
            sorted({genre for genres in _genres(movies) for genre in genres}),
            (age, max(std, 1.0)),
            float(np.nanmean(years)) if np.isfinite(years).any() else 0.0,
            FurtherColumns.of(users),
            FurtherColumns.of(movies),
        )

    @classmethod
    def unpacked(cls, packed: dict[str, NDArray[Any]]) -> "SideInformation":
        """The side information that `packed` wrote; packed may have other arrays."""
        values: dict[str, Any] = json_in(packed["side"])
        further = (FurtherColumns.unpacked(packed.get(f"side.{kind}")) for kind in (USER, MOVIE))
        values |= {"ages": tuple(values["ages"])}
        return cls(**values | dict(zip(("of_users", "of_movies"), further, strict=True)))

    def packed(self) -> dict[str, NDArray[np.uint8]]:
        """Everything as arrays of bytes (JSON), for an artifact."""
        own = {k: v for k, v in self.__dict__.items() if k not in ("of_users", "of_movies")}
        arrays = {"side": as_bytes(own)}
        return (
            arrays | self.of_users.packed(f"side.{USER}") | self.of_movies.packed(f"side.{MOVIE}")
        )

    def user_columns(self, table: pl.DataFrame) -> F64:
        """Constant, age, distance from the mean age, genders, occupations, further: (n, D).

        Age is in standard deviations from the mean. An unknown value is 0.
        """
        age = np.nan_to_num((_numbers(table, "age") - self.ages[0]) / self.ages[1])
        distance = np.where(age != 0, np.abs(age) - 0.8, 0)
        gender, occupation = _column(table, "gender"), _column(table, "occupation")
        return np.column_stack(
            [
                *(np.ones(len(table)), age, distance),
                *(_flags(gender, self.genders), _flags(occupation, self.occupations)),
                self.of_users.dense(table),
            ]
        )

    def movie_columns(self, table: pl.DataFrame) -> tuple[F64, F64, F64]:
        """Genre flags (n, G), the year in decades from the mean year, (n,), further: (n, E)."""
        flags = _flags(_genres(table), self.genres)
        decades = np.nan_to_num((_numbers(table, "year") - self.year) / YEARS)
        return flags, np.clip(decades, -5, 2), self.of_movies.dense(table)


def _flags(rows: Sequence[str | list[str] | None], names: list[str]) -> F64:
    """Whether each row has each name: (n, names). rows: its only name, or all that it has."""
    column = {name: k for k, name in enumerate(names)}
    flags = np.zeros((len(rows), len(names)))
    for row, own in enumerate(rows):
        if own is not None:
            given = [own] if isinstance(own, str) else own
            flags[row, [column[name] for name in given if name in column]] = 1
    return flags


def _column(table: pl.DataFrame, name: str) -> list[str | None]:
    if not _has(table, name):
        return [None] * len(table)
    return table[name].cast(pl.String).to_list()


def _numbers(table: pl.DataFrame, name: str) -> F64:
    if not _has(table, name):
        return np.full(len(table), np.nan)
    values: F64 = table[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    return values


def _has(table: pl.DataFrame, name: str) -> bool:
    """Whether any row has a value; most new ids come with none, and polars is slow for few rows."""
    return name in table.columns and table[name].null_count() < len(table)


def _genres(table: pl.DataFrame) -> list[list[str]]:
    if "genres" not in table.columns or not isinstance(table.schema["genres"], pl.List):
        return [[] for _ in range(len(table))]
    return [genres or [] for genres in table["genres"].to_list()]


def _categories(table: pl.DataFrame, name: str) -> list[str]:
    return sorted({value for value in _column(table, name) if value is not None})
