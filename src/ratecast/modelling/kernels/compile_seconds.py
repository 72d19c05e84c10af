"""How long numba compiles, or loads what it compiled, apart from the work itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Held while a function is compiled or read from the cache, with those that it calls.
_LOCK = "numba:compiler_lock"


@dataclass
class Clock:
    """Seconds of compiling and loading, known at the end of the block."""

    seconds: float = 0.0


@contextmanager
def compile_clock() -> Iterator[Clock]:
    """Time what numba compiles or loads inside the block.

    >>> with compile_clock() as clock:
    ...     pass
    >>> clock.seconds
    0.0
    """
    # Only a fit has loops to compile.
    from numba.core import event

    clock = Clock()

    def taken(seconds: float) -> None:
        clock.seconds = seconds

    with event.install_timer(_LOCK, taken):
        yield clock
