"""Plots of a search of settings: its trials, and the importance of each setting."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ratecast.arrays import F64, I64
from ratecast.plots import canvas
from ratecast.plots.canvas import MUTED, OTHER, PAPER, SERIES, titled
from ratecast.plots.picture import Picture

# Of a bar and its name, in inches.
_BAR = 0.3
_LETTER = 0.085


def history(values: Sequence[float | None], label: str, *, higher: bool) -> Picture:
    """Each trial's value, and the best so far. values: by trial, None where it was not complete."""
    shown = np.array([np.nan if value is None else value for value in values])
    number, best = np.arange(1, len(shown) + 1), _best_so_far(shown, higher)
    complete = ~np.isnan(shown)
    with canvas.style():
        figure, axes = canvas.single(["best so far"], height=3.0)
        axes.plot(number[complete], shown[complete], "o", ms=4, color=OTHER)
        axes.step(number, best, where="post", color=SERIES[0], lw=2)
        _mark_others(axes, number[~complete])
        first = int(np.nanargmax(shown) if higher else np.nanargmin(shown))
        axes.plot(number[first], shown[first], "o", ms=7, mfc=PAPER, mec=SERIES[0], mew=1.8)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("trial")
        titled(axes, label)
        canvas.label_ends(axes, [(float(number[-1]), float(best[-1]), "best so far", SERIES[0])])
        return Picture(figure, f"{label} of each trial, and the best so far")


def importances(shares: Mapping[str, float]) -> Picture:
    """A bar for each setting, the most important one first."""
    names = sorted(shares, key=lambda name: -shares[name])
    left = 0.3 + _LETTER * max(map(len, names))
    with canvas.style():
        figure, axes = canvas.single(height=0.8 + _BAR * len(names), left=left)
        places = np.arange(len(names))
        axes.barh(places, [shares[name] for name in names], height=0.6, color=SERIES[0])
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the importance")
        return Picture(figure, f"Importance of each setting: {', '.join(names)}")


def _best_so_far(values: F64, higher: bool) -> F64:
    """The best value up to each trial, NaN before the first: (n,)."""
    best: F64 = (np.fmax if higher else np.fmin).accumulate(values)
    return best


def _mark_others(axes: Axes, numbers: I64) -> None:
    """Crosses at the lower edge for trials without a value."""
    if len(numbers):
        low = axes.get_ylim()[0]
        axes.plot(numbers, np.full(len(numbers), low), "x", ms=5, color=MUTED, clip_on=False)
