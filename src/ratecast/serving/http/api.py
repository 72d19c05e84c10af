"""The HTTP endpoints under /v1: each parses a request, calls the service, writes the response."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BeforeValidator, StringConstraints

from ratecast.ids import MOST_BYTES, Id
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import InvalidValueError, UnavailableError
from ratecast.serving.http.auth import check, check_forecasts
from ratecast.serving.http.schemas import (
    AllMovies,
    Count,
    ForecastExplanation,
    Forecasts,
    NewRating,
    NewRatings,
    NewStars,
    NewUser,
    PairForecast,
    PairForecasts,
    Pairs,
    SimilarMovies,
    UserRatings,
    reply,
)
from ratecast.serving.http.v1_router import v1_router
from ratecast.serving.records import ModelInfo, UserRating
from ratecast.serving.service import RatingService

IN_PATH = "raw id of the {}, percent-encoded; or -, with {}_id in the query"
IN_QUERY = (
    "raw id, where - stands in the path: for ids such as . and .., and behind proxies "
    "that change encoded slashes"
)
ELSEWHERE = "-"


def decoded(part: str) -> str:
    """A part of the path, which the middleware leaves percent-encoded."""
    return unquote(part)


UserId = Annotated[
    str,
    Path(min_length=1, max_length=MOST_BYTES, description=IN_PATH.format("user", "user")),
    BeforeValidator(decoded),
]
MovieId = Annotated[
    str,
    Path(min_length=1, max_length=MOST_BYTES, description=IN_PATH.format("movie", "movie")),
    BeforeValidator(decoded),
]
QueryId = Annotated[str | None, Query(min_length=1, max_length=MOST_BYTES, description=IN_QUERY)]
OneId = Annotated[str, StringConstraints(min_length=1, max_length=MOST_BYTES)]
Candidates = Annotated[
    list[OneId] | None, Query(min_length=1, max_length=100, description="the only candidates")
]
Year = Annotated[int | None, Query(ge=0, le=9999)]


@dataclass(frozen=True)
class Filter:
    """Filter of recommendations. Years are inclusive; None is no bound."""

    genre: str | None
    from_year: int | None
    to_year: int | None


def ready_service(request: Request) -> RatingService:
    """The service. Raises `UnavailableError` until the first model is loaded."""
    service: RatingService | None = request.app.state.service
    if service is None:
        raise UnavailableError("the model is loading")
    return service


async def service_of(request: Request) -> RatingService:
    """The same as a coroutine: FastAPI calls a plain function in a thread, which takes longer."""
    return ready_service(request)


async def filter_from_query(
    genre: Annotated[str | None, Query(max_length=128)] = None,
    from_year: Year = None,
    to_year: Year = None,
) -> Filter:
    """The filter in the query; a coroutine for the same reason."""
    return Filter(genre, from_year, to_year)


async def user_in_path(request: Request, user: UserId, user_id: QueryId = None) -> Id:
    """The user id in the path or query; checks that the token may act for this user."""
    own = ready_service(request).live.served.user(_only_one("user", user, user_id))
    check(request, own)
    return own


async def movie_in_path(movie: MovieId, movie_id: QueryId = None) -> str:
    """The movie id in the path or query."""
    return _only_one("movie", movie, movie_id)


def _only_one(kind: str, in_path: str, in_query: str | None) -> str:
    if in_query is None:
        return in_path
    if in_path != ELSEWHERE:
        name = f"{kind}_id"
        raise InvalidValueError(f"{name}: write {ELSEWHERE} in the path with it", name)
    return in_query


async def require_service_token(request: Request) -> None:
    """Check that the request has the service token."""
    check(request)


Service = Annotated[RatingService, Depends(service_of)]
MovieFilter = Annotated[Filter, Depends(filter_from_query)]
PathUser = Annotated[Id, Depends(user_in_path)]
PathMovie = Annotated[str, Depends(movie_in_path)]


router = v1_router()


def predicted(request: Request, user: str, movies: list[str]) -> Forecasts:
    """The response of `predict`."""
    service = ready_service(request)
    own = service.live.served.user(user)
    check_forecasts(request, [own])
    forecasts = service.predict(own, movies)
    query = {"user": own, "movies": [forecast.movie.id for forecast in forecasts]}
    return Forecasts(query, service.live.served.model.name, forecasts)


def recommended(
    service: RatingService, user: Id, n: int, only: Filter, movies: list[str] | None
) -> Forecasts:
    """The response of `recommend`."""
    years = only.from_year, only.to_year
    forecasts = service.recommend(user, n, genre=only.genre, years=years, movies=movies)
    query = {"user": user, "n": n} | asdict(only)
    query |= {} if movies is None else {"movies": movies}
    return Forecasts(query, service.live.served.model.name, forecasts)


def _response(record: type, status: int = 200) -> dict[str, Any]:
    return {"response_model": record, "status_code": status}


@router.get("/predict", tags=["forecasts"], **_response(Forecasts))
async def predict(
    request: Request,
    user: Annotated[str, Query(min_length=1, max_length=MOST_BYTES)],
    movie: Annotated[list[str], Query(min_length=1, max_length=100)],
) -> Response:
    """Predict the stars that a user will give to one or more movies."""
    return reply(predicted(request, user, movie))


@router.post("/predict", tags=["forecasts"], **_response(PairForecasts))
async def predict_many(request: Request, service: Service, body: Pairs) -> Response:
    """Predict many pairs of a user and a movie in one request."""
    check_forecasts(request, (service.live.served.user(pair.user) for pair in body.requests))
    pairs = [(pair.user, pair.movie) for pair in body.requests]
    predicted = await service.predict_pairs(pairs)
    query = {"requests": [{"user": user, "movie": f.movie.id} for user, f in predicted]}
    forecasts = [PairForecast(user, forecast) for user, forecast in predicted]
    return reply(PairForecasts(query, service.live.served.model.name, forecasts))


@router.get("/users/{user}/recommendations", tags=["forecasts"], **_response(Forecasts))
async def recommend(
    service: Service,
    user: PathUser,
    only: MovieFilter,
    movies: Candidates = None,
    n: Count = 10,
) -> Response:
    """The movies with the highest expected stars that the user has neither rated nor seen."""
    return reply(recommended(service, user, n, only, movies))


@router.get("/users/{user}/suggestions", tags=["forecasts"], **_response(Forecasts))
async def suggest(service: Service, user: PathUser, n: Count = 10) -> Response:
    """The movies whose rating would be most informative about this user."""
    query = {"user": user, "n": n}
    return reply(Forecasts(query, service.live.served.model.name, service.suggest(user, n)))


@router.get(
    "/users/{user}/explanations/{movie}", tags=["forecasts"], **_response(ForecastExplanation)
)
async def explain(service: Service, user: PathUser, movie: PathMovie, n: Count = 10) -> Response:
    """The user's ratings with the largest effect on this forecast, in stars, by leave-one-out."""
    explanation = await service.explain(user, movie, n)
    query = {"user": user, "movie": explanation.forecast.movie.id, "n": n}
    name = service.live.served.model.name
    return reply(ForecastExplanation(query, name, explanation.forecast, explanation.reasons))


