"""Forecasts of pairs as tables, with the true ratings where they are known, and their errors."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from ratecast.evaluation.pooled_errors import PooledErrors
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.queries.many_forecasts import EveryPair, blocks, forecasts
from ratecast.ratings import RATING, Ratings, Requests


@dataclass
class ScoredPairs:
    """The forecasts of pairs, and their errors, which are complete after the last table.

    pairs: n pairs. ratings: their true ratings, (n,), null where a pair has none; None if no pair
    has one.

    >>> import ratecast as rc
    >>> from ratecast.evaluation.scored_pairs import ScoredPairs
    >>> ratings = rc.example_ratings()
    >>> scored = ScoredPairs(rc.Bias().fit(ratings), ratings.requests(), ratings.frame["rating"])
    >>> sum(table.height for table in scored.tables()), sorted(scored.errors.figures())
    (1500, ['mae', 'nll', 'rmse'])
    """

    model: Model
    pairs: Requests | EveryPair
    ratings: pl.Series | None = None
    errors: PooledErrors = field(default_factory=PooledErrors)

    def tables(self) -> Iterator[pl.DataFrame]:
        """`Forecast.frame` of each block, with the true rating before the stars if it is known."""
        found = forecasts(self.model, self.pairs)
        for block, forecast in zip(blocks(len(self.pairs)), found, strict=True):
            frame = forecast.frame
            if self.ratings is not None:
                true = self.ratings[block].alias(RATING)
                self._add(forecast, true)
                frame = frame.insert_column(frame.columns.index("stars"), true)
            yield frame

    def _add(self, forecast: Forecast, true: pl.Series) -> None:
        known = true.is_not_null().to_numpy()
        scored = forecast if known.all() else forecast.take(known)
        assert scored.requests is not None
        given = scored.requests.frame.with_columns(true.drop_nulls())
        self.errors.add(scored, Ratings(given, scale=self.model.scale))
