"""Columns of the priors: how many ratings a user or movie has, and which ones."""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.factors.bias_priors import log_count

COUNT_DAMPING = 10.0


def prior_columns(train: Rows, counts: tuple[I64, I64], factors: int, seed: int) -> list[F64]:
    """Columns of the users, (rows, 2 + k), and of the movies, (rows, 1 + k), about 1 in size.

    Those of the users start with a constant. The next is log n, see `log_count`. The others are the
    k leading singular vectors of the matrix that is 1 / sqrt((n_u + 10) (n_i + 10)) where a user
    rated a movie, and 0 elsewhere; k: `factors`, or fewer in a small table.
    """
    vectors = _singular_vectors(train, counts, factors, seed)
    users, movies = (
        np.column_stack([log_count(of_side), side])
        for of_side, side in zip(counts, vectors, strict=True)
    )
    return [np.column_stack([np.ones(len(users)), users]), movies]


def _singular_vectors(train: Rows, counts: tuple[I64, I64], factors: int, seed: int) -> list[F64]:
    sizes = len(counts[0]), len(counts[1])
    # The unknown row is no dimension.
    most = min(factors, min(sizes) - 2)
    if most < 1:
        return [np.zeros((size, 0)) for size in sizes]
    damped = [of_side + COUNT_DAMPING for of_side in counts]
    entries = 1.0 / np.sqrt(damped[0][train.users] * damped[1][train.movies])
    matrix = csr_matrix((entries, (train.users, train.movies)), shape=sizes)
    start = np.random.default_rng(seed).normal(size=min(sizes))
    left, _, right = svds(matrix, most, v0=start)
    return [_scaled(left, counts[0]), _scaled(right.T, counts[1])]


def _scaled(vectors: F64, counts: I64) -> F64:
    """With a mean square of 1 over the rows with ratings; 0 where a table has fewer directions."""
    size = np.sqrt(np.square(vectors[counts > 0]).mean(axis=0))
    scaled: F64 = np.where(size > 1e-9, vectors / np.maximum(size, 1e-9), 0.0)
    return scaled
