"""Tables whose rows have a number each, so that each can be followed through a split."""

import numpy as np
import polars as pl

from ratecast.ratings import Ratings, checked


def of_users(users: list[int], *, timed: bool = True, seed: int = 0) -> Ratings:
    """Row k is of users[k], of movie k, and the (k + 1)-th in time; the rows are shuffled."""
    order = np.random.default_rng(seed).permutation(len(users))
    columns = {
        "user": np.array(users)[order],
        "movie": order,
        "rating": order % 5 + 1.0,
        "at": 1_000_000_000 + 60 * order,
    }
    frame = pl.DataFrame(columns)
    return checked(Ratings(frame if timed else frame.drop("at")))


def movies(part: Ratings | None) -> list[int]:
    """The rows of a part, by their movies."""
    return [] if part is None else sorted(part.frame["movie"].to_list())
