"""Whether a new model may take the place of the one that serves."""

import numpy as np

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.ratings import MOVIE, USER, Requests
from ratecast.serving.live.served_model import Loaded

USERS, MOVIES = 20, 20
MOST_APART = 0.25


def check(new: Loaded, old: Loaded | None) -> None:
    """Raise `InputError` for a model whose forecasts nobody should be given.

    Ids and scale as before, every forecast on the scale with probabilities that sum to 1, not all
    alike, and on known users and movies no further from the old model's than a quarter of the
    scale (root mean square).
    """
    before = new if old is None else old
    for kind, one, other in (
        (USER, new.model.users, before.model.users),
        (MOVIE, new.model.movies, before.model.movies),
    ):
        if one.table.schema[kind] != other.table.schema[kind]:
            raise InputError(f"{new.name}: ids of {kind}s have another type than before")
    if new.model.scale != before.model.scale:
        raise InputError(
            f"{new.name}: scale {new.model.scale}, but {before.model.scale} is served; "
            "give a service of another scale a --home of its own"
        )
    asked = _asked(new.model, before.model)
    _sound(new, asked)
    if old is not None and len(asked):
        _near(new, old, asked)


def _sound(new: Loaded, asked: Requests) -> None:
    forecast, scale = new.model.predict(asked), new.model.scale
    sums = forecast.probabilities.sum(axis=1)
    inside = (forecast.stars >= scale.low) & (forecast.stars <= scale.high)
    if not (inside.all() and np.isfinite(sums).all() and np.allclose(sums, 1)):
        raise InputError(f"{new.name}: forecasts that are no forecasts; train again")


def _near(new: Loaded, old: Loaded, asked: Requests) -> None:
    apart = new.model.predict(asked).stars - old.model.predict(asked).stars
    scale, size = new.model.scale, float(np.sqrt(np.mean(apart**2)))
    if size > MOST_APART * (scale.high - scale.low):
        raise InputError(
            f"{new.name}: its forecasts are {size:.2f} stars away from those served now; "
            "look at it with ratecast evaluate --artifact"
        )


def _asked(new: Model, old: Model) -> Requests:
    """Some users, evenly over those that both know, each with some movies that both know."""
    users = _some(new.users.table[USER].to_list(), old.users.table[USER].to_list(), USERS)
    movies = _some(new.movies.table[MOVIE].to_list(), old.movies.table[MOVIE].to_list(), MOVIES)
    pairs = [(user, movie) for user in users for movie in movies]
    return Requests.of([user for user, _ in pairs], [movie for _, movie in pairs])


def _some(one: list[int | str], other: list[int | str], count: int) -> list[int | str]:
    both = set(other)
    known = [i for i in one if i in both]
    return known[:: max(1, len(known) // count)][:count]
