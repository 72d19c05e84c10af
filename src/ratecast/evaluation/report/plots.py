"""The figures of the report, each as SVG for the page."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ratecast.evaluation.contest import F64, Bin, Contest, reliability
from ratecast.evaluation.report import canvas
from ratecast.evaluation.report.canvas import GRID, INK, MUTED, PAPER, Pen
from ratecast.evaluation.report.markup import Markup

# Inches; a phone shows them about as wide as that.
WIDTH, HEIGHT = 5.0, 3.6
_LETTER, _EDGE = 0.09, 0.17
MARKED = 5
# Pixels of matplotlib's canvas (100 an inch) between the middles of two numbered marks.
_MARK = 19

PLAIN = Pen(INK, "o")
Pens = Mapping[str, Pen]
End = tuple[float, float, str, str]


class Curve(NamedTuple):
    """How a model's training went: RMSE in stars after each of its epochs."""

    epochs: Sequence[float]
    train: Sequence[float]
    valid: Sequence[float]


Curves = Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]]


def rmse_by(
    contest: Contest, bins: list[Bin], pens: Pens, label: str, limits: tuple[float, float]
) -> Markup:
    """RMSE of every model by bin, with its interval; below, how many rows a bin has.

    limits: of the vertical axis, stars, so that figures side by side can be compared.
    """
    with canvas.style():
        figure, (upper, lower) = _stacked(contest.models, (4, 1))
        ends: list[End] = []
        named = [model for model in contest.models if pens[model].named]
        for k, model in enumerate(contest.models):
            place = named.index(model) - (len(named) - 1) / 2 if model in named else 0
            at = np.linspace(0, len(bins) - 1, len(bins)) + 0.07 * place
            rmse = np.array([each.rmse[k] for each in bins])
            interval = np.array([each.interval[k] for each in bins])
            _line(upper, at, rmse, interval, pens[model])
            if pens[model].named:
                ends.append((at[-1], rmse[-1], model, pens[model].color))
        lower.bar(range(len(bins)), [each.n for each in bins], color=canvas.OTHER, width=0.6)
        upper.set_ylim(limits)
        _dress_bins(upper, lower, bins, label)
        canvas.label_ends(upper, ends)
        words = f"RMSE by {label.lower()}, {contest.protocol}, with 95 % intervals"
        return canvas.svg(figure, words)


