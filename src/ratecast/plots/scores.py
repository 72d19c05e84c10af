"""Plots of scores: RMSE by bins, calibration, and errors of movies."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ratecast.arrays import F64
from ratecast.plots import canvas
from ratecast.plots.canvas import GRID, INK, MUTED, PAPER, Pen, titled
from ratecast.plots.picture import Picture

MARKED = 5
# Least distance of two numbered marks, in pixels of matplotlib's canvas (100 per inch).
_MARK = 19

Pens = Mapping[str, Pen]
End = tuple[float, float, str, str]


class Bin(Protocol):
    """RMSE of M models on n rows: (M,), and its interval: (M, 2), NaN for few users."""

    @property
    def label(self) -> str:
        """Name of the bin."""

    @property
    def n(self) -> int:
        """Number of rows."""

    @property
    def rmse(self) -> F64:
        """In stars."""

    @property
    def interval(self) -> F64:
        """In stars."""


def rmse_by(
    models: Sequence[str],
    bins: Sequence[Bin],
    pens: Pens,
    label: str,
    limits: tuple[float, float] | None = None,
) -> Picture:
    """RMSE of every model by bin, with its interval; below, how many rows a bin has.

    limits: of the vertical axis, stars, so that figures side by side can be compared.
    """
    with canvas.style():
        figure, (upper, lower) = canvas.stacked(models, (4, 1))
        ends: list[End] = []
        named = [model for model in models if pens[model].named]
        for k, model in enumerate(models):
            shift = named.index(model) - (len(named) - 1) / 2 if model in named else 0
            x = np.linspace(0, len(bins) - 1, len(bins)) + 0.07 * shift
            rmse = np.array([each.rmse[k] for each in bins])
            interval = np.array([each.interval[k] for each in bins])
            _line(upper, x, rmse, interval, pens[model])
            if pens[model].named:
                ends.append((x[-1], rmse[-1], model, pens[model].color))
        lower.bar(range(len(bins)), [each.n for each in bins], color=canvas.OTHER, width=0.6)
        if limits is not None:
            upper.set_ylim(limits)
        _dress_bins(upper, lower, bins, label)
        canvas.label_ends(upper, ends)
        return Picture(figure, f"RMSE by {label.lower()}, with 95 % intervals")


def calibration(points: Mapping[str, F64], pens: Pens, event: str = "star") -> Picture:
    """Frequency of a star against its forecast probability; below, the difference in points.

    points: of each model, (bins, 3): mean forecast probability, frequency, n. event: what has the
    probability, if not a star.
    """
    with canvas.style():
        figure, (upper, lower) = canvas.stacked(list(points), (5, 3))
        ends: list[End] = []
        for model, bins in points.items():
            pen = pens[model]
            if len(bins):
                forecast, frequency, _ = bins.T
                _line(upper, forecast, frequency, None, pen)
                _line(lower, forecast, 100 * (frequency - forecast), None, pen)
                ends += [(forecast[-1], frequency[-1], model, pen.color)] * pen.named
        top = max([0.1, *(max(end[0], end[1]) for end in ends)]) * 1.08
        upper.plot([0, top], [0, top], color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
        lower.axhline(0, color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
        upper.set(xlim=(0, top), ylim=(0, top))
        titled(upper, f"share of rows with the {event}")
        titled(lower, "share minus forecast, percentage points", 4)
        lower.set_xlabel(f"forecast probability of the {event}")
        upper.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        upper.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        canvas.label_ends(upper, ends)
        return Picture(figure, f"Calibration of the {event} probabilities")


def movies(table: pl.DataFrame, pen: Pen) -> Picture:
    """Each movie's RMSE by its number of ratings in train; the best and the worst are numbered."""
    with canvas.style():
        figure, axes = canvas.single()
        known, rmse = table["train_ratings"].to_numpy() + 1, table["rmse"].to_numpy()
        area = 6 + 60 * table["n"].to_numpy() / max(int(table["n"].cast(pl.Int64).max() or 1), 1)  # type: ignore[arg-type]
        axes.scatter(known, rmse, s=area, color=pen.color, alpha=0.35, lw=0)
        axes.set_xscale("log")
        _trend(axes, known, rmse)
        axes.margins(y=0.12)
        _plain_log(axes, known)
        shown = min(MARKED, len(table) // 2)
        points = np.column_stack([known, rmse])
        _ranks(axes, points[:shown], canvas.SERIES[2], -1)
        _ranks(axes, points[::-1][:shown], canvas.SERIES[1], 1)
        axes.set_xlabel("ratings of the movie in train")
        titled(axes, "RMSE of the movie, stars")
        return Picture(figure, "RMSE of each movie by its number of ratings in train")


def _line(axes: Axes, x: F64, y: F64, interval: F64 | None, pen: Pen) -> None:
    width, level = (1.8, 3) if pen.named else (1.0, 2)
    axes.plot(
        x, y, color=pen.color, lw=width, marker=pen.marker or None, mec=PAPER, mew=0.7, zorder=level
    )
    if interval is not None and pen.named:
        axes.vlines(x, *interval.T, color=pen.color, lw=1.2, alpha=0.6, zorder=level)


def _dress_bins(upper: Axes, lower: Axes, bins: Sequence[Bin], label: str) -> None:
    titled(upper, "RMSE, stars")
    titled(lower, "rows", 2)
    lower.set_xlabel(label)
    upper.grid(visible=False, axis="x")
    lower.grid(visible=False)
    lower.set_yticks([])
    every = -(-len(bins) * max(len(each.label) + 2 for each in bins) // 48)
    lower.set_xticks(range(0, len(bins), every), [each.label for each in bins[::every]])
    lower.tick_params(axis="x", labelsize=8.5)
    lower.set_ylim(0, max(each.n for each in bins) * 1.6)
    if len(bins) <= 16:
        for k, each in enumerate(bins):
            lower.annotate(
                canvas.short(each.n), (k, each.n), (0, 2), textcoords="offset points", ha="center",
                fontsize=7.5, color=MUTED,
            )  # fmt: skip


def _trend(axes: Axes, ratings: F64, rmse: F64) -> None:
    """Median RMSE of the movies in bins of popularity, each four times as wide as the last."""
    bins = np.floor(np.log2(ratings) / 2).astype(np.int64)
    middle = [
        (np.exp(np.log(ratings[bins == k]).mean()), np.median(rmse[bins == k]))
        for k in np.unique(bins)
        if (bins == k).sum() >= 5
    ]
    if len(middle) > 1:
        axes.plot(*np.transpose(middle), color=INK, lw=1.8, zorder=4)
        axes.annotate(
            "median", middle[0], (0, 7), textcoords="offset points", color=INK, ha="left",
            fontsize=9, fontweight="bold",
        )  # fmt: skip


def _ranks(axes: Axes, points: F64, color: str, step: int) -> None:
    """Numbered marks at `points`, (k, 2); marks that would overlap are moved up or down."""
    axes.autoscale_view()
    to_page = axes.transData
    placed: list[F64] = []
    for place in to_page.transform(points):
        while any(np.hypot(*(place - other)) < _MARK for other in placed):
            place[1] += step
        placed.append(place)
    for rank, (at, mark) in enumerate(
        zip(points, to_page.inverted().transform(placed), strict=True)
    ):
        axes.plot(*np.transpose([at, mark]), color=color, lw=1, zorder=5)
        axes.plot(*at, "o", ms=4, mfc=color, mec=PAPER, mew=0.5, zorder=5)
        axes.plot(*mark, "o", ms=13, mfc=color, mec=PAPER, mew=1, zorder=6)
        axes.text(
            float(mark[0]), float(mark[1]), str(rank + 1),
            color=PAPER, ha="center", va="center_baseline", fontsize=9,
            fontweight="bold", zorder=7,
        )  # fmt: skip


def _plain_log(axes: Axes, values: F64) -> None:
    """Ticks at 0, 1, 3, 10, 30 ... ratings, on an axis of ratings + 1."""
    ticks = [0, *(k * 10**e for e in range(9) for k in (1, 3))]
    ticks = [tick for tick in ticks if tick + 1 <= values.max() * 1.3]
    axes.set_xticks([tick + 1 for tick in ticks], [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(color=GRID)
