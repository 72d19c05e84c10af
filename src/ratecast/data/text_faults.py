"""What is wrong with a text that cannot be read: its encoding, or a quote that is not closed."""

import re
from collections.abc import Iterator
from typing import TextIO

# Letters of Windows are where latin-1 has control characters.
_OF_WINDOWS = re.compile(rb"[\x80-\x9f]")


def is_utf8(text: str) -> bool:
    """Whether a text, read with what is not UTF-8 as surrogates, has none."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def not_utf8(text: str, content: bytes) -> str:
    """What a text that is not UTF-8 may be, and the option to read it. content: of its file."""
    encoding = _likely_encoding(content)
    read = text.encode("utf-8", "surrogateescape").decode(encoding)
    return (
        f"is not UTF-8; in {encoding} it is {read[:40]!r}: save the file as UTF-8, or give "
        f"--encoding {encoding} (encoding= in Python) or another"
    )


def bad_quote(rows: TextIO, separator: str) -> tuple[int, str] | None:
    """The number, from 0, of the first line where a quote is wrong, and what is wrong with it."""
    quoted, plain = '"[^"]*(?:""[^"]*)*"', rf'[^"{re.escape(separator)}]*'
    field = f"(?:{quoted}|{plain})"
    row = re.compile(rf"{field}(?:{re.escape(separator)}{field})*\r?\n?")
    lines = enumerate(rows)
    for number, line in lines:
        if '"' not in line:
            continue
        text = line + "".join(_rest(line, lines))
        if text.count('"') % 2:
            return number, "a quote is not closed; close it, or remove it"
        if not row.fullmatch(text):
            return number, (
                "a quote is within a field; remove it, or write the field in quotes and the quote "
                "twice"
            )
    return None


def _rest(line: str, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    """The lines that the quotes of a line still hold."""
    is_open = line.count('"') % 2 == 1
    while is_open and (after := next(lines, None)):
        is_open ^= after[1].count('"') % 2 == 1
        yield after[1]


def _likely_encoding(content: bytes) -> str:
    if _OF_WINDOWS.search(content):
        try:
            content.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "latin-1"
