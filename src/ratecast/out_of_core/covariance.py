"""The posterior covariance of a bilinear model whose ratings are on disk."""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F32, F64
from ratecast.modelling.factors.bilinear import BothSides, Leading, Side, Sides
from ratecast.modelling.factors.posterior_covariance import posterior_covariance
from ratecast.modelling.kernels.csr import Grouped
from ratecast.out_of_core.by_runs import ByRuns
from ratecast.out_of_core.grouping import GroupedOnDisk
from ratecast.progress import bar

Groupings = tuple[GroupedOnDisk, GroupedOnDisk]


def with_covariance(
    grouped: Groupings,
    biases: BothSides,
    factors: BothSides,
    l2: BothSides,
    l2_per_rating: float = 0.0,
    *,
    by_runs: ByRuns,
) -> Sides:
    """What `bilinear.with_covariance` gives for the same ratings in memory, to the bit.

    grouped: by user and by movie. by_runs: where it is computed. The others as there.
    """
    leading = Leading.of(factors)
    size = leading.size
    users, movies = leading.weights(biases)

    def side(by_row: GroupedOnDisk, weights: F64, vectors: F64 | F32, penalty: F64 | F32) -> Side:
        prior = penalty[:size].astype(np.float64, copy=False)
        # The others have no covariance.
        few = vectors[:, : size - 1].copy()
        work = _Covariances(few, prior, l2_per_rating)
        covariance = np.empty((len(weights), size, size))
        with bar("covariances", len(weights)) as progress:
            for (first, last), found in by_runs.each(by_row, by_row.table.stars_of, work):
                covariance[first:last] = found
                progress.advance(last - first)
        return Side(weights, covariance)

    return Sides(
        side(grouped[0], users, leading.movies, l2.users),
        side(grouped[1], movies, leading.users, l2.movies),
    )


@dataclass(frozen=True)
class _Covariances:
    """Arguments of `posterior_covariance` that are the same for all runs."""

    vectors: F64 | F32
    l2: F64
    l2_per_rating: float

    def __call__(self, part: Grouped, _: F32 | None) -> F64:
        """Of the rows of a run."""
        return posterior_covariance(part, self.vectors, np.array(self.l2), self.l2_per_rating)
