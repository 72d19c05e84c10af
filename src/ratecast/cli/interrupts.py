"""Ctrl-C, which a command must not forget, and the signal to end, for one that must clean up."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """A list that has an entry for each Ctrl-C; each raises `KeyboardInterrupt`, as always.

    Python drops what is raised while an object is finalized, and prints it. The processes of the
    command, which a terminal stops too, are then found dead, and what is raised next says that they
    were, not that the user stopped them.
    """
    found: list[int] = []
    on_main = threading.current_thread() is threading.main_thread()
    if not on_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield found
        return

    def stop(number: int, frame: FrameType | None) -> None:
        found.append(number)
        signal.default_int_handler(number, frame)

    unraisable = sys.unraisablehook

    def dropped(what: Any) -> None:
        if what.exc_type is not KeyboardInterrupt:
            unraisable(what)

    signal.signal(signal.SIGINT, stop)
    sys.unraisablehook = dropped
    try:
        yield found
    finally:
        sys.unraisablehook = unraisable
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ended_as_interrupted() -> Iterator[None]:
    """For the block, the signal to end raises `KeyboardInterrupt` as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
