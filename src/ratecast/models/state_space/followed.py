"""Ratings of some users, followed from their first: what is expected of those that are asked."""

import numpy as np
from numpy.typing import NDArray

from ratecast.models.state_space.echo import columns_of
from ratecast.models.state_space.filter import Motion, follow
from ratecast.models.state_space.history import Heard
from ratecast.models.state_space.movies import Movies

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


def followed(
    ratings: tuple[Heard, Heard], users: tuple[F64, F64], movies: Movies
) -> tuple[F64, F64, F32]:
    """Expected stars (n,), their variance (n,) and what the trees take (n, C), of asked rows.

    ratings: those asked, and all that was heard of their users before. users: prior of every
    user, (U, F), and the pull of presence on it.
    """
    asked, past = ratings
    prior, pull = users
    chosen = np.unique(asked.users)
    rows, edges, is_asked, back = past.then(asked, chosen)
    motion = Motion.of(movies.learned.taste_cov)
    told = follow(
        (edges, rows.movies, rows.stars, rows.at),
        is_asked,
        (prior[chosen], pull),
        movies.for_filter,
        (motion.start, motion.keep, motion.fresh),
    )
    columns = columns_of((edges, rows.movies, rows.at), is_asked, told, movies.for_echo)
    return told[0][back], told[1][back], columns[back]
