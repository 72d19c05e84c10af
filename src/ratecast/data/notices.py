"""How data says what it did to a table, so that nothing happens in silence."""

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Print the line where it does not mix with results."""
    print(line, file=sys.stderr)
