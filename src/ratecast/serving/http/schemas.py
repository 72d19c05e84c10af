"""Schemas of request bodies and responses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from ratecast.ids import HIGHEST, LOWEST, MOST_BYTES, Id
from ratecast.serving.catalogue import Movie
from ratecast.serving.records import MovieForecast, RatingEffect, SimilarMovie, UserRating
from ratecast.serving.titles import Unresolved
from ratecast.serving.together import MovieTogether

MAX_ENTRIES = 1000
Count = Annotated[int, Query(ge=1, le=100, description="how many, at most")]


def _one_fault(value: Any, check: Callable[[Any], Any]) -> Any:
    """The checked value; one fault for what is none of its types, instead of one for each type."""
    # A float would be taken in its place, which is another number.
    if isinstance(value, int) and not LOWEST <= value <= HIGHEST:
        raise PydanticCustomError(
            "id",
            "is no id; write a whole number from {low} to {high}, or text",
            {"low": LOWEST, "high": HIGHEST},
        )
    try:
        return check(value)
    except ValidationError:
        raise PydanticCustomError(
            "id",
            "is no id; write a whole number, or text of 1 to {most} characters",
            {"most": MOST_BYTES},
        ) from None


BodyId = Annotated[
    Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
    # Programs that know floats only write 17850.0.
    | Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[str, Field(min_length=1, max_length=MOST_BYTES)],
    WrapValidator(_one_fault),
]
Stars = Annotated[float, Field(allow_inf_nan=False, description="on the scale of the model")]


class RequestBody(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Pair(RequestBody):
    """A user and a movie."""

    user: BodyId
    movie: BodyId


class Pairs(RequestBody):
    """Pairs of a user and a movie."""

    requests: Annotated[list[Pair], Field(min_length=1, max_length=MAX_ENTRIES)]


class NewRating(RequestBody):
    """A rating of one movie."""

    movie: BodyId
    stars: Stars


class NewRatings(RequestBody):
    """Ratings of several movies by one user: all are stored, or none."""

    ratings: Annotated[list[NewRating], Field(min_length=1, max_length=MAX_ENTRIES)]


class NewStars(RequestBody):
    """The new stars of a movie."""

    stars: Stars


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The query, and one forecast per movie."""

    query: dict[str, Any]
    model: str
    forecasts: list[MovieForecast]


@dataclass(frozen=True, slots=True)
class RankedList(Forecasts):
    """A list of movies ranked for a user. unresolved: titles that are no movie for certain."""

    unresolved: list[Unresolved]


@dataclass(frozen=True, slots=True)
class TitleForecast:
    """The query, and the forecast of its title. found: `known`, or `new`: no movie has the title.

    The record of a new one has an empty id.
    """

    query: dict[str, Any]
    model: str
    found: str
    forecast: MovieForecast


@dataclass(frozen=True, slots=True)
class Together:
    """The query, and the best movies for a group of users."""

    query: dict[str, Any]
    model: str
    movies: list[MovieTogether]


@dataclass(frozen=True, slots=True)
class PairForecast:
    """A forecast, and the user it is for."""

    user: Id
    forecast: MovieForecast


@dataclass(frozen=True, slots=True)
class PairForecasts:
    """The query, and one forecast per pair, in the order of the request."""

    query: dict[str, Any]
    model: str
    forecasts: list[PairForecast]


@dataclass(frozen=True, slots=True)
class ForecastExplanation:
    """The query, the forecast, and the ratings with the largest effect on it."""

    query: dict[str, Any]
    model: str
    forecast: MovieForecast
    reasons: list[RatingEffect]


@dataclass(frozen=True, slots=True)
class SimilarMovies:
    """The query, and the most similar movies, best first."""

    query: dict[str, Any]
    movies: list[SimilarMovie]


@dataclass(frozen=True, slots=True)
class MovieSearch:
    """The query, and the movies that match, best first; or a page of movies by their ids.

    after: of a page, the id to go on after; null at the end, and for a search.
    """

    query: dict[str, Any]
    movies: list[Movie]
    after: Id | None = None


@dataclass(frozen=True, slots=True)
class AllMovies:
    """All movies of the catalogue."""

    movies: list[Movie]


@dataclass(frozen=True, slots=True)
class UserRatings:
    """A user and their ratings."""

    user: Id
    ratings: list[UserRating]


@dataclass(frozen=True, slots=True)
class NewUser:
    """A new user. token: the token of this user; null for a service without tokens."""

    user: Id
    token: str | None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """Status of the service: `alive` or `ready`."""

    status: str


def reply(record: Any, status: int = 200) -> Response:
    """A record as a JSON response."""
    body = orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json")
