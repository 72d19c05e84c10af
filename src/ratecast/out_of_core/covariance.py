"""The posterior covariance of a bilinear model whose ratings are on disk."""

import numpy as np

from ratecast.arrays import F32, F64
from ratecast.modelling.factors.bilinear import BothSides, Leading, Side, Sides
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
    leading = Leading.of(factors)
    size = leading.size
    users, movies = leading.weights(biases)

    def side(by_row: GroupedOnDisk, weights: F64, vectors: F64 | F32, penalty: F64 | F32) -> Side:
        prior = penalty[:size].astype(np.float64, copy=False)
        covariance = np.empty((len(weights), size, size))
        with bar("covariances", len(weights)) as progress:
            for (first, last), part in by_row.parts(by_row.table.stars_of):
                covariance[first:last] = posterior_covariance(part, vectors, prior, l2_per_rating)
                progress.advance(last - first)
        return Side(weights, covariance)

    return Sides(
        side(grouped[0], users, leading.movies, l2.users),
        side(grouped[1], movies, leading.users, l2.movies),
    )
