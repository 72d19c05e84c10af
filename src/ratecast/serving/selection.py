"""Which movies may be shown to a user: filters, and suggestions without near duplicates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ratecast.ids import Written
from ratecast.queries.similar import MovieVectors
from ratecast.serving.catalogue import Catalogue
from ratecast.serving.errors import NotFoundError
from ratecast.serving.live.served_model import ServedModel

Mask = NDArray[np.bool_]
MAX_COSINE = 0.75


def matching(catalogue: Catalogue, genre: str | None, years: tuple[int | None, int | None]) -> Mask:
    """Movies of that genre, from the first to the last year inclusive: (m,).

    Raises `NotFoundError` for an unknown genre.
    """
    if genre is not None and genre not in catalogue.genres:
        known = ", ".join(catalogue.genres) or "none"
        raise NotFoundError(f"genre {genre[:40]!r}: not known; genres are {known}", "genre")
    allowed = np.ones(len(catalogue), bool) if genre is None else catalogue.genres[genre].copy()
    first, last = years
    if first is not None:
        allowed &= catalogue.years >= first
    if last is not None:
        allowed &= catalogue.years <= last
    return allowed


def among(served: ServedModel, movies: Sequence[Written] | None) -> Mask:
    """These movies of the catalogue, or all of them where it is None: (m,).

    Raises `NotFoundError` for one that the catalogue has not.
    """
    catalogue = served.catalogue
    if movies is None:
        return np.ones(len(catalogue), bool)
    allowed = np.zeros(len(catalogue), bool)
    for movie in map(served.movie, movies):
        if movie not in catalogue.line:
            raise NotFoundError(f"movie {movie!r} is not known to this model", "movies")
        allowed[catalogue.line[movie]] = True
    return allowed


def diverse(
    vectors: MovieVectors | None, scores: NDArray[np.float64], allowed: Mask, count: int
) -> Mask:
    """A greedy choice of `count` allowed movies with high scores that are not similar: (m,).

    Each chosen movie excludes those with a cosine above `MAX_COSINE`. When no candidate is left,
    excluded movies become candidates again.

    Args:
        vectors: the movies' factors; None excludes nothing.
        scores: (m,).
        allowed: (m,).
        count: how many movies to choose.
    """
    chosen, candidates = np.zeros(len(allowed), bool), np.full(len(allowed), -np.inf)
    for _ in range(min(count, int(allowed.sum()))):
        if not np.isfinite(candidates).any():
            candidates = np.where(allowed & ~chosen, scores, -np.inf)
        best = int(candidates.argmax())
        chosen[best], candidates[best] = True, -np.inf
        if vectors is not None and best < len(vectors.vectors):
            similar = vectors.cosines(best) > MAX_COSINE
            candidates[: len(vectors.vectors)][similar] = -np.inf
    return chosen
