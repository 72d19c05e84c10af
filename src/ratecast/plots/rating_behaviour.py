"""Plots of rating behaviour: over time, by user and movie, by star, by group."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ratecast.arrays import F64, I64
from ratecast.plots import canvas
from ratecast.plots.canvas import GRID, INK, MUTED, SERIES, side_by_side, titled
from ratecast.plots.picture import Picture


def over_time(periods: pl.DataFrame, borders: Sequence[int] = ()) -> Picture:
    """Rows and mean stars of each period, from `by_period`; borders: of a split, seconds."""
    with canvas.style():
        figure, (upper, lower) = canvas.stacked(["new users"], (3, 2))
        at = periods["period"].to_numpy()
        rows = periods["rows"].to_numpy()
        width = 0.9 * float(np.median(np.diff(date2num(at)))) if len(at) > 1 else 1.0
        upper.bar(at, rows, width, color=SERIES[5], align="edge")
        upper.yaxis.set_major_formatter(FuncFormatter(lambda x, _: canvas.short(int(x))))
        titled(upper, "ratings a week")
        lower.plot(at, periods["mean"].to_numpy(), color=SERIES[1])
        titled(lower, "mean stars of the week", 4)
        for border in borders:
            for axes in (upper, lower):
                axes.axvline(_day(border), color=INK, lw=1, ls=(0, (4, 3)))
        other = upper.twinx()
        other.plot(at, periods["new_users"].to_numpy(), color=INK, lw=1.4)
        other.set_ylim(0, None)
        other.grid(visible=False)
        other.set_ylabel("new users a week")
        other.spines["right"].set_visible(False)
        _dated(lower)
        return Picture(figure, "Ratings, new users and mean stars of each week")


def stars(used: pl.DataFrame) -> Picture:
    """Share of the ratings with each star, and of the users who ever give it."""
    with canvas.style():
        figure, axes = canvas.single()
        at, width = np.arange(used.height), 0.38
        for k, (column, what) in enumerate(
            (("ratings", "of ratings"), ("users", "of users, ever"))
        ):
            place = at + (k - 0.5) * width
            shares = used[column].to_numpy()
            axes.bar(place, shares, 0.92 * width, color=SERIES[k], label=what)
            for x, share in zip(place, shares, strict=True):
                axes.annotate(
                    f"{share:.0%}", (x, share), (0, 3), textcoords="offset points", ha="center",
                    color=MUTED, fontsize=8.5,
                )  # fmt: skip
        axes.set_xticks(at, [f"{star:g}" for star in used["star"]])
        axes.set_xlabel("stars")
        axes.grid(visible=False, axis="x")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylim(0, 1.08)
        _legend_above(axes)
        titled(axes, "share")
        return Picture(figure, "Share of the ratings and of the users of each star")


def long_tail(tails: dict[str, I64]) -> Picture:
    """The long tail: ratings of each id by its rank, and the cumulative share of the ratings.

    tails: kind of id to (m,) numbers of ratings, most first.
    """
    with canvas.style():
        figure, (left, right) = side_by_side(2)
        for k, (kind, counts) in enumerate(tails.items()):
            rank = np.arange(1, len(counts) + 1)
            left.plot(rank, counts, color=SERIES[k], label=kind)
            right.plot(rank / len(rank), np.cumsum(counts) / counts.sum(), color=SERIES[k])
        left.set(xscale="log", yscale="log", xlabel="rank")
        for axis in (left.xaxis, left.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        left.minorticks_off()
        left.legend(frameon=False, labelcolor=MUTED)
        titled(left, "ratings of the id at this rank")
        right.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (4, 3)))
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        right.set_xlabel("share of the ids, most rated first")
        titled(right, "share of all ratings")
        return Picture(figure, f"The long tail of {' and '.join(tails)}")


def histograms(panels: dict[str, F64], labels: Sequence[str], bins: int = 30) -> Picture:
    """One histogram for each panel, its median marked. panels: title to values, (n,)."""
    with canvas.style():
        figure, grid = side_by_side(len(panels))
        for axes, (title, values), label in zip(grid, panels.items(), labels, strict=True):
            axes.hist(values, bins, color=SERIES[0], rwidth=0.92)
            middle = float(np.median(values))
            axes.axvline(middle, color=SERIES[1], lw=1.4)
            axes.annotate(
                f"median {middle:.2g}", (middle, 0.97), (5, 0), xycoords=("data", "axes fraction"),
                textcoords="offset points", color=SERIES[1], va="top", fontweight="bold",
                fontsize=9,
            )  # fmt: skip
            axes.set_xlabel(label)
            axes.grid(visible=False, axis="x")
            titled(axes, title)
        return Picture(figure, "; ".join(panels))


def matrix(rows: I64, columns: I64, parts: I64, names: Sequence[str]) -> Picture:
    """Every rating as a dot: rows (n,) down, columns (n,) across, coloured by part (n,)."""
    with canvas.style():
        figure, axes = canvas.single(width=6.4, height=4.6)
        for part, name in enumerate(names):
            own = parts == part
            axes.plot(
                columns[own], rows[own], ",", color=SERIES[part], alpha=0.5, rasterized=True
            )  # fmt: skip
            axes.plot([], [], "o", color=SERIES[part], label=name, ms=5)
        axes.set(xlim=(0, columns.max() + 1), ylim=(rows.max() + 1, 0))
        axes.set_xlabel("movies, the most rated first")
        axes.grid(visible=False)
        _legend_above(axes)
        titled(axes, "users, by their first rating")
        return Picture(figure, "The matrix of ratings, coloured by part of the split")


def lifetimes(users: pl.DataFrame, borders: Sequence[int], names: Sequence[str]) -> Picture:
    """Every user as a line from the first to the last rating, coloured by part of the split."""
    with canvas.style():
        figure, axes = canvas.single(width=6.4, height=4.0)
        first, last = (users[c].to_numpy() for c in ("first", "last"))
        edges = [int(first.min()), *borders, int(last.max()) + 1]
        for part, name in enumerate(names):
            low, high = np.maximum(first, edges[part]), np.minimum(last, edges[part + 1])
            rows = np.flatnonzero(low <= high)
            ends = [np.array([(_day(low[r]), r), (_day(high[r]), r)]) for r in rows]
            axes.add_collection(
                LineCollection(ends, colors=SERIES[part], linewidths=1.3, capstyle="round")
            )
            axes.plot([], [], color=SERIES[part], label=name, lw=2)
        for border in borders:
            axes.axvline(_day(border), color=MUTED, lw=1, ls=(0, (4, 3)))
        axes.set(xlim=(_day(edges[0]), _day(edges[-1])), ylim=(len(first), 0))
        axes.grid(visible=False, axis="y")
        axes.legend(frameon=False, labelcolor=MUTED, loc="lower left")
        _dated(axes)
        titled(axes, "users, by their first rating")
        return Picture(figure, "From the first to the last rating of every user")


def shares(bars: dict[str, float], label: str) -> Picture:
    """A bar for each share, 0 to 1."""
    with canvas.style():
        longest = max(map(len, bars))
        figure, axes = canvas.single((), 5.6, 0.8 + 0.36 * len(bars), 0.35 + 0.085 * longest)
        at = np.arange(len(bars))[::-1]
        axes.barh(at, list(bars.values()), 0.62, color=SERIES[0])
        for y, share in zip(at, bars.values(), strict=True):
            axes.annotate(f"{share:.1%}", (share, y), (5, 0), textcoords="offset points",
                          va="center", color=INK)  # fmt: skip
        axes.set_yticks(at, list(bars))
        axes.set_xlim(0, 1.12)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_xlabel(label)
        axes.grid(visible=False, axis="y")
        axes.grid(color=GRID, axis="x")
        return Picture(figure, label)


def _legend_above(axes: Axes) -> None:
    axes.legend(
        frameon=False, labelcolor=MUTED, loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3,
        columnspacing=1, handlelength=1.2, handletextpad=0.4, borderaxespad=0,
    )  # fmt: skip


def _day(at: float) -> float:
    return float(date2num(datetime.fromtimestamp(int(at), UTC)))


def _dated(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=4, maxticks=8)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
