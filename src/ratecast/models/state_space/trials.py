"""Choices made by the errors of honest forecasts on train: each rating from earlier ones only."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.models.state_space import rhythm
from ratecast.models.state_space.filtering import filtered_mean
from ratecast.models.state_space.learning import Sides, Start, learn
from ratecast.models.state_space.structure import (
    Drift,
    Structure,
    Trial,
    chosen,
    most_gained,
    usual,
)

# Fewer ratings show no structure.
MIN_RATINGS = 2000
# Of the precision of a movie's bias, in ratings, as the damping of its mean residual.
SHARES = 0.25, 0.5, 1.0, 2.0
# A slice is as many times as large as what a refresh waits for later on.
EARLY = 1 / 8
# They are used where the squared error is at most this part of what it is without them.
WORTH = 0.998


def supported(ratings: RatingColumns, sides: Sides, start: Start, factors: int) -> Start:
    """`start`, with the structure that `ratings` support.

    It is the usual one where they are few, or have no times. Of many ratings, those of some users
    are tried first; where they support all factors, so does the whole. factors: K, or 0 if not
    given.
    """
    if len(ratings) > rhythm.MANY_RATINGS:
        some = _of_some_users(ratings, rhythm.MANY_RATINGS, start.seed)
        found = _supported(some, sides, start, factors)
        if found.factors == usual(factors).factors:
            return start._replace(structure=found)
    return start._replace(structure=_supported(ratings, sides, start, factors))


def _supported(ratings: RatingColumns, sides: Sides, start: Start, factors: int) -> Structure:
    """See `supported`, from all of `ratings`."""
    halves = rhythm.cut_by_time(ratings, 0.5, 1.0)
    if len(halves) == 2 and len(ratings) >= MIN_RATINGS:
        return chosen(_trial(halves, sides, start), factors)
    return usual(factors)


def _of_some_users(ratings: RatingColumns, wanted: int, seed: int) -> RatingColumns:
    """All ratings of users drawn at random, about `wanted`."""
    draws = np.random.default_rng(seed).random(int(ratings.users.max()) + 1)
    return ratings.take((draws < wanted / len(ratings))[ratings.users])


def _trial(halves: list[RatingColumns], sides: Sides, start: Start) -> Trial:
    first, rest = halves
    history, mean = UserHistory(first), float(first.stars.mean())
    past = history.merged_of(np.unique(rest.users))

    def trial(structure: Structure) -> Callable[[Drift], F64]:
        learned = learn(history.merged, mean, sides, start._replace(structure=structure))

        def errors(drift: Drift) -> F64:
            movies = replace(learned.movies, drift=drift)
            return rest.stars - filtered_mean(rest, past, learned.prior, movies)

        return errors

    return trial


class Slice(NamedTuple):
    """Ratings that were forecast, in time order. precisions: (M,) of the movies' biases then."""

    ratings: RatingColumns
    precisions: F64


def precision_share(slices: list[Slice], residuals: F64) -> float:
    """Which multiple of the movies' precisions damps their mean residuals best; infinite: none.

    residuals: (n,) of the last n rows of `slices`. Only the earliest rows of each are looked at,
    since later on the model is refreshed more often than after a slice.
    """
    if len(residuals) < MIN_RATINGS:
        return np.inf
    parts, end = [], len(residuals)
    for part, precisions in reversed(slices):
        start = max(0, end - len(part))
        if end == start:
            break
        rows = np.arange(len(part) - (end - start), int(np.ceil(len(part) * EARLY)))
        known = residuals[start : start + len(rows)]
        parts.append((part.take(rows), precisions, known))
        end = start
    before = np.concatenate([np.zeros(0), *(known for *_, known in parts)])
    after = [
        np.concatenate([np.zeros(0), *(_corrected(share, *part) for part in parts)])
        for share in SHARES
    ]
    best = most_gained(before, after, 1.0)
    if best is None or float(after[best] @ after[best]) > WORTH * float(before @ before):
        return np.inf
    return SHARES[best]


def _corrected(share: float, part: RatingColumns, precisions: F64, residuals: F64) -> F64:
    """What the movies' mean residuals leave of the residuals of `part`: (n,)."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(part.at)) + 1, [len(part)]])
    update = MovieResiduals.empty(len(precisions), share * precisions)
    first = np.ones(len(part), bool)
    return residuals - update.add(part.movies, (residuals, first), edges)
