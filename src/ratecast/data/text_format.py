"""How a text file is laid out: encoding, separator, column names; recognised in its first rows."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ratecast.data.column_roles import is_recognised
from ratecast.data.separators import BLANKS, fields, separator_of
from ratecast.data.table_source import TableSource
from ratecast.data.text_faults import is_utf8, not_utf8
from ratecast.errors import InputError
from ratecast.table_options import TableOptions

_SAMPLE_ROWS = 1000
# Numbers, dates and times of day.
_DIGITS = re.compile(r"[+-]?\.?\d[\d.,:/TZ +-]*")
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_SEPARATOR_LINE = re.compile(r'"?sep=([^"]{1,2})"?', re.IGNORECASE)
_COMMENTS = ("#", "%")
# A header of such numbers counts the columns, where their values are far above.
_FAR = 1000
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class TextFormat:
    """How a delimited text is laid out.

    names: of all fields, in order; each once. skip: lines before the first row. separator: one or
    two characters; a blank stands for a run of blanks. decimal_comma: 3,5 is three and a half.
    """

    names: tuple[str, ...]
    separator: str = ","
    skip: int = 0
    quote: bool = True
    encoding: str = "utf-8"
    decimal_comma: bool = False


class Recognised(NamedTuple):
    """The format of a text, its first rows, and notes on what was assumed.

    has_header: whether its columns have names; else they are numbers from 1.
    """

    format: TextFormat
    rows: list[list[str]]
    has_header: bool
    notes: list[str]


def recognise(source: TableSource, options: TableOptions) -> Recognised:
    """The format of a text. Raises `InputError` for an empty file or an unknown encoding."""
    encoding, notes = _encoding(source, options.encoding)
    lines = _lines(source, encoding)
    start, separator, comments = _before_rows(lines, options.separator_characters)
    if start == len(lines):
        raise InputError(f"{source.path}, line 1: empty; write the column names in the first line")
    text = lines[start:]
    separator = separator or separator_of(text)
    names, length, rows = _first_rows(text, separator)
    _refuse_first(names, text, f"{source.path}, line {start + 1}", options)
    if 1 < length == len(text):
        raise InputError(f"{source.path}, line {start + 1}: a quote is not closed; close it")
    head = _header_in(comments, separator, len(names))
    if head:
        rows, names, length, has_header = [names, *rows], head, 0, True
    elif options.header is None:
        has_header = _is_header(names, rows, options)
    else:
        has_header = options.header
    if not has_header:
        rows, length = [names, *rows], 0
    for name in names if has_header else ():
        if not is_utf8(name):
            fault = not_utf8(name, source.read())
            raise InputError(f"{source.path}, line {start + 1}: a column name {fault}")
    notes += _note(lines[:start], head)
    names = _names(names if has_header else None, rows)
    # Between commas, a comma within a field is that of a decimal only in quotes.
    comma = _has_decimal_comma(rows)
    notes += ["numbers such as 3,5 have a decimal comma"] if comma else []
    form = TextFormat(
        tuple(names), separator, start + length, encoding=encoding, decimal_comma=comma
    )
    return Recognised(form, rows, has_header, [f"{source.path}: {note}" for note in notes])


def _refuse_first(names: list[str], text: list[str], where: str, options: TableOptions) -> None:
    """Refuse a given separator that does not divide the first row, where another does."""
    if options.separator is None or len(names) > 1:
        return
    other = separator_of(text)
    if len(fields(text[0], other)) > 1:
        shown = {"\t": "tab", BLANKS: "space"}.get(other, other)
        raise InputError(
            f"{where}: separator {options.separator!r} is not in it; remove --separator, or give "
            f"--separator {shown!r} (separator= in Python), which divides it"
        )


def _note(before: list[str], header: list[str]) -> list[str]:
    """A note on the lines before the rows, if there are any."""
    if not before:
        return []
    place = f"lines 1 to {len(before)} are" if len(before) > 1 else "line 1 is"
    kind = (
        "the separator"
        if _SEPARATOR_LINE.fullmatch(before[0].rstrip("\r\n"))
        else "comment or blank"
    )
    names = f"; column names in it are {', '.join(header)}" if header else ""
    return [f"{place} {kind}{names}"]


def not_encoded(path: Path, encoding: str, error: UnicodeError) -> InputError:
    """The error for a text that is not in the encoding."""
    return InputError(
        f"{path}: not {encoding} ({error}); give another --encoding (encoding= in Python)"
    )


def unique(names: Sequence[str]) -> list[str]:
    """The names without blanks around them; those that are empty or occur again get a number."""
    stripped = [name.strip() or f"column {k}" for k, name in enumerate(names, 1)]
    times = Counter(stripped)
    numbered: list[str] = []
    for k, name in enumerate(stripped, 1):
        own = f"{name} ({k})" if times[name] > 1 else name
        while own in numbered:
            own += f" ({k})"
        numbered.append(own)
    return numbered


def _encoding(source: TableSource, given: str | None) -> tuple[str, list[str]]:
    """The encoding; given, by the mark at the start, or UTF-8."""
    if given is not None:
        try:
            name = codecs.lookup(given).name
            "".encode(name)
        except LookupError:
            raise InputError(
                f"encoding {given!r} is unknown; give one such as utf-16, latin-1 or cp1252"
            ) from None
        return "utf-8" if name in ("ascii", "utf-8-sig") else name, []
    head = source.head(4)
    name = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")
    return name, []


def _lines(source: TableSource, encoding: str) -> list[str]:
    """The first lines, with their ends; a file of another system may have CR alone."""
    head = source.head()
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)
    try:
        text = decoder("surrogateescape" if encoding == "utf-8" else "replace").decode(head)
    except UnicodeError as error:
        raise not_encoded(source.path, encoding, error) from None
    lines = io.StringIO(text, newline="\n" if "\n" in text else None).readlines()
    return lines[:-1] if len(lines) > 1 and len(source.head(len(head) + 1)) > len(head) else lines


def _before_rows(lines: list[str], given: str | None) -> tuple[int, str | None, list[str]]:
    """How many lines are before the rows, the separator that they name, and comments in them."""
    start, separator, comments = 0, given, []
    for line in lines:
        found = _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n"))
        if found and not start:
            separator = given or found[1]
        elif line.startswith(_COMMENTS):
            comments.append(line)
        elif line.strip():
            break
        start += 1
    # Rows may have ids that start so; then there are no comments.
    return (0, separator, []) if start == len(lines) and comments else (start, separator, comments)


def _first_rows(lines: list[str], separator: str) -> tuple[list[str], int, list[list[str]]]:
    """The fields of the first row, the lines it has, and the fields of the next rows."""
    if separator == BLANKS or len(separator) > 1:
        rows = [fields(line, separator) for line in lines[: _SAMPLE_ROWS + 1]]
        return rows[0], 1, [row for row in rows[1:] if row]
    reader = csv.reader(lines, delimiter=separator)
    try:
        first = next(reader)
        length = reader.line_num
        return first, length, [row for row in islice(reader, _SAMPLE_ROWS) if row]
    except csv.Error:
        # An open quote; the reader of the rows says where.
        return fields(lines[0], separator), 1, [fields(line, separator) for line in lines[1:]]


def _header_in(comments: list[str], separator: str, count: int) -> list[str]:
    """Column names in the last comment, as in `# user item rating`; empty if there are none."""
    for comment in comments[-1:]:
        names = fields(comment.lstrip("".join(_COMMENTS)).strip(), separator)
        if len(names) == count and sum(map(is_recognised, names)) > 1:
            return names
    return []


def _is_header(first: list[str], rows: list[list[str]], options: TableOptions) -> bool:
    """Whether the first row has the names of the columns, and no rating."""
    names = [name.strip() for name in first]
    if set(options.roles.values()) & {name for name in names if not name.isdigit()}:
        return True
    if not rows:
        return any(map(is_recognised, names)) or not any(map(_DIGITS.fullmatch, names))
    if sum(map(is_recognised, names)) > 2:
        return True
    if not names[0] and any(row[0].strip() for row in rows if row):
        # pandas writes no name over the numbers of the rows.
        return True
    digits = [k for k in range(len(names)) if _mostly_digits([r[k] for r in rows if k < len(r)])]
    unlike = [k for k in digits if names[k] and not _DIGITS.fullmatch(names[k])]
    if unlike or not digits:
        return bool(unlike) or any(map(is_recognised, names))
    return _counts_columns(names, rows)


def _mostly_digits(values: list[str]) -> bool:
    given = [value.strip() for value in values if value.strip()]
    return sum(map(bool, map(_DIGITS.fullmatch, given))) * 2 > len(given)


def _counts_columns(names: list[str], rows: list[list[str]]) -> bool:
    """Whether the names are 0, 1, 2, ... or 1, 2, 3, ..., over columns of much larger numbers."""
    if names not in ([str(k + start) for k in range(len(names))] for start in (0, 1)):
        return False
    for k in range(len(names)):
        values = [row[k] for row in rows if k < len(row) and _NUMBER.fullmatch(row[k])]
        if values and min(float(v.replace(",", ".")) for v in values) > _FAR * len(names):
            return True
    return False


def _names(header: list[str] | None, rows: list[list[str]]) -> list[str]:
    """A name for each field of the rows."""
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else len(header or [])
    if header is None:
        return [str(k) for k in range(1, width + 1)]
    if len(header) == width + 1 and not header[-1].strip():
        # The header alone ends with a separator.
        return unique(header[:-1])
    if len(header) == width - 1:
        ends = all(not row[-1].strip() for row in rows if len(row) == width)
        # R writes the names of the rows in a column that has no name.
        header = [*header, ""] if ends else ["", *header]
    return unique(header)


def _has_decimal_comma(rows: list[list[str]]) -> bool:
    """Whether a column of numbers has some with a comma, and none with a point."""
    for k in range(max(map(len, rows), default=0)):
        values = [row[k].strip() for row in rows if k < len(row) and row[k].strip()]
        numbers = [value for value in values if _NUMBER.fullmatch(value)]
        commas = any(map(_DECIMAL_COMMA.fullmatch, numbers))
        if commas and len(numbers) * 2 > len(values) and not any("." in v for v in numbers):
            return True
    return False
