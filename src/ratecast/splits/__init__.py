"""Splits of a table into train, valid and test parts, with half-open borders in UTC seconds."""

from ratecast.splits.at_random import FOLDS, holdout, kfold, official
from ratecast.splits.by_time import chronological, cut, rolling_origin
from ratecast.splits.by_user import last_ratings, leave_one_out, new_users, user_kfold
from ratecast.splits.files import is_folder_of_splits, read_splits, write_splits
from ratecast.splits.least_history import least_history
from ratecast.splits.specs import NAMES, family, named, parse, splits_of
from ratecast.splits.split import PREDEFINED, Split, predefined

__all__ = [
    "FOLDS",
    "NAMES",
    "PREDEFINED",
    "Split",
    "chronological",
    "cut",
    "family",
    "holdout",
    "is_folder_of_splits",
    "kfold",
    "last_ratings",
    "least_history",
    "leave_one_out",
    "named",
    "new_users",
    "official",
    "parse",
    "predefined",
    "read_splits",
    "rolling_origin",
    "splits_of",
    "user_kfold",
    "write_splits",
]
