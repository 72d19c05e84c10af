"""Whether the RMSE is what the model's own probabilities say that it should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ratecast.serving.quality.scores import Sums

# Two-sided levels: of the test that the RMSE has left its band, and of the one that it is back.
LEAVES, RETURNS = 0.001, 0.05
# Fewer blocks do not show how much they vary.
LEAST_BLOCKS = 10


@dataclass(frozen=True)
class Band:
    """The RMSE of n forecasts, and where it should lie.

    expected: if every error has the variance that was forecast for it. low, high: ends of the
    band. All in stars.
    """

    n: int
    rmse: float
    expected: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the RMSE lies in the band."""
        return self.low <= self.rmse <= self.high


def band_of(blocks: Sequence[Sums], level: float = LEAVES) -> Band | None:
    """The band of some blocks of equal size; None for fewer than ten.

    A t-test of the mean, over the blocks, of squared errors less the variances that were forecast.
    The blocks' own spread is the measure, so that ratings of one user need not be independent, only
    those of different blocks nearly so. level: how often it is left where every variance is right.
    Reference: Schmeiser 1982, "Batch size effects in the analysis of simulation output" (batch
    means).
    """
    count = len(blocks)
    if count < LEAST_BLOCKS:
        return None
    from scipy.special import stdtrit

    excess = np.array([block.excess for block in blocks])
    n, variance = sum(block.n for block in blocks), sum(block.variance for block in blocks)
    half = float(stdtrit(count - 1, 1 - level / 2) * excess.std(ddof=1) * sqrt(count))
    return Band(
        n,
        sqrt(max(variance + float(excess.sum()), 0.0) / n),
        sqrt(variance / n),
        sqrt(max(variance - half, 0.0) / n),
        sqrt((variance + half) / n),
    )
