"""Bytes of a file in UTF-8, whatever it was saved in."""

import codecs
import re

from ratecast.errors import InputError

# The mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# It names the encoding that the file no longer has.
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")


def to_utf8(data: bytes, where: str) -> bytes:
    """The bytes of a text that is marked as UTF-16 or UTF-32 in UTF-8, others as they are.

    Raises `InputError` for a text that is not in the encoding of its mark.
    """
    encoding = _marked(data)
    if encoding is None:
        return data
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}: marked as {encoding.upper()}, but not in it ({error.reason} at byte "
            f"{error.start}); save it again as UTF-8"
        ) from None
    return _DECLARATION.sub("", text, count=1).encode(errors="replace")


def start_in_utf8(head: bytes) -> bytes:
    """The same for the first bytes of a file, which may end within a letter."""
    encoding = _marked(head)
    return head if encoding is None else head.decode(encoding, "ignore").encode(errors="replace")


def _marked(data: bytes) -> str | None:
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)
