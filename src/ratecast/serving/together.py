"""What several users of the service will give the movies of the catalogue."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ratecast.errors import InputError
from ratecast.ids import Id
from ratecast.queries.many_forecasts import blocks
from ratecast.queries.together import (
    MEASURES,
    Measure,
    TogetherForecast,
    good_stars,
    require_group,
    together_forecast,
)
from ratecast.queries.top_n import highest
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import InvalidValueError
from ratecast.serving.selection import among
from ratecast.serving.service import RatingService


@dataclass(frozen=True, slots=True)
class MovieTogether:
    """A movie for a group of users.

    chance: that each gives at least the wanted stars. mean: of their expected stars. least: the
    expected lowest of their stars. Exact from the star probabilities of each; the users are taken
    as independent given the model.
    """

    movie: Movie
    chance: float
    mean: float
    least: float


@dataclass(frozen=True)
class Wish:
    """What is wanted. stars: at least so many; None: three quarters up the scale.

    by: the measure that ranks. movies: the only candidates; None is the catalogue. rated: movies
    that one of the users has rated or seen too.
    """

    stars: float | None = None
    by: Measure = "chance"
    movies: Sequence[Id] | None = None
    rated: bool = False

    def on(self, service: RatingService) -> float:
        """The stars that are wanted, on the scale of the service."""
        return good_stars(service.scale) if self.stars is None else self.stars


async def recommend_together(
    service: RatingService, users: Sequence[Id], wish: Wish, count: int = 10
) -> list[MovieTogether]:
    """The `count` best movies for these users, best first; one pass of the catalogue for each.

    users: 2 to 10, in the type of the model's ids. Starts again if the model or a rating of one of
    them changes meanwhile. Raises `InvalidValueError` and `NotFoundError`.
    """
    live, stars = service.live, wish.on(service)
    try:
        require_group(users, service.scale, stars)
    except InputError as error:
        raise InvalidValueError(str(error)) from None
    version = _version(service, users)
    allowed = among(live.served, wish.movies)
    for user in users:
        unseen = live.catalogue_scores(user).unseen
        allowed = allowed if wish.rated else allowed & unseen
        await asyncio.sleep(0)
        if version != _version(service, users):
            return await recommend_together(service, users, wish, count)
    lines = np.flatnonzero(allowed)
    parts = []
    for block in blocks(len(lines)):
        part = lines[block].tolist()
        shares = [live.forecast(user, part).probabilities for user in users]
        parts.append(together_forecast(shares, service.scale, stars))
        await asyncio.sleep(0)
        if version != _version(service, users):
            return await recommend_together(service, users, wish, count)
    return _best(service, lines, parts, wish.by, count)


def _best(
    service: RatingService,
    lines: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    parts: list[TogetherForecast],
    by: Measure,
    count: int,
) -> list[MovieTogether]:
    if not parts:
        return []
    found = {name: np.concatenate([part.by(name) for part in parts]) for name in MEASURES}
    best = highest(found[by], np.ones(len(lines), bool), count).tolist()
    movies = service.live.served.catalogue.movies
    return [
        MovieTogether(movies[lines[place]], *(float(found[name][place]) for name in MEASURES))
        for place in best
    ]


def _version(service: RatingService, users: Sequence[Id]) -> tuple[object, ...]:
    """What the forecasts depend on."""
    live = service.live
    return live.served, len(live.served.catalogue), *(live.changes.get(user) for user in users)
