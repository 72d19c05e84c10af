"""Ratings of one scale brought to another by the quantiles of two distributions."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ratecast.errors import InputError
from ratecast.ratings import Ratings, Scale

LEAST_RATINGS = 10


@dataclass(frozen=True)
class StarDistribution:
    """How often each star of a scale is given. counts: of each star of `scale.stars`, (S,)."""

    scale: Scale
    counts: NDArray[np.float64]

    def __post_init__(self) -> None:
        counts = np.asarray(self.counts, np.float64)
        fine = counts.shape == self.scale.stars.shape and bool(np.isfinite(counts).all())
        if not fine or (counts < 0).any() or not counts.sum():
            raise InputError(
                f"counts: not one of at least 0 for each of the {len(self.scale.stars)} stars of "
                f"{self.scale}, with a sum over 0; give how often each was given"
            )
        object.__setattr__(self, "counts", counts)

    @classmethod
    def of(cls, ratings: Ratings) -> "StarDistribution":
        """The distribution of a table of ratings."""
        scale = ratings.scale
        counts = np.bincount(scale.index(ratings.stars), minlength=len(scale.stars))
        return cls(scale, counts.astype(np.float64))


def scaled_by_quantiles(
    ratings: ArrayLike, from_scale: Scale, to_stars_distribution: StarDistribution
) -> NDArray[np.float64]:
    r"""A person's ratings on the scale of a model, by quantiles: (n,), each a star of that scale.

    With the n ratings r of the person and the share q_k of the star s_k in the distribution, a
    rating of v becomes the first star whose cumulated share reaches the midpoint rank of v:

        p(v) = (#{i: r_i < v} + #{i: r_i = v} / 2) / n
        t(v) = s_k with the smallest k such that q_1 + ... + q_k >= p(v)

    So t does not fall where v rises, and a person whose ratings have the distribution of the model
    keeps them. With under ten ratings, or one distinct rating, quantiles tell nothing about the
    person, and the map is linear, to the nearest star, from the low and high end of one scale to
    those of the other:

        t(v) = low' + (v - low) (high' - low') / (high - low)

    Raises `InputError` for a rating that is not on `from_scale`.
    """
    values = np.asarray(ratings, np.float64).reshape(-1)
    on_scale = from_scale.holds(pl.Series(values)).to_numpy() if len(values) else np.ones(0, bool)
    if not on_scale.all():
        row = int(np.argmin(on_scale))
        raise InputError(
            f"rating {row + 1}: {values[row]:g} is not on the scale {from_scale}; correct it"
        )
    steps = from_scale.index(values)
    scale = to_stars_distribution.scale
    if len(values) < LEAST_RATINGS or len(np.unique(steps)) == 1:
        share = (values - from_scale.low) / (from_scale.high - from_scale.low)
        top = len(scale.stars) - 1
        # Not rint: halves would go up and down in turn.
        return _stars(scale, np.floor(share * top + 0.5 + 1e-9).astype(np.int64))
    given = np.bincount(steps, minlength=len(from_scale.stars))
    rank = (np.cumsum(given) - given / 2) / len(values)
    shares = np.cumsum(to_stars_distribution.counts)
    # The small number: equal sums of fractions may differ in the last bit.
    return _stars(scale, np.searchsorted(shares / shares[-1], rank - 1e-12)[steps])


def _stars(scale: Scale, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """The stars of a scale in places from 0, those beyond its ends cut to it."""
    stars: NDArray[np.float64] = scale.stars[index.clip(0, len(scale.stars) - 1)]
    return stars
