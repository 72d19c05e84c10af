"""The errors of the models: those of `make reproduce` where MovieLens 100K is served.

On a table of your own they are those of its fit, and of a comparison on it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from shlex import quote
from threading import Lock
from typing import Any

from nicegui import ui

from ratecast.errors import MissingPackageError
from ratecast.published_results import results
from ratecast.serving.page import quality
from ratecast.serving.page.layout import button, element
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.table_scores import Column, Line, TableScores

DRAWN = ("blend", "als", "bias", "mean")
DRAWING = Lock()
PROTOCOLS = (
    "As-of: the model is updated with each rating after its forecast. Frozen: it is not updated. "
    "Lower is better in every column."
)


COLUMNS = (
    Column("as-of", "test RMSE", "as-of", "test", "rmse"),
    Column("as-of", "valid RMSE", "as-of", "valid", "rmse"),
    Column("frozen", "test RMSE", "frozen", "test", "rmse"),
    Column("frozen", "valid RMSE", "frozen", "valid", "rmse"),
    Column("NLL", "as-of, test", "as-of", "test", "nll"),
    Column("ECE", "as-of, test", "as-of", "test", "ece"),
    Column("fit", "seconds", "frozen", "test", "fit_seconds", 1),
)
# How often MovieLens 100K has each star; known of it alone.
STARS_OF_100K = [6110, 11370, 27145, 34174, 21201]


def lines(rows: list[dict[str, Any]]) -> list[Line]:
    """One line per model, in the order of the file: its name, and one figure per column."""
    chosen = [row for row in rows if (row["split"], row["slice"]) == ("chronological", "all")]
    return TableScores(chosen).lines(list(COLUMNS))


def is_movielens_100k(visitor: Visitor) -> bool:
    """Whether the served model was trained on MovieLens 100K."""
    table, stars = visitor.context.table, visitor.service.live.served.stars
    return stars.counts.tolist() == STARS_OF_100K if table is None else table.data == "ml-100k"


async def view(visitor: Visitor) -> None:
    """The model that serves, and the scores of all models on its table."""
    info = visitor.service.model_info()
    with ui.element("div").classes("hello"):
        element("h1", "How good are the models?")
        element(
            "p",
            f"“{info.model}” is in service. It knows {info.users:,} users and "
            f"{info.movies:,} {visitor.items.many}.",
        )
    quality.section(visitor)
    if is_movielens_100k(visitor):
        _of_movielens(info.model)
    else:
        _of_own_table(visitor, info.model)


def _of_movielens(serving: str) -> None:
    table = results()
    if table is None:
        element("p", "The results file is not part of this installation.").classes("empty")
        return
    data = table["dataset"]
    with ui.element("section").classes("card models"):
        element("h2", "The error of every model")
        element(
            "p",
            f"MovieLens 100K, split by time: {data['train']:,} ratings to train, "
            f"{data['test']:,} to test. {PROTOCOLS}",
        ).classes("muted")
        Table(lines(table["rows"]), list(COLUMNS), serving)
    _plots()


def _of_own_table(visitor: Visitor, serving: str) -> None:
    """What is known of the served table: the errors of the fit, and those of a comparison."""
    table, scores = visitor.context.table, visitor.context.scores
    data = None if table is None else table.data
    own = TableScores([]) if scores is None else scores.of(data)
    with ui.element("section").classes("card models"):
        element("h2", "The error on this table")
        if table is not None and "valid/rmse" in table.figures:
            text = f"RMSE on ratings held out: {table.figures['valid/rmse']:.4f} stars"
            train = table.figures.get("train/rmse")
            more = "" if train is None else f", and {train:.4f} on those that it learned from"
            element("p", f"{text}{more}.")
        if own.rows:
            element("p", f"Ratings of part {own.part}. {PROTOCOLS}").classes("muted")
            columns = own.columns()
            Table(own.lines(columns), columns, serving)
        else:
            element("p", "To compare models on this table, and see it here:").classes("muted")
            models = f"{serving},{'mean' if serving == 'bias' else 'bias'}"
            element("code", f"ratecast compare {models} --data {quote(data or 'TABLE')}")
            element("code", "ratecast serve --comparison comparison")


def _plots() -> None:
    """The plots, drawn in a thread after the page is shown."""
    with ui.element("section").classes("card"):
        element("h2", "What the error depends on")
        place = ui.element("div").classes("figures")

    async def draw() -> None:
        for title, plot in PLOTS.items():
            try:
                drawn = await asyncio.to_thread(plotted, plot)
            except MissingPackageError as error:
                with place:
                    element("p", str(error)).classes("muted")
                return
            with place, ui.element("div").classes("figure"):
                element("h3", title)
                ui.html(drawn, sanitize=False)

    ui.timer(0, draw, once=True)


class Table:
    """A table that can be sorted by each column."""

    def __init__(self, table: list[Line], columns: list[Column], serving: str) -> None:
        self.lines, self.columns, self.serving = table, columns, serving
        self.by, self.up = 0, True
        self.heads: list[ui.element] = []
        scroll = ui.element("div").classes("scroll")
        scroll.props('tabindex="0" role="region" aria-label="Table of the models"')
        with scroll, ui.element("table"):
            element("caption", "RMSE in stars").classes("only")
            with ui.element("thead"), ui.element("tr"):
                element("th", "model").props('scope="col"')
                for k, column in enumerate(columns):
                    self._head(k, column)
            self.body = ui.element("tbody")
        self._draw()

    def _head(self, k: int, column: Column) -> None:
        with ui.element("th").props('scope="col"') as head, button("", self._sort(k)):
            element("span", column.title)
            element("small", column.note)
        self.heads.append(head)

    def _sort(self, k: int) -> Callable[[], None]:
        def sort() -> None:
            self.up = not self.up if self.by == k else True
            self.by = k
            self._draw()

        return sort

    def _draw(self) -> None:
        for k, head in enumerate(self.heads):
            order = ("ascending" if self.up else "descending") if k == self.by else "none"
            head.props(f'aria-sort="{order}"')
        known = [_known(figures) for _, figures in self.lines]
        best = [min(column) for column in zip(*known, strict=True)]
        self.body.clear()
        with self.body:
            for name, figures in sorted(self.lines, key=self._place):
                self._line(name, figures, best)

    def _place(self, line: Line) -> tuple[bool, float]:
        figure = line[1][self.by]
        value = 0.0 if figure is None else figure
        return figure is None, value if self.up else -value

    def _line(self, name: str, figures: list[float | None], best: list[float]) -> None:
        with ui.element("tr").classes("serving" if name == self.serving else ""):
            with element("th", name).props('scope="row"'):
                if name == self.serving:
                    element("small", "in service")
            for figure, least, column in zip(figures, best, self.columns, strict=True):
                text = "" if figure is None else f"{figure:.{column.digits}f}"
                element("td", text).classes("best" if figure == least else "")


def _known(figures: list[float | None]) -> list[float]:
    return [float("inf") if figure is None else figure for figure in figures]


@dataclass(frozen=True)
class Bin:
    """RMSE of the drawn models on one slice of the test rows, with n rows."""

    label: str
    n: int
    rmse: Any
    interval: Any


@dataclass(frozen=True)
class Plot:
    """Test RMSE by slice. spans: pairs of slice and label."""

    protocol: str
    label: str
    spans: tuple[tuple[str, str], ...]


PLOTS = {
    "As-of: by history length": Plot(
        "as-of",
        "history length, in ratings",
        (
            ("history-0", "0"),
            ("history-1-5", "1-5"),
            ("history-6-20", "6-20"),
            ("history-over-20", "21+"),
        ),
    ),
    "Frozen: by known and new users": Plot(
        "frozen", "user", (("known-user", "known"), ("new-user", "new"))
    ),
}


def plotted(plot: Plot) -> str:
    """SVG as in the report, cached."""
    # Matplotlib's style is shared by all threads.
    with DRAWING:
        return _plotted(plot)


@lru_cache(len(PLOTS))
def _plotted(plot: Plot) -> str:
    import numpy as np

    from ratecast.plots.canvas import pens
    from ratecast.plots.scores import rmse_by

    rows = (results() or {})["rows"]
    wanted = ("chronological", plot.protocol, "test")
    test = {
        (row["slice"], row["model"]): row
        for row in rows
        if (row["split"], row["protocol"], row["part"]) == wanted
    }
    no_interval = np.full((len(DRAWN), 2), np.nan)
    bins = [
        Bin(label, test[span, DRAWN[0]]["n"],
            np.array([test[span, model]["rmse"] for model in DRAWN]), no_interval)
        for span, label in plot.spans
    ]  # fmt: skip
    return rmse_by(DRAWN, bins, pens(DRAWN), plot.label).svg()
