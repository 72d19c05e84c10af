"""The pictures of docs/performance.md, in the one style of the project."""

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from benchmarks.curve import Curve, curves, target
from benchmarks.records import Record
from benchmarks.summary import Line, lines
from ratecast.plots import canvas
from ratecast.plots.canvas import INK, MARKERS, MUTED, OTHER, SERIES
from ratecast.plots.picture import Picture

FIGURES = {"fit": "fit, seconds", "memory": "peak memory of the process, GB"}
_PARTS = ("speed-25m", "speed-1m")
CURVES = ("curve-25m", "curve-1m")
_BAR, _LEFT = 0.27, 2.1


def of(results: Record) -> dict[str, Picture]:
    """Every picture that the results have figures for, by the name of its file."""
    svgs = {}
    for part in _PARTS:
        if part in results:
            measured = lines(results[part])
            for figure, label in FIGURES.items():
                svgs[f"{part}_{figure}.svg"] = bars(measured, figure, label)
    for part in CURVES:
        if part in results:
            svgs[f"{part}.svg"] = curve_picture(curves(results[part]))
    if "growth" in results:
        svgs["growth.svg"] = growth(results["growth"])
    return svgs


def bars(measured: list[Line], figure: str, label: str) -> Picture:
    """One bar a method, ratecast's coloured; families apart; seconds on a logarithmic axis."""
    shown = [line for line in measured if line.values]
    with canvas.style():
        size, axes = canvas.single(width=6.6, height=0.8 + _BAR * len(shown), left=_LEFT)
        places = _places(shown)
        values = [line.values[figure] for line in shown]
        colors = [SERIES[0] if line.ours else OTHER for line in shown]
        axes.barh(places, values, height=0.72, color=colors)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.3g}", (value, place), (4, 0), textcoords="offset points", va="center",
                color=MUTED, fontsize=8.5,
            )  # fmt: skip
        axes.set_yticks(places, [line.method for line in shown], color=INK)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        if figure == "fit":
            _logarithmic(axes, values)
        else:
            axes.set_xlim(0, 1.15 * max(values))
        canvas.titled(axes, label)
        return Picture(size, f"{label}, of every method, less is better")


def curve_picture(found: list[Curve]) -> Picture:
    """RMSE by seconds of fit, ratecast's lines coloured; dotted, the best RMSE of any peer."""
    shown = [curve for curve in found if curve.points]
    with canvas.style():
        size, axes = canvas.single([c.method.name for c in shown], width=7.2, height=3.8)
        colors = iter(SERIES)
        ends = []
        for curve, marker in zip(shown, cycle(MARKERS), strict=False):
            color = next(colors) if curve.ours else OTHER
            seconds, rmse = zip(*((p.seconds, p.valid) for p in curve.points), strict=True)
            axes.plot(seconds, rmse, color=color, marker=marker)
            ends.append((seconds[-1], rmse[-1], curve.method.name, color if curve.ours else MUTED))
        axes.set_ylim(*_rmse_shown(shown))
        _logarithmic(axes, [point.seconds for curve in shown for point in curve.points])
        axes.set_xlabel("seconds of fit")
        if goal := target(found):
            axes.axhline(goal[1].valid, color=MUTED, lw=1, ls=":")
        canvas.titled(axes, "RMSE on validation rows")
        canvas.label_ends(axes, ends)
        return Picture(size, "RMSE on validation rows by seconds of fit, of every method")


def _rmse_shown(shown: list[Curve]) -> tuple[float, float]:
    """From a little below the best point to the worst of the bests, where curves are compared."""
    bests = [curve.best.valid for curve in shown]
    low, high = min(bests), max(bests)
    spread = max(high - low, 0.01)
    return low - 0.1 * spread, high + 0.6 * spread


def growth(section: Record) -> Picture:
    """Seconds of an epoch by ratings; dashed, what a linear cost would be."""
    models = list(dict.fromkeys(row["model"] for row in section["rows"]))
    with canvas.style():
        size, (left, right) = canvas.side_by_side(2)
        for k, model in enumerate(models):
            points = sorted(
                (row["rows"], row["epoch_seconds"], row["bytes_a_rating"] * row["rows"] / 1e9)
                for row in section["rows"]
                if row["model"] == model and "failed" not in row
            )
            rows, seconds, memory = map(np.array, zip(*points, strict=True))
            pen = {"color": SERIES[k], "marker": MARKERS[k], "label": model}
            left.plot(rows, seconds, **pen)
            right.plot(rows, memory, **pen)
            linear = seconds[-1] * rows / rows[-1]
            left.plot(rows, linear, color=SERIES[k], lw=1, ls=(0, (4, 3)))
        for axes, title in ((left, "epoch, seconds"), (right, "memory that a fit adds, GB")):
            axes.set(xscale="log", yscale="log", xlabel="ratings")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _many(x)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
            axes.minorticks_off()
            canvas.titled(axes, title)
        left.legend(frameon=False, labelcolor=MUTED)
        return Picture(size, "Seconds and memory of one epoch by the number of ratings")


def _places(shown: list[Line]) -> list[float]:
    """One below the other, with a gap between families."""
    place, places, family = 0.0, [], shown[0].family if shown else ""
    for line in shown:
        place += 0.6 if line.family != family else 0.0
        family = line.family
        places.append(place)
        place += 1
    return places


def _logarithmic(axes: Axes, values: list[float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.7 * min(values), 2.2 * max(values))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.minorticks_off()


def _many(count: float) -> str:
    return f"{count / 1e6:g} M" if count >= 1e6 else f"{count / 1e3:g} k"
