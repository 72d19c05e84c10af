"""The endpoints of movies, new ones and those seen, and of a user's export."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from pydantic import Field

from ratecast.ids import MOST_BYTES
from ratecast.serving import adding, seen
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import InvalidValueError
from ratecast.serving.http.api import (
    MovieFilter,
    PathMovie,
    PathUser,
    Service,
    require_service_token,
)
from ratecast.serving.http.schemas import BodyId, Count, MovieSearch, RequestBody, reply
from ratecast.serving.http.v1_router import v1_router
from ratecast.serving.letterboxd_export import letterboxd_csv
from ratecast.serving.records import UserExport
from ratecast.serving.selection import matching
from ratecast.serving.store.new_movies import NewMovie

router = v1_router()

# Text that every database can hold, and every page show.
Title = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
Year = Annotated[int, Field(ge=0, le=9999)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Column = (
    Number
    | Name
    | Annotated[list[Number], Field(max_length=4096)]
    | Annotated[list[Name], Field(max_length=200)]
)
CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}


class DescribedMovie(RequestBody):
    """A movie that is new to the service. columns: further side information of the model's names.

    id: None: the next free one.
    """

    title: Title
    year: Year | None = None
    genres: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    columns: Annotated[dict[Name, Column], Field(max_length=50)] = Field(default_factory=dict)
    id: BodyId | None = None


@router.get("/movies", tags=["movies"], response_model=MovieSearch)
async def movies(
    service: Service,
    only: MovieFilter,
    q: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    after: Annotated[str | None, Query(min_length=1, max_length=MOST_BYTES)] = None,
    n: Count = 10,
) -> Response:
    """Search movies by title with `q`; or list them by id, page by page, with `after`.

    A search finds an exact match, a prefix, words, or what is similar. A page goes on after the id
    that the page before it named.
    """
    if q is not None:
        if after is not None or only.genre or only.from_year or only.to_year:
            raise InvalidValueError("q: search by title alone, or list without q", "q")
        return reply(MovieSearch({"q": q, "n": n}, service.search(q, n)))
    served = service.live.served
    years = only.from_year, only.to_year
    allowed = matching(served.catalogue, only.genre, years)
    start = None if after is None else served.movie(after)
    page, following = served.catalogue.after(start, n, allowed)
    query = {"after": start, "n": n, "genre": only.genre, "from_year": years[0]}
    return reply(MovieSearch(query | {"to_year": years[1]}, page, following))


@router.post(
    "/movies",
    tags=["movies"],
    dependencies=[Depends(require_service_token)],
    response_model=Movie,
    status_code=201,
)
async def add_movie(service: Service, body: DescribedMovie) -> Response:
    """Add a movie that is new to the service: in search, forecasts and lists at once."""
    genres = tuple(dict.fromkeys(body.genres))
    described = NewMovie("", body.title, body.year, genres, body.columns)
    return reply(await adding.add(service, described, body.id), 201)


@router.post("/users/{user}/seen/{movie}", tags=["users"], response_model=Movie, status_code=201)
async def mark_seen(service: Service, user: PathUser, movie: PathMovie) -> Response:
    """Mark a movie as seen without a rating: it is no longer recommended to the user."""
    return reply(await seen.mark_seen(service, user, movie), 201)


@router.delete("/users/{user}/seen/{movie}", tags=["users"], status_code=204)
async def unmark_seen(service: Service, user: PathUser, movie: PathMovie) -> Response:
    """Take back that a movie was seen."""
    await seen.unmark_seen(service, user, movie)
    return Response(status_code=204)


@router.get(
    "/users/{user}/export",
    tags=["users"],
    response_model=UserExport,
    responses={200: {"content": CSV}},
)
async def export(
    service: Service, user: PathUser, form: Literal["json", "letterboxd"] = "json"
) -> Response:
    """Export all data of a user; or the ratings as the CSV that Letterboxd imports."""
    if form == "json":
        return reply(await service.export(user))
    headers = {"Content-Disposition": 'attachment; filename="letterboxd.csv"'}
    return Response(letterboxd_csv(service, user), 200, headers, "text/csv; charset=utf-8")
