"""The table of all models and two plots, from `results/reproduce.json`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
from nicegui import ui

from ratecast.serving.page import quality
from ratecast.serving.page.layout import button, element
from ratecast.serving.page.session import Visitor

HERE = Path(__file__).parent
# Installed, the file is beside this one. In the repository, `make reproduce` writes it.
PACKED, WRITTEN = HERE / "results.json", HERE.parents[3] / "results" / "reproduce.json"
DRAWN = ("blend", "als", "bias", "mean")
DRAWING = Lock()


@dataclass(frozen=True)
class Column:
    """A column of the table. protocol, part: row of the results. key: which figure of the row."""

    title: str
    note: str
    protocol: str
    part: str
    key: str
    digits: int = 4


COLUMNS = (
    Column("as-of", "test RMSE", "as-of", "test", "rmse"),
    Column("as-of", "valid RMSE", "as-of", "valid", "rmse"),
    Column("frozen", "test RMSE", "frozen", "test", "rmse"),
    Column("frozen", "valid RMSE", "frozen", "valid", "rmse"),
    Column("NLL", "as-of, test", "as-of", "test", "nll"),
    Column("ECE", "as-of, test", "as-of", "test", "ece"),
    Column("fit", "seconds", "frozen", "test", "fit_seconds", 1),
)
Line = tuple[str, list[float | None]]


@lru_cache(1)
def results() -> dict[str, Any] | None:
    """The results of `make reproduce`; None if the file is not installed."""
    file = next((path for path in (PACKED, WRITTEN) if path.is_file()), None)
    return None if file is None else dict(orjson.loads(file.read_bytes()))


def lines(rows: list[dict[str, Any]]) -> list[Line]:
    """One line per model, in the order of the file: its name, and one figure per column."""
    keys = ("split", "protocol", "part", "slice", "model")
    by_key = {tuple(row[key] for key in keys): row for row in rows}
    names = list(dict.fromkeys(row["model"] for row in rows if row["split"] == "chronological"))

    def figure(name: str, column: Column) -> float | None:
        row = by_key.get(("chronological", column.protocol, column.part, "all", name))
        return None if row is None else float(row[column.key])

    return [(name, [figure(name, column) for column in COLUMNS]) for name in names]


async def view(visitor: Visitor) -> None:
    """The model that serves, the table, and a plot."""
    info, table = visitor.service.model_info(), results()
    with ui.element("div").classes("hello"):
        element("h1", "How good are the models?")
        element(
            "p",
            f"“{info.model}” is in service. It knows {info.users:,} users and "
            f"{info.movies:,} movies.",
        )
    quality.section(visitor)
    if table is None:
        element("p", "The results file is not part of this installation.").classes("empty")
        return
    data = table["dataset"]
    with ui.element("section").classes("card models"):
        element("h2", "The error of every model")
        element(
            "p",
            f"MovieLens 100K, split by time: {data['train']:,} ratings to train, "
            f"{data['test']:,} to test. As-of: the model is updated with each rating after its "
            "forecast. Frozen: it is not updated. Lower is better in every column.",
        ).classes("muted")
        Table(lines(table["rows"]), info.model)
    _plots()


def _plots() -> None:
    """The plots, drawn in a thread after the page is shown."""
    with ui.element("section").classes("card"):
        element("h2", "What the error depends on")
        place = ui.element("div").classes("figures")

    async def draw() -> None:
        for title, plot in PLOTS.items():
            drawn = await asyncio.to_thread(plotted, plot)
            with place, ui.element("div").classes("figure"):
                element("h3", title)
                ui.html(drawn, sanitize=False)

    ui.timer(0, draw, once=True)


class Table:
    """A table that can be sorted by each column."""

    def __init__(self, table: list[Line], serving: str) -> None:
        self.lines, self.serving, self.by, self.up = table, serving, 0, True
        self.heads: list[ui.element] = []
        scroll = ui.element("div").classes("scroll")
        scroll.props('tabindex="0" role="region" aria-label="Table of the models"')
        with scroll, ui.element("table"):
            element("caption", "RMSE in stars").classes("only")
            with ui.element("thead"), ui.element("tr"):
                element("th", "model").props('scope="col"')
                for k, column in enumerate(COLUMNS):
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
            for figure, least, column in zip(figures, best, COLUMNS, strict=True):
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
