"""Reads the parts of a delimited text: columns by name or number, types guessed from its rows."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ratecast.column_types import Location
from ratecast.data.column_roles import (
    RATINGS,
    REQUIRED,
    Needed,
    ambiguities,
    is_recognised,
    listed,
    wanted_roles,
)
from ratecast.data.delimited import DelimitedFile, RowError, Type
from ratecast.data.parts import Parts, with_keys
from ratecast.data.table_source import TableSource, likeliest
from ratecast.data.text_format import Recognised, TextFormat, recognise
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER
from ratecast.table_options import TableOptions

# Numbers that could have leading zeros are read as text first.
_WHOLE = re.compile(r"0|[1-9]\d{0,17}")
# Nanoseconds have 19 digits.
_WHOLE_TIME = re.compile(r"-?\d{1,19}")
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_USUAL = (USER, MOVIE, RATING, AT)


class RoleTable(NamedTuple):
    """Columns by the names of their roles, where each row stands, and notes."""

    frame: pl.DataFrame
    location: Location
    notes: list[str]


def read_text(
    sources: Sequence[TableSource], options: TableOptions, needed: Needed = RATINGS
) -> RoleTable:
    """The columns of the parts of one text. Raises `InputError` for the first bad row."""
    first, formats = _formats(sources, options)
    keys, path = sources[0].keys, sources[0].path
    names = [*_with_values(first), *keys]
    chosen, notes = _chosen(names, (first, path), options, needed)
    types = _types(first, {role: name for role, name in chosen.items() if name not in keys})
    if RATING not in needed.required and chosen.get(RATING) in types:
        # Some rows may have none.
        types[chosen[RATING]] = pl.String
    if options.time_format is not None and chosen.get(AT) in types:
        types[chosen[AT]] = pl.String
    ids, times, ratings = (
        {chosen[role] for role in roles if chosen.get(role) in types}
        for roles in ((USER, MOVIE), (AT,), (RATING,))
    )
    if _may_have_padded_ids(sources, formats, [types[name] for name in ids]):
        # As numbers, 007 and 7 would be one id.
        types |= dict.fromkeys(ids, pl.String)
    parts = _read_guessed(sources, formats, types, (ids, times, ratings))
    frame = with_keys(parts, sources)
    frame = frame.select(pl.col(name).alias(role) for role, name in chosen.items())
    return RoleTable(frame, parts.location, [*first.notes, *notes])


def read_all_text(sources: Sequence[TableSource], options: TableOptions) -> tuple[RoleTable, bool]:
    """All fields of the parts as text, under their own names; and whether it has such names."""
    first, formats = _formats(sources, options)
    parts = _read(sources, formats, dict.fromkeys(first.format.names, pl.String))
    frame = with_keys(parts, sources)
    if first.format.decimal_comma:
        frame = frame.with_columns(pl.all().str.replace(",", ".", literal=True))
    return RoleTable(frame, parts.location, first.notes), first.has_header


def _formats(
    sources: Sequence[TableSource], options: TableOptions
) -> tuple[Recognised, list[TextFormat]]:
    """What the first part is, and the format of each. Raises `InputError` for other tables."""
    first = recognise(sources[0], options)
    formats = [first.format]
    for source in sources[1:]:
        form = _format_of_part(source, first, options)
        if form is None:
            names = [str(s.path) for s in sources]
            raise InputError(
                f"{sources[0].path} and {source.path.name} are no parts of one table; give the "
                f"file of the ratings alone, as in {likeliest(names)}, or a pattern with --glob "
                "(glob=True in Python)"
            )
        formats.append(replace(form, decimal_comma=first.format.decimal_comma))
    return first, formats


def _format_of_part(
    source: TableSource, first: Recognised, options: TableOptions
) -> TextFormat | None:
    """The format of a part; None if its columns are not those of the first.

    Parts of Spark and dask have the header each; of those of `split` only the first has it.
    """
    own = recognise(source, replace(options, header=first.has_header))
    if first.has_header and set(own.format.names) != set(first.format.names):
        own = recognise(source, replace(options, header=None))
        if own.has_header:
            return None
    elif first.has_header:
        return own.format
    if len(own.format.names) != len(first.format.names):
        return None
    return replace(own.format, names=first.format.names)


def _may_have_padded_ids(
    sources: Sequence[TableSource], formats: Sequence[TextFormat], types: list[Type]
) -> bool:
    files = (
        DelimitedFile(source.path, {}, form, source.content)
        for source, form in zip(sources, formats, strict=True)
    )
    return pl.Int64 in types and any(file.may_have_padded_numbers() for file in files)


def _read(
    sources: Sequence[TableSource], formats: Sequence[TextFormat], types: dict[str, Type]
) -> Parts:
    files = [
        DelimitedFile(source.path, types, form, source.content)
        for source, form in zip(sources, formats, strict=True)
    ]
    return Parts.of([file.read() for file in files], [file.location for file in files])


def _read_guessed(
    sources: Sequence[TableSource],
    formats: Sequence[TextFormat],
    types: dict[str, Type],
    groups: Sequence[set[str]],
) -> Parts:
    """As `_read`; columns that are no numbers, against the guess, are read as text.

    groups: columns that may be text, those that have one type together. What is wrong with a text
    is said by those who read it.
    """
    while True:
        try:
            return _read(sources, formats, types)
        except RowError as error:
            group = next((names for names in groups if error.column in names), None)
            if group is None or error.column is None or types[error.column] == pl.String:
                raise
            types = types | dict.fromkeys(group, pl.String)


def _with_values(text: Recognised) -> tuple[str, ...]:
    """The names of the columns, without a last one that is empty: rows may end by a separator."""
    names = text.format.names
    last = [row[-1] for row in text.rows if len(row) == len(names)]
    unnamed = not text.has_header or names[-1] == f"column {len(names)}"
    return names[:-1] if unnamed and last and not any(map(str.strip, last)) else names


def _chosen(
    names: list[str],
    part: tuple[Recognised, Path],
    options: TableOptions,
    needed: Needed,
) -> tuple[dict[str, str], list[str]]:
    """The column of each role, and notes on what was assumed. part: the first."""
    text, path = part
    notes = []
    if text.has_header:
        by_number = any(name.isdigit() for name in options.roles.values())
        if options.header is None and by_number and not any(map(is_recognised, names)):
            notes = [
                f"{path}: line 1 is read as column names; if it is a rating: --header no "
                "(header=False in Python)"
            ]
    else:
        if options.header is None:
            notes = [
                f"{path}: line 1 is read as a rating; if it has column names: --header yes "
                "(header=True in Python)"
            ]
        if not options.roles:
            pair = RATING not in needed.required and len(names) == len(needed.required)
            usual = dict(zip(needed.required, names, strict=True)) if pair else None
            options = replace(options, columns=usual or _usual_order(names, text.rows, path))
            order = ", ".join(options.roles)
            notes.append(
                f"{path}: columns without names are read as {order}; else: --columns "
                "(columns= in Python)"
            )
    chosen = wanted_roles(names, options, path, needed)
    return chosen, notes + ambiguities(names, options.roles, chosen, path, needed)


def _usual_order(names: list[str], rows: list[list[str]], path: Path) -> dict[str, str]:
    """Roles in the usual order: user, movie, rating and perhaps the time, by their numbers."""
    ratings = [row[2].strip() for row in rows if len(row) > 2]
    if len(names) in (3, 4) and _mostly(_NUMBER, ratings):
        return dict(zip(_USUAL, names, strict=False))
    if len(names) < len(REQUIRED):
        raise InputError(
            f"{path}: no ratings, which need 3 columns; {listed(rows[0])} in the first row are "
            f"{len(names)}; give --separator (separator= in Python) if there are more"
        )
    raise InputError(
        f"{path}: {len(names)} columns without names, with {listed(rows[0])} in the first row; "
        "give them by number, as in --columns user=1,movie=2,rating=3 (columns= in Python), or "
        "--header yes (header=True) if these are names"
    )


def _types(recognised: Recognised, chosen: dict[str, str]) -> dict[str, Type]:
    """The type of each chosen column, guessed from the first rows."""
    names = recognised.format.names
    types: dict[str, Type] = {}
    for role, name in chosen.items():
        k = names.index(name)
        values = [row[k] for row in recognised.rows if k < len(row) and row[k].strip()]
        types.setdefault(name, _type(role, values))
    return types


def _type(role: str, values: list[str]) -> Type:
    if role == RATING:
        return pl.Float32
    if role in (USER, MOVIE):
        return pl.Int64 if all(map(_WHOLE.fullmatch, values)) else pl.String
    values = [value.strip() for value in values]
    if role == AT and _mostly(_WHOLE_TIME, values):
        return pl.Int64 if all(map(_WHOLE_TIME.fullmatch, values)) else pl.Float64
    return pl.Float64 if role == AT and _mostly(_NUMBER, values) else pl.String


def _mostly(pattern: re.Pattern[str], values: list[str]) -> bool:
    """Whether it matches most values, so that one bad value does not decide the type."""
    return sum(map(bool, map(pattern.fullmatch, values))) * 2 > len(values)
