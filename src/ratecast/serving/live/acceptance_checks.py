"""Acceptance checks of a new model before it replaces the served one."""

import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ratecast.errors import InputError
from ratecast.ids import HIGHEST
from ratecast.modelling.contract.model import Model
from ratecast.ratings import MOVIE, USER, Requests
from ratecast.serving.live.held_back import as_of_stars
from ratecast.serving.live.served_model import ServedModel, load
from ratecast.serving.quality.comparison import FORCED, Comparison, compare
from ratecast.serving.quality.recent import RecentRows
from ratecast.serving.store.database import StoredEvents

log = logging.getLogger("ratecast.serving")
USERS, MOVIES = 20, 20
MAX_RMS_DIFFERENCE = 0.25  # as a share of the scale


def check(new: ServedModel, old: ServedModel | None) -> None:
    """Raise `InputError` for a model that must not be served.

    Scale and type of ids must be those of the old model, and some ids too. A sample of forecasts
    must be on the scale, with probabilities that sum to 1. For users and movies that both models
    know, the root mean square difference of the expected stars must be at most a quarter of the
    scale.
    """
    _check_own(new, old)
    if old is not None:
        sample = _sample(new.model, old.model)
        if len(sample):
            _check_close(new, old, sample)


def _check_own(new: ServedModel, old: ServedModel | None) -> None:
    """All checks but the distance to the old model, which depends on what that has observed."""
    before = new if old is None else old
    for kind, now, then in (
        (USER, new.model.users, before.model.users),
        (MOVIE, new.model.movies, before.model.movies),
    ):
        if now.table.schema[kind] != then.table.schema[kind]:
            raise InputError(f"{new.name}: ids of {kind}s have another type than before")
        if len(then.known) and not then.known.is_in(now.known.implode()).any():
            raise InputError(
                f"{new.name}: knows no {kind} that is served; "
                "give a service of another table a --home of its own"
            )
    if new.model.scale != before.model.scale:
        raise InputError(
            f"{new.name}: scale {new.model.scale}, but {before.model.scale} is served; "
            "give a service of another scale a --home of its own"
        )
    _check_valid(new, _sample(new.model, before.model))
    _check_valid(new, _unknown(new.model))


def check_alone(folder: Path, served: Path | None) -> None:
    """Load the artifact in `folder`, and raise `InputError` if it must not be served.

    served: the artifact in service, whose ids and scale it must have.
    """
    try:
        old = None if served is None else _loaded(served)
        _check_own(load(folder, StoredEvents([], [], 0)), old)
    except (InputError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # Of libraries too, whose panics are no `Exception`.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{folder}: cannot be served ({reason}); train again") from error


def _loaded(folder: Path) -> ServedModel | None:
    try:
        return load(folder, StoredEvents([], [], 0))
    except InputError:
        # Damaged since. The service itself has it in memory, and compares.
        return None


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


def _unknown(model: Model) -> Requests:
    """Requests of an unknown user and an unknown movie."""
    user, movie = ("unknown" if ids.as_text else HIGHEST for ids in (model.users, model.movies))
    known = _some(model.movies.known.to_list(), model.movies.known.to_list(), MOVIES)
    return Requests.of([user] * (1 + len(known)), [movie, *known])


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
