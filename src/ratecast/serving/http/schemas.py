"""What requests may say and what answers look like, for the API and its description."""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ratecast.serving.catalogue import Id, Movie
from ratecast.serving.records import Answer, Likeness, Rated, Reason

MOST_MOVIES = 1000
Count = Annotated[int, Query(ge=1, le=100, description="how many, at most")]
BodyId = (
    Annotated[int, Field(ge=-(10**18) + 1, le=10**18 - 1)]
    | Annotated[str, Field(min_length=1, max_length=128)]
)
Stars = Annotated[float, Field(allow_inf_nan=False, description="on the scale of the model")]


class Form(BaseModel):
    """A body that says nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Pair(Form):
    """Who is asked about, and which movie."""

    user: BodyId
    movie: BodyId


class Pairs(Form):
    """Many questions at once."""

    requests: Annotated[list[Pair], Field(min_length=1, max_length=MOST_MOVIES)]


class NewRating(Form):
    """Stars for a movie."""

    movie: BodyId
    stars: Stars


class NewRatings(Form):
    """Stars for several movies of one user: all are kept, or none."""

    ratings: Annotated[list[NewRating], Field(min_length=1, max_length=MOST_MOVIES)]


class NewStars(Form):
    """Other stars for a movie."""

    stars: Stars


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The question, and a forecast for each movie, in the order asked."""

    query: dict[str, Any]
    model: str
    forecasts: list[Answer]


@dataclass(frozen=True, slots=True)
class PairForecast:
    """A forecast, and of whom it is."""

    user: Id
    forecast: Answer


@dataclass(frozen=True, slots=True)
class PairForecasts:
    """A forecast for each pair, in the order asked."""

    query: dict[str, Any]
    model: str
    forecasts: list[PairForecast]


@dataclass(frozen=True, slots=True)
class Explained:
    """The question, the forecast, and the ratings that moved it most."""

    query: dict[str, Any]
    model: str
    forecast: Answer
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class Alike:
    """The question, and the movies most like the one asked about."""

    query: dict[str, Any]
    movies: list[Likeness]


@dataclass(frozen=True, slots=True)
class Found:
    """The question, and the movies found, best first."""

    query: dict[str, Any]
    movies: list[Movie]


@dataclass(frozen=True, slots=True)
class Kept:
    """Whose ratings, and the ratings."""

    user: Id
    ratings: list[Rated]


@dataclass(frozen=True, slots=True)
class NewUser:
    """An id that nobody had. token: what this user may act with; null where nothing asks for it."""

    user: Id
    token: str | None


@dataclass(frozen=True, slots=True)
class State:
    """Whether the service lives, or is ready."""

    status: str


def reply(record: Any, status: int = 200) -> Response:
    """A record as JSON."""
    body = orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json")
