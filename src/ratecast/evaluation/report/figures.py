"""The plots of the report, each with a sentence on how to read it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from ratecast.evaluation.comparison import (
    Bin,
    ModelComparison,
    by_movie,
    reliability,
)
from ratecast.evaluation.report import markup
from ratecast.evaluation.report.markup import Markup, card, joined, section
from ratecast.evaluation.report.tables import MEANING
from ratecast.plots import scores
from ratecast.plots import training as epochs
from ratecast.plots.picture import Picture
from ratecast.plots.scores import MARKED, Pens
from ratecast.plots.training import Curve, Curves
from ratecast.ratings import Ratings

NOTHING = Markup("")
PERIODS = {"1y": "year", "1mo": "month", "1w": "week that begins on", "1d": "day"}


def pictures(comparisons: Sequence[ModelComparison], pens: Pens) -> dict[str, Picture]:
    """The plots of errors and of calibration, by a name for a file."""
    parted = {
        "history-length": _by_history_length(comparisons, pens),
        "calibration": _calibrations(comparisons, pens),
        "time": _by_period(comparisons, pens),
    }
    return {
        f"{name}-{comparison.protocol}": picture
        for name, drawn in parted.items()
        for comparison, picture in drawn
    }


def history_length(comparisons: Sequence[ModelComparison], pens: Pens) -> Markup:
    """RMSE by history length."""
    lead = "What a model gains by knowing the user. Vertical lines are 95 % intervals over users."
    return _plotted("History length", lead, _by_history_length(comparisons, pens), pens)


def calibration(comparisons: Sequence[ModelComparison], pens: Pens) -> Markup:
    """Reliability diagrams: how often it happens against its forecast probability."""
    drawn = _calibrations(comparisons, pens)
    if not drawn:
        return NOTHING
    cards = [card(MEANING[c.protocol], _inline(picture, c)) for c, picture in drawn]
    lead = _QUANTILES if comparisons[0].part.scale.is_continuous else _STARS
    return section("Calibration", lead + _others(pens), _grid(cards))


def movies(comparison: ModelComparison, pens: Pens) -> Markup:
    """Error by popularity, and the movies with the lowest and the highest error."""
    model = comparison.ranked()[0]
    errors = by_movie(comparison, model)
    least = int(errors["n"].cast(pl.Int64).min() or 0)  # type: ignore[arg-type]
    count = min(MARKED, len(errors) // 2)
    cards = [
        card("Error by popularity", _inline(scores.movies(errors, pens[model])), _SIZES),
        _listed("Lowest error", errors.head(count), "good"),
        _listed("Highest error", errors.reverse().head(count), "bad"),
    ]
    return section(
        "Movies",
        f"Forecasts of {model}, {comparison.protocol}; movies of at least {least} rows in the "
        f"{comparison.name} part ({len(errors):,} of them).",
        _grid([cards[0], joined(cards[1:])]),
    )


def time(comparisons: Sequence[ModelComparison], pens: Pens) -> Markup:
    """RMSE by period; empty for a table without times."""
    lead = "Whether the error grows with time. Vertical lines are 95 % intervals over users."
    return _plotted("Time", lead, _by_period(comparisons, pens), pens)


def training(curves: Curves, pens: Pens) -> Markup:
    """Training curves of the models that have them."""
    if not curves:
        return NOTHING
    cards = [
        card(model, _inline(epochs.training(model, Curve(*curve), pens.get(model, epochs.PLAIN))))
        for model, curve in curves.items()
    ]
    lead = "RMSE after each epoch; the ring marks the epoch of the lowest validation RMSE."
    return section("Training", lead, _grid(cards, "small"))


_STARS = (
    "A point above the dashed line: the star is given more often than forecast. All stars are "
    "pooled; points of fewer than 100 forecasts are left out."
)
_QUANTILES = (
    "A point above the dashed line: ratings are more often at or below the forecast quantile than "
    "its level says."
)
_SIZES = "A dot is a movie, its size the number of rows; numbers are the ranks in the lists."


Drawn = list[tuple[ModelComparison, Picture]]


def _plotted(title: str, lead: str, drawn: Drawn, pens: Pens) -> Markup:
    """A section of a figure for each protocol; empty without any."""
    if not drawn:
        return NOTHING
    cards = [card(MEANING[c.protocol], _inline(picture, c)) for c, picture in drawn]
    return section(title, lead + _others(pens), _grid(cards))


def _by_history_length(comparisons: Sequence[ModelComparison], pens: Pens) -> Drawn:
    label = "history length: ratings of the user so far, at least"
    return _by_bins([(each, each.history_bins) for each in comparisons], label, pens)


def _by_period(comparisons: Sequence[ModelComparison], pens: Pens) -> Drawn:
    unit = comparisons[0].period_bins[0]
    label = f"{PERIODS[unit]} ({_years(comparisons[0].part)}, UTC)" if unit else ""
    return _by_bins([(each, each.period_bins[1]) for each in comparisons], label, pens)


def _by_bins(binned: Sequence[tuple[ModelComparison, list[Bin]]], label: str, pens: Pens) -> Drawn:
    """A figure for each protocol with two bins or more, all on one scale."""
    drawn = [(comparison, bins) for comparison, bins in binned if len(bins) > 1]
    if not drawn:
        return []
    limits = _limits(drawn, pens)
    return [
        (comparison, scores.rmse_by(comparison.models, bins, pens, label, limits))
        for comparison, bins in drawn
    ]


def _calibrations(comparisons: Sequence[ModelComparison], pens: Pens) -> Drawn:
    """For each protocol, of the models that gave probabilities."""
    drawn: Drawn = []
    for comparison in comparisons:
        points = {
            name: reliability(forecast, comparison.part)
            for name, forecast in comparison.forecasts.items()
            if not np.isnan(forecast.probabilities).any()
        }
        event = "rating below" if comparison.part.scale.is_continuous else "star"
        if points:
            drawn.append((comparison, scores.calibration(points, pens, event)))
    return drawn


def _inline(picture: Picture, comparison: ModelComparison | None = None) -> Markup:
    return Markup(picture.svg(comparison.protocol if comparison else ""))


def _limits(drawn: Sequence[tuple[ModelComparison, list[Bin]]], pens: Pens) -> tuple[float, float]:
    """The range of the coloured models; a few wide intervals and grey models may exceed it."""
    rmse, ends = [], []
    for comparison, bins in drawn:
        named = [pens[model].named for model in comparison.models]
        rmse.append(np.concatenate([each.rmse[named] for each in bins]))
        ends.append(np.concatenate([each.interval[named] for each in bins]))
    middle, outer = np.concatenate(rmse), np.concatenate(ends)
    low, high = float(middle.min()), float(middle.max())
    margin = 0.6 * (high - low) + 0.02
    return max(low - margin, float(np.nanmin([low, *outer[:, 0]])) - 0.02), min(
        high + margin, float(np.nanmax([high, *outer[:, 1]])) + 0.02
    )


def _listed(title: str, rows: pl.DataFrame, kind: str) -> Markup:
    lines = [
        [
            Markup('<i class="rank {}">{}</i> {}').filled(kind, rank, row["title"]),
            f"{row['rmse']:.3f}",
            f"{row['given']:.2f}",
            f"{row['forecast']:.2f}",
            f"{row['n']:,}",
        ]
        for rank, row in enumerate(rows.iter_rows(named=True), start=1)
    ]
    header = ["movie", "RMSE", "given", "forecast", "n"]
    return card(title, markup.table(header, lines, "titles"))


def _grid(cards: Sequence[Markup], kind: str = "") -> Markup:
    return Markup('<div class="grid {}">{}</div>').filled(
        kind, joined(Markup("<div>{}</div>").filled(each) for each in cards)
    )


def _years(part: Ratings) -> str:
    first, last = (
        datetime.fromtimestamp(int(at), UTC).year for at in (part.at.min(), part.at.max())
    )
    return f"{first}" if first == last else f"{first} to {last}"


def _others(pens: Pens) -> str:
    grey = [model for model, pen in pens.items() if not pen.named]
    return f" Grey: {', '.join(grey)}." if grey else ""
