"""The API, /v1: reads a request, calls the desk, writes the answer."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ratecast.serving.catalogue import Id, Movie
from ratecast.serving.errors import Later, Malformed
from ratecast.serving.http.auth import Access
from ratecast.serving.http.problem_details import MEDIA
from ratecast.serving.http.schemas import (
    Alike,
    Count,
    Explained,
    Forecasts,
    Found,
    Kept,
    NewRating,
    NewRatings,
    NewStars,
    NewUser,
    PairForecast,
    PairForecasts,
    Pairs,
    reply,
)
from ratecast.serving.records import Export, Facts, Rated
from ratecast.serving.service import Desk

UserId = Annotated[str, Path(min_length=1, max_length=128, description="raw id of the user")]
MovieId = Annotated[str, Path(min_length=1, max_length=128, description="raw id of the movie")]
Year = Annotated[int | None, Query(ge=0, le=9999)]


@dataclass(frozen=True)
class Filter:
    """Which movies may be recommended."""

    genre: str | None
    from_year: int | None
    to_year: int | None


def present(request: Request) -> Desk:
    """The desk, once the model is ready. Raises `Later` before."""
    desk: Desk | None = request.app.state.desk
    if desk is None:
        raise Later("the model is being made ready")
    return desk


async def desk_of(request: Request) -> Desk:
    """The same. A plain function FastAPI would call in a thread: as dear as half a forecast."""
    return present(request)


async def filter_of(
    genre: Annotated[str | None, Query(max_length=128)] = None,
    from_year: Year = None,
    to_year: Year = None,
) -> Filter:
    """What the query says of it; the class itself would be made in a thread."""
    return Filter(genre, from_year, to_year)


async def owner(request: Request, user: UserId) -> Id:
    """The user of the path, whom the token must belong to."""
    who = present(request).live.loaded.user(user)
    access: Access = request.app.state.access
    access.check(request.headers.get("authorization"), who)
    return who


async def service(request: Request) -> None:
    """Only with the service token."""
    access: Access = request.app.state.access
    access.check(request.headers.get("authorization"))


TheDesk = Annotated[Desk, Depends(desk_of)]
TheFilter = Annotated[Filter, Depends(filter_of)]
Owner = Annotated[Id, Depends(owner)]


def _problem(what: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": what, "content": {MEDIA: {"schema": schema}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _problem("The request is not HTTP that can be read"),
    401: _problem("A token is needed"),
    403: _problem("This token does not allow it"),
    404: _problem("User, movie or genre not known"),
    405: _problem("Not with this method"),
    409: _problem("The model that serves cannot do this"),
    413: _problem("The body is too large"),
    422: _problem("A field is wrong; errors names it"),
    429: _problem("Too many requests; see Retry-After"),
    503: _problem("Not now; see Retry-After"),
}

router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _says(record: type, status: int = 200) -> dict[str, Any]:
    return {"response_model": record, "status_code": status}


@router.get("/predict", tags=["forecasts"], **_says(Forecasts))
async def predict(
    request: Request,
    user: Annotated[str, Query(min_length=1, max_length=128)],
    movie: Annotated[list[str], Query(min_length=1, max_length=100)],
) -> Response:
    """How many stars a user will give to one or more movies."""
    desk = present(request)
    found = desk.predict(user, movie)
    query = {"user": desk.live.loaded.user(user), "movies": [answer.movie.id for answer in found]}
    return reply(Forecasts(query, desk.live.loaded.model.name, found))


@router.post("/predict", tags=["forecasts"], **_says(PairForecasts))
async def predict_many(desk: TheDesk, body: Pairs) -> Response:
    """Forecasts of many pairs of a user and a movie, in one call."""
    pairs = [(pair.user, pair.movie) for pair in body.requests]
    found = await desk.predict_pairs(pairs)
    query = {"requests": [{"user": who, "movie": answer.movie.id} for who, answer in found]}
    forecasts = [PairForecast(who, answer) for who, answer in found]
    return reply(PairForecasts(query, desk.live.loaded.model.name, forecasts))


@router.get("/users/{user}/recommendations", tags=["forecasts"], **_says(Forecasts))
async def recommend(
    desk: TheDesk,
    user: Owner,
    only: TheFilter,
    n: Count = 10,
) -> Response:
    """The movies with the highest expected stars that the user has not rated."""
    found = desk.recommend(user, n, genre=only.genre, years=(only.from_year, only.to_year))
    query = {"user": user, "n": n} | asdict(only)
    return reply(Forecasts(query, desk.live.loaded.model.name, found))


@router.get("/users/{user}/suggestions", tags=["forecasts"], **_says(Forecasts))
async def teach(desk: TheDesk, user: Owner, n: Count = 10) -> Response:
    """The movies whose rating would teach the model most of this user."""
    query = {"user": user, "n": n}
    return reply(Forecasts(query, desk.live.loaded.model.name, desk.teach(user, n)))


@router.get("/users/{user}/explanations/{movie}", tags=["forecasts"], **_says(Explained))
async def explain(desk: TheDesk, user: Owner, movie: MovieId, n: Count = 10) -> Response:
    """The user's own ratings that moved this forecast most: what each adds to it, in stars."""
    found = await desk.explain(user, movie, n)
    query = {"user": user, "movie": found.answer.movie.id, "n": n}
    name = desk.live.loaded.model.name
    return reply(Explained(query, name, found.answer, found.reasons))


