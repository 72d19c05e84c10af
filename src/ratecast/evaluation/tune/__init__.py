"""Hyperparameter search on train and valid; test is never read."""

from ratecast.evaluation.tune.folds import Fold, folds_of, is_repeated, protocol_of
from ratecast.evaluation.tune.metrics import METRICS
from ratecast.evaluation.tune.result import Tuned
from ratecast.evaluation.tune.search import Prune, Search, score
from ratecast.evaluation.tune.summary import summary
from ratecast.evaluation.tune.tune import TRIALS, Plan, Progress, tune

__all__ = [
    "METRICS",
    "TRIALS",
    "Fold",
    "Plan",
    "Progress",
    "Prune",
    "Search",
    "Tuned",
    "folds_of",
    "is_repeated",
    "protocol_of",
    "score",
    "summary",
    "tune",
]
