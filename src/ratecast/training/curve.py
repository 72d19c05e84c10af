"""The picture of a learning-rate sweep."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ratecast.training.rising import smoothed

LINE, MARK, FAINT = "#1f5f99", "#c8501e", "#8a8f98"
_ROOM = 0.3


def draw(
    rates: NDArray[np.float64], losses: NDArray[np.float64], suggestion: float, model: str
) -> Figure:
    """Loss over rate, the suggestion marked. rates, losses: (s,)."""
    figure = Figure(figsize=(8, 4.8), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    smooth = smoothed(losses)
    axes.plot(rates, losses, color=FAINT, linewidth=0.8, alpha=0.6, label="each step")
    axes.plot(rates, smooth, color=LINE, linewidth=2, label="smoothed")
    at = float(np.interp(np.log(suggestion), np.log(rates), smooth))
    axes.axvline(suggestion, color=MARK, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot([suggestion], [at], "o", color=MARK, markersize=7)
    axes.annotate(
        f"suggested rate\n{suggestion:.2g}",
        (suggestion, at),
        xytext=(-14, -12),
        textcoords="offset points",
        ha="right",
        va="top",
        color=MARK,
        fontweight="bold",
    )
    axes.set_xscale("log")
    axes.set_xlabel("learning rate (step size of Adam, log scale)")
    axes.set_ylabel("training loss (stars²)")
    axes.set_title(f"Learning-rate sweep of {model}", loc="left", fontweight="bold")
    axes.set_ylim(*_window(smooth))
    axes.yaxis.set_major_locator(MaxNLocator(7))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.22))
    axes.grid(color=FAINT, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _window(losses: NDArray[np.float64]) -> tuple[float, float]:
    """The range that shows the fall; a loss that explodes leaves through the top."""
    low, first = float(losses.min()), float(losses[0])
    room = max(first - low, 1e-6) * _ROOM
    return low - room, first + room
