"""Results of the service, as plain records that are written as JSON."""

from dataclasses import dataclass

from ratecast.ids import Id
from ratecast.modelling.contract import distribution
from ratecast.modelling.contract.forecast import LEVELS, Basis, Forecast
from ratecast.ratings import Scale
from ratecast.serving.catalogue import Movie

# The interval leaves out this probability on each side.
TAIL = 0.1


@dataclass(frozen=True, slots=True)
class MovieForecast:
    """The forecast for one movie.

    stars: expected stars, on the scale. probabilities: of each star of the scale, or of each of 16
    ranges of a continuous one, sum 1. interval: the 10 % and 90 % quantiles, in stars.
    history_length: number of the user's ratings that the forecast uses. basis: whether user and
    movie are known, in words. quantiles: in stars, by their level; none on a scale of stars.
    """

    movie: Movie
    stars: float
    probabilities: dict[str, float]
    interval: tuple[float, float]
    history_length: int
    basis: str
    quantiles: dict[str, float]


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
    other side information. seen: movies that the user marked as seen without a rating.
    """

    user: Id
    registered: int | None
    ratings: list[UserRating]
    known: dict[str, object]
    seen: list[Movie]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The served model.

    scale: its stars, or the lowest and the highest rating of a continuous scale. star_shares: the
    share of each star, or of each cell of a continuous scale, in its training ratings, sum 1.
    users, movies: how many it knows. last_seq: sequence number of the last stored event that the
    model has applied.
    """

    model: str
    artifact: str
    scale: list[float]
    star_shares: list[float]
    users: int
    movies: int
    genres: list[str]
    last_seq: int
    continuous: bool


def movie_forecasts(movies: list[Movie], forecast: Forecast, scale: Scale) -> list[MovieForecast]:
    """One record for each row of the forecast."""
    columns = (
        forecast.stars.tolist(),
        scale.shown(forecast.probabilities).tolist(),
        *_intervals(forecast, scale),
        forecast.history_length.tolist(),
        forecast.basis.tolist(),
    )
    return [
        MovieForecast(
            movie,
            mean,
            dict(zip(scale.labels, shares, strict=True)),
            interval,
            history_length,
            Basis(basis).words,
            quantiles,
        )
        for movie, mean, shares, interval, quantiles, history_length, basis in zip(
            movies, *columns, strict=True
        )
    ]


def _intervals(
    forecast: Forecast, scale: Scale
) -> tuple[list[tuple[float, float]], list[dict[str, float]]]:
    """The interval of each row, and its quantiles where the scale is continuous."""
    shares = forecast.probabilities
    ends = distribution.quantiles(shares, scale, (TAIL, 1 - TAIL)).tolist()
    intervals = [(low, high) for low, high in ends]
    if not scale.is_continuous:
        return intervals, [{}] * len(intervals)
    names = [f"{level:g}" for level in LEVELS]
    rows = distribution.quantiles(shares, scale, LEVELS).tolist()
    return intervals, [dict(zip(names, row, strict=True)) for row in rows]
