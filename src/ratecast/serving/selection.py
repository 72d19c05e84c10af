"""Which movies may be named to a user."""

import numpy as np
from numpy.typing import NDArray

from ratecast.queries.similar import MovieVectors
from ratecast.serving.catalogue import Catalogue
from ratecast.serving.errors import Unknown

Mask = NDArray[np.bool_]
TWINS = 0.75


def matching(catalogue: Catalogue, genre: str | None, years: tuple[int | None, int | None]) -> Mask:
    """Which movies are of the genre and the years, first and last included: (m,)."""
    if genre is not None and genre not in catalogue.genres:
        known = ", ".join(catalogue.genres) or "none"
        raise Unknown(f"genre {genre[:40]!r}: not known; genres are {known}", "genre")
    allowed = np.ones(len(catalogue), bool) if genre is None else catalogue.genres[genre].copy()
    first, last = years
    if first is not None:
        allowed &= catalogue.years >= first
    if last is not None:
        allowed &= catalogue.years <= last
    return allowed


def unlike(
    vectors: MovieVectors | None, worth: NDArray[np.float64], allowed: Mask, count: int
) -> Mask:
    """Of the allowed movies the worthiest, of which no two are alike as long as it lasts: (m,)."""
    picked, left = np.zeros(len(allowed), bool), np.full(len(allowed), -np.inf)
    for _ in range(min(count, int(allowed.sum()))):
        if not np.isfinite(left).any():
            left = np.where(allowed & ~picked, worth, -np.inf)
        best = int(left.argmax())
        picked[best], left[best] = True, -np.inf
        if vectors is not None and best < len(vectors.vectors):
            left[: len(vectors.vectors)][vectors.cosines(best) > TWINS] = -np.inf
    return picked
