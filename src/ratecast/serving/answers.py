"""What the desk answers, as plain records."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.models.answer import Basis, Forecast
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
    edges, names = interval(forecast.probabilities, scale), [f"{s:g}" for s in scale.stars.tolist()]
    columns = (
        forecast.stars.tolist(),
        [dict(zip(names, row, strict=True)) for row in forecast.probabilities.tolist()],
        edges.tolist(),
        forecast.heard.tolist(),
        forecast.basis.tolist(),
    )
    return [
        Answer(movie, stars, shares, (low, high), heard, Basis(basis).words)
        for movie, stars, shares, (low, high), heard, basis in zip(movies, *columns, strict=True)
    ]


def interval(probabilities: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """The stars at which 10 % and 90 % of the probability are reached: (n, 2)."""
    reached = np.cumsum(probabilities, axis=1)
    last = probabilities.shape[1] - 1
    low, high = (reached < TAIL).sum(axis=1), (reached < 1 - TAIL - 1e-12).sum(axis=1)
    edges: NDArray[np.float64] = scale.stars[np.minimum(np.column_stack([low, high]), last)]
    return edges
