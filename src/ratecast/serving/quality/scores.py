"""Sums of scores over all forecasts that came true, and over the newest: they hold no person."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ratecast.arrays import F64
from ratecast.metrics.history_groups import HISTORIES, history_groups
from ratecast.metrics.scores import Score, ScoreSums, continued_sums
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Scale
from ratecast.serving.quality.recent import RecentRows

# Ratings are summed in blocks, and the newest full blocks with the open one are the window.
BLOCK, BLOCKS = 500, 20
ALL = "all"
SLICES = (ALL, *HISTORIES)
_DRIFT, _VARIANCE = 0, 1


@dataclass(frozen=True)
class Figures:
    """Scores of n forecasts of one slice; see `Score` for rmse to coverage.

    drift: mean of stars less forecast. expected_rmse: the RMSE of forecasts whose errors have the
    variance that the model gives them.
    """

    n: int
    rmse: float
    mae: float
    nll: float
    ece: float
    coverage: float
    drift: float
    expected_rmse: float


@dataclass(frozen=True)
class Sums:
    """Sums over forecasts, a line for each of `SLICES`.

    further: of stars less forecast, and of variances, (slices, 2).
    """

    scores: ScoreSums
    further: F64

    @classmethod
    def none(cls, scale: Scale, columns: int) -> Self:
        """Of no forecasts. columns: of their probabilities."""
        return cls(ScoreSums.none(scale, columns, len(SLICES)), np.zeros((len(SLICES), 2)))

    @property
    def n(self) -> int:
        """How many forecasts."""
        return int(self.scores.figures[0, 0])

    @property
    def excess(self) -> float:
        """The sum of squared errors less the variances that were forecast."""
        return float(self.scores.figures[0, 1] - self.further[0, _VARIANCE])

    @property
    def variance(self) -> float:
        """The sum of the variances that were forecast."""
        return float(self.further[0, _VARIANCE])

    def add(self, rows: RecentRows) -> None:
        """Add forecasts, one after another."""
        forecast, given = rows.forecast, rows.given
        drift = given.stars.astype(np.float64) - forecast.stars
        variance = predicted_variance(forecast, given.scale)
        group = history_groups(forecast.history_length)
        for cell in (np.zeros_like(group), group + np.int8(1)):
            self.scores.add(forecast, given, cell)
            for column, values in ((_DRIFT, drift), (_VARIANCE, variance)):
                self.further[:, column] = continued_sums(self.further[:, column], cell, values)

    def plus(self, other: "Sums") -> "Sums":
        """The sums over the forecasts of both."""
        scores = ScoreSums(
            self.scores.figures + other.scores.figures,
            self.scores.calibration + other.scores.calibration,
        )
        return Sums(scores, self.further + other.further)

    def figures(self) -> dict[str, Figures]:
        """The scores of every slice that has a forecast, by its name."""
        found = {}
        for place, name in enumerate(SLICES):
            if n := int(self.scores.figures[place, 0]):
                score: Score = self.scores.score(np.arange(len(SLICES)) == place)
                drift, variance = (self.further[place] / n).tolist()
                found[name] = Figures(**vars(score), drift=drift, expected_rmse=variance**0.5)
        return found


def predicted_variance(forecast: Forecast, scale: Scale) -> F64:
    """Expected squared error of each forecast by its own probabilities, in stars²: (n,)."""
    squares = (scale.stars - forecast.stars[:, None]) ** 2
    within = scale.cell_width**2 / 12 if scale.is_continuous else 0.0
    variance: F64 = (forecast.probabilities * squares).sum(axis=1) + within
    return variance


def sums_of(rows: RecentRows) -> Sums:
    """The sums over some rows."""
    sums = Sums.none(rows.given.scale, rows.forecast.probabilities.shape[1])
    sums.add(rows)
    return sums


@dataclass
class Scores:
    """Scores of all forecasts up to the stored event `seq`, each counted once.

    total: over all of them. blocks: of `BLOCK` forecasts each, oldest first; the last one is open.
    """

    seq: int = 0
    total: Sums | None = None
    blocks: list[Sums] = field(default_factory=list)

    def count(self, rows: RecentRows) -> int:
        """Count rows later than `seq`; how many blocks became full."""
        full, start = 0, 0
        columns = rows.forecast.probabilities.shape[1]
        if self.total is None:
            self.total = Sums.none(rows.given.scale, columns)
        while start < len(rows):
            if not self.blocks or self.blocks[-1].n == BLOCK:
                self.blocks = [*self.blocks[-BLOCKS:], Sums.none(rows.given.scale, columns)]
            open_block = self.blocks[-1]
            stop = min(start + BLOCK - open_block.n, len(rows))
            part = rows.take(np.arange(start, stop))
            self.total.add(part)
            open_block.add(part)
            full, start = full + (open_block.n == BLOCK), stop
        self.seq = int(rows.seq[-1])
        return full

    @property
    def window(self) -> Sums | None:
        """The sums over the newest forecasts, 10,000 to 10,500 of them; None without any."""
        whole = None
        for block in self.blocks:
            whole = block if whole is None else whole.plus(block)
        return whole

    @property
    def full_blocks(self) -> list[Sums]:
        """The newest full blocks, `BLOCKS` at most."""
        return [block for block in self.blocks if block.n == BLOCK][-BLOCKS:]

    def packed(self) -> bytes:
        """As bytes, for the store."""
        assert self.total is not None
        arrays: dict[str, NDArray[Any]] = {"seq": np.array([self.seq], np.int64)}
        stacked = [self.total, *self.blocks]
        arrays["figures"] = np.stack([sums.scores.figures for sums in stacked])
        arrays["calibration"] = np.stack([sums.scores.calibration for sums in stacked])
        arrays["further"] = np.stack([sums.further for sums in stacked])
        return save(arrays)

    @classmethod
    def unpacked(cls, body: bytes) -> "Scores":
        """What `packed` gave. Raises `ValueError` for other bytes."""
        try:
            arrays = load(body)
            stacked = [
                Sums(ScoreSums(figures.copy(), calibration.copy()), further.copy())
                for figures, calibration, further in zip(
                    arrays["figures"], arrays["calibration"], arrays["further"], strict=True
                )
            ]
            return cls(int(arrays["seq"][0]), stacked[0], stacked[1:])
        except (SafetensorError, KeyError, IndexError) as error:
            raise ValueError(f"not the scores of a service ({error})") from None
