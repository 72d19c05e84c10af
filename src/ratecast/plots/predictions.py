"""Plots of predictions: star probabilities, and forecasts after each update."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ratecast.arrays import F64
from ratecast.plots import canvas
from ratecast.plots.canvas import INK, MUTED, SERIES, titled
from ratecast.plots.picture import Picture

_MOST_TICKS = 12


def distributions(
    shares: Mapping[str, F64], stars: Mapping[str, F64], scale: F64, movies: Sequence[str]
) -> Picture:
    """Probability of each star, or cell: a row of panels for each user, a column for each movie.

    shares: of each user, (movies, S). stars: of each user, (movies,) expected. scale: (S,).
    """
    with canvas.style():
        size = (2.5 * len(movies), 0.5 + 1.7 * len(shares))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(len(shares), len(movies), sharex=True, sharey=True, squeeze=False)
        for row, user in enumerate(shares):
            for column, movie in enumerate(movies):
                axes = grid[row, column]
                axes.bar(scale, shares[user][column], 0.8 * np.diff(scale)[0], color=SERIES[row])
                expected = float(stars[user][column])
                axes.axvline(expected, color=INK, lw=1.4)
                if len(scale) <= _MOST_TICKS:
                    axes.set_xticks(scale)
                axes.grid(visible=False, axis="x")
                axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
                name = f"{canvas.shortened(movie, 24)}\n" if not row else ""
                titled(axes, f"{name}{user}: {expected:.1f}", 5)
                if row == len(shares) - 1:
                    axes.set_xlabel("stars")
        return Picture(figure, f"Probability of every star, for {' and '.join(shares)}")


def updates(stars: F64, ratings: Sequence[str], movies: Sequence[str]) -> Picture:
    """Forecasts of some movies after each new rating.

    stars: (ratings, movies) forecasts. ratings: a label for each new rating.
    """
    with canvas.style():
        figure = Figure(figsize=(7.4, 4.8), layout="constrained")
        axes = figure.subplots()
        x = np.arange(len(ratings))
        for k, movie in enumerate(movies):
            pen = canvas.pens(movies)[movie]
            axes.plot(x, stars[:, k], color=pen.color, marker=pen.marker, label=movie)
        axes.set_xticks(x, list(ratings), rotation=35, ha="right")
        axes.tick_params(axis="x", labelsize=8.5)
        axes.legend(frameon=False, labelcolor=MUTED)
        titled(axes, "forecast, stars, after the rating ...")
        return Picture(figure, f"Forecasts of {', '.join(movies)} after each new rating")
