"""What it says of a movie who has rated it, and of a user what he has rated: the stars left out."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.models.state_space.em import Table
from ratecast.models.state_space.em_sums import summed
from ratecast.models.state_space.kalman import DAMPING

COUNT_DAMPING = 10.0
PULL = 3.0


@dataclass(frozen=True)
class MovieSide:
    """Genre flags (M, G) and year (M,), in decades from the mean year."""

    flags: F64
    year: F64

    def columns(self, counts: NDArray[np.int64], more: F64) -> F64:
        """Constant, genres, year and its square, popularity, then `more`: (M, X)."""
        popular = (np.log1p(counts) - 3.0) / 2.0
        year = np.column_stack([self.year, 0.3 * self.year**2])
        return np.column_stack([np.ones(len(counts)), self.flags, year, popular, more])

    def joined(self, other: "MovieSide") -> "MovieSide":
        """These movies, then the others."""
        return MovieSide(
            np.concatenate([self.flags, other.flags]), np.concatenate([self.year, other.year])
        )


def company(basis: F64, table: Table, turns: int) -> F64:
    """An orthonormal basis (M, R) of the leading directions of who rated what.

    Subspace iteration from `basis`; the polar factor keeps it as near to the last one as can be,
    so that the columns mean the same from one refit to the next.
    Reference: Halko, Martinsson, Tropp 2011, section 4.5 (iteration); Higham 1986 (polar factor).
    """
    users, movies = np.diff(table.user_edges), np.diff(table.movie_edges)
    of_users = 1 / np.maximum(users, 1)[:, None]
    of_movies = 1 / np.sqrt(movies + COUNT_DAMPING)[:, None]
    for _ in range(turns):
        by_user = of_users * summed(table.user_edges, table.by_user[0], of_movies * basis)
        basis = of_movies * summed(table.movie_edges, table.by_movie[0], by_user)
        square, turn = np.linalg.eigh(basis.T @ basis)
        basis = basis @ (turn / np.sqrt(np.maximum(square, 1e-9 * square[-1] + 1e-30)) @ turn.T)
    return basis


def company_columns(basis: F64, table: Table) -> F64:
    """Columns for the prior of the movies: `basis` by popularity, and how much its raters rate."""
    users, movies = np.diff(table.user_edges), np.diff(table.movie_edges)
    damped = movies + COUNT_DAMPING
    level = np.log1p(users)
    level = (level - level[users > 0].mean())[:, None]
    busy = summed(table.movie_edges, table.by_movie[0], level) / (movies[:, None] + 5.0)
    return np.column_stack([15 * np.sqrt(damped.mean() / damped)[:, None] * basis, busy])


def pull_of(table: Table, presence: F64, apart: F64) -> F64:
    """How presence moves a user's prior: (Z + 1, F), by regression over prefixes of the users.

    presence: (M, Z) descriptors. apart: (U, F), expected taste away from the user columns'.
    """
    users, columns, weights = _prefixes(table.user_edges, table.by_user[0], presence)
    gram = columns.T @ (columns * weights[:, None]) + PULL * np.eye(columns.shape[1])
    pull: F64 = np.linalg.solve(gram, columns.T @ (apart[users] * weights[:, None]))
    return pull


@njit(cache=True)
def _prefixes(edges, rows, presence):  # type: ignore[no-untyped-def]
    """Mean presence after a user's first 5, 10, 20, ... ratings; a user's prefixes weigh 1."""
    count = 0
    for user in range(len(edges) - 1):
        size = 5
        while size <= edges[user + 1] - edges[user]:
            count, size = count + 1, size * 2
    width = presence.shape[1]
    users, columns, weights = (
        np.empty(count, np.int64),
        np.empty((count, width + 1)),
        np.ones(count),
    )
    seen, made = np.empty(width), 0
    for user in range(len(edges) - 1):
        seen[:] = 0.0
        size, first = 5, made
        for heard in range(1, edges[user + 1] - edges[user] + 1):
            seen += presence[rows[edges[user] + heard - 1]]
            if heard == size:
                columns[made, :width] = seen / (heard + DAMPING)
                columns[made, width] = np.log1p(heard) - 3.0
                users[made] = user
                made, size = made + 1, size * 2
        for k in range(first, made):
            weights[k] = 1.0 / (made - first)
    return users, columns, weights