@router.post(
    "/users",
    tags=["users"],
    dependencies=[Depends(require_service_token)],
    **_response(NewUser, 201),
)
async def new_user(request: Request, service: Service) -> Response:
    """Register a new user: an unused id, and the token of this user."""
    user = await service.new_user()
    return reply(NewUser(user, request.app.state.access.token_of(user)), 201)


@router.get("/users/{user}/ratings", tags=["users"], **_response(UserRatings))
async def ratings(service: Service, user: PathUser) -> Response:
    """The user's current ratings, newest first."""
    return reply(UserRatings(user, service.ratings(user)))


@router.post("/users/{user}/ratings", tags=["users"], **_response(UserRating, 201))
async def rate(service: Service, user: PathUser, body: NewRating) -> Response:
    """Add or change a rating. It is durable before the response; the next forecast uses it."""
    return reply(await service.rate(user, body.movie, body.stars), 201)


@router.post("/users/{user}/ratings/many", tags=["users"], **_response(UserRatings, 201))
async def rate_many(service: Service, user: PathUser, body: NewRatings) -> Response:
    """Add or change several ratings: all or none."""
    given = [(rating.movie, rating.stars) for rating in body.ratings]
    return reply(UserRatings(user, await service.rate_many(user, given)), 201)


@router.put("/users/{user}/ratings/{movie}", tags=["users"], **_response(UserRating))
async def set_rating(
    service: Service, user: PathUser, movie: PathMovie, body: NewStars
) -> Response:
    """Add or change the rating of one movie."""
    return reply(await service.rate(user, movie, body.stars))


@router.delete("/users/{user}/ratings/{movie}", tags=["users"], status_code=204)
async def delete_rating(service: Service, user: PathUser, movie: PathMovie) -> Response:
    """Delete a rating: later forecasts are as if it had never been given."""
    await service.delete_rating(user, movie)
    return Response(status_code=204)


@router.delete("/users/{user}", tags=["users"], status_code=204)
async def forget(service: Service, user: PathUser) -> Response:
    """Delete a user: the id and all ratings, at once here, and with the next refit everywhere."""
    await service.forget(user)
    return Response(status_code=204)


@router.get("/catalogue", tags=["movies"], **_response(AllMovies))
async def catalogue(service: Service) -> Response:
    """All movies of the catalogue, to which a list of your own can be matched."""
    return reply(AllMovies(service.catalogue()))


@router.get("/movies/{movie}", tags=["movies"], **_response(Movie))
async def movie(service: Service, movie: PathMovie) -> Response:
    """One movie."""
    return reply(service.movie(movie))


@router.get("/movies/{movie}/similar", tags=["movies"], **_response(SimilarMovies))
async def similar(service: Service, movie: PathMovie, n: Count = 10) -> Response:
    """The movies most similar to this one, by the cosine of their factors."""
    movies = service.similar(movie, n)
    return reply(SimilarMovies({"movie": service.movie(movie).id, "n": n}, movies))


@router.get("/model", tags=["movies"], **_response(ModelInfo))
async def model(service: Service) -> Response:
    """The served model, and what it knows."""
    return reply(service.model_info())
