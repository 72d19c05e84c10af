"""Acceptance checks of a new model before it replaces the served one."""

import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.ratings import MOVIE, USER, Requests
from ratecast.serving.live.held_back import as_of_stars
from ratecast.serving.live.published import FORCED
from ratecast.serving.live.served_model import ServedModel
from ratecast.serving.quality.comparison import Comparison, compare
from ratecast.serving.quality.recent import RecentRows

log = logging.getLogger("ratecast.serving")
USERS, MOVIES = 20, 20
MAX_RMS_DIFFERENCE = 0.25  # as a share of the scale


def check(new: ServedModel, old: ServedModel | None) -> None:
    """Raise `InputError` for a model that must not be served.

    Ids and scale must be those of the old model. A sample of forecasts must be on the scale, with
    probabilities that sum to 1. For users and movies that both models know, the root mean square
    difference of the expected stars must be at most a quarter of the scale.
    """
    before = new if old is None else old
    for kind, now, then in (
        (USER, new.model.users, before.model.users),
        (MOVIE, new.model.movies, before.model.movies),
    ):
        if now.table.schema[kind] != then.table.schema[kind]:
            raise InputError(f"{new.name}: ids of {kind}s have another type than before")
    if new.model.scale != before.model.scale:
        raise InputError(
            f"{new.name}: scale {new.model.scale}, but {before.model.scale} is served; "
            "give a service of another scale a --home of its own"
        )
    sample = _sample(new.model, before.model)
    _check_valid(new, sample)
    if old is not None and len(sample):
        _check_close(new, old, sample)


def check_recent(folder: Path, new: ServedModel, now: RecentRows | None) -> None:
    """Raise `InputError` for a model that forecast recent ratings worse than the served one.

    folder: of its artifact, where the comparison is kept. now: forecasts of the served model.
    """
    if (folder / FORCED).exists():
        comparison = Comparison(forced=True)
    else:
        comparison = compare(*as_of_stars(folder, new.recent.rows()), now)
    comparison.write(folder)
    facts = {"artifact": new.name} | asdict(comparison)
    log.info("model compared", extra={"facts": facts})
    if comparison.is_worse:
        raise InputError(
            f"{new.name}: worse than the served model: {comparison}; publish it with --force to "
            "serve it anyway"
        )


def _check_valid(new: ServedModel, sample: Requests) -> None:
    forecast, scale = new.model.predict(sample), new.model.scale
    sums = forecast.probabilities.sum(axis=1)
    inside = (forecast.stars >= scale.low) & (forecast.stars <= scale.high)
    if not (inside.all() and np.isfinite(sums).all() and np.allclose(sums, 1)):
        raise InputError(f"{new.name}: its forecasts are not valid; train again")


def _check_close(new: ServedModel, old: ServedModel, sample: Requests) -> None:
    difference = new.model.predict(sample).stars - old.model.predict(sample).stars
    scale, rms = new.model.scale, float(np.sqrt(np.mean(difference**2)))
    if rms > MAX_RMS_DIFFERENCE * (scale.high - scale.low):
        raise InputError(
            f"{new.name}: its forecasts are {rms:.2f} stars away from those served now; "
            "check it with ratecast evaluate --artifact"
        )


def _sample(new: Model, old: Model) -> Requests:
    """All pairs of some users and some movies that both models know, evenly spaced."""
    users = _some(new.users.known.to_list(), old.users.known.to_list(), USERS)
    movies = _some(new.movies.known.to_list(), old.movies.known.to_list(), MOVIES)
    pairs = [(user, movie) for user in users for movie in movies]
    return Requests.of([user for user, _ in pairs], [movie for _, movie in pairs])


def _some(new: list[int | str], old: list[int | str], count: int) -> list[int | str]:
    known = set(old)
    both = [i for i in new if i in known]
    return both[:: max(1, len(both) // count)][:count]
