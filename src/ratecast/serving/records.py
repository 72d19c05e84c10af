"""What the desk answers, as plain records."""

from dataclasses import dataclass
from functools import lru_cache

from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.ratings import Scale
from ratecast.serving.catalogue import Id, Movie

TAIL = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """A forecast for one movie.

    stars: expected, on the scale. probabilities: of each star of the scale. interval: the stars
    between which the central 80 % lies. heard: how many ratings of the user it rests on. basis: in
    words, whether user and movie are known.
    """

    movie: Movie
    stars: float
    probabilities: dict[str, float]
    interval: tuple[float, float]
    heard: int
    basis: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """A movie like the one asked about. cosine: how alike, at most 1."""

    movie: Movie
    cosine: float


@dataclass(frozen=True, slots=True)
class Reason:
    """One rating of the user: without it, the forecast would be lower by `effect` stars."""

    movie: Movie
    stars: float
    at: int | None
    effect: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A forecast, and the ratings that moved it most."""

    answer: Answer
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating in force. at: UTC seconds, where known. live: given here, not in a file."""

    movie: Movie
    stars: float
    at: int | None
    live: bool


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that the service knows of a user. registered: UTC second of the id, if it was."""

    user: Id
    registered: int | None
    ratings: list[Rated]
    known: dict[str, object]


@dataclass(frozen=True, slots=True)
class Facts:
    """Which model serves, and what it knows."""

    model: str
    artifact: str
    scale: list[float]
    users: int
    movies: int
    genres: list[str]
    heard_to: int


def answers(movies: list[Movie], forecast: Forecast, scale: Scale) -> list[Answer]:
    """A record for each row of the forecast."""
    stars, names = _stars(scale)
    columns = (
        forecast.stars.tolist(),
        forecast.probabilities.tolist(),
        forecast.history_length.tolist(),
        forecast.basis.tolist(),
    )
    return [
        Answer(
            movie,
            mean,
            dict(zip(names, shares, strict=True)),
            (_reached(shares, stars, TAIL), _reached(shares, stars, 1 - TAIL)),
            heard,
            Basis(basis).words,
        )
        for movie, mean, shares, heard, basis in zip(movies, *columns, strict=True)
    ]


@lru_cache(maxsize=8)
def _stars(scale: Scale) -> tuple[list[float], list[str]]:
    """Every star, and how it is written."""
    stars = scale.stars.tolist()
    return stars, [f"{star:g}" for star in stars]


def _reached(shares: list[float], stars: list[float], part: float) -> float:
    """The star at which so much of the probability is reached; sums are not exact."""
    total = 0.0
    for share, star in zip(shares, stars, strict=True):
        total += share
        if total >= part - 1e-12:
            return star
    return stars[-1]
