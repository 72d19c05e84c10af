"""Movies of the catalogue by title and year, and the forecast of one that is not among them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.match import candidates, films, match_films
from ratecast.exports.matches import MATCHED, UNMATCHED
from ratecast.exports.watchlist import read_watchlist
from ratecast.ids import Id
from ratecast.modelling.contract.model import Model
from ratecast.queries.title_lookup import unused_id
from ratecast.ratings import MOVIE, USER, Requests
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import AmbiguousTitleError, InvalidValueError
from ratecast.serving.live.movie_columns import movie_columns
from ratecast.serving.records import MovieForecast, movie_forecasts
from ratecast.serving.service import RatingService
from ratecast.serving.store.new_movies import NewMovie

NOT_HERE = ""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A title of a list that is no movie for certain. candidates: movies that it may be."""

    title: str
    year: int | None
    candidates: list[Movie]


@dataclass(frozen=True)
class Resolved:
    """Movies of a list, each once, in its order; and the titles that are none for certain."""

    movies: list[Id]
    unresolved: list[Unresolved]


async def resolve(
    service: RatingService, titles: Sequence[str], years: Sequence[int | None]
) -> Resolved:
    """The movies of titles, (n,): by title and year; in a thread, since it may take seconds."""
    return await asyncio.to_thread(_resolved, service, films(titles, years))


async def watchlist(service: RatingService, data: bytes) -> Resolved:
    """The movies of a watchlist of Letterboxd or IMDb, a file. Raises `InvalidValueError`."""
    try:
        listed = await asyncio.to_thread(read_watchlist, data, "watchlist")
    except InputError as error:
        raise InvalidValueError(str(error), "watchlist") from None
    return await asyncio.to_thread(_resolved, service, listed)


async def forecast_title(
    service: RatingService, user: Id, described: NewMovie
) -> tuple[str, MovieForecast]:
    """What the user will give the movie of a title, and how it was found: known or new.

    described: title, year and genres. Where no movie has the title, the forecast is for a new movie
    with that year and those genres; its record has an empty id. Raises `AmbiguousTitleError`.
    """
    found = await resolve(service, [described.title], [described.year])
    if found.movies:
        return "known", service.predict(user, found.movies)[0]
    if found.unresolved[0].candidates:
        title, year = described.title, described.year
        raise AmbiguousTitleError(
            f"{title!r}{'' if year is None else f' ({year})'}: may be one of several movies; "
            "ask again with the id of one, or with its title and year",
            found.unresolved[0].candidates,
        )
    return "new", _forecast_of_new(service, user, described)


def _resolved(service: RatingService, listed: pl.DataFrame) -> Resolved:
    catalogue = service.live.served.catalogue
    index, movies = catalogue.index, catalogue.movies
    line = {movie.id: movie for movie in movies}
    found = match_films(listed, index)
    known: dict[Id, None] = {}
    unresolved = []
    rows = found.select("title", "year", "status", "candidate").iter_rows()
    for title, year, status, best in rows:
        if status == MATCHED:
            known[best] = None
            continue
        offered: list[Id] = []
        if status != UNMATCHED:
            near = candidates(title, year, index)
            offered = list(dict.fromkeys([best, *near]))
        unresolved.append(Unresolved(title, year, [line[movie] for movie in offered]))
    return Resolved(list(known), unresolved)


def _forecast_of_new(service: RatingService, user: Id, described: NewMovie) -> MovieForecast:
    model: Model = service.live.served.model
    movie = unused_id(model.movies)
    frame = pl.DataFrame(
        [
            pl.Series(USER, [user], model.users.dtype),
            pl.Series(MOVIE, [movie], model.movies.dtype),
        ]
    )
    side = movie_columns([described], [movie], model.movies.described)
    predicted = model.predict(Requests(frame, movies=side))
    record = Movie(NOT_HERE, described.title, described.year, described.genres, 0)
    return movie_forecasts([record], predicted, service.scale)[0]
