"""Reads text in blocks of one movie each, as the Netflix Prize has it: `1:`, then its ratings."""

import re
from collections.abc import Sequence

import polars as pl

from ratecast.column_types import Location
from ratecast.data.parts import Parts
from ratecast.data.table_source import TableSource
from ratecast.data.text_table import RoleTable
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER
from ratecast.table_options import TableOptions

_BLOCK = re.compile(rb"\s*\d+:\s*\n")
_FIELDS = (USER, RATING, AT)
_LINE_NUMBER = "_line"


def has_blocks(source: TableSource) -> bool:
    """Whether a text starts with a movie and a colon on a line of their own."""
    return _BLOCK.match(source.head(1 << 10)) is not None


def read_blocks(sources: Sequence[TableSource], options: TableOptions) -> RoleTable:
    """User, movie, rating and time of all blocks. Raises `InputError` for the first bad line."""
    where = sources[0].path
    if options.roles:
        raise InputError(f"{where}: blocks of user, rating, date by movie; remove --columns")
    read = [_part(source) for source in sources]
    parts = Parts.of([frame for frame, _ in read], [location for _, location in read])
    frame = parts.frame
    if options.no_time or frame[AT].null_count() == frame.height:
        frame = frame.drop(AT)
    note = f"{where}: read as blocks of user, rating, date, each after its movie and a colon"
    return RoleTable(frame, parts.location, [note])


def _part(source: TableSource) -> tuple[pl.DataFrame, Location]:
    lines = pl.read_csv(
        source.path if source.content is None else source.content,
        has_header=False,
        schema={"text": pl.String},
        # No line has this one.
        separator="\x1f",
        quote_char=None,
        row_index_name=_LINE_NUMBER,
        glob=False,
    )
    text = pl.col("text").str.strip_chars()
    starts = text.str.contains(r"^\d+:$")
    movie = pl.when(starts).then(text.str.strip_suffix(":")).forward_fill().alias(MOVIE)
    rows = lines.with_columns(movie).filter(~starts & (text != ""))
    fields = rows["text"].str.split_exact(",", len(_FIELDS)).struct.unnest()
    numbers = rows[_LINE_NUMBER]

    def location(row: int) -> str:
        return f"{source.path}, line {numbers[row] + 1}"

    wrong = fields["field_1"].is_null() | fields[f"field_{len(_FIELDS)}"].is_not_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise InputError(
            f"{location(row)}: {rows['text'][row]!r} is neither a movie and a colon nor user, "
            "rating and date; correct it"
        )
    user, rating, at = (fields[f"field_{k}"].alias(name) for k, name in enumerate(_FIELDS))
    ids = [_cast(column, location) for column in (user, rows[MOVIE])]
    stars = rating.cast(pl.Float32, strict=False)
    return pl.DataFrame([*ids, rating if stars.null_count() else stars, at]), location


def _cast(text: pl.Series, location: Location) -> pl.Series:
    numbers = text.str.strip_chars().cast(pl.Int64, strict=False)
    if numbers.null_count():
        row = int(numbers.is_null().arg_max() or 0)
        raise InputError(f"{location(row)}: {text.name} {text[row]!r} is not a number; correct it")
    return numbers
