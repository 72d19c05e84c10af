"""Symmetric matrices of a few rows, many at once: packed in rows of numbers, and their inverses.

Packed, a matrix (F, F) is its first column, then the lower triangle of the rest, row by row:
F (F + 1) / 2 numbers. So what is left of a packed matrix after its first F numbers is the packed
lower triangle of the matrix without its first row and column.
"""

import numpy as np

from ratecast import lane_inverse
from ratecast.aligned import DOUBLES
from ratecast.arrays import F64
from ratecast.compiled import njit

# So many matrices are inverted side by side, one in each lane of the processor's vectors.
LANES = DOUBLES


def packed_size(width: int) -> int:
    """Numbers in a packed matrix (width, width)."""
    return width * (width + 1) // 2


def packed(matrix: F64) -> F64:
    """One symmetric matrix (F, F), packed: (F (F + 1) / 2,)."""
    rows, columns = _places(len(matrix))
    return np.ascontiguousarray(matrix[rows, columns])


def unpacked(numbers: F64) -> F64:
    """The matrix (F, F) of packed numbers."""
    width = int(np.sqrt(2 * len(numbers)))
    matrix, (rows, columns) = np.empty((width, width)), _places(width)
    matrix[rows, columns] = matrix[columns, rows] = numbers
    return matrix


def lower_triangles(matrices: F64) -> F64:
    """The lower triangle of each symmetric matrix, row by row: (n, K (K + 1) / 2).

    matrices: (n, K, K).
    """
    rows, columns = np.tril_indices(matrices.shape[1])
    return np.ascontiguousarray(matrices[:, rows, columns])


def _places(width: int) -> tuple[list[int], list[int]]:
    """Row and column of each packed number."""
    rest = [(k, m) for k in range(1, width) for m in range(1, k + 1)]
    rows, columns = zip(*[(k, 0) for k in range(width)], *rest, strict=True)
    return list(rows), list(columns)


@njit(cache=True)
def into_lane(lanes, lane, numbers):  # type: ignore[no-untyped-def]
    """Write a packed matrix into one lane; lanes: (F, F, LANES), the lower triangles only."""
    width = len(lanes)
    for k in range(width):
        lanes[k, 0, lane] = numbers[k]
    place = width
    for k in range(1, width):
        for m in range(1, k + 1):
            lanes[k, m, lane] = numbers[place]
            place += 1


@njit(cache=True)
def out_of_lane(numbers, lanes, lane):  # type: ignore[no-untyped-def]
    """As `into_lane`, the other way."""
    width = len(lanes)
    for k in range(width):
        numbers[k] = lanes[k, 0, lane]
    place = width
    for k in range(1, width):
        for m in range(1, k + 1):
            numbers[place] = lanes[k, m, lane]
            place += 1


@njit(cache=True)
def invert(lanes):  # type: ignore[no-untyped-def]
    """Replace the positive definite matrix of each lane by its inverse; lower triangles only."""
    width = len(lanes)
    lane_inverse.invert(lanes.reshape(width * width, LANES), width)


@njit(cache=True)
def times(lanes, right, product):  # type: ignore[no-untyped-def]
    """The product of each lane's matrix and its vector. right, product: (F, LANES)."""
    width = len(lanes)
    for a in range(width):
        for lane in range(LANES):
            product[a, lane] = 0.0
        for b in range(width):
            row, column = max(a, b), min(a, b)
            for lane in range(LANES):
                product[a, lane] += lanes[row, column, lane] * right[b, lane]
