"""Forecasts of every row in files: written by ratecast, or brought by another program."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.column_types import plain_numbers, rows_of
from ratecast.errors import InputError
from ratecast.evaluation import row_match, star_columns
from ratecast.evaluation.protocol import Protocol, Trial, check_order
from ratecast.ids import read_ids
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.parted_table import read_parts
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings
from ratecast.splits import Split
from ratecast.table_writer import write_pieces

STARS, PART, SPLIT, HISTORY = "stars", "part", "split", "history_length"
# What other programs call their forecast.
_STARS_NAMES = (STARS, "forecast", "prediction", "pred", "est", "score")
# So many probabilities take half a gigabyte.
_MANY = 1 << 26


def forecast_rows(trials: Sequence[Trial]) -> Iterator[pl.DataFrame]:
    """Tables of the forecasts of every row that was scored but train, one for each part.

    Columns: model, protocol, split, part, user, movie, at (where it is known), rating, and those of
    `Forecast.frame` from stars on.
    """
    for trial in trials:
        for name, forecast in trial.forecasts.items():
            if name != "train":
                yield _rows(trial, name, forecast)


def write_forecasts(trials: Sequence[Trial], path: Path) -> int:
    """Write `forecast_rows` as CSV, Parquet or JSON lines; returns how many rows."""
    return write_pieces(path, forecast_rows(trials))


def read_forecasts(
    path: Path, split: Split, protocol: Protocol = "frozen", label: str | None = None
) -> Trial:
    """The forecasts of a file as a trial to score: see `forecasts_of`.

    path: CSV, Parquet or JSON lines, or a folder of parts. label: of the model; by default the name
    of the file.
    """
    about = About(label or path.stem, protocol, str(path))
    return forecasts_of(_read(path), split, about)


class About(NamedTuple):
    """What made forecasts, by which protocol, and what messages call their table."""

    label: str = "forecasts"
    protocol: Protocol = "frozen"
    where: str = "forecasts"


def forecasts_of(
    frame: pl.DataFrame | pl.LazyFrame,
    split: Split,
    about: About = About(),  # noqa: B008
) -> Trial:
    """Forecasts that any program made of the rows of a split, as a trial to score.

    frame: columns user, movie, stars, and at where it is known; p_1 ... for each star of the scale,
    where they are known; more than 67 million of these are held in single precision. A column
    `part` is read where there is one. Every row of a part must have one forecast, and each forecast
    a row; parts without any are left out. A column is read when it is needed, so that a lazy table
    is never in memory whole.
    Raises `InputError` with counts and the first row that is wrong.
    """
    if about.protocol == "as-of":
        check_order(split.parts)
    given = _Given.of(frame.lazy(), about.where)
    places = _places(given, split)
    forecasts = {
        name: _forecast(given, places[name], part, split.train)
        for name, part in split.parts.items()
        if name in places
    }
    return Trial(about.label, about.protocol, split, 0.0, 0.0, forecasts)


def _places(given: "_Given", split: Split) -> dict[str, I64]:
    """Of the parts that have forecasts, the place of the forecast of each row: (n,)."""
    left = np.ones(given.rows, bool)
    places: dict[str, I64] = {}
    problems: list[InputError] = []
    # A pair that is rated again later may be in both parts, and test comes first.
    for name in [name for name in ("test", "valid") if name in split.parts]:
        rows = np.flatnonzero(left & given.of_part(name))
        # Read for each part anew: they take as much memory as the ratings.
        keys = given.keys(split)
        keys = keys if len(rows) == len(left) else keys[rows]
        try:
            found = _matched(keys, split.parts[name], name, given.where)
        except InputError as error:
            problems.append(error)
            continue
        if found is not None:
            places[name] = found if len(rows) == len(left) else rows[found]
            left[places[name]] = False
    if left.any() or not places:
        raise problems[0] if problems else _of_no_row(left, given, split)
    return places


def _of_no_row(left: NDArray[np.bool_], given: "_Given", split: Split) -> InputError:
    row = int(left.argmax())
    user, movie = given.keys(split).select(USER, MOVIE).row(row)
    parts = " or ".join(name for name in split.parts if name != "train")
    return InputError(
        f"{given.where}: {left.sum():,} of {len(left):,} forecasts are of no row of {parts} of "
        f"split {split.name}, the first in row {row + 1}: user {user}, movie {movie}; write that "
        "split by ratecast data split --out DIR"
    )


def _rows(trial: Trial, name: str, forecast: Forecast) -> pl.DataFrame:
    part = trial.split.parts[name]
    frame = forecast.frame
    about = {"model": trial.model, "protocol": trial.protocol, SPLIT: trial.split.name, PART: name}
    known = [part.frame[column] for column in (USER, MOVIE, AT, RATING) if column in part.frame]
    rest = frame.select(frame.columns[frame.columns.index(STARS) :])
    return (
        pl.DataFrame(known)
        .with_columns(rest)
        .select(*(pl.lit(value).alias(column) for column, value in about.items()), pl.all())
    )


def _read(path: Path) -> pl.DataFrame | pl.LazyFrame:
    form = path.suffix.lower()
    frame: pl.DataFrame | pl.LazyFrame
    try:
        if path.is_dir():
            frame = read_parts(path)
        elif form == ".parquet":
            frame = pl.scan_parquet(path)
        elif form in (".jsonl", ".ndjson"):
            frame = pl.read_ndjson(path)
        else:
            # Ids as they are written: 007 is no number.
            frame = pl.read_csv(path, infer_schema=False)
        empty = frame.lazy().head(1).collect().is_empty()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a table of forecasts") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read ({line}); give CSV or Parquet") from None
    if empty:
        raise InputError(f"{path}: no forecasts; give a table with rows")
    return frame


@dataclass(frozen=True)
class _Given:
    """A table of forecasts. stars: the name of its column of forecasts. where: for messages.

    rows: how many.
    """

    table: pl.LazyFrame
    columns: list[str]
    stars: str
    rows: int
    where: str

    @classmethod
    def of(cls, table: pl.LazyFrame, where: str) -> Self:
        columns = table.collect_schema().names()
        stars = next((name for name in _STARS_NAMES if name in columns), None)
        missing = [name for name in (USER, MOVIE) if name not in columns]
        if missing or stars is None:
            needed = missing[0] if missing else STARS
            raise InputError(
                f"{where}: no column {needed}; columns are {', '.join(columns)}: call those of the "
                "user, the movie and the forecast user, movie and stars"
            )
        # A number that is none is refused before rows are looked for.
        rows = len(_numbers(table.select(stars).collect().to_series(), where))
        return cls(table, columns, stars, rows, where)

    def keys(self, split: Split) -> pl.DataFrame:
        """Columns user and movie, and at where both tables have it."""
        keys = [_ids(self.column(kind), split, self.where) for kind in (USER, MOVIE)]
        if AT in self.columns and split.train.timed:
            keys.append(self.numbers(AT).cast(pl.Int64))
        return pl.DataFrame(keys)

    def of_part(self, name: str) -> NDArray[np.bool_]:
        """Which forecasts may be of a part: (n,), all where no column says it."""
        if PART not in self.columns:
            return np.ones(self.rows, bool)
        is_part = pl.col(PART).cast(pl.String) == name
        chosen = self.table.select(is_part.fill_null(value=False)).collect().to_series()
        return chosen.to_numpy()

    def numbers(self, name: str) -> pl.Series:
        """A column of numbers, (n,). Raises for the first row that has none."""
        return _numbers(self.column(name), self.where)

    def column(self, name: str) -> pl.Series:
        """A column, read from the file if it is there."""
        return self.table.select(name).collect().to_series()


def _ids(ids: pl.Series, split: Split, where: str) -> pl.Series:
    """Ids in the type of the split's."""
    own, wanted = read_ids(ids, rows_of(where)).ids, split.train.frame.schema[ids.name]
    try:
        return own.cast(wanted)
    except pl.exceptions.PolarsError:
        raise InputError(
            f"{where}: ids of {ids.name}s are {own.dtype}, not {wanted}; write the same ids"
        ) from None


