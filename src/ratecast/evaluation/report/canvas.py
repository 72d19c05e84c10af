"""One visual style: figures that take their colours and their letters from the page.

A figure is drawn by matplotlib as inline SVG; its colours become CSS variables, so that light,
dark and print are the page's choice.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from ratecast.evaluation.report.markup import Markup

INK, MUTED, GRID, PAPER = "#1f2933", "#61707f", "#dfe4ea", "#fefefe"
OTHER = "#a3adb8"

# Reference: Okabe, Ito 2008, "Color universal design"; yellow and black are left out, which
# cannot be seen on white or on black.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "D", "^", "v", "P")

_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "card", OTHER: "other"} | {
    color: f"s{k}" for k, color in enumerate(SERIES)
}

SIZE = 10.0
# A figure grows to this many pixels for each of its points, so that letters stay in proportion.
MOST_WIDER = 1.35
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
    """How a model is drawn, in every figure alike."""

    color: str
    marker: str

    @property
    def named(self) -> bool:
        """Whether the model is one of those that stand out."""
        return self.color != OTHER


@contextmanager
def style() -> Iterator[None]:
    """Draw within this."""
    settings: Any = _SETTINGS
    with mpl.rc_context(settings):
        yield


def pens(models: Sequence[str]) -> dict[str, Pen]:
    """A colour and a marker for the first six; the others are thin and grey."""
    chosen = zip(models, SERIES, MARKERS, strict=False)
    found = {model: Pen(color, marker) for model, color, marker in chosen}
    return {model: found.get(model, Pen(OTHER, "")) for model in models}


def label_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Names at the right of lines that end at (x, y): of (x, y, name, colour); none overlap."""
    if not ends:
        return
    ends = sorted(ends, key=lambda end: end[1])
    height = axes.get_window_extent().height / axes.figure.dpi * 72
    low, high = axes.get_ylim()
    gap = 1.25 * SIZE / height * (high - low)
    steps = gap * np.arange(len(ends))
    apart = isotonic_regression(np.array([end[1] for end in ends]) - steps).x
    places = np.clip(apart, low, max(low, high - steps[-1])) + steps
    for (x, y, name, color), place in zip(ends, places, strict=True):
        axes.annotate(
            shortened(name),
            xy=(x, y),
            xytext=(1.05, place),
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
    """A name that fits beside a plot."""
    return name if len(name) <= most else name[: most - 1] + "…"


def short(count: int) -> str:
    """A count in at most four letters.

    >>> short(986), short(4551), short(17941)
    ('986', '4.6k', '18k')
    """
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 9950 else f"{count / 1000:,.0f}k"


def svg(figure: Figure, words: str) -> Markup:
    """`figure` as SVG for a page; `words` say to a screen reader what it shows."""
    buffer = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": words}):
        figure.savefig(buffer, format="svg", metadata=nothing)
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    box = re.search(r'viewBox="([^"]+)"', drawn)
    body = drawn[drawn.index(">") + 1 :]
    size = box.group(1) if box else ""
    opening = Markup(
        '<svg viewBox="{}" style="max-width: {}px" role="img" aria-label="{}">'
    ).filled(size, round(MOST_WIDER * float(size.split()[2])), words)
    return Markup(opening + _of_page(body))


def _of_page(body: str) -> str:
    """Colours by the page's variables, letters by its font, and nothing that it does not need."""
    body = re.sub(r' id="(?:figure|axes|matplotlib|patch|line2d|text|xtick|ytick|Path|Line)[^"]*"',
                  "", body)  # fmt: skip
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"font: (?:(\w+) )?([\d.]+)px [^;\"]+", _letters, body)
    body = body.replace("xlink:href", "href")
    return re.sub(r"#[0-9a-f]{6}(?=[;\"])", _color, body)


def _letters(found: re.Match[str]) -> str:
    weight = f"font-weight: {found[1]}; " if found[1] else ""
    return f"{weight}font-size: {found[2]}px"


def _color(found: re.Match[str]) -> str:
    name = _VARIABLES.get(found[0])
    return f"var(--{name})" if name else found[0]
