"""The visual style of all figures: colours, fonts and sizes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

INK, MUTED, GRID, PAPER = "#1f2933", "#61707f", "#dfe4ea", "#fefefe"
OTHER = "#a3adb8"

# Reference: Okabe, Ito 2008, "Color universal design"; without yellow and black, which are
# invisible on white or on black.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "D", "^", "v", "P")

VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "card", OTHER: "other"} | {
    color: f"s{k}" for k, color in enumerate(SERIES)
}

# The same names for a light and a dark page. `report/page.css` defines them too; a test compares.
LIGHT = {
    "ink": INK, "muted": "#5b6977", "grid": "#e1e6eb", "card": "#ffffff", "other": OTHER,
    "s0": "#0072b2", "s1": "#d55e00", "s2": "#009e73", "s3": "#b8558f", "s4": "#b87a00",
    "s5": "#3291c8",
}  # fmt: skip
DARK = {
    "ink": "#e6eaee", "muted": "#9aa7b4", "grid": "#2d3641", "card": "#1a2027", "other": "#5c6875",
    "s0": "#4aa3df", "s1": "#f0803c", "s2": "#2fc79a", "s3": "#dd93bd", "s4": "#f0b640",
    "s5": "#9bd3f5",
}  # fmt: skip
# Inches; about the width of a phone.
WIDTH, HEIGHT = 5.0, 3.6
_LETTER, _EDGE = 0.09, 0.17

SIZE = 10.0
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": SIZE,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
}


@dataclass(frozen=True)
class Pen:
    """Colour and marker of a model in every figure."""

    color: str
    marker: str

    @property
    def named(self) -> bool:
        """Whether the model has its own colour, not grey."""
        return self.color != OTHER


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this block."""
    settings: Any = _SETTINGS
    with mpl.rc_context(settings):
        yield


def pens(models: Sequence[str]) -> dict[str, Pen]:
    """A colour and a marker for the first six models; grey lines for the others."""
    first = zip(models, SERIES, MARKERS, strict=False)
    colored = {model: Pen(color, marker) for model, color, marker in first}
    return {model: colored.get(model, Pen(OTHER, "")) for model in models}


def label_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Label the ends of lines, at the right, without overlap. ends: (x, y, name, colour) each."""
    if not ends:
        return
    ends = sorted(ends, key=lambda end: end[1])
    height = axes.get_window_extent().height / axes.figure.dpi * 72
    low, high = axes.get_ylim()
    gap = 1.25 * SIZE / height * (high - low)
    steps = gap * np.arange(len(ends))
    spaced = isotonic_regression(np.array([end[1] for end in ends]) - steps).x
    positions = np.clip(spaced, low, max(low, high - steps[-1])) + steps
    for (x, y, name, color), position in zip(ends, positions, strict=True):
        axes.annotate(
            shortened(name),
            xy=(x, y),
            xytext=(1.05, position),
            textcoords=("axes fraction", "data"),
            color=color,
            va="center",
            fontsize=SIZE,
            fontweight="bold",
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "lw": 0.6,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def shortened(name: str, most: int = 16) -> str:
    """A name cut to the length that fits beside a plot."""
    return name if len(name) <= most else name[: most - 1] + "…"


def short(count: int) -> str:
    """A count in at most four characters.

    >>> short(986), short(4551), short(17941)
    ('986', '4.6k', '18k')
    """
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 9950 else f"{count / 1000:,.0f}k"


def titled(axes: Axes, text: str, pad: float = 8) -> None:
    """The label of the vertical axis, horizontal above it."""
    axes.set_title(text, loc="left", fontsize=SIZE, color=MUTED, pad=pad)


def single(
    names: Sequence[str] = (), width: float = WIDTH, height: float = HEIGHT, left: float = 0.52
) -> tuple[Figure, Axes]:
    """One plot, with space for `names` at its right; sizes in inches."""
    figure = Figure(figsize=(width, height))
    box = {
        "left": left / width,
        "right": _right(names, width),
        "top": 1 - 0.32 / height,
        "bottom": 0.46 / height,
    }
    return figure, figure.subplots(gridspec_kw=box)


def stacked(names: Sequence[str], heights: tuple[int, int]) -> tuple[Figure, tuple[Axes, Axes]]:
    """Two plots, one above the other, with a common horizontal axis."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    box = {
        "left": 0.52 / WIDTH,
        "right": _right(names, WIDTH),
        "top": 0.93,
        "bottom": 0.13,
        "hspace": 0.32,
    }
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=heights, gridspec_kw=box)
    upper.tick_params(axis="x", length=0, labelbottom=False)
    return figure, (upper, lower)


def side_by_side(count: int, width: float = 3.6, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """`count` plots in one row, each with its own axes."""
    total = count * width
    figure = Figure(figsize=(total, height))
    box = {
        "left": 0.55 / total,
        "right": 1 - 0.15 / total,
        "top": 1 - 0.36 / height,
        "bottom": 0.5 / height,
        "wspace": 0.27,
    }
    axes = figure.subplots(1, count, squeeze=False, gridspec_kw=box)
    return figure, list(axes[0])


def _right(names: Sequence[str], width: float) -> float:
    """The right end of the plot, as a share of the width, so that the names fit beside it."""
    longest = max((len(shortened(name)) for name in names), default=0)
    return 1 - (_EDGE + (0.12 + _LETTER * longest if longest else 0)) / width
