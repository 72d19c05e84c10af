"""Forecasts of every row in files: written by ratecast, or brought by another program."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from ratecast.arrays import F64, I64
from ratecast.column_types import plain_numbers, rows_of
from ratecast.errors import InputError
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.ids import read_ids
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings
from ratecast.splits import Split
from ratecast.table_writer import write_pieces

STARS, PART, SPLIT, HISTORY = "stars", "part", "split", "history_length"
# What other programs call their forecast.
_STARS_NAMES = (STARS, "forecast", "prediction", "pred", "est", "score")
_ROW = "_row"
# Which of the rows of one pair, in their order.
_TURN = pl.int_range(pl.len())


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

    path: CSV, Parquet or JSON lines. label: of the model; by default the file's name.
    """
    about = About(label or path.stem, protocol, str(path))
    return forecasts_of(_read(path), split, about)


class About(NamedTuple):
    """What made forecasts, by which protocol, and what messages call their table."""

    label: str = "forecasts"
    protocol: Protocol = "frozen"
    where: str = "forecasts"


def forecasts_of(frame: pl.DataFrame, split: Split, about: About = About()) -> Trial:  # noqa: B008
    """Forecasts that any program made of the rows of a split, as a trial to score.

    frame: columns user, movie, stars, and at where it is known; p_1 ... for each star of the scale,
    where they are known. A column `part` is read where there is one. Every row of a part must have
    one forecast, and each forecast a row; parts without any are left out.
    Raises `InputError` with counts and the first row that is wrong.
    """
    where = about.where
    given = left = _typed(frame, split, where)
    forecasts: dict[str, Forecast] = {}
    problems: list[InputError] = []
    # A pair that is rated again later may be in both parts, and test comes first.
    for name in [name for name in ("test", "valid") if name in split.parts]:
        chosen = left.filter(pl.col(PART) == name) if PART in left.columns else left
        try:
            matched = _matched(chosen, split.parts[name], name, where)
        except InputError as error:
            problems.append(error)
            continue
        if matched is not None:
            forecasts[name] = _forecast(matched, split.parts[name], split.train)
            left = left.filter(~pl.col(_ROW).is_in(matched[_ROW].implode()))
    if left.height or not forecasts:
        raise problems[0] if problems else _of_no_row(left, given, split, where)
    in_order = {name: forecasts[name] for name in split.parts if name in forecasts}
    return Trial(about.label, about.protocol, split, 0.0, 0.0, in_order)


