"""Results of the service, as plain records that are written as JSON."""

from dataclasses import dataclass
from functools import lru_cache

from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.ratings import Scale
from ratecast.serving.catalogue import Id, Movie

# The interval leaves out this probability on each side.
TAIL = 0.1


@dataclass(frozen=True, slots=True)
class MovieForecast:
    """The forecast for one movie.

    stars: expected stars, on the scale. probabilities: of each star of the scale, sum 1. interval:
    the 10 % and 90 % quantiles, in stars. history_length: number of the user's ratings that the
    forecast uses. basis: whether user and movie are known, in words.
    """

    movie: Movie
    stars: float
    probabilities: dict[str, float]
    interval: tuple[float, float]
    history_length: int
    basis: str


@dataclass(frozen=True, slots=True)
class SimilarMovie:
    """A similar movie. cosine: cosine similarity of the two movies' factors, at most 1."""

    movie: Movie
    cosine: float


@dataclass(frozen=True, slots=True)
class RatingEffect:
    """The effect of one of the user's ratings on a forecast.

    at: UTC seconds, or null. effect: stars with the rating minus stars without it.
    """

    movie: Movie
    stars: float
    at: int | None
    effect: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A forecast, and the ratings with the largest effect on it."""

    forecast: MovieForecast
    reasons: list[RatingEffect]


@dataclass(frozen=True, slots=True)
class UserRating:
    """A current rating. at: UTC seconds, or null. live: given to the service, not in a file."""

    movie: Movie
    stars: float
    at: int | None
    live: bool


@dataclass(frozen=True, slots=True)
class UserExport:
    """All data of a user.

    registered: UTC second in which the service made the id, or null. known: age, occupation and
    other side information.
    """

    user: Id
    registered: int | None
    ratings: list[UserRating]
    known: dict[str, object]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The served model.

    scale: its stars. star_shares: the share of each star in its training ratings, sum 1. users,
    movies: how many it knows. last_seq: sequence number of the last stored event that the model has
    applied.
    """

    model: str
    artifact: str
    scale: list[float]
    star_shares: list[float]
    users: int
    movies: int
    genres: list[str]
    last_seq: int


def movie_forecasts(movies: list[Movie], forecast: Forecast, scale: Scale) -> list[MovieForecast]:
    """One record for each row of the forecast."""
    stars, labels = _star_labels(scale)
    columns = (
        forecast.stars.tolist(),
        forecast.probabilities.tolist(),
        forecast.history_length.tolist(),
        forecast.basis.tolist(),
    )
    return [
        MovieForecast(
            movie,
            mean,
            dict(zip(labels, probabilities, strict=True)),
            (_quantile(probabilities, stars, TAIL), _quantile(probabilities, stars, 1 - TAIL)),
            history_length,
            Basis(basis).words,
        )
        for movie, mean, probabilities, history_length, basis in zip(movies, *columns, strict=True)
    ]


@lru_cache(maxsize=8)
def _star_labels(scale: Scale) -> tuple[list[float], list[str]]:
    """Every star of the scale, as number and as text."""
    stars = scale.stars.tolist()
    return stars, [f"{star:g}" for star in stars]


def _quantile(probabilities: list[float], stars: list[float], level: float) -> float:
    """The first star whose cumulative probability is at least `level`.

    The tolerance is for rounding errors of the sum.
    """
    total = 0.0
    for probability, star in zip(probabilities, stars, strict=True):
        total += probability
        if total >= level - 1e-12:
            return star
    return stars[-1]
