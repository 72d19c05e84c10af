"""Time zones that are offsets, such as +05:30, as Arrow allows them; polars stops at them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_IGNORED = "POLARS_IGNORE_TIMEZONE_PARSE_ERROR"


@contextmanager
def offsets_are_zones() -> Iterator[None]:
    """Within, polars takes any name for a zone; the stored times are in UTC in every zone."""
    before = os.environ.get(_IGNORED)
    os.environ[_IGNORED] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_IGNORED, None)
        else:
            os.environ[_IGNORED] = before
