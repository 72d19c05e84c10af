"""The posterior covariance of a bilinear model whose ratings are on disk."""

import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.factors.bilinear import BothSides, Side, Sides, leading_weights
from ratecast.modelling.factors.posterior_covariance import posterior_covariance
from ratecast.out_of_core.grouping import GroupedOnDisk
from ratecast.progress import bar

Groupings = tuple[GroupedOnDisk, GroupedOnDisk]


def with_covariance(
    grouped: Groupings,
    biases: BothSides,
    factors: BothSides,
    l2: BothSides,
    l2_per_rating: float = 0.0,
) -> Sides:
    """What `bilinear.with_covariance` gives for the same ratings in memory, to the bit.

    grouped: by user and by movie. The others as there.
    """
    users, movies, size = leading_weights(biases, factors)

    def side(by_row: GroupedOnDisk, weights: F64, other: F64, penalty: F64) -> Side:
        vectors = other[:, 1:size].astype(factors.users.dtype, copy=False)
        prior, covariance = penalty[:size], np.empty((len(weights), size, size))
        with bar("covariances", len(weights)) as progress:
            for (first, last), part in by_row.parts(by_row.table.stars_of):
                covariance[first:last] = posterior_covariance(part, vectors, prior, l2_per_rating)
                progress.advance(last - first)
        return Side(weights, covariance)

    penalties = (penalty.astype(np.float64, copy=False) for penalty in l2)
    return Sides(
        side(grouped[0], users, movies, next(penalties)),
        side(grouped[1], movies, users, next(penalties)),
    )
