"""The ratings of some users, what was heard of them and what is asked, in one order for kernels."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ratecast.arrays import I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.history.user_history import Heard, History

# The moment of a rating or a request without a time: it shares no moment with any other.
APART = np.iinfo(np.int64).min
PAST = -1


@dataclass(frozen=True)
class Turns:
    """Users one after the other; of each what was heard before, then what is asked.

    rows: (n,). edges: (users + 1,). moment: (n,), `PAST` for what was heard before; what is asked
    at a moment is answered before any of it is heard. asked: (k,), where each asked row is.
    order: (n,), which row of past, then asked, stands at each place.
    """

    rows: Heard
    edges: I64
    moment: I64
    asked: I64
    order: I64

    @classmethod
    def of(cls, past: Heard, asked: Heard, user: tuple[I64, I64], moment: I64) -> "Turns":
        """user: (local numbers of the users of `past`, of `asked`), 0, 1, ...; moment: of asked."""
        local = np.concatenate(user)
        order = np.argsort(local, kind="stable")
        place = np.empty(len(local), np.int64)
        place[order] = np.arange(len(local))
        edges = np.searchsorted(local[order], np.arange(int(local.max(initial=-1)) + 2))
        moments = np.concatenate([np.full(len(past), PAST, np.int64), moment])[order]
        rows = Heard.concat([past, asked]).take(order)
        return cls(rows, edges, moments, place[len(past) :], order)


def told(rows: Rows) -> Heard:
    """Rows of ratings as a model keeps them; where there is no time, `APART`."""
    stars = rows.stars.astype(np.float64)
    return Heard(rows.users, rows.movies, stars, times(rows))


def asked(rows: Rows) -> Heard:
    """The same of requests or ratings, without their stars."""
    return Heard(rows.users, rows.movies, np.zeros(len(rows)), times(rows))


def times(rows: Rows) -> I64:
    """Seconds of each row, or `APART`."""
    if rows.table.timed:
        return rows.table.frame["at"].to_numpy()
    return np.full(len(rows), APART, np.int64)


def numbered(edges: I64) -> I64:
    """The number of each row's moment, where `edges` are the borders of the moments."""
    return np.repeat(np.arange(len(edges) - 1), np.diff(edges))


def packed(history: History) -> Arrays:
    """Everything heard, for an artifact."""
    arrays: Arrays = {f"heard.{k}": v for k, v in vars(history.everything()).items()}
    return arrays | {"settled": np.array([len(history.settled)])}


def unpacked(arrays: Arrays) -> History:
    """What `packed` gave."""
    columns = (arrays[f"heard.{k}"] for k in ("users", "movies", "stars", "at"))
    return History.parted(Heard(*columns), int(arrays["settled"][0]))


def distinct(ids: pl.Series) -> tuple[I64, pl.Series]:
    """Which distinct one each id is, and those: (n,), (distinct,)."""
    found = ids.unique(maintain_order=True)
    number = found.to_frame().with_row_index("_row")
    which = ids.to_frame().join(number, on=ids.name, how="left", maintain_order="left")["_row"]
    return which.to_numpy().astype(np.int64), found
