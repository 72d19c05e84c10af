"""The endpoints of what people ask: together, from a list of titles, and one title."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from ratecast.ids import MOST_BYTES, Id
from ratecast.queries.together import LEAST_USERS, MOST_USERS, Measure
from ratecast.serving.errors import ForbiddenError, InvalidValueError
from ratecast.serving.http.api import PathUser, Service
from ratecast.serving.http.auth import Access
from ratecast.serving.http.movies_api import Name, Title, Year
from ratecast.serving.http.schemas import (
    MAX_ENTRIES,
    BodyId,
    RankedList,
    RequestBody,
    Stars,
    TitleForecast,
    Together,
    reply,
)
from ratecast.serving.http.v1_router import v1_router
from ratecast.serving.service import RatingService
from ratecast.serving.store.new_movies import NewMovie
from ratecast.serving.titles import Resolved, forecast_title, resolve, watchlist
from ratecast.serving.together import Wish, recommend_together

router = v1_router()

Most = Annotated[int, Field(ge=1, le=MAX_ENTRIES)]
Ids = Annotated[list[BodyId], Field(min_length=1, max_length=MAX_ENTRIES)]
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class Group(RequestBody):
    """Users, and what they want to see together.

    tokens: of the users, in their order; not needed with the service's token. stars: at least so
    many; by default three quarters up the scale. by: the measure that ranks. rated: movies that one
    of them has rated or seen too.
    """

    users: Annotated[list[BodyId], Field(min_length=LEAST_USERS, max_length=MOST_USERS)]
    tokens: Annotated[list[Annotated[str, Field(max_length=MOST_BYTES)]] | None, Field()] = None
    movies: Ids | None = None
    stars: Stars | None = None
    by: Measure = "chance"
    rated: bool = False
    n: Most = 10


class Candidate(RequestBody):
    """A movie by its id, or by title and year."""

    movie: BodyId | None = None
    title: Title | None = None
    year: Year | None = None


class CandidateList(RequestBody):
    """Candidates to rank for a user."""

    candidates: Annotated[list[Candidate], Field(min_length=1, max_length=MAX_ENTRIES)]
    n: Most = MAX_ENTRIES


@router.post("/together", tags=["forecasts"], response_model=Together)
async def together(request: Request, service: Service, body: Group) -> Response:
    """Movies for two or more users: chance that each gives at least so many stars, mean, least.

    Exact from the star probabilities of each; given the model the users are independent.
    """
    users = [service.live.served.user(user) for user in body.users]
    _check_all(request, users, body.tokens)
    movies = None if body.movies is None else [service.movie(each).id for each in body.movies]
    wish = Wish(body.stars, body.by, movies, body.rated)
    found = await recommend_together(service, users, wish, body.n)
    query = {"users": users, "stars": wish.on(service), "by": body.by, "rated": body.rated}
    return reply(Together(query | {"n": body.n}, service.live.served.model.name, found))


@router.post("/users/{user}/recommendations", tags=["forecasts"], response_model=RankedList)
async def rank(service: Service, user: PathUser, body: CandidateList) -> Response:
    """Rank candidates, by ids or titles, for a user; without those rated or seen."""
    given = [each for each in body.candidates if each.movie is not None]
    titled = [each for each in body.candidates if each.movie is None]
    if any((each.movie is None) == (each.title is None) for each in body.candidates):
        raise InvalidValueError("candidates: give each either movie or title", "candidates")
    names = [each.title or "" for each in titled]
    found = await resolve(service, names, [each.year for each in titled])
    ids = [service.movie(each.movie).id for each in given if each.movie is not None]
    return _ranked(service, user, Resolved([*ids, *found.movies], found.unresolved), body.n)


@router.post(
    "/users/{user}/watchlist", tags=["forecasts"], response_model=RankedList, openapi_extra=FILE
)
async def rank_watchlist(
    request: Request,
    service: Service,
    user: PathUser,
    n: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = MAX_ENTRIES,
) -> Response:
    """Rank a watchlist for a user: of Letterboxd, its watchlist.csv or ZIP, or of IMDb, its CSV."""
    found = await watchlist(service, await request.body())
    return _ranked(service, user, found, n)


@router.get("/users/{user}/forecast", tags=["forecasts"], response_model=TitleForecast)
async def forecast(
    service: Service,
    user: PathUser,
    title: Annotated[Title, Query()],
    year: Annotated[Year | None, Query()] = None,
    genre: Annotated[list[Name] | None, Query(max_length=50)] = None,
) -> Response:
    """What a user will give the movie of a title; a movie that is not here is forecast as new.

    A title that may be one of several movies is refused, and `candidates` of the problem has these.
    """
    described = NewMovie("", title, year, tuple(genre or ()))
    found, predicted = await forecast_title(service, user, described)
    query = {"user": user, "title": title, "year": year, "genre": genre or []}
    return reply(TitleForecast(query, service.live.served.model.name, found, predicted))


def _ranked(service: RatingService, user: Id, found: Resolved, count: int) -> Response:
    forecasts = service.recommend(user, count, movies=found.movies)
    query = {"user": user, "movies": found.movies, "n": count}
    name = service.live.served.model.name
    return reply(RankedList(query, name, forecasts, found.unresolved))


def _check_all(request: Request, users: list[Id], tokens: list[str] | None) -> None:
    """Check the token of the request, or that of each user."""
    access: Access = request.app.state.access
    if tokens is None:
        header = request.headers.get("authorization")
        for user in users:
            access.check(header, user)
        return
    if len(tokens) != len(users):
        raise ForbiddenError("tokens: give one for each user, in their order", "tokens")
    for user, token in zip(users, tokens, strict=True):
        access.check(f"Bearer {token}", user)
