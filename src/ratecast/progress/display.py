"""The look of the progress bars."""

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

from ratecast.console import PlainConsole


class Amount(ProgressColumn):
    """The amount done, and the total."""

    def render(self, task: Task) -> Text:
        """In the unit of the bar; empty without a total."""
        unit = task.fields["unit"]
        if task.total is None:
            return Text("")
        if unit == "bytes":
            return Text(f"{task.completed / 1e6:,.1f} of {task.total / 1e6:,.1f} MB")
        return Text(f"{task.completed:,.0f} of {task.total:,.0f} {unit}".rstrip())


class TimeLeft(TimeRemainingColumn):
    """The time left, if there is a total."""

    def render(self, task: Task) -> Text:
        """Empty without a total."""
        return Text("") if task.total is None else Text("left ").append(super().render(task))


def display() -> Progress:
    """All bars of a process, on stderr."""
    # stdout is not redirected: results are printed there unchanged.
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        Amount(),
        TimeElapsedColumn(),
        TimeLeft(),
        console=PlainConsole(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
