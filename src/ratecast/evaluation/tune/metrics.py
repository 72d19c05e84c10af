"""What settings can be chosen by: each metric over all folds, and which way it is better."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation.ranking import K, Ranking
from ratecast.metrics.scores import INTERVAL, Score
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Ratings


class Term(NamedTuple):
    """A fold's part of a mean: a sum, and over how many rows or users it is."""

    total: float
    weight: float


@dataclass(frozen=True)
class Metric:
    """One number for the forecasts of several folds, each row or user counted once.

    label: for people. term: of one fold. whole: of the mean over all folds. higher: whether more is
    better. of_probabilities: whether star probabilities are scored: rows that are scored must not
    calibrate them.
    """

    label: str
    term: Callable[[Forecast, Ratings], Term]
    whole: Callable[[float], float] = float
    higher: bool = False
    of_probabilities: bool = False

    def value(self, terms: list[Term]) -> float:
        """Over the folds of `terms`. Raises `InputError` where no row or user counts."""
        weight = sum(term.weight for term in terms)
        if not weight:
            raise InputError(
                "no user of valid has ratings to rank: two different ones for ndcg and "
                "concordance, a liked one for the others; choose another --metric"
            )
        return self.whole(sum(term.total for term in terms) / weight)


def _of_rows(read: Callable[[Score], float]) -> Callable[[Forecast, Ratings], Term]:
    def term(forecast: Forecast, given: Ratings) -> Term:
        score = Score.of(forecast, given)
        return Term(read(score) * score.n, score.n)

    return term


def _of_users(name: str, counted: str) -> Callable[[Forecast, Ratings], Term]:
    def term(forecast: Forecast, given: Ratings) -> Term:
        ranking = Ranking.of(forecast, given)
        users = getattr(ranking, counted)
        return Term(getattr(ranking, name) * users if users else 0.0, users)

    return term


def _gap(coverage: float) -> float:
    return abs(coverage - INTERVAL)


_ORDER, _LIKED = "users_with_order", "users_with_liked"
RMSE = Metric("RMSE", _of_rows(lambda score: score.rmse**2), sqrt)
METRICS: dict[str, Metric] = {
    "rmse": RMSE,
    "mae": Metric("MAE", _of_rows(lambda score: score.mae)),
    "nll": Metric("NLL", _of_rows(lambda score: score.nll), of_probabilities=True),
    "ece": Metric("ECE", _of_rows(lambda score: score.ece), of_probabilities=True),
    "coverage_gap": Metric(
        f"|coverage - {INTERVAL}|",
        _of_rows(lambda score: score.coverage),
        _gap,
        of_probabilities=True,
    ),
    "ndcg": Metric(f"nDCG@{K}", _of_users("ndcg", _ORDER), higher=True),
    "recall": Metric(f"recall@{K}", _of_users("recall", _LIKED), higher=True),
    "precision": Metric(f"precision@{K}", _of_users("precision", _LIKED), higher=True),
    "mrr": Metric("MRR", _of_users("mrr", _LIKED), higher=True),
    "concordance": Metric("concordance", _of_users("concordance", _ORDER), higher=True),
}
