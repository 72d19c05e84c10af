"""A matrix product whose rows do not depend, to the bit, on how many rows there are."""

import numpy as np

from ratecast.compiled import njit


@njit(cache=True)
def rowwise(columns, weights):  # type: ignore[no-untyped-def]
    """Columns (n, k) @ weights (k, f), each row summed in the same order: (n, f)."""
    product = np.zeros((len(columns), weights.shape[1]))
    for row in range(len(columns)):
        for k in range(len(weights)):
            for f in range(weights.shape[1]):
                product[row, f] += columns[row, k] * weights[k, f]
    return product
