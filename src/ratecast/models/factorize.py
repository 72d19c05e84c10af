"""Biases and factors of a large table on a CPU: epochs of descent, and which of them is kept."""

from dataclasses import dataclass, field

import numpy as np

from ratecast.errors import InputError
from ratecast.models.kernels.order import F32, Triples, sorted_by
from ratecast.models.kernels.score import score
from ratecast.models.kernels.strata import Factors, Strata, epoch

Sides = tuple[Factors, Factors]


@dataclass(frozen=True, kw_only=True)
class DescentSettings:
    """How the kernel descends: epochs, rate (it falls to 0 along a half cosine) and decay.

    decay: pull of a vector to 0 at each of its ratings, in squared stars, beside the priors of the
    model, which pull once an epoch. Where popular movies have many times the ratings of others, a
    penalty that grows with them forecasts better.
    Reference: Srebro, Salakhutdinov 2010, "Collaborative filtering in a non-uniform world".
    """

    epochs: int = 20
    learning_rate: float = 0.02
    decay: float = 0.03
    patience: int = 3

    def __post_init__(self) -> None:
        for name in ("epochs", "patience"):
            if getattr(self, name) < 1:
                raise InputError(f"descent.{name} is {getattr(self, name)}; it must be 1 or more")
        for name in ("learning_rate", "decay"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"descent.{name} is {getattr(self, name)}; give 0 or more")

    def rate(self, past: int) -> float:
        """Of the epoch after `past` others."""
        return self.learning_rate * 0.5 * (1 + float(np.cos(np.pi * past / self.epochs)))


@dataclass(frozen=True)
class Task:
    """What is learned from: ratings, lines of either side, and the priors' pulls.

    train: (users, movies, above), each (n,), ordered by user; valid: the same, or None. sizes: rows
    of users and of movies, the unknown's included. pulls: of users and of movies, each of the bias
    and of the vector.
    """

    train: Triples
    valid: Triples | None
    sizes: tuple[int, int]
    pulls: tuple[tuple[float, float], tuple[float, float]]
    width: int
    spread: float
    seed: int


@dataclass
class _Best:
    rmse: float = np.inf
    epochs: int = 0
    sides: Sides | None = field(default=None, repr=False)


def factorize(
    task: Task, settings: DescentSettings, epochs: int | None = None
) -> tuple[Sides, int]:
    """Both sides, row 0 of each the unknown's, and how many epochs they stand for.

    With `valid`, the epoch of least RMSE there is kept; without, the last one, or the `epochs`-th.
    """
    random = np.random.default_rng(task.seed)
    sides = _start(task, random)
    counts = _counts(task)
    strata = Strata.of(task.train, *counts)
    weights = counts[0].astype(np.float32), (counts[1] > 0).astype(np.float32)
    best = _Best()
    for past in range(epochs or settings.epochs):
        rate = settings.rate(past)
        epoch(strata, sides, (rate, settings.decay), random)
        for side, weight, pulls in zip(sides, weights, task.pulls, strict=True):
            side.pulled(side.centre(weight), (rate * pulls[0], rate * pulls[1]))
        if task.valid is not None and _waits_too_long(best, sides, task.valid, past + 1, settings):
            break
    kept = best.sides or sides
    _set_unknown(kept, weights)
    return kept, best.epochs or epochs or settings.epochs


def by_user(users: np.ndarray, movies: np.ndarray, above: F32, rows: int) -> Triples:
    """Ratings ordered by user, otherwise as they stand."""
    ordered: Triples = sorted_by(users, rows, (users, movies, above))[1]
    return ordered


def rmse(sides: Sides, triples: Triples) -> float:
    """Over all rows, not clipped, in the units of `triples`."""
    users, movies, above = triples
    said = score(users, movies, sides[0].vectors, sides[1].vectors)
    said += sides[0].biases[users]
    said += sides[1].biases[movies]
    said -= above
    return float(np.sqrt(np.mean(np.square(said, dtype=np.float64))))


def _start(task: Task, random: np.random.Generator) -> Sides:
    users, movies = (Factors.drawn(rows, task.width, task.spread, random) for rows in task.sizes)
    return users, movies


def _counts(task: Task) -> tuple[np.ndarray, np.ndarray]:
    users, movies = (
        np.bincount(rows, minlength=size)
        for rows, size in zip(task.train[:2], task.sizes, strict=True)
    )
    return users, movies


def _waits_too_long(
    best: _Best, sides: Sides, valid: Triples, epochs: int, settings: DescentSettings
) -> bool:
    """Keep the best epoch so far; whether `patience` epochs passed since."""
    found = rmse(sides, valid)
    if found < best.rmse:
        best.rmse, best.epochs = found, epochs
        best.sides = sides[0].copy(), sides[1].copy()
    return epochs - best.epochs >= settings.patience


def _set_unknown(sides: Sides, weights: tuple[F32, F32]) -> None:
    """The unknown user is like the mean row, the unknown movie like the mean movie."""
    for side, weight in zip(sides, weights, strict=True):
        side.biases[0], side.vectors[0] = side.centre(weight)
