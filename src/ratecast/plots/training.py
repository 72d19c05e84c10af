"""Plots of training: RMSE by epoch, several runs, and the learning-rate range test."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ratecast.arrays import F64
from ratecast.plots import canvas
from ratecast.plots.canvas import INK, MUTED, OTHER, PAPER, SERIES, Pen, titled
from ratecast.plots.picture import Picture

PLAIN = Pen(INK, "o")
_MARGIN = 0.3
_LEAST_LOSS = 1e-6


class Curve(NamedTuple):
    """A training curve: RMSE in stars after each epoch."""

    epochs: Sequence[float]
    train: Sequence[float]
    valid: Sequence[float]


Curves = Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]]


def training(model: str, curve: Curve, pen: Pen) -> Picture:
    """RMSE by epoch: train dashed, validation thick, its minimum marked."""
    with canvas.style():
        figure, axes = canvas.single(["validation"], 4.2, 2.8)
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
        titled(axes, "RMSE, stars")
        ends = [
            (epochs[-1], train[-1], "train", color),
            (epochs[-1], valid[-1], "validation", color),
        ]
        canvas.label_ends(axes, ends)
        return Picture(figure, f"RMSE of {model} after each epoch of training")


def side_by_side(curves: Curves, pens: Mapping[str, Pen]) -> Picture:
    """Several runs in one plot: train dashed, validation thick, its minimum marked."""
    with canvas.style():
        figure, axes = canvas.single(list(curves))
        ends = []
        for name, curve in curves.items():
            epochs, train, valid = (np.asarray(values, float) for values in curve)
            color, best = pens[name].color, int(np.nanargmin(valid))
            axes.plot(epochs, train, color=color, lw=1.1, ls=(0, (4, 2)), alpha=0.8)
            axes.plot(epochs, valid, color=color, lw=2)
            axes.plot(epochs[best], valid[best], "o", ms=6, mfc=PAPER, mec=color, mew=1.6)
            ends.append((epochs[-1], valid[-1], name, color))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("epoch")
        titled(axes, "RMSE, stars: validation (line) and train (dashes)")
        canvas.label_ends(axes, ends)
        return Picture(figure, f"RMSE after each epoch of training: {', '.join(curves)}")


def losses(runs: Mapping[str, tuple[F64, F64]], threshold: float) -> Picture:
    """Training loss of one batch by step, log scale. threshold: below it, the test is passed."""
    with canvas.style():
        figure, axes = canvas.single(left=0.75)
        pens = canvas.pens(list(runs))
        for name, (steps, values) in runs.items():
            axes.plot(steps, values, color=pens[name].color, label=name)
        axes.axhline(threshold, color=MUTED, lw=1, ls=(0, (4, 3)))
        axes.set_yscale("log")
        axes.set_ylim(bottom=_LEAST_LOSS)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.minorticks_off()
        axes.set_xlabel("step")
        titled(axes, "loss of the one batch, stars² (log scale)")
        axes.legend(frameon=False, labelcolor=MUTED)
        return Picture(figure, "Training loss of one batch by step")


def rates(rates: F64, losses: F64, smooth: F64, suggestion: float, model: str) -> Picture:
    """Loss against a rising learning rate, the suggestion marked. rates, losses, smooth: (s,)."""
    with canvas.style():
        figure, axes = canvas.single(width=5.6, height=3.6)
        axes.plot(rates, losses, color=OTHER, lw=0.8, label="each step")
        axes.plot(rates, smooth, color=SERIES[0], lw=2, label="smoothed")
        loss = float(np.interp(np.log(suggestion), np.log(rates), smooth))
        axes.axvline(suggestion, color=SERIES[1], lw=1, ls=(0, (4, 3)))
        axes.plot([suggestion], [loss], "o", color=SERIES[1], ms=7)
        axes.annotate(
            f"suggested rate\n{suggestion:.2g}", (suggestion, loss), (-14, -12),
            textcoords="offset points", ha="right", va="top", color=SERIES[1], fontweight="bold",
        )  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.minorticks_off()
        axes.set_ylim(*_window(smooth))
        axes.yaxis.set_major_locator(MaxNLocator(7))
        axes.set_xlabel(f"learning rate of {model} (step size of Adam, log scale)")
        titled(axes, "training loss, stars²")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.24), labelcolor=MUTED)
        return Picture(figure, f"Learning-rate sweep of {model}, suggestion {suggestion:.2g}")


def _window(losses: F64) -> tuple[float, float]:
    """Limits of the vertical axis: from the lowest loss to the first one; divergence is cut off."""
    low, first = float(losses.min()), float(losses[0])
    margin = max(first - low, 1e-6) * _MARGIN
    return low - margin, first + margin
