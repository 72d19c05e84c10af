"""A CSV file of a site: its rows by column name, with their lines, and the values in them."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ratecast.errors import InputError
from ratecast.exports.encoding import to_utf8

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Sat Dec 31 00:00:00 2016
_C_TIME = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})")
# Spreadsheets add a time of 0:00; where points are usual, the day is first.
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: 0?0:00(?::00)?)?", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: 0?0:00(?::00)?)?", re.ASCII)
# Of a column with gaps, pandas writes 1977.0.
_WHOLE = re.compile(r"(\d{1,18})(?:\.0+)?", re.ASCII)
_SEPARATORS = (",", ";", "\t")
# With what a formula begins, or blanks that may stand before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_IMDB = re.compile(r"tt\d{5,10}")


@dataclass(frozen=True)
class Row:
    """A row of a sheet. location: file and line, for messages."""

    location: str
    values: dict[str, str]

    def text(self, column: str) -> str:
        """The value of a column without blanks around it; empty if there is no such column."""
        return self.values.get(column, "").strip()


@dataclass(frozen=True)
class Sheet:
    """A CSV file with a header. where: the file, for messages.

    separator: a comma as sites write it, or a semicolon or tab as spreadsheets save it again.
    """

    where: str
    columns: tuple[str, ...]
    body: str
    separator: str = ","
    windows: bool = False

    @classmethod
    def of(cls, data: bytes, where: str) -> "Sheet":
        """The sheet in the bytes of a file: Unicode or, in single lines, a Windows encoding."""
        text, windows = _decoded(to_utf8(data, where))
        columns, separator = _header(text)
        return cls(where, columns, text, separator, windows)

    def rows(self) -> Iterator[Row]:
        """The rows that are not blank. Raises `InputError` with the line of a torn row."""
        reader = csv.reader(io.StringIO(self.body, newline=""), delimiter=self.separator)
        line = 1
        try:
            for fields in reader:
                location = f"{self.where}, line {line}"
                first, line = line == 1, reader.line_num + 1
                if first or not any(map(str.strip, fields)):
                    continue
                if len(fields) != len(self.columns):
                    raise InputError(
                        f"{location}: {len(fields)} fields, not {len(self.columns)}; "
                        "get the file from the site again"
                    )
                yield Row(location, dict(zip(self.columns, fields, strict=True)))
        except csv.Error as error:
            raise InputError(f"{self.where}, line {line}: {error}; check its quotes") from None


def guarded(text: str) -> str:
    """A text for a cell of a CSV: with an apostrophe first, where a spreadsheet would compute it.

    >>> guarded("=1+1"), guarded("Alien")
    ("'=1+1", 'Alien')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """The text of a cell, as it was before `guarded`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _header(text: str) -> tuple[tuple[str, ...], str]:
    """The columns, and the separator by which there are most."""
    found: list[tuple[tuple[str, ...], str]] = []
    for separator in _SEPARATORS:
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
        except csv.Error:
            names = []
        found.append((tuple(name.strip() for name in names), separator))
    return max(found, key=lambda header: len(header[0]))


def _decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether a line of it was in the Windows encoding."""
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return "".join(map(_line, data.splitlines(keepends=True))).removeprefix("\ufeff"), True


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def day(text: str) -> int | None:
    """UTC seconds of the start of a day: YYYY-MM-DD, YYYY/MM/DD or DD.MM.YYYY; else None.

    10/1/2026 is none, since it is a day of January in one country and of October in another.
    """
    if match := _DAY.fullmatch(text):
        year, month, date = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        date, month, year = match.groups()
    else:
        return None
    return iso_time(f"{year}-{month:0>2}-{date:0>2}")


def c_time(text: str) -> int | None:
    """UTC seconds of a time as `Sat Dec 31 00:00:00 2016`, in any locale of the machine."""
    match = _C_TIME.fullmatch(text)
    if match is None or match[1].lower() not in _MONTHS:
        return None
    month, date, clock, year = match.groups()
    number = _MONTHS.index(month.lower()) + 1
    return iso_time(f"{year}-{number:02}-{date:0>2}T{clock}")


def iso_time(text: str) -> int | None:
    """UTC seconds of an ISO 8601 time; without a zone it is UTC. None if it is not one."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() // 1)


def year_of(text: str) -> int | None:
    """A year of four digits, or None."""
    match = _WHOLE.fullmatch(text)
    return int(match[1]) if match and len(match[1]) == 4 else None


def imdb_of(text: str) -> str | None:
    """An IMDb number of a title, tt and digits, or None."""
    return text if _IMDB.fullmatch(text) and text.isascii() else None


def number_of(text: str) -> int | None:
    """A whole positive number, or None."""
    match = _WHOLE.fullmatch(text)
    return int(match[1]) if match else None
