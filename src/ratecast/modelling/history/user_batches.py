"""Past ratings and prediction requests of a batch of users, grouped by user and in time order."""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.history.user_history import RatingColumns, UserHistory

# The time of a rating or request without one: it belongs to no tie group.
NO_TIME = np.iinfo(np.int64).min
PAST = -1


@dataclass(frozen=True)
class UserBatches:
    """Rows of several users, user after user: first the past ratings, then the requests.

    rows: (n,). edges: (users + 1,) borders of the users. group: (n,) time group of each row,
    `PAST` for a past rating; a request sees only rows of earlier groups. requested: (k,) position
    of each request. order: (n,) which row of past, then requests, stands at each position.
    """

    rows: RatingColumns
    edges: I64
    group: I64
    requested: I64
    order: I64

    @classmethod
    def of(
        cls, past: RatingColumns, requests: RatingColumns, user: tuple[I64, I64], group: I64
    ) -> "UserBatches":
        """Group past ratings and requests by user.

        user: numbers 0, 1, ... of the users of `past` (p,) and of `requests` (k,).
        group: (k,) time group of each request.
        """
        local = np.concatenate(user)
        order = np.argsort(local, kind="stable")
        position = np.empty(len(local), np.int64)
        position[order] = np.arange(len(local))
        edges = np.searchsorted(local[order], np.arange(int(local.max(initial=-1)) + 2))
        groups = np.concatenate([np.full(len(past), PAST, np.int64), group])[order]
        rows = RatingColumns.concat([past, requests]).take(order)
        return cls(rows, edges, groups, position[len(past) :], order)


def rating_columns(rows: Rows) -> RatingColumns:
    """The columns of a table of ratings; `NO_TIME` where it has no times."""
    stars = rows.stars.astype(np.float64)
    return RatingColumns(rows.users, rows.movies, stars, times(rows))


def request_columns(rows: Rows) -> RatingColumns:
    """The columns of a table of requests, with 0 in place of the stars."""
    return RatingColumns(rows.users, rows.movies, np.zeros(len(rows)), times(rows))


def times(rows: Rows) -> I64:
    """UTC seconds of each row, or `NO_TIME`: (n,)."""
    if rows.table.timed:
        return rows.table.frame["at"].to_numpy()
    return np.full(len(rows), NO_TIME, np.int64)


def group_ids(edges: I64) -> I64:
    """The number of each row's time group: (n,). edges: (k + 1,) borders of the groups."""
    return np.repeat(np.arange(len(edges) - 1), np.diff(edges))


def history_arrays(history: UserHistory) -> Arrays:
    """All ratings of a history, for an artifact."""
    arrays: Arrays = {f"history.{k}": v for k, v in vars(history.all_ratings()).items()}
    return arrays | {"history.merged": np.array([len(history.merged.without_deleted())])}


def restored_history(arrays: Arrays) -> UserHistory:
    """The history that `history_arrays` wrote."""
    columns = (arrays[f"history.{k}"] for k in ("users", "movies", "stars", "at"))
    return UserHistory.of(RatingColumns(*columns), int(arrays["history.merged"][0]))
