"""A product of matrices whose rows have the same bits however many there are."""

import numpy as np
from numba import njit


@njit(cache=True)
def rowwise(columns, weights):  # type: ignore[no-untyped-def]
    """Product of columns and weights, with the same bits whatever the number of rows."""
    product = np.zeros((len(columns), weights.shape[1]))
    for row in range(len(columns)):
        for k in range(len(weights)):
            for f in range(weights.shape[1]):
                product[row, f] += columns[row, k] * weights[k, f]
    return product
