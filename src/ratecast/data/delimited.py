"""Delimited text files, read by polars; a bad row is reported with its line.

polars names no line. So after a failure, or a null where none may be, the lines are checked one by
one to find the first bad row.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

import polars as pl

from ratecast.data import padded_numbers, plain_ratings
from ratecast.data.separators import BLANKS, UNIT_SEPARATOR, without_runs
from ratecast.data.text_faults import bad_quote, is_utf8, not_utf8
from ratecast.data.text_format import TextFormat, not_encoded
from ratecast.errors import InputError

_START = 1 << 16
# They are no part of a number.
_BLANKS_AROUND = " \t"
_INTEGER_BITS = {pl.Int64: 63, pl.Int32: 31, pl.Int8: 7}
FLOATS = (pl.Float32, pl.Float64)
Type = type[pl.DataType]
_FLOAT = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)", re.I | re.A)
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

    columns: name to type. content: the bytes of the file, if not those at the path. Numbers are
    required in every row, text may be empty. Blank lines are skipped.
    """

    path: Path
    columns: dict[str, Type]
    format: TextFormat
    content: bytes | None = None

    def read(self) -> pl.DataFrame:
        """The columns, all rows in file order. Raises `RowError` with the line of a bad row."""
        plain = self._plain_ratings()
        if plain is not None:
            return plain
        try:
            frame = self._parse()
        except (pl.exceptions.PolarsError, UnicodeError) as error:
            self._check_lines()
            frame = self._parse_with_blanks(str(error).splitlines()[0])
        if self._has_nulls(frame):
            self._check_lines()
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
        return frame.select(list(self.columns))

    def _plain_ratings(self) -> pl.DataFrame | None:
        """The columns, where this is a large file of plain ratings."""
        form = self.format
        if self.content is not None or len(form.separator) > 1 or not form.separator.isascii():
            return None
        if (tuple(self.columns), tuple(self.columns.values())) != (form.names, plain_ratings.TYPES):
            return None
        if form.separator == BLANKS or self.path.stat().st_size < plain_ratings.LEAST_BYTES:
            return None
        columns = plain_ratings.read_plain(self.path, form.skip, form.separator)
        return (
            None if columns is None else pl.DataFrame(dict(zip(form.names, columns, strict=True)))
        )

    def may_have_padded_numbers(self) -> bool:
        """Whether a field may start with a sign, or with a zero before a digit."""
        try:
            return padded_numbers.may_be_in(self._source(), self._one_character)
        except UnicodeError:
            return True

    def location(self, row: int) -> str:
        """File and line of row number `row` (from 0) of `read`, for a message."""
        for number, (line, _) in enumerate(self._rows()):
            if number == row:
                return f"{self.path}, line {line}"
        raise IndexError(row)

    def _parse_with_blanks(self, reason: str) -> pl.DataFrame:
        """The columns, where blanks are after a number. reason: why they could not be read."""
        numbers = [name for name, type_ in self.columns.items() if type_ != pl.String]
        try:
            return self._parse(numbers)
        except (pl.exceptions.PolarsError, UnicodeError):
            self._check_quotes()
            raise InputError(f"{self.path}: cannot be read ({reason}); check the file") from None

    def _parse(self, as_text: Sequence[str] = ()) -> pl.DataFrame:
        """The columns. as_text: numbers that are read as text first."""
        # Every field is read: polars reports surplus fields only if no column is left out.
        schema = {name: self.columns.get(name, pl.String) for name in self.format.names}
        floats = [name for name, type_ in schema.items() if type_ in FLOATS]
        commas = floats if self.format.decimal_comma else []
        as_text = list({*as_text, *commas})
        source = self._source()
        if source == b"":
            return pl.DataFrame(schema=schema)
        frame = pl.read_csv(
            source,
            has_header=False,
            skip_lines=self.format.skip,
            schema=schema | dict.fromkeys(as_text, pl.String),
            separator=self._one_character,
            quote_char='"' if self.format.quote else None,
            # Else a name with brackets is a pattern.
            glob=False,
        )
        if self.format.quote and len(self.format.separator) > 1:
            # Within quotes it was no separator.
            own = pl.col(pl.String).str.replace_all(
                UNIT_SEPARATOR, self.format.separator, literal=True
            )
            frame = frame.with_columns(own)
        stripped = {name: pl.col(name).str.strip_chars(_BLANKS_AROUND) for name in as_text}
        stripped |= {name: stripped[name].str.replace(",", ".", literal=True) for name in commas}
        return frame.with_columns(
            # What is no number is found in the lines.
            column.cast(schema[name], strict=False)
            for name, column in stripped.items()
        )

    def _source(self) -> Path | bytes:
        """The file, or its bytes as UTF-8 with a separator of one character, as polars reads it."""
        form = self.format
        as_it_is = form.separator == self._one_character and form.encoding == "utf-8"
        if self.content is None and as_it_is and not self._has_old_ends():
            return self.path if self.path.stat().st_size else b""
        data = self.path.read_bytes() if self.content is None else self.content
        if form.encoding != "utf-8":
            data = data.decode(form.encoding).encode()
        if b"\n" not in data:
            data = data.replace(b"\r", b"\n")
        if form.separator == BLANKS:
            return without_runs(data.decode(errors="surrogateescape")).encode(
                errors="surrogateescape"
            )
        return data.replace(form.separator.encode(), self._one_character.encode())

    def _has_old_ends(self) -> bool:
        """Whether lines end with CR alone, as old systems write them."""
        with self.path.open("rb") as file:
            start = file.read(_START)
        return b"\r" in start and b"\n" not in start

    @property
    def _one_character(self) -> str:
        single = len(self.format.separator) == 1 and self.format.separator != BLANKS
        return self.format.separator if single else UNIT_SEPARATOR

    def _has_nulls(self, frame: pl.DataFrame) -> bool:
        """Whether a number is missing, or the last field, as after a row with too few fields."""
        last = frame.columns[-1]
        numbers = [name for name, type_ in self.columns.items() if type_ != pl.String]
        return any(frame[name].null_count() for name in {*numbers, last})

    def _rows(self, skip: re.Pattern[str] | None = None) -> Iterator[tuple[int, list[str]]]:
        """First line and fields of every row that is not blank and does not match `skip`."""
        with self._open() as file:
            for _ in range(self.format.skip):
                file.readline()
            line = self.format.skip
            for text in file:
                line += 1
                if skip is not None and skip.fullmatch(text):
                    continue
                start, fields = line, text.rstrip("\r\n").split(self._one_character)
                if self.format.quote and '"' in text:
                    fields, more_lines = self._quoted(text, file, line)
                    line += more_lines
                if fields != [""]:
                    yield start, fields

    def _quoted(self, text: str, file: TextIO, line: int) -> tuple[list[str], int]:
        """Fields of the row that starts with `text`, and how many more lines it has."""
        reader = csv.reader(chain([text], file), delimiter=self._one_character)
        try:
            return next(reader), reader.line_num - 1
        except csv.Error as error:
            raise RowError(f"{self.path}, line {line}: {error}; check its quotes") from None

    def _valid_line(self, types: list[Type]) -> re.Pattern[str]:
        """Matches unquoted lines of the right types; other lines are parsed and checked."""
        separator = re.escape(self._one_character)
        text = rf'[^"{separator}\r\n\ud800-\udfff]*'
        fields = (_PLAIN.get(type_, text) for type_ in types)
        return re.compile(separator.join(fields) + r"\r?\n?")

    def _open(self) -> TextIO:
        """The text as polars reads it, with what is not UTF-8 as surrogates."""
        try:
            source = self._source()
        except UnicodeError as error:
            raise not_encoded(self.path, self.format.encoding, error) from None
        binary = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
        return io.TextIOWrapper(binary, "utf-8-sig", errors="surrogateescape", newline="\n")

    def _bytes(self) -> bytes:
        source = self._source()
        return source.read_bytes() if isinstance(source, Path) else source

    def _check_quotes(self, of_line: int | None = None) -> None:
        """Raise for the first quote that is not closed, or within a field that has none around.

        of_line: only if it is in this line.
        """
        if not self.format.quote:
            return
        with self._open() as file:
            for _ in range(self.format.skip):
                file.readline()
            found = bad_quote(file, self._one_character)
        if found is None:
            return
        line = self.format.skip + found[0] + 1
        if of_line in (None, line):
            raise RowError(f"{self.path}, line {line}: {found[1]}")

    def _check_lines(self) -> None:
        """Raise for the first bad row; return if there is none."""
        names = self.format.names
        types = [self.columns.get(name, pl.String) for name in names]
        for line, values in self._rows(self._valid_line(types)):
            where = f"{self.path}, line {line}"
            if len(values) != len(names):
                self._check_quotes(line)
                raise RowError(f"{where}: {len(values)} fields, not {len(names)}; correct it")
            for name, value, type_ in zip(names, values, types, strict=True):
                if not is_utf8(value):
                    raise RowError(f"{where}: {name} {not_utf8(value, self._bytes())}", name)
                if fault := _fault(value, type_, self.format.decimal_comma):
                    raise RowError(f"{where}: {name} {_shortened(value)} {fault}", name)


def with_header(
    path: Path, columns: dict[str, Type], separator: str = ",", *, quote: bool = True
) -> DelimitedFile:
    """A file whose first line has the names of its columns, as editions have it.

    Raises `InputError` for a name of `columns` that is not there.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        names = next(reader, [])
        lines = reader.line_num
    for name in columns:
        if name not in names:
            raise InputError(f"{path}, line 1: no column {name!r}; columns are {', '.join(names)}")
    return DelimitedFile(path, columns, TextFormat(tuple(names), separator, lines, quote))


def _fault(value: str, type_: Type, decimal_comma: bool) -> str | None:
    """What is wrong with a value and what to do, or None."""
    if type_ in _INTEGER_BITS:
        digits = value.strip(_BLANKS_AROUND).removeprefix("+").removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            return "is not an integer; correct it"
        too_large = int(digits) >= 1 << _INTEGER_BITS[type_]
        return "is too large; correct it" if too_large else None
    if type_ in FLOATS:
        number = value.replace(",", ".") if decimal_comma else value
        # Python reads digits of other scripts too, and 1_000.
        if not _FLOAT.fullmatch(number.strip(_BLANKS_AROUND)):
            return "is not a number; correct it"
    return None


def _shortened(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "...")
