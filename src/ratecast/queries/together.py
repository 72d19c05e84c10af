"""What several people will give one movie: exact from the star probabilities of each.

Given the model, the stars of different users are taken as independent: each forecast rests on its
user's ratings, and what is left is noise of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from ratecast.arrays import F64
from ratecast.data.frames import requests_of
from ratecast.data.pairs import ids_of
from ratecast.errors import InputError
from ratecast.ids import Id
from ratecast.modelling.contract import distribution
from ratecast.modelling.contract.model import Model, Table
from ratecast.queries.id_lists import candidates
from ratecast.queries.many_forecasts import EveryPair, blocks
from ratecast.queries.rated_pairs import RatedPairs
from ratecast.queries.top_n import highest
from ratecast.ratings import MOVIE, Requests, Scale

Measure = Literal["chance", "mean", "least"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
LEAST_USERS, MOST_USERS = 2, 10
RANK = "rank"
# The share of a scale above which a rating is good, unless it is said: 4 of 1 to 5.
_GOOD = 0.75
_ROUNDING = 1e-9


@dataclass(frozen=True)
class TogetherForecast:
    """Of each movie, (m,) each, for a group of users.

    chance: that all of them give the wanted stars or more. mean: of their expected stars. least:
    expected value of the lowest of their stars.
    """

    chance: F64
    mean: F64
    least: F64

    def by(self, measure: Measure) -> F64:
        """One of the three, by its name."""
        values: F64 = getattr(self, measure)
        return values


def together_forecast(
    probabilities: Sequence[F64], scale: Scale, at_least: float
) -> TogetherForecast:
    r"""The three measures, from the star probabilities of the users.

    With the independent stars X_u of the users and the stars s_1 < ... < s_S of the scale:

        P(all >= s) = prod_u P(X_u >= s)
        E[min] = s_1 + sum_k (s_k - s_(k-1)) prod_u P(X_u >= s_k)

    On a continuous scale, whose density is constant inside a cell, P(X_u >= x) is linear there and
    the product a polynomial of degree U: E[min] = low + the integral of the product, by
    Gauss-Legendre quadrature of enough points to be exact.

    probabilities: of each user, (m, S) of each star or cell. at_least: on the scale. 2 m S U steps.
    Reference: David, Nagaraja 2003, "Order Statistics", chapter 2.
    """
    mean = np.mean([shares @ scale.stars for shares in probabilities], axis=0)
    chance = np.prod([_reaching(shares, scale, at_least) for shares in probabilities], axis=0)
    # Whether a user's rating reaches each star, or the lower end of each cell.
    above = [np.cumsum(shares[:, ::-1], axis=1)[:, ::-1] for shares in probabilities]
    if not scale.is_continuous:
        steps = np.diff(scale.stars)
        least = scale.stars[0] + np.prod([each[:, 1:] for each in above], axis=0) @ steps
        return TogetherForecast(chance, mean, least)
    points, weights = np.polynomial.legendre.leggauss(len(probabilities) // 2 + 1)
    total = np.zeros(len(mean))
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        pairs = zip(above, probabilities, strict=True)
        inside = np.prod([each - point * shares for each, shares in pairs], axis=0)
        total += weight * inside.sum(axis=1)
    return TogetherForecast(chance, mean, scale.low + scale.cell_width * total)


def good_stars(scale: Scale) -> float:
    """The stars that count as good where nothing is said: three quarters up the scale, or above."""
    value = scale.low + _GOOD * (scale.high - scale.low)
    return value if scale.is_continuous else float(scale.stars[scale.stars >= value - 1e-6][0])


def require_group(users: Sequence[Id], scale: Scale, at_least: float) -> None:
    """Raise `InputError` for a group of other than 2 to 10 users, or stars beyond the scale."""
    if not LEAST_USERS <= len(users) <= MOST_USERS:
        raise InputError(
            f"together: {len(users)} users; give {LEAST_USERS} to {MOST_USERS} of them"
        )
    if len(set(users)) < len(users):
        raise InputError("together: a user occurs twice; give each once")
    if not scale.low <= at_least <= scale.high:
        raise InputError(
            f"together: at least {at_least:g} stars, beyond the scale {scale}; give stars on it"
        )


def together(
    model: Model,
    users: pl.Series | Sequence[Id],
    n: int = 10,
    rated: Table | None = None,
    *,
    movies: pl.Series | Sequence[Id] | None = None,
    stars: float | None = None,
    by: Measure = "chance",
) -> pl.DataFrame:
    """The `n` best movies for 2 to 10 users together: movie, rank (from 1), chance, mean, least.

    chance: that each of them gives at least `stars`. mean: of their expected stars. least: the
    expected lowest of their stars. All are exact from the star probabilities, whose users are taken
    as independent given the model.

    users: raw ids; unknown ones are new users.
    rated: pairs of user and movie; a movie that one of the users has rated is left out. None: those
        that the model stores.
    movies: ids of the only movies; None is every movie that the model knows, as in `top_n`.
    stars: on the scale; None is the first star at three quarters of it, such as 4 of 1 to 5.
    by: which measure ranks them: chance, mean or least.

    Raises `InputError` for another number of users, and for a movie that the model does not know.

    >>> import ratecast as rc
    >>> model = rc.ALS(factors=2).fit(rc.example_ratings())
    >>> rc.together(model, [1, 2], n=3, stars=4).columns
    ['movie', 'rank', 'chance', 'mean', 'least']
    """
    if by not in MEASURES:
        raise InputError(f"together: by {by!r}; give {', '.join(MEASURES)}")
    if n < 1:
        raise InputError(f"together: {n} movies; give 1 or more")
    group = model.users.own_ids(ids_of(users, "user", "together"))
    least_stars = good_stars(model.scale) if stars is None else float(stars)
    require_group(group.to_list(), model.scale, least_stars)
    among = candidates(model) if movies is None else ids_of(movies, MOVIE, "together")
    among = model.movies.own_ids(among.rename(MOVIE)).unique().sort()
    if movies is not None:
        known = among.is_in(candidates(model).implode())
        model.movies.encode(among.filter(~known), "raise")
    pairs = None if rated is None else requests_of(rated, "rated")
    found = _forecast(model, group, among, least_stars)
    best = highest(found.by(by), _unrated(model, group, among, pairs), n)
    columns = {name: found.by(name)[best] for name in MEASURES}
    ranks = np.arange(1, len(best) + 1, dtype=np.int32)
    return pl.DataFrame({MOVIE: among.gather(best), RANK: ranks} | columns)


def _forecast(
    model: Model, users: pl.Series, movies: pl.Series, at_least: float
) -> TogetherForecast:
    """Block by block of movies, so that memory does not grow with them."""
    parts = []
    for block in blocks(len(movies)):
        part = movies[block]
        each = [
            model.predict(EveryPair(users[k : k + 1], part).take(slice(None)))
            for k in range(len(users))
        ]
        shares = [forecast.probabilities for forecast in each]
        parts.append(together_forecast(shares, model.scale, at_least))
    none = np.zeros(0)
    return TogetherForecast(
        *(np.concatenate([none, *(part.by(name) for part in parts)]) for name in MEASURES)
    )


def _unrated(
    model: Model, users: pl.Series, movies: pl.Series, rated: Requests | None
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether none of the users has rated the movie: (m,)."""
    pairs = RatedPairs.of(model, movies, rated)
    excluded = pairs.places.of_users(pairs.numbers(users))
    unrated = np.ones(len(movies), bool)
    unrated[excluded.places] = False
    return unrated


def _reaching(shares: F64, scale: Scale, at_least: float) -> F64:
    """P(rating >= at_least) of each row: (m,)."""
    if scale.is_continuous:
        below = distribution.cumulative(shares, scale, np.full(len(shares), at_least))
        return np.clip(1 - below, 0.0, 1.0)
    chance: F64 = shares[:, scale.stars >= at_least - _ROUNDING].sum(axis=1)
    return chance
