"""Values with their intervals, one line each, for groups of ratings, models or probes."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ratecast.plots import canvas
from ratecast.plots.canvas import MUTED, OTHER, SERIES, titled
from ratecast.plots.picture import Picture

# Inches: height of a line, of title and axis; width of a panel, minimum width of a figure.
_LINE, _REST, _WIDTH, _LEAST = 0.2, 0.9, 3.4, 6.4


def intervals(
    panels: Mapping[str, pl.DataFrame], label: str, middle: float | None = None
) -> Picture:
    """A dot for each line of each panel, with its interval, the first line at the bottom.

    panels: title to a table with columns group, mean, low, high and, optionally, rows, which are
    added to the names. label: of the horizontal axes. middle: position of a dashed line.
    """
    most = max(table.height for table in panels.values())
    with canvas.style():
        size = (max(_LEAST, _WIDTH * len(panels)), _REST + _LINE * most)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, table) in zip(grid, panels.items(), strict=True):
            at = most - table.height + np.arange(table.height)
            if middle is not None:
                axes.axvline(middle, color=MUTED, lw=1, ls=(0, (4, 3)))
            axes.hlines(at, table["low"].to_numpy(), table["high"].to_numpy(), color=OTHER, lw=3)
            axes.plot(table["mean"].to_numpy(), at, "o", color=SERIES[0], ms=5)
            axes.set_yticks(at, _names(table))
            axes.set_ylim(-0.8, most - 0.2)
            axes.tick_params(axis="y", labelsize=8.5)
            axes.grid(visible=False, axis="y")
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.set_xlabel(label)
            titled(axes, title)
        return Picture(figure, f"{label} by {', '.join(panels)}")


def _names(table: pl.DataFrame) -> list[str]:
    groups = [canvas.shortened(str(group), 34) for group in table["group"]]
    if "rows" not in table.columns:
        return groups
    return [f"{g}  ({canvas.short(n)})" for g, n in zip(groups, table["rows"], strict=True)]
