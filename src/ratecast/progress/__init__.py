"""Progress bars on stderr with the time left; none if stderr is no terminal.

Bars may be nested: all bars of a process share one display. No result depends on them.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ratecast.visible_text import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")


class _Screen:
    """The display of this process, at most one."""

    display: "Progress | None" = None
    silent = False


_screen = _Screen()


class Bar:
    """One progress bar; without a display it does nothing."""

    def __init__(self, display: "Progress | None", task: "TaskID | None") -> None:
        self._display, self._task = display, task

    def advance(self, amount: float = 1) -> None:
        """Add to the amount that is done."""
        if self._display is not None and self._task is not None:
            self._display.advance(self._task, amount)

    def change(
        self, *, label: str | None = None, total: float | None = None, done: float | None = None
    ) -> None:
        """Set the label, the total, or the amount that is done."""
        if self._display is not None and self._task is not None:
            shown = None if label is None else one_line(label)
            self._display.update(self._task, description=shown, total=total, completed=done)


@contextmanager
def bar(label: str, total: float | None = None, *, unit: str = "") -> Iterator[Bar]:
    """A progress bar for the duration of the block; without a total, a spinner.

    unit: "bytes", or what is counted.
    """
    if _screen.silent or not sys.stderr.isatty():
        yield Bar(None, None)
        return
    outer = _screen.display
    shown = _screen.display = outer or _new()
    if outer is None:
        shown.start()
    task = shown.add_task(one_line(label), total=total, unit=unit)
    try:
        yield Bar(shown, task)
    finally:
        shown.remove_task(task)
        if outer is None:
            shown.stop()
            _screen.display = None


def each(items: Sequence[Item], label: str, unit: str = "") -> Iterator[Item]:
    """Iterate over the items with a progress bar."""
    with bar(label, len(items), unit=unit) as progress:
        for item in items:
            yield item
            progress.advance()


@contextmanager
def silent() -> Iterator[None]:
    """No bars inside the block, for a worker process that shares the terminal."""
    before, _screen.silent = _screen.silent, True
    try:
        yield
    finally:
        _screen.silent = before


def _new() -> "Progress":
    # rich is imported only if there is a terminal.
    from ratecast.progress.display import display

    return display()