def _numbers(column: pl.Series, where: str) -> pl.Series:
    """A column of finite numbers. Raises for the first that is none."""
    text = column.str.strip_chars() if column.dtype == pl.String else plain_numbers(column)
    numbers = text.cast(pl.Float64, strict=False)
    bad = ~numbers.is_finite().fill_null(value=False)
    if bad.any():
        first = int(bad.arg_max() or 0)
        raise InputError(
            f"{where}: {int(bad.sum()):,} of {len(column):,} rows have no number as {column.name}, "
            f"the first in row {first + 1}: {column[first]}; give one for every row"
        )
    return numbers


def _matched(keys: pl.DataFrame, part: Ratings, name: str, where: str) -> I64 | None:
    """The row of `keys` of each row of the part, (n,); None if it has none.

    Raises unless every row has one.
    """
    found = row_match.match(part.frame, keys) if keys.height else None
    if found is None or (found == row_match.NONE).all():
        return None
    for fault, words in ((row_match.NONE, "no"), (row_match.SURPLUS, "more than one")):
        wrong = found == fault
        if wrong.any():
            user, movie = (part.frame[kind][int(wrong.argmax())] for kind in (USER, MOVIE))
            raise InputError(
                f"{where}: {wrong.sum():,} of {len(part):,} rows of {name} have {words} forecast, "
                f"the first is user {user}, movie {movie}; give one for each"
            )
    return found


def _forecast(given: _Given, places: I64, part: Ratings, train: Ratings) -> Forecast:
    """The forecasts at some places as those of a part; unknown probabilities are NaN."""
    names = star_columns.names(given.columns, part.scale, given.where)
    known = bool(names)
    shape = len(part), len(names) if known else 1
    # Many would fill the memory; in single precision they differ by 1e-7 at most.
    numbers = np.float32 if shape[0] * shape[1] > _MANY else np.float64
    probabilities = np.full(shape, np.nan, numbers)
    for k, name in enumerate(names):
        probabilities[:, k] = given.numbers(name).to_numpy()[places]
    if known:
        star_columns.check(probabilities, places, given.where)
    users, movies = (_counts(part, train, kind) for kind in (USER, MOVIE))
    history = users
    if HISTORY in given.columns:
        history = given.numbers(HISTORY).cast(pl.Int64).to_numpy()[places]
    stars = given.numbers(given.stars).to_numpy()[places]
    forecast = Forecast(stars, probabilities, history, Basis.of(history, movies))
    return forecast.about(part.requests(), part.scale)


def _counts(part: Ratings, train: Ratings, kind: str) -> I64:
    """How many ratings in train each row's user or movie has: (n,)."""
    counts = train.frame.group_by(kind).len("n")
    joined = part.frame.select(kind).join(counts, on=kind, how="left", maintain_order="left")
    return joined["n"].fill_null(0).cast(pl.Int64).to_numpy()