@router.post("/users", tags=["users"], dependencies=[Depends(service)], **_says(NewUser, 201))
async def new_user(request: Request, desk: TheDesk) -> Response:
    """An id that nobody had, and the token to act with."""
    user, access = await desk.new_user(), request.app.state.access
    token = access.user_token(user) if access.token else None
    return reply(NewUser(user, token), 201)


@router.get("/users/{user}/ratings", tags=["users"], **_says(Kept))
async def ratings(desk: TheDesk, user: Owner) -> Response:
    """The user's ratings that are in force, newest first."""
    return reply(Kept(user, desk.ratings(user)))


@router.post("/users/{user}/ratings", tags=["users"], **_says(Rated, 201))
async def rate(desk: TheDesk, user: Owner, body: NewRating) -> Response:
    """Give a rating, or change it; it is durable, and in effect in the very next answer."""
    return reply(await desk.rate(user, body.movie, body.stars), 201)


@router.post("/users/{user}/ratings/many", tags=["users"], **_says(Kept, 201))
async def rate_many(desk: TheDesk, user: Owner, body: NewRatings) -> Response:
    """Give several ratings at once: all are kept, or none."""
    stars = {given.movie: given.stars for given in body.ratings}
    if len(stars) < len(body.ratings):
        raise Malformed("ratings: a movie is named twice", "ratings")
    return reply(Kept(user, await desk.rate_many(user, stars)), 201)


@router.put("/users/{user}/ratings/{movie}", tags=["users"], **_says(Rated))
async def change(desk: TheDesk, user: Owner, movie: MovieId, body: NewStars) -> Response:
    """Set the stars of one movie, whether it was rated before or not."""
    return reply(await desk.rate(user, movie, body.stars))


@router.delete("/users/{user}/ratings/{movie}", tags=["users"], status_code=204)
async def unrate(desk: TheDesk, user: Owner, movie: MovieId) -> Response:
    """Take a rating back: later answers are as if it had never been given."""
    await desk.unrate(user, movie)
    return Response(status_code=204)


@router.get("/users/{user}/export", tags=["users"], **_says(Export))
async def export(desk: TheDesk, user: Owner) -> Response:
    """Everything that the service knows of a user."""
    return reply(await desk.export(user))


@router.delete("/users/{user}", tags=["users"], status_code=204)
async def forget(desk: TheDesk, user: Owner) -> Response:
    """Delete everything that the service knows of a user."""
    await desk.forget(user)
    return Response(status_code=204)


@router.get("/movies", tags=["movies"], **_says(Found))
async def search(
    desk: TheDesk, q: Annotated[str, Query(min_length=1, max_length=200)], n: Count = 10
) -> Response:
    """Movies by title: its beginning, some of its words, or nearly so."""
    return reply(Found({"q": q, "n": n}, desk.search(q, n)))


@router.get("/movies/{movie}", tags=["movies"], **_says(Movie))
async def movie(desk: TheDesk, movie: MovieId) -> Response:
    """The facts of one movie."""
    return reply(desk.movie(movie))


@router.get("/movies/{movie}/similar", tags=["movies"], **_says(Alike))
async def similar(desk: TheDesk, movie: MovieId, n: Count = 10) -> Response:
    """The movies most like this one, by the users who like them."""
    found = desk.similar(movie, n)
    return reply(Alike({"movie": desk.movie(movie).id, "n": n}, found))


@router.get("/model", tags=["movies"], **_says(Facts))
async def model(desk: TheDesk) -> Response:
    """Which model serves, and what it knows."""
    return reply(desk.facts())
