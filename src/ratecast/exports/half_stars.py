"""Ratings of any scale as the half stars of Letterboxd, and back."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ratecast.ratings import Scale

_LOW, _HIGH, _STEP = 0.5, 5.0, 0.5


def half_stars(ratings: ArrayLike, scale: Scale) -> NDArray[np.float64]:
    """Ratings in the half stars of Letterboxd, 0.5 to 5: (n,).

    The stars of a scale that lie on its own are kept. Others are multiplied by 5 / high, and those
    of a scale that begins below zero are moved in proportion, each to the nearest half star.
    """
    values = np.asarray(ratings, np.float64)
    if scale.low < 0:
        share = (values - scale.low) / (scale.high - scale.low)
        values = _LOW + share * (_HIGH - _LOW)
    elif not is_kept(scale):
        values = values * (_HIGH / scale.high)
    # Not rint: quarters would go up and down in turn.
    halves: NDArray[np.float64] = np.floor(values / _STEP + 0.5 + 1e-6) * _STEP
    return halves.clip(_LOW, _HIGH)


def is_kept(scale: Scale) -> bool:
    """Whether each star of the scale is one of Letterboxd's, and its highest is theirs."""
    return scale.high == _HIGH and scale.low >= _LOW and bool((scale.stars / _STEP % 1 == 0).all())


def from_half_stars(ratings: ArrayLike, scale: Scale) -> NDArray[np.float64] | None:
    """The stars of a scale that `half_stars` writes as these ratings: (n,).

    None where two stars are written alike, or a rating is what no star is written as.
    """
    stars = dict(zip(half_stars(scale.stars, scale).tolist(), scale.stars.tolist(), strict=True))
    values = np.asarray(ratings, np.float64).tolist()
    if len(stars) < len(scale.stars) or not stars.keys() >= set(values):
        return None
    return np.array([stars[value] for value in values])