def _of_no_row(left: pl.DataFrame, given: pl.DataFrame, split: Split, where: str) -> InputError:
    row = left.row(0, named=True)
    parts = " or ".join(name for name in split.parts if name != "train")
    return InputError(
        f"{where}: {left.height:,} of {given.height:,} forecasts are of no row of {parts} of split "
        f"{split.name}, the first in row {row[_ROW]}: user {row[USER]}, movie {row[MOVIE]}; write "
        "that split by ratecast data split --out DIR"
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


def _read(path: Path) -> pl.DataFrame:
    form = path.suffix.lower()
    try:
        if form == ".parquet":
            frame = pl.read_parquet(path)
        elif form in (".jsonl", ".ndjson"):
            frame = pl.read_ndjson(path)
        else:
            # Ids as they are written: 007 is no number.
            frame = pl.read_csv(path, infer_schema=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a table of forecasts") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read ({line}); give CSV or Parquet") from None
    if not frame.height:
        raise InputError(f"{path}: no forecasts; give a table with rows")
    return frame


def _typed(frame: pl.DataFrame, split: Split, where: str) -> pl.DataFrame:
    """Columns user, movie, at if there, stars, p_..., part if there, and the number of each row."""
    stars = next((name for name in _STARS_NAMES if name in frame.columns), None)
    missing = [name for name in (USER, MOVIE) if name not in frame.columns]
    if missing or stars is None:
        needed = missing[0] if missing else STARS
        raise InputError(f"{where}: no column {needed}; columns are {', '.join(frame.columns)}")
    columns = [pl.Series(_ROW, np.arange(1, frame.height + 1))]
    for kind in (USER, MOVIE):
        ids, wanted = read_ids(frame[kind], rows_of(where)).ids, split.train.frame.schema[kind]
        try:
            columns.append(ids.cast(wanted))
        except pl.exceptions.PolarsError:
            raise InputError(
                f"{where}: ids of {kind}s are {ids.dtype}, not {wanted}; write the same ids"
            ) from None
    if AT in frame.columns and split.train.timed:
        columns.append(_numbers(frame[AT], where).cast(pl.Int64))
    columns.append(_numbers(frame[stars], where).alias(STARS))
    chances = [f"p_{star:g}" for star in _stars(split)]
    if chances and all(name in frame.columns for name in chances):
        columns += [_numbers(frame[name], where) for name in chances]
    if HISTORY in frame.columns:
        columns.append(_numbers(frame[HISTORY], where).cast(pl.Int64))
    if PART in frame.columns:
        columns.append(frame[PART])
    return pl.DataFrame(columns)


def _stars(split: Split) -> F64:
    scale = split.train.scale
    return np.empty(0) if scale.is_continuous else scale.stars


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


def _matched(given: pl.DataFrame, part: Ratings, name: str, where: str) -> pl.DataFrame | None:
    """The forecasts in the order of the part; None if it has none. Raises unless all match once.

    Of a pair that is rated more than once, one forecast is of all its rows, and as many as these
    are in their order.
    """
    keys = [key for key in (USER, MOVIE, AT) if key in given.columns and key in part.frame.columns]
    # Times tell the ratings of a pair apart, where both have them.
    rows = part.frame.select(keys).with_columns(
        _TURN.over(keys).alias("turn"), pl.len().over(keys).alias("n")
    )
    numbered = given.with_columns(_TURN.over(keys).alias("turn"))
    alone = given.group_by(keys).len("given")
    rows = rows.join(alone, on=keys, how="left", maintain_order="left")
    wanted = rows.with_columns(turn=pl.when(pl.col("given") == 1).then(0).otherwise(pl.col("turn")))
    found = wanted.join(numbered, on=[*keys, "turn"], how="left", maintain_order="left")
    none = found[_ROW].is_null()
    if none.all():
        return None
    surplus = found["given"].fill_null(0) > found["n"]
    for wrong, words in ((none, "no"), (surplus, "more than one")):
        if wrong.any():
            row = found.row(int(wrong.arg_max() or 0), named=True)
            raise InputError(
                f"{where}: {int(wrong.sum()):,} of {len(part):,} rows of {name} have {words} "
                f"forecast, the first is user {row[USER]}, movie {row[MOVIE]}; give one for each"
            )
    return found


def _forecast(matched: pl.DataFrame, part: Ratings, train: Ratings) -> Forecast:
    """A forecast of the rows of a part; probabilities that are not known are NaN."""
    scale = part.scale
    chances = [name for name in matched.columns if name.startswith("p_")]
    width = len(chances) or 1
    probabilities = (
        matched.select(chances).to_numpy() if chances else np.full((len(part), width), np.nan)
    )
    users, movies = (_counts(part, train, kind) for kind in (USER, MOVIE))
    history = matched[HISTORY].to_numpy() if HISTORY in matched.columns else users
    forecast = Forecast(
        matched[STARS].to_numpy(), probabilities, history, Basis.of(history, movies)
    )
    return forecast.about(part.requests(), scale)


def _counts(part: Ratings, train: Ratings, kind: str) -> I64:
    """How many ratings in train each row's user or movie has: (n,)."""
    counts = train.frame.group_by(kind).len("n")
    joined = part.frame.select(kind).join(counts, on=kind, how="left", maintain_order="left")
    return joined["n"].fill_null(0).cast(pl.Int64).to_numpy()
