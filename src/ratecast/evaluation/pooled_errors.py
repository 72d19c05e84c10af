"""Errors of forecasts that come in blocks, over all rows of all blocks."""

from dataclasses import dataclass

import numpy as np

from ratecast.metrics.scores import Score
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Ratings


@dataclass
class PooledErrors:
    """Sums over n rows: of squared and absolute errors in stars, and of -ln p of the given star."""

    n: int = 0
    squared: float = 0.0
    absolute: float = 0.0
    log_loss: float = 0.0

    def add(self, forecast: Forecast, given: Ratings) -> None:
        """Add the rows of one block. given: their true ratings."""
        if not len(given):
            return
        score = Score.of(forecast, given)
        n = score.n
        self.merge(PooledErrors(n, n * score.rmse**2, n * score.mae, n * score.nll))

    def merge(self, other: "PooledErrors") -> None:
        """Add the rows of other blocks."""
        self.n += other.n
        self.squared += other.squared
        self.absolute += other.absolute
        self.log_loss += other.log_loss

    def figures(self) -> dict[str, float]:
        """RMSE and MAE in stars, and NLL in nats, over all rows; empty without rows."""
        if not self.n:
            return {}
        return {
            "rmse": float(np.sqrt(self.squared / self.n)),
            "mae": self.absolute / self.n,
            "nll": self.log_loss / self.n,
        }
