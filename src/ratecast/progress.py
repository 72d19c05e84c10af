"""Progress bars, all of them: on stderr with the time left, and none where that is no terminal.

A bar may stand inside another: all of a process share one display. Work is never slowed for it,
and no result depends on it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")


class _Screen:
    """What this process shows: one display at most."""

    display: "Progress | None" = None
    silent = False


_screen = _Screen()


class Bar:
    """One line of progress; it does nothing where nobody looks."""

    def __init__(self, display: "Progress | None", task: "TaskID | None") -> None:
        self._display, self._task = display, task

    def advance(self, amount: float = 1) -> None:
        """More of the work is done."""
        if self._display is not None and self._task is not None:
            self._display.advance(self._task, amount)

    def change(
        self, *, label: str | None = None, total: float | None = None, done: float | None = None
    ) -> None:
        """Another label, a total that is known only now, or how much is done of it."""
        if self._display is not None and self._task is not None:
            self._display.update(self._task, description=label, total=total, completed=done)


@contextmanager
def bar(label: str, total: float | None = None, *, unit: str = "") -> Iterator[Bar]:
    """A bar for as long as the block runs; without a total it only shows that work goes on.

    unit: "bytes", or what is counted.
    """
    if _screen.silent or not sys.stderr.isatty():
        yield Bar(None, None)
        return
    outer = _screen.display
    shown = _screen.display = outer or _new()
    if outer is None:
        shown.start()
    task = shown.add_task(label, total=total, unit=unit)
    try:
        yield Bar(shown, task)
    finally:
        shown.remove_task(task)
        if outer is None:
            shown.stop()
            _screen.display = None


def each(items: Sequence[Item], label: str, unit: str = "") -> Iterator[Item]:
    """The items, with a bar that moves on as each is done."""
    with bar(label, len(items), unit=unit) as moved:
        for item in items:
            yield item
            moved.advance()


@contextmanager
def silent() -> Iterator[None]:
    """No bars inside: for a worker process, whose terminal is another's."""
    before, _screen.silent = _screen.silent, True
    try:
        yield
    finally:
        _screen.silent = before


def _new() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Amount(ProgressColumn):
        """How much of how much."""

        def render(self, task: Task) -> Text:
            unit = task.fields["unit"]
            if task.total is None:
                return Text("")
            if unit == "bytes":
                return Text(f"{task.completed / 1e6:,.1f} of {task.total / 1e6:,.1f} MB")
            return Text(f"{task.completed:,.0f} of {task.total:,.0f} {unit}".rstrip())

    class Left(TimeRemainingColumn):
        """The time left, where there is a total to reckon with."""

        def render(self, task: Task) -> Text:
            return Text("") if task.total is None else Text("left ").append(super().render(task))

    # Results go to stdout as they are: only what is said on stderr is moved above the bars.
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        Amount(),
        TimeElapsedColumn(),
        Left(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
