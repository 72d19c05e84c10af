"""A learning rate that rises with each step, and the suggestion from the losses.

Lightning's own finder is not used: it prints a progress bar into every log, its moving average has
a wrong initial value, and its suggestion is the steepest step of a noisy curve.
"""

import math
from typing import Any

import numpy as np
from lightning import Callback, LightningModule, Trainer

from ratecast.arrays import F64

LOWEST, HIGHEST = 1e-5, 1.0
_DIVERGED = 4.0
_WIDTH = 0.04


class LearningRateRange(Callback):
    """Sets the rate of step k to 1e-5 * 1e5 ** (k / (steps - 1)), and records the losses.

    Training stops when a loss is more than four times the lowest so far.
    """

    def __init__(self, steps: int) -> None:
        self._all = np.geomspace(LOWEST, HIGHEST, steps).tolist()
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set the rate."""
        self._rate = self._all[min(trainer.global_step, len(self._all) - 1)]
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self._rate

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Record the loss."""
        loss = float(outputs["loss"])
        if not math.isfinite(loss) or loss > _DIVERGED * min([*self.losses, loss]):
            trainer.should_stop = True
            return
        self.rates.append(self._rate)
        self.losses.append(loss)


def smoothed(losses: F64) -> F64:
    """Mean of nearby losses with Gaussian weights, (s,); its width is 4 % of the curve."""
    steps = np.arange(len(losses))
    width = max(_WIDTH * len(losses), 1e-9)
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / width) ** 2)
    mean: F64 = weights @ losses / weights.sum(axis=1)
    return mean


def steepest_descent(rates: F64, losses: F64) -> float | None:
    """The rate where the smoothed loss decreases fastest, or None if it never decreases."""
    if len(losses) < 3:
        return None
    slopes = np.gradient(smoothed(losses), np.log(rates))
    return float(rates[slopes.argmin()]) if slopes.min() < 0 else None
