"""What the tools answer, as types: their fields and descriptions are sent to the client.

They hold a part of what the service answers, under the same names.
"""

from typing import Annotated

from pydantic import BaseModel, Field

from ratecast.queries.together import Measure

UserId = Annotated[int | str, Field(description="id of the user")]
Stars = Annotated[float, Field(description="stars, on the scale of the model")]


class Scale(BaseModel):
    """The scale of all stars."""

    lowest: float = Field(description="the lowest rating that can be given, in stars")
    highest: float = Field(description="the highest rating that can be given, in stars")
    stars: list[float] = Field(
        description="each rating that can be given; empty where all between the two can"
    )


class Movie(BaseModel):
    """A movie of the catalogue."""

    id: int | str = Field(description="id of the movie, which the other tools take")
    title: str
    year: int | None = Field(description="year of release; null where it is not known")
    genres: list[str]
    seen: int = Field(ge=0, description="how many ratings of it the model was trained on")


class Movies(BaseModel):
    """Movies that were found, best match first."""

    movies: list[Movie]


class Forecast(BaseModel):
    """What a user will give a movie."""

    movie: Movie
    stars: float = Field(description="expected stars, on the scale")
    interval: list[float] = Field(
        description="the stars are between these two with a probability of 80 percent",
        min_length=2,
        max_length=2,
    )
    probabilities: dict[str, float] = Field(
        description="probability, 0 to 1, of each star, or of each range of a continuous scale"
    )
    history_length: int = Field(
        ge=0, description="how many ratings of the user it rests on; 0: what all users give"
    )
    basis: str = Field(description="whether user and movie are known to the model, in words")


class Forecasts(BaseModel):
    """Forecasts for one user."""

    model: str = Field(description="name of the model")
    scale: Scale
    forecasts: list[Forecast]


class Effect(BaseModel):
    """A rating of the user, and its effect on a forecast."""

    movie: Movie
    stars: float = Field(description="what the user gave, in stars")
    at: int | None = Field(description="when, in UTC seconds; null where it is not known")
    effect: float = Field(description="the forecast minus that without this rating, in stars")


class Explanation(BaseModel):
    """A forecast, and the ratings of the user with the largest effect on it, largest first."""

    model: str = Field(description="name of the model")
    scale: Scale
    forecast: Forecast
    reasons: list[Effect]


class MovieTogether(BaseModel):
    """A movie for several users; they are taken as independent given the model."""

    movie: Movie
    chance: float = Field(
        ge=0, le=1, description="probability that each user gives at least the wanted stars"
    )
    mean: float = Field(description="mean of their expected stars")
    least: float = Field(description="expected value of the lowest of their stars")


class Together(BaseModel):
    """Movies for several users, best first."""

    model: str = Field(description="name of the model")
    scale: Scale
    stars: float = Field(description="the wanted stars")
    by: Measure = Field(description="the measure that ranks")
    movies: list[MovieTogether]


class Rated(BaseModel):
    """A rating that is stored now; the next forecast uses it."""

    movie: Movie
    stars: float = Field(description="the rating, in stars")
    at: int | None = Field(description="when it was given, in UTC seconds")
