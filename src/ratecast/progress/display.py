"""What the bars look like."""

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
        """In the unit of the bar; nothing without a total."""
        unit = task.fields["unit"]
        if task.total is None:
            return Text("")
        if unit == "bytes":
            return Text(f"{task.completed / 1e6:,.1f} of {task.total / 1e6:,.1f} MB")
        return Text(f"{task.completed:,.0f} of {task.total:,.0f} {unit}".rstrip())


class Left(TimeRemainingColumn):
    """The time left, where there is a total to reckon with."""

    def render(self, task: Task) -> Text:
        """Nothing without a total."""
        return Text("") if task.total is None else Text("left ").append(super().render(task))


def display() -> Progress:
    """All bars of a process, on stderr."""
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
