"""Ranking metrics of forecasts: how well each user's rated rows are ordered by expected stars.

The rows were chosen by the users who rated them, so these are not the figures of a list drawn from
the whole catalogue; those of shipped lists are in `list_quality.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.errors import InputError
from ratecast.evaluation.ranking_kernel import (
    CONCORDANCE,
    MRR,
    NDCG,
    PRECISION,
    RECALL,
    score_users,
)
from ratecast.metrics.intervals import Bootstrap
from ratecast.metrics.scores import require_every_forecast
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.kernels.csr import Grouped, pieces
from ratecast.modelling.kernels.loops import at_once, on_all_threads, side_by_side
from ratecast.ratings import USER, Ratings, Scale

# Names by column of the scores.
METRICS = {
    NDCG: "ndcg",
    RECALL: "recall",
    PRECISION: "precision",
    MRR: "mrr",
    CONCORDANCE: "concordance",
}
# Columns of which a user counts by one and the same rule.
_OF_ORDER, _OF_LIKED = (NDCG, CONCORDANCE), (RECALL, PRECISION, MRR)
K, DRAWS = 10, 1_000


@dataclass(frozen=True)
class Ranking:
    """Means over users of how their rated rows are ranked by expected stars, highest first.

    r is a row's rank, s the scale's lowest star. A row is liked if its rating is `liked` or more.

    ndcg: DCG / the DCG of the best order, with DCG = Σ_{r <= k} (rating - s) / log2(r + 1). The
        gain is linear, and counted from the lowest star, so that none is negative.
    recall: liked rows among the first k / liked rows.
    precision: liked rows among the first k / k.
    mrr: 1 / rank of the first liked row, of all rows.
    concordance: share of the pairs of different ratings whose forecasts are in the same order;
        equal forecasts count one half. 0.5 if all are equal.

    All are from 0 to 1, more is better, and are NaN where no user counts. Rows of equal forecasts
    have no order: each metric is the expectation over all orders of them.

    users: with a row. users_with_order: with two different ratings, which alone count for ndcg and
    concordance. users_with_liked: with a liked row, which alone count for the others.
    users_beyond_k: with more than k rows. Of all others recall is 1 whatever the model, and
    precision says only how many of the rows are liked.

    References: Järvelin, Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques" (DCG);
    McSherry, Najork 2008, "Computing information retrieval performance measures efficiently in the
    presence of tied scores"; Koren, Sill 2013, "Collaborative filtering on ordinal user feedback"
    (concordant pairs). Differs: a mean over users, where they pool the pairs.
    """

    k: int
    liked: float
    ndcg: float
    recall: float
    precision: float
    mrr: float
    concordance: float
    users: int
    users_with_order: int
    users_with_liked: int
    users_beyond_k: int

    @classmethod
    def of(cls, forecast: Forecast, given: Ratings, k: int = K, liked: float | None = None) -> Self:
        """Rank the rows of `given` by their forecasts; arguments and errors as of `UserRankings`.

        >>> import ratecast as rc
        >>> split = rc.chronological(rc.example_ratings())
        >>> forecast = rc.Bias().fit(split.train, split.valid).predict(split.test)
        >>> ranking = Ranking.of(forecast, split.test, k=3)
        >>> ranking.users, ranking.users_beyond_k, ranking.concordance > 0.6
        (60, 42, True)
        """
        return cls.mean(UserRankings.of(forecast, given, k, liked))

    @classmethod
    def mean(cls, each: "UserRankings") -> Self:
        """The means over users, and how many count."""
        means = {name: _mean(each.values[:, column]) for column, name in METRICS.items()}
        return cls(
            k=each.k,
            liked=each.liked,
            **means,
            users=len(each.rows),
            users_with_order=int(each.counts_for(NDCG).sum()),
            users_with_liked=int(each.counts_for(RECALL).sum()),
            users_beyond_k=int((each.rows > each.k).sum()),
        )


@dataclass(frozen=True, eq=False)
class UserRankings:
    """The metrics of `Ranking` for each user.

    users: (U,) ids, ascending. rows: (U,) how many each has. values: (U, 5), columns as in
    `METRICS`, NaN where a user does not count.
    """

    k: int
    liked: float
    users: pl.Series
    rows: I64
    values: F64

    @classmethod
    def of(cls, forecast: Forecast, given: Ratings, k: int = K, liked: float | None = None) -> Self:
        """Rank each user's rows of `given` by the forecasts of these rows.

        k: length of the list that recall, precision and ndcg look at. liked: the least rating that
        is liked; None is three quarters of the way up the scale, or the first star above.

        Raises `InputError` for a missing forecast, no rows, k below 1, and a `liked` that is not
        above the lowest star or is above the highest.

        >>> import ratecast as rc
        >>> ratings = rc.example_ratings()
        >>> each = UserRankings.of(rc.Bias().fit(ratings).predict(ratings), ratings)
        >>> each.frame.columns
        ['user', 'rows', 'ndcg', 'recall', 'precision', 'mrr', 'concordance']
        """
        require_every_forecast(forecast, given, "ranking")
        if k < 1:
            raise InputError(f"ranking: k is {k}; give 1 or more")
        if not len(given):
            raise InputError("ranking: no rows; give a part with ratings")
        liked = least_liked(given.scale, liked)
        users = given.frame[USER].unique().sort()
        number = Vocabulary(USER, users.to_frame()).encode(given.frame[USER]) - 1
        rows = np.arange(len(given), dtype=np.int32)
        grouped = Grouped.of(
            number, rows, forecast.stars.astype(np.float64, copy=False), len(users)
        )
        return cls(k, liked, users, grouped.counts, _scores(grouped, given, k, liked))

    def take(self, users: NDArray[np.bool_]) -> Self:
        """Only the users of a mask: (U,)."""
        chosen = self.users.filter(pl.Series(users)), self.rows[users], self.values[users]
        return type(self)(self.k, self.liked, *chosen)

    @property
    def frame(self) -> pl.DataFrame:
        """A line for each user: user, rows and every metric, null where the user does not count."""
        columns = {name: self.values[:, column] for column, name in METRICS.items()}
        frame = pl.DataFrame({USER: self.users, "rows": self.rows} | columns)
        return frame.with_columns(pl.col(*METRICS.values()).fill_nan(None))

    def counts_for(self, metric: int) -> NDArray[np.bool_]:
        """Whether each user counts for the metric of a column: (U,)."""
        return ~np.isnan(self.values[:, metric])


def least_liked(scale: Scale, liked: float | None = None) -> float:
    """The least rating that is liked: three quarters up the scale, or the first star above.

    liked: another one, which is checked: `InputError` if it is not above the lowest star, or is
    above the highest.

    >>> scales = map(Scale.parse, ("1:5", "0.5:5:0.5", "0:10", "-10:10:continuous"))
    >>> [least_liked(scale) for scale in scales]
    [4.0, 4.0, 8.0, 5.0]
    """
    if liked is not None:
        if not scale.low < liked <= scale.high:
            raise InputError(
                f"liked is {liked}; give a rating above {scale.low:g}, the lowest of the scale, "
                f"and up to {scale.high:g}"
            )
        return liked
    share = scale.low + 0.75 * (scale.high - scale.low)
    if scale.is_continuous:
        return share
    return float(scale.stars[np.searchsorted(scale.stars, share - 1e-6)])


def bootstraps(
    models: Sequence[UserRankings], draws: int = DRAWS, seed: int = 0
) -> dict[str, Bootstrap]:
    """Of each metric, by name, the means of all models and of the users resampled.

    The users that count for a metric are resampled, the same for every model. So `intervals` has
    the 95 % interval of each model, and `compare` the paired test of each pair, with Holm's
    correction over the pairs of one metric; an estimate above 0 is in favour of the first model.
    A metric for which no user counts is left out.

    models: rankings of the same rows. draws: 1,000 are enough for intervals; p is at least
    2 / (draws + 1), so that tests of the 78 pairs of 13 models need 10,000.
    Raises `InputError` for no model, or for rankings of other rows.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> models = [model.fit(split.train) for model in (rc.Bias(), rc.Mean())]
    >>> ranked = [UserRankings.of(model.predict(split.test), split.test) for model in models]
    >>> bias_and_mean = bootstraps(ranked)["concordance"]
    >>> bias_and_mean.intervals().shape, bias_and_mean.compare()[0].significant
    ((2, 2), True)
    """
    _require_same_rows(models)
    sampled: dict[str, Bootstrap] = {}
    for columns in (_OF_ORDER, _OF_LIKED):
        counted = models[0].counts_for(columns[0])
        if counted.any():
            values = np.hstack([each.values[counted][:, columns] for each in models])
            sample = Bootstrap.of_means(values, draws, seed)
            for place, column in enumerate(columns):
                sampled[METRICS[column]] = sample.take(slice(place, None, len(columns)))
    return {name: sampled[name] for name in METRICS.values() if name in sampled}


def _require_same_rows(models: Sequence[UserRankings]) -> None:
    if not models:
        raise InputError("ranking: no model; give rankings of one or more")
    first = models[0]
    for each in models[1:]:
        same = (each.k, each.liked) == (first.k, first.liked) and each.users.equals(first.users)
        if not same or (np.isnan(each.values) != np.isnan(first.values)).any():
            raise InputError(
                "ranking: models are ranked on different rows, k or liked; give rankings of the "
                "same part with the same k and liked"
            )


def _scores(grouped: Grouped, given: Ratings, k: int, liked: float) -> F64:
    """Metrics of each user: (U, 5)."""
    longest = min(k, int(grouped.counts.max()))
    discounts = np.append(0.0, np.cumsum(1 / np.log2(np.arange(2, longest + 2))))
    # As a rating is stored, so that a star is equal to itself.
    least = float(np.float32(liked)) - given.scale.low
    scores = np.full((len(grouped.edges) - 1, len(METRICS)), np.nan)
    run = on_all_threads if side_by_side(len(given)) else at_once
    rows = grouped.edges, grouped.columns, grouped.values
    ratings, cut = (given.stars, given.scale.low), (k, least, discounts)
    run(score_users, pieces(grouped.edges), rows, ratings, cut, scores)
    return scores


def _mean(values: F64) -> float:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else float("nan")
