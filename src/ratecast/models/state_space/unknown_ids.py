"""Unknown users and movies in a request: each gets its own prior, from side information."""

import numpy as np
import polars as pl

from ratecast.arrays import F64, I32
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.modelling.side_information.columns import SideInformation
from ratecast.models.state_space.co_rating import MovieSide
from ratecast.models.state_space.kalman import UserPrior
from ratecast.models.state_space.movie_parameters import Movies
from ratecast.ratings import MOVIE, USER


def has_side_information(rows: Rows, known: Vocabulary) -> bool:
    """Whether something may be known of users without ratings: by the request, or from the fit."""
    return rows.table.users.width > 1 or known.unrated is not None


def with_unknown(
    rows: Rows,
    known: tuple[Vocabulary, Vocabulary],
    side: SideInformation,
    learned: tuple[UserPrior, Movies],
) -> tuple[I32, UserPrior, I32, Movies]:
    """Row numbers and prior of users, row numbers and movies: each unknown one has a row.

    known: users and movies.
    """
    prior, movies = learned
    priors = prior.mean, movies.parameters.user_regression
    users, mean = with_unknown_users(rows, known[0], side, priors)
    numbers, movies = with_unknown_movies(rows, known[1], side, movies)
    return users, UserPrior(mean, prior.implicit_weights), numbers, movies


def with_unknown_users(
    rows: Rows, known: Vocabulary, side: SideInformation, priors: tuple[F64, F64]
) -> tuple[I32, F64]:
    """Row numbers (n,) and prior means, where each unknown user has a row after the known ones.

    Without any side information of them, row 0 serves them all. priors: means of known
    users (U, F), and the regression of a mean on the user columns (D, F).
    """
    unknown, (means, regression) = rows.users == 0, priors
    if not unknown.any() or not has_side_information(rows, known):
        return rows.users, means
    table = known.side(rows.table.frame.filter(pl.Series(unknown))[USER], rows.table.users)
    new = rowwise(side.user_columns(table), regression)
    users = rows.users.copy()
    users[unknown] = len(means) + np.arange(len(new))
    return users, np.concatenate([means, new])


def with_unknown_movies(
    rows: Rows, known: Vocabulary, side: SideInformation, movies: Movies
) -> tuple[I32, Movies]:
    """Row numbers (n,) and movies, where each unknown movie has a row after the known ones."""
    unknown = rows.movies == 0
    if not unknown.any():
        return rows.movies, movies
    table = known.side(rows.table.frame.filter(pl.Series(unknown))[MOVIE], rows.table.movies)
    numbers = rows.movies.copy()
    numbers[unknown] = len(movies.descriptors) + np.arange(len(table))
    return numbers, movies.with_more(MovieSide(*side.movie_columns(table)))
