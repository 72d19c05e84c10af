"""Questions about users and movies that were never met: each has a line of its own."""

import numpy as np
import polars as pl

from ratecast.arrays import F64, I32
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.modelling.side_information.columns import SideInformation
from ratecast.models.state_space.co_rating import MovieSide
from ratecast.models.state_space.movie_parameters import Movies
from ratecast.ratings import MOVIE, USER


def with_strangers(
    rows: Rows, known: Vocabulary, side: SideInformation, priors: tuple[F64, F64]
) -> tuple[I32, F64]:
    """Row numbers and priors where every unknown user has a line of its own.

    Of whom nothing is told, line 0 knows as much. priors: of known users, (U, F), and what user
    columns say of one, (D, F).
    """
    new, (prior, of_users) = rows.users == 0, priors
    if not new.any() or rows.table.users.width <= 1:
        return rows.users, prior
    told = known.side(rows.table.frame.filter(pl.Series(new))[USER], rows.table.users)
    fresh = rowwise(side.user_columns(told), of_users)
    users = rows.users.copy()
    users[new] = len(prior) + np.arange(len(fresh))
    return users, np.concatenate([prior, fresh])


def with_new_movies(
    rows: Rows, known: Vocabulary, side: SideInformation, movies: Movies
) -> tuple[I32, Movies]:
    """Row numbers and movies where every unknown movie has a line of its own."""
    new = rows.movies == 0
    if not new.any():
        return rows.movies, movies
    told = known.side(rows.table.frame.filter(pl.Series(new))[MOVIE], rows.table.movies)
    lines = rows.movies.copy()
    lines[new] = len(movies.lines) + np.arange(len(told))
    return lines, movies.with_more(MovieSide(*side.movie_columns(told)))
