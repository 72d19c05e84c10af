"""Text from outside for a terminal or a log: control characters are written out, never sent.

A terminal obeys control characters: they can move the cursor, hide text or rename the window. Marks
that turn the direction of writing can show a text in another order than it has.
"""

import json
import re

# C0 and C1, line and paragraph separators, marks of direction, halves of a surrogate pair.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_control = re.compile(f"[{_CONTROLS}]")
_control_in_line = re.compile(f"(?!\n)[{_CONTROLS}]")


def one_line(text: str) -> str:
    r"""The text with every control character as an escape.

    >>> one_line("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    return _control.sub(_escaped, text)


def lines(text: str) -> str:
    """The same, but line ends stay."""
    return _control_in_line.sub(_escaped, text)


def in_json(document: str) -> str:
    """The same for a JSON document, with its own escapes."""
    if document.isprintable():
        # Nearly all are, and this is a tenth of the time of a search.
        return document
    return _control.sub(lambda match: json.dumps(match[0])[1:-1], document)


def counted(count: int, noun: str) -> str:
    """A number of things in words.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "backslashreplace").decode("ascii")
