"""Notices: one line for each change that reading a table makes, so that nothing is silent."""

import sys
from collections.abc import Callable

from ratecast.visible_text import one_line

Notify = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Print the line to stderr, so that it does not mix with results on stdout."""
    print(one_line(line), file=sys.stderr)