def calibration(contest: Contest, pens: Pens) -> Markup:
    """How often a star came against its forecast probability; below, the gap in points."""
    with canvas.style():
        figure, (upper, lower) = _stacked(contest.models, (5, 3))
        ends: list[End] = []
        for model, forecast in contest.forecasts.items():
            points, pen = reliability(forecast, contest.part), pens[model]
            if len(points):
                said, seen, _ = points.T
                _line(upper, said, seen, None, pen)
                _line(lower, said, 100 * (seen - said), None, pen)
                ends += [(said[-1], seen[-1], model, pen.color)] * pen.named
        top = max([0.1, *(max(end[0], end[1]) for end in ends)]) * 1.08
        upper.plot([0, top], [0, top], color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
        lower.axhline(0, color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
        upper.set(xlim=(0, top), ylim=(0, top))
        _titled(upper, "share of rows in which the star came")
        _titled(lower, "came minus forecast, percentage points", 4)
        lower.set_xlabel("forecast probability of the star")
        upper.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        upper.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        canvas.label_ends(upper, ends)
        return canvas.svg(figure, f"Calibration of the star probabilities, {contest.protocol}")


def movies(table: pl.DataFrame, pen: Pen) -> Markup:
    """Each movie's RMSE by its number of ratings in train; the best and the worst are numbered."""
    with canvas.style():
        figure, axes = _single([])
        learned, rmse = table["learned"].to_numpy() + 1, table["rmse"].to_numpy()
        area = 6 + 60 * table["n"].to_numpy() / max(int(table["n"].cast(pl.Int64).max() or 1), 1)  # type: ignore[arg-type]
        axes.scatter(learned, rmse, s=area, color=pen.color, alpha=0.35, lw=0)
        axes.set_xscale("log")
        _trend(axes, learned, rmse)
        axes.margins(y=0.12)
        _plain_log(axes, learned)
        shown = min(MARKED, len(table) // 2)
        points = np.column_stack([learned, rmse])
        _ranks(axes, points[:shown], canvas.SERIES[2], -1)
        _ranks(axes, points[::-1][:shown], canvas.SERIES[1], 1)
        axes.set_xlabel("ratings of the movie in train")
        _titled(axes, "RMSE of the movie, stars")
        return canvas.svg(figure, "RMSE of each movie by its number of ratings in train")


def training(model: str, curve: Curve, pen: Pen) -> Markup:
    """RMSE by epoch: train dashed, validation thick, its lowest marked."""
    with canvas.style():
        figure, axes = _single(["validation"], 4.2, 2.8)
        color = pen.color if pen.named else INK
        epochs, train, valid = (np.asarray(values, float) for values in curve)
        axes.plot(epochs, train, color=color, lw=1.2, ls=(0, (4, 2)))
        axes.plot(epochs, valid, color=color, lw=2)
        best = int(np.nanargmin(valid))
        axes.plot(epochs[best], valid[best], "o", ms=7, mfc=PAPER, mec=color, mew=1.8)
        axes.annotate(
            f"{valid[best]:.3f}", (epochs[best], valid[best]), (0, 8), textcoords="offset points",
            ha="center", color=color, fontweight="bold", fontsize=9,
        )  # fmt: skip
        axes.margins(y=0.12)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel("epoch")
        _titled(axes, "RMSE, stars")
        ends = [
            (epochs[-1], train[-1], "train", color),
            (epochs[-1], valid[-1], "validation", color),
        ]
        canvas.label_ends(axes, ends)
        return canvas.svg(figure, f"RMSE of {model} after each epoch of training")


def _titled(axes: Axes, text: str, pad: float = 8) -> None:
    """What the vertical axis shows, above it: nobody has to turn the head."""
    axes.set_title(text, loc="left", fontsize=canvas.SIZE, color=MUTED, pad=pad)


def _right(models: Sequence[str], width: float = WIDTH) -> float:
    """Where the plot ends, so that the names fit beside it."""
    longest = max((len(canvas.shortened(model)) for model in models), default=0)
    return 1 - (_EDGE + (0.12 + _LETTER * longest if longest else 0)) / width


def _single(
    models: Sequence[str], width: float = WIDTH, height: float = HEIGHT
) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    box = {
        "left": 0.52 / width,
        "right": _right(models, width),
        "top": 0.91,
        "bottom": 0.46 / height,
    }
    return figure, figure.subplots(gridspec_kw=box)


def _stacked(models: Sequence[str], heights: tuple[int, int]) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(WIDTH, HEIGHT))
    box = {
        "left": 0.52 / WIDTH,
        "right": _right(models),
        "top": 0.93,
        "bottom": 0.13,
        "hspace": 0.32,
    }
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=heights, gridspec_kw=box)
    upper.tick_params(axis="x", length=0, labelbottom=False)
    return figure, (upper, lower)


def _line(axes: Axes, x: F64, y: F64, interval: F64 | None, pen: Pen) -> None:
    width, level = (1.8, 3) if pen.named else (1.0, 2)
    axes.plot(
        x, y, color=pen.color, lw=width, marker=pen.marker or None, mec=PAPER, mew=0.7, zorder=level
    )
    if interval is not None and pen.named:
        axes.vlines(x, *interval.T, color=pen.color, lw=1.2, alpha=0.6, zorder=level)


def _dress_bins(upper: Axes, lower: Axes, bins: list[Bin], label: str) -> None:
    _titled(upper, "RMSE, stars")
    _titled(lower, "rows", 2)
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


def _trend(axes: Axes, learned: F64, rmse: F64) -> None:
    """Median RMSE of the movies in bins of popularity, each four times as wide."""
    bins = np.floor(np.log2(learned) / 2).astype(np.int64)
    middle = [
        (np.exp(np.log(learned[bins == k]).mean()), np.median(rmse[bins == k]))
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
    """Numbered marks at `points`, (k, 2); one that would cover another moves up or down."""
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
    """Ticks at 0, 1, 3, 10, 30 ... ratings; the axis holds ratings + 1."""
    ticks = [0, *(k * 10**e for e in range(9) for k in (1, 3))]
    ticks = [tick for tick in ticks if tick + 1 <= values.max() * 1.3]
    axes.set_xticks([tick + 1 for tick in ticks], [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(color=GRID)
