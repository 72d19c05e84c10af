"""One form for each id of a user or movie, the same in files, frames, requests and the service.

The rule, for ids as text:

1. Blanks around an id do not count, and neither does the ="..." that Excel puts around one.
2. A whole number may end in a point and zeros: 17850.0 is 17850.
3. Leading zeros count: 007 is another id than 7. So does every other difference. A number has no
   zeros to count: where 7 is not known and 007 is, a 7 among numbers is refused.

A column of ids is Int64 where all of them are whole numbers from `LOWEST` to `HIGHEST`, without
leading zeros; otherwise all of them are text. Numbers in a column of floats or decimals are whole,
or refused. Refused are also a missing or empty id, NUL, and more than `MOST_BYTES`.
"""

import re
from typing import NamedTuple

import polars as pl

from ratecast.column_types import Location, rows_of
from ratecast.errors import InputError
from ratecast.visible_text import counted

Id = int | str
# As it is given: 17850.0 and " 17850" are 17850.
Written = int | float | str
# Lower numbers stand for users who were forgotten.
LOWEST, HIGHEST = -(2**62), 2**63 - 1
# New ids are counted on from numbers up to this one, so that one that is far off leaves some.
MOST_COUNTED = 2**62
# Two of them, four bytes a letter, fit into an index of PostgreSQL.
MOST_BYTES = 1024
# The white space of Unicode, and the mark at the start of a file.
BLANKS = (
    " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
# Above it, a float does not hold every whole number.
_EXACT = 2**53
# So few are faster one by one, as a service gets them.
_FEW = 64
_MISSING = ("nan", "null", "none", "na", "n/a", "<na>")

# Patterns that Python and polars read alike; each is matched against a whole id.
_WHOLE = "0|-?[1-9][0-9]{0,18}"
# Those with more digits; of 19, those that are out of range stay text as well.
_BEYOND = r"-?[1-9][0-9]{18,}"
_EXCEL = '="([^"]*)"'
_WITH_FRACTION = r"(0|-?[1-9][0-9]*)\.0+"
_whole, _excel, _with_fraction, _beyond = map(re.compile, (_WHOLE, _EXCEL, _WITH_FRACTION, _BEYOND))


class ReadIds(NamedTuple):
    """Ids in their one form: Int64 or String, (n,). notes: what was assumed of them."""

    ids: pl.Series
    notes: list[str]


def read_ids(ids: pl.Series, location: Location) -> ReadIds:
    """The ids of a column without nulls, named for what they are of: user or movie.

    Raises `InputError` for the first bad row.
    """
    if isinstance(ids.dtype, pl.Categorical | pl.Enum):
        ids = ids.cast(pl.String)
    if ids.dtype == pl.String:
        return _from_text(ids, location)
    if ids.dtype.is_float() or ids.dtype.is_decimal():
        ids = _integers(ids, location)
    if ids.dtype.is_integer():
        return _from_integers(ids, location)
    if ids.dtype == pl.Null and ids.is_empty():
        return ReadIds(ids.cast(pl.Int64), [])
    raise InputError(f"{location(0)}: {ids.name} ids are {ids.dtype}; use integers or text")


def id_of(value: object, as_text: bool, kind: str) -> Id:
    """One id in its form. as_text: whether ids are text here, else whole numbers. kind: for errors.

    Raises `InputError` where it is no id, or where ids are whole numbers and this is none.

    >>> id_of(" 17850.0", False, "user"), id_of(17850, True, "user"), id_of("007", True, "user")
    (17850, '17850', '007')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if as_text or LOWEST <= value <= HIGHEST:
            return str(value) if as_text else value
    elif isinstance(value, float) and value.is_integer():
        raise InputError(
            f"{kind} {value!r}: is too large for an exact float; write a whole number or text"
        )
    elif not isinstance(value, str):
        raise InputError(f"{kind} {value!r}: is no id; write a whole number or text")
    else:
        value = _plain(value)
        if fault := _fault(value):
            raise InputError(f"{kind}: {fault}")
        if as_text:
            return value
        if _whole.fullmatch(value) and LOWEST <= int(value) <= HIGHEST:
            return int(value)
    written = str(value)
    number = written.lstrip("0")
    padded = number != written and _whole.fullmatch(number or "0")
    hint = f"; write {number or 0}, without leading zeros, if that is meant" if padded else ""
    if _beyond.fullmatch(written):
        hint = f" from {LOWEST} to {HIGHEST}"
    short = repr(written if len(written) <= 40 else f"{written[:40]}...")
    raise InputError(f"{kind} {short}: ids of this model are whole numbers{hint}")


def one_type(
    frame: pl.DataFrame, side: pl.DataFrame, kind: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table, its ids in their form, and its side information, with ids of one type in both."""
    if not side.height:
        return frame, side
    ids = read_ids(side[kind], rows_of(f"{kind}s")).ids
    if ids.dtype != frame.schema[kind]:
        ids, frame = ids.cast(pl.String), frame.with_columns(pl.col(kind).cast(pl.String))
    return frame, side if ids.equals(side[kind]) else side.with_columns(ids)


def whole_numbers(ids: pl.Series) -> pl.Series:
    """Text ids in their form as Int64, null where one is not a whole number: (n,)."""
    numbers = ids.cast(pl.Int64, strict=False)
    kept = ids.str.contains(_entire(_WHOLE)) & (numbers >= LOWEST)
    return numbers if kept.all() else numbers.zip_with(kept, pl.Series([None], dtype=pl.Int64))


def lost_zeros(known: str, owner: str) -> str:
    """What is wrong with a number whose digits are known with zeros before them, of `owner`."""
    return (
        f"ids of {owner} are text, such as {known!r}; write them as text, with their leading zeros"
    )


def zeros_note(ids: pl.Series, kind: str) -> str | None:
    """A note on the first two of the text ids that differ in leading zeros alone, if there are."""
    padded = padded_ids(ids)
    twin = next((number for number in ids if number in padded), None) if padded else None
    if twin is None:
        return None
    return f"{kind} {twin!r} and {padded[twin]!r} are two, since leading zeros count"


def padded_ids(ids: pl.Series) -> dict[str, str]:
    """Those text ids that are digits with leading zeros, by their number without them."""
    padded = ids.filter(ids.str.contains("^0[0-9]+$"))
    return dict(zip(padded.str.strip_chars_start("0"), padded, strict=True))


def _plain(text: str) -> str:
    """The form of an id that is text."""
    text = text.strip(BLANKS)
    if match := _excel.fullmatch(text):
        text = match[1].strip(BLANKS)
    match = _with_fraction.fullmatch(text)
    return match[1] if match else text


def _fault(text: str) -> str | None:
    """What is wrong with an id in its form, or None."""
    if not text:
        return "is empty; write an id"
    if "\0" in text:
        return "has a NUL character; write it without"
    if len(text) * 4 > MOST_BYTES and len(text.encode()) > MOST_BYTES:
        return f"is longer than {MOST_BYTES} bytes; write a shorter id"
    return None


def _is_word(text: str) -> bool:
    """Whether it is an id in its form, no number, and nothing that a notice names."""
    plain = _plain(text) == text and not _fault(text)
    is_number = _whole.fullmatch(text) or _beyond.fullmatch(text)
    return plain and not is_number and text.lower() not in _MISSING


def _plain_column(ids: pl.Series) -> pl.Series:
    """`_plain` of each."""
    text = ids.str.strip_chars(BLANKS)
    text = text.str.replace(_entire(_EXCEL), "${1}").str.strip_chars(BLANKS)
    return text.str.replace(_entire(_WITH_FRACTION), "${1}")


def _entire(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _from_text(ids: pl.Series, location: Location) -> ReadIds:
    if len(ids) <= _FEW and all(map(_is_word, ids.to_list())):
        return ReadIds(ids, [])
    # A table has many rows of few ids, so each id is looked at once.
    distinct = ids.unique()
    plain = _plain_column(distinct)
    _refuse_faults(ids, distinct, plain, location)
    numbers = whole_numbers(plain)
    form = plain if numbers.null_count() else numbers
    if not (plain == distinct).all():
        result = ids.replace_strict(distinct, form, return_dtype=form.dtype)
    else:
        result = ids if form is plain else ids.cast(pl.Int64)
    return ReadIds(result, _notes(ids, distinct, plain, location) if form is plain else [])


def _refuse_faults(
    ids: pl.Series, distinct: pl.Series, plain: pl.Series, location: Location
) -> None:
    """Raise for the first row whose id cannot be one."""
    too_long = plain.str.len_bytes() > MOST_BYTES
    bad = (plain == "") | plain.str.contains("\0", literal=True) | too_long
    if bad.any():
        row = _first(ids, distinct.filter(bad))
        fault = _fault(_plain(ids[row]))
        blank = f"no {ids.name}; fill it in or remove the row"
        what = blank if _plain(ids[row]) == "" else f"{ids.name} {fault}"
        raise InputError(f"{location(row)}: {what}")


def _notes(ids: pl.Series, distinct: pl.Series, plain: pl.Series, location: Location) -> list[str]:
    """Notes on ids that are text: where most are whole numbers, and where one may mean none.

    distinct, plain: the ids once each, as they are written and in their form.
    """
    words = whole_numbers(plain).is_null()
    beyond = words & plain.str.contains(_entire(_BEYOND))
    notes = []
    if beyond.any():
        row = _first(ids, distinct.filter(beyond))
        notes.append(_about_beyond(ids[row], ids.name, location(row)))
    elif words.sum() * 2 < len(words):
        row = _first(ids, distinct.filter(words))
        notes.append(
            f"{location(row)}: {ids.name} {ids[row]!r} is not a plain whole number; "
            f"the {ids.name} ids are read as text"
        )
    if note := zeros_note(plain, f"{ids.name}s"):
        notes.append(f"{location(0).rpartition(', ')[0]}: {note}")
    for name in distinct.filter(distinct.str.to_lowercase().is_in(_MISSING)).sort():
        rows = int((ids == name).sum())
        where = location(_first(ids, pl.Series([name])))
        notes.append(
            f"{where}: {ids.name} {name!r} is read as a name, in {counted(rows, 'row')}; "
            "remove them if it means that there is none"
        )
    return notes


def _first(ids: pl.Series, sought: pl.Series) -> int:
    return int(ids.is_in(sought.implode()).arg_max() or 0)


def _integers(ids: pl.Series, location: Location) -> pl.Series:
    """Floats or decimals that are whole, as integers."""
    if ids.dtype.is_decimal():
        bad = ids != ids.floor()
    else:
        most = 2**24 if ids.dtype == pl.Float32 else _EXACT
        bad = (ids != ids.floor()) | (ids.abs() > most) | ids.is_nan()
    if bad.any():
        row = int(bad.arg_max() or 0)
        if str(ids[row]) == "nan":
            raise InputError(f"{location(row)}: no {ids.name}; fill it in or remove the row")
        fault = "is not an integer, or too large for an exact float"
        raise InputError(
            f"{location(row)}: {ids.name} {ids[row]} {fault}; write integer or text ids"
        )
    return ids.cast(pl.Int128 if ids.dtype.is_decimal() else pl.Int64)


def _from_integers(ids: pl.Series, location: Location) -> ReadIds:
    if ids.dtype == pl.Int64 and not (ids < LOWEST).any():
        return ReadIds(ids, [])
    numbers = ids.cast(pl.Int64, strict=False)
    outside = numbers.is_null() | (numbers < LOWEST)
    if not outside.any():
        return ReadIds(numbers, [])
    row = int(outside.arg_max() or 0)
    return ReadIds(ids.cast(pl.String), [_about_beyond(ids[row], ids.name, location(row))])


def _about_beyond(number: object, kind: str, where: str) -> str:
    """The note on a whole number that is not stored as one."""
    return f"{where}: {kind} {number} is not in -2^62 to 2^63 - 1; the {kind} ids are read as text"
