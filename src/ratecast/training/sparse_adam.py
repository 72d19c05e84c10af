"""Adam on the rows of a table that occur in a batch."""

import numpy as np

from ratecast.compiled import njit


@njit(cache=True)
def sum_of_rows(ids, gradients, position):  # type: ignore[no-untyped-def]
    """Sum the gradients of each row of a batch, in their order.

    ids: row numbers, (b,), in any order, with repeats. gradients: (b, k) float32. position: (rows,)
    int32 buffer of -1, which is restored. Gives the rows, (r,), in the order in which they come
    first, and their sums, (r, k).
    """
    rows, summed, count = np.empty(len(ids), np.int64), np.empty_like(gradients), 0
    for i in range(len(ids)):
        known = position[ids[i]]
        if known < 0:
            position[ids[i]], rows[count] = count, ids[i]
            for k in range(gradients.shape[1]):
                summed[count, k] = gradients[i, k]
            count += 1
        else:
            for k in range(gradients.shape[1]):
                summed[known, k] += gradients[i, k]
    for i in range(count):
        position[rows[i]] = -1
    return rows[:count], summed[:count]


# numpy's division: a check for zero would prevent vectorization.
@njit(cache=True, error_model="numpy")
def step_of_rows(table, batch, position, settings):  # type: ignore[no-untyped-def]
    """One Adam step on the rows of a table that occur in a batch, in place.

    With g the summed gradient of a row, and m, v its moments:
    m += (1 - β1) (g - m); v += (1 - β2) (g² - v); w -= rate √(1 - β2^t) / (1 - β1^t) m / (√v + ε).

    table: weights, first and second moments, (rows, k) float32 each. batch: row numbers, (b,), in
    any order, with repeats; and their gradients, (b, k). position: (rows,) buffer of -1, which is
    restored. settings: rate, β1, β2, ε, and the step number t. Other rows do not change.

    About 12 k operations for each gradient; 24 k bytes read and written once for each row.
    Reference: Kingma, Ba 2015, algorithm 1, in the order of the last paragraph of section 2.
    """
    (weights, mean, square), (ids, gradients) = table, batch
    rate, beta1, beta2, eps, step = settings
    share, share_square = np.float32(1 - beta1), np.float32(1 - beta2)
    unbiased = np.sqrt(1 - beta2**step)
    rate, eps = np.float32(rate * unbiased / (1 - beta1**step)), np.float32(eps)
    rows, summed = sum_of_rows(ids, gradients, position)
    for i in range(len(rows)):
        row = rows[i]
        for k in range(gradients.shape[1]):
            gradient = summed[i, k]
            mean[row, k] += share * (gradient - mean[row, k])
            square[row, k] += share_square * (gradient * gradient - square[row, k])
            weights[row, k] -= rate * mean[row, k] / (np.sqrt(square[row, k]) + eps)
