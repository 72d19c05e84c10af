"""Delimited text files, read by polars; a bad row is reported with its line.

polars names no line. So after a failure, or a null where none may be, the lines are checked one by
one to find the first bad row.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

import polars as pl

from ratecast.errors import InputError

# The unit separator does not occur in text, so it can replace a separator of two characters.
_UNIT_SEPARATOR = "\x1f"
_INTEGER_BITS = {pl.Int64: 63, pl.Int32: 31, pl.Int8: 7}
FLOATS = (pl.Float32, pl.Float64)
Type = type[pl.DataType]
_STARS = r"\d{1,15}(?:\.\d{1,15})?"
_PLAIN: dict[Type, str] = {
    pl.Int64: r"-?\d{1,18}",
    pl.Int32: r"-?\d{1,9}",
    pl.Int8: r"-?\d{1,2}",
    pl.Float32: _STARS,
    pl.Float64: _STARS,
}


class RowError(InputError):
    """A row that cannot be read. column: the one whose value has the wrong type, if any."""

    def __init__(self, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class DelimitedFile:
    """A delimited text file: its format, and the columns to read with their types.

    columns: name to type; without a header, every field of the file in order. Numbers are required
    in every row, text may be empty. Blank lines are skipped.
    """

    path: Path
    columns: dict[str, Type]
    separator: str = ","
    header: bool = True
    quote: bool = True
    encoding: str = "utf-8"

    def read(self) -> pl.DataFrame:
        """The columns, all rows in file order. Raises `RowError` with the line of a bad row."""
        fields = self._fields()
        try:
            frame = self._parse(fields)
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            self._check_lines(fields)
            reason = str(error).splitlines()[0]
            raise InputError(f"{self.path}: cannot be read ({reason}); check the file") from None
        if self._has_nulls(frame):
            self._check_lines(fields)
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
        return frame.select(list(self.columns))

    def location(self, row: int) -> str:
        """File and line of row number `row` (from 0) of `read`, for a message."""
        for number, (line, _) in enumerate(self._rows()):
            if number == row:
                return f"{self.path}, line {line}"
        raise IndexError(row)

    def sample(self, rows: int) -> list[list[str]]:
        """The fields of the first rows."""
        return [fields for _, (_, fields) in zip(range(rows), self._rows(), strict=False)]

    def _fields(self) -> list[str]:
        if not self.header:
            return list(self.columns)
        fields = header(self.path, self.separator)
        for name in self.columns:
            if name not in fields:
                raise InputError(
                    f"{self.path}, line 1: no column {name!r}; columns are {', '.join(fields)}"
                )
        return fields

    def _parse(self, fields: list[str]) -> pl.DataFrame:
        if not self.path.stat().st_size:
            return pl.DataFrame(schema=self.columns)
        # Every field is read: polars reports surplus fields only if no column is left out.
        return pl.read_csv(
            self._source(),
            has_header=self.header,
            new_columns=None if self.header else fields,
            schema_overrides={name: self.columns.get(name, pl.String) for name in fields},
            separator=self._one_character,
            quote_char='"' if self.quote else None,
            infer_schema=False,
            glob=False,
        )

    def _source(self) -> Path | bytes:
        """The file, or its bytes as UTF-8 with a separator of one character."""
        if len(self.separator) == 1 and self.encoding == "utf-8":
            return self.path
        data = self.path.read_bytes()
        if self.encoding != "utf-8":
            data = data.decode(self.encoding).encode()
        return data.replace(self.separator.encode(), self._one_character.encode())

    @property
    def _one_character(self) -> str:
        return self.separator if len(self.separator) == 1 else _UNIT_SEPARATOR

    def _has_nulls(self, frame: pl.DataFrame) -> bool:
        """Whether a number is missing, or the last field, as after a row with too few fields."""
        last = frame.columns[-1]
        numbers = [name for name, type_ in self.columns.items() if type_ != pl.String]
        return any(frame[name].null_count() for name in {*numbers, last})

    def _rows(self, skip: re.Pattern[str] | None = None) -> Iterator[tuple[int, list[str]]]:
        """First line and fields of every row that is not blank and does not match `skip`."""
        with self._open() as file:
            line = 1 if self.header and file.readline() else 0
            for text in file:
                line += 1
                if skip is not None and skip.fullmatch(text):
                    continue
                start, fields = line, text.rstrip("\r\n").split(self.separator)
                if self.quote and '"' in text:
                    fields, more_lines = self._quoted(text, file, line)
                    line += more_lines
                if fields != [""]:
                    yield start, fields

    def _quoted(self, text: str, file: TextIO, line: int) -> tuple[list[str], int]:
        """Fields of the row that starts with `text`, and how many more lines it has."""
        reader = csv.reader(chain([text], file), delimiter=self.separator)
        try:
            return next(reader), reader.line_num - 1
        except csv.Error as error:
            raise RowError(f"{self.path}, line {line}: {error}; check its quotes") from None

    def _valid_line(self, types: list[Type]) -> re.Pattern[str]:
        """Matches unquoted lines of the right types; other lines are parsed and checked."""
        text = rf'[^"{re.escape(self.separator[0])}\r\n\ud800-\udfff]*'
        fields = (_PLAIN.get(type_, text) for type_ in types)
        return re.compile(re.escape(self.separator).join(fields) + r"\r?\n?")

    def _open(self) -> TextIO:
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        return self.path.open(encoding=encoding, errors="surrogateescape", newline="\n")

    def _check_lines(self, fields: list[str]) -> None:
        """Raise for the first bad row; return if there is none."""
        types = [self.columns.get(name, pl.String) for name in fields]
        for line, values in self._rows(self._valid_line(types)):
            where = f"{self.path}, line {line}"
            if len(values) != len(fields):
                raise RowError(f"{where}: {len(values)} fields, not {len(fields)}; correct it")
            for name, value, type_ in zip(fields, values, types, strict=True):
                if fault := _fault(value, type_, self.encoding):
                    raise RowError(f"{where}: {name} {_shortened(value)} {fault}; correct it", name)


def header(path: Path, separator: str) -> list[str]:
    """The column names in the first line."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file, delimiter=separator), [])


def _fault(value: str, type_: Type, encoding: str) -> str | None:
    """What is wrong with a value, or None."""
    if type_ in _INTEGER_BITS:
        digits = value.strip().removeprefix("+").removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            return "is not an integer"
        return "is too large" if int(digits) >= 1 << _INTEGER_BITS[type_] else None
    if type_ in FLOATS:
        try:
            float(value.replace("_", "?"))
        except ValueError:
            return "is not a number"
    elif any("\ud800" <= letter <= "\udfff" for letter in value):
        return f"is not {encoding}"
    return None


def _shortened(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "...")
